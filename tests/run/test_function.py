"""`sn.function` against the interpreter: networks, random programs, and what users may do with a function.

What is covered how, for compiling a kernel takes a second:

    emitted     the text of a kernel as checked Python, no compiler: all networks and 300 random programs in float64,
                all networks and every third program in float32; indices are checked, unwritten memory is NaN
    compiled    every third network in float64, a choice of them in float32, and random programs several to a kernel;
                with --thorough all networks and more programs
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from compiled import RTOL, disagreement, interpreted, network_results, plain_function, plain_network
from networks import NETWORKS, Network, derived
from random_programs import program as random_program

import symnet as sn
from symnet.errors import KindProblem, RangeProblem, ShapeProblem, SymnetError, ValueProblem
from symnet.run.function import Function

pytestmark = pytest.mark.filterwarnings("ignore::symnet.errors.SymnetWarning")

SEEDS = range(300)
TOGETHER = [range(start, start + 8) for start in (1000, 1008, 1016)]
IN_FLOAT32 = [
    *("mlp-gelu", "activation-mish", "activation-of-positive-log1p", "clipped", "contrastive", "two-losses"),
    *("loss-huber", "loss-of-softmax-kl_divergence", "weighted-cross-entropy", "normalised-mlp-layernorm"),
    *(
        "conv2d-uneven",
        "max-pool-padded",
        "embedding",
        "last-state-lstm",
        "causal-mean",
        "crf",
        "attention-causal-padded",
    ),
    *("penalised-softmax", "top-one", "message-passing", "rotary", "places", "reduced-prod", "guarded"),
]


def often(cases: Sequence[Any], every: int) -> list[Any]:
    """All cases; but for every so-manieth they run with --thorough only."""
    return [case if not at % every else pytest.param(case, marks=pytest.mark.thorough) for at, case in enumerate(cases)]


@cache
def network_function(name: str, dtype: str) -> Function:
    return sn.function(network_results(name), dtype)


@cache
def programs_together(seeds: range) -> tuple[list[Network], list[Any], Function]:
    """Random programs in one function, each with names of its own."""
    nets = [random_program(seed, f"p{seed}_") for seed in seeds]
    results = [[net.loss, *sn.grad(net.loss, list(net.wrt))] for net in nets]
    return nets, results, sn.function([tensor for part in results for tensor in part])


# -- emitted text


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("name", NETWORKS)
def test_emitted_networks_equal_the_interpreter(name: str, dtype: str) -> None:
    found = plain_network(name, dtype)(derived(name)[0].values)
    assert disagreement(found, interpreted(name)) < RTOL[dtype]


@pytest.mark.parametrize("seed", SEEDS)
def test_emitted_random_programs_equal_the_interpreter(seed: int) -> None:
    net = random_program(seed)
    outputs = [net.loss, *sn.grad(net.loss, list(net.wrt))]
    wanted = sn.evaluate(outputs, net.values)
    for dtype in RTOL if seed % 3 == 0 else ["float64"]:
        found = plain_function(outputs, dtype)(net.values)
        assert disagreement(found, wanted) < RTOL[dtype], dtype


# -- compiled


@pytest.mark.parametrize("name", often(list(NETWORKS), 3))
def test_compiled_networks_equal_the_interpreter(name: str) -> None:
    function = network_function(name, "float64")
    assert disagreement(function(derived(name)[0].values), interpreted(name)) < RTOL["float64"]


@pytest.mark.parametrize("name", often(IN_FLOAT32, 2))
def test_compiled_networks_in_float32(name: str) -> None:
    function = network_function(name, "float32")
    found = function(derived(name)[0].values)
    assert disagreement(found, interpreted(name)) < RTOL["float32"]
    assert all(np.asarray(value).dtype == ("float32" if np.ndim(value) else "float64") for value in found)


@pytest.mark.parametrize("seeds", often(TOGETHER, 3), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_compiled_random_programs_equal_the_interpreter(seeds: range) -> None:
    nets, results, function = programs_together(seeds)
    found = iter(function({name: value for net in nets for name, value in net.values.items()}))
    for net, part in zip(nets, results, strict=True):
        assert disagreement([next(found) for _ in part], sn.evaluate(part, net.values)) < RTOL["float64"], net.name


# -- higher derivatives

N, D, K = sn.dims("N D K")
n, d, k, i = sn.indices("n d k i")


def logistic() -> tuple[sn.Tensor, sn.Tensor]:
    x, y, w = sn.input("x", (N, D)), sn.input("y", (N,), kind="mask"), sn.param("w", (D,))
    return sn.losses.bce_with_logits(sn.define("z", (n,), sn.sum(x[n, d] * w[d], d)), y), w


def layered() -> tuple[sn.Tensor, sn.Tensor]:
    x, w, v = sn.input("x", (N, D)), sn.param("w", (D, K)), sn.param("v", (K,))
    return sn.define("L", (), sn.mean(sn.tanh(sn.sum(sn.tanh((x @ w)[n, k]) * v[k], k)) ** 2, n)), w


def entropic() -> tuple[sn.Tensor, sn.Tensor]:
    w = sn.param("w", (D,))
    p = sn.softmax(w)
    return sn.define("L", (), sn.sum(p[d] * sn.log(p[d]), d) + sn.sum(w[d] ** 3, d)), w


def recurrent() -> tuple[sn.Tensor, sn.Tensor]:
    x, w, h = sn.input("x", (N, D)), sn.param("w", (D,)), sn.tensor("h", (N, D))
    sn.define(h, (n, d), sn.tanh(w[d] * x[n, d] + sn.where(d > 0, h[n, d - 1], 0)))
    return sn.define("L", (), sn.mean(h[n, D - 1] ** 2, n)), w


SMALL = [logistic, layered, entropic, recurrent]
LENGTHS = {"N": 4, "D": 3, "K": 2}


def values_of(outputs: list[sn.Tensor], seed: int = 0) -> dict[str, Any]:
    """Random values of all that a function needs."""
    rng = np.random.default_rng(seed)
    inputs = plain_function(outputs).inputs
    shapes = {node: [LENGTHS[str(size)] for size in node.shape] for node in inputs}
    return {v.name: rng.integers(0, 2, s) if v.kind == "mask" else rng.normal(size=s) for v, s in shapes.items()}


@pytest.mark.parametrize("declare", SMALL)
def test_hessians_and_their_products_equal_the_interpreter(declare):
    loss, w = declare()
    along = sn.input("along", w.shape)
    outputs = [sn.hessian(loss, w), sn.hvp(loss, w, along)]
    values = values_of(outputs)
    found = plain_function(outputs)(values)
    assert disagreement(found, sn.evaluate(outputs, values)) < 1e-12
    hessian, product = found
    axes = range(w.rank)
    assert disagreement([np.tensordot(hessian, values["along"], (axes, axes))], [product]) < 1e-12


def test_compiled_hessians_and_jacobians_equal_the_interpreter():
    loss, w = layered()
    slope = sn.grad(loss, w)
    outputs = [loss, slope, sn.jacobian(slope, w), sn.hvp(loss, w, sn.input("along", w.shape))]
    values = values_of(outputs)
    assert disagreement(sn.function(outputs)(values), sn.evaluate(outputs, values)) < 1e-12


# -- what is asked for and what is given


def declared() -> tuple[dict[str, sn.Tensor], dict[str, Any]]:
    """Outputs of all sorts, and values for them."""
    x, s, w = sn.input("x", ("N", "D")), sn.input("s", ()), sn.param("w", ("D",))
    y = sn.input("y", ("N",), kind="label", classes="D")
    z = sn.define("z", (n, d), sn.tanh(x[n, d] * w[d]) * s)
    loss = sn.define("L", (), sn.mean(z[n, y[n]] ** 2, n))
    best = z.argmax(axis=-1).named("best")
    outputs = {"loss": loss, "z": z, "w_bar": sn.grad(loss, w), "s_bar": sn.grad(loss, s), "best": best, "x": x}
    rng = np.random.default_rng(0)
    return outputs, {"x": rng.normal(size=(5, 3)), "s": 1.5, "w": rng.normal(size=3), "y": rng.integers(0, 3, 5)}


OUTPUTS, VALUES = declared()
WANTED = dict(zip(OUTPUTS, sn.evaluate(list(OUTPUTS.values()), VALUES), strict=True))


@pytest.fixture(scope="module")
def function() -> Function:
    return sn.function(OUTPUTS)


@pytest.fixture(scope="module")
def unchecked() -> Function:
    """The same function without a compiler."""
    return plain_function(OUTPUTS)


def test_a_dict_in_gives_a_dict_out(function):
    found = function(VALUES)
    assert list(found) == list(OUTPUTS)
    assert disagreement(list(found.values()), list(WANTED.values())) < 1e-12
    assert {name: (type(v), getattr(v, "dtype", None)) for name, v in found.items()} == {
        "loss": (float, None),
        "z": (np.ndarray, np.float64),
        "w_bar": (np.ndarray, np.float64),
        "s_bar": (float, None),
        "best": (np.ndarray, np.int64),
        "x": (np.ndarray, np.float64),
    }


@pytest.mark.parametrize("names", [["z"], ["loss", "z"], ["z", "z", "loss"], ["best"], ["x"], []])
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_sequence_in_gives_a_list_out(names, kind):
    found = plain_function(kind(OUTPUTS[name] for name in names))(VALUES)
    assert isinstance(found, list)
    assert disagreement(found, [WANTED[name] for name in names]) < 1e-12


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_tensor_in_gives_its_value(name):
    found = plain_function(OUTPUTS[name])(VALUES)
    assert type(found) is type(WANTED[name])
    assert disagreement([found], [WANTED[name]]) < 1e-12


def test_values_go_by_name_or_by_tensor(unchecked):
    tensors = {node.name: node for node in unchecked.inputs}
    calls = [
        unchecked(VALUES),
        unchecked(**VALUES),
        unchecked({tensors[name]: value for name, value in VALUES.items()}),
        unchecked({"x": VALUES["x"], tensors["s"]: VALUES["s"]}, w=VALUES["w"], y=VALUES["y"]),
        unchecked({**VALUES, "another": 1}),
    ]
    assert all(disagreement(list(found.values()), list(WANTED.values())) < 1e-12 for found in calls)


SPELLINGS = {
    "Fortran order": lambda x: np.asfortranarray(x),
    "every other row and column": lambda x: np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3],
    "back to front": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "read only": lambda x: np.broadcast_to(x, x.shape),
    "swapped bytes": lambda x: x.astype(">f8"),
    "lists": lambda x: x.tolist(),
    "long doubles": lambda x: x.astype(np.longdouble),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_values_may_lie_in_memory_as_they_like(function, spell):
    found = function({**VALUES, "x": spell(VALUES["x"])})
    assert disagreement(list(found.values()), list(WANTED.values())) < 1e-12


SCALARS = {"int": 2, "float": 2.0, "array": np.array(2.0), "float32": np.float32(2), "bool": True}


@pytest.mark.parametrize("value", SCALARS.values(), ids=SCALARS)
def test_scalars_may_be_any_number(function, value):
    values = {**VALUES, "s": value}
    assert disagreement(list(function(values).values()), sn.evaluate(list(OUTPUTS.values()), values)) < 1e-12


LABELS = {
    "floats": lambda y: y.astype(float),
    "short": lambda y: y.astype(np.int8),
    "unsigned": lambda y: y.astype(np.uint64),
    "list": lambda y: y.tolist(),
    "apart": lambda y: np.repeat(y, 2)[::2],
}


@pytest.mark.parametrize("spell", LABELS.values(), ids=LABELS)
def test_labels_may_be_any_whole_numbers(function, spell):
    found = function({**VALUES, "y": spell(VALUES["y"])})
    assert disagreement(list(found.values()), list(WANTED.values())) < 1e-12


REFUSED: dict[str, tuple[dict[str, Any], type[SymnetError], list[str]]] = {
    "a label above": ({"y": [0, 1, 3, 0, 1]}, RangeProblem, ["label 3", "row 3", "y", "0..2"]),
    "a label below": ({"y": [0, -1, 0, 0, 1]}, RangeProblem, ["label -1", "row 2", "y"]),
    "half a label": ({"y": [0, 0.5, 0, 0, 1]}, ValueProblem, ["y", "0.5"]),
    "no label": ({"y": [0, np.nan, 0, 0, 1]}, ValueProblem, ["y", "nan"]),
    "an axis too few": ({"x": np.ones(3)}, ShapeProblem, ["x", "(N, D)", "(3,)"]),
    "an axis too many": ({"w": np.ones((1, 3))}, ShapeProblem, ["w", "(D)", "(1, 3)"]),
    "a vector for a scalar": ({"s": [1.0]}, ShapeProblem, ["s", "(1,)"]),
    "rows that differ": ({"y": [0, 1]}, ShapeProblem, ["N", "5 in x", "2 in y"]),
    "columns that differ": ({"w": np.ones(4)}, ShapeProblem, ["D", "3 in x", "4 in w"]),
    "text": ({"x": [["a"] * 3] * 5}, ValueProblem, ["x", "numbers"]),
    "nothing": ({"x": None}, ValueProblem, ["x", "numbers"]),
    "complex numbers": ({"s": 1 + 2j}, ValueProblem, ["s", "complex"]),
    "ragged rows": ({"x": [[1.0, 2.0, 3.0], [1.0]]}, ValueProblem, ["x", "unequal"]),
}


@pytest.mark.parametrize(("given", "problem", "words"), REFUSED.values(), ids=REFUSED)
def test_values_that_do_not_fit_are_refused_by_name(unchecked, given, problem, words):
    with pytest.raises(problem) as caught:
        unchecked({**VALUES, **given})
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("missing", VALUES)
def test_values_that_are_missing_are_named(unchecked, missing):
    with pytest.raises(ValueProblem, match=f"no value was given for {missing}"):
        unchecked({name: value for name, value in VALUES.items() if name != missing})


KINDS = {
    "onehot": ([[1.0, 0.0], [0.5, 0.5]], "row 2"),
    "simplex": ([[1.0, 0.5], [0.5, 0.5]], "row 1"),
    "mask": ([[1.0, 0.0], [2.0, 0.0]], "row 2"),
    "positive": ([[1.0, 1.0], [0.0, 1.0]], "row 2"),
}


@pytest.mark.parametrize(("kind", "value", "row"), [(kind, *rest) for kind, rest in KINDS.items()], ids=KINDS)
def test_values_that_break_a_declared_kind_are_refused(kind, value, row):
    a = sn.input("a", ("N", "D"), kind=kind)
    with pytest.raises(KindProblem, match=row):
        plain_function(sn.sum(a * a))({"a": value})


@pytest.mark.parametrize("dtype", ["float16", "int64", "double", None])
def test_types_that_there_are_not_are_refused(dtype):
    with pytest.raises(ValueProblem, match="float32"):
        sn.function(OUTPUTS["loss"], dtype)


# -- sizes


@pytest.mark.parametrize("rows", [1, 2, 7, 64, 0])
def test_one_function_takes_all_sizes(function, rows):
    rng = np.random.default_rng(rows)
    values = {"x": rng.normal(size=(rows, 4)), "s": 0.5, "w": rng.normal(size=4), "y": rng.integers(0, 4, rows)}
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = sn.evaluate(list(OUTPUTS.values()), values)
    assert disagreement(list(function(values).values()), wanted) < 1e-12


EDGES = ["mlp-relu", "normalised-mlp-layernorm", "loss-softmax_cross_entropy", "last-state-gru", "attention-causal"]
EDGES += ["message-passing", "causal-mean", "conv1d-padding", "top-one", "running-sum-and-product"]


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("name", EDGES)
def test_batches_of_one_row_and_of_none(name, rows):
    """Sums over nothing are 0; what is a mean over nothing is no number, here as in the interpreter."""
    net = derived(name)[0]
    sizes = {node.name: node.shape for node in plain_network(name).inputs}
    values = {key: cut(value, sizes.get(key, ()), rows) for key, value in net.values.items()}
    labels = {node.name: node for node in plain_network(name).inputs if node.kind == "label"}
    values |= {key: np.zeros_like(values[key]) for key, node in labels.items() if str(node.info["classes"]) == "N"}
    if rows == 0 and name == "message-passing":
        values |= {key: values[key][:0] for key in labels}
        values["target"] = values["target"][:0]
    with np.errstate(all="ignore"):
        wanted = sn.evaluate(network_results(name), values)
    assert disagreement(plain_network(name)(values), wanted) < 1e-12


def cut(value: np.ndarray, shape: tuple[Any, ...], rows: int) -> np.ndarray:
    """A value with this many samples."""
    for axis, size in enumerate(shape):
        value = np.take(value, range(rows), axis) if str(size) == "N" else value
    return value


# -- what results are


def test_results_share_no_memory_with_values_or_with_each_other(function):
    values = {name: np.array(value) for name, value in VALUES.items()}
    before = {name: value.copy() for name, value in values.items()}
    first, second = function(values), function(values)
    arrays = [v for found in (first, second) for v in found.values() if isinstance(v, np.ndarray)]
    for at, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in (*values.values(), *arrays[:at]))
        assert one.flags.writeable
        assert one.flags.c_contiguous
    for name, value in before.items():
        np.testing.assert_array_equal(values[name], value)


def test_the_same_call_gives_the_same_bits(function):
    kept = {name: np.copy(value) for name, value in function(VALUES).items()}
    function({**VALUES, "x": VALUES["x"] * 2})
    for name, value in function(VALUES).items():
        np.testing.assert_array_equal(value, kept[name], strict=False)


def test_equal_functions_share_their_kernel(function):
    again = sn.function(OUTPUTS)
    assert again is not function
    assert again.source == function.source
    assert again._compiled is function._compiled


def test_a_function_declared_again_has_the_same_text(unchecked):
    assert plain_function(declared()[0]).source == unchecked.source


def test_not_a_number_goes_through(function):
    values = {**VALUES, "x": np.where(np.arange(15).reshape(5, 3) == 4, np.nan, VALUES["x"])}
    found = function(values)
    np.testing.assert_array_equal(np.isnan(found["z"]), np.isnan(values["x"]))


def test_a_saved_module_runs_by_itself(function, tmp_path):
    function.save(tmp_path / "deep" / "module.py")
    space: dict[str, Any] = {"__name__": "saved"}
    text = (tmp_path / "deep" / "module.py").read_text()
    assert "symnet" not in text.replace("Written by symnet", "")
    exec(compile(text, str(tmp_path / "deep" / "module.py"), "exec"), space)
    found = space["forward"](*[VALUES[node.name] for node in function.inputs])
    assert disagreement(found, list(WANTED.values())) < 1e-12


def test_a_place_that_is_a_twin_is_found_inside_other_reads():
    """Both metrics look up the true class: one lookup serves both, also where it is the place of a read."""
    z, y = sn.input("z", ("N", 4)), sn.input("y", ("N", 4), kind="onehot")
    both = [sn.metrics.accuracy(z, y), sn.metrics.top_k(z, y, 2)]
    values = {"z": np.random.default_rng(0).normal(size=(9, 4)), "y": np.eye(4)[np.arange(9) % 4]}
    assert disagreement(plain_function(both)(values), sn.evaluate(both, values)) == 0


def test_an_input_that_is_asked_for_comes_in_the_type_of_the_function():
    x = sn.input("x", ("N",))
    given = np.array([0.1, 0.2])
    found = sn.function(x, dtype="float32")(x=given)
    assert found.dtype == np.float32
    assert found.tolist() == given.astype(np.float32).tolist()
