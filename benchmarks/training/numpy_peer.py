"""NumPy by hand: the formulas of the gradients typed in, every array allocated once and written in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jobs import RATE, Order, Run, first_parameters


class Network:
    """Parameters, and a buffer for everything that a step computes."""

    def __init__(self, widths: Sequence[int], batch: int, seed: int) -> None:
        self.parameters = first_parameters(widths, seed)
        self.W, self.b = self.parameters[::2], self.parameters[1::2]
        self.h = [np.empty((batch, width), np.float32) for width in widths]
        self.errors = [np.empty((batch, width), np.float32) for width in widths]
        self.W_bar, self.b_bar = [np.empty_like(W) for W in self.W], [np.empty_like(b) for b in self.b]
        self.positive = [np.empty((batch, width), np.bool_) for width in widths]
        self.row, self.each = np.empty((batch, 1), np.float32), np.arange(batch)
        self.rate, self.share = np.float32(RATE), np.float32(1 / batch)

    def forward(self) -> None:
        """z = h W + b, h = max(z, 0), but for the last z."""
        last = len(self.W) - 1
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            z = np.matmul(self.h[layer], W, out=self.h[layer + 1])
            z += b
            if layer < last:
                np.maximum(z, 0, out=z)

    def slope(self, labels: np.ndarray) -> None:
        """(softmax(z) - y) / N"""
        z, p = self.h[-1], self.errors[-1]
        np.max(z, axis=1, keepdims=True, out=self.row)
        np.subtract(z, self.row, out=p)
        np.exp(p, out=p)
        np.sum(p, axis=1, keepdims=True, out=self.row)
        self.row *= self.share.dtype.type(len(p))
        p /= self.row
        p[self.each, labels] -= self.share

    def backward(self) -> None:
        """The slopes, and at once the step down them."""
        for layer in range(len(self.W) - 1, -1, -1):
            error, h = self.errors[layer + 1], self.h[layer]
            W_bar = np.matmul(h.T, error, out=self.W_bar[layer])
            b_bar = np.sum(error, axis=0, out=self.b_bar[layer])
            if layer > 0:
                behind = np.matmul(error, self.W[layer].T, out=self.errors[layer])
                behind *= np.greater(h, 0, out=self.positive[layer])
            W_bar *= self.rate
            self.W[layer] -= W_bar
            b_bar *= self.rate
            self.b[layer] -= b_bar

    def step(self, x: np.ndarray, y: np.ndarray, samples: np.ndarray) -> None:
        np.take(x, samples, axis=0, out=self.h[0], mode="clip")
        self.forward()
        self.slope(y[samples])
        self.backward()


def by_hand(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int) -> Run:
    """A Python loop over steps of a dozen NumPy calls per layer."""
    network, order = Network(widths, batch, seed), Order(len(x), batch, seed)

    def advance(steps: int) -> None:
        for epoch in order.epochs(steps):
            for samples in epoch:
                network.step(x, y, samples)

    return Run(advance, lambda: network.parameters)


VARIANTS = {"numpy": by_hand}
