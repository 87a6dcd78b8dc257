"""The normal form that every later pass relies on: at most one reduction per definition, at its root.

    p[n,k] := exp(z[n,k]) / Sum_j exp(z[n,j])      becomes      s[n]   := Sum_j exp(z[n,j])
                                                                p[n,k] := exp(z[n,k]) / s[n]

Reductions inside a formula become anonymous definitions of their own; equal ones (modulo names of indices)
become one. A bracket of indices in front of a reduction goes with it, since it may guard its reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import sympy as sp

from symnet.core.definition import Definition, Node, Program, Read, canonical_key, read_nodes, write_out
from symnet.core.expr import Bound, Bracket, Reduce
from symnet.core.graph import definition_order


class Hoister:
    """Hoists the reductions of one program; equal ones are shared."""

    def __init__(self) -> None:
        self.shared: dict[tuple[object, ...], Node] = {}
        self.made: dict[Node, Definition] = {}

    def definition(self, definition: Definition, shape: Sequence[sp.Expr]) -> Definition:
        """A definition in normal form; what was hoisted out of it is in `made`."""
        formula = definition.formula
        scope = list(zip(definition.indices, shape, strict=True))
        if not isinstance(formula, Reduce):
            return Definition(definition.indices, self.hoist(formula, scope, ()))
        body, bound = formula.open()
        inner = self.hoist(body, [*scope, *bound], ())
        return Definition(definition.indices, Reduce(formula.op, inner, bound))

    def hoist(self, expr: sp.Expr, scope: list[Bound], guards: tuple[sp.Expr, ...]) -> sp.Expr:
        if isinstance(expr, Reduce):
            return self.named(expr, scope, guards)
        if not expr.args or isinstance(expr, sp.Indexed) or not expr.atoms(Reduce):
            return expr
        if isinstance(expr, sp.Mul):
            guards = (*guards, *(arg for arg in expr.args if is_index_guard(arg)))
        args = [self.hoist(arg, scope, guards) if isinstance(arg, sp.Basic) else arg for arg in expr.args]
        return expr.func(*args)

    def named(self, reduce: Reduce, scope: list[Bound], guards: tuple[sp.Expr, ...]) -> sp.Expr:
        """The anonymous tensor that stands for a reduction, made at its first use."""
        free = reduce.free_symbols
        own = [guard for guard in guards if _indices(guard) <= free]
        body, bound = reduce.open()
        inner = self.hoist(sp.Mul(*own, body), [*scope, *bound], ())
        formula = Reduce(reduce.op, inner, bound)
        free = formula.free_symbols
        held = [(i, extent) for i, extent in scope if i in free]
        definition = Definition(tuple(i for i, _ in held), formula)
        facts = {"nonnegative": True} if formula.is_nonnegative else {}
        facts = {"positive": True} if formula.is_positive else facts
        node = Node("s", tuple(e for _, e in held), definition=None, auto=True, anonymous=True, facts=facts)
        key = canonical_key(node, definition)
        if key not in self.shared:
            self.shared[key] = node
            self.made[node] = definition
        return self.shared[key].read(*definition.indices)


def _indices(expr: sp.Expr) -> set[sp.Basic]:
    """The free indices of an expression; dims are numbers."""
    return {s for s in expr.free_symbols if not s.is_positive}


def is_index_guard(factor: sp.Expr) -> bool:
    """A bracket whose condition speaks of indices and dims only."""
    return isinstance(factor, (Bracket, sp.KroneckerDelta)) and not factor.atoms(sp.Indexed)


def normalise(program: Program, keep: Iterable[Node] = ()) -> Program:
    """Every definition of the program in normal form, in dependency order."""
    hoister = Hoister()
    kept = inline_temporaries(program, {*keep, *program.outputs})
    flat = {node: hoister.definition(d, node.shape) for node, d in kept.items()}
    return definition_order({**flat, **hoister.made}, program.outputs)


def inline_anonymous(expr: sp.Expr, program: Program) -> sp.Expr:
    """A formula with anonymous tensors written out again, for showing and for keeping."""
    while any(_hidden(r, program) is not None for r in expr.atoms(sp.Indexed)):
        expr = write_out(expr, lambda read: _hidden(read, program))
    return expr


def _hidden(read: Read, program: Program) -> sp.Expr | None:
    node = read.args[0].node
    return program[node].at(read.indices) if node.anonymous and node in program else None


def inline_temporaries(program: Program, keep: set[Node]) -> dict[Node, Definition]:
    """Unnamed results that are read once (`1 - s`), written where they are read; equal unnamed ones as one."""
    definitions = without_twins(program.definitions, keep)
    once = _read_once(definitions) - keep
    result: dict[Node, Definition] = {}
    passing: dict[Node, Definition] = {}
    for node, definition in definitions.items():
        written = write_out(definition.formula, lambda read: _passed(read, passing))
        definition = Definition(definition.indices, written)
        (passing if node in once and _passes(node, written) else result)[node] = definition
    return result


def without_twins(definitions: Mapping[Node, Definition], keep: set[Node]) -> dict[Node, Definition]:
    """Unnamed tensors with equal definitions as one."""
    known: dict[tuple[object, ...], Node] = {}
    twins: dict[Node, Node] = {}
    result: dict[Node, Definition] = {}
    for node, definition in definitions.items():
        formula = write_out(definition.formula, lambda read: _twin(read, twins))
        definition = Definition(definition.indices, formula)
        if node.auto and node not in keep and node not in read_nodes(formula):
            first = known.setdefault(canonical_key(node, definition), node)
            if first is not node:
                twins[node] = first
                continue
        result[node] = definition
    return result


def _twin(read: Read, twins: Mapping[Node, Node]) -> sp.Expr | None:
    twin = twins.get(read.args[0].node)
    return None if twin is None else twin.read(*read.indices)


def _read_once(definitions: Mapping[Node, Definition]) -> set[Node]:
    """Unnamed tensors with a single read, which stands outside products that are summed."""
    count: Counter[Node] = Counter()
    inside: set[Node] = set()
    for definition in definitions.values():
        for expr in sp.preorder_traversal(definition.formula):
            if isinstance(expr, sp.Indexed):
                count[expr.args[0].node] += 1
            elif isinstance(expr, Reduce) and not isinstance(expr.body, sp.Indexed):
                inside.update(read_nodes(expr.body))
    single = {
        node for node, reads in count.items() if node.auto and reads == 1 and (not node.rank or node not in inside)
    }
    return {node for node in single if node.kind != "label"}  # a place is an index or a read: nothing is written there


def _passes(node: Node, formula: sp.Expr) -> bool:
    """Whether an unnamed result may lose its place: operators may, functions without reductions, no quotients."""
    operator = node.name == TEMPORARY and bool(node.rank)
    return not _normalised(formula) and (operator or not formula.atoms(Reduce))


def _passed(read: Read, passing: Mapping[Node, Definition]) -> sp.Expr | None:
    node = read.args[0].node
    return passing[node].at(read.indices) if node in passing else None


TEMPORARY = "t"


def _normalised(formula: sp.Expr) -> bool:
    """A quotient of tensors: worth a name, for gradients are read in terms of it."""
    return isinstance(formula, sp.Mul) and any(
        isinstance(f, sp.Pow) and f.exp.is_negative and f.atoms(sp.Indexed) for f in formula.args
    )
