"""What a model predicts and measures, by the names that users and histories call it by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symnet.core.definition import shape_text
from symnet.declare.tensor import Tensor
from symnet.errors import FormulaProblem, NameProblem, NonScalarLoss

RESERVED = ("loss", "seconds", "event", "epoch", "epochs", "steps")  # columns of histories, keys of events


def outputs_by_name(outputs: Any) -> dict[str, Tensor]:
    """What is predicted: a mapping as it is, tensors by their own names."""
    found = outputs if isinstance(outputs, Mapping) else _by_own_name("output", "outputs", outputs)
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise FormulaProblem(
                f"the output {name!r} must be a tensor under a name, but is {tensor!r}",
                'give tensors by name: outputs={"p": p}',
            )
    return dict(found)


def metrics_by_name(metrics: Any) -> dict[str, Tensor]:
    """What is followed beside the loss: scalars, each under a name of its own."""
    found = _by_own_name("metric", "metrics", metrics)
    for name, metric in found.items():
        if metric.rank:
            raise NonScalarLoss(
                f"the metric {name} has shape {shape_text(metric.shape)} and is no scalar", "take its mean"
            )
        if name in RESERVED or name.removeprefix("val_") in {"loss", *(other for other in found if other != name)}:
            raise NameProblem(
                f"a metric cannot be called {name}: a history has that name for something else",
                'give it another: metric.named("mae"); the loss itself is measured anyway',
            )
    return found


def _by_own_name(what: str, option: str, given: Any) -> dict[str, Tensor]:
    """One tensor or several, by their own names; two may not share one."""
    several = isinstance(given, Iterable) and not isinstance(given, (Tensor, str))
    tensors = list(given) if several else [] if given is None else [given]
    found: dict[str, Tensor] = {}
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise FormulaProblem(f"the {what} {tensor!r} is no tensor", HINTS[option])
        if found.setdefault(tensor.name, tensor) is not tensor:
            raise NameProblem(
                f"two of the {option} are called {tensor.name}", f'give one another name: {what}.named("...")'
            )
    return found


HINTS = {
    "outputs": 'give the tensors themselves: outputs={"p": p}',
    "metrics": "give the tensors themselves: metrics=[sn.metrics.accuracy(p, y)]",
}
