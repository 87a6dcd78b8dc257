"""TOML with places: Python's own reader gives the values, a search over the text gives the places of their keys."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from symnet.errors import Mark
from symnet.spec.files.item import DEEPEST, MOST, Item, lines_of, text_lines, too_large
from symnet.spec.passage import Passage, Problems, Span

HEADER = re.compile(r"[ \t]*\[(\[)?([^\[\]\n]+)\]\]?")
KEY = re.compile(
    r"[ \t]*((?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')(?:\s*\.\s*(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*'))*)[ \t]*=[ \t]*"
)
LONG = re.compile(r'"""(?:.|\n)*?"""|\'\'\'(?:.|\n)*?\'\'\'')
PLACE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
Places = dict[tuple[str | int, ...], tuple[int, int, int]]  # key start, key end, value start


def read_toml(text: str, problems: Problems) -> Item | None:
    """The file's tree; None where it cannot be had, with mistakes noted."""
    if any(line.count("[") + line.count("{") > 20 * DEEPEST for line in lines_of(text)):
        too_large(problems, f"is nested more than {DEEPEST} deep", [Mark(1, 1)])
        return None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = PLACE.search(str(error))
        what = PLACE.sub("", str(error)).strip()
        mark = Mark(int(found[1]), int(found[2])) if found and found[1] else Mark(len(lines_of(text)), 1)
        code = "E0007" if "overwrite" in what else "E0005"
        problems.add(code, f"this is no TOML: {what[:1].lower()}{what[1:]}", "check quotes, brackets and keys", [mark])
        return None
    except (RecursionError, ValueError):
        problems.add("E0005", "this is no TOML", "check numbers and brackets", [Mark(1, 1)])
        return None
    tree = Tree(text, problems)
    return tree.item(data, (), 0)


class Tree:
    """Values with places."""

    def __init__(self, text: str, problems: Problems) -> None:
        self.text, self.problems, self.count = text, problems, 0
        self.passage, self.lines = Passage.alone(text), lines_of(text)
        self.places = places(LONG.sub(lambda m: re.sub(r"[^\n]", "~", m.group()), text))

    def item(self, value: Any, path: tuple[str | int, ...], start: int) -> Item:
        """A value; `start` is where it or its owner begins."""
        self.count += 1
        if len(path) > DEEPEST or self.count > MOST:
            too_large(self.problems, "holds or nests too much", [Mark(1, 1)])
            return Item(None, Mark(1, 1))
        mark = self.passage.mark(Span(start, start + 1))
        if isinstance(value, dict):
            return self.mapping(value, path, start)
        if isinstance(value, list):
            return Item([self.item(v, (*path, n), self.inner((*path, n), start)) for n, v in enumerate(value)], mark)
        if isinstance(value, str):
            return self.string(value, start)
        end = re.compile(r"[^\s,\]}#]*").match(self.text, start)
        assert end is not None
        return Item(value, self.passage.mark(Span(*end.span())))

    def inner(self, path: tuple[str | int, ...], start: int) -> int:
        return self.places[path][2] if path in self.places else start

    def string(self, value: str, start: int) -> Item:
        at = self.text.find(value, start)
        end = self.text.find("\n", at)
        if at < 0 or not value:
            return Item(value, self.passage.mark(Span(start, start + 1)))
        quoted = Span(start, (len(self.text) if end < 0 else end) if "\n" in value else at + len(value) + 1)
        first = self.passage.mark(Span(at, at + 1))
        return Item(value, self.passage.mark(quoted), lines=text_lines(value, first.line, first.col, self.lines))

    def mapping(self, value: dict[str, Any], path: tuple[str | int, ...], start: int) -> Item:
        keys, values = {}, {}
        for key, inner in value.items():
            known = self.places.get((*path, key)) or self.search(key, start)
            keys[key] = self.passage.mark(Span(known[0], known[1]))
            values[key] = self.item(inner, (*path, key), known[2])
        return Item(values, self.passage.mark(Span(start, start + 1)), keys)

    def search(self, key: str, start: int) -> tuple[int, int, int]:
        """Where a key of an inline table stands, looked for from the table on."""
        found = re.compile(rf"[\"']?{re.escape(key)}[\"']?\s*(?:\.[^=\n]*)?=\s*").search(self.text, start)
        return (found.start(), found.start() + len(key), found.end()) if found else (start, start + 1, start)


def places(text: str) -> Places:
    """Where tables and keys stand, but for those of inline tables."""
    found: Places = {}
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str | int, ...], int] = {}
    at = 0
    for line in text.split("\n"):
        header, key = HEADER.match(line), KEY.match(line)
        if header is not None:
            table = resolved(words(header[2]), counts, bool(header[1]))
            here = at + header.start(2)
            found.setdefault(table, (here, at + header.end(2), here))
            found.setdefault(table[:-1] if header[1] else table, (here, at + header.end(2), here))
        elif key is not None:
            path = (*table, *words(key[1]))
            found.setdefault(path, (at + key.start(1), at + key.end(1), at + key.end()))
        at += len(line) + 1
    return found


def resolved(path: tuple[str, ...], counts: dict[tuple[str | int, ...], int], again: bool) -> tuple[str | int, ...]:
    """A table's path, with the number of the latest element where it is one of an array of tables."""
    made: tuple[str | int, ...] = ()
    for number, word in enumerate(path):
        made = (*made, word)
        if again and number == len(path) - 1:
            counts[made] = counts.get(made, -1) + 1
        if made in counts:
            made = (*made, counts[made])
    return made


def words(path: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in path.split("."))
