"""From a program in normal form to one whose every definition is a loop nest or a product of two matrices.

    x @ (p - y)                 the factor p - y gets a definition of its own, shared by all products that need it
    Sum_k W[i,k]*p[n,k] - W[i,t[n]]      the gather joins the sum: Sum_k W[i,k]*(p[n,k] - delta(k,t[n]))
    [z > 0] beside h = relu(z)  becomes [h > 0], so that z need not be kept
    exp(z - m) in two formulas  is computed once
    Sum_k (A*B + C*D)           becomes two sums, each a product
    c * Sum_k A*B               the factor c goes with the product

Each pass takes a program and gives one that computes the same; none needs another to have run before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Definition, Node, Program, read_nodes
from symnet.core.expr import Bound, Bracket, Reduce, by_text
from symnet.core.graph import definition_order
from symnet.core.index import bounds, nonnegative
from symnet.core.normal import is_index_guard
from symnet.schedule.gathers import gathers_joined, picks_written_out, written_in
from symnet.schedule.native import expand_foreign, is_call


def prepare(program: Program) -> Program:
    """All passes, in an order that lets each see what the one before laid open."""
    program = each_formula(program, expand_foreign)
    program = gathers_joined(program)
    program = picks_written_out(program)
    program = gates_from_outputs(program)
    program = sums_split(program)
    program = factors_named(program)
    program = extremes_named(program)
    program = calls_shared(program)
    program = twins_shared(program)
    return definition_order(dict(program.definitions), program.outputs)


def each_formula(program: Program, rewrite: object) -> Program:
    """The same rewriting of each formula."""
    assert callable(rewrite)
    changed = {n: Definition(d.indices, rewrite(d.formula)) for n, d in program.definitions.items()}
    return Program(program.outputs, changed)


@dataclass
class Names:
    """Anonymous definitions made on the way; those with equal formulas are one."""

    definitions: dict[Node, Definition]
    shared: dict[tuple[object, ...], Node] = field(default_factory=dict)
    made: dict[Node, Definition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node, definition in self.definitions.items():
            self.shared.setdefault(self.key(definition.indices, node.shape, definition.formula), node)

    @staticmethod
    def key(indices: Iterable[sp.Symbol], shape: Iterable[sp.Expr], formula: sp.Expr) -> tuple[object, ...]:
        names = {i: sp.Symbol(f"#{a}", integer=True) for a, i in enumerate(indices)}
        return (tuple(shape), formula.xreplace(names))

    def read(self, formula: sp.Expr, extents: Mapping[sp.Symbol, sp.Expr], name: str = "s") -> sp.Expr:
        """A read of the tensor that holds this formula, over its free indices in their natural order."""
        held = natural_order(formula, extents)
        shape = tuple(extents[i] for i in held)
        key = self.key(held, shape, formula)
        if key not in self.shared:
            node = Node(name, shape, auto=True, anonymous=True)
            self.shared[key] = node
            self.made[node] = Definition(held, formula)
        return self.shared[key].read(*held)


def natural_order(formula: sp.Expr, extents: Mapping[sp.Symbol, sp.Expr]) -> tuple[sp.Symbol, ...]:
    """The free indices in the order of the widest read, then as others add them."""
    free = formula.free_symbols
    order: dict[sp.Symbol, None] = {}
    for read in sorted(by_text(formula.atoms(sp.Indexed)), key=lambda r: (-len(r.indices), r.args[0].node.serial)):
        for place in read.indices:
            order.update(dict.fromkeys(by_text(s for s in place.free_symbols if s in extents)))
    order.update(dict.fromkeys(by_text(s for s in free if s in extents)))
    return tuple(i for i in order if i in free)


def scope(node: Node, definition: Definition) -> dict[sp.Symbol, sp.Expr]:
    return dict(zip(definition.indices, node.shape, strict=True))


# -- gates


def gates_from_outputs(program: Program) -> Program:
    """`[z > 0]` where `h := relu(z)` is kept anyway: the sign of h is that of z."""
    signs = {}
    for node, definition in program.definitions.items():
        inner = same_sign(definition.formula)
        if inner is not None and tuple(inner.indices) == definition.indices:
            signs[inner.args[0].node] = node
    if not signs:
        return program

    def gate(bracket: sp.Expr) -> sp.Expr:
        sign, left, right = bracket.args
        node = left.args[0].node if isinstance(left, sp.Indexed) else None
        if right != 0 or sign.name not in (">", "<=") or node not in signs:
            return bracket
        return Bracket(sign, signs[node].read(*left.indices), right)

    result = {}
    for node, definition in program.definitions.items():
        formula = definition.formula
        if same_sign(formula) is None:
            brackets = [b for b in formula.atoms(Bracket) if len(b.args) == 3]
            formula = formula.xreplace({b: gate(b) for b in brackets})
        result[node] = Definition(definition.indices, formula)
    return Program(program.outputs, result)


def same_sign(formula: sp.Expr) -> sp.Indexed | None:
    """The z of `[z > 0]*z + c*[z <= 0]*z` with c >= 0: what has its sign, and is 0 or below where z is."""
    found: sp.Indexed | None = None
    above = False
    for term in sp.Add.make_args(formula):
        factors = sp.Mul.make_args(term)
        gates = [f for f in factors if isinstance(f, Bracket) and len(f.args) == 3 and f.args[2] == 0]
        values = [f for f in factors if isinstance(f, sp.Indexed)]
        rest = [f for f in factors if f not in gates and f not in values]
        if len(gates) != 1 or len(values) != 1 or gates[0].args[1] != values[0]:
            return None
        sign = gates[0].args[0].name
        if sign not in (">", ">=", "<", "<=") or (sign[0] == ">" and any(not f.is_positive for f in rest)):
            return None
        above = above or sign[0] == ">"
        if any(not f.is_number or not f.is_nonnegative for f in rest) or found not in (None, values[0]):
            return None
        found = values[0]
    return found if above else None


# -- sums


def sums_split(program: Program) -> Program:
    """A sum of products of different make, taken apart so that each can be a matrix product."""
    definitions = dict(program.definitions)
    for node, definition in program.definitions.items():
        formula = definition.formula
        if not isinstance(formula, Reduce) or formula.op != "sum" or not isinstance(formula.body, sp.Add):
            continue
        body, bound = formula.open()
        if not any(len(operands(term, definition.indices, bound)) == 2 for term in body.args):
            continue
        names = Names({})
        extents = {**scope(node, definition), **dict(bound)}
        parts = [names.read(Reduce("sum", term, bound), extents) for term in body.args]
        definitions.update(names.made)
        definitions[node] = Definition(definition.indices, sp.Add(*parts))
    return definition_order(definitions, program.outputs)


def operands(body: sp.Expr, free: Iterable[sp.Symbol], bound: Iterable[Bound]) -> list[list[sp.Expr]]:
    """The factors of a summed product in groups that share free indices; two groups make a matrix product."""
    free, summed = set(free), {b for b, _ in bound}
    factors = [f for f in sp.Mul.make_args(body) if f.free_symbols & (free | summed)]
    common = set.intersection(*[f.free_symbols & free for f in factors]) if factors else set()
    groups: list[tuple[set[sp.Symbol], list[sp.Expr]]] = []
    for factor in factors:
        own = factor.free_symbols & free - common
        near = [g for g in groups if g[0] & own]
        merged = (own.union(*(g[0] for g in near)), [*(f for g in near for f in g[1]), factor])
        groups = [g for g in groups if g not in near] + [merged]
    lonely = [g for g in groups if not g[0]]
    if len(groups) - len(lonely) >= 2 or len(lonely) > 1:
        groups = _settled(groups, lonely)
    return [parts for _, parts in groups]


def _settled(
    groups: list[tuple[set[sp.Symbol], list[sp.Expr]]], lonely: list[tuple[set[sp.Symbol], list[sp.Expr]]]
) -> list[tuple[set[sp.Symbol], list[sp.Expr]]]:
    """Factors of bound indices only go with one another, or into the smallest operand where there are two."""
    rest = [g for g in groups if g not in lonely]
    spare = [f for _, parts in lonely for f in parts]
    if len(rest) < 2:
        return [*rest, (set(), spare)]
    smallest = min(range(len(rest)), key=lambda a: len(set().union(*(f.free_symbols for f in rest[a][1]))))
    return [(own, [*parts, *spare] if a == smallest else parts) for a, (own, parts) in enumerate(rest)]


def factors_named(program: Program) -> Program:
    """Operands of matrix products that are no plain reads, as definitions of their own."""
    names = Names(dict(program.definitions))
    result = {}
    for node, definition in program.definitions.items():
        formula = definition.formula
        if isinstance(formula, Reduce) and formula.op == "sum":
            body, bound = formula.open()
            groups = operands(body, definition.indices, bound)
            if is_product(groups, definition.indices, bound) and keeps_zeros(groups):
                extents = {**scope(node, definition), **dict(bound)}
                rest = [f for f in sp.Mul.make_args(body) if not any(f in g for g in groups)]
                read = [operand_read(g, names, extents) for g in guarded(groups, extents)]
                formula = Reduce("sum", sp.Mul(*rest, *read), bound)
        result[node] = Definition(definition.indices, formula)
    return definition_order({**result, **names.made}, program.outputs)


def guarded(groups: list[list[sp.Expr]], extents: Mapping[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    """The operands as products, each with the brackets that it must not be without.

    A guard of indices keeps reads in range, a bracket of values keeps out what is not finite: both go into the other
    operand as well where that one needs them.
    """
    gates = [f for g in groups for f in g if isinstance(f, (Bracket, sp.KroneckerDelta))]
    result = []
    for group in groups:
        product = sp.Mul(*group)
        if in_range(product, extents) and not may_be_infinite(product):
            result.append(product)
            continue
        missing = [g for g in gates if g not in group and _concerns(g, product)]
        result.append(sp.Mul(product, *missing))
    return result


def _concerns(gate: sp.Expr, product: sp.Expr) -> bool:
    if is_index_guard(gate):
        return bool(gate.free_symbols & product.free_symbols)
    return bool(gate.free_symbols <= product.free_symbols)


def keeps_zeros(groups: list[list[sp.Expr]]) -> bool:
    """Whether a bracket's zero survives the product: no other operand is infinite where the bracket is zero."""
    for group in groups:
        product = sp.Mul(*group)
        others = [f for g in groups if g is not group for f in g if isinstance(f, Bracket) and f.atoms(sp.Indexed)]
        if may_be_infinite(product) and any(not f.free_symbols <= product.free_symbols for f in others):
            return False
    return True


