"""Simplifying a set of derived definitions together: each by the rules, and one inside the other where that pays.

An adjoint is written into its user when it is small and free of reductions (so that `W_bar` reads `(p - y)/N`),
when it is the adjoint of an anonymous sum, or when the simplified whole costs no more to compute. Otherwise it
keeps its name, as the deltas of a deep network do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Definition, Node, Program, read_nodes, write_out
from symnet.core.expr import Reduce, operations
from symnet.core.graph import definition_order, program_components
from symnet.simplify.context import Context, Scope
from symnet.simplify.cost import flops
from symnet.simplify.engine import Rewrite, Step, simplify

SMALL = 3


@dataclass
class Derived:
    """Derived definitions on their way: what is done, who reads whom, and the steps so far."""

    context: Context
    definitions: dict[Node, Definition]
    keep: frozenset[Node]
    done: set[Node] = field(default_factory=set)
    steps: dict[Node, list[Step]] = field(default_factory=dict)
    readers: dict[Node, set[Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node, definition in self.definitions.items():
            for other in read_nodes(definition.formula):
                self.readers.setdefault(other, set()).add(node)

    def replace(self, node: Node, formula: sp.Expr) -> None:
        """Give a definition another formula and keep the books of who reads whom."""
        before = self.definitions[node].formula
        for other in read_nodes(before):
            self.readers.get(other, set()).discard(node)
        self.definitions[node] = Definition(self.definitions[node].indices, formula)
        for other in read_nodes(formula):
            self.readers.setdefault(other, set()).add(node)
        for other in read_nodes(before):
            self.forget_unread(other)

    def forget_unread(self, node: Node) -> None:
        """A finished definition that nobody reads any more reads nothing either."""
        if node not in self.done or node in self.keep or self.readers.get(node):
            return
        for other in read_nodes(self.definitions[node].formula):
            self.readers.get(other, set()).discard(node)
            self.forget_unread(other)

    def scope(self, node: Node) -> Scope:
        indices = self.definitions[node].indices
        return Scope(self.context, dict(zip(indices, node.shape, strict=True)))

    def note(self, node: Node, rewrites: Iterable[Rewrite]) -> None:
        indices = self.definitions[node].indices
        own = self.steps.setdefault(node, [])
        own += [Step(node, indices, r.rule, r.before, r.after, r.because) for r in rewrites]


@dataclass(frozen=True)
class Simplified:
    """`program` is what the outputs reach; `everything` also what was written into others on the way."""

    program: Program
    everything: Program
    steps: Mapping[Node, Sequence[Step]]


def simplify_derived(forward: Program, derived: Mapping[Node, Definition], wanted: Sequence[Node]) -> Simplified:
    """The derived definitions by the rules, loss first, one written into another where that pays."""
    state = Derived(Context(forward), dict(derived), frozenset(wanted))
    whole = definition_order({**forward.definitions, **derived}, wanted)
    for group in program_components(whole):
        ours = [node for node in group if node in derived]
        for node in sorted(ours, key=lambda n: not n.anonymous):
            _settle(node, state)
    reached = {node: state.definitions[node] for node in whole if node in derived}
    everything = {**forward.definitions, **state.context.introduced, **reached}
    program = definition_order(everything, wanted)
    steps = {node: tuple(state.steps.get(node, ())) for node in reached}
    return Simplified(program, Program(tuple(wanted), everything), steps)


def _settle(node: Node, state: Derived) -> None:
    """Simplify one definition, trying each derived tensor it reads in place of its name."""
    formula, rewrites = simplify(state.definitions[node].formula, state.scope(node))
    state.replace(node, formula)
    state.note(node, rewrites)
    tried: set[Node] = set()
    while not node.anonymous and (other := _candidate(node, state, tried)) is not None:
        tried.add(other)
        _try_inside(node, other, state)
    state.done.add(node)


def _candidate(node: Node, state: Derived, tried: set[Node]) -> Node | None:
    """A finished derived tensor that the definition still reads and that was not tried yet."""
    for other in reversed(read_nodes(state.definitions[node].formula)):
        fresh = other in state.done and other not in tried and other is not node
        if fresh and other not in read_nodes(state.definitions[other].formula):
            return other
    return None


def _try_inside(node: Node, other: Node, state: Derived) -> None:
    """Write `other` into `node` and simplify; keep the result where it is no worse."""
    named = state.definitions[node]
    inner = state.definitions[other]
    if _nests_in_vain(named.formula, node, other, state):
        return
    written = write_out(named.formula, lambda read: inner.at(read.indices) if read.args[0].node is other else None)
    formula, rewrites = simplify(written, state.scope(node))
    if not _pays(node, named, Definition(named.indices, formula), other, state):
        return
    first = Rewrite("substitute", named.formula, written, f"{other.name} is known")
    state.replace(node, formula)
    state.note(node, [first, *rewrites])


def _nests_in_vain(formula: sp.Expr, node: Node, other: Node, state: Derived) -> bool:
    """A sum that others need as well is not computed again inside a sum."""
    shared = other in state.keep or state.readers.get(other, set()) - {node}
    inside = any(other in read_nodes(r.body) for r in formula.atoms(Reduce))
    return bool(shared) and inside and bool(state.definitions[other].formula.atoms(Reduce))


def _pays(node: Node, named: Definition, written: Definition, other: Node, state: Derived) -> bool:
    inner = state.definitions[other].formula
    if not inner.atoms(Reduce) and (other.anonymous or operations(inner) <= SMALL):
        return True
    before, after = flops(node, named), flops(node, written)
    if after < before:
        return True
    alone = state.readers.get(other, set()) <= {node} and other not in state.keep
    return alone and after <= before + flops(other, state.definitions[other])
