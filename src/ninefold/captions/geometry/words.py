"""The number of nouns, by the rules of English spelling."""

from ninefold.captions.geometry.lists import IRREGULAR, PLURAL_ONLY


def singular(word: str) -> str:
    """Return a noun's singular by the rules of English spelling, such as "leaf" of "leaves"."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) < 4 or word in PLURAL_ONLY or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes")) else word[:-1]


def is_plural(word: str) -> bool:
    """Whether a noun is a plural, or a singular that names many things, such as "people"."""
    return singular(word) != word
