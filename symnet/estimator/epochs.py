"""Epoch after epoch, until nothing gets better: what is noted of each, when to stop, what is kept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from symnet.estimator.parameters import TargetProblem
from symnet.estimator.training import Sample, Training, order

Array = NDArray[Any]
SLOWEST = 1e-6  # no learning rate is divided from here on
SLOWER = 5.0


@dataclass
class Watch:
    """A value that should fall, and for how many epochs it has not fallen by more than `tol`."""

    tol: float
    patience: float
    best: float = inf
    waited: int = 0

    def better(self, value: float) -> bool:
        """Note a value; whether it is the best so far."""
        self.waited = self.waited + 1 if value > self.best - self.tol else 0
        if not value < self.best:
            return False
        self.best = value
        return True

    @property
    def is_over(self) -> bool:
        return self.waited > self.patience


class Epochs:
    """The epochs of one fit."""

    def __init__(self, owner: Any, training: Training, held: Sample | None, random: np.random.RandomState) -> None:
        self.owner, self.training, self.held, self.random = owner, training, held, random
        self.watch = Watch(owner.tol, owner.n_iter_no_change)
        self.kept: dict[str, Array] | None = None

    def run(self, count: int) -> None:
        """So many epochs, or fewer where nothing gets better or Ctrl-C is pressed."""
        rows = np.arange(len(self.training.sample), dtype=np.int64)
        self.owner.n_iter_ = 0
        try:
            while self.owner.n_iter_ < count:
                rows = order(self.owner, len(rows), rows, self.random)
                self.note(self.training.epoch(rows))
                if self.is_over():
                    return
        except KeyboardInterrupt:
            warnings.warn("training was interrupted: the estimator keeps what it has learned", stacklevel=5)

    def note(self, loss: float) -> None:
        """The loss of an epoch, and the score on what was held out."""
        owner = self.owner
        owner.n_iter_ += 1
        owner.t_ += len(self.training.sample)
        owner.loss_ = loss
        owner.loss_curve_.append(loss)
        score = None if self.held is None else owner._score_on(self.training.values, self.held)
        if owner.verbose:
            also = "" if score is None else f", validation score {score:.6g}"
            print(f"epoch {owner.n_iter_}: loss {loss:.8g}{also}")
        if score is None:
            self.watch.better(loss)
            owner.best_loss_ = min(loss, owner.best_loss_)
        else:
            self.validated(score)
        if owner.solver == "sgd" and owner.learning_rate == "invscaling":
            self.training.rate = owner.learning_rate_init / (owner.t_ + 1) ** owner.power_t

    def validated(self, score: float) -> None:
        """A score on rows that were held out; the weights of the best one are kept."""
        self.owner.validation_scores_.append(score)
        if self.watch.better(-score):
            self.owner.best_validation_score_ = score
            self.kept = {name: value.copy() for name, value in self.training.values.items()}

    def is_over(self) -> bool:
        """Whether to stop; an adaptive learning rate goes down first."""
        if not self.watch.is_over:
            return False
        adaptive = self.owner.solver == "sgd" and self.owner.learning_rate == "adaptive"
        if adaptive and self.training.rate > SLOWEST:
            self.training.rate /= SLOWER
            self.watch.waited = 0
            return False
        if self.owner.verbose:
            what = "training loss" if self.held is None else "validation score"
            print(f"the {what} did not improve by more than {self.owner.tol:g} for {self.watch.patience} epochs")
        return True

    def told(self) -> None:
        """A warning where there were not epochs enough."""
        if self.owner.n_iter_ == self.owner.max_iter and not self.watch.is_over:
            text = f"the {self.owner.max_iter} epochs of max_iter were not enough for the training to converge"
            warnings.warn(text, ConvergenceWarning, stacklevel=6)


def split(owner: Any, sample: Sample, random: np.random.RandomState) -> tuple[Sample, Sample | None]:
    """Rows to learn from and, for early stopping, rows to see when to stop."""
    if not owner.early_stopping:
        return sample, None
    parts = train_test_split(
        *(sample.x, sample.y, sample.weight),
        random_state=random,
        test_size=owner.validation_fraction,
        stratify=owner._strata(sample.y),
    )
    if len(parts[1]) < 2:
        raise TargetProblem(
            f"{len(parts[1])} row is too few to see when to stop", "a larger validation_fraction, or more rows"
        )
    return Sample(*parts[::2]), Sample(*parts[1::2])
