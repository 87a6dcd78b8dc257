"""Text to single formulas, each with sound brackets and operators; what is unsound is refused with its place.

A formula ends with its line, unless a bracket is open or the next line is indented more deeply; `;` ends one too,
and `#` begins a comment. Operators and operands must take turns, so that what is handed on parses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from symnet.spec.passage import Passage, Problems, Refused, Span

LONGEST = 4000
LONGEST_TEXT = 200_000
DEEPEST = 60
MOST = 2000
NAME = re.compile(r"[^\W\d]\w*")
NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TEXT = re.compile(r"\"[A-Za-z_]*\"|'[A-Za-z_]*'")
SIGN = re.compile(r"\*\*|<=|>=|==|!=|:=|//|&&|\|\||->|[-+*/@<>&|~^%=,.:!]")
OPEN, CLOSE = "([", ")]"
PAIRS = {")": "(", "]": "["}
PREFIX = ("+", "-", "~")
INFIX = ("+", "-", "*", "/", "@", "**", "<", "<=", ">", ">=", "==", "!=", "&", "|", "=", ",", ":", ":=")
WORDS = ("and", "or")
STRANGE = {
    "−": "write - for minus",
    "–": "write - for minus",
    "×": "write * for times",
    "·": "write * for times",
    "⋅": "write * for times",
    "÷": "write / for division",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "∑": "write sum(..., i)",
    "∏": "write prod(..., i)",
    "√": "write sqrt(...)",
    "²": "write **2",
    "³": "write **3",
    "{": "index with square brackets, group with round ones",
    "}": "index with square brackets, group with round ones",
    "\t": "indent with spaces",
}
MEANT = {
    "^": "a power is written **",
    "%": "there is no remainder in formulas",
    "//": "there is no whole-number division in formulas; places are affine, for example 2*i + u",
    "&&": "write &, with brackets around each comparison",
    "||": "write |, with brackets around each comparison",
    "!": "not is written ~",
    "->": "a formula is name[indices] = right side",
    "if": "write where(condition, yes, no)",
    "else": "write where(condition, yes, no)",
    "in": "compare with <, <=, ==, >=, >",
    "is": "compare with ==",
    "True": "1 is true and 0 is false",
    "False": "1 is true and 0 is false",
    "None": "every value is a number",
}


@dataclass(frozen=True)
class Piece:
    """One formula as text: where it stands, and where its `=` are."""

    span: Span
    equals: tuple[int, ...]


@dataclass(frozen=True)
class Token:
    """A word, number, sign or bracket."""

    kind: str  # name, number, text, sign, open, close
    text: str
    span: Span


def without_comments(text: str) -> str:
    """Comments blanked, so that all else stays in its place."""
    return re.sub(r"#[^\n]*", lambda m: " " * len(m.group()), text)


def pieces(passage: Passage, problems: Problems) -> Iterator[Piece]:
    """The formulas of a text that hold together; of the others a mistake is noted."""
    if len(passage.text) > LONGEST_TEXT:
        problems.add("E0209", f"{len(passage.text)} characters of formulas; at most {LONGEST_TEXT} are read")
        return
    code = without_comments(passage.text)
    for number, span in enumerate(spans(code)):
        if number == MOST:
            problems.add("E0209", f"more than {MOST} formulas", "", [passage.mark(span)])
            return
        try:
            yield Piece(span, checked(code, span))
        except Refused as refused:
            problems.add(refused.code, refused.message, refused.hint, [passage.mark(s) for s in refused.spans])


def spans(code: str) -> Iterator[Span]:
    """Where each formula stands."""
    start, indent, depth, end, line = -1, 0, 0, 0, 0
    for offset, char in enumerate(code):
        if char == "\n":
            line = offset + 1
            if start >= 0 and not goes_on(code, line, indent, depth):
                yield Span(start, end)
                start = -1
        elif char == ";" and depth <= 0:
            if start >= 0:
                yield Span(start, end)
            start = -1
        elif not char.isspace():
            if start < 0:
                start, indent, depth = offset, offset - line, 0
            depth += (char in OPEN) - (char in CLOSE)
            end = offset + 1
    if start >= 0:
        yield Span(start, end)


def goes_on(code: str, line: int, indent: int, depth: int) -> bool:
    """Whether the text from a line on still belongs to a formula that began at `indent`."""
    found = re.compile(r"(?:[^\S\n]*\n)*([^\S\n]*)(?=\S)").match(code, line)
    if found is None:
        return False
    if len(found[1]) > indent:
        return True
    begins = re.compile(r"[^\W\d][\w.]*\s*(\[[^\]\n]*\]\s*)?:?=(?!=)").match(code, found.end())
    return depth > 0 and begins is None


def tokens(code: str, span: Span) -> Iterator[Token]:
    """The words and signs of a formula; a character that is none is refused."""
    at = span.start
    while at < span.end:
        if code[at].isspace():
            at += 1
            continue
        token = token_at(code, at, span.end)
        yield token
        at = token.span.end


def token_at(code: str, at: int, end: int) -> Token:
    if code[at] in OPEN + CLOSE:
        return Token("open" if code[at] in OPEN else "close", code[at], Span(at, at + 1))
    for kind, pattern in (("number", NUMBER), ("name", NAME), ("text", TEXT), ("sign", SIGN)):
        found = pattern.match(code, at, end)
        if found is None:
            continue
        here = Span(*found.span())
        if kind == "name":
            check_letters(found.group(), here)
        if found.group() in MEANT:
            raise Refused("E0208", f"'{found.group()}' cannot stand in a formula", MEANT[found.group()], [here])
        return Token(kind, found.group(), here)
    char = code[at]
    shown = char if char.isprintable() else f"U+{ord(char):04X}"
    quote = "texts stand in named arguments only; a transpose is A.T, or A[j,i] in place of A[i,j]"
    hint = STRANGE.get(char, quote if char in "\"'" else "")
    raise Refused("E0207", f"{shown!r} does not belong in a formula", hint, [Span(at, at + 1)])


def check_letters(name: str, here: Span) -> None:
    """Names hold letters, digits and underscores; ² and ½ are neither."""
    for offset, char in enumerate(name):
        if unicodedata.category(char) == "No":
            at = Span(here.start + offset, here.start + offset + 1)
            raise Refused("E0207", f"{char!r} does not belong in a formula", STRANGE.get(char, ""), [at])


def checked(code: str, span: Span) -> tuple[int, ...]:
    """Where the `=` outside brackets stand, once brackets match and operators and operands take turns."""
    if span.end - span.start > LONGEST:
        hint = "split it: give a part of it a name of its own"
        raise Refused("E0209", f"a formula of {span.end - span.start} characters; at most {LONGEST}", hint, [span])
    equals: list[int] = []
    opened: list[Token] = []
    before: Token | None = None
    signs = 0
    for token in tokens(code, span):
        check_turn(before, token, opened)
        signs = signs + 1 if token.text in PREFIX and before is not None and before.kind == "sign" else 0
        if token.kind == "open":
            opened.append(token)
        elif token.kind == "close":
            close(token, opened)
        elif token.text in ("=", ":=") and not opened:
            equals.append(token.span.start)
        if len(opened) > DEEPEST or signs > DEEPEST:
            raise Refused("E0209", "brackets or signs are nested too deeply", f"at most {DEEPEST} deep", [token.span])
        before = token
    if opened:
        closing = {"(": ")", "[": "]", "{": "}"}[opened[-1].text]
        raise Refused("E0207", f"{opened[-1].text!r} is never closed", f"add {closing!r}", [opened[-1].span])
    assert before is not None, "a formula holds something"
    if not ends_operand(before):
        raise Refused("E0207", f"the formula ends after {before.text!r}", "something is missing", [before.span])
    return tuple(equals)


def ends_operand(token: Token) -> bool:
    """Whether a value may end with it."""
    return token.kind in ("name", "number", "text", "close") and token.text not in (*WORDS, "not")


def check_turn(before: Token | None, token: Token, opened: list[Token]) -> None:
    """Whether a token may follow the one before it."""
    if before is not None and ends_operand(before):
        operator = token.kind in ("sign", "close", "open") or token.text in WORDS
        if not operator or (token.kind == "open" and before.kind in ("number", "text")):
            hint = (
                f"write {before.text}*{token.text} for a product" if before.kind != "close" else "write * for a product"
            )
            raise Refused("E0207", f"an operator is missing before {token.text!r}", hint, [token.span])
        if token.text == "~":
            raise Refused("E0207", "'~' stands before a condition, not between two", "write & or |", [token.span])
        return
    if token.kind == "close":
        empty = before is not None and before.text == "(" and token.text == ")"
        if empty or (before is not None and before.text == "," and opened):
            return
        raise Refused("E0207", f"something is missing before {token.text!r}", "", [token.span])
    if token.text == ":":
        hint = "read single entries by index: x[n, d]"
        raise Refused("E0208", "a slice cannot stand in a formula", hint, [token.span])
    if token.kind == "sign" and token.text not in PREFIX:
        if token.text in INFIX or token.text == ".":
            raise Refused("E0207", f"something is missing before {token.text!r}", "", [token.span])
    elif token.text in WORDS:
        raise Refused("E0207", f"something is missing before {token.text!r}", "", [token.span])


def close(token: Token, opened: list[Token]) -> None:
    """A bracket closes the one that was opened last."""
    if not opened:
        raise Refused("E0207", f"{token.text!r} closes nothing", "", [token.span])
    if opened[-1].text != PAIRS[token.text]:
        spans_ = [opened[-1].span, token.span]
        raise Refused(
            "E0207", f"{token.text!r} closes {opened[-1].text!r}", "brackets close in the order they open", spans_
        )
    opened.pop()
