"""The gradient check of a page: as thorough as a reader will wait for.

A numeric slope costs some evaluations of the loss; what all slopes cost is about

    parameters * (entries + directions) * (formulas + weights / 10,000)

Where that is too much, fewer entries of each parameter are looked at, then fewer parameters, at even distances. The
choice depends on the model alone, so that a page is the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy as sp

from symnet.checks.numeric import DIRECTIONS, Report, check
from symnet.core.definition import Node, Program
from symnet.train.model import Model

WORK = 3500
MOST, LEAST = 32, 4
WEIGHTS = 10_000


@dataclass(frozen=True)
class Plan:
    """Which parameters are checked, and how many entries of each beside whole directions."""

    targets: tuple[Node, ...]
    entries: int


def plan(model: Model) -> Plan:
    """What can be checked in reasonable time."""
    params = model.parts.params
    weights = sum(int(size) for p in params if (size := sp.Mul(*p.shape)).is_Integer)
    unit = len(Program.of([model.loss]).definitions) + weights / WEIGHTS
    entries = int(WORK / (unit * max(len(params), 1))) - DIRECTIONS
    count = len(params) if entries >= LEAST else max(1, int(WORK / (unit * (LEAST + DIRECTIONS))))
    places = np.linspace(0, len(params) - 1, min(count, len(params))).astype(int) if params else np.zeros(0, int)
    return Plan(tuple(params[at] for at in places.tolist()), min(MOST, max(LEAST, entries)))


def checked(model: Model) -> tuple[Report, Plan]:
    """The check by plan; of a model without parameters, by its inputs."""
    found = plan(model)
    return check(model.loss, list(found.targets) or None, entries=found.entries), found
