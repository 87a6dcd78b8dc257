"""Small charts as SVG: text stays text, colours follow the page, nothing is random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10

Point = tuple[float, float]
LEFT, RIGHT, TOP, BOTTOM = 54.0, 14.0, 28.0, 40.0
TICKS = 5


@dataclass(frozen=True)
class Scale:
    """Values of an axis to places on the page."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, value = (
            (log10(v) for v in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        return round(self.start + (value - low) / ((high - low) or 1.0) * (self.end - self.start), 2)

    def ticks(self) -> list[float]:
        return decades(self.low, self.high) if self.log else ticks(self.low, self.high)


def ticks(low: float, high: float, count: int = TICKS) -> list[float]:
    """Round numbers between two values: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** floor(log10(raw))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= raw * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(at * step, 12) for at in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten between two values; where there are too few, ones, twos and fives."""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    for times in ((1,), (1, 3), (1, 2, 5)):
        found = [t * 10.0**e for e in exponents for t in times if low * 0.999 <= t * 10.0**e <= high * 1.001]
        if len(found) >= 3:
            return found
    return found


def written(value: float) -> str:
    """A number at a tick."""
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    return f"{value:.6g}".replace("-", "−")


@dataclass
class Chart:
    """Axes, and what is drawn between them."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str = ""
    y_label: str = ""
    width: float = 440.0
    height: float = 270.0
    log: bool = False
    title: str = ""
    body: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.across = Scale(*self.x, LEFT, self.width - RIGHT)
        self.up = Scale(*self.y, self.height - BOTTOM, TOP, self.log)

    # -- what is drawn

    def line(self, points: Sequence[Point], kind: str, colour: str = "") -> None:
        """A line through points; one that is alone is a dot."""
        placed = [f"{self.across.at(x):g} {self.up.at(y):g}" for x, y in points]
        look = f' style="stroke:{colour}"' if colour else ""
        self.body.append(f'<path class="line {kind}"{look} d="M{"L".join(placed)}"/>')
        if len(points) == 1:
            self.dots(points, kind)

    def dots(self, points: Sequence[Point], kind: str = "", colours: Sequence[str] = (), radius: float = 2.6) -> None:
        for at, (x, y) in enumerate(points):
            fill = f' style="fill:{colours[at]}"' if colours else ""
            place = f'cx="{self.across.at(x):g}" cy="{self.up.at(y):g}" r="{radius:g}"'
            self.body.append(f'<circle class="dot {kind}" {place}{fill}/>')

    def bars(self, edges: Sequence[float], counts: Sequence[float]) -> None:
        """A histogram."""
        base = self.up.at(0.0)
        for left, right, count in zip(edges, edges[1:], counts, strict=False):
            x, end, top = self.across.at(left), self.across.at(right), self.up.at(count)
            self.body.append(f'<rect class="bar" x="{x:g}" y="{top:g}" width="{end - x:g}" height="{base - top:g}"/>')

    def picture(self, source: str) -> None:
        """An image that fills the axes."""
        width, height = self.across.end - self.across.start, self.up.start - self.up.end
        place = f'x="{self.across.start:g}" y="{self.up.end:g}" width="{width:g}" height="{height:g}"'
        self.body.append(f'<image {place} preserveAspectRatio="none" href="{source}"/>')

    def legend(self, names: Sequence[tuple[str, str]]) -> None:
        """Names of lines above the axes on the right, each after a stroke of its kind."""
        x = self.width - RIGHT
        for kind, name in reversed(names):
            start = x - 6.6 * len(name)
            self.body.append(f'<text class="said" x="{start:g}" y="14">{escape(name)}</text>')
            self.body.append(f'<path class="line {kind}" d="M{start - 26:g} 10H{start - 6:g}"/>')
            x = start - 44

    # -- the whole

    def svg(self) -> str:
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" height="{self.height:g}"'
        what = f'role="img" aria-label="{escape(self.title)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} {what}>'
        return "\n".join([head, *self.grid(), *self.body, *self.frame(), "</svg>"])

    def grid(self) -> Iterator[str]:
        for value in self.up.ticks():
            y = self.up.at(value)
            yield f'<path class="grid" d="M{LEFT:g} {y:g}H{self.width - RIGHT:g}"/>'
            yield f'<text class="tick" x="{LEFT - 8:g}" y="{y + 4:g}" text-anchor="end">{written(value)}</text>'
        for value in self.across.ticks():
            x, y = self.across.at(value), self.height - BOTTOM
            yield f'<path class="axis" d="M{x:g} {y:g}v4"/>'
            yield f'<text class="tick" x="{x:g}" y="{y + 17:g}" text-anchor="middle">{written(value)}</text>'

    def frame(self) -> Iterator[str]:
        yield f'<path class="axis" d="M{LEFT:g} {self.height - BOTTOM:g}H{self.width - RIGHT:g}"/>'
        middle = (LEFT + self.width - RIGHT) / 2
        if self.x_label:
            x, y = middle, self.height - 6
            yield f'<text class="label" x="{x:g}" y="{y:g}" text-anchor="middle">{escape(self.x_label)}</text>'
        if self.y_label:
            y = (TOP + self.height - BOTTOM) / 2
            turn = f'transform="rotate(-90 12 {y:g})"'
            yield f'<text class="label" x="12" y="{y:g}" text-anchor="middle" {turn}>{escape(self.y_label)}</text>'


def spread(low: float, high: float, margin: float = 0.06) -> tuple[float, float]:
    """A range with a margin; one of no width gets some."""
    reach = high - low
    if not reach > 0:
        reach = abs(low) or 1.0
    return low - margin * reach, high + margin * reach
