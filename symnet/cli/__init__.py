"""The command line: `symnet VERB SPEC`, a file per verb in `verbs/`.

Importing this costs click and nothing else; every verb imports what it needs when it runs.
"""

from symnet.cli.frame import main

__all__ = ["main"]
