"""Losses against NumPy written out by hand; `test_losses_torch` holds them against torch."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.core.definition import Program
from symnet.core.verify import verify
from symnet.errors import SymnetError
from symnet.run.reference import evaluate

F = sn.losses
N, T, D, K = sn.dims("N T D K")
RNG = np.random.default_rng(5)


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def log_sigmoid(z):
    return -np.log1p(np.exp(-z))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def huber_of(r, delta):
    return np.where(abs(r) <= delta, r**2 / 2, delta * (abs(r) - delta / 2))


def reduced(costs, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](costs)


REAL, PROBABILITIES = RNG.normal(size=(5, 3)), RNG.uniform(0.05, 0.95, (5, 3))
OTHER, BITS, COUNTS = RNG.normal(size=(5, 3)), RNG.integers(0, 2, (5, 3)), RNG.integers(0, 6, (5, 3))
SIGNS = 2 * BITS - 1

# name: loss of (v, y), its values v and y, and what one entry costs
ENTRYWISE = {
    "mse": (F.mse, REAL, OTHER, lambda v, y: (v - y) ** 2),
    "mae": (F.mae, REAL, OTHER, lambda v, y: abs(v - y)),
    "huber": (F.huber, REAL, OTHER, lambda v, y: huber_of(v - y, 1)),
    "huber-half": (lambda v, y, **o: F.huber(v, y, 0.5, **o), REAL, OTHER, lambda v, y: huber_of(v - y, 0.5)),
    "log_cosh": (F.log_cosh, REAL, OTHER, lambda v, y: np.log(np.cosh(v - y))),
    "log_loss": (F.log_loss, PROBABILITIES, BITS, lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p))),
    "bce": (F.binary_cross_entropy, PROBABILITIES, BITS, lambda p, y: -np.log(np.where(y, p, 1 - p))),
    "bce-epsilon": (
        lambda p, y, **o: F.log_loss(p, y, epsilon=1e-7, **o),
        PROBABILITIES,
        BITS,
        lambda p, y: -(y * np.log(p + 1e-7) + (1 - y) * np.log(1 - p + 1e-7)),
    ),
    "bce_with_logits": (F.bce_with_logits, REAL, BITS, lambda z, y: -np.log(sigmoid((2 * y - 1) * z))),
    "hinge": (F.hinge, REAL, SIGNS, lambda f, y: np.maximum(0, 1 - y * f)),
    "squared_hinge": (F.squared_hinge, REAL, SIGNS, lambda f, y: np.maximum(0, 1 - y * f) ** 2),
    "perceptron": (F.perceptron, REAL, SIGNS, lambda f, y: np.maximum(0, -y * f)),
    "zero_one": (F.zero_one, REAL, SIGNS, lambda f, y: (y * f <= 0).astype(float)),
    "poisson_nll": (F.poisson_nll, REAL, COUNTS, lambda z, y: np.exp(z) - y * z),
    "focal": (
        F.focal,
        REAL,
        BITS,
        lambda z, y: -(y * sigmoid(-z) ** 2 * log_sigmoid(z) + (1 - y) * sigmoid(z) ** 2 * log_sigmoid(-z)),
    ),
    "focal-0": (lambda z, y, **o: F.focal(z, y, 0, **o), REAL, BITS, lambda z, y: -log_sigmoid((2 * y - 1) * z)),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize(("loss", "v", "y", "entry"), ENTRYWISE.values(), ids=ENTRYWISE)
def test_entrywise_losses_average_the_entries_of_a_sample(loss, v, y, entry, rank, reduction):
    shape = (N, D)[:rank]
    v, y = (v, y) if rank == 2 else (v[:, 0], y[:, 0])
    out = loss(sn.input("v", shape), sn.input("y", shape), reduction=reduction)
    costs = entry(v, y)
    near(evaluate(out, {"v": v, "y": y}), reduced(costs if rank == 1 else costs.mean(1), reduction))
    assert out.shape == ((N,) if reduction == "none" else ())


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_squared_error_is_half_the_sum_of_squares(reduction):
    out = F.squared_error(sn.input("v", (N, D)), sn.input("y", (N, D)), reduction=reduction)
    near(evaluate(out, {"v": REAL, "y": OTHER}), reduced(((REAL - OTHER) ** 2).sum(1) / 2, reduction))


def test_squared_error_of_scalars_has_no_samples():
    out = F.squared_error(sn.input("v", ()), sn.input("y", ()))
    assert evaluate(out, {"v": 3.0, "y": 1.0}) == 2.0


@pytest.mark.parametrize("full", [False, True])
def test_gaussian_nll_takes_a_log_variance(full):
    out = F.gaussian_nll(*(sn.input(name, (N, D)) for name in "mys"), full=full)
    s = RNG.normal(size=(5, 3))
    costs = (s + (OTHER - REAL) ** 2 / np.exp(s) + (np.log(2 * np.pi) if full else 0)) / 2
    near(evaluate(out, {"m": REAL, "y": OTHER, "s": s}), costs.mean())


SIGNED = {"hinge": lambda f, s: np.maximum(0, 1 - s * f), "zero_one": lambda f, s: (s * f <= 0).astype(float)}


@pytest.mark.parametrize("loss", SIGNED)
def test_labels_zero_and_one_stand_for_minus_and_plus(loss):
    out = getattr(F, loss)(sn.input("f", (N,)), sn.input("t", (N,), kind="label", classes=2))
    near(evaluate(out, {"f": REAL[:, 0], "t": BITS[:, 0]}), SIGNED[loss](REAL[:, 0], SIGNS[:, 0]).mean())


# -- over classes: every target as rows and as labels, of samples (N) and (N, T)

LABELS = {"rows": RNG.integers(0, 3, 5), "sequences": RNG.integers(0, 3, (2, 4))}
SHAPES = {"rows": (N, K), "sequences": (N, T, K)}
# name: loss of (v, y), what v is of random scores, and what a class costs
CLASSES = {
    "cross_entropy": (F.cross_entropy, softmax, lambda p: -np.log(p)),
    "cross_entropy-epsilon": (
        lambda p, y, **o: F.cross_entropy(p, y, epsilon=1e-7, **o),
        softmax,
        lambda p: -np.log(p + 1e-7),
    ),
    "softmax_cross_entropy": (F.softmax_cross_entropy, np.asarray, lambda z: -np.log(softmax(z))),
    "nll": (F.nll, np.asarray, lambda log_p: -log_p),
    "focal": (F.focal, np.asarray, lambda z: -((1 - softmax(z)) ** 2) * np.log(softmax(z))),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("samples", SHAPES)
@pytest.mark.parametrize("kind", ["label", "onehot", "simplex"])
@pytest.mark.parametrize(("loss", "made", "cost"), CLASSES.values(), ids=CLASSES)
def test_losses_over_classes_take_labels_and_rows(loss, made, cost, kind, samples, reduction):
    labels, shape = LABELS[samples], SHAPES[samples]
    v = made(RNG.normal(size=(*labels.shape, 3)))
    rows = np.eye(3)[labels] if kind != "simplex" else softmax(RNG.normal(size=v.shape))
    y = sn.input("y", shape[:-1] if kind == "label" else shape, kind=kind, classes=K if kind == "label" else None)
    out = loss(sn.input("v", shape), y, reduction=reduction)
    found = evaluate(out, {"v": v, "y": labels if kind == "label" else rows})
    near(found, reduced((rows * cost(v)).sum(-1), reduction))


def test_softmax_cross_entropy_of_real_rows_need_not_sum_to_one():
    z, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    out = F.softmax_cross_entropy(sn.input("z", (N, K)), sn.input("y", (N, K)))
    near(evaluate(out, {"z": z, "y": y}), -(y * np.log(softmax(z))).sum(1).mean())


@pytest.mark.parametrize("kind", ["label", "onehot"])
@pytest.mark.parametrize("name", ["cross_entropy", "softmax_cross_entropy"])
def test_class_weights_and_smoothing_shape_the_target(name, kind):
    labels, z, w = LABELS["rows"], RNG.normal(size=(5, 3)), np.array([1.0, 2.0, 0.5])
    v = softmax(z) if name == "cross_entropy" else z
    y = sn.input("y", (N,) if kind == "label" else (N, K), kind=kind)
    out = getattr(F, name)(sn.input("v", (N, K)), y, weights=sn.input("w", (K,)), label_smoothing=0.1)
    rows = 0.9 * np.eye(3)[labels] + 0.1 / 3
    found = evaluate(out, {"v": v, "w": w, "y": labels if kind == "label" else np.eye(3)[labels]})
    near(found, -(w * rows * np.log(softmax(z))).sum(1).mean())


def test_sample_weights_leave_padding_out():
    z, labels = RNG.normal(size=(2, 4, 3)), LABELS["sequences"]
    mask = np.array([[1, 1, 1, 0], [1, 0, 0, 0]])
    t = sn.input("t", (N, T), kind="label", classes=K)
    m = sn.input("m", (N, T), kind="mask")
    out = F.softmax_cross_entropy(sn.input("z", (N, T, K)), t, reduction="sum", sample_weights=m)
    costs = -np.log(np.take_along_axis(softmax(z), labels[..., None], -1))[..., 0]
    near(evaluate(out, {"z": z, "t": labels, "m": mask}), (mask * costs).sum())
    near(evaluate(F.mse(sn.input("v", (N,)), sn.input("y", (N,)), sample_weights=sn.input("s", (N,))),
                  {"v": [1.0, 2.0], "y": [0.0, 0.0], "s": [2.0, 0.5]}), 2.0)  # fmt: skip


@pytest.mark.parametrize("kind", ["label", "onehot", "simplex"])
def test_kl_divergence_counts_zero_log_zero_as_zero(kind):
    p, labels = softmax(RNG.normal(size=(5, 3))), LABELS["rows"]
    rows = softmax(RNG.normal(size=(5, 3))) if kind == "simplex" else np.eye(3)[labels]
    y = sn.input("y", (N,) if kind == "label" else (N, K), kind=kind)
    safe = np.where(rows > 0, rows, 1)
    found = evaluate(F.kl_divergence(sn.input("p", (N, K)), y), {"p": p, "y": labels if kind == "label" else rows})
    near(found, (rows * np.log(safe / p)).sum(1).mean())


@pytest.mark.parametrize("kind", ["real", "label"])
def test_likelihood_of_bits_multiplies_entries(kind):
    out = F.likelihood(sn.input("p", (N, D)), sn.input("y", (N, D), kind=kind))
    near(
        evaluate(out, {"p": PROBABILITIES, "y": BITS}), np.where(BITS, PROBABILITIES, 1 - PROBABILITIES).prod(1).mean()
    )


@pytest.mark.parametrize("kind", ["label", "onehot"])
def test_likelihood_of_classes_is_the_probability_of_the_class(kind):
    p, labels = softmax(RNG.normal(size=(5, 3))), LABELS["rows"]
    out = F.likelihood(sn.input("p", (N, K)), sn.input("y", (N,) if kind == "label" else (N, K), kind=kind))
    near(evaluate(out, {"p": p, "y": labels if kind == "label" else np.eye(3)[labels]}), p[range(5), labels].mean())


@pytest.mark.parametrize("kind", ["label", "onehot"])
def test_zero_one_of_classes_counts_wrong_answers(kind):
    scores, labels = np.array([[1.0, 2, 0], [3, 1, 2], [0, 1, 5], [9, 0, 1]]), np.array([1, 2, 2, 0])
    out = F.zero_one(sn.input("z", (N, K)), sn.input("y", (N,) if kind == "label" else (N, K), kind=kind))
    assert evaluate(out, {"z": scores, "y": labels if kind == "label" else np.eye(3)[labels]}) == 0.25


def test_the_formula_of_cross_entropy_reads_as_in_textbooks():
    p, y = sn.input("p", (N, K)), sn.input("y", (N, K), kind="onehot")
    t = sn.input("t", (N,), kind="label", classes=K)
    assert str(F.cross_entropy(p, y).definition.formula) == "-Sum[_0, _1](log(p[_1,_0])*y[_1,_0])/N"
    assert str(F.cross_entropy(p, t).definition.formula) == "-Sum[_0](log(p[_0,t[_0]]))/N"
    assert F.cross_entropy(p, y).name == "loss"


def test_losses_and_penalties_of_one_network_add_up():
    v, y = sn.param("v", (N,)), sn.input("y", (N,))
    total = F.mse(v, y) + F.squared_error(v, y) + sn.regularisers.l2(v, 3) + sn.regularisers.l2(y)
    data = {"v": REAL[:, 0], "y": OTHER[:, 0]}
    gap = data["v"] - data["y"]
    near(evaluate(sn.grad(total, v), data), 2 * gap / 5 + gap / 5 + 3 * data["v"])


@pytest.mark.parametrize("name", F.__all__)
def test_every_loss_is_a_sound_program_with_every_reduction(name):
    v, more = sn.input("v", (N, D)), [sn.input("s", (N, D))] if name == "gaussian_nll" else []
    for reduction, shape in (("mean", ()), ("sum", ()), ("none", (N,))):
        out = getattr(F, name)(v, sn.input("y", (N, D)), *more, reduction=reduction)
        assert out.shape == shape
        assert verify(Program.of([out])) == []


P, Y = sn.input("p", (N, K)), sn.input("y", (N, K))
LABEL = sn.input("t", (N,), kind="label", classes=K)
MISTAKES = {
    "reduction": (lambda: F.mse(P, Y, reduction="avg"), "there is no reduction 'avg'", "mean, sum, none"),
    "shape": (lambda: F.mse(P, sn.input("y", (N,))), "mse: p(N, K) against y(N)", "no broadcasting"),
    "column": (
        lambda: F.hinge(sn.input("f", (N, 1)), sn.input("y", (N,))),
        "hinge: f(N, 1) against y(N)",
        "same shape",
    ),
    "not-label": (lambda: F.cross_entropy(P, sn.input("y", (N,))), "y(N) of kind 'real'", "kind='label'"),
    "label-rank": (
        lambda: F.nll(P, sn.input("t", (N, K), kind="label")),
        "nll: p(N, K) against t(N, K) of kind 'label'",
        "one axis less",
    ),
    "classes": (
        lambda: F.nll(P, sn.input("t", (N,), kind="label", classes=9)),
        "9 classes, but the axis of p has K",
        "",
    ),
    "array": (lambda: F.mse(P, np.zeros(3)), "mse takes tensors, but was given ndarray", "sn.input"),
    "array-class": (lambda: F.focal(P, np.zeros(3)), "focal takes tensors, but was given ndarray", "sn.input"),
    "weights": (lambda: F.nll(P, LABEL, weights=sn.input("w", (N,))), "class weights w(N) of K classes", "a class"),
    "weights-list": (lambda: F.nll(P, LABEL, weights=[1, 2]), "weights takes tensors, but was given list", "sn.input"),
    "weights-focal": (lambda: F.focal(P, Y, weights=P), "y is of kind 'real'", "declare labels"),
    "samples": (lambda: F.mse(P, Y, sample_weights=Y), "the samples are (N), but their weights y(N, K)", "a sample"),
}


@pytest.mark.parametrize(("make", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_say_what_was_asked_found_and_what_to_do(make, message, hint):
    with pytest.raises(SymnetError) as caught:
        make()
    assert message in caught.value.message
    assert hint in caught.value.hint
