"""Random numbers by name: a stream of its own for everything that is drawn, whatever else is drawn beside it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence


class Digest(ISeedSequence):
    """Bytes as what a stream begins with; given the key as a number, NumPy would first ask the system for others."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return np.frombuffer(self.digest, dtype, n_words)


def stream(*key: int | str) -> np.random.Generator:
    """The random numbers that belong to a key: the same for equal keys, unrelated for others."""
    begin = Digest(hashlib.sha256(json.dumps(key).encode()).digest())
    return np.random.Generator(np.random.Philox(begin))  # type: ignore[arg-type]  # any ISeedSequence will do
