"""`SymnetRegressor`: one or several values for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from symnet.estimator.base import REALS, Estimator, kept
from symnet.estimator.losses import EXP, IDENTITY, Loss, output_of
from symnet.estimator.network import Activation
from symnet.estimator.parameters import TargetProblem
from symnet.estimator.training import Sample

Array = NDArray[Any]


class SymnetRegressor(RegressorMixin, Estimator):
    """A network that predicts values, with scikit-learn's face: it replaces `MLPRegressor` by name.

    Beyond that: `loss` is the name of a loss of symnet, or a function of the predictions and the targets that gives a
    scalar tensor or a cost for each sample; `activation` is any of symnet's, or a function; `model` is the path of a
    model file, or a function of the tensors x and y; `dtype` is that of the weights, else that of X.

    With `loss="poisson"` the network gives the logarithm of what is predicted. Costs of several outputs are added up.
    `alpha` is as in scikit-learn: each batch's loss has alpha/2 times the sum of squared weights, divided by its rows.
    """

    def __init__(
        self,
        loss: Loss = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Activation = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        model: Any = None,
        dtype: Any = None,
    ) -> None:
        kept(self, locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _validated(self, X: Any, y: Any, anew: bool, classes: Any) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, reset=anew, multi_output=True, y_numeric=True, dtype=self.dtype or REALS)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        rows = (y[:, None] if y.ndim == 1 else y).astype(X.dtype, copy=False)
        if anew:
            self.n_outputs_ = rows.shape[1]
            self.out_activation_ = self._output(output_of(self.loss, IDENTITY))
        if rows.shape[1] != self.n_outputs_:
            raise TargetProblem(f"y has {rows.shape[1]} columns, but was fitted with {self.n_outputs_}", "fit anew")
        if self.out_activation_ == EXP and (rows < 0).any():
            raise TargetProblem(f"loss={self.loss!r} takes counts, but y holds {rows.min():g}", "counts are 0 or more")
        return X, rows

    def _score_on(self, values: dict[str, Array], held: Sample) -> float:
        return float(r2_score(held.y, self._network().predict(held.x, values), sample_weight=held.weight))

    def predict(self, X: Any) -> Array:
        """The values of each row: an array of them, or a row for each where there are several."""
        found = self._predicted(X)
        return found[:, 0] if self.n_outputs_ == 1 else np.asarray(found)
