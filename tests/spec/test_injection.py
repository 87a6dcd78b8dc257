"""Nothing that stands in a formula, a name or a model file is ever run: shown with an audit hook."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    canary = tmp_path_factory.mktemp("canary") / "touched"
    script = Path(__file__).parent / "hostile.py"
    done = subprocess.run([sys.executable, str(script), str(canary)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_hostile_texts_run_nothing_import_nothing_and_open_nothing(outcome):
    assert outcome["events"] == []


def test_hostile_texts_leave_no_trace(outcome):
    assert outcome["canary"] is False


def test_hostile_formulas_are_refused(outcome):
    assert outcome["of"] > 80
    assert outcome["refused"] >= outcome["of"] - 4  # a comment, and names that are only names, are harmless
