"""JAX: a jitted step called from Python, and `lax.scan` over the steps of an epoch, the samples gathered in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jobs import RATE, Order, Run, first_parameters


def cross_entropy(parameters: list[Any], x: Any, y: Any) -> Any:
    h = x
    for layer in range(0, len(parameters), 2):
        h = (h if layer == 0 else jax.nn.relu(h)) @ parameters[layer] + parameters[layer + 1]
    return -jnp.mean(jnp.sum(jax.nn.one_hot(y, h.shape[1]) * jax.nn.log_softmax(h), axis=1))


def descend(parameters: list[Any], x: Any, y: Any) -> list[Any]:
    slopes = jax.grad(cross_entropy)(parameters, x, y)
    return [p - RATE * slope for p, slope in zip(parameters, slopes, strict=True)]


@partial(jax.jit, donate_argnums=0)
def one_step(state: tuple[list[Any], Any], order: Any, x: Any, y: Any) -> tuple[list[Any], Any]:
    """A step at place `state[1]` of the epoch: the counter stays on the device, so nothing is sent there."""
    parameters, place = state
    samples = order[place]
    return descend(parameters, x[samples], y[samples]), place + 1


@partial(jax.jit, donate_argnums=0)
def many_steps(parameters: list[Any], order: Any, x: Any, y: Any) -> list[Any]:
    """All the steps of `order` in one XLA loop."""
    return lax.scan(lambda p, samples: (descend(p, x[samples], y[samples]), None), parameters, order)[0]


def stepwise(parameters: list[Any], order: Any, x: Any, y: Any) -> list[Any]:
    state = parameters, jnp.zeros((), jnp.int32)
    for _ in range(len(order)):
        state = one_step(state, order, x, y)
    return state[0]


def looping(advance_by: Callable[..., list[Any]]) -> Callable[..., Run]:
    """Prepare a run that hands the order of samples over an epoch at a time."""

    def prepare(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int) -> Run:
        inputs, labels = jnp.asarray(x), jnp.asarray(y.astype(np.int32))
        state = [[jnp.array(value) for value in first_parameters(widths, seed)]]
        order = Order(len(x), batch, seed)

        def advance(steps: int) -> None:
            for epoch in order.epochs(steps):
                state[0] = advance_by(state[0], jnp.asarray(epoch.astype(np.int32)), inputs, labels)
            jax.block_until_ready(state[0])

        return Run(advance, lambda: [np.asarray(value) for value in state[0]])

    return prepare


VARIANTS = {"jax": looping(stepwise), "jax-scan": looping(many_steps)}
