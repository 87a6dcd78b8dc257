"""How parameters begin: spreads by fans, streams by name, and what is refused."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

import symnet as sn
from symnet.declare.tensor import INITS, Tensor
from symnet.errors import KindProblem, ShapeProblem, ValueProblem
from symnet.train.initial import fans, initial

D, K = sn.dims("D K")
WIDE = (300, 200)


def weight(init=None, shape=(D, K), name="W", **info):
    made = sn.param(name, shape, init)
    made.info.update(info)
    return made


def drawn(init, shape=WIDE, seed=0, name="W", **info):
    return initial(weight(init, tuple(f"S{a}" for a in range(len(shape))), name, **info), shape, seed)


@pytest.mark.parametrize("init", [*INITS, "normal(0.02)", "uniform(-1,2)", "constant(3)"])
def test_every_initialiser_gives_finite_numbers_of_the_shape(init):
    value = drawn(init, (6, 4))
    assert value.shape == (6, 4)
    assert value.dtype == np.float64
    assert value.flags.c_contiguous
    assert np.isfinite(value).all()


@pytest.mark.parametrize(
    ("init", "spread"),
    [
        ("glorot_uniform", sqrt(2 / 500)),
        ("glorot_normal", sqrt(2 / 500)),
        ("he_uniform", sqrt(2 / 300)),
        ("he_normal", sqrt(2 / 300)),
        ("lecun_normal", sqrt(1 / 300)),
        ("normal(0.02)", 0.02),
        ("normal( 2e-2 )", 0.02),
        ("uniform(-1, 1)", sqrt(1 / 3)),
    ],
)
def test_spread_is_that_of_the_initialiser(init, spread):
    value = drawn(init)
    assert value.std() == pytest.approx(spread, rel=0.02)
    assert abs(value.mean()) < 5 * spread / sqrt(value.size)


def test_uniform_limits_hold():
    assert abs(drawn("glorot_uniform")).max() <= sqrt(6 / 500)
    assert abs(drawn("he_uniform")).max() <= sqrt(6 / 300)
    inside = drawn("uniform(2,3)")
    assert inside.min() >= 2
    assert inside.max() < 3


@pytest.mark.parametrize(
    ("init", "wanted"), [("zeros", 0), ("ones", 1), ("constant(-2.5)", -2.5), (0.25, 0.25), (2, 2)]
)
def test_constant_initialisers_fill_the_shape(init, wanted):
    assert np.array_equal(drawn(init, (2, 3)), np.full((2, 3), float(wanted)))


def test_left_out_means_glorot_for_matrices_and_zeros_for_vectors():
    assert np.array_equal(drawn(None), drawn("glorot_uniform"))
    assert np.array_equal(drawn(None, (5,), name="b"), np.zeros(5))
    assert np.array_equal(initial(Tensor("s", (3,), role="state", init=None), (3,), 0), np.zeros(3))


def test_states_begin_as_they_say():
    assert np.array_equal(initial(Tensor("running_var", (3,), role="state", init="ones"), (3,), 0), np.ones(3))


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (6, 2, 2), (1, 3)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    matrix = drawn("orthogonal", shape).reshape(shape[0], -1)
    gram = matrix @ matrix.T if shape[0] <= matrix.shape[1] else matrix.T @ matrix
    assert gram == pytest.approx(np.eye(len(gram)), abs=1e-12)


def test_orthogonal_of_a_vector_is_refused():
    with pytest.raises(ShapeProblem, match="b has shape"):
        drawn("orthogonal", (4,), name="b")


# -- fans


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((), (1, 1)), ((7,), (7, 1)), ((3, 5), (3, 5)), ((2, 3, 5), (6, 5)), ((8, 3, 5, 5), (75, 200))],
)
def test_fans_by_shape(shape, wanted):
    assert fans(weight(None, shape), shape, {}) == wanted


def test_declared_fans_come_before_the_shape_and_may_be_symbolic():
    declared = weight("he_normal", (K, D), fan_in=4 * D, fan_out=K)
    assert fans(declared, (20, 100), {D: 100, K: 20}) == (400, 20)
    assert initial(declared, (20, 100), 0, {D: 100, K: 20}).std() == pytest.approx(sqrt(2 / 400), rel=0.05)


def test_unknown_fan_is_named():
    with pytest.raises(ShapeProblem, match="size D of W is not known"):
        initial(weight("he_normal", (K, D), fan_in=4 * D, fan_out=K), (2, 3), 0, {K: 2})


@pytest.mark.parametrize(
    ("layer", "x", "wanted"),
    [
        (sn.layers.Dense(7), sn.input("x", ("N", 5)), (5, 7)),
        (sn.layers.Conv2d(6, 3), sn.input("x", ("N", 2, 8, 8)), (18, 54)),
        (sn.layers.Conv1d(4, 3), sn.input("x", ("N", 8, 2)), (6, 12)),
    ],
    ids=["dense", "conv2d", "conv1d"],
)
def test_layers_declare_their_fans(layer, x, wanted):
    layer(x)
    W = layer.params["W"]
    assert fans(W, tuple(map(int, W.shape)), {}) == wanted


# -- streams


def test_same_seed_and_name_give_the_same_bits():
    assert np.array_equal(drawn("he_normal", seed=3), drawn("he_normal", seed=3))


@pytest.mark.parametrize("other", [{"seed": 1}, {"name": "V"}])
def test_other_seed_or_name_gives_other_numbers(other):
    first, second = drawn("normal(1)"), drawn("normal(1)", **other)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_large_and_negative_seeds_are_seeds():
    assert len({drawn("normal(1)", (1, 1), seed=s).item() for s in (-1, 1, 2**70, np.int64(5))}) == 4


# -- arrays


def test_given_array_is_copied():
    given = np.arange(6.0).reshape(2, 3)
    value = initial(weight(given, (2, 3)), (2, 3), 0)
    value[0, 0] = 99
    assert given[0, 0] == 0
    assert np.array_equal(initial(weight(given.astype("f4"), (2, 3)), (2, 3), 0), given)


def test_lists_are_arrays():
    assert np.array_equal(initial(weight([1, 2, 3], (3,)), (3,), 0), [1.0, 2.0, 3.0])


def test_array_of_another_shape_is_refused():
    with pytest.raises(ShapeProblem, match=r"W has shape \(4, 3\), but its initial value \(2, 3\)"):
        initial(weight(np.zeros((2, 3))), (4, 3), 0)


def test_array_that_is_not_finite_is_refused():
    with pytest.raises(ValueProblem, match="initial value of W is not finite"):
        initial(weight([1.0, np.nan], (2,)), (2,), 0)


@pytest.mark.parametrize("init", [object(), ["a", "b"], [[1], [2, 3]]])
def test_what_is_no_value_is_refused(init):
    with pytest.raises(KindProblem, match="is no initial value"):
        initial(weight(init, (2,)), (2,), 0)


@pytest.mark.parametrize(
    "init", ["normal(-1)", "normal(1,2)", "normal()", "normal(nan)", "uniform(1)", "uniform(2,1)", "constant(inf)"]
)
def test_numbers_without_meaning_are_refused(init):
    with pytest.raises(KindProblem, match="has no meaning"):
        drawn(init)


@pytest.mark.parametrize("init", ["normal(1", "normal(__import__('os'))", "constant(1)+1"])
def test_text_is_not_evaluated(init):
    with pytest.raises(KindProblem):
        drawn(init)


def test_initial_value_keeps_the_declared_kind():
    sigma = sn.param("sigma", (3,), kind="positive")
    with pytest.raises(KindProblem, match="sigma was declared positive"):
        initial(sigma, (3,), 0)
