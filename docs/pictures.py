"""The README's pictures: a screenshot of a run's report, in headless Chromium, and the chart of speeds.

symnet train examples/models/digits.yaml --out runs/digits
symnet report runs/digits -o runs/digits.html
python docs/pictures.py runs/digits.html
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    page = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(HERE.parent / "tests" / "report"))
    picture = import_module("browser").picture
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(picture(page, Path(folder), 1180, 2150), HERE / "report.png")
    chart = HERE.parent / "benchmarks" / "training" / "chart.py"
    subprocess.run([sys.executable, str(chart)], check=True)


if __name__ == "__main__":
    main()
