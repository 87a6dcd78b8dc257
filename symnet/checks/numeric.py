"""The check: derived gradients against numeric ones, in float64, through the interpreter.

    complex step     Im f(x + ih)/h with h = 1e-30: no cancellation, right to the last digits; needs analytic functions
    central          (f(x+h) - f(x-h))/2h with Richardson's extrapolation from h and h/2

The numeric side knows nothing of derivatives: it evaluates the loss. An entry whose neighbourhood crosses a kink
(a comparison of values that changes side within the step) is named and left out. Above 10^4 entries per tensor,
entries are sampled and whole directions are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.checks.values import random_values
from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Bracket, Reduce
from symnet.core.normal import normalise
from symnet.declare.elementwise import Elementwise
from symnet.declare.tensor import Tensor
from symnet.errors import FormulaProblem, NonScalarLoss, ShapeProblem, ValueProblem
from symnet.pipeline import check_wrt, gradients
from symnet.run.reference import evaluate_flat, evaluate_program
from symnet.run.values import read_values
from symnet.show.tables import html_table

Array = NDArray[Any]
Pair = tuple[tuple[int, ...], float, float]

COMPLEX, CENTRAL = "complex", "central"
METHODS = ("auto", COMPLEX, CENTRAL)
RTOL = {COMPLEX: 1e-10, CENTRAL: 1e-7}
ROUNDING = {COMPLEX: 1e-14, CENTRAL: 1e-11}
CANCELLATION = {COMPLEX: 0.0, CENTRAL: 1e-12}
FLOOR = 1e-5
ENTRYWISE = 1e4
STEP = 1e-3
REACH = 2e-3
ENTRIES = 10_000
SAMPLE = 300
DIRECTIONS = 8
HEAD = ("tensor", "shape", "max abs", "max rel", "at", "symbolic", "numeric", "nonzero", "", "note")


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

    def _repr_html_(self) -> str:
        return html_table(HEAD, map(cells, self.rows), title(self))


def check(
    loss: Tensor,
    wrt: Any = None,
    values: Mapping[Any, Any] | None = None,
    seed: int = 0,
    method: str = "auto",
    rtol: float | None = None,
    gradient: Mapping[Any, Tensor] | None = None,
    entries: int = ENTRIES,
) -> Report:
    """Compare the derived gradients of a scalar with numeric ones.

    `wrt` is a tensor, several, or all parameters and real inputs; `values` may give some or all values, the rest
    is drawn from `seed`. `gradient` puts formulas of one's own in place of the derived ones. Of a tensor with more than
    `entries` entries as many, at most 300, are drawn, and whole directions are added.
    """
    _check_arguments(loss, method)
    program = Program.of([loss])
    targets = list(_targets(program, wrt))
    check_wrt(targets)
    numbers = random_values(program, by_name(values), seed)
    read_values(program, numbers)
    symbolic = _formulas(loss, targets, by_name(gradient))
    read = {*program, *program.inputs()}
    arrays = evaluate_program(
        Program.of([loss, *(g for t, g in zip(targets, symbolic, strict=True) if t in read)]), numbers
    )
    chosen = choose_method(program) if method == "auto" else method
    judge = Judge(
        RTOL[chosen] if rtol is None else rtol,
        rounding=ROUNDING[chosen] * _largest(np.asarray(arrays[g]) for g in symbolic if g in arrays),
        cancellation=CANCELLATION[chosen] * abs(float(arrays[loss])),
    )
    generator = np.random.default_rng(seed)
    rows = []
    for target, formula in zip(targets, symbolic, strict=True):
        if target not in read:
            rows.append(make_row(target.name, np.zeros(()), [((), 0.0, 0.0)], [], judge, False))
            continue
        probe = make_probe(loss, target, numbers, chosen)
        rows.append(_check_one(probe, target.name, np.asarray(arrays[formula], dtype=float), judge, generator, entries))
    return Report(loss.name, chosen, judge.rtol, tuple(rows))


def by_name(values: Mapping[Any, Any] | None) -> dict[str, Any]:
    """A mapping from tensors or names as one from names."""
    return {key.name if isinstance(key, Node) else str(key): value for key, value in (values or {}).items()}


def _largest(arrays: Iterable[Array]) -> float:
    """The largest finite entry of several arrays."""
    sizes = [np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in arrays]
    return float(max(sizes, default=0.0))


def _formulas(loss: Tensor, targets: Sequence[Node], own: Mapping[str, Any]) -> list[Tensor]:
    """For each target the formula to be judged: the derived gradient, or one that was given in its place."""
    strange = set(own) - {t.name for t in targets}
    if strange:
        raise ValueProblem(f"a gradient was given for {', '.join(sorted(strange))}, which is not checked", "see wrt=")
    for target in targets:
        given = own.get(target.name, target)
        if not isinstance(given, Node) or given.shape != target.shape:
            raise ShapeProblem(f"the gradient given for {target!r} must be a tensor of its shape, but is {given!r}")
    derived = [t for t in targets if t.name not in own]
    found = dict(zip(derived, gradients(loss, derived), strict=True)) if derived else {}
    return [own[t.name] if t.name in own else found[t] for t in targets]


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
    analytic = all(_is_analytic(definition.formula) for definition in program.definitions.values())
    return COMPLEX if analytic else CENTRAL


def _is_analytic(formula: sp.Expr) -> bool:
    while functions := [f for f in formula.atoms(sp.Function) if isinstance(f, Elementwise)]:
        formula = formula.xreplace({f: f.expanded() for f in functions})
    compared = any(_moves(b) for b in formula.atoms(Bracket))
    extremes = any(r.op in ("max", "min", "argmax") for r in formula.atoms(Reduce))
    return not (compared or extremes or formula.atoms(sp.Abs, sp.sign))


def _moves(bracket: Bracket) -> bool:
    """Whether a condition speaks of values that a small step can change."""
    return any(r.args[0].node.kind not in ("label", "mask", "onehot") for r in bracket.atoms(sp.Indexed))


# -- one tensor


@dataclass(frozen=True)
class Judge:
    """What counts as equal: `rtol` of the tensor's largest entry.

    A tensor that is smaller than `rounding` on both sides is zero; differences below `cancellation` cannot be
    told from the rounding of the loss, which central differences subtract from itself.
    """

    rtol: float
    rounding: float
    cancellation: float


def _check_one(
    probe: Probe, name: str, symbolic: Array, judge: Judge, generator: np.random.Generator, entries: int = ENTRIES
) -> Row:
    places = list(np.ndindex(symbolic.shape))
    sampled = len(places) > entries
    if sampled:
        places = [places[i] for i in np.sort(generator.choice(len(places), min(SAMPLE, entries), replace=False))]
    kinks: list[tuple[int, ...]] = []
    pairs: list[Pair] = []
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
    return make_row(name, symbolic, pairs, kinks, judge, sampled)


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
    size: float

    def slope(self, direction: Array) -> float | None:
        """The derivative along a direction; None within reach of a kink."""
        if self.method == COMPLEX:
            return self._imaginary(direction)
        h = STEP * self.size
        sides = [self._value(direction * s)[1] for s in (REACH * self.size, -REACH * self.size)]
        if any(not _same_side(self._here, other) for other in sides):
            return None
        wide, narrow, finest = (self._central(direction, h / part) for part in (1, 2, 4))
        first, second = (4 * narrow - wide) / 3, (4 * finest - narrow) / 3
        return (16 * second - first) / 15

    @cached_property
    def _here(self) -> list[Array]:
        """Which side each comparison takes where the tensor is."""
        return self._value(np.zeros(()))[1]

    def _imaginary(self, direction: Array) -> float | None:
        moved, branches = self._value(1e-30j * direction)
        if any(np.isnan(b).any() for b in branches):
            return None
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
    """A probe of an input, or of a defined tensor by way of a shift that is added to its formula."""
    program = Program.of([loss])
    if target.definition is None:
        size = _size(numbers[target.name])
        return Probe(loss, normalise(program), target.name, numbers, method, size)
    value = evaluate_program(program, numbers)[target]
    shift = Node(f"{target.name}__shift", target.shape, role="input")
    own = target.definition
    moved = Definition(own.indices, own.formula + shift.read(*own.indices))
    flat = normalise(Program((loss,), {**program.definitions, target: moved}), keep=[target])
    return Probe(loss, flat, shift.name, {**numbers, shift.name: np.zeros(value.shape)}, method, _size(value))


def _size(value: Any) -> float:
    return float(np.max(np.abs(np.asarray(value, dtype=float)), initial=1.0))


def _same_side(one: Sequence[Array], other: Sequence[Array]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def make_row(
    name: str,
    symbolic: Array,
    pairs: Sequence[Pair],
    kinks: Sequence[tuple[int, ...]],
    judge: Judge,
    sampled: bool,
) -> Row:
    """The verdict from pairs of values: norm-wise against the largest entry, and entry by entry with a floor."""
    left = np.array([a for _, a, _ in pairs], dtype=float)
    right = np.array([b for _, _, b in pairs], dtype=float)
    errors = np.abs(left - right)
    errors[~np.isfinite(errors)] = np.inf
    scale = float(max(np.max(np.abs(left), initial=0.0), np.max(np.abs(right), initial=0.0)))
    counted = np.where(errors <= judge.cancellation, 0.0, errors)
    with np.errstate(invalid="ignore"):  # an infinite gradient is flagged by the norm
        entrywise = counted / np.maximum(np.abs(right), max(FLOOR * scale, 1e-300))
    ok = bool(
        scale <= judge.rounding
        or (counted.max(initial=0.0) <= judge.rtol * scale and entrywise.max(initial=0.0) <= ENTRYWISE * judge.rtol)
    )
    worst = _worst(pairs, errors)
    place, mine, numeric = pairs[worst] if pairs else ((), 0.0, 0.0)
    largest = float(errors.max(initial=0.0))
    nonzero = float(np.mean(right != 0)) if len(right) else 0.0
    note = _note(len(pairs), nonzero, kinks, sampled, scale <= judge.rounding)
    relative = largest / scale if scale else largest
    return Row(
        name, symbolic.shape, largest, relative, place, mine, numeric, ok, len(pairs), nonzero, tuple(kinks), note
    )


def _worst(pairs: Sequence[Pair], errors: Array) -> int:
    """The entry with the largest error; a direction only where no entry is as bad as a tenth of it."""
    if not pairs:
        return -1
    entries = [i for i, (place, _, _) in enumerate(pairs) if place or len(pairs) == 1]
    best = max(entries, key=lambda i: errors[i], default=int(np.argmax(errors)))
    return best if errors[best] >= 0.1 * errors.max() else int(np.argmax(errors))


def _note(checked: int, nonzero: float, kinks: Sequence[tuple[int, ...]], sampled: bool, zero: bool) -> str:
    notes = []
    if not checked:
        notes.append("nothing could be compared")
    elif nonzero == 0:
        notes.append("both sides are zero: this proves little")
    elif zero:
        notes.append("zero up to rounding on both sides")
    if kinks:
        shown = ", ".join(str(list(k)) for k in kinks[:3])
        notes.append(f"{len(kinks)} at a kink, left out: {shown}{', ...' if len(kinks) > 3 else ''}")
    if sampled:
        notes.append(f"{checked} entries and directions sampled")
    return "; ".join(notes)


def report_text(report: Report) -> str:
    """A table, a row per tensor, with the two values at the worst entry under each other's names."""
    table = [HEAD, *(cells(row) for row in report.rows)]
    widths = [max(len(line[c]) for line in table) for c in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    return "\n".join([title(report), *lines])


def title(report: Report) -> str:
    verdict = "ok" if report.ok else "WRONG"
    return f"gradients of {report.loss}: {verdict} (method {report.method}, rtol {report.rtol:g})"


def cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        "x".join(map(str, row.shape)) or "scalar",
        f"{row.max_abs:.1e}",
        f"{row.max_rel:.1e}",
        place_text(row),
        f"{row.symbolic:.10g}",
        f"{row.numeric:.10g}",
        f"{row.nonzero:.0%}",
        verdict(row),
        row.note,
    )


def place_text(row: Row) -> str:
    """Where the largest error is: an entry's place, or a direction of the whole tensor that was sampled."""
    if not row.checked:
        return ""
    return str(list(row.worst)) if row.worst or not row.shape else "a direction"


def verdict(row: Row) -> str:
    """A row at kinks only is neither right nor wrong."""
    if not row.checked:
        return "not compared"
    return "ok" if row.ok else "WRONG"
