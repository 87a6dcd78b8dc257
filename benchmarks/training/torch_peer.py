"""PyTorch: eager, its loss through torch.compile, and torch.compile of the whole step.

`torch` and `torch-compile` are the loop of the tutorials, without and with `torch.compile` of the network and its
loss; the optimizer is torch.optim.SGD. `torch-compile-step` hands gather, loss, gradients (torch.func) and update to
`torch.compile(mode="max-autotune")` as one function, which is the fastest found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from jobs import RATE, Order, Run, first_parameters, threads
from torch.nn import functional as F

Step = Callable[[torch.Tensor], None]

torch.set_num_threads(threads())


def looping(step: Step, order: Order) -> Callable[[int], None]:
    """A Python loop over `step(samples)`."""

    def advance(steps: int) -> None:
        for epoch in order.epochs(steps):
            for samples in torch.from_numpy(epoch):
                step(samples)

    return advance


def transposed(values: Sequence[np.ndarray]) -> list[torch.Tensor]:
    """The first parameters as torch keeps them: a row for each output."""
    return [torch.from_numpy(value.T.copy()) for value in values]


def arrays(parameters: Sequence[torch.Tensor]) -> list[np.ndarray]:
    return [tensor.detach().numpy().T for tensor in parameters]


def network(widths: Sequence[int], seed: int) -> torch.nn.Sequential:
    """Linear layers with ReLU between them, at the common first parameters."""
    layers: list[torch.nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    made = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for ours, value in zip(made.parameters(), transposed(first_parameters(widths, seed)), strict=True):
            ours.copy_(value)
    return made


def modules(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int, compiled: bool) -> Run:
    """zero_grad, forward, backward, step: all but the forward pass and its reverse stay eager when compiled."""
    inputs, labels, model = torch.from_numpy(x), torch.from_numpy(y), network(widths, seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def loss(samples: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(inputs[samples]), labels[samples])

    if compiled:
        torch.compiler.reset()
        loss = torch.compile(loss)

    def step(samples: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss(samples).backward()
        optimizer.step()

    return Run(looping(step, Order(len(x), batch, seed)), lambda: arrays(list(model.parameters())))


def cross_entropy(parameters: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    h = x
    for layer in range(0, len(parameters), 2):
        h = F.linear(h if layer == 0 else torch.relu(h), parameters[layer], parameters[layer + 1])
    return F.cross_entropy(h, y)


def whole_step(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int) -> Run:
    """One compiled function that gathers, derives and updates the parameters in place."""
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    parameters = tuple(transposed(first_parameters(widths, seed)))
    torch.compiler.reset()

    @partial(torch.compile, mode="max-autotune")
    def step(samples: torch.Tensor) -> None:
        slopes = torch.func.grad(cross_entropy)(parameters, inputs[samples], labels[samples])
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.sub_(slope, alpha=RATE)

    return Run(torch.no_grad()(looping(step, Order(len(x), batch, seed))), lambda: arrays(parameters))


VARIANTS = {
    "torch": partial(modules, compiled=False),
    "torch-compile": partial(modules, compiled=True),
    "torch-compile-step": whole_step,
}
