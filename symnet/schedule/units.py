"""The units of a schedule: what is computed as a whole before anything is fused.

Job        one definition as a loop nest: loops, where it stores, and what
Product    one definition as a matrix product: target = alpha*left@right (+ beta*base)
Sweep      a recurrence: units that run inside a loop over time
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from symnet.core.definition import Definition, Node, Program, read_nodes
from symnet.core.expr import Bound, Bracket, Reduce, by_text, reindex
from symnet.core.graph import is_recurrent, program_components, time_loop
from symnet.schedule.match import Layout, Operand, Refusal, matrix_product
from symnet.schedule.prepare import is_plain, is_product, operands, readers

FREE, SUMMED = "free", "summed"


@dataclass(frozen=True)
class Axis:
    """A loop of a nest: its index, how far it runs, and whether the result is indexed by it or added up over it."""

    index: sp.Symbol
    extent: sp.Expr
    kind: str


@dataclass(frozen=True)
class Job:
    """`node[places] op= body` in a nest of loops."""

    node: Node
    axes: tuple[Axis, ...]
    op: str
    places: tuple[sp.Expr, ...]
    body: sp.Expr
    why: str = ""
    scattered: bool = False
    in_lanes: bool = False  # its samples are innermost, see lanes.py

    def reads(self) -> Iterator[sp.Indexed]:
        yield from self.body.atoms(sp.Indexed)
        for place in self.places:
            yield from place.atoms(sp.Indexed)


@dataclass(frozen=True)
class Product:
    """`node = alpha*Sum left*right + beta*base`, by a call where `layout` says how; `base` shares its buffer.

    Where `guard` is false the product is zero.
    """

    node: Node
    indices: tuple[sp.Symbol, ...]
    alpha: sp.Expr
    left: sp.Indexed
    right: sp.Indexed
    bound: tuple[Bound, ...]
    layout: Layout
    extents: Mapping[sp.Symbol, sp.Expr]
    beta: sp.Expr = sp.S.Zero
    base: Node | None = None
    guard: sp.Expr = sp.S.One
    places: tuple[sp.Expr, ...] = ()

    def reads(self) -> Iterator[sp.Indexed]:
        for expr in (self.left, self.right, self.alpha, self.beta, self.guard):
            yield from expr.atoms(sp.Indexed)


@dataclass(frozen=True)
class Sweep:
    """Units in a loop over time, forward or backward."""

    index: sp.Symbol
    extent: sp.Expr
    direction: int
    units: tuple[Unit, ...]

    def reads(self) -> Iterator[sp.Indexed]:
        for unit in self.units:
            yield from unit.reads()


Unit = Job | Product | Sweep


def written(unit: Unit) -> list[Node]:
    """The tensors that a unit computes."""
    return [n for u in unit.units for n in written(u)] if isinstance(unit, Sweep) else [unit.node]


def units_of(program: Program, next_of: Mapping[Node, Node], batch: sp.Expr | None) -> list[Unit]:
    """The units of a prepared program in dependency order; `next_of` maps next states to what they overwrite."""
    program = scales_sunk(updates_folded(program, next_of))
    result: list[Unit] = []
    for group in program_components(program):
        group = [node for node in group if node in program]
        if not group:
            continue
        if is_recurrent(group, program):
            result.append(sweep(group, program, batch))
        else:
            result.append(unit_of(group[0], program[group[0]], frozenset(), batch, next_of.get(group[0])))
    return result


def sweep(group: list[Node], program: Program, batch: sp.Expr | None) -> Sweep:
    """A recurrence as a loop over its axis of time."""
    loop = time_loop(group, program)
    first = loop.order[0]
    time = sp.Dummy("time", integer=True)
    extent = first.shape[loop.axes[first]]
    units = []
    for node in loop.order:
        definition = program[node]
        own = definition.indices[loop.axes[node]]
        moved = Definition(
            tuple(time if i == own else i for i in definition.indices), reindex(definition.formula, {own: time})
        )
        units.append(unit_of(node, moved, frozenset([time]), batch, None))
    return Sweep(time, extent, loop.direction, tuple(units))


def unit_of(
    node: Node, definition: Definition, fixed: frozenset[sp.Symbol], batch: sp.Expr | None, base: Node | None
) -> Unit:
    """One definition as a matrix product if it is one, else as a nest."""
    formula = definition.formula
    why = ""
    if isinstance(formula, Scaled) or (isinstance(formula, Reduce) and formula.op == "sum"):
        found = product_of(node, definition, fixed, base)
        if not isinstance(found, Refusal):
            return found
        assert not isinstance(formula, Scaled), "only products are folded"
        why = found.why
    return job_of(node, Definition(definition.indices, formula), fixed, batch, why)


class Scaled(sp.Expr):  # type: ignore[misc]
    """`alpha*sum + beta*base`, held apart so that a call can do all of it."""

    is_commutative = True
    is_real = True

    def __new__(cls, alpha: sp.Expr, reduce: Reduce, beta: sp.Expr, base: sp.Expr) -> Scaled:
        obj: Scaled = sp.Expr.__new__(cls, alpha, reduce, beta, base)
        return obj


def updates_folded(program: Program, next_of: Mapping[Node, Node]) -> Program:
    """`W_bar = s/N` and `W_next = W - lr*W_bar` as one product each, where nobody else reads the parts."""
    users = readers(program)
    definitions = dict(program.definitions)
    gone: set[Node] = set()
    for node, definition in program.definitions.items():
        found = _folded(node, definition, definitions, users, next_of, set(program.outputs))
        if found is not None:
            definitions[node] = Definition(definition.indices, found[0])
            gone |= found[1]
    kept = {n: d for n, d in definitions.items() if n not in gone}
    return Program(program.outputs, kept)


def _folded(
    node: Node,
    definition: Definition,
    definitions: Mapping[Node, Definition],
    users: Mapping[Node, list[Node]],
    next_of: Mapping[Node, Node],
    outputs: set[Node],
) -> tuple[sp.Expr, set[Node]] | None:
    """A formula affine in one sum that it alone reads, as that sum scaled; with the tensors that are then gone."""
    formula = definition.formula
    if isinstance(formula, (Reduce, Scaled)):
        return None
    for read in by_text(formula.atoms(sp.Indexed)):
        inner = read.args[0].node
        if inner not in definitions or users.get(inner) != [node] or inner in outputs or not _one_place(read, formula):
            continue
        source = definitions[inner].formula
        scale, reduce, beta, _ = source.args if isinstance(source, Scaled) else (sp.S.One, source, sp.S.Zero, None)
        if not isinstance(reduce, Reduce) or reduce.op != "sum" or beta != 0 or not _is_full(read, definition):
            continue
        moved = dict(zip(definitions[inner].indices, read.indices, strict=True))
        body, bound = reduce.open()
        groups = operands(body, definitions[inner].indices, bound)
        if not is_product(groups, definitions[inner].indices, bound):
            continue
        parts = _affine(formula, read, node, next_of.get(node), definition)
        if parts is None:
            continue
        alpha, beta, base = parts
        folded = Scaled(alpha * scale, Reduce("sum", body.xreplace(moved), bound), beta, base)
        if product_of(node, Definition(definition.indices, folded), frozenset(), next_of.get(node)):
            return folded, {inner}
    return None


def scales_sunk(program: Program) -> Program:
    """`c*f(s)` where s is a product that is read here alone, and c the same everywhere: c goes with the product."""
    users = readers(program)
    definitions = dict(program.definitions)
    for node, definition in program.definitions.items():
        common, rest = everywhere_the_same(definitions[node])
        if common == 1:
            continue
        for read in (f for f in sp.Mul.make_args(rest) if isinstance(f, sp.Indexed)):
            inner = read.args[0].node
            scaled = _scaled(definitions.get(inner), common)
            once = rest.count(read) == 1 and _one_place(read, definition.formula)
            alone = users.get(inner) == [node] and inner not in program.outputs and once
            if alone and scaled is not None and product_of(inner, scaled, frozenset(), None):
                definitions[inner], definitions[node] = scaled, Definition(definition.indices, rest)
                break
    return Program(program.outputs, definitions)


def _one_place(read: sp.Indexed, formula: sp.Expr) -> bool:
    """Whether a formula reads a tensor at this place only."""
    return {r for r in formula.atoms(sp.Indexed) if r.args[0] == read.args[0]} == {read}


def everywhere_the_same(definition: Definition) -> tuple[sp.Expr, sp.Expr]:
    """The factors of a formula that no index changes, and the others."""
    if not isinstance(definition.formula, sp.Mul):
        return sp.S.One, definition.formula
    moving = [f for f in definition.formula.args if f.free_symbols & set(definition.indices)]
    common = [f for f in definition.formula.args if f not in moving]
    return sp.Mul(*common), sp.Mul(*moving)


def _scaled(definition: Definition | None, factor: sp.Expr) -> Definition | None:
    """A sum that is to be multiplied by a factor; None for what is no sum."""
    if definition is None or not isinstance(definition.formula, Reduce) or definition.formula.op != "sum":
        return None
    return Definition(definition.indices, Scaled(factor, definition.formula, sp.S.Zero, sp.S.Zero))


def _is_full(read: sp.Indexed, definition: Definition) -> bool:
    return set(read.indices) == set(definition.indices) and len(read.indices) == len(definition.indices)


def _affine(
    formula: sp.Expr, read: sp.Indexed, node: Node, base: Node | None, definition: Definition
) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """`alpha*read + beta*base[same place]` with scalar alpha and beta."""
    slot = sp.Dummy("s")
    here = sp.Dummy("w")
    own = base.read(*definition.indices) if base is not None else None
    expr = sp.expand(formula.xreplace({read: slot, **({own: here} if own is not None else {})}))
    alpha, beta = expr.coeff(slot, 1), expr.coeff(here, 1)
    rest = sp.expand(expr - alpha * slot - beta * here)
    scalars = all(not (part.free_symbols & {slot, here, *definition.indices}) for part in (alpha, beta))
    if rest != 0 or alpha == 0 or not scalars:
        return None
    return alpha, beta, (own if own is not None and beta != 0 else sp.S.Zero)


def product_of(node: Node, definition: Definition, fixed: frozenset[sp.Symbol], base: Node | None) -> Product | Refusal:
    """A definition as a matrix product, or why it is none."""
    formula = definition.formula
    alpha, beta, reduce = sp.S.One, sp.S.Zero, formula
    if isinstance(formula, Scaled):
        alpha, reduce, beta, _ = formula.args
    body, bound = reduce.open()
    free = tuple(i for i in definition.indices if i not in fixed)
    groups = operands(body, free, bound)
    if not is_product(groups, free, bound):
        return Refusal("one operand" if len(groups) < 2 else "the operands are not two matrices")
    extents = {**{i: e for i, e in zip(definition.indices, node.shape, strict=True) if i in free}, **dict(bound)}
    rest = [f for f in sp.Mul.make_args(body) if not any(f in g for g in groups)]
    guards = [f for f in rest if isinstance(f, (Bracket, sp.KroneckerDelta))]
    reads = [sp.Mul(*g) for g in groups]
    for operand in reads:
        if not isinstance(operand, sp.Indexed) or not is_plain(operand, extents):
            return Refusal(f"{operand} is no plain read")
    rows_first = [i for i in free if sum(i in r.indices for r in reads) == 1]
    if rows_first and rows_first[0] not in reads[0].indices:
        reads = reads[::-1]
    scale = sp.Mul(alpha, *[f for f in rest if f not in guards])
    target = strides_of(node.read(*definition.indices), extents)
    left, right = (strides_of(read, extents) for read in reads)
    layout = matrix_product(target, left, right, extents)
    if isinstance(layout, Refusal):
        return layout
    held = base if base is not None and beta != 0 else None
    return Product(
        node, free, scale, reads[0], reads[1], bound, layout, extents, beta, held, sp.Mul(*guards), definition.indices
    )


def strides_of(read: sp.Indexed, extents: Mapping[sp.Symbol, sp.Expr]) -> Operand:
    """The stride of each running index of a read, for a tensor stored row by row."""
    strides = row_strides(read.args[0].node.shape)
    return Operand({place: s for place, s in zip(read.indices, strides, strict=True) if place in extents})


def row_strides(shape: Iterable[sp.Expr]) -> list[sp.Expr]:
    """Strides of a tensor stored row by row."""
    strides: list[sp.Expr] = []
    step: sp.Expr = sp.S.One
    for size in reversed(list(shape)):
        strides.append(step)
        step = step * size
    return strides[::-1]


# -- nests


def job_of(
    node: Node, definition: Definition, fixed: frozenset[sp.Symbol], batch: sp.Expr | None, why: str = ""
) -> Job:
    """A definition as a loop nest, its loops outermost first."""
    formula = definition.formula
    places: tuple[sp.Expr, ...] = definition.indices
    free = [(i, e) for i, e in zip(definition.indices, node.shape, strict=True) if i not in fixed]
    if not isinstance(formula, Reduce):
        axes = [Axis(i, e, FREE) for i, e in free]
        return Job(node, in_order(axes, formula, places, batch), "set", places, formula, why)
    body, bound = formula.open()
    moved, body = scatter(free, body, bound) if formula.op == "sum" else ({}, body)
    places = tuple(moved.get(place, place) for place in places)
    axes = [Axis(i, e, FREE) for i, e in free if i not in moved] + [Axis(b, e, SUMMED) for b, e in bound]
    ordered = in_order(axes, body, places, batch)
    if (
        formula.op == "argmax"
    ):  # the best so far is a local variable: its loops are the inner ones, the first entry wins
        ordered = (*(a for a in ordered if a.kind == FREE), *(a for a in axes if a.kind == SUMMED))
    return Job(node, ordered, formula.op, places, body, why, scattered=bool(moved))


def scatter(free: list[Bound], body: sp.Expr, bound: tuple[Bound, ...]) -> tuple[dict[sp.Symbol, sp.Expr], sp.Expr]:
    """Free indices that a delta fixes: their loop is not run, the sum is added to the place that the delta says."""
    moved: dict[sp.Symbol, sp.Expr] = {}
    factors = list(sp.Mul.make_args(body))
    for delta in [f for f in factors if isinstance(f, sp.KroneckerDelta)]:
        for index, place in (delta.args, delta.args[::-1]):
            if index in dict(free) and is_scatter(index, place, bound):
                moved[index] = place
                factors = [f.xreplace({index: place}) for f in factors if f is not delta]
                break
    return moved, sp.Mul(*factors)


def is_scatter(index: sp.Symbol, place: sp.Expr, bound: Iterable[Bound]) -> bool:
    """Whether a delta says where each term of a sum goes: at a label of what is summed over."""
    inside = place.free_symbols & {b for b, _ in bound}
    return bool(inside) and index not in place.free_symbols and bool(place.atoms(sp.Indexed))


def in_order(axes: list[Axis], body: sp.Expr, places: tuple[sp.Expr, ...], batch: sp.Expr | None) -> tuple[Axis, ...]:
    """Loops so that the innermost walks memory: by the average distance from the last axis, samples outermost."""
    seen: dict[sp.Symbol, list[int]] = {axis.index: [] for axis in axes}
    for read_places in [places, *(r.indices for r in by_text(body.atoms(sp.Indexed)))]:
        for distance, place in enumerate(reversed(read_places)):
            for symbol in place.free_symbols & set(seen):
                seen[symbol].append(distance)

    def key(axis: Axis) -> tuple[bool, float, bool]:
        distances = seen[axis.index] or [0]
        return (axis.extent != batch, -sum(distances) / len(distances), axis.kind == FREE)

    return tuple(sorted(axes, key=key))


def retarget(job: Job, mapping: Mapping[sp.Symbol, sp.Expr]) -> Job:
    """A job with indices renamed."""
    places = tuple(reindex(place, mapping) for place in job.places)
    axes = tuple(replace(a, index=mapping.get(a.index, a.index), extent=a.extent) for a in job.axes)
    return replace(job, axes=axes, places=places, body=reindex(job.body, mapping))


def reads_of(unit: Unit) -> set[Node]:
    return {read.args[0].node for read in unit.reads()}


def node_set(nodes: Iterable[Node]) -> list[Node]:
    return sorted(set(nodes), key=lambda n: n.serial)


__all__ = ["Axis", "Job", "Product", "Sweep", "Unit", "job_of", "read_nodes", "retarget", "units_of", "written"]
