"""What every layer is: a name, parameters made at its first call, and definitions under that name.

    dense = Dense(10);  z = dense(x)        makes  dense.W, dense.b  and defines  dense.z[n,k] := ...

A layer that is called again reads the same parameters; what it defines then stands under `dense_2`, so that one
network never has two tensors of one name. A container names the layers in it: by their class in lower case, numbered
where there are several, and behind its own name if that was given or if it stands in a container itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import count
from typing import Any

import sympy as sp

from symnet.core.definition import Node, shape_text
from symnet.core.index import as_shape, check_name
from symnet.declare import functions
from symnet.declare.tensor import Tensor, define, param
from symnet.errors import KindProblem, NameProblem, ShapeProblem

Activation = str | Callable[[Any], Any] | None
ENTRYWISE: dict[str, Callable[[Any], Any]] = {
    "relu": functions.relu,
    "leaky_relu": functions.leaky_relu,
    "elu": functions.elu,
    "selu": functions.selu,
    "gelu": functions.gelu,
    "silu": functions.silu,
    "mish": functions.mish,
    "sigmoid": functions.sigmoid,
    "log_sigmoid": functions.log_sigmoid,
    "softplus": functions.softplus,
    "softsign": functions.softsign,
    "tanh": functions.tanh,
    "hard_tanh": functions.hard_tanh,
    "exp": functions.exp,
    "sin": functions.sin,
    "cos": functions.cos,
    "square": functions.square,
    "erf": functions.erf,
}
ALONG_AXIS: dict[str, Callable[[Any], Any]] = {
    "softmax": functions.softmax,
    "log_softmax": functions.log_softmax,
    "normalize": functions.normalize,
}
ACTIVATIONS = {**ENTRYWISE, **ALONG_AXIS}


class Layer:
    """A callable from tensors to tensors; `params` are its weights, `tensors` what its last call defined."""

    modes = False

    def __init__(self, name: str | None = None) -> None:
        self.name = type(self).__name__.lower() if name is None else name
        check_name(self.name)
        self.chosen = name is not None
        self.owner: Layer | None = None
        self.weights: dict[str, Tensor] = {}
        self.tensors: dict[str, Tensor] = {}
        self.calls = 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Define what the layer makes of its arguments, and give the last of it."""
        raise NotImplementedError(type(self).__name__)

    @property
    def params(self) -> dict[str, Tensor]:
        """The parameters made so far, by their short names."""
        return dict(self.weights)

    @property
    def scope(self) -> str:
        """Where the definitions of this call stand: the layer's name, numbered from the second call on."""
        return self.name if self.calls < 2 else f"{self.name}_{self.calls}"

    def rename(self, name: str) -> None:
        """Give a name; what was called already keeps the one it has."""
        if not self.calls:
            self.name = name

    def enter(self, x: Tensor, axes: str = "", kind: str = "") -> None:
        """Begin a call: x has the named axes ("N T D"; none: any) and holds labels only where they are wanted."""
        if not isinstance(x, Node):
            raise KindProblem(f"{self.name} takes a tensor, but was given {type(x).__name__}", "declare it: sn.input")
        if axes:
            check_rank(self.name, x, axes)
        if kind and x.kind != kind:
            raise KindProblem(f"{self.name} takes {kind}s, but {x.name} is of kind {x.kind!r}", f"say kind={kind!r}")
        if not kind and x.kind == "label":
            raise KindProblem(f"{self.name} takes numbers, but {x.name} holds labels", "look them up first: Embedding")
        self.calls += 1
        self.tensors = {}

    def weight(self, key: str, shape: Iterable[Any], init: Any = None, fan: Sequence[Any] = ()) -> Tensor:
        """The parameter `key`, made at its first use; `fan` is how many values meet in and leave one entry."""
        shape = as_shape(shape)
        if key not in self.weights:
            self.weights[key] = param(f"{self.name}.{key}", shape, init)
            self.weights[key].info.update(zip(("fan_in", "fan_out"), as_shape(fan), strict=False))
        found: Tensor = self.weights[key]
        if found.shape != shape:
            raise ShapeProblem(
                f"{found.name} has shape {shape_text(found.shape)}, but this call needs {shape_text(shape)}",
                "a layer that is called twice shares its weights; make another layer for another width",
            )
        return found

    def define(self, key: str, indices: Any, formula: Any, shape: Any = None) -> Tensor:
        """`<scope>.<key>[indices] := formula`."""
        return self.keep(key, define(f"{self.scope}.{key}", indices, formula, shape))

    def keep(self, key: str, made: Tensor) -> Tensor:
        """Note a tensor under its short name."""
        self.tensors[key] = made
        return made

    def activate(self, activation: Activation, z: Tensor) -> Tensor:
        """`<scope>.h`, the activation of z; z itself where there is none."""
        h = activation_of(self.name, activation)(z)
        return z if h is z else self.keep("h", h.named(f"{self.scope}.h"))


