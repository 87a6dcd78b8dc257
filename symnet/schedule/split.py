"""How threads share the kernels of a step: who computes what, and where they wait for each other.

Each thread runs the whole step on its part. A kernel over samples is split by samples, from the gather to the last
delta, with no wait between; a weight's gradient is split by its rows, after all samples are done. So nothing is
computed twice, nothing is added up across threads but scalars, and those in a fixed order.

    rows      each thread its part of the outermost loop, whose index the results are indexed by
    columns   each thread its part of an inner loop: sums over samples
    each      every thread does all of it: scalars, in local variables
    one       the first thread alone, which then tells the others what scalars it made

A scalar that an array holds is written by one thread, so what adds up to it is a local variable first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Reduce
from symnet.core.graph import definition_order
from symnet.schedule.fuse import Begin, Item, Leaf, Loop, Timed
from symnet.schedule.memory import THREAD, Memory, Store
from symnet.schedule.units import Job, Product

Touch = tuple[str, str]  # how an array is divided: the split extent and its stride; ("whole", "") or ("one", "")
WHOLE, ONE = ("whole", ""), ("one", "")


@dataclass(frozen=True)
class Share:
    """An item and how threads share it; without an item, a barrier, after which the `collected` sums are whole.

    `partial` are scalars of which each thread has its part only; of those that one thread makes the others have 0.
    """

    item: Item | None
    how: str
    split: frozenset[sp.Symbol] = frozenset()
    collected: tuple[Node, ...] = ()
    partial: tuple[Node, ...] = ()
    begins: tuple[Begin, ...] = ()


@dataclass
class Division:
    """The state on the way through the kernels: what was touched since the last barrier, and sums not yet whole."""

    memory: Memory
    touched: dict[tuple[str, str], list[tuple[bool, Touch]]] = field(default_factory=dict)
    pending: list[Node] = field(default_factory=list)
    deferred: list[Item] = field(default_factory=list)
    result: list[Share] = field(default_factory=list)

    def add(self, item: Item, begins: tuple[Begin, ...]) -> None:
        if isinstance(item, Leaf) and not item.job.axes and self.is_local(item) and self.is_pending(item):
            self.deferred.append(item)
            return
        share = replace(shared(item) if self.is_local(item) else Share(item, "one"), begins=begins)
        while self.is_pending(item) or any(self.clashes(*use) for use in self.uses(share)):
            self.barrier()  # a second time where this writes what scalars that waited for the first have just read
        self.touch(share)
        self.pending += share.partial
        self.result.append(share)

    def is_local(self, item: Item) -> bool:
        """Whether no array holds a scalar that an item makes: there a second thread would update it again."""
        return all(node.rank or self.memory.stores[node].is_scalar for node in made(item))

    def is_pending(self, item: Item) -> bool:
        """Whether a scalar waits for sums of other threads, or for another scalar that does."""
        names = {*self.pending, *(n for d in self.deferred for n in made(d))}
        return bool(names & set(read_nodes_of(item)))

    def barrier(self) -> None:
        """Wait; then sums are whole and the scalars made of them can be computed."""
        collected, self.pending = tuple(self.pending), []
        deferred, self.deferred = self.deferred, []
        self.touched.clear()
        self.result.append(Share(None, "wait", collected=collected))
        for item in deferred:
            share = Share(item, "each")
            self.touch(share)
            self.result.append(share)

    def touch(self, share: Share) -> None:
        """Note what an item reads and writes, until the next barrier."""
        for key, write, touch in self.uses(share):
            self.touched.setdefault(key, []).append((write, touch))

    def clashes(self, key: tuple[str, str], write: bool, touch: Touch) -> bool:
        """Whether another thread may be writing what this reads, or reading or writing what this writes."""
        for before, other in self.touched.get(key, ()):
            if (write or before) and (other != touch or touch == WHOLE):
                return True
        return False

    def uses(self, share: Share) -> Iterator[tuple[tuple[str, str], bool, Touch]]:
        """Every array region that an item touches: where, whether it writes, and how threads divide it."""
        assert share.item is not None
        for job in jobs(share.item):
            for read in job.reads():
                yield from self.use(read.args[0].node, tuple(read.indices), False, share, job)
            yield from self.use(job.node, tuple(job.places), True, share, job)

    def use(
        self, node: Node, places: tuple[sp.Expr, ...], write: bool, share: Share, job: Job | Product
    ) -> Iterator[tuple[tuple[str, str], bool, Touch]]:
        store = self.memory.stores.get(node)
        if store is None or store.array is None or THREAD in store.offset.free_symbols:
            return  # nobody else sees it
        key = (store.array, str(store.offset))
        if share.how == "one":
            yield key, write, ONE
            return
        for axis, stride in zip(store.axes, store.strides, strict=True):
            if places[axis] in share.split:
                yield key, write, (str(node.shape[axis]), str(stride))
                return
        yield key, write, WHOLE


def scalars_local(program: Program, fixed: Mapping[Node, Store]) -> Program:
    """Scalars that arrays outside hold, as copies of local ones wherever they are added up."""
    definitions = dict(program.definitions)
    for node, definition in program.definitions.items():
        held = node in fixed and not fixed[node].is_scalar
        if held and not node.rank and isinstance(definition.formula, Reduce):
            local = Node(node.name, (), auto=True, anonymous=True)
            definitions[local], definitions[node] = definition, Definition((), local.read())
    return definition_order(definitions, program.outputs)


def divided(items: Sequence[Item], memory: Memory) -> list[Share]:
    """The items with their shares, barriers where threads have to wait; the last thing is a barrier."""
    division = Division(memory)
    begins: list[Begin] = []
    for item in items:
        if isinstance(item, Begin):
            begins.append(item)
            continue
        division.add(item, tuple(begins))
        begins = []
    division.barrier()
    return division.result


def shared(item: Item) -> Share:
    """How threads share one item."""
    if isinstance(item, Product):
        return Share(item, *product_split(item))
    if isinstance(item, Leaf):
        return Share(item, "each" if not item.job.node.rank else "one")
    if isinstance(item, Timed):
        return Share(item, "one")
    assert isinstance(item, Loop)
    found = list(jobs(item))
    sums = tuple(j.node for j in found if not j.node.rank and isinstance(j, Job) and j.op == "sum")
    rest = [j for j in found if j.node not in sums]
    if all(item.index in j.places for j in rest) and all(j.node.rank for j in rest):
        return Share(item, "rows", frozenset([item.index]), partial=sums)
    inner = [inner_axis(item, j) for j in rest]
    if not sums and all(inner):
        return Share(item, "columns", frozenset(s for s in inner if s is not None))
    return Share(item, "one", partial=tuple(j.node for j in found if not j.node.rank))


def product_split(item: Product) -> tuple[str, frozenset[sp.Symbol]]:
    """A product by its first loop, or by its rows or columns."""
    layout = item.layout
    if item.guard != 1 or layout.adding:
        return "one", frozenset()
    group = layout.loops or layout.m or layout.n
    return "rows", frozenset([group[0]])


def inner_axis(item: Loop, job: Job | Product) -> sp.Symbol | None:
    """The first loop inside this one whose index the result is indexed by."""
    if not isinstance(job, Job) or job.scattered or job.op != "sum" or item.index in job.places:
        return None
    return next((s for s in path_to(item, job) if s in job.places), None)


def path_to(item: Loop, job: Job) -> list[sp.Symbol]:
    """The indices of the loops around a job, outermost first."""
    for inner in item.items:
        if isinstance(inner, Leaf) and inner.job is job:
            return [item.index]
        if isinstance(inner, Loop) and (found := path_to(inner, job)):
            return [item.index, *found]
    return []


def jobs(item: Item) -> Iterator[Job | Product]:
    if isinstance(item, Leaf):
        yield item.job
    elif isinstance(item, Product):
        yield item
    elif isinstance(item, (Loop, Timed)):
        for inner in item.items:
            yield from jobs(inner)


def made(item: Item) -> list[Node]:
    return [job.node for job in jobs(item)]


def read_nodes_of(item: Item) -> list[Node]:
    return [read.args[0].node for job in jobs(item) for read in job.reads()]
