"""`symnet evaluate`: how good a trained run is."""

from __future__ import annotations

from pathlib import Path

import click

from symnet.cli.answer import Answer, Table
from symnet.cli.call import Call
from symnet.cli.place import Place
from symnet.cli.verb import output_option, verb


@verb("evaluate")
@click.argument("run", metavar="RUN")
@click.option("--data", metavar="FILE", help="[default: rows held out for testing, else for validation, else all]")
@output_option("Write to a .csv, .npz or .json file in place of stdout.")
def command(call: Call, run: str, data: str | None, output: str | None, force: bool) -> Answer:
    """Tell loss and metrics of the run in folder RUN."""
    from symnet.cli.verbs.train import check_there
    from symnet.cli.written import written
    from symnet.runs.asking import evaluate, held_out
    from symnet.runs.opened import open_run

    place = Place.of(output, force, (".csv", ".npz", ".json"))
    if data is not None:
        check_there(data)
    opened = open_run(run)
    found = evaluate(opened, None if data is None else Path(data))
    rows = "data" if data is not None else held_out(opened, int(opened.facts["data"]["count"]))[0]
    facts = {"run": run, "rows": rows, "values": found}
    if place is not None:
        return written(call, place, content(found, place.ending), facts)
    title = f"{run} on {data or ROWS.get(rows, rows)}"
    return Answer(facts, Table(("name", "value"), [(n, f"{v:.6g}") for n, v in found.items()], title))


def content(values: dict[str, float], ending: str) -> str | bytes:
    """The values by name, in the format that an ending stands for."""
    if ending == "npz":
        import numpy as np

        from symnet.runs.asking import Table as Arrays
        from symnet.runs.asking import archived

        return archived(Arrays({}, {name: np.asarray(value) for name, value in values.items()}))
    if ending == "json":
        import json

        return json.dumps(values) + "\n"
    return "name,value\n" + "".join(f"{name},{value!r}\n" for name, value in values.items())


ROWS = {
    "test": "the rows held out for testing",
    "validation": "the rows held out for validation",
    "training": "the rows of training",
}
