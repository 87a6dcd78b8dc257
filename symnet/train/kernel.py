"""A compiled training kernel and the arrays it works on.

A kernel is found again by what was declared, before anything is derived: the folder of the cache holds the emitted
module, its machine code and the plan of its arrays, so a second process begins to train at once.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Program
from symnet.core.fingerprint import fingerprint
from symnet.core.inside import open_claims
from symnet.declare.optimizers.base import Optimizer
from symnet.emit.training import Arena, TrainingModule, open_sizes, training_module
from symnet.run.compile import MODULE, cached_file, content_key, found, load_folder
from symnet.run.values import check_places
from symnet.train.step import Gradients, Lower, Parts, arenas_of, build_step, numeric

Array = NDArray[Any]
PLAN = "plan.json"
SLICE = 0.12  # seconds between two looks at the outside world
Place = tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class Plan:
    """What a caller has to know of an emitted training module; plain data, kept beside the compiled code."""

    data: tuple[str, ...]
    params: dict[str, Place]
    held: dict[str, Place]
    theta: int
    held_size: int
    states: tuple[tuple[str, float], ...]
    scalars: tuple[tuple[str, float], ...]
    needs_grad: bool
    noise: int
    work: dict[str, int]
    logged: tuple[str, ...]
    batch_size: int

    @classmethod
    def from_text(cls, text: str) -> Plan:
        facts = json.loads(text)
        for key in ("params", "held"):
            facts[key] = {name: (at, tuple(shape)) for name, (at, shape) in facts[key].items()}
        return cls(**facts)


@dataclass(frozen=True)
class Request:
    """What a kernel is asked for: a model's parts, an optimizer, sizes, and a type.

    `numbers` are sizes that are part of the kernel, `open` those that it is given when it runs: one kernel serves all.
    """

    parts: Parts
    optimizer: Optimizer
    numbers: Mapping[sp.Symbol, int]
    batch_size: int
    dtype: str
    gradients: Gradients
    lower: Lower
    threads: int = 1
    open: Mapping[sp.Symbol, int] = field(default_factory=dict)

    def key(self) -> str:
        """The same for the same declaration under the same compiler; its folder in the cache."""
        nodes = [self.parts.loss, *self.parts.metrics, *self.parts.held.values()]
        sizes = sorted((str(s), v) for s, v in self.numbers.items())
        facts = [
            self.optimizer.signature(),
            str(sizes),
            str(self.batch_size),
            str(self.parts.batch),
            self.dtype,
            str(self.threads),
            *sorted(map(str, self.open)),
        ]
        return content_key("train", fingerprint(Program.of(nodes)), *facts, compiler_digest())

    def emitted(self) -> tuple[TrainingModule, Plan]:
        """Derive, schedule and emit."""
        self.check_places()
        step, arenas = build_step(
            self.parts, self.optimizer, self.numbers, self.batch_size, self.gradients, self.lower, self.threads
        )
        assert open_sizes(step) == sorted(self.open, key=str), "every size is known or given"
        module = training_module(step, self.dtype)
        noise = max((at + -(-size * self.batch_size // 16) * 16 for _, _, at, size in step.noise), default=0)
        plan = Plan(
            data=tuple(node.name for node in self.parts.data),
            **self.places(arenas),
            states=tuple(self.optimizer.states()),
            scalars=tuple(self.optimizer.scalars()),
            needs_grad=step.update is not None,
            noise=noise,
            work={} if self.open else {name: int(size) for name, size in module.work.items()},
            logged=tuple(node.name for node in step.logged),
            batch_size=self.batch_size,
        )
        return module, plan

    def check_places(self) -> None:
        """No formula may read outside of an axis, for the sizes at hand and batches up to the largest."""
        claims = open_claims(Program.of([self.parts.loss, *self.parts.metrics]))
        batches = range(1, self.batch_size + 1) if any(self.parts.batch in c.dims for _, c in claims) else [1]
        for rows in batches if claims else ():
            check_places(claims, {**self.numbers, **self.open, self.parts.batch: rows})

    def places(self, arenas: Mapping[str, Arena]) -> dict[str, Any]:
        """Where each parameter and state begins, and its shape, in numbers."""
        sizes = {**self.numbers, **self.open}
        exact = {s: sp.Integer(v) for s, v in sizes.items()}
        found: dict[str, Any] = {}
        for key, length, arena in (("params", "theta", arenas["theta"]), ("held", "held_size", arenas["held"])):
            found[key] = {n.name: (int(at.xreplace(exact)), numeric(n, sizes)) for n, at in arena.offsets.items()}
            found[length] = int(arena.size.xreplace(exact))
        return found

    @property
    def given(self) -> list[int]:
        """The sizes that the kernel is given when it runs, in its order."""
        return [self.open[size] for size in sorted(self.open, key=str)]

    def adjusted(self, plan: Plan, module: Any) -> Plan:
        """A plan for the sizes at hand, where the kernel is for all."""
        if not self.open:
            return plan
        work = dict(zip(("ws", "near", "wi"), module.room(*self.given), strict=True))
        return replace(plan, work=work, **self.places(arenas_of(self.parts, self.numbers)))


@cache
def compiler_digest() -> str:
    """A digest of this package's own files, so that a changed compiler never meets kernels of another."""
    root = Path(__file__).parent.parent
    facts = [(str(f.relative_to(root)), f.stat().st_mtime_ns, f.stat().st_size) for f in sorted(root.rglob("*.py"))]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


