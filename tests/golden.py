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
from symnet.core.definition import Program
from symnet.show.latex import FORMS, latex_definition
from symnet.show.names import display_names
from symnet.show.steps import Derivation
from symnet.show.visible import visible

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "generated"
EXAMPLES = tuple(sorted(path.stem for path in (ROOT / "examples").glob("*.py")))
TITLES = {"mlp": "MLP", "rnn": "RNN", "lstm": "LSTM", "two_two_two": "The 2-2-2 network"}


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
    title = TITLES.get(name, name.replace("_", " ").capitalize())
    yield f"# {title}\n\n{(example(name).__doc__ or '').strip()}\n"
    yield "## Declared\n"
    yield _math([sn.latex(sn.program(loss), dialect="github")])
    yield "## Gradients\n"
    yield from map(_math, _gradients(loss, derivation.results))
    yield "## Steps\n"
    yield derivation.markdown().strip() + "\n"
    yield "---\nWritten by `pytest tests/test_generated.py --update-golden`.\n"


def _gradients(loss: sn.Tensor, results: Iterable[sn.Tensor]) -> Iterator[list[str]]:
    """What the network does not define of all that the results read, loss first, each in one form or two."""
    program, forward = sn.program(*results), Program.of([loss])
    names = display_names(program)
    for node, definition in visible(program).items():
        if node not in forward:
            index, matrix = (latex_definition(node, definition, names, "github", form) for form in FORMS)
            yield [index] if matrix == index else [index, matrix]


def _math(formulas: Iterable[str]) -> str:
    return "\n".join(f"```math\n{formula}\n```\n" for formula in formulas)


if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        print(page(chosen))
