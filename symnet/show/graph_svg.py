"""A graph as a drawing: cards with formulas, chips for what is given, arrows along what is read.

The drawing names no font file and runs no script; every text carries its length, so that it fits its card in any
face. It has no ids, so several may stand in one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from symnet.show.graph_layout import Extent, Key, Layout, layout
from symnet.show.graph_math import Line, Span, line_width, lines, shown_name, text_width
from symnet.show.graph_parts import ROLES, WORDS, GraphEdge, GraphNode

NAME, SHAPE, FORMULA, LEADING = 13.0, 11.0, 14.0, 20.0
WIDEST, PAD, LOOP, HEAD, TIP = 232.0, 12.0, 34.0, 24.0, 6.0
BOLD, BROAD, SHORT = 1.25, 1.15, 12  # of the sans serif face, against the serif one; texts that need no fitting
MARGIN, LEGEND, TRUNK, STRAIGHT = 12.0, 30.0, 14.0, 30.0
FACE = "'STIX Two Text',Cambria,'Times New Roman','Liberation Serif',STIXGeneral,serif"
SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans',sans-serif"
LIGHT = (
    "--page:#fff;--ink:#1d2430;--soft:#68717f;--rule:#c3cad4;--way:#8d97a5;--defined:#fff;--input:#e6f0f6;"
    "--input-rule:#9dbfd3;--param:#f7efdd;--param-rule:#d9c08a;--output:#e9efe4;--output-rule:#7f9f6c;"
    "--adjoint:#f6e9ec;--adjoint-rule:#cf9dab;--late:#a0522d"
)
DARK = (
    "--page:#15181d;--ink:#e4e7ec;--soft:#98a2b0;--rule:#3d4550;--way:#6d7785;--defined:#1d2229;--input:#1b2b36;"
    "--input-rule:#3f6a83;--param:#312a1b;--param-rule:#7b6838;--output:#222d1f;--output-rule:#61804f;"
    "--adjoint:#33222a;--adjoint-rule:#8a5567;--late:#d89b76"
)
STYLE = (
    f".sg{{{LIGHT};font-family:{SANS};color-scheme:light dark}}"
    f"@media (prefers-color-scheme:dark){{.sg{{{DARK}}}}}@media print{{.sg{{{LIGHT}}}}}"
    ".sg text{fill:var(--ink);white-space:pre}.sg .page{fill:var(--page)}"
    f".sg .name{{font-size:{NAME:g}px;font-weight:600}}.sg .soft{{font-size:{SHAPE:g}px;fill:var(--soft)}}"
    f".sg .math{{font-family:{FACE};font-size:{FORMULA:g}px}}.sg .math .i{{font-style:italic}}"
    ".sg path{fill:none;stroke:var(--way);stroke-width:1.1}.sg .tip{fill:var(--way);stroke:none}"
    ".sg .across{stroke-opacity:.55}.sg .late{stroke:var(--late);stroke-dasharray:4 3}"
    ".sg .latetip{fill:var(--late);stroke:none}.sg .when{font-size:10.5px;fill:var(--late)}"
    ".sg rect{stroke-width:1}.sg .page{stroke:none}"
) + "".join(
    f".sg .{role}{{fill:var(--{fill});stroke:var(--{line})}}"
    for role, fill, line in (
        ("input", "input", "input-rule"),
        ("param", "param", "param-rule"),
        ("state", "param", "param-rule"),
        ("defined", "defined", "rule"),
        ("output", "output", "output-rule"),
        ("adjoint", "adjoint", "adjoint-rule"),
    )
)


@dataclass(frozen=True)
class Card:
    """A node as drawn: the size of its frame, its lines of formula, and the loop beside it if it reads itself."""

    node: GraphNode
    lines: tuple[Line, ...]
    width: float
    height: float
    loop: str

    @property
    def extent(self) -> Extent:
        loop = LOOP + 0.6 * SHAPE * len(self.loop) if self.loop else 0.0
        return Extent(self.width / 2, self.width / 2 + loop, self.height)


def svg(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> str:
    """The drawing as a document of its own, which may also stand in a page."""
    drawing = Drawing(nodes, edges)
    body = "\n".join(drawing.parts())
    width, height = drawing.size
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="sg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
    label = f"{len(nodes)} tensors and what they read"
    return f'{head} height="{height:g}" role="img" aria-label="{label}">\n<style>{STYLE}</style>\n{body}\n</svg>'


class Drawing:
    """Cards in their places, and the ways between them."""

    def __init__(self, nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> None:
        loops = {e.source: e.delay or "earlier" for e in edges if e.source == e.target}
        self.cards = {node.name: card(node, loops.get(node.name, "")) for node in nodes}
        self.edges = list(dict.fromkeys((e.source, e.target) for e in edges if not e.delay and e.source != e.target))
        self.back = trunks([e for e in edges if e.delay and e.source != e.target])
        extents = {name: shown.extent for name, shown in self.cards.items()}
        mirror = {node.name: node.of for node in nodes if node.role == "adjoint"}
        self.layout: Layout = layout(extents, self.edges, mirror)
        if self.back:
            self.layout = layout(extents, self.edges, mirror, room_for(self.back, self.layout))
        self.roles = [role for role in ROLES if any(node.role == role for node in nodes)]
        self.ports = self.entries()

    @property
    def right(self) -> float:
        """Where the trunks of recurrences begin."""
        return MARGIN + self.layout.width

    @property
    def size(self) -> tuple[float, float]:
        trunks_ = TRUNK * (len(self.back) + 1) if self.back else 0.0
        legend = sum(text_width(WORDS[role]) * SHAPE + 40 for role in self.roles)
        width = max(self.right + trunks_, legend) + MARGIN
        return round(width, 1), round(self.layout.height + 2 * MARGIN + LEGEND + 2 * TRUNK * bool(self.back), 1)

    def x(self, key: Key) -> float:
        return MARGIN + self.layout.x[key]

    def y(self, name: str) -> float:
        return MARGIN + self.layout.y[name]

    def top(self, name: str) -> float:
        return self.y(name) - self.cards[name].height / 2

    def bottom(self, name: str) -> float:
        return self.y(name) + self.cards[name].height / 2

    def parts(self) -> Iterator[str]:
        """All that is drawn, what lies below first."""
        width, height = self.size
        yield f'<rect class="page" width="{width:g}" height="{height:g}" rx="6"/>'
        for source, target in self.edges:
            yield self.way(source, target)
        for lane, ((source, delay), targets) in enumerate(self.back.items()):
            yield self.trunk(source, delay, targets, self.right + TRUNK * (lane + 1), lane)
        for name, shown in self.cards.items():
            yield "".join(self.drawn(shown, self.x(name), self.y(name)))
        yield self.legend(height - MARGIN - 4)

    # -- ways

    def entries(self) -> dict[tuple[str, str], float]:
        """Where each edge enters its target: side by side, in the order in which they come."""
        sides: dict[tuple[str, bool], list[tuple[float, tuple[str, str]]]] = {}
        for source, target in self.edges:
            points = self.layout.points[source, target]
            before = self.x(points[-1] if points else source)
            sides.setdefault((target, self.is_down(source, target)), []).append((before, (source, target)))
        for (source, delay), targets in self.back.items():
            for target in targets:
                sides.setdefault((target, True), []).append((1e9, (f"{source} {delay}", target)))
        found = {}
        for (target, _), entering in sides.items():
            step = min(16.0, 0.7 * self.cards[target].width / len(entering))
            for at, (_, edge) in enumerate(sorted(entering)):
                found[edge] = self.x(target) + step * (at - (len(entering) - 1) / 2)
            (before, edge), *others = entering
            if not others and abs(before - self.x(target)) <= min(STRAIGHT, self.cards[target].width / 2 - PAD):
                found[edge] = before
        return found

    def is_down(self, source: str, target: str) -> bool:
        return self.layout.layer[source] < self.layout.layer[target]

    def way(self, source: str, target: str) -> str:
        """A curve from node to node, straight where it passes through a layer."""
        down = self.is_down(source, target)
        leave, enter = (self.tops, self.bottoms)[::-1] if down else (self.tops, self.bottoms)
        sign = 1 if down else -1
        x, y = self.x(source), self.bottom(source) if down else self.top(source)
        edge = leave(self.layout.layer[source])
        path = [f"M{x:g} {y:g}"] + ([f"V{edge:g}"] if edge != y else [])
        y = edge
        for point in self.layout.points[source, target]:
            assert isinstance(point, tuple)
            near, far = enter(point[2]), leave(point[2])
            path += [curve(x, y, self.x(point), near), f"V{far:g}"]
            x, y = self.x(point), far
        port, end = self.ports[source, target], self.top(target) if down else self.bottom(target)
        path.append(curve(x, y, port, end - sign * TIP))
        kinds = {self.cards[source].node.role == "adjoint", self.cards[target].node.role == "adjoint"}
        across = ' class="across"' if len(kinds) == 2 else ""
        return f'<path{across} d="{"".join(path)}"/>{tip(port, end, sign)}'

    def tops(self, layer: int) -> float:
        return MARGIN + self.layout.tops[layer]

    def bottoms(self, layer: int) -> float:
        return MARGIN + self.layout.bottoms[layer]

    def trunk(self, source: str, delay: str, targets: Sequence[str], lane: float, number: int) -> str:
        """The way back of a recurrence: below its source to the right, up, and above its targets."""
        x, y = self.x(source) + 10 + 8 * number, self.bottom(source)
        low = self.bottoms(self.layout.layer[source]) + 9 + 6 * number
        parts, drawn = [], set[float]()
        for port, target in sorted((self.ports[f"{source} {delay}", target], target) for target in targets):
            top, high = self.top(target), self.tops(self.layout.layer[target]) - 15 - 6 * number
            path = f"M{x:g} {y:g}V{low - 6:g}q0 6 6 6H{lane - 6:g}q6 0 6 -6V{high + 6:g}q0 -6 -6 -6H{port + 6:g}"
            path = f"M{port + 6:g} {high:g}" if high in drawn else path
            parts.append(f'<path class="late" d="{path}q-6 0 -6 6V{top - TIP:g}"/>{tip(port, top, 1, "latetip")}')
            drawn.add(high)
        highest = min(drawn)
        said = escape(f"{shown_name(source)} at {delay}")
        return "".join(
            [*parts, f'<text class="when" x="{lane - 8:g}" y="{highest - 4:g}" text-anchor="end">{said}</text>']
        )

    # -- cards

    def drawn(self, shown: Card, x: float, y: float) -> Iterator[str]:
        node = shown.node
        left, top = x - shown.width / 2, y - shown.height / 2
        round_ = 5 if node.formula else min(shown.height / 2, 10)
        yield f"<g><title>{escape(node.label)}</title>"
        yield f'<rect class="{escape(node.role)}" x="{left:g}" y="{top:g}" width="{shown.width:g}" '
        yield f'height="{shown.height:g}" rx="{round_:g}"/>'
        if node.formula:
            yield fitted("name", left + PAD, top + 17, shown_name(node.name), NAME * BOLD)
            yield fitted("soft", left + shown.width - PAD, top + 17, node.shape, SHAPE, "end")
            for at, line in enumerate(shown.lines):
                yield math(line, left + PAD, top + HEAD + 15 + LEADING * at)
        else:
            yield fitted("name", x, y + (-2 if node.shape else 4.5), shown_name(node.name), NAME * BOLD, "middle")
            yield fitted("soft", x, y + 12.5, node.shape, SHAPE, "middle")
        yield "</g>"
        if shown.loop:
            yield self.loop(x + shown.width / 2, y, shown.loop)

    def loop(self, x: float, y: float, delay: str) -> str:
        """The arrow of a tensor that reads itself."""
        out, reach = 9.0, 24.0
        path = f"M{x:g} {y + out:g}C{x + reach:g} {y + out + 6:g} {x + reach:g} {y - out - 6:g} {x + TIP:g} {y - out:g}"
        end = f'<path class="latetip" d="M{x:g} {y - out:g}l{TIP + 1:g} -3.5v7z"/>'
        said = f'<text class="when" x="{x + 22:g}" y="{y + 4:g}">{escape(delay)}</text>'
        return f'<path class="late" d="{path}"/>{end}{said}'

    def legend(self, y: float) -> str:
        """What the colours mean."""
        x, parts = MARGIN, []
        for role in self.roles:
            parts.append(f'<rect class="{role}" x="{x:g}" y="{y - 9:g}" width="14" height="10" rx="3"/>')
            parts.append(fitted("soft", x + 20, y, WORDS[role], SHAPE))
            x += text_width(WORDS[role]) * SHAPE + 40
        return "".join(parts)


def card(node: GraphNode, loop: str) -> Card:
    """The size of a node's frame."""
    name, shape = text_width(shown_name(node.name)) * NAME * BOLD, text_width(node.shape) * SHAPE * BROAD
    if not node.formula:
        width = max(name, shape, 14.0) + 2 * PAD - 4
        return Card(node, (), round(width, 1), 38.0 if node.shape else 28.0, loop)
    set_ = tuple(lines(node.rich, WIDEST / FORMULA))
    widest = max(line_width(line) for line in set_) * FORMULA
    width = max(name + (shape + 16 if shape else 0), widest) + 2 * PAD
    return Card(node, set_, round(width, 1), HEAD + LEADING * len(set_) + 4, loop)


