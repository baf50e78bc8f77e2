"""Structured output: JSON of a schema, requested in the first of three forms that a server takes."""

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Literal, TypeVar

from ninefold import console
from ninefold.errors import ModelError
from ninefold.models.endpoint.chat import Chat
from ninefold.models.endpoint.refusals import Refused
from ninefold.models.endpoint.window import OVERLOADED

Result = TypeVar("Result")

Form = Literal["json_schema", "json_object", "text"]

FORMS: tuple[Form, ...] = ("json_schema", "json_object", "text")
"""The forms, the best first: OpenAI's (also vLLM's and SGLang's), llama-cpp-python's, and free text."""


class Structured:
    """A served model that is asked for JSON of a schema; shared by threads.

    The first request finds out which form the server takes. A form counts as not taken if the server answers it with an
    error and answers another form, and answers it with an error once more after that: an outage is no refusal, though
    some servers answer a form that they do not know with status 500.
    """

    def __init__(self, chat: Chat, name: str) -> None:
        """Ask ``chat`` for JSON of schemas, which have a name for the server."""
        self.form: Form | None = None
        self._chat = chat
        self._name = name
        self._lock = threading.Lock()

    def complete(
        self,
        schema: Mapping[str, Any],
        messages: list[dict[str, Any]],
        *,
        about: str,
        read: Callable[[Any], Result],
        longest: float | None = None,
        **options: object,
    ) -> Result:
        """Return what is read from the server's reply, which is not None, as `Chat.complete` does.

        The reply that is asked for is JSON of ``schema``.

        Raises:
            Refused: If the server refuses this one request, or fails to answer it at every try.
            ModelError: If the server refuses all requests, or has never answered one in time.
        """

        def ask(form: Form) -> Result:
            asked = {**options, **self._formed(form, schema)}
            return self._chat.complete(messages, about=about, read=read, longest=longest, **asked)

        if self.form is None:
            with self._lock:
                if self.form is None:
                    return self._first(ask)
        return ask(self.form)

    def _formed(self, form: Form, schema: Mapping[str, Any]) -> dict[str, Any]:
        if form == "json_schema":
            described = {"name": self._name, "strict": True, "schema": schema}
            return {"response_format": {"type": form, "json_schema": described}}
        return {} if form == "text" else {"response_format": {"type": form, "schema": schema}}

    def _first(self, ask: Callable[[Form], Result]) -> Result:
        """Ask for the first time, and fix the form."""
        failed: list[Form] = []
        """Forms that a passing fault may have refused."""
        for form in FORMS:
            reply = self._once(ask, form, failed)
            if reply is not None:
                break
        assert reply is not None, "free text is answered, or raises"
        # By now an outage is over: what the server takes, it answers.
        for better in failed:
            try:
                again = self._once(ask, better, [])
            except ModelError:
                return reply  # Another outage; the next request finds out the form.
            if again is not None:
                form, reply = better, again
                break
        if form != FORMS[0]:
            instead = "JSON is asked for in free text" if form == "text" else f"asked with {form} instead"
            console.say(f"{self._chat.url}: takes no response_format json_schema; {instead}")
        self.form = form
        return reply

    def _once(self, ask: Callable[[Form], Result], form: Form, failed: list[Form]) -> Result | None:
        """Ask in a form without retries, or return None if it is not taken; free text has the usual retries.

        Raises:
            Refused: If the request is refused in free text too, or by a filter.
            ModelError: If the server answers nothing in time, or refuses all requests.
        """
        client = self._chat.client
        try:
            with client.tried(1) if form != "text" else nullcontext():
                return ask(form)
        except Refused as error:
            if form == "text" or error.filtered:
                raise
            if error.status not in {0, *OVERLOADED}:
                failed += [form] if error.may_pass else []
                return None
        except ModelError:
            if form == "text":
                raise
            return None
        # It is not the form that an overloaded or absent server refuses.
        try:
            return ask(form)
        except Refused as error:
            if error.status:
                raise
            raise ModelError(str(error)) from error
