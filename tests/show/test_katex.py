"""LaTeX as its readers take it: KaTeX (npm's katex through node) and matplotlib's mathtext, where they are found.

KaTeX is looked for in NODE_PATH and in `node_modules` at the root of the repository: `npm install katex`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from formulas import CASES, IDS, K, N, d, formula, k, n
from test_latex import NAMES
from test_matrix import IDS as MATRIX_IDS
from test_matrix import TABLE, defined

import symnet as sn
from symnet.core.definition import Program
from symnet.show.latex import latex_expr, latex_program
from symnet.show.matrix import matrix_form
from symnet.show.names import name_tex

ROOT = Path(__file__).resolve().parents[2]
PARSE = """
const katex = require("katex");
const said = {};
for (const [name, text] of Object.entries(JSON.parse(require("fs").readFileSync(0, "utf8")))) {
    try { katex.renderToString(text, {throwOnError: true, strict: "error", displayMode: true}); }
    catch (error) { said[name] = error.message; }
}
console.log(JSON.stringify(said));
"""
DIALECTS = ("amsmath", "github", "katex", "mathtext")


def node_environment() -> dict[str, str]:
    paths = [os.environ.get("NODE_PATH", ""), str(ROOT / "node_modules")]
    return {**os.environ, "NODE_PATH": os.pathsep.join(path for path in paths if path)}


def run_node(program: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A program run by node, from where it may find katex."""
    return subprocess.run(
        ["node", "-e", program], input=given, env=node_environment(), capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def katex():
    """What KaTeX says against each of a dict of formulas."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed, so KaTeX cannot be asked")
    if run_node("require.resolve('katex')").returncode:
        pytest.skip("npm's katex is not found: npm install katex, or set NODE_PATH to a node_modules that has it")

    def ask(texts: dict[str, str]) -> dict[str, str]:
        found = run_node(PARSE, json.dumps(texts))
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    return ask


def everything(dialect: str) -> dict[str, str]:
    """Every LaTeX string of the tables, in a dialect."""
    index = {
        f"index: {name}": latex_expr(formula(c[1]), c[0], dialect=dialect) for name, c in zip(IDS, CASES, strict=True)
    }
    tensors = {f"matrix: {name}": defined(*row[:2]) for name, row in zip(MATRIX_IDS, TABLE, strict=True)}
    matrix = {name: matrix_form(t, t.definition, dialect=dialect) or "" for name, t in tensors.items()}
    names = {f"name: {row[0]}": name_tex(row[0], ["n"])[0] + " + " + name_tex(row[0])[0] for row in NAMES}
    return {**index, **matrix, **names}


def network() -> Program:
    """The gradients of a two-layer network with layer normalisation."""
    x, y = sn.input("x", (N, "D")), sn.input("y", (N, K), kind="onehot")
    W, V = sn.param("W", ("D", "H")), sn.param("V", ("H", K))
    a = sn.define("a", (n, d), sn.sum(x[n, k] * W[k, d], k))
    h = sn.layers.LayerNorm()(sn.tanh(a))
    loss = sn.losses.softmax_cross_entropy(h @ V, y)
    return Program.of([loss, *sn.grad(loss, [W, V])])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_katex_takes_every_formula_of_every_dialect(katex, dialect):
    assert katex(everything(dialect)) == {}


@pytest.mark.parametrize("dialect", ["amsmath", "github", "katex"])
def test_katex_takes_whole_programs(katex, dialect):
    program = network()
    assert katex({form: latex_program(program, dialect, form) for form in ("index", "matrix")}) == {}


def test_katex_can_refuse(katex):
    assert set(katex({"broken": r"\frac{1}{", "double": "x_{a}_{b}", "unknown": r"\nonsense", "fine": "x"})) == {
        "broken",
        "double",
        "unknown",
    }


def test_mathtext_takes_every_formula():
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="matplotlib is not installed")
    parser = mathtext.MathTextParser("path")
    for text in everything("mathtext").values():
        parser.parse(f"${text}$")


def test_mathtext_takes_whole_programs():
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="matplotlib is not installed")
    parser = mathtext.MathTextParser("path")
    for form in ("index", "matrix"):
        for line in latex_program(network(), "mathtext", form).splitlines():
            parser.parse(f"${line}$")
