"""Names of the further files of a data set folder that was made from captions; no other data set has them."""

SOURCE = "captions"
"""Name of the source in the manifest of such a data set."""

CAPTIONS = "captions.parquet"
"""The captions that have a pair: id, text, image, path, corpus, label, described."""

COUNTS = "counts.json"
"""The number of captions and pairs at each step, which add up."""

REJECTED = "rejected.parquet"
"""Every pair that a check has rejected, with the columns of the data set's rows, the check, and the detail."""

LEFT_OUT = "left_out.parquet"
"""Rows and captions that are not used: id, reason, detail."""

FAILED = "failed.parquet"
"""Captions without a usable output, and captions of whose output a part was broken: id, reason, raw output."""

TIMING = "timing.json"
"""Times, machine, and tokens paid: all that differs from run to run."""

GEOMETRY = "geometry.json"
"""Facts that boxes confirm or contradict, written by `ninefold captions check-geometry`."""

GEOMETRY_FACTS = "geometry.parquet"
"""Each of those facts with its boxes and the reason, for whoever wants to look at them."""

REVIEW = "review"
"""Folder of samples and verdicts of `ninefold captions review`."""

FILES = (CAPTIONS, COUNTS, REJECTED, LEFT_OUT, FAILED, TIMING, GEOMETRY, GEOMETRY_FACTS)
"""The files that a command makes again from others; verdicts in `REVIEW` are people's work, and never replaced."""
