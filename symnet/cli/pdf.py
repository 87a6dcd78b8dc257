"""LaTeX documents as PDF, by the pdflatex that is installed."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

SECONDS = 120


def typeset(document: str) -> bytes:
    """The document as PDF."""
    from shutil import which

    from symnet.errors import MissingPart

    program = which("pdflatex")
    if program is None:
        hint = "install it (apt install texlive-latex-base, or brew install --cask basictex), or take --format html"
        raise MissingPart("a PDF needs pdflatex, which is not installed", hint)
    with tempfile.TemporaryDirectory(prefix="symnet-") as folder:
        Path(folder, "page.tex").write_text(document, encoding="utf-8")
        command = [program, "-interaction=batchmode", "-halt-on-error", "-no-shell-escape", "page.tex"]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False)
        made = Path(folder, "page.pdf")
        if done.returncode or not made.is_file():
            raise MissingPart(f"pdflatex could not set the page: {reason(Path(folder))}", "take --format html or latex")
        return made.read_bytes()


def reason(folder: Path) -> str:
    """The first complaint in the log."""
    log = folder / "page.log"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line.removeprefix("! ") for line in lines if line.startswith("!")), "it says nothing")
