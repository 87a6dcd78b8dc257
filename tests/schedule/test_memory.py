"""No two tensors that are alive share memory: schedules walked through entry by entry, with an owner for each number.

Each write says whose entry now lies at an address, each read asks for the entry that it expects there. That knows
nothing of lifetimes, slots or kept axes: only of the order in which loops run, and of what a formula reads where.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy as sp
from compiled import plain_network
from networks import NETWORKS, derived
from sympy.core.symbol import Str

from symnet.core.definition import Node
from symnet.core.expr import COMPARISONS, Bracket
from symnet.run.function import Function
from symnet.run.reference import evaluate_flat
from symnet.run.values import bystanders, concrete, read_values, solve_sizes
from symnet.schedule.fuse import Begin, Item, Leaf, Loop, Timed
from symnet.schedule.schedule import Schedule
from symnet.schedule.units import Job, Product

Place = tuple[int, ...]
Env = dict[sp.Symbol, int]
WORK = {"ws", "near", "wi"}


class Owners:
    """A schedule at known sizes, and who owns which number."""

    def __init__(self, plan: Schedule, values: Mapping[str, Any]) -> None:
        self.plan, self.memory = plan, plan.memory
        given = read_values(plan.program, values)
        self.sizes = solve_sizes({**bystanders(plan.program, values), **given})
        arrays = evaluate_flat(plan.program, values)
        self.labels = {node: array for node, array in arrays.items() if node.kind == "label"}
        self.inputs = set(plan.program.inputs())
        self.place, self.whole, self.reads = cache(self.place_of), cache(self.whole_of), cache(self.reads_of)
        self.owner: dict[Any, tuple[Node, Place]] = {}
        self.checks = 0
        self.lengths = {name: self.number(size) for name, size in self.memory.sizes.items()}
        self.laid = {
            node: (self.number(store.offset), [self.number(step) for step in store.strides])
            for node, store in self.memory.stores.items()
        }

    def number(self, size: sp.Expr) -> int:
        return concrete(sp.sympify(size), self.sizes, "a size")

    # -- addresses

    def address(self, node: Node, place: Place) -> Any:
        """Where an entry lies: an array and an offset, or a local variable."""
        store = self.memory.stores.get(node)
        if store is None or store.array is None:
            return node
        start, steps = self.laid[node]
        at = start + sum(place[axis] * step for axis, step in zip(store.axes, steps, strict=True))
        if store.array in WORK:
            assert 0 <= at < self.lengths[store.array], f"{node.name}{place} lies outside of {store.array}"
        return store.array, at

    def write(self, node: Node, place: Place) -> None:
        self.owner[self.address(node, place)] = (node, place)

    def read(self, node: Node, place: Place) -> None:
        if node in self.inputs:
            return
        self.checks += 1
        found = self.owner.get(self.address(node, place))
        assert found == (node, place), f"{node.name}{place} is read, but there lies {found}"

    # -- formulas as functions of the indices

    def place_of(self, places: tuple[sp.Expr, ...]) -> Callable[[Env], Place]:
        """Places as numbers, with labels read from their values."""
        found = [self.whole(place) for place in places]
        return lambda env: tuple(f(env) for f in found)

    def whole_of(self, expr: sp.Expr) -> Callable[[Env], int]:
        if expr.is_Integer or expr in self.sizes:
            value = self.number(expr)
            return lambda env: value
        if isinstance(expr, sp.Symbol):
            return lambda env: env[expr]
        if isinstance(expr, sp.Indexed):
            node, place = expr.args[0].node, self.place(tuple(expr.indices))
            return lambda env: int(self.labels[node][place(env)])
        if isinstance(expr, (Bracket, sp.KroneckerDelta)):
            holds = self.holds(expr)
            return lambda env: int(holds(env))
        parts = [self.whole(arg) for arg in expr.args] if not isinstance(expr, sp.floor) else []
        if isinstance(expr, sp.Add):
            return lambda env: sum(p(env) for p in parts)
        if isinstance(expr, sp.Mod):
            return lambda env: parts[0](env) % parts[1](env)
        above, below = sp.fraction(sp.together(expr.args[0] if isinstance(expr, sp.floor) else expr))
        if below != 1:
            top, bottom = self.whole(above), self.whole(below)
            return lambda env: top(env) // bottom(env)
        if isinstance(expr, sp.floor):
            return self.whole(above)
        if isinstance(expr, sp.Mul):
            return lambda env: int(np.prod([p(env) for p in parts], dtype=int))
        assert isinstance(expr, sp.Pow), expr
        return lambda env: int(parts[0](env) ** parts[1](env))

    def holds(self, gate: sp.Expr) -> Callable[[Env], bool]:
        """Whether a bracket of places and labels holds."""
        sign, left, right = (Str("=="), *gate.args) if isinstance(gate, sp.KroneckerDelta) else gate.args
        # both sides times two, for conditions may speak of halves
        one, other = self.whole(sp.expand(2 * left)), self.whole(sp.expand(2 * right))
        compare = COMPARISONS[sign.name]
        return lambda env: bool(compare(one(env), other(env)))

    def reads_of(self, expr: sp.Expr) -> tuple[Callable[[Env], Iterator[tuple[Node, Place]]], ...]:
        """What computing a formula reads: nothing behind a bracket of places that does not hold."""
        if isinstance(expr, sp.Indexed):
            node, place = expr.args[0].node, self.place(tuple(expr.indices))
            inner = [f for p in expr.indices for f in self.reads(p)]
            return (*inner, lambda env: iter([(node, place(env))]))
        gates = [f for f in sp.Mul.make_args(expr) if is_place_gate(f)]
        inner = [f for arg in expr.args if isinstance(arg, sp.Basic) and arg not in gates for f in self.reads(arg)]
        inner += [f for gate in gates for arg in gate.args if isinstance(arg, sp.Expr) for f in self.reads(arg)]
        if not gates:
            return tuple(inner)
        conditions = [self.holds(gate) for gate in gates]

        def guarded(env: Env) -> Iterator[tuple[Node, Place]]:
            if all(holds(env) for holds in conditions):
                for found in inner:
                    yield from found(env)

        return (guarded,)

    # -- running

    def run(self, items: Iterable[Item], env: Env) -> None:
        for item in items:
            if isinstance(item, (Loop, Timed)):
                self.loop(item, env)
            elif isinstance(item, Begin):
                self.begin(item, env)
            elif isinstance(item, Leaf):
                self.leaf(item.job, env)
            else:
                self.product(item, env)

    def loop(self, item: Loop | Timed, env: Env) -> None:
        index, extent = (item.index, item.extent) if isinstance(item, Loop) else (item.sweep.index, item.sweep.extent)
        steps = range(self.number(extent))
        for value in reversed(steps) if isinstance(item, Timed) and item.sweep.direction < 0 else steps:
            self.run(item.items, {**env, index: value})

    def begin(self, item: Begin, env: Env) -> None:
        job = item.job
        if job.scattered:
            for place in itertools.product(*[range(self.number(size)) for size in job.node.shape]):
                self.write(job.node, place)
            return
        place = self.place(job.places)
        for inner in self.box([(axis.index, axis.extent) for axis in item.axes]):
            self.write(job.node, place({**env, **inner}))

    def leaf(self, job: Job, env: Env) -> None:
        own = self.place(job.places)(env)
        for found in (*self.reads(job.body), *(f for place in job.places for f in self.reads(place))):
            for node, place in found(env):
                self.read(node, place)
        if job.op != "set":
            self.read(job.node, own)
        self.write(job.node, own)

    def product(self, item: Product, env: Env) -> None:
        """A matrix product: its operands are read as a whole, then the result is there."""
        gates = [g for g in sp.Mul.make_args(item.guard) if g != 1]
        open_ = all(self.holds(gate)(env) for gate in gates)
        own = self.place(tuple(item.places))
        extents = dict(item.extents)
        free = [(index, extents[index]) for index in item.indices]
        for operand in (item.left, item.right) if open_ else ():
            node, place = operand.args[0].node, self.place(tuple(operand.indices))
            for inner in self.box([*free, *item.bound]):
                self.read(node, place({**env, **inner}))
        for inner in self.box(free):
            self.write(item.node, own({**env, **inner}))

    def box(self, ranges: Iterable[tuple[sp.Symbol, sp.Expr]]) -> Iterator[Env]:
        ranges = list(ranges)
        for values in itertools.product(*[range(self.number(extent)) for _, extent in ranges]):
            yield dict(zip([index for index, _ in ranges], values, strict=True))


def is_place_gate(factor: sp.Expr) -> bool:
    """A bracket that speaks of places, sizes and labels only."""
    if isinstance(factor, sp.KroneckerDelta):
        return True
    whole = isinstance(factor, Bracket) and len(factor.args) == 3
    return whole and all(read.args[0].node.kind == "label" for read in factor.atoms(sp.Indexed))


def walk(function: Function, values: Mapping[str, Any]) -> Owners:
    owners = Owners(function.schedule, values)
    owners.run(owners.plan.items, {})
    for node in function.schedule.program.outputs:
        for place in np.ndindex(*[owners.number(size) for size in node.shape]):
            owners.read(node, place)
    return owners


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_read_what_was_written(name: str) -> None:
    assert walk(plain_network(name), derived(name)[0].values).checks
