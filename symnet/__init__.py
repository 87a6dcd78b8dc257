"""symnet: neural networks written as mathematics, derived, simplified, checked and compiled.

    import symnet as sn

Nothing heavy is imported until a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_FUNCTIONS = (
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
        "cosh",
        "sinh",
        "sigmoid",
    ),
    *("log_sigmoid", "softplus", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softsign", "hard_tanh"),
    *("log_cosh", "erf", "erfc", "maximum", "minimum", "clip", "where", "eq", "delta", "elementwise", "mean", "argmax"),
    *("prod", "logsumexp", "softmax", "log_softmax", "normalize"),
)
_HOME = {
    **{name: ("symnet.declare.functions", name) for name in _FUNCTIONS},
    **{name: ("symnet.declare.functions", f"{name}_") for name in ("sum", "max", "min", "abs")},
    **{name: ("symnet.core.index", name) for name in ("dims", "indices", "index")},
    **{name: ("symnet.declare.tensor", name) for name in ("Tensor", "param", "tensor", "define", "lookup", "take")},
    "input": ("symnet.declare.tensor", "input_tensor"),
    **{name: ("symnet.errors", name) for name in ("SymnetError", "SymnetWarning", "ModelFileError")},
    "load_model": ("symnet.runs.model_file", "load_model"),
    **{
        name: ("symnet.pipeline", name)
        for name in (
            "grad",
            "jacobian",
            "hessian",
            "hvp",
            "jvp",
            "vjp",
        )
    },
    "function": ("symnet.train.function", "function"),
    "Model": ("symnet.train.model", "Model"),
    "evaluate": ("symnet.run.reference", "evaluate"),
    **{name: ("symnet.explain", name) for name in ("derive", "program", "latex", "text", "graph")},
    **{name: ("symnet.checks.numeric", name) for name in ("check",)},
}
_OPTIONAL = {  # those that need packages which may be missing
    "SymnetClassifier": ("symnet.estimator.classifier", "SymnetClassifier"),
    "SymnetRegressor": ("symnet.estimator.regressor", "SymnetRegressor"),
}
_MODULES = {
    "optim": "symnet.declare.optimizers",
    **{name: f"symnet.declare.{name}" for name in ("layers", "losses", "metrics", "regularisers")},
}

__all__ = [*sorted([*_HOME, *_MODULES]), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = import_module(_MODULES[name])
    elif name in _HOME or name in _OPTIONAL:
        module, attribute = {**_HOME, **_OPTIONAL}[name]
        value = getattr(import_module(module), attribute)
    else:
        raise AttributeError(f"symnet has no {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_OPTIONAL])
