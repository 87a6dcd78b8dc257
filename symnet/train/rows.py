"""Which rows come when, and how much each counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnet.errors import ValueProblem
from symnet.train.chance import stream

Rows = NDArray[np.int64]
Array = NDArray[Any]
SUM = 1e-6
MOST = 2**62  # labels from here on are a mistake, and would not be whole numbers of 64 bits


def order(seed: int, epoch: int, count: int, shuffle: bool = True) -> Rows:
    """The order in which an epoch meets its rows: a function of seed and epoch alone."""
    if not shuffle:
        return np.arange(count, dtype=np.int64)
    return stream("order", int(seed), int(epoch)).permutation(count).astype(np.int64, copy=False)


def chosen_rows(rows: Any, count: int) -> Rows:
    """Rows as they were given by number: kernels read wherever these say."""
    found = np.asarray(rows)
    if found.ndim != 1 or not found.size or found.dtype.kind not in "iu":
        raise ValueProblem(
            f"rows of type {found.dtype} and shape {found.shape} say no rows",
            "give their numbers, counted from 0; np.flatnonzero(mask) has those of a mask",
        )
    if found.min() < 0 or found.max() >= count:
        wrong = found[(found < 0) | (found >= count)][0]
        raise ValueProblem(f"there is no row {wrong}", f"rows are 0 to {count - 1}")
    return np.ascontiguousarray(found, np.int64)


def split(count: int, share: float, seed: int) -> tuple[Rows, Rows]:
    """Rows for training and rows for validation, each in ascending order; neither is empty."""
    _check_share(count, share)
    held = min(max(round(count * share), 1), count - 1)
    mixed = stream("split", int(seed)).permutation(count).astype(np.int64, copy=False)
    return np.sort(mixed[held:]), np.sort(mixed[:held])


def _check_share(count: int, share: Any) -> None:
    if not _is_number(share) or not 0 < share < 1:
        raise ValueProblem(
            f"validation={share!r} is no share of the data", "give a share between 0 and 1, for example 0.1, or data"
        )
    if count < 2:
        raise ValueProblem(
            f"{count} row{'' if count == 1 else 's'} cannot be split into training and validation",
            "give two rows or more, or validation=None",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


# -- weights of classes


def class_weights(targets: Array, weights: Any, name: str = "y") -> NDArray[np.float64]:
    """What each row weighs by its class: weights by class, in order, or "balanced": n/(K*count)."""
    shares = _shares(name, np.asarray(targets))
    if shares.ndim == 1:
        classes, place = np.unique(shares, return_inverse=True)
        found = _by_class(name, weights, classes, np.bincount(place), False)[place]
    else:
        found = shares @ _by_class(name, weights, np.arange(shares.shape[1]), shares.sum(axis=0), True)
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
    if targets.ndim == 1:
        wrong = ~((targets >= 0) & (targets < MOST) & (targets == np.floor(targets)))
    else:
        wrong = ~(abs(targets.sum(axis=1) - 1) <= SUM) | np.any(targets < 0, axis=1)
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise ValueProblem(
            f"class_weight needs a class for each row, but {name} holds {targets[row]} at row {row + 1}",
            "labels are whole numbers from 0, rows of classes sum to 1",
        )
    return targets.astype(np.int64 if targets.ndim == 1 else np.float64)


def _balanced(counts: Array) -> NDArray[np.float64]:
    """n/(K*count) for the K classes that occur, as in scikit-learn."""
    occurs = counts > 0
    return np.where(occurs, counts.sum() / (occurs.sum() * np.where(occurs, counts, 1)), 0.0)


def _by_class(name: str, weights: Any, classes: Array, counts: Array, closed: bool) -> NDArray[np.float64]:
    """A weight for each class; `closed` says that there are no others."""
    if isinstance(weights, str) and weights == "balanced":
        return _balanced(counts)
    if isinstance(weights, Mapping):
        return _from_dict(name, weights, [int(k) for k in classes], closed)
    if not isinstance(weights, (list, tuple, np.ndarray)):
        raise ValueProblem(
            f"class_weight={weights!r} has no meaning", 'give a dict {class: weight}, a list of weights or "balanced"'
        )
    listed = [_weight(k, weight) for k, weight in enumerate(weights)]
    count = int(classes[-1]) + 1
    if len(listed) < count or (closed and len(listed) != count):
        raise ValueProblem(
            f"class_weight has {len(listed)} weights, but {name} has classes 0..{count - 1}", "give one for each class"
        )
    return np.array(listed)[classes]


def _from_dict(name: str, weights: Mapping[Any, Any], classes: Sequence[int], closed: bool) -> NDArray[np.float64]:
    """What a dict leaves out weighs 1; a class that could not be is refused."""
    for k in weights:
        if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 0 or (closed and k not in classes):
            raise ValueProblem(
                f"class_weight: {name} has no class {k!r}", f"classes are whole numbers, here 0..{max(classes)}"
            )
    checked = {int(k): _weight(k, weight) for k, weight in weights.items()}
    return np.array([checked.get(k, 1.0) for k in classes])


def _weight(k: Any, weight: Any) -> float:
    if not _is_number(weight) or not 0 <= weight < np.inf:
        raise ValueProblem(f"class_weight: class {k} weighs {weight!r}", "a weight is a finite number, 0 or more")
    return float(weight)
