"""Names for emitted code: letters, digits and underscores of the user's name, made unique; nothing else."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import unicodedata
from collections.abc import Hashable, Iterable, Set
from functools import cache

import sympy as sp

from symnet.core.definition import Node
from symnet.emit.helpers import BARRIER, GIVEN, LABELS, MASK, VECTORS
from symnet.emit.hints import HINTS
from symnet.emit.prelude import EXTRA, HEAD
from symnet.emit.tiles import tiled_gemm_source
from symnet.emit.vector_math import defined, globals_given

WORD = re.compile(r"\w+")
# what is written line by line: functions and constants of modules, and what functions of tensors call their own things
WRITTEN = """
forward loss_and_gradients kernel forward_kernel gradient_kernel train_steps train main initial random_data workspace
room BATCH THREADS PARAMETERS THETA HELD HELD_SIZE
rows theta grad state memory held noise ws near wi sums first last total done seed shared sync tid goal step begin
scalars params draw rng name value count order steps epoch epochs losses slopes slope seconds share pool
"""
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρςστυφχψω",
        WORD.findall(
            """
            alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi omicron pi rho sigma sigma tau
            upsilon phi chi psi omega
            """
        ),
        strict=True,
    )
)


class Names:
    """Gives each thing a name of its own; the same thing always the same."""

    def __init__(self) -> None:
        self.of: dict[Hashable, str] = {}
        self.taken: set[str] = set()
        self.idle: set[str] = set()  # names of indices that are over; free for other indices

    def __call__(self, thing: Hashable, wish: str) -> str:
        if thing not in self.of:
            self.of[thing] = self.fresh(wish, self.idle if isinstance(thing, sp.Symbol) else frozenset())
        return self.of[thing]

    def all(self, nodes: Iterable[Node]) -> None:
        """Names for tensors that have none of their own yet, in this order."""
        for node in nodes:
            if not node.anonymous:
                self(node, node.name)

    def release(self, since: int) -> None:
        """Indices that were named after the first `since` things lend their names to other indices."""
        for thing in list(self.of)[since:]:
            if isinstance(thing, sp.Symbol):
                self.idle.add(self.of.pop(thing))

    def copy(self) -> Names:
        """Names that go on from these."""
        result = Names()
        result.of, result.taken, result.idle = dict(self.of), set(self.taken), set(self.idle)
        return result

    def fresh(self, wish: str, idle: Set[str] = frozenset()) -> str:
        """A name that nothing else has; those that are idle may be had again."""
        name = mangle(wish)
        candidate, number = name, 1
        while (candidate in self.taken and candidate not in idle) or not is_free(candidate):
            number += 1
            candidate = f"{name}_{number}"
        self.taken.add(candidate)
        self.idle.discard(candidate)
        return candidate


@cache
def reserved() -> frozenset[str]:
    """What emitted modules call their own things: all that any of them defines or imports, and what is `WRITTEN`."""
    texts = [HEAD.format(dtype="float32"), EXTRA, *HINTS.values(), tiled_gemm_source("float32")]
    texts += [GIVEN, LABELS, VECTORS, BARRIER, MASK]
    given = (defined(statement) for text in texts for statement in ast.parse(text).body)
    return globals_given().union(WORD.findall(WRITTEN), *given)


def is_free(name: str) -> bool:
    return not (name in reserved() or keyword.iskeyword(name) or hasattr(builtins, name))


def mangle(name: str) -> str:
    """A name in ASCII: Greek letters by their names, everything else that is no letter or digit as `_`."""
    plain = unicodedata.normalize("NFKD", name)
    text = "".join(GREEK.get(c.lower(), c) for c in plain)
    text = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "t"
    return f"t{text}" if text[0].isdigit() else text
