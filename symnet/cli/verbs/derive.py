"""`symnet derive`: gradients as formulas."""

from __future__ import annotations

from typing import Any

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.place import place_and_format
from symnet.cli.verb import output_option, spec_argument, verb

FORMATS = ("text", "latex", "md", "html", "pdf", "json")
ENDINGS = {
    "txt": "text",
    "tex": "latex",
    "md": "md",
    "markdown": "md",
    "html": "html",
    "htm": "html",
    "pdf": "pdf",
    "json": "json",
}


@verb("derive")
@spec_argument(required=False)
@click.option("-e", "--expression", metavar="FORMULA", help="A formula in place of SPEC; several are separated by ';'.")
@click.option("--wrt", metavar="NAMES", help="By what: z,W  [default: all parameters]")
@click.option("--steps", is_flag=True, help="Show the steps that lead there.")
@click.option("--order", type=click.IntRange(1, 2), default=1, help="2 gives Hessians.")
@click.option("--form", type=click.Choice(["index", "matrix"]), default="index", help="By indices, or by matrices.")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="[default: text, or by the ending of -o]")
@output_option("Write to a file in place of stdout.")
def command(
    call: Call,
    spec: str | None,
    expression: str | None,
    wrt: str | None,
    steps: bool,
    order: int,
    form: str,
    kind: str | None,
    output: str | None,
    force: bool,
) -> Answer:
    """Derive formulas of gradients.

    Names in a formula that nothing defines are real tensors whose sizes follow from how they are read. The last scalar
    is what is derived; where there is none, the last tensor's Jacobians are given. A model file with layers shows the
    formulas that they stand for.

    \b
      symnet derive model.yaml --wrt z,W --steps
      symnet derive -e 'L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)' --wrt x --form matrix
    """
    from symnet.cli.derived import derive
    from symnet.cli.written import written

    place, chosen = place_and_format(output, force, kind, ENDINGS, "json" if call.json else "text")
    subject = chosen_subject(call, spec, expression)
    found = derive(subject, subject.named(wrt), order, steps, form)
    if chosen == "json":
        call.json = True
    data = found.data() if call.json else {}
    content = "" if chosen == "json" and place is None else rendered(found, chosen)
    return written(call, place, content, data)


def chosen_subject(call: Call, spec: str | None, expression: str | None) -> Any:
    """SPEC or the formula; one of them."""
    from symnet.cli.problems import CommandProblem
    from symnet.cli.subject import from_tensors, opened

    if expression is None:
        if spec is None:
            hint = "for example: symnet derive model.yaml, or symnet derive -e 'L = sum(x[i]**2, i)'"
            raise CommandProblem("E0603", "there is nothing to derive", hint)
        return opened(call, spec, to_read=True)
    if spec is not None:
        raise CommandProblem("E0609", f"there is {spec} to derive, and a formula", "give SPEC or -e, not both")
    from symnet.spec.formula import declare_expression

    call.sources["<expression>"] = expression
    return from_tensors(declare_expression(expression), "the expression")


def rendered(found: Any, kind: str) -> str | bytes:
    """What was found, in a format."""
    if kind == "pdf":
        from symnet.cli.pdf import typeset

        return typeset(found.document())
    if kind == "json":
        import json

        return json.dumps(found.data(), indent=2) + "\n"
    makers = {"text": found.text, "latex": found.latex, "md": found.markdown, "html": found.html}
    return str(makers[kind]())
