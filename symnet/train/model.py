"""`sn.Model`: a loss with its parameters, and `Run`: that model compiled for an optimizer, trained and asked.

m = sn.Model(L, outputs={"p": p}, metrics=[sn.metrics.accuracy(p, y)])
run = m.compile(sn.optim.Adam(1e-3))
history = run.fit({"x": X, "y": Y}, epochs=10, batch_size=64)
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node, Program
from symnet.declare.optimizers.base import Optimizer
from symnet.declare.tensor import Tensor, input_tensor
from symnet.errors import FormulaProblem, NonScalarLoss, SymnetError, TrainingProblem, ValueProblem
from symnet.pipeline import gradients, lower
from symnet.run.values import LabelRanges, allowed_labels, label_ranges
from symnet.train.asking import Asked
from symnet.train.called import metrics_by_name, outputs_by_name
from symnet.train.checkpoint import load_params, newest, save_params, write
from symnet.train.data import Prepared, packed, prepare
from symnet.train.history import History
from symnet.train.initial import initial
from symnet.train.kernel import Kernel, Request
from symnet.train.loop import Fit, Progress, drawn_progress
from symnet.train.options import (
    as_dtype,
    as_flag,
    as_optimizer,
    as_share,
    as_weights,
    as_whole,
    by_name,
    check_classes,
)
from symnet.train.params import Params, UnknownParam
from symnet.train.rows import chosen_rows, class_weights, split
from symnet.train.shown import ShownModel, ShownRun
from symnet.train.source import kept_source
from symnet.train.step import Parts, numeric, parts_of
from symnet.train.stopping import as_stopping
from symnet.train.weighted import reweighted

Array = NDArray[Any]
Measure = Callable[[], Mapping[str, float]]
WEIGHT = "sample_weight"


class Model(ShownModel):
    """What is trained: a scalar loss, named outputs to predict, and metrics to follow."""

    def __init__(
        self,
        loss: Tensor,
        outputs: Mapping[str, Tensor] | Sequence[Tensor] | Tensor | None = None,
        metrics: Sequence[Tensor] | Tensor = (),
        name: str = "model",
    ) -> None:
        if not isinstance(loss, Tensor):
            raise FormulaProblem(f"the loss of a model must be a tensor, but is {loss!r}")
        if loss.rank:
            raise NonScalarLoss(f"the loss {loss!r} is no scalar", "take its mean over the samples")
        self.loss, self.name = loss, name
        self.outputs, self.metrics = outputs_by_name(outputs), metrics_by_name(metrics)
        self.parts = parts_of(loss, list(self.metrics.values()), self.outputs.values())

    def compile(
        self,
        optimizer: Optimizer | None = None,
        *,
        dtype: Any = "float32",
        seed: int = 0,
        threads: int = 1,
        resume: str | Path | None = None,
    ) -> Run:
        """The model ready to be trained; `resume` names a folder of checkpoints to go on from."""
        run = Run(self, as_optimizer(optimizer), dtype, seed, threads)
        if resume is not None:
            run.restore(Path(resume))
        return run

    @cached_property
    def label_ranges(self) -> LabelRanges:
        """The labels that each input may hold, by the axes that are read at it."""
        return label_ranges(Program.of([self.loss, *self.metrics.values(), *self.outputs.values()]))

    def weighted(self) -> Parts:
        """The parts of the model with a weight for each sample in its loss."""
        weight = input_tensor(WEIGHT, (self.parts.batch,))
        loss = reweighted(self.loss, weight, self.parts.batch)
        return parts_of(loss, list(self.metrics.values()), self.outputs.values())

    def __repr__(self) -> str:
        params = ", ".join(repr(p) for p in self.parts.params)
        return f"Model({self.name!r}: {self.loss.name} of {params})"


class Run(ShownRun):
    """A model under training: its parameters, the state of the optimizer, and where it stands."""

    def __init__(self, model: Model, optimizer: Optimizer, dtype: Any, seed: int, threads: int) -> None:
        self.model, self.optimizer = model, optimizer
        self.dtype, self.threads = as_dtype(dtype), as_whole("threads", threads, 1)
        self.seed = as_whole("seed", seed, 0, below=2**63)
        self.epoch, self.done = 0, 0
        self.batch = 32  # samples in a step, for what is shown before the first fit
        self.place: dict[str, Any] = {}
        self.history = History()
        self.numbers: dict[sp.Symbol, int] = {}
        self._kernels: dict[tuple[Any, ...], Kernel] = {}
        self._compiled: dict[str, Asked] = {}
        self.values: dict[str, Array] = {}
        self._states: dict[str, Array] = {}
        self._latest: Kernel | None = None
        self.best: dict[str, Array] | None = None  # the best parameters, while a checkpoint with them is on its way

    # -- parameters

    @property
    def params(self) -> Params:
        """The parameters by name."""
        return Params(self)

    def view(self, name: str) -> Array:
        if name not in {n.name for n in self._stored()}:
            raise UnknownParam(f"there is no parameter {name!r}", f"there are {', '.join(self.params)}")
        self._ready()
        return self.values[name]

    def _stored(self) -> list[Node]:
        return [*self.model.parts.params, *self.model.parts.held]

    def _ready(self, sizes: Mapping[sp.Symbol, int] | None = None) -> None:
        """Parameters are made when all sizes are known."""
        self.numbers.update({s: v for s, v in (sizes or {}).items() if s != self.model.parts.batch})
        if self.values:
            return
        shapes = {node: numeric(node, self.numbers) for node in self._stored()}
        self.values = {
            node.name: initial(node, shape, self.seed, self.numbers).astype(self.dtype)
            for node, shape in shapes.items()
        }

    # -- training

    def fit(
        self,
        data: Mapping[Any, Any],
        epochs: int = 1,
        batch_size: int = 32,
        *,
        validation: Any = None,
        shuffle: bool = True,
        progress: bool = True,
        sample_weight: Any = None,
        class_weight: Any = None,
        early_stopping: Any = None,
        checkpoint: str | Path | None = None,
        checkpoint_seconds: float = 5.0,
        checkpoint_steps: int | None = None,
        allow_nonfinite: bool = False,
        rows: Any = None,
        on_progress: Progress | None = None,
    ) -> History:
        """Train; returns the history of this run. `validation` is a share of the rows or a mapping like `data`.

        `rows` says which rows take part, all unless given. `on_progress` is told of slices and epochs as dicts.
        """
        epochs, batch_size = as_whole("epochs", epochs, 0), as_whole("batch_size", batch_size, 1)
        shuffle, stopping = as_flag("shuffle", shuffle), as_stopping(early_stopping)
        parts, values = self._weighted(data, sample_weight, class_weight)
        prepared = self._prepared(parts.data, values, parts, allow_nonfinite)
        self._ready(prepared.sizes)
        if class_weight is not None:
            target, sizes = self._classified(values), {**prepared.sizes, parts.batch: prepared.count}
            check_classes(target.name, class_weight, allowed_labels(target, sizes, self.model.label_ranges))
        taking = np.arange(prepared.count) if rows is None else chosen_rows(rows, prepared.count)
        taking, measure = self._held_out(prepared, taking, validation, allow_nonfinite)
        prepared, taking = packed(prepared, taking, parts.batch)
        self.batch = size = min(batch_size, len(taking))
        kernel = self._kernel(parts, prepared, size)
        if on_progress is None and progress and sys.stderr.isatty():
            on_progress = drawn_progress
        fit = Fit(self, kernel, prepared, taking, size, epochs, shuffle, measure, stopping, on_progress)
        if checkpoint is not None:
            fit.keep(Path(checkpoint), checkpoint_seconds, checkpoint_steps)
        return fit.run()

    def _held_out(
        self, prepared: Prepared, rows: Array, validation: Any, allow_nonfinite: bool
    ) -> tuple[Array, Measure | None]:
        """The rows that train, and how the others, or other data, are measured after each epoch."""
        share = as_share(validation)
        if validation is None or share == 0:
            return rows, None
        asked = self._asked("measures")
        if share is None:
            other = self._prepared(asked.data, by_name(validation), self.model.parts, allow_nonfinite)
            return rows, lambda: _as_floats(asked.over(other, None, self.values))
        train, held = split(len(rows), share, self.seed)
        return rows[train], lambda: _as_floats(asked.over(prepared, rows[held], self.values))

    def _prepared(self, nodes: Any, values: dict[str, Any], parts: Parts, allow_nonfinite: bool = False) -> Prepared:
        ranges, known, batch = self.model.label_ranges, self.numbers, parts.batch
        options: dict[str, Any] = {"allow_nonfinite": allow_nonfinite, "known": known, "label_ranges": ranges}
        try:
            return prepare(nodes, values, self.dtype, batch, **options)
        except SymnetError as problem:
            problem.of_data = True
            raise

    def _weighted(self, data: Mapping[Any, Any], sample_weight: Any, class_weight: Any) -> tuple[Parts, dict[str, Any]]:
        values = by_name(data)
        if sample_weight is None and class_weight is None:
            return self.model.parts, values
        weights = as_weights(sample_weight)
        if class_weight is not None:
            target = self._classified(values)
            weights = weights * class_weights(values[target.name], class_weight, target.name)
        return self.model.weighted(), {**values, WEIGHT: weights}

    def _classified(self, values: Mapping[str, Any]) -> Node:
        """The input that says the class of each sample."""
        targets: list[Node] = [n for n in self.model.parts.data if n.kind in ("label", "onehot")]
        if len(targets) != 1 or targets[0].name not in values:
            found = ", ".join(n.name for n in targets) or "none"
            raise ValueProblem(
                f"class weights need exactly one input of labels or one-hot rows, but there is {found}",
                "say what each sample weighs: sample_weight=",
            )
        return targets[0]

    def _kernel(self, parts: Parts, prepared: Prepared, batch_size: int) -> Kernel:
        key = (len(parts.data), batch_size, tuple(sorted((str(s), v) for s, v in self.numbers.items())))
        if key not in self._kernels:
            self._kernels[key] = Kernel(self._request(parts, batch_size))
        kernel = self._kernels[key]
        for name, own in (("state", kernel.state), ("memory", kernel.memory)):
            if name in self._states and self._states[name].shape != own.shape:
                raise TrainingProblem(
                    f"the optimizer's {name} has {self._states[name].size} entries, but {own.size} are needed",
                    "the checkpoint was written by another version of symnet: begin anew",
                )
        kernel.adopt(self.values, self._states)
        self._latest = kernel
        return kernel

    def _request(self, parts: Parts, batch_size: int) -> Request:
        threads = self.threads if worth_sharing(parts, self.numbers, batch_size, self.threads) else 1
        return Request(parts, self.optimizer, dict(self.numbers), batch_size, self.dtype, gradients, lower, threads)

    # -- asking

    def predict(self, data: Mapping[Any, Any], *, allow_nonfinite: bool = False) -> dict[str, Array]:
        """The outputs for new data, by name."""
        if not self.model.outputs:
            raise ValueProblem("this model has no outputs", 'declare them: sn.Model(L, outputs={"p": p})')
        return self._evaluated("outputs", data, None, allow_nonfinite)

    def evaluate(self, data: Mapping[Any, Any], rows: Any = None, *, allow_nonfinite: bool = False) -> dict[str, float]:
        """The loss and the metrics on data, over all rows or over some."""
        return _as_floats(self._evaluated("measures", data, rows, allow_nonfinite))

    def _evaluated(self, what: str, data: Mapping[Any, Any], rows: Any, allow_nonfinite: bool) -> dict[str, Any]:
        asked = self._asked(what)
        prepared = self._prepared(asked.data, by_name(data), self.model.parts, allow_nonfinite)
        self._ready(prepared.sizes)
        chosen = None if rows is None else chosen_rows(rows, prepared.count)
        return asked.over(prepared, chosen, self.values)

    def _asked(self, what: str) -> Asked:
        """The outputs, or the loss and the metrics, compiled when they are first asked for."""
        if what not in self._compiled:
            tensors = {"outputs": self.model.outputs, "measures": {"loss": self.model.loss, **self.model.metrics}}
            self._compiled[what] = Asked(tensors[what], self.model.parts, self.dtype)
        return self._compiled[what]

    # -- what was compiled

    @property
    def source(self) -> str:
        """The model as a module that runs by itself: its outputs, its loss with all gradients, its training loop."""
        asked = self._default() if self._latest is None else self._latest.request
        return kept_source(self.model.name, asked, list(self.model.outputs.values()))

    @property
    def kernel_source(self) -> str:
        """The training kernel alone, as it was compiled; empty before the first fit."""
        return "" if self._latest is None else self._latest.source

    @property
    def schedule(self) -> Any:
        """What a step runs, in order, and why."""
        return self._default().emitted()[0].schedules if self._latest is None else self._latest.schedule

    def _needed(self) -> Kernel:
        if self._latest is None:
            asked = self._default()
            self._ready()
            self._latest = Kernel(asked)
            self._latest.adopt(self.values, self._states)
        return self._latest

    def _default(self) -> Request:
        """What is made when nothing has been fitted."""
        known = {**self.numbers, self.model.parts.batch: self.batch}
        lengths = {size for n in (*self._stored(), *self.model.parts.data) for size in n.shape}
        missing = sorted({str(s) for size in lengths for s in size.free_symbols - known.keys()})
        if missing:
            raise TrainingProblem(
                "the kernel is made when sizes are known", f"call fit once, or declare {', '.join(missing)} as numbers"
            )
        return self._request(self.model.parts, self.batch)

    # -- keeping

    def save(self, path: str | Path) -> None:
        """Write the parameters (and running states) to a safetensors file."""
        self._ready()
        save_params(Path(path), self.values, {"name": self.model.name})

    def load(self, path: str | Path) -> None:
        """Read parameters from a safetensors file; names and shapes must fit."""
        arrays, _ = load_params(Path(path))
        self._take(arrays)

    def _take(self, arrays: Mapping[str, Array]) -> None:
        for node in self._stored():
            if node.name not in arrays:
                raise ValueProblem(f"the file holds no {node.name}", f"it holds {', '.join(arrays)}")
            for size, value in zip(node.shape, arrays[node.name].shape, strict=False):
                if isinstance(size, sp.Symbol):
                    self.numbers.setdefault(size, value)
        self._ready()
        for node in self._stored():
            if arrays[node.name].shape != self.values[node.name].shape:
                raise ValueProblem(
                    f"{node.name} has shape {self.values[node.name].shape}, but the file's {arrays[node.name].shape}"
                )
            self.values[node.name][...] = arrays[node.name]

    def checkpoint(self, folder: str | Path, place: Mapping[str, Any] | None = None) -> None:
        """Write everything that training needs to go on exactly as if it had not been stopped."""
        facts = {
            "seed": self.seed,
            "epoch": self.epoch,
            "done": self.done,
            "history": list(self.history.items()),
            "optimizer": repr(self.optimizer),
            "rule": self._rule,
            "dtype": self.dtype,
            "place": dict(place or {}),
        }
        self._ready()
        groups = {"param": self.values, "state": self._states, "best": self.best or {}}
        arrays = {f"{group}/{name}": array for group, own in groups.items() for name, array in own.items()}
        write(Path(folder), "checkpoint", arrays, facts)

    @cached_property
    def _rule(self) -> str:
        """What the optimizer does; a schedule that is a function has no name that another process would know."""
        return hashlib.sha256(self.optimizer.signature().encode()).hexdigest()

    def restore(self, folder: Path) -> None:
        """Go on from the newest sound checkpoint of a folder."""
        found = newest(folder)
        facts = found.facts
        for key, named, own in (("rule", "optimizer", self._rule), ("dtype", "dtype", self.dtype)):
            if facts.get(key, own) != own:
                raise TrainingProblem(
                    f"the checkpoint was made with {named} {facts[named]}, not with {getattr(self, named)}",
                    f"compile with the same {named} to go on",
                )
        self._take(_group(found.arrays, "param"))
        self._states.update(_group(found.arrays, "state"))
        self.best = _group(found.arrays, "best") or None
        self.seed, self.epoch, self.done = facts["seed"], facts["epoch"], facts["done"]
        self.history.update(facts["history"])
        self.place = facts["place"]


def _as_floats(found: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in found.items()}


def _group(arrays: Mapping[str, Array], group: str) -> dict[str, Array]:
    """The arrays of a checkpoint that belong to a group, by their own names."""
    head = f"{group}/"
    return {name.removeprefix(head): array for name, array in arrays.items() if name.startswith(head)}


def worth_sharing(parts: Parts, numbers: Mapping[sp.Symbol, int], batch_size: int, threads: int) -> bool:
    """Whether a step is long enough for threads to wait for each other in it: from some 50 microseconds on."""
    weights = sum(int(np.prod(numeric(p, numbers))) for p in parts.params)
    return threads > 1 and batch_size >= 4 * threads and batch_size * weights >= 1_000_000
