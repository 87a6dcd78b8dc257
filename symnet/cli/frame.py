"""The frame that all verbs run in: which there are, how they are found, and what happens when one fails.

    main -> the group -> a verb's file, imported now -> its function -> an `Answer` -> stdout
                                                     \\-> an error -> diagnostics on stderr, or in the JSON object

Exit codes: 0 done; 1 a finished check found something; 2 the command line or a file is wrong; 3 a bug in symnet;
4 an optional part is missing; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

import click

from symnet.cli.call import Call
from symnet.cli.streams import prepare_streams

VERBS = {
    "derive": "Formulas of gradients, Jacobians and Hessians, with the steps that lead there.",
    "check": "Derived gradients against numeric ones.",
    "compile": "A network as one module that runs by itself.",
    "train": "Train what a model file says.",
    "predict": "What a trained run says of data.",
    "evaluate": "How good a trained run is on data.",
    "graph": "The program as a picture.",
    "report": "One HTML page with everything there is to see.",
    "bench": "The emitted kernels beside other libraries.",
    "new": "Write a model file to start from.",
    "explain": "What an error code means, at length.",
    "doctor": "Versions, the machine, and what is found.",
    "schema": "The JSON Schema of model files, for editors.",
    "completion": "A script that lets a shell complete commands.",
}
EPILOG = (
    "SPEC is a model file (YAML, TOML or JSON), '-' for standard input, or 'file.py:name' of a Model or Tensor in a "
    "Python file of your own. Data goes to stdout, all else to stderr; --json gives one JSON object, also on failure. "
    "Begin with: symnet new model.yaml"
)


class Verbs(click.Group):
    """A group that knows its verbs by name and imports only the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"symnet.cli.verbs.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in VERBS and not name.startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(name, VERBS, 1)
            wrong = click.UsageError(f"there is no verb {name!r}", ctx)
            wrong.hint = f"did you mean {near[0]!r}?" if near else f"verbs are {', '.join(VERBS)}"  # type: ignore[attr-defined]
            raise wrong
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def show_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    """Print the version and leave."""
    if asked and not ctx.resilient_parsing:
        from symnet import __version__

        click.echo(f"symnet {__version__}")
        ctx.exit()


@click.group(
    cls=Verbs,
    subcommand_metavar="VERB ...",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Which symnet.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Neural networks written as mathematics: derived, checked, compiled, trained."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    prepare_streams()
    gc.set_threshold(100_000, 20, 50)  # SymPy makes many objects that stay
    call = Call(arguments, VERBS)
    try:
        with call.listening():
            code = cli.main(arguments, "symnet", standalone_mode=False, obj=call)
        sys.stdout.flush()
    except BaseException as error:
        code = call.failed(error)
    return code if isinstance(code, int) else 0
