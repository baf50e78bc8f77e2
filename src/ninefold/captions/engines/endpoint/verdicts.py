"""The filter of a served language model: whether a caption states a spatial relation, as a question of yes or no."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint import prompts
from ninefold.captions.engines.endpoint.prompts import Prompt
from ninefold.captions.engines.endpoint.respondent import Asking, Request, Respondent
from ninefold.captions.engines.endpoint.responses import Response
from ninefold.models.endpoint.reply import OddReply
from ninefold.questions.formats import thoughts
from ninefold.questions.formats.true_false import TrueFalse

Decision = Literal["answer", "logit"]
"""How a verdict is read: from the answer's text, or from the likelihood of yes against no as its first token."""

MOST_TOKENS = 256
"""Maximum number of tokens of an answer in words; a model that thinks first needs more than one."""

LONGEST = 20_000
"""Maximum letters of a text that is read; no answer to a question of yes or no is longer."""

TOP = 20
"""Number of most likely tokens that are requested for the decision by likelihood."""

_RELATION = r"(?:(?:explicit|clear|specific)\s+)?spatial\s+(?:relation|relationship|arrangement)s?\b"
_SAYS = r"(?:contain|state|include|describe|mention|have|has)s?"
_DENIED = re.compile(
    rf"\b(?:does|do|did)(?:\s+not|n['\u2019]t)\s+(?:\w+ly\s+)?{_SAYS}\s+(?:any\s+|an?\s+)?{_RELATION}"
    rf"|\b(?:no|without(?:\s+any)?|lacks?(?:\s+any)?)\s+{_RELATION}",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"\b(?:{_SAYS}|there\s+(?:is|are))\s+(?:an?\s+|at\s+least\s+one\s+|several\s+|many\s+|multiple\s+|some\s+)?{_RELATION}",
    re.IGNORECASE,
)


class EndpointFilter(Asking):
    """A language model that judges captions; implements `ninefold.captions.engines.protocol.Filter`."""

    def __init__(self, model: Respondent, *, prompt: Prompt = prompts.VERDICT, decision: Decision = "answer") -> None:
        """Name a model, and what it is asked.

        Args:
            model: The model.
            prompt: The prompt.
            decision: Whether the verdict is what the answer says, or the likelier one of yes and no as its first token.
        """
        if decision == "logit":
            fields = {"logprobs": True, "top_logprobs": TOP}
            request = Request(prompt, 1, fields=fields, text_of=likelihoods)
        else:
            request = Request(prompt, MOST_TOKENS)
        super().__init__(model, request)
        self._decision = decision
        self.undecided = 0
        """Number of captions so far on which there is no verdict."""

    def settings(self) -> Mapping[str, Any]:
        """Return the model, the prompt's hash and how verdicts are read."""
        return {
            "filter": "endpoint",
            "model": self._model.model,
            "prompt": self._request.prompt.hash,
            "decision": self._decision,
            **self._request.settings(),
        }

    def judge(self, captions: Sequence[Caption]) -> list[bool | None]:
        """Return for each caption whether the model says that it states a spatial relation; None if it says neither.

        Raises:
            ModelError: If the server refuses all requests, or fails repeatedly.
            DataError: If the file of responses cannot be read or written.
        """
        read = _likelier if self._decision == "logit" else _said
        verdicts = [read(response) for response in self._model.respond(captions, self._request)]
        self.undecided += sum(verdict is None for verdict in verdicts)
        return verdicts


def verdict_in(text: str, *, truncated: bool = False) -> bool | None:
    """Return the verdict that a text states, outside its thoughts: yes, no, or a sentence that says so; else None.

    >>> verdict_in("Yes, it does."), verdict_in("It does not contain a spatial relation."), verdict_in("Perhaps.")
    (True, False, None)
    """
    if len(text) > LONGEST:
        return None
    answer = thoughts.read_spoken(TrueFalse(), text, ("yes", "no"), truncated=truncated)
    if answer.label:
        return answer.label == "yes"
    said = thoughts.spoken(text)
    if said.unfinished or answer.kind == "several labels":
        return None
    rest, denied = _DENIED.subn(" ", said.text)
    stated = _STATED.search(rest) is not None
    return stated if stated != bool(denied) else None


def likelihoods(reply: Any) -> str:
    """Return the likelihoods of yes and of no as the first token of a reply, as JSON.

    Raises:
        OddReply: If the server tells none.
    """
    try:
        tokens = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        told = [(str(each["token"]), float(each["logprob"])) for each in tokens]
    except (LookupError, TypeError, ValueError) as error:
        raise OddReply("it tells no logprobs; decide by the answer instead") from error
    found = {"yes": 0.0, "no": 0.0}
    for token, logprob in told:
        word = re.sub(r"[\W_\d\u0120\u2581]+", "", token).lower()
        if word in found and logprob <= 0:
            found[word] += math.exp(logprob)
    return json.dumps(found)


def _said(response: Response) -> bool | None:
    return None if response.refused is not None else verdict_in(response.text, truncated=response.truncated)


def _likelier(response: Response) -> bool | None:
    if response.refused is not None:
        return None
    found = json.loads(response.text)
    return None if found["yes"] == found["no"] else bool(found["yes"] > found["no"])
