"""A program in normal form as calls on whole arrays, such as other libraries offer.

    Sum_d x[n,d]*W[d,k]       einsum("ab,bc->ac", x, W)
    exp(z[n,k])/s[n]          exp(z) / s[:, None]
    E[ids[n,t],d]             E[ids]

Each definition becomes a function from arrays to an array, made once. What such calls do not say is refused by name:
recurrences, reads at shifted indices (of which a library would make a convolution), draws of chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, mul
from typing import Any

import sympy as sp

from symnet.core.definition import Node, Program
from symnet.core.expr import Bracket, Reduce
from symnet.core.graph import is_recurrent, program_components
from symnet.declare.elementwise import Elementwise

Env = dict[Node, Any]
Make = Callable[[Env], Any]
Axes = tuple[sp.Symbol, ...]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIGNS = {sp.Gt: "gt", sp.Ge: "ge", sp.Lt: "lt", sp.Le: "le", sp.Eq: "eq", sp.Ne: "ne"}


class Untranslatable(Exception):
    """Something that calls on whole arrays do not say."""


@dataclass(frozen=True)
class Part:
    """A piece of a formula: its axes, in the order of the scope, and how its array is made."""

    axes: Axes
    make: Make


def translated(program: Program, sizes: Mapping[sp.Symbol, int], xp: Any) -> Callable[[Env], Env]:
    """The program as a function that adds the arrays of all definitions to those given; `xp` is the library."""
    jobs: list[tuple[Node, Make]] = []
    for group in program_components(program):
        if is_recurrent(group, program):
            names = [node.name for node in group if not node.anonymous]
            raise Untranslatable(f"the recurrence of {', '.join([*names[:2], *(['...'] if names[2:] else [])])}")
        node = group[0]
        jobs.append((node, Translator(program, node, sizes, xp).definition()))

    def run(env: Env) -> Env:
        for node, make in jobs:
            env[node] = make(env)
        return env

    return run


class Translator:
    """One definition."""

    def __init__(self, program: Program, node: Node, sizes: Mapping[sp.Symbol, int], xp: Any) -> None:
        self.node, self.xp, self.sizes = node, xp, sizes
        self.own = program[node]
        formula = self.own.formula
        self.reduction = formula if isinstance(formula, Reduce) else None
        bound = () if self.reduction is None else self.reduction.bound
        self.scope: Axes = (*self.own.indices, *(b for b, _ in bound))
        extents = (*node.shape, *(e for _, e in bound))
        self.lengths = {i: self.size(e) for i, e in zip(self.scope, extents, strict=True)}

    def size(self, extent: sp.Expr) -> int:
        return int(extent.xreplace({s: sp.Integer(v) for s, v in self.sizes.items()}))

    def definition(self) -> Make:
        """The array over the free indices."""
        if self.reduction is None:
            return self.full(self.part(self.own.formula), self.own.indices)
        if self.reduction.op == "sum":
            return self.summed(self.reduction.body)
        whole = self.full(self.part(self.reduction.body), self.scope)
        op, axes = self.reduction.op, tuple(range(len(self.own.indices), len(self.scope)))
        return lambda env: self.xp.reduced(op, whole(env), axes)

    def summed(self, body: sp.Expr) -> Make:
        """A sum of products as a contraction; any other is summed along its axes."""
        bound = self.scope[len(self.own.indices) :]
        factors = [self.part(f) for f in sp.Mul.make_args(body)]
        read = {axis for factor in factors for axis in factor.axes}
        count = 1
        for axis in bound:
            count *= 1 if axis in read else self.lengths[axis]
        arrays = [f for f in factors if f.axes]
        scalars = [f for f in factors if not f.axes]
        left = tuple(i for i in self.own.indices if i in read)
        letters = dict(zip(self.scope, LETTERS, strict=False))
        text = ",".join("".join(letters[i] for i in f.axes) for f in arrays)
        text += "->" + "".join(letters[i] for i in left)

        def make(env: Env) -> Any:
            value = self.xp.einsum(text, *(f.make(env) for f in arrays)) if arrays else 1
            return reduce(mul, (s.make(env) for s in scalars), value * count if count != 1 else value)

        return self.full(Part(left, make), self.own.indices)

    # -- axes

    def full(self, part: Part, axes: Axes) -> Make:
        """A piece over all axes, repeated along those that it lacks."""
        if part.axes == axes:
            return part.make
        aligned, shape = self.aligned(part, axes), tuple(self.lengths[i] for i in axes)
        return lambda env: self.xp.repeated(aligned(env), shape)

    def aligned(self, part: Part, axes: Axes) -> Make:
        """A piece with axes of length one where it lacks them, so that it broadcasts."""
        if part.axes == axes or not part.axes:
            return part.make
        place = tuple(slice(None) if i in part.axes else None for i in axes)
        return lambda env: part.make(env)[place]

    def joined(self, function: Callable[..., Any], parts: Sequence[Part]) -> Part:
        """A function of pieces, over all their axes."""
        axes = tuple(i for i in self.scope if any(i in part.axes for part in parts))
        makers = [self.aligned(part, axes) for part in parts]
        return Part(axes, lambda env: function(*(make(env) for make in makers)))

    # -- pieces

    def part(self, expr: sp.Expr) -> Part:
        """A formula, kind by kind."""
        if isinstance(expr, sp.Indexed):
            return self.read(expr)
        if not expr.free_symbols & set(self.scope) and not expr.atoms(sp.Indexed):
            value = float(expr.xreplace({s: sp.Integer(v) for s, v in self.sizes.items()}))
            return Part((), lambda env: value)
        if isinstance(expr, sp.Symbol):
            return Part((expr,), lambda env: self.xp.counted(self.lengths[expr]))
        if isinstance(expr, (sp.Add, sp.Mul)):
            operator = add if isinstance(expr, sp.Add) else mul
            return self.joined(lambda *values: reduce(operator, values), [self.part(a) for a in expr.args])
        if isinstance(expr, sp.Pow):
            return self.power(expr)
        if isinstance(expr, sp.KroneckerDelta):
            return self.compared("eq", expr.args)
        if isinstance(expr, Bracket) and type(expr.condition) in SIGNS:
            return self.compared(SIGNS[type(expr.condition)], expr.condition.args)
        return self.called(expr)

    def power(self, expr: sp.Pow) -> Part:
        if expr.base == sp.S.Exp1:
            return self.joined(self.xp.exp, [self.part(expr.exp)])
        if not expr.exp.is_number:
            raise Untranslatable(f"a power with the exponent {expr.exp}")
        base, exponent = self.part(expr.base), expr.exp
        if exponent == sp.S.Half:
            return self.joined(self.xp.sqrt, [base])
        number = int(exponent) if exponent.is_Integer else float(exponent)
        return self.joined(lambda value: 1 / value if number == -1 else value**number, [base])

    def compared(self, sign: str, sides: Sequence[sp.Expr]) -> Part:
        return self.joined(lambda a, b: self.xp.compared(sign, a, b), [self.part(side) for side in sides])

    def called(self, expr: sp.Expr) -> Part:
        """A function that the library has, else its formula."""
        function = getattr(self.xp, type(expr).__name__.lower(), None)
        if function is not None and isinstance(expr, sp.Function):
            return self.joined(function, [self.part(a) for a in expr.args])
        if isinstance(expr, Elementwise):
            return self.part(expr.expanded())
        raise Untranslatable(f"{expr} in {self.node.name}")

    def read(self, read: sp.Indexed) -> Part:
        """A tensor: plain, with places that are numbers, or with places that another tensor says."""
        node, places = read.args[0].node, read.indices
        if all(place in self.scope for place in places):
            return self.plain(node, places)
        parts = [self.place(place) for place in places]
        axes = tuple(i for i in self.scope if any(i in part.axes for part in parts))
        makers = [self.aligned(part, axes) for part in parts]
        return Part(axes, lambda env: env[node][tuple(make(env) for make in makers)])

    def place(self, place: sp.Expr) -> Part:
        """A place as whole numbers."""
        if place in self.scope:
            return Part((place,), lambda env: self.xp.places(self.lengths[place]))
        if isinstance(place, sp.Indexed):
            return self.read(place)
        if place.free_symbols & set(self.scope):
            raise Untranslatable(f"a read at {place} in {self.node.name}")
        number = self.size(place)
        return Part((), lambda env: number)

    def plain(self, node: Node, places: Sequence[sp.Symbol]) -> Part:
        """A read at indices only: axes in the order of the scope, a diagonal where one stands twice."""
        axes = tuple(i for i in self.scope if i in places)
        if axes == tuple(places):
            return Part(axes, lambda env: env[node])
        letters = dict(zip(axes, LETTERS, strict=False))
        text = "".join(letters[i] for i in places) + "->" + "".join(letters[i] for i in axes)
        if len(axes) < len(places):
            return Part(axes, lambda env: self.xp.einsum(text, env[node]))
        order = tuple(list(places).index(i) for i in axes)
        return Part(axes, lambda env: self.xp.transposed(env[node], order))
