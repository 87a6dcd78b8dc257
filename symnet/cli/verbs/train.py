"""`symnet train`: the training loop, told as it goes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call, is_terminal
from symnet.cli.verb import Number, spec_argument, verb


@verb("train")
@spec_argument()
@click.option("--data", metavar="FILE", help="Take this in place of the model file's data, with its columns.")
@click.option("--epochs", type=click.IntRange(1), help="[default: the model file's]")
@click.option("--batch", type=click.IntRange(1), help="[default: the model file's]")
@click.option("--lr", type=Number(0, min_open=True), help="Learning rate  [default: the model file's]")
@click.option("--seed", type=click.IntRange(0), help="[default: the model file's]")
@click.option("--threads", type=click.IntRange(1), help="[default: the model file's]")
@click.option("--out", metavar="FOLDER", help="Keep the run here, for predict, evaluate, report and --resume.")
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in --out.")
@click.option("--workers", type=click.IntRange(1), default=1, help="Processes that share the data.")
@click.option("-f", "--force", is_flag=True, help="Replace the run that is in --out.")
def command(
    call: Call, spec: str, data: str | None, out: str | None, resume: bool, workers: int, force: bool, **options: Any
) -> Answer:
    """Train what a model file says, on the data it names.

    Ctrl-C stops within a second and leaves everything saved; --resume goes on from there, with the same bits as if
    nothing had happened. --json prints a line for each epoch, and one with "event": "result".
    """
    if workers > 1:
        from symnet.errors import MissingPart

        hint = "leave --workers out; --threads shares a step among cores"
        raise MissingPart("training by several workers is not part of this symnet", hint)
    model = trainable(call, spec, elsewhere=data is not None or resume)
    from symnet.cli.progress import listener
    from symnet.runs.training import train

    if data is not None:
        check_there(data)
    with listener(call, is_terminal(sys.stderr)) as tell:
        try:
            done = train(
                model,
                None if out is None else Path(out),
                data=None if data is None else Path(data),
                resume=resume,
                force=force,
                on_event=tell,
                **options,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(saved(spec, out)) from None
    return finished(done, out)


def trainable(call: Call, spec: str, elsewhere: bool) -> Any:
    """A model file, as only it says which data to train on; unless that is said elsewhere."""
    from symnet.cli.problems import CommandProblem
    from symnet.cli.subject import model_file

    if spec.rpartition(":")[0].endswith(".py") or spec.endswith(".py"):
        hint = "in Python: model.compile(sn.optim.Adam(1e-3)).fit(data), or write a model file: symnet new model.yaml"
        raise CommandProblem("E0609", f"{spec} says nothing of data: train takes a model file", hint)
    found = model_file(call, spec)
    if found.data is None and not elsewhere:
        hint = "add for example data: {file: flowers.csv, inputs: {x: [a, b]}, target: {t: species}}, or give --data"
        raise CommandProblem("E0609", f"{spec} has no section data:, so there is nothing to train on", hint)
    return found


def check_there(data: str) -> None:
    from symnet.cli.problems import CommandProblem

    if not Path(data).exists():
        raise CommandProblem("E0602", f"--data: there is no file {data!r}", "check the name")


def saved(spec: str, out: str | None) -> str:
    """What Ctrl-C leaves."""
    if out is None:
        return "nothing was kept, as there is no --out"
    if not Path(out, "run.json").is_file():
        return "it had not begun to train"
    return f"everything is saved: symnet train {spec} --out {out} --resume goes on"


def many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def finished(done: Any, out: str | None) -> Answer:
    """The last values, and what to do next."""
    facts = done.facts
    last = {key: value for key, value in facts["last"].items() if key != "seconds"}
    told = {key: facts[key] for key in ("epochs", "steps", "parameters", "stopped_early", "last")}
    data = {"out": out, "unchanged": done.unchanged, **told}
    head = "finished before, unchanged" if done.unchanged else "trained"
    early = ", stopped early" if facts["stopped_early"] else ""
    counts = ", ".join(many(facts[f"{what}s"], what) for what in ("epoch", "step", "parameter"))
    lines = [f"{head}: {counts}{early}"]
    lines += [f"{name}: {value:.4g}" for name, value in last.items() if isinstance(value, float)]
    if out is not None:
        lines.append(f"run: {out}")
    return Answer(data, "\n".join(lines), event="result")
