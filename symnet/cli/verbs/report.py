"""`symnet report`: one page with everything there is to see."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call, is_terminal
from symnet.cli.place import Place
from symnet.cli.verb import output_option, verb


@verb("report")
@click.argument("spec", metavar="RUN|SPEC")
@output_option("Write the page to a file in place of stdout.")
def command(call: Call, spec: str, output: str | None, force: bool) -> Answer:
    """Make one HTML page that needs no network: formulas, steps, graph, check, curves, kernel.

    RUN is the folder that `symnet train --out` left; of a model file alone there is less to show.
    """
    from symnet.cli.problems import CommandProblem
    from symnet.cli.subject import opened
    from symnet.cli.written import written
    from symnet.report.page import report

    place = Place.of(output, force, (".html", ".htm"))
    if place is None and not call.json and is_terminal(sys.stdout):
        raise CommandProblem("E0603", "a page of HTML is nothing for a terminal", "name a file: -o report.html")
    command_line = f"symnet report {shlex.quote(spec)} -o {shlex.quote(output or 'report.html')}"
    if Path(spec).is_dir():
        from symnet.cli.begun import train_command
        from symnet.runs.opened import open_run

        run = open_run(spec)
        begun = f"{train_command(run, spec)} && {command_line}"
        page = report(run.model, spec=run.spec, run=run, command=begun)
    else:
        subject = opened(call, spec)
        page = report(subject.model, spec=subject.spec, command=command_line)
    return written(call, place, page, {"bytes": len(page.encode()), **({} if place else {"page": page})})
