"""A compiled training kernel and the arrays it works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.declare.optimizers.base import Optimizer
from symnet.emit.training import training_module
from symnet.run.compile import load
from symnet.train.step import Gradients, Lower, Parts, build_step, numeric

Array = NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """What a caller has to know of an emitted training module; plain data, kept beside the compiled code."""

    data: tuple[str, ...]
    params: dict[str, tuple[int, tuple[int, ...]]]
    held: dict[str, tuple[int, tuple[int, ...]]]
    theta: int
    held_size: int
    states: tuple[tuple[str, float], ...]
    scalars: tuple[tuple[str, float], ...]
    needs_grad: bool
    noise: int
    work: int
    whole_work: int
    logged: tuple[str, ...]
    batch_size: int


@dataclass
class Kernel:
    """An emitted module, compiled, and its arrays: parameters, gradients, states, work space."""

    plan: Plan
    source: str
    schedule: Any
    module: Any
    dtype: str
    theta: Array = field(init=False)
    held: Array = field(init=False)
    state: Array = field(init=False)
    memory: Array = field(init=False)

    @classmethod
    def build(
        cls,
        parts: Parts,
        optimizer: Optimizer,
        numbers: Mapping[sp.Symbol, int],
        batch_size: int,
        dtype: str,
        gradients: Gradients,
        lower: Lower,
    ) -> Kernel:
        step, arenas = build_step(parts, optimizer, numbers, batch_size, gradients, lower)
        emitted = training_module(step, dtype)
        theta, held = arenas["theta"], arenas["held"]
        noise = max((at + -(-size * batch_size // 16) * 16 for _, _, at, size in step.noise), default=0)
        plan = Plan(
            data=tuple(node.name for node in parts.data),
            params={n.name: (theta.offsets[n], numeric(n, numbers)) for n in parts.params},
            held={n.name: (held.offsets[n], numeric(n, numbers)) for n in parts.held},
            theta=theta.size,
            held_size=held.size,
            states=tuple(optimizer.states()),
            scalars=tuple(optimizer.scalars()),
            needs_grad=step.update is not None,
            noise=noise,
            work=emitted.work,
            whole_work=emitted.whole_work,
            logged=tuple(node.name for node in step.logged),
            batch_size=batch_size,
        )
        return cls(plan, emitted.source, emitted.schedules, load(emitted.source), dtype)

    def __post_init__(self) -> None:
        plan, real = self.plan, np.dtype(self.dtype)
        self.theta, self.held = aligned(plan.theta, real), aligned(plan.held_size, real)
        self.grad = aligned(plan.theta if plan.needs_grad else 0, real)
        self.state = aligned(plan.theta * len(plan.states), real)
        for at, (_, start) in enumerate(plan.states):
            self.state[at * plan.theta : (at + 1) * plan.theta] = start
        self.memory = np.array([start for _, start in plan.scalars], float)
        self.noise, self.work = aligned(plan.noise, real), aligned(plan.work, real)
        self.whole_work = np.zeros(plan.whole_work, np.int64)
        self.sums = np.zeros(len(plan.logged) + 1)

    def adopt(self, values: dict[str, Array], states: dict[str, Array]) -> None:
        """Take parameters and states over: from now on the arrays in `values` are views of this kernel's own."""
        for arena, places in ((self.theta, self.plan.params), (self.held, self.plan.held)):
            for name, (at, shape) in places.items():
                view = arena[at : at + int(np.prod(shape))].reshape(shape)
                if values[name].base is not arena:
                    view[...] = values[name]
                    values[name] = view
        for name, own in (("state", self.state), ("memory", self.memory)):
            if name in states and states[name] is not own and states[name].shape == own.shape:
                own[...] = states[name]
            states[name] = own

    def nbytes(self) -> int:
        """The memory that the plan takes, data aside."""
        arrays = (self.theta, self.held, self.grad, self.state, self.memory, self.noise, self.work, self.whole_work, self.sums)
        return sum(a.nbytes for a in arrays)

    def steps(self, data: list[Array], rows: Array, first: int, last: int, done: int, seed: int) -> int:
        """Run steps of an epoch over `rows`; how many were done. `sums` grows by what is logged."""
        return int(
            self.module.train_steps(
                *data,
                rows,
                self.theta,
                self.grad,
                self.state,
                self.memory,
                self.held,
                self.noise,
                self.work,
                self.whole_work,
                self.sums,
                first,
                last,
                len(rows),
                done,
                seed,
            )
        )


def aligned(count: int, dtype: Any) -> Array:
    """A zeroed array that begins at a cache line."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(count + 64 // size, dtype)
    skip = (-raw.ctypes.data // size) % (64 // size)
    return raw[skip : skip + count]
