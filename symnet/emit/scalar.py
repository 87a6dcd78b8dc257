"""Formulas as Python text that Numba compiles to what is meant: every constant typed, brackets as branches.

A kernel's numbers are of one type, `real`; float32 times a bare 2.0 would be float64, so constants are wrapped. A
scalar of the whole program (a loss, a learning rate) is float64, and so is the arithmetic that makes it.

A bracket is a strong zero, hence a branch: `[x > 0]*y` is `(0 if x <= 0 else y)`. The comparison is turned around so
that a NaN goes on into the result and is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy as sp
from sympy.core.symbol import Str
from sympy.logic.boolalg import Boolean

from symnet.core.definition import Node
from symnet.core.expr import Bracket, by_text
from symnet.schedule.native import NATIVE

TURNED = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
RELATIONS = {
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: ">=",
    sp.StrictLessThan: "<",
    sp.LessThan: "<=",
    sp.Equality: "==",
    sp.Unequality: "!=",
}
# typed constants that stand at the head of every module
COMMON = {"0.0": "zero", "1.0": "one", "0.5": "half", "2.0": "two"}
WIDE = {
    "sigmoid": "1.0 / (1.0 + math.exp(-{0}))",
    "softplus": "(max({0}, 0.0) + math.log1p(math.exp(-abs({0}))))",
    "log_sigmoid": "(min({0}, 0.0) - math.log1p(math.exp(-abs({0}))))",
    "log_cosh": "math.log1p(2.0 * math.sinh({0} / 2.0)**2) if abs({0}) < 1.0 else "
    "(abs({0}) + math.log1p(math.exp(-2.0 * abs({0}))) - 0.6931471805599453)",
    "sech2": "1.0 / math.cosh({0})**2",
    "normal_cdf": "0.5 * math.erfc({0} * -0.7071067811865476)",
}


@dataclass(frozen=True)
class Scalars:
    """Prints formulas. `read` gives the text of a read, `symbol` that of an index or a size.

    `double` tells that the arithmetic is float64 though the kernel's type is not.
    """

    read: Callable[[sp.Indexed, bool], str]
    symbol: Callable[[sp.Symbol], str]
    double: bool
    used: set[str]
    bare: bool = True  # whether constants may stand as they are, because the arithmetic is float64

    # -- numbers

    def real(self, expr: sp.Expr) -> str:
        """A formula as a number of the kernel's type."""
        if isinstance(expr, sp.Indexed):
            text = self.read(expr, self.double)
            return self.cast(text) if is_whole(expr) else text
        if expr.is_number and not expr.atoms(sp.Function):
            return self.constant(expr)
        if is_whole(expr):
            return self.cast(self.whole(expr))
        if isinstance(expr, sp.Add):
            return self._sum(expr)
        if isinstance(expr, sp.Mul):
            return self._product(expr)
        if isinstance(expr, sp.Pow):
            return self._power(expr)
        if isinstance(expr, (Bracket, sp.KroneckerDelta)):
            return f"({self.constant(sp.S.Zero)} if {self.fails(expr)} else {self.constant(sp.S.One)})"
        return self._call(expr)

    def constant(self, value: sp.Expr) -> str:
        number = repr(float(value))
        number = {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}.get(number, number)
        if self.bare:
            return number
        return COMMON.get(number, f"real({number})")

    def cast(self, text: str) -> str:
        return f"float({text})" if self.double else f"real({text})"

    def _sum(self, expr: sp.Add) -> str:
        kept = [a for a in ordered_terms(expr) if type(a).__name__ == "difference" or _is_minus_difference(a)]
        if kept:
            return self._in_order([*kept, *(a for a in ordered_terms(expr) if a not in kept)])
        chosen, rest_terms = choices(expr)
        text = " + ".join(f"({self.real(no)} if {self.fails(gate)} else {self.real(yes)})" for gate, yes, no in chosen)
        for term in rest_terms:
            sign, rest = (-1, -term) if term.could_extract_minus_sign() else (1, term)
            part = self.real(rest)
            if not text:
                text = part if sign > 0 else f"-{wrapped(part)}"
            else:
                text += f" {'+' if sign > 0 else '-'} {part if sign > 0 else wrapped(part)}"
        return f"({text})"

    def _in_order(self, terms: list[sp.Expr]) -> str:
        """A sum that begins with a difference: each further term by another one, in an order that stays."""
        self.used.add("difference")
        text = self.real(terms[0])
        for term in terms[1:]:
            minus = term.could_extract_minus_sign()
            part = self.real(-term if minus else term)
            text = f"difference({text}, {part if minus else f'-{wrapped(part)}'})"
        return text

    def _product(self, expr: sp.Mul) -> str:
        gates = [a for a in expr.args if isinstance(a, (Bracket, sp.KroneckerDelta))]
        rest = [a for a in expr.args if not isinstance(a, (Bracket, sp.KroneckerDelta))]
        inner = self._plain_product(rest) if rest else self.constant(sp.S.One)
        if not gates:
            return inner
        fails = " or ".join(self.fails(g) for g in sorted(by_text(gates), key=lambda g: bool(g.atoms(sp.Indexed))))
        return f"({self.constant(sp.S.Zero)} if {fails} else {inner})"

    def _plain_product(self, factors: list[sp.Expr]) -> str:
        above = [f for f in factors if not _divides(f)]
        below = [1 / f for f in factors if _divides(f)]
        sign = -1 in above
        above = [f for f in above if f != -1]
        numbers = [f for f in above if f.is_number]
        rest = by_text(f for f in above if not f.is_number)
        scalars = [f for f in rest if not f.atoms(sp.Indexed)]
        parts = [wrapped(self.real(f)) for f in [*numbers, *scalars, *(f for f in rest if f not in scalars)]]
        text = " * ".join(parts) if parts else self.constant(sp.S.One)
        if below:
            divisors = [self.real(f) for f in by_text(below)]
            text += " / " + (wrapped(divisors[0]) if len(divisors) == 1 else f"({' * '.join(map(wrapped, divisors))})")
        return f"-{text}" if sign else text

    def _power(self, expr: sp.Pow) -> str:
        base, exponent = expr.base, expr.exp
        if exponent.is_number and exponent.is_negative:
            return f"{self.constant(sp.S.One)} / {wrapped(self.real(1 / expr))}"
        if exponent == sp.S.Half:
            return f"math.sqrt({self.real(base)})"
        if exponent.is_Integer and exponent <= 4:
            text = wrapped(self.real(base))
            return f"({' * '.join([text] * int(exponent))})"
        if exponent.is_Rational and exponent.q == 2 and exponent < 4:
            whole = " * ".join([wrapped(self.real(base))] * int(exponent - sp.S.Half))
            return f"({whole} * math.sqrt({self.real(base)}))"
        if base == sp.S.Exp1:
            return self._call(sp.exp(exponent))
        return f"{wrapped(self.real(base))} ** {wrapped(self.real(exponent))}"

    def _call(self, expr: sp.Expr) -> str:
        name = type(expr).__name__
        args = [self.real(arg) for arg in expr.args]
        if name == "Abs":
            return f"abs({args[0]})"
        if name == "sign":
            zero, one = self.constant(sp.S.Zero), self.constant(sp.S.One)
            return f"({one} if {args[0]} > {zero} else (-{one} if {args[0]} < {zero} else {zero}))"
        assert name in NATIVE, f"no kernel computes {name}: {expr}"
        if name == "difference":
            self.used.add(name)
            return f"difference({', '.join(args)})"
        if self.double:
            return f"({WIDE[name].format(*map(wrapped, args))})" if name in WIDE else f"math.{NATIVE[name]}({args[0]})"
        self.used.add(NATIVE[name])
        return f"{NATIVE[name]}({', '.join(args)})"

    # -- whole numbers

    def whole(self, expr: sp.Expr) -> str:
        """An index expression as integer arithmetic."""
        if expr.is_Integer:
            return str(int(expr))
        if isinstance(expr, sp.Symbol):
            return self.symbol(expr)
        if isinstance(expr, sp.Indexed):
            return self.read(expr, self.double)
        if isinstance(expr, sp.Add):
            text = ""
            for term in ordered_terms(expr):
                minus = term.could_extract_minus_sign()
                part = self.whole(-term if minus else term)
                text += (f" {'-' if minus else '+'} " if text else ("-" if minus else "")) + part
            return f"({text})"
        if isinstance(expr, sp.Mul):
            above, below = sp.fraction(expr)
            if below != 1:
                return f"({wrapped(self.whole(above))} // {wrapped(self.whole(below))})"
            return " * ".join(self.whole(a) for a in sorted(by_text(expr.args), key=lambda a: not a.is_number))
        if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0:
            return " * ".join([self.whole(expr.base)] * int(expr.exp))
        if isinstance(expr, sp.floor):
            above, below = sp.fraction(sp.together(expr.args[0]))
            return f"({wrapped(self.whole(above))} // {wrapped(self.whole(below))})"
        if isinstance(expr, sp.Mod):
            return f"({wrapped(self.whole(expr.args[0]))} % {wrapped(self.whole(expr.args[1]))})"
        if isinstance(expr, (Bracket, sp.KroneckerDelta)):
            return f"(0 if {self.fails(expr)} else 1)"
        raise AssertionError(f"{expr} is no whole number")

    # -- conditions

    def fails(self, gate: sp.Expr) -> str:
        """The condition under which a bracket or delta is zero; false for NaN."""
        if isinstance(gate, sp.KroneckerDelta):
            return f"{self.whole(gate.args[0])} != {self.whole(gate.args[1])}"
        if len(gate.args) == 3:
            return self._compared(TURNED[gate.args[0].name], gate.args[1], gate.args[2])
        return f"not {self.holds(gate.args[0])}"

    def holds(self, condition: Boolean) -> str:
        if type(condition) in RELATIONS:
            return f"({self._compared(RELATIONS[type(condition)], *condition.args)})"
        if isinstance(condition, sp.Not):
            return f"(not {self.holds(condition.args[0])})"
        word = " and " if isinstance(condition, sp.And) else " or "
        return f"({word.join(self.holds(a) for a in by_text(condition.args))})"

    def _compared(self, sign: str, left: sp.Expr, right: sp.Expr) -> str:
        if is_whole(left) and is_whole(right):
            return f"{self.whole(left)} {sign} {self.whole(right)}"
        return f"{self.real(left)} {sign} {self.real(right)}"


