"""Derivations: the trace of the rules, told in the order in which a lecturer would write it.

There is no second algorithm here. Each adjoint begins with the chain rule; then come the rules that fired, each
with the whole formula before and after. Anonymous tensors are written out, so a step that only unfolds one is
not shown, and neighbouring steps of one kind are told as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import sympy as sp

from symnet.core.definition import Definition, Node, Program, Read, read_nodes
from symnet.core.expr import Reduce, Slope
from symnet.core.normal import inline_anonymous
from symnet.declare.tensor import Tensor, to_sympy
from symnet.show.latex import latex_expr, latex_name
from symnet.show.mathml import mathml
from symnet.show.text import text_expr
from symnet.simplify.adjoints import Simplified
from symnet.simplify.engine import Step
from symnet.simplify.sums import UNIT_ROWS

CHAIN = "chain rule"
SUBSTITUTE = "substitute"
FOLD = "fold back to a name"
UNIT = "rows sum to one"
ONE_KIND = {"constants leave the sum": "cancel and collect"}


@dataclass(frozen=True)
class ShownStep:
    """One line: by `rule`, `before` equals `after`, since `because`; both are formulas of `tensor[indices]`."""

    tensor: Node
    indices: tuple[sp.Symbol, ...]
    rule: str
    raw_before: sp.Expr
    raw_after: sp.Expr
    because: str

    @property
    def before(self) -> sp.Expr:
        return to_sympy(self.raw_before, self.indices)

    @property
    def after(self) -> sp.Expr:
        return to_sympy(self.raw_after, self.indices)

    def __str__(self) -> str:
        return f"= {text_expr(self.raw_after, self.indices)}    ({self.rule}: {self.because})"


@dataclass(frozen=True)
class Derivation:
    """Gradients with their steps. `program` holds every definition that a step may mention."""

    root: Node
    results: tuple[Tensor, ...]
    steps: tuple[ShownStep, ...]
    assumptions: tuple[str, ...]
    program: Program

    @property
    def result(self) -> Tensor | tuple[Tensor, ...]:
        """The gradient, or all of them in the order asked for."""
        return self.results[0] if len(self.results) == 1 else self.results

    def of(self, tensor: Node) -> tuple[ShownStep, ...]:
        """The steps that derive one adjoint."""
        return tuple(step for step in self.steps if step.tensor is tensor)

    def tensors(self) -> list[Node]:
        """The adjoints in the order of the derivation."""
        return list(dict.fromkeys(step.tensor for step in self.steps))

    def __str__(self) -> str:
        blocks = ["\n".join(_text_block(self.root, self.of(t))) for t in self.tensors()]
        assumed = [f"Assumed: {'; '.join(self.assumptions)}."] if self.assumptions else []
        return "\n\n".join([*blocks, *assumed])

    def latex(self, dialect: str = "amsmath") -> str:
        """Every adjoint as an aligned block of equalities, the rule beside each."""
        return "\n".join(_latex_block(self.root, self.of(t), dialect) for t in self.tensors())

    def markdown(self) -> str:
        """The derivation for a page that renders TeX between dollars."""
        return "\n".join(_markdown_block(self.root, self.of(t)) for t in self.tensors()) + _assumed(self.assumptions)

    def html(self) -> str:
        """The derivation as HTML with MathML, which needs no script."""
        return "\n".join(_html_block(self.root, self.of(t)) for t in self.tensors())

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        return self.html()


def derivation(root: Node, results: Sequence[Tensor], raw: Mapping[Node, Definition], simple: Simplified) -> Derivation:
    """The steps of the adjoints that the results rest on, loss first."""
    everything = simple.everything
    needed = _needed(results, raw)
    steps: list[ShownStep] = []
    for node in everything:
        if node in raw and node in needed and not node.anonymous:
            steps += merged(list(_steps_of(root, node, raw[node], simple)))
    return Derivation(root, tuple(results), tuple(steps), tuple(_assumptions(steps)), everything)


def _needed(results: Sequence[Node], raw: Mapping[Node, Definition]) -> set[Node]:
    """The derived tensors that the chain rule for the results mentions."""
    seen = set(results)
    todo = list(results)
    while todo:
        for other in read_nodes(raw[todo.pop()].formula):
            if other in raw and other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def _steps_of(root: Node, node: Node, start: Definition, simple: Simplified) -> Iterator[ShownStep]:
    source = node.info["adjoint_of"]
    first = _written(start.formula, simple.everything)
    slope = Slope(Read(root.base), source.read(*start.indices))
    users = ", ".join(_users(source, simple)) or root.name
    yield ShownStep(node, start.indices, CHAIN, slope, first, f"{source.name} is read by {users}")
    for step in simple.steps[node]:
        before, after = (_written(e, simple.everything) for e in (step.before, step.after))
        if before != after:
            why = _because(step, before, after, simple.everything)
            yield ShownStep(node, step.indices, step.rule, before, after, why)


def _because(step: Step, before: sp.Expr, after: sp.Expr, program: Program) -> str:
    """Why a step holds, with the tensors it is about."""
    if step.rule == FOLD:
        gone = {(type(f), *read_nodes(f)) for f in _kernels(step.before) - _kernels(step.after)}
        named = [n.name for n in read_nodes(after) if n in program and gone & _kernel_keys(program[n].formula)]
        return f"{' and '.join(named)} has been computed already" if named else step.because
    if step.rule == UNIT:
        rows = [node for node in read_nodes(before) if node.kind in UNIT_ROWS]
        return ", ".join(f"each row of {node.name} sums to one, as it is {node.kind}" for node in rows)
    return step.because


def _kernels(expr: sp.Expr) -> set[sp.Expr]:
    found: set[sp.Expr] = expr.atoms(sp.Function, Reduce)
    return found


def _kernel_keys(formula: sp.Expr) -> set[tuple[object, ...]]:
    return {(type(f), *read_nodes(f)) for f in _kernels(formula)}


def _written(expr: sp.Expr, program: Program) -> sp.Expr:
    return inline_anonymous(expr, program)


def _users(source: Node, simple: Simplified) -> list[str]:
    """The named tensors whose formulas read a tensor, directly or through an anonymous sum."""
    found: dict[str, None] = {}
    todo = [source]
    while todo:
        current = todo.pop()
        for node, definition in simple.everything.definitions.items():
            if node not in simple.steps and current in read_nodes(definition.formula):
                if node.anonymous:
                    todo.append(node)
                else:
                    found[node.name] = None
    return list(found)


def merged(steps: list[ShownStep]) -> list[ShownStep]:
    """Neighbouring steps of one kind as one."""
    result: list[ShownStep] = []
    for step in steps:
        step = replace(step, rule=ONE_KIND.get(step.rule, step.rule))
        if result and result[-1].rule == step.rule != SUBSTITUTE:
            result[-1] = replace(result[-1], raw_after=step.raw_after)
        else:
            result.append(step)
    return [step for step in result if step.raw_before != step.raw_after]


def _assumptions(steps: Sequence[ShownStep]) -> Iterator[str]:
    """What the derivation rests on, each said once."""
    said: dict[str, None] = {}
    for step in steps:
        if step.rule == UNIT:
            for node in read_nodes(step.raw_before):
                if node.kind in UNIT_ROWS:
                    said[f"each row of {node.name} sums to 1 (declared {node.kind})"] = None
        if "bit" in step.rule:
            for node in read_nodes(step.raw_before):
                if node.kind in ("mask", "onehot", "label"):
                    said[f"{node.name} is 0 or 1 (declared {node.kind})"] = None
        for base in _cancelled(step):
            said[f"{text_expr(base, step.indices)} is not 0"] = None
    yield from said


def _cancelled(step: ShownStep) -> list[sp.Expr]:
    """Reads that were divided by before a step and are not afterwards."""
    if isinstance(step.raw_before, Slope) or step.rule == SUBSTITUTE:
        return []
    gone = _denominators(step.raw_before) - _denominators(step.raw_after)
    return sorted((b for b in gone if isinstance(b, sp.Indexed) and not b.is_positive), key=str)


def _denominators(expr: sp.Expr) -> set[sp.Expr]:
    return {p.base for p in expr.atoms(sp.Pow) if p.exp.is_negative}


# -- the same story in four formats


def _text_block(root: Node, steps: Sequence[ShownStep]) -> Iterator[str]:
    first = steps[0]
    left = f"{first.tensor.name}[{','.join(map(str, first.indices))}]" if first.indices else first.tensor.name
    yield f"{left} = {_slope_text(root, first)}"
    lines = [f"  = {text_expr(step.raw_after, step.indices)}" for step in steps]
    width = min(88, max(map(len, lines)))
    for line, step in zip(lines, steps, strict=True):
        yield f"{line.ljust(width)}    {step.rule}: {step.because}"


def _slope_text(root: Node, step: ShownStep) -> str:
    slope = step.raw_before
    return (
        f"d {root.name} / d {text_expr(slope.args[1], step.indices)}"
        if isinstance(slope, Slope)
        else text_expr(slope, step.indices)
    )


def _left_latex(root: Node, step: ShownStep, dialect: str) -> str:
    places = ",".join(map(str, step.indices))
    below = f"_{{{places}}}" if places else ""
    name = latex_name(step.tensor, dialect=dialect)
    if not isinstance(step.raw_before, Slope):
        return f"{name}{below}"
    source = latex_expr(step.raw_before.args[1], step.indices, dialect=dialect)
    return rf"{name}{below} = \frac{{\partial {latex_name(root, dialect=dialect)}}}{{\partial {source}}}"


def _latex_block(root: Node, steps: Sequence[ShownStep], dialect: str) -> str:
    lines = [
        rf"&= {latex_expr(s.raw_after, s.indices, dialect=dialect)} && \text{{{s.rule}: {_plain_tex(s.because)}}}"
        for s in steps
    ]
    rows = " \\\\\n".join([_left_latex(root, steps[0], dialect) + " " + lines[0], *lines[1:]])
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def _plain_tex(text: str) -> str:
    return text.replace("_", r"\_")


def _markdown_block(root: Node, steps: Sequence[ShownStep]) -> str:
    lines = [f"**${_left_latex(root, steps[0], 'github')}$**", ""]
    for number, step in enumerate(steps, start=1):
        lines.append(
            f"{number}. ${latex_expr(step.raw_after, step.indices, dialect='github')}$ ({step.rule}: {step.because})"
        )
    return "\n".join([*lines, ""])


def _assumed(assumptions: Sequence[str]) -> str:
    return f"\nAssumed: {'; '.join(assumptions)}.\n" if assumptions else ""


def _html_block(root: Node, steps: Sequence[ShownStep]) -> str:
    items = "\n".join(f"<li>{_formula_html(s)} <small>{escape(f'{s.rule}: {s.because}')}</small></li>" for s in steps)
    head = mathml(_left_latex(root, steps[0], "github"))
    return f"<details open><summary>{head}</summary>\n<ol>\n{items}\n</ol>\n</details>"


def _formula_html(step: ShownStep) -> str:
    formula: str = mathml("= " + latex_expr(step.raw_after, step.indices, dialect="github"))
    return formula
