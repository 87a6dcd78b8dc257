"""The check: derived gradients against numeric ones, in float64, through the interpreter.

    complex step     Im f(x + ih)/h with h = 1e-30: no cancellation, right to the last digits; needs analytic functions
    central          (f(x+h) - f(x-h))/2h with Richardson's extrapolation from h and h/2

The numeric side knows nothing of derivatives: it evaluates the loss. An entry whose neighbourhood crosses a kink
(a comparison of values that changes side within the step) is named and left out. Above 10^4 entries per tensor,
entries are sampled and whole directions are added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.checks.values import random_values
from symnet.core.definition import Definition, Node, Program, write_out
from symnet.core.expr import Bracket, Reduce
from symnet.core.normal import normalise
from symnet.declare.tensor import Tensor
from symnet.errors import FormulaProblem, NonScalarLoss, ValueProblem
from symnet.pipeline import gradients
from symnet.run.reference import evaluate_flat, evaluate_program, read_values

Array = NDArray[Any]

COMPLEX, CENTRAL = "complex", "central"
METHODS = ("auto", COMPLEX, CENTRAL)
RTOL = {COMPLEX: 1e-10, CENTRAL: 1e-7}
NOISE = {COMPLEX: 1e-14, CENTRAL: 1e-11}
STEP = 1e-3
REACH = 2e-3
ENTRIES = 10_000
DIRECTIONS = 8


@dataclass(frozen=True)
class Row:
    """One tensor's verdict. `worst` is the entry with the largest error, `symbolic` and `numeric` its two values."""

    name: str
    shape: tuple[int, ...]
    max_abs: float
    max_rel: float
    worst: tuple[int, ...]
    symbolic: float
    numeric: float
    ok: bool
    checked: int
    nonzero: float
    kinks: tuple[tuple[int, ...], ...]
    note: str


@dataclass(frozen=True)
class Report:
    """A check of all gradients: true when every row is, and at least one entry was compared."""

    loss: str
    method: str
    rtol: float
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows) and any(row.checked for row in self.rows)

    @property
    def max_error(self) -> float:
        return max((row.max_rel for row in self.rows), default=0.0)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return report_text(self)


def check(
    loss: Tensor,
    wrt: Any = None,
    values: Mapping[Any, Any] | None = None,
    seed: int = 0,
    method: str = "auto",
    rtol: float | None = None,
    gradient: Mapping[Any, Tensor] | None = None,
) -> Report:
    """Compare the derived gradients of a scalar with numeric ones.

    `wrt` is a tensor, several, or all parameters and real inputs; `values` may give some or all values, the rest
    is drawn from `seed`. `gradient` puts formulas of one's own in place of the derived ones.
    """
    _check_arguments(loss, method)
    program = Program.of([loss])
    targets = list(_targets(program, wrt))
    given = {key.name if isinstance(key, Node) else str(key): value for key, value in (values or {}).items()}
    numbers = random_values(program, given, seed)
    read_values(program, numbers)
    chosen = choose_method(program) if method == "auto" else method
    tolerance = RTOL[chosen] if rtol is None else rtol
    own = {key.name if isinstance(key, Node) else str(key): value for key, value in (gradient or {}).items()}
    derived = dict(zip(targets, gradients(loss, targets), strict=True)) if len(own) < len(targets) else {}
    symbolic = [own[t.name] if t.name in own else derived[t] for t in targets]
    arrays = evaluate_program(Program.of([*symbolic, loss]), numbers)
    largest = max([abs(float(arrays[loss])), *(float(np.max(np.abs(arrays[g]), initial=0.0)) for g in symbolic)])
    generator = np.random.default_rng(seed)
    rows = [
        _check_one(
            loss, t, np.asarray(arrays[g], dtype=float), numbers, chosen, tolerance, NOISE[chosen] * largest, generator
        )
        for t, g in zip(targets, symbolic, strict=True)
    ]
    return Report(loss.name, chosen, tolerance, tuple(rows))


def _check_arguments(loss: Any, method: str) -> None:
    if not isinstance(loss, Node):
        raise FormulaProblem(f"check of {loss!r}, which is no tensor", "give the loss")
    if loss.rank:
        raise NonScalarLoss(f"check of {loss!r}, which is no scalar", "give the loss, or a sum")
    if method not in METHODS:
        raise ValueProblem(f"there is no method {method!r}", f"methods are {', '.join(METHODS)}")


