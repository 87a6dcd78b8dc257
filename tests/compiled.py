"""What tests of compiled functions share: the functions of every network, made once, and how results are compared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from networks import Network, derived
from plain_kernels import PlainFunction

import symnet as sn
from symnet.core.definition import Node
from symnet.pipeline import lower

RTOL = {"float64": 1e-12, "float32": 1e-5}
# what vanishes, or is a small difference of large terms, is measured by the largest of the results
SHARE = 0.05


def disagreement(found: Sequence[Any], wanted: Sequence[Any]) -> float:
    """The largest norm-wise error of several results; infinite where a shape or a NaN differs."""
    sizes = [float(np.linalg.norm(np.ravel(value))) for value in wanted]
    errors = [0.0]
    for one, other, size in zip(found, wanted, sizes, strict=True):
        if np.shape(one) != np.shape(other) or not np.array_equal(np.isnan(one), np.isnan(other)):
            return np.inf
        error = np.linalg.norm(np.ravel(np.asarray(one, float) - other))
        errors.append(float(error) / max(size, SHARE * max(sizes), 1e-300))
    return max(errors)


def results_of(net: Network, gradients: dict[sn.Tensor, sn.Tensor]) -> list[Node]:
    """The loss and its gradients."""
    return [net.loss, *gradients.values()]


@cache
def network_results(name: str) -> list[Node]:
    return results_of(*derived(name))


@cache
def interpreted(name: str) -> list[Any]:
    """The interpreter's values of a network's loss and gradients."""
    found: list[Any] = sn.evaluate(network_results(name), derived(name)[0].values)
    return found


def plain_function(outputs: Any, dtype: str = "float64") -> PlainFunction:
    """`sn.function`, its kernel as checked Python."""
    return PlainFunction(outputs, dtype, lower)


@cache
def plain_network(name: str, dtype: str = "float64") -> PlainFunction:
    return plain_function(network_results(name), dtype)
