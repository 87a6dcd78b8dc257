"""Every example runs as a script, prints its derivation, and passes its own check."""

from __future__ import annotations

import runpy

import pytest
from golden import EXAMPLES, ROOT, example

import symnet as sn

GRADIENTS = {name: len(example(name).build()[1]) for name in EXAMPLES}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs_and_its_gradients_are_right(name, capsys):
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    loss, wrt = example(name).build()
    assert f"gradients of {loss.name}: ok" in printed
    for tensor in wrt:
        assert f"{tensor.name}_bar" in printed


def test_two_two_two_has_the_lectures_numbers():
    module = example("two_two_two")
    loss, wrt = module.build()
    slopes = dict(zip([t.name for t in wrt], sn.evaluate(sn.grad(loss, wrt), module.VALUES), strict=True))
    assert slopes["z"].round(3).tolist() == [-0.138, 0.045]
    assert slopes["a"].round(3).tolist() == [0.024, -0.024]
    assert slopes["V"].round(3).tolist() == [[-0.127, 0.042], [-0.037, 0.012]]
    assert slopes["W"].round(3).tolist() == [[0.017, -0.016], [0.029, -0.028]]
