"""Tensors as users hold them: index notation through `T[i, j]`, array notation through operators.

Array notation is sugar: each operator writes one definition in index notation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sympy as sp

from symnet.core.definition import KINDS, Definition, Node, Read, shape_text
from symnet.core.expr import Bracket, Reduce
from symnet.core.index import as_shape
from symnet.declare.notation import (
    Binder,
    as_formula,
    canonical,
    default_indices,
    make_definition,
    sign_facts,
)
from symnet.errors import FormulaProblem, IndexProblem, KindProblem, ShapeProblem

Axis = int | Sequence[int] | None


class Tensor(Node):
    """A named array with a definition: `T[i, j]` reads it, operators define new ones."""

    __array_ufunc__ = None
    _op_priority = 20.0

    # -- what it is
    @property
    def indices(self) -> tuple[sp.Symbol, ...]:
        return self._definition.indices if self._definition else default_indices(self.shape)

    @property
    def formula(self) -> sp.Expr | None:
        """The definition's right-hand side in SymPy's terms, sums shown as `Sum`; None for what is given."""
        if self._definition is None:
            return None
        return to_sympy(self._definition.formula, self._definition.indices)

    def named(self, name: str) -> Tensor:
        """The same definition under a name of its own."""
        if self._definition is None:
            raise FormulaProblem(f"{self.name} is given from outside and keeps its name")
        if self.role != "defined" or self.name in {n.name for n in _self_reads(self)}:
            raise FormulaProblem(f"{self.name} reads itself and keeps its name")
        return Tensor(name, self.shape, definition=self._definition, facts=self.base_facts, kind=self.kind, **self.info)

    @property
    def base_facts(self) -> dict[str, bool]:
        facts = self.base._assumptions
        return {k: True for k in ("positive", "nonnegative") if facts.get(k)}

    # -- index notation
    def __getitem__(self, places: Any) -> Read:
        places = places if isinstance(places, tuple) else (places,)
        for place in places:
            if isinstance(place, (bool, float, str, slice)) or place is None or place is Ellipsis:
                raise IndexProblem(f"{self.name}[{place!r}]: a place is an index, an integer or a read of labels")
        return self.read(*[p if isinstance(p, sp.Expr) else sp.sympify(p, strict=True) for p in places])

    def __iter__(self) -> Any:
        raise TypeError(f"{self.name} cannot be iterated over; read it with indices, {self.name}[i]")

    def __bool__(self) -> bool:
        raise FormulaProblem(
            f"{self.name} has no truth value while it is symbolic", "choose with sn.where(condition, yes, no)"
        )

    def _repr_latex_(self) -> str:
        """Shown by notebooks."""
        left = f"{self.name}_{{{','.join(map(str, self.indices))}}}" if self.rank else self.name
        right = (
            rf"\in \mathbb{{R}}^{{{shape_text(self.shape)}}}" if self.formula is None else f"= {sp.latex(self.formula)}"
        )
        return f"$\\displaystyle {left} {right}$"

    def _sympy_(self) -> sp.Expr:
        if self.rank:
            raise ShapeProblem(
                f"{self.name} has shape {shape_text(self.shape)} and cannot stand for a scalar",
                f"in index notation read it with {self.rank} indices, for example {self._example()}",
            )
        return self.read()

    def _example(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.indices))}]"

    # -- array notation
    def __add__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a + b, self, other)

    def __radd__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a + b, other, self)

    def __sub__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a - b, other, self)

    def __mul__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a * b, self, other)

    def __rmul__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a * b, other, self)

    def __truediv__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a / b, other, self)

    def __pow__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a**b, self, other)

    def __rpow__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a**b, other, self)

    def __neg__(self) -> Any:
        return elementwise_tensor(lambda a: -a, self)

    def __gt__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: Bracket(a > b), self, other, kind="mask")

    def __ge__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: Bracket(a >= b), self, other, kind="mask")

    def __lt__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: Bracket(a < b), self, other, kind="mask")

    def __le__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: Bracket(a <= b), self, other, kind="mask")

    def __and__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a * b, self, other, kind="mask")

    def __or__(self, other: Any) -> Any:
        return elementwise_tensor(lambda a, b: a + b - a * b, self, other, kind="mask")

    def __invert__(self) -> Any:
        return elementwise_tensor(lambda a: 1 - a, self, kind="mask")

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Any:
        return elementwise_tensor(sp.Abs, self, name="abs")

    def __matmul__(self, other: Any) -> Tensor:
        return matmul(self, other)

    @property
    def T(self) -> Tensor:
        """All axes reversed."""
        i = self.indices
        return unnamed_tensor("t", i[::-1], self.read(*i), self.shape[::-1])

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return reduce_tensor("sum", self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return reduce_tensor("mean", self, axis, keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return reduce_tensor("max", self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return reduce_tensor("min", self, axis, keepdims)

    def prod(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return reduce_tensor("prod", self, axis, keepdims)

    def argmax(self, axis: Axis = None) -> Tensor:
        return reduce_tensor("argmax", self, axis, False)

    def take(self, labels: Tensor) -> Tensor:
        """`z.take(t)[n]` is `z[n, t[n]]`: along the last axis, the entry that each label names."""
        return take(self, labels)


def _self_reads(tensor: Node) -> Iterable[Node]:
    assert tensor.definition is not None
    return (r.args[0].node for r in tensor.definition.formula.atoms(sp.Indexed) if r.args[0].node is tensor)


def to_sympy(expr: sp.Expr, indices: Iterable[sp.Symbol] = ()) -> sp.Expr:
    """A canonical formula with reductions as SymPy's `Sum` and `Product`, under readable bound names."""
    if isinstance(expr, Reduce):
        taken = set(indices) | expr.free_symbols
        body, bound = expr.body, expr.bound
        names = default_indices([e for _, e in bound], taken)
        renamed = body.xreplace({b: name for (b, _), name in zip(bound, names, strict=True)})
        inner = to_sympy(renamed, taken | set(names))
        pairs = list(zip(names, [e for _, e in bound], strict=True))
        if expr.op == "sum":
            return sp.Sum(inner, *[(s, 0, e - 1) for s, e in pairs])
        if expr.op == "prod":
            return sp.Product(inner, *[(s, 0, e - 1) for s, e in pairs])
        return Binder(expr.op, inner, *pairs)
    if not expr.args or isinstance(expr, sp.Indexed) or not expr.atoms(Reduce):
        return expr
    return expr.func(*[to_sympy(arg, indices) if isinstance(arg, sp.Basic) else arg for arg in expr.args])


