"""`symnet explain`: what an error code means."""

from __future__ import annotations

import click

from symnet.cli.answer import Answer, Table
from symnet.cli.call import Call
from symnet.cli.verb import verb


@verb("explain")
@click.argument("code", metavar="[CODE]", required=False)
def command(call: Call, code: str | None) -> Answer:
    """Explain an error code at length, with an example that has it and one that has not. Without CODE: list them."""
    from symnet.cli.problems import CommandProblem
    from symnet.cli.subject import meant
    from symnet.spec.codes import CODES, explain

    if code is None:
        titles = {known: about.title for known, about in CODES.items()}
        return Answer({"codes": titles}, Table(("code", "means"), list(titles.items())))
    asked = code.strip().upper()
    if asked not in CODES:
        hint = meant(asked, CODES) if any(asked[:3] == known[:3] for known in CODES) else "symnet explain lists all"
        raise CommandProblem("E0602", f"there is no code {code!r}", hint)
    about = CODES[asked]
    data = {"code": asked, "title": about.title, "text": about.text, "wrong": about.wrong, "right": about.right}
    return Answer(data, explain(asked))
