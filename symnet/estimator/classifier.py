"""`SymnetClassifier`: classes of any kind, or several labels for each row."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

from symnet.estimator.base import REALS, Estimator, kept, sees_batches
from symnet.estimator.losses import LOGISTIC, SOFTMAX, Loss
from symnet.estimator.network import Activation
from symnet.estimator.parameters import TargetProblem
from symnet.estimator.training import Sample

Array = NDArray[Any]


class SymnetClassifier(ClassifierMixin, Estimator):
    """A network that tells classes apart, with scikit-learn's face: it replaces `MLPClassifier` by name.

    Beyond that: `loss` is the name of a loss of symnet, or a function of the scores and the targets that gives a
    scalar tensor or a cost for each sample; `activation` is any of symnet's, or a function; `model` is the path of a
    model file, or a function of the tensors x and y; `dtype` is that of the weights, else that of X.

    Two classes have one output, a sigmoid; three or more one each, a softmax; several labels one each, a sigmoid.
    `alpha` is as in scikit-learn: each batch's loss has alpha/2 times the sum of squared weights, divided by its rows.
    """

    classes_: Array

    def __init__(
        self,
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
        loss: Loss = "log_loss",
        model: Any = None,
        dtype: Any = None,
    ) -> None:
        kept(self, locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    # -- fitting

    @available_if(sees_batches)  # type: ignore[misc, untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Meet each of these rows once; the first call names all classes that there will be."""
        if classes is None and not hasattr(self, "classes_"):
            raise TargetProblem(
                "classes must be passed on the first call to partial_fit", "classes=np.unique(all of y)"
            )
        if classes is not None and hasattr(self, "classes_") and not np.array_equal(np.unique(classes), self.classes_):
            raise TargetProblem(
                f"classes={classes!r} is not the same as on last call to partial_fit, was: {self.classes_!r}",
                "name the same classes, or none",
            )
        return self._fit(X, y, sample_weight, goes_on=True, classes=classes)

    def _validated(self, X: Any, y: Any, anew: bool, classes: Any) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, reset=anew, multi_output=True, dtype=self.dtype or REALS)
        check_classification_targets(y)
        several = type_of_target(y).startswith("multilabel")
        y = self._labels(y, several)
        if anew:
            given = y if classes is None else classes
            self.classes_ = np.arange(y.shape[1]) if several else np.unique(given)
            count = len(self.classes_)
            self.out_activation_ = self._output(LOGISTIC if several or count <= 2 else SOFTMAX, several)
            self.n_outputs_ = count if several or self.out_activation_ == SOFTMAX else 1
            self._several = several
        return X, self._encoded(y, several)

    def _labels(self, y: Any, several: bool) -> Array:
        """Targets as one column of classes, or a row of labels for each sample."""
        if several:
            return np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        if np.ndim(y) == 2 and np.shape(y)[1] > 1:
            raise TargetProblem(f"y of shape {np.shape(y)} has several columns of classes", "fit a classifier to each")
        return np.asarray(column_or_1d(y, warn=True))

    def _encoded(self, y: Array, several: bool) -> Array:
        """Targets as numbers of classes, or as zeros and ones."""
        if several != self._several or (several and y.shape[1] != len(self.classes_)):
            raise TargetProblem("y is not of the kind that was fitted before", "fit anew, without warm_start")
        if several:
            return y.astype(float)
        known = np.isin(y, self.classes_)
        if not known.all():
            new = np.unique(y[~known]).tolist()
            raise TargetProblem(
                f"y holds {new}, but the classes are {self.classes_.tolist()}", "name all classes first"
            )
        codes = np.searchsorted(self.classes_, y)
        return codes if self.out_activation_ == SOFTMAX else codes[:, None].astype(float)

    def _strata(self, y: Array) -> Array | None:
        return None if y.ndim == 1 or self._several else y  # as scikit-learn has it

    def _score_on(self, values: dict[str, Array], held: Sample) -> float:
        found = self._decided(self._network().predict(held.x, values))
        true = held.y if held.y.ndim == 1 or self._several else held.y[:, 0]
        return float(accuracy_score(true, found, sample_weight=held.weight))

    # -- asking

    def _decided(self, p: Array) -> Array:
        """The number of the likeliest class, or which labels are likelier than not."""
        if self.out_activation_ == SOFTMAX:
            return np.asarray(p.argmax(axis=1))
        return (p > 0.5).astype(int) if self._several else (p[:, 0] > 0.5).astype(int)

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row; a row of zeros and ones where there are several labels."""
        decided = self._decided(self._predicted(X))
        return decided if self._several else self.classes_[decided]

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class."""
        p = self._predicted(X)
        if self._several or self.out_activation_ == SOFTMAX:
            return p
        return np.hstack([1 - p, p])[:, : len(self.classes_)] if len(self.classes_) > 1 else np.ones_like(p)

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of the probability of each class."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))
