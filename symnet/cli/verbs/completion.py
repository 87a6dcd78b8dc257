"""`symnet completion`: commands completed by the shell."""

from __future__ import annotations

import click

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.verb import verb

PLACES = {
    "bash": "symnet completion bash > ~/.local/share/bash-completion/completions/symnet",
    "zsh": "symnet completion zsh > ~/.zfunc/_symnet    # a folder of fpath",
    "fish": "symnet completion fish > ~/.config/fish/completions/symnet.fish",
}


@verb("completion")
@click.argument("shell", type=click.Choice(sorted(PLACES)), metavar="bash|fish|zsh")
def command(call: Call, shell: str) -> Answer:
    """Print a script that lets a shell complete verbs and options.

    \b
      bash   symnet completion bash > ~/.local/share/bash-completion/completions/symnet
      zsh    symnet completion zsh > ~/.zfunc/_symnet
      fish   symnet completion fish > ~/.config/fish/completions/symnet.fish
    """
    from click.shell_completion import get_completion_class

    from symnet.cli.frame import cli

    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    made = kind(cli, {}, "symnet", "_SYMNET_COMPLETE")
    script = made.source_template % made.source_vars()
    return Answer({"shell": shell, "script": script, "install": PLACES[shell]}, script)