def _targets(program: Program, wrt: Any) -> Iterator[Node]:
    if wrt is None:
        yield from (n for n in program.inputs() if n.role == "param" or n.kind in ("real", "positive"))
        return
    for target in wrt if isinstance(wrt, (list, tuple)) else [wrt]:
        if not isinstance(target, Node):
            raise FormulaProblem(f"check of the gradient by {target!r}, which is no tensor")
        yield target


def choose_method(program: Program) -> str:
    """Complex step where every function is analytic, else central differences."""
    for definition in program.definitions.values():
        if definition.formula.atoms(sp.Abs, sp.sign) or _compares_values(definition.formula):
            return CENTRAL
    return COMPLEX


def _compares_values(formula: sp.Expr) -> bool:
    expanded = formula
    while functions := [f for f in expanded.atoms(sp.Function) if hasattr(f, "expanded")]:
        expanded = expanded.xreplace({f: f.expanded() for f in functions})
    brackets = any(b.atoms(sp.Indexed) for b in expanded.atoms(Bracket))
    return (
        brackets
        or bool(expanded.atoms(sp.Abs, sp.sign))
        or any(r.op in ("max", "min", "argmax") for r in expanded.atoms(Reduce))
    )


# -- one tensor


def _check_one(
    loss: Node,
    target: Node,
    symbolic: Array,
    numbers: Mapping[str, Any],
    method: str,
    rtol: float,
    noise: float,
    generator: np.random.Generator,
) -> Row:
    probe = make_probe(loss, target, numbers, method)
    places = list(np.ndindex(symbolic.shape))
    sampled = len(places) > ENTRIES
    if sampled:
        places = [places[i] for i in np.sort(generator.choice(len(places), ENTRIES, replace=False))]
    kinks: list[tuple[int, ...]] = []
    pairs: list[tuple[tuple[int, ...], float, float]] = []
    for place in places:
        slope = probe.slope(unit(symbolic.shape, place))
        if slope is None:
            kinks.append(place)
        else:
            pairs.append((place, float(symbolic[place]), slope))
    for _ in range(DIRECTIONS if sampled else 0):
        direction = generator.standard_normal(symbolic.shape)
        slope = probe.slope(direction)
        if slope is not None:
            pairs.append(((), float((direction * symbolic).sum()), slope))
    return make_row(target.name, symbolic, pairs, kinks, rtol, noise, sampled)


def unit(shape: tuple[int, ...], place: tuple[int, ...]) -> Array:
    direction = np.zeros(shape)
    direction[place] = 1.0
    return direction


@dataclass(frozen=True)
class Probe:
    """Numeric slopes of a scalar along directions of one tensor, given from outside under `name`."""

    loss: Node
    program: Program
    name: str
    numbers: Mapping[str, Any]
    method: str

    def slope(self, direction: Array) -> float | None:
        """The derivative along a direction; None within reach of a kink."""
        if self.method == COMPLEX:
            return self._imaginary(direction)
        size = max(1.0, float(np.max(np.abs(self._base()[direction != 0]), initial=0.0)))
        h = STEP * size
        kinds = [self._value(direction * s)[1] for s in (0.0, REACH * size, -REACH * size)]
        if any(not _same_side(kinds[0], other) for other in kinds[1:]):
            return None
        wide, narrow = self._central(direction, h), self._central(direction, h / 2)
        finest = self._central(direction, h / 4)
        first, second = (4 * narrow - wide) / 3, (4 * finest - narrow) / 3
        return (16 * second - first) / 15

    def _base(self) -> Array:
        return np.asarray(self.numbers[self.name], dtype=float)

    def _imaginary(self, direction: Array) -> float:
        moved, _ = self._value(1e-30j * direction)
        return float(np.imag(moved)) / 1e-30

    def _central(self, direction: Array, h: float) -> float:
        above, below = self._value(h * direction)[0], self._value(-h * direction)[0]
        return float(np.real(above - below)) / (2 * h)

    def _value(self, shift: Array) -> tuple[Any, list[Array]]:
        """The loss with the tensor shifted, and which side each comparison of values took."""
        branches: list[Array] = []
        numbers = {**self.numbers, self.name: np.asarray(self.numbers[self.name]) + shift}
        return evaluate_flat(self.program, numbers, branches=branches)[self.loss], branches


