"""NPY and NPZ files: arrays by name, large ones memory-mapped.

Headers are read here and believed only as far as the file is long: nothing is allocated for what a header merely asks
for, nothing is unpickled.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from symnet.errors import DataFileError
from symnet.spec.sources.problems import file_error

Array = NDArray[Any]
MAGIC = b"\x93NUMPY"
LONGEST = 10_000  # characters of a header
MAPPED = 64 << 20  # bytes from which an array in an NPZ file is mapped; smaller ones are read and their sums checked
SMALL = 4  # so many times what is small fits into memory
RATIO = 1032  # what deflate can make of a byte at most
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
KINDS = re.compile(r"[<>|=]?([biufSU])(\d+)")
DAMAGED = "take another, or save it anew with numpy.save or numpy.savez"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, struct.error)


@dataclass(frozen=True)
class Header:
    """What the head of an NPY file says, and where its entries begin."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    begin: int

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Arrays:
    """Arrays by name, each read when it is asked for."""

    path: Path
    names: tuple[str, ...]
    members: Mapping[str, zipfile.ZipInfo] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    given: Mapping[str, Array] = field(default_factory=dict)

    def get(self, name: str) -> Array:
        """One array, mapped where that can be."""
        if name in self.given:
            return self.given[name]
        if name in self.files:
            return mapped_file(self.files[name])
        return member(self.path, self.members[name])

    def parts(self) -> list[Path]:
        """The files that these arrays come from."""
        return [self.files[name] for name in sorted(self.files)] or [self.path]


def open_npy(path: Path) -> Arrays:
    """A file of one array, named after the file."""
    return Arrays(path, (path.stem,), files={path.stem: path})


def open_folder(path: Path) -> Arrays:
    """A folder of NPY files, each named after its file."""
    files = {file.stem: file for file in sorted(path.glob("*.npy"))}
    if not files:
        raise file_error(path, "E0402", "the folder holds no .npy files", "give a file, or a folder of .npy files")
    return Arrays(path, tuple(files), files=files)


def open_npz(path: Path) -> Arrays:
    """An archive of arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    except BROKEN:
        raise file_error(path, "E0402", "this is no NPZ file, or it is damaged", DAMAGED) from None
    members = {info.filename.removesuffix(".npy"): info for info in found}
    if len(members) < len(found):
        raise file_error(path, "E0402", "the archive holds two arrays of one name", DAMAGED)
    return Arrays(path, tuple(members), members=members)


# -- headers


def read_header(path: Path, handle: IO[bytes], room: int, what: str = "the file") -> Header:
    """The header at the beginning of a stream of `room` bytes; one that asks for more is refused."""
    start = handle.read(8)
    if not start.startswith(MAGIC) or len(start) < 8:
        raise file_error(path, "E0402", f"{what} is no NPY file, or it is damaged", DAMAGED)
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(handle.read(width), "little")
    if start[6] not in (1, 2, 3) or length > LONGEST:
        raise file_error(path, "E0402", f"the header of {what} makes no sense", DAMAGED)
    raw = handle.read(length)
    dtype, shape, fortran = understood(path, raw.decode("utf-8" if start[6] == 3 else "latin-1", "replace"), what)
    header = Header(dtype, shape, fortran, 8 + width + length)
    if header.begin + header.nbytes > room:
        left = size_text(max(room - header.begin, 0))
        text = f"the header of {what} asks for {size_text(header.nbytes)}, but {left} follow"
        raise file_error(path, "E0409", text, "the file is cut off or damaged: take another")
    return header


def understood(path: Path, text: str, what: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Type, shape and order from the text of a header."""
    try:
        facts = ast.literal_eval(text.strip())
        descr, shape, fortran = facts["descr"], facts["shape"], facts["fortran_order"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise file_error(path, "E0402", f"the header of {what} makes no sense", DAMAGED) from None
    sizes = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < 2**62 for size in shape)
    if not sizes or len(shape) > 32 or not isinstance(fortran, bool):
        raise file_error(path, "E0402", f"the header of {what} makes no sense", DAMAGED)
    return plain_type(path, descr, what), shape, fortran


