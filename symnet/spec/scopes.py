"""Which index each name in a formula is, and how far it runs.

An index is bound by the left side or by a reduction around it. Its range comes from the plain reads in which it
stands (`x[n,d]`), or is said outright (`h[n, t:T]`, `sum(..., u=3)`); two that disagree are a mistake with two carets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from symnet.spec.functions import REDUCTIONS
from symnet.spec.passage import Refused, Span
from symnet.spec.tree import Call, Formula, Name, ReadOf, Term, Word

ARRAY_OPTIONS = ("axis", "keepdims")


@dataclass(frozen=True)
class Extent:
    """A size, and how it is written: `D=64`."""

    size: sp.Expr
    text: str


@dataclass(frozen=True)
class Use:
    """An index alone on an axis of a read."""

    tensor: str
    axis: int
    span: Span


@dataclass(eq=False)
class Bound:
    """An index, what binds it, and where it stands."""

    name: str
    span: Span
    by: str
    extent: Term | None = None
    uses: list[Use] = field(default_factory=list)
    others: list[Span] = field(default_factory=list)

    def spans(self) -> list[Span]:
        return [*(use.span for use in self.uses), *self.others]


@dataclass(frozen=True)
class Free:
    """A name that no index is bound to: a tensor, a dim, or a mistake."""

    name: str
    span: Span
    place: bool


@dataclass(eq=False)
class Scoped:
    """A formula with its indices found."""

    formula: Formula
    left: tuple[Bound, ...] = ()
    inner: dict[int, tuple[Bound, ...]] = field(default_factory=dict)
    free: list[Free] = field(default_factory=list)
    reads: list[ReadOf] = field(default_factory=list)
    wrong: list[Refused] = field(default_factory=list)

    def bounds(self) -> Iterable[Bound]:
        """All indices, the left ones first."""
        yield from self.left
        for bounds in self.inner.values():
            yield from bounds

    def names(self) -> set[str]:
        """The tensors that it may read."""
        return {read.name for read in self.reads} | {free.name for free in self.free}


Scope = Mapping[str, Bound]


def scoped(formula: Formula) -> Scoped:
    """The indices of a formula."""
    made = Scoped(formula, tuple(Bound(i.name, i.span, "the left side", i.extent) for i in formula.indices))
    scope: dict[str, Bound] = {}
    for bound in made.left:
        if bound.name in scope:
            spans = [scope[bound.name].span, bound.span]
            made.wrong.append(Refused("E0203", f"index '{bound.name}' stands twice on the left", "", spans))
        scope[bound.name] = bound
    visit(made, formula.right, scope)
    return made


def visit(made: Scoped, term: Term, scope: Scope, place: bool = False) -> None:
    """Note every name below a term."""
    if isinstance(term, Name):
        if term.name in scope:
            scope[term.name].others.append(term.span)
        else:
            made.free.append(Free(term.name, term.span, place))
    elif isinstance(term, ReadOf):
        made.reads.append(term)
        for axis, part in enumerate(term.places):
            if isinstance(part, Name) and part.name in scope:
                scope[part.name].uses.append(Use(term.name, axis, part.span))
            else:
                visit(made, part, scope, place=True)
    elif isinstance(term, Call) and binds(term):
        reduce(made, term, scope, place)
    elif not isinstance(term, Word):
        for part in term.parts():
            visit(made, part, scope, place)


def binds(call: Call) -> bool:
    """Whether a call is a reduction over indices."""
    if call.name not in REDUCTIONS:
        return False
    named = any(part.name not in ARRAY_OPTIONS for part in call.named)
    return named or any(isinstance(arg, Name) for arg in call.args[1:])


def reduce(made: Scoped, call: Call, scope: Scope, place: bool) -> None:
    """A reduction: its indices, and its body in their scope."""
    mine: dict[str, Bound] = {}
    found = [(arg.name, arg.span, None) for arg in call.args[1:] if isinstance(arg, Name)]
    for name, span, extent in [*found, *((part.name, part.head, part.value) for part in call.named)]:
        bound = Bound(name, span, call.name, extent)
        if name in mine:
            made.wrong.append(
                Refused("E0203", f"index '{name}' stands twice in {call.name}", "", [mine[name].span, span])
            )
        if name in scope:
            hint = f"give the inner one another name, for example {name}2"
            what = f"index '{name}' is bound by {call.name}, and by {scope[name].by} around it"
            made.wrong.append(Refused("E0203", what, hint, [scope[name].span, span]))
        mine[name] = bound
    for arg in call.args[1:]:
        if not isinstance(arg, Name):
            hint = f"{call.name}(expression, i, j), or {call.name}(expression, u=3)"
            made.wrong.append(Refused("E0206", f"{call.name} runs over indices, and this is none", hint, [arg.span]))
    made.inner[id(call)] = tuple(mine.values())
    if call.args:
        visit(made, call.args[0], {**scope, **mine}, place)


SizeOf = Callable[[str, int], Extent | None]
SizeTerm = Callable[[Term], Extent]


def range_of(bound: Bound, size_of: SizeOf, said: SizeTerm) -> Extent | None:
    """How far an index runs; None where nothing that is known tells."""
    first: tuple[Extent, str, Span] | None = None
    if bound.extent is not None:
        first = (
            said(bound.extent),
            f"where {bound.by} says so" if bound.by != "the left side" else "on the left",
            bound.span,
        )
    for use in bound.uses:
        extent = size_of(use.tensor, use.axis)
        if extent is None:
            continue
        if first is None:
            first = (extent, f"of {use.tensor}", use.span)
        elif first[0].size != extent.size:
            raise disagreement(bound.name, first, (extent, f"of {use.tensor}", use.span))
    return None if first is None else first[0]


def disagreement(name: str, first: tuple[Extent, str, Span], second: tuple[Extent, str, Span]) -> Refused:
    """Two axes of different size with one index."""
    if first[1].startswith("of "):
        message = f"index '{name}' {first[1]} runs over {first[0].text}, but {second[1]} over {second[0].text}"
    else:
        message = f"index '{name}' runs over {first[0].text} {first[1]}, but {second[1]} over {second[0].text}"
    return Refused("E0203", message, "give one of them another index, or the same dim", [first[2], second[2]])


def unknown_range(bound: Bound, name: str) -> Refused:
    """An index of which nothing says how far it runs."""
    if bound.by == "the left side":
        hint = f"say it: {name}[..., {bound.name}:{bound.name.upper()}]"
        what = f"nothing says how far index '{bound.name}' of {name} runs"
    else:
        hint = f"say it: {bound.by}(..., {bound.name}={bound.name.upper()})"
        what = f"nothing says how far index '{bound.name}' of {bound.by} runs"
    return Refused("E0202", what, f"no tensor is read with it alone on an axis; {hint}", [bound.span, *bound.spans()])