# -- declaring


def input_tensor(name: str, shape: Any, kind: str = "real", classes: Any = None) -> Tensor:
    """Data given from outside. `kind`: real, simplex, onehot, label, positive or mask."""
    if kind not in KINDS:
        raise KindProblem(f"{name}: there is no kind {kind!r}", f"kinds are {', '.join(KINDS)}")
    if kind in ("simplex", "onehot") and not as_shape(shape):
        raise KindProblem(f"{name}: a {kind} tensor has rows along its last axis, but {name} is a scalar")
    info = {} if classes is None else {"classes": as_shape(classes)[0]}
    if info and kind != "label":
        raise KindProblem(f"{name}: classes= belongs to kind='label', but the kind is {kind!r}")
    return Tensor(name, shape, role="input", kind=kind, **info)


def param(name: str, shape: Any, init: Any = None, kind: str = "real") -> Tensor:
    """Something that training may change; `init` says how it starts."""
    shape = as_shape(shape)
    return Tensor(name, shape, role="param", kind=kind, init=check_init(name, init, shape))


INITS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "orthogonal", "zeros", "ones")


def fits(sizes: Sequence[int], shape: Sequence[sp.Expr]) -> bool:
    """Whether concrete sizes can be those of a shape."""
    return len(sizes) == len(shape) and all(not s.is_Integer or s == n for n, s in zip(sizes, shape, strict=True))


def check_init(name: str, init: Any, shape: Sequence[sp.Expr]) -> Any:
    """The initialiser, or glorot_uniform for rank two and up and zeros below."""
    if init is None:
        return "glorot_uniform" if len(shape) >= 2 else "zeros"
    if hasattr(init, "shape") and not fits(init.shape, shape):
        raise ShapeProblem(f"{name} has shape {shape_text(shape)}, but its initial value {init.shape}")
    if isinstance(init, str) and init not in INITS and not init.startswith(("normal(", "uniform(", "constant(")):
        raise KindProblem(
            f"{name}: there is no initialiser {init!r}", f"there are {', '.join(INITS)}, normal(std), uniform(a,b)"
        )
    return init


def tensor(name: str, shape: Any) -> Tensor:
    """A name to be defined later by itself at a shifted index: a recurrence."""
    return Tensor(name, shape)


