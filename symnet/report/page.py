"""The page: sections for what there is, a line for what is missing and why.

    html = report(model, run=run, dataset={"x": X, "t": T}, command="symnet report run/")

Equal arguments give equal bytes; what tells the time stands in the page's last lines alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from symnet.checks.numeric import cells
from symnet.core.definition import Node, Program, shape_text
from symnet.errors import SymnetError
from symnet.explain import graph
from symnet.report.checking import checked as check
from symnet.report.formulas import equations, gradients
from symnet.report.given import Given, given, versions
from symnet.report.highlight import marked
from symnet.report.image import css
from symnet.report.pictures import confusion, curves, first_weights, misread, residuals, surface
from symnet.report.predictions import VALUES, Answers, answers
from symnet.schedule.schedule import TITLES, Schedules
from symnet.schedule.table import schedule_table
from symnet.train.model import Model, Run

BACKWARD = 34  # tensors of a graph up to which the way back is drawn too
TIMES = ("time", "date", "second", "start", "ended", "made", "created")
TOLD = ("schema", "model", "file", "base", "status", "parameters")


@dataclass(frozen=True)
class Section:
    """A part of the page: its data, or why there are none."""

    key: str
    title: str
    data: Any = None
    missing: str = ""


def report(
    model: Model,
    *,
    spec: Any = None,
    run: Any = None,
    dataset: Any = None,
    history: Mapping[str, Sequence[Any]] | None = None,
    command: str = "",
    made: str | None = None,
) -> str:
    """A model, and what is known of its training, as one HTML page that needs neither network nor script.

    `spec` is what a model file says, `run` a trained run or an opened run folder, `dataset` the data that predictions
    are shown for, `command` what makes this page again, `made` when it was made (by default: now).
    """
    facts = given(model, spec, run, dataset, history, command)
    sections = sections_of(facts)
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC") if made is None else made
    seconds = [s for s in facts.history.get("seconds", ()) if isinstance(s, (int, float))]
    text: str = page().render(
        name=model.name,
        opening=opening(facts, sections),
        sections=[s for s in sections if not s.missing],
        missing=[s for s in sections if s.missing],
        of={s.key: s.data for s in sections if not s.missing},
        made=when,
        seconds=f"{sum(seconds):.1f}" if seconds else "",
    )
    return text


def page() -> Any:
    """The template; all that it is given is escaped unless it is marked as HTML of our own."""
    loader = PackageLoader("symnet.report", "templates")
    env = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.filters["html"] = Markup
    env.globals["colour"] = css
    return env.get_template("page.html")


def sections_of(facts: Given) -> list[Section]:
    """All sections in their order."""
    found = answers(facts)
    compiled = compiled_run(facts)
    told = found if isinstance(found, Answers) else None
    return [
        made_of("network", "Network", lambda: network(facts)),
        made_of("formulas", "Formulas", lambda: equations(facts.model)),
        made_of("gradients", "Gradients", lambda: gradients(facts.model)),
        made_of("check", "Gradient check", lambda: checked(facts.model)),
        made_of("curves", "Learning curves", lambda: curves(facts.history) or "no history of a training run was given"),
        made_of("predictions", "Predictions", lambda: predicted(facts, told) if told else found),
        made_of("surface", "Decision surface", lambda: plane(facts, told) if told else found),
        made_of("weights", "First weights", lambda: first_weights(facts)),
        made_of("schedule", "Schedule", lambda: scheduled(compiled)),
        made_of("kernel", "Kernel", lambda: source(compiled)),
        made_of("again", "Reproduce", lambda: again(facts)),
    ]


def made_of(key: str, title: str, make: Callable[[], Any]) -> Section:
    """A section; a text in place of data, and an error of symnet's, are the reason that it is missing."""
    try:
        data = make()
    except SymnetError as error:
        data = error.message
    return Section(key, title, missing=data) if isinstance(data, str) else Section(key, title, data)


# -- parts


def network(facts: Given) -> dict[str, Any]:
    """The graph, and the tensors that are given from outside."""
    model = facts.model
    outputs = list(dict.fromkeys([*model.outputs.values(), model.loss]))
    forward = graph(outputs)
    small = len(forward.nodes) <= BACKWARD and bool(model.parts.params)
    return {
        "forward": forward.svg(),
        "backward": graph([model.loss, *outputs], backward=True).svg() if small else "",
        "given": [tensor_row(facts, node) for node in Program.of(outputs).inputs()],
    }


def tensor_row(facts: Given, node: Node) -> tuple[str, ...]:
    """Name, role, shape, sizes and what else was declared of a tensor."""
    values = facts.trained.values.get(node.name) if facts.trained else None
    sizes = "" if values is None else f"{values.size:,}"
    kind = node.kind if node.kind != "real" else ""
    init = node.info.get("init", "")
    began = init if isinstance(init, str) else "given values"
    role = {"param": "parameter"}.get(node.role, node.role)
    return node.name, role, shape_text(node.shape).replace(", ", " × ") if node.rank else "scalar", sizes, kind or began


