"""Kernels as several threads run them: each its part of a step, with barriers where one needs what another made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from symnet.core.definition import Node
from symnet.emit.kernels import Writer
from symnet.schedule.split import Share

CELL = 8  # numbers of `shared` for each part of a scalar: a cache line, so that threads do not take it from each other


@dataclass
class ThreadsWriter(Writer):
    """Writes kernels that threads share; `partials` says where in `shared` the parts of a scalar are."""

    partials: dict[Node, int] = field(default_factory=dict)

    def shared(self, shares: Iterable[Share], guarded: Node | None = None) -> None:
        """The kernels as several threads run them: each its part, with barriers between."""
        for share in shares:
            if share.item is None:
                self.barrier(share.collected)
                continue
            if share.how == "one":
                self.line("")
                for node in share.partial:
                    self.line(f"{self.part_of_scalar(node)} = 0.0")
                self.line("if tid == 0:")
                self.depth += 1
            for begin in share.begins:
                self.split = frozenset(a.index for a in begin.axes[:1]) if share.how == "columns" else frozenset()
                self.begin(begin)
            self.split = share.split
            self.kernels([share.item], guarded)
            self.split = frozenset()
            for node in share.partial:
                self.line(f"{self.part_of_scalar(node)} = {self.local(node)}")
            if share.how == "one":
                self.depth -= 1

    def part_of_scalar(self, node: Node) -> str:
        """Where a thread says its part of a scalar."""
        at = self.partials.setdefault(node, len(self.partials))
        return f"shared[({at} * {self.threads} + tid) * {CELL}]"

    def room(self) -> int:
        """How many numbers `shared` must hold."""
        return len(self.partials) * self.threads * CELL

    def barrier(self, collected: Iterable[Node]) -> None:
        self.line("")
        self.line(f"goal += {self.threads}")
        self.line("barrier(sync, goal)")
        for node in collected:
            at = self.partials[node]
            parts = [f"shared[{(at * self.threads + t) * CELL}]" for t in range(self.threads)]
            self.line(f"{self.local(node)} = {' + '.join(parts)}")
