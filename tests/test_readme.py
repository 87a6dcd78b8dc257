"""The README's Python blocks run in order and print what the README says they print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def test_readme_blocks_print_what_they_show():
    blocks = BLOCK.findall(README)
    scope: dict[str, object] = {}
    shown = 0
    for (kind, code), (after, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, scope)
        if after == "text":
            assert _plain(printed.getvalue()) == _plain(expected)
            shown += 1
    assert shown >= 5


def _plain(text: str) -> list[str]:
    """Lines without trailing blanks; rounding errors near zero are one thing on every machine."""
    return [re.sub(r"\d\.\de-1[5-9]", "0.0e+00", line).rstrip() for line in text.strip().splitlines()]


def test_readme_shows_a_formula_that_is_derived():
    assert "\\bar{W} = \\frac{1}{N} X^{\\top} (P - Y)" in README


def test_readme_test_command_is_what_continuous_integration_calls():
    command = next(code for kind, code in BLOCK.findall(README) if "pytest" in code).strip().splitlines()[-1]
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text()
    assert command in script
