"""YAML 1.2 without what makes it dangerous: no tags, anchors, aliases, merges or duplicate keys.

The scanner and parser are ruamel.yaml's; values are resolved by the core schema of YAML 1.2, so that `1e-3` is a
number and `no` is a text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from symnet.errors import Mark
from symnet.spec.files.item import DEEPEST, MOST, Item, lines_of, text_lines, too_large
from symnet.spec.passage import Problems

INT = re.compile(r"[-+]?[0-9]{1,40}\Z")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
FAILURES = (ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError, RecursionError)


class Plain(YAML):
    """ruamel.yaml without a search for plug-ins."""

    def official_plug_ins(self) -> Any:
        return []


class Stop(Exception):
    """Nothing more can be read."""


@dataclass
class Frame:
    """A mapping or list that is being read."""

    mark: Mark
    value: Any
    keys: dict[str, Mark] = field(default_factory=dict)
    key: str | None = None
    wants_key: bool = True


def read_yaml(text: str, problems: Problems) -> Item | None:
    """The file's tree; None where it cannot be had, with mistakes noted."""
    try:
        return Tree(text, problems).read()
    except MarkedYAMLError as error:
        began = str(error.context).startswith(("while parsing a flow", "while scanning a quoted"))
        where = [error.context_mark if began else None, error.problem_mark or error.context_mark]
        marks = [Mark(mark.line + 1, mark.column + 1) for mark in where if mark is not None]
        what = " ".join(str(error.problem or error.context or "not YAML").split())
        problems.add("E0003", f"this is no YAML: {what}", hint_for(text, marks, what), marks)
    except (YAMLError, *FAILURES):
        problems.add("E0003", "this is no YAML", "check brackets, quotes and indentation", [Mark(1, 1)])
    except Stop:
        pass
    return None


def hint_for(text: str, marks: Sequence[Mark], what: str) -> str:
    """What often is behind it."""
    lines = lines_of(text)
    line = lines[marks[-1].line - 1] if marks and marks[-1].line <= len(lines) else ""
    if "\t" in line:
        return "indent with spaces, not tabs"
    if "mapping values" in what:
        return "put a text that has ': ' in it in quotes"
    return "check brackets, quotes and indentation"


class Tree:
    """Builds items from the parser's events, with no recursion."""

    def __init__(self, text: str, problems: Problems) -> None:
        self.text, self.problems = text, problems
        self.lines = lines_of(text)
        self.stack: list[Frame] = []
        self.root: Item | None = None
        self.count = 0

    def events(self) -> Iterator[Event]:
        yaml = Plain(typ="safe", pure=True)
        yield from yaml.parse(io.StringIO(self.text))

    def read(self) -> Item | None:
        for event in self.events():
            self.count += 1
            if self.count > MOST:
                too_large(self.problems, f"holds more than {MOST} values", [place(event)])
                raise Stop
            self.take(event)
        return self.root

    def take(self, event: Event) -> None:
        """One event of the parser."""
        if isinstance(event, DocumentStartEvent):
            self.document(event)
        elif isinstance(event, NodeEvent):
            self.check_plain(event)
            if isinstance(event, ScalarEvent):
                self.scalar(event)
            else:
                self.push(event)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            frame = self.stack.pop()
            self.put(Item(frame.value, frame.mark, frame.keys))

    def document(self, event: DocumentStartEvent) -> None:
        if self.root is not None:
            self.problems.add("E0003", "a second document begins", "a file holds one model", [place(event)])
            raise Stop
        if event.version not in (None, (1, 2)):
            self.problems.add("E0003", "only YAML 1.2 is read", "leave out the line %YAML", [place(event)])
            raise Stop

    def check_plain(self, event: NodeEvent) -> None:
        """No aliases, anchors or tags."""
        tag = getattr(event, "tag", None)
        what = "an alias" if isinstance(event, AliasEvent) else "an anchor" if event.anchor else "a tag" if tag else ""
        if what:
            self.problems.add("E0008", f"{what} is not read in model files", "write the value itself", [place(event)])
        if tag or isinstance(event, AliasEvent):
            raise Stop

    def push(self, event: NodeEvent) -> None:
        if len(self.stack) == DEEPEST:
            too_large(self.problems, f"is nested more than {DEEPEST} deep", [place(event)])
            raise Stop
        self.stack.append(Frame(place(event), {} if isinstance(event, MappingStartEvent) else []))
        assert isinstance(event, (MappingStartEvent, SequenceStartEvent)), "the grammar of YAML"

    def scalar(self, event: ScalarEvent) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self.key(frame, event)
            return
        value = event.value if event.style else resolved(event.value)
        mark = place(event)
        if not isinstance(event.value, str) or not isinstance(value, str):
            self.put(Item(value, mark))
            return
        line, col = mark.line, mark.col + (1 if event.style in ("'", '"') else 0)
        if event.style == "|":
            lines = block_lines(event.value, line, self.lines)
        else:
            lines = text_lines(value, line, col, self.lines)
        self.put(
            Item(value, mark, lines=lines, folded=event.style != "|" and event.end_mark.line > event.start_mark.line)
        )

    def key(self, frame: Frame, event: ScalarEvent) -> None:
        """A key of a mapping; it stands once."""
        name, mark = event.value, place(event)
        if name == "<<" and not event.style:
            self.problems.add("E0008", "a merge (<<) is not read in model files", "write the values themselves", [mark])
            raise Stop
        if name in frame.keys:
            marks = [frame.keys[name], mark]
            self.problems.add("E0007", f"the key {name!r} stands twice", "keep one of them", marks)
            mark = frame.keys[name]
        frame.keys[name], frame.key = mark, name

    def put(self, item: Item) -> None:
        """A finished value goes where it belongs."""
        if not self.stack:
            self.root = item
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(item)
        elif frame.key is None:
            self.problems.add("E0003", "a key is a text", "write key: value", [item.mark])
            raise Stop
        else:
            frame.value.setdefault(frame.key, item)
            frame.key = None


def block_lines(value: str, line: int, source: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The places of the lines of a block text (|), which begin on the line after it."""
    places = []
    for number, part in enumerate(value.split("\n")):
        row = line + number
        if row >= len(source):
            places.append((row + 1, 1))
            continue
        at = len(source[row]) - len(part) if source[row].endswith(part) else -1
        places.append((row + 1, max(at, 0) + 1))
    return tuple(places)


def place(event: Event) -> Mark:
    """Where an event's text stands."""
    start, end = event.start_mark, event.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Mark(start.line + 1, start.column + 1, max(length, 1))


def resolved(text: str) -> Any:
    """What an unquoted text means by the core schema of YAML 1.2."""
    if text in WORDS:
        return WORDS[text]
    if INT.match(text):
        return int(text)
    return float(text) if FLOAT.match(text) else text
