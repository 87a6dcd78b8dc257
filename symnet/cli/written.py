"""Results that go to a file or to stdout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.place import Place


def written(call: Call, place: Place | None, content: str | bytes, data: Mapping[str, Any], exit: int = 0) -> Answer:
    """An answer whose content goes to its place; without one to stdout."""
    if place is None:
        return Answer(data, content, exit)
    place.write(content)
    call.say(f"wrote {place.path}")
    return Answer({**data, "path": str(place.path)}, "", exit)
