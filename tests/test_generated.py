"""The pages of `generated/` are what symnet writes today, byte for byte, in any process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from golden import EXAMPLES, GENERATED, ROOT, page


@pytest.mark.parametrize("name", EXAMPLES)
def test_page_is_what_symnet_writes(name, update_golden):
    path = GENERATED / f"{name}.md"
    if update_golden:
        path.write_text(page(name), encoding="utf-8", newline="\n")
    assert page(name) == path.read_text(encoding="utf-8"), "if the change is right: pytest --update-golden"


def test_every_page_has_an_example():
    assert sorted(path.stem for path in GENERATED.glob("*.md")) == list(EXAMPLES)


def test_pages_do_not_depend_on_the_hash_seed():
    names = ("softmax_regression", "layer_norm", "lstm")
    written = {seed: run_golden(seed, names) for seed in ("1", "20")}
    assert written["1"] == written["20"]
    assert written["1"] == "".join(page(name) + "\n" for name in names).encode()


def run_golden(seed: str, names: tuple[str, ...]) -> bytes:
    """The pages as another process prints them."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(ROOT / "tests" / "golden.py"), *names]
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout
