"""A model's standalone module: the programs that it is made of, derived, lowered and handed to the emitter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
import sympy as sp

from symnet.core.definition import Node, Program
from symnet.core.fingerprint import fingerprint
from symnet.declare.tensor import Tensor
from symnet.emit.training import training_module
from symnet.emit.whole import Whole, whole_module
from symnet.run.compile import content_key, kept_text
from symnet.train.initial import fans, parse_call
from symnet.train.kernel import Request
from symnet.train.step import build_step, eval_program, numeric

SMALL = 64  # entries of a given initial value that are written out


def kept_source(title: str, asked: Request, outputs: Sequence[Tensor]) -> str:
    """The module of a model, from the cache where it was made before."""
    parts, numbers = asked.parts, asked.numbers
    program = Program.of([parts.loss, *parts.metrics, *outputs])
    indices = [str(definition.indices) for definition in program.definitions.values()]
    starts = [start(n, numeric(n, numbers), numbers) for n in (*parts.params, *parts.held)]
    key = content_key("source", title, asked.key(), fingerprint(program), *indices, *starts)
    return kept_text(key, lambda: model_source(title, asked, outputs))


def model_source(title: str, asked: Request, outputs: Sequence[Tensor]) -> str:
    """The module of a model whose training kernel is `asked` for; the loss stands in for missing outputs."""
    asked.check_places()
    parts, lower, numbers = asked.parts, asked.lower, asked.numbers
    step, arenas = build_step(parts, asked.optimizer, numbers, asked.batch_size, asked.gradients, lower, asked.threads)
    slopes = list(asked.gradients(parts.loss, parts.params))
    shown = tuple(outputs) or (parts.loss,)
    evaluation = eval_program(shown, parts)
    whole = Whole(
        title=f"{title}: a model as one module.",
        declared=Program.of([parts.loss, *parts.metrics, *outputs, *slopes]),
        outputs=shown,
        evaluation=lower(evaluation),
        loss=parts.loss,
        slopes=dict(zip(parts.params, slopes, strict=True)),
        gradient=lower(Program.of([parts.loss, *slopes])),
        optimizer=repr(asked.optimizer),
        update=Program.of(asked.optimizer.formulas()),
        data=parts.data,
        starts={n: start(n, numeric(n, numbers), numbers) for n in (*parts.params, *parts.held)},
        step=step,
        theta=arenas["theta"],
        held=arenas["held"],
        states=tuple(asked.optimizer.states()),
        scalars=tuple(asked.optimizer.scalars()),
        noise=max((at + entries * asked.batch_size for _, _, at, entries in step.noise), default=0),
        training=training_module(step, asked.dtype),
    )
    return whole_module(whole, asked.dtype)


def start(node: Node, shape: tuple[int, ...], numbers: Mapping[sp.Symbol, int]) -> str:
    """The first value of a parameter as an expression of NumPy; a large array is stood in for by its moments."""
    init = node.info.get("init") or ("glorot_uniform" if len(shape) >= 2 else "zeros")
    if not isinstance(init, str):
        value = np.broadcast_to(np.asarray(init, float), shape)
        if value.size <= SMALL:
            return f"np.array({value.tolist()!r})"
        return f"rng.normal({value.mean():.6g}, {value.std():.6g}, {shape})"
    into, out = fans(node, shape, numbers)
    both, into = max(into + out, 1), max(into, 1)
    named = {
        "glorot_uniform": _uniform(-sqrt(6 / both), sqrt(6 / both), shape),
        "glorot_normal": _normal(sqrt(2 / both), shape),
        "he_uniform": _uniform(-sqrt(6 / into), sqrt(6 / into), shape),
        "he_normal": _normal(sqrt(2 / into), shape),
        "lecun_normal": _normal(sqrt(1 / into), shape),
        "orthogonal": _normal(sqrt(1 / max((*shape[:1], into))), shape),
        "zeros": f"np.zeros({shape})",
        "ones": f"np.ones({shape})",
    }
    if init in named:
        return named[init]
    what, given = parse_call(node.name, init)
    if what == "constant":
        return f"np.full({shape}, {given[0]!r})"
    return _normal(given[0], shape) if what == "normal" else _uniform(given[0], given[1], shape)


def _uniform(low: float, high: float, shape: tuple[int, ...]) -> str:
    return f"rng.uniform({low:.6g}, {high:.6g}, {shape})"


def _normal(std: float, shape: tuple[int, ...]) -> str:
    return f"rng.normal(0.0, {std:.6g}, {shape})"
