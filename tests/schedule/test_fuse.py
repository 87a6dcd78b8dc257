"""Which loops become one: outlines of kernels, a loop by its range and a job by the tensor that it makes.

N(m:0 D(m) D(p))     a loop over N: m is set to what it begins with, a loop over D adds to it, another makes p
q@                   a matrix product      T+( ), T-( )     a loop over time, forward or backward
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

import symnet as sn
from symnet.core.definition import Node, Program
from symnet.core.normal import normalise
from symnet.schedule.fuse import Begin, Item, Leaf, Loop, Timed, arrange
from symnet.schedule.prepare import prepare
from symnet.schedule.units import Job, Product, Sweep, Unit, units_of

N, D, K, T = sn.dims("N D K T")
n, d, k, t, j = sn.indices("n d k t j")
x, y, W = sn.input("x", (N, D)), sn.input("y", (N, D)), sn.param("W", (D, K))
labels = sn.input("labels", (N,), kind="label", classes=K)
a = sn.define("a", (n, d), sn.exp(x[n, d]))
q = sn.define("q", (n, k), sn.sum(a[n, d] * W[d, k], d))


def units(outputs: Iterable[Node]) -> list[Unit]:
    return units_of(prepare(normalise(Program.of(outputs), keep=outputs)), {}, None)


def outline(items: Iterable[Item]) -> str:
    return " ".join(map(part, items))


def part(item: Item) -> str:
    if isinstance(item, Loop):
        return f"{item.extent}({outline(item.items)})"
    if isinstance(item, Timed):
        return f"{item.sweep.extent}{'+' if item.sweep.direction > 0 else '-'}({outline(item.items)})"
    if isinstance(item, Begin):
        return f"{item.job.node.name}:0"
    return f"{item.node.name}@" if isinstance(item, Product) else item.job.node.name


def kernels(*outputs: Node) -> str:
    return outline(arrange(units(outputs), {}))


def chain() -> list[Node]:
    return [sn.define("b", (n, d), a[n, d] + 1)]


def softmax() -> list[Node]:
    m = sn.define("m", (n,), sn.max(x[n, d], d))
    e = sn.define("e", (n, d), sn.exp(x[n, d] - m[n]))
    s = sn.define("total", (n,), sn.sum(e[n, d], d))
    return [sn.define("p", (n, d), e[n, d] / s[n])]


def columns_first() -> list[Node]:
    c = sn.define("c", (d,), sn.sum(x[n, d], n))
    return [sn.define("z", (n, d), x[n, d] - c[d])]


def neighbours() -> list[Node]:
    return [sn.define("z", (n, d), sn.where(d > 0, a[n, d - 1], 0), (N, D))]


def neighbouring_rows() -> list[Node]:
    return [sn.define("z", (n, d), sn.where(n > 0, a[n - 1, d], 0), (N, D))]


def transposed() -> list[Node]:
    return [sn.define("z", (d, n), a[n, d] * 2)]


def diagonal() -> list[Node]:
    s = sn.define("s", (n, j), x[n, 0] * x[j, 1], (N, N))
    return [sn.define("z", (n,), s[n, n])]


def one_row() -> list[Node]:
    return [sn.define("z", (n, d), a[n, d] - a[0, d])]


def to_a_scalar() -> list[Node]:
    return [sn.define("L", (), sn.sum(a[n, d] ** 2, n, d))]


def two_scalars() -> list[Node]:
    return [sn.define("L", (), sn.sum(a[n, d], n, d)), sn.define("M", (), sn.max(a[n, d], n, d))]


def a_scalar_in_use() -> list[Node]:
    L = sn.define("L", (), sn.sum(a[n, d], n, d))
    return [sn.define("z", (n, d), a[n, d] / L)]


def after_a_product() -> list[Node]:
    return [sn.define("z", (n, k), sn.tanh(q[n, k]))]


def before_and_after_a_product() -> list[Node]:
    return [sn.define("z", (n, d), a[n, d] * sn.sum(q[n, k], k))]


def unrelated() -> list[Node]:
    return [sn.define("u", (n, d), x[n, d] * 2), sn.define("v", (n, d), y[n, d] * 2)]


def of_one_input() -> list[Node]:
    return [sn.define("u", (n, d), x[n, d] * 2), sn.define("v", (n, d), x[n, d] * 3)]


def rows_and_columns() -> list[Node]:
    return [sn.define("r", (n,), sn.sum(a[n, d], d)), sn.define("c", (d,), sn.sum(a[n, d], n))]


def other_sizes() -> list[Node]:
    r = sn.define("r", (n,), sn.sum(x[n, d], d))
    return [sn.define("z", (n, k), r[n] + W[0, k])]


def over_time() -> list[Node]:
    force, h = sn.input("force", (N, T)), sn.tensor("h", (N, T))
    sn.define(h, (n, t), sn.tanh(force[n, t] + sn.where(t > 0, h[n, t - 1], 0)))
    loss = sn.define("L", (), sn.sum(h[n, t] ** 2, n, t))
    return [loss, sn.grad(loss, force)]


def within_time() -> list[Node]:
    force, u, v = sn.input("force", (N, T)), sn.tensor("u", (N, T)), sn.tensor("v", (N, T))
    sn.define(u, (n, t), sn.tanh(force[n, t] + sn.where(t > 0, v[n, t - 1], 0)))
    sn.define(v, (n, t), sn.sin(u[n, t]))
    return [v]


def across_rows_in_time() -> list[Node]:
    force, h = sn.input("force", (N, T)), sn.tensor("h", (N, T))
    mixed = sn.where(t > 0, sn.sum(h[j, t - 1], j) / N, 0)
    return [sn.define(h, (n, t), sn.tanh(force[n, t] + mixed))]


def scattered() -> list[Node]:
    s = sn.define("s", (k, d), sn.sum(sn.delta(labels[n], k) * sn.sin(y[n, d]), n), (K, D))
    return [sn.define("z", (k, d), s[k, d] ** 2)]


def rows_of_the_best() -> list[Node]:
    best = sn.define("best", (n,), sn.max(a[n, d], d))
    return [sn.define("z", (), sn.sum(best[n], n))]


OUTLINES = {
    "a chain is one loop": (chain, "N(D(a b))"),
    "what rows need is at hand in their loop": (softmax, "N(m:0 D(m) total:0 D(e total) D(p))"),
    "a sum over rows ends before rows are read": (columns_first, "c:0 N(D(c)) N(D(z))"),
    "a neighbour in the row waits for the row": (neighbours, "N(D(a) D(z))"),
    "a neighbouring row waits for all": (neighbouring_rows, "N(D(a)) N(D(z))"),
    "a transpose waits for all": (transposed, "N(D(a)) D(N(z))"),
    "a diagonal waits for the row": (diagonal, "N(N(s) z)"),
    "a fixed row waits for all": (one_row, "N(D(a)) N(D(z))"),
    "a loss is added up on the way": (to_a_scalar, "L:0 N(D(a L))"),
    "two scalars on the way": (two_scalars, "L:0 M:0 N(D(a L M))"),
    "a scalar is read after its loop": (a_scalar_in_use, "L:0 N(D(a L)) N(D(z))"),
    "a product stands between loops": (after_a_product, "N(D(a)) q@ N(K(z))"),
    "loops around a product stay apart": (before_and_after_a_product, "N(D(a)) q@ N(s:0 K(s) D(z))"),
    "what has nothing in common stays apart": (unrelated, "N(D(u)) N(D(v))"),
    "readers of one tensor share its loop": (of_one_input, "N(D(u v))"),
    "sums by rows and by columns at once": (rows_and_columns, "c:0 N(r:0 D(a r c))"),
    "an outer loop may be shared where inner ones differ": (other_sizes, "N(r:0 D(r) K(z))"),
    "a recurrence and its adjoint": (over_time, "T+(N(h)) L:0 N(T(L)) T-(N(h_bar)) N(T(force_bar))"),
    "states of one step": (within_time, "T+(N(u v))"),
    "a state that needs all rows of the step before": (across_rows_in_time, "T+(s:0 N(s) N(h))"),
    "a scattered sum ends before it is read": (scattered, "s:0 N(D(s)) K(D(z))"),
    "an extreme on the way": (rows_of_the_best, "z:0 N(best:0 D(a best) z)"),
}


@pytest.mark.parametrize(("declare", "wanted"), OUTLINES.values(), ids=OUTLINES)
def test_loops_join_where_nothing_is_read_too_early(declare, wanted):
    assert kernels(*declare()) == wanted


def jobs(items: Iterable[Item]) -> Iterator[Job | Product]:
    for item in items:
        if isinstance(item, (Loop, Timed)):
            yield from jobs(item.items)
        elif not isinstance(item, Begin):
            yield item.job if isinstance(item, Leaf) else item


def single(found: Iterable[Unit]) -> Iterator[Node]:
    for unit in found:
        yield from single(unit.units) if isinstance(unit, Sweep) else [unit.node]


@pytest.mark.parametrize(("declare", "wanted"), OUTLINES.values(), ids=OUTLINES)
def test_every_unit_runs_once(declare, wanted):
    found = units(declare())
    assert sorted(job.node.serial for job in jobs(arrange(found, {}))) == sorted(node.serial for node in single(found))


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (lambda w, g: w[d] - g[d], "g:0 N(D(g)) D(w_next)"),
        (lambda w, g: w[d] - g[d] * sn.sum(w[j] ** 2, j), "g:0 N(D(g)) s:0 D(s) D(w_next)"),
    ],
    ids=["at once", "after the norm"],
)
def test_what_is_overwritten_is_read_before(rule, wanted):
    """`w_next` takes the buffer of `w`: whoever reads `w` comes first."""
    w = sn.param("w", (D,))
    g = sn.define("g", (d,), sn.sum(sn.sin(x[n, d] * w[d]), n))
    after = sn.define("w_next", (d,), rule(w, g))
    program = prepare(normalise(Program.of([after])))
    found = outline(arrange(units_of(program, {after: w}, None), {after: w}))
    assert found == wanted
