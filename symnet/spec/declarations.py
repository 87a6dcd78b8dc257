"""The sections `dims:` and `tensors:` as declared things."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from symnet.core.index import dims
from symnet.declare.tensor import INITS, Tensor, input_tensor, param
from symnet.declare.tensor import tensor as named_first
from symnet.errors import Mark, SymnetError
from symnet.spec.files.item import Item
from symnet.spec.names import Known
from symnet.spec.passage import Problems, meant
from symnet.spec.scopes import Extent
from symnet.spec.section import Path
from symnet.spec.texts import BROKEN, name_trouble, normal, size_of

CALLED = {"normal": 1, "uniform": 2, "constant": 1}


@dataclass
class Declared:
    """What the file declares; `broken` are names whose declaration does not hold."""

    known: Known
    roles: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    undefined: dict[str, Mark] = field(default_factory=dict)


def declare(root: Item, wrong: set[Path], problems: Problems, fixed: bool = True) -> Declared:
    """Dims and tensors; what is wrong is noted, and left out. Dims with a size stay symbols unless `fixed`."""
    made = Declared(Known())
    declare_dims(root, wrong, made, problems, fixed)
    section = root.value.get("tensors")
    if section is None or not isinstance(section.value, dict) or ("tensors",) in wrong:
        return made
    for name, item in section.value.items():
        mark = section.keys[name]
        if trouble := clash(name, made, root) or name_trouble(name):
            code = "E0103" if "NFKC" in trouble or "dim" in trouble else "E0101"
            hint = "use letters, digits and underscores" if code == "E0101" else "give one of them another name"
            problems.add(code, trouble, hint, [mark])
            made.broken.add(normal(name))
        elif any(path[:2] == ("tensors", name) for path in wrong):
            made.broken.add(normal(name))
        else:
            declare_tensor(normal(name), item, mark, made, problems)
    return made


def clash(name: str, made: Declared, root: Item) -> str:
    """Whether a name is taken already."""
    if normal(name) in made.known.dims:
        return f"{name} is a dim, and declared as a tensor as well"
    if normal(name) in made.known.tensors or (normal(name) in made.broken and normal(name) != name):
        return f"two tensors are named {normal(name)!r} (names are compared after NFKC)"
    return ""


def declare_dims(root: Item, wrong: set[Path], made: Declared, problems: Problems, fixed: bool) -> None:
    section = root.value.get("dims")
    if section is None or not isinstance(section.value, dict):
        made.known.dims_uncertain = section is not None
        return
    batches = [section.keys[k] for k, v in section.value.items() if v.value == "batch"]
    if len(batches) > 1:
        problems.add("E0013", "two dims are the batch", "the samples have one dim; make the other one free", batches)
    for name, item in section.value.items():
        trouble = name_trouble(name) or (f"{name!r} is not a name" if "." in name else "")
        if trouble:
            problems.add("E0101", trouble, "use letters, digits and underscores", [section.keys[name]])
            made.known.dims_uncertain = True
        elif normal(name) in made.known.dims:
            what = f"two dims are named {normal(name)!r} (names are compared after NFKC)"
            problems.add("E0103", what, "give one of them another name", [section.keys[name]])
        else:
            sized = fixed and isinstance(item.value, int) and ("dims", name) not in wrong
            made.known.dims[normal(name)] = sp.Integer(item.value) if sized else dims(normal(name))


def declare_tensor(name: str, item: Item, mark: Mark, made: Declared, problems: Problems) -> None:
    """One tensor, or a note of what is wrong with it."""
    before = len(problems.found)
    extents = [size_of(size, made.known, problems) for size in item.value["shape"].value]
    classes = item.value.get("classes")
    count = None if classes is None or classes.value is None else size_of(classes, made.known, problems)
    init = plain(item, "init")
    if isinstance(init, str) and (trouble := init_trouble(init)):
        problems.add("E0204", f"{name}: there is no initialiser {init!r}", trouble, [item.mark_of(("init",))])
    if len(problems.found) > before or None in extents or (count is None and classes is not None and classes.value):
        made.broken.add(name)
        return
    sizes = [extent for extent in extents if extent is not None]
    try:
        tensor = made_of(name, item, sizes, count)
    except SymnetError as error:
        problems.add_error(error, [place(item, error.message, mark)])
        made.broken.add(name)
        return
    except BROKEN:
        what = f"the initial value of {name} is no array"
        problems.add("E0012", what, "rows of a list have the same length", [item.mark_of(("init",))])
        made.broken.add(name)
        return
    made.known.add(tensor, sizes)
    role = plain(item, "role")
    if role is None:
        made.undefined[name] = mark
    else:
        made.roles[name] = role
    check_keys(name, item, role, mark, problems)


def plain(item: Item, key: str, otherwise: Any = None) -> Any:
    found = item.value.get(key)
    return otherwise if found is None or found.value is None else found.plain()


def made_of(name: str, item: Item, sizes: list[Extent], classes: Extent | None) -> Tensor:
    """The tensor of a section."""
    shape = tuple(extent.size for extent in sizes)
    role, kind = plain(item, "role"), plain(item, "kind", "real")
    init = plain(item, "init")
    init = np.asarray(init, dtype=np.float64) if isinstance(init, list) else init
    if role in ("input", "target"):
        return input_tensor(name, shape, kind, None if classes is None else classes.size)
    if role == "param":
        return param(name, shape, init, kind)
    if role == "state":
        return Tensor(name, shape, role="state", kind=kind, init="zeros" if init is None else init)
    return named_first(name, shape)


def place(item: Item, message: str, mark: Mark) -> Mark:
    """The key that a message speaks of."""
    words = {"classes": "classes", "initial": "init", "kind": "kind", "rows": "kind", "label": "kind"}
    for word, key in words.items():
        if word in message and key in item.keys:
            return item.mark_of((key,))
    return mark


def check_keys(name: str, item: Item, role: str | None, mark: Mark, problems: Problems) -> None:
    """Keys that have no meaning for the role, and initialisers that do not hold."""
    if role is None:
        for key in ("kind", "init", "classes"):
            if plain(item, key) not in (None, "real"):
                hint = "role: input, target, param or state; or leave the key out, if a formula defines the tensor"
                problems.add("E0204", f"{name} has no role, but {key!r}", hint, [item.mark_of((key,), key=True)])
    elif role in ("input", "target") and plain(item, "init") is not None:
        hint = "data gives its values; a parameter has role: param"
        problems.add("E0204", f"{name} is an {role}, but has 'init'", hint, [item.mark_of(("init",), key=True)])
    elif role in ("param", "state") and plain(item, "kind", "real") not in ("real", "positive"):
        what = f"{name} is a {role}, but of kind {plain(item, 'kind')!r}"
        problems.add("E0204", what, "parameters are real or positive", [item.mark_of(("kind",))])


def init_trouble(init: str) -> str:
    """Why this is no initialiser."""
    known = f"there are {', '.join(INITS)}, normal(std), uniform(a,b), constant(c)"
    if init in INITS:
        return ""
    found = re.fullmatch(r"(\w+)\(([^()]*)\)", init.replace(" ", ""))
    if found is None or found[1] not in CALLED:
        return f"{meant(init, (*INITS, *CALLED))} {known}".strip()
    try:
        numbers = [float(part) for part in found[2].split(",")]
    except ValueError:
        numbers = []
    well = len(numbers) == CALLED[found[1]] and all(map(np.isfinite, numbers)) and numbers == sorted(numbers)
    if not well or (found[1] == "normal" and numbers[0] < 0):
        return "normal(std) with std 0 or more, uniform(a,b) with a at most b, constant(c)"
    return ""
