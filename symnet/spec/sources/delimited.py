"""CSV files: a row of names, then rows of values.

The delimiter is found in the first row; fields may stand in quotes; a byte-order mark and either kind of line end are
accepted. Rows are counted from 1 without the row of names; each knows the line of the file on which it begins.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symnet.spec.sources.problems import Found, file_error, shown

DELIMITERS = ",;\t"
ROWS = 4096  # rows that are converted together
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-"))
COMMA = re.compile(r"[-+]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
Record = tuple[int, list[str]]


@dataclass
class Columns:
    """Columns as read: numbers, and texts that name categories; `lines` says where each row begins."""

    numbers: dict[str, NDArray[np.float64]]
    texts: dict[str, list[str]]
    lines: Sequence[int] | None = None
    count: int = 0

    def line(self, row: int) -> int | None:
        """The line of the file on which a row, counted from 0, begins."""
        return None if self.lines is None else self.lines[row]


@dataclass(frozen=True)
class Delimited:
    """A CSV file of which the names are known."""

    path: Path
    names: tuple[str, ...]
    delimiter: str

    @classmethod
    def open(cls, path: Path) -> Delimited:
        """Read the row of names."""
        delimiter = sniffed(next((text for _, text in lines(path) if text.strip()), ""))
        first = next(records(path, delimiter), None)
        if first is None:
            raise file_error(path, "E0411", "the file is empty", "a row of names and a row of values are the least")
        return cls(path, tuple(name.strip() for name in first[1]), delimiter)

    @property
    def nameless(self) -> bool:
        """Whether the row of names seems to be a row of values."""
        return all(is_number(name) for name in self.names)

    def read(self, numbers: Sequence[str], texts: Sequence[str]) -> Columns:
        """The columns that are wanted as numbers and those wanted as texts."""
        reading = Reading(self, {name: self.names.index(name) for name in (*numbers, *texts)}, numbers, texts)
        rows = records(self.path, self.delimiter)
        next(rows)
        for record in rows:
            reading.take(record)
        return reading.finished()


@dataclass
class Reading:
    """A table while it is read, some rows at a time."""

    table: Delimited
    places: dict[str, int]
    numbers: Sequence[str]
    texts: Sequence[str]
    chunk: list[list[str]] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("q"))

    def __post_init__(self) -> None:
        self.found = Found(self.table.path)
        self.parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in self.numbers}
        self.read: dict[str, list[str]] = {name: [] for name in self.texts}
        self.known: dict[str, str] = {}

    def take(self, record: Record) -> None:
        line, fields = record
        self.lines.append(line)
        expected = len(self.table.names)
        if len(fields) != expected:
            text = f"row {len(self.lines)} has {count_of(len(fields), 'field')}, but there are {expected} names"
            hint = "a field that holds the delimiter or a line end stands in quotes"
            self.found.add("E0403", text, hint, line)
            fields = [*fields[:expected], *["0"] * (expected - len(fields))]
        self.chunk.append(fields)
        if len(self.chunk) == ROWS:
            self.convert()

    def convert(self) -> None:
        """Turn the rows of this chunk into columns."""
        if not self.chunk:
            return
        begin = len(self.lines) - len(self.chunk)
        columns = list(zip(*self.chunk, strict=True))
        for name in self.numbers:
            self.parts[name].append(self.as_numbers(name, columns[self.places[name]], begin))
        for name in self.texts:
            self.read[name] += self.as_texts(name, columns[self.places[name]], begin)
        self.chunk = []

    def as_numbers(self, name: str, cells: Sequence[str], begin: int) -> NDArray[np.float64]:
        try:
            values = np.fromiter(map(float, cells), np.float64, len(cells))
            if np.isfinite(values).all() and "_" not in "".join(cells):
                return values
        except ValueError:
            pass
        few = sum(map(is_number, cells)) > len(cells) / 2
        for at, cell in enumerate(cells):
            self.doubt(name, cell.strip(), begin + at, few)
        return np.zeros(len(cells))

    def as_texts(self, name: str, cells: Sequence[str], begin: int) -> list[str]:
        stripped = [cell.strip() for cell in cells]
        for at, cell in enumerate(stripped):
            if cell.lower() in MISSING:
                self.doubt(name, cell, begin + at)
        return [self.known.setdefault(cell, cell) for cell in stripped]

    def doubt(self, name: str, cell: str, row: int, few: bool = True) -> None:
        """Say what is wrong with a cell, if anything is; `few` says that most cells of its column are numbers."""
        place = f"row {row + 1}, column {name!r}"
        if cell.lower() in MISSING:
            what = f" ({shown(cell)})" if cell else ""
            self.found.add(
                "E0405", f"{place}: the value is missing{what}", "fill it in, or drop the row", self.lines[row]
            )
        elif not is_number(cell):
            self.found.add("E0406", f"{place}: {shown(cell)} is not a number", advice(cell, few), self.lines[row])
        elif not np.isfinite(float(cell)):
            self.found.add(
                "E0406", f"{place}: {shown(cell)} is not finite", "fill it in, or drop the row", self.lines[row]
            )

    def finished(self) -> Columns:
        self.convert()
        self.found.raise_any()
        if not self.lines:
            raise file_error(self.table.path, "E0411", "there are names, but no rows", "give at least one row of data")
        joined = {name: np.concatenate(parts) for name, parts in self.parts.items()}
        return Columns(joined, self.read, self.lines, len(self.lines))


def advice(cell: str, few: bool) -> str:
    """What to do about a cell that is no number."""
    if THOUSANDS.fullmatch(cell):
        return f"thousands have no separators: {cell.replace(',', '')}; a decimal comma is written as a point"
    if COMMA.fullmatch(cell):
        return f"numbers are written with a point: {cell.replace(',', '.')}"
    if few:
        return "correct it, or drop the row"
    return "to make categories of text, declare the tensor with kind: onehot or kind: label"


def is_number(text: str) -> bool:
    """Whether a text is a number as data files write them."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def count_of(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


