"""Emitted lines as people lay them out: no needless brackets, and at most 120 characters.

    ws[(n)] = ((a + b))            ->  ws[n] = a + b
    y = f(a, b) * g(c) + h(d)      ->  y = (
                                           f(a, b) * g(c)
                                           + h(d)
                                       )                       where it is too long

What a line means is untouched: its syntax tree stays the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 120
INDENT = "    "
TOKEN = re.compile(
    r"""\s+|[A-Za-z_]\w*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|"[^"]*"|'[^']*'|\*\*=?|//=?|[-+*/<>=!]=|."""
)
WORDS = re.compile(r"(?:[-+*/=<>|]+ )*\S+(?: \([^()]*\)\S*)?")
MUCH = 90
PAIRS = {"(": ")", "[": "]", "{": "}"}
CLOSING = set(PAIRS.values())
ASSIGNMENTS = ("=", "+=", "*=", "-=", "/=")
KEYWORDS = {"if", "else", "or", "and", "not", "in", "for", "return", "lambda"}
SIGNS = ("+", "-")
# how tightly signs bind, as Python has it
SUM, PRODUCT, UNARY, ATOM = 6, 7, 8, 10
STRENGTH = {
    **dict.fromkeys(("lambda", "for", "if", "else"), 1),
    **{"or": 2, "and": 3, "not": 4},
    **dict.fromkeys(("<", ">", "<=", ">=", "==", "!=", "in"), 5),
    **dict.fromkeys(SIGNS, SUM),
    **dict.fromkeys(("*", "/", "//", "%"), PRODUCT),
    "**": 9,
}
# what a line is broken at, loosest first: after commas, before the others
BREAKS = (
    *((",",), ("if", "else"), ("or",), ("and",)),
    *(("<", ">", "<=", ">=", "==", "!="), ("+", "-"), ("*", "/", "//", "%"), ("**",)),
)


def laid_out(lines: Iterable[str]) -> list[str]:
    """Lines of code without needless brackets, each as one or several lines of at most 120 characters."""
    result: list[str] = []
    quoted = False  # whether a docstring goes on
    for line in lines:
        text = line.lstrip(" ")
        indent = line[: len(line) - len(text)]
        quotes = text.count('"""')
        if quoted or quotes or not text:
            result.append(line)
        elif text.startswith("#"):
            result += filled(text, indent, f"{indent}#   {INDENT}")
        else:
            result += broken(bare(text), indent)
        quoted ^= quotes == 1
    return result


def filled(text: str, first: str, other: str) -> list[str]:
    """Words in lines of at most 120 characters; a sign stays with what follows it, a name with its shape."""
    lines, current = [], first
    for word in _words(text):
        start = current in (first, other)
        if not start and len(current) + 1 + len(word) > WIDTH:
            lines.append(current)
            current, start = other, True
        current += word if start else f" {word}"
    return [*lines, current]


def _words(text: str) -> Iterator[str]:
    """What a line may be broken between: not within brackets, unless they hold much."""
    depth, group = 0, list[str]()
    for word in WORDS.findall(text):
        depth += sum(map(word.count, PAIRS)) - sum(map(word.count, CLOSING))
        group.append(word)
        if depth <= 0:
            yield from [" ".join(group)] if sum(map(len, group)) < MUCH else group
            depth, group = 0, []
    yield from group


# -- brackets


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def partners(parts: Sequence[str]) -> dict[int, int]:
    """Where each opening bracket is closed, as far as it is."""
    open_at: list[int] = []
    found = {}
    for at, part in enumerate(parts):
        if part in PAIRS:
            open_at.append(at)
        elif part in CLOSING and open_at:
            found[open_at.pop()] = at
    return found


def bare(text: str) -> str:
    """A statement without the brackets around what stands alone between brackets, commas or signs of assignment."""
    parts = tokens(text)
    found = partners(parts)
    gone: set[int] = set()
    for start, end in found.items():
        if parts[start] == "(" and _is_needless(parts, start, end, gone, found):
            gone |= {start, end}
    return "".join(part for at, part in enumerate(parts) if at not in gone)


def _is_needless(parts: Sequence[str], start: int, end: int, gone: set[int], found: dict[int, int]) -> bool:
    """Whether the same tree is read without the brackets, as they stand beside looser signs only."""
    before, after = _neighbour(parts, start, -1, gone), _neighbour(parts, end, 1, gone)
    left, right = (parts[at] if 0 <= at < len(parts) else "" for at in (before, after))
    inside = _outermost(parts, start, end, gone, found)
    if not inside or "," in inside or left in ("not", "in") or _ends_operand(left):
        return False
    own = min(_strengths(inside))
    further = _neighbour(parts, before, -1, gone)
    unary = left in SIGNS and not (further >= 0 and _ends_operand(parts[further]))
    outer_left = UNARY if unary else STRENGTH.get(left, 0)
    outer_right = STRENGTH.get(right, ATOM if right in ("(", "[", ".") else 0)
    return own > outer_left and (own > outer_right or own == outer_right in (SUM, PRODUCT))  # sums go from the left


