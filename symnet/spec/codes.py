"""Every code that an error can have, with a text that explains it at length."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A kind of mistake: a title, what it means, a wrong and a right example."""

    title: str
    text: str
    wrong: str = ""
    right: str = ""


CODES: dict[str, Code] = {}


def explain(code: str) -> str:
    """The long text of a code."""
    raise NotImplementedError
