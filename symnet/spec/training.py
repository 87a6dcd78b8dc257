"""The sections `train:` and `data:`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symnet.declare.optimizers import Adam, Optimizer, by_name
from symnet.errors import Mark, SymnetError
from symnet.spec.declarations import Declared
from symnet.spec.files.item import Item
from symnet.spec.passage import Problems, meant
from symnet.spec.rules import is_text
from symnet.spec.section import Path
from symnet.spec.sources.builtin import option_trouble
from symnet.spec.specification import DataSpec, TrainSpec
from symnet.spec.texts import BROKEN, normal

DATA_KEYS = ("builtin", "file", "inputs", "target", "standardise", "test")
ALONE = ("epochs", "batch", "seed", "validation", "dtype", "threads", "shuffle", "early_stopping", "class_weight")


def train_of(root: Item, wrong: set[Path], problems: Problems) -> TrainSpec:
    """How to train; what is wrong is as if it had been left out."""
    section = root.value.get("train")
    if section is None or not isinstance(section.value, dict) or ("train",) in wrong:
        return TrainSpec()
    bad = {path[1] for path in wrong if path[:1] == ("train",) and len(path) > 1}
    given: dict[str, Any] = {}
    for key in ALONE:
        if key in section.value and key not in bad and section.value[key].value is not None:
            given[key] = section.value[key].plain()
    if "optimizer" in section.value and "optimizer" not in bad:
        given["optimizer"] = optimizer_of(section.value["optimizer"], problems)
    checkpoint = section.value.get("checkpoint")
    if checkpoint is not None and isinstance(checkpoint.value, dict) and "checkpoint" not in bad:
        often = {key: part.value for key, part in checkpoint.value.items() if part.value is not None}
        given.update({f"checkpoint_{key}": value for key, value in often.items()})
    return TrainSpec(**given)


def optimizer_of(item: Item, problems: Problems) -> Optimizer:
    """An optimizer by name, with options."""
    options: dict[str, Any] = {}
    if isinstance(item.value, str):
        name, mark = item.value, item.mark
    else:
        name = next(iter(item.value))
        inner, mark = item.value[name], item.keys[name]
        options = {} if inner.value is None else inner.plain()
        if not isinstance(options, dict):
            problems.add("E0012", f"the options of {name} are no mapping", f"write {name}: {{lr: 0.001}}", [inner.mark])
            return Adam(1e-3)
    try:
        return by_name(name, **options)
    except SymnetError as error:
        code = "E0102" if error.code == "E0101" else error.code
        problems.add(code, error.message, error.hint, [culprit(item, error.message, mark)])
    except BROKEN:
        problems.add("E0012", f"the options of {name} do not fit", "they are numbers, or true and false", [mark])
    return Adam(1e-3)


def culprit(item: Item, message: str, mark: Mark) -> Mark:
    """The option that a message speaks of, at any depth; the deepest first."""
    words = set(message.replace(":", " ").replace(",", " ").replace("'", " ").split())
    found = [m for key, m, held in keys_of(item) if key in words or (held is not None and held in message)]
    return found[-1] if found else mark


def keys_of(item: Item) -> Iterator[tuple[str, Mark, str | None]]:
    """All keys of a tree, and what plain values are shown as."""
    if isinstance(item.value, dict):
        for key, part in item.value.items():
            yield key, item.keys[key], None
            yield from keys_of(part)


# -- data


def data_of(root: Item, wrong: set[Path], declared: Declared, problems: Problems) -> DataSpec | None:
    """Where the data comes from; None where nothing is said, or nothing that holds."""
    section = root.value.get("data")
    if section is None or not isinstance(section.value, dict):
        return None
    mark = root.keys["data"]
    given = {key: part for key, part in section.value.items() if part.value is not None}
    sources = [key for key in ("builtin", "file") if key in given]
    options = {key: part for key, part in given.items() if key not in DATA_KEYS}
    check_options(section, options, sources, problems)
    if len(sources) != 1:
        what = "data: has both 'builtin' and 'file'" if sources else "data: has neither 'builtin' nor 'file'"
        marks = [section.keys[key] for key in sources] or [mark]
        code = "E0012" if sources else "E0011"
        problems.add(code, what, "builtin: a set that comes along; file: a file of your own", marks)
    columns = {key: columns_of(key, given.get(key), declared, problems) for key in ("inputs", "target")}
    check_standardise(given.get("standardise"), declared, problems)
    if len(sources) != 1 or any(path[:1] == ("data",) for path in wrong):
        return None
    standardise = given["standardise"].plain() if "standardise" in given else False
    return DataSpec(
        builtin=given["builtin"].value if "builtin" in given else None,
        file=given["file"].value if "file" in given else None,
        options={key: part.plain() for key, part in options.items()},
        inputs=columns["inputs"],
        target=columns["target"],
        standardise=standardise if isinstance(standardise, bool) else as_tuple(standardise),
        test=given["test"].value if "test" in given else 0.0,
        mark=mark,
        field_marks=dict(field_marks(section)),
    )


def as_tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def check_options(section: Item, options: dict[str, Item], sources: list[str], problems: Problems) -> None:
    """Only generated sets have further keys, each its own, and a key that is nearly a known one is a slip."""
    slips = {key: meant(key, DATA_KEYS) for key in options}
    for key, hint in slips.items():
        if hint or sources != ["builtin"]:
            otherwise = f"its keys are {', '.join(DATA_KEYS)}"
            problems.add("E0010", f"data has no key {key!r}", hint or otherwise, [section.keys[key]])
    builtin = section.value["builtin"] if sources == ["builtin"] else None
    if builtin is None or not is_text(builtin.value):
        return
    trouble = option_trouble(builtin.value, {key: part.plain() for key, part in options.items() if not slips[key]})
    if trouble is not None:
        key, text, hint = trouble
        problems.add("E0410", text, hint, [section.keys[key] if key in options else builtin.mark])


def columns_of(key: str, item: Item | None, declared: Declared, problems: Problems) -> dict[str, tuple[str, ...]]:
    """Which columns or arrays go to which tensor."""
    made: dict[str, tuple[str, ...]] = {}
    if item is None or not isinstance(item.value, dict):
        return made
    role = "input" if key == "inputs" else "target"
    names = [name for name, given in declared.roles.items() if given in ("input", "target")]
    for name, part in item.value.items():
        plain = normal(name)
        if plain not in declared.roles and plain not in declared.broken:
            hint = meant(name, names, f"there are {', '.join(names) or 'none'}")
            problems.add("E0102", f"there is no {role} {name!r}", hint, [item.keys[name]])
        elif declared.roles.get(plain, role) != role:
            what = f"{name} is no {role}, but has role {declared.roles[plain]}"
            problems.add("E0204", what, "inputs: and target: name tensors of that role", [item.keys[name]])
        columns = part.plain()
        if isinstance(columns, str) or (isinstance(columns, list) and all(isinstance(c, str) for c in columns)):
            made[plain] = as_tuple(columns)
    return made


def check_standardise(item: Item | None, declared: Declared, problems: Problems) -> None:
    """Only inputs are standardised."""
    if item is None or isinstance(item.value, bool):
        return
    for part in item.value if isinstance(item.value, list) else [item]:
        if isinstance(part.value, str) and declared.roles.get(normal(part.value), "") != "input":
            names = [name for name, role in declared.roles.items() if role == "input"]
            if normal(part.value) not in declared.broken:
                hint = meant(part.value, names, f"there are {', '.join(names) or 'none'}")
                problems.add("E0102", f"there is no input {part.value!r}", hint, [part.mark])


def field_marks(section: Item) -> Iterator[tuple[str, Mark]]:
    """Where each key stands, those below inputs and target under the tensor's name."""
    for part in section.value.values():
        if isinstance(part.value, dict):
            yield from ((normal(name), mark) for name, mark in part.keys.items())
    yield from section.keys.items()
