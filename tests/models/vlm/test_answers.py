"""The text of generated tokens, with a tokenizer of a few words."""

import pytest

from ninefold.models.vlm.answers import AnswerTokens

WORDS = ["<end>", "[THINK]", "[/THINK]", "<box>", "left", "right"]


class Tokenizer:
    all_special_ids = (0, 1, 2, 3)

    def decode(self, tokens, *, skip_special_tokens, clean_up_tokenization_spaces):
        return " ".join(WORDS[token] for token in tokens if not (skip_special_tokens and token in self.all_special_ids))


class Processor:
    tokenizer = Tokenizer()

    def __init__(self, opening=""):
        self.opening = opening

    def apply_chat_template(self, turns, *, add_generation_prompt=False):
        return "user ? assistant" + self.opening


@pytest.mark.parametrize(
    ("tokens", "text", "truncated"),
    [
        ([4, 0, 5], "left", False),
        ([3, 4], "left", True),
        ([1, 5, 2, 4, 0], "[THINK] right [/THINK] left", False),
        ([1, 5], "[THINK] right", True),
    ],
)
def test_special_tokens_are_kept_only_where_they_mark_thoughts(tokens, text, truncated):
    assert AnswerTokens(Processor(), [0]).decode(tokens) == (text, truncated)


def test_a_thought_that_the_prompt_opens_keeps_its_tag():
    assert AnswerTokens(Processor("\n<think>\n"), [0]).decode([4, 5]) == ("<think>left right", True)


class Writing(Processor):
    """A template that ends answers, and a tokenizer by words; a token of another index than a word's has no text."""

    @property
    def tokenizer(self):
        return self

    def decode(self, tokens):
        return "".join(WORDS[token] for token in tokens if token < len(WORDS))

    def __call__(self, text, *, add_special_tokens):
        return {"input_ids": [WORDS.index(word) for word in text.split() if word in WORDS]}

    def apply_chat_template(self, turns, *, add_generation_prompt=False):
        answer = "" if add_generation_prompt else f"{turns[1]['content'][0]['text']} <end>"
        return f"user ? assistant {answer}"


def test_an_end_token_without_a_text_cuts_off_no_answer():
    assert AnswerTokens(Writing(), [len(WORDS), 0]).encode("left right") == (4, 5, 0)
