"""The slow NumPy interpreter of programs: the oracle that everything else is compared with.

It evaluates each definition over its whole index box, one array axis per index, and sums. Nothing here knows
schedules, derivatives or simplification. Recurrences are evaluated by repetition: all tensors of a cycle are
computed again and again from what the last round gave, until nothing changes; a recurrence of length T is
settled after T rounds, whatever its direction.

A bracket is a strong zero: where it is false, what it multiplies may be infinite or outside its axis. Where the
operands of its condition are NaN the bracket is NaN. Comparisons of complex numbers look at real parts, so a
complex step follows the branch it started on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import scipy.special
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node, Program
from symnet.core.expr import Bracket, Reduce
from symnet.core.graph import is_recurrent, program_components, time_loop
from symnet.core.index import RangedIndex
from symnet.core.normal import normalise
from symnet.core.verify import check_names
from symnet.declare.elementwise import Elementwise
from symnet.errors import FormulaProblem, RangeProblem, ValueProblem
from symnet.run.values import as_array, bystanders, check_kind, check_labels, concrete, read_values, solve_sizes

Array = NDArray[Any]
BLOCK = 4_000_000


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x)) if np.iscomplexobj(x) else scipy.special.expit(x)


def _softplus(x: Array) -> Array:
    big = np.real(x) > 0
    return np.asarray(np.where(big, x, 0) + np.log1p(np.exp(np.where(big, -x, x))))


def _log_cosh(x: Array) -> Array:
    size = np.where(np.real(x) < 0, -x, x)
    small = np.where(np.real(size) < 1, size, 0)
    near = np.log1p(2 * np.sinh(small / 2) ** 2)  # cosh(x) - 1, and that without a difference
    return np.asarray(np.where(np.real(size) < 1, near, size + np.log1p(np.exp(-2 * size)) - np.log(2.0)))


def _sech2(x: Array) -> Array:
    tail = np.exp(-2 * np.where(np.real(x) < 0, -x, x))
    return np.asarray(4 * tail / (1 + tail) ** 2)


def _normal_cdf(x: Array) -> Array:
    """erfc(-x/sqrt(2))/2, with exp(-x**2/2) of an exact square: rounding the argument would move the tail."""
    if np.iscomplexobj(x):
        return np.asarray((1 + _erf(x / np.sqrt(2.0))) / 2)
    size = np.abs(x)
    head = np.round(np.minimum(size, 64.0) * 2**20) / 2**20
    size = np.minimum(size, 64.0)
    gauss = np.exp(-head * head / 2) * np.exp(-(size - head) * (size + head) / 2)
    tail = scipy.special.erfcx(size / np.sqrt(2.0)) * gauss / 2
    return np.asarray(np.where(x < 0, tail, 1 - tail))


def _erf(x: Array) -> Array:
    return scipy.special.erf(x)  # type: ignore[no-any-return]


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "cosh": np.cosh,
    "sinh": np.sinh,
    "erf": _erf,
    "erfc": lambda x: 1 - _erf(x) if np.iscomplexobj(x) else scipy.special.erfc(x),
    "Abs": lambda x: np.where(np.real(x) < 0, -x, x),
    "sign": lambda x: np.sign(np.real(x)),
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda x: -_softplus(-x),
    "softplus": _softplus,
    "log_cosh": _log_cosh,
    "sech2": _sech2,
    "normal_cdf": _normal_cdf,
    "difference": np.subtract,
}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "StrictGreaterThan": np.greater,
    "GreaterThan": np.greater_equal,
    "StrictLessThan": np.less,
    "LessThan": np.less_equal,
    "Equality": np.equal,
    "Unequality": np.not_equal,
}


def evaluate_program(
    program: Program, values: Mapping[str, Any], *, branches: list[Array] | None = None, complex_step: bool = False
) -> dict[Node, Array]:
    """The value of every tensor of a program, from named values of what is given from outside.

    `branches` collects which way each comparison of values went, so that kinks can be noticed.
    """
    return evaluate_flat(normalise(program), values, branches=branches, complex_step=complex_step)


def evaluate_flat(
    flat: Program, values: Mapping[str, Any], *, branches: list[Array] | None = None, complex_step: bool = False
) -> dict[Node, Array]:
    """The same for a program that is in normal form already."""
    given = read_values(flat, values, complex_step)
    sizes = solve_sizes({**bystanders(flat, values), **given})
    machine = _Machine(flat, given, sizes, branches)
    with np.errstate(all="ignore"):
        for group in program_components(flat):
            machine.run_group(group)
    return machine.arrays


class _Machine:
    def __init__(
        self, program: Program, given: Mapping[Node, Array], sizes: dict[sp.Symbol, int], branches: list[Array] | None
    ) -> None:
        self.program, self.sizes, self.branches = program, sizes, branches
        self.arrays: dict[Node, Array] = dict(given)
        self.dtype: type = complex if any(np.iscomplexobj(a) for a in given.values()) else float
        for node, array in given.items():
            if node.kind == "label" and "classes" in node.info:
                check_labels(node, array, self.sizes)

    def shape(self, node: Node) -> tuple[int, ...]:
        return tuple(concrete(size, self.sizes, node.name) for size in node.shape)

    def run_group(self, group: list[Node]) -> None:
        if not is_recurrent(group, self.program):
            self.arrays[group[0]] = self.run(group[0])
            return
        group = list(
            time_loop(group, self.program).order
        )  # refuses cycles that are no recurrence; the order saves rounds
        branches, self.branches = self.branches, None
        for node in group:
            self.arrays[node] = np.zeros(self.shape(node), self.dtype)
        for _ in range(1 + sum(int(np.prod(self.shape(node))) for node in group)):
            changes = [self._changes(node) for node in group]
            if not any(changes):
                break
        self.branches = branches
        if branches is not None:
            for node in group:
                self.run(node)

    def _changes(self, node: Node) -> bool:
        """Compute a tensor from what is there; whether that made a difference."""
        before, after = self.arrays[node], self.run(node)
        self.arrays[node] = after
        return not np.array_equal(before, after, equal_nan=True)

    def run(self, node: Node) -> Array:
        """One definition over its whole index box, in blocks along its first index where the box is large."""
        definition = self.program[node]
        formula = definition.formula
        bound = formula.bound if isinstance(formula, Reduce) else ()
        shape = self.shape(node)
        counts = [concrete(extent, self.sizes, node.name) for _, extent in bound]
        box = int(np.prod(shape, dtype=float) * np.prod(counts, dtype=float))
        rows = shape[0] if shape else 1
        step = max(1, rows * BLOCK // max(box, 1)) if shape else 1
        parts = []
        for start in range(0, max(rows, 1), step):
            ranges = [np.arange(size) for size in (*shape, *counts)]
            if shape:
                ranges[0] = ranges[0][start : start + step]
            symbols = [*definition.indices, *(b for b, _ in bound)]
            parts.append(self._block(node, formula, symbols, ranges, len(shape)))
        return np.concatenate(parts) if shape else parts[0]

    def _block(self, node: Node, formula: sp.Expr, symbols: list[sp.Symbol], ranges: list[Array], rank: int) -> Array:
        sizes = [len(r) for r in ranges]
        grid = {}
        for axis, (symbol, values) in enumerate(zip(symbols, ranges, strict=True)):
            grid[symbol] = values.reshape([-1 if a == axis else 1 for a in range(len(sizes))])
        body = formula.body if isinstance(formula, Reduce) else formula
        value = _Evaluator(self, node, grid, len(sizes)).value(body, np.True_)
        full = np.broadcast_to(value, sizes)
        if not isinstance(formula, Reduce):
            dtype = np.int64 if node.kind == "label" else self.dtype
            return np.array(full, dtype=dtype)
        axes = tuple(range(rank, len(sizes)))
        if self.branches is not None and formula.op in ("max", "min", "argmax"):
            self.branches.append(tie_marks(formula.op, full, axes))
        return reduce_axes(formula.op, full, axes)


def tie_marks(op: str, array: Array, axes: tuple[int, ...]) -> Array:
    """Where the extreme is; NaN where a complex step moves entries that tie for it."""
    place = reduce_axes("argmin" if op == "min" else "argmax", array, axes)
    flat = array.reshape(*array.shape[: axes[0]], int(np.prod(array.shape[axes[0] :])))
    best = np.take_along_axis(np.real(flat), place[..., None], -1)
    tied = np.real(flat) == best
    moving = (tied & (np.imag(flat) != 0)).any(axis=-1) & (tied.sum(axis=-1) > 1)
    return np.where(moving, np.nan, place)


def reduce_axes(op: str, array: Array, axes: tuple[int, ...]) -> Array:
    if op in ("sum", "prod"):
        return np.asarray(array.sum(axis=axes) if op == "sum" else array.prod(axis=axes))
    flat = array.reshape(*array.shape[: axes[0]], int(np.prod(array.shape[axes[0] :])))
    key = np.real(flat)
    place = key.argmin(axis=-1) if op in ("min", "argmin") else key.argmax(axis=-1)
    return place if op in ("argmin", "argmax") else np.take_along_axis(flat, place[..., None], -1)[..., 0]


class _Evaluator:
    """Evaluates one body over a grid; `mask` says where the value is wanted at all."""

    def __init__(self, machine: _Machine, node: Node, grid: dict[sp.Symbol, Array], depth: int) -> None:
        self.machine, self.node, self.grid, self.depth = machine, node, grid, depth

    def value(self, expr: sp.Expr, mask: Any) -> Any:
        if isinstance(expr, sp.Indexed):
            return self.read(expr, mask)
        if expr.is_Number or expr.is_NumberSymbol:
            return int(expr) if expr.is_Integer and abs(expr) < 2**53 else float(expr)
        if isinstance(expr, sp.Symbol):
            return self.symbol(expr)
        if isinstance(expr, sp.Mul):
            return self.product(expr, mask)
        if isinstance(expr, sp.Add):
            return sum((self.value(arg, mask) for arg in expr.args[1:]), self.value(expr.args[0], mask))
        if isinstance(expr, sp.Pow):
            return self.power(expr, mask)
        if isinstance(expr, sp.KroneckerDelta):
            return np.equal(self.value(expr.args[0], mask), self.value(expr.args[1], mask)).astype(float)
        if isinstance(expr, Bracket):
            return self.condition(expr.condition, mask)
        name = type(expr).__name__
        if isinstance(expr, (sp.floor, sp.Mod)):
            return self.whole(expr, mask)
        if name in ("Abs", "sign"):
            self.note(np.asarray(self.value(expr.args[0], mask)), expr, mask)
        if name in FUNCTIONS:
            return FUNCTIONS[name](*[np.asarray(self.value(arg, mask)) for arg in expr.args])
        if isinstance(expr, Elementwise):
            return self.value(expr.expanded(), mask)
        raise AssertionError(f"the interpreter has no value for {type(expr).__name__}: {expr}")

    def symbol(self, symbol: sp.Symbol) -> Any:
        if symbol in self.grid:
            return self.grid[symbol]
        assert not isinstance(symbol, RangedIndex), f"free index {symbol} in {self.node.name}"
        return concrete(symbol, self.machine.sizes, self.node.name)

    def product(self, expr: sp.Mul, mask: Any) -> Any:
        gates = [arg for arg in expr.args if isinstance(arg, (Bracket, sp.KroneckerDelta))]
        rest = [arg for arg in expr.args if not isinstance(arg, (Bracket, sp.KroneckerDelta))]
        gate: Any = 1
        for arg in sorted(gates, key=lambda g: bool(g.atoms(sp.Indexed))):
            gate = gate * self.value(arg, mask & np.not_equal(gate, 0))
        inner = mask & np.not_equal(gate, 0) if gates else mask
        result: Any = 1
        for arg in rest:
            result = result * self.value(arg, inner)
        return np.where(np.equal(gate, 0), 0, gate * result) if gates else result

    def power(self, expr: sp.Pow, mask: Any) -> Any:
        base = self.value(expr.base, mask)
        if expr.exp.is_Integer:
            exponent = int(expr.exp)
            return 1 / np.asarray(base) ** (-exponent) if exponent < 0 else base**exponent
        if expr.exp in (sp.S.Half, -sp.S.Half):
            root = np.sqrt(np.asarray(base))
            return root if expr.exp > 0 else 1 / root
        if expr.base == sp.S.Exp1:
            return np.exp(self.value(expr.exp, mask))
        return np.asarray(base) ** self.value(expr.exp, mask)

    def condition(self, condition: Any, mask: Any) -> Any:
        """1 where it holds, 0 where not, NaN where that cannot be said."""
        name = type(condition).__name__
        if name in COMPARE:
            sides = [self.value(side, mask) for side in condition.args]
            self.note(np.asarray(sides[0] - sides[1]), condition, mask)
            left, right = (np.real(side) for side in sides)
            held = COMPARE[name](left, right)
            return np.where(np.isnan(left) | np.isnan(right), np.nan, held.astype(float))
        parts = [self.condition(arg, mask) for arg in condition.args]
        if isinstance(condition, sp.And):
            return np.prod(np.broadcast_arrays(*parts), axis=0)
        if isinstance(condition, sp.Or):
            return np.max(np.broadcast_arrays(*parts), axis=0)
        assert isinstance(condition, sp.Not), condition
        return 1 - parts[0]

    def whole(self, expr: sp.Expr, mask: Any) -> Any:
        """Floors and remainders of index expressions, in whole numbers."""
        if isinstance(expr, sp.Mod):
            return np.mod(self.value(expr.args[0], mask), self.value(expr.args[1], mask))
        above, below = sp.fraction(sp.together(expr.args[0]))
        return np.floor_divide(self.value(above, mask), self.value(below, mask))

    def note(self, difference: Array, about: sp.Basic, mask: Any) -> None:
        """Remember which side of a kink the values are on; NaN where a complex step stands on the kink itself."""
        if self.machine.branches is None or not about.atoms(sp.Indexed):
            return
        side = np.sign(np.real(difference)) * mask
        on_kink = (np.real(difference) == 0) & (np.imag(difference) != 0) & mask
        self.machine.branches.append(np.where(on_kink, np.nan, side))

    def read(self, read: sp.Indexed, mask: Any) -> Any:
        node = read.args[0].node
        array = self.machine.arrays[node]
        places = []
        for axis, (place, size) in enumerate(zip(read.indices, array.shape, strict=True)):
            index = np.asarray(self.value(place, mask)).astype(np.int64, copy=False)
            if not index.size or (index.min() >= 0 and index.max() < size):
                places.append(index)
                continue
            outside = ((index < 0) | (index >= size)) & mask
            if np.any(outside):
                bad = np.broadcast_to(index, outside.shape)[outside][0]
                raise RangeProblem(
                    f"{self.node.name} reads {read} at {place} = {bad}, "
                    f"but axis {axis} of {node.name} has {size} entries",
                    "guard the read with sn.where, or give values in range",
                )
            places.append(np.clip(index, 0, size - 1))
        return array[tuple(places)] if places else array[()]


def evaluate(outputs: Node | Iterable[Node], values: Mapping[Any, Any]) -> Any:
    """Values of tensors: an array for one, a list for several; scalars for rank zero."""
    single = not isinstance(outputs, (list, tuple))
    nodes: list[Any] = [outputs] if single else list(outputs)  # type: ignore[arg-type]
    for node in nodes:
        if not isinstance(node, Node):
            raise FormulaProblem(f"evaluation of {node!r}, which is no tensor", "give a tensor or a list of tensors")
    if not isinstance(values, Mapping):
        raise ValueProblem(f"the values are {values!r}", 'give a dict from names or tensors to arrays: {"x": X}')
    named = {key.name if isinstance(key, Node) else key: value for key, value in values.items()}
    program = Program.of(nodes)
    check_names(program)
    for node in program.inputs():
        if node.name in named:
            check_kind(node, as_array(node.name, named[node.name]))
    arrays = evaluate_program(program, named)
    results = [plain(arrays[node]) for node in nodes]
    return results[0] if single else results


def plain(array: Array) -> Any:
    """An array, or a Python number for rank zero."""
    return array.item() if array.ndim == 0 else array
