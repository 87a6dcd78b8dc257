"""`symnet bench`: the emitted kernels beside other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from symnet.cli.answer import Answer, Table
from symnet.cli.call import Call
from symnet.cli.verb import Number, spec_argument, verb

NAMES = ("torch", "jax", "pytensor", "numpy")
CLOSE = 1e-3  # how far losses may be apart, relatively, in float32
RATE = 1e-3
HOW = {"torch": "eager", "jax": "jit", "pytensor": "compiled", "numpy": "the derived formulas, by einsum"}


@verb("bench")
@spec_argument()
@click.option("--against", metavar="NAMES", default=",".join(NAMES), help=f"[default: {','.join(NAMES)}, if installed]")
@click.option("--batch", type=click.IntRange(1), help="Samples in a step  [default: the model file's, else 32]")
@click.option("--seconds", type=Number(0, 600, min_open=True), default=1.0, help="For each  [default: 1]")
@click.option("--threads", type=click.IntRange(1), default=1, help="[default: 1]")
@click.pass_context
def command(
    ctx: click.Context, call: Call, spec: str, against: str, batch: int | None, seconds: float, threads: int
) -> Answer:
    """Time training steps of the network: loss, gradients and plain descent on random batches in float32.

    The formulas are translated to calls of each library, which finds its own gradients (NumPy runs the derived ones).
    What cannot be said in such calls is left out, and why. All must find the same loss.
    """
    from symnet.cli.peers.job import Job
    from symnet.cli.sizes import assumed
    from symnet.cli.subject import opened

    asked = chosen(ctx, against)
    subject = opened(call, spec)
    size = batch or (subject.spec.train.batch if subject.spec is not None else 32)
    sizes = assumed(subject)
    job = Job(subject.model, sizes, size, RATE, threads)
    loss, own = job.first_loss(), job.own_time(seconds)
    rows = [{"name": "symnet", "microseconds": own * 1e6, "ratio": 1.0, "note": ""}]
    rows += [row for name, required in asked for row in measured(job, name, required, seconds, loss, own)]
    wrong = any("differs" in str(row["note"]) for row in rows)
    named = {str(symbol): length for symbol, length in sizes.items()}
    data = {"name": subject.name, "batch": size, "sizes": named, "threads": threads, "loss": loss, "rows": rows}
    facts = [f"{size} samples", *(f"{name} = {length}" for name, length in named.items())]
    title = f"{subject.name}: a training step of {', '.join(facts)}, {threads} thread{'s' if threads > 1 else ''}"
    return Answer(data, Table(("", "microseconds", "beside symnet", "note"), list(map(cells, rows)), title), int(wrong))


def chosen(ctx: click.Context, against: str) -> list[tuple[str, bool]]:
    """The libraries, and whether each was asked for by name."""
    from symnet.cli.problems import CommandProblem
    from symnet.cli.subject import meant

    named = ctx.get_parameter_source("against") is not click.core.ParameterSource.DEFAULT
    names = [name.strip() for name in against.split(",") if name.strip()]
    for name in names:
        if name not in NAMES:
            raise CommandProblem("E0602", f"--against: there is no library {name!r} here", meant(name, NAMES))
    return [(name, named) for name in names]


def measured(job: Any, name: str, required: bool, seconds: float, loss: float, own: float) -> Iterator[dict[str, Any]]:
    """A library's row; what is not installed is left out, unless it was asked for."""
    from importlib.util import find_spec

    from symnet.cli.peers.arrays import Untranslatable
    from symnet.cli.peers.libraries import PEERS
    from symnet.cli.peers.threads import blas_threads
    from symnet.errors import MissingPart

    if find_spec(name) is None:
        if required:
            raise MissingPart(f"{name} is not installed", f"pip install {name}, or leave it out of --against")
        yield {"name": name, "microseconds": None, "ratio": None, "note": "not installed"}
        return
    try:
        with blas_threads(job.threads):
            first, spent = job.time_of(PEERS[name](job), seconds)
    except Untranslatable as reason:
        yield {"name": name, "microseconds": None, "ratio": None, "note": f"not translated: {reason}"}
        return
    note = (
        HOW[name]
        if abs(first - loss) <= CLOSE * max(abs(loss), 1e-6)
        else f"its loss differs: {first:.6g}, not {loss:.6g}"
    )
    yield {"name": name, "microseconds": spent * 1e6, "ratio": spent / own, "note": note}


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["microseconds"] is None:
        return row["name"], "", "", row["note"]
    return row["name"], f"{row['microseconds']:.3g}", f"{row['ratio']:.2f}x", row["note"]
