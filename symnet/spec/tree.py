"""What a formula is once it is read: a small tree whose every part knows where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symnet.spec.passage import Span


@dataclass(frozen=True, eq=False)
class Term:
    """A part of a formula."""

    span: Span

    def parts(self) -> tuple[Term, ...]:
        """What it is made of."""
        return ()


@dataclass(frozen=True, eq=False)
class Number(Term):
    """A whole number, or any other as it was spelled."""

    text: str


@dataclass(frozen=True, eq=False)
class Word(Term):
    """A text in quotes; only as a named argument."""

    text: str


@dataclass(frozen=True, eq=False)
class Name(Term):
    """An index, a dim, or a tensor as a whole."""

    name: str


@dataclass(frozen=True, eq=False)
class ReadOf(Term):
    """`z[n, k]`."""

    name: str
    places: tuple[Term, ...]
    head: Span

    def parts(self) -> tuple[Term, ...]:
        return self.places


@dataclass(frozen=True, eq=False)
class Named(Term):
    """`u=3` in a call."""

    name: str
    value: Term
    head: Span

    def parts(self) -> tuple[Term, ...]:
        return (self.value,)


@dataclass(frozen=True, eq=False)
class Call(Term):
    """`sum(x[n,d], d)`, `exp(x)`."""

    name: str
    args: tuple[Term, ...]
    named: tuple[Named, ...]
    head: Span

    def parts(self) -> tuple[Term, ...]:
        return (*self.args, *self.named)


@dataclass(frozen=True, eq=False)
class Unary(Term):
    """`-x`, `~c`, `x.T`."""

    sign: str
    of: Term

    def parts(self) -> tuple[Term, ...]:
        return (self.of,)


@dataclass(frozen=True, eq=False)
class Binary(Term):
    """`a + b`."""

    sign: str
    left: Term
    right: Term

    def parts(self) -> tuple[Term, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class Compare(Term):
    """`0 <= i < n`."""

    signs: tuple[str, ...]
    sides: tuple[Term, ...]

    def parts(self) -> tuple[Term, ...]:
        return self.sides


@dataclass(frozen=True, eq=False)
class Index:
    """An index on the left side, with its range where that is said: `t:T`."""

    name: str
    span: Span
    extent: Term | None = None


@dataclass(frozen=True, eq=False)
class Formula:
    """`name[indices] = right`."""

    name: str
    indices: tuple[Index, ...]
    right: Term
    span: Span
    head: Span
    bare: bool = False  # no brackets on the left


def walk(term: Term) -> Iterator[Term]:
    """A term and all within it."""
    stack = [term]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(reversed(here.parts()))
