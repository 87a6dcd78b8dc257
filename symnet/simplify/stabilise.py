"""The same program, accurate in floating point, whatever spelling the user chose.

    exp(x)/(1 + exp(x))       becomes   sigmoid(x)                    scalar identities: stable/rules.py
    exp(z)/Sum_j exp(z_j)     becomes   exp(z - m)/(1 + R)            sums of exponentials: stable/families.py
    1 - h**2                  becomes   sech2(a), where h = tanh(a)   facts about tensors: stable/facts.py

It runs on what is executed and never on what is shown. The tensors stay the same; only their definitions change, and
anonymous ones are added. What the user asked for beside a quotient, such as the sum itself or log(p + epsilon), stays
as typed.
"""

from __future__ import annotations

import sympy as sp

from symnet.core.definition import Definition, Node, Program, Read, canonical_key, write_out
from symnet.core.expr import Reduce
from symnet.core.graph import definition_order
from symnet.simplify.stable.book import Book
from symnet.simplify.stable.complements import complete
from symnet.simplify.stable.facts import Facts, cancelled, less_bits, softplus_less_bits
from symnet.simplify.stable.heads import Log1p, rebuilt
from symnet.simplify.stable.norms import zero_at_zero
from symnet.simplify.stable.scalar import lowered, stable_scalar
from symnet.simplify.stable.shift import Place, Sums, exponential_of_log, log_apart, logs_in_sum, named_logs, quotient

ROUNDS = 6


def stabilise(program: Program) -> Program:
    """A program in normal form with the values of this one, and fewer digits lost."""
    book = Book(one_maximum(program))
    sums = Sums(book)
    facts = Facts(sums)
    stable = {node: _definition(node, d, facts) for node, d in book.program.definitions.items()}
    for family in sums.families.values():
        family.share_entries()
    for family in sums.families.values():
        stable.update(family.define())
    made = {node: _final(d) for node, d in {**stable, **book.made}.items()}
    return definition_order(made, program.outputs)


def one_maximum(program: Program) -> Program:
    """Maxima with equal definitions read as one: a shift made by hand is then seen to be the same everywhere."""
    first: dict[tuple[object, ...], Node] = {}
    twins: dict[Node, Node] = {}
    for node, definition in program.definitions.items():
        if isinstance(definition.formula, Reduce) and definition.formula.op == "max":
            known = first.setdefault(canonical_key(node, definition), node)
            if known is not node:
                twins[node] = known
    if not twins:
        return program

    def one(read: Read) -> sp.Expr | None:
        twin = twins.get(read.args[0].node)
        return None if twin is None else twin.read(*read.indices)

    definitions = {n: Definition(d.indices, write_out(d.formula, one)) for n, d in program.definitions.items()}
    return Program(program.outputs, definitions)


def _definition(node: Node, definition: Definition, facts: Facts) -> Definition:
    formula = definition.formula
    if isinstance(formula, Reduce):
        bound = formula.bound
        place = Place(frozenset((*definition.indices, *(b for b, _ in bound))), pointwise=False)
        body = stable_formula(formula.body, facts, place)
        return definition if body == formula.body else Definition(definition.indices, Reduce(formula.op, body, bound))
    found = stable_formula(formula, facts, Place(frozenset(definition.indices), pointwise=True))
    facts.learn(node, found)
    return Definition(definition.indices, found)


def _final(definition: Definition) -> Definition:
    formula = definition.formula
    if isinstance(formula, Reduce):
        body = lowered(formula.body)
        changed = formula if body == formula.body else Reduce(formula.op, body, formula.bound)
    else:
        changed = lowered(formula)
    return definition if changed == formula else Definition(definition.indices, changed)


def stable_formula(expr: sp.Expr, facts: Facts, place: Place) -> sp.Expr:
    """A formula without reductions: the scalar rules and those that look at definitions, in turns."""
    for _ in range(ROUNDS):
        before = expr
        expr = _by_definitions(stable_scalar(expr), facts, place)
        if expr == before:
            break
    return expr


def _by_definitions(expr: sp.Expr, facts: Facts, place: Place) -> sp.Expr:
    """Logarithms and quotients from the root down, sums from the leaves up."""
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    opened = _opened(expr, facts.sums, place)
    if opened != expr:
        return _by_definitions(opened, facts, place)
    expr = rebuilt(expr, lambda arg: _by_definitions(arg, facts, place))
    if isinstance(expr, sp.Add):
        return _sum(expr, facts, place)
    if isinstance(expr, Log1p):
        total = sp.Add(1, expr.args[0])
        whole = complete(total, facts.complements) if isinstance(total, sp.Add) else total
        return expr if whole == total else sp.log(whole)
    if isinstance(expr, sp.Mul):
        expr = cancelled(expr, facts)
    return zero_at_zero(expr, facts.sums.book) if isinstance(expr, sp.Mul) else expr


def _opened(expr: sp.Expr, sums: Sums, place: Place) -> sp.Expr:
    if isinstance(expr, sp.log):
        return log_apart(expr, sums) if sums.positive(expr.args[0]) is None else logs_in_sum(expr, sums)
    if isinstance(expr, sp.exp):
        return exponential_of_log(expr, sums)
    if isinstance(expr, sp.Add):
        apart = named_logs(expr, sums)
        if apart.atoms(sp.log):
            apart = sp.Add(*[_log_term(term, sums) for term in apart.args])
        return logs_in_sum(apart, sums)
    if isinstance(expr, sp.Mul):
        opened = sp.Mul(*[exponential_of_log(f, sums) if isinstance(f, sp.exp) else f for f in expr.args])
        return quotient(opened, sums, place) if isinstance(opened, sp.Mul) else opened
    return expr


def _log_term(term: sp.Expr, sums: Sums) -> sp.Expr:
    """c*log(..) with the logarithm taken apart."""
    factors = sp.Mul.make_args(term)
    log = next((f for f in factors if isinstance(f, sp.log)), None)
    if log is None or sums.positive(log.args[0]) is not None:
        return term
    apart = log_apart(log, sums)
    rest = sp.Mul(*[f for f in factors if f is not log])
    return term if apart == log else sp.expand_mul(rest * apart) if rest.is_number else rest * apart


def _sum(expr: sp.Add, facts: Facts, place: Place) -> sp.Expr:
    found = complete(expr, facts.complements)
    if isinstance(found, sp.Add):
        found = less_bits(found, facts, place.pointwise)
    return softplus_less_bits(found) if isinstance(found, sp.Add) else found