# -- from bytes to rows


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers, ends included."""
    with open(path, "rb") as handle:
        for number, raw in enumerate(handle, start=1):
            if number == 1:
                if raw.startswith(UTF16):
                    raise file_error(path, "E0403", "the file is UTF-16", "save it as UTF-8", 1)
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if b"\0" in raw:
                raise file_error(path, "E0403", "the line holds a NUL byte: this is no text", "give a CSV file", number)
            try:
                yield number, raw.decode()
            except UnicodeDecodeError as wrong:
                text = f"the byte 0x{raw[wrong.start]:02x} at column {wrong.start + 1} is not UTF-8"
                raise file_error(path, "E0403", text, "save the file as UTF-8", number) from None


def records(path: Path, delimiter: str) -> Iterator[Record]:
    """Rows of fields, each with the line on which it begins; empty lines are no rows."""
    reader = csv.reader((text for _, text in lines(path)), delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        begin = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            raise file_error(path, "E0403", *trouble(str(wrong)), begin) from None
        if fields and (len(fields) > 1 or fields[0].strip()):
            yield begin, fields


def trouble(text: str) -> tuple[str, str]:
    """What the csv module says, in other words, and a hint."""
    if "unexpected end" in text:
        return "a quote that opens in this row is never closed", 'a quote within quotes is doubled: ""'
    if "expected after" in text:
        return "a quote closes in the middle of a field", 'a quote within quotes is doubled: ""'
    if "field larger" in text:
        return "a field is longer than 131072 characters", "is a quote left open?"
    return "the line ends in a carriage return alone", "save the file with line ends of today's kind"


def sniffed(head: str) -> str:
    """The delimiter that stands most often outside quotes in the first row."""
    plain = re.sub(r'"[^"]*"', "", head)
    return max(DELIMITERS, key=plain.count)
