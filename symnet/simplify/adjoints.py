"""Simplifying a set of derived definitions together: each by the rules, and one inside the other where that pays.

An adjoint is written into its user when it is a small formula of forward tensors (so that `W_bar` reads
`(p - y)/N`), when it is the adjoint of an anonymous sum, or when the simplified whole costs no more to compute.
Otherwise it keeps its name, as the deltas of a deep network do.
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
    plain: dict[Node, Definition] = field(default_factory=dict)
    done: dict[Node, int] = field(default_factory=dict)
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
    """`program` is what the outputs reach; `everything` also what was written into others on the way.

    There, anonymous adjoints stand as the chain rule gave them, which is how the steps go on from them.
    """

    program: Program
    everything: Program
    steps: Mapping[Node, Sequence[Step]]


def simplify_derived(forward: Program, derived: Mapping[Node, Definition], wanted: Sequence[Node]) -> Simplified:
    """The derived definitions by the rules, loss first, one written into another where that pays."""
    state = Derived(Context(forward), dict(derived), frozenset(wanted))
    whole = definition_order({**forward.definitions, **derived}, wanted)
    for group in program_components(whole):
        ours = [node for node in group if node in derived]
        for node in sorted(ours, key=lambda n: (not n.anonymous, n.name)):
            _settle(node, state)
    reached = {node: state.definitions[node] for node in whole if node in derived}
    everything = {**forward.definitions, **state.context.introduced, **reached}
    program = definition_order(everything, wanted)
    everything |= {node: state.plain[node] for node in reached if node in state.plain}
    steps = {node: tuple(state.steps.get(node, ())) for node in reached}
    return Simplified(program, Program(tuple(wanted), everything), steps)


def _settle(node: Node, state: Derived) -> None:
    """Simplify one definition, trying each derived tensor it reads in place of its name."""
    formula, rewrites = simplify(state.definitions[node].formula, state.scope(node))
    state.replace(node, formula)
    state.note(node, rewrites)
    if node.anonymous:
        state.plain[node] = state.definitions[node]
    tried: set[Node] = set()
    while (other := _candidate(node, state, tried)) is not None:
        tried.add(other)
        _try_inside(node, other, state)
    state.done[node] = len(state.done)


def _candidate(node: Node, state: Derived, tried: set[Node]) -> Node | None:
    """A finished derived tensor that the definition still reads and that was not tried yet.

    Anonymous ones come first, for they are parts of the chain rule itself; then the latest finished.
    """
    found = set(read_nodes(state.definitions[node].formula)) - tried - {node}
    fresh = [n for n in found if n in state.done and n not in read_nodes(state.definitions[n].formula)]
    return max(fresh, key=lambda n: (n.anonymous, state.done[n]), default=None)


def _try_inside(node: Node, other: Node, state: Derived) -> None:
    """Write `other` into `node` and simplify; keep the result where it is no worse.

    An anonymous one is tried as the chain rule left it first, which is how a lecture would go on.
    """
    named = state.definitions[node]
    if _nests_in_vain(named.formula, node, other, state):
        return
    for inner in dict.fromkeys((state.plain.get(other, state.definitions[other]), state.definitions[other])):
        written = _written_into(named.formula, other, inner)
        formula, rewrites = simplify(written, state.scope(node))
        if _pays(node, named, Definition(named.indices, formula), other, inner, state):
            state.replace(node, formula)
            state.note(node, [Rewrite("substitute", named.formula, written, f"{other.name} is known"), *rewrites])
            return


def _written_into(formula: sp.Expr, other: Node, definition: Definition) -> sp.Expr:
    return write_out(formula, lambda read: definition.at(read.indices) if read.args[0].node is other else None)


def _nests_in_vain(formula: sp.Expr, node: Node, other: Node, state: Derived) -> bool:
    """A sum that others need as well is not computed again inside a sum."""
    shared = other in state.keep or state.readers.get(other, set()) - {node}
    inside = any(other in read_nodes(r.body) for r in formula.atoms(Reduce))
    return bool(shared) and inside and bool(state.definitions[other].formula.atoms(Reduce))


def _pays(
    node: Node, named: Definition, written: Definition, other: Node, definition: Definition, state: Derived
) -> bool:
    inner = definition.formula
    alone = state.readers.get(other, set()) <= {node} and other not in state.keep
    if not inner.atoms(Reduce) and (other.anonymous or _reads_easily(inner, alone, state)):
        return True
    before, after = flops(node, named), flops(node, written)
    return after < before or (alone and after <= before + flops(other, definition))


def _reads_easily(inner: sp.Expr, alone: bool, state: Derived) -> bool:
    """Small formulas of forward tensors read better than a name; what is made of other adjoints keeps its own."""
    size = operations(inner)
    rests = any(other in state.definitions for other in read_nodes(inner))
    return size == 0 or (size <= SMALL and (alone or not rests))
