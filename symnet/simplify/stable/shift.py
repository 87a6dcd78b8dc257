"""Formulas that read sums of exponentials, rewritten by the scaled sums of `families`.

log(S) - u            ->  log(T) - (u - m)
exp(u)/S              ->  e/T              e = exp(u - m)
exp(v)/S              ->  exp(v - m)/T
exp(u - log(S))       ->  the quotient above
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Node, read_nodes
from symnet.core.expr import Bracket, Reduce
from symnet.simplify.match import match
from symnet.simplify.stable.book import Book, is_bit
from symnet.simplify.stable.families import Family, find_family
from symnet.simplify.stable.heads import Sigmoid, is_gate, less
from symnet.simplify.stable.logarithms import split_log
from symnet.simplify.stable.scalar import stable_scalar


@dataclass
class Sums:
    """The sums of exponentials of a program, and which products are known to be one term's share of one."""

    book: Book
    families: dict[Node, Family] = field(default_factory=dict)
    shares: dict[sp.Expr, sp.Expr] = field(default_factory=dict)
    shares_by: dict[Node, list[sp.Expr]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inverted = {node for d in self.book.program.definitions.values() for node in _inverted(d.formula)}
        for node, definition in self.book.program.definitions.items():
            formula = definition.formula
            if not isinstance(formula, Reduce) or formula.op != "sum" or not self._may_be(formula.body):
                continue
            body, bound = formula.open()
            body = self.exponentials_of(body)
            family = find_family(self.book, node, definition.indices, body, bound, node in inverted)
            if family is not None:
                self.families[node] = family

    def remember(self, share: sp.Expr, family: Family, read: sp.Expr) -> None:
        """A product is one term's share of the sum that is read."""
        if share not in self.shares:
            self.shares[share] = read
            self.shares_by.setdefault(family.inverse().args[0].node, []).append(share)

    def _may_be(self, body: sp.Expr) -> bool:
        return bool(body.atoms(sp.exp)) or any(self._is_exponential(node) for node in read_nodes(body))

    def _is_exponential(self, node: Node) -> bool:
        """Whether a tensor is defined as an exponential, up to factors that are no quotients."""
        definition = self.book.program.definitions.get(node)
        if definition is None or isinstance(definition.formula, Reduce):
            return False
        factors = sp.Mul.make_args(definition.formula)
        return any(isinstance(f, sp.exp) for f in factors) and not any(isinstance(f, sp.Pow) for f in factors)

    def exponentials_of(self, product: sp.Expr) -> sp.Expr:
        """A product with its factors that are defined as exponentials written out."""
        factors = []
        for factor in sp.Mul.make_args(product):
            named = isinstance(factor, sp.Indexed) and self._is_exponential(factor.args[0].node)
            factors.append(self.book.formula_at(factor) if named else factor)
        return sp.Mul(*factors)

    def of(self, expr: sp.Expr) -> Family | None:
        return self.families.get(expr.args[0].node) if isinstance(expr, sp.Indexed) else None

    def positive(self, expr: sp.Expr) -> Family | None:
        """The family of a sum that is sure to have a logarithm."""
        family = self.of(expr)
        return family if family is not None and family.positive else None

    def is_log(self, node: Node) -> bool:
        """Whether a tensor is defined as a sum in which the logarithm of a sum of exponentials is a term."""
        definition = self.book.program.definitions.get(node)
        return definition is not None and any(
            isinstance(log, sp.log) and self.positive(log.args[0]) is not None
            for log in (term.as_coeff_Mul()[1] for term in sp.Add.make_args(definition.formula))
        )


def _inverted(formula: sp.Expr) -> list[Node]:
    """The tensors whose size matters: what is divided by, or stands in a logarithm."""
    powers = [p.base for p in formula.atoms(sp.Pow) if p.exp.is_negative]
    found = [*powers, *(log.args[0] for log in formula.atoms(sp.log))]
    return [node for expr in found for node in read_nodes(expr)]


# -- logarithms


def log_apart(expr: sp.Expr, sums: Sums) -> sp.Expr:
    """The logarithm of a product with sums of exponentials, or of a tensor that is such a product by its definition."""
    inner = expr.args[0]
    if isinstance(inner, sp.Indexed):
        written = sums.book.formula_at(inner) if sums.of(inner) is None else None
        if written is None or isinstance(written, Reduce):
            return expr
        written = stable_scalar(written)
        return stable_scalar(split_log(sp.log(written, evaluate=False), lambda f: _log_of_factor(f, sums)))
    if not isinstance(inner, (sp.Mul, sp.Pow)):
        return expr
    return split_log(expr, lambda factor: _log_of_factor(factor, sums))


def _log_of_factor(factor: sp.Expr, sums: Sums) -> sp.Expr | None:
    base, count = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
    if isinstance(factor, sp.exp):
        return factor.args[0]
    if isinstance(base, Sigmoid):
        return count * sp.log(base)
    return count * sp.log(base) if count.is_Integer and sums.positive(base) is not None else None


def logs_in_sum(expr: sp.Expr, sums: Sums) -> sp.Expr:
    """Every c*log(S) of a sum by m and T; where -c*u stands beside it, u - m is taken first."""
    terms = list(sp.Add.make_args(expr))
    done: list[sp.Expr] = []
    for term in tuple(terms):
        found = _log_factor(term, sums)
        if found is None:
            continue
        read, family, scale = found
        terms.remove(term)
        partner = _partner(terms, read, family, -scale)
        if partner is None:
            done.append(scale * family.at(read, family.log()))
            continue
        terms = [t for t in terms if t not in partner]
        exponent = sp.Add(*[sp.expand_mul(part / -scale) for part in partner])
        done.append(-scale * family.gap(exponent, read))
        done.append(scale * family.at(read, family.log_scaled()))
    return sp.Add(*terms, *done) if done else expr


def named_logs(expr: sp.Add, sums: Sums) -> sp.Expr:
    """l defined as log(S): written out in a sum that holds an exponent of S as well, for the two nearly cancel."""
    for term in expr.args:
        for factor in sp.Mul.make_args(term):
            if not isinstance(factor, sp.Indexed) or not sums.is_log(factor.args[0].node):
                continue
            log = sums.book.formula_at(factor)
            if not isinstance(log, sp.log):
                continue
            family = sums.positive(log.args[0])
            rest = [t for t in expr.args if t is not term]
            if family is not None and _partner(rest, log.args[0], family, -term / factor) is not None:
                expr = sp.Add(*rest, log * (term / factor))
    return expr


def _log_factor(term: sp.Expr, sums: Sums) -> tuple[sp.Expr, Family, sp.Expr] | None:
    """(S, its family, c) for a term c*log(S)."""
    factors = sp.Mul.make_args(term)
    for factor in factors:
        family = sums.positive(factor.args[0]) if isinstance(factor, sp.log) else None
        if family is not None:
            return factor.args[0], family, sp.Mul(*[f for f in factors if f is not factor])
    return None


def _partner(terms: list[sp.Expr], read: sp.Expr, family: Family, scale: sp.Expr) -> list[sp.Expr] | None:
    """Terms that make up scale*u, for one of the exponents u of the sum."""
    if scale.atoms(Bracket, sp.KroneckerDelta):
        return None
    wanted = sp.Add.make_args(family.at(read, family.exponent))
    bare = {sp.expand_mul(term / scale): term for term in terms}
    for pattern in wanted:
        for candidate in bare:
            binding = match(pattern, candidate, family.symbols)
            whole = [] if binding is None else [part.xreplace(binding) for part in wanted]
            if whole and all(part in bare for part in whole):
                return [bare[part] for part in whole]
    return None


# -- quotients


def exponential_of_log(expr: sp.Expr, sums: Sums) -> sp.Expr:
    """exp(l + ...) with l defined as u - log(S): exp(u)/S * ..."""
    terms = sp.Add.make_args(expr.args[0])
    written = []
    for term in terms:
        count, inner = term.as_coeff_Mul()
        named = count.is_Integer and isinstance(inner, sp.Indexed) and sums.is_log(inner.args[0].node)
        written.append(sp.expand_mul(count * sums.book.formula_at(inner)) if named else term)
    return sp.exp(sp.Add(*written))


@dataclass(frozen=True)
class Place:
    """Where a formula is evaluated: its indices with those it sums over, and whether it sums."""

    space: frozenset[sp.Symbol]
    pointwise: bool


def quotient(expr: sp.Mul, sums: Sums, place: Place) -> sp.Expr:
    """Exponentials and sums of them over such sums: all of them scaled."""
    if not any(isinstance(f, sp.Pow) and f.exp.is_negative and sums.positive(f.base) for f in expr.args):
        return expr
    factors: list[sp.Expr] = []
    powers: list[tuple[sp.Expr, Family, sp.Expr]] = []
    for factor in sp.Mul.make_args(sums.exponentials_of(expr)):
        base, count = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        family = sums.of(base) if count.is_Integer else None
        if family is not None and (count > 0 or family.positive):
            powers.append((base, family, count))
        else:
            factors.append(factor)
    kernel = next((f for f in factors if isinstance(f, sp.exp)), None)
    if kernel is None and all(count < 0 for _, _, count in powers):
        return expr
    rest = guarded([f for f in factors if f is not kernel])
    scaled = [_scaled(read, family, count) for read, family, count in powers]
    exponent = sp.S.Zero if kernel is None else kernel.args[0]
    shift = sp.Add(*[count * family.at(read, family.largest()) for read, family, count in powers])
    for read, family, count in powers if kernel is not None else ():
        binding = family.places_of(read, exponent) if count < 0 else None
        if binding is not None:
            value, rest = _entry(exponent, read, family, binding, rest, place)
            if shift == -family.at(read, family.largest()):
                if family.plain and len(powers) == 1:
                    sums.remember(sp.Mul(value, *scaled), family, read)
                return sp.Mul(*rest, *scaled, value)
    return sp.Mul(*rest, *scaled, _shifted(exponent, -shift))


def _scaled(read: sp.Expr, family: Family, count: sp.Expr) -> sp.Expr:
    return family.at(read, family.scaled_total() if count > 0 else family.inverse()) ** abs(count)


def _shifted(exponent: sp.Expr, shift: sp.Expr) -> sp.Expr:
    return sp.exp(-shift if exponent == 0 else less(exponent, shift))


def _entry(
    exponent: sp.Expr,
    read: sp.Expr,
    family: Family,
    binding: dict[sp.Symbol, sp.Expr],
    rest: list[sp.Expr],
    place: Place,
) -> tuple[sp.Expr, list[sp.Expr]]:
    """exp(u - m) for one exponent u of a sum, and what is left of the other factors."""
    gates = [family.at(read, gate).xreplace(binding) for gate in family.gates]
    places = [family.at(read, i).xreplace(binding) for i in family.entry_indices]
    if set(gates) <= set(rest) and _stored(places, place):
        return family.entry().read(*places), [f for f in rest if f not in gates]
    weight = family.at(read, family.weight).xreplace(binding)
    if family.hides and set(sp.Mul.make_args(weight)) <= set(rest):
        rest = [*rest, Bracket(weight > 0)]
    return sp.exp(family.gap(exponent, read)), rest


def _stored(places: list[sp.Expr], place: Place) -> bool:
    """Whether an entry is worth a tensor: it is read as it stands, or by many."""
    plain = all(p.is_Symbol for p in places) and len(set(places)) == len(places)
    return plain and (place.pointwise or len(places) < len(place.space))


def guarded(factors: list[sp.Expr]) -> list[sp.Expr]:
    """Bits as gates: what they hide may overflow."""
    return [Bracket(f > 0) if is_bit(f) and not is_gate(f) else f for f in factors]
