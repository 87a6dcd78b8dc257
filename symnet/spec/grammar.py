"""The grammar of formulas, and how a formula is read: an allow-list over the nodes of Python's `ast`.

    formulas  ::=  formula ((newline | ";") formula)*           "#" begins a comment
    formula   ::=  left ("=" | ":=") right                      goes on while a bracket is open or a line is further in
    left      ::=  name | name "[" index ("," index)* "]"
    index     ::=  word | word ":" size                         `t:T` says that t runs from 0 to T-1
    right     ::=  right ("+" | "-" | "*" | "/" | "**" | "@") right | "-" right | "+" right | "(" right ")"
                |  right ("<" | "<=" | ">" | ">=" | "==" | "!=") right
                |  right ("&" | "|" | "and" | "or") right | ("~" | "not") right
                |  number | "pi" | name | read | call | name ".T"
    read      ::=  name "[" place ("," place)* "]" | name "[()]"
    place     ::=  right                                        affine in indices and dims, or a read of labels
    call      ::=  word "(" arguments ")"                       see `functions.py`
    arguments ::=  (right | word "=" (right | text)) ("," ...)*
    size      ::=  right                                        of numbers and dims only
    name      ::=  word ("." word)*                             `dense.W` is a tensor that a layer made
    word      ::=  letters, digits and underscores, first a letter or underscore; NFKC-normal; Python's keywords but
                   and, or, not, if, else, in, is, True, False, None may be words as well

A reduction binds indices: `sum(x[n,d]*W[d,k], d)`; `sum(..., u=3)` says that u runs over 0, 1, 2. Without indices it
is a function of a tensor: `sum(z, axis=-1)`. Nothing is evaluated: numbers are exact, texts are words in quotes.
"""

from __future__ import annotations

import ast
import keyword
import re
import string
import unicodedata
import warnings
from collections.abc import Iterator
from itertools import product

from symnet.spec.passage import Refused, Span
from symnet.spec.scan import NAME, Piece
from symnet.spec.tree import Binary, Call, Compare, Formula, Index, Name, Named, Number, ReadOf, Term, Unary, Word

