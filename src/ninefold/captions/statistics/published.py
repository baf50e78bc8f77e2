"""The paper's own numbers: Table 2, and the total of Table 1."""

from ninefold.captions.sources.corpora import PaperCounts

TOTAL = PaperCounts(captions=1_581_000, kept=455_000, words=113, pairs=3_372_000)
"""The last row of Table 1; the mean of words is weighted by captions."""

TABLE_2 = {
    "VQAv2": 443_800,
    "GQA": 943_000,
    "OKVQA": 9_000,
    "Visual7W": 327_900,
    "VSR": 7_700,
    "FSC147": 6_100,
    "Objects365-YorN": 29_000_000,
    "Hateful-Memes": 10_000,
}
"""Pairs of the sets that the paper has analyzed."""
