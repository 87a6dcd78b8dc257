"""Definitions in the order in which they can be made; those that wait for each other come as one group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from symnet.core.graph import components
from symnet.declare.tensor import Tensor
from symnet.errors import Mark
from symnet.spec.names import Known
from symnet.spec.passage import Passage, Problems, Refused, Span
from symnet.spec.scopes import Scoped


@dataclass(eq=False)
class Job:
    """One thing to define: a formula, or a layer, which is made by `make`."""

    name: str
    reads: set[str]
    marks: tuple[Mark, ...]
    scoped: Scoped | None = None
    passage: Passage | None = None
    make: Callable[[Known, Problems], None] | None = None
    prefixes: tuple[str, ...] = ()  # a layer's tensors are named `<prefix>.W`
    made: list[Tensor] = field(default_factory=list)  # what a layer made
    waits: list[Job] = field(default_factory=list)

    def place(self, spans: Iterable[Span]) -> list[Mark]:
        """Spans of the formula as marks in the file."""
        assert self.passage is not None, "only formulas have spans"
        return [self.passage.mark(span) for span in spans]

    def note(self, refused: Refused, problems: Problems) -> None:
        """Note why this cannot be defined."""
        marks = self.place(refused.spans) if refused.spans and self.passage is not None else list(self.marks)
        problems.add(refused.code, refused.message, refused.hint, marks)


def groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs so that each stands after what it reads."""
    by_name = {job.name: job for job in jobs}
    by_prefix = {prefix: job for job in jobs for prefix in job.prefixes}
    for job in jobs:
        found = [by_name.get(name) or by_prefix.get(prefix_of(name, by_prefix)) for name in sorted(job.reads)]
        job.waits = list(dict.fromkeys(other for other in found if other is not None))
    return components(jobs, lambda job: job.waits)


def prefix_of(name: str, prefixes: Iterable[str]) -> str:
    """The layer that a dotted name belongs to."""
    parts = name.split(".")
    heads = [".".join(parts[:k]) for k in range(len(parts) - 1, 0, -1)]
    known = set(prefixes)
    return next((head for head in heads if head in known), "")
