"""Sums of exponentials, and the one rule by which none of them overflows.

For S[a] := Sum_c g[a,c]*exp(u[a,c]) and m[a] := max over c of u[a,c] where g is not zero,

    S[a] = exp(m[a]) * T[a]              T[a] := Sum_c g[a,c]*exp(u[a,c] - m[a])

so an exponential over S is one of u - m over T, and log(S) = m + log(T). Both follow for whatever is homogeneous of
degree zero in the exponentials, or the logarithm of what is homogeneous of degree one. Where g is a gate only, the
largest term is 1, and what the others add is kept apart:

    R[a] := Sum_c [e < 1] e + (Sum_c [e >= 1] - 1)      e = exp(u - m)
    T = 1 + R,   log(T) = log1p(R),   1 - exp(u)/S = R/(1 + R)  where exp(u)/S > 1/2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Definition, Node
from symnet.core.expr import Bound, Bracket, Reduce, reads
from symnet.declare.notation import default_indices
from symnet.simplify.match import match
from symnet.simplify.stable.book import Book, condition_of, is_bit, where
from symnet.simplify.stable.heads import Difference, Log1p, is_gate

# below every logit that counts, and finite in single precision: a gate may multiply it
LOWEST = -(sp.Integer(2) ** 120)


@dataclass
class Family:
    """A sum of exponentials by its parts; the indices of `bound` are the definition's own, opened."""

    book: Book
    node: Node
    indices: tuple[sp.Symbol, ...]
    bound: tuple[Bound, ...]
    gates: tuple[sp.Expr, ...]
    weight: sp.Expr
    exponent: sp.Expr
    inverted: bool
    taken: sp.Expr | None = None
    entry_node: Node | None = None
    tailed: bool = False
    parts: dict[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.taken = self._taken()

    # -- what it is made of

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        return tuple(b for b, _ in self.bound)

    @property
    def held(self) -> tuple[sp.Symbol, ...]:
        """The indices that the exponent and its gates depend on."""
        free = sp.Mul(self.exponent, *self.gates).free_symbols
        return tuple(i for i in self.indices if i in free)

    @property
    def entry_indices(self) -> tuple[sp.Symbol, ...]:
        """The held and the summed indices, in the order in which the widest tensor of the exponent has them."""
        widest = max(reads(self.exponent), key=lambda read: len(read.indices), default=None)
        order = {i: a for a, i in enumerate(widest.indices)} if widest is not None else {}
        return tuple(sorted((*self.held, *self.symbols), key=lambda i: order.get(i, -1)))

    @property
    def plain(self) -> bool:
        """Whether every term is an exponential, so that the largest over the sum of all is at most 1."""
        return bool(self.weight == 1)

    @property
    def positive(self) -> bool:
        return bool(self.weight.is_nonnegative)

    def _shape(self, indices: Sequence[sp.Symbol]) -> list[sp.Expr]:
        extents = {**dict(zip(self.indices, self.node.shape, strict=True)), **dict(self.bound)}
        return [extents[i] for i in indices]

    def _conditions(self) -> list[sp.Basic]:
        """Which entries count, as far as the summed index decides it."""
        inner = [gate for gate in self.gates if gate.free_symbols & set(self.symbols)]
        return [condition_of(gate) for gate in inner] + self._weighs()

    def _weighs(self) -> list[sp.Basic]:
        """What is divided by needs its largest term; terms of weight 0 are none."""
        return [sp.Gt(self.weight, 0)] if self.hides else []

    @property
    def hides(self) -> bool:
        """Whether terms may have weight 0 and then do not count."""
        return bool(self.inverted and self.weight.is_nonnegative and not self.weight.is_positive)

    # -- the tensors that stand for it

    def largest(self) -> sp.Expr:
        """m, at the definition's own indices."""
        if self.taken is not None:
            return sp.S.Zero
        used = sp.Mul(self.exponent, *self.gates).free_symbols
        outer = [gate for gate in self.gates if not gate.free_symbols & set(self.symbols)]
        body = sp.Mul(*outer, where(self._conditions(), self.exponent, LOWEST))
        formula = Reduce("max", body, [(b, e) for b, e in self.bound if b in used])
        held = self.held
        return self.book.node("m", held, self._shape(held), formula).read(*held)

    def _taken(self) -> sp.Expr | None:
        """The maximum that the user has taken off: u is v - Max_c v."""
        for term in sp.Add.make_args(self.exponent):
            definition = self.book.definition((-term).args[0].node) if isinstance(-term, sp.Indexed) else None
            if definition is not None and isinstance(definition.formula, Reduce) and definition.formula.op == "max":
                body, bound = Definition(definition.indices, definition.formula).at((-term).indices).open()
                if match(self.exponent - term, body, self.symbols) is not None and len(bound) == len(self.bound):
                    return -term
        return None

    def gap(self, exponent: sp.Expr, read: sp.Expr) -> sp.Expr:
        """u - m for one exponent u, where the sum is read."""
        if self.taken is not None:
            taken = self.at(read, self.taken)
            return Difference(exponent + taken, taken)
        return Difference(exponent, self.at(read, self.largest()))

    def scaled_entry(self) -> sp.Expr:
        """exp(u - m), at the definition's own indices."""
        return sp.exp(self.gap(self.exponent, self.node.read(*self.indices)))

    def entry(self) -> Node:
        """exp(u - m) behind its gates, as a tensor over the held and the summed indices."""
        if self.entry_node is None:
            shape, definition = self._entry_definition()
            self.entry_node = self.book.node("e", definition.indices, shape, definition.formula)
        return self.entry_node

    def _entry_definition(self) -> tuple[list[sp.Expr], Definition]:
        shape = self._shape(self.entry_indices)
        rename = dict(zip(self.symbols, default_indices(self._shape(self.symbols), avoid=self.held), strict=True))
        formula = sp.Mul(*self.gates, self.scaled_entry()).xreplace(rename)
        return shape, Definition(tuple(rename.get(i, i) for i in self.entry_indices), formula)

    def share_entries(self) -> None:
        """Where every entry is summed many times, each with other factors, they are computed once."""
        if self.parts and len(self.held) < len(self.indices):
            self.entry()

    def _find_entry(self) -> None:
        """Another sum of the same exponentials may have made the entries."""
        if self.entry_node is None and self.parts:
            shape, definition = self._entry_definition()
            if self.book.has(Node("e", tuple(shape)), definition):
                self.entry()

    def part(self, name: str) -> sp.Expr:
        """A tensor of one value for each sum, at the definition's own indices; defined by `define`."""
        held = self.held if self.plain else self.indices
        if name not in self.parts:
            self.parts[name] = Node(name, tuple(self._shape(held)), auto=True, anonymous=True)
        return self.parts[name].read(*held)

    def scaled_total(self) -> sp.Expr:
        """T = S/exp(m)."""
        return self.part("total")

    def inverse(self) -> sp.Expr:
        """1/T."""
        return self.part("inverse")

    def rest(self) -> sp.Expr:
        """R = T - 1, without the difference."""
        assert self.plain
        self.tailed = True
        return self.part("rest")

    def missing(self) -> sp.Expr:
        """R/(1 + R): what the largest share lacks to be 1."""
        self.rest()
        return self.part("missing")

    def log(self) -> sp.Expr:
        """log(S)."""
        return self.largest() + self.log_scaled()

    def log_scaled(self) -> sp.Expr:
        """log(T)."""
        return Log1p(self.rest()) if self.plain else sp.log(self.scaled_total())

    # -- their definitions, when it is known which of them are needed

    def define(self) -> dict[Node, Definition]:
        """Definitions of the parts that were asked for."""
        self._find_entry()
        if "missing" in self.parts:
            self.inverse()
        if self.parts and not self.tailed:
            self.scaled_total()
        formulas = {"total": self._total, "inverse": self._inverse, "rest": self._rest, "missing": self._missing}
        found = {}
        for name in tuple(self.parts):
            held = self.held if self.plain else self.indices
            found[self.parts[name]] = Definition(held, formulas[name]())
        return found

    def _body(self) -> sp.Expr:
        """What is summed, scaled."""
        weight = sp.Mul(self.weight, *[Bracket(condition) for condition in self._weighs()])
        if self.entry_node is not None:
            return weight * self.entry_node.read(*self.entry_indices)
        return sp.Mul(*self.gates, weight, self.scaled_entry())

    def _total(self) -> sp.Expr:
        return 1 + self.part("rest") if self.tailed else Reduce("sum", self._body(), self.bound)

    def _inverse(self) -> sp.Expr:
        return 1 / (1 + self.part("rest")) if self.tailed else 1 / self.part("total")

    def _missing(self) -> sp.Expr:
        return self.part("rest") * self.part("inverse")

    def _rest(self) -> sp.Expr:
        value = self._body()
        if self.entry_node is not None:
            below, above = Bracket(value < 1), Bracket(value >= 1)
        else:
            sides = self.gap(self.exponent, self.node.read(*self.indices)).args
            below, above = Bracket(sp.Lt(*sides)), sp.Mul(*self.gates, Bracket(sp.Ge(*sides)))
        held, shape = self.held, self._shape(self.held)
        others = self.book.node("s", held, shape, Reduce("sum", below * value, self.bound))
        count = self.book.node("s", held, shape, Reduce("sum", above, self.bound))
        return others.read(*held) + Difference(count.read(*held), sp.S.One)

    # -- at the places of a read

    def at(self, read: sp.Expr, expr: sp.Expr) -> sp.Expr:
        """An expression of the definition's own indices, where a read stands."""
        return expr.xreplace(dict(zip(self.indices, read.indices, strict=True)))

    def places_of(self, read: sp.Expr, exponent: sp.Expr) -> dict[sp.Symbol, sp.Expr] | None:
        """Which term of the sum has this exponent; None where none is seen to."""
        return match(self.at(read, self.exponent), exponent, self.symbols)


def find_family(
    book: Book, node: Node, indices: tuple[sp.Symbol, ...], body: sp.Expr, bound: tuple[Bound, ...], inverted: bool
) -> Family | None:
    """A sum whose terms are exponentials with factors; None for others, and where the shift is done already."""
    factors = sp.Mul.make_args(body)
    kernels = [f for f in factors if isinstance(f, sp.exp)]
    symbols = {b for b, _ in bound}
    if len(kernels) != 1 or not kernels[0].free_symbols & symbols or isinstance(kernels[0].args[0], Difference):
        return None
    rest = [f for f in factors if f is not kernels[0]]
    gates = tuple(f if is_gate(f) else Bracket(f > 0) for f in rest if is_bit(f))
    weight = sp.Mul(*[f for f in rest if not is_bit(f)])
    return Family(book, node, indices, bound, gates, weight, kernels[0].args[0], inverted)
