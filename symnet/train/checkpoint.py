"""Arrays and facts in a file that is either whole or noticed to be not.

Written aside in the same folder, flushed to the disk, renamed, and the folder flushed; a digest over names, types,
shapes, bytes and facts is stored inside and checked when read. A checkpoint's file name ends in a running number; the
one before the newest is kept and used when the newest is damaged.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from symnet.errors import NameProblem, SymnetWarning, TrainingProblem

Arrays = dict[str, NDArray[Any]]
KEPT = 2
ASIDE = ".partial"
ENTRY = "symnet"
LENGTH = 8  # bytes that say how long the head of a safetensors file is
STALE = 3600.0  # seconds after which a file aside was left by a process that is no more
NUMBERED = re.compile(r"([\w-]+)\.(\d{6,})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """What a sound checkpoint holds."""

    arrays: Arrays
    facts: dict[str, Any]
    path: Path


# -- checkpoints


def write(folder: Path, name: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> Path:
    """The next checkpoint of a folder; of this name the last two stay."""
    if not re.fullmatch(r"[\w-]+", name):
        raise NameProblem(f"{name!r} cannot name a checkpoint", "take letters, digits, - and _")
    number = max((n for n, _, _ in numbered(folder)), default=0) + 1
    path = save_params(folder / f"{name}.{number:06d}.safetensors", arrays, facts)
    for _, _, older in [c for c in numbered(folder) if c[1] == name][KEPT:]:
        older.unlink(missing_ok=True)
    return path


def newest(folder: Path, name: str | None = None) -> Checkpoint:
    """The newest sound checkpoint of a folder; damaged ones are named in a warning."""
    for _, own, path in numbered(folder):
        if name not in (None, own):
            continue
        try:
            return Checkpoint(*load_params(path), path)
        except TrainingProblem as problem:
            warnings.warn(f"{problem.message}: the checkpoint before it is used", SymnetWarning, stacklevel=2)
    raise TrainingProblem(
        f"there is no sound checkpoint in {folder}", "begin anew: without resume, or in another folder"
    )


def numbered(folder: Path) -> list[tuple[int, str, Path]]:
    """The checkpoints of a folder, newest first: number, name, path."""
    files = folder.iterdir() if folder.is_dir() else []
    found = [(NUMBERED.fullmatch(path.name), path) for path in files]
    return sorted(((int(m[2]), m[1], path) for m, path in found if m), reverse=True)


# -- one file


def save_params(path: str | Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> Path:
    """Write arrays and facts; whatever happens, the path holds the old file or the new one."""
    path = Path(path)
    plain = {name: _plain(array) for name, array in arrays.items()}
    text = json.dumps(dict(facts), sort_keys=True, default=_as_json)
    # one entry: of several, safetensors would write the order that a hash decides
    content = save(plain, {ENTRY: json.dumps({"facts": text, "digest": digest(plain, text)})})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, content)
    except OSError as problem:
        raise TrainingProblem(f"{path} cannot be written: {problem.strerror}", "choose another place for it") from None
    return path


def load_params(path: str | Path) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and facts that `save_params` wrote; anything else is refused."""
    path = Path(path)
    if not path.is_file():
        raise TrainingProblem(f"there is no file {path}", "see where it was saved")
    try:
        return _read(path)
    except OSError as problem:
        raise TrainingProblem(f"{path} cannot be read: {problem.strerror or problem}", "see who may read it") from None
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise TrainingProblem(f"{path} {_trouble(path)}", "take another, or save it anew") from None
    except _Foreign:
        raise TrainingProblem(
            f"{path} was not written by symnet", "set run.params from its arrays, which safetensors.numpy reads"
        ) from None


def _trouble(path: Path) -> str:
    """What is wrong with a file that cannot be read."""
    size = path.stat().st_size
    with open(path, "rb") as handle:
        end = LENGTH + int.from_bytes(handle.read(LENGTH), "little")
        head = handle.read(end - LENGTH if end <= size else 1)
    if head and not head.startswith(b"{"):
        return "is no safetensors file"
    return "is cut off" if end + _extent(head) > size else "is damaged"


def _extent(head: bytes) -> int:
    """Where the last array ends that a safetensors head speaks of; 0 where it makes no sense."""
    try:
        entries = json.loads(head)
        return max(int(entry["data_offsets"][1]) for name, entry in entries.items() if name != "__metadata__")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return 0


class _Foreign(Exception):
    """A sound file of somebody else's."""


def _read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    with safe_open(path, framework="numpy") as handle:
        entry = (handle.metadata() or {}).get(ENTRY)
        if entry is None:
            raise _Foreign
        arrays = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    inside = json.loads(entry)
    if digest(arrays, inside["facts"]) != inside["digest"]:
        raise ValueError("digest")
    return arrays, json.loads(inside["facts"])


def digest(arrays: Mapping[str, NDArray[Any]], facts: str) -> str:
    """SHA-256 over names, types, shapes and bytes of arrays in the order of their names, and facts."""
    names = sorted(arrays)
    head = [[name, arrays[name].dtype.str, list(arrays[name].shape)] for name in names]
    found = hashlib.sha256(json.dumps([head, facts]).encode())
    for name in names:
        found.update(arrays[name].reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """An array as it is stored: C-contiguous and of this machine's byte order."""
    array = np.asarray(array)
    return np.asarray(array, array.dtype.newbyteorder("="), order="C")


def _as_json(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{value!r} of {type(value).__name__} cannot stand in a checkpoint's facts")


# -- the disk


def replace(path: Path, content: bytes) -> None:
    """Put content in the place of a file by one rename, after it has reached the disk."""
    _sweep(path.parent)
    aside = path.parent / f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{ASIDE}"
    try:
        with open(aside, "xb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    _flush(path.parent)


def _flush(folder: Path) -> None:
    """See to it that a rename has reached the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed have left aside."""
    for path in folder.glob(f".*{ASIDE}"):
        try:
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink()
        except OSError:  # another process was faster
            continue
