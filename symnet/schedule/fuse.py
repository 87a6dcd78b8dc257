"""Loops that run over the same range become one, where nothing then reads what is not there yet.

A unit may join a loop when each tensor of that loop that it reads is read at the very iteration that made it. What is
read inside its own iteration only needs no buffer: its axes are dropped, down to a scalar.

    Loop(n):                          m, s: scalars; e: a row
        Loop(k): m = max(m, z[n,k])
        Loop(k): e[k] = exp(z[n,k] - m); s += e[k]
        Loop(k): p[n,k] = e[k]/s
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Node
from symnet.schedule.units import FREE, SUMMED, Axis, Job, Product, Sweep, Unit, reads_of, retarget, written


@dataclass(frozen=True)
class Leaf:
    """A job inside all of its loops."""

    job: Job


@dataclass(frozen=True)
class Begin:
    """Zero (or what a maximum begins with) where a reduction is about to add up, over its remaining axes."""

    job: Job
    axes: tuple[Axis, ...]


@dataclass(frozen=True)
class Loop:
    """A loop and what it holds."""

    index: sp.Symbol
    extent: sp.Expr
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Timed:
    """A recurrence, its kernels arranged within the loop over time."""

    sweep: Sweep
    items: tuple[Item, ...]


Item = Leaf | Begin | Loop | Product | Timed


@dataclass
class Pending:
    """A job on its way down: its loops that are still to be opened, and whether its sum has begun."""

    job: Job
    depth: int = 0
    begun: bool = False

    def axis(self) -> Axis | None:
        return self.job.axes[self.depth] if self.depth < len(self.job.axes) else None


@dataclass
class Group:
    """What shares one loop, or a single thing."""

    axis: Axis | None
    members: list[Pending] = field(default_factory=list)
    single: Unit | None = None
    nodes: set[Node] = field(default_factory=set)
    reads: set[Node] = field(default_factory=set)


def arrange(
    units: Sequence[Unit], overwrites: Mapping[Node, Node], first: Node | None = None, apart: bool = False
) -> list[Item]:
    """The units as a sequence of kernels; `overwrites` maps a tensor to the one whose buffer it takes over.

    Nothing is overwritten before `first` has been computed, so that a step can be given up without a trace. With
    `apart`, sums over samples do not join loops that make samples: threads share these by rows, those by columns.
    """
    if first is not None:
        needed = _needed(units, first)
        units = [*(u for u in units if id(u) in needed), *(u for u in units if id(u) not in needed)]
    return _level([Pending(u) if isinstance(u, Job) else u for u in units], overwrites, first, apart)


def _needed(units: Sequence[Unit], node: Node) -> set[int]:
    """The units that a tensor depends on, its own among them."""
    wanted, found = {node}, set()
    for unit in reversed(units):
        if wanted & set(written(unit)):
            found.add(id(unit))
            wanted |= reads_of(unit)
    return found


def _level(
    units: Sequence[Pending | Product | Sweep],
    overwrites: Mapping[Node, Node],
    first: Node | None = None,
    apart: bool = False,
) -> list[Item]:
    groups: list[Group] = []
    home: dict[Node, int] = {}
    readers: dict[Node, list[int]] = {}
    for unit in units:
        job = unit.job if isinstance(unit, Pending) else unit
        waits = first is not None and any(n in overwrites for n in written(job))
        at = _place(
            unit, groups, home, readers, overwrites, home[first] + 1 if waits and first is not None else 0, apart
        )
        home.update(dict.fromkeys(written(job), at))
        groups[at].nodes.update(written(job))
        for node in reads_of(job):
            groups[at].reads.add(node)
            readers.setdefault(node, []).append(at)
    return [item for group in groups for item in _items(group, overwrites)]


def _place(
    unit: Pending | Product | Sweep,
    groups: list[Group],
    home: Mapping[Node, int],
    readers: Mapping[Node, list[int]],
    overwrites: Mapping[Node, Node],
    earliest: int,
    apart: bool,
) -> int:
    """The first group from `earliest` on that the unit can join, or a new one."""
    job = unit.job if isinstance(unit, Pending) else unit
    for node in reads_of(job):
        if node in home and node not in written(job):
            earliest = max(earliest, home[node])
    for node in written(job):
        lost = overwrites.get(node)
        earliest = max([earliest, *readers.get(lost, ())]) if lost is not None else earliest
    axis = unit.axis() if isinstance(unit, Pending) else None
    if isinstance(unit, Pending) and axis is not None:
        for at in range(earliest, len(groups)):
            if _joins(unit, axis, groups[at], overwrites, apart):
                groups[at].members.append(unit)
                return at
    single = None if axis is not None else job
    groups.append(Group(axis, [unit] if isinstance(unit, Pending) else [], single))
    return len(groups) - 1


def _adds_up(job: Job) -> bool:
    """Whether a job adds up tensors, not scalars, over its outermost loop."""
    return bool(job.node.rank) and job.axes[0].kind == SUMMED


def _joins(unit: Pending, axis: Axis, group: Group, overwrites: Mapping[Node, Node], apart: bool) -> bool:
    """Whether the unit's next loop can be the group's."""
    if group.axis is None or group.axis.extent != axis.extent:
        return False
    if apart and _adds_up(unit.job) != _adds_up(group.members[0].job):
        return False
    related = group.nodes | group.reads
    if not (related & (reads_of(unit.job) | {unit.job.node})):
        return False
    for member in group.members:
        other = member.axis()
        assert other is not None
        if not _aligned(member.job, other, unit.job, axis):
            return False
        if overwrites.get(unit.job.node) in reads_of(member.job) and not _same_place(
            member.job, other, unit, axis, overwrites
        ):
            return False
    return True


def _aligned(producer: Job, made: Axis, consumer: Job, used: Axis) -> bool:
    """Whether each read of the producer's tensor is at the iteration of this loop that makes it."""
    reads = [r for r in consumer.reads() if r.args[0].node is producer.node]
    if not reads:
        return True
    if made.kind == SUMMED or producer.scattered or made.index not in producer.places:
        return False
    axis = producer.places.index(made.index)
    return all(read.indices[axis] == used.index for read in reads)


