"""Every formula of the examples, as its readers take it: KaTeX where node has it, pdflatex where there is one."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from golden import EXAMPLES, example
from test_katex import katex  # noqa: F401  (the fixture)

import symnet as sn

FORMS = ("index", "matrix")


def formulas(dialect: str) -> dict[str, str]:
    """The gradients of all examples in both forms, and every line of their derivations."""
    found = {}
    for name in EXAMPLES:
        loss, wrt = example(name).build()
        derivation = sn.derive(loss, wrt)
        for gradient in derivation.results:
            found |= {f"{name} {gradient.name} {form}": sn.latex(gradient, form, dialect) for form in FORMS}
        if dialect == "katex":
            found[f"{name} steps"] = derivation.latex(dialect)
    return found


@pytest.mark.parametrize("dialect", ["amsmath", "github", "katex"])
def test_katex_takes_every_formula_of_the_examples(katex, dialect):  # noqa: F811
    assert katex(formulas(dialect)) == {}


def test_github_avoids_what_github_refuses():
    assert not [name for name, text in formulas("github").items() if "\\operatorname" in text]


def test_pdflatex_takes_every_formula_of_the_examples(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex on this machine")
    body = "\n".join(f"\\[ {text} \\]" for text in formulas("amsmath").values())
    page = f"\\documentclass{{article}}\\usepackage{{amsmath,amssymb}}\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(page)
    command = ["pdflatex", "-halt-on-error", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
