"""What a model thinks is not what it answers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.questions.catalog import find_format
from ninefold.questions.formats.thoughts import is_tag, opened_at_end, read_spoken, spoken
from ninefold.space import LABELS

PAIRS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<THOUGHT>", "</THOUGHT>"),
    ("<reasoning>", "</reasoning>"),
    ("<thought_process>", "</thought_process>"),
    ("<inner_monologue>", "</inner_monologue>"),
    ("<cot>", "</cot>"),
    ("<my-chain_of_thought>", "</my-chain_of_thought>"),
    ("<reasoning_content>", "</reasoning_content>"),
    ("<internal_thoughts>", "</internal_thoughts>"),
    ("<self-reflection>", "</self-reflection>"),
    ("< think >", "< /think >"),
    ("<|thinking|>", "</|thinking|>"),
    ("<\uff5cbegin\u2581of\u2581thinking\uff5c>", "<\uff5cend\u2581of\u2581thinking\uff5c>"),
    ("\u2039\uff5cbegin\u2581of\u2581thinking\uff5c>", "<\uff5cend\u2581of\u2581thinking\uff5c>"),
    ("<seed:think>", "</seed:think>"),
    ("<|think|>", "<|/think|>"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis", "assistantfinal"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
]


def read(text, *, truncated=False, name="labels", options=LABELS, begun_before=False):
    answer = read_spoken(find_format(name), text, options, truncated=truncated, begun_before=begun_before)
    return answer.label or answer.kind


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ('<details type="reasoning" done="true">\n<summary>Thought</summary>', "</details>"),
        ("```thinking\n", "\n```\n"),
    ],
)
def test_some_closings_close_only_their_own_kind(opening, closing):
    assert read(f"{opening}bottom right{closing}top left") == "top left"
    assert read(f"{opening}bottom right", truncated=True) == "truncated"
    assert read(f"top left{closing}") == "top left"
    assert read(f"<think>bottom right{closing}center</think>top left") == "top left"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<plan>It may be top left", "truncated"),
        ('\n<step n="1">It may be top left</ste', "truncated"),
        ("<think>a</think><plan>top left", "truncated"),
        ("<plan>It</plan> top left, I", "top left"),
        ("<answer>top left", "top left"),
        ("<final_answer>top left", "top left"),
        ("<response>top left", "top left"),
        ("<b>top left", "top left"),
        ("It is <plan>top left", "top left"),
        ("<3 top left", "top left"),
        ("<br/>top left", "top left"),
        ("<plan />top left", "top left"),
        ("<think />top left", "top left"),
        ("<no_think>top left", "truncated"),
    ],
)
def test_a_text_cut_off_within_an_unknown_tag_is_not_read(text, expected):
    assert read(text, truncated=True) == expected


@pytest.mark.parametrize("part", ["< ", "<think ", "<details type=", "a_-", "<|", "\n```think", "center - "])
def test_reading_takes_linear_time(part):
    begun = time.perf_counter()
    read(part * 20_000, truncated=True)
    assert time.perf_counter() - begun < 2  # if it were quadratic, a minute


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_a_thought_is_never_read(opening, closing):
    thought = "It may be bottom right."
    for text in (f"{opening}{thought}{closing}top left", f"\n{opening} {thought}\n{closing}\n\n **top left**"):
        if not (text[0] == "\n" and opening == "analysis"):
            assert read(text) == "top left"
    assert read(f"{thought}{closing}top left") == "top left"  # the prompt has opened it
    assert read(f"{opening}{thought}", truncated=True) == "truncated"
    assert read(f"{opening}{thought}{closing}", truncated=True) == "truncated"
    assert read(f"{opening}{thought}") == read(f"{opening}{thought}{closing} ") == "empty"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think> it may be bottom right. I see", "empty"),
        ("<think>a</think>top left<think>center</think>", "top left"),
        ("<think>left <think>center</think>top left", "top left"),
        ("<think>a</think> center </think> top left", "top left"),
        ("<think></think>\n\n<answer>top left</answer>", "top left"),
        ("<|begin_of_box|>top left<|end_of_box|>", "top left"),
        ('<think type="deep">center</think>top left', "top left"),
        ("I think it is top left", "top left"),
        ("In my analysis: top left", "top left"),
        ("analysis of the picture: top left", "top left"),
        ("a < b, top left > center", "several labels"),
        ("<thin", "no label"),
    ],
)
def test_what_counts_as_a_thought(text, expected):
    assert read(text) == expected


def test_all_formats_read_what_is_outside_thoughts():
    thought = "<think>\nB? blue? false?\n</think>\n\n"
    assert read(f"{thought}A", name="letters", options=("left", "right")) == "left"
    assert read(f"{thought}<answer>Red</answer>", name="short_text", options=("red", "blue")) == "red"
    assert read(f"{thought}True", name="true_false", options=()) == "True"


def test_a_cut_off_text_without_tags_is_a_thought_where_the_prompt_opens_one():
    assert read("It may be bottom right. I see", truncated=True, begun_before=True) == "truncated"
    assert read("It may be bottom right. I see", truncated=True) == "bottom right"
    assert read("Hm.</think>top left, then", truncated=True, begun_before=True) == "top left"
    assert spoken("Hm.</think>top left").begun_before and not spoken("<think></think>top left").begun_before


def test_tags_of_prompts_and_special_tokens():
    assert opened_at_end("<|im_start|>assistant\n<think>\n") == "<think>"
    assert opened_at_end("<|im_start|>assistant\n<think>\n\n</think>\n\n") == ""
    assert opened_at_end("<|im_start|>assistant\n") == ""
    assert is_tag("[THINK]") and is_tag("</think>") and not is_tag("<|im_end|>")


@given(st.lists(st.sampled_from([*(tag for pair in PAIRS[:5] for tag in pair), "top left", " center ", "."])))
def test_only_words_outside_thoughts_count(parts):
    """Compare with a reading part by part."""
    outside, thinking = "", False
    for part in parts:
        if any(part == closing for _, closing in PAIRS):
            outside, thinking = ("" if not thinking else outside), False
        elif any(part == opening for opening, _ in PAIRS):
            thinking = True
        elif not thinking:
            outside += part
    said = spoken("".join(parts))
    assert (said.text, said.unfinished) == (outside, thinking)
