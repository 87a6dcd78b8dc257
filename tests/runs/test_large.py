"""Data larger than the memory that a process may take."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_mapped_files_train_without_being_loaded(tmp_path):
    script = Path(__file__).parent / "large.py"
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["file"] > 1.5 * found["spare"]
    assert found["own"] < 0.5 * found["file"]
    assert found["loss"] == pytest.approx(math.log(2))
    assert found["steps"] == math.ceil(1_274_000 / 512)
