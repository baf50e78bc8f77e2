"""The paper's own numbers: Tables 2 and 8, and the total of Table 1."""

from ninefold.captions.sources.corpora import PaperCounts

TOTAL = PaperCounts(captions=1_581_000, kept=455_000, words=113, pairs=3_372_000)
"""The last row of Table 1; the mean of words is weighted by captions."""

TABLE_2 = {
    "VQAv2": (443_800, 1.44),
    "GQA": (943_000, 3.07),
    "OKVQA": (9_000, 0.03),
    "Visual7W": (327_900, 1.07),
    "VSR": (7_700, 0.03),
    "FSC147": (6_100, 0.02),
    "Objects365-YorN": (29_000_000, 94.35),
    "Hateful-Memes": (10_000, 0.03),
    "total": (30_747_500, 100.0),
}
"""Pairs of the sets that the paper has analyzed, and their shares in percent, as it prints them."""

TABLE_8 = {
    "Qwen2.5 0.5B": (0.33, 1.0, 0.20, 0.33),
    "Qwen2.5 1.5B": (0.60, 1.0, 0.56, 0.71),
    "Qwen2.5 3B": (0.57, 1.0, 0.54, 0.70),
    "Qwen2.5 7B": (0.63, 1.0, 0.58, 0.73),
}
"""Accuracy, precision, recall and F1 of filters, on 100 captions labelled by hand; the paper uses the one of 3B."""
