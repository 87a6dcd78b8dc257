"""What a graph is made of: tensors, and who reads whom."""

from __future__ import annotations

from dataclasses import dataclass, field

ROLES = ("input", "param", "state", "defined", "output", "adjoint")
WORDS = {
    "input": "input",
    "param": "parameter",
    "state": "state",
    "defined": "defined",
    "output": "output",
    "adjoint": "derived",
}


@dataclass(frozen=True)
class GraphNode:
    """A tensor: its shape and formula as text (no formula where it is given from outside).

    `rich` is the formula with marks for what stands above, below and aslant; `of` names the tensor that an adjoint
    belongs to.
    """

    name: str
    shape: str
    role: str
    formula: str = ""
    rich: str = field(default="", repr=False)
    left: str = ""
    of: str = ""

    @property
    def label(self) -> str:
        """The definition on a line, or the name with its shape."""
        return f"{self.left} = {self.formula}" if self.formula else f"{self.name} {self.shape}".rstrip()


@dataclass(frozen=True)
class GraphEdge:
    """`target` reads `source`; in a recurrence at another step, such as t-1, which `delay` says."""

    source: str
    target: str
    delay: str = ""
