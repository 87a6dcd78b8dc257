"""What `generated/` holds is what symnet writes today, byte for byte, in any process; and its modules stand alone."""

from __future__ import annotations

import os
import py_compile
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from golden import EXAMPLES, GENERATED, ROOT, page, standalone

ALONE = ("mlp", "two_two_two")
WRITTEN = {".md": page, ".py": standalone}
FILES = [name + ending for name in EXAMPLES for ending in WRITTEN]
HINT = "if the change is right: pytest tests/test_generated.py --update-golden"
FOUND = "import importlib.util as u; print([n for n in {names!r} if u.find_spec(n)])"


def written(file: str) -> str:
    path = Path(file)
    return WRITTEN[path.suffix](path.stem)


@pytest.mark.parametrize("file", FILES)
def test_file_is_what_symnet_writes(file, update_golden):
    path, text = GENERATED / file, written(file)
    if update_golden:
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8"), HINT


def test_every_file_has_an_example():
    assert sorted(path.name for path in GENERATED.iterdir() if path.is_file()) == sorted(FILES)


def test_files_do_not_depend_on_the_hash_seed():
    files = ("softmax_regression.md", "layer_norm.md", "lstm.md", "softmax_regression.py", "lstm.py")
    found = {seed: run_golden(seed, files) for seed in ("1", "20")}
    assert found["1"] == found["20"]
    assert found["1"] == "".join(written(file) + "\n" for file in files).encode()


def run_golden(seed: str, files: tuple[str, ...]) -> bytes:
    """The files as another process prints them."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(ROOT / "tests" / "golden.py"), *(file.removesuffix(".md") for file in files)]
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_module_is_sound_python(name, tmp_path):
    path = GENERATED / f"{name}.py"
    py_compile.compile(str(path), cfile=str(tmp_path / "compiled.pyc"), doraise=True)
    text = path.read_text(encoding="utf-8")
    assert text.endswith("    main()\n")
    assert all(len(line) <= 120 for line in text.split("\n"))
    assert not re.search(r"^(import|from) (symnet|sympy)", text, re.M)


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory) -> Path:
    """A Python with numpy, numba, scipy and what these need, and nothing else."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = [f"{name}=={version(name)}" for name in ("numpy", "numba", "scipy")]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    done = subprocess.run([*install, *wanted], env=without_paths(), capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no environment with numpy, numba and scipy alone could be made: {done.stderr.strip()[-300:]}")
    return python


def without_paths() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}


@pytest.mark.parametrize("name", ALONE)
def test_module_runs_where_nothing_else_is_installed(name, bare_python, tmp_path):
    names = ("symnet", "sympy", "numpy", "numba", "scipy", "llvmlite")
    command = [str(bare_python), "-I", "-c", FOUND.format(names=names)]
    found = subprocess.run(command, cwd=tmp_path, env=without_paths(), check=True, capture_output=True, text=True)
    assert found.stdout.strip() == str(list(names[2:]))
    script = tmp_path / f"{name}.py"
    script.write_bytes((GENERATED / f"{name}.py").read_bytes())
    command = [str(bare_python), "-I", script.name]
    done = subprocess.run(command, cwd=tmp_path, env=without_paths(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    losses = [float(loss) for loss in re.findall(r"^epoch +\d+: loss (\d+\.\d+)$", done.stdout, re.M)]
    if name == "two_two_two":
        assert done.stdout.startswith("E = ")
    else:
        assert len(losses) == 10
        assert losses[-1] < losses[0]
