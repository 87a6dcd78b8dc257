"""The formulas that a kernel computes, as people write them: what stands above its loops."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from symnet.core.definition import Definition, read_nodes
from symnet.core.expr import Reduce, by_text, transform
from symnet.emit.names import Names
from symnet.schedule.fuse import Item, Leaf, Loop, Timed
from symnet.schedule.units import FREE, Job, Product
from symnet.show.text import text_definition
from symnet.simplify.stable.heads import Difference


def comments(item: Item, names: Names) -> Iterator[str]:
    """The formulas that a kernel computes, as people write them."""
    for job in jobs_of(item):
        if isinstance(job, Product):
            body = sp.Mul(job.alpha, Reduce("sum", sp.Mul(job.guard, job.left, job.right), job.bound))
            formula = body + (job.beta * job.base.read(*job.places) if job.base is not None else 0)
            yield shown(job, formula, names)
        elif not job.scattered:
            axes = [(a.index, a.extent) for a in job.axes if a.kind != FREE]
            formula = Reduce(job.op, job.body, axes) if job.op != "set" else job.body
            yield shown(job, formula, names)


def shown(job: Job | Product, formula: sp.Expr, names: Names) -> str:
    """`z[n,k] = ...`, with the names that the code below uses; a difference by its sign."""
    formula = transform(formula, lambda e: e.args[0] - e.args[1] if isinstance(e, Difference) else e)
    nodes = {job.node, *read_nodes(formula)}
    used = {node: names(node, node.name) for node in sorted(nodes, key=lambda n: n.serial)}
    symbols = {s for s in formula.free_symbols | set(job.places) if isinstance(s, sp.Dummy)}
    plain = {s: sp.Symbol(names(s, s.name.lstrip("_")), integer=True) for s in by_text(symbols)}
    places = tuple(p.xreplace(plain) for p in job.places)
    return text_definition(job.node, Definition(places, formula.xreplace(plain)), used)


def jobs_of(item: Item) -> Iterator[Job | Product]:
    if isinstance(item, Leaf):
        yield item.job
    elif isinstance(item, Product):
        yield item
    elif isinstance(item, (Loop, Timed)):
        for inner in item.items:
            yield from jobs_of(inner)
