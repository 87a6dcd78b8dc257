"""What `derive` found, in the formats in which it can be had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symnet.cli.subject import Subject

MOST = 16  # Hessians that are made without being asked for by name


@dataclass(frozen=True)
class Found:
    """Derivatives of a subject by some tensors: `results` by pairs of names, and their steps where asked for."""

    subject: Subject
    results: dict[tuple[str, ...], Any]
    derivation: Any
    form: str

    @cached_property
    def program(self) -> Any:
        """Everything the results and the loss are made of."""
        from symnet.explain import program

        return program(self.subject.loss, *self.results.values())

    @cached_property
    def names(self) -> Any:
        from symnet.show.names import display_names

        return display_names(self.program)

    @cached_property
    def split(self) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """The definitions that were declared, and those that were derived."""
        from symnet.core.definition import Program
        from symnet.show.visible import visible

        forward = Program.of([self.subject.loss])
        shown = visible(self.program)
        declared = {node: d for node, d in shown.items() if node in forward}
        return declared, {node: d for node, d in shown.items() if node not in forward}

    @property
    def title(self) -> str:
        """What was found, in a few words."""
        if self.subject.loss.rank:
            return "Jacobians"
        return "Hessians" if any(len(of) > 1 for of in self.results) else "Gradients"

    def asked(self, of: tuple[str, ...]) -> str:
        """`dL/dW`, `d2L/dW db`."""
        loss = self.subject.loss.name
        return f"d{loss}/d{of[0]}" if len(of) == 1 else f"d2{loss}/d{of[0]} d{of[1]}"

    # -- text

    def text(self) -> str:
        declared, derived = self.split
        asked = {id(tensor): self.asked(of) for of, tensor in self.results.items()}
        shown = ["# declared", *(self.line(node, d) for node, d in declared.items()), ""] if declared else []
        if self.derivation is not None:
            return "\n".join([*shown, "# steps", str(self.derivation)])
        lines = [(self.line(node, d), asked.get(id(node), "")) for node, d in derived.items()]
        width = min(88, max((len(line) for line, _ in lines), default=0))
        found = [f"{line.ljust(width)}    # {of}" if of else line for line, of in lines]
        return "\n".join([*shown, f"# {self.title.lower()}", *found])

    def line(self, node: Any, definition: Any) -> str:
        """A definition as text, in the form asked for where it has that form."""
        from symnet.show.matrix_text import matrix_text
        from symnet.show.text import text_definition

        matrix = matrix_text(node, definition, self.names) if self.form == "matrix" else None
        return matrix or text_definition(node, definition, self.names)

    # -- LaTeX

    def tex(self, node: Any, definition: Any, dialect: str) -> str:
        from symnet.show.latex import latex_definition

        return latex_definition(node, definition, self.names, dialect, self.form)

    def aligned(self, definitions: dict[Any, Any], dialect: str) -> str:
        """Equations below each other."""
        from symnet.show.latex import latex_sides

        sides = [latex_sides(node, d, self.names, dialect, self.form) for node, d in definitions.items()]
        rows = " \\\\\n".join(f"{left} &= {right}" for left, right in sides)
        return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"

    def latex(self, dialect: str = "amsmath") -> str:
        """The derivatives as one aligned block, or with steps as a block for each adjoint."""
        if self.derivation is not None:
            return str(self.derivation.latex(dialect))
        return self.aligned(self.split[1], dialect)

    # -- pages

    def markdown(self) -> str:
        return "\n".join(self._markdown())

    def _markdown(self) -> Iterator[str]:
        declared, derived = self.split
        yield f"# {self.subject.name}\n\n## Declared\n"
        yield math(self.aligned(declared, "github"))
        yield f"## {self.title}\n"
        yield from (math(self.tex(node, d, "github")) for node, d in derived.items())
        if self.derivation is not None:
            yield f"## Steps\n\n{self.derivation.markdown().strip()}\n"

    def html(self) -> str:
        """A page that needs nothing else: formulas in MathML, steps that unfold."""
        from html import escape

        declared, derived = self.split
        steps = f"<h2>Steps</h2>\n{self.derivation.html()}\n" if self.derivation is not None else ""
        name = escape(self.subject.name)
        body = f"<h2>Declared</h2>\n{self.drawn(declared)}\n<h2>{self.title}</h2>\n{self.drawn(derived)}\n{steps}"
        return PAGE.format(name=name, body=body)

    def drawn(self, definitions: dict[Any, Any]) -> str:
        from symnet.show.mathml import mathml

        return "\n".join(f"<p>{mathml(self.tex(n, d, 'katex'), block=True)}</p>" for n, d in definitions.items())

    def document(self) -> str:
        """A LaTeX document."""
        declared, _ = self.split
        blocks = self.derivation.latex().split("\n\\begin") if self.derivation is not None else [self.latex()]
        shown = [self.aligned(declared, "amsmath"), *(b if b.startswith("\\begin") else f"\\begin{b}" for b in blocks)]
        return DOCUMENT.replace("BODY", "\n\n".join(f"\\[\n{block}\n\\]" for block in shown))

    # -- JSON

    def data(self) -> dict[str, Any]:
        declared, derived = self.split
        asked = {id(tensor): of for of, tensor in self.results.items()}
        told: dict[str, Any] = {
            "model": self.subject.name,
            "loss": self.subject.loss.name,
            "declared": [self.facts(node, d) for node, d in declared.items()],
            "derived": [{**self.facts(node, d), "of": list(asked.get(id(node), ()))} for node, d in derived.items()],
        }
        return told if self.derivation is None else {**told, **steps_of(self.derivation)}

    def facts(self, node: Any, definition: Any) -> dict[str, Any]:
        from symnet.show.latex import latex_definition
        from symnet.show.matrix_text import matrix_text
        from symnet.show.text import text_definition

        return {
            "name": self.names.get(node, node.name),
            "shape": [str(size) for size in node.shape],
            "text": text_definition(node, definition, self.names),
            "matrix": matrix_text(node, definition, self.names),
            "latex": latex_definition(node, definition, self.names, "amsmath", self.form),
        }


def math(formula: str) -> str:
    return f"```math\n{formula}\n```\n"


def steps_of(derivation: Any) -> dict[str, Any]:
    """Steps and assumptions as plain data."""
    from symnet.show.text import text_expr

    steps = [
        {
            "tensor": step.tensor.name,
            "rule": step.rule,
            "because": step.because,
            "before": text_expr(step.raw_before, step.indices),
            "after": text_expr(step.raw_after, step.indices),
        }
        for step in derivation.steps
    ]
    return {"steps": steps, "assumptions": list(derivation.assumptions)}


def derive(subject: Subject, wrt: Sequence[Any], order: int, steps: bool, form: str) -> Found:
    """Gradients of a scalar, Jacobians of anything else; Hessians for order 2."""
    from symnet.cli.problems import CommandProblem
    from symnet.pipeline import gradients, jacobian

    loss = subject.loss
    if not wrt:
        what = f"{subject.label} has nothing to derive {loss.name} by"
        raise CommandProblem("E0602", what, "name a tensor: --wrt x")
    if (order == 2 or loss.rank) and steps:
        found = "Hessians" if order == 2 else f"Jacobians, and {loss.name} is no scalar"
        raise CommandProblem("E0609", f"steps are told for gradients, not for {found}", "leave --steps out")
    if order == 2:
        return Found(subject, hessians(subject, wrt), None, form)
    if loss.rank:
        return Found(subject, {(w.name,): j for w, j in zip(wrt, jacobian(loss, list(wrt)), strict=True)}, None, form)
    if not steps:
        return Found(subject, {(w.name,): g for w, g in zip(wrt, gradients(loss, wrt), strict=True)}, None, form)
    from symnet.explain import derive as derived

    told = derived(loss, list(wrt))
    by = {result.info["adjoint_of"].name: result for result in told.results}
    return Found(subject, {(w.name,): by[w.name] for w in wrt if w.name in by}, told, form)


def hessians(subject: Subject, wrt: Sequence[Any]) -> dict[tuple[str, ...], Any]:
    """Second derivatives by each pair."""
    from symnet.cli.problems import CommandProblem
    from symnet.pipeline import hessian

    pairs = [(a, b) for at, a in enumerate(wrt) for b in wrt[at:]]
    if len(pairs) > MOST:
        what = f"{len(wrt)} tensors have {len(pairs)} Hessians"
        raise CommandProblem("E0609", what, f"name those that matter: --wrt {wrt[0].name},{wrt[1].name}")
    return {(a.name, b.name): hessian(subject.loss, a, None if a is b else b) for a, b in pairs}


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
p, li {{ overflow-x: auto; }}
p > math {{ display: inline math; }}
small {{ opacity: .7; margin-left: 1rem; }}
</style>
<h1>{name}</h1>
{body}
</html>
"""

DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath,amssymb}
\pdfpagewidth=16in \pdfpageheight=11in \textwidth=14in \textheight=9in
\hoffset=0in \voffset=0in \oddsidemargin=0in \topmargin=0in \headheight=0pt \headsep=0pt
\pagestyle{empty} \allowdisplaybreaks
\begin{document}
BODY
\end{document}
"""