def make_probe(loss: Node, target: Node, numbers: Mapping[str, Any], method: str) -> Probe:
    """A probe of an input, or of a defined tensor, which is then given from outside with the value it has."""
    program = Program.of([loss])
    if target.definition is None:
        return Probe(loss, normalise(program), target.name, numbers, method)
    value = evaluate_program(Program.of([target]), numbers)[target]
    given = Node(f"{target.name}__given", target.shape, role="input")
    definitions = {
        node: Definition(
            d.indices, write_out(d.formula, lambda r: given.read(*r.indices) if r.args[0].node is target else None)
        )
        for node, d in program.definitions.items()
        if node is not target
    }
    flat = normalise(Program((loss,), definitions))
    return Probe(loss, flat, given.name, {**numbers, given.name: value}, method)


def _same_side(one: Sequence[Array], other: Sequence[Array]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def make_row(
    name: str,
    symbolic: Array,
    pairs: Sequence[tuple[tuple[int, ...], float, float]],
    kinks: Sequence[tuple[int, ...]],
    rtol: float,
    noise: float,
    sampled: bool,
) -> Row:
    """The verdict from pairs of values: the worst error against the largest value of the tensor.

    Differences below `noise`, the rounding of the largest number in play, are none.
    """
    left = np.array([a for _, a, _ in pairs], dtype=float)
    right = np.array([b for _, _, b in pairs], dtype=float)
    scale = float(max(np.max(np.abs(left), initial=0.0), np.max(np.abs(right), initial=0.0)))
    errors = np.abs(left - right)
    errors[~np.isfinite(errors)] = np.inf
    errors[errors <= noise] = 0.0
    floor = scale * 1e-5 if scale else 1.0
    worst = int(np.argmax(errors)) if len(errors) else -1
    error = float(errors[worst]) if len(errors) else 0.0
    relative = error / scale if scale else error
    elementwise = errors / np.maximum(np.abs(right), max(floor, 1e-12)) if len(errors) else errors
    ok = relative <= rtol and float(np.max(elementwise, initial=0.0)) <= 1e4 * rtol
    nonzero = float(np.mean(right != 0)) if len(right) else 0.0
    return Row(
        name,
        symbolic.shape,
        error,
        relative,
        pairs[worst][0] if pairs else (),
        float(left[worst]) if pairs else 0.0,
        float(right[worst]) if pairs else 0.0,
        ok,
        len(pairs),
        nonzero,
        tuple(kinks),
        _note(len(pairs), nonzero, kinks, sampled, scale, noise),
    )


def _note(
    checked: int, nonzero: float, kinks: Sequence[tuple[int, ...]], sampled: bool, scale: float, noise: float
) -> str:
    notes = []
    if not checked:
        notes.append("nothing could be compared")
    elif nonzero == 0:
        notes.append("both sides are zero: this proves little")
    elif scale <= noise:
        notes.append("zero up to rounding on both sides")
    if kinks:
        shown = ", ".join(str(list(k)) for k in kinks[:3])
        notes.append(f"{len(kinks)} at a kink, left out: {shown}{', ...' if len(kinks) > 3 else ''}")
    if sampled:
        notes.append(f"{checked} entries and directions sampled")
    return "; ".join(notes)


def report_text(report: Report) -> str:
    """A table, a row per tensor, with the two values at the worst entry under each other's names."""
    head = ("tensor", "shape", "max abs", "max rel", "at", "symbolic", "numeric", "nonzero", "", "note")
    table = [head, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[c]) for line in table) for c in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    verdict = "ok" if report.ok else "WRONG"
    return "\n".join([f"gradients of {report.loss}: {verdict} (method {report.method}, rtol {report.rtol:g})", *lines])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        "x".join(map(str, row.shape)) or "scalar",
        f"{row.max_abs:.1e}",
        f"{row.max_rel:.1e}",
        str(list(row.worst)),
        f"{row.symbolic:.10g}",
        f"{row.numeric:.10g}",
        f"{row.nonzero:.0%}",
        verdict(row),
        row.note,
    )


def verdict(row: Row) -> str:
    """A row at kinks only is neither right nor wrong."""
    if not row.checked:
        return "not compared"
    return "ok" if row.ok else "WRONG"
