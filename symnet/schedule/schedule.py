"""A schedule: kernels in order, where tensors live, and the reasons, for reading with `print`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Node, Program
from symnet.schedule.fuse import Item, arrange
from symnet.schedule.lanes import samples_innermost
from symnet.schedule.memory import Memory, Store, plan
from symnet.schedule.prepare import prepare
from symnet.schedule.report import report
from symnet.schedule.split import scalars_local
from symnet.schedule.table import schedule_table
from symnet.schedule.units import Unit, units_of

TITLES = ("The step", "The update of all parameters")


@dataclass(frozen=True)
class Schedule:
    """What runs, in order, and over which memory."""

    program: Program
    units: tuple[Unit, ...]
    items: tuple[Item, ...]
    memory: Memory
    batch: sp.Expr | None
    sizes: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    itemsize: int = 8

    def __str__(self) -> str:
        return report(self)

    def _repr_html_(self) -> str:
        return schedule_table(self)


class Schedules(tuple[Schedule, ...]):
    """Schedules that run one after the other: a training step, then the update of all parameters at once."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n\n".join(f"{title}: {part}" for title, part in zip(TITLES, self, strict=False))

    def _repr_html_(self) -> str:
        return "\n".join(f"<p>{t}</p>\n{schedule_table(part)}" for t, part in zip(TITLES, self, strict=False))


def schedule(
    program: Program,
    fixed: Mapping[Node, Store],
    outputs: Iterable[Node],
    *,
    next_of: Mapping[Node, Node] | None = None,
    capacity: Mapping[sp.Symbol, sp.Expr] | None = None,
    batch: sp.Expr | None = None,
    first: Node | None = None,
    threads: int = 1,
    itemsize: int = 8,
) -> Schedule:
    """Kernels for a program in normal form.

    `next_of` maps next states to the tensors that they overwrite, none of them before `first` is known; `capacity`
    gives the largest sizes, `batch` the size that counts samples, `itemsize` the bytes of a number.
    """
    overwrites = dict(next_of or {})
    prepared = prepare(program)
    if threads > 1:
        prepared = scalars_local(prepared, fixed)
    units = units_of(prepared, overwrites, batch)
    if threads == 1:  # threads share samples
        units = samples_innermost(units, batch, dict(capacity or {}))
    items = arrange(units, overwrites, first, apart=threads > 1)
    memory = plan(items, fixed, outputs, dict(capacity or {}), threads=threads)
    return Schedule(prepared, tuple(units), tuple(items), memory, batch, dict(capacity or {}), itemsize)
