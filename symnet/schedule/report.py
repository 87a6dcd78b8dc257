"""A schedule as text: kernel by kernel what runs and why, what it costs, and where its tensors live.

    #  kind     size       flops    bytes       computes
    1  product  N x 4 x 8  2*N*4*8  96*N + 256  s_1
                x (N, 8) @ W (8, 4)
    2  loop     N x 4      16*N     96*N + 32   h, c
                2 fused; c in the place of s_1

Flops count each sign and each function as one. Bytes are those of tensors that come from other kernels or go to them,
each once; what is made and used within one kernel stays in registers or near them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import sympy as sp

from symnet.core.definition import Node, Program, shape_text
from symnet.core.expr import Bracket
from symnet.schedule.fuse import Begin, Item, Leaf, Loop, Timed
from symnet.schedule.memory import WHOLE, Memory
from symnet.schedule.units import Job, Product
from symnet.show.names import display_names

HEAD = ("#", "kind", "size", "flops", "bytes", "computes")
WIDTH, CELL = 120, 24
WORDS = {1: "forward", -1: "backward"}


class Planned(Protocol):
    """A schedule, as a report sees it; `sizes` are those that are known, the samples' the largest one."""

    @property
    def program(self) -> Program: ...
    @property
    def items(self) -> tuple[Item, ...]: ...
    @property
    def memory(self) -> Memory: ...
    @property
    def batch(self) -> sp.Expr | None: ...
    @property
    def sizes(self) -> Mapping[sp.Symbol, sp.Expr]: ...
    @property
    def itemsize(self) -> int: ...


Work = tuple[Job | Product, Mapping[sp.Symbol, sp.Expr]]


@dataclass(frozen=True)
class Kernel:
    """One kernel: what it does inside which loops, in order."""

    item: Item
    work: tuple[Work, ...]

    @property
    def made(self) -> list[Node]:
        return list(dict.fromkeys(job.node for job, _ in self.work))


@dataclass(frozen=True)
class Row:
    """A line of the report, and the reasons under it."""

    kind: str
    costs: tuple[str, str, str]  # size, flops, bytes
    flops: sp.Expr
    bytes: sp.Expr
    made: str
    notes: tuple[str, ...]


