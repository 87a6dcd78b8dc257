"""Limits, so that no short formula stands for endless work: numbers stay below 1e300, powers and copies are counted."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symnet.core.definition import Node
from symnet.spec.passage import Refused, Span
from symnet.spec.tree import Call, Compare, Term

LARGEST = 300  # decimal digits
EXPONENT = 100
LARGEST_FORMULA = 20_000
COPIES = {
    "where": (2, 1, 1),
    "maximum": (5, 5),
    "minimum": (5, 5),
    "clip": (5, 2, 2),
    "leaky_relu": (4, 1),
    "elu": (4, 1),
}
AGAIN = {"square": 1, "eq": 1, "normalize": 3, "softmax": 2, "log_softmax": 2, "huber": 8}


def check_number(value: Any, span: Span) -> None:
    """A number that a formula works out is finite, real and of sensible size."""
    if isinstance(value, Node) or not isinstance(value, sp.Expr):
        return
    if value.has(sp.nan, sp.zoo, sp.oo, sp.S.NegativeInfinity, sp.I):
        hint = "look for a division by zero, or a root or logarithm of what is not positive"
        raise Refused("E0206", "this is no finite real number", hint, [span])
    if not value.is_number:
        return
    if value.is_Rational:
        large = max(abs(value.p).bit_length(), value.q.bit_length()) > LARGEST * 4
    else:
        large = not abs(value.evalf(5)) < sp.Float(10) ** LARGEST
    if large:
        raise Refused("E0209", "a number out of range", f"numbers stay below 1e{LARGEST}", [span])


def check_power(base: Any, exponent: Any, span: Span) -> None:
    """A power is refused before it is worked out when it would be too large."""
    if not isinstance(exponent, sp.Expr) or not exponent.is_number:
        return
    size = abs(exponent.evalf(5))
    if base == 0 and exponent.is_negative:
        raise Refused("E0206", "a division by zero", "zero has no negative power", [span])
    if not isinstance(base, sp.Expr) or not base.is_number:
        if size > EXPONENT:
            raise Refused("E0209", "an exponent out of range", f"exponents are at most {EXPONENT}", [span])
        return
    if base == 0 or base in (1, -1):
        return
    digits = size * abs(sp.log(abs(base.evalf(5)), 10).evalf(5))
    if size > 10 * EXPONENT or digits > LARGEST:
        raise Refused("E0209", "a number out of range", f"numbers stay below 1e{LARGEST}", [span])


def check_size(term: Term) -> None:
    """Functions that repeat their arguments must not multiply a formula beyond what can be worked with."""
    if written_out(term) > LARGEST_FORMULA:
        hint = "split it: give what is repeated a name of its own"
        raise Refused("E0209", "a formula that is too large once its functions are written out", hint, [term.span])


def written_out(term: Term) -> int:
    """How many parts a formula has once written out."""
    sizes = [written_out(part) for part in term.parts()]
    if isinstance(term, Call) and term.name in COPIES:
        return 1 + sum(n * size for n, size in zip(COPIES[term.name], sizes, strict=False))
    if isinstance(term, Compare) and len(sizes) > 2:
        return 1 + 2 * sum(sizes)
    again = AGAIN.get(term.name, 1) if isinstance(term, Call) else 1
    return 1 + again * sum(sizes)
