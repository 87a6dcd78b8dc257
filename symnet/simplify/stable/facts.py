"""What one minus a tensor is, by its definition: `1 - h**2` where h is a tanh, `1 - p` and `p - y` of a softmax.

h := tanh(a)              1 - h**2   ->  c          c := sech2(a)
s := sigmoid(z)           s*(1 - s)  ->  s*c        c := sigmoid(-z)
p := e/T, T = 1 + R       1 - p      ->  R/T where p > 1/2, for then e is the largest term; else 1 - p
y is 0 or 1               p - y      ->  -(1 - p) where y = 1, else p
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import sympy as sp

from symnet.core.definition import Node
from symnet.core.expr import Bracket, Reduce
from symnet.simplify.stable.book import condition_of, is_bit, where
from symnet.simplify.stable.complements import Lazy, complements, known_complements, pieces
from symnet.simplify.stable.families import Family
from symnet.simplify.stable.heads import Difference, NormalCdf, Sigmoid, Softplus, is_gate
from symnet.simplify.stable.scalar import stable_scalar
from symnet.simplify.stable.shift import Sums

Share = tuple[sp.Expr, Callable[[], sp.Expr]]  # (p, what it lacks to be 1)


@dataclass
class Facts:
    """What is known of tensors and terms; filled in as definitions become stable."""

    sums: Sums
    share_of: dict[Node, sp.Expr] = field(default_factory=dict)
    scalar: dict[Node, sp.Expr | None] = field(default_factory=dict)

    def learn(self, node: Node, formula: sp.Expr) -> None:
        """Remember a tensor that is one term's share of a sum of exponentials."""
        gateless = sp.Mul(*[f for f in sp.Mul.make_args(formula) if not is_gate(f)])
        if gateless in self.sums.shares:
            self.share_of[node] = self.sums.shares[gateless]

    def formula(self, node: Node) -> sp.Expr | None:
        """The stable formula of a tensor that is a function of others, entry by entry."""
        if node not in self.scalar:
            definition = self.sums.book.definition(node)
            plain = definition is not None and not isinstance(definition.formula, Reduce)
            self.scalar[node] = stable_scalar(definition.formula) if definition is not None and plain else None
        return self.scalar[node]

    def missing(self, factor: sp.Expr) -> Share | None:
        """(p, R/T) for a share p of a sum."""
        read = self.sums.shares.get(factor)
        if isinstance(factor, sp.Indexed) and factor.args[0].node in self.share_of:
            node = factor.args[0].node
            own = self.sums.book.program[node].indices
            read = self.share_of[node].xreplace(dict(zip(own, factor.indices, strict=True)))
        if read is None:
            return None
        family = self.sums.families[read.args[0].node]
        return factor, partial(_at, family, read)

    def complements(self, factor: sp.Expr) -> Iterator[Lazy]:
        """Every (scale, value of 1 + scale*factor) that is known of a factor."""
        yield from known_complements(factor)
        share = self.missing(factor)
        if share is not None:
            yield -sp.S.One, partial(one_less, *share)
        yield from self._of_read(factor)

    def _of_read(self, factor: sp.Expr) -> Iterator[Lazy]:
        read, power = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        formula = self.formula(read.args[0].node) if isinstance(read, sp.Indexed) else None
        if formula is not None:
            for scale, value in complements(formula**power):
                yield scale, partial(self._named, read, value)

    def named_difference(self, factor: sp.Expr, bit: sp.Expr, value: sp.Expr) -> sp.Expr:
        """p - y as a tensor of its own, where products are summed: computed once, and a matrix for who multiplies."""
        definition = self.sums.book.definition(factor.args[0].node) if isinstance(factor, sp.Indexed) else None
        if definition is None or not all(p.is_Symbol for p in factor.indices) or not value.has(*factor.indices):
            return value
        rename = dict(zip(factor.indices, definition.indices, strict=True))
        if len(rename) < len(factor.indices) or not bit.free_symbols <= set(rename):
            return value
        node = self.sums.book.node("r", definition.indices, factor.args[0].node.shape, value.xreplace(rename))
        return node.read(*factor.indices)

    def _named(self, read: sp.Expr, value: sp.Expr) -> sp.Expr:
        """A tensor beside the one that is read, with another formula of the same arguments."""
        node = read.args[0].node
        definition = self.sums.book.definition(node)
        assert definition is not None
        coefficient, inner = value.as_coeff_Mul()
        other = self.sums.book.node("c", definition.indices, node.shape, inner)
        return coefficient * other.read(*read.indices)


def _at(family: Family, read: sp.Expr) -> sp.Expr:
    return family.at(read, family.missing())


