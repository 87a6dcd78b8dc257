"""`symnet new`: a model file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.place import Place
from symnet.cli.verb import verb

KINDS = {
    "mlp": "a classifier of dense layers, on points in the plane",
    "cnn": "a convolutional network, on images of digits",
    "rnn": "a recurrent network, written as a recurrence",
    "attention": "one head of attention, in index notation",
    "loss": "a loss of one's own",
}
STARTERS = Path(__file__).parent.parent / "starters"


@verb("new")
@click.argument("file", metavar="FILE")
@click.option("--kind", type=click.Choice(list(KINDS)), default="mlp", help="Which network  [default: mlp]")
@click.option("-f", "--force", is_flag=True, help="Write over what is there.")
def command(call: Call, file: str, kind: str, force: bool) -> Answer:
    """Write a model file to start from; '-' is stdout. It trains as it is.

    \b
      mlp        a classifier of dense layers, on points in the plane
      cnn        a convolutional network, on images of digits
      rnn        a recurrent network, written as a recurrence
      attention  one head of attention, in index notation
      loss       a loss of one's own
    """
    from symnet.cli.written import written

    place = Place.of(file, force, (".yaml", ".yml"))
    text = (
        (STARTERS / f"{kind}.yaml").read_text(encoding="utf-8").replace("FILE", "model.yaml" if file == "-" else file)
    )
    answer = written(call, place, text, {"kind": kind, "text": text})
    if place is not None:
        call.say(f"next: symnet derive {file}, symnet check {file}, symnet train {file} --out run")
    return answer
