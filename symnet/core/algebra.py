"""Scalar algebra on small formulas: fewest operations, common factors, and inverting a kernel.

`best_form` chooses among a few exact rewritings the one with the fewest operations:

    p/N - y/N                     ->  (p - y)/N
    -(y*(1 - s) - (1 - y)*s)      ->  s - y
    1 - h**2                      stays as it is

`invert_moebius` solves `s = (a*F + b)/(c*F + d)` for F, a power of one exponential:

    s = 1/(1 + exp(-z))           ->  exp(-z) = (1 - s)/s
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache, reduce
from math import gcd, prod

import sympy as sp

from symnet.core.expr import Reduce, operations

SMALL = 60
MANY_TERMS = 32
FACTOR_LIMIT = 6


def manners(expr: sp.Expr) -> tuple[int, int, int]:
    """Among equally short forms: fewer minus signs, then fewer squares, then fewer leaves."""
    nodes = list(sp.preorder_traversal(expr))
    minus = sum(1 for n in nodes if n.is_Rational and n.is_negative)
    inverses = sum(1 for n in nodes if isinstance(n, sp.Pow) and n.exp == -1)
    squares = sum(1 for n in nodes if isinstance(n, sp.Pow) and n.exp.is_Integer and n.exp > 1)
    awkward = squares + sum(1 for n in nodes if isinstance(n, sp.Add) and n.args[0].is_negative)
    return minus - inverses, awkward, len(nodes)


def cheapest(forms: Iterable[sp.Expr]) -> sp.Expr:
    """The form with the fewest operations; ties go to better manners, then to a fixed order."""
    forms = list(dict.fromkeys(forms))
    for measure in (operations, manners, str):
        if len(forms) == 1:
            break
        values = [measure(form) for form in forms]
        best = min(values)
        forms = [form for form, value in zip(forms, values, strict=True) if value == best]
    return forms[0]


def better(new: sp.Expr, old: sp.Expr) -> bool:
    """Whether a form is worth the change: shorter, or as short with better manners."""
    a, b = operations(new), operations(old)
    return a < b or (a == b and manners(new)[:2] < manners(old)[:2])


def best_form(expr: sp.Expr) -> sp.Expr:
    """The cheapest of a few exact forms of a sum or product; reductions and functions inside count as atoms."""
    if not isinstance(expr, (sp.Add, sp.Mul)) or not _may_change(expr):
        return expr
    names = {a: sp.Symbol(f"a{i}", **_signs(a)) for i, a in enumerate(_atoms(expr))}
    best = _best_plain(expr.xreplace(names)).xreplace({symbol: a for a, symbol in names.items()})
    return best if better(best, expr) else expr


@lru_cache(maxsize=4096)
def _best_plain(expr: sp.Expr) -> sp.Expr:
    """The best form of a formula of plain symbols; equal shapes are worked out once."""
    return cheapest([expr, *(absorb_sign(monic(form)) for form in _forms(expr))])


def joined_powers(expr: sp.Expr) -> sp.Expr:
    """b**x * b**y = b**(x + y) also where x and y are formulas; b**x/b would divide by 0 where b**(x - 1) does not."""
    if not isinstance(expr, sp.Mul):
        return expr
    powers: dict[sp.Expr, list[sp.Expr]] = {}
    for factor in expr.args:
        base, _ = _as_power(factor)
        if not base.is_number:
            powers.setdefault(base, []).append(factor)
    again = [b for b, group in powers.items() if len(group) > 1 and any(not _as_power(f)[1].is_Rational for f in group)]
    for base in again:
        rest = [f for f in expr.args if f not in powers[base]]
        expr = sp.Mul(base ** sp.Add(*[_as_power(f)[1] for f in powers[base]]), *rest)
    return joined_powers(expr) if len(again) > 1 else expr


def _as_power(factor: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    return (factor.base, factor.exp) if isinstance(factor, sp.Pow) else (factor, sp.S.One)


def monic(expr: sp.Expr) -> sp.Expr:
    """Numbers out of denominators: 1/(2*v + 2*e) is 1/(v + e)/2, so that equal denominators look equal."""
    return expr.replace(
        lambda e: isinstance(e, sp.Pow) and e.exp.is_negative and e.base.is_Add and e.exp.is_Rational, _monic_power
    )


def _monic_power(power: sp.Pow) -> sp.Expr:
    first = next((t for t in power.base.args if not t.is_number), power.base.args[0])
    content = first.as_coeff_Mul()[0]
    if content == 1 or not content.is_Rational or content.is_negative:
        return power
    return content**power.exp * sp.Add(*[t / content for t in power.base.args]) ** power.exp


def absorb_sign(expr: sp.Expr) -> sp.Expr:
    """Signs where people put them: -(a - b)*c is (b - a)*c, and (b - a)/(s - 1) is (a - b)/(1 - s)."""
    if not isinstance(expr, sp.Mul):
        return expr
    coefficient, rest = expr.as_coeff_Mul()
    sign, factors = (-1 if coefficient.is_negative else 1), []
    for factor in sp.Mul.make_args(rest):
        base, exponent = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        if isinstance(base, sp.Add) and base.args[0].is_negative and exponent.is_odd:
            base, sign = -base, -sign
        factors.append(base**exponent)
    sums = [f for f in factors if isinstance(f, sp.Add)]
    best = max(sums, key=_minus_terms, default=None)
    if sign < 0 and best is not None and 2 * _minus_terms(best) >= len(best.args) and not best.args[0].is_positive:
        factors[factors.index(best)] = -best
        sign = 1
    return sp.Mul(sign * abs(coefficient), *factors)


def _minus_terms(expr: sp.Add) -> int:
    return sum(1 for term in expr.args if term.could_extract_minus_sign())


def _may_change(expr: sp.Expr) -> bool:
    if isinstance(expr, sp.Add):
        return True
    sums = [arg for arg in expr.args if isinstance(arg, sp.Add) or (isinstance(arg, sp.Pow) and arg.base.is_Add)]
    return bool(sums)


def _atoms(expr: sp.Expr) -> list[sp.Expr]:
    """What is opaque to algebra, outermost first: reads, reductions, functions."""
    found: dict[sp.Expr, None] = {}
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, (sp.Add, sp.Mul)) or (isinstance(node, sp.Pow) and node.exp.is_Rational):
            stack.extend(reversed(node.args))
        elif not node.is_Number:
            found[node] = None
    return list(found)


def _signs(expr: sp.Expr) -> dict[str, bool]:
    return {"positive": True} if expr.is_positive else {"real": True}


def _forms(expr: sp.Expr) -> list[sp.Expr]:
    common = common_factor(expr)
    forms = [common, with_common_factors(expr)]
    if operations(expr) > SMALL or term_count(expr) > MANY_TERMS:
        return forms
    expanded = sp.expand_mul(expr)
    forms += [expanded, common_factor(expanded), grouped(expr), grouped(expanded)]
    if any(p.exp.is_Integer and p.exp in (2, 3) for p in expr.atoms(sp.Pow) if p.base.is_Add):
        forms.append(common_factor(sp.expand(expr, power_base=False, power_exp=False, log=False)))
    if len(expr.free_symbols) <= FACTOR_LIMIT and any(p.exp.is_negative and p.base.is_Add for p in expr.atoms(sp.Pow)):
        forms += _rational_forms(expr)
    return forms


def term_count(expr: sp.Expr) -> int:
    """How many terms multiplying out would give."""
    if isinstance(expr, sp.Add):
        return sum(term_count(arg) for arg in expr.args)
    if isinstance(expr, sp.Mul):
        return prod(term_count(arg) for arg in expr.args)
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and 0 < expr.exp <= 3:
        return int(term_count(expr.base) ** expr.exp)
    return 1


def _rational_forms(expr: sp.Expr) -> list[sp.Expr]:
    try:
        forms = [sp.factor(expr), sp.cancel(expr)]
    except sp.PolynomialError:
        return []
    return [*forms, *(common_factor(f) for f in forms)]


def with_common_factors(expr: sp.Expr) -> sp.Expr:
    """Common factors taken out of every sum inside a product."""
    if isinstance(expr, sp.Mul):
        return sp.Mul(*[with_common_factors(arg) for arg in expr.args])
    if isinstance(expr, sp.Add):
        return common_factor(sp.Add(*[with_common_factors(arg) for arg in expr.args]))
    return expr


def common_factor(expr: sp.Expr) -> sp.Expr:
    """What all terms of a sum share, taken out: powers of bases, a rational content, a sign."""
    if not isinstance(expr, sp.Add):
        return expr
    split = [_powers(term) for term in expr.args]
    shared = dict(split[0][1])
    for _, powers in split[1:]:
        for base in list(shared):
            here = powers.get(base, sp.S.Zero)
            keep = _shared_power(shared[base], here)
            if keep == 0:
                del shared[base]
            else:
                shared[base] = keep
    content = _content([coefficient for coefficient, _ in split])
    if not shared:
        return expr
    factor = sp.Mul(content, *[base**exponent for base, exponent in shared.items()])
    return factor * sp.Add(*[term / factor for term in expr.args])


def grouped(expr: sp.Expr) -> sp.Expr:
    """A sum with the factor that most of its terms share taken out of those, again and again."""
    expr = common_factor(expr)
    if isinstance(expr, sp.Mul):
        return sp.Mul(*[grouped(a) if isinstance(a, sp.Add) else a for a in expr.args])
    if not isinstance(expr, sp.Add) or len(expr.args) < 3:
        return expr
    split = [(term, _powers(term)[1]) for term in expr.args]
    counts = Counter((base, exponent > 0) for _, powers in split for base, exponent in powers.items())
    most = max(counts.values(), default=0)
    if most < 2:
        return expr
    base, up = min((b for b, c in counts.items() if c == most), key=str)
    inside = [term for term, powers in split if base in powers and (powers[base] > 0) == up]
    rest = [term for term in expr.args if term not in inside]
    return grouped(sp.Add(*inside)) + grouped(sp.Add(*rest))


def _powers(term: sp.Expr) -> tuple[sp.Rational, dict[sp.Expr, sp.Expr]]:
    coefficient, rest = term.as_coeff_Mul()
    powers: dict[sp.Expr, sp.Expr] = {}
    for factor in sp.Mul.make_args(rest):
        base, exponent = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        if not exponent.is_Rational:
            base, exponent = factor, sp.S.One
        powers[base] = powers.get(base, sp.S.Zero) + exponent
    powers.pop(sp.S.One, None)
    return coefficient, powers


def _shared_power(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    if a.is_positive and b.is_positive:
        return min(a, b)
    if a.is_negative and b.is_negative:
        return max(a, b)
    return sp.S.Zero


def _content(coefficients: list[sp.Rational]) -> sp.Rational:
    if not all(c.is_Rational for c in coefficients):
        return sp.S.One
    top = reduce(gcd, (abs(int(c.p)) for c in coefficients))
    bottom = reduce(gcd, (int(c.q) for c in coefficients))
    sign = -1 if all(c < 0 for c in coefficients) else 1
    return sp.Rational(sign * top, bottom) if (top, bottom) != (0, 0) else sp.S.One


def exponentials(expr: sp.Expr) -> set[sp.Expr]:
    """The arguments of exponentials, with signs and integer factors taken off: u for exp(u), exp(-u), exp(2u)."""
    return {
        _direction(e.args[0])[0] for e in expr.atoms(sp.exp) if e.args[0].free_symbols or e.args[0].atoms(sp.Indexed)
    }


def _direction(argument: sp.Expr) -> tuple[sp.Expr, sp.Integer]:
    coefficient, rest = argument.as_coeff_Mul()
    if coefficient.is_Integer:
        return (rest, coefficient) if not rest.could_extract_minus_sign() else (-rest, -coefficient)
    return (argument, sp.S.One) if not argument.could_extract_minus_sign() else (-argument, -sp.S.One)


def in_kernel(expr: sp.Expr, argument: sp.Expr, kernel: sp.Symbol) -> sp.Expr:
    """`expr` with exp(c*argument) written as kernel**c."""
    swap = {}
    for e in expr.atoms(sp.exp):
        rest, count = _direction(e.args[0])
        if rest == argument:
            swap[e] = kernel**count
    return expr.xreplace(swap)


def invert_moebius(body: sp.Expr, value: sp.Symbol) -> tuple[sp.Expr, int, sp.Expr] | None:
    """For a body that is a Moebius function of F = exp(u)**q: (u, q, F in terms of the value); else None."""
    arguments = exponentials(body)
    if len(arguments) != 1:
        return None
    argument = arguments.pop()
    kernel = sp.Dummy("E", positive=True)
    rational = sp.together(in_kernel(body, argument, kernel))
    top, bottom = sp.fraction(rational)
    if not (top.is_polynomial(kernel) and bottom.is_polynomial(kernel)) or rational.free_symbols != {kernel}:
        return None
    above, below = sp.Poly(top, kernel), sp.Poly(bottom, kernel)
    degrees = [m[0] for m in (*above.monoms(), *below.monoms())]
    q = reduce(gcd, degrees)
    if q == 0 or max(degrees) != q or rational.atoms(Reduce):
        return None
    a, b = above.coeff_monomial(kernel**q), above.coeff_monomial(1)
    c, d = below.coeff_monomial(kernel**q), below.coeff_monomial(1)
    if c == 0:
        return None
    return argument, q, (d * value - b) / (a - c * value)
