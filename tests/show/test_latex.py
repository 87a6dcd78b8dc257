"""LaTeX in index form: names, dialects, programs, and formulas that mean what they say."""

from __future__ import annotations

import random

import pytest
import sympy as sp
from formulas import CASES, IDS, K, N, W, d, formula, jacobian, k, n, p, x, y, z
from reading import LatexReader
from test_text import VALUES, meaning, random_formula

import symnet as sn
from symnet.core.definition import Definition, Program
from symnet.errors import FormulaProblem
from symnet.show.latex import latex_definition, latex_expr, latex_name, latex_program
from symnet.show.names import bound_names, display_names, index_tex, name_tex

NAMES = [
    # name, alone, with an index n
    ("x", "x", "x_{n}"),
    ("W1", "W_{1}", "W^{(1)}_{n}"),
    ("W_1", "W_{1}", "W^{(1)}_{n}"),
    ("Wq", "W_{q}", "W^{(q)}_{n}"),
    ("x_new", r"x_{\mathrm{new}}", r"x^{(\mathrm{new})}_{n}"),
    ("z_bar", r"\bar{z}", r"\bar{z}_{n}"),
    ("z_bar_dot", r"\dot{\bar{z}}", r"\dot{\bar{z}}_{n}"),
    ("xhat", r"\hat{x}", r"\hat{x}_{n}"),
    ("x_tilde", r"\tilde{x}", r"\tilde{x}_{n}"),
    ("z_bar2", r"\bar{z}_{2}", r"\bar{z}^{(2)}_{n}"),
    ("lstm.h_bar_1", r"\bar{h}_{\mathrm{lstm},1}", r"\bar{h}^{\mathrm{lstm},1}_{n}"),
    ("W1_bar", r"\bar{W}_{1}", r"\bar{W}^{(1)}_{n}"),
    ("lstm.h", r"h_{\mathrm{lstm}}", r"h^{\mathrm{lstm}}_{n}"),
    ("lstm.Wi_bar", r"\bar{W}_{\mathrm{lstm},i}", r"\bar{W}^{\mathrm{lstm},i}_{n}"),
    ("lstm.bi", r"b_{\mathrm{lstm},i}", r"b^{\mathrm{lstm},i}_{n}"),
    ("net.block_2.x", r"x_{\mathrm{net.block\ 2}}", r"x^{\mathrm{net.block\ 2}}_{n}"),
    ("gamma", r"\gamma", r"\gamma_{n}"),
    ("beta1", r"\beta_{1}", r"\beta^{(1)}_{n}"),
    ("lam", r"\lambda", r"\lambda_{n}"),
    ("eps", r"\epsilon", r"\epsilon_{n}"),
    ("x_alpha", r"x_{\alpha}", r"x^{(\alpha)}_{n}"),
    ("α", r"\alpha", r"\alpha_{n}"),
    ("loss", r"\mathrm{loss}", r"\mathrm{loss}_{n}"),
    ("loss_bar", r"\overline{\mathrm{loss}}", r"\overline{\mathrm{loss}}_{n}"),
    ("log_p", r"\mathrm{log\ p}", r"\mathrm{log\ p}_{n}"),
    ("layer2", r"\mathrm{layer2}", r"\mathrm{layer2}_{n}"),
]


@pytest.mark.parametrize(("scope", "given", "text", "latex"), CASES, ids=IDS)
def test_latex_reads_as_people_write(scope, given, text, latex):
    assert latex_expr(formula(given), scope) == latex


@pytest.mark.parametrize(("name", "alone", "indexed"), NAMES, ids=[row[0] for row in NAMES])
def test_names(name, alone, indexed):
    assert name_tex(name)[0] == alone
    assert name_tex(name, ["n"])[0] == indexed


@pytest.mark.parametrize(("name", "latex"), [("k'", "k'"), ("d_", "d'"), ("i1", "i_{1}"), ("N", "N"), ("H2", "H_{2}")])
def test_indices_and_dims(name, latex):
    assert index_tex(name) == latex


@pytest.mark.parametrize(
    ("wish", "taken", "primes", "name"),
    [
        (["k"], "", True, "k"),
        (["k"], "nk", True, "k'"),
        (["k"], ["k", "k'"], True, "j"),
        (["k"], "nk", False, "j"),
        (["k"], "nkj", False, "i"),
        (["n"], "n", False, "m"),
        (list("uvw"), "u", False, "v"),
        ([], "", True, "i"),
        ([], "ij", True, "k"),
    ],
)
def test_bound_indices_are_named_after_what_they_run_over(wish, taken, primes, name):
    assert bound_names([wish], taken, primes) == [name]


