"""The functions that formulas may call, by name.

exp log log1p expm1 sqrt rsqrt abs sign square sin cos tanh sinh cosh sigmoid log_sigmoid softplus relu leaky_relu
elu selu gelu silu mish softsign hard_tanh log_cosh erf erfc maximum minimum clip where eq delta
sum mean max min prod argmax logsumexp                   over indices, or along axes of a tensor
softmax log_softmax normalize take lookup                of tensors
and the losses and regularisers of `sn.losses` and `sn.regularisers`, of tensors
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symnet.declare import functions, losses, regularisers, tensor


@dataclass(frozen=True)
class Function:
    """A function with how many arguments it takes and which it takes by name."""

    name: str
    call: Callable[..., Any]
    least: int = 1
    most: int = 1
    named: tuple[str, ...] = ()
    of_tensors: bool = False  # only of whole tensors

    def takes(self) -> str:
        """`1 argument`, `2 to 3 arguments`."""
        if self.name in REDUCTIONS:
            return "a value and its indices"
        numbers = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"
        return f"{numbers} argument{'' if self.most == 1 else 's'}"


ONE = (
    *(
        "exp",
        "log",
        "log1p",
        "expm1",
        "sqrt",
        "rsqrt",
        "sign",
        "square",
        "sin",
        "cos",
        "tanh",
        "sinh",
        "cosh",
        "sigmoid",
    ),
    *("log_sigmoid", "softplus", "relu", "selu", "silu", "mish", "softsign", "hard_tanh", "erf", "erfc"),
)
REDUCTIONS = {
    "sum": functions.sum_,
    "mean": functions.mean,
    "max": functions.max_,
    "min": functions.min_,
    "prod": functions.prod,
    "argmax": functions.argmax,
    "logsumexp": functions.logsumexp,
}
ALONG = {
    "softmax": functions.softmax,
    "log_softmax": functions.log_softmax,
    "normalize": functions.normalize,
}
COST = ("reduction", "sample_weights")
LOSS_OPTIONS: dict[str, tuple[int, tuple[str, ...]]] = {
    "huber": (2, ("delta", *COST)),
    "binary_cross_entropy": (2, ("epsilon", *COST)),
    "log_loss": (2, ("epsilon", *COST)),
    "cross_entropy": (2, ("epsilon", "weights", "label_smoothing", *COST)),
    "softmax_cross_entropy": (2, ("weights", "label_smoothing", *COST)),
    "nll": (2, ("weights", *COST)),
    "gaussian_nll": (3, COST),
    "focal": (2, ("gamma", *COST)),
}


def log_cosh(*operands: Any, **options: Any) -> Any:
    """log(cosh(x)) of one argument, the loss of two."""
    return (functions.log_cosh if len(operands) == 1 else losses.log_cosh)(*operands, **options)


def table() -> dict[str, Function]:
    """All functions by name."""
    made = [Function(name, getattr(functions, name)) for name in ONE]
    made += [Function(name, getattr(losses, name), 2, 2, COST, True) for name in losses.__all__]
    made += [
        Function(name, getattr(losses, name), count, count, named, True)
        for name, (count, named) in LOSS_OPTIONS.items()
    ]
    made += [Function(name, call, 1, 1, ("axis",), True) for name, call in ALONG.items()]
    made += [Function(name, call, 1, 9, ("axis", "keepdims")) for name, call in REDUCTIONS.items()]
    made += [
        Function("abs", functions.abs_),
        Function("log_cosh", log_cosh, 1, 2, COST),
        Function("gelu", functions.gelu, 1, 1, ("approximate",)),
        Function("leaky_relu", functions.leaky_relu, 1, 2, ("slope",)),
        Function("elu", functions.elu, 1, 2, ("alpha",)),
        Function("clip", functions.clip, 3, 3),
        Function("where", functions.where, 3, 3),
        *(Function(name, getattr(functions, name), 2, 2) for name in ("maximum", "minimum", "eq", "delta")),
        Function("take", tensor.take, 2, 2, (), True),
        Function("lookup", tensor.lookup, 2, 2, (), True),
        *(Function(name, getattr(regularisers, name), 1, 2, ("s", "reduction"), True) for name in ("l1", "l2")),
        Function("elastic_net", regularisers.elastic_net, 1, 3, ("s", "ratio", "reduction"), True),
    ]
    return {function.name: function for function in made}


FUNCTIONS = table()
