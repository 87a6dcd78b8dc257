"""Gradients of every network of the table against numbers, by two rules that know nothing of derivatives.

    complex step     Im f(x + ih)/h, entry by entry: exact to rounding; the interpreter compares real parts, so that a
                     step stays on the side of a kink on which it began
    Richardson       (f(x+h) - f(x-h))/2h at h, h/2, h/4, extrapolated twice, along directions in all tensors at once;
                     real numbers only, and wrong where a kink is within reach, so that agreement also says that none is

Both take nothing but values of the declared program.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from helpers import complex_slope, richardson_slope
from networks import NETWORKS, Network, derived

import symnet as sn
from symnet.core.definition import Program
from symnet.core.normal import normalise
from symnet.run.reference import evaluate_flat

Moves = dict[str, np.ndarray]

ENTRIES, DIRECTIONS = 16, 3
RTOL, ROUNDING = 1e-9, 1e-13
# what a loss does not depend on: a shift that is taken out again, and (.bk) scores of a query that all move alike
VANISHING = {"normalised-mlp-batchnorm": "dense1.b"}


def moved(net: Network) -> Callable[[Moves, complex], complex]:
    """The loss with tensors moved by a step along directions."""
    flat = normalise(Program.of([net.loss]))

    def loss(ways: Moves, step: complex) -> complex:
        shifted = {name: net.values[name] + step * way for name, way in ways.items()}
        return evaluate_flat(flat, {**net.values, **shifted})[net.loss]

    return loss


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_agree_with_numbers(name):
    (net, formulas), rng = derived(name), np.random.default_rng(1)
    loss, names = moved(net), [tensor.name for tensor in net.wrt]
    gradients = dict(zip(names, map(np.asarray, sn.evaluate(list(formulas.values()), net.values)), strict=True))

    norms = {key: np.linalg.norm(gradient) for key, gradient in gradients.items()}
    size = np.linalg.norm(list(norms.values()))
    vanished = [key for key in names if norms[key] <= ROUNDING * size]
    assert vanished == [key for key in names if key.endswith(VANISHING.get(name, ".bk"))]

    for key, gradient in gradients.items():
        entries = rng.permutation(gradient.size)[:ENTRIES]
        units = [np.eye(gradient.size)[entry].reshape(gradient.shape) for entry in entries]
        slopes = [complex_slope(lambda step, key=key, unit=unit: loss({key: unit}, step)) for unit in units]
        allowed = ROUNDING * size if key in vanished else RTOL * norms[key]
        assert np.linalg.norm(gradient.ravel()[entries] - slopes) <= allowed, key

    for _ in range(DIRECTIONS):
        ways = {key: rng.normal(size=gradient.shape) for key, gradient in gradients.items()}
        length = np.sqrt(sum((way**2).sum() for way in ways.values()))
        slope = richardson_slope(lambda step, ways=ways, length=length: loss(ways, step / length))
        assert abs(sum((ways[key] * gradients[key]).sum() for key in names) / length - slope) <= RTOL * size


@pytest.mark.parametrize("name", NETWORKS)
def test_the_check_agrees(name):
    net, formulas = derived(name)
    report = sn.check(net.loss, list(net.wrt), values=net.values, gradient=formulas)
    assert report.ok, report
    assert [row.name for row in report.rows] == [tensor.name for tensor in net.wrt]
    assert not any(row.kinks for row in report.rows), report