def trunks(edges: Sequence[GraphEdge]) -> dict[tuple[str, str], list[str]]:
    """Reads at other steps, those of one tensor at one step together."""
    found: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        found.setdefault((edge.source, edge.delay), []).append(edge.target)
    return found


def room_for(back: Mapping[tuple[str, str], Sequence[str]], places: Layout) -> dict[int, float]:
    """Height above layers for the ways back that run there."""
    room: dict[int, float] = {}
    for number, ((source, _), targets) in enumerate(back.items()):
        for at in {places.layer[source] + 1, *(places.layer[target] for target in targets)}:
            room[at] = max(room.get(at, 0.0), (26.0 if at == 0 else 10.0) + 8 * number)
    return room


# -- marks on the page


def curve(x: float, y: float, to_x: float, to_y: float) -> str:
    """From one height to another, upright at both ends."""
    if x == to_x:
        return f"V{to_y:g}"
    half = (y + to_y) / 2
    return f"C{x:g} {half:g} {to_x:g} {half:g} {to_x:g} {to_y:g}"


def tip(x: float, y: float, sign: int, kind: str = "tip") -> str:
    """The head of an arrow that ends at (x, y), pointing down for sign 1."""
    return f'<path class="{kind}" d="M{x:g} {y:g}l-3.5 {-sign * (TIP + 1):g}h7z"/>'


