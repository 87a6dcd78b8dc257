"""What both estimators share: fitting, going on, asking. What a target is, each says itself.

A fitted estimator holds arrays and plain values only; its network is declared and compiled when it is needed, so it
can be pickled, cloned and sent to other processes.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from symnet.estimator import own
from symnet.estimator.epochs import Epochs, split
from symnet.estimator.losses import EXP, IDENTITY, LOGISTIC, SOFTMAX
from symnet.estimator.network import Design, Network, network
from symnet.estimator.parameters import ParameterProblem, TargetProblem, check_parameters, widths
from symnet.estimator.training import Sample, Training, lbfgs

Array = NDArray[Any]
REALS = (np.float64, np.float32)


def sees_batches(self: Any) -> bool:
    """Whether there is a `partial_fit`: L-BFGS sees all data at once."""
    if self.solver == "lbfgs":
        raise AttributeError("partial_fit is there for solver='adam' and solver='sgd', but not for 'lbfgs'")
    return True


class Estimator(BaseEstimator):
    """A network behind scikit-learn's face."""

    params_: dict[str, Array]
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    best_loss_: float | None

    # -- fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from rows X and their targets y; a row with weight 2 counts as two."""
        return self._fit(X, y, sample_weight)

    @available_if(sees_batches)  # type: ignore[misc, untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Meet each of these rows once, on top of what was learned."""
        return self._fit(X, y, sample_weight, goes_on=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, goes_on: bool = False, classes: Any = None) -> Self:
        check_parameters(type(self).__name__, self)
        if goes_on and self.early_stopping:
            raise ParameterProblem("partial_fit with early_stopping", "say early_stopping=False, or call fit")
        anew = not hasattr(self, "params_") or not (goes_on or self.warm_start)
        rows, target = self._validated(X, y, anew, classes)
        sample = Sample(rows, target, weights(sample_weight, len(rows))).counted()
        random = check_random_state(self.random_state)
        if anew:
            self._begin(random, rows.dtype)
        solve = self._minimise if self.solver == "lbfgs" else self._train
        solve(sample, random, goes_on)
        return self

    def _begin(self, random: np.random.RandomState, dtype: Any) -> None:
        """Weights as they start, and nothing noted so far."""
        if self.model is None:
            self.n_layers_ = len(widths(self)) + 2
            self.params_ = self._drawn(random, dtype)
        else:
            self.params_ = own.start(self._network(), self._numbers(), random, dtype)
        self.n_iter_, self.t_ = 0, 0
        self._memory: dict[str, Any] | None = None
        if self.solver != "lbfgs":
            self.loss_curve_: list[float] = []
            self.best_loss_ = None if self.early_stopping else np.inf
            self.validation_scores_: list[float] | None = [] if self.early_stopping else None
            self.best_validation_score_ = -np.inf if self.early_stopping else None

    def _drawn(self, random: np.random.RandomState, dtype: Any) -> dict[str, Array]:
        """Uniform weights and biases whose spread suits the widths of both sides of a layer."""
        sizes, drawn = self._sizes(), {}
        for into, out, names in zip(sizes, sizes[1:], self._network().layers, strict=False):
            bound = np.sqrt((2 if self.activation in ("logistic", "sigmoid") else 6) / (into + out))
            for name, shape in zip(names, ((into, out), (out,)), strict=True):
                drawn[name] = random.uniform(-bound, bound, shape).astype(dtype)
        return drawn

    def _train(self, sample: Sample, random: np.random.RandomState, goes_on: bool) -> None:
        """Small steps over batches of rows."""
        self._check_batch_size(len(sample))
        training_rows, held = split(self, sample, random)
        values = {name: value.astype(sample.x.dtype) for name, value in self.params_.items()}
        net = self._network()
        seed = int(random.randint(2**31 - 1)) if net.parts.masks else 0
        count = 1 if goes_on else self.max_iter
        training = Training(self, net, self._numbers(), values, training_rows, count, seed=seed)
        training.restore(self._memory if goes_on else None)
        epochs = Epochs(self, training, held, random)
        epochs.run(count)
        found = training.values if epochs.kept is None else epochs.kept
        self.params_ = {name: value.copy() for name, value in found.items()}
        self._memory = training.memory
        if not goes_on:
            epochs.told()

    def _minimise(self, sample: Sample, random: np.random.RandomState, goes_on: bool) -> None:
        """L-BFGS over all rows."""
        values = {name: value.astype(sample.x.dtype) for name, value in self.params_.items()}
        self.loss_, self.n_iter_, converged = lbfgs(self, self._network(), values, sample)
        self.params_ = values
        if not converged:
            text = f"L-BFGS did not converge in {self.n_iter_} iterations: scale the data, or raise max_iter"
            warnings.warn(text, ConvergenceWarning, stacklevel=4)

    def _check_batch_size(self, count: int) -> None:
        if self.batch_size != "auto" and self.batch_size > count:
            warnings.warn(f"batch_size={self.batch_size}, but there are {count} rows: it is as many", stacklevel=5)

    # -- the network

    def _sizes(self) -> tuple[int, ...]:
        """The widths of all layers."""
        return (self.n_features_in_, *widths(self), self.n_outputs_)

    def _numbers(self) -> dict[sp.Symbol, int]:
        net = self._network()
        if self.model is not None:
            return own.sizes_of(net, self.n_features_in_, self.n_outputs_)
        return dict(zip(net.sizes, self._sizes(), strict=True))

    def _network(self) -> Network:
        """What the estimator's parameters and targets declare; declared before, it is found again."""
        if self.model is None:
            return network(Design(self.out_activation_, self.loss, self.activation, self.n_layers_ - 2))
        if callable(self.model):
            sizes = (self.n_features_in_, self.n_outputs_)
            return own.made_network(self.model, self.loss, self.out_activation_, *sizes)
        return own.file_network(self._source, self.out_activation_)

    def _output(self, usual: str, several: bool = False) -> str:
        """What the network ends in; a model file is read for it, and kept as it was."""
        if self.model is None:
            return usual
        if callable(self.model):
            return usual if several or usual != LOGISTIC else SOFTMAX
        self._source = own.Source.of(self.model)
        return usual if usual in (IDENTITY, EXP) else own.file_output(self._source, several)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer."""
        return self._layers(0)

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer."""
        return self._layers(1)

    def _layers(self, which: int) -> list[Array]:
        if not hasattr(self, "params_"):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet")
        if self.model is not None:
            raise AttributeError("a model of one's own has its parameters in params_, by name")
        return [self.params_[names[which]] for names in self._network().layers]

    # -- asking

    def _predicted(self, X: Any) -> Array:
        """What the network predicts of rows: probabilities of classes, or values."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=REALS)
        dtype = next(iter(self.params_.values())).dtype
        return self._network().predict(rows.astype(dtype, copy=False), self.params_)

    # -- what an estimator says itself

    def _validated(self, X: Any, y: Any, anew: bool, classes: Any) -> tuple[Array, Array]:
        """Rows and targets as the network takes them."""
        raise NotImplementedError(type(self).__name__)

    def _score_on(self, values: dict[str, Array], held: Sample) -> float:
        """How good the network is on rows that were held out."""
        raise NotImplementedError(type(self).__name__)

    def _strata(self, y: Array) -> Array | None:
        """What rows to hold out are drawn evenly from."""
        return None


def weights(given: Any, count: int) -> Array:
    """What each row counts."""
    if given is None:
        return np.ones(count)
    found = check_array(np.full(count, given) if np.isscalar(given) else given, ensure_2d=False, dtype=float)
    if found.shape != (count,):
        raise TargetProblem(f"sample_weight has shape {found.shape}, but there are {count} rows", "give one for each")
    if (found < 0).any():
        raise TargetProblem(f"sample_weight holds {found.min():g}", "a weight is 0 or more; 0 leaves a row out")
    if not found.any():
        raise TargetProblem("all sample weights are zero: no row counts", "give some rows a weight above 0")
    return np.asarray(found)


def kept(estimator: Any, given: dict[str, Any]) -> None:
    """Keep the arguments of `__init__` as they are."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
