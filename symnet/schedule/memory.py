"""Where each tensor lives: every buffer is planned once, by lifetime, and reused.

A tensor read only inside the iteration that makes it is a scalar, or a row; what spans kernels gets a slot of one work
array; a tensor takes over the slot of one that dies in its own kernel where each entry is read before it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Node
from symnet.schedule.fuse import Begin, Item, Leaf, Loop, Timed
from symnet.schedule.units import Job, Product

Path = tuple[tuple[int, sp.Symbol], ...]
ALIGN = 16
# tensors, vectors and accumulators, whole numbers: arrays of their own, so that a compiler sees that they never overlap
WORK, NEAR, WHOLE = "ws", "near", "wi"
THREAD = sp.Symbol("tid", integer=True)  # the number of the thread that runs


@dataclass(frozen=True)
class Access:
    """A read or write: in which kernel, at which position, inside which loops, at which places."""

    kernel: int
    position: int
    path: Path
    places: tuple[sp.Expr, ...]
    job: Job | Product


@dataclass(frozen=True)
class Store:
    """A tensor's place: entries `offset + sum of places*strides` of an array, or a local variable (array None)."""

    array: str | None
    offset: sp.Expr
    axes: tuple[int, ...]
    strides: tuple[sp.Expr, ...]

    @property
    def is_scalar(self) -> bool:
        return self.array is None


@dataclass
class Accesses:
    """Everything that kernels do to tensors, in order of execution."""

    writes: dict[Node, list[Access]] = field(default_factory=dict)
    reads: dict[Node, list[Access]] = field(default_factory=dict)
    count: int = 0

    def walk(self, items: Iterable[Item], kernel: int | None, path: Path) -> None:
        for number, item in enumerate(items):
            here = number if kernel is None else kernel
            if isinstance(item, Loop):
                self.walk(item.items, here, (*path, (id(item), item.index)))
            elif isinstance(item, Timed):
                self.walk(item.items, here, (*path, (id(item), item.sweep.index)))
            elif isinstance(item, Begin):
                continue
            else:
                self.note(item.job if isinstance(item, Leaf) else item, here, path)

    def note(self, unit: Job | Product, kernel: int, path: Path) -> None:
        self.count += 1
        for read in unit.reads():
            access = Access(kernel, self.count, path, tuple(read.indices), unit)
            self.reads.setdefault(read.args[0].node, []).append(access)
        access = Access(kernel, self.count, path, tuple(unit.places), unit)
        self.writes.setdefault(unit.node, []).append(access)


def accesses(items: Sequence[Item]) -> Accesses:
    result = Accesses()
    result.walk(items, None, ())
    return result


def kept_axes(node: Node, found: Accesses) -> tuple[int, ...]:
    """The axes of a temporary that need storage: those along which it is read outside the iteration that makes it.

    Short rows whose samples are innermost are laid out as their loops run, unless a product reads them.
    """
    write = found.writes[node][0]
    reads = found.reads.get(node, [])
    if isinstance(write.job, Product) or any(isinstance(r.job, Product) for r in reads):
        return tuple(range(node.rank))
    if isinstance(write.job, Job) and write.job.scattered:
        return tuple(range(node.rank))
    shared = min((_same_iteration(write, read) for read in reads), default=len(write.path))
    inside = {symbol for _, symbol in write.path[:shared]}
    kept = tuple(axis for axis, place in enumerate(write.places) if place not in inside)
    if not write.job.in_lanes:
        return kept
    loops = [symbol for _, symbol in write.path]
    return tuple(sorted(kept, key=lambda axis: loops.index(write.places[axis])))


def _same_iteration(write: Access, read: Access) -> int:
    """How many loops, from the outside, a read shares with the write, each at the iteration that it was made in."""
    for level in range(_common(write.path, read.path)):
        symbol = write.path[level][1]
        if symbol not in write.places or read.places[write.places.index(symbol)] != symbol:
            return level
    return _common(write.path, read.path)


def _common(one: Path, other: Path) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a[0] != b[0]:
            break
        count += 1
    return count


