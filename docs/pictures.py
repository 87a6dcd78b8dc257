"""The README's pictures: a screenshot of a run's report, in headless Chromium, and the chart of speeds.

    symnet train examples/models/two_moons.yaml --out runs/two_moons && symnet report runs/two_moons -o runs/two_moons.html
    python docs/pictures.py runs/two_moons.html
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    page = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(HERE.parent / "tests" / "report"))
    from browser import picture

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(picture(page, Path(folder), 1280, 2300), HERE / "report.png")
    chart = HERE.parent / "benchmarks" / "training" / "chart.py"
    subprocess.run([sys.executable, str(chart)], check=True)


if __name__ == "__main__":
    main()