def one_less(share: sp.Expr, missing: Callable[[], sp.Expr]) -> sp.Expr:
    """1 - p."""
    half = sp.Rational(1, 2)
    return Bracket(share > half) * missing() + Bracket(share <= half) * Difference(sp.S.One, share)


# -- sums with bits: p - y, softplus(z) - y*z


def less_bits(expr: sp.Add, facts: Facts, inline: bool) -> sp.Expr:
    """c*f - c*y with y 0 or 1 and f at most 1: -(1 - f) where y is 1."""
    for term in expr.args:
        for factor, scale in _pieces(term, facts):
            for other in expr.args:
                bit = -other / scale
                value = _less_bit(factor, bit, facts) if other is not term and _is_bits(bit) else None
                if value is not None:
                    value = value if inline else facts.named_difference(factor, bit, value)
                    return sp.Add(*[t for t in expr.args if t not in (term, other)], scale * value)
    return expr


def _pieces(term: sp.Expr, facts: Facts) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """Factors and the rest; a share that has no name counts as one factor."""
    yield from pieces(term)
    for factor in term.args if isinstance(term, sp.Mul) else ():
        for share in facts.sums.shares_by.get(factor.args[0].node, ()) if isinstance(factor, sp.Indexed) else ():
            if set(sp.Mul.make_args(share)) <= set(term.args):
                yield share, term / share


def _is_bits(expr: sp.Expr) -> bool:
    factors = sp.Mul.make_args(expr)
    return bool(factors) and all(is_bit(f) for f in factors)


def _less_bit(factor: sp.Expr, bit: sp.Expr, facts: Facts) -> sp.Expr | None:
    """f - y."""
    if isinstance(factor, (Sigmoid, NormalCdf)):
        return (1 - 2 * bit) * factor.func((1 - 2 * bit) * factor.args[0])
    share = facts.missing(factor)
    if share is not None and not any(is_gate(f) for f in sp.Mul.make_args(bit)):
        both, half = bit * factor, sp.Rational(1, 2)
        return -Bracket(both > half) * share[1]() + Bracket(both <= half) * Difference(factor, bit)
    if share is None and not _is_step(factor, facts):
        return None
    one = next(value for scale, value in facts.complements(factor) if scale == -1)()
    return where([condition_of(f) for f in sp.Mul.make_args(bit)], -one, factor)


def _is_step(factor: sp.Expr, facts: Facts) -> bool:
    """A tensor with values between 0 and 1."""
    return isinstance(factor, sp.Indexed) and isinstance(facts.formula(factor.args[0].node), (Sigmoid, NormalCdf))


def softplus_less_bits(expr: sp.Add) -> sp.Expr:
    """c*softplus(u) - c*y*u with y 0 or 1: the argument's sign is turned where y is 1."""
    for term in expr.args:
        for factor, scale in pieces(term):
            if not isinstance(factor, Softplus):
                continue
            for other in expr.args:
                bit = -other / (scale * factor.args[0])
                if other is not term and _is_bits(bit):
                    turned = scale * Softplus((1 - 2 * bit) * factor.args[0])
                    return sp.Add(turned, *[t for t in expr.args if t not in (term, other)])
    return expr


# -- a share and its inverse


def cancelled(expr: sp.Mul, facts: Facts) -> sp.Expr:
    """p[d]*(1 - delta(d, 0)/p[0]) multiplied out: what a share was divided by cancels under the delta."""
    for factor in expr.args:
        if not isinstance(factor, sp.Indexed) or facts.missing(factor) is None:
            continue
        node = factor.args[0].node
        for total in expr.args:
            if isinstance(total, sp.Add) and _inverses(total, node):
                terms = [_one_place(factor * term) for term in total.args]
                if not _inverses(sp.Add(*terms), node):
                    return sp.Mul(sp.Add(*terms), *[f for f in expr.args if f not in (factor, total)])
    return expr


def _inverses(expr: sp.Expr, node: Node) -> bool:
    """Whether an expression divides by entries of a tensor."""
    return any(
        p.exp.is_negative and isinstance(p.base, sp.Indexed) and p.base.args[0].node is node for p in expr.atoms(sp.Pow)
    )


def _one_place(product: sp.Expr) -> sp.Expr:
    """Under a delta its two places are one."""
    for delta in [f for f in sp.Mul.make_args(product) if isinstance(f, sp.KroneckerDelta)]:
        for old, new in (delta.args, delta.args[::-1]):
            if old.is_Symbol and not old.is_positive and not new.has(old):
                rest = sp.Mul(*[f for f in sp.Mul.make_args(product) if f != delta])
                product = delta * rest.xreplace({old: new})
                break
    return product