@dataclass
class Slot:
    """A stretch of the work array and when it is free again."""

    size: sp.Expr
    busy_until: int
    array: str = WORK


@dataclass(frozen=True)
class Memory:
    """The plan: where each tensor lives, and how long each work array is."""

    stores: Mapping[Node, Store]
    offsets: tuple[sp.Expr, ...]
    sizes: Mapping[str, sp.Expr]
    reused: Mapping[Node, Node]
    slots: Mapping[Node, int]

    @property
    def size(self) -> sp.Expr:
        """How many numbers the work arrays hold together."""
        return self.sizes[WORK] + self.sizes[NEAR]

    @property
    def whole_size(self) -> sp.Expr:
        return self.sizes[WHOLE]


def plan(
    items: Sequence[Item],
    fixed: Mapping[Node, Store],
    outputs: Iterable[Node],
    capacity: Mapping[sp.Symbol, sp.Expr],
    threads: int = 1,
) -> Memory:
    """Stores for all tensors of the kernels; `fixed` are those that live outside, `capacity` the largest sizes.

    With several threads no slot serves twice but where a tensor takes over another's, or threads would have to wait for
    it; and each has a copy of its own of what lives within one iteration.
    """
    found = accesses(items)
    keep = set(outputs)
    axes = {n: kept_axes(n, found) if n not in keep else tuple(range(n.rank)) for n in found.writes if n not in fixed}
    slots: list[Slot] = []
    slot_of: dict[Node, int] = {}
    taken: dict[Node, Node] = {}
    order = sorted((n for n in axes if axes[n]), key=lambda n: (found.writes[n][0].kernel, found.writes[n][0].position))
    for node in order:
        birth = found.writes[node][0].kernel
        death = max([birth, *(r.kernel for r in found.reads.get(node, ()))])
        private = threads > 1 and is_private(node, axes[node])
        size = _size(node, axes[node], capacity)
        size = _padded(size) * threads if private else size
        array = array_of(node, axes[node], found)
        lost = _taken_over(node, axes, slot_of, found, keep, taken)
        if lost is not None and slots[slot_of[lost]].array == array and slots[slot_of[lost]].size == size:
            slot_of[node] = slot_of[lost]
            taken[node] = lost
        else:
            slot_of[node] = _free_slot(slots, size, birth if threads == 1 else -1, array)
        slots[slot_of[node]].busy_until = max(slots[slot_of[node]].busy_until, death)
    offsets, sizes = _laid_out(slots)
    stores = dict(fixed)
    for node, kept in axes.items():
        strides = _strides([node.shape[a] for a in kept])
        slot = slots[slot_of[node]] if kept else None
        offset = offsets[slot_of[node]] if kept else sp.S.Zero
        if threads > 1 and is_private(node, kept):
            offset = offset + THREAD * _padded(_size(node, kept, capacity))
        stores[node] = Store(slot.array if slot else None, offset, kept, tuple(strides))
    return Memory(stores, tuple(offsets), sizes, taken, slot_of)


def is_private(node: Node, axes: tuple[int, ...]) -> bool:
    """Whether a tensor is stored for one iteration only."""
    return 0 < len(axes) < node.rank


