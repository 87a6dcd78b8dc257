"""Emitted source as compiled code: a folder for each content, written aside and put in place by one rename.

Numba's own cache is keyed by file and trusts what it finds; two processes sharing one have poisoned it. Here each
program has a folder named by the digest of everything that the machine code depends on. It is made under another name,
compiled there, sealed with a digest of its files, and renamed; nobody ever writes into a sealed folder. A folder whose
seal does not fit is removed and made again, once.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TypeVar

import llvmlite.binding as llvm

from symnet.errors import CacheProblem
from symnet.run.native import machine_code, native

SEAL = "seal.json"
MODULE = "kernel.py"
TEXT = "text.py"
Made = TypeVar("Made")
Compiled = ModuleType | SimpleNamespace
_loaded: dict[str, Compiled] = {}


def cache_root() -> Path:
    """The folder for compiled kernels: `SYMNET_CACHE_DIR`, else the user's; nobody else may write there.

    Where the user's cannot be made, one for this process alone.
    """
    given = os.environ.get("SYMNET_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(given) if given else base / "symnet"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        if not given:
            return scratch()
        raise CacheProblem(
            f"the cache folder {root} cannot be made: {problem.strerror}", "set SYMNET_CACHE_DIR to a folder of yours"
        ) from None
    status = root.stat()
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid != os.getuid():
        raise CacheProblem(
            f"the cache folder {root} can be written by others",
            "chmod 700 it, or set SYMNET_CACHE_DIR to a folder of yours",
        )
    return root


@cache
def scratch() -> Path:
    """A folder for what cannot be kept; it goes with the process."""
    folder = tempfile.mkdtemp(prefix="symnet-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def environment() -> dict[str, str]:
    """What compiled code depends on besides its source."""
    return {
        "python": sys.version,
        **{name: version(name) for name in ("numba", "numpy", "scipy", "llvmlite")},
        "cpu": llvm.get_host_cpu_name(),
        "features": llvm.get_host_cpu_features().flatten(),
    }


def content_key(*parts: str) -> str:
    """The digest of some texts and of the environment."""
    digest = hashlib.sha256(json.dumps([*parts, environment()], sort_keys=True).encode())
    return digest.hexdigest()[:40]


def load(source: str) -> Compiled:
    """The compiled module for a source text, from the cache where it is there."""
    return load_folder(content_key(source), {MODULE: source})


def load_folder(key: str, files: dict[str, str]) -> Compiled:
    """The module in the folder of this key, which is made from `files` when it is missing or damaged."""
    folder = cache_root() / key
    if key not in _loaded:
        with locked(folder):
            _loaded[key] = _from_cache(folder) or _made(folder, files)
    return _loaded[key]


def found(key: str) -> Compiled | None:
    """What the folder of this key holds; None where it is missing or damaged."""
    folder = cache_root() / key
    if key not in _loaded:
        with locked(folder):
            module = _from_cache(folder)
            if module is None:
                return None
            _loaded[key] = module
    return _loaded[key]


def cached_file(key: str, name: str) -> str | None:
    """The text of a file in a sound folder of the cache; None where there is none."""
    folder = cache_root() / key
    return (folder / name).read_text() if is_sound(folder) and (folder / name).exists() else None


def kept_text(key: str, make: Callable[[], str]) -> str:
    """The text that belongs to a key, made where the cache does not hold it."""
    found = cached_file(key, TEXT)
    if found is not None:
        return found
    folder, text = cache_root() / key, make()
    with locked(folder), suppress(OSError):  # it need not be kept
        if not is_sound(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _sealed(folder, {TEXT: text}, lambda aside: None)
    return text


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time makes a folder; the others wait and then find it. Nobody can, where nothing is written."""
    with ExitStack() as held:
        with suppress(OSError):
            fcntl.flock(held.enter_context(open(folder.with_suffix(".lock"), "w")), fcntl.LOCK_EX)
        yield


def _from_cache(folder: Path) -> Compiled | None:
    """What a sealed folder holds, in machine code if that can be; a folder that is not sound is removed."""
    if is_sound(folder):
        for use in (lambda: native(folder, MODULE), lambda: _imported(folder)):
            try:
                module: Compiled | None = use()
            except Exception:  # a damaged cache may fail in any way; it is made again, and then errors are real
                continue
            if module is not None:
                return module
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _made(folder: Path, files: dict[str, str]) -> ModuleType:
    """The module, compiled in the cache, or where that is full or read-only in a folder of this process."""
    try:
        module = _sealed(folder, files, _compiled)
    except OSError:
        folder = scratch() / folder.name
        module = _sealed(folder, files, _compiled)
    module.__file__ = str(folder / MODULE)
    return module


def _sealed(folder: Path, files: dict[str, str], use: Callable[[Path], Made]) -> Made:
    """Make a folder of the cache under another name, use it there, seal it and put it in place."""
    aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        for name, text in files.items():
            (aside / name).write_text(text)
        made = use(aside)
        (aside / SEAL).write_text(json.dumps(digests(aside)))
        os.rename(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return made


def _compiled(folder: Path) -> ModuleType:
    """The module of a folder, compiled, and its machine code beside it."""
    module = _imported(folder)
    for name, code in machine_code(module).items():
        (folder / name).write_bytes(code)
    return module


def _imported(folder: Path) -> ModuleType:
    name = f"symnet_kernel_{folder.name.split('.')[0]}"
    spec = importlib.util.spec_from_file_location(name, folder / MODULE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with own_cache():
        spec.loader.exec_module(module)
    return module


@contextmanager
def own_cache() -> Iterator[None]:
    """Numba keeps its files beside the module, whatever NUMBA_CACHE_DIR says: the folder is sealed as a whole.

    It is imported here, for a process that finds all it needs in machine code goes without.
    """
    config = import_module("numba").config
    before, config.CACHE_DIR = config.CACHE_DIR, ""
    try:
        yield
    finally:
        config.CACHE_DIR = before


def digests(folder: Path) -> dict[str, str]:
    """The digest of each file that a process reads: the source and Numba's index and data."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.name != SEAL and f.suffix != ".pyc"]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def is_sound(folder: Path) -> bool:
    """Whether a folder holds exactly what was sealed."""
    try:
        return bool(json.loads((folder / SEAL).read_text()) == digests(folder))
    except (OSError, ValueError):
        return False
