"""The training loop as a module: gather, forward, backward and update, for many steps in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from symnet.core.definition import Node, Program
from symnet.emit.helpers import BARRIER, MASK
from symnet.emit.kernels import INDENT
from symnet.emit.module import Compiled, module_text
from symnet.emit.names import Names
from symnet.emit.parts import share_equal
from symnet.emit.scalar import is_whole_node
from symnet.emit.threads import ThreadsWriter
from symnet.schedule.memory import THREAD, Store
from symnet.schedule.schedule import Schedule, Schedules, schedule
from symnet.schedule.split import divided
from symnet.schedule.units import row_strides

TOTAL = sp.Symbol("total", integer=True, positive=True)  # how many samples an epoch has
# what every training kernel is given besides its data, in this order
FIXED = (
    ("rows", "int64[::1]"),
    ("theta", "NUMBER[::1]"),
    ("grad", "NUMBER[::1]"),
    ("state", "NUMBER[::1]"),
    ("memory", "float64[::1]"),
    ("held", "NUMBER[::1]"),
    ("noise", "NUMBER[::1]"),
    ("ws", "NUMBER[::1]"),
    ("near", "NUMBER[::1]"),
    ("wi", "int64[::1]"),
    ("sums", "float64[::1]"),
    ("first", "int64"),
    ("last", "int64"),
    ("total", "int64"),
    ("done", "int64"),
    ("seed", "int64"),
)
# and besides, where several threads share its work
SHARED = (("shared", "float64[::1]"), ("sync", "int64[::1]"), ("tid", "int64"))


@dataclass(frozen=True)
class Arena:
    """Tensors one after the other in one array: where each begins."""

    name: str
    offsets: Mapping[Node, sp.Expr]
    size: sp.Expr

    @classmethod
    def of(cls, name: str, nodes: Sequence[Node], shapes: Mapping[Node, Sequence[Any]], align: int = 16) -> Arena:
        """Each begins at a multiple of `align` as far as sizes are known."""
        offsets, at = {}, sp.S.Zero
        for node in nodes:
            offsets[node] = at
            count = sp.Mul(*shapes[node])
            at += -(-count // align) * align if count.is_Integer else count
        return cls(name, offsets, at)

    def store(self, node: Node) -> Store:
        return Store(self.name, self.offsets[node], tuple(range(node.rank)), tuple(row_strides(node.shape)))


@dataclass(frozen=True)
class Step:
    """Everything that the kernel of one training step is made of.

    `program` computes losses, metrics and either gradients or next parameters; `update`, if there is one, the next
    parameters from all gradients at once. `where` says where tensors from outside live, `next_of` what is overwritten.
    """

    program: Program
    update: Program | None
    where: Mapping[Node, Store]
    next_of: Mapping[Node, Node]
    data: Sequence[Node]
    rows: Node
    logged: Sequence[Node]
    noise: Sequence[tuple[Node, float, int, int]]  # mask, share kept, offset, entries
    scalars: Mapping[Node, tuple[int, Node]]  # scalar states: place in `memory`, next
    numbers: Mapping[sp.Symbol, int]
    batch: sp.Symbol
    batch_size: int
    step: Node
    begin: Node
    threads: int = 1
    title: str = ""


@dataclass(frozen=True)
class TrainingModule:
    """The emitted module and what a caller has to allocate."""

    source: str
    schedules: Schedules
    work: Mapping[str, sp.Expr]
    kernel: Compiled
    helpers: str = ""
    data: tuple[str, ...] = field(default_factory=tuple)


def training_module(step: Step, dtype: str) -> TrainingModule:
    """Emit the training loop for a step."""
    names = Names()
    constant = step.batch_size == 1
    numbers = {**step.numbers, **({step.batch: 1} if constant else {})}
    names.taken.update({"n", "i", "t", "seen", *(name for name, _ in FIXED)})
    given = {size: names(size, str(size)) for size in open_sizes(step)}
    sizes = {**({} if constant else {step.batch: "n"}), **given}
    names.of[THREAD], names.of[TOTAL] = "tid", "total"
    names.of.update({node: str(step.where[node].array) for node in (*step.data, step.rows)})
    names.taken.update(names.of.values())
    capacity = {**{s: sp.Integer(v) for s, v in step.numbers.items()}, step.batch: sp.Integer(step.batch_size)}
    plans = planned(step, capacity, np.dtype(dtype).itemsize)
    lines: list[str] = []
    spans: list[tuple[int, int]] = []
    used, writer = set[str](), None
    partials: dict[Node, int] = {}  # of all schedules: no thread may write a part that another still reads
    for plan in plans:
        writer = ThreadsWriter(plan.memory, sizes, numbers, dtype == "float64", names, used, partials=partials)
        writer.depth, writer.threads = 2, step.threads
        writer.wide.update(n for n in plan.memory.stores if not n.rank and not is_whole_node(n))
        names.of.setdefault(step.step, "t")
        names.of.setdefault(step.begin, "begin")
        start = len(writer.lines)
        if step.threads > 1:
            writer.shared(divided(plan.items, plan.memory), step.logged[0])
        else:
            writer.kernels(plan.items, step.logged[0])
        spans += [(a - start + len(lines), b - start + len(lines)) for a, b in writer.spans]
        lines += writer.lines[start:]
    assert writer is not None
    data = [names(node, node.name) for node in step.data]
    fixed = FIXED + (SHARED if step.threads > 1 else ())
    kinds = ["int64[::1]" if is_whole_node(n) else "NUMBER[::1]" for n in step.data] + [k for _, k in fixed]
    parameters = [*data, *(name for name, _ in fixed), *given.values()]
    kinds += ["int64"] * len(given)
    lines, shared = share_equal(lines, spans, [*parameters, "n", "begin", "t"], names.fresh)
    used |= {"apart"} if shared or step.threads == 1 else set()
    doc = f"Steps `first` to `last` of an epoch, each over {step.batch_size} of the `total` rows; how many were done."
    body = [
        f'{INDENT}"""{doc}"""',
        *([f"{INDENT}goal = 0"] if step.threads > 1 else [f"{INDENT}apart()"]),
        f"{INDENT}for step in range(first, last):",
        *head(step, names, constant),
        *lines,
        *tail(step, names, plans, writer),
        f"{INDENT}return last - first",
    ]
    kernel = Compiled("train_steps", tuple(zip(parameters, kinds, strict=True)), tuple(body), frozenset(used), "int64")
    work = {name: sp.Max(*[p.memory.sizes[name] for p in plans]) for name in ("ws", "near", "wi")}
    room = [room_source(given, work)] if given else []
    work["shared"] = sp.Integer(writer.room() if step.threads > 1 else 0)
    helpers = "\n\n\n".join([*([MASK] if step.noise else []), *([BARRIER] if step.threads > 1 else []), *shared, *room])
    source = module_text(step.title, dtype, used, kernel.text(), [], helpers)
    return TrainingModule(source, plans, work, kernel, helpers, tuple(data))


def room_source(given: Mapping[sp.Symbol, str], work: Mapping[str, sp.Expr]) -> str:
    """How much the work arrays hold, as a function of the sizes that are given when the module runs."""
    named = {size: sp.Symbol(name) for size, name in given.items()}
    texts = [f"max({', '.join(str(w.xreplace(named)) for w in sp.Max.make_args(size))}, 0)" for size in work.values()]
    return f"def room({', '.join(given.values())}):\n{INDENT}return {', '.join(texts)}"


def open_sizes(step: Step) -> list[sp.Symbol]:
    """Sizes of a step that are neither known nor that of a batch."""
    sizes = {s for node in (*step.where, *step.program) for size in node.shape for s in size.free_symbols}
    known = {step.batch, TOTAL, *step.numbers}
    return sorted(sizes - known, key=str)


def planned(step: Step, capacity: Mapping[sp.Symbol, sp.Expr], itemsize: int) -> Schedules:
    """The schedules: of the step itself, and of the update of all parameters where that is done at once."""
    options = {"next_of": step.next_of, "capacity": capacity, "batch": step.batch, "threads": step.threads}
    options["itemsize"] = itemsize
    first = schedule(step.program, step.where, step.program.outputs, first=step.logged[0], **options)
    if step.update is None:
        return Schedules([first])
    return Schedules([first, schedule(step.update, step.where, step.update.outputs, **options)])


def head(step: Step, names: Names, constant: bool) -> list[str]:
    """What stands before the kernels of a step: which rows, the number of the step, fresh masks."""
    pad = INDENT * 2
    lines = [f"{pad}begin = step * {step.batch_size}"]
    if not constant:
        lines.append(f"{pad}n = {step.batch_size} if begin + {step.batch_size} <= total else total - begin")
    lines.append(f"{pad}t = float(done + step - first + 1)")
    for node, (at, _) in step.scalars.items():
        lines.append(f"{pad}{names(node, node.name)} = memory[{at}]")
    rows = "1" if constant else "n"
    if step.threads > 1 and step.noise:
        lines.append(f"{pad}if tid == 0:")
        pad += INDENT
    for _, keep, offset, entries in step.noise:
        count = f"{rows} * {entries}"
        lines.append(f"{pad}fill_mask(noise, {offset}, {count}, {keep!r}, seed, done + step - first, {offset})")
    if step.threads > 1 and step.noise:
        lines += [f"{INDENT * 2}goal += {step.threads}", f"{INDENT * 2}barrier(sync, goal)"]
    return lines


def tail(step: Step, names: Names, plans: Sequence[Schedule], writer: ThreadsWriter) -> list[str]:
    """What stands after the kernels: scalar states and the log."""
    pad = INDENT * 2
    rows = "1" if step.batch_size == 1 else "n"
    lines = [""]
    if step.threads > 1:
        lines.append(f"{pad}if tid == 0:")
        pad += INDENT
    for at, following in step.scalars.values():
        lines.append(f"{pad}memory[{at}] = {names.of[following]}")
    for at, node in enumerate(step.logged):
        lines.append(f"{pad}sums[{at}] += {names(node, node.name)} * {rows}")
    lines.append(f"{pad}sums[{len(step.logged)}] += {rows}")
    if step.threads > 1 and step.scalars:
        lines += [f"{INDENT * 2}goal += {step.threads}", f"{INDENT * 2}barrier(sync, goal)"]
    return lines
