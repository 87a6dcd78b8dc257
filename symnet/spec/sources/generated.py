"""Small data sets that are made on the spot, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Options = Mapping[str, Any]
Make = Callable[[np.random.Generator, Options], dict[str, Array]]
MOST = 10_000_000  # samples
ENTRIES = 100_000_000


@dataclass(frozen=True)
class Generated:
    """How a set is made, and its options with what they are when nothing is said."""

    make: Make
    defaults: dict[str, float]
    about: str


def two_moons(rng: np.random.Generator, o: Options) -> dict[str, Array]:
    """Two half circles that reach into each other."""
    label = np.arange(o["samples"]) % 2
    angle = rng.uniform(0, np.pi, o["samples"])
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = np.where(label[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return {"data": noisy(rng, points, o["noise"]), "target": label}


def spirals(rng: np.random.Generator, o: Options) -> dict[str, Array]:
    """Arms that wind around the origin, one for each class."""
    label = np.arange(o["samples"]) % o["classes"]
    radius = np.sqrt(rng.uniform(0.01, 1, o["samples"]))
    angle = o["turns"] * 2 * np.pi * radius + 2 * np.pi * label / o["classes"]
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return {"data": noisy(rng, points, o["noise"]), "target": label}


def xor(rng: np.random.Generator, o: Options) -> dict[str, Array]:
    """The corners of a square: opposite ones belong together."""
    bits = np.stack([np.arange(o["samples"]) % 2, np.arange(o["samples"]) // 2 % 2], 1)
    return {"data": noisy(rng, bits.astype(float), o["noise"]), "target": bits[:, 0] ^ bits[:, 1]}


def blobs(rng: np.random.Generator, o: Options) -> dict[str, Array]:
    """A cloud of points for each class."""
    label = np.arange(o["samples"]) % o["classes"]
    centres = rng.uniform(-5, 5, (o["classes"], o["features"]))
    return {"data": noisy(rng, centres[label], o["noise"]), "target": label}


def sine(rng: np.random.Generator, o: Options) -> dict[str, Array]:
    """One period of a sine."""
    x = rng.uniform(-np.pi, np.pi, (o["samples"], 1))
    return {"data": x, "target": noisy(rng, np.sin(x), o["noise"])}


def copy(rng: np.random.Generator, o: Options) -> dict[str, Array]:
    """Symbols 1.., then blanks (0); after `delay` blanks the symbols are to be said again."""
    symbols = rng.integers(1, o["symbols"] + 1, (o["samples"], o["length"]))
    data = np.zeros((o["samples"], 2 * o["length"] + o["delay"]), np.int64)
    target = data.copy()
    data[:, : o["length"]] = symbols
    target[:, -o["length"] :] = symbols
    return {"data": data, "target": target}


def brackets(rng: np.random.Generator, o: Options) -> dict[str, Array]:
    """Brackets, 0 opens and 1 closes: how many are open after each, and whether all are closed in the end."""
    steps = rng.integers(0, 2, (o["samples"], o["length"]))
    depth = np.zeros(o["samples"], np.int64)
    depths = np.zeros_like(steps)
    for t in range(o["length"]):
        steps[:, t] = np.where(depth == 0, 0, np.where(depth >= o["deepest"], 1, steps[:, t]))
        depth += 1 - 2 * steps[:, t]
        depths[:, t] = depth
    return {"data": steps, "target": depths, "balanced": (depth == 0).astype(np.int64)}


def noisy(rng: np.random.Generator, points: Array, noise: float) -> Array:
    return points + noise * rng.standard_normal(points.shape)


GENERATED: dict[str, Generated] = {
    "two_moons": Generated(two_moons, {"samples": 1000, "noise": 0.1}, "two half circles, two classes"),
    "spirals": Generated(spirals, {"samples": 999, "noise": 0.02, "classes": 3, "turns": 1.0}, "arms of a spiral"),
    "xor": Generated(xor, {"samples": 400, "noise": 0.1}, "exclusive or of two bits"),
    "blobs": Generated(blobs, {"samples": 999, "noise": 1.0, "classes": 3, "features": 2}, "clouds of points"),
    "sine": Generated(sine, {"samples": 500, "noise": 0.05}, "a function of one number"),
    "copy": Generated(copy, {"samples": 1000, "length": 4, "symbols": 4, "delay": 3}, "sequences to say again"),
    "brackets": Generated(brackets, {"samples": 1000, "length": 16, "deepest": 6}, "depths of nested brackets"),
}


def trouble_with(name: str, options: Options) -> tuple[str, str, str] | None:
    """The first option that has no meaning: which, what is wrong with it, and a hint."""
    known: dict[str, float] = {**GENERATED[name].defaults, "seed": 0}
    for key, value in options.items():
        if key not in known:
            return key, f"{name} has no option {key!r}", f"there are {', '.join(known)}"
        whole = isinstance(known[key], int)
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return key, f"{key}: {value!r} is no {'whole ' if whole else ''}number", f"for example {known[key]}"
        least, most = LIMITS.get(key, (0, 1e6))
        if not least <= value <= most:
            return key, f"{key}: {value} is out of range", f"from {least:g} to {most:g}"
    chosen = {**known, **options}
    entries = chosen["samples"] * max(chosen.get("features", 2), 2 * chosen.get("length", 1) + chosen.get("delay", 0))
    if entries > ENTRIES:
        return "samples", f"{name} would have {entries} entries", f"{ENTRIES} are the most: take fewer samples"
    return None


LIMITS = {
    "samples": (1, MOST),
    "classes": (2, 1000),
    "features": (1, 10_000),
    "symbols": (1, 1000),
    "length": (1, 10_000),
    "deepest": (1, 10_000),
    "delay": (0, 10_000),
    "seed": (0, 2**63 - 1),
}


def generate(name: str, options: Options) -> dict[str, Array]:
    """The arrays of a set; options are good."""
    chosen = {**GENERATED[name].defaults, **options}
    rng = np.random.Generator(np.random.Philox(int(chosen.pop("seed", 0))))
    return GENERATED[name].make(rng, chosen)
