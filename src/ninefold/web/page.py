"""A self-contained HTML page: templates with autoescape, the shared layout, and a content security policy."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ninefold.version import __version__
from ninefold.web import wording

FILTERS: Mapping[str, Callable[..., Any]] = {
    "percent": wording.percent,
    "points": wording.points,
    "span": wording.span,
    "count": wording.count,
    "quantity": wording.quantity,
    "p_value": wording.p_value,
}
"""Template filters of every page."""


def render(
    package: str,
    template: str,
    *,
    filters: Mapping[str, Callable[..., Any]] = FILTERS,
    styles: Sequence[str] = ("style.css",),
    scripts: Sequence[str] = ("page.js",),
    **values: Any,
) -> str:
    """Return a page as HTML that loads no other file.

    The template extends ``layout.html.j2`` of this room. The style sheets of the package follow the shared one, and its
    scripts, joined to one, are all that the page's policy allows, by their hash.

    Args:
        package: The package whose ``templates`` folder holds the template, style sheets and scripts.
        template: The name of the template.
        filters: Template filters.
        styles: Names of style sheets.
        scripts: Names of scripts.
        values: Variables of the template.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({**FILTERS, **filters})
    script = "".join(_text(package, name) for name in scripts)
    return environment.get_template(template).render(
        version=__version__,
        style=Markup(_text(__package__, "base.css") + "".join(_text(package, name) for name in styles)),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **values,
    )


def _text(package: str, name: str) -> str:
    return (files(package) / "templates" / name).read_text(encoding="utf-8")
