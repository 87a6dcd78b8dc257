"""Declarations that follow from formulas alone, for one-line questions.

    L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)        A is (I, J), x is (J,), b is (I,)

Axes that are read with the same index have the same size; each such class of axes is a dim, named after its index.
What is read as a place is a label, what is named without brackets a scalar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from symnet.core.index import dims
from symnet.declare.tensor import Tensor, input_tensor, param
from symnet.errors import SymnetError
from symnet.spec.functions import FUNCTIONS
from symnet.spec.names import Known
from symnet.spec.order import Job
from symnet.spec.passage import Passage, Problems, Refused
from symnet.spec.scan import spans, without_comments
from symnet.spec.scopes import Bound, Extent, Scoped
from symnet.spec.tree import Name, ReadOf, Term, walk


def with_left_side(text: str) -> Passage:
    """A single formula without a left side is called L; `L == 3` is no such thing, but wrong."""
    code = without_comments(text)
    found = list(spans(code))
    if len(found) != 1 or re.search(r"(?<![<>!:])=", top_level(code)):
        return Passage.alone(text)
    before = text[: len(text) - len(text.lstrip())].split("\n")
    alone = Passage.alone(text.strip())
    first = (len(before), len(before[-1]) + 1)
    rest = [(line + len(before) - 1, col) for line, col in alone.places[1:]]
    return Passage(alone.text, (first, *rest)).behind("L = ")


def top_level(code: str) -> str:
    """What stands outside all brackets."""
    depth, kept = 0, []
    for char in code:
        depth += (char in "([") - (char in ")]")
        kept.append(char if depth <= 0 else " ")
    return "".join(kept)


class Classes:
    """Axes and indices that share a size."""

    def __init__(self) -> None:
        self.parent: dict[Any, Any] = {}

    def root(self, key: Any) -> Any:
        self.parent.setdefault(key, key)
        while self.parent[key] != key:
            key = self.parent[key]
        return key

    def join(self, a: Any, b: Any) -> None:
        self.parent[self.root(b)] = self.root(a)


def declare_missing(jobs: Sequence[Job], known: Known, problems: Problems) -> None:
    """Declare dims and parameters for all names that no formula defines."""
    ranks = ranks_of(jobs, problems)
    if problems.found:
        return
    try:
        sizes = sizes_of(jobs, ranks, known)
        ranks |= dict.fromkeys(scalars(jobs, ranks, known), 0)
        labels = dict(label_reads(jobs, sizes))
        for name, rank in ranks.items():
            extents = [sizes[name, axis] for axis in range(rank)]
            known.add(declared(name, extents, name in labels, labels.get(name)), extents)
    except Refused as refused:
        jobs[0].note(refused, problems)
    except SymnetError as error:
        problems.add_error(error, jobs[0].marks)


def parts(jobs: Sequence[Job]) -> Iterator[tuple[Job, Scoped]]:
    """The jobs with their formulas; here all of them are formulas."""
    for job in jobs:
        assert job.scoped is not None, "expressions have no layers"
        yield job, job.scoped


def declared(name: str, extents: Sequence[Extent], is_label: bool, classes: Extent | None) -> Tensor:
    """A real parameter, or labels."""
    shape = tuple(extent.size for extent in extents)
    if is_label:
        return input_tensor(name, shape, kind="label", classes=None if classes is None else classes.size)
    return param(name, shape)


def ranks_of(jobs: Sequence[Job], problems: Problems) -> dict[str, int]:
    """The names to declare, and with how many axes each is read."""
    defined = {job.name for job in jobs}
    ranks: dict[str, int] = {}
    for job, found in parts(jobs):
        for read in found.reads:
            if read.name in defined:
                continue
            if read.name in FUNCTIONS:
                hint = "call it with round brackets"
                job.note(Refused("E0206", f"{read.name} is a function", hint, [read.head]), problems)
            elif ranks.setdefault(read.name, len(read.places)) != len(read.places):
                what = f"{read.name} is read with {ranks[read.name]} indices, and with {len(read.places)}"
                all_reads = [other.span for other in found.reads if other.name == read.name]
                job.note(Refused("E0201", what, "a tensor has one number of axes", all_reads), problems)
    return ranks


def sizes_of(jobs: Sequence[Job], ranks: dict[str, int], known: Known) -> dict[Any, Extent]:
    """The size of each axis, by its class; dims get their names here."""
    classes, bounds = Classes(), [bound for _, found in parts(jobs) for bound in found.bounds()]
    for bound in bounds:
        for use in bound.uses:
            classes.join(bound, (use.tensor, use.axis))
    for job, found in parts(jobs):
        for axis, bound in enumerate(found.left):
            classes.join((job.name, axis), bound)
    for name in dims_said(bounds):
        known.dims[name] = dims(name)
    sizes = {classes.root(bound): known.said(bound.extent) for bound in bounds if bound.extent is not None}
    taken = {*ranks, *(job.name for job in jobs)}
    for bound in bounds:
        if classes.root(bound) not in sizes:
            sizes[classes.root(bound)] = fresh_dim(bound.name, taken, known)
    for key in [(name, axis) for name, rank in ranks.items() for axis in range(rank)]:
        if classes.root(key) not in sizes:
            sizes[classes.root(key)] = fresh_dim(key[0], taken, known)
    return {key: sizes[classes.root(key)] for key in list(classes.parent) if classes.root(key) in sizes}


def dims_said(bounds: Sequence[Bound]) -> list[str]:
    """Names that stand in ranges."""
    terms: list[Term] = [term for bound in bounds if bound.extent is not None for term in walk(bound.extent)]
    return [term.name for term in terms if isinstance(term, Name)]


def fresh_dim(name: str, taken: set[str], known: Known) -> Extent:
    """A dim named after an index: I of i."""
    plain = name.upper() if name.upper() != name else f"{name}_size"
    names = (plain if number == 1 else f"{plain}{number}" for number in count(1))
    chosen = next(n for n in names if n not in taken and n not in known.dims and n not in FUNCTIONS)
    known.dims[chosen] = dims(chosen)
    return known.dim(chosen)


def scalars(jobs: Sequence[Job], ranks: dict[str, int], known: Known) -> Iterator[str]:
    """Names without brackets that are nothing else."""
    other = {*ranks, *known.dims, *FUNCTIONS, *(job.name for job in jobs), "pi"}
    for _, found in parts(jobs):
        indices = {free.name for free in found.free if free.place} | {bound.name for bound in found.bounds()}
        yield from (free.name for free in found.free if free.name not in other | indices)


def label_reads(jobs: Sequence[Job], sizes: dict[Any, Extent]) -> Iterator[tuple[str, Extent | None]]:
    """What is read as a place, and how many classes there are."""
    for _, found in parts(jobs):
        for read in found.reads:
            for axis, place in enumerate(read.places):
                for inner in walk(place):
                    if isinstance(inner, ReadOf):
                        yield inner.name, sizes.get((read.name, axis)) if inner is place else None
