"""Layers: callables from tensors to tensors that hold a formula and parameters, and no gradient."""

from __future__ import annotations

from symnet.declare.layers.attention import MultiHeadAttention
from symnet.declare.layers.base import Layer
from symnet.declare.layers.chain import Residual, Sequential
from symnet.declare.layers.convolution import Conv1d, Conv2d
from symnet.declare.layers.dense import Dense, Embedding
from symnet.declare.layers.normalise import BatchNorm, Dropout, LayerNorm
from symnet.declare.layers.pooling import AvgPool2d, MaxPool2d
from symnet.declare.layers.recurrent import GRU, LSTM, RNN, Bidirectional

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool2d",
    "BatchNorm",
    "Bidirectional",
    "Conv1d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "MaxPool2d",
    "MultiHeadAttention",
    "Residual",
    "Sequential",
]
