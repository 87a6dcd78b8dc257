"""Arrays as pictures: PNG in a data address, with a map of colours where values have signs.

A PNG is a signature and chunks; each chunk is its length, its kind, its bytes and their checksum. One byte before
each row says that the row is not predicted from others.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Array = NDArray[Any]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
NEGATIVE, MIDDLE, POSITIVE = (33, 88, 143), (247, 246, 242), (178, 60, 38)
# colours of classes, told apart by most eyes, on light and on dark
PALETTE = (
    *((68, 119, 170), (221, 119, 68), (78, 153, 104), (170, 68, 119), (194, 165, 54)),
    *((102, 196, 214), (140, 110, 190), (150, 150, 150), (120, 84, 60), (214, 98, 130)),
)


def png(pixels: Pixels) -> bytes:
    """Pixels (height, width, 3) as a PNG file."""
    height, width, _ = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 3)], axis=1)
    body = zlib.compress(rows.tobytes(), 9)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def address(pixels: Pixels) -> str:
    """Pixels as the address of an image."""
    return f"data:image/png;base64,{b64encode(png(pixels)).decode()}"


def signed(values: Array, reach: float | None = None) -> Pixels:
    """Values as colours: blue below zero, red above, pale at it; the same reach on both sides."""
    reach = float(np.abs(values).max(initial=0.0)) if reach is None else reach
    share = np.clip(values / reach if reach else values * 0.0, -1, 1)[..., None]
    end = np.where(share < 0, np.array(NEGATIVE), np.array(POSITIVE))
    return rounded(np.array(MIDDLE) + np.abs(share) * (end - np.array(MIDDLE)))


def grey(values: Array) -> Pixels:
    """Values from the least, which is white, to the largest, which is black."""
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    share = (values - low) / (high - low) if high > low else values * 0.0
    return rounded(np.repeat(255 - 235 * share[..., None], 3, axis=-1))


def mixed(shares: Array) -> Pixels:
    """Shares of classes (..., K) as a mixture of the classes' colours, pale where none stands out."""
    classes = shares.shape[-1]
    colours = np.array([colour(k) for k in range(classes)], float)
    best = shares.max(axis=-1, keepdims=True)
    sure = np.clip((best - 1 / classes) / (1 - 1 / classes), 0, 1) if classes > 1 else best
    return rounded(np.array(MIDDLE) + (0.25 + 0.5 * sure) * (shares @ colours - np.array(MIDDLE)))


def rounded(values: Array) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def colour(k: int) -> tuple[int, int, int]:
    """The colour of a class; there are ten, then they come again."""
    return PALETTE[k % len(PALETTE)]


def css(k: int) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour(k))


def sheet(tiles: list[Pixels], columns: int, gap: int = 1) -> Pixels:
    """Pictures of one size side by side, in rows."""
    height, width, _ = tiles[0].shape
    rows = -(-len(tiles) // columns)
    page = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for at, tile in enumerate(tiles):
        y, x = at // columns * (height + gap), at % columns * (width + gap)
        page[y : y + height, x : x + width] = tile
    return page
