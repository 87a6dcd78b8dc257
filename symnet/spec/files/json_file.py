"""JSON with places: Python's own decoder says whether it is JSON, a walk over the text says where what stands."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from symnet.errors import Mark
from symnet.spec.files.item import DEEPEST, MOST, Item, lines_of, text_lines, too_large
from symnet.spec.passage import Passage, Problems, Span

SPACE = re.compile(r"[ \t\n\r]*")
PLAIN = re.compile(r"[-+.0-9a-zA-Z]+")


def read_json(text: str, problems: Problems) -> Item | None:
    """The file's tree; None where it cannot be had, with mistakes noted."""
    deepest = depth(text)
    if deepest > DEEPEST:
        too_large(problems, f"is nested more than {DEEPEST} deep", [Mark(1, 1)])
        return None
    try:
        json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:]
        problems.add(
            "E0004", f"this is no JSON: {what}", "check commas, quotes and brackets", [Mark(error.lineno, error.colno)]
        )
        return None
    except (ValueError, RecursionError):
        problems.add("E0004", "this is no JSON: a number that is none", "numbers are finite and short", [Mark(1, 1)])
        return None
    walk = Walk(text, problems)
    item = walk.value(SPACE.match(text, 0).end())[0]  # type: ignore[union-attr]
    if walk.count > MOST:
        too_large(problems, f"holds more than {MOST} values", [Mark(1, 1)])
        return None
    return item


def refuse(text: str) -> Any:
    raise ValueError(text)


def depth(text: str) -> int:
    """How deeply brackets are nested, outside of texts."""
    deepest = here = 0
    for char in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        here += (char in "[{") - (char in "]}")
        deepest = max(deepest, here)
    return deepest


class Walk:
    """Goes over a text that is known to be JSON."""

    def __init__(self, text: str, problems: Problems) -> None:
        self.text, self.problems = text, problems
        self.passage, self.lines = Passage.alone(text), lines_of(text)
        self.count = 0

    def mark(self, start: int, end: int) -> Mark:
        return self.passage.mark(Span(start, end))

    def skip(self, at: int) -> int:
        found = SPACE.match(self.text, at)
        assert found is not None
        return found.end()

    def value(self, at: int) -> tuple[Item, int]:
        """The value that begins at a character, and where it ends."""
        self.count += 1
        char = self.text[at]
        if char == "{":
            return self.mapping(at)
        if char == "[":
            return self.sequence(at)
        if char == '"':
            value, end = scanstring(self.text, at + 1)
            mark = self.mark(at, end)
            return Item(value, mark, lines=text_lines(value, mark.line, mark.col + 1, self.lines)), end
        found = PLAIN.match(self.text, at)
        assert found is not None, "the decoder has seen it"
        return Item(json.loads(found.group()), self.mark(*found.span())), found.end()

    def mapping(self, at: int) -> tuple[Item, int]:
        values: dict[str, Item] = {}
        keys: dict[str, Mark] = {}
        end = self.skip(at + 1)
        while self.text[end] != "}":
            start = self.skip(end + 1) if self.text[end] == "," else end
            key, end = scanstring(self.text, start + 1)
            mark = self.mark(start, end)
            if key in keys:
                self.problems.add("E0007", f"the key {key!r} stands twice", "keep one of them", [keys[key], mark])
            item, end = self.value(self.skip(self.skip(end) + 1))
            values.setdefault(key, item)
            keys.setdefault(key, mark)
            end = self.skip(end)
        return Item(values, self.mark(at, at + 1), keys), end + 1

    def sequence(self, at: int) -> tuple[Item, int]:
        values: list[Item] = []
        end = self.skip(at + 1)
        while self.text[end] != "]":
            item, end = self.value(self.skip(end + 1) if self.text[end] == "," else end)
            values.append(item)
            end = self.skip(end)
        return Item(values, self.mark(at, at + 1)), end + 1
