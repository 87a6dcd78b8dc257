r"""Reads back what was printed in LaTeX, so that tests can tell what it means.

formula  ::=  ["-"] product (("+" | "-") product)*
product  ::=  factor ("\cdot"? factor)*
factor   ::=  atom ["^" group]
atom     ::=  number | name ["_" group] | "\frac" group group | "\sqrt" group | function factor | "(" formula ")"
group    ::=  "{" formula "}"
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

TOKEN = re.compile(r"\s*(\\left\(|\\right\)|\\[A-Za-z]+|\d+(?:\.\d+)?|[A-Za-z]'*|[-+(){}^_,])")
FUNCTIONS = {r"\log": math.log, r"\tanh": math.tanh, r"\exp": math.exp, r"\sigma": lambda x: 1 / (1 + math.exp(-x))}


class LatexReader:
    """Evaluates the LaTeX of a formula without reductions; `values` has an entry such as "v_{n}" for each read."""

    def __init__(self, text: str, values: Mapping[str, float]) -> None:
        self.tokens, self.values = TOKEN.findall(text.replace(r"\left(", "(").replace(r"\right)", ")")), values
        assert "".join(self.tokens) == re.sub(r"\s|\\left(?=\()|\\right(?=\))", "", text), text

    def value(self) -> float:
        result = self.formula()
        assert not self.tokens, self.tokens
        return result

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.tokens.pop(0)
        assert wanted in (None, token), (wanted, token)
        return token

    def formula(self) -> float:
        sign = -1.0 if self.peek() == "-" and self.take() else 1.0
        result = sign * self.product()
        while self.peek() in ("+", "-"):
            sign = 1.0 if self.take() == "+" else -1.0
            result += sign * self.product()
        return result

    def product(self) -> float:
        result = self.factor()
        while self.peek() not in ("", "+", "-", ")", "}", ","):
            if self.peek() == r"\cdot":
                self.take()
            result *= self.factor()
        return result

    def factor(self) -> float:
        base = self.atom()
        if self.peek() == "^":
            self.take()
            return base ** self.group()
        return base

    def group(self) -> float:
        self.take("{")
        result = self.formula()
        self.take("}")
        return result

    def atom(self) -> float:
        token = self.take()
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return math.sqrt(self.group())
        if token in FUNCTIONS:
            return FUNCTIONS[token](self.atom() if self.peek() == "(" else self.factor())
        if token == "(":
            result = self.formula()
            self.take(")")
            return result
        if token[0].isdigit():
            return float(token)
        return self.named(token)

    def named(self, token: str) -> float:
        if self.peek() != "_":
            return math.e if token == "e" else self.values[token]
        self.take()
        start = list(self.tokens)
        while self.take() != "}":
            pass
        return self.values[token + "_" + "".join(start[: len(start) - len(self.tokens)])]