def plain_type(path: Path, descr: Any, what: str) -> np.dtype[Any]:
    """A type of numbers or of texts; all others are refused."""
    kind = KINDS.fullmatch(descr) if isinstance(descr, str) else None
    try:
        if kind is not None and int(kind[2]) <= 1 << 16:
            found: np.dtype[Any] = np.dtype(descr)
            return found
    except (TypeError, ValueError):
        pass
    if descr == "|O":
        raise file_error(path, "E0402", f"{what} holds Python objects", "save arrays of numbers: array.astype(float)")
    text = str(descr)[:40]
    raise file_error(path, "E0402", f"{what} holds entries of type {text!r}", "give real numbers, labels or texts")


def size_text(count: int) -> str:
    """A number of bytes in words."""
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    return f"{count / 1024**power:.1f} {UNITS[power]}" if power else f"{count} bytes"


# -- entries


def mapped_file(path: Path) -> Array:
    """The array of an NPY file, mapped."""
    try:
        with open(path, "rb") as handle:
            return mapped(path, read_header(path, handle, path.stat().st_size), 0)
    except OSError as wrong:
        raise file_error(
            path, "E0402", f"the file cannot be read: {wrong.strerror or wrong}", "see who may read it"
        ) from None


def mapped(path: Path, header: Header, offset: int) -> Array:
    """Entries of a file as an array that is read page by page."""
    if not header.nbytes:
        return np.empty(header.shape, header.dtype)
    order: Any = "F" if header.fortran else "C"
    return np.memmap(path, header.dtype, "r", offset + header.begin, header.shape, order)


def member(path: Path, info: zipfile.ZipInfo) -> Array:
    """An array of an archive: mapped if it is large and not compressed, else read and its sum checked."""
    what = f"array {info.filename.removesuffix('.npy')!r}"
    stored = info.compress_type == zipfile.ZIP_STORED
    if info.file_size > RATIO * info.compress_size + 1024 or info.compress_size > path.stat().st_size:
        text = f"{what} claims {size_text(info.file_size)}, packed in {size_text(info.compress_size)}"
        raise file_error(path, "E0409", text, DAMAGED)
    try:
        if stored and info.file_size >= MAPPED:
            return mapped_member(path, info, what)
        return read_member(path, info, what)
    except DataFileError:
        raise
    except (*BROKEN, OSError):
        raise file_error(path, "E0402", f"{what} is damaged", DAMAGED) from None


def read_member(path: Path, info: zipfile.ZipInfo, what: str) -> Array:
    check_memory(path, info.file_size, what)
    with zipfile.ZipFile(path) as archive, archive.open(info) as handle:
        header = read_header(path, handle, info.file_size, what)
        raw = handle.read(header.nbytes)
        handle.read()  # the sum is checked at the end
    flat = np.frombuffer(raw, header.dtype)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def mapped_member(path: Path, info: zipfile.ZipInfo, what: str) -> Array:
    with open(path, "rb") as handle:
        handle.seek(info.header_offset)
        head = handle.read(30)
        name, extra = struct.unpack("<HH", head[26:30])
        begin = info.header_offset + 30 + name + extra
        handle.seek(begin)
        room = min(info.file_size, path.stat().st_size - begin)
        return mapped(path, read_header(path, handle, room, what), begin)


def memory() -> int:
    """The bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_memory(path: Path, count: int, what: str) -> None:
    """Refuse what cannot fit into this machine."""
    if count > memory():
        text = f"{what} takes {size_text(count)}, but this machine has {size_text(memory())}"
        raise file_error(path, "E0409", text, "save it as a .npy file of the type that training uses: that is mapped")


def room(path: Path, source: Array, dtype: np.dtype[Any], what: str) -> Array:
    """Where something of the source's shape can be written: memory; for a mapped file that is large, another one.

    That file has no name, and is gone when nobody uses it any more.
    """
    count = source.size * dtype.itemsize
    if not isinstance(source, np.memmap) or count <= memory() // SMALL:
        check_memory(path, count, what)
        return np.empty(source.shape, dtype)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if count > free:
        text = f"{what} takes {size_text(count)}, but {tempfile.gettempdir()} has {size_text(free)} left"
        raise file_error(path, "E0409", text, "TMPDIR says where it is written; or save the data as they should be")
    with tempfile.TemporaryFile(prefix="symnet.") as file:
        return np.memmap(file, dtype, "w+", shape=source.shape)
