"""scikit-learn's MLPClassifier: `fit` with a warm start for whole epochs; solver sgd, no momentum, no penalty.

It draws its own first parameters and permutations, and reports the loss of each epoch whether one asks or not.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from jobs import RATE, Parameters, Run
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)


def classifier(widths: Sequence[int], batch: int, seed: int) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=tuple(widths[1:-1]),
        solver="sgd",
        learning_rate_init=RATE,
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=batch,
        random_state=seed,
        tol=0.0,
        n_iter_no_change=10**9,
    )


def fitting(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int) -> Run:
    """Whole epochs in one `fit`, and what is left of the steps in `partial_fit` over the first samples."""
    model, per_epoch, classes = classifier(widths, batch, seed), len(x) // batch, np.arange(widths[-1])

    def advance(steps: int) -> None:
        epochs, rest = divmod(steps, per_epoch)
        if epochs:
            model.set_params(max_iter=epochs, warm_start=True).fit(x, y)
        if rest:
            model.set_params(warm_start=False)  # or it insists on samples of every class
            model.partial_fit(x[: rest * batch], y[: rest * batch], classes=classes)

    def parameters() -> Parameters:
        return [value for pair in zip(model.coefs_, model.intercepts_, strict=True) for value in pair]

    return Run(advance, parameters)


VARIANTS = {"sklearn": fitting}
