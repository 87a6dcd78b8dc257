"""Layers as they are written in model files: a section for each kind, with the options of its class.

layers:
  - {dense: {in: x, units: 128, activation: relu, out: h}}
  - {dense: {units: K}}                              takes what the one before gave
  - {residual: {layers: [{dense: {units: 128}}]}}
"""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import Field, create_model

from symnet.declare import layers
from symnet.declare.layers.base import ACTIVATIONS, ENTRYWISE, Layer
from symnet.spec.rules import Axes, Count, Flag, Init, Names, Number, Share, Size, Text, Window, choice
from symnet.spec.section import Section

LAYERS: dict[str, type[Layer]] = {
    "dense": layers.Dense,
    "conv1d": layers.Conv1d,
    "conv2d": layers.Conv2d,
    "max_pool2d": layers.MaxPool2d,
    "avg_pool2d": layers.AvgPool2d,
    "embedding": layers.Embedding,
    "layer_norm": layers.LayerNorm,
    "batch_norm": layers.BatchNorm,
    "dropout": layers.Dropout,
    "rnn": layers.RNN,
    "lstm": layers.LSTM,
    "gru": layers.GRU,
    "multi_head_attention": layers.MultiHeadAttention,
}
RECURRENT = ("rnn", "lstm", "gru")
FURTHER = {"rnn": ("h0",), "lstm": ("h0", "c0"), "gru": ("h0",), "multi_head_attention": ("mask",)}
OPTIONS: dict[str, tuple[Any, str]] = {
    "units": (Size, "how wide the result is: a dim or a whole number"),
    "channels": (Size, "how many channels the result has"),
    "vocabulary": (Size, "how many rows the table has"),
    "heads": (Size, "how many heads"),
    "kernel": (Window, "how large the window is"),
    "size": (Window, "how large the window is"),
    "stride": (Window, "how far the window moves"),
    "padding": (Window, "how much is added at each edge"),
    "dilation": (Window, "how far apart the entries of the window are"),
    "groups": (Count, "how many groups of channels keep to themselves"),
    "activation": (choice("activation", tuple(ACTIVATIONS)), "what is applied to the result"),
    "bias": (Flag, "whether something is added"),
    "return_sequences": (Flag, "all states, or only the last"),
    "reverse": (Flag, "from the end to the beginning"),
    "causal": (Flag, "whether nothing looks ahead"),
    "rate": (Share, "the share that is dropped"),
    "momentum": (Number, "how fast running moments follow"),
    "eps": (Number, "what is added to variances"),
    "axis": (Axes, "along which axis or axes"),
    "init": (Init, "how the weights begin"),
}
INPUT = "the tensor that goes in; left out: what the layer before gave"
OUTPUT = "what the result is called"
Maybe = Any


def common() -> dict[str, Any]:
    """The keys of every layer."""
    return {
        "in_": (Names | None, Field(None, alias="in", description=INPUT)),
        "out": (Text | None, Field(None, description=OUTPUT)),
        "name": (Text | None, Field(None, description="what stands before the names of its weights; left out: as out")),
    }


def options_of(cls: type[Layer], kind: str) -> dict[str, Any]:
    """The options of a layer's class."""
    made: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        if name in ("self", "name"):
            continue
        rule, description = OPTIONS[name]
        if name == "activation" and kind == "rnn":
            rule = choice("activation", tuple(ENTRYWISE))
        required = parameter.default is parameter.empty
        made[name] = (rule if required else rule | None, Field(... if required else None, description=description))
    for name in FURTHER.get(kind, ()):
        made[name] = (Text | None, Field(None, description="a tensor"))
    return made


def section_of(kind: str, cls: type[Layer]) -> type[Section]:
    return create_model(cls.__name__, __base__=Section, __doc__=first_line(cls), **common(), **options_of(cls, kind))


def first_line(cls: type[Layer]) -> str:
    return (cls.__doc__ or cls.__name__).split("\n")[0]


SECTIONS: dict[str, type[Section]] = {kind: section_of(kind, cls) for kind, cls in LAYERS.items()}
SECTIONS["activation"] = create_model(
    "Activation",
    __base__=Section,
    __doc__="A function applied to every entry, or along the last axis.",
    **common(),
    function=(choice("activation", tuple(ACTIVATIONS)), Field(description="which")),
)
SECTIONS["bidirectional"] = create_model(
    "Bidirectional",
    __base__=Section,
    __doc__=first_line(layers.Bidirectional),
    **common(),
    **{k: v for k, v in options_of(layers.LSTM, "bidirectional").items() if k != "reverse"},
    layer=(choice("recurrent layer", RECURRENT), Field(description="of which layers")),
)


class Chain(Section):
    """Layers one after another."""

    in_: Names | None = Field(None, alias="in", description=INPUT)
    out: Text | None = Field(None, description=OUTPUT)
    name: Text | None = Field(None, description="what stands before the names of its weights; left out: as out")
    layers: list[LayerEntry] = Field(description="the layers within, without in and out")


LayerEntry: Any = create_model(  # type: ignore[call-overload]
    "Layer",
    __base__=Section,
    __doc__="One layer: its kind, and its options.",
    **{kind: (section | None, Field(None, description=section.__doc__)) for kind, section in SECTIONS.items()},
    sequential=(Chain | None, Field(None, description="layers one after another")),
    residual=(Chain | None, Field(None, description="what the layers give, added to what they took")),
)
Chain.model_rebuild()
KINDS = tuple(LayerEntry.model_fields)