def _is_minus_difference(term: sp.Expr) -> bool:
    return isinstance(term, sp.Mul) and len(term.args) == 2 and type(-term).__name__ == "difference"


def choices(expr: sp.Add) -> tuple[list[tuple[sp.Expr, sp.Expr, sp.Expr]], list[sp.Expr]]:
    """Terms behind brackets that exclude each other, as (bracket, value where it holds, else); and the others."""
    terms = ordered_terms(expr)
    found = []
    for term in list(terms):
        for gate in [a for a in sp.Mul.make_args(term) if isinstance(a, (Bracket, sp.KroneckerDelta))]:
            other = next((t for t in terms if t is not term and _opposite(gate) in sp.Mul.make_args(t)), None)
            if term not in terms or other is None:
                continue
            yes = sp.Mul(*[a for a in sp.Mul.make_args(term) if a is not gate])
            no = sp.Mul(*[a for a in sp.Mul.make_args(other) if a != _opposite(gate)])
            if not shows_nan(gate, yes):
                continue
            terms.remove(term)
            terms.remove(other)
            found.append((gate, yes, no))
    return found, terms


def shows_nan(gate: sp.Expr, yes: sp.Expr) -> bool:
    """Whether a NaN among what a bracket compares is in the branch that is then taken."""
    return all(is_whole(read) or yes.has(read) for read in gate.atoms(sp.Indexed))


