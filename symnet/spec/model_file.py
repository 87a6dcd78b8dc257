"""Model files: YAML 1.2, TOML or JSON to a `ModelSpec`, or every mistake in them at once.

    symnet: 1
    dims: {N: batch, D: 64, K: 10}
    tensors:
      x: {shape: [N, D], role: input}
      y: {shape: [N, K], role: target, kind: onehot}
      W: {shape: [D, K], role: param}
    formulas: |
      p = softmax(x @ W)
      L = cross_entropy(p, y)
    loss: L
    outputs: [p]

The file becomes a tree of values with places, the sections are checked, and then dims, tensors, formulas and layers
are declared in an order that works. A mistake ends the reading of what depends on it, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symnet.declare.tensor import Tensor
from symnet.errors import Diagnostic, ModelFileError
from symnet.spec.asked import is_formula, loss_of, metrics_of, outputs_of
from symnet.spec.declarations import Declared, declare
from symnet.spec.files.item import Item
from symnet.spec.files.read import format_of, read_tree, text_of
from symnet.spec.formula import define_all, read_formulas
from symnet.spec.layer_jobs import check_entry, entries, layer_jobs, raw_names
from symnet.spec.order import Job
from symnet.spec.passage import Passage, Problems
from symnet.spec.schema import ModelFile
from symnet.spec.schema import json_schema as schema
from symnet.spec.section import Path as Place
from symnet.spec.section import check
from symnet.spec.specification import ModelSpec
from symnet.spec.training import data_of, train_of
from symnet.spec.write import formula_text

MOST = 50  # mistakes that are told


def read_model(path: str | Path, text: str | None = None, format: str | None = None) -> ModelSpec:
    """A model file (or its text, in the named format) understood; `ModelFileError` says all that is wrong."""
    problems = Problems(str(path))
    text = text_of(path, problems) if text is None else text.removeprefix("\ufeff")
    chosen = None if text is None else format_of(path, text, format, problems)
    root = None if text is None or chosen is None else read_tree(text, chosen, problems)
    spec = None if root is None or text is None else Reading(root, problems).spec(text)
    if problems.found or spec is None:
        raise ModelFileError(told(problems))
    return spec


def symbolic(spec: ModelSpec) -> ModelSpec:
    """The same file with dims as symbols in place of their sizes, so that formulas speak of D and not of 64.

    For what is read, not for what is run; where the sizes matter to the formulas, they stay.
    """
    problems = Problems(spec.file)
    chosen = format_of(spec.file, spec.text, None, problems)
    root = None if chosen is None else read_tree(spec.text, chosen, problems)
    found = None if root is None else Reading(root, problems, fixed=False).spec(spec.text)
    return spec if found is None or problems.found else found


def told(problems: Problems) -> list[Diagnostic]:
    """The mistakes by place; of very many the first."""
    found = problems.sorted()
    if len(found) > MOST:
        left = Diagnostic("E0006", f"and {len(found) - MOST} more mistakes", file=problems.file)
        return [*found[:MOST], left]
    return found


def json_schema() -> dict[str, Any]:
    """The JSON Schema of model files, for editors."""
    return schema()


@dataclass
class Reading:
    """One reading of a file's tree."""

    root: Item
    problems: Problems
    fixed: bool = True  # whether dims that have a size are that size
    wrong: set[Place] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    layered: list[Job] = field(default_factory=list)
    cut: bool = False  # whether a whole section could not be read

    def spec(self, text: str) -> ModelSpec | None:
        """Everything the file says; None when something is wrong."""
        if not self.version():
            return None
        self.wrong = check(ModelFile, self.root, self.problems)
        declared = declare(self.root, self.wrong, self.problems, self.fixed)
        train = train_of(self.root, self.wrong, self.problems)
        data = data_of(self.root, self.wrong, declared, self.problems)
        loss, outputs, metrics = self.network(declared)
        if self.problems.found or loss is None:
            return None
        return ModelSpec(
            name=self.plain("name", "model"),
            loss=loss,
            outputs=outputs,
            metrics=metrics,
            tensors=dict(declared.known.tensors),
            roles=declared.roles,
            dims=dict(declared.known.dims),
            train=train,
            data=data,
            text=text,
            file=self.problems.file,
            expanded="\n".join(self.expanded()),
            marks=self.root.keys,
        )

    def version(self) -> bool:
        """Whether the file is of the format that is read here."""
        found = self.root.value.get("symnet")
        if found is not None and isinstance(found.value, int) and found.value not in (True, False, 1):
            hint = "this symnet reads version 1; a newer one may read it"
            self.problems.add("E0009", f"the file is of version {found.value}", hint, [found.mark])
            return False
        return True

    def plain(self, key: str, otherwise: Any) -> Any:
        found = self.root.value.get(key)
        return otherwise if found is None or found.value is None else found.plain()

    def sound(self, key: str) -> Item | None:
        """A section that is there and holds."""
        found = self.root.value.get(key)
        return None if found is None or found.value is None or any(p[:1] == (key,) for p in self.wrong) else found

    def network(self, declared: Declared) -> tuple[Tensor | None, dict[str, Tensor], tuple[Tensor, ...]]:
        """Formulas and layers made, then what is asked of them."""
        known, problems = declared.known, self.problems
        jobs = self.jobs(declared)
        for passage in self.loss_formula():
            found, self.loss_broken = read_formulas(passage, problems)
            jobs += found
        cut = {"formulas", "layers", "tensors", "dims"} & {str(path[0]) for path in self.wrong if len(path) == 1}
        known.uncertain = known.uncertain or self.cut or bool(cut) or "tensors" not in self.root.value
        self.broken |= declared.broken
        define_all(jobs, known, problems, self.broken)
        self.check_defined(declared)
        loss = self.sound("loss")
        made = None if loss is None else loss_of(loss, known, self.broken, problems)
        outputs = outputs_of(self.sound("outputs"), known, self.broken, problems)
        return made, outputs, metrics_of(self.sound("metrics"), known, self.broken, problems)

    def jobs(self, declared: Declared) -> list[Job]:
        """What formulas and layers define."""
        jobs: list[Job] = []
        if self.plain("formulas", None) is None and self.plain("layers", None) is None:
            declared.known.uncertain = True
            hint = "formulas: | and below it, for example, L = mean((x[n] - y[n])**2, n)"
            self.problems.add("E0011", "the file has neither 'formulas' nor 'layers'", hint, [self.root.mark])
        formulas = self.sound("formulas")
        for passage in [] if formulas is None else self.passages(formulas):
            found, broken = read_formulas(passage, self.problems)
            jobs += found
            self.broken |= broken
        self.layered = self.layers(declared)
        return jobs + self.layered

    def layers(self, declared: Declared) -> list[Job]:
        """What the layers define; the names of those that do not hold are known to be broken."""
        section = self.root.value.get("layers")
        if section is None or not isinstance(section.value, list):
            return []
        bad = {path[1] for path in self.wrong if path[:1] == ("layers",) and len(path) > 1}
        good = [n for n, item in enumerate(section.value) if n not in bad and check_entry(item, self.problems)]
        for number in set(range(len(section.value))) - set(good):
            self.broken |= raw_names(section.value[number])
            declared.known.uncertain = True
        inputs = [name for name, role in declared.roles.items() if role == "input"]
        inputs = [name for name in inputs if declared.known.tensors[name].kind != "mask"]
        if len(good) < len(section.value):
            return []
        return layer_jobs(entries(section), inputs, self.problems)

    def passages(self, item: Item) -> Iterator[Passage]:
        """Formulas: one text, or a list of texts."""
        for part in item.value if isinstance(item.value, list) else [item]:
            if part.folded:
                self.cut = True
                hint = "write `formulas: |`, with the formulas below it"
                self.problems.add("E0012", "the lines of formulas: run together", hint, [part.mark])
            else:
                yield part.passage()

    def loss_formula(self) -> Iterator[Passage]:
        """`loss:` where it is a formula, as a definition of loss."""
        loss = self.sound("loss")
        if loss is not None and is_formula(loss.value):
            yield loss.passage().behind("loss = ")

    def check_defined(self, declared: Declared) -> None:
        """A tensor without a role has a formula."""
        for name, mark in declared.undefined.items():
            if declared.known.tensors[name].definition is None and name not in self.broken:
                hint = "say role: input, target, param or state, or define it by a formula"
                self.problems.add("E0011", f"{name} has no role, and no formula defines it", hint, [mark])

    def expanded(self) -> Iterator[str]:
        """The formulas that layers stand for, in the order in which they were made."""
        for job in self.layered:
            for tensor in sorted(job.made, key=lambda made: made.serial):
                if tensor.definition is not None:
                    yield formula_text(tensor)
