"""The command line that a run was begun with, told by what its folder holds."""

from __future__ import annotations

import os
import shlex
from typing import Any

OPTIONS = ("data", "epochs", "batch", "lr", "seed", "threads")


def train_command(run: Any, out: str) -> str:
    """`symnet train model.yaml --lr 0.1 --out run`: the options that say something else than the model file."""
    from symnet.runs.training import chosen

    options, own = run.facts["options"], chosen(run.spec, {})
    given = [(f"--{name}", str(options[name])) for name in OPTIONS if options[name] != own[name]]
    file, text = model_file(run)
    words = ["symnet", "train", file, *(word for pair in given for word in pair), "--out", out]
    return shlex.join(words) + (f" < {shlex.quote(text)}" if text else "")


def model_file(run: Any) -> tuple[str, str]:
    """The model file as a command line names it; where it is there no more, standard input, and what goes there."""
    path = run.place.base / str(run.facts.get("file", "-"))
    if not path.is_file() or not run.folder.has_model(path.read_text(encoding="utf-8", errors="replace")):
        return "-", str(run.folder.model_yaml)
    near = os.path.relpath(path)
    return (str(path) if near.startswith("..") else near), ""
