r"""Names as people write them: bound indices, tensors in LaTeX, tensors that share a name.

_0 over K             k, or where k is taken k' in LaTeX and j in text
z_bar, x_hat, v_dot   \bar{z}, \hat{x}, \dot{v}
W1, x_new             W_{1}, x_{\mathrm{new}}; with indices W^{(1)}_{d,k}
lstm.h                h^{\mathrm{lstm}}_{n,t,k}
gamma, loss           \gamma, \mathrm{loss}
t, t (both automatic) t_1, t_2
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symnet.core.definition import Node, Program
from symnet.core.expr import Reduce

LETTERS = "ijklmnpqrstuvabcdefgh"
WINDOW = "uvw"
NEIGHBOUR = {"k": "j", "n": "m", "d": "e", "t": "s", "h": "g"}
ACCENTS = ("bar", "dot", "hat", "tilde")
WIDE = {"bar": "overline", "dot": "dot", "hat": "widehat", "tilde": "widetilde"}
GREEK_NAMES = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = frozenset(GREEK_NAMES.split())
ACCENTED = re.compile(rf"(.+)_({'|'.join(ACCENTS)})_?(\d*)|([A-Za-z])({'|'.join(ACCENTS)})")
MARKED = re.compile(r"(.*?[^\d])(\d+)|([A-Z])([a-z])")
MARKED_IN_LAYERS = re.compile(r"(.*?[^\d])(\d+)|([A-Za-z])([a-z])")
BLANK = "\\ "
SPELLINGS = {"eps": "epsilon", "lam": "lambda", "lamda": "lambda"}


# -- indices


def bound_names(wishes: Sequence[Sequence[str]], taken: Iterable[str], primes: bool) -> list[str]:
    """A name for each bound index, the first of its wishes that is free; else k' (or, without primes, j) for k."""
    used = set(taken)
    names = []
    for wish in wishes:
        name = next(c for c in _candidates(wish, primes) if c not in used)
        used.add(name)
        names.append(name)
    return names


def _candidates(wishes: Sequence[str], primes: bool) -> Iterator[str]:
    yield from wishes
    first = wishes[0] if wishes else "i"
    if primes and wishes:
        yield f"{first}'"
    yield NEIGHBOUR.get(first, first)
    yield from LETTERS
    yield from (f"{first}{number}" for number in range(1, 10**6))


def index_wishes(reduce: Reduce, symbol: sp.Symbol) -> list[str]:
    """What a bound index would be called: k over K, a window's u or v, else as the tensor it reads calls its axis."""
    extent = dict(reduce.bound)[symbol]
    letter = re.fullmatch(r"([A-Za-z])\d*", str(extent))
    own = [letter[1].lower()] if letter else []
    reads = sorted(reduce.body.atoms(sp.Indexed), key=lambda read: (str(read), read.args[0].node.serial))
    if extent.is_Integer and any(symbol in p.free_symbols and not p.is_Symbol for r in reads for p in r.indices):
        return list(WINDOW)
    return own + [name for read in reads for name in _axis_names(read, symbol)]


def _axis_names(read: sp.Indexed, symbol: sp.Symbol) -> list[str]:
    definition = read.args[0].node.definition
    own = definition.indices if definition else ()
    return [i.name for i, place in zip(own, read.indices, strict=False) if place == symbol and is_letter(i.name)]


def is_letter(name: str) -> bool:
    return len(name) == 1


def unique_names(symbols: Iterable[sp.Symbol], taken: Iterable[str] = ()) -> dict[sp.Symbol, str]:
    """Names for free indices: their own; one that is taken gets a number."""
    used = set(taken)
    names: dict[sp.Symbol, str] = {}
    for symbol in symbols:
        own = symbol.name
        name = own if own not in used else next(f"{own}{i}" for i in range(1, 10**6) if f"{own}{i}" not in used)
        used.add(name)
        names[symbol] = name
    return names


# -- tensors


def display_names(program: Program) -> dict[Node, str]:
    """A name of its own for each tensor: those the compiler named alike are numbered, adjoints follow their tensors."""
    nodes = list(dict.fromkeys((*program.inputs(), *program)))
    count = Counter(node.name for node in nodes)
    given = {node: node.name for node in nodes if count[node.name] == 1 or not node.auto}
    names: dict[Node, str] = {}
    used = set(given.values())
    for node in nodes:
        names[node] = given.get(node) or _free_name(node, names, used)
        used.add(names[node])
    return {node: names[node] for node in nodes}


