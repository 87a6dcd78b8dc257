"""What notebooks show: each thing by its own representation, with names escaped."""

from __future__ import annotations

from xml.etree import ElementTree as Tree

import symnet as sn
from symnet.checks.numeric import Report
from symnet.show.tables import html_table
from symnet.train.history import History

n, k = sn.indices("n k")


def cells(html: str) -> list[list[str]]:
    """The rows of a table of well-formed HTML."""
    return [["".join(cell.itertext()) for cell in row] for row in Tree.fromstring(html).iter("tr")]


def quadratic():
    x, w = sn.input("x", ("N",)), sn.param("w", ())
    return sn.define("L", (), sn.mean((x[n] * w) ** 2, n)), w


def test_tables_escape_their_texts():
    assert html_table(("<a>",), [("b & c",)], "d<e") == (
        "<table><caption style='text-align:left'>d&lt;e</caption>"
        '<thead><tr><th style="text-align:left">&lt;a&gt;</th></tr></thead>'
        '<tbody><tr><td style="text-align:left">b &amp; c</td></tr></tbody></table>'
    )


def test_tensors_show_their_formulas():
    x = sn.input("x", ("N", "K"))
    assert x._repr_latex_() == r"$\displaystyle x_{n,k} \in \mathbb{R}^{(N, K)}$"
    h = sn.define("h", (n, k), x[n, k] ** 2)
    assert h._repr_latex_() == r"$\displaystyle h_{n,k} = x_{n,k}^{2}$"


def test_programs_show_all_their_formulas():
    loss, _ = quadratic()
    assert sn.program(loss)._repr_latex_() == (
        r"$\displaystyle \begin{aligned}" "\n" r"L &= \frac{w^{2}}{N} \sum_{n} x_{n}^{2}" "\n" r"\end{aligned}$"
    )


def test_derivations_unfold_and_escape():
    html = sn.derive(*quadratic())._repr_html_()
    root = Tree.fromstring(f"<div>{html.replace('<details open>', '<details>')}</div>")
    assert [e.tag for e in root] == ["details"]
    assert next(small.text for small in root.iter("small")) == "chain rule: w is read by L"
    assert "∂" in html
    assert html.count("<li>") == len(sn.derive(*quadratic()).steps)


def test_graphs_are_drawn():
    assert sn.graph(quadratic()[0])._repr_svg_().startswith('<svg xmlns="http://www.w3.org/2000/svg" class="sg"')


def test_checks_are_tables():
    loss, w = quadratic()
    html = sn.check(loss, w)._repr_html_()
    assert "gradients of L: ok (method complex, rtol 1e-10)" in html
    head, row = cells(html)
    assert head[:4] == ["tensor", "shape", "max abs", "max rel"]
    assert (row[0], row[1], row[8]) == ("w", "scalar", "ok")
    assert "WRONG" in Report("<L>", "central", 1e-7, ())._repr_html_()
    assert "&lt;L&gt;" in Report("<L>", "central", 1e-7, ())._repr_html_()


def test_schedules_are_tables(line):
    html = line.run.schedule._repr_html_()
    assert html.count("<table") == 2
    assert html.startswith("<p>The step</p>")
    step, update = line.run.schedule
    rows = cells(step._repr_html_())
    assert rows[0] == ["", "kernel", "size", "flops", "bytes", "computes"]
    kernels = [row for row in rows[1:] if row[0].isdigit()]
    assert len(kernels) == len(rows) - 2
    product = next(row for row in kernels if row[1] == "product")
    assert product[5].startswith("s_1x (N, 3) @ W (3, 1)")
    assert rows[-1][0].startswith(f"{len(kernels)} kernels; flops ")
    assert "theta_next" in update._repr_html_()


def test_histories_are_tables():
    history = History()
    history.add(loss=0.5)
    history.add(loss=0.25)
    assert cells(history._repr_html_()) == [["epoch", "loss"], ["1", "0.5"], ["2", "0.25"]]


def test_models_and_runs_are_tables(line):
    assert cells(line.model._repr_html_()) == [
        ["part", "tensor", "shape", "formula, kind or start"],
        ["input", "x", "N × 3", "real"],
        ["input", "y", "N × 1", "real"],
        ["parameter", "W", "3 × 1", "glorot_uniform"],
        ["parameter", "b", "1", "zeros"],
        ["output", "v", "N × 1", "Σ_j x[n,j]·W[j,0] + b[0]"],
        ["loss", "L", "scalar", "(1/N)·Σ_n (v[n,0] - y[n,0])²"],
    ]
    found = dict(cells(line.run._repr_html_())[1:])
    assert (found["optimizer"], found["epoch"], found["seed"]) == ("Adam(lr=0.02)", "4", "0")
    assert found["loss"] == f"{line.run.history['loss'][-1]:.4g}"
    assert repr(line.run) == "Run('line', Adam(lr=0.02), float32, seed 0: 4 epochs)"
