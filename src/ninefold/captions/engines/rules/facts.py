"""Facts: who is where, in respect of what, as a caption states it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ninefold.captions.caption import Caption
from ninefold.captions.engines.rules import guards, sides, things
from ninefold.captions.engines.rules.arguments import governor, objects, subjects
from ninefold.captions.engines.rules.clauses import owner, whole
from ninefold.captions.engines.rules.coreference import antecedent
from ninefold.captions.engines.rules.cue import Cue, of_part
from ninefold.captions.engines.rules.cue_tables import STATIC
from ninefold.captions.engines.rules.cues import cues
from ninefold.captions.engines.rules.described import Described
from ninefold.captions.engines.rules.inverse import Key, key_of
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.phrases import Phrase, entity, mentions, phrase_at
from ninefold.captions.engines.rules.vocabulary import AT_PLACES, BODY, PARTS, PEOPLE, POSSESSIVES, SIDE, WORN
from ninefold.captions.pair import Frame

DESCRIBED = -1
"""Stands for the index of a noun where a pronoun means the object that the caption describes."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A thing, where it is, and the words that say so."""

    subject: Phrase
    """The thing that is somewhere."""
    objects: tuple[Phrase, ...]
    """What that is told from; none where it is the picture, two or more only for "between"."""
    relation: str
    """Name of the relation in the taxonomy."""
    frame: Frame
    """What the relation is told from."""
    wording: str
    """The words between "is" and the object."""
    span: tuple[int, int]
    """Where the statement stands in the caption, as positions of characters."""
    of_described: bool
    """Whether the subject is the object that the caption describes."""
    verb: tuple[str, str]
    """The verb that the place belongs to, and its tag; "" if it belongs to a noun."""
    is_first: bool = True
    """Whether it is the first of the facts that the same words state."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A caption as read: its facts, and the noun phrases that its things are told apart by."""

    facts: tuple[Fact, ...]
    """The facts, each once, in the order of the caption."""
    mentioned: dict[str, list[Phrase]]
    """All noun phrases of the caption by the singular of their noun."""


def read(parse: Parse, caption: Caption) -> Reading:
    """Return the facts of a caption, each once: A left of B and B right of A are one."""
    reader = _Reader(parse, Described(parse, caption))
    mentioned = mentions(parse)
    quotes = guards.quoted(caption.text)
    facts: dict[Key, Fact] = {}
    for cue in cues(parse):
        if guards.is_quoted(parse, cue.first, quotes):
            continue
        for fact in reader.facts_of(cue):
            if not fact.of_described and guards.is_quoted(parse, fact.subject.head, quotes):
                continue
            places = " & ".join(sorted(entity(phrase, mentioned) for phrase in fact.objects))
            facts.setdefault(key_of(fact.relation, fact.frame, entity(fact.subject, mentioned), places), fact)
    return Reading(tuple(facts.values()), mentioned)


def _may_be_one(subject: Phrase, target: Phrase) -> bool:
    """Whether two phrases of one name may mean one thing: "its own front door ... above the door"."""
    new = {"another", "a", "an"}
    is_other = subject.article in new or target.article in new or "other" in subject.modifiers
    alike = subject.lemma == target.lemma and subject.is_plural == target.is_plural
    return alike and not is_other and target.modifiers <= subject.modifiers