class Kernel:
    """An emitted module, compiled, and its arrays: parameters, gradients, states, work space."""

    def __init__(self, request: Request) -> None:
        self.request = request
        key = request.key()
        known = cached_file(key, PLAN)
        module = None if known is None else found(key)
        if known is None or module is None:
            emitted, plan = self._emitted
            module = load_folder(key, {MODULE: emitted.source, PLAN: json.dumps(asdict(plan))})
            self.source = emitted.source
        else:
            plan = Plan.from_text(known)
            self.source = Path(str(module.__file__)).read_text()
        self.module: Any = module
        self.pace = 1  # steps that one call may do, as it turned out
        self.plan = request.adjusted(plan, module)
        self._allocate()

    @cached_property
    def _emitted(self) -> tuple[TrainingModule, Plan]:
        return self.request.emitted()

    @property
    def schedule(self) -> Any:
        """What a step runs, in order, and why."""
        return self._emitted[0].schedules

    def _allocate(self) -> None:
        plan, real = self.plan, np.dtype(self.request.dtype)
        self.theta, self.held = aligned(plan.theta, real), aligned(plan.held_size, real)
        self.grad = aligned(plan.theta if plan.needs_grad else 0, real)
        self.state = aligned(plan.theta * len(plan.states), real)
        for at, (_, start) in enumerate(plan.states):
            self.state[at * plan.theta : (at + 1) * plan.theta] = start
        self.memory = np.array([start for _, start in plan.scalars], float)
        self.noise = aligned(plan.noise, real)
        self.work, self.near = aligned(plan.work["ws"], real), aligned(plan.work["near"], real)
        self.whole_work = np.zeros(plan.work["wi"], np.int64)
        self.sums = np.zeros(len(plan.logged) + 1)
        self.shared = np.zeros(plan.work["shared"] if self.request.threads > 1 else 0)  # parts of scalars
        self.sync = np.zeros(8, np.int64)

    def adopt(self, values: dict[str, Array], states: dict[str, Array]) -> None:
        """Take parameters and states over: from now on the arrays in `values` are views of this kernel's own."""
        for arena, places in ((self.theta, self.plan.params), (self.held, self.plan.held)):
            for name, (at, shape) in places.items():
                view = arena[at : at + int(np.prod(shape))].reshape(shape)
                if not np.shares_memory(values[name], arena):
                    view[...] = values[name]
                    values[name] = view
        for name, own in (("state", self.state), ("memory", self.memory)):
            if name in states and states[name] is not own and states[name].shape == own.shape:
                own[...] = states[name]
            states[name] = own

    def learned(self) -> tuple[Array, ...]:
        """What steps go on from: parameters, and the states of the optimizer and of layers."""
        return tuple(array for array in (self.theta, self.held, self.state, self.memory) if array.size)

    def apart(self, array: Array) -> Array:
        """The array, or a copy if training writes where it lies: kernels promise that their arrays do not overlap."""
        return array.copy() if any(np.may_share_memory(array, own) for own in (self.theta, self.held)) else array

    def nbytes(self) -> int:
        """The memory that training takes besides its data, as planned."""
        arrays = [self.theta, self.held, self.grad, self.state, self.memory, self.noise, self.work, self.near]
        return sum(a.nbytes for a in (*arrays, self.whole_work, self.sums))

    def until(self, first: int, last: int) -> int:
        """The end of a slice of steps, after which it is time to look at the outside world."""
        return min(first + self.pace, last)

    def steps(self, data: list[Array], rows: Array, first: int, last: int, done: int, seed: int) -> int:
        """Run steps of an epoch over `rows`; how many were done. `sums` grows by what is logged."""
        before = time.perf_counter()
        finished = self._steps(data, rows, first, last, done, seed)
        spent = time.perf_counter() - before
        most = 8 * self.pace if spent < SLICE / 8 else sys.maxsize  # of a short one, all may be overhead
        self.pace = max(1, min(int(finished * SLICE / max(spent, 1e-7)), most))
        return finished

    def _steps(self, data: list[Array], rows: Array, first: int, last: int, done: int, seed: int) -> int:
        own = (self.theta, self.grad, self.state, self.memory, self.held, self.noise, self.work)
        given = (*data, rows, *own, self.near, self.whole_work, self.sums, first, last, len(rows), done, seed)
        given += tuple(self.request.given)
        run = self.module.train_steps
        if self.request.threads == 1:
            return int(run(*given))
        self.sync[:] = 0
        others = [
            self.pool.submit(lambda t=t: run(*given, self.shared, self.sync, t))  # type: ignore[misc]
            for t in range(1, self.request.threads)
        ]
        finished = int(run(*given, self.shared, self.sync, 0))
        for other in others:
            other.result()
        return finished

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The other threads; each runs the whole step on its part."""
        return ThreadPoolExecutor(self.request.threads - 1, thread_name_prefix="symnet")


def aligned(count: int, dtype: Any) -> Array:
    """A zeroed array that begins at a cache line."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(count + 64 // size, dtype)
    skip = (-raw.ctypes.data // size) % (64 // size)
    return raw[skip : skip + count]
