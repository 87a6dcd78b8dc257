"""Reads at labels: where they belong to a sum, and where only they are wanted of a row.

Sum_k W[i,k]*p[n,k] - W[i,t[n]]      is   Sum_k W[i,k]*(p[n,k] - delta(k,t[n]))
log_p[n,t[n]], log_p read nowhere else    is   the formula of log_p at t[n]: one entry, not the row
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import sympy as sp

from symnet.core.definition import Definition, Node, Program, Read, write_out
from symnet.core.expr import Reduce, by_text
from symnet.core.graph import definition_order


def gathers_joined(program: Program) -> Program:
    """`c*Sum_k A[i,k]*B + c*d*A[i,place]` as one sum, where the gather is a term of that very sum."""
    definitions = dict(program.definitions)
    for node, definition in program.definitions.items():
        if isinstance(definition.formula, Reduce):
            continue
        terms = joined(definition.formula, definitions, node)
        if terms is not None:
            new, formula = terms
            definitions.update(new)
            definitions[node] = Definition(definition.indices, formula)
    return definition_order(definitions, program.outputs)


def joined(
    formula: sp.Expr, definitions: Mapping[Node, Definition], own: Node
) -> tuple[dict[Node, Definition], sp.Expr] | None:
    """The first sum in the formula that takes a gather in; None where there is none."""
    for add in by_text(formula.atoms(sp.Add)):
        for term in add.args:
            for read in by_text(term.atoms(sp.Indexed)) if not isinstance(term, sp.Add) else ():
                found = _join(add, term, read, definitions) if read.args[0].node is not own else None
                if found is not None:
                    return found[0], formula.xreplace({add: found[1]})
    return None


def _join(
    add: sp.Add, term: sp.Expr, gather: sp.Indexed, definitions: Mapping[Node, Definition]
) -> tuple[dict[Node, Definition], sp.Expr] | None:
    labels = [a for a, place in enumerate(gather.indices) if place.atoms(sp.Indexed)]
    if len(labels) != 1:
        return None
    axis = labels[0]
    for other in add.args:
        if other is term:
            continue
        for read in by_text(other.atoms(sp.Indexed)):
            node = read.args[0].node
            definition = definitions.get(node)
            if definition is None or not node.anonymous or not isinstance(definition.formula, Reduce):
                continue
            factor = sp.cancel(term / gather * read / other) if _linear(term, gather) and _linear(other, read) else None
            if factor is None or not factor.is_number:
                continue
            body = _with_gather(definition, read, gather, axis, factor)
            if body is not None:
                new = Node("s", node.shape, auto=True, anonymous=True)
                rest = [a for a in add.args if a is not term and a is not other]
                return {new: body}, sp.Add(*rest, other.xreplace({read: new.read(*read.indices)}))
    return None


def _linear(term: sp.Expr, read: sp.Indexed) -> bool:
    return term == read or (isinstance(term, sp.Mul) and read in term.args)


def _with_gather(
    definition: Definition, read: sp.Indexed, gather: sp.Indexed, axis: int, factor: sp.Expr
) -> Definition | None:
    """The sum with the gathered term as a delta among its factors."""
    reduce = definition.formula
    body, bound = reduce.open()
    if reduce.op != "sum" or len(bound) != 1:
        return None
    here = dict(zip(definition.indices, read.indices, strict=True))
    back = {new: old for old, new in here.items()}
    if len(back) != len(here) or not all(isinstance(place, sp.Symbol) for place in back):
        return None
    wanted = gather.args[0].node.read(
        *[bound[0][0] if a == axis else place.xreplace(back) for a, place in enumerate(gather.indices)]
    )
    factors = sp.Mul.make_args(body)
    if wanted not in factors:
        return None
    rest = sp.Mul(*[f for f in factors if f != wanted])
    delta = sp.KroneckerDelta(bound[0][0], gather.indices[axis].xreplace(back))
    return Definition(definition.indices, Reduce("sum", wanted * (rest + factor * delta), bound))


def picks_written_out(program: Program) -> Program:
    """`log_p[n,t[n]]` of a row that nobody else reads: only that entry is computed."""
    count: Counter[Node] = Counter()
    picked: set[Node] = set()
    for definition in program.definitions.values():
        for read in definition.formula.atoms(sp.Indexed):
            count[read.args[0].node] += 1
            if any(place.atoms(sp.Indexed) for place in read.indices):
                picked.add(read.args[0].node)
    held = dict(program.definitions)
    once = {
        n
        for n in picked
        if n in held and count[n] == 1 and n not in program.outputs and not isinstance(held[n].formula, Reduce)
    }
    if not once:
        return program

    def written(read: sp.Indexed) -> sp.Expr | None:
        node = read.args[0].node
        return held[node].at(read.indices) if node in once else None

    kept = {n: Definition(d.indices, written_in(d.formula, written)) for n, d in held.items() if n not in once}
    return Program(program.outputs, kept)


def written_in(formula: sp.Expr, found: Callable[[Read], sp.Expr | None]) -> sp.Expr:
    """Reads replaced; a sum stays at the root, with all of its factors."""
    if not isinstance(formula, Reduce):
        return write_out(formula, found)
    body, bound = formula.open()
    return Reduce(formula.op, write_out(body, found), bound)
