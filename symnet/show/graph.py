"""A program as a graph: a node for each named tensor, an edge for each read.

    x, W1, b1 -> a1 -> h1 -> ... -> L        h -> h where h[n,t,k] reads h[n,t-1,k]

Unnamed tensors are written out in the formulas that read them. In a recurrence, a read at another step of time is an
edge with a delay; without such edges a graph has no cycles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from symnet.core.definition import Definition, Node, Program, read_nodes
from symnet.core.graph import is_recurrent, program_components, time_loop
from symnet.errors import CycleProblem
from symnet.show.graph_math import RichPrinter
from symnet.show.graph_parts import GraphEdge, GraphNode
from symnet.show.graph_svg import svg
from symnet.show.graph_text import dot, mermaid, rails
from symnet.show.names import display_names
from symnet.show.text import TextPrinter
from symnet.show.visible import visible


@dataclass(frozen=True)
class Graph:
    """Tensors and reads, in the program's order."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    def svg(self) -> str:
        """A drawing that needs nothing else and follows the reader's light or dark scheme."""
        return self._drawing

    @cached_property
    def _drawing(self) -> str:
        return svg(self.nodes, self.edges)

    def dot(self) -> str:
        """For Graphviz."""
        return dot(self.nodes, self.edges)

    def mermaid(self) -> str:
        """For pages that draw Mermaid, such as GitHub's."""
        return mermaid(self.nodes, self.edges)

    def text(self) -> str:
        """A line for each tensor, with lines from what it reads."""
        return rails(self.nodes, self.edges)

    def __str__(self) -> str:
        return self.text()

    def _repr_svg_(self) -> str:
        return self.svg()


def graph_of(program: Program, outputs: Sequence[Node] = ()) -> Graph:
    """The graph of a program; `outputs` are marked as such, else the program's own."""
    shown = Program(tuple(outputs) or program.outputs, visible(program))
    names = display_names(program)
    given = [node for node in shown.inputs() if node not in shown]
    nodes = [_node(node, None, shown, names) for node in given]
    nodes += [_node(node, definition, shown, names) for node, definition in shown.definitions.items()]
    return Graph(tuple(nodes), tuple(_edges(shown, names)))


def _node(node: Node, definition: Definition | None, program: Program, names: Mapping[Node, str]) -> GraphNode:
    shape = " × ".join(str(size) for size in node.shape)
    of = names.get(node.info.get("adjoint_of", node), "") if _role(node, program) == "adjoint" else ""
    if definition is None:
        return GraphNode(names[node], shape, _role(node, program), of=of)
    text, rich = TextPrinter(names, unicode=True), RichPrinter(short_names(node, names), unicode=True)
    formula, indices = definition.formula, definition.indices
    left = text.formula(node.read(*indices), indices)
    written = text.formula(formula, indices).replace("-", "−")
    role = _role(node, program)
    return GraphNode(
        names[node], shape, role, written, rich.formula(formula, indices).replace("-", "−"), left.replace("-", "−"), of
    )


def short_names(node: Node, names: Mapping[Node, str]) -> dict[Node, str]:
    """Names as read in a formula: those of the same layer without the layer's name, where that is clear."""
    scope, _, _ = names[node].rpartition(".")
    taken = set(names.values())
    short = dict(names)
    for other, name in names.items():
        path, _, last = name.rpartition(".")
        if scope and path == scope and last not in taken:
            short[other] = last
    return short


def _role(node: Node, program: Program) -> str:
    if "adjoint_of" in node.info or "tangent_of" in node.info:
        return "adjoint"
    if node not in program:
        return node.role
    return "output" if node in program.outputs else "defined"


# -- edges


def _edges(program: Program, names: Mapping[Node, str]) -> Iterator[GraphEdge]:
    delays = _delays(program)
    for node, definition in program.definitions.items():
        for source in sorted(read_nodes(definition.formula), key=lambda n: n.serial):
            for delay in delays.get((source, node), [""]):
                yield GraphEdge(names[source], names[node], delay.replace("-", "−"))


def _delays(program: Program) -> dict[tuple[Node, Node], list[str]]:
    """For each read within a recurrence the steps at which it happens; an empty text where it is the same step."""
    found: dict[tuple[Node, Node], list[str]] = {}
    for group in program_components(program):
        if is_recurrent(group, program):
            axes = _time_axes(group, program)
            for node in group:
                for source in read_nodes(program[node].formula):
                    if source in group:
                        found[source, node] = _steps(program[node], node, source, axes)
    return found


def _time_axes(group: list[Node], program: Program) -> Mapping[Node, int]:
    """The axis of time of each member; none where the reads do not say."""
    try:
        return time_loop(group, program).axes
    except CycleProblem:
        return {}


def _steps(definition: Definition, node: Node, source: Node, axes: Mapping[Node, int]) -> list[str]:
    if source not in axes or node not in axes:
        return ["earlier"]
    time = definition.indices[axes[node]]
    reads = [r for r in definition.formula.atoms(sp.Indexed) if r.args[0].node is source]
    places = {r.indices[axes[source]] for r in reads}
    delayed = sorted(str(place).replace(" ", "") for place in places if place != time)
    return ([""] if time in places else []) + ([", ".join(delayed)] if delayed else [])
