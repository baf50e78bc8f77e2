from collections import Counter

from ninefold.captions.taxonomy import KEYWORDS, RELATION_NAMES, RELATIONS


def test_table_has_29_relations_and_201_keywords():
    assert len(RELATIONS) == 29 and len(set(RELATION_NAMES)) == 29
    assert len(KEYWORDS) == 201
    assert [keyword.place for keyword in KEYWORDS] == list(range(201))
    assert RELATION_NAMES[:3] == ("left", "right", "above") and RELATION_NAMES[-1] == "movement_along"
    assert all(keyword.text == " ".join(keyword.text.lower().split()) for keyword in KEYWORDS)


def test_shares_add_up_as_printed():
    for relation in RELATIONS:
        parts = [keyword.share for keyword in relation.keywords if keyword.share is not None]
        # Every printed number is rounded to 0.01.
        assert abs(sum(parts) - (relation.share or 0)) <= 0.005 * (len(relation.keywords) + 1), relation.name
    assert abs(sum(relation.share or 0 for relation in RELATIONS) - 100) < 0.05
    assert [relation.name for relation in RELATIONS if relation.share is None] == [
        "overlapping_intersecting",
        "connected_attached",
        "cardinal_directions",
    ]
    ranked = sorted((keyword.share or 0 for keyword in KEYWORDS), reverse=True)
    assert round(sum(ranked[:34]), 1) == 91.3  # the "top 17 % of relations" of the paper are keywords


def test_three_keywords_stand_in_two_relations():
    count = Counter(keyword.text for keyword in KEYWORDS)
    twice = {text: [k.relation for k in KEYWORDS if k.text == text] for text, n in count.items() if n > 1}
    assert twice == {
        "confronting": ["front", "facing"],
        "contiguous with": ["next_to_beside_adjacent", "connected_attached"],
        "amidst": ["between", "central_position"],
    }