def _same_place(reader: Job, made: Axis, unit: Pending, axis: Axis, overwrites: Mapping[Node, Node]) -> bool:
    """Whether a tensor that the unit overwrites is read by another job at the same iteration only."""
    lost = overwrites[unit.job.node]
    if axis.kind == SUMMED or axis.index not in unit.job.places:
        return False
    at = unit.job.places.index(axis.index)
    return all(r.indices[at] == made.index for r in reader.reads() if r.args[0].node is lost)


def _items(group: Group, overwrites: Mapping[Node, Node]) -> Iterator[Item]:
    if isinstance(group.single, Sweep):
        within = [Pending(u) if isinstance(u, Job) else u for u in group.single.units]
        yield Timed(group.single, tuple(_level(within, overwrites)))
        return
    if isinstance(group.single, Product):
        yield group.single
        return
    if group.axis is None:
        job = group.members[0].job
        if job.op != "set" and not group.members[0].begun:
            yield Begin(job, ())
        yield Leaf(job)
        return
    index = sp.Dummy(group.axis.index.name, integer=True)
    inner: list[Pending] = []
    for member in group.members:
        axis = member.axis()
        assert axis is not None
        begins = axis.kind == SUMMED or member.job.scattered
        if begins and not member.begun:
            yield Begin(member.job, tuple(a for a in member.job.axes[member.depth :] if a.kind == FREE))
        moved = retarget(member.job, {axis.index: index})
        inner.append(Pending(moved, member.depth + 1, member.begun or begins))
    yield Loop(index, group.axis.extent, tuple(_level(inner, overwrites)))
