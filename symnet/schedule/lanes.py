"""Rows too short for a vector: their samples fill it instead.

A softmax of ten classes works on rows of ten numbers, with a maximum, a sum and a logarithm to each. Vectors of sixteen
stay half empty on them, and what there is once a row is no vector's work at all. So the loop over samples becomes the
inner one:

    for n:                                     for k: for n: z[k,n] = ...; m[n] = max(m[n], z[k,n])
        for k: z = ...; m = max(m, z)    ->    for k: for n: e[k,n] = exp(z[k,n] - m[n]); s[n] += e[k,n]
        for k: e = exp(z - m); s += e          for n: r[n] = 1/s[n]
        r = 1/s
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sympy as sp

from symnet.schedule.memory import is_whole_number
from symnet.schedule.units import SUMMED, Job, Unit, reads_of

SHORT = 12  # entries of a row that leave vectors half empty
MANY = 32  # samples that fill some vectors


def samples_innermost(
    units: Sequence[Unit], batch: sp.Expr | None, capacity: Mapping[sp.Symbol, sp.Expr]
) -> list[Unit]:
    """The units, those that work on short rows with their samples innermost."""
    count = capacity.get(batch, sp.S.Zero) if isinstance(batch, sp.Symbol) else sp.S.Zero
    if not (count.is_Integer and count >= MANY):
        return list(units)
    short = [u for u in units if isinstance(u, Job) and is_short(u, batch, capacity)]
    reducing = [job for job in short if all((a.kind == SUMMED) == (a.extent != batch) for a in job.axes)]
    reduced = {job.node for job in reducing}
    read = {node for job in reducing for node in reads_of(job)}
    once = {n for u in units if isinstance(u, Job) for n in (u.node,) if n.shape == (batch,) and not is_whole_number(n)}
    turned = {job.node for job in short if job.node in reduced | read or reads_of(job) & once}
    return [in_lanes(u, batch) if isinstance(u, Job) and u.node in turned else u for u in units]


def is_short(job: Job, batch: sp.Expr | None, capacity: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether a nest runs over samples, and for each of them over a few entries."""
    others = [a.extent.xreplace(dict(capacity)) for a in job.axes if a.extent != batch]
    entries = sp.Mul(*others)
    samples = len(job.axes) - len(others)
    copied = job.op == "set" and job.body.is_Indexed  # rows are copied as they lie
    plain = job.op != "argmax" and not job.scattered and not copied
    return bool(plain and samples == 1 and others and entries.is_Integer and entries <= SHORT)


def in_lanes(job: Job, batch: sp.Expr | None) -> Job:
    """A nest with its samples innermost."""
    return replace(job, axes=tuple(sorted(job.axes, key=lambda axis: axis.extent == batch)), in_lanes=True)
