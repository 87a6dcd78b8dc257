"""Stopping when nothing gets better, and going back to the best that was met."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isnan
from numbers import Real
from typing import Any, Generic, TypeVar

from symnet.errors import ValueProblem

T = TypeVar("T")
MODES = ("auto", "min", "max")
GROWS = re.compile(r"(?<![a-z])(accuracy|acc|auc|precision|recall|f1|score|r2|top)(?![a-z])")
STATE = ("best", "best_epoch", "epoch", "waited")


@dataclass
class EarlyStopping(Generic[T]):
    """Stop after `patience` epochs in which `monitor` was not better than ever before by more than `min_delta`.

    `best` is the best value met, `best_snapshot` what was kept of it, None unless `restore_best`.
    """

    monitor: str = "val_loss"
    patience: int = 5
    min_delta: float = 0.0
    mode: str = "auto"
    restore_best: bool = True
    best: float | None = field(default=None, init=False)
    best_epoch: int = field(default=0, init=False)
    epoch: int = field(default=0, init=False)
    waited: int = field(default=0, init=False)
    best_snapshot: T | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not _is_number(self.patience) or self.patience < 0 or self.patience % 1:
            raise ValueProblem(f"patience={self.patience!r} is no number of epochs", "it is a whole number, 0 or more")
        if not _is_number(self.min_delta) or not self.min_delta >= 0:
            raise ValueProblem(f"min_delta={self.min_delta!r} is no difference", "it is a number, 0 or more")
        if self.mode not in MODES:
            raise ValueProblem(f"mode={self.mode!r} is not known", f"there are {', '.join(MODES)}")

    @property
    def grows(self) -> bool:
        """Whether more is better."""
        return self.mode == "max" or (self.mode == "auto" and bool(GROWS.search(self.monitor.lower())))

    def is_better(self, value: float) -> bool:
        """Whether a value beats the best; what is no number beats nothing."""
        if isnan(value) or self.best is None:
            return not isnan(value)
        gain = value - self.best if self.grows else self.best - value
        return gain > self.min_delta

    def update(self, value: float, snapshot: Callable[[], T]) -> bool:
        """Note an epoch's value; whether to stop. A snapshot is taken of what is the best so far."""
        value, self.epoch = float(value), self.epoch + 1
        if not self.is_better(value):
            self.waited += 1
            return self.waited >= max(self.patience, 1)
        self.best, self.best_epoch, self.waited = value, self.epoch, 0
        if self.restore_best:
            self.best_snapshot = snapshot()
        return False

    def value_of(self, epoch: Mapping[str, Any]) -> float:
        """The monitored value among those of an epoch."""
        self.check_watched([name for name, value in epoch.items() if value is not None])
        return float(epoch[self.monitor])

    def check_watched(self, names: Sequence[str]) -> None:
        """What is watched is among what an epoch measures."""
        if self.monitor not in names:
            raise ValueProblem(
                f"early stopping watches {self.monitor}, but an epoch has {', '.join(names)}",
                'give validation= to fit, or watch another: early_stopping={"monitor": "loss"}',
            )

    def reset(self) -> None:
        """Forget what was met."""
        self.best, self.best_snapshot, self.best_epoch, self.epoch, self.waited = None, None, 0, 0, 0

    # -- stop and resume
    def to_facts(self) -> dict[str, Any]:
        """Settings and state, but for the snapshot, as JSON."""
        return {name: getattr(self, name) for name in (*SETTINGS, *STATE)}

    def resume(self, facts: Mapping[str, Any], snapshot: T | None) -> None:
        """Go on from a state that `to_facts` gave, with what was kept of the best."""
        for name in STATE:
            setattr(self, name, facts[name])
        self.best_snapshot = snapshot

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> EarlyStopping[T]:
        """What `to_facts` gave; `best_snapshot` is set by whoever kept the snapshot."""
        made = cls(**{name: facts[name] for name in SETTINGS})
        for name in STATE:
            setattr(made, name, facts[name])
        return made


ALLOWED = 'give a number of epochs, or settings: early_stopping={"monitor": "val_loss", "patience": 5}'
SETTINGS = tuple(f.name for f in fields(EarlyStopping) if f.init)


def as_stopping(value: Any) -> EarlyStopping[Any] | None:
    """None and False: never; True: as usual; a number: patience; a dict: settings."""
    if value is None or value is False:
        return None
    if isinstance(value, EarlyStopping):
        return value
    if isinstance(value, Mapping):
        unknown = [key for key in value if key not in SETTINGS]
        if unknown:
            raise ValueProblem(f"early stopping has no {unknown[0]!r}", f"there are {', '.join(SETTINGS)}")
        return EarlyStopping(**value)
    if value is True:
        return EarlyStopping()
    if not _is_number(value):
        raise ValueProblem(f"early_stopping={value!r} has no meaning", ALLOWED)
    return EarlyStopping(patience=value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
