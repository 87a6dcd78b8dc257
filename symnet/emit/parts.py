"""Loops that stand in a long step more than once become functions, called with the offsets in which they differ.

    for n_3 in range(n):                         def part_1(n, theta, ws, o1_, o2_):
        at_s = 100352 + n_3 * 256                    for i1_ in range(n):
        for k in range(256):             ->              i2_ = o1_ + i1_ * 256
            l0_z = theta[200704 + k] ...                 ...

Equal layers then share machine code, and the time to compile grows with the number of different layers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

INDENT = "    "
MANY = 12  # loops in a step from which on equal ones are shared
WORD = re.compile(r"[A-Za-z_]\w*")
OFFSET = re.compile(r"(?<=\[)\d+(?=\]| \+)|(?<= = )\d+(?= \+)")
RUNNING = re.compile(r"for ([A-Za-z_]\w*) in ")
ASSIGNED = re.compile(r"^\s*(?:for )?([A-Za-z_]\w*)(?: [-+*/]?=| in )", re.M)
LOOPED = re.compile(r"^\s*for ([A-Za-z_]\w*) in ", re.M)  # set anew wherever they are used


@dataclass(frozen=True)
class Piece:
    """Some lines apart from what they are about: a text with numbered names, and what stands for the numbers."""

    text: str
    parameters: tuple[str, ...]
    offsets: tuple[str, ...]


def share_equal(
    lines: list[str], spans: Sequence[tuple[int, int]], outer: Iterable[str], fresh: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    """The lines of a step with equal loops as calls, and the functions that these call, by `fresh` names."""
    if len(spans) < MANY:
        return lines, []
    known = {*outer, *ASSIGNED.findall("\n".join(lines))}
    pieces = {span: piece(lines, span, known) for span in spans}
    count = Counter(p.text for p in pieces.values() if p is not None)
    functions: dict[str, str] = {}
    result, at = [], 0
    for (start, end), found in pieces.items():
        result += lines[at:start]
        at = end
        if found is None or count[found.text] < 2:
            result += lines[start:end]
            continue
        if found.text not in functions:
            functions[found.text] = fresh(f"part_{len(functions) + 1}")
        pad = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        result.append(f"{pad}{functions[found.text]}({', '.join([*found.parameters, *found.offsets])})")
    result += lines[at:]
    return result, [defined(name, text) for text, name in functions.items()]


def piece(lines: list[str], span: tuple[int, int], known: set[str]) -> Piece | None:
    """The loop in these lines, if nothing that it assigns is used outside of it."""
    start, end = span
    pad = len(lines[start]) - len(lines[start].lstrip())
    own = "\n".join(line[pad:] for line in lines[start:end])
    elsewhere = "\n".join([*lines[:start], *lines[end:]])
    assigned = dict.fromkeys(ASSIGNED.findall(own))
    if (set(assigned) - set(LOOPED.findall(own))) & set(WORD.findall(elsewhere)):
        return None
    offsets: list[str] = []
    names: dict[str, str] = {}

    def offset(match: re.Match[str]) -> str:
        offsets.append(match.group())
        return f"o{len(offsets)}_"

    def word(match: re.Match[str]) -> str:
        name = match.group()
        return names.setdefault(name, f"i{len(names) + 1}_") if name in assigned else name

    text = OFFSET.sub(offset, WORD.sub(word, own))
    parameters = sorted({w for w in WORD.findall(text) if w in known})
    return Piece(f"{','.join(parameters)}\n{len(offsets)}\n{text}", tuple(parameters), tuple(offsets))


def defined(name: str, text: str) -> str:
    parameters, count, body = text.split("\n", 2)
    offsets = [f"o{i + 1}_" for i in range(int(count))]
    inner = "\n".join(INDENT + line for line in body.split("\n"))
    head = ", ".join([*(p for p in parameters.split(",") if p), *offsets])
    return f"@njit(**PART)\ndef {name}({head}):\n{INDENT}apart()\n{inner}"