def fitted(kind: str, x: float, y: float, text: str, size: float, anchor: str = "") -> str:
    """Text; where it is long, as long as was planned, whatever the face."""
    if not text:
        return ""
    where = f' text-anchor="{anchor}"' if anchor else ""
    length = f' textLength="{text_width(text) * size:.1f}" lengthAdjust="spacingAndGlyphs"' if len(text) > SHORT else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{where}{length}>{escape(text)}</text>'


def math(line: Line, x: float, y: float) -> str:
    """A line of a formula."""
    length = f'textLength="{line_width(line) * FORMULA:.1f}" lengthAdjust="spacingAndGlyphs"'
    moved, parts = 0.0, []
    for span in line:
        parts.append(_tspan(span, span.shift - moved))
        moved = span.shift
    return f'<text class="math" x="{x:g}" y="{y:g}" {length} xml:space="preserve">{"".join(parts)}</text>'


def _tspan(span: Span, move: float) -> str:
    dy = f' dy="{move * FORMULA:.2f}"' if abs(move) > 1e-9 else ""
    size = f' font-size="{span.size * FORMULA:.2f}"' if span.size != 1 else ""
    look = ' class="i"' if span.aslant else ""
    return f"<tspan{look}{dy}{size}>{escape(span.text)}</tspan>"