@dataclass
class Report:
    """A report while it is made."""

    plan: Planned
    names: Mapping[Node, str] = field(default_factory=dict)
    kernels: list[Kernel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = display_names(self.plan.program)
        self.kernels = [Kernel(item, tuple(work(item, {}))) for item in self.plan.items if not isinstance(item, Begin)]
        self.last = {node: at for at, kernel in enumerate(self.kernels) for node in reads_of(kernel)}

    # -- text

    def text(self) -> str:
        rows = [self.row(at, kernel) for at, kernel in enumerate(self.kernels)]
        flops = sp.expand(sp.Add(*[row.flops for row in rows]))
        moved = sp.expand(sp.Add(*[row.bytes for row in rows]))
        totals = [f"flops   {self.counted(flops)}", f"bytes   {self.counted(moved)}", *self.memory()]
        return "\n".join([self.head(rows), "", *table(rows), "", *totals])

    def head(self, rows: Sequence[Row]) -> str:
        kinds = list(dict.fromkeys(row.kind for row in rows))
        count = {kind: sum(row.kind == kind for row in rows) for kind in kinds}
        said = ", ".join(f"{count[kind]} {kind}{'s' if count[kind] > 1 else ''}" for kind in kinds)
        return f"{len(rows)} kernel{'s' if len(rows) != 1 else ''}: {said or 'nothing to do'}"

    def counted(self, amount: sp.Expr) -> str:
        """An amount, and what it is for the largest number of samples where that is known."""
        if amount.is_Integer:
            return f"{int(amount):,}"
        largest = {s: v for s, v in self.plan.sizes.items() if s == self.plan.batch}
        there = amount.xreplace(largest)
        at = ", ".join(f"{s} = {v}" for s, v in largest.items())
        return f"{amount}: {int(there):,} at {at}" if there.is_Integer else str(amount)

    def name(self, node: Node) -> str:
        return self.names.get(node, node.name)

    def listed(self, nodes: Iterable[Node]) -> str:
        return ", ".join(self.name(node) for node in nodes)

    # -- numbers

    def known(self, expr: sp.Expr) -> sp.Expr:
        """Sizes that are known as numbers, all but the number of samples."""
        return sp.sympify(expr).xreplace({s: v for s, v in self.plan.sizes.items() if s != self.plan.batch})

    def factor(self, size: sp.Expr) -> str:
        """A size as it stands in a product."""
        known = self.known(size)
        return f"({known})" if known.is_Add else str(known)

    def product(self, sizes: Iterable[sp.Expr]) -> sp.Expr:
        return sp.Mul(*[self.known(size) for size in sizes])

    def width(self, node: Node) -> int:
        return 8 if node.kind == "label" else self.plan.itemsize

    def flops(self, job: Job | Product, loops: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
        """Operations: of a product two for each term, and two for each entry that it is added to; not a scale alone."""
        if isinstance(job, Product):
            scaled = 2 * self.product(job.extents[i] for i in job.layout.m + job.layout.n) if job.beta != 0 else 0
            return 2 * self.product(job.extents.values()) * self.product(loops.values()) + scaled
        adds = 0 if job.op == "set" else 1
        return (operations(job.body) + adds) * self.product(loops.values())

    def bytes(self, at: int) -> sp.Expr:
        """What comes from other kernels or from outside, and what goes there."""
        kernel = self.kernels[at]
        own, moved = set(kernel.made), {}
        for job, loops in kernel.work:
            inside = {**loops, **(job.extents if isinstance(job, Product) else {})}
            for read in reads_from_memory(job):
                node = read.args[0].node
                if node not in own and not self.is_scalar(node):
                    moved["read", node] = self.read_size(read, inside)
        for node in own:
            if not self.is_scalar(node) and (self.is_outside(node) or self.last.get(node, at) > at):
                moved["write", node] = self.product(node.shape)
        return sp.Add(*[size * self.width(node) for (_, node), size in moved.items()])

    def read_size(self, read: sp.Indexed, loops: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
        """The entries of a tensor that are read: all of them, or through an index as many as the loops reach."""
        if any(place.atoms(sp.Indexed) for place in read.indices):
            return self.product(extent for index, extent in loops.items() if index in read.free_symbols)
        return self.product(read.args[0].node.shape)

    def is_scalar(self, node: Node) -> bool:
        return self.plan.memory.stores[node].is_scalar

    def is_outside(self, node: Node) -> bool:
        return node not in self.plan.memory.slots

    # -- rows

    def row(self, at: int, kernel: Kernel) -> Row:
        item = kernel.item
        flops = sp.Add(*[self.flops(job, loops) for job, loops in kernel.work])
        text = str(sp.expand(flops))
        if isinstance(item, Product):
            text = "*".join(["2", *(self.factor(e) for e in item.extents.values())])
            kind, size = "product", self.product_size(item)
        elif isinstance(item, Timed):
            direction = WORDS[1 if item.sweep.direction > 0 else -1]
            kind, size = "time loop", f"{self.known(item.sweep.extent)} steps {direction}"
        else:
            kind, size = ("loop", self.loop_size(kernel)) if isinstance(item, Loop) else ("scalar", "1")
        moved = sp.expand(self.bytes(at))
        return Row(kind, (size, text, str(moved)), flops, moved, self.listed(kernel.made), tuple(self.notes(kernel)))

    def product_size(self, item: Product) -> str:
        layout = item.layout
        groups = (self.product(item.extents[i] for i in group) for group in (layout.m, layout.n, layout.k))
        loops = " x ".join(self.factor(item.extents[i]) for i in layout.loops)
        return (f"{loops} times " if loops else "") + " x ".join(map(self.factor, groups))

    def loop_size(self, kernel: Kernel) -> str:
        deepest = max((loops for _, loops in kernel.work), key=len)
        return " x ".join(map(self.factor, deepest.values()))

    def notes(self, kernel: Kernel) -> Iterator[str]:
        """Why a kernel is what it is."""
        if isinstance(kernel.item, Loop) and len(kernel.made) > 1:
            yield f"{len(kernel.made)} fused"
        for job, _ in kernel.work:
            if isinstance(job, Product):
                yield self.product_note(job)
        refused: dict[str, list[Node]] = {}
        for job, _ in kernel.work:
            if isinstance(job, Job) and job.why:
                refused.setdefault(job.why, []).append(job.node)
        for why, nodes in refused.items():
            yield f"{self.listed(nodes)}: no product, {why}"
        yield from self.places(kernel)

    def product_note(self, item: Product) -> str:
        """`x (N, 784) @ W (784, 256)`, and what else the call does."""
        layout = item.layout
        left = self.operand(item.left, layout.m, layout.k)
        right = self.operand(item.right, layout.k, layout.n)
        scale = "" if item.alpha == 1 else f", times {item.alpha}"
        base = (
            "" if item.base is None else f", added to {'' if item.beta == 1 else f'{item.beta}*'}{self.name(item.base)}"
        )
        guard = "" if item.guard == 1 else f", where {item.guard}"
        return f"{left} @ {right}{scale}{base}{guard}"

    def operand(self, read: sp.Indexed, rows: tuple[sp.Symbol, ...], columns: tuple[sp.Symbol, ...]) -> str:
        node = read.args[0].node
        order = [i for i in read.indices if i in (*rows, *columns)]
        turned = bool(rows and columns) and order.index(rows[-1]) > order.index(columns[-1])
        return f"{self.name(node)}{'.T' if turned else ''} {shape_text(map(self.known, node.shape))}"

    def places(self, kernel: Kernel) -> Iterator[str]:
        """Where what a kernel makes is kept: nowhere but in a variable, in a row, in the place of another."""
        memory = self.plan.memory
        temporary = [n for n in kernel.made if n.rank and self.is_scalar(n)]
        if temporary:
            yield f"{self.listed(temporary)} scalar{'s' if len(temporary) > 1 else ''}"
        rows = [n for n in kernel.made if n in memory.slots and 0 < len(memory.stores[n].axes) < n.rank]
        for node in rows:
            shape = shape_text(self.known(node.shape[a]) for a in memory.stores[node].axes)
            yield f"{self.name(node)} {shape} at a time"
        for node in kernel.made:
            if node in memory.reused:
                yield f"{self.name(node)} in the place of {self.name(memory.reused[node])}"
            elif self.is_outside(node) and not self.is_scalar(node) and not self.has_own_array(node):
                yield f"{self.name(node)} in {memory.stores[node].array}"

    def has_own_array(self, node: Node) -> bool:
        return re.sub(r"\W", "_", node.name) == self.plan.memory.stores[node].array

    # -- memory

    def memory(self) -> Iterator[str]:
        memory = self.plan.memory
        sizes = {array: self.known(size) for array, size in memory.sizes.items() if size != 0}
        if not sizes:
            return
        total = sp.expand(sp.Add(*[size * (8 if a == WHOLE else self.plan.itemsize) for a, size in sizes.items()]))
        lengths = ", ".join(f"{array} {sp.expand(size)}" for array, size in sizes.items())
        yield f"memory  {self.counted(total)} bytes; numbers in {lengths}"
        tenants: dict[int, list[Node]] = {}
        for node, slot in memory.slots.items():
            tenants.setdefault(slot, []).append(node)
        lines = []
        arrays = list(memory.sizes)
        for slot, nodes in sorted(
            tenants.items(), key=lambda t: (arrays.index(str(memory.stores[t[1][0]].array)), t[0])
        ):
            largest = max(
                (self.entries(n) for n in nodes), key=lambda size: (not size.is_Integer, sp.default_sort_key(size))
            )
            place = f"{memory.stores[nodes[0]].array}[{self.known(memory.offsets[slot])}]"
            lines.append((place, str(largest), ", then ".join(self.name(n) for n in nodes)))
        yield from (" " * 8 + line for line in aligned(lines))

    def entries(self, node: Node) -> sp.Expr:
        return self.product(node.shape[a] for a in self.plan.memory.stores[node].axes)


def report(plan: Planned) -> str:
    """The text of a schedule."""
    return Report(plan).text()


def work(item: Item, loops: Mapping[sp.Symbol, sp.Expr]) -> Iterator[Work]:
    """Everything that a kernel computes, and the loops around each."""
    if isinstance(item, Leaf):
        yield item.job, loops
    elif isinstance(item, Product):
        yield item, loops
    elif isinstance(item, (Loop, Timed)):
        index, extent = (item.index, item.extent) if isinstance(item, Loop) else (item.sweep.index, item.sweep.extent)
        for inner in item.items:
            yield from work(inner, {**loops, index: extent})


def reads_of(kernel: Kernel) -> set[Node]:
    return {read.args[0].node for job, _ in kernel.work for read in reads_from_memory(job)}


def reads_from_memory(job: Job | Product) -> Iterator[sp.Indexed]:
    """What a job reads, for a product with what it is added to, though that shares the place of its result."""
    yield from job.reads()
    if isinstance(job, Product) and job.base is not None:
        yield job.base.read(*job.places)


def operations(expr: sp.Expr) -> int:
    """How many signs and functions a formula has; those that only find a place do not count, nor does a minus sign."""
    if isinstance(expr, sp.Indexed) or not expr.args:
        return 0
    inner = sum(operations(arg) for arg in expr.args if isinstance(arg, sp.Expr))
    if isinstance(expr, (sp.Add, sp.Mul)):
        return int(inner + len(expr.args) - 1 - (expr.is_Mul and -1 in expr.args))
    if isinstance(expr, (Bracket, sp.KroneckerDelta)):
        return 1
    return int(inner + 1)


# -- tables


def table(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each row, columns aligned, and its reasons under it, with what is too long for a column."""
    cells = [(str(i + 1), r.kind, *(t if len(t) <= CELL else "below" for t in r.costs)) for i, r in enumerate(rows)]
    widths = [max(map(len, column)) for column in zip(HEAD[:-1], *cells, strict=True)]

    def line(texts: Sequence[str]) -> str:
        number, *others = (text.ljust(width) for text, width in zip(texts, widths, strict=True))
        return "  ".join([number.strip().rjust(widths[0]), *others, ""])

    start = line(HEAD[:-1])
    yield start + HEAD[-1]
    pad = " " * (widths[0] + 2 + widths[1] + 2)
    for row, texts in zip(rows, cells, strict=True):
        yield from folded(row.made.split(", "), line(texts), " " * len(start), ", ")
        long = [f"{name} {text}" for name, text in zip(HEAD[2:], row.costs, strict=False) if len(text) > CELL]
        if row.notes or long:
            yield from folded([*row.notes, *long], pad, pad, "; ")


def folded(parts: Sequence[str], first: str, other: str, sign: str) -> Iterator[str]:
    """Parts with a sign between them, in lines that fit."""
    line, fresh = first, True
    for at, part in enumerate(parts):
        text = part + (sign.rstrip() if at < len(parts) - 1 else "")
        if not fresh and len(line) + 1 + len(text) > WIDTH:
            yield line
            line, fresh = other, True
        line += text if fresh else f" {text}"
        fresh = False
    yield line.rstrip()


def aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))] if lines else []
    for line in lines:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
