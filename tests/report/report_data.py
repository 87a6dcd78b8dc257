"""What the tests of the report hold in hands: trained models, data sets as sources give them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

import symnet as sn


class Trained(NamedTuple):
    """A model, its run and what it was trained on."""

    model: sn.Model
    run: Any
    data: dict[str, np.ndarray]


def dataset(data: dict[str, np.ndarray], **facts: Any) -> Any:
    """A data set as sources give it."""
    count = len(next(iter(data.values())))
    known = {"arrays": data, "classes": {}, "count": count, "source": "made here", "digest": "0" * 64, "standard": {}}
    return SimpleNamespace(**{**known, **facts})