def test_latex_name_takes_indices_below():
    assert latex_name(sn.param("W1", ("D", "K"))) == "W^{(1)}"
    assert latex_name(sn.param("L1", ())) == "L_{1}"
    assert latex_name(jacobian()) == r"\frac{\partial q}{\partial z}"


@pytest.mark.parametrize(
    ("dialect", "latex"),
    [
        ("amsmath", r"\operatorname*{argmax}_{k} \operatorname{ReLU}(z_{n,k})"),
        ("katex", r"\operatorname*{argmax}_{k} \operatorname{ReLU}(z_{n,k})"),
        ("github", r"\mathrm{argmax}_{k} \mathrm{ReLU}(z_{n,k})"),
        ("mathtext", r"\mathrm{argmax}_{k} \mathrm{ReLU}(z_{n,k})"),
    ],
)
def test_dialects_differ_in_operators(dialect, latex):
    assert latex_expr(formula(sn.argmax(sn.relu(z[n, k]), k)), (n,), dialect=dialect) == latex


def test_unknown_dialects_and_forms_are_refused():
    with pytest.raises(FormulaProblem, match="no LaTeX dialect 'tex'"):
        latex_expr(sp.S.One, dialect="tex")
    with pytest.raises(FormulaProblem, match="no form 'vector'"):
        latex_definition(z, Definition((n, k), sp.S.One), form="vector")


@pytest.mark.parametrize(("scope", "given", "text", "latex"), CASES, ids=IDS)
def test_github_is_spared_what_it_refuses(scope, given, text, latex):
    found = latex_expr(formula(given), scope, dialect="github")
    assert r"\operatorname" not in found
    assert not any(f"\\{sign}" in found for sign in r",;!_{}|[]()")


def test_definition_in_both_forms():
    definition = Definition((d, k), formula(sn.sum(x[n, d] * (p[n, k] - y[n, k]), n) / N))
    left = sn.param("W_bar", ("D", "K"))
    assert latex_definition(left, definition) == (r"\bar{W}_{d,k} = \frac{1}{N} \sum_{n} x_{n,d} (p_{n,k} - y_{n,k})")
    assert latex_definition(left, definition, form="matrix") == r"\bar{W} = \frac{1}{N} X^{\top} (P - Y)"


def test_definition_without_matrix_form_falls_back_to_indices():
    definition = Definition((n,), formula(sn.max(z[n, k], k)))
    node = sn.param("m", ("N",))
    assert latex_definition(node, definition, form="matrix") == r"m_{n} = \max_{k} z_{n,k}"


def test_program_is_aligned_where_the_dialect_can():
    a = sn.define("a", (n, k), sn.sum(x[n, d] * W[d, k], d))
    program = Program.of([sn.define("h", (n, k), sn.tanh(a[n, k]))])
    assert latex_program(program, "katex").splitlines() == [
        r"\begin{aligned}",
        r"a_{n,k} &= \sum_{d} x_{n,d} W_{d,k} \\",
        r"h_{n,k} &= \tanh a_{n,k}",
        r"\end{aligned}",
    ]
    assert latex_program(program, "mathtext", form="matrix").splitlines() == ["A = X W", r"H = \tanh(A)"]


def test_display_names_follow_the_tensor_whose_adjoint_it_is():
    a = sn.param("a", ("N",))
    loss = sn.sum(sn.exp(sn.exp(a * 2) * a))
    names = display_names(Program.of([loss, *sn.grad(loss, [a])]))
    assert len(set(names.values())) == len(names)
    assert names[a] == "a"


@pytest.mark.parametrize("seed", range(150))
def test_latex_means_what_the_formula_means(seed):
    expr = random_formula(random.Random(seed), 4)
    if expr.has(sp.zoo, sp.nan):
        pytest.skip("divides by zero")
    values = {f"{name}_{{n,k}}": value for name, value in VALUES.items()}
    found = LatexReader(latex_expr(expr, (n, k)), {**values, str(K): 4.0}).value()
    assert found == pytest.approx(meaning(expr), rel=1e-9)