def may_be_infinite(expr: sp.Expr) -> bool:
    """Whether a formula may be NaN or infinite at finite values: logarithms, quotients and roots."""
    powers = any(not p.exp.is_nonnegative or not p.exp.is_integer for p in expr.atoms(sp.Pow) if p.base != sp.S.Exp1)
    return powers or any(isinstance(c, sp.log) or type(c).__name__ == "log1p" for c in expr.atoms(sp.Function))


def in_range(expr: sp.Expr, extents: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether every read lies inside its tensor for all indices."""
    for read in expr.atoms(sp.Indexed):
        for place, size in zip(read.indices, read.args[0].node.shape, strict=True):
            box = None if place.atoms(sp.Indexed) else bounds(place, extents)
            if box is None:
                continue
            if nonnegative(box[0]) is not True or nonnegative(size - 1 - box[1]) is not True:
                return False
    return True


def is_product(groups: list[list[sp.Expr]], free: Iterable[sp.Symbol], bound: Iterable[Bound]) -> bool:
    """Two operands, both of which are summed over, that do not range over the same indices; and nothing to scatter."""
    if len(groups) != 2 or any(scatters(f, free) for group in groups for f in group):
        return False
    summed, free = {b for b, _ in bound}, set(free)
    held = [set().union(*(f.free_symbols for f in group)) for group in groups]
    shared = held[0] & held[1] & free
    own = [h & free - shared for h in held]
    return all(summed <= h for h in held) and (all(own) or (any(own) and not shared))


def scatters(factor: sp.Expr, free: Iterable[sp.Symbol]) -> bool:
    """A delta between an index of the result and a label: what it multiplies is added up at that label."""
    if not isinstance(factor, sp.KroneckerDelta):
        return False
    return any(a in set(free) and b.atoms(sp.Indexed) for a, b in (factor.args, factor.args[::-1]))


def operand_read(operand: sp.Expr, names: Names, extents: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """A plain read as it is; anything else by the name of its own definition."""
    if isinstance(operand, sp.Indexed) and is_plain(operand, extents):
        return operand
    return names.read(operand, extents)


def is_plain(read: sp.Indexed, extents: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether each place is an index of its own, from 0 to the end, or a constant."""
    running = [place for place in read.indices if place.free_symbols & set(extents)]
    sizes = dict(zip(read.indices, read.args[0].node.shape, strict=True))
    return len(set(running)) == len(running) and all(p in extents and extents[p] == sizes[p] for p in running)


# -- extremes


def extremes_named(program: Program) -> Program:
    """`Max_k body` and `[body == m]`: the body gets a name, so that both see the same number to the last bit."""
    names = Names(dict(program.definitions))
    wanted: set[tuple[object, ...]] = set()
    result = dict(program.definitions)
    for node, definition in program.definitions.items():
        formula = definition.formula
        if not isinstance(formula, Reduce) or formula.op not in ("max", "min"):
            continue
        body, bound = formula.open()
        extents = {**scope(node, definition), **dict(bound)}
        if isinstance(body, sp.Indexed) or not in_range(body, extents):
            continue
        wanted.add(_key(body, extents))
        read = names.read(body, extents)
        result[node] = Definition(definition.indices, Reduce(formula.op, read, bound))
    if not wanted:
        return program
    for node, definition in result.items():
        result[node] = _with_extremes(node, definition, wanted, names)
    return definition_order({**result, **names.made}, program.outputs)


def _with_extremes(node: Node, definition: Definition, wanted: set[tuple[object, ...]], names: Names) -> Definition:
    """A definition with the named bodies in its equations."""
    formula = definition.formula
    extents = scope(node, definition)
    body, bound = formula.open() if isinstance(formula, Reduce) else (formula, ())
    extents |= dict(bound)
    equations = [b for b in body.atoms(Bracket) if len(b.args) == 3 and b.args[0].name in ("==", "!=")]
    found = {}
    for bracket in equations:
        sides = [names.read(s, extents) if _key(s, extents) in wanted else s for s in bracket.args[1:]]
        found[bracket] = Bracket(bracket.args[0], *sides)
    written = body.xreplace(found) if found else body
    return Definition(definition.indices, Reduce(formula.op, written, bound) if bound else written)


def _key(expr: sp.Expr, extents: Mapping[sp.Symbol, sp.Expr]) -> tuple[object, ...]:
    held = natural_order(expr, extents)
    return Names.key(held, [extents[i] for i in held], expr)


# -- calls


def calls_shared(program: Program) -> Program:
    """Function calls that stand in several definitions, computed once."""
    seen: Counter[tuple[object, ...]] = Counter()
    for node, definition in program.definitions.items():
        seen.update({key for key, _ in _calls(node, definition)})
    wanted = {key for key, count in seen.items() if count > 1}
    if not wanted:
        return program
    names = Names(dict(program.definitions))
    result = {}
    for node, definition in program.definitions.items():
        result[node] = _with_calls(node, definition, wanted, names)
    return definition_order({**result, **names.made}, program.outputs)


def _calls(node: Node, definition: Definition) -> list[tuple[tuple[object, ...], sp.Expr]]:
    """The outermost calls that read tensors, each with a key that does not depend on names of indices."""
    formula = definition.formula
    extents = scope(node, definition)
    if isinstance(formula, Reduce):
        formula, bound = formula.open()
        extents |= dict(bound)
    calls = [c for c in formula.atoms(sp.Function, sp.exp, sp.Pow) if is_call(c) and c.atoms(sp.Indexed)]
    calls = [c for c in calls if in_range(c, extents)]  # what a guard keeps from reading outside stays behind it
    calls = [c for c in calls if c != formula or isinstance(definition.formula, Reduce)]
    result = []
    for call in by_text(calls):
        held = natural_order(call, extents)
        result.append((Names.key(held, [extents[i] for i in held], call), call))
    return result


def _with_calls(node: Node, definition: Definition, wanted: set[tuple[object, ...]], names: Names) -> Definition:
    formula = definition.formula
    extents = scope(node, definition)
    if not isinstance(formula, Reduce):
        return Definition(definition.indices, _replaced(node, definition, formula, extents, wanted, names))
    body, bound = formula.open()
    opened = Definition(definition.indices, formula)
    written = _replaced(node, opened, body, {**extents, **dict(bound)}, wanted, names)
    return Definition(definition.indices, Reduce(formula.op, written, bound))


def _replaced(
    node: Node,
    definition: Definition,
    body: sp.Expr,
    extents: Mapping[sp.Symbol, sp.Expr],
    wanted: set[tuple[object, ...]],
    names: Names,
) -> sp.Expr:
    found = {}
    for call in by_text(body.atoms(sp.Function, sp.exp, sp.Pow)):
        if (
            not is_call(call)
            or not call.atoms(sp.Indexed)
            or (call == body and not isinstance(definition.formula, Reduce))
        ):
            continue
        held = natural_order(call, extents)
        if Names.key(held, [extents[i] for i in held], call) in wanted:
            found[call] = names.read(call, extents)
    largest = {c: r for c, r in found.items() if not any(c != o and o.has(c) for o in found)}
    return body.xreplace(largest) if largest else body


# -- twins


def twins_shared(program: Program) -> Program:
    """Anonymous tensors with the formula of another one, as that one."""
    known: dict[tuple[object, ...], Node] = {}
    for node, definition in program.definitions.items():
        if not node.anonymous:
            known.setdefault(Names.key(definition.indices, node.shape, definition.formula), node)
    twins: dict[Node, Node] = {}
    result: dict[Node, Definition] = {}

    def other(read: sp.Indexed) -> sp.Expr | None:
        twin = twins.get(read.args[0].node)
        return None if twin is None else twin.read(*read.indices)

    for node, definition in program.definitions.items():
        formula = written_in(definition.formula, other)
        key = Names.key(definition.indices, node.shape, formula)
        first = known.setdefault(key, node)
        if first is not node and node.anonymous and node not in program.outputs and node not in read_nodes(formula):
            twins[node] = first
        else:
            result[node] = Definition(definition.indices, formula)
    formulas = {n: Definition(d.indices, written_in(d.formula, other)) for n, d in result.items()}
    return Program(program.outputs, formulas)


def readers(program: Program) -> dict[Node, list[Node]]:
    """Who reads each tensor."""
    result: dict[Node, list[Node]] = {}
    for node, definition in program.definitions.items():
        for other in read_nodes(definition.formula):
            result.setdefault(other, []).append(node)
    return result
