"""Normalisation to mean 0 and variance 1, and dropout.

    mean := Sum_d x[n,d]/D                       var  := Sum_d (x[n,d] - mean[n])^2/D
    xhat := (x - mean)/sqrt(var + eps)           h    := gamma*xhat + beta

LayerNorm takes the moments of each sample, BatchNorm those of each feature over the batch. When not training, BatchNorm
uses running moments, which are states: `updates` says what follows each of them,

    next_mean := (1-momentum)*running_mean + momentum*mean          (variances with M/(M-1), unbiased)

and Dropout does nothing; when training it multiplies with a given mask of zeros and ones, over the share it keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symnet.declare.functions import maximum, mean, sqrt
from symnet.declare.layers.base import Layer
from symnet.declare.notation import exact
from symnet.declare.tensor import Tensor, normal_axes
from symnet.errors import ShapeProblem, ValueProblem

Places = tuple[sp.Symbol, ...]


class Normalisation(Layer):
    """What the two have in common: moments, a normalised copy, a scale and a shift."""

    def __init__(self, eps: float = 1e-5, name: str | None = None) -> None:
        super().__init__(name)
        self.eps = exact(eps)

    def moments(self, x: Tensor, axes: Sequence[int]) -> tuple[Tensor, Tensor, Places]:
        """Mean and variance along axes, and the indices that are left."""
        i = x.indices
        kept = tuple(s for a, s in enumerate(i) if a not in axes)
        met = [(i[a], x.shape[a]) for a in axes]
        centre = self.define("mean", kept, mean(x.read(*i), *met))
        spread = self.define("var", kept, mean((x.read(*i) - centre.read(*kept)) ** 2, *met))
        return centre, spread, kept

    def rescaled(self, x: Tensor, centre: Tensor, spread: Tensor, kept: Places, axes: Sequence[int]) -> Tensor:
        """gamma*xhat + beta, with gamma and beta along `axes`."""
        i = x.indices
        unit = (x.read(*i) - centre.read(*kept)) / sqrt(spread.read(*kept) + self.eps)
        xhat = self.define("xhat", i, unit)
        shape, own = [x.shape[a] for a in axes], [i[a] for a in axes]
        gamma, beta = self.weight("gamma", shape, "ones"), self.weight("beta", shape, "zeros")
        return self.define("h", i, gamma.read(*own) * xhat.read(*i) + beta.read(*own))


class LayerNorm(Normalisation):
    """Each sample by its own moments, along the last axis or the axes given."""

    def __init__(self, eps: float = 1e-5, name: str | None = None, *, axis: int | Sequence[int] = -1) -> None:
        super().__init__(eps, name)
        self.axis = axis

    def __call__(self, x: Tensor) -> Tensor:
        self.enter(x)
        axes = normal_axes(x, self.axis)
        centre, spread, kept = self.moments(x, axes)
        return self.rescaled(x, centre, spread, kept, axes)


class BatchNorm(Normalisation):
    """Each feature by its moments over the batch; features are axis 1 of pictures, else the last axis."""

    modes = True

    def __init__(
        self, momentum: float = 0.1, eps: float = 1e-5, name: str | None = None, *, axis: int | None = None
    ) -> None:
        super().__init__(eps, name)
        self.momentum, self.axis = exact(momentum), axis
        self.states: dict[str, Tensor] = {}
        self.updates: dict[Tensor, Tensor] = {}

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        self.enter(x)
        if x.rank < 2:
            raise ShapeProblem(f"{self.name} needs samples and features, but {x!r} has {x.rank} axes", "give it (N, D)")
        usual = 1 if x.rank == 4 else -1
        axis = normal_axes(x, usual if self.axis is None else self.axis)[0]
        centre, spread = self.running(x.shape[axis])
        if training:
            over = [a for a in range(x.rank) if a != axis]
            batch_mean, batch_var, _ = self.moments(x, over)
            self.follow(centre, spread, batch_mean, batch_var, sp.Mul(*[x.shape[a] for a in over]))
            centre, spread = batch_mean, batch_var
        return self.rescaled(x, centre, spread, (x.indices[axis],), (axis,))

    def running(self, features: sp.Expr) -> tuple[Tensor, Tensor]:
        """The running moments, made at the first call."""
        for key, init in (("running_mean", "zeros"), ("running_var", "ones")):
            if key not in self.states:
                self.states[key] = Tensor(f"{self.name}.{key}", (features,), role="state", init=init)
        return self.states["running_mean"], self.states["running_var"]

    def follow(self, centre: Tensor, spread: Tensor, batch_mean: Tensor, batch_var: Tensor, count: sp.Expr) -> None:
        """What the running moments become; also noted on the batch's moments, where a trainer finds it."""
        corrected = count / maximum(count - 1, 1)  # of a single sample nothing is known: its variance stays 0
        factors = {"next_mean": (centre, batch_mean, sp.S.One), "next_var": (spread, batch_var, corrected)}
        for key, (state, batch, factor) in factors.items():
            f = batch.indices
            old, new = state.read(*f), factor * batch.read(*f)
            self.updates[state] = self.define(key, f, (1 - self.momentum) * old + self.momentum * new)
            batch.info["updates"] = (state, self.updates[state])


class Dropout(Layer):
    """x*mask/(1 - rate) when training, x otherwise; the mask is an input `<name>.mask`, 1 where x is kept."""

    modes = True

    def __init__(self, rate: float = 0.5, name: str | None = None) -> None:
        super().__init__(name)
        if not 0 <= rate < 1:
            raise ValueProblem(f"{self.name}: rate is {rate!r}", "rate is the share that is dropped, from 0 to below 1")
        self.share = 1 - exact(rate)

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        if not training:
            return x
        self.enter(x)
        name = f"{self.scope}.mask"
        mask = self.keep("mask", Tensor(name, x.shape, role="input", kind="mask", keep=self.share))
        return self.define("h", x.indices, x.read(*x.indices) * mask.read(*x.indices) / self.share)