def define(target: str | Tensor, indices: Any, formula: Any, shape: Any = None) -> Tensor:
    """`target[indices] := formula`, in index notation."""
    indices = tuple(indices) if isinstance(indices, (tuple, list)) else (indices,)
    if isinstance(target, Tensor):
        definition, _ = make_definition(target.name, indices, formula, target.shape)
        target.bind(definition)
        return target
    definition, found = make_definition(target, indices, formula, None if shape is None else as_shape(shape))
    return Tensor(target, found, definition=definition, facts=sign_facts(definition.formula))


def suggest(name: str, indices: Iterable[sp.Symbol], formula: Any, shape: Any = None) -> Tensor:
    """A definition whose name is only a suggestion: a network may have several of them."""
    definition, found = make_definition(name, indices, formula, None if shape is None else as_shape(shape))
    return Tensor(name, found, definition=definition, auto=True, facts=sign_facts(definition.formula))


def unnamed_tensor(
    name: str,
    indices: Iterable[sp.Symbol],
    formula: sp.Expr,
    shape: Iterable[sp.Expr],
    kind: str = "real",
    **info: Any,
) -> Tensor:
    """A tensor made by array notation; its name is only a suggestion."""
    definition = Definition(tuple(indices), sp.sympify(canonical(formula)))
    facts = sign_facts(definition.formula)
    return Tensor(name, tuple(shape), kind=kind, definition=definition, auto=True, facts=facts, **info)


# -- array notation


def broadcast(*operands: Any) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Expr, ...], list[sp.Expr]]:
    """Indices and shape of the result, and each operand as a scalar read at those indices."""
    tensors = [o for o in operands if isinstance(o, Node)]
    rank = max(t.rank for t in tensors)
    shape: list[sp.Expr] = [sp.S.One] * rank
    for t in tensors:
        for axis, size in enumerate(t.shape, start=rank - t.rank):
            if shape[axis] == 1:
                shape[axis] = size
            elif size not in (1, shape[axis]):
                shapes = " and ".join(f"{o.name}{shape_text(o.shape)}" for o in tensors)
                raise ShapeProblem(f"shapes do not fit: {shapes}: {shape[axis]} against {size}")
    widest = next(t for t in tensors if t.rank == rank)
    own = widest.indices if isinstance(widest, Tensor) else default_indices(shape)
    indices = own if len(set(own)) == rank else default_indices(shape)
    values = []
    for operand in operands:
        if not isinstance(operand, Node):
            values.append(as_formula(operand))
            continue
        here = indices[rank - operand.rank :]
        values.append(operand.read(*[sp.S.Zero if s == 1 else i for i, s in zip(here, operand.shape, strict=True)]))
    return indices, tuple(shape), values


def elementwise_tensor(rule: Callable[..., sp.Expr], *operands: Any, name: str = "t", kind: str = "real") -> Any:
    """An operator applied entry by entry, with NumPy's broadcasting; scalars meet expressions as themselves."""
    if any(isinstance(o, sp.Expr) and _speaks_of_indices(o) for o in operands):
        return rule(*[as_formula(o) for o in operands])
    indices, shape, values = broadcast(*operands)
    operands = tuple(o for o in operands if isinstance(o, Node))
    return unnamed_tensor(name, indices, rule(*values), shape, kind, operands=operands)


def _speaks_of_indices(expr: sp.Expr) -> bool:
    """Whether an operand is written in index notation."""
    return bool(expr.atoms(sp.Indexed)) or any(not s.is_positive for s in expr.free_symbols)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """NumPy's matmul: the last axis of a against the last but one (or only) of b, the rest batch."""
    if not isinstance(b, Node) or not a.rank or not b.rank:
        raise ShapeProblem("@ needs two tensors of rank one or more", "use * for scalars")
    rows = a.shape[:-1] if a.rank == 1 else a.shape[-2:-1]
    columns = b.shape[-1:] if b.rank > 1 else ()
    inner = b.shape[-2] if b.rank > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ShapeProblem(
            f"{a.name}{shape_text(a.shape)} @ {b.name}{shape_text(b.shape)}: {a.shape[-1]} against {inner}",
            "the last axis of the left must equal the last but one of the right",
        )
    batch_a, batch_b = a.shape[:-2], b.shape[:-2]
    depth = max(len(batch_a), len(batch_b))
    batch = [_joined(s, t, a, b) for s, t in zip(_padded(batch_a, depth), _padded(batch_b, depth), strict=True)]
    shape = (*batch, *rows, *columns)
    indices = default_indices(shape)
    bound = default_indices([inner], indices)[0]
    row = indices[depth : depth + len(rows)]
    column = indices[depth + len(rows) :]
    left = (*_batch_places(batch_a, indices, depth), *row, bound)
    right = (*_batch_places(batch_b, indices, depth), bound, *column)
    return unnamed_tensor("t", indices, Binder("sum", a.read(*left) * b.read(*right), (bound, inner)), shape)


