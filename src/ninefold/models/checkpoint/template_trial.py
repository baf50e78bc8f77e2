"""The trial of a chat template, run as a process of its own by `limits`: it renders questions with a memory limit."""

import json
import resource
import sys
from datetime import datetime

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

MEMORY = 2 << 30
"""Memory limit, in bytes."""

OUT_OF_MEMORY = 3
"""Exit code."""


class Generation(Extension):
    """The tag of transformers around what an assistant writes; here its content is rendered as it is."""

    tags = {"generation"}  # noqa: RUF012 - as in jinja2

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return the statements inside the tag."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def main() -> int:
    """Render a template, read from standard input as JSON, for questions as they are asked later."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.globals["raise_exception"] = lambda message: 1 / 0
    try:
        template = environment.from_string(json.load(sys.stdin))
        for text in ("Where is it?", "Where is the red square? Choose from [left, right]. " * 40, "a" * 2000):
            asked = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}
            answered = {"role": "assistant", "content": [{"type": "text", "text": text}]}
            for messages in ([asked], [asked, answered]):
                template.render(messages=messages, add_generation_prompt=len(messages) == 1)
    except MemoryError:
        return OUT_OF_MEMORY
    except (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        pass  # whoever opens the checkpoint reports it
    return 0


if __name__ == "__main__":
    sys.exit(main())
