"""Where results go: stdout, or a file that is made whole, with its folders, and never over another unless told so.

A link is followed, so that its file is what changes. A pipe or a device is written to as it is: a file that takes its
place by a rename would reach nobody who reads there.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A file to write; checked before the work begins."""

    path: Path

    @classmethod
    def of(cls, output: str | None, force: bool, endings: tuple[str, ...] = (), hint: str = "") -> Place | None:
        """The place that `-o` names, with one of the endings; None for stdout. `hint` says what to do besides."""
        from symnet.cli.problems import CommandProblem

        if output is None or output == "-":
            return None
        path = Path(output)
        if not output or path.is_dir() or output.endswith("/"):
            raise CommandProblem("E0607", f"{output!r} is a folder, not a file", "name a file in it")
        if endings and path.suffix.lower() not in endings and not is_stream(path):
            what = f"{output} ends in {path.suffix!r}" if path.suffix else f"{output} has no ending"
            raise CommandProblem("E0602", what, f"name a file that ends in {one_of(endings)}{hint}")
        if path.exists() and not force:
            raise CommandProblem("E0604", f"{output} is there already", "-f writes over it")
        return cls(path)

    @property
    def ending(self) -> str:
        """What the file's name ends in, without the dot."""
        return self.path.suffix.lower().removeprefix(".")

    def write(self, content: str | bytes) -> None:
        """The file in one piece, or none."""
        from symnet.cli.problems import CommandProblem

        raw = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        try:
            if is_stream(self.path):
                self.path.write_bytes(raw)
            else:
                replace(Path(os.path.realpath(self.path)), raw)
        except OSError as wrong:
            why = (wrong.strerror or "it is not possible").lower()
            raise CommandProblem("E0607", f"{self.path} cannot be written: {why}", "choose another place") from None


def place_and_format(
    output: str | None, force: bool, asked: str | None, endings: Mapping[str, str], otherwise: str
) -> tuple[Place | None, str]:
    """Where a result goes, and in which format: the one asked for, else the one that the file's ending stands for."""
    known = () if asked else tuple(f".{ending}" for ending in endings)
    place = Place.of(output, force, known, ", or say --format")
    return place, asked or (endings.get(place.ending, otherwise) if place else otherwise)


def one_of(endings: Sequence[str]) -> str:
    """`.csv, .npz or .json`."""
    *others, last = endings
    return f"{', '.join(others)} or {last}" if others else last


def is_stream(path: Path) -> bool:
    """Whether something other than a file is there: a pipe or a device, perhaps behind a link."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def replace(path: Path, raw: bytes) -> None:
    """Write aside, with the folders that are missing, and take the file's place by one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
        os.chmod(aside, 0o666 & ~current_umask())
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def current_umask() -> int:
    """The permissions that new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
