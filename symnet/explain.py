"""What is shown of a program: its formulas as text and LaTeX, and the steps that led to a gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symnet.core.definition import Node, Program
from symnet.core.normal import inline_temporaries
from symnet.declare.tensor import Tensor
from symnet.pipeline import as_list, check_tensor, checked, derive_gradients
from symnet.show.graph import Graph, graph_of
from symnet.show.latex import latex_definition, latex_name, latex_program
from symnet.show.program import ShownProgram
from symnet.show.steps import Derivation, derivation
from symnet.show.text import text_definition


def derive(loss: Tensor, wrt: Any) -> Derivation:
    """The gradients with the steps that led there."""
    derived = derive_gradients(loss, as_list(wrt))
    return derivation(derived.root, derived.results, derived.raw, derived.simple)


def program(*outputs: Tensor) -> ShownProgram:
    """Everything the outputs reach, as one printable program."""
    for output in outputs:
        check_tensor("a program", output)
    found = checked(Program.of(outputs))
    return ShownProgram(found.outputs, inline_temporaries(found, set(outputs)))


def graph(outputs: Any, backward: bool = False) -> Graph:
    """The program as a picture: `.svg()`, `.dot()`, `.mermaid()`, `.text()`.

    `backward` adds the gradients of the first scalar output by every parameter (or, where there is none, by every
    real input), and the adjoints that they read.
    """
    found = list(outputs.values()) if isinstance(outputs, Mapping) else as_list(outputs)
    for output in found:
        check_tensor("a graph", output)
    return graph_of(program(*found, *(adjoints(found) if backward else ())), found)


def adjoints(outputs: Sequence[Any]) -> tuple[Tensor, ...]:
    """The gradients of the first scalar among the outputs."""
    loss = next((output for output in outputs if not output.rank), outputs[0])
    given = Program.of([loss]).inputs()
    params = [node for node in given if node.role == "param"]
    return derive_gradients(loss, params or [node for node in given if is_differentiable(node)]).results


def is_differentiable(node: Node) -> bool:
    return node.role == "input" and node.kind in ("real", "positive", "simplex")


def latex(what: Tensor | Derivation | Program, form: str = "index", dialect: str = "amsmath") -> str:
    """LaTeX of a tensor's definition, of a program, or of a derivation.

    `form` is "index" or "matrix" (which falls back to indices where a formula has no matrix form); `dialect` is
    "amsmath", "github", "katex" or "mathtext".
    """
    if isinstance(what, Derivation):
        return what.latex(dialect)
    if isinstance(what, Program):
        return latex_program(what, dialect, form)
    check_tensor("the LaTeX", what)
    if what.definition is None:
        return latex_name(what, dialect=dialect)
    return latex_definition(what, what.definition, dialect=dialect, form=form)


def text(what: Tensor) -> str:
    """A tensor's definition as plain text, in the order in which people write."""
    check_tensor("the text", what)
    return what.name if what.definition is None else text_definition(what, what.definition)
