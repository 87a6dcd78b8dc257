"""What the rules may know about a program: which formulas have a name, and what its tensors sum to.

Every forward definition says something that can be read from right to left:

    h = tanh(a)          tanh(a)  ->  h
    p = exp(z)/S         exp(z)   ->  p*S           solved for the kernel; never divides by anything new
    s = 1/(1 + exp(-z))  exp(-z)  ->  (1 - s)/s     a Moebius function, inverted
    l = z - log(S)       exp(z)   ->  exp(l)*S      the exponential of a logarithm
    S = Sum_j exp(z_j)   Sum_j exp(z_j) -> S
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.algebra import exponentials, invert_moebius
from symnet.core.definition import Definition, Node, Program, read_nodes
from symnet.core.expr import Reduce
from symnet.declare.elementwise import Elementwise
from symnet.declare.notation import default_indices
from symnet.declare.tensor import Tensor
from symnet.differentiate.closed import solve_monomial
from symnet.differentiate.reverse import free_name
from symnet.simplify.match import match

Key = tuple[str, frozenset[Node]]


@dataclass(frozen=True)
class Relation:
    """`pattern -> replacement` for all values of the wild indices; it comes from the definition of `node`.

    With `gates` it holds behind those brackets only, and takes them in.
    """

    node: Node
    pattern: sp.Expr
    replacement: sp.Expr
    wild: tuple[sp.Symbol, ...]
    gates: tuple[sp.Expr, ...] = ()


def key_of(expr: sp.Expr) -> Key:
    """Where to look for relations: the head of a formula and the tensors it reads."""
    return type(expr).__name__, frozenset(read_nodes(expr))


@dataclass
class Context:
    """The forward program as the rules see it; made once per run."""

    program: Program
    relations: dict[Key, list[Relation]] = field(default_factory=lambda: defaultdict(list))
    numerators: list[Relation] = field(default_factory=list)
    axis_sums: dict[tuple[Node, int], sp.Expr | None] = field(default_factory=dict)
    introduced: dict[Node, Definition] = field(default_factory=dict)
    of_kernel: dict[tuple[Node, sp.Expr], Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node, definition in self.program.definitions.items():
            self._learn(node, definition)

    def _learn(self, node: Node, definition: Definition) -> None:
        for relation in relations_of(node, definition):
            self.relations[key_of(relation.pattern)].append(relation)
        numerator = numerator_relation(node, definition)
        if numerator is not None:
            self.numerators.append(numerator)

    def definition(self, node: Node) -> Definition | None:
        """The definition of a forward tensor, or of one that a rule introduced."""
        return self.program.definitions.get(node) or self.introduced.get(node)

    def indices_of(self, node: Node) -> tuple[sp.Symbol, ...]:
        definition = self.program.definitions.get(node)
        return definition.indices if definition else default_indices(node.shape)

    def introduce(self, source: Node, indices: tuple[sp.Symbol, ...], formula: sp.Expr) -> Node:
        """A softmax that the user did not name, as a tensor of its own; the same one each time."""
        key = (source, formula)
        if key not in self.of_kernel:
            taken = {n.name for n in (*self.program, *self.program.inputs(), *self.introduced)}
            node = Tensor(
                "p" if "p" not in taken else free_name("softmax", taken),
                source.shape,
                auto=True,
                facts={"positive": True},
            )
            self.of_kernel[key] = node
            self.introduced[node] = Definition(indices, formula)
        return self.of_kernel[key]

    def rename(self, expr: sp.Expr) -> sp.Expr | None:
        """What a kernel is called in the program; None where it has no name."""
        for relation in self.relations.get(key_of(expr), ()):
            binding = None if relation.gates else match(relation.pattern, expr, relation.wild)
            if binding is not None:
                return relation.replacement.xreplace(binding)
        return None

    def rename_gated(self, product: sp.Mul) -> sp.Expr:
        """A product in which a kernel stands behind the brackets of its definition, by that name."""
        for kernel in product.args:
            for relation in self.relations.get(key_of(kernel), ()) if isinstance(kernel, sp.Function) else ():
                binding = match(relation.pattern, kernel, relation.wild) if relation.gates else None
                if binding is None:
                    continue
                gates = {gate.xreplace(binding) for gate in relation.gates}
                if gates <= set(product.args):
                    rest = [a for a in product.args if a is not kernel and a not in gates]
                    return sp.Mul(relation.replacement.xreplace(binding), *rest)
        return product


def relations_of(node: Node, definition: Definition) -> Iterator[Relation]:
    """What a definition says from right to left."""
    indices, formula = definition.indices, definition.formula
    here = node.read(*indices)
    if isinstance(formula, (Reduce, sp.Function, sp.exp)):
        yield Relation(node, formula, here, indices)
    if isinstance(formula, Reduce):
        return
    if isinstance(formula, sp.Pow) and formula.base.is_Add and formula.exp.is_Rational and formula.is_positive:
        yield Relation(node, formula.base, here ** (1 / formula.exp), indices)
    solved = solve_monomial(formula, here)
    if solved is not None:
        yield Relation(node, solved.kernel, solved.value, indices, solved.gates)
    elif formula.is_Add and (lone := _exponential_of_log(formula, here)) is not None:
        yield Relation(node, lone[0], lone[1], indices)
    elif not (isinstance(formula, sp.exp) or formula.is_Add):
        yield from _moebius_relations(node, formula, here, indices)


def numerator_relation(node: Node, definition: Definition) -> Relation | None:
    """For `p = e/S` with e a tensor of the same indices: e -> p*S, to be used where it cancels."""
    formula, indices = definition.formula, definition.indices
    if not isinstance(formula, sp.Mul):
        return None
    tops = [f for f in formula.args if isinstance(f, sp.Indexed)]
    rest = [f for f in formula.args if f not in tops]
    if len(tops) != 1 or tops[0].indices != indices or not any(r.free_symbols for r in rest):
        return None
    if not all(r.is_number or (isinstance(r, sp.Pow) and r.exp.is_negative) for r in rest):
        return None
    return Relation(node, tops[0], node.read(*indices) / sp.Mul(*rest), indices)


def _moebius_relations(
    node: Node, formula: sp.Expr, here: sp.Expr, indices: tuple[sp.Symbol, ...]
) -> Iterator[Relation]:
    expanded = formula.replace(lambda e: isinstance(e, Elementwise), lambda e: e.expanded())
    if len(exponentials(expanded)) != 1:
        return
    value = sp.Dummy("v")
    inverse = invert_moebius(expanded, value)
    if inverse is not None and inverse[1] == 1:
        kernel, solution = sp.exp(inverse[0]), inverse[2].xreplace({value: here})
        yield Relation(node, kernel, solution, indices)


def _exponential_of_log(formula: sp.Add, here: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """For `l = u - log(S)`: exp(u) and exp(l)*S."""
    logs = [t for t in formula.args if isinstance(t.as_coeff_Mul()[1], sp.log) and t.as_coeff_Mul()[0].is_Integer]
    rest = formula - sp.Add(*logs)
    if not logs or not rest.atoms(sp.Indexed):
        return None
    product = sp.Mul(*[t.as_coeff_Mul()[1].args[0] ** -t.as_coeff_Mul()[0] for t in logs])
    return sp.exp(rest), sp.exp(here) * product


@dataclass(frozen=True)
class Scope:
    """Where a rule is applied: the program, and the ranges of the indices of the definition at hand."""

    context: Context
    ranges: dict[sp.Symbol, sp.Expr]
