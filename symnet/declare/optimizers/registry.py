"""Optimizers and schedules by name, as model files and the command line say them.

by_name("adam", lr=0.001)
by_name("sgd", lr={"cosine": {"lr": 0.1, "steps": 1000}}, momentum=0.9)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any

from symnet.declare.optimizers.adam import Adam, AdamW, AMSGrad, NAdam
from symnet.declare.optimizers.adaptive import Adadelta, Adagrad, RMSProp
from symnet.declare.optimizers.base import Optimizer
from symnet.declare.optimizers.lion import Lion
from symnet.declare.optimizers.schedules import SCHEDULES
from symnet.declare.optimizers.sgd import SGD
from symnet.errors import NameProblem, ValueProblem

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, Adagrad, RMSProp, Adadelta, Adam, AdamW, NAdam, AMSGrad, Lion)
}


def by_name(name: str, **options: Any) -> Optimizer:
    """The optimizer of that name; `lr` may be a schedule as a mapping, {"cosine": {"lr": 0.1, "steps": 100}}."""
    if isinstance(options.get("lr"), Mapping):
        options["lr"] = schedule_of(options["lr"])
    made: Optimizer = made_of("optimizer", OPTIMIZERS, str(name).lower(), options)
    return made


def schedule_of(spec: Mapping[str, Any]) -> Any:
    """A schedule from its name and options, {"warm_up": {"lr": 0.1, "steps": 10}}."""
    if len(spec) != 1 or not isinstance(options := next(iter(spec.values())), Mapping):
        raise ValueProblem(f"a schedule is {dict(spec)!r}", 'write its name and options: {"cosine": {"lr": 0.1, ...}}')
    inner = options.get("lr")
    options = {**options, "lr": schedule_of(inner)} if isinstance(inner, Mapping) else options
    return made_of("schedule", SCHEDULES, next(iter(spec)), options)


def made_of(what: str, table: Mapping[str, type], name: str, options: Mapping[str, Any]) -> Any:
    """One of a table, with its options; unknown names are refused with a guess."""
    known(f"there is no {what} {name!r}", name, table)
    given = {f.name: f for f in fields(table[name]) if f.init}
    for option in options:
        known(f"{name} has no option {option!r}", option, given)
    missing = [key for key, f in given.items() if f.default is MISSING and key not in options]
    if missing:
        raise ValueProblem(f"{what} {name} needs {', '.join(missing)}", f"its options are {', '.join(given)}")
    return table[name](**options)


def known(problem: str, name: str, names: Mapping[str, Any]) -> None:
    if name in names:
        return
    near = get_close_matches(str(name), names, 1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise NameProblem(problem, f"{meant}there are {', '.join(names)}")
