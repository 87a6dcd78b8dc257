"""The shape of the code: imports go downward, none hide in functions, and no gradient is written by hand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import symnet

ROOT = Path(symnet.__file__).parent
# what each layer may import from, lowest first; a file may import from its own layer and all before it
LAYERS = (
    "errors",
    "core",
    "declare",
    "spec",
    "differentiate",
    "simplify",
    "show",
    "schedule",
    "emit",
    "run",
    "checks",
    "pipeline",
    "train",
    "explain",
    "runs",
    "report",
    "estimator",
    "cli",
)
# the interpreter explains nothing and schedules nothing; the face and the check ask the pipeline
EXCEPTIONS = {("checks", "pipeline"), ("show", "simplify")}
FILES = sorted(ROOT.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("symnet"):
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("symnet")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downward(path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for name in imported(ast.parse(path.read_text())):
        if name == "symnet":  # the package itself, which imports nothing when it is imported
            continue
        layer = name.split(".")[1]
        allowed = LAYERS.index(layer) <= LAYERS.index(own) or (own, layer) in EXCEPTIONS
        assert allowed, f"{path.name} of layer {own} imports {name}"


def test_imports_have_no_cycle():
    graph = {module_name(p): set(imported(ast.parse(p.read_text()))) - {module_name(p)} for p in FILES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done and name in graph:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        if name != "symnet":
            visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_hides_in_a_function(path):
    parts = path.relative_to(ROOT).parts
    if parts == ("__init__.py",) or parts[0] == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            hidden = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
            assert not hidden, f"{path.name}:{node.lineno} {node.name} imports inside"


def test_functions_and_files_stay_small():
    lengths, files = [], []
    for path in FILES:
        text = path.read_text()
        files.append((text.count("\n"), path.name))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lengths.append((node.end_lineno - node.lineno + 1, f"{path.name}:{node.name}"))
    lengths.sort()
    assert lengths[len(lengths) // 2][0] <= 9
    assert lengths[int(len(lengths) * 0.9)][0] <= 27
    assert lengths[-1][0] <= 60, lengths[-3:]
    assert max(files)[0] <= 450, max(files)


def test_no_gradient_is_written_by_hand():
    """A hand-written gradient would be a derivative method, a table keyed by operator, or a formula for one by name.

    The only derivative methods are those by which SymPy learns that our nodes are constant, and `fdiff`, which
    differentiates a function's own formula.
    """
    suspicious = re.compile(
        r"def (fdiff|_eval_derivative|backward|vjp_|jvp_|grad_\w+|d_\w+)\b|defvjp|register_grad|custom_gradient"
    )
    allowed = {("expr.py", "_eval_derivative"), ("elementwise.py", "fdiff")}
    for path in FILES:
        for match in suspicious.finditer(path.read_text()):
            assert (path.name, match.group(1)) in allowed, f"{path.name}: {match.group(0)}"


@pytest.mark.parametrize(
    "layer",
    ["declare/layers", "declare/losses", "declare/optimizers"]
    + [f"declare/{file}.py" for file in ("functions", "metrics", "regularisers")],
)
def test_declared_things_know_nothing_of_derivatives(layer):
    files = [ROOT / layer] if layer.endswith(".py") else sorted((ROOT / layer).glob("*.py"))
    for path in files:
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}
        assert not names & {"diff", "Derivative", "derivative", "grad", "fdiff"}, path.name


def test_derivatives_are_taken_in_one_place():
    """SymPy's `diff` is called once in the package."""
    calls = [
        (p.name, n.lineno)
        for p in FILES
        for n in ast.walk(ast.parse(p.read_text()))
        if isinstance(n, ast.Attribute) and n.attr == "diff"
    ]
    assert [name for name, _ in calls] == ["elementwise.py"]


def test_nothing_evaluates_text():
    forbidden = {"eval", "exec", "compile", "sympify_text", "parse_expr", "lambdify", "__import__"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, f"{path.name}:{node.lineno} calls {node.func.id}"
