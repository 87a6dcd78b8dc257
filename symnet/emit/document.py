"""The head of an emitted module: what it computes, as formulas, and how its functions are called."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from symnet.core.definition import Node, Program
from symnet.core.normal import inline_temporaries
from symnet.emit.layout import INDENT, filled
from symnet.show.names import display_names
from symnet.show.text import text_definition
from symnet.show.visible import visible

NEEDS = "Written by symnet; needs numpy, numba and scipy, and nothing else."
WORDS = {
    "label": "labels from 0, below {classes}",
    "onehot": "one-hot rows",
    "simplex": "rows that sum to 1",
    "positive": "positive",
    "mask": "zeros and ones",
}


def formulas(program: Program, names: Mapping[Hashable, str], without: Iterable[Node] = ()) -> list[str]:
    """A line for each definition with a name, in the names of the code; `without` are left out."""
    shown = visible(Program(program.outputs, inline_temporaries(program, set(program.outputs))))
    own: dict[Node, str] = {node: names.get(node, name) for node, name in display_names(program).items()}
    hidden = set(without)
    return [text_definition(node, definition, own) for node, definition in shown.items() if node not in hidden]


def documentation(program: Program, names: Mapping[Hashable, str], without: Iterable[Node] = ()) -> list[str]:
    """Formulas, indented."""
    return [INDENT + line for line in formulas(program, names, without)]


def module_doc(title: str, *sections: Iterable[str]) -> str:
    """The docstring of a module: a title, then sections with a blank line before each."""
    texts = ["\n".join(part for line in section for part in in_doc(line)) for section in ([title], *sections, [NEEDS])]
    body = "\n\n".join(text for text in texts if text)
    return f'"""{safe(body)}\n"""'


def in_doc(line: str) -> list[str]:
    """A line of a docstring; a long one goes on further in."""
    text = line.lstrip(" ")
    pad = line[: len(line) - len(text)]
    return filled(text, pad, pad + INDENT * (2 if pad else 1))


def safe(text: str) -> str:
    """Text that cannot end the string that it stands in."""
    kept = "".join(c for c in text if c == "\n" or c.isprintable())
    return kept.replace("\\", "/").replace('"', "'")


def shape_words(node: Node, name: str) -> str:
    """`x (N, D)`; a scalar by its name alone."""
    if not node.rank:
        return name
    return f"{name} ({', '.join(str(s) for s in node.shape)}{',' if node.rank == 1 else ''})"


def kind_words(node: Node) -> str:
    """What the values of an input must be, where that is more than being numbers."""
    return WORDS.get(node.kind, "").format(classes=node.info.get("classes", "K"))