def _free_name(node: Node, names: Mapping[Node, str], used: set[str]) -> str:
    """The name with a number, or for an adjoint or tangent its tensor's name with the same ending."""
    of: Node = node.info.get("adjoint_of", node.info.get("tangent_of", node))
    if of in names and node.name.startswith(f"{of.name}_"):
        name = names[of] + node.name[len(of.name) :]
        if name not in used:
            return name
    return next(f"{node.name}_{i}" for i in range(1, 10**6) if f"{node.name}_{i}" not in used)


@dataclass(frozen=True)
class Name:
    """A name in parts: `lstm.Wi_bar` is the letter W, marked i, of lstm, under a bar."""

    stem: str
    marks: tuple[str, ...]
    path: str
    accents: tuple[str, ...]


def split_name(name: str) -> Name:
    """The parts of a name."""
    *path, last = name.split(".")
    last, accents, number = _take_accents(last)
    words = [word for word in last.split("_") if word]
    stem, marks = (words[0], words[1:]) if words else (last, [])
    pattern = MARKED_IN_LAYERS if path else MARKED
    if SPELLINGS.get(stem, stem) not in GREEK and (match := pattern.fullmatch(stem)):
        stem, marks = match[1] or match[3], [match[2] or match[4], *marks]
    return Name(stem, (*marks, *number), ".".join(path), accents)


def _take_accents(word: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """`z_bar_dot` is z under a bar under a dot, `xhat` is x under a hat, `z_bar2` the second z under a bar."""
    accents: list[str] = []
    numbers: list[str] = []
    while match := ACCENTED.fullmatch(word):
        word = match[1] or match[4]
        accents.insert(0, match[2] or match[5])
        numbers += [match[3]] if match[3] else []
    return word, tuple(accents), tuple(numbers)


def stem_tex(stem: str, capital: bool | None = None) -> str:
    r"""A letter, a Greek letter or an upright word; `capital` asks for \Gamma (or \gamma) of gamma."""
    letter = SPELLINGS.get(stem, stem) if len(stem) > 1 else _greek_letter(stem)
    if capital is not None and (len(letter) == 1 or letter in GREEK):
        changed = letter.capitalize() if capital else letter.lower()
        letter = changed if len(letter) == 1 or changed in GREEK else letter
    if letter in GREEK:
        return f"\\{letter}"
    return letter if len(letter) == 1 else word_tex(letter)


def word_tex(word: str) -> str:
    """An upright word; underscores are spaces, for what escapes them differs between dialects."""
    return f"\\mathrm{{{word.replace('_', BLANK)}}}"


def _greek_letter(letter: str) -> str:
    """`α` spelled alpha; anything else as it is."""
    words = unicodedata.name(letter, "").split()
    if words[:1] != ["GREEK"] or len(words) != 4:
        return letter
    spelled = words[3].lower() if words[1] == "SMALL" else words[3].capitalize()
    spelled = SPELLINGS.get(spelled, spelled)
    return spelled if spelled in GREEK else letter


def accented(tex: str, accents: Iterable[str]) -> str:
    r"""A name under its accents: \bar{z}; a word under wide ones."""
    wide = tex.startswith("\\mathrm")
    for accent in accents:
        tex = f"\\{WIDE[accent] if wide else accent}{{{tex}}}"
    return tex


def mark_tex(mark: str) -> str:
    r"""What stands beside a letter: 1, i, \alpha or \mathrm{new}."""
    return mark if mark.isdigit() else stem_tex(mark)


def name_tex(name: str, places: Sequence[str] | None = None, capital: bool | None = None) -> tuple[str, bool]:
    """A tensor's name in LaTeX, read at `places`, and whether it carries a superscript.

    Where there are indices, marks and the path stand above them; where there are none, below.
    """
    parts = _merged(split_name(name))
    stem = accented(stem_tex(parts.stem, capital), parts.accents)
    marks = [mark_tex(mark) for mark in parts.marks]
    path = [word_tex(parts.path)] if parts.path else []
    if not places:
        below = ",".join([*path, *marks])
        return (f"{stem}_{{{below}}}" if below else stem), False
    above = ",".join([*path, *marks] if path or not marks else [f"({','.join(marks)})"])
    upper = f"^{{{above}}}" if above else ""
    return f"{stem}{upper}_{{{','.join(places)}}}", bool(above)


def _merged(name: Name) -> Name:
    """A word keeps its marks as words: `log_p` is not a log to the base p."""
    plain = len(name.stem) == 1 or SPELLINGS.get(name.stem, name.stem) in GREEK
    if plain or not name.marks:
        return name
    glue = "" if all(mark.isdigit() for mark in name.marks) else "_"
    return Name(glue.join([name.stem, *name.marks]), (), name.path, name.accents)


def index_tex(name: str) -> str:
    """An index or a dim in LaTeX."""
    body = name.rstrip("'_") or name
    return name_tex(body)[0] + "'" * (len(name) - len(body))
