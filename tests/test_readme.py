"""The README's Python blocks run in order and print what the README says they print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

PATH = Path(__file__).parent.parent / "README.md"
README = PATH.read_text()
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
SHOWN = re.compile(r"```python\n(.*?)```(\n+)```text\n(.*?)```", re.DOTALL)


def printed_by(code: str, scope: dict[str, object]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, scope)
    return out.getvalue()


def test_readme_blocks_print_what_they_show(request):
    scope: dict[str, object] = {}
    fresh = SHOWN.sub(lambda m: f"```python\n{m[1]}```{m[2]}```text\n{printed_by(m[1], scope).rstrip()}\n```", README)
    if request.config.getoption("--update-golden"):
        PATH.write_text(fresh)
    assert len(SHOWN.findall(README)) == len(re.findall("```python", README)) >= 5
    assert _plain(fresh) == _plain(PATH.read_text())


def _plain(text: str) -> list[str]:
    """Lines with blanks folded; in the checker's table the digits and the worst entry are the machine's own."""
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return [re.sub(r"-?\d+\.\d+(e-?\d+)?|\[\d[\d, ]*\]", "#", line) if line.endswith(" ok") else line for line in lines]


def test_readme_shows_a_formula_that_is_derived():
    assert "\\bar{W} = \\frac{1}{N} X^{\\top} (P - Y)" in README


def test_readme_test_command_is_what_continuous_integration_calls():
    command = next(code for kind, code in BLOCK.findall(README) if "pytest" in code).strip().splitlines()[-1]
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text()
    assert command in script
