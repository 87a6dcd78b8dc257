"""The command line called as a function, with streams of its own."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from symnet.cli import main

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "examples" / "models"
GOLDEN = Path(__file__).parent / "golden"
FLOAT = re.compile(r"-?\d+(\.\d+([eE][+-]?\d+)?|[eE][+-]?\d+)")


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code and its two streams."""

    code: int
    out: str
    err: str
    raw: bytes = b""

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """A JSON object for each line of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


def symnet(*arguments: str | Path, stdin: bytes = b"") -> Said:
    """Run a command line in this process."""
    out, err = io.BytesIO(), io.BytesIO()
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"),
        "stdout": io.TextIOWrapper(out, encoding="utf-8"),
        "stderr": io.TextIOWrapper(err, encoding="utf-8"),
    }
    with patch.multiple(sys, **streams):
        code = main([str(argument) for argument in arguments])
        sys.stdout.flush()
        sys.stderr.flush()
    return Said(code, out.getvalue().decode(), err.getvalue().decode(), out.getvalue())


def blurred(text: str) -> str:
    """A text without what depends on the machine: floating numbers, and the widths of columns around them."""
    return re.sub(r"[ ]{2,}", "  ", FLOAT.sub("#", text))


def compare(name: str, text: str, update: bool) -> None:
    """A text against its golden file, which is written anew when asked for."""
    path = GOLDEN / name
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path} is missing: pytest tests/cli --update-golden writes it"
    assert text == path.read_text(encoding="utf-8")