def _padded(size: sp.Expr) -> sp.Expr:
    return -(-size // ALIGN) * ALIGN if size.is_Integer else size


def _size(node: Node, axes: Iterable[int], capacity: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    return sp.Mul(*[node.shape[a].xreplace(dict(capacity)) for a in axes])


def _strides(shape: Sequence[sp.Expr]) -> list[sp.Expr]:
    strides: list[sp.Expr] = []
    step: sp.Expr = sp.S.One
    for size in reversed(shape):
        strides.append(step)
        step = step * size
    return strides[::-1]


def _free_slot(slots: list[Slot], size: sp.Expr, birth: int, array: str) -> int:
    """A slot that is free before `birth` and fits, or the largest free one made larger, or a new one."""
    free = [i for i, slot in enumerate(slots) if slot.busy_until < birth and slot.array == array]
    fitting = [i for i in free if slots[i].size == size]
    if size.is_Integer:
        numeric = [i for i in free if slots[i].size.is_Integer]
        fitting += sorted((i for i in numeric if slots[i].size >= size), key=lambda i: int(slots[i].size))
        if not fitting and numeric:
            largest = max(numeric, key=lambda i: int(slots[i].size))
            slots[largest].size = size
            fitting = [largest]
    if fitting:
        return fitting[0]
    slots.append(Slot(size, birth, array))
    return len(slots) - 1


def array_of(node: Node, axes: tuple[int, ...], found: Accesses) -> str:
    """The array that a tensor lives in, by what loops do to it."""
    if is_whole_number(node):
        return WHOLE
    job = found.writes[node][0].job
    adds_up = isinstance(job, Job) and job.op != "set"
    return NEAR if len(axes) < 2 or adds_up else WORK


def _laid_out(slots: Sequence[Slot]) -> tuple[list[sp.Expr], dict[str, sp.Expr]]:
    """Offsets of the slots one after the other, each beginning at a multiple of 16 entries; lengths of the arrays."""
    offsets: list[sp.Expr] = []
    at: dict[str, sp.Expr] = dict.fromkeys((WORK, NEAR, WHOLE), sp.S.Zero)
    for slot in slots:
        offsets.append(at[slot.array])
        at[slot.array] = at[slot.array] + _padded(slot.size)
    return offsets, at


def _taken_over(
    node: Node,
    axes: Mapping[Node, tuple[int, ...]],
    slot_of: Mapping[Node, int],
    found: Accesses,
    keep: set[Node],
    taken: Mapping[Node, Node],
) -> Node | None:
    """A tensor whose slot this one may take over: it dies here, and each entry is read before it is written."""
    write = found.writes[node][0]
    if not isinstance(write.job, Job) or write.job.op != "set":
        return None
    for lost in sorted(slot_of, key=lambda n: n.serial):
        reads = found.reads.get(lost, ())
        if not reads or reads[-1].kernel != write.kernel or lost in keep or lost in taken.values():
            continue
        if is_whole_number(lost) or is_whole_number(node):
            continue
        if [lost.shape[a] for a in axes[lost]] != [node.shape[a] for a in axes[node]]:
            continue
        made = {level for level, _ in found.writes[lost][0].path}
        if all(_read_before(read, made, axes[lost], write, axes[node]) for read in found.reads[lost]):
            return lost
    return None


def is_whole_number(node: Node) -> bool:
    """Whether a tensor holds integers, which live in local variables and arrays of their own."""
    return node.kind == "label"


def _read_before(
    read: Access, made: set[int], lost_axes: tuple[int, ...], write: Access, own_axes: tuple[int, ...]
) -> bool:
    """Whether a read is over when the entry that takes its place is written.

    Both stand in some loops together; a loop that does not index the lost tensor reads it again in its next
    iteration, unless the tensor is made afresh inside it (`made` are the loops around its making).
    """
    if read.kernel < write.kernel:
        return True
    if read.kernel > write.kernel or read.position > write.position or isinstance(read.job, Product):
        return False
    indexed = set().union(*(read.places[a].free_symbols for a in lost_axes))
    for level, symbol in write.path[: _common(write.path, read.path)]:
        if level not in made and symbol not in indexed:
            return False
    shared = {symbol for _, symbol in write.path[: _common(write.path, read.path)]}
    whole = len(shared) == len(write.path) == len(read.path)
    for a, b in zip(lost_axes, own_axes, strict=True):
        mine, other = write.places[b], read.places[a]
        if whole and mine != other:
            return False
        if not whole and (mine in shared or other.free_symbols & shared) and mine != other:
            return False
    # apart from what they share, the read runs to its end before the writing loop begins
    return whole or bool(shared) or (read.position < write.position and not _inside_same(read, write))


def _inside_same(read: Access, write: Access) -> bool:
    return _common(write.path, read.path) > 0