def _padded(batch: tuple[sp.Expr, ...], depth: int) -> list[sp.Expr]:
    return [sp.S.One] * (depth - len(batch)) + list(batch)


def _joined(s: sp.Expr, t: sp.Expr, a: Node, b: Node) -> sp.Expr:
    if s != t and 1 not in (s, t):
        raise ShapeProblem(
            f"batch axes of {a.name}{shape_text(a.shape)} and {b.name}{shape_text(b.shape)}: {s} against {t}"
        )
    return t if s == 1 else s


def _batch_places(batch: tuple[sp.Expr, ...], indices: tuple[sp.Symbol, ...], depth: int) -> list[sp.Expr]:
    own = indices[depth - len(batch) : depth]
    return [sp.S.Zero if s == 1 else i for s, i in zip(batch, own, strict=True)]


def normal_axes(tensor: Node, axis: Axis) -> tuple[int, ...]:
    """Axes as sorted positions; an axis out of range is an error that names the rank."""
    axes = tuple(range(tensor.rank) if axis is None else (axis,) if isinstance(axis, int) else axis)
    if not all(isinstance(a, int) for a in axes) or len({a % max(tensor.rank, 1) for a in axes}) != len(axes):
        raise ShapeProblem(f"axis={axis!r} of {tensor.name}: an axis is a whole number, and stands once")
    for a in axes:
        if not -tensor.rank <= a < tensor.rank:
            raise ShapeProblem(f"axis {a} of {tensor.name}, which has {tensor.rank} axes {shape_text(tensor.shape)}")
    return tuple(sorted({a % tensor.rank for a in axes}))


def reduce_tensor(op: str, tensor: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """A reduction along axes; mean is a sum over the number of entries."""
    axes = normal_axes(tensor, axis)
    if op == "argmax" and len(axes) != 1:
        raise ShapeProblem("argmax runs along one axis", "say axis=-1")
    indices = tensor.indices
    bound = [(indices[a], tensor.shape[a]) for a in axes]
    body = Binder("sum" if op == "mean" else op, tensor.read(*indices), *bound) if axes else tensor.read(*indices)
    if op == "mean":
        body = body / sp.Mul(*[e for _, e in bound])
    if keepdims:
        shape = tuple(sp.S.One if a in axes else s for a, s in enumerate(tensor.shape))
        fresh = default_indices(shape, indices)
        left = tuple(fresh[a] if a in axes else i for a, i in enumerate(indices))
    else:
        shape = tuple(s for a, s in enumerate(tensor.shape) if a not in axes)
        left = tuple(i for a, i in enumerate(indices) if a not in axes)
    return unnamed_tensor("t", left, body, shape, kind="label" if op == "argmax" else "real")


def check_tensors(what: str, *tensors: Any) -> None:
    for value in tensors:
        if not isinstance(value, Node):
            raise FormulaProblem(
                f"{what} of {value!r}, which is no tensor",
                "it needs tensors, labels with kind='label'; in index notation write the formula",
            )


def take(tensor: Tensor, labels: Tensor) -> Tensor:
    check_tensors("take", tensor, labels)
    if labels.kind != "label":
        raise KindProblem(f"{labels.name} is of kind {labels.kind!r}, but take needs labels", "declare kind='label'")
    if tensor.rank != labels.rank + 1:
        raise ShapeProblem(f"take: {tensor.name}{shape_text(tensor.shape)} against labels {labels!r}")
    indices = tensor.indices[:-1]
    return unnamed_tensor("t", indices, tensor.read(*indices, labels.read(*indices)), labels.shape)


def lookup(table: Tensor, ids: Tensor) -> Tensor:
    """`lookup(E, ids)[n, d]` is `E[ids[n], d]`: rows of a table by label."""
    check_tensors("lookup", table, ids)
    if ids.kind != "label":
        raise KindProblem(f"{ids.name} is of kind {ids.kind!r}, but lookup needs labels", "declare kind='label'")
    first = ids.indices
    rest = default_indices(table.shape[1:], first)
    shape = (*ids.shape, *table.shape[1:])
    return unnamed_tensor("t", (*first, *rest), table.read(ids.read(*first), *rest), shape)
