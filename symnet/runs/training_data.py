"""The data of a run, found again: where they were, as far from its folder as they were, or beside the model file.

Data are known by their digest, so that a path may change and a file may not: what a run says of rows that training did
not see holds for the very rows that were divided then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symnet.errors import RunProblem
from symnet.runs.folder import RunFolder, classes_in
from symnet.spec.sources import Dataset, read
from symnet.spec.specification import ModelSpec


@dataclass(frozen=True)
class Place:
    """Where data may be: what paths in the model file are relative to, and the file that takes the place of theirs."""

    base: Path
    override: Path | None = None

    def holds(self, spec: ModelSpec) -> bool:
        """Whether there is something; a built-in set is everywhere."""
        file = spec.data.file if spec.data is not None else None
        path = self.override if self.override is not None else None if file is None else self.base / file
        return path is None or path.exists()


def training_data(
    spec: ModelSpec, folder: RunFolder, facts: Mapping[str, Any], advice: str, given: Path | None = None
) -> tuple[Place, Dataset]:
    """The data that a run was begun with as they are in their source, and where; any others are refused."""
    classes = classes_in(facts)
    met = ""
    for place in places(spec, folder, facts) if given is None else [Place(base_of(spec), given.resolve())]:
        raw = read(spec, spec.data, place.base, place.override, classes=classes)
        if raw.digest == facts["data"]["digest"]:
            return place, raw
        met = met or raw.source
    raise RunProblem(f"the data in {met} are not those that {folder.path} was begun with", advice)


def facts_of_place(place: Place, raw: Dataset, folder: RunFolder | None) -> dict[str, Any]:
    """What has to be remembered to find data again, and to know them."""
    seen_from = None if folder is None else str(folder.home)
    data = {"source": raw.source, "digest": raw.digest, "count": raw.count, "seen_from": seen_from}
    return {"base": str(place.base.resolve()), "data": data}


def places(spec: ModelSpec, folder: RunFolder, facts: Mapping[str, Any]) -> list[Place]:
    """Where the data of a run may be now, the likeliest first; where they were if they are nowhere."""
    known = list(dict.fromkeys(candidates(spec, folder, facts)))
    return [place for place in known if place.holds(spec)] or known[:1]


def candidates(spec: ModelSpec, folder: RunFolder, facts: Mapping[str, Any]) -> Iterator[Place]:
    base, override = Path(facts["base"]), facts["options"]["data"]
    yield Place(base, None if override is None else Path(override))
    if home := facts["data"].get("seen_from"):
        yield Place(moved(base, home, folder), None if override is None else moved(Path(override), home, folder))
    if override is None:
        yield Place(base_of(spec))


def moved(path: Path, home: str, folder: RunFolder) -> Path:
    """A path that was moved together with the run's folder, whose place it was seen from."""
    return Path(os.path.normpath(folder.home / os.path.relpath(path, home)))


def base_of(spec: ModelSpec) -> Path:
    """What paths in a model file are relative to."""
    return Path() if spec.file == "-" else Path(spec.file).parent
