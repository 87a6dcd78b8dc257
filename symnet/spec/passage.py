"""Text that stands somewhere in a file, and the mistakes found in it.

A `Passage` knows where each of its lines begins in the file, so that a place in a formula is a place in the model
file; a `Problems` gathers mistakes with their places until all are known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from symnet.errors import Diagnostic, Mark, SymnetError


class Span(NamedTuple):
    """From which character of a passage to which."""

    start: int
    end: int


@dataclass(frozen=True)
class Passage:
    """Text with the place of each of its lines in a file; with `whole`, no place within it is known but that."""

    text: str
    places: tuple[tuple[int, int], ...] = ((1, 1),)
    whole: Mark | None = None
    ours: int = 0  # characters in front that do not stand in the file
    starts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", (0, *(m.end() for m in re.finditer("\n", self.text))))

    @classmethod
    def alone(cls, text: str) -> Passage:
        """A text that is a file of its own."""
        return cls(text, tuple((line, 1) for line in range(1, text.count("\n") + 2)))

    def behind(self, head: str) -> Passage:
        """The passage with words of ours in front, which have no place; all else stays where it stands."""
        if self.whole is not None:
            return Passage(head + self.text, whole=self.whole)
        line, col = self.places[0]
        return Passage(head + self.text, ((line, col - len(head)), *self.places[1:]), ours=len(head))

    def mark(self, span: Span) -> Mark:
        """Where a part stands in the file; of several lines only the first."""
        if self.whole is not None:
            return self.whole
        start = max(span.start, self.ours)
        row = bisect_right(self.starts, start) - 1
        end = self.text.find("\n", start)
        end = min(span.end, end if end >= 0 else len(self.text))
        line, col = self.places[min(row, len(self.places) - 1)]
        return Mark(line, col + start - self.starts[row], max(end - start, 1))


class Problems:
    """Mistakes as they are found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Diagnostic] = []
        self.seen: set[Diagnostic] = set()

    def add(self, code: str, message: str, hint: str = "", marks: Iterable[Mark] = ()) -> None:
        """Note a mistake; it stands where the first of its marks does."""
        ordered = tuple(sorted(set(marks), key=lambda m: (m.line, m.col)))
        line, col = (ordered[0].line, ordered[0].col) if ordered else (None, None)
        made = Diagnostic(code, in_files(message), "error", self.file, line, col, in_files(hint), ordered)
        if made not in self.seen:
            self.seen.add(made)
            self.found.append(made)

    def add_error(self, error: SymnetError, marks: Iterable[Mark] = ()) -> None:
        """Note what symnet itself has said of something."""
        self.add(error.code, error.message, error.hint, marks)

    def sorted(self) -> list[Diagnostic]:
        """All of them by place."""
        return sorted(self.found, key=lambda d: (d.line or 0, d.col or 0, d.code, d.message))


def in_files(text: str) -> str:
    """What the Python face says, as one writes it in a file: `where(...)`, not `sn.where(...)`."""
    text = re.sub(r"\bsn\.(?=[a-z_]+\()", "", text)
    text = re.sub(r"\bsn\.optim\.(\w+)\(([\d.]+), steps=(\d+)\)", r"{\1: {lr: \2, steps: \3}}", text)
    return re.sub(r"\bkind='(\w+)'", r"kind: \1", text)


class Refused(Exception):
    """A mistake that ends the reading of one formula."""

    def __init__(self, code: str, message: str, hint: str = "", spans: Sequence[Span] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.spans = code, message, hint, tuple(spans)


def meant(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """A hint that guesses which of the names was meant."""
    known = list(dict.fromkeys(names))
    near = get_close_matches(name, known, 1, 0.6) or [k for k in known if k.lower() == name.lower()][:1]
    return f"did you mean {near[0]!r}?" if near else otherwise
