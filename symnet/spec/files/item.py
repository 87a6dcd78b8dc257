"""A value in a file, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symnet.errors import Mark
from symnet.spec.passage import Passage, Problems

LARGEST = 500_000  # characters of a file
DEEPEST = 20
MOST = 20_000  # values in a file
Path = Sequence[str | int]


@dataclass(frozen=True)
class Item:
    """A mapping or list of items, or a plain value; `keys` are the places of a mapping's keys.

    `lines` are the places of a text's lines, where they are known.
    """

    value: Any
    mark: Mark
    keys: Mapping[str, Mark] = field(default_factory=dict)
    lines: tuple[tuple[int, int], ...] = ()
    folded: bool = False  # a text over several lines that became one

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def at(self, path: Path) -> Item | None:
        """What stands at the end of a path of keys and positions."""
        here: Item | None = self
        for step in path:
            inner = here.value if here is not None else None
            if isinstance(inner, dict) and step in inner:
                here = inner[str(step)]
            elif isinstance(inner, list) and isinstance(step, int) and step < len(inner):
                here = inner[step]
            else:
                return None
        return here

    def mark_of(self, path: Path, key: bool = False) -> Mark:
        """Where the value at a path stands, or its key; of what is not there, where its owner does."""
        for length in range(len(path), 0, -1):
            owner = self.at(path[: length - 1])
            step = path[length - 1]
            if owner is not None and (key or length < len(path)) and step in owner.keys:
                return owner.keys[str(step)]
            found = self.at(path[:length])
            if found is not None:
                return found.mark
        return self.mark

    def passage(self) -> Passage:
        """A text as a passage of the file."""
        assert isinstance(self.value, str), "only texts are passages"
        return Passage(self.value, self.lines) if self.lines else Passage(self.value, whole=self.mark)


def lines_of(text: str) -> list[str]:
    """The lines of a file, as editors count them."""
    return re.split(r"\r\n|\r|\n", text)


def text_lines(value: str, line: int, col: int, source: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The places of the lines of a text whose first line stands at (line, col), if all stand there as they are."""
    places = [(line, col)]
    for number, part in enumerate(value.split("\n")):
        row = line - 1 + number
        if row >= len(source):
            return tuple(places) if not part else ()
        at = col - 1 if number == 0 else source[row].find(part)
        if at < 0 or not source[row].startswith(part, at):
            return ()
        if number:
            places.append((row + 1, at + 1))
    return tuple(places)


def too_large(problems: Problems, what: str, marks: Iterable[Mark] = ()) -> None:
    """Note that a file is beyond what a model file may be."""
    problems.add("E0006", f"the file {what}", "a model file is a page or two", marks)
