"""Sizes that a model leaves open: its data tell them, else they are small ones, where any will do."""

from __future__ import annotations

from typing import Any

from symnet.cli.subject import Subject


def open_sizes(subject: Subject) -> list[Any]:
    """The sizes beside the batch that no declaration says, by name."""
    batch = subject.model.parts.batch
    return sorted({s for node in nodes(subject) for size in node.shape for s in size.free_symbols} - {batch}, key=str)


def nodes(subject: Subject) -> list[Any]:
    """What has to have a size before anything runs."""
    return [*subject.model.parts.params, *subject.model.parts.data]


def sizes_of_data(subject: Subject) -> dict[Any, int]:
    """Those that the data of a model file tell."""
    spec, wanted = subject.spec, open_sizes(subject)
    if spec is None or spec.data is None or not wanted:
        return {}
    from symnet.runs.training_data import base_of
    from symnet.spec.sources import read

    found = read(spec, spec.data, base_of(spec))
    return {
        size: int(length)
        for node in nodes(subject)
        for size, length in zip(node.shape, getattr(found.arrays.get(node.name), "shape", ()), strict=False)
        if size in wanted
    }


def settled(subject: Subject) -> dict[Any, int]:
    """All of them, for what has its sizes in it."""
    from symnet.cli.problems import CommandProblem

    known = sizes_of_data(subject)
    missing = [str(size) for size in open_sizes(subject) if size not in known]
    if missing:
        names, are = ", ".join(missing), "is" if len(missing) == 1 else "are"
        numbers = ", ".join(f"{name}: 64" for name in missing)
        hint = "write numbers in their places, x = sn.input('x', ('N', 64))"
        if subject.spec is not None:
            hint = f"say them in the model file, dims: {{{numbers}}}, or name data: that tell them"
        raise CommandProblem("E0610", f"{names} of {subject.label} {are} open, and a module has its sizes in it", hint)
    return known


def assumed(subject: Subject) -> dict[Any, int]:
    """All of them; what the data do not tell is as small as where gradients are checked."""
    from symnet.checks.values import choose_sizes

    small = choose_sizes(nodes(subject), {})
    return {size: small[size] for size in open_sizes(subject)} | sizes_of_data(subject)
