"""Random numbers by name: a stream of its own for everything that is drawn, whatever else is drawn beside it."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def stream(*key: int | str) -> np.random.Generator:
    """The random numbers that belong to a key: the same for equal keys, unrelated for others."""
    digest = hashlib.sha256(json.dumps(key).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
