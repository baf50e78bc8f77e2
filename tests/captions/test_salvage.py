import json
import time

import pytest

from ninefold.captions.engines.endpoint.salvage import salvaged

ONE = ("Where is the cat?", "On the sofa")
TWO = ("What is left of the lamp?", "A chair")
OBJECTS = [{"question": question, "answer": answer} for question, answer in (ONE, TWO)]
BARE = json.dumps(OBJECTS)


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        json.dumps({"pairs": OBJECTS}),
        json.dumps({"result": {"data": {"items": OBJECTS}}}),
        json.dumps(dict(enumerate(OBJECTS))),
        json.dumps(BARE),
        f"```json\n{BARE}\n```",
        f"Sure, here's the list (of two):\n\n{BARE}\n\nI hope that this helps!",
        f"<think>Maybe [{{\"question\": \"Where is it?\"}}]</think>{BARE}",
        json.dumps([{"q": question, "a": answer} for question, answer in (ONE, TWO)]),
        json.dumps([{"Question": question, "Answer": answer} for question, answer in (ONE, TWO)]),
        json.dumps([{"answer": answer, "id": 1, "question": question} for question, answer in (ONE, TWO)]),
        json.dumps([{"prompt": question, "response": answer} for question, answer in (ONE, TWO)]),
        json.dumps({"Q1": ONE[0], "A1": ONE[1], "Q2": TWO[0], "A2": TWO[1]}),
        json.dumps(dict([ONE, TWO])),
        json.dumps({"questions": [ONE[0], TWO[0]], "answers": [ONE[1], TWO[1]]}),
        BARE.replace("]", ""),
    ],
)  # fmt: skip
def test_whole_output_in_any_form(text):
    assert salvaged(text).pairs == (ONE, TWO)


@pytest.mark.parametrize(
    "text",
    [
        BARE[:-1] + ", ]",
        "\n".join(map(json.dumps, OBJECTS)),
        str(OBJECTS),
        BARE.replace('"', "'"),
        BARE.replace('"question"', "question").replace('"answer"', "answer"),
        BARE.replace('"', "\u201c", 1).replace('"', "\u201d", 1),
        BARE + '}, {"question": "What is',
        BARE[:-1] + ', {"question": "What is on the table?", "answer": "A cu',
        BARE[:-1] + ', {"question": "What is on the table?"}]',
        BARE[:-2],
        BARE.replace("}, {", "} {"),
        "[1] See [note: the list}} follows: " + BARE,
    ],
)
def test_broken_output_is_salvaged_and_told(text):
    said = salvaged(text)
    assert said.pairs == (ONE, TWO)
    assert said.broken


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("", "no JSON"),
        ("Q: Where is the cat? A: On the sofa", "no JSON"),
        ("null", "no JSON"),
        ('["Where is the cat?", "On the sofa"]', "JSON without a question"),
        ('{"answer": "none"}', "JSON without a question"),
        ('{"question": "Where is the cat?"}', "question without an answer (1)"),
        ('{"question": "Where is the cat?", "answer": null}', "answer that is no text (1)"),
        ('{"question": "Where is the cat?", "answer": {"text": "x"}}', "answer that is no text (1)"),
        ('{"question": ["Where is the cat?"], "answer": "x"}', "question that is no text (1)"),
        ('{"question": "Wo ist die Katze?", "answer": "links"}', "question not in English (1)"),
        ('{"question": "\u732b\u306f\u3069\u3053\uff1f", "answer": "left"}', "question not in English (1)"),
        ('{"question": "...", "answer": "..."}', "pair without words (1)"),
        ('{"question": "<question>", "answer": "<an answer>"}', "pair without words (1)"),
        ('{"question": "Where is the cat?" "answer": "x"}', "question without an answer (1); JSON with faults"),
        ('{"question": "Where is it?", "answer": "a", "b": "c" "d"', "JSON with faults"),
        ('{"question": "Where is the cat?", "answer": "On the', "pair cut off or unreadable (1); JSON with faults"),
        ('{"question": "How many are left of it?", "answer": 1', "pair cut off or unreadable (1); JSON with faults"),
        ('<think>[{"question": "Where is it?", "answer": "x"}]', "thoughts without an end"),
        (json.dumps({"question": "Where is it?" * 200, "answer": "x"}), "question or answer of more than 1,000"),
    ],
)  # fmt: skip
def test_pairs_that_are_not_there_are_not_guessed(text, broken):
    said = salvaged(text)
    assert said.broken.startswith(broken)
    assert said.pairs == ((("Where is it?", "a"),) if '"d"' in text else ())


@pytest.mark.parametrize("text", ["[]", '{"pairs": []}', "{}", "There is nothing spatial: []"])
def test_no_pairs_are_no_fault(text):
    assert salvaged(text) == ((), "")


@pytest.mark.parametrize(
    ("answer", "text"),
    [(True, "yes"), (3, "3"), (1.5, "1.5"), (["a cup", "a plate"], "a cup, a plate"), ("a\n\tb\x00", "a b")],
)
def test_answers_of_other_types(answer, text):
    assert salvaged(json.dumps([{"question": ONE[0], "answer": answer}])).pairs == ((ONE[0], text),)


def test_quotes_within_strings():
    text = """[{'question': 'What's left of the "Open" sign?', 'answer': 'The man's hat'}]"""
    assert salvaged(text).pairs == (("""What's left of the "Open" sign?""", "The man's hat"),)


def test_truncation_is_told_even_where_all_pairs_are_whole():
    assert salvaged(BARE, truncated=True) == ((ONE, TWO), "cut off at the token limit")


JUNK = (
    *("[", "{", '{"a":', '["', '"', "'", '{"question":"', "\\", "}]", "[{]", '[ "," ', '" ', "{'a' '", "[a b ", "[1,"),
    *("\u201c", "{a", "a:", '[{"question": "Where is it?", "answer": "x"},', "```json ", "<think>"),
)


@pytest.mark.parametrize("start", ["", '[{"question": "'])
def test_junk_takes_linear_time(start):
    def seconds(part: str, letters: int) -> float:
        text, found = start + part * (letters // len(part)), []
        for _ in range(2):
            begun = time.process_time()
            salvaged(text)
            found.append(time.process_time() - begun)
        return min(found)

    for part in JUNK:
        # Four times the length takes sixteen times as long where the time is a square.
        assert seconds(part, 1 << 13) < 8 * seconds(part, 1 << 11) + 0.01, part


def test_a_megabyte_of_junk():
    before = json.dumps({"pairs": OBJECTS})
    assert salvaged(before + 'x [ " y } ' * 100_000).pairs == (ONE, TWO)
    assert salvaged("junk, " * 170_000 + before).pairs == (ONE, TWO)


def test_deep_nesting_is_junk():
    assert salvaged("[" * 20_000 + BARE + "]" * 20_000).pairs == (ONE, TWO)
    assert not salvaged('{"a":' * 20_000).pairs
