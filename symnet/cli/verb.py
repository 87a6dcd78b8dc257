"""What all verbs share: `--json`, an answer that is printed, and options that mean the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call

Verb = Callable[..., Answer]


class Number(click.FloatRange):
    """A finite number of a range: click's own range lets NaN pass, as no comparison with it holds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return found


def verb(name: str) -> Callable[[Verb], click.Command]:
    """A function from options to an answer as a command; the function gets the `Call` first."""

    def made(function: Verb) -> click.Command:
        @wraps(function)
        @click.pass_context
        def run(ctx: click.Context, /, as_json: bool, **options: Any) -> int:
            call: Call = ctx.obj
            call.json = call.json or as_json
            return call.give(function(call, **options))

        asked = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, also on failure.")
        command: click.Command = click.command(name)(asked(run))
        return command

    return made


def spec_argument(required: bool = True) -> Callable[[Any], Any]:
    return click.argument("spec", metavar="SPEC" if required else "[SPEC]", required=required)


def output_option(what: str) -> Callable[[Any], Any]:
    """`-o` and `-f`: where to write, and whether over what is there."""

    def both(function: Any) -> Any:
        force = click.option("-f", "--force", is_flag=True, help="Write over what is there.")
        output = click.option("-o", "--output", metavar="FILE", help=what)
        return output(force(function))

    return both
