"""What `generated/` holds for each example: a page of formulas, and a module that runs by itself.

    page         the formulas, the gradients and the steps that led there, as Markdown
    standalone   the emitted module: forward, loss and gradients, training; an example without samples has no training

    python tests/golden.py rnn lstm                 prints the pages of two examples
    python tests/golden.py rnn.py                   prints the module of one
    pytest tests/test_generated.py --update-golden  writes them all

Nothing in them depends on the machine, the process or the order in which a set is walked.
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

SIZES = {"D": 8, "E": 6, "H": 16, "M": 12, "K": 4, "T": 5, "C": 3, "O": 4, "P": 4, "Q": 6}
OUTPUTS = {
    "softmax_regression": "p",
    "mlp": "p",
    "lstm": "p",
    "poisson_regression": "mu",
}  # else wrt[0]
PLAIN = {"linear_regression": 0.1, "softmax_regression": 0.5, "logistic_regression": 0.5}  # SGD with this rate


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


def standalone(name: str) -> str:
    """An example as a module: a model in float32 with its training, or without samples a function in float64."""
    loss, wrt = example(name).build()
    params = [tensor for tensor in wrt if tensor.role == "param"]
    program = Program.of([loss])
    if not any(size.is_Symbol for node in program.inputs() for size in node.shape):
        return sn.function([loss, *sn.grad(loss, params)]).source
    output = next((node for node in program if node.name == OUTPUTS.get(name)), wrt[0])
    optimizer = sn.optim.SGD(PLAIN[name]) if name in PLAIN else sn.optim.Adam(1e-3)
    run = sn.Model(loss, [output], name=TITLES.get(name, name.replace("_", " "))).compile(optimizer)
    symbols = {symbol for node in program.inputs() for size in node.shape for symbol in size.free_symbols}
    run.numbers.update({symbol: SIZES[symbol.name] for symbol in symbols if symbol.name != "N"})
    return run.source


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
        print(standalone(chosen.removesuffix(".py")) if chosen.endswith(".py") else page(chosen))
