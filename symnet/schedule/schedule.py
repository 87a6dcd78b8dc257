"""A schedule: kernels in order, where tensors live, and the reasons, for reading with `print`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from symnet.core.definition import Node, Program
from symnet.schedule.fuse import Item, arrange
from symnet.schedule.memory import Memory, Store, plan
from symnet.schedule.prepare import prepare
from symnet.schedule.units import Unit, units_of


@dataclass(frozen=True)
class Schedule:
    """What runs, in order, and over which memory."""

    program: Program
    units: tuple[Unit, ...]
    items: tuple[Item, ...]
    memory: Memory
    batch: sp.Expr | None


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
) -> Schedule:
    """Kernels for a program in normal form.

    `next_of` maps next states to the tensors that they overwrite, none of them before `first` is known; `capacity` gives
    the largest sizes, `batch` the size that counts samples.
    """
    overwrites = dict(next_of or {})
    prepared = prepare(program)
    units = units_of(prepared, overwrites, batch)
    items = arrange(units, overwrites, first, apart=threads > 1)
    memory = plan(items, fixed, outputs, dict(capacity or {}), reuse=threads == 1)
    return Schedule(prepared, tuple(units), tuple(items), memory, batch)
