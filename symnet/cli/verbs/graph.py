"""`symnet graph`: a program as a picture."""

from __future__ import annotations

from typing import Any

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.place import place_and_format
from symnet.cli.verb import output_option, spec_argument, verb

FORMATS = ("text", "svg", "dot", "mermaid")
ENDINGS = {"svg": "svg", "dot": "dot", "gv": "dot", "mmd": "mermaid", "mermaid": "mermaid", "txt": "text"}


@verb("graph")
@spec_argument()
@click.option("--format", "kind", type=click.Choice(FORMATS), help="[default: text, or by the ending of -o]")
@click.option("--backward", is_flag=True, help="Draw the gradients too.")
@output_option("Write to a file in place of stdout.")
def command(call: Call, spec: str, kind: str | None, backward: bool, output: str | None, force: bool) -> Answer:
    """Draw which tensor reads which, with formulas."""
    from symnet.cli.subject import opened
    from symnet.cli.written import written
    from symnet.explain import graph

    place, chosen = place_and_format(output, force, kind, ENDINGS, "text")
    subject = opened(call, spec, to_read=True)
    drawn = graph(list(dict.fromkeys([subject.loss, *subject.outputs.values()])), backward=backward)
    content = str({"text": drawn.text, "svg": drawn.svg, "dot": drawn.dot, "mermaid": drawn.mermaid}[chosen]())
    return written(call, place, content, {"format": chosen, "content": content, **facts(drawn)})


def facts(drawn: Any) -> dict[str, Any]:
    """Nodes and edges as plain data."""
    nodes = [{"name": n.name, "shape": n.shape, "role": n.role, "formula": n.formula} for n in drawn.nodes]
    return {"nodes": nodes, "edges": [{"from": e.source, "to": e.target, "delay": e.delay} for e in drawn.edges]}