DEEPEST = 100
DIGITS = 40
STILL = {"and", "or", "not", "if", "else", "in", "is", "True", "False", "None"}
WORDS = frozenset(keyword.kwlist) - STILL
BINARY: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}
UNARY: dict[type, str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "~"}
COMPARE: dict[type, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
HINTS: dict[type, tuple[str, str]] = {
    ast.IfExp: ("a choice by if and else", "write where(condition, yes, no)"),
    ast.Tuple: ("several values in brackets", "a formula is one value"),
    ast.List: ("a list", "group with round brackets"),
    ast.Slice: ("a slice", "read single entries by index: x[n, d]"),
    ast.In: ("'in'", "compare with <, <=, ==, >=, >"),
    ast.Is: ("'is'", "compare with =="),
    ast.NamedExpr: ("':=' inside brackets", "give it a line of its own"),
}


class Reader:
    """Reads one side of a formula; every part of the tree gets its span in the passage."""

    def __init__(self, code: str, span: Span) -> None:
        self.span = span
        self.text = code[span.start : span.end]
        plain, self.words = without_keywords(self.text)
        self.source = f"({plain}\n)"
        self.lines = [line.encode() for line in self.source.split("\n")]
        self.starts = [0]
        for line in self.source.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)

    def parsed(self) -> ast.expr:
        """Python's tree of it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise Refused("E0207", "this is no formula", "see the grammar: symnet explain E0207", [self.span]) from None

    def read(self) -> Term:
        """The formula's tree."""
        body = self.parsed()
        self.check_depth(body)
        return self.term(body)

    def check_depth(self, body: ast.expr) -> None:
        """No tree so deep that what looks at it runs out of stack."""
        stack: list[tuple[ast.AST, int]] = [(body, 1)]
        while stack:
            node, depth = stack.pop()
            if depth > DEEPEST:
                hint = "split it: give a part of it a name of its own"
                raise Refused("E0209", f"a formula of more than {DEEPEST} levels", hint, [self.span])
            stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))

    # -- places
    def offset(self, line: int, col: int) -> int:
        """Python's line and byte as a character of the passage; the bracket in front is not counted."""
        characters = len(self.lines[line - 1][:col].decode(errors="replace"))
        at = self.span.start + self.starts[line - 1] + characters - 1
        return min(max(at, self.span.start), self.span.end)

    def at(self, node: ast.AST) -> Span:
        where = node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return Span(self.offset(*where[:2]), self.offset(*where[2:]))

    # -- parts
    def term(self, node: ast.expr) -> Term:
        """What an allowed node stands for; all others are refused."""
        here = self.at(node)
        if isinstance(node, ast.Constant):
            return self.number(node, here)
        if isinstance(node, ast.Name):
            return Name(here, self.word(node.id))
        if isinstance(node, ast.Attribute):
            return self.dotted(node, here)
        if isinstance(node, ast.Subscript):
            return self.read_of(node, here)
        if isinstance(node, ast.Call):
            return self.call(node, here)
        if isinstance(node, ast.UnaryOp):
            return Unary(here, UNARY[type(node.op)], self.term(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
            return Binary(here, BINARY[type(node.op)], self.term(node.left), self.term(node.right))
        if isinstance(node, ast.BoolOp):
            return self.junction(node, here)
        if isinstance(node, ast.Compare):
            return self.compare(node, here)
        raise self.refused(node, here)

    def refused(self, node: ast.AST, here: Span) -> Refused:
        if isinstance(node, ast.Tuple) and not node.elts:
            return Refused("E0208", "empty brackets cannot stand in a formula", "put a value between them", [here])
        what, hint = HINTS.get(type(node), (f"{type(node).__name__.lower()!r}", "symnet explain E0208 has the grammar"))
        return Refused("E0208", f"{what} cannot stand in a formula", hint, [here])

    def word(self, name: str) -> str:
        return unicodedata.normalize("NFKC", self.words.get(name, name))

    def number(self, node: ast.Constant, here: Span) -> Term:
        text = self.text[here.start - self.span.start : here.end - self.span.start]
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            hint = "1 is true and 0 is false" if isinstance(node.value, bool) else "texts stand in named arguments only"
            raise Refused("E0208", f"{text} cannot stand in a formula", hint, [here])
        size = abs(node.value)
        if len(text) > DIGITS or (size and not 1e-300 < size < 1e300):
            raise Refused(
                "E0209", f"a number out of range: {shortened(text)}", "numbers have 40 digits, up to 1e300", [here]
            )
        return Number(here, text)

    def name(self, node: ast.expr) -> str | None:
        """`dense.W` as one name; None where it is none."""
        if isinstance(node, ast.Name):
            return self.word(node.id)
        if isinstance(node, ast.Attribute):
            before = self.name(node.value)
            return None if before is None else f"{before}.{self.word(node.attr)}"
        return None

    def dotted(self, node: ast.Attribute, here: Span) -> Term:
        if node.attr == "T":
            return Unary(here, "T", self.term(node.value))
        name = self.name(node)
        if name is None:
            raise Refused("E0208", f"'.{node.attr}' has no meaning here", "a tensor has .T, and no more", [here])
        return Name(here, name)

    def read_of(self, node: ast.Subscript, here: Span) -> Term:
        name = self.name(node.value)
        if name is None:
            hint = "give what stands before the bracket a name of its own, then read that"
            raise Refused("E0208", "only tensors can be read with indices", hint, [self.at(node.value)])
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return ReadOf(here, name, tuple(self.term(place) for place in places), self.at(node.value))

    def call(self, node: ast.Call, here: Span) -> Term:
        name = self.name(node.func)
        if name is None:
            raise Refused("E0208", "only functions can be called", "write * for a product", [self.at(node.func)])
        for part in (*node.args, *node.keywords):
            if isinstance(part, ast.Starred) or (isinstance(part, ast.keyword) and part.arg is None):
                raise Refused("E0208", "'*' before an argument cannot stand in a formula", "", [self.at(part)])
        named = tuple(self.named(part) for part in node.keywords)
        return Call(here, name, tuple(self.term(arg) for arg in node.args), named, self.at(node.func))

    def named(self, node: ast.keyword) -> Named:
        assert node.arg is not None, "starred arguments were refused"
        here = self.at(node)
        head = Span(here.start, here.start + len(node.arg))
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return Named(here, self.word(node.arg), Word(self.at(node.value), node.value.value), head)
        return Named(here, self.word(node.arg), self.term(node.value), head)

    def junction(self, node: ast.BoolOp, here: Span) -> Term:
        sign = "&" if isinstance(node.op, ast.And) else "|"
        result = self.term(node.values[0])
        for value in node.values[1:]:
            result = Binary(here, sign, result, self.term(value))
        return result

    def compare(self, node: ast.Compare, here: Span) -> Term:
        for op in node.ops:
            if type(op) not in COMPARE:
                kind = {ast.NotIn: ast.In, ast.IsNot: ast.Is}.get(type(op), type(op))
                raise Refused("E0208", f"{HINTS[kind][0]} cannot stand in a formula", HINTS[kind][1], [here])
        sides = tuple(self.term(side) for side in (node.left, *node.comparators))
        loose = [
            side for side in sides if isinstance(side, Binary) and side.sign in "&|" and not self.in_brackets(side)
        ]
        if loose:
            hint = "& and | bind more tightly than comparisons: put brackets around each comparison"
            raise Refused("E0208", "a comparison with an & or | in it", hint, [here])
        return Compare(here, tuple(COMPARE[type(op)] for op in node.ops), sides)

    def in_brackets(self, side: Term) -> bool:
        """Whether a bracket stands right before and after it."""
        before = self.text[: side.span.start - self.span.start].rstrip()
        after = self.text[side.span.end - self.span.start :].lstrip()
        return before.endswith("(") and after.startswith(")")

    # -- the left side
    def left(self) -> tuple[str, tuple[Index, ...], bool]:
        """The name, the indices, and whether there are no brackets."""
        node = self.parsed()
        name = self.name(node.value if isinstance(node, ast.Subscript) else node)
        if name is None or name.endswith(".T"):
            hint = "a left side is a name, or a name and its indices: z[n,k]"
            raise Refused("E0211", "this cannot stand on the left", hint, [self.span])
        if not isinstance(node, ast.Subscript):
            return name, (), True
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return name, tuple(self.index(place) for place in places), False

    def index(self, node: ast.expr) -> Index:
        symbol = node.lower if isinstance(node, ast.Slice) else node
        if not isinstance(symbol, ast.Name) or (isinstance(node, ast.Slice) and (node.step or not node.upper)):
            hint = "only indices stand on the left: z[n,k], or h[n, t:T] to say how far one runs"
            here = self.at(node) if symbol is not None else self.span
            raise Refused("E0211", "this cannot stand in brackets on the left", hint, [here])
        extent = self.term(node.upper) if isinstance(node, ast.Slice) and node.upper else None
        return Index(self.word(symbol.id), self.at(symbol), extent)


def shortened(text: str) -> str:
    return text if len(text) <= DIGITS else f"{text[:12]}..."


def without_keywords(text: str) -> tuple[str, dict[str, str]]:
    """The text with Python's keywords under other names of the same length, and what they stand for."""
    used = set(NAME.findall(text))
    words: dict[str, str] = {}
    for word in sorted(used & WORDS):
        words[next(c for c in candidates(len(word)) if c not in used and c not in words)] = word
    names = {word: other for other, word in words.items()}
    return re.sub(NAME, lambda m: names.get(m.group(), m.group()), text), words


def candidates(length: int) -> Iterator[str]:
    """Words of a length that are no keywords."""
    ends = product("_" + string.ascii_letters, repeat=min(length, 3))
    return (word for word in ("_" * (length - len(end)) + "".join(end) for end in ends) if not keyword.iskeyword(word))


def read_formula(code: str, piece: Piece) -> Formula:
    """A piece of text as a formula; `code` is the passage without comments."""
    if len(piece.equals) != 1:
        hint = "equality within a formula is written =="
        if not piece.equals:
            compared = "==" in code[piece.span.start : piece.span.end]
            hint = "== compares, = defines" if compared else "a formula is name[indices] = right side"
        what = f"a formula has one '=', but this has {len(piece.equals) or 'none'}"
        raise Refused("E0211", what, hint, [Span(e, e + 1) for e in piece.equals[1:]] or [piece.span])
    equal = piece.equals[0]
    left = stripped(code, Span(piece.span.start, equal))
    right = stripped(code, Span(equal + (2 if code[equal] == ":" else 1), piece.span.end))
    if left.start == left.end:
        raise Refused("E0211", "nothing stands before '='", "a formula is name[indices] = right side", [piece.span])
    name, indices, bare = Reader(code, left).left()
    return Formula(name, indices, Reader(code, right).read(), piece.span, left, bare)


def read_side(code: str, span: Span) -> Term:
    """A right side alone."""
    return Reader(code, stripped(code, span)).read()


def stripped(code: str, span: Span) -> Span:
    text = code[span.start : span.end]
    return Span(span.start + len(text) - len(text.lstrip()), span.end - len(text) + len(text.rstrip()))
