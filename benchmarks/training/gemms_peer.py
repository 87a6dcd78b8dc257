"""The matrix products of one training step alone: what a step cannot cost less than with this BLAS, called one by one.

Forward h W, backward error W^T, and the update W - rate h^T error as one product (the rate is so small here that the
weights stay what they are, and nothing over- or underflows). No gather, no biases, no ReLU, no softmax. Row-major
arrays are handed to the Fortran BLAS as their transposes, so nothing is copied. `gemms` keeps the weights with a row
for each input, `gemms-t` with a row for each output: that alone makes a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jobs import Run, first_parameters
from scipy.linalg.blas import sgemm

TINY = -1e-20
Layer = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # W, h in, h out, error in, error out


def forward(layer: Layer, by_output: bool) -> np.ndarray:
    W, h_in, h_out, _, _ = layer
    return sgemm(1.0, W, h_in, 0.0, h_out, trans_a=by_output, overwrite_c=1)


def backward(layer: Layer, by_output: bool) -> np.ndarray:
    W, _, _, error_in, error_out = layer
    return sgemm(1.0, W, error_out, 0.0, error_in, trans_a=not by_output, overwrite_c=1)


def update(layer: Layer, by_output: bool) -> np.ndarray:
    W, h_in, _, _, error_out = layer
    left, right = (h_in, error_out) if by_output else (error_out, h_in)
    return sgemm(TINY, left, right, 1.0, W, trans_b=1, overwrite_c=1)


def layers(widths: Sequence[int], batch: int, x: np.ndarray, seed: int, by_output: bool) -> list[Layer]:
    """Every array in Fortran's order, a column for each sample."""
    weights = first_parameters(widths, seed)[::2]
    W = [np.asfortranarray(value) if by_output else value.T for value in weights]
    h = [x[:batch].copy().T, *(np.zeros((batch, width), np.float32).T for width in widths[1:])]
    errors = [np.full((batch, width), 1e-3, np.float32).T for width in widths]
    return list(zip(W, h, h[1:], errors, errors[1:], strict=False))


def check_no_copies(layer: Layer, by_output: bool) -> None:
    """The results lie where they were asked to."""
    W, _, h_out, error_in, _ = layer
    for product, target in ((forward, h_out), (backward, error_in), (update, W)):
        assert np.shares_memory(product(layer, by_output), target), f"{product.__name__} was copied"


def products(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int, by_output: bool) -> Run:
    """sgemm for each product of a step, into arrays that are there already; the data's own slope is not needed."""
    made = layers(widths, batch, x, seed, by_output)
    check_no_copies(made[-1], by_output)
    calls: list[tuple[Callable[..., np.ndarray], Layer]] = [(forward, layer) for layer in made]
    for layer in reversed(made):
        calls += [(update, layer)] if layer is made[0] else [(backward, layer), (update, layer)]

    def advance(steps: int) -> None:
        for _ in range(steps):
            for product, layer in calls:
                product(layer, by_output)

    return Run(advance)


VARIANTS = {"gemms": partial(products, by_output=False), "gemms-t": partial(products, by_output=True)}
