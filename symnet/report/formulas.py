"""The model's formulas, the gradients and the steps that led there, as MathML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symnet.core.definition import Definition, Node, Program
from symnet.explain import derive, program
from symnet.show.latex import latex_expr, latex_sides
from symnet.show.mathml import mathml
from symnet.show.matrix import matrix_sides
from symnet.show.names import display_names
from symnet.show.steps import Derivation, ShownStep
from symnet.show.visible import visible
from symnet.train.model import Model

DIALECT = "katex"
MOST_STEPS = 500


@dataclass(frozen=True)
class Equation:
    """A definition by indices and, where it has that form, by matrices: left and right sides."""

    name: str
    left: str
    right: str
    matrix: tuple[str, str] | None


@dataclass(frozen=True)
class Line:
    """One step of a derivation."""

    formula: str
    rule: str
    because: str


@dataclass(frozen=True)
class Story:
    """How one adjoint came about: what is asked, what was found, and the lines between."""

    name: str
    result: Equation
    asked: str
    lines: tuple[Line, ...]


def equations(model: Model) -> list[Equation]:
    """Everything that the loss, the outputs and the metrics are made of, in order."""
    tensors = dict.fromkeys((model.loss, *model.outputs.values(), *model.metrics.values()))
    shown = program(*tensors)
    names = display_names(shown)
    return [equation(node, definition, names) for node, definition in visible(shown).items()]


def equation(node: Node, definition: Definition, names: dict[Node, str]) -> Equation:
    left, right = latex_sides(node, definition, names, DIALECT)
    sides = matrix_sides(node, definition, names, DIALECT)
    matrix = (mathml(sides[0], block=True), mathml(sides[1], block=True)) if sides and node.rank else None
    return Equation(names.get(node, node.name), mathml(left, block=True), mathml(right, block=True), matrix)


@dataclass(frozen=True)
class Gradients:
    """What was derived: the gradient by each parameter, and the steps of each adjoint."""

    loss: str
    results: tuple[Equation, ...]
    stories: tuple[Story, ...]
    assumptions: tuple[str, ...]
    untold: int


def gradients(model: Model) -> Gradients | str:
    """The gradients of the loss by its parameters; or why there are none."""
    params = list(model.parts.params)
    if not params:
        return "the model has no parameters"
    derivation = derive(model.loss, params)
    if not derivation.results:
        return f"{model.loss.name} depends on no parameter"
    names = display_names(derivation.program)
    found = [(r, r.definition) for r in derivation.results if r.definition is not None]
    results = tuple(equation(node, definition, names) for node, definition in found)
    told = stories(derivation, names)
    untold = len(derivation.tensors()) - len(told)
    return Gradients(model.loss.name, results, told, derivation.assumptions, untold)


def stories(derivation: Derivation, names: dict[Node, str]) -> tuple[Story, ...]:
    """The adjoints in order, as many as a page holds."""
    found: list[Story] = []
    count = 0
    for tensor in derivation.tensors():
        steps = derivation.of(tensor)
        count += len(steps)
        if count > MOST_STEPS:
            break
        found.append(story(tensor, steps, names))
    return tuple(found)


def story(tensor: Node, steps: Sequence[ShownStep], names: dict[Node, str]) -> Story:
    first, last = steps[0], steps[-1]
    asked = latex_expr(first.raw_before, first.indices, names, DIALECT)
    result = equation(tensor, Definition(last.indices, last.raw_after), names)
    lines = tuple(
        Line(mathml("= " + latex_expr(s.raw_after, s.indices, names, DIALECT), block=True), s.rule, s.because)
        for s in steps
    )
    return Story(names.get(tensor, tensor.name), result, mathml(asked, block=True), lines)


def size_of(model_program: Program) -> int:
    """How many tensors a program has, given ones included."""
    return len(model_program.inputs()) + len(visible(model_program))