def _opposite(gate: sp.Expr) -> sp.Expr | None:
    """The bracket that holds exactly where this one does not."""
    if isinstance(gate, sp.KroneckerDelta):
        return Bracket(Str("!="), *gate.args)
    if len(gate.args) != 3:
        return None
    return Bracket(Str(TURNED[gate.args[0].name]), *gate.args[1:])


def _divides(factor: sp.Expr) -> bool:
    return isinstance(factor, sp.Pow) and bool(factor.exp.is_number) and bool(factor.exp.is_negative)


def ordered_terms(expr: sp.Add) -> list[sp.Expr]:
    """The terms in a fixed order, a positive one first."""
    return sorted(by_text(expr.args), key=lambda a: (a.could_extract_minus_sign(), bool(a.is_number)))


def is_whole(expr: sp.Expr) -> bool:
    """Whether a formula is integer arithmetic of indices and sizes."""
    if isinstance(expr, sp.Indexed):
        return is_whole_node(expr.args[0].node)
    if isinstance(expr, sp.Symbol):
        return bool(expr.is_integer)
    if expr.is_Integer:
        return True
    if isinstance(expr, (sp.floor, sp.Mod)):
        return True
    if isinstance(expr, (sp.Add, sp.Mul)):
        return all(is_whole(a) for a in expr.args)
    return isinstance(expr, sp.Pow) and is_whole(expr.base) and bool(expr.exp.is_Integer) and bool(expr.exp.is_positive)


def is_whole_node(node: Node) -> bool:
    return node.kind == "label"


def wrapped(text: str) -> str:
    """Text in brackets unless it is one piece."""
    if text.isidentifier() or text.replace(".", "").isalnum():
        return text
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and letter in ")]" and position < len(text) - 1:
            return f"({text})"
        if depth == 0 and letter in " -+*/":
            return f"({text})"
    return text


Reads = Mapping[Node, str]


def chosen_reads(expr: sp.Expr, chosen: bool = False) -> set[sp.Indexed]:
    """Reads behind a bracket that asks for values, and behind none that guards an index."""
    if isinstance(expr, sp.Indexed):
        return {expr} if chosen and not any(place.atoms(sp.Indexed) for place in expr.indices) else set()
    gates = [a for a in sp.Mul.make_args(expr) if isinstance(a, (Bracket, sp.KroneckerDelta))]
    if isinstance(expr, (Bracket, sp.KroneckerDelta)) or any(not g.atoms(sp.Indexed) for g in gates):
        return set()
    inner = [a for a in expr.args if a not in gates and isinstance(a, sp.Expr)]
    return set().union(*(chosen_reads(a, chosen or bool(gates)) for a in inner))
