"""Standard streams that no reader, no terminal and no shell can break.

A reader that goes away stops nothing: what comes after is dropped, and the exit code is the one that the command would
have had. Streams that were closed lead nowhere; characters that a terminal cannot show are escaped.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class Patient(io.FileIO):
    """A stream that leads nowhere from when its reader has gone."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            lead_nowhere(self.fileno())
            return super().write(data)


def prepare_streams() -> None:
    """Make the standard streams so; those that are no files of the system, as in a notebook, stay where they are."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stdout, sys.stderr = patient(sys.stdout), patient(sys.stderr)


def patient(stream: Any) -> Any:
    """The same stream, whose reader may go away, and which takes every character."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    try:
        raw = Patient(stream.fileno(), "w", closefd=False)
    except io.UnsupportedOperation:
        stream.reconfigure(errors="backslashreplace")
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        stream.encoding,
        "backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def lead_nowhere(descriptor: int) -> None:
    """What is written there from now on is dropped."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
