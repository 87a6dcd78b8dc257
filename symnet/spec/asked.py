"""The sections `loss:`, `outputs:` and `metrics:`.

loss: L                                                     a tensor
loss: cross_entropy(p, y) + 0.01*l2(W)                      a formula
loss: {cross_entropy: [p, y]}                               a loss of tensors
loss: {cross_entropy: {of: [p, y], label_smoothing: 0.1}}   with options
"""

from __future__ import annotations

from typing import Any

from symnet.core.definition import shape_text
from symnet.declare import losses, metrics
from symnet.declare.tensor import Tensor
from symnet.errors import Mark, SymnetError
from symnet.spec.files.item import Item
from symnet.spec.functions import FUNCTIONS, Function
from symnet.spec.names import Known
from symnet.spec.passage import Problems, meant
from symnet.spec.texts import BROKEN, WORD, normal

METRICS = {
    "accuracy": Function("accuracy", metrics.accuracy, 2, 2, ("threshold",), True),
    "binary_accuracy": Function("binary_accuracy", metrics.binary_accuracy, 2, 2, ("threshold",), True),
    "top_k": Function("top_k", metrics.top_k, 2, 2, ("k",), True),
    "mse": Function("mse", metrics.mse, 2, 2, (), True),
    "mae": Function("mae", metrics.mae, 2, 2, (), True),
}
LOSSES = {name: FUNCTIONS[name] for name in losses.__all__}


def is_formula(value: Any) -> bool:
    """Whether `loss:` is a formula and not a name."""
    return isinstance(value, str) and not WORD.match(normal(value.strip()))


def find(name: str, mark: Mark, known: Known, broken: set[str], problems: Problems) -> Tensor | None:
    """A tensor by name; None when a mistake was noted, or when its own mistake was."""
    plain = normal(name.strip())
    if plain in known.tensors:
        return known.tensors[plain]
    if plain not in broken and plain.split(".")[0] not in broken and not known.uncertain:
        hint = meant(plain, [*known.tensors, *known.later], "declare it under tensors:, or define it by a formula")
        problems.add("E0102", f"there is no tensor {name!r}", hint, [mark])
    return None


def called(
    item: Item, table: dict[str, Function], what: str, known: Known, broken: set[str], problems: Problems
) -> Tensor | None:
    """`{cross_entropy: [p, y]}`; None when a mistake was noted."""
    name = next(iter(item.value))
    mark, inner = item.keys[name], item.value[name]
    function = table.get(name)
    if function is None:
        names = ", ".join(sorted(table))
        problems.add("E0102", f"there is no {what} {name!r}", meant(name, table, f"there are {names}"), [mark])
        return None
    options: dict[str, Any] = {}
    if isinstance(inner.value, dict):
        options = {key: part for key, part in inner.value.items() if key != "of"}
        if "of" not in inner.value:
            problems.add("E0011", f"{name} has no 'of'", f"write {name}: [p, y], or of: [p, y]", [mark])
            return None
        inner = inner.value["of"]
    if not isinstance(inner.value, list) or not all(isinstance(part.value, str) for part in inner.value):
        problems.add("E0012", f"{name} is not given tensors", f"write {name}: [p, y]", [inner.mark])
        return None
    if len(inner.value) != function.least:
        given = f"{len(inner.value)} {'was' if len(inner.value) == 1 else 'were'} given"
        what = f"{name} takes {function.takes()}, but {given}"
        problems.add("E0210", what, f"for example {name}: [p, y]", [inner.mark])
        return None
    tensors = [find(part.value, part.mark, known, broken, problems) for part in inner.value]
    named = options_of(name, function, options, item, known, problems)
    if named is None or any(tensor is None for tensor in tensors):
        return None
    return call(function, tensors, named, [mark, *(part.mark for part in inner.value)], problems)


def options_of(
    name: str, function: Function, options: dict[str, Item], item: Item, known: Known, problems: Problems
) -> dict[str, Any] | None:
    """The options of a loss: numbers, words, and tensors for weights."""
    made: dict[str, Any] = {}
    for key, part in options.items():
        if key not in function.named:
            hint = meant(key, function.named, f"it has {', '.join(function.named) or 'none'}")
            problems.add("E0210", f"{name} has no option {key!r}", hint, [item.value[name].keys[key]])
            return None
        value = part.plain()
        made[key] = known.tensors.get(value, value) if isinstance(value, str) else value
    return made


def call(
    function: Function, tensors: list[Any], named: dict[str, Any], marks: list[Mark], problems: Problems
) -> Tensor | None:
    try:
        made: Tensor = function.call(*tensors, **named)
    except SymnetError as error:
        problems.add_error(error, marks)
    except BROKEN:
        problems.add("E0012", f"{function.name} cannot be made of this", "see symnet explain E0012", marks)
    else:
        return made
    return None


def loss_of(item: Item, known: Known, broken: set[str], problems: Problems) -> Tensor | None:
    """The loss, a scalar."""
    if isinstance(item.value, dict):
        found = called(item, LOSSES, "loss", known, broken, problems)
        if found is not None and "loss" not in known.tensors and found.rank == 0:
            found = found.named("loss")
            known.add(found)
    else:
        name = "loss" if is_formula(item.value) else item.value
        found = find(name, item.mark, known, broken, problems)
    if found is not None and found.rank:
        what = f"the loss has shape {shape_text(found.shape)} and is no scalar"
        problems.add("E0301", what, "take its mean over the samples: L = mean(..., n)", [item.mark])
        return None
    return found


def outputs_of(item: Item | None, known: Known, broken: set[str], problems: Problems) -> dict[str, Tensor]:
    """What is predicted, by the names that are shown."""
    if item is None or item.value is None:
        return {}
    if isinstance(item.value, dict):
        asked = [(shown, part) for shown, part in item.value.items()]
    else:
        parts = item.value if isinstance(item.value, list) else [item]
        asked = [(normal(part.value), part) for part in parts]
    found = {shown: find(part.value, part.mark, known, broken, problems) for shown, part in asked}
    return {shown: tensor for shown, tensor in found.items() if tensor is not None}


def metrics_of(item: Item | None, known: Known, broken: set[str], problems: Problems) -> tuple[Tensor, ...]:
    """What is followed: scalars, each under a name of its own."""
    made: list[Tensor] = []
    for part in [] if item is None or item.value is None else item.value:
        if isinstance(part.value, dict):
            tensor = called(part, {**LOSSES, **METRICS}, "metric", known, broken, problems)
            name = next(iter(part.value))
        else:
            tensor = find(part.value, part.mark, known, broken, problems)
            name = part.value
        if tensor is None:
            continue
        if tensor.rank:
            problems.add("E0301", f"the metric {tensor!r} is no scalar", "take its mean", [part.mark])
            continue
        taken = [other.name for other in made]
        name = tensor.name if tensor.name.startswith("top_") or not isinstance(part.value, dict) else name
        free = name if name not in taken else next(f"{name}_{k}" for k in range(2, 99) if f"{name}_{k}" not in taken)
        made.append(tensor if tensor.name == free else tensor.named(free))
    return tuple(made)
