"""The benchmarks measure what they say, on their smallest rows; how long it takes is not a test's business."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from helpers import random_values

import symnet as sn

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def derive() -> ModuleType:
    spec = spec_from_file_location("benchmark_derive", ROOT / "benchmarks" / "derive.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mlp_has_as_many_layers_as_it_says(derive):
    for layers in (2, 8):
        assert derive.measure("mlp", layers)["tensors"] == 2 * layers


def test_transformer_has_as_many_blocks_as_it_says(derive):
    tensors = [derive.measure("transformer", blocks)["tensors"] for blocks in (1, 2)]
    block, end = 2 + 8 + 2 + 2 + 2, 2 + 2  # norm, attention, norm, two dense layers; norm and classes
    assert tensors == [block + end, 2 * block + end]


@pytest.mark.parametrize("network", ["mlp", "transformer"])
def test_losses_of_untrained_networks_are_near_the_log_of_the_classes(derive, network):
    loss = derive.NETWORKS[network](2)
    values = {name: 0.1 * v if v.dtype == float else v for name, v in random_values(loss).items()}
    assert sn.evaluate(loss, values) == pytest.approx(np.log(10), abs=0.3)


def test_growth_is_told_in_three_ways(derive):
    rows = [{"layers": 2, "total": 1.0}, {"layers": 8, "total": 2.5}]
    assert derive.growth(rows[:1]) == {"per_layer": 0.5, "more": 0.5, "ratio": 1.0}
    assert derive.growth(rows) == {"per_layer": 0.3125, "more": 0.25, "ratio": 0.625}


def test_table_lines_up(derive):
    rows = [
        {"network": "mlp", "layers": 2, "tensors": 4, "declare": 0.01, "derive": 0.5, "total": 0.51},
        {"network": "mlp", "layers": 128, "tensors": 256, "declare": 0.4, "derive": 4.5, "total": 4.9},
    ]
    lines = derive.table([{**row, **derive.growth(rows[: i + 1])} for i, row in enumerate(rows)]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split("  ")[-1].strip() == "ratio"
    assert lines[2].split() == ["mlp", "128", "256", "0.400", "4.500", "4.900", "38.3", "34.8", "0.15"]
