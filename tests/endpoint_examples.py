"""Examples with pictures whose red tells the answer, a server's script that sees it, and the endpoint that asks."""

import io
from typing import Any

from chat_server import ChatServer
from PIL import Image

from ninefold.models.endpoint.model import Endpoint
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS
from ninefold.types import Example


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def example(place: int) -> Example:
    """Ask about a picture whose red tells the place, the nine labels in order."""
    return Example(
        id=f"e{place}",
        image=encoded(Image.new("RGB", (9, 9), (place % 9, 0, 0))),
        question="Where is it?",
        prompt=prompt("Where is it?", LABELS),
        options=LABELS,
        answer=LABELS[place % 9],
        group=str(place),
        factors={"region": LABELS[place % 9], "cell_row": 3 * (place % 9 // 3), "cell_col": 3 * (place % 3)},
    )


EXAMPLES = [example(place) for place in range(18)]


def sees(picture: Image.Image, prompt: str) -> str:
    return LABELS[picture.getpixel((0, 0))[0]]


def endpoint(server: ChatServer, **options: Any) -> Endpoint:
    return Endpoint(f"openai:{server.url}", **{"first_wait": 0.001, **options})
