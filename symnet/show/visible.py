"""What of a program is shown: definitions with a name; anonymous ones are written where they are read."""

from __future__ import annotations

from symnet.core.definition import Definition, Node, Program, read_nodes
from symnet.core.graph import components, is_recurrent
from symnet.core.normal import inline_anonymous


def visible(program: Program) -> dict[Node, Definition]:
    """The definitions to show, in the program's order."""
    hidden = hideable(program)
    inner = Program(program.outputs, {node: program[node] for node in hidden})
    shown = {node: d for node, d in program.definitions.items() if node not in hidden}
    return {node: Definition(d.indices, inline_anonymous(d.formula, inner)) for node, d in shown.items()}


def hideable(program: Program) -> set[Node]:
    """Anonymous definitions that do not wait for each other, so that writing them out ends."""
    anonymous = {node: d for node, d in program.definitions.items() if node.anonymous and node not in program.outputs}
    reach = {node: [r for r in read_nodes(d.formula) if r in anonymous] for node, d in anonymous.items()}
    part = Program((), anonymous)
    groups = components(anonymous, lambda node: reach[node])
    return {node for group in groups if not is_recurrent(group, part) for node in group}
