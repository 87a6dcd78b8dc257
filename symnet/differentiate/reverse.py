"""Reverse mode: the one rule.

    T_bar[t]  :=  Sum over each user M of T, over M's indices m:   M_bar[m] * d formula_M[m] / d T[t]

A read `T[a(m)]` gives the partial by that read and the delta [t = a(m)], which is then solved for a summed
index. Adjoints refer to each other by name, so a recurrence needs no rule of its own, and nothing needs an order.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

import sympy as sp

from symnet.core.definition import Definition, Node, Program, read_nodes
from symnet.core.expr import Bound, reads
from symnet.declare.notation import default_indices
from symnet.declare.tensor import Tensor
from symnet.differentiate.delta import sum_with
from symnet.differentiate.local import LocalDerivatives, opened


@dataclass
class Adjoints:
    """The raw result of a reverse pass: an adjoint tensor for each active tensor, and its definition."""

    of: dict[Node, Tensor]
    definitions: dict[Node, Definition] = field(default_factory=dict)


def active_nodes(program: Program, root: Node, wanted: Iterable[Node]) -> list[Node]:
    """What lies between the root and the wanted tensors, the root first."""
    users: dict[Node, list[Node]] = {}
    for node, definition in program.definitions.items():
        for used in read_nodes(definition.formula):
            users.setdefault(used, []).append(node)
    below = _closure([root], lambda n: read_nodes(program[n].formula) if n in program else [])
    above = _closure(wanted, lambda n: users.get(n, []))
    order = [n for n in reversed(list(program)) if n in below and n in above]
    return order + [n for n in below if n not in program and n in above]


def _closure(start: Iterable[Node], step: Callable[[Node], Iterable[Node]]) -> dict[Node, None]:
    seen = dict.fromkeys(start)
    todo = list(seen)
    while todo:
        for node in step(todo.pop()):
            if node not in seen:
                seen[node] = None
                todo.append(node)
    return seen


def own_indices(
    node: Node, definition: Definition | None, avoid: Iterable[sp.Symbol] = (), letters: Iterable[sp.Symbol] = ()
) -> tuple[sp.Symbol, ...]:
    """The indices a tensor's adjoint is written with: its own where they do not clash, else no tensor's `letters`."""
    avoid = set(avoid)
    own = definition.indices if definition else default_indices(node.shape, {*avoid, *letters})
    if not avoid & set(own):
        return own
    return default_indices(node.shape, avoid)


def reverse(
    program: Program,
    root: Node,
    wanted: Iterable[Node],
    seed: Callable[[tuple[sp.Symbol, ...]], sp.Expr],
    extra: tuple[Bound, ...] = (),
) -> Adjoints:
    """Raw adjoints of everything active. `seed(m)` is d root / d root[m], which may carry `extra` free indices."""
    active = active_nodes(program, root, wanted)
    outer = tuple(i for i, _ in extra)
    taken = {n.name for n in (*program, *program.inputs())}
    adjoint = {n: _adjoint_tensor(root, n, extra, taken) for n in active}
    parts: dict[Node, list[sp.Expr]] = {n: [] for n in active}
    letters = [sp.Symbol(name, integer=True) for name in sorted(taken) if len(name) == 1]
    place = {n: own_indices(n, program.definitions.get(n), outer, letters) for n in active}
    if root in parts:
        parts[root].append(seed(place[root]))
    local = LocalDerivatives()
    free = {n: {**dict(extra), **dict(zip(place[n], n.shape, strict=True))} for n in active}
    for user in active:
        if user not in program:
            continue
        fresh = tuple(sp.Dummy(i.name, integer=True) for i in program[user].indices)
        renamed = Definition(fresh, program[user].at(fresh))
        weight = _weight(user, root, adjoint, outer, fresh, program, seed)
        for target, term in contributions(user, renamed, weight, place, free, local):
            parts[target].append(term)
    result = Adjoints(adjoint)
    for n in active:
        result.definitions[adjoint[n]] = Definition((*outer, *place[n]), sp.Add(*parts[n]))
    return result


def _adjoint_tensor(root: Node, node: Node, extra: tuple[Bound, ...], taken: Container[str]) -> Tensor:
    name = f"d{root.name}_d{node.name}" if extra else f"{node.name}_bar"
    shape = (*(extent for _, extent in extra), *node.shape)
    unique = free_name(name, taken)
    return Tensor(unique, shape, auto=True, anonymous=node.anonymous, adjoint_of=node, root=root)


def free_name(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken."""
    return name if name not in taken else next(c for i in count(2) if (c := f"{name}{i}") not in taken)


def _weight(
    user: Node,
    root: Node,
    adjoint: Mapping[Node, Tensor],
    outer: tuple[sp.Symbol, ...],
    fresh: tuple[sp.Symbol, ...],
    program: Program,
    seed: Callable[[tuple[sp.Symbol, ...]], sp.Expr],
) -> sp.Expr:
    """The user's adjoint at its indices; at a scalar root it is the seed itself."""
    if user is root and not root.rank and root not in read_nodes(program[root].formula):
        return seed(fresh)
    return adjoint[user].read(*outer, *fresh)


def contributions(
    user: Node,
    definition: Definition,
    weight: sp.Expr,
    place: Mapping[Node, tuple[sp.Symbol, ...]],
    free: Mapping[Node, Mapping[sp.Symbol, sp.Expr]],
    local: LocalDerivatives,
) -> Iterable[tuple[Node, sp.Expr]]:
    """What one user adds to the adjoint of each tensor it reads."""
    parts = opened(user, definition)
    own = tuple(zip(definition.indices, user.shape, strict=True))
    value = None if parts.bound else user.read(*definition.indices)
    for read in reads(parts.body):
        target = read.args[0].node
        if target not in place:
            continue
        slope = local.partial(parts.body, read, value)
        if slope == 0:
            continue
        equations = list(zip(place[target], read.indices, strict=True))
        yield target, sum_with(weight * parts.weight * slope, equations, (*own, *parts.bound), free[target])


def tangents(program: Program, directions: Mapping[Node, Node], root: Node) -> Adjoints:
    """Forward mode by the same partials: how everything moves when the given tensors move along `directions`."""
    active = active_nodes(program, root, directions)
    taken = {n.name for n in (*program, *program.inputs())}
    moving = {n: _tangent_tensor(root, n, taken) for n in active}
    result = Adjoints(moving)
    local = LocalDerivatives()
    for node in active:
        definition = program.definitions.get(node)
        indices = own_indices(node, definition)
        terms = [directions[node].read(*indices)] if node in directions else []
        if definition is not None:
            parts = opened(node, definition)
            ranges = dict(zip(indices, node.shape, strict=True))
            value = None if parts.bound else node.read(*indices)
            for read in reads(parts.body):
                other = read.args[0].node
                if other in moving:
                    slope = parts.weight * local.partial(parts.body, read, value)
                    terms.append(sum_with(slope * moving[other].read(*read.indices), [], parts.bound, ranges))
        result.definitions[moving[node]] = Definition(indices, sp.Add(*terms))
    return result


def _tangent_tensor(root: Node, node: Node, taken: Container[str]) -> Tensor:
    name = free_name(f"{node.name}_dot", taken)
    return Tensor(name, node.shape, auto=True, anonymous=node.anonymous, tangent_of=node, root=root)
