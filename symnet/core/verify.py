"""What must hold of a program between stages: a list of named predicates.

`verify(program)` returns the broken ones as sentences; tests run it after every stage.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

import sympy as sp

from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Reduce
from symnet.core.graph import verify_order
from symnet.errors import CycleProblem, NameProblem

Predicate = Callable[[Program, Node, Definition], bool]


def one_index_per_axis(program: Program, node: Node, definition: Definition) -> bool:
    return len(definition.indices) == node.rank == len(set(definition.indices))


def no_free_index(program: Program, node: Node, definition: Definition) -> bool:
    free = definition.formula.free_symbols - set(definition.indices)
    return all(symbol.is_positive for symbol in free)


def reads_have_right_rank(program: Program, node: Node, definition: Definition) -> bool:
    return all(len(r.indices) == r.args[0].node.rank for r in definition.formula.atoms(sp.Indexed))


def closed_under_reference(program: Program, node: Node, definition: Definition) -> bool:
    given = (r.args[0].node for r in definition.formula.atoms(sp.Indexed))
    return all(n in program or n.role in ("input", "param", "state") for n in given)


def one_reduction_at_the_root(program: Program, node: Node, definition: Definition) -> bool:
    formula = definition.formula
    return not (formula.body if isinstance(formula, Reduce) else formula).atoms(Reduce)


GENERAL: tuple[Predicate, ...] = (one_index_per_axis, no_free_index, reads_have_right_rank, closed_under_reference)
NORMAL: tuple[Predicate, ...] = (*GENERAL, one_reduction_at_the_root)


def problems(program: Program, predicates: tuple[Predicate, ...] = GENERAL) -> Iterator[str]:
    for node, definition in program.definitions.items():
        for holds in predicates:
            if not holds(program, node, definition):
                yield f"{node.name}: not {holds.__name__.replace('_', ' ')}: {definition.formula}"
    try:
        verify_order(program)
    except CycleProblem as problem:
        yield str(problem)


def check_names(program: Program) -> None:
    """Refuses programs in which a name that a user gave stands for two tensors."""
    named: dict[str, Node] = {}
    for node in (*program.inputs(), *(n for n in program if not n.auto)):
        known = named.setdefault(unicodedata.normalize("NFKC", node.name), node)
        if known is not node:
            names = " and ".join(dict.fromkeys((repr(known.name), repr(node.name))))
            raise NameProblem(
                f"two different tensors are named {names}: {known!r} and {node!r}",
                "declare it once and use that one everywhere, or give one of them another name",
            )


def verify(program: Program, predicates: tuple[Predicate, ...] = GENERAL) -> list[str]:
    """The broken predicates, each as a sentence; an empty list when the program is sound."""
    return list(problems(program, predicates))
