"""Losses: what one sample costs, by a formula of its prediction v (p, z, ...) and its target y; then the samples.

    loss := 1/N Sum_n cost[n]       reduction="mean"; "sum" leaves out 1/N, "none" leaves the samples as they are

Losses over classes have them along the last axis; all other axes are samples, and y is either rows of the same shape
or labels t with one axis less:

    cross_entropy          -Sum_k y_k log p_k               or  -log p[n, t[n]]
    softmax_cross_entropy  -Sum_k y_k (z_k - log Sum_j exp z_j)
    nll                    -Sum_k y_k l_k                   of log-probabilities l
    kl_divergence           Sum_k y_k log(y_k/p_k)
    focal                  -Sum_k y_k (1 - p_k)^gamma log p_k,   p = softmax(z)

All others compare entry by entry; the first axis is the samples, and a sample costs the mean of its entries. Only
squared_error, 1/2 ||y - v||^2, sums them and the likelihood multiplies them. With labels for y, where targets are +1
and -1 a label 1 means +1 and a label 0 means -1.

Every loss takes `sample_weights`, which multiply each sample's cost (the mean still divides by the number of samples).
"""

from __future__ import annotations

from symnet.declare.losses.classes import (
    cross_entropy,
    focal,
    kl_divergence,
    likelihood,
    nll,
    softmax_cross_entropy,
    zero_one,
)
from symnet.declare.losses.entries import (
    bce_with_logits,
    binary_cross_entropy,
    gaussian_nll,
    hinge,
    huber,
    log_cosh,
    log_loss,
    mae,
    mse,
    perceptron,
    poisson_nll,
    squared_error,
    squared_hinge,
)

__all__ = [
    "bce_with_logits",
    "binary_cross_entropy",
    "cross_entropy",
    "focal",
    "gaussian_nll",
    "hinge",
    "huber",
    "kl_divergence",
    "likelihood",
    "log_cosh",
    "log_loss",
    "mae",
    "mse",
    "nll",
    "perceptron",
    "poisson_nll",
    "softmax_cross_entropy",
    "squared_error",
    "squared_hinge",
    "zero_one",
]
