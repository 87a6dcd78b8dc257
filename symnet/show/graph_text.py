"""A graph as text: lines beside a list of tensors, Graphviz' language, Mermaid's.

● x  N × D
│ ● W  D × K
│ │ ● b  K
●─┴─╯ z[n,k] = Σ_d x[n,d]·W[d,k] + b[k]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from symnet.show.graph_parts import WORDS, GraphEdge, GraphNode

Nodes: TypeAlias = Sequence[GraphNode]
Edges: TypeAlias = Sequence[GraphEdge]


# -- lines


def rails(nodes: Nodes, edges: Edges) -> str:
    """A line for each tensor; on its left, a rail for each tensor that is still to be read."""
    ordered = by_need(nodes, edges)
    place = {node.name: at for at, node in enumerate(ordered)}
    reads = {node.name: [e.source for e in edges if e.target == node.name and not e.delay] for node in nodes}
    last = {node.name: at for node, at in ((n, place[n.name]) for n in nodes)}
    for target, sources in reads.items():
        for source in sources:
            last[source] = max(last[source], place[target])
    columns: list[str | None] = []
    return "\n".join(
        f"{_row(node.name, reads[node.name], columns, last, at)} {_said(node, edges)}"
        for at, node in enumerate(ordered)
    )


def by_need(nodes: Nodes, edges: Edges) -> list[GraphNode]:
    """The program's order, with what is given just before it is first read."""
    given = {node.name: node for node in nodes if not node.formula}
    found: dict[str, GraphNode] = {}
    for node in nodes:
        if node.formula:
            found |= {e.source: given[e.source] for e in edges if e.target == node.name and e.source in given}
            found[node.name] = node
    return [*found.values(), *(node for name, node in given.items() if name not in found)]


def _row(name: str, sources: Sequence[str], columns: list[str | None], last: Mapping[str, int], at: int) -> str:
    """One line of rails; changes who holds which column."""
    from_ = [column for column, holder in enumerate(columns) if holder in sources]
    ending = [column for column in from_ if last[columns[column] or ""] == at]
    free = [column for column, holder in enumerate(columns) if holder is None]
    own = min(ending or free, default=len(columns))
    reach = {*from_, own}
    held = [holder if c not in ending else None for c, holder in enumerate(columns)]
    width = max(len(columns), own + 1)
    cells = [_cell(c, own, from_, ending, c < len(columns) and columns[c] is not None, reach) for c in range(width)]
    joints = ["─" if min(reach) <= c < max(reach) else " " for c in range(width)]
    columns[:] = held + [None] * (width - len(held))
    columns[own] = name if last[name] > at else None
    while columns and columns[-1] is None:
        columns.pop()
    return "".join(map(str.__add__, cells, joints)).rstrip()


def _cell(c: int, own: int, sources: Sequence[int], ending: Sequence[int], live: bool, reach: set[int]) -> str:
    """What stands in one column of a line."""
    first, final = min(reach), max(reach)
    if c == own:
        return "●"
    if c in sources:
        ends = c in ending
        if c == first:
            return "╰" if ends else "├"
        if c == final:
            return "╯" if ends else "┤"
        return "┴" if ends else "┼"
    if live:
        return "│"
    return "─" if first < c < final else " "


def _said(node: GraphNode, edges: Edges) -> str:
    """The definition, or the name and shape; what is read at other steps."""
    late = [f"{e.source} at {e.delay}" for e in edges if e.target == node.name and e.delay]
    loop = f"  ↺ {', '.join(late)}" if late else ""
    if not node.formula:
        return "  ".join(part for part in (node.name, node.shape, WORDS.get(node.role, node.role)) if part)
    return node.label + loop


# -- Graphviz

SHAPES = {"input": "ellipse", "param": "box", "state": "box", "defined": "box", "output": "box", "adjoint": "box"}
STYLES = {"param": "filled,rounded", "adjoint": "dashed", "output": "bold"}


def dot(nodes: Nodes, edges: Edges) -> str:
    """The graph in Graphviz' language."""
    return "\n".join(["digraph {", *_dot_lines(nodes, edges), "}"])


def _dot_lines(nodes: Nodes, edges: Edges) -> Iterator[str]:
    yield "  rankdir=TB; node [fontname=Helvetica, fontsize=11]; edge [fontname=Helvetica, fontsize=9];"
    for node in nodes:
        title = f"{node.name}  {node.shape}".rstrip()
        label = f"{title}\\n{quoted(node.formula)}" if node.formula else title
        style = f", style={_dot_text(STYLES[node.role])}" if node.role in STYLES else ""
        yield f"  {_dot_text(node.name)} [label={_dot_text(label)}, shape={SHAPES.get(node.role, 'box')}{style}];"
    for edge in edges:
        late = f" [label={_dot_text(edge.delay)}, style=dashed, constraint=false]" if edge.delay else ""
        yield f"  {_dot_text(edge.source)} -> {_dot_text(edge.target)}{late};"


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _dot_text(text: str) -> str:
    return f'"{text}"'


# -- Mermaid

FRAMES = {"input": ("([", "])"), "param": ("(", ")"), "output": ("[[", "]]")}
UNSAFE = re.compile(r'[&"<>\[\](){}|#;`\\]')


def mermaid(nodes: Nodes, edges: Edges) -> str:
    """The graph in Mermaid's language."""
    return "\n".join(["flowchart TD", *_mermaid_lines(nodes, edges)])


def _mermaid_lines(nodes: Nodes, edges: Edges) -> Iterator[str]:
    number = {node.name: f"t{at}" for at, node in enumerate(nodes)}
    for node in nodes:
        left, right = FRAMES.get(node.role, ("[", "]"))
        parts = [f"{node.name}  {node.shape}".rstrip(), *([node.formula] if node.formula else [])]
        label = "<br/>".join(map(escaped, parts))
        yield f'  {number[node.name]}{left}"{label}"{right}'
    for edge in edges:
        arrow = f'-. "{escaped(edge.delay)}" .->' if edge.delay else "-->"
        yield f"  {number[edge.source]} {arrow} {number[edge.target]}"
    adjoints = [number[node.name] for node in nodes if node.role == "adjoint"]
    if adjoints:
        yield "  classDef adjoint stroke-dasharray:4 3"
        yield f"  class {','.join(adjoints)} adjoint"


def escaped(text: str) -> str:
    """Text in Mermaid's quotes: what it could read as its own signs, by number."""
    return UNSAFE.sub(lambda match: f"#{ord(match[0])};", text)