def _strengths(parts: Sequence[str]) -> Iterator[int]:
    """How tightly each sign binds."""
    yield ATOM
    before = ""
    for part in parts:
        if part in STRENGTH:
            yield UNARY if part in SIGNS and not _ends_operand(before) else STRENGTH[part]
        before = part


def _neighbour(parts: Sequence[str], at: int, step: int, gone: set[int]) -> int:
    """The place of the next token that is there."""
    at += step
    while 0 <= at < len(parts) and (parts[at].isspace() or at in gone):
        at += step
    return at


def _outermost(parts: Sequence[str], start: int, end: int, gone: set[int], found: dict[int, int]) -> list[str]:
    """The tokens between two brackets that are in no bracket of their own; of those that are, the last."""
    result, at = [], start + 1
    while at < end:
        if at not in gone:
            at = found.get(at, at)
            result.append(parts[at])
        at += 1
    return [part for part in result if not part.isspace()]


def _is_operand(part: str) -> bool:
    return part[:1].isalnum() or part[:1] in ("_", '"', "'")


# -- lines


@dataclass(frozen=True)
class Pieces:
    """A text in pieces; each but the first begins with what it was broken at, or the one before ends with a comma."""

    items: tuple[str, ...]
    comma: bool


def broken(text: str, indent: str, inside: bool = False) -> list[str]:
    """One statement, or (`inside` brackets) a part of one, in lines that fit."""
    if len(indent) + len(text) <= WIDTH:
        return [indent + text]
    parts = tokens(text)
    found = partners(parts)
    at = _assigned_at(parts, found)
    right = "".join(parts[at:]).lstrip() if at else ""
    if right and len(_pieces(right).items) > 1:
        inner = _items(right, indent + INDENT)
        return [indent + "".join(parts[:at]) + " (", *inner, f"{indent})"]
    outer = _widest(found)
    splits = inside and len(_pieces(text).items) > 1
    if outer is None:
        return _items(text, indent) if splits else [indent + text]
    head, body, tail = ("".join(p) for p in (parts[: outer[0] + 1], parts[outer[0] + 1 : outer[1]], parts[outer[1] :]))
    if splits and len(indent) + max(len(head), len(tail)) > WIDTH:
        return _items(text, indent)
    return [indent + head, *_items(body, indent + INDENT, text.startswith("@")), indent + tail]


def _assigned_at(parts: Sequence[str], found: dict[int, int]) -> int:
    """The place after the sign of assignment or the `return`; 0 where there is none."""
    at = 0
    while at < len(parts):
        if parts[at] in (*ASSIGNMENTS, "return"):
            return at + 1
        at = found.get(at, at) + 1
    return 0


def _widest(found: dict[int, int]) -> tuple[int, int] | None:
    outer = [(s, e) for s, e in found.items() if not any(a < s and e < b for a, b in found.items())]
    return max(outer, key=lambda pair: pair[1] - pair[0], default=None)


def _items(text: str, indent: str, trailing: bool = False) -> list[str]:
    """What stands between two brackets: in one line if it fits, else as many pieces to a line as fit."""
    if len(indent) + len(text) <= WIDTH:
        return [indent + text]
    pieces = _pieces(text)
    if len(pieces.items) == 1:
        return broken(text, indent, inside=True)
    lines: list[str] = []
    whole = False  # whether the last line holds whole pieces, so that more may join it
    for number, piece in enumerate(pieces.items):
        last = number == len(pieces.items) - 1
        comma = "," if pieces.comma and (not last or trailing) else ""
        if whole and len(lines[-1]) + 1 + len(piece + comma) <= WIDTH:
            lines[-1] += f" {piece}{comma}"
        else:
            added = broken(piece, indent, inside=True)
            added[-1] += comma
            whole = len(added) == 1
            lines += added
    return lines


def _pieces(text: str) -> Pieces:
    """A text broken at its loosest signs outside brackets."""
    parts = tokens(text)
    found = partners(parts)
    for signs in BREAKS:
        places = list(_places(parts, found, signs))
        if places:
            comma = signs == (",",)
            cuts = [0, *[p + 1 if comma else p for p in places], len(parts)]
            items = ["".join(parts[a:b]).strip() for a, b in pairwise(cuts)]
            return Pieces(tuple(i.rstrip(",").rstrip() for i in items if i) if comma else tuple(items), comma)
    return Pieces((text,), False)


def _places(parts: Sequence[str], found: dict[int, int], signs: tuple[str, ...]) -> Iterator[int]:
    """Where a text may be broken: at a binary sign outside brackets."""
    at, before = 0, ""
    while at < len(parts):
        if parts[at] in signs and (parts[at] == "," or (before and _ends_operand(before))):
            yield at
        before = before if parts[at].isspace() else parts[found.get(at, at)]
        at = found.get(at, at) + 1


def _ends_operand(part: str) -> bool:
    return part in CLOSING or (_is_operand(part) and part not in KEYWORDS)
