"""`symnet predict`: what a trained run says of data."""

from __future__ import annotations

from pathlib import Path

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.place import Place
from symnet.cli.verb import output_option, verb


@verb("predict")
@click.argument("run", metavar="RUN")
@click.option("--data", metavar="FILE", help="[default: the data of training]")
@output_option("Write to a .csv or .npz file in place of stdout.")
def command(call: Call, run: str, data: str | None, output: str | None, force: bool) -> Answer:
    """Predict by the run in folder RUN: a row for each row of data.

    Columns are p_0, p_1, ... for an output p; the names of the classes where there are any, and the likeliest one.
    """
    from symnet.cli.verbs.train import check_there
    from symnet.runs.asking import archived, predict, table_text
    from symnet.runs.opened import open_run

    place = Place.of(output, force, (".csv", ".npz"))
    if data is not None:
        check_there(data)
    table = predict(open_run(run), None if data is None else Path(data))
    facts = {"run": run, "rows": table.rows}
    if place is not None:
        place.write(archived(table) if place.ending == "npz" else table_text(table))
        call.say(f"wrote {table.rows} rows to {place.path}")
        return Answer({**facts, "path": str(place.path)})
    if call.json:
        return Answer({**facts, "columns": {name: column.tolist() for name, column in table.columns.items()}})
    return Answer(facts, table_text(table))
