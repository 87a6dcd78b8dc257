"""The README's blocks run and print what the README says they print: Python, commands, the model file, the main job."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

PATH = Path(__file__).parent.parent / "README.md"
README = PATH.read_text()
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
SHOWN = re.compile(r"```python\n(.*?)```(\n+)```text\n(.*?)```", re.DOTALL)


CONSOLE = re.compile(r"```console\n\$ symnet ([^\n]*)\n(.*?)```", re.DOTALL)


def said_by(command: str) -> str:
    """What a command writes: its answer and its errors."""
    given = [sys.executable, "-m", "symnet.cli", *shlex.split(command)]
    found = subprocess.run(given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return found.stdout.rstrip()


def printed_by(code: str, scope: dict[str, object]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, scope)
    return out.getvalue()


def test_readme_blocks_print_what_they_show(request):
    scope: dict[str, object] = {}
    fresh = SHOWN.sub(lambda m: f"```python\n{m[1]}```{m[2]}```text\n{printed_by(m[1], scope).rstrip()}\n```", README)
    fresh = CONSOLE.sub(lambda m: f"```console\n$ symnet {m[1]}\n{said_by(m[1])}\n```", fresh)
    if request.config.getoption("--update-golden"):
        PATH.write_text(fresh)
    assert len(SHOWN.findall(README)) == len(re.findall("```python", README)) >= 5
    assert _plain(fresh) == _plain(PATH.read_text())


def _plain(text: str) -> list[str]:
    """Lines with blanks folded; in the checker's table the digits and the worst entry are the machine's own."""
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return [re.sub(r"-?\d+\.\d+(e-?\d+)?|\[\d[\d, ]*\]", "#", line) if line.endswith(" ok") else line for line in lines]


def test_readme_shows_a_model_file_that_there_is():
    (shown,) = (code for kind, code in BLOCK.findall(README) if kind == "yaml")
    kept = (PATH.parent / "examples" / "models" / "digits.yaml").read_text()
    assert shown == "".join(line for line in kept.splitlines(keepends=True) if not line.startswith("#"))


def test_readme_main_job_does_what_it_says(tmp_path):
    command = next(code for kind, code in BLOCK.findall(README) if kind == "bash" and "digits.sh" in code)
    assert "sh examples/digits.sh" in command
    shutil.copytree(PATH.parent / "examples", tmp_path / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "examples/digits.sh"], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "  = (p[n,k] - y[n,k])/N" in done.stdout
    assert "gradients of L: ok" in done.stdout
    accuracy = float(re.findall(r"^accuracy +([\d.]+)$", done.stdout, re.MULTILINE)[-1])
    assert accuracy > 0.93
    assert (tmp_path / "runs" / "digits.html").read_text().startswith("<!doctype html>")


def test_readme_pictures_are_there():
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 2
    for name in pictures:
        assert (PATH.parent / name).stat().st_size > 5_000, name


def test_readme_shows_a_formula_that_is_derived():
    assert "\\bar{W} = \\frac{1}{N} X^{\\top} (P - Y)" in README


def test_readme_test_command_is_what_continuous_integration_calls():
    command = (
        next(code for kind, code in BLOCK.findall(README) if kind == "bash" and "pytest" in code)
        .strip()
        .splitlines()[-1]
    )
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text()
    assert command in script
