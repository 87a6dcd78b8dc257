"""Pictures of what was learnt: curves, confusions, residuals, surfaces, weights, samples that were misread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnet.core.definition import Node, read_nodes
from symnet.errors import SymnetError
from symnet.report.given import Given
from symnet.report.image import address, css, grey, mixed, sheet, signed
from symnet.report.plot import Chart, spread
from symnet.report.predictions import CLASSES, VALUES, YES_NO, Answers, needed

Array = NDArray[Any]
LOG_FROM = 30.0  # a loss that falls by more than this is drawn on a logarithmic axis
POINTS, GRID, TILES, SAMPLES = 800, 160, 64, 12
SQUARES = {64: 8, 784: 28}  # lengths that are read as images


# -- curves


def curves(history: Mapping[str, Sequence[Any]]) -> list[str]:
    """A chart for the loss and for each metric, with what was held out beside it."""
    names = [n for n in history if not n.startswith("val_") and n != "seconds" and any(map(is_number, history[n]))]
    return [curve(name, history[name], history.get(f"val_{name}", ())) for name in names]


def curve(name: str, own: Sequence[Any], held: Sequence[Any]) -> str:
    lines = [("train", numbered(own)), ("held", numbered(held))]
    values = [v for _, line in lines for _, v in line]
    last = max((x for _, line in lines for x, _ in line), default=1.0)
    log = min(values) > 0 and max(values) / min(values) > LOG_FROM
    y = (min(values) / 1.2, max(values) * 1.2) if log else spread(min(values), max(values))
    chart = Chart((1.0, max(last, 2.0)), y, "epoch", name.replace("_", " "), log=log, title=f"{name} by epoch")
    for kind, line in lines:
        if line:
            chart.line(line, kind)
    if held:
        chart.legend([("train", "training"), ("held", "held out")])
    return chart.svg()


def numbered(values: Sequence[Any]) -> list[tuple[float, float]]:
    return [(float(at + 1), float(v)) for at, v in enumerate(values) if is_number(v)]


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and bool(np.isfinite(value))


# -- classes


def confusion(answers: Answers) -> str:
    """True classes down, predicted ones across; right ones and wrong ones in two colours."""
    matrix, names = answers.matrix, answers.classes
    cell = 56.0 if len(names) <= 4 else 34.0 if len(names) <= 14 else 24.0
    shown = [name if len(name) <= 14 else f"{name[:13]}…" for name in names]
    left = 30 + 7.2 * max(map(len, shown))
    turned = max(map(len, shown)) > 3
    top = 30 + (5.6 * max(map(len, shown)) if turned else 14)
    size = cell * len(names)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {left + size + 16:g} {top + size + 8:g}"'
    )
    parts = [f'{head} width="{left + size + 16:g}" role="img" aria-label="true against predicted classes">']
    parts.append(f'<text class="label" x="{left + size / 2:g}" y="14" text-anchor="middle">predicted</text>')
    parts.append(
        f'<text class="label" x="12" y="{top + size / 2:g}" text-anchor="middle" '
        f'transform="rotate(-90 12 {top + size / 2:g})">true</text>'
    )
    for k, name in enumerate(shown):
        middle = (k + 0.5) * cell
        turn = f' transform="rotate(-40 {left + middle:g} {top - 6:g})"' if turned else ""
        anchor = "start" if turned else "middle"
        x, y = left + middle, top - 6
        parts.append(f'<text class="tick" x="{x:g}" y="{y:g}" text-anchor="{anchor}"{turn}>{escape(name)}</text>')
        x, y = left - 7, top + middle + 4
        parts.append(f'<text class="tick" x="{x:g}" y="{y:g}" text-anchor="end">{escape(name)}</text>')
    parts += cells(matrix, left, top, cell)
    return "\n".join([*parts, "</svg>"])


def cells(matrix: Array, left: float, top: float, cell: float) -> Iterator[str]:
    """Squares as strong as their share of the row, the counts in them."""
    totals = np.maximum(matrix.sum(axis=1), 1)
    for i, row in enumerate(matrix.tolist()):
        for j, count in enumerate(row):
            share = count / int(totals[i])
            strength = 0.0 if not count else 0.12 + 0.78 * share if i == j else min(0.9, 0.25 + 1.6 * share)
            place = (
                f'x="{left + j * cell + 0.5:g}" y="{top + i * cell + 0.5:g}" width="{cell - 1:g}" height="{cell - 1:g}"'
            )
            yield f'<rect class="none" {place} rx="2"/>'
            if count:
                kind = "right" if i == j else "wrong"
                yield f'<rect class="{kind}" {place} rx="2" fill-opacity="{strength:.2f}"/>'
                tone = "strong" if strength > 0.55 else "weak"
                x, y = left + (j + 0.5) * cell, top + (i + 0.5) * cell + 4
                yield f'<text class="count {tone}" x="{x:g}" y="{y:g}" text-anchor="middle">{count}</text>'


# -- values


def residuals(answers: Answers) -> list[str]:
    """Predicted against true values, and a histogram of what is left."""
    some = np.unique(np.linspace(0, len(answers.true) - 1, min(POINTS, len(answers.true))).astype(int))
    true, predicted = answers.true[some], answers.predicted[some]
    reach = spread(float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max())))
    against = Chart(reach, reach, "true", "predicted", title="predicted against true values")
    against.line([(reach[0], reach[0]), (reach[1], reach[1])], "ideal")
    against.dots(list(zip(true.tolist(), predicted.tolist(), strict=True)), "sample")
    rest = answers.predicted - answers.true
    counts, edges = np.histogram(rest, bins=min(40, max(8, isqrt(len(rest)))))
    x = (float(edges[0]), float(edges[-1]))
    left = Chart(x, (0.0, 1.08 * float(counts.max())), "predicted − true", "samples", title="what is left")
    left.bars(edges.tolist(), counts.tolist())
    return [against.svg(), left.svg()]


# -- surfaces


def surface(given: Given, answers: Answers) -> str | None:
    """What the model says over the plane of its two inputs; none where the input is no plane."""
    inputs = needed(answers.pairing.output)
    run = given.trained
    if run is None or len(inputs) != 1 or inputs[0].rank != 2 or inputs[0].shape[1] != 2:
        return None
    points = answers.inputs[inputs[0].name]
    low, high = points.min(axis=0), points.max(axis=0)
    (x0, x1), (y0, y1) = (spread(float(low[a]), float(high[a]), 0.08) for a in (0, 1))
    across, up = np.linspace(x0, x1, GRID), np.linspace(y1, y0, GRID)
    plane = np.stack([np.tile(across, GRID), np.repeat(up, GRID)], axis=1)
    try:
        found = run.predict({inputs[0].name: plane})[answers.pairing.name]
    except SymnetError:
        return None
    name = inputs[0].name
    chart = Chart((x0, x1), (y0, y1), f"{name}[·,0]", f"{name}[·,1]", 520, 440, title="decisions over the plane")
    chart.picture(address(coloured(found, answers)))
    some = np.linspace(0, len(points) - 1, min(POINTS, len(points))).astype(int)
    colours = [css(k) for k in answers.true[some].tolist()] if answers.pairing.kind != VALUES else []
    chart.dots([(float(x), float(y)) for x, y in points[some]], "sample ringed", colours)
    return chart.svg()


def coloured(found: Array, answers: Answers) -> NDArray[np.uint8]:
    """Predictions over the plane as pixels."""
    if answers.pairing.kind == CLASSES:
        return mixed(shares(found).reshape(GRID, GRID, -1))
    values = found.reshape(GRID, GRID).astype(float)
    if answers.pairing.kind == YES_NO:
        return mixed(np.clip(np.stack([1 - values, values], axis=-1), 0, 1))
    return signed(values - float(np.median(answers.true)))


def shares(found: Array) -> Array:
    """Rows that sum to one: as they are, or softmax of scores."""
    rows = found.astype(float)
    if (rows >= 0).all() and np.allclose(rows.sum(-1), 1, atol=1e-3):
        return rows
    raised = np.exp(rows - rows.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))


# -- images


@dataclass(frozen=True)
class Picture:
    """A picture with what is said of it."""

    source: str
    width: int
    title: str


def first_weights(given: Given) -> Picture | str:
    """The weights that meet the input, where they can be read as images."""
    run = given.trained
    if run is None:
        return "the model has not been trained"
    for node in first_params(given):
        tiles, side = as_tiles(np.asarray(run.params[node.name], float))
        if tiles:
            reach = max(float(np.abs(t).max()) for t in tiles)
            columns = min(len(tiles), max(8, ceil(len(tiles) ** 0.5)))
            page = sheet([signed(tile, reach) for tile in tiles], columns)
            said = f"{node.name}: {len(tiles)} of {side} × {side}, from −{reach:.3g} (blue) to {reach:.3g} (red)"
            return Picture(address(page), min(680, page.shape[1] * max(1, round(56 / side))), said)
    return "the first weights do not meet an image"


def first_params(given: Given) -> list[Node]:
    """Parameters in formulas that read an input."""
    found: dict[Node, None] = {}
    for output in (*given.model.outputs.values(), given.model.loss):
        todo: list[Node] = [output]
        seen: set[Node] = set()
        while todo:
            node = todo.pop()
            if node in seen or node.definition is None:
                continue
            seen.add(node)
            read = read_nodes(node.definition.formula)
            if any(other.role == "input" for other in read):
                found |= dict.fromkeys(other for other in read if other.role == "param")
            todo += read
    return list(found)


def as_tiles(values: Array) -> tuple[list[Array], int]:
    """Columns over pixels, or kernels, as images of one side; none where they are neither."""
    if values.ndim == 2 and values.shape[0] in SQUARES:
        side = SQUARES[values.shape[0]]
        return [column.reshape(side, side) for column in values.T[:TILES]], side
    if values.ndim == 4 and values.shape[2] == values.shape[3] > 1:
        side = values.shape[2]
        return list(values.reshape(-1, side, side)[:TILES]), side
    return [], 0


@dataclass(frozen=True)
class Misread:
    """A sample that was taken for another class."""

    source: str
    true: str
    predicted: str


def misread(answers: Answers) -> list[Misread]:
    """Images that were taken for another class."""
    if answers.pairing.kind == VALUES or len(answers.inputs) != 1:
        return []
    (name,) = answers.inputs
    if len(answers.inputs[name]) != len(answers.true):
        return []
    wrong = varied(answers)[:SAMPLES]
    pictures = [as_image(answers.measured(name, row)) for row in wrong]
    return [
        Misread(address(grey(image)), answers.classes[answers.true[row]], answers.classes[answers.predicted[row]])
        for row, image in zip(wrong, pictures, strict=True)
        if image is not None
    ]


def varied(answers: Answers) -> list[int]:
    """Mistakes, the first of each kind before the second ones."""
    met: dict[tuple[int, int], int] = {}
    found = []
    for row in np.flatnonzero(answers.true != answers.predicted).tolist():
        kind = int(answers.true[row]), int(answers.predicted[row])
        met[kind] = met.get(kind, 0) + 1
        found.append((met[kind], row))
    return [row for _, row in sorted(found)]


def as_image(sample: Array) -> Array | None:
    """A sample as an image of one channel, where it can be one."""
    if sample.ndim == 1 and len(sample) in SQUARES:
        return sample.reshape(SQUARES[len(sample)], -1).astype(float)
    if sample.ndim == 3 and sample.shape[0] == 1:
        sample = sample[0]
    return sample.astype(float) if sample.ndim == 2 and sample.shape[0] == sample.shape[1] > 4 else None