@dataclass(frozen=True, slots=True)
class _Reader:
    """What one caption's cues are read with."""

    parse: Parse
    described: Described

    def facts_of(self, cue: Cue) -> Iterator[Fact]:
        """Yield what a cue states: a fact for each subject, object and relation of it."""
        parse = self.parse
        places = objects(parse, cue)
        whos = subjects(parse, cue)
        if cue.is_inverse:
            whos, places = (parse.conjuncts(places[0]) if places else []), whos[:1]
        if not places and whos and cue.can_be_bare:
            # "A house with a shed behind": behind the house.
            places = [place for who in whos[:1] if (place := owner(parse, who)) is not None]
        if (cue.needs_object or cue.is_inverse) and not places:
            return
        place = places[0] if places else None
        of_picture = cue.is_zone or cue.relation in {"central_position", "within_boundary"}
        if of_picture and place is not None and things.is_picture(parse, phrase_at(parse, place)):
            cue, place = replace(cue, frame="image", wording=cue.wording.removesuffix(" of")), None
        if self._is_only_near(cue):
            return
        for who in whos:
            if who != place and not self._is_direction(cue, who) and guards.is_asserted(parse, cue, who, place):
                yield from self._facts_about(cue, who, place)

    def _is_only_near(self, cue: Cue) -> bool:
        """Whether something is beside a part of a thing, and so not on it: "near the front corner of the table"."""
        is_near = cue.is_zone and cue.frame == "part" and self.parse.lower[cue.first] == "near"
        return is_near and any(self.parse.lower[index] in SIDE for index in range(cue.first, cue.last))

    def _is_direction(self, cue: Cue, who: int) -> bool:
        """Whether the words tell where something turns or goes, not where it is: "facing to the left of"."""
        if self.parse.lower[cue.first] != "to" or not cue.is_zone:
            return False
        verb = self.parse.heads[cue.first]
        return self.parse.is_verb(verb) and self.parse.lower[verb] not in STATIC

    def _facts_about(self, cue: Cue, who: int, place: int | None) -> Iterator[Fact]:
        parse = self.parse
        noun = self._noun(who, None)
        if noun is None:
            return
        noun = self._wearer(noun, place)
        subject = self._phrase(noun)
        of_described = noun == DESCRIBED or self.described.is_root(noun)
        if noun != DESCRIBED and (not things.is_thing(parse, subject) or guards.is_depicted(parse, noun)):
            return
        head = governor(parse, cue)
        if guards.may_be_content(parse, cue, noun, head) and not of_described:
            return
        settled = self._settled(cue, noun, place, of_described)
        if settled is None:
            return
        cue, noun, place = settled
        subject = self._phrase(noun)
        end = [] if place is None else [place]
        is_verb = head is not None and parse.is_verb(head) and not cue.first <= head <= cue.last
        verb = (parse.lower[head], parse.tags[head]) if head is not None and is_verb else ("", "")
        span = self._span(cue, [who, *end])
        for targets in self._targets(cue, noun, place):
            if any(_may_be_one(subject, target) for target in targets):
                continue
            for number, relation in enumerate((cue.relation, *cue.also)):
                yield Fact(subject, targets, relation, cue.frame, cue.wording, span, of_described, verb, number == 0)

    def _settled(
        self, cue: Cue, noun: int, place: int | None, of_described: bool
    ) -> tuple[Cue, int, int | None] | None:
        """Return cue, subject and object of a side that does not say of what; None if it may be of several things."""
        parse = self.parse
        is_bare = place is None and sides.is_bare(cue) and not sides.is_ground(parse, cue)
        if of_described:
            return None if is_bare and sides.is_of_part(parse, cue, noun) else (cue, noun, place)
        if cue.frame == "image" and self._has_own_sides(self._phrase(noun), cue):
            return None
        if not is_bare:
            return cue, noun, place
        holder = owner(parse, noun)
        if holder is None:
            return None if sides.is_of_another(parse, cue, noun) else (cue, noun, place)
        if sides.is_contrasted(parse, cue, holder):
            return cue, holder, place
        return None if sides.is_anybodys(parse, cue, noun, holder) else (of_part(cue), noun, holder)

    def _wearer(self, noun: int, place: int | None) -> int:
        """Return who is somewhere where it is told of what they have on: "a man with a beard on a horse"."""
        if noun == DESCRIBED or self.parse.lower[noun] not in WORN | BODY:
            return noun
        person = owner(self.parse, noun)
        if person is None or self.parse.lower[person] not in PEOPLE or place is None:
            return noun
        is_own = phrase_at(self.parse, place).article in POSSESSIVES or self.parse.lower[place] in BODY
        return noun if is_own else person

    def _targets(self, cue: Cue, noun: int, place: int | None) -> Iterator[tuple[Phrase, ...]]:
        """Yield the objects of the facts: each coordinated noun, or all of them together for "between"."""
        if place is None:
            yield ()
            return
        members = self.parse.conjuncts(place)
        if any(self.parse.lower[child] == "or" for member in members for child in self.parse.children[member]):
            return
        # "Part of the door" is no thing that something is a part of.
        nouns = members if cue.relation == "part_of" else [self._place_noun(cue, member, noun) for member in members]
        phrases = [self._phrase(found) for found in nouns if found is not None and self._is_place(cue, found)]
        if cue.relation == "between":
            if len(phrases) > 1 or (phrases and phrases[0].is_plural):
                yield tuple(phrases)
        else:
            # "On the table and the shelf" puts no thing on both.
            yield from ((phrase,) for phrase in (phrases[:1] if cue.wording in {"in", "on"} else phrases))

    def _place_noun(self, cue: Cue, index: int, noun: int) -> int | None:
        """Return the noun of a place, without the part of it that the cue says: "on the top portion of the floor"."""
        if self.parse.is_noun(index) and self.parse.heads[index] == cue.last and not self.described.is_unnamed(index):
            return index if index != noun else None
        return self._noun(index, noun)

    def _is_place(self, cue: Cue, noun: int) -> bool:
        if noun == DESCRIBED:
            return True
        phrase = phrase_at(self.parse, noun)
        if (
            self._is_own_body(cue, phrase)
            or not things.is_thing(self.parse, phrase)
            or guards.is_depicted(self.parse, noun)
        ):
            return False
        word = self.parse.lower[cue.first]
        if word in {"in", "on"} and cue.first == cue.last and things.is_idiom(self.parse, phrase):
            return False
        if word == "at" and cue.first == cue.last:
            return self.parse.lower[phrase.head] in AT_PLACES
        needs_container = (word == "in" and cue.first == cue.last) or word == "filled"
        return not needs_container or things.is_container(self.parse, phrase)

    def _is_own_body(self, cue: Cue, phrase: Phrase) -> bool:
        """Whether a thing is told to be on a part of its own body: "a cat lies on its back"."""
        verb = governor(self.parse, cue)
        if cue.wording != "on" or verb is None or not self.parse.is_verb(verb) or verb > cue.first:
            return False
        is_own = phrase.article in POSSESSIVES
        return is_own and self.parse.lower[phrase.head] in BODY | PARTS and self.parse.find(verb, "dobj") is None

    def _noun(self, index: int, not_this: int | None) -> int | None:
        """Return the noun that a token is or means; DESCRIBED for the object that the caption describes."""
        if self.parse.is_noun(index):
            index = whole(self.parse, index)
            if self.described.is_unnamed(index):
                return DESCRIBED
            return index if index != not_this else None
        if self.parse.lower[index] in {"which", "whom"}:
            clause = next(
                (above for above in self.parse.ancestors(index) if self.parse.dependencies[above] == "relcl"), -1
            )
            return self._noun(self.parse.heads[clause], not_this) if clause >= 0 else None
        if self.parse.lower[index] in {"it", "itself"} and self.described.phrase is not None:
            if not_this == DESCRIBED or (not_this is not None and self.described.is_root(not_this)):
                return None
            return DESCRIBED
        return antecedent(self.parse, index, not_this)

    def _phrase(self, noun: int) -> Phrase:
        if noun == DESCRIBED and self.described.phrase is not None:
            return self.described.phrase
        return phrase_at(self.parse, noun)

    def _has_own_sides(self, subject: Phrase, cue: Cue) -> bool:
        """Whether "on the left" may be the left of something else than the picture: of the body that a hand is of."""
        if subject.article in POSSESSIVES:
            return True
        return cue.relation in {"left", "right"} and self.parse.lower[subject.head] in BODY

    def _span(self, cue: Cue, others: list[int]) -> tuple[int, int]:
        phrases = [phrase_at(self.parse, index) for index in others]
        first = min(cue.first, *(phrase.first for phrase in phrases))
        last = max(cue.last, *(phrase.last for phrase in phrases))
        return self.parse.starts[first], self.parse.end(last)
