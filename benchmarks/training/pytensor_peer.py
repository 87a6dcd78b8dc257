"""PyTensor in its Numba mode: a compiled step called from Python, and `scan` over the steps of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from jobs import RATE, Order, Run, first_parameters

pytensor.config.floatX = "float32"
MODE = "NUMBA"


def descend(parameters: Sequence[Any], x: Any, y: Any, batch: int) -> list[Any]:
    """The parameters after a step."""
    h = x
    for layer in range(0, len(parameters), 2):
        h = (h if layer == 0 else pt.maximum(h, np.float32(0))) @ parameters[layer] + parameters[layer + 1]
    loss = -pt.mean(pt.special.log_softmax(h, axis=1)[pt.arange(batch), y])
    slopes = pytensor.grad(loss, list(parameters))
    return [p - np.float32(RATE) * slope for p, slope in zip(parameters, slopes, strict=True)]


def compiled(argument: Any, parameters: Sequence[Any], after: Sequence[Any]) -> Callable[[np.ndarray], None]:
    updates = list(zip(parameters, after, strict=True))
    return pytensor.function([argument], [], updates=updates, mode=MODE, trust_input=True)


def stepwise(parameters: list[Any], inputs: Any, labels: Any, batch: int) -> Callable[[np.ndarray], None]:
    """Advance by an epoch, a call for each step."""
    samples = pt.lvector("samples")
    step = compiled(samples, parameters, descend(parameters, inputs[samples], labels[samples], batch))

    def advance(epoch: np.ndarray) -> None:
        for chosen in epoch:
            step(chosen)

    return advance


def scanning(parameters: list[Any], inputs: Any, labels: Any, batch: int) -> Callable[[np.ndarray], None]:
    """Advance by an epoch in one call."""
    epoch = pt.lmatrix("epoch")

    def step(samples: Any, *states: Any) -> list[Any]:
        return descend(states[: len(parameters)], inputs[samples], labels[samples], batch)

    states = pytensor.scan(step, sequences=[epoch], outputs_info=parameters, return_updates=False)
    return compiled(epoch, parameters, [state[-1] for state in states])


def prepared(by: Callable[..., Callable[[np.ndarray], None]]) -> Callable[..., Run]:
    def prepare(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int) -> Run:
        parameters = [pytensor.shared(value) for value in first_parameters(widths, seed)]
        advance_by = by(parameters, pytensor.shared(x), pytensor.shared(y), batch)
        order = Order(len(x), batch, seed)

        def advance(steps: int) -> None:
            for epoch in order.epochs(steps):
                advance_by(epoch)

        return Run(advance, lambda: [parameter.get_value() for parameter in parameters])

    return prepare


VARIANTS = {"pytensor": prepared(stepwise), "pytensor-scan": prepared(scanning)}
