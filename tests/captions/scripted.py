"""An engine that does what a caption says, in milliseconds: for tests of everything around it."""

import json
import re

from ninefold.captions.pair import Generated, Pair
from ninefold.captions.spec import CaptionsIn, CaptionsSpec

FORMS = (
    re.compile(r"(?:a|the) (?P<subject>\w+) is (?P<relation>left|right) of (?:a|the) (?P<object>\w+)", re.IGNORECASE),
)


class Scripted:
    """An engine and filter for captions such as "A cup is left of a plate."; "!" makes one fail."""

    name = "scripted"

    def __init__(self, spec=None):
        self.seen = []

    def settings(self):
        return {"version": 1}

    def judge(self, captions):
        return [None if "?" in caption.text else " of " in caption.text for caption in captions]

    def generate(self, captions):
        self.seen += [caption.id for caption in captions]
        return [self._of(caption) for caption in captions]

    def _of(self, caption):
        if "!" in caption.text:
            return Generated(failed="cut off", raw="[{" * 3)
        pairs = []
        for form in FORMS:
            for fact, found in enumerate(form.finditer(caption.text)):
                subject, relation, thing = found["subject"], found["relation"].lower(), found["object"]
                span = {"span_start": found.start(), "span_end": found.end(), "fact": fact, "form": "where"}
                where = f"{relation} of the {thing}"
                pairs.append(Pair(f"Where is the {subject}?", where, relation, "viewer", subject, thing, **span))
        return Generated(tuple(pairs), broken="half" if "spoon" in caption.text else "")


def written(path, captions):
    """Write captions to a file: id, text and image of each."""
    lines = (json.dumps({"id": name, "text": text, "file": image}) for name, text, image in captions)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def spec_of(path, **others):
    """Return the specification of a run with this engine."""
    given = {name: others.pop(name) for name in list(others) if name in CaptionsIn.__dataclass_fields__}
    return CaptionsSpec(CaptionsIn((path,), "text", "id", **given), engine="scripted", **others)
