"""`symnet check`: derived gradients against numbers."""

from __future__ import annotations

from typing import Any

import click

from symnet.cli.answer import Answer, Table
from symnet.cli.call import Call
from symnet.cli.verb import Number, spec_argument, verb


@verb("check")
@spec_argument()
@click.option(
    "--method",
    type=click.Choice(["auto", "complex", "central"]),
    default="auto",
    help="How to differentiate numerically.",
)
@click.option("--rtol", type=Number(0, 1, min_open=True), help="What counts as equal  [default: by the method]")
@click.option("--wrt", metavar="NAMES", help="By what: z,W  [default: all parameters and real inputs]")
@click.option("--seed", type=click.IntRange(0), default=0, help="What random values are drawn.")
@click.option("--entries", type=click.IntRange(1), help="Of larger tensors only samples are compared  [default: 10000]")
def command(
    call: Call, spec: str, method: str, rtol: float | None, wrt: str | None, seed: int, entries: int | None
) -> Answer:
    """Compare the derived gradients with numeric ones, on random values in float64.

    Exit code 1 says that one of them is wrong.
    """
    from symnet.checks.numeric import ENTRIES, check
    from symnet.cli.subject import opened

    subject = opened(call, spec)
    asked = None if wrt is None else subject.named(wrt)
    report = check(subject.loss, asked, seed=seed, method=method, rtol=rtol, entries=entries or ENTRIES)
    return Answer(data_of(report), table_of(report), 0 if report.ok else 1)


def table_of(report: Any) -> Table:
    """A row per tensor."""
    from symnet.checks.numeric import HEAD, cells, title

    head = [name or "verdict" for name in HEAD]
    return Table(head, [cells(row) for row in report.rows], title(report), lambda row: "WRONG" in row)


def data_of(report: Any) -> dict[str, Any]:
    """The report as plain data."""
    from symnet.checks.numeric import verdict

    names = ("name", "shape", "max_abs", "max_rel", "worst", "symbolic", "numeric", "checked", "nonzero", "note")
    rows = [
        {**{name: getattr(row, name) for name in names}, "kinks": len(row.kinks), "verdict": verdict(row).lower()}
        for row in report.rows
    ]
    head = {"loss": report.loss, "method": report.method, "rtol": report.rtol, "max_error": report.max_error}
    return {**head, "tensors": rows}
