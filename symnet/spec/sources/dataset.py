"""Arrays by tensor name, as a source gave them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Moments = tuple[Array, Array]
WHOLE = 256 << 20  # bytes of a file up to which all of it is digested
PIECE, PIECES = 1 << 20, 64


@dataclass(frozen=True)
class Dataset:
    """Arrays by tensor name, memory-mapped where the file allows.

    `classes` names the classes of labels that were text, `standard` holds mean and deviation of standardised inputs,
    `batched` names the tensors whose first axis runs over samples, `digest` tells these data from others.
    """

    arrays: dict[str, Array]
    classes: dict[str, tuple[str, ...]]
    count: int
    source: str
    digest: str
    standard: dict[str, Moments] = field(default_factory=dict)
    batched: frozenset[str] = frozenset()


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file; of a very large one, of its size and of pieces spread over it."""
    size = path.stat().st_size
    if size <= WHOLE:
        with open(path, "rb") as handle:
            return "sha256:" + hashlib.file_digest(handle, "sha256").hexdigest()
    found = hashlib.sha256(str(size).encode())
    with open(path, "rb") as handle:
        for at in np.linspace(0, size - PIECE, PIECES).astype(np.int64):
            handle.seek(int(at))
            found.update(handle.read(PIECE))
    return "sha256-of-pieces:" + found.hexdigest()


def digest_of_files(paths: Iterable[Path]) -> str:
    """One digest over several files; that of a single file is its own."""
    found = [digest_of_file(path) for path in paths]
    return found[0] if len(found) == 1 else "sha256:" + hashlib.sha256("\n".join(found).encode()).hexdigest()


def digest_of_arrays(arrays: Mapping[str, Array]) -> str:
    """SHA-256 over names, types, shapes and bytes."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return "sha256:" + found.hexdigest()
