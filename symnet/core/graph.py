"""Order in programs: strongly connected sets, and which of them are recurrences.

A set of definitions that read each other is a recurrence when some axis carries all of its cycles in one
direction: `h[n,t,k]` reads `h[n,t-1,j]`, so t runs forward; its adjoint reads `t+1`, so t runs backward.
What stands at offset 0 must be acyclic.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sympy as sp

from symnet.core.definition import Definition, Node, Program, read_nodes
from symnet.core.expr import reads
from symnet.errors import CycleProblem

T = TypeVar("T", bound=Hashable)


def components(nodes: Iterable[T], successors: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """Strongly connected components (Tarjan), each after the ones it points to; iterative."""
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    on_stack: set[T] = set()
    path: list[T] = []
    result: list[list[T]] = []
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(list(successors(root))))]
        index[root] = low[root] = len(index)
        path.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for target in rest:
                if target not in index:
                    index[target] = low[target] = len(index)
                    path.append(target)
                    on_stack.add(target)
                    work.append((target, iter(list(successors(target)))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = last_position(path, node)
                    result.append(path[cut:])
                    on_stack.difference_update(path[cut:])
                    del path[cut:]
    return result


def last_position(path: list[T], node: T) -> int:
    """Where `node` stands, looked for from the end, where it is near."""
    position = len(path) - 1
    while path[position] != node:
        position -= 1
    return position


def program_components(program: Program) -> list[list[Node]]:
    """Groups of definitions in an order in which each stands after what it reads."""
    users = {node: [r for r in read_nodes(d.formula) if r in program] for node, d in program.definitions.items()}
    return components(program, lambda node: users[node])


def is_recurrent(group: Sequence[Node], program: Program) -> bool:
    """Whether a component refers to itself at all."""
    return len(group) > 1 or group[0] in read_nodes(program[group[0]].formula)


@dataclass(frozen=True)
class TimeLoop:
    """How to run a recurrence: for each tensor its axis of time, the direction, and the order within a step."""

    axes: dict[Node, int]
    direction: int
    order: tuple[Node, ...]


def time_loop(group: Sequence[Node], program: Program) -> TimeLoop:
    """The axis and direction that carry the cycles of a component; an error names the cycle otherwise."""
    for axis in range(group[0].rank):
        for direction in (1, -1):
            loop = _try_axis(group, program, axis, direction)
            if loop is not None:
                return loop
    names = " -> ".join([*(node.name for node in group), group[0].name])
    raise CycleProblem(
        f"these definitions wait for each other and no axis carries them forward: {names}",
        "a recurrence reads itself at a shifted index, for example h[n, t-1, k] behind where(t > 0, ...)",
    )


def _try_axis(group: Sequence[Node], program: Program, axis: int, direction: int) -> TimeLoop | None:
    axes = {group[0]: axis}
    todo = [group[0]]
    waits: dict[Node, set[Node]] = {node: set() for node in group}
    while todo:
        node = todo.pop()
        definition = program[node]
        time = definition.indices[axes[node]]
        for read in reads(definition.formula):
            other = read.args[0].node
            if other not in waits:
                continue
            found = _time_place(read, time, axes.get(other))
            if found is None or found[1] * direction > 0:
                return None
            if other not in axes:
                axes[other] = found[0]
                todo.append(other)
            elif axes[other] != found[0]:
                return None
            if found[1] == 0:
                waits[node].add(other)
    inner = components(group, lambda n: sorted(waits[n], key=lambda node: node.serial))
    if any(len(part) > 1 or part[0] in waits[part[0]] for part in inner):
        return None
    return TimeLoop(axes, direction, tuple(part[0] for part in inner))


def _time_place(read: sp.Indexed, time: sp.Symbol, axis: int | None) -> tuple[int, int] | None:
    """Where and at what offset a read stands on the time index."""
    for a, place in enumerate(read.indices):
        offset = place - time
        if offset.is_Integer and axis in (None, a):
            return a, int(offset)
    return None


def verify_order(program: Program) -> None:
    """Every cycle of the program is a recurrence."""
    for group in program_components(program):
        if is_recurrent(group, program):
            time_loop(group, program)


def definition_order(definitions: dict[Node, Definition], outputs: Iterable[Node]) -> Program:
    """A program with its definitions in dependency order, without those that no output reaches."""
    outputs = tuple(outputs)
    reach = {node: [r for r in read_nodes(d.formula) if r in definitions] for node, d in definitions.items()}
    groups = components([o for o in outputs if o in definitions], lambda node: reach[node])
    return Program(outputs, {node: definitions[node] for group in groups for node in group})
