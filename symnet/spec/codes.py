"""Every code that an error can have, with a text that explains it at length.

E00xx files as such     E02xx formulas, shapes, kinds   E04xx values and data            E06xx the command line
E01xx names             E03xx derivations               E05xx caches, training, runs     E07xx optional parts
"""

from __future__ import annotations

import textwrap

from symnet.errors import SymnetError
from symnet.spec.code_texts.code import Code
from symnet.spec.code_texts.files import FILES
from symnet.spec.code_texts.formulas import FORMULAS
from symnet.spec.code_texts.running import RUNNING
from symnet.spec.code_texts.values import VALUES
from symnet.spec.passage import meant

CODES: dict[str, Code] = {**FILES, **FORMULAS, **VALUES, **RUNNING}
WIDTH = 100
KINDS = {
    "file": "a model file",
    "json": "a model file in JSON",
    "toml": "a model file in TOML",
    "section": "a line of a model file",
    "tensors": "below tensors:",
    "formulas": "below formulas: |",
    "table": "a data file",
    "python": "in Python",
    "shell": "at the shell",
}


class UnknownCode(SymnetError):
    """A code that no error has."""

    code = "E0602"


def explain(code: str) -> str:
    """The long text of a code: its title, what it means, and an example of wrong and right."""
    found = CODES.get(code.strip().upper())
    if found is None:
        near = meant(code.strip().upper(), CODES, f"there are {', '.join(CODES)}")
        raise UnknownCode(f"there is no code {code!r}", near)
    parts = [f"{code.strip().upper()}: {found.title}", textwrap.fill(found.text, WIDTH)]
    for word, example in (("Wrong", found.wrong), ("Right", found.right)):
        if example:
            body = textwrap.indent(textwrap.dedent(example.replace("\x07", "\ufffd")).strip("\n"), "    ")
            parts.append(f"{word} ({KINDS[found.kind]}):\n\n{body}")
    return "\n\n".join(parts)


__all__ = ["CODES", "Code", "UnknownCode", "explain"]
