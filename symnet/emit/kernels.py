"""Kernels as lines of Python: the formula as a comment, then the loops or the call that compute it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Node
from symnet.core.expr import by_text
from symnet.emit.comments import comments
from symnet.emit.fetch import LINE, MOST, copied_rows, row_length
from symnet.emit.names import Names
from symnet.emit.scalar import Scalars, chosen_reads, is_whole_node, wrapped
from symnet.schedule.fuse import Begin, Item, Leaf, Loop, Timed
from symnet.schedule.memory import Memory, Store
from symnet.schedule.units import FREE, Axis, Job, Product

BEGINS = {"sum": "0.0", "prod": "1.0", "max": "-np.inf", "min": "np.inf"}
TYPED = {"0.0": "zero", "1.0": "one"}
LONG = 4096  # a sum over more than this many entries is added up in float64
SHORT = range(8, 49)  # counts of loops that LLVM would rather unroll
INDENT = "    "


@dataclass
class Writer:
    """Writes kernels. `sizes` gives the text of each size, `array_type` tells which arrays hold float64."""

    memory: Memory
    sizes: Mapping[sp.Symbol, str]
    numbers: Mapping[sp.Symbol, int]
    doubles: bool  # whether `real` is float64
    names: Names
    used: set[str] = field(default_factory=set)
    wide: set[Node] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    depth: int = 1
    threads: int = 1
    split: frozenset[sp.Symbol] = frozenset()
    spans: list[tuple[int, int]] = field(default_factory=list)  # the lines of each loop that is a kernel
    innermost: sp.Symbol | None = None
    bases: dict[str, str] = field(default_factory=dict)  # offsets that the innermost loop does not change
    values: dict[str, str] = field(default_factory=dict)  # entries whose value a local variable holds, in this block

    def line(self, text: str) -> None:
        self.lines.append(INDENT * self.depth + text if text else "")

    # -- names of things

    def scalars(self, double: bool = False) -> Scalars:
        return Scalars(self.read, self.symbol, double and not self.doubles, self.used, double or self.doubles)

    def symbol(self, symbol: sp.Symbol) -> str:
        if symbol in self.sizes:
            return self.sizes[symbol]
        if symbol in self.numbers:
            return str(self.numbers[symbol])
        return self.names(symbol, symbol.name.lstrip("_"))

    def local(self, node: Node) -> str:
        return self.names(node, node.name)

    def read(self, read: sp.Indexed, double: bool) -> str:
        node = read.args[0].node
        text = self.entry(node, read.indices)
        text = self.values.get(text, text)
        held_wide = node in self.wide and self.memory.stores[node].is_scalar and not is_whole_node(node)
        if held_wide and not double and not self.doubles:
            return f"real({text})"
        return text

    def entry(self, node: Node, places: Iterable[sp.Expr]) -> str:
        """The text of one entry of a tensor."""
        store = self.memory.stores[node]
        if store.is_scalar:
            return self.local(node)
        places = list(places)
        parts = self.offset_parts(store, {axis: places[axis] for axis in store.axes})
        moving = [text for expr, text in parts if self.innermost in expr.free_symbols]
        still = [text for expr, text in parts if self.innermost not in expr.free_symbols]
        base = self.base(node, " + ".join(still))
        return f"{store.array}[{' + '.join([*base, *moving]) or '0'}]"

    def base(self, node: Node, text: str) -> list[str]:
        """The part of an offset that a loop does not change: computed before it, unless it is a number."""
        if not text or text.isdigit() or text.isidentifier() or self.innermost is None:
            return [text] if text else []
        if text not in self.bases:
            self.bases[text] = self.names.fresh(f"at_{node.name}")
        return [self.bases[text]]

    def offset(self, store: Store, places: Mapping[int, sp.Expr]) -> str:
        """The text of an offset: where the tensor begins, and a term for each axis."""
        return " + ".join(text for _, text in self.offset_parts(store, places)) or "0"

    def offset_parts(self, store: Store, places: Mapping[int, sp.Expr]) -> list[tuple[sp.Expr, str]]:
        whole = self.scalars()
        parts = [] if store.offset == 0 else [(store.offset, whole.whole(store.offset))]
        for axis, stride in zip(store.axes, store.strides, strict=True):
            place = places.get(axis, sp.S.Zero)
            if place == 0:
                continue
            text = whole.whole(place)
            if isinstance(place, sp.Indexed) and len(store.axes) > 1:  # else LLVM has to expect entries that are
                text = f"({text} if {text} > 0 else 0)"  # counted from the end, and copies a row's numbers singly
            step = whole.whole(self.known(stride))
            parts.append((place, text if step == "1" else f"{wrapped(text)} * {wrapped(step)}"))
        return parts

    def known(self, expr: sp.Expr) -> sp.Expr:
        """Sizes that are numbers, as numbers."""
        return sp.sympify(expr).xreplace({s: sp.Integer(v) for s, v in self.numbers.items()})

    def size(self, expr: sp.Expr) -> str:
        return self.scalars().whole(self.known(expr))

    # -- kernels

    def arrays_apart(self) -> None:
        """Say that the kernel's arrays do not overlap."""
        self.used.add("apart")
        self.line("apart()")

    def kernels(self, items: Iterable[Item], guarded: Node | None = None) -> None:
        """All kernels, each under its formulas; where `guarded` is not finite the step is given up."""
        for item in items:
            named = len(self.names.of)
            if not isinstance(item, Begin):
                self.line("")
                for comment in comments(item, self.names):
                    self.line(f"# {comment}")
            before = len(self.lines)
            self.item(item)
            if isinstance(item, Loop):
                self.spans.append((before, len(self.lines)))
            if isinstance(item, Leaf) and item.job.node is guarded:
                self.line(f"if not abs({self.local(guarded)}) < np.inf:")
                self.line(f"{INDENT}return step - first")
            self.names.release(named)

    def bounds(self, symbol: sp.Symbol, size: str) -> str:
        """The range of a loop: all of it, or this thread's part."""
        if symbol not in self.split:
            return f"range({size})"
        size = wrapped(size)
        return f"range({size} * tid // {self.threads}, {size} * (tid + 1) // {self.threads})"

    def items(self, items: Iterable[Item]) -> None:
        for item in items:
            self.item(item)

    def item(self, item: Item) -> None:
        if isinstance(item, Loop):
            size = self.size(item.extent)
            if self.is_short_vector(item):
                self.used.add("unseen")
                size = f"unseen({size})"
            self.loop(item.index, f"in {self.bounds(item.index, size)}", item.items, self.rows_ahead(item))
        elif isinstance(item, Timed):
            self.timed(item)
        elif isinstance(item, Begin):
            self.begin(item)
        elif isinstance(item, Leaf):
            self.leaf(item.job)
        else:
            self.product(item)

    def is_short_vector(self, item: Loop) -> bool:
        """Whether an inner loop is a vector or a few, each entry by itself: LLVM must not unroll it."""
        count = self.known(item.extent)
        if self.innermost is None or item.index in self.split or not count.is_Integer:
            return False
        return count in SHORT and all(isinstance(one, Leaf) and one.job.op == "set" for one in item.items)

    def rows_ahead(self, item: Loop) -> list[str]:
        """Lines that ask for the rows of the sample after this one, see fetch.py."""
        lines: dict[str, None] = {}
        after, row = sp.Symbol("after", integer=True), sp.Symbol("row", integer=True)
        for place, node in copied_rows(item):
            store = self.memory.stores[node]
            count = min(row_length(store, self.known), MOST)
            if count < LINE:
                continue
            self.used.add("fetch")
            name = self.names(after, "after")
            here, total = self.scalars().whole(place.indices[0]), self.size(place.args[0].node.shape[0])
            lines[f"{name} = {here} + 1 if {here} + 1 < {total} else {here}"] = None
            self.names.of[row] = self.entry(place.args[0].node, [after])
            lines[f"fetch({store.array}, {self.offset(store, {0: row})}, {count})"] = None
        return list(lines)

    def loop(self, index: sp.Symbol, runs: str, items: Iterable[Item], first: Iterable[str] = ()) -> None:
        """A loop, with some lines first; offsets that it does not change stand before it."""
        outer, before = (self.innermost, self.bases), len(self.lines)
        self.innermost, self.bases = index, {}
        self.line(f"for {self.symbol(index)} {runs}:")
        self.block(items, first)
        bases = [f"{INDENT * self.depth}{name} = {text}" for text, name in self.bases.items()]
        self.lines[before:before] = bases
        self.innermost, self.bases = outer

    def block(self, items: Iterable[Item], first: Iterable[str] = ()) -> None:
        self.depth += 1
        self.values = {}
        for line in first:
            self.line(line)
        self.items(items)
        self.values = {}
        self.depth -= 1

    def timed(self, item: Timed) -> None:
        extent = self.size(item.sweep.extent)
        steps = f"range({extent})" if item.sweep.direction > 0 else f"range({extent} - 1, -1, -1)"
        self.loop(item.sweep.index, f"in {steps}", item.items)

    def begin(self, item: Begin) -> None:
        job = item.job
        store = self.memory.stores[job.node]
        wide = self.is_wide(job)
        if wide:
            self.wide.add(job.node)
        if job.op == "argmax":
            self.line(f"{self.best(job)} = real(-np.inf)")
            value = "0" if is_whole_node(job.node) else "real(0.0)"
        else:
            value = BEGINS[job.op]
            value = value if wide or self.doubles else TYPED.get(value, f"real({value})")
        if job.scattered:
            self.fill(job.node, store, value, None)
        else:
            axes = [a for a in item.axes if _axis_of(job, a) in store.axes]
            self.fill(job.node, store, value, (job, axes))

    def fill(self, node: Node, store: Store, value: str, part: tuple[Job, list[Axis]] | None) -> None:
        """The initial value in all entries, or along the axes that are still to be looped over."""
        if part is None:
            index = self.names.fresh("i")
            count = " * ".join(wrapped(self.size(node.shape[a])) for a in store.axes) or "1"
            self.line(f"for {index} in range({count}):")
            start = self.offset(store, {})
            self.line(f"{INDENT}{store.array}[{f'{start} + ' if start != '0' else ''}{index}] = {value}")
            return
        job, axes = part
        before, outer = self.depth, self.innermost
        self.innermost = None if axes else outer
        for axis in axes:
            self.line(f"for {self.symbol(axis.index)} in {self.bounds(axis.index, self.size(axis.extent))}:")
            self.depth += 1
        self.line(f"{self.entry(job.node, job.places)} = {value}")
        self.depth, self.innermost = before, outer

    def is_wide(self, job: Job) -> bool:
        """Whether a sum is added up in float64: sums of the whole program, and long ones."""
        store = self.memory.stores[job.node]
        if not store.is_scalar or job.op not in ("sum", "prod"):
            return False
        extent = self.known(sp.Mul(*[a.extent for a in job.axes if a.kind != FREE]))
        return job.node.rank == 0 or not extent.is_Integer or int(extent) > LONG

    def ahead(self, body: sp.Expr) -> None:
        """Entries that stand behind a condition on values, read before it: a branch without reads is no branch."""
        for read in by_text(chosen_reads(body)):
            node = read.args[0].node
            text = self.entry(node, read.indices)
            if self.memory.stores[node].is_scalar or text in self.values or is_whole_node(node):
                continue
            self.values[text] = self.names((node, text), node.name)
            self.line(f"{self.values[text]} = {text}")

    def leaf(self, job: Job) -> None:
        if job.axes:
            self.ahead(job.body)
        target = self.entry(job.node, job.places)
        if job.op == "set":
            double = job.node.rank == 0
            if double:
                self.wide.add(job.node)
            self.store(job, target, self.assigned(job, double))
            return
        self.values.pop(target, None)
        value = self.scalars().real(job.body)
        if job.op == "sum":
            self.line(f"{target} += {value}")
        elif job.op == "prod":
            self.line(f"{target} *= {value}")
        elif job.op in ("max", "min"):
            self.used.add(f"{job.op}imum")
            self.line(f"{target} = {job.op}imum({target}, {value})")
        else:
            self.argmax(job, target, value)

    def store(self, job: Job, target: str, value: str) -> None:
        """An assignment; what goes to memory stays at hand as well for the rest of the block."""
        if self.memory.stores[job.node].is_scalar or not job.axes:
            self.line(f"{target} = {value}")
            return
        name = self.names((job.node, "value"), job.node.name)
        self.line(f"{name} = {value}")
        self.line(f"{target} = {name}")
        self.values[target] = name

    def assigned(self, job: Job, double: bool) -> str:
        if is_whole_node(job.node):
            return self.scalars().whole(job.body)
        return self.scalars(double).real(job.body)

    def best(self, job: Job) -> str:
        """The local variable that holds the largest value so far."""
        return self.names((job.node, "best"), f"{self.local(job.node)}_best")

    def argmax(self, job: Job, target: str, value: str) -> None:
        best = self.best(job)
        summed = [a for a in job.axes if a.kind != FREE]
        place: sp.Expr = sp.S.Zero
        for axis in summed:
            place = place * axis.extent + axis.index
        candidate = self.names.fresh("candidate")
        self.line(f"{candidate} = {value}")
        self.line(f"if {candidate} > {best}:")
        self.line(f"{INDENT}{best} = {candidate}")
        text = self.scalars().whole(self.known(place))
        self.line(f"{INDENT}{target} = {text if is_whole_node(job.node) else self.scalars().cast(text)}")

    # -- matrix products

    def product(self, item: Product) -> None:
        before = self.depth
        layout = item.layout
        guard = item.guard if item.guard != 1 else None
        summed = {b for b, _ in item.bound}
        looped = [i for i in layout.loops if i not in summed]
        for index in looped:
            self.line(f"for {self.symbol(index)} in {self.bounds(index, self.size(item.extents[index]))}:")
            self.depth += 1
        first = "zero" if item.beta == 0 else self.factor(item.beta)
        if guard is not None or layout.adding:
            self.scaled_target(item, first)
            first = "one"
        if guard is not None:
            gates = " or ".join(self.scalars().fails(g) for g in sp.Mul.make_args(guard))
            self.line(f"if not ({gates}):")
            self.depth += 1
        for index in (i for i in layout.loops if i in summed):
            self.line(f"for {self.symbol(index)} in range({self.size(item.extents[index])}):")
            self.depth += 1
        self.call(item, first)
        self.depth = before

    def factor(self, expr: sp.Expr) -> str:
        if expr.is_number:
            return self.scalars().constant(expr)
        text = self.scalars(double=True).real(expr)
        return text if self.doubles else f"real({text})"

    def scaled_target(self, item: Product, factor: str) -> None:
        """The result times what it begins with, for calls that only add."""
        indices = [*item.layout.m, *item.layout.n]
        before, outer = self.depth, self.innermost
        self.innermost = None
        for index in indices:
            self.line(f"for {self.symbol(index)} in range({self.size(item.extents[index])}):")
            self.depth += 1
        entry = self.entry(item.node, item.places)
        self.line(f"{entry} = zero" if factor == "zero" else f"{entry} *= {factor}")
        self.depth, self.innermost = before, outer

    def call(self, item: Product, beta: str) -> None:
        """One call of the matrix product, in rows: target (m x n), left (m x k), right (k x n)."""
        layout = item.layout
        inner = {*layout.m, *layout.n, *layout.k}
        read_target = item.node.read(*item.places)
        texts = []
        for read, (rows, columns) in (
            (item.left, (layout.m, layout.k)),
            (item.right, (layout.k, layout.n)),
            (read_target, (layout.m, layout.n)),
        ):
            texts.append(self.matrix(read, rows, columns, inner))
        sizes = [self.group_size(group, item) for group in (layout.m, layout.n, layout.k)]
        part = next((a for a, group in enumerate((layout.m, layout.n)) if group and group[0] in self.split), None)
        if part is not None and not layout.loops:
            self.part_of_product(part, (layout.m, layout.n)[part], item, sizes, texts)
        self.used.add("gemm")
        self.line(f"gemm({', '.join(sizes)}, {self.factor(item.alpha)}, {texts[0]}, {texts[1]}, {beta}, {texts[2]})")

    def part_of_product(
        self, part: int, group: tuple[sp.Symbol, ...], item: Product, sizes: list[str], texts: list[str]
    ) -> None:
        """A thread's rows (part 0) or columns (part 1) of a product: its size, and where operand and result begin.

        Of several axes that are one in memory the first is divided, as in the loops before and after.
        """
        size, inner = wrapped(self.group_size(group[:1], item)), self.group_size(group[1:], item)
        times = "" if inner == "1" else f" * {wrapped(inner)}"
        first, end = self.names.fresh("first_row"), self.names.fresh("end_row")
        self.line(
            f"{first}, {end} = {size} * tid // {self.threads}{times}, {size} * (tid + 1) // {self.threads}{times}"
        )
        sizes[part] = f"{end} - {first}"
        for which in (part, 2):
            array, offset, row, column = texts[which].split(", ")
            step = row if part == 0 else column
            texts[which] = f"{array}, {offset} + {first} * {wrapped(step)}, {row}, {column}"

    def group_size(self, group: tuple[sp.Symbol, ...], item: Product) -> str:
        size = self.known(sp.Mul(*[item.extents[i] for i in group]))
        return self.scalars().whole(size)

    def matrix(
        self, read: sp.Indexed, rows: tuple[sp.Symbol, ...], columns: tuple[sp.Symbol, ...], inner: set[sp.Symbol]
    ) -> str:
        """`array, offset, row stride, column stride` of an operand."""
        store = self.memory.stores[read.args[0].node]
        assert store.array is not None
        fixed = {a: sp.S.Zero if place in inner else place for a, place in enumerate(read.indices)}
        steps = []
        for group in (rows, columns):
            stride = sp.S.One
            if group:
                axis = list(read.indices).index(group[-1])
                stride = store.strides[store.axes.index(axis)]
            else:
                stride = sp.S.Zero
            steps.append(self.scalars().whole(self.known(stride)))
        return f"{store.array}, {self.offset(store, fixed)}, {steps[0]}, {steps[1]}"


def _axis_of(job: Job, axis: Axis) -> int:
    return job.places.index(axis.index) if axis.index in job.places else -1
