"""The comparison of the checks of pairs with regular expressions."""

import sys

import captions as performance


def test_all_ways_are_measured_and_the_index_finds_what_single_expressions_find(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["captions.py", "--pairs", "300"])
    performance.main()
    lines = capsys.readouterr().out.splitlines()
    found = {
        line[:26].strip(): int(line.split()[-1].replace(",", "")) for line in lines if line[26:].strip()[:1].isdigit()
    }
    assert found["ninefold"] == found["201 regular expressions"] > found["one alternation"] > 0
    assert found["the chain"] > 30
