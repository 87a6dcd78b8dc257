"""`symnet compile`: a network as a module that needs no symnet."""

from __future__ import annotations

from typing import Any

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.place import Place
from symnet.cli.subject import Subject
from symnet.cli.verb import output_option, spec_argument, verb


@verb("compile")
@spec_argument()
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="The numbers used  [default: the model's]")
@click.option("--schedule", is_flag=True, help="Print what a step runs, in order, and why.")
@output_option("Write the module to a file in place of stdout.")
def command(call: Call, spec: str, dtype: str | None, schedule: bool, output: str | None, force: bool) -> Answer:
    """Emit a network as one Python module: its outputs, its loss with all gradients, its training loop.

    The module needs NumPy, Numba and SciPy only, and runs by itself: python model.py.
    """
    from symnet.cli.subject import opened
    from symnet.cli.written import written

    place = Place.of(output, force, (".py",))
    subject = opened(call, spec)
    made = compiled(subject, dtype)
    told = {"name": subject.name, "dtype": made.dtype}
    if schedule and place is None:
        text = plan_of(made)
        return Answer({**told, "schedule": text}, text)
    answer = written(call, place, made.source, {**told, "source": made.source})
    return Answer({**answer.data, "schedule": plan_of(made)}, plan_of(made)) if schedule else answer


def plan_of(made: Any) -> str:
    """The schedule of a step, without compiling it."""
    asked = getattr(made, "_default", None)
    return str(made.schedule if asked is None else asked().emitted()[0].schedules)


def compiled(subject: Subject, dtype: str | None) -> Any:
    """A model with its training; a tensor and its gradients as a function."""
    if subject.spec is None and subject._model is None:
        from symnet.pipeline import gradients
        from symnet.train.function import function

        slopes = [] if subject.loss.rank else gradients(subject.loss, subject.wrt)
        return function([subject.loss, *slopes], dtype or "float64")
    from symnet.cli.sizes import settled

    train = subject.spec.train if subject.spec is not None else None
    run = subject.model.compile(
        None if train is None else train.optimizer,
        dtype=dtype or (train.dtype if train is not None else "float32"),
        threads=train.threads if train is not None else 1,
    )
    run.numbers.update(settled(subject))
    if train is not None:
        run.batch = train.batch
    return run
