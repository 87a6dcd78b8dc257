"""Formulas as text to declared tensors.

    z[n,k] = sum(x[n,d]*W[d,k], d) + b[k]
    h[n,t,k] = tanh(a[n,t,k] + where(t > 0, sum(h[n,t-1,j]*U[j,k], j), 0))        a recurrence reads itself
    m[s:T, t:T] = s <= t                                                          ranges that no read tells
    p = softmax(x @ W + b)                                                        array notation

`grammar.py` has the grammar. There is no implicit summation: an index on the right only is a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any

import sympy as sp

from symnet.core.definition import Program, shape_text
from symnet.core.graph import verify_order
from symnet.declare.tensor import Tensor, define
from symnet.declare.tensor import tensor as named_first
from symnet.errors import LocatedError, SymnetError
from symnet.spec.build import Builder, symbol
from symnet.spec.grammar import read_formula
from symnet.spec.infer import declare_missing, with_left_side
from symnet.spec.names import Known
from symnet.spec.order import Job, groups
from symnet.spec.passage import Passage, Problems, Refused, Span
from symnet.spec.scan import pieces, without_comments
from symnet.spec.scopes import Bound, Extent, Scoped, range_of, scoped, unknown_range

ANY = Extent(sp.Symbol("?", integer=True, positive=True), "?")
UNCERTAIN = ("E0102", "E0202")  # what may follow from a declaration that could not be read


def declare_expression(text: str, file: str = "<expression>") -> dict[str, Tensor]:
    """Tensors of a few formulas in which what no formula defines becomes a real parameter.

    Formulas are separated by newlines or `;`. The sizes of the parameters are dims named after their indices.
    """
    problems, known = Problems(file), Known()
    passage = with_left_side(text)
    jobs, broken = read_formulas(passage, problems)
    if not jobs and not problems.found:
        problems.add("E0211", "there is no formula", "for example L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)")
    if not problems.found:
        declare_missing(jobs, known, problems)
    if not problems.found:
        define_all(jobs, known, problems, broken)
    if problems.found:
        raise LocatedError(problems.sorted())
    return known.tensors


def read_formulas(passage: Passage, problems: Problems) -> tuple[list[Job], set[str]]:
    """The formulas of a passage, and the names of those that cannot be read."""
    code = without_comments(passage.text)
    jobs: list[Job] = []
    noted = len(problems.found)
    for piece in pieces(passage, problems):
        try:
            formula = read_formula(code, piece)
        except Refused as refused:
            problems.add(refused.code, refused.message, refused.hint, [passage.mark(s) for s in refused.spans])
            continue
        found = scoped(formula)
        jobs.append(Job(formula.name, found.names(), (passage.mark(formula.head),), found, passage))
    if len(problems.found) == noted:
        return jobs, set()
    left = re.findall(r"(?:^|;)\s*([^\W\d][\w.]*)\s*(?:\[[^\]\n]*\]\s*)?:?=(?!=)", code, re.MULTILINE)
    return jobs, set(left) - {job.name for job in jobs}


def define_all(jobs: Sequence[Job], known: Known, problems: Problems, broken: set[str]) -> None:
    """Define everything in an order that works; what reads something broken is left out without a word."""
    jobs = once_each(jobs, known, problems)
    known.later = {job.name for job in jobs}
    for group in groups(jobs):
        names = {job.name for job in group}
        reads = set().union(*(job.reads for job in group))
        waiting = bool(({name.split(".")[0] for name in reads} | reads) & broken)
        if waiting:
            check_names(group, known, problems, broken | known.later)
        if waiting or not define_group(group, known, problems):
            broken |= names | {prefix for job in group for prefix in job.prefixes}


def check_names(group: list[Job], known: Known, problems: Problems, excused: set[str]) -> None:
    """What can be said of formulas that read something broken: their names, their calls."""
    for job in group:
        if job.scoped is None:
            continue
        names = [free.name for free in job.scoped.free] + [read.name for read in job.scoped.reads]
        unsure = {name for name in names if name in excused or name.split(".")[0] in excused}
        calls, _ = Builder(known, job.scoped, {}).check_calls()
        strange = [] if known.uncertain else strangers(job.scoped, known, unsure)
        for mistake in [*job.scoped.wrong, *calls, *strange]:
            job.note(mistake, problems)


def once_each(jobs: Sequence[Job], known: Known, problems: Problems) -> list[Job]:
    """The jobs whose names are free; the others are mistakes."""
    kept: dict[str, Job] = {}
    for job in jobs:
        given = known.tensors.get(job.name)
        if job.name in kept:
            marks = [*kept[job.name].marks, *job.marks]
            problems.add("E0103", f"{job.name} is defined twice", "give the second definition another name", marks)
        elif given is not None and given.role != "defined":
            hint = "leave out its role if a formula defines it, or give the formula another name"
            problems.add("E0103", f"{job.name} is declared with a role, and defined as well", hint, job.marks)
        elif job.name in known.dims:
            problems.add(
                "E0103", f"{job.name} is a dim, and defined as well", "give the tensor another name", job.marks
            )
        else:
            kept[job.name] = job
    return list(kept.values())


def define_group(group: list[Job], known: Known, problems: Problems) -> bool:
    """Define what belongs together; whether that went well."""
    before = len(problems.found)
    well = True
    recurrent = len(group) > 1 or group[0] in group[0].waits
    if recurrent and any(job.make is not None for job in group):
        names = " -> ".join(job.name for job in [*group, group[0]])
        marks = [mark for job in group for mark in job.marks]
        problems.add("E0205", f"layers wait for each other: {names}", "a layer takes what stands before it", marks)
    elif group[0].make is not None:
        group[0].make(known, problems)
    else:
        formulas = [job for job in group if job.scoped is not None]
        if not recurrent or name_first(formulas, known, problems):
            made = [define_one(job, known, problems) for job in formulas]
            well = all(made)
    if well and recurrent and len(problems.found) == before:
        check_order(group, known, problems)
    return well and len(problems.found) == before


def check_order(group: list[Job], known: Known, problems: Problems) -> None:
    """A recurrence goes forward along some axis."""
    try:
        verify_order(Program.of([known.tensors[job.name] for job in group]))
    except SymnetError as error:
        problems.add_error(error, [mark for job in group for mark in job.marks])


# -- recurrences


def name_first(group: list[Job], known: Known, problems: Problems) -> bool:
    """Name the tensors of a recurrence, with shapes that follow from what is known already."""
    partial: dict[str, list[Extent | None]] = {}
    for job in group:
        assert job.scoped is not None
        partial[job.name] = [None] * len(job.scoped.left)

    def size_of(name: str, axis: int) -> Extent | None:
        if name in partial and name not in known.tensors:
            return partial[name][axis] if axis < len(partial[name]) else None
        return known.size_of(name, axis)

    try:
        while grow(group, partial, known, size_of):
            pass
    except Refused as refused:
        next(iter(group)).note(refused, problems)
        return False
    well = [named(job, partial[job.name], known, problems) for job in group]
    return all(well)


def grow(group: list[Job], partial: dict[str, list[Extent | None]], known: Known, size_of: object) -> bool:
    """Whether another axis of a recurrence got its size."""
    changed = False
    for job in group:
        assert job.scoped is not None
        for axis, bound in enumerate(job.scoped.left):
            if partial[job.name][axis] is None:
                partial[job.name][axis] = range_of(bound, size_of, known.said)  # type: ignore[arg-type]
                changed = changed or partial[job.name][axis] is not None
    return changed


def named(job: Job, extents: list[Extent | None], known: Known, problems: Problems) -> bool:
    """Name a tensor that is defined later."""
    assert job.scoped is not None
    if job.scoped.formula.bare and job.name in {f.name for f in job.scoped.free}:
        hint = "a recurrence reads itself at a shifted index: h[n, t-1, k]"
        job.note(Refused("E0205", f"{job.name} is defined by itself", hint, [job.scoped.formula.head]), problems)
        return False
    missing = [bound for bound, extent in zip(job.scoped.left, extents, strict=True) if extent is None]
    if job.name in known.tensors:
        return True
    if missing:
        job.note(unknown_range(missing[0], job.name), problems)
        return False
    sizes = [extent for extent in extents if extent is not None]
    try:
        known.add(named_first(job.name, tuple(extent.size for extent in sizes)), sizes)
    except SymnetError as error:
        problems.add_error(error, job.marks)
        return False
    return True


# -- one formula


def define_one(job: Job, known: Known, problems: Problems) -> bool:
    """Define one tensor, or note everything that is wrong with its formula; whether it is defined."""
    assert job.scoped is not None
    builder = Builder(known, job.scoped, {})
    calls, silent = builder.check_calls()
    names = [m for m in strangers(job.scoped, known) if not all(within(span, silent) for span in m.spans)]
    wrong = [*job.scoped.wrong, *calls, *names]
    builder.ranges, clashes, unknown = ranges_of(job, known)
    wrong += clashes
    if not wrong:
        try:
            check_left(job.scoped, known.tensors.get(job.name), builder, known)
            made = builder.built()
            check_whole(job.scoped, made)
            wrong += unknown
            if not wrong:
                finish(job.scoped, made, builder, known)
        except Refused as refused:
            wrong.append(refused)
    certain = [mistake for mistake in wrong if not (known.uncertain and mistake.code in UNCERTAIN)]
    for mistake in certain:
        job.note(mistake, problems)
    return not wrong


def within(span: Span, others: Sequence[Span]) -> bool:
    return any(other.start <= span.start and span.end <= other.end for other in others)


def ranges_of(job: Job, known: Known) -> tuple[dict[Bound, Extent], list[Refused], list[Refused]]:
    """How far each index runs; where that is contradictory; and where it is unknown, with a range to go on with."""
    assert job.scoped is not None
    found: dict[Bound, Extent] = {}
    clashes, unknown = [], []
    for bound in job.scoped.bounds():
        found[bound] = ANY
        try:
            extent = range_of(bound, known.size_of, known.said)
        except Refused as refused:
            clashes.append(refused)
            continue
        told = bound in job.scoped.left and job.name in known.tensors  # by the shape that was declared
        if extent is None and not told:
            unknown.append(unknown_range(bound, job.name))
        found[bound] = extent or ANY
    return found, clashes, unknown


def strangers(found: Scoped, known: Known, excused: Container[str] = ()) -> list[Refused]:
    """Names that stand for nothing: indices on the right only, and all others that nobody declared."""
    wrong: list[Refused] = []
    unknown = [f for f in found.free if not is_known(f.name, known) and f.name not in excused]
    places = {free.name for free in unknown if free.place}
    bound = {b.name: b for bounds in found.inner.values() for b in bounds}
    for name in dict.fromkeys(free.name for free in unknown):
        spans = [free.span for free in unknown if free.name == name]
        left = ",".join([*(b.name for b in found.left), name])
        if name in bound:
            hint = f"sum over it here as well: sum(..., {name})"
            what = f"index '{name}' stands outside the {bound[name].by} that binds it"
            wrong.append(Refused("E0203", what, hint, spans))
        elif name in places:
            hint = f"sum over it: sum(..., {name}), or put it on the left: {found.formula.name}[{left}]; "
            what = f"index '{name}' stands on the right of {found.formula.name} only"
            wrong.append(Refused("E0203", what, f"{hint}there is no implicit summation", spans))
        else:
            wrong.append(known.unknown(name, *spans))
    return wrong + [mistake for read in found.reads if read.name not in excused for mistake in known.wrong_read(read)]


def is_known(name: str, known: Known) -> bool:
    return name in known.tensors or name in known.dims or name == "pi"


def finish(found: Scoped, made: Any, builder: Builder, known: Known) -> None:
    """Make the tensor and note it."""
    formula, declared = found.formula, known.tensors.get(found.formula.name)
    try:
        if isinstance(made, Tensor) and (not found.left or made.rank == 0):
            tensor = whole(formula.name, made, declared)
        else:
            indices = tuple(symbol(bound.name) for bound in found.left)
            shape = declared.shape if declared is not None else tuple(builder.ranges[b].size for b in found.left)
            tensor = define(declared if declared is not None else formula.name, indices, made, shape)
    except SymnetError as error:
        raise Refused(error.code, error.message, error.hint, culprits(error.message, found, builder)) from None
    extents = [builder.ranges[b] for b in found.left] if found.left and declared is None else None
    if declared is None:
        known.add(tensor, extents)


def check_left(found: Scoped, declared: Tensor | None, builder: Builder, known: Known) -> None:
    """The left side of a tensor that was declared before has its shape."""
    if declared is None or found.formula.bare:
        return
    name = declared.name
    if len(found.left) != declared.rank:
        what = f"{name} has shape {known.shape_text(name)}, but {len(found.left)} indices on the left"
        raise Refused("E0201", what, "the left side has an index for each axis", [found.formula.head])
    for bound, extent in zip(found.left, known.extents[name], strict=True):
        ran = builder.ranges[bound]
        if ran is not ANY and ran.size != extent.size:
            what = f"index '{bound.name}' runs over {ran.text} on the right, but {name} has {extent.text} there"
            raise Refused(
                "E0203",
                what,
                "the shape of the left side and the axes read on the right must agree",
                [bound.span, *(u.span for u in bound.uses)],
            )


def check_whole(found: Scoped, made: Any) -> None:
    """Indices on the left go with a scalar on the right."""
    if found.left and isinstance(made, Tensor) and made.rank:
        name = found.formula.name
        what = f"the right side is a whole tensor of shape {shape_text(made.shape)}, but {name} has indices"
        hint = f"write {name} = ... without indices, or read the tensors on the right with indices"
        raise Refused("E0201", what, hint, [found.formula.right.span])


def whole(name: str, made: Tensor, declared: Tensor | None) -> Tensor:
    """A tensor that array notation made, under its name."""
    if declared is None and made.auto:
        return made.named(name)
    return define(declared if declared is not None else name, made.indices, made.read(*made.indices), made.shape)


def culprits(message: str, found: Scoped, builder: Builder) -> list[Span]:
    """The reads, or else the uses of the index, that a message speaks of; or else the whole right side."""
    reads = [span for read, spans in builder.places.items() if str(read) in message for span in spans]
    if reads:
        return reads
    quoted = set(re.findall(r"'([^\W\d]\w*)'", message))
    indices = [span for bound in found.bounds() if bound.name in quoted for span in (bound.span, *bound.spans())]
    return indices or [found.formula.right.span]
