"""Formulas for a drawing: TextPrinter's, with marks for what stands below, above and aslant, set into lines.

    sum_d x[n,d]*W[d,k] + b[k]      a large sum sign with d below, x with n, d below, and so on

The marks are characters of the private use area, which no name can hold. Widths are those of a common serif face;
a drawing says them to the reader's program, which fits its own face to them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from symnet.show.printer import ATOM, POWER, PRODUCT, Env, Piece
from symnet.show.text import TextPrinter

BELOW, ABOVE, ASLANT, END = "\ue000", "\ue001", "\ue002", "\ue003"
THIN = "\u2009"
MARKS = re.compile(f"([{BELOW}{ABOVE}{ASLANT}{END}])")
BREAK = re.compile(r"(?= [+\-−] )")
ACCENTED = re.compile(r"(.*\.)?([^\W\d_])(\w{0,2}?)_(bar|dot)_?(\d*)")
ACCENTS = {"bar": "\u0304", "dot": "\u0307"}
SMALLER, DROP, RISE = 0.72, 0.22, -0.36
NARROW, WIDE = frozenset("ijltfrI.,;:'|![]() "), frozenset("mwMW@Σ")


class RichPrinter(TextPrinter):
    """Formulas as text with marks."""

    def symbol(self, name: str) -> str:
        return aslant(name)

    def read(self, expr: sp.Indexed, env: Env) -> Piece:
        places = ",".join(self.place(place, env) for place in expr.indices)
        name = aslant(shown_name(self.name(expr.args[0].node)))
        return Piece(f"{name}{below(places)}" if places else name, ATOM)

    def join(self, pieces: Sequence[Piece]) -> Piece:
        text = pieces[0].text
        for piece in pieces[1:]:
            text += ("·" if piece.text[0].isdigit() else THIN) + piece.text
        return Piece(text, pieces[0].level if len(pieces) == 1 else min(PRODUCT, pieces[-1].level))

    def power(self, expr: sp.Pow, env: Env) -> Piece:
        if expr.exp == sp.S.Half:
            return Piece(f"√{self.written(expr.base, env, ATOM)}", ATOM)
        return Piece(f"{self.written(expr.base, env, ATOM)}{ABOVE}{self.written(expr.exp, env)}{END}", POWER)

    def prefix(self, op: str, runs: Sequence[tuple[str, str | None]], body: str) -> str:
        indices = ",".join(aslant(name) + ("" if end is None else f"<{end}") for name, end in runs)
        return f"{self.sign(op)}{below(indices)}{THIN}{body}"

    def delta(self, left: str, right: str) -> Piece:
        return Piece(f"δ{below(f'{left},{right}')}", ATOM)


def aslant(text: str) -> str:
    return f"{ASLANT}{text}{END}"


def below(text: str) -> str:
    return f"{BELOW}{text}{END}"


def plain(rich: str) -> str:
    """The text without its marks."""
    return MARKS.sub("", rich)


def shown_name(name: str) -> str:
    """`a1_bar` as a letter under a bar; longer words stay as they are."""
    match = ACCENTED.fullmatch(name)
    if not match:
        return name
    path, letter, rest, accent, number = match.groups()
    return unicodedata.normalize("NFC", f"{path or ''}{letter}{ACCENTS[accent]}{rest}{number}")


@dataclass(frozen=True)
class Span:
    """Text of one look: `size` and `shift` in the line's own size, the shift downward."""

    text: str
    size: float = 1.0
    shift: float = 0.0
    aslant: bool = False

    @property
    def width(self) -> float:
        return self.size * text_width(self.text)


Line = tuple[Span, ...]


def text_width(text: str) -> float:
    """The width of text in its own size, about."""
    return sum(map(_width, text))


def _width(sign: str) -> float:
    if unicodedata.combining(sign):
        return 0.0
    if sign in NARROW:
        return 0.3
    if sign == THIN:
        return 0.18
    if sign in WIDE:
        return 0.8
    return 0.67 if sign.isupper() else 0.56 if sign in "+=<>−-·≤≥" else 0.5


def line_width(line: Line) -> float:
    return sum(span.width for span in line)


def spans(rich: str) -> Line:
    """The looks that the marks ask for, inner ones upon outer ones."""
    found: list[Span] = []
    stack = [Span("")]
    for part in MARKS.split(rich):
        top = stack[-1]
        if part == END:
            stack.pop()
        elif part == ASLANT:
            stack.append(Span("", top.size, top.shift, True))
        elif part in (BELOW, ABOVE):
            move = DROP if part == BELOW else RISE
            stack.append(Span("", top.size * SMALLER, top.shift + move * top.size, top.aslant))
        elif part:
            found.append(Span(part, top.size, top.shift, top.aslant))
    return tuple(found)


def lines(rich: str, width: float) -> list[Line]:
    """The formula in lines of at most a width where it can be broken: before signs, else between factors."""
    result: list[str] = []
    for piece in pieces(rich, width):
        joined = result[-1] + piece if result else piece
        if result and line_width(spans(joined)) > width:
            result.append(piece.lstrip())
        else:
            result[-1:] = [joined]
    return [spans(text) for text in result]


def pieces(rich: str, width: float) -> Iterator[str]:
    """Parts between which a line may end: terms, and factors of terms that are too long."""
    for term in joined_inside(BREAK.split(rich)):
        if line_width(spans(term)) <= width:
            yield term
        else:
            yield from joined_inside(re.split(f"(?<={THIN})", term))


def joined_inside(parts: Sequence[str]) -> Iterator[str]:
    """Parts put together again where a break fell between marks."""
    held = ""
    for part in parts:
        held += part
        if held.count(END) == len(MARKS.findall(held)) - held.count(END):
            yield held
            held = ""
    if held:
        yield held
