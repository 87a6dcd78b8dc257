"""From a formula's tree to SymPy, by the functions of the language and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean

from symnet.core.definition import Node
from symnet.core.expr import COMPARISONS
from symnet.declare import functions as fn
from symnet.declare.notation import Binder, as_formula, exact
from symnet.declare.tensor import Tensor, unnamed_tensor
from symnet.errors import SymnetError
from symnet.spec.functions import FUNCTIONS, Function
from symnet.spec.names import Known
from symnet.spec.numbers import check_number, check_power, check_size
from symnet.spec.passage import Refused, Span, meant
from symnet.spec.scopes import Bound, Extent, Scoped, binds
from symnet.spec.tree import Binary, Call, Compare, Name, Number, ReadOf, Term, Unary, Word, walk

WRITTEN = {  # functions of other notations, as they are written here
    "norm": "the norm of x is sqrt(sum(x[i]**2, i))",
    "trace": "the trace of A is sum(A[i,i], i)",
    "tr": "the trace of A is sum(A[i,i], i)",
    "dot": "the product of a and b is sum(a[i]*b[i], i), or a @ b of tensors",
    "matmul": "the product of A and B is sum(A[i,j]*B[j,k], j), or A @ B of tensors",
    "transpose": "the transpose of A is A.T, or A[j,i] in place of A[i,j]",
    "ln": "the natural logarithm is log",
}
BROKEN = (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, NotImplementedError)


@dataclass(eq=False)
class Builder:
    """Builds one formula; `places` remembers where each read stood."""

    known: Known
    scoped: Scoped
    ranges: Mapping[Bound, Extent]
    places: dict[sp.Expr, list[Span]] = field(default_factory=dict)

    def built(self) -> Any:
        """The right side: an expression, or a whole tensor."""
        check_size(self.scoped.formula.right)
        scope = {bound.name: symbol(bound.name) for bound in self.scoped.left}
        return self.value(self.scoped.formula.right, scope)

    def value(self, term: Term, scope: Mapping[str, sp.Symbol]) -> Any:
        """What a term stands for; whatever goes wrong is told of the smallest term in which it does."""
        try:
            made = self.make(term, scope)
            check_number(made, term.span)
        except SymnetError as error:
            raise Refused(error.code, error.message, error.hint, [term.span]) from None
        except BROKEN:
            raise Refused("E0206", "this cannot be worked out", "it has no value as it stands", [term.span]) from None
        return made

    def make(self, term: Term, scope: Mapping[str, sp.Symbol]) -> Any:
        if isinstance(term, Number):
            return sp.Integer(int(term.text)) if term.text.isdigit() else exact(float(term.text))
        if isinstance(term, Name):
            return scope[term.name] if term.name in scope else self.known.value(term.name, term.span)
        if isinstance(term, Word):
            return term.text
        if isinstance(term, ReadOf):
            return self.read(term, scope)
        if isinstance(term, Call):
            return self.reduction(term, scope) if binds(term) else self.call(term, scope)
        if isinstance(term, Unary):
            return self.unary(term, scope)
        if isinstance(term, Compare):
            return self.compare(term, scope)
        assert isinstance(term, Binary), "the grammar has no other terms"
        return binary(term, self.value(term.left, scope), self.value(term.right, scope))

    def read(self, term: ReadOf, scope: Mapping[str, sp.Symbol]) -> sp.Expr:
        """`x[n, 2*i+u-1]`."""
        tensor = self.known.tensor(term)
        made = tensor.read(*(self.place(tensor, place, scope) for place in term.places))
        self.places.setdefault(made, []).append(term.span)
        return made

    def place(self, tensor: Tensor, term: Term, scope: Mapping[str, sp.Symbol]) -> sp.Expr:
        place = self.value(term, scope)
        if isinstance(place, Node) and not place.rank:
            place = place.read()
        labels = place.atoms(sp.Indexed) if isinstance(place, sp.Expr) else ()
        kinds = [label.node for label in labels if label.node.kind != "label"]
        if kinds:
            hint = "a place is an index, a number or a read of labels: declare it with kind: label"
            raise Refused(
                "E0204",
                f"{kinds[0].name} is of kind {kinds[0].kind!r} and cannot say where {tensor.name} is read",
                hint,
                [term.span],
            )
        if not isinstance(place, sp.Expr) or not place.is_integer:
            hint = "a place is an index, a whole number, a sum of such, or a read of labels"
            raise Refused("E0203", f"{tensor.name} cannot be read at this place", hint, [term.span])
        return place

    def unary(self, term: Unary, scope: Mapping[str, sp.Symbol]) -> Any:
        inner = self.value(term.of, scope)
        if term.sign == "T":
            if not isinstance(inner, Tensor):
                raise Refused(
                    "E0206", ".T is for tensors of rank one and more", "in index notation swap the indices", [term.span]
                )
            return inner.T
        if term.sign == "~":
            return ~inner if isinstance(inner, Tensor) else sp.Not(condition(inner))
        inner = inner if isinstance(inner, Tensor) else as_formula(inner)
        return -inner if term.sign == "-" else inner

    def compare(self, term: Compare, scope: Mapping[str, sp.Symbol]) -> Any:
        """A chain of comparisons, which all must hold."""
        sides = [self.value(side, scope) for side in term.sides]
        made = [compared(sign, a, b) for sign, a, b in zip(term.signs, sides, sides[1:], strict=False)]
        if len(made) == 1:
            return made[0]
        if any(isinstance(part, Tensor) for part in made):
            raise Refused("E0206", "tensors are compared two at a time", "join comparisons with &", [term.span])
        return sp.And(*made)

    def reduction(self, term: Call, scope: Mapping[str, sp.Symbol]) -> sp.Expr:
        """`sum(x[n,d], d)`."""
        bounds = self.scoped.inner[id(term)]
        if not term.args:
            raise Refused("E0210", f"{term.name} of nothing", f"{term.name}(expression, i, j)", [term.span])
        inner = {**scope, **{bound.name: symbol(bound.name) for bound in bounds}}
        body = self.value(term.args[0], inner)
        if isinstance(body, Tensor):
            raise Refused(
                "E0206",
                f"{term.name} over indices of a whole tensor",
                f"read it: {body._example()}",
                [term.args[0].span],
            )
        pairs = [(inner[bound.name], self.ranges[bound].size) for bound in bounds]
        body = as_formula(body)
        if term.name == "logsumexp":
            return sp.log(Binder("sum", sp.exp(body), *pairs))
        made = Binder("sum" if term.name == "mean" else term.name, body, *pairs)
        return made / sp.Mul(*[size for _, size in pairs]) if term.name == "mean" else made

    def call(self, term: Call, scope: Mapping[str, sp.Symbol]) -> Any:
        """A function of expressions or of whole tensors."""
        function = self.function(term)
        args = [self.argument(function, arg, scope) for arg in term.args]
        named = {part.name: self.option(function, part.name, part.value, scope) for part in term.named}
        if function.name in ("where", "clip", "eq", "maximum", "minimum") and not any(
            isinstance(a, Node) for a in args
        ):
            args = [args[0], *map(as_formula, args[1:])] if function.name == "where" else [as_formula(a) for a in args]
        return function.call(*together(args), **named)

    def check_calls(self) -> tuple[list[Refused], list[Span]]:
        """What is wrong with calls, before anything is worked out; and the calls within which no more is said."""
        wrong: list[Refused] = []
        for term in walk(self.scoped.formula.right):
            if not isinstance(term, Call) or binds(term):
                continue
            try:
                function = self.function(term)
                reads = [arg for arg in term.args if isinstance(arg, ReadOf)]
                if function.of_tensors and reads:
                    hint = f"write {term.name}({', '.join(arg.name for arg in reads)}), without indices"
                    raise Refused("E0206", f"{term.name} takes whole tensors", hint, [arg.span for arg in reads])
            except Refused as refused:
                wrong.append(refused)
        return wrong, [span for refused in wrong if refused.code != "E0102" for span in refused.spans]

    def function(self, term: Call) -> Function:
        """The function that is called, once it is sure that it takes what it is given."""
        function = FUNCTIONS.get(term.name)
        if function is None:
            if term.name in self.known.tensors:
                raise Refused(
                    "E0206", f"{term.name} is a tensor, not a function", "read it with square brackets", [term.head]
                )
            known = f"functions are {', '.join(sorted(FUNCTIONS))}"
            near = meant(term.name, FUNCTIONS)
            hint = WRITTEN.get(term.name) or (f"{near} {known}" if near else known)
            raise Refused("E0102", f"there is no function {term.name!r}", hint, [term.head])
        if not function.least <= len(term.args) <= function.most:
            given = f"{len(term.args)} {'was' if len(term.args) == 1 else 'were'} given"
            raise Refused("E0210", f"{term.name} takes {function.takes()}, but {given}", "", [term.span])
        for part in term.named:
            if part.name not in function.named:
                hint = meant(part.name, function.named, f"it has {', '.join(function.named) or 'none'}")
                raise Refused("E0210", f"{term.name} has no option {part.name!r}", hint, [part.head])
        if "axis" in function.named and not function.of_tensors and len(term.args) > 1:
            hint = f"{term.name}(expression, i) or {term.name}(tensor, axis=0); of two values take maximum or minimum"
            raise Refused("E0210", f"{term.name} takes one value, and indices", hint, [term.span])
        return function

    def argument(self, function: Function, term: Term, scope: Mapping[str, sp.Symbol]) -> Any:
        """An argument; whole tensors stay tensors where the function is for tensors."""
        if function.of_tensors and isinstance(term, Name) and term.name in self.known.tensors:
            return self.known.tensors[term.name]
        made = self.value(term, scope)
        if function.name in ("argmax", "logsumexp", *REDUCE) and not isinstance(made, Tensor):
            hint = f"say which: {function.name}(expression, i)"
            raise Refused(
                "E0203", f"{function.name} of an expression needs the indices it runs over", hint, [term.span]
            )
        return made

    def option(self, function: Function, name: str, term: Term, scope: Mapping[str, sp.Symbol]) -> Any:
        """A named argument: axes are plain whole numbers."""
        if isinstance(term, Name) and term.name in self.known.tensors:
            return self.known.tensors[term.name]
        value = self.value(term, scope)
        if name in ("axis", "keepdims"):
            if not isinstance(value, sp.Integer):
                raise Refused(
                    "E0210",
                    f"{name} of {function.name} is a whole number",
                    "count axes from 0, or from the end: axis=-1",
                    [term.span],
                )
            return bool(value) if name == "keepdims" else int(value)
        return value


def together(values: Sequence[Any]) -> list[Any]:
    """Operands of one kind: beside whole tensors, a scalar expression without indices is a tensor of rank zero."""
    if not any(isinstance(value, Tensor) for value in values):
        return list(values)
    return [scalar_tensor(v) if isinstance(v, sp.Expr) and v.atoms(sp.Indexed) else v for v in values]


def scalar_tensor(value: sp.Expr) -> Any:
    if any(not free.is_positive for free in value.free_symbols):
        return value
    return unnamed_tensor("t", (), value, ())


REDUCE = ("sum", "mean", "max", "min", "prod")


def symbol(name: str) -> sp.Symbol:
    return sp.Symbol(name, integer=True)


def condition(value: Any) -> Boolean:
    """A comparison as it is; a number stands for being positive, as in a mask."""
    return value if isinstance(value, Boolean) else sp.Gt(as_formula(value), 0)


def compared(sign: str, a: Any, b: Any) -> Any:
    """One comparison, of expressions or entry by entry of tensors."""
    a, b = together([a, b])
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return COMPARISONS[sign](as_formula(a), as_formula(b))
    if sign in ("==", "!="):
        return fn.eq(a, b) if sign == "==" else 1 - fn.eq(a, b)
    if not isinstance(a, Tensor):
        a, b, sign = b, a, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}[sign]
    return ORDER[sign](a, b)


ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def binary(term: Binary, a: Any, b: Any) -> Any:
    """`a + b` and its like; conditions join, and count as 0 and 1 among numbers."""
    if term.sign in "&|" and not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return (sp.And if term.sign == "&" else sp.Or)(condition(a), condition(b))
    a, b = (side if isinstance(side, Tensor) else as_formula(side) for side in (a, b))
    a, b = together([a, b])
    if term.sign == "@" and not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        raise Refused("E0206", "@ is for two tensors", "write * for scalars, or sum(x[n,d]*W[d,k], d)", [term.span])
    if term.sign == "/" and b == 0:
        raise Refused("E0206", "a division by zero", "", [term.span])
    if term.sign == "**":
        check_power(a, b, term.span)
    return OPERATIONS[term.sign](a, b)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
}
