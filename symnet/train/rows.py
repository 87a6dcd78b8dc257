"""Which rows come when, and how much each counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnet.errors import ValueProblem
from symnet.train.chance import stream

Rows = NDArray[np.int64]
Array = NDArray[Any]
SUM = 1e-6


def order(seed: int, epoch: int, count: int, shuffle: bool = True) -> Rows:
    """The order in which an epoch meets its rows: a function of seed and epoch alone."""
    if not shuffle:
        return np.arange(count, dtype=np.int64)
    return stream("order", int(seed), int(epoch)).permutation(count).astype(np.int64, copy=False)


def split(count: int, share: float, seed: int) -> tuple[Rows, Rows]:
    """Rows for training and rows for validation, each in ascending order; neither is empty."""
    _check_share(count, share)
    held = min(max(round(count * share), 1), count - 1)
    mixed = stream("split", int(seed)).permutation(count).astype(np.int64, copy=False)
    return np.sort(mixed[held:]), np.sort(mixed[:held])


def _check_share(count: int, share: Any) -> None:
    number = isinstance(share, (int, float, np.integer, np.floating)) and not isinstance(share, bool)
    if not number or not 0 < share < 1:
        raise ValueProblem(
            f"validation={share!r} is no share of the data", "give a share between 0 and 1, for example 0.1, or data"
        )
    if count < 2:
        raise ValueProblem(
            f"{count} row{'' if count == 1 else 's'} cannot be split into training and validation",
            "give two rows or more, or validation=None",
        )


# -- weights of classes


def class_weights(targets: Array, weights: Any, name: str = "y") -> NDArray[np.float64]:
    """What each row weighs by its class: weights by class, in order, or "balanced": n/(K*count)."""
    shares = _shares(name, np.asarray(targets))
    by_class = (
        _balanced(shares) if isinstance(weights, str) and weights == "balanced" else _listed(name, weights, shares)
    )
    found: NDArray[np.float64] = by_class[shares] if shares.ndim == 1 else shares @ by_class
    if not np.any(found > 0):
        raise ValueProblem(f"class_weight gives no row of {name} any weight", "one class that occurs needs a weight")
    return found


def _shares(name: str, targets: Array) -> Array:
    """Labels as integers, or rows that say how much of each class there is."""
    if not targets.size or targets.ndim not in (1, 2) or targets.dtype.kind not in "biuf":
        raise ValueProblem(
            f"class_weight needs a class for each row, but {name} is {targets.dtype} of shape {targets.shape}",
            "classes are labels of shape (N,) or rows of shape (N, K)",
        )
    wrong = _no_label(targets) if targets.ndim == 1 else ~(abs(targets.sum(axis=1) - 1) <= SUM)
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise ValueProblem(
            f"class_weight needs a class for each row, but {name} holds {targets[row]} at row {row + 1}",
            "labels are whole numbers from 0, rows of classes sum to 1",
        )
    return targets.astype(np.int64 if targets.ndim == 1 else np.float64)


def _no_label(targets: Array) -> Any:
    return ~((targets >= 0) & (targets % 1 == 0))


def _balanced(shares: Array) -> NDArray[np.float64]:
    """n/(K*count) for the K classes that occur, as in scikit-learn."""
    counts = np.bincount(shares).astype(float) if shares.ndim == 1 else shares.sum(axis=0)
    occurs = counts > 0
    weights = np.zeros(len(counts))
    weights[occurs] = len(shares) / (occurs.sum() * counts[occurs])
    return weights


def _listed(name: str, weights: Any, shares: Array) -> NDArray[np.float64]:
    """A weight for each class; what a dict leaves out weighs 1."""
    classes = int(shares.max()) + 1 if shares.ndim == 1 else shares.shape[1]
    if isinstance(weights, Mapping):
        return _from_dict(name, weights, classes, shares.ndim == 2)
    listed = [_weight(k, w) for k, w in enumerate(_sequence(weights))]
    if len(listed) < classes or (shares.ndim == 2 and len(listed) != classes):
        raise ValueProblem(
            f"class_weight has {len(listed)} weights, but {name} has {classes} classes", "give one for each class"
        )
    return np.array(listed)


def _sequence(weights: Any) -> list[Any]:
    if not isinstance(weights, (list, tuple, np.ndarray)) or np.ndim(np.asarray(weights, object)) != 1:
        raise ValueProblem(
            f"class_weight={weights!r} has no meaning", 'give a dict {class: weight}, a list of weights or "balanced"'
        )
    return list(weights)


def _from_dict(name: str, weights: Mapping[Any, Any], classes: int, closed: bool) -> NDArray[np.float64]:
    found = np.ones(max([classes, *(k + 1 for k in weights if _is_whole(k))]))
    for k, weight in weights.items():
        if not _is_whole(k) or k < 0 or (closed and k >= classes):
            raise ValueProblem(
                f"class_weight: {name} has no class {k!r}", f"classes are whole numbers 0..{classes - 1}"
            )
        found[k] = _weight(k, weight)
    return found


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _weight(k: Any, weight: Any) -> float:
    number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
    if not number or not 0 <= weight < np.inf:
        raise ValueProblem(f"class_weight: class {k} weighs {weight!r}", "a weight is a finite number, 0 or more")
    return float(weight)
