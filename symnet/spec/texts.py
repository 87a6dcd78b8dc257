"""Small texts in model files: names, sizes, and tensors called by functions."""

from __future__ import annotations

import re
import unicodedata

import sympy as sp

from symnet.spec.files.item import Item
from symnet.spec.grammar import read_side
from symnet.spec.names import Known
from symnet.spec.passage import Problems, Refused, Span
from symnet.spec.scan import checked, without_comments
from symnet.spec.scopes import Extent

BROKEN = (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, NotImplementedError, LookupError)
WORD = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


def normal(name: str) -> str:
    """A name as formulas see it: NFKC, so that the micro sign and the Greek mu are one."""
    return unicodedata.normalize("NFKC", name)


def name_trouble(name: str) -> str:
    """Why this is no name; empty where it is one."""
    plain = normal(name)
    if not WORD.match(plain) or any(unicodedata.category(char) == "No" for char in name) or len(name) > 100:
        return f"{name[:40]!r} is not a name"
    return ""


def size_of(item: Item, known: Known, problems: Problems) -> Extent | None:
    """A size: a whole number, a dim, or sums and products of them; None when a mistake was noted."""
    if isinstance(item.value, int):
        return known.extent(sp.Integer(item.value))
    passage = item.passage()
    code = without_comments(item.value)
    try:
        whole = Span(0, len(code.rstrip()))
        checked(code, whole)
        return known.said(read_side(code, whole))
    except Refused as refused:
        marks = [passage.mark(span) for span in refused.spans] or [item.mark]
        if not (known.dims_uncertain and refused.code == "E0102"):
            problems.add(refused.code, refused.message, refused.hint, marks)
    return None
