"""SPEC: a model file, `-` for standard input, or `file.py:name` of a Model or Tensor in a user's own Python file.

A user's own Python file runs because the user says so; nothing else that is given here is ever run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from symnet.cli.call import Call

MOST = 16_000_001  # bytes of standard input


@dataclass
class Subject:
    """What a verb works on. `tensors` are all that can be named; `wrt` is what is derived by unless said."""

    name: str
    loss: Any
    outputs: dict[str, Any]
    tensors: dict[str, Any]
    wrt: list[Any]
    label: str
    spec: Any = None
    _model: Any = field(default=None, repr=False)

    @property
    def model(self) -> Any:
        """The subject as a Model."""
        if self._model is None:
            from symnet.runs.model_file import model_of
            from symnet.train.model import Model

            self._model = model_of(self.spec) if self.spec is not None else Model(self.loss, name=self.name)
        return self._model

    def named(self, names: str | None) -> list[Any]:
        """The tensors that `--wrt` names, else those that are derived by anyway."""
        if names is None:
            return self.wrt
        return [self.tensor(name.strip()) for name in names.split(",")]

    def tensor(self, name: str) -> Any:
        from symnet.cli.problems import CommandProblem

        if name in self.tensors:
            return self.tensors[name]
        raise CommandProblem("E0602", f"--wrt: {self.label} has no tensor {name!r}", meant(name, self.tensors))


def meant(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is not there."""
    from difflib import get_close_matches

    known = list(known)
    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known[:20])}"


def opened(call: Call, spec: str, to_read: bool = False) -> Subject:
    """What SPEC stands for; `to_read`, a model file's formulas speak of its dims by name, not of their sizes."""
    path, colon, name = spec.rpartition(":")
    if colon and path.endswith(".py"):
        return from_python(path, name)
    if spec.endswith(".py"):
        from symnet.cli.problems import CommandProblem

        hint = f"say which Model or Tensor in it: {spec}:model"
        raise CommandProblem("E0605", f"{spec} is a Python file, and holds several things", hint)
    from symnet.spec.model_file import symbolic

    found = model_file(call, spec)
    return from_spec(symbolic(found) if to_read else found)


def model_file(call: Call, path: str) -> Any:
    """A model file as a specification."""
    from symnet.spec.model_file import read_model

    if path != "-":
        return read_model(path)
    text = from_stdin()
    call.sources["-"] = text
    return read_model("-", text)


def from_stdin() -> str:
    """Standard input, as UTF-8."""
    from symnet.errors import Diagnostic, ModelFileError

    raw = sys.stdin.buffer.read(MOST)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        what = f"byte 0x{raw[wrong.start]:02x} is no UTF-8"
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise ModelFileError([Diagnostic("E0002", what, file="-", line=line, hint="send UTF-8")]) from None


def from_spec(spec: Any) -> Subject:
    """A model file as a subject: derived by its parameters."""
    from symnet.core.definition import Program

    reached = Program.of([spec.loss]).inputs()
    params = [node for node in reached if node.role == "param"]
    label = "standard input" if spec.file == "-" else spec.file
    return Subject(spec.name, spec.loss, spec.outputs, dict(spec.tensors), params, label, spec)


def from_tensors(tensors: dict[str, Any], label: str) -> Subject:
    """A few formulas as a subject: the last scalar among them is the loss, else the last tensor."""
    defined = [tensor for tensor in tensors.values() if tensor.definition is not None]
    scalars = [tensor for tensor in defined if not tensor.rank]
    return from_tensor((scalars or defined)[-1], label, tensors)


def from_tensor(tensor: Any, label: str, tensors: dict[str, Any] | None = None) -> Subject:
    """A tensor as a subject: derived by its parameters, and where it has none by its inputs."""
    from symnet.core.definition import Program
    from symnet.explain import is_differentiable

    program = Program.of([tensor])
    given = program.inputs()
    params = [node for node in given if node.role == "param"]
    named = {node.name: node for node in (*given, *program) if not node.anonymous}
    wrt = params or [node for node in given if is_differentiable(node)]
    return Subject(tensor.name, tensor, {tensor.name: tensor}, tensors or named, wrt, label)


# -- Python files


def from_python(path: str, name: str) -> Subject:
    """A Model or a Tensor of a user's own file."""
    from symnet.cli.problems import CommandProblem
    from symnet.declare.tensor import Tensor
    from symnet.train.model import Model

    module = run_file(Path(path))
    found = getattr(module, name, None) if name else None
    if isinstance(found, Model):
        subject = from_tensor(found.loss, f"{path}:{name}")
        subject.name, subject.outputs, subject._model = found.name, dict(found.outputs), found
        return subject
    if isinstance(found, Tensor):
        return from_tensor(found, f"{path}:{name}")
    there = [key for key, value in vars(module).items() if isinstance(value, (Model, Tensor))]
    what = f"{path} has no {name!r}" if found is None else f"{name!r} in {path} is a {type(found).__name__}"
    hint = meant(name, there) if there else "give a name to a sn.Model or a tensor in it, outside of functions"
    raise CommandProblem("E0605", what, hint)


def run_file(path: Path) -> ModuleType:
    """A user's own Python file, run; what goes wrong in it is told with its line. What it prints goes to stderr."""
    from importlib.util import module_from_spec, spec_from_file_location

    from symnet.cli.problems import CommandProblem

    if not path.is_file():
        raise CommandProblem("E0605", f"there is no file {str(path)!r}", "check the name")
    found = spec_from_file_location(f"_symnet_of_{path.stem}", path.resolve())
    assert found is not None, "a .py file has a loader"
    assert found.loader is not None, "a .py file has a loader"
    module = module_from_spec(found)
    sys.modules[module.__name__] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        with redirect_stdout(sys.stderr):
            found.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise own_failure(error, path) from None
    return module


def own_failure(error: BaseException, path: Path) -> Exception:
    """A failure of a user's file with the last of its lines that took part."""
    import traceback

    from symnet.cli.problems import in_file
    from symnet.errors import LocatedError, SymnetError

    if isinstance(error, LocatedError):
        return error
    if isinstance(error, SyntaxError) and error.filename is not None:
        message = f"{type(error).__name__}: {error.msg}"
        where = str(path) if error.filename == str(path.resolve()) else error.filename
        return in_file("E0606", message, "Python cannot read the file", where, error.lineno, error.offset)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path.resolve())]
    line = frames[-1].lineno if frames else None
    if isinstance(error, SymnetError):
        return in_file(error.code, error.message, error.hint, str(path), line)
    message = f"{type(error).__name__}: {error}".rstrip(": ")
    return in_file("E0606", message, "the file fails when it is run", str(path), line)
