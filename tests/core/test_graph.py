"""Recurrences: which cycles an axis carries, in which direction, and which are refused."""

from __future__ import annotations

import pytest

import symnet as sn
from symnet.core.definition import Program
from symnet.core.graph import components, time_loop
from symnet.core.index import bounds, decide, nonnegative
from symnet.core.normal import normalise
from symnet.core.verify import GENERAL, NORMAL, verify
from symnet.errors import CycleProblem

N, T = sn.dims("N T")
n, t, k, j, i = sn.indices("n t k j i")


def scan(offset: int):
    h, a = sn.tensor("h", (N, T)), sn.input("a", (N, T))
    guard = t >= -offset if offset < 0 else t < T - offset
    return sn.define(h, (n, t), a[n, t] + sn.where(guard, h[n, t + offset], 0))


@pytest.mark.parametrize(("offset", "direction"), [(-1, 1), (1, -1), (-2, 1)])
def test_time_runs_against_the_offset(offset, direction):
    h = scan(offset)
    loop = time_loop([h], Program.of([h]))
    assert (loop.axes[h], loop.direction) == (1, direction)


def test_the_adjoint_of_a_recurrence_runs_backward():
    h = scan(-1)
    loss = sn.define("loss", (), sn.sum(h[n, t] ** 2, n, t))
    a = Program.of([h]).inputs()[0]
    program = Program.of([sn.grad(loss, a)])
    bar = next(node for node in program if node.name == "h_bar")
    assert time_loop([bar], program).direction == -1


def test_mutual_recursion_is_ordered_within_a_step():
    c, h, x = sn.tensor("c", (N, T)), sn.tensor("h", (N, T)), sn.input("x", (N, T))
    sn.define(c, (n, t), x[n, t] + sn.where(t > 0, h[n, t - 1], 0))
    sn.define(h, (n, t), sn.tanh(c[n, t]))
    loop = time_loop([h, c], Program.of([h]))
    assert loop.order == (c, h)


def test_a_cycle_that_waits_for_itself_is_refused_by_name():
    u, v = sn.tensor("u", (N,)), sn.tensor("v", (N,))
    sn.define(u, n, v[n] + 1)
    sn.define(v, n, u[n] * 2)
    with pytest.raises(CycleProblem, match=r"wait for each other.*[uv] -> [uv] -> [uv]"):
        sn.program(u)


def test_components_come_after_what_they_point_to():
    arrows = {1: [2], 2: [3, 4], 3: [2], 4: [], 5: [1]}
    found = components([5], lambda node: arrows[node])
    assert [sorted(group) for group in found] == [[4], [2, 3], [1], [5]]


def test_components_do_not_recurse_in_python():
    found = components([0], lambda node: [node + 1] if node < 50_000 else [])
    assert len(found) == 50_001


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        (t >= 0, True),
        (t < T, True),
        (t + 1 > 0, True),
        (t > T, False),
        (t > 0, None),
        (t + 1 < T, None),
        (t - 1 >= 0, None),
    ],
    ids=str,
)
def test_ranges_decide_conditions(condition, answer):
    assert decide(condition, {t: T}) is answer


def test_bounds_are_exact_on_affine_places():
    assert bounds(2 * i + j - 1, {i: N, j: sn.dims("K")}) == (-1, 2 * N + sn.dims("K") - 4)


def test_nonnegative_uses_that_dims_are_at_least_one():
    assert nonnegative(N - 1) is True
    assert nonnegative(-N) is False
    assert nonnegative(N - 2) is None


def test_verifier_finds_nothing_in_sound_programs_and_names_what_is_broken():
    h = scan(-1)
    assert verify(Program.of([h]), GENERAL) == []
    z = sn.define("z", n, 1 + sn.sum(h[n, t], t))
    assert verify(normalise(Program.of([z])), NORMAL) == []
    assert verify(Program.of([z]), NORMAL) == [f"z: not one reduction at the root: {z.definition.formula}"]
