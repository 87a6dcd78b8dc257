"""From a loss and an optimizer to the program of one training step.

forward     the declared program; each input x[n, ...] is read as data[rows[begin + n], ...]
backward    the gradients, derived
update      plain SGD: W_next = W - lr*W_bar, which rides in the product that makes W_bar;
            else one formula over all parameters, laid out in one array theta, with their gradients in another
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Reduce
from symnet.declare.optimizers.base import Optimizer
from symnet.declare.optimizers.sgd import SGD
from symnet.declare.tensor import Tensor, input_tensor, param
from symnet.emit.training import TOTAL, Arena, Step
from symnet.errors import FormulaProblem, ShapeProblem
from symnet.schedule.memory import Store
from symnet.schedule.units import row_strides

Lower = Callable[[Program], Program]
Gradients = Callable[[Tensor, Sequence[Node]], Sequence[Tensor]]


@dataclass(frozen=True)
class Parts:
    """What a model is made of: everything given from outside, by the part it plays."""

    loss: Tensor
    metrics: tuple[Tensor, ...]
    params: tuple[Node, ...]
    data: tuple[Node, ...]
    masks: tuple[Node, ...]
    held: Mapping[Node, Tensor]  # states that layers carry along, and what they become
    batch: sp.Symbol


def parts_of(loss: Tensor, metrics: Sequence[Tensor], outputs: Iterable[Tensor]) -> Parts:
    """The parts of a model, found from its loss."""
    program = Program.of([loss, *metrics])
    inputs = program.inputs()
    held = {}
    for node in program:
        if "updates" in node.info:
            state, following = node.info["updates"]
            held[state] = following
    masks = tuple(n for n in inputs if "keep" in n.info)
    params = tuple(n for n in inputs if n.role == "param")
    data = tuple(n for n in inputs if n.role == "input" and n not in masks)
    return Parts(loss, tuple(metrics), params, data, masks, held, sample_size(loss, data))


def sample_size(loss: Tensor, data: Sequence[Node]) -> sp.Symbol:
    """The first size that the loss averages over and that an input has as an axis: the sample axis."""
    axes = [s for node in data for s in node.shape if isinstance(s, sp.Symbol)]
    seen: set[Node] = set()
    todo: list[Node] = [loss]
    while todo:
        node = todo.pop(0)
        if node.definition is None or node in seen:
            continue
        seen.add(node)
        formula = node.definition.formula
        for reduce in sorted(formula.atoms(Reduce), key=lambda r: -len(str(r))):
            sizes = {e for _, e in reduce.bound}
            for axis in axes:
                if axis in sizes:
                    return axis
        todo += [r.args[0].node for r in sorted(formula.atoms(sp.Indexed), key=str)]
    raise FormulaProblem(
        f"{loss.name} does not average over an axis of its inputs, so there are no samples to take batches of",
        "give the inputs a symbolic first size, for example N, and take the loss's mean over it",
    )


def eval_program(outputs: Sequence[Tensor], parts: Parts) -> Program:
    """The program as it runs when nothing is trained: running moments for those of the batch, nothing dropped."""
    program = Program.of(outputs)
    changed = dict(program.definitions)
    for node, definition in program.definitions.items():
        if "updates" in node.info:
            state, _ = node.info["updates"]
            changed[node] = Definition(definition.indices, state.read(*definition.indices))
    for mask in parts.masks:
        indices = tuple(sp.Symbol(f"i{a}", integer=True) for a in range(mask.rank))
        changed[mask] = Definition(indices, mask.info["keep"])
    reached = Program(tuple(outputs), changed)
    return reached


def build_step(
    parts: Parts,
    optimizer: Optimizer,
    numbers: Mapping[sp.Symbol, int],
    batch_size: int,
    gradients: Gradients,
    lower: Lower,
    threads: int = 1,
) -> tuple[Step, dict[str, Arena]]:
    """The step of a model under an optimizer, for known sizes, and the arrays that hold its parameters and states."""
    arenas = arenas_of(parts, numbers)
    theta, held = arenas["theta"], arenas["held"]
    t = input_tensor("step.t", ())
    changes = Changes({p: theta.store(p) for p in parts.params}, {}, [])
    slopes = list(gradients(parts.loss, parts.params))
    flat = None
    if rides(optimizer):
        changes.riding(parts, optimizer, slopes, t)
    else:
        changes.laid_out(parts, slopes, theta)
        flat = flat_update(optimizer, t, theta.size, lower)
    changes.carried(parts, held)
    logged = [parts.loss, *parts.metrics]
    data, begin = gathered(parts)
    program = lower(Program.of([*logged, *changes.outputs]))
    noise = drawn(parts, numbers, batch_size)
    scalars = flat.scalars if flat else {}
    places = [changes.where, data.where, noise.where, flat.where if flat else {}]
    places.append({node: Store(None, sp.S.Zero, (), ()) for node in (t, begin, *scalars)})
    step = Step(
        program=Program(program.outputs, {**data.definitions, **program.definitions}),
        update=flat.program if flat else None,
        where={node: store for found in places for node, store in found.items()},
        next_of={**changes.next_of, **(flat.next_of if flat else {})},
        data=data.arrays,
        rows=data.rows,
        logged=logged,
        noise=noise.masks,
        scalars=scalars,
        numbers=numbers,
        batch=parts.batch,
        batch_size=batch_size,
        step=t,
        begin=begin,
        threads=threads,
    )
    return step, arenas


def arenas_of(parts: Parts, numbers: Mapping[sp.Symbol, int]) -> dict[str, Arena]:
    """The arrays that hold parameters and states; sizes that are not among the numbers stay symbols."""
    known = {s: sp.Integer(v) for s, v in numbers.items()}
    shapes = {n: [s.xreplace(known) for s in n.shape] for n in (*parts.params, *parts.held)}
    return {"theta": Arena.of("theta", parts.params, shapes), "held": Arena.of("held", list(parts.held), shapes)}


@dataclass
class Changes:
    """What a step computes besides what it logs: where it goes, and what it overwrites."""

    where: dict[Node, Store]
    next_of: dict[Node, Node]
    outputs: list[Node]

    def riding(self, parts: Parts, optimizer: Optimizer, slopes: Sequence[Tensor], t: Tensor) -> None:
        """Next parameters one by one, each made of its own gradient."""
        for w, g in zip(parts.params, slopes, strict=True):
            following = optimizer.update(w, g, t, {}).w  # type: ignore[arg-type]
            self.where[following], self.next_of[following] = self.where[w], w
            self.outputs.append(following)

    def laid_out(self, parts: Parts, slopes: Sequence[Tensor], theta: Arena) -> None:
        """All gradients in one array, laid out as the parameters are."""
        for w, g in zip(parts.params, slopes, strict=True):
            self.where[g] = Store("grad", theta.offsets[w], tuple(range(g.rank)), strides(g))
            self.outputs.append(g)

    def carried(self, parts: Parts, held: Arena) -> None:
        """What layers carry along, as running moments."""
        for state, following in parts.held.items():
            self.where[state] = self.where[following] = held.store(state)
            self.next_of[following] = state
            self.outputs.append(following)


@dataclass(frozen=True)
class Noise:
    """Masks that are drawn afresh in each step, one after the other in an array of their own."""

    masks: Sequence[tuple[Node, float, int, int]]
    where: Mapping[Node, Store]


def drawn(parts: Parts, numbers: Mapping[sp.Symbol, int], batch_size: int) -> Noise:
    masks, where, offset = [], {}, 0
    for mask in parts.masks:
        size = int(sp.prod(numeric(mask, {**numbers, parts.batch: 1})))
        where[mask] = Store("noise", sp.Integer(offset), tuple(range(mask.rank)), strides(mask))
        masks.append((mask, float(mask.info["keep"]), offset, size))
        offset += -(-size * batch_size // 16) * 16
    return Noise(masks, where)


def strides(node: Node) -> tuple[sp.Expr, ...]:
    return tuple(row_strides(node.shape))


def rides(optimizer: Optimizer) -> bool:
    """Whether the update is linear in the gradient of one parameter, so that it can be part of making it."""
    plain = not optimizer.states() and not optimizer.scalars()
    clipped = optimizer.clip_norm is not None or optimizer.clip_value is not None
    return plain and not clipped and type(optimizer) is SGD


@dataclass(frozen=True)
class Gathered:
    """Definitions that read each input from whole data sets, the arrays that hold those, and where they live."""

    definitions: Mapping[Node, Definition]
    arrays: tuple[Node, ...]
    rows: Node
    where: Mapping[Node, Store]


def gathered(parts: Parts) -> tuple[Gathered, Node]:
    """`x[n, d] := x.data[row[n], d]`, `row[n] := rows[n + begin]`, for each input that has the sample axis."""
    rows = Node("rows", (TOTAL,), role="input", kind="label")
    begin = Node("begin", (), role="input", kind="label")
    sample = sp.Symbol("n", integer=True)
    row = Node("row", (parts.batch,), kind="label", auto=True)
    definitions = {row: Definition((sample,), rows.read(sample + begin.read()))}
    arrays = []
    where: dict[Node, Store] = {rows: Store("rows", sp.S.Zero, (0,), (sp.S.One,))}
    for x in parts.data:
        axes = [a for a, size in enumerate(x.shape) if size == parts.batch]
        shape = tuple(TOTAL if a in axes else s for a, s in enumerate(x.shape))
        data = Node(f"{x.name}.data", shape, role="input", kind=x.kind, facts={})
        arrays.append(data)
        if not axes:
            definitions_of = tuple(sp.Symbol(f"i{a}", integer=True) for a in range(x.rank))
            definitions[x] = Definition(definitions_of, data.read(*definitions_of))
        else:
            names = ["n" if a == axes[0] else f"n{a}" if a in axes else f"i{a}" for a in range(x.rank)]
            indices = tuple(sp.Symbol(name, integer=True) for name in names)
            places = [row.read(indices[a]) if a in axes else indices[a] for a in range(x.rank)]
            definitions[x] = Definition(indices, data.read(*places))
        where[data] = Store(
            f"data{len(arrays)}_{data_name(data)}", sp.S.Zero, tuple(range(data.rank)), tuple(row_strides(shape))
        )
    return Gathered(definitions, tuple(arrays), rows, where), begin


def data_name(data: Node) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in data.name.removesuffix(".data"))


@dataclass(frozen=True)
class Flat:
    """The update of all parameters at once: its program, and where its tensors live."""

    program: Program
    where: Mapping[Node, Store]
    next_of: Mapping[Node, Node]
    scalars: dict[Node, tuple[int, Node]]


def flat_update(optimizer: Optimizer, t: Tensor, count: sp.Expr, lower: Lower) -> Flat:
    """The optimizer's formula over one vector of all parameters."""
    size = (count,)
    w, g = param("theta", size, init="zeros"), input_tensor("grad", size)
    whole = (sp.S.One,)
    states: dict[str, Tensor] = {}
    where: dict[Node, Store] = {g: Store("grad", sp.S.Zero, (0,), whole), w: Store("theta", sp.S.Zero, (0,), whole)}
    for at, (name, _) in enumerate(optimizer.states()):
        states[name] = input_tensor(name, size)
        where[states[name]] = Store("state", at * count, (0,), whole)
    for name, _ in optimizer.scalars():
        states[name] = input_tensor(name, ())
    update = optimizer.update(w, g, t, states)
    next_of: dict[Node, Node] = {update.w: w}
    where[update.w] = where[w]
    scalars: dict[Node, tuple[int, Node]] = {}
    for at, (name, _) in enumerate(optimizer.scalars()):
        scalars[states[name]] = (at, update.states[name])
    for name, _ in optimizer.states():
        following = update.states[name]
        next_of[following], where[following] = states[name], where[states[name]]
    program = lower(Program.of([update.w, *update.states.values()]))
    return Flat(program, where, next_of, scalars)


def numeric(node: Node, numbers: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
    """A shape in numbers."""
    sizes = []
    for size in node.shape:
        value = size.xreplace({s: sp.Integer(v) for s, v in numbers.items()})
        if not value.is_Integer:
            raise ShapeProblem(
                f"the size {value} of {node.name} is not known",
                "give data whose shape says it, or declare it as a number",
            )
        sizes.append(int(value))
    return tuple(sizes)
