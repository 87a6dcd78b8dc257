"""From a shell, as a person works: every verb one after the other, a training that is stopped, pipes and streams."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from shell import MODELS, symnet

SYMNET = Path(sys.executable).with_name("symnet")
STEPS = """set -e
symnet new starter.yaml --kind loss
symnet derive {model}.yaml --steps --format md -o {model}.md
symnet check {model}.yaml --entries 50
symnet compile {model}.yaml -o generated/{model}.py
symnet train {model}.yaml --epochs 3 --out run
symnet predict run -o predicted.csv
symnet evaluate run
symnet graph {model}.yaml -o graph.svg
symnet report run -o report.html
symnet bench {model}.yaml --against numpy --seconds 0.1
"""


def environment() -> dict[str, str]:
    """With the folder of `symnet` first in the path."""
    return {**os.environ, "PATH": f"{SYMNET.parent}:{os.environ['PATH']}"}


def command(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([SYMNET, *arguments], capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize(("model", "rows"), [("digits", 1797), ("iris", 150), ("two_moons", 1000)])
def test_every_verb_works_from_a_shell(model, rows, tmp_path):
    (tmp_path / f"{model}.yaml").write_text((MODELS / f"{model}.yaml").read_text())
    script = STEPS.format(model=model)
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "gradients of L: ok" in done.stdout
    assert "trained: 3 epochs" in done.stdout
    assert "the rows held out for testing" in done.stdout
    assert "numpy" in done.stdout
    assert "```math" in (tmp_path / f"{model}.md").read_text()
    assert len((tmp_path / "predicted.csv").read_text().splitlines()) == rows + 1
    page = (tmp_path / "report.html").read_text()
    assert all(part in page for part in ("Learning curves", "Gradient check", "Kernel"))
    assert (tmp_path / "graph.svg").read_text().startswith("<svg")


def test_a_training_that_is_stopped_is_saved_and_goes_on(tmp_path, run):
    model = MODELS / "iris.yaml"
    out = tmp_path / "run"
    line = [SYMNET, "train", model, "--epochs", "100000", "--out", out, "--json"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        events = [json.loads(process.stdout.readline()) for _ in range(5)]
        process.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in process.stdout.read().splitlines()]
    assert process.returncode == 130
    assert [event["event"] for event in events] == ["start", *4 * ["epoch"]]
    last = rest[-1]
    assert (last["event"], last["ok"], last["exit"]) == ("result", False, 130)
    assert "--resume goes on" in last["diagnostics"][0]["hint"]
    done = json.loads((out / "run.json").read_text())
    assert done["status"] == "interrupted"
    assert symnet("evaluate", out).code == 0
    resumed = symnet("train", model, "--out", out, "--resume", "--epochs", str(done["epochs"] + 2), "--json").lines
    assert resumed[0]["resumed"] is True
    assert resumed[-1]["data"]["epochs"] == done["epochs"] + 2


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from symnet.cli import main; main(['--help']); main(['train', '--help']);"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sympy', 'numpy', 'numba', 'rich', 'pydantic',"
        " 'scipy', 'ruamel', 'jinja2'}), 'importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] False"


def test_a_reader_that_goes_away_is_no_failure():
    done = subprocess.run(
        ["sh", "-c", "(symnet schema; echo $? >&2) | head -n 1"], env=environment(), capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("{\n", "0\n")


@pytest.mark.parametrize("line", ["symnet explain E0203", "symnet derive -e 'L = sum(x[i]**2, i)'", "symnet --version"])
def test_a_reader_that_has_gone_before_is_no_failure(line):
    code = f"(sleep 0.2; {line}; echo $? >&2) | true; sleep 1.5"
    done = subprocess.run(["sh", "-c", code], env=environment(), capture_output=True, text=True)
    assert done.stderr == "0\n"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("symnet check iris.yaml --method central --rtol 1e-300", 1),
        ("symnet check none.yaml", 2),
        ("symnet check none.yaml --json", 2),
        ("symnet derve", 2),
        ("symnet check iris.yaml", 0),
    ],
)
def test_an_exit_code_does_not_depend_on_readers(line, code, folder):
    script = f"(sleep 0.2; {line}; echo $? > code) 2>&1 | true; while [ ! -s code ]; do sleep 0.1; done"
    subprocess.run(["sh", "-c", script], env=environment(), timeout=120)
    assert (folder / "code").read_text() == f"{code}\n"


@pytest.mark.parametrize("extra", ["", "--json"])
def test_training_goes_on_when_nobody_reads(extra, folder):
    line = f"symnet train iris.yaml --epochs 300 --out run {extra}"
    script = f"({line}; echo $? > code) 2>&1 | head -n 1; while [ ! -s code ]; do sleep 0.1; done"
    subprocess.run(["sh", "-c", script], env=environment(), capture_output=True, timeout=120)
    assert (folder / "code").read_text() == "0\n"
    facts = json.loads((folder / "run" / "run.json").read_text())
    assert (facts["status"], facts["epochs"]) == ("finished", 300)
    assert (folder / "run" / "params.safetensors").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("extra", ["", "--json"])
def test_a_stream_without_room_is_told(extra):
    code = f"symnet explain {extra} E0203 > /dev/full"
    done = subprocess.run(["sh", "-c", code], env=environment(), capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("E0607 what is to be written has no room: no space left on device\nhint: ")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_streams_that_are_closed_lead_nowhere(closed):
    done = subprocess.run(["sh", "-c", f"symnet explain E0203 {closed}"], env=environment(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals(extra, coloured):
    above, below = pty.openpty()
    env = {**environment(), "TERM": "xterm", **extra}
    env = {k: v for k, v in env.items() if k != "NO_COLOR" or "NO_COLOR" in extra}
    done = subprocess.run([SYMNET, "derve"], env=env, stdout=subprocess.PIPE, stderr=below)
    os.close(below)
    said = os.read(above, 10_000).decode()
    os.close(above)
    assert done.returncode == 2
    assert ("\x1b[" in said) is coloured
    assert "did you mean 'derive'?" in said


def test_streams_of_another_encoding_are_no_failure():
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = command("graph", str(MODELS / "iris.yaml"), env=env)
    assert done.returncode == 0
    assert "\\u" in done.stdout
    done = command("graph", str(MODELS / "iris.yaml"), "--json", env=env)
    assert json.loads(done.stdout)["data"]["nodes"][0]["shape"] == "N × D"


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "symnet.cli", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "symnet 0.1.0\n")
