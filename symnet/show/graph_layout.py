"""Places for the nodes of a graph, in layers.

1. layers     each node one below the lowest that it reads; what is given stands just above its first reader;
              an adjoint stands beside the tensor that it belongs to, so that the way back runs upward
2. order      edges over several layers get a point in each between; sweeps by barycentre, the best order is kept
3. places     each layer is moved as a whole towards its neighbours: least squares under the order's constraints

Nothing here depends on chance or on hashes: ties are broken by the order in which nodes were given.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from symnet.core.graph import components

Key = Hashable
Link = tuple[Key, Key]
CAPACITY, BESIDE = 1200.0, 760.0  # layers that are wider are folded; adjoints have less room
GAP, LANE, ROWS = 18.0, 12.0, 44.0
SWEEPS, PASSES = 16, 40
STIFF, GENTLE = 8.0, 0.15  # edges over several layers are kept straight; what is given yields


@dataclass(frozen=True)
class Extent:
    """How far a node reaches to the left and the right of its middle, and how high it is."""

    left: float
    right: float
    height: float

    @property
    def width(self) -> float:
        return self.left + self.right


POINT = Extent(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Layout:
    """Where everything is: middles of nodes, tops and bottoms of layers, the way of each edge through the layers."""

    x: Mapping[Key, float]
    y: Mapping[str, float]
    layer: Mapping[str, int]
    tops: Sequence[float]
    bottoms: Sequence[float]
    points: Mapping[tuple[str, str], Sequence[Key]]
    width: float
    height: float


def layout(
    extents: Mapping[str, Extent],
    edges: Sequence[tuple[str, str]],
    mirror: Mapping[str, str],
    room: Mapping[int, float] | None = None,
) -> Layout:
    """Places for nodes of given extents; `mirror` maps adjoints to their tensors, `room` adds height above layers."""
    layer = layers(extents, edges, mirror)
    points, links = subdivided(edges, layer)
    zones: dict[Key, int] = {node: 2 if node in mirror else 0 for node in extents}
    zones.update((point, _zone(point, mirror)) for chain in points.values() for point in chain)
    rows = ordered(extents, layer, points, links, zones)
    sizes: dict[Key, Extent] = dict.fromkeys(zones, POINT)
    sizes.update(extents)
    x = columns(rows, links, sizes, zones)
    left = min((x[n] - extents[n].left for n in extents), default=0.0)
    x = {key: round(value - left, 1) for key, value in x.items()}
    tops, bottoms = down(rows, extents, room or {})
    y = {n: round((tops[layer[n]] + bottoms[layer[n]]) / 2, 1) for n in extents}
    width = max([*(x[n] + extents[n].right for n in extents), *x.values()], default=0.0)
    return Layout(x, y, layer, tops, bottoms, points, round(width, 1), bottoms[-1] if bottoms else 0.0)


def _zone(point: Key, mirror: Mapping[str, str]) -> int:
    """Forward edges run left, backward ones right, those between in the middle."""
    assert isinstance(point, tuple)
    ends = [end in mirror for end in point[:2]]
    return 2 if all(ends) else int(any(ends))


# -- layers


class Shelves:
    """Layers with limited room."""

    def __init__(self, extents: Mapping[str, Extent]) -> None:
        self.extents, self.capacity = extents, CAPACITY
        self.used: dict[int, float] = {}
        self.layer: dict[str, int] = {}

    def other_zone(self) -> None:
        """What comes now stands beside what is there."""
        self.used, self.capacity = {}, BESIDE

    def put(self, node: str, layer: int, step: int, near: Sequence[str] = ()) -> None:
        """Place a node at a layer, or at the next one in the direction of `step` with room and no neighbour in it."""
        width = self.extents[node].width + GAP
        taken = {self.layer[other] for other in near if other in self.layer}
        while layer in taken or (self.used.get(layer) and self.used[layer] + width > self.capacity):
            layer += step
        self.used[layer] = self.used.get(layer, 0.0) + width
        self.layer[node] = layer


def layers(
    extents: Mapping[str, Extent], edges: Sequence[tuple[str, str]], mirror: Mapping[str, str]
) -> dict[str, int]:
    """The layer of each node, counted from 0 without gaps."""
    reads: dict[str, list[str]] = {node: [] for node in extents}
    users: dict[str, list[str]] = {node: [] for node in extents}
    for source, target in edges:
        reads[target].append(source)
        users[source].append(target)
    shelves = Shelves(extents)
    for node in extents:
        if reads[node] and node not in mirror:
            above = [shelves.layer.get(source, 0) for source in reads[node]]
            shelves.put(node, max(above) + 1, 1)
    for node in extents:
        if not reads[node] and node not in mirror:
            below = [shelves.layer[user] for user in users[node] if user in shelves.layer]
            shelves.put(node, min(below, default=1) - 1, -1)
    doubled = Shelves(extents)
    for node, layer in shelves.layer.items():
        doubled.layer[node] = 2 * layer
    doubled.other_zone()
    for node in extents:
        if node in mirror:
            start = [doubled.layer[source] for source in reads[node] if source in doubled.layer]
            wish = doubled.layer.get(mirror[node], min(start, default=1) - 2) + 1
            doubled.put(node, wish, -1, [*reads[node], *users[node]])
    used = {layer: at for at, layer in enumerate(sorted(set(doubled.layer.values())))}
    return {node: used[doubled.layer[node]] for node in extents}


def subdivided(
    edges: Sequence[tuple[str, str]], layer: Mapping[str, int]
) -> tuple[dict[tuple[str, str], list[Key]], list[Link]]:
    """Points where edges cross layers, from source to target, and the links from each layer to the next one down."""
    points: dict[tuple[str, str], list[Key]] = {}
    links: list[Link] = []
    for source, target in edges:
        start, end = layer[source], layer[target]
        assert start != end, f"{source} and {target} stand side by side"
        step = 1 if end > start else -1
        points[source, target] = [(source, target, at) for at in range(start + step, end, step)]
        chain: list[Key] = [source, *points[source, target], target]
        pairs = list(pairwise(chain))
        links += pairs if step == 1 else [(b, a) for a, b in pairs]
    return points, links


# -- order


def ordered(
    extents: Mapping[str, Extent],
    layer: Mapping[str, int],
    points: Mapping[tuple[str, str], Sequence[Key]],
    links: Sequence[Link],
    zones: Mapping[Key, int],
) -> list[list[Key]]:
    """Each layer from left to right, with few crossings."""
    rows: list[list[Key]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in extents:
        rows[layer[node]].append(node)
    for chain in points.values():
        for point in chain:
            assert isinstance(point, tuple)
            rows[point[2]].append(point)
    up, down_ = neighbours([(a, b) for a, b in links if zones[a] == zones[b] or 1 in (zones[a], zones[b])])
    rows = [sorted(row, key=lambda k: zones[k]) for row in rows]
    best, least = rows, crossings(rows, up)
    for sweep in range(SWEEPS):
        if least == 0:
            break
        rows = swept([list(row) for row in rows], up if sweep % 2 == 0 else down_, sweep % 2 == 0, zones)
        found = crossings(rows, up)
        if found < least:
            best, least = rows, found
    return [centred(row, up, down_) for row in best]


def centred(row: Sequence[Key], up: Mapping[Key, Sequence[Key]], down_: Mapping[Key, Sequence[Key]]) -> list[Key]:
    """A layer in which what is given stands on both sides of what is computed, where both go to the same place."""
    found: list[Key] = []
    for _, group in groupby(row, key=lambda key: down_.get(key, [key])):
        members = list(group)
        given = [key for key in members if not up.get(key)]
        half = (len(given) + 1) // 2
        found += [*given[:half], *(key for key in members if up.get(key)), *given[half:]]
    return found


def neighbours(links: Sequence[Link]) -> tuple[dict[Key, list[Key]], dict[Key, list[Key]]]:
    """Who stands above and who below each."""
    up: dict[Key, list[Key]] = {}
    down_: dict[Key, list[Key]] = {}
    for above, below in links:
        up.setdefault(below, []).append(above)
        down_.setdefault(above, []).append(below)
    return up, down_


def swept(
    rows: list[list[Key]], near: Mapping[Key, Sequence[Key]], downward: bool, zones: Mapping[Key, int]
) -> list[list[Key]]:
    """Every layer sorted by the middle of its neighbours in the layer before."""
    turns = range(1, len(rows)) if downward else range(len(rows) - 2, -1, -1)
    for at in turns:
        before = {key: place for place, key in enumerate(rows[at - 1 if downward else at + 1])}
        own = {key: place for place, key in enumerate(rows[at])}

        def middle(key: Key, before: Mapping[Key, int] = before, own: Mapping[Key, int] = own) -> tuple[int, float]:
            found = [before[other] for other in near.get(key, ())]
            return zones[key], sum(found) / len(found) if found else float(own[key])

        rows[at].sort(key=middle)
    return rows


def crossings(rows: Sequence[Sequence[Key]], up: Mapping[Key, Sequence[Key]]) -> int:
    """How many pairs of links cross."""
    total = 0
    for above, row in pairwise(rows):
        place = {key: at for at, key in enumerate(above)}
        seen: list[int] = []
        for key in row:
            ends = sorted(place[other] for other in up.get(key, ()))
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


# -- places


def columns(
    rows: Sequence[Sequence[Key]], links: Sequence[Link], extents: Mapping[Key, Extent], zones: Mapping[Key, int]
) -> dict[Key, float]:
    """Horizontal middles: the way forward on the left, the way back on the right, and between them what joins them."""
    x: dict[Key, float] = {}
    edge = 0.0
    for zone in sorted(set(zones.values())):
        own = [[key for key in row if zones[key] == zone] for row in rows]
        inside = [(a, b) for a, b in links if zones[a] == zones[b] == zone]
        found = across(own, inside, extents)
        shift = edge - min(found[key] - extents[key].left for key in found)
        x |= {key: value + shift for key, value in found.items()}
        edge = max(x[key] + extents[key].right for key in found) + 2 * GAP
    return x


def across(rows: Sequence[Sequence[Key]], links: Sequence[Link], extents: Mapping[Key, Extent]) -> dict[Key, float]:
    """Horizontal middles: layers are drawn to their neighbours, again and again, first down, then up.

    Nothing holds a connected part in its place, so each is told to stay around 0.
    """
    up, down_ = neighbours(links)
    parts = components([key for row in rows for key in row], lambda key: [*up.get(key, ()), *down_.get(key, ())])
    x: dict[Key, float] = {}
    for row in rows:
        x |= zip(row, packed(row, [0.0] * len(row), [1.0] * len(row), extents), strict=True)
    for turn in range(PASSES):
        for part in parts:
            middle = sum(x[key] for key in part) / len(part)
            x |= {key: x[key] - middle for key in part}
        first, then = (up, down_) if turn % 2 == 0 else (down_, up)
        for row in rows if turn % 2 == 0 else reversed(rows):
            near = [[*first.get(k, ()), *(then.get(k, ()) if turn >= PASSES // 2 else ())] for k in row]
            wishes = [pulled(n, x, up) if n else x[k] for k, n in zip(row, near, strict=True)]
            stiff = [STIFF if extents[k] is POINT else 1.0 if up.get(k) else GENTLE for k in row]
            weights = [s * max(len(n), 0.1) for s, n in zip(stiff, near, strict=True)]
            x |= zip(row, packed(row, wishes, weights, extents), strict=True)
    return x


def pulled(others: Sequence[Key], x: Mapping[Key, float], up: Mapping[Key, Sequence[Key]]) -> float:
    """Where neighbours draw a node: what is itself computed pulls harder than what is given."""
    pulls = [1.0 if up.get(other) else GENTLE for other in others]
    return sum(p * x[o] for p, o in zip(pulls, others, strict=True)) / sum(pulls)


def packed(
    row: Sequence[Key], wishes: Sequence[float], weights: Sequence[float], extents: Mapping[Key, Extent]
) -> list[float]:
    """Places in the given order, as near as can be to the wishes: neighbours that push each other move as one."""
    offsets = [0.0]
    for left, right in pairwise(row):
        slim = extents[left] is POINT or extents[right] is POINT
        offsets.append(offsets[-1] + extents[left].right + extents[right].left + (LANE if slim else GAP))
    blocks: list[tuple[float, float, int]] = []  # mean wish, weight, members
    for wish, weight, offset in zip(wishes, weights, offsets, strict=False):
        mean, total, count = wish - offset, weight, 1
        while blocks and blocks[-1][0] >= mean:
            other, heavy, members = blocks.pop()
            mean, total, count = (mean * total + other * heavy) / (total + heavy), total + heavy, count + members
        blocks.append((mean, total, count))
    starts = [mean for mean, _, count in blocks for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=False)]


def down(
    rows: Sequence[Sequence[Key]], extents: Mapping[str, Extent], room: Mapping[int, float]
) -> tuple[list[float], list[float]]:
    """Tops and bottoms of the layers."""
    tops: list[float] = []
    bottoms: list[float] = []
    y = 0.0
    for at, row in enumerate(rows):
        y += room.get(at, 0.0) + (ROWS if at else 0.0)
        tops.append(round(y, 1))
        y += max(extents[key].height for key in row if isinstance(key, str))
        bottoms.append(round(y, 1))
    return tops, bottoms
