"""Models and runs as notebooks show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnet.core.definition import Definition, Node, Program
from symnet.core.normal import inline_temporaries
from symnet.declare.tensor import Tensor
from symnet.show.tables import html_table
from symnet.show.text import text_definition
from symnet.train.history import History
from symnet.train.step import Parts

HEAD = ("part", "tensor", "shape", "formula, kind or start")


class ShownModel:
    """How a model looks."""

    name: str
    parts: Parts
    outputs: dict[str, Tensor]

    def _repr_html_(self) -> str:
        """What it reads, has and gives."""
        made = [("output", node) for node in self.outputs.values()]
        made += [("loss", self.parts.loss), *(("metric", metric) for metric in self.parts.metrics)]
        given = [("input", node) for node in self.parts.data] + [("parameter", node) for node in self.parts.params]
        tensors = [node for _, node in made]
        formulas = inline_temporaries(Program.of(tensors), set(tensors))
        return html_table(HEAD, [_row(part, node, formulas) for part, node in (*given, *made)], caption=self.name)


def _row(part: str, node: Node, formulas: Mapping[Node, Definition]) -> tuple[str, ...]:
    start = node.info.get("init", "")
    said = str(start) if isinstance(start, str) and start else "given values" if node.role == "param" else node.kind
    if node in formulas:
        _, _, said = text_definition(node, formulas[node], unicode=True).partition(" = ")
    return part, node.name, " × ".join(map(str, node.shape)) or "scalar", said


class ShownRun:
    """How a run looks."""

    model: Any
    history: History
    optimizer: Any
    dtype: str
    seed: int
    threads: int
    epoch: int

    def __repr__(self) -> str:
        return f"Run({self.model.name!r}, {self.optimizer!r}, {self.dtype}, seed {self.seed}: {self.epoch} epochs)"

    def _repr_html_(self) -> str:
        """Where it stands."""
        rows = [(key, str(getattr(self, key))) for key in ("optimizer", "dtype", "seed", "threads", "epoch")]
        last = [(key, f"{v:.4g}" if isinstance(v, float) else str(v)) for key, v in self.history.last().items()]
        return html_table(("", ""), [*rows, *last], caption=self.model.name)