def checked(model: Model) -> dict[str, Any]:
    """The gradients against numbers."""
    found, plan = check(model)
    rows = [(row.name, " × ".join(map(str, row.shape)) or "scalar", *cells(row)[2:]) for row in found.rows]
    left = len(model.parts.params) - len(plan.targets)
    some = f"; of {len(model.parts.params)} parameters, {len(plan.targets)} at even distances" if left else ""
    return {
        "some": some,
        "ok": found.ok,
        "method": found.method,
        "rtol": f"{found.rtol:g}",
        "rows": rows,
        "worst": found.max_error,
    }


def predicted(facts: Given, found: Answers) -> dict[str, Any]:
    """How predictions and targets agree."""
    names = {"output": found.pairing.output.name, "target": found.pairing.target.name, "count": len(found.true)}
    names["which"] = f", on samples {facts.which}" if facts.which else ""
    if found.pairing.kind == VALUES:
        rest = found.predicted - found.true
        spread = float(np.sum((found.true - found.true.mean()) ** 2))
        share = 1 - float(np.sum(rest**2)) / spread if spread else 0.0
        error = float(np.sqrt(np.mean(rest**2)))
        return {**names, "classes": False, "rmse": f"{error:.4g}", "r2": f"{share:.4f}", "charts": residuals(found)}
    return {
        **names,
        "classes": True,
        "right": f"{found.share_right:.1%}",
        "matrix": confusion(found),
        "confusions": found.confusions(),
        "misread": misread(found),
    }


def plane(facts: Given, found: Answers) -> Any:
    """The decision surface."""
    drawn = surface(facts, found)
    if drawn is None:
        return "the input is not a plane of two numbers"
    names = found.classes if found.pairing.kind != VALUES else ()
    return {"drawn": drawn, "classes": list(enumerate(names))}


def compiled_run(facts: Given) -> Run | str:
    """The run whose kernel is shown; where none was given, the model compiled as its file says."""
    if facts.run is not None:
        return facts.run
    try:
        train = facts.spec.train if facts.spec is not None else None
        if train is None:
            return facts.model.compile()
        run = facts.model.compile(train.optimizer, dtype=train.dtype, seed=train.seed, threads=train.threads)
        run.batch = train.batch
        return run
    except SymnetError as error:
        return error.message


def scheduled(run: Run | str) -> Any:
    """What a training step runs."""
    if isinstance(run, str):
        return run
    found = run.schedule
    parts = list(found) if isinstance(found, Schedules) else [found]
    return [(title, schedule_table(part)) for title, part in zip(TITLES, parts, strict=False)]


def source(run: Run | str) -> Any:
    """The emitted module."""
    if isinstance(run, str):
        return run
    text = run.source
    return {"lines": text.count("\n"), "marked": marked(text, "python")}


def again(facts: Given) -> dict[str, Any]:
    """What it takes to come to the same numbers."""
    run, data, spec = facts.run, facts.data, facts.spec
    rows = []
    if run is not None:
        rows += [("optimizer", repr(run.optimizer)), ("dtype", run.dtype), ("seed", str(run.seed))]
        rows += [("batch", str(run.batch)), ("threads", str(run.threads))]
        rows += [("epochs", str(max([run.epoch, *map(len, facts.history.values())])))]
    if data is not None:
        rows += [("data", data.source), ("samples", f"{data.count:,}"), ("digest of the data", data.digest)]
    rows += [
        (key.replace("_", " "), str(value))
        for key, value in facts.facts.items()
        if plain(key, value) and key not in dict(rows)
    ]
    if isinstance(with_ := facts.facts.get("versions"), Mapping):
        rows.append(("trained with", ", ".join(f"{name} {number}" for name, number in with_.items())))
    return {
        "command": facts.command,
        "rows": [row for row in rows if row[1]],
        "versions": versions(),
        "file": spec.file if spec is not None else "",
        "text": marked(spec.text, language(spec.file)) if spec is not None and spec.text else "",
    }


def plain(key: str, value: Any) -> bool:
    """Whether a fact of a run is a word or a number, neither told already nor one that tells the time."""
    return (
        isinstance(value, (str, int, float))
        and not isinstance(value, bool)
        and not any(word in key.lower() for word in (*TOLD, *TIMES))
    )


def language(file: str) -> str:
    """What a model file is written in."""
    return {"toml": "toml", "json": "json"}.get(file.rpartition(".")[2].lower(), "yaml")


def opening(facts: Given, sections: Sequence[Section]) -> list[tuple[str, str]]:
    """The page's first figures."""
    found = {s.key: s.data for s in sections if not s.missing}
    rows: list[tuple[str, str]] = []
    if facts.trained:
        size = sum(int(np.size(facts.trained.params[name])) for name in facts.trained.params)
        rows.append(("parameters", f"{size:,}"))
    for name, column in facts.history.items():
        if name != "seconds" and column and isinstance(column[-1], (int, float)):
            rows.append(
                (name.removeprefix("val_") + (", held out" if name.startswith("val_") else ""), f"{column[-1]:.4g}")
            )
    if "check" in found:
        rows.append(("gradients", "agree" if found["check"]["ok"] else "DISAGREE"))
    return rows[:6]
