"""Rows of a data set are asked for one sample ahead: shuffled, they are where no processor expects them.

    for n in range(N):
        after = n + begin + 1 if n + begin + 1 < total else n + begin
        fetch(data, rows[after] * 784, 784)
        row = rows[n + begin]
        for i in range(784):
            x[n * 784 + i] = data[(row if row > 0 else 0) * 784 + i]

Measured: a step of logistic regression 784-10 over 4096 rows that come from memory takes 4.3 in place of 4.6 ms; where
they come from the caches there is no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy as sp

from symnet.core.definition import Node
from symnet.schedule.fuse import Leaf, Loop
from symnet.schedule.memory import Store, is_whole_number
from symnet.schedule.units import Job

LINE = 16  # entries of a row that are worth asking for: a line of the cache, in float32
MOST = 1024  # entries that are asked for, of a longer row the first


def copied_rows(loop: Loop) -> Iterator[tuple[sp.Indexed, Node]]:
    """The places that a loop over samples reads its rows at, `rows[n + begin]`, and what it copies from there."""
    found: dict[Node, sp.Indexed] = {}
    for item in loop.items:
        if isinstance(item, Leaf) and is_place(item.job, loop.index):
            found[item.job.node] = item.job.body
    for inner in loop.items:
        for leaf in inner.items if isinstance(inner, Loop) else ():
            source = copied_from(leaf.job) if isinstance(leaf, Leaf) else None
            if source is not None and source[0] in found:
                yield found[source[0]], source[1]


def is_place(job: Job, index: sp.Symbol) -> bool:
    """Whether a job looks up where a sample is; not at a place that another job has to look up before."""
    body = job.body
    if job.op != "set" or not is_whole_number(job.node) or not isinstance(body, sp.Indexed):
        return False
    return index in body.free_symbols and not any(read.args[0].node.rank for read in body.indices[0].atoms(sp.Indexed))


def copied_from(job: Job) -> tuple[Node, Node] | None:
    """What says the row that a job copies from, and the tensor that it is a row of."""
    if job.op != "set" or not isinstance(job.body, sp.Indexed):
        return None
    place = job.body.indices[0]
    return (place.args[0].node, job.body.args[0].node) if isinstance(place, sp.Indexed) else None


def row_length(store: Store, known: Callable[[sp.Expr], sp.Expr]) -> int:
    """How many entries lie between two rows; 0 where that is not known."""
    step = known(store.strides[0]) if store.axes[:1] == (0,) else sp.S.Zero
    return int(step) if step.is_Integer else 0
