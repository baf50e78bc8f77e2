"""Files that lmms-eval leaves in a run folder, relative to it, and the columns made of them."""

from ninefold.runs import layout

ANSWERS = f"{layout.LMMS}/answers.jsonl"
"""Answers as our plug-in wrote them while lmms-eval ran; an interrupted run goes on from it."""
IMAGES = f"{layout.LMMS}/images.json"
"""Settings of the image processor, which our plug-in writes beside its answers."""
OUTPUT = f"{layout.LMMS}/output"
"""What lmms-eval wrote: its results, its log of samples, and files for submission."""
RESULTS = f"{layout.LMMS}/results.json"
"""Its results, a copy of the last file of them in its output."""
LOG = f"{layout.LMMS}/log.txt"
"""Everything it printed."""

KIT_SCORE = "kit_score"
"""The column of the kit's own score of each row."""