class Container(Layer):
    """A layer made of layers, whose names begin with its own name when that was given to it."""

    modes = True

    def __init__(self, children: Iterable[Any], name: str | None = None) -> None:
        super().__init__(name)
        self.children: tuple[Layer, ...] = tuple(dict.fromkeys(child for child in children if isinstance(child, Layer)))
        self.name_children("" if name is None else f"{name}.")

    @property
    def params(self) -> dict[str, Tensor]:
        """The parameters of all layers within, by their full names."""
        return {tensor.name: tensor for child in self.children for tensor in child.params.values()}

    def rename(self, name: str) -> None:
        super().rename(name)
        self.name_children(f"{self.name}.")

    def name_children(self, prefix: str) -> None:
        """Class names in lower case, numbered where there are several; names that were chosen stay."""
        mine = [child for child in self.children if not child.chosen and child.owner in (None, self)]
        taken = [child.name for child in self.children if child not in mine]
        if len(set(taken)) < len(taken):
            twice = next(name for name, uses in Counter(taken).items() if uses > 1)
            raise NameProblem(f"two layers of {self.name} are called {twice!r}", "give one of them another name")
        several = Counter(type(child) for child in mine)
        for child in mine:
            child.owner = self
            names = numbered(prefix + type(child).__name__.lower(), several[type(child)] > 1)
            child.rename(next(name for name in names if name not in taken))
            taken.append(child.name)


def numbered(name: str, several: bool) -> Iterator[str]:
    """name, name1, name2, ...; the plain one only where there is one of its kind."""
    if not several:
        yield name
    yield from (f"{name}{number}" for number in count(1))


def check_rank(who: str, x: Tensor, axes: str) -> None:
    """x has as many axes as the layout names."""
    names = axes.split()
    if x.rank != len(names):
        raise ShapeProblem(
            f"{who} takes ({', '.join(names)}), but {x.name} has {x.rank} axes {shape_text(x.shape)}",
            f"give it a tensor of {len(names)} axes",
        )


def activation_of(who: str, activation: Activation) -> Callable[[Any], Any]:
    """The function that an activation's name stands for; a function stands for itself, None for none."""
    if activation is None:
        return lambda z: z
    if not isinstance(activation, str):
        return activation
    if activation not in ACTIVATIONS:
        near = get_close_matches(activation, ACTIVATIONS, 1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise NameProblem(f"{who}: there is no activation {activation!r}", f"{meant}there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[activation]


def entrywise_activation(who: str, activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An activation that works on single entries, as a recurrence needs it."""
    if activation in ALONG_AXIS:
        raise NameProblem(f"{who}: {activation} works along an axis", f"there are {', '.join(ENTRYWISE)}")
    return activation_of(who, activation)


def positive_int(who: str, what: str, value: Any, least: int = 1) -> int:
    """A whole number that is large enough, or an error that names it."""
    if isinstance(value, bool) or not isinstance(value, (int, sp.Integer)) or value < least:
        raise ShapeProblem(f"{who}: {what} is {value!r}", f"{what} is a whole number, {least} or more")
    return int(value)
