"""The pages of `generated/`: for each example its formulas, its gradients and the steps that led there.

    python tests/golden.py rnn lstm                 prints the pages of two examples
    pytest tests/test_generated.py --update-golden  writes them all

Nothing on a page depends on the machine, the process or the order in which a set is walked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import symnet as sn
from symnet.core.definition import Node, Program
from symnet.show.steps import Derivation

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "generated"
EXAMPLES = tuple(sorted(path.stem for path in (ROOT / "examples").glob("*.py")))
ACRONYMS = ("mlp", "rnn", "lstm")


@cache
def example(name: str) -> ModuleType:
    """An example as a module."""
    spec = spec_from_file_location(f"example_{name}", ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    """An example as Markdown with formulas as GitHub renders them."""
    loss, wrt = example(name).build()
    return "\n".join(_sections(name, loss, sn.derive(loss, wrt)))


def _sections(name: str, loss: sn.Tensor, derivation: Derivation) -> Iterator[str]:
    title = name.upper() if name in ACRONYMS else name.replace("_", " ").capitalize()
    yield f"# {title}\n\n{(example(name).__doc__ or '').strip()}\n"
    yield "## Declared\n"
    yield _math([sn.latex(sn.program(loss), dialect="github")])
    yield "## Gradients\n"
    for adjoint in _derived(loss, derivation.results):
        yield _math(_forms(adjoint))
    yield "## Steps\n"
    yield derivation.markdown().strip() + "\n"
    yield "---\nWritten by `pytest tests/test_generated.py --update-golden`.\n"


def _derived(loss: sn.Tensor, results: Iterable[sn.Tensor]) -> list[Node]:
    """The gradients and what they read that the network does not define, loss first."""
    forward = Program.of([loss])
    return [node for node in sn.program(*results) if node not in forward and not node.anonymous]


def _forms(tensor: Node) -> list[str]:
    """A definition in index form, and in matrix form where there is one."""
    index, matrix = (sn.latex(tensor, form=form, dialect="github") for form in ("index", "matrix"))
    return [index] if matrix == index else [index, matrix]


def _math(formulas: Iterable[str]) -> str:
    return "\n".join(f"```math\n{formula}\n```\n" for formula in formulas)


if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        print(page(chosen))
