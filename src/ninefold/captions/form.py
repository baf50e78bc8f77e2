"""The form that every pair of a data set has; what has another one is counted and kept aside, whoever wrote it."""

from dataclasses import replace

from ninefold.captions.caption import Caption
from ninefold.captions.pair import Pair
from ninefold.captions.taxonomy import RELATIONS
from ninefold.data.sources.pair_facts import FRAMES, is_line
from ninefold.questions.formats.short_text import normalized

FORM = "form"
"""Its name among the checks."""

_NAMES = {"", *(relation.name for relation in RELATIONS)}


def on_one_line(pair: Pair) -> Pair:
    """Return a pair whose texts are one line with single spaces, whatever stood between the words of the caption."""
    texts = (pair.question, pair.answer, pair.subject, pair.object)
    single = [" ".join(text.split()) for text in texts]
    if single == list(texts):
        return pair
    question, answer, subject, object_ = single
    return replace(pair, question=question, answer=answer, subject=subject, object=object_)


def fault(pair: Pair, caption: Caption) -> str:
    """Return why no data set can hold a pair, in one line; "" if it can."""
    if not is_line(pair.question) or not pair.question.endswith("?"):
        return "the question is not one line that ends with a question mark"
    if not is_line(pair.answer):
        return "the answer is not one line of words"
    if not normalized(pair.answer):
        return "the answer holds no word"
    if pair.relation not in _NAMES or pair.frame not in FRAMES:
        return f"the relation {pair.relation!r:.60} or the frame {pair.frame!r:.60} is unknown"
    if not 0 <= pair.span_start <= pair.span_end <= len(caption.text) or pair.fact < 0:
        return "the span is not in the caption, or the number of the fact is negative"
    return ""
