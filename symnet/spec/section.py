"""A section of a model file, and what is said of one that does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from symnet.spec.files.item import Item
from symnet.spec.passage import Problems, meant

SHOWN = 40
KINDS = {
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a section with keys",
    "model_attributes_type": "a section with keys",
}
Path = tuple[str | int, ...]


class Section(BaseModel):
    """A mapping with known keys only."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)


def check(model: type[BaseModel], root: Item, problems: Problems, skipped: Iterable[str] = ()) -> set[Path]:
    """Note everything that is wrong with the tree; the paths of what is wrong."""
    try:
        model.model_validate(root.plain())
    except ValidationError as error:
        found = [(usable(e["loc"], root, e["type"]), e) for e in error.errors(include_url=False)]
        for path, e in merged(found):
            note(model, root, path, e, problems)
        return {path for path, _ in found}
    return set()


def usable(loc: Sequence[str | int], root: Item, kind: str) -> Path:
    """pydantic's place of a mistake as a path of the file: its names of union members left out."""
    path: Path = ()
    for number, step in enumerate(loc):
        here = root.at(path)
        missing = kind == "missing" and number == len(loc) - 1
        if missing or (here is not None and root.at((*path, step)) is not None):
            path = (*path, step)
    return path


def merged(found: Sequence[tuple[Path, Any]]) -> Iterable[tuple[Path, Any]]:
    """One mistake for each place: of the members of a union, the one that fits the kind of value best."""
    by_path: dict[Path, Any] = {}
    for path, error in found:
        if path not in by_path or by_path[path]["type"] in KINDS:
            by_path[path] = error
    inner = {path[:-1] for path in by_path}
    return [(path, e) for path, e in by_path.items() if not (path in inner and e["type"] == "wanted")]


def note(model: type[BaseModel], root: Item, path: Path, error: Mapping[str, Any], problems: Problems) -> None:
    """One mistake in plain words."""
    kind, name = error["type"], called(path)
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        keys = keys_at(model, path[:-1])
        owner = called(path[:-1]) or "a model file"
        hint = meant(str(path[-1]), keys, f"its keys are {', '.join(keys)}")
        problems.add("E0010", f"{owner} has no key {str(path[-1])!r}", hint, [root.mark_of(path, key=True)])
    elif kind == "missing":
        owner = called(path[:-1]) or "the file"
        mark = root.mark_of(path[:-1], key=True)
        problems.add("E0011", f"{owner} has no {path[-1]!r}", f"it needs {path[-1]}: ...", [mark])
    elif kind == "choice":
        names, given = context["names"], shown(error["input"])
        hint = meant(str(error["input"]), names)
        listed = f"there are {', '.join(names)}"
        problems.add(
            "E0013", f"there is no {context['what']} {given}", f"{hint} {listed}".strip(), [root.mark_of(path)]
        )
    else:
        wanted = context.get("wanted") or KINDS.get(kind, "something else")
        last = called(path[-2:]) if path and isinstance(path[-1], int) else str(path[-1]) if path else "it"
        what = f"{name or 'the file'} is {shown(error['input'])}"
        problems.add("E0012", what, f"{last} is {wanted}", [root.mark_of(path)])


def called(path: Path) -> str:
    """`tensors.x.shape[0]`"""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def shown(value: Any) -> str:
    """A value as one would write it."""
    if value is None:
        return "empty"
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    if isinstance(value, (dict, list)):
        text = "a mapping" if isinstance(value, dict) else "a list"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys of the section at a path."""
    here: Any = model
    for step in path:
        here = inside(here, step)
        if here is None:
            return []
    return [field.alias or name for name, field in here.model_fields.items()]


def inside(model: type[BaseModel], step: str | int) -> Any:
    """The section that a key of a section holds; lists and mappings hold one kind."""
    if isinstance(model, tuple):
        return model[0]
    found = {field.alias or name: field for name, field in model.model_fields.items()}
    field = found.get(str(step))
    return None if field is None else held(field.annotation)


def held(annotation: Any) -> Any:
    """The section within an annotation such as `list[LayerEntry] | None`; a tuple around it for what is listed."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = getattr(annotation, "__origin__", None)
    for part in getattr(annotation, "__args__", ()):
        inner = held(part)
        if inner is not None:
            return (inner,) if origin in (list, dict) else inner
    return None
