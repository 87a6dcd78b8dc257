"""What the libraries call the few things that a translated program needs, and how each makes a training step."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from scipy.special import erf

from symnet.cli.peers.job import Job, Step
from symnet.core.definition import Node

COMMON = ("exp", "log", "tanh", "sin", "cos", "sinh", "cosh", "sqrt", "log1p", "expm1", "sign", "abs")


class Library:
    """Arrays by NumPy's names; others say where they differ."""

    def __init__(self, module: Any, names: tuple[str, ...] = COMMON) -> None:
        self.module = module
        for name in names:
            if hasattr(module, name):
                setattr(self, name, getattr(module, name))

    def einsum(self, text: str, *arrays: Any) -> Any:
        return self.module.einsum(text, *arrays)

    def compared(self, sign: str, left: Any, right: Any) -> Any:
        names = {"gt": "greater", "ge": "greater_equal", "lt": "less", "le": "less_equal"}
        full = {**names, "eq": "equal", "ne": "not_equal"}[sign]
        return getattr(self.module, full)(left, right).astype("float32")

    def repeated(self, array: Any, shape: tuple[int, ...]) -> Any:
        return self.module.broadcast_to(array, shape)

    def transposed(self, array: Any, order: tuple[int, ...]) -> Any:
        return array.transpose(order)

    def counted(self, size: int) -> Any:
        return self.module.arange(size, dtype="float32")

    def places(self, size: int) -> Any:
        return self.module.arange(size)

    def reduced(self, op: str, array: Any, axes: tuple[int, ...]) -> Any:
        return getattr(self.module, op)(array, axis=axes[0] if op == "argmax" else axes)

    def relu(self, x: Any) -> Any:
        return self.module.maximum(x, 0)


class NumPy(Library):
    """NumPy with contractions by BLAS."""

    def __init__(self) -> None:
        super().__init__(np)
        self.erf = erf

    def einsum(self, text: str, *arrays: Any) -> Any:
        return np.einsum(text, *arrays, optimize=len(arrays) > 1)


class Torch(Library):
    """PyTorch's names where they are not NumPy's."""

    def __init__(self, module: Any) -> None:
        super().__init__(module, (*COMMON, "sigmoid", "relu", "erf"))
        self.softplus, self.log_sigmoid = module.nn.functional.softplus, module.nn.functional.logsigmoid

    def compared(self, sign: str, left: Any, right: Any) -> Any:
        return getattr(self.module, sign)(left, self.module.as_tensor(right)).to(self.module.float32)

    def transposed(self, array: Any, order: tuple[int, ...]) -> Any:
        return array.permute(order)

    def counted(self, size: int) -> Any:
        return self.module.arange(size, dtype=self.module.float32)

    def reduced(self, op: str, array: Any, axes: tuple[int, ...]) -> Any:
        if op in ("max", "min"):
            return getattr(self.module, f"a{op}")(array, dim=axes)
        return getattr(self.module, op)(array, dim=axes[0])


def numpy(job: Job) -> Step:
    """NumPy has no gradients: it runs those that symnet derived."""
    run = job.program(NumPy(), gradients=True)

    def step(params: list[Any], data: list[Any]) -> tuple[Any, list[Any]]:
        env = run({**dict(zip(job.params, params, strict=True)), **dict(zip(job.data, data, strict=True))})
        return env[job.loss], [p - job.rate * env[s] for p, s in zip(params, job.slopes, strict=True)]

    return Step(step, lambda array: array, float)


def torch(job: Job) -> Step:
    library: Any = import_module("torch")
    library.set_num_threads(job.threads)
    loss = job.loss_of(Torch(library))

    def step(params: list[Any], data: list[Any]) -> tuple[Any, list[Any]]:
        found = loss(params, data)
        slopes = library.autograd.grad(found, params)
        with library.no_grad():
            return found.detach(), [(p - job.rate * s).requires_grad_() for p, s in zip(params, slopes, strict=True)]

    def taken(array: Any) -> Any:
        made = library.from_numpy(np.ascontiguousarray(array))
        return made.requires_grad_() if made.is_floating_point() and job.is_param(array) else made

    return Step(step, taken, float)


def jax(job: Job) -> Step:
    if job.threads == 1:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    library: Any = import_module("jax")
    import_module("jax.scipy.special")

    class Jax(Library):
        """XLA's own functions where it has them."""

        sigmoid, softplus, relu = library.nn.sigmoid, library.nn.softplus, library.nn.relu
        log_sigmoid, erf = library.nn.log_sigmoid, library.scipy.special.erf

    loss = job.loss_of(Jax(library.numpy))

    def step(params: list[Any], data: list[Any]) -> tuple[Any, list[Any]]:
        found, slopes = library.value_and_grad(loss)(params, data)
        return found, [p - job.rate * s for p, s in zip(params, slopes, strict=True)]

    return Step(library.jit(step), library.numpy.asarray, float)


def pytensor(job: Job) -> Step:
    library: Any = import_module("pytensor")
    pt: Any = import_module("pytensor.tensor")

    class PyTensor(Library):
        """PyTensor's names where they are not NumPy's."""

        def __init__(self) -> None:
            super().__init__(pt, (*COMMON, "sigmoid", "softplus", "erf"))

        def compared(self, sign: str, left: Any, right: Any) -> Any:
            names = {"gt": "gt", "ge": "ge", "lt": "lt", "le": "le", "eq": "eq", "ne": "neq"}
            return pt.cast(getattr(pt, names[sign])(left, right), "float32")

    def variable(node: Node, array: Any) -> Any:
        return pt.tensor(node.name.replace(".", "_"), shape=array.shape, dtype=str(array.dtype))

    params = [variable(n, a) for n, a in zip(job.params, job.start, strict=True)]
    data = [variable(n, a) for n, a in zip(job.data, job.batch(0), strict=True)]
    rate = np.float32(job.rate)
    loss = job.loss_of(PyTensor())(params, data)
    slopes = pt.grad(loss, params)
    run: Callable[..., Any] = library.function(
        [*params, *data], [loss, *(p - rate * s for p, s in zip(params, slopes, strict=True))]
    )

    def step(params: list[Any], data: list[Any]) -> tuple[Any, list[Any]]:
        found, *rest = run(*params, *data)
        return found, rest

    return Step(step, lambda array: array, float)


PEERS: dict[str, Callable[[Job], Step]] = {"torch": torch, "jax": jax, "pytensor": pytensor, "numpy": numpy}
