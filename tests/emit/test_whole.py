"""A model as one module: what its functions give, that it stands alone, and that its text is always the same."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import symnet as sn
from symnet.emit.vector_math import available, defined
from symnet.errors import TrainingProblem

ROOT = Path(__file__).resolve().parents[2]
D, H, K = 5, 4, 3
DEFINING = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign)
FACES = ("forward", "loss_and_gradients", "train", "main", "random_data", "initial", "workspace")
DETERMINED = """
import sys, symnet as sn
from networks import NETWORKS
from golden import standalone
earlier = [sn.input(f"earlier{i}", ()) for i in range(int(sys.argv[1]))]
for name in sys.argv[2:]:
    net = NETWORKS[name]()
    print(sn.function([net.loss, *sn.grad(net.loss, list(net.wrt))]).source)
for name in ("mlp", "lstm", "convolution"):
    print(standalone(name))
n, d, e = sn.indices("n d e")
x, y, g, a = sn.input("x", ("N", 2)), sn.input("y", ("N", 2)), sn.param("g", (2,)), sn.param("a", (2,))
A = sn.param("A", (2, 2))
h = sn.define("h", (n, d), sn.where(x[n, d] > 0, sn.log(x[n, d] + 1), a[d] * x[n, d]))
q = sn.define("q", (n, d), sn.sum(x[n, e] * A[e, d] * sn.sigmoid(x[n, d] * a[d]), e) + sn.sum(A[e, e], e) / 2)
for v in (sn.normalize(h) * g, q * g, sn.softmax(q) * h * g):
    print(sn.function([sn.losses.mse(v, y), *sn.grad(sn.losses.mse(v, y), [a, g])]).source)
"""


def small_model(optimizer: sn.optim.Optimizer | None = None, dtype: str = "float32", **options) -> sn.Run:
    """Batch normalisation, dropout and two outputs, with names that stand for other things in the module."""
    N = sn.dims("N")
    x, t = sn.input("x", (N, D)), sn.input("train", (N,), kind="label", classes=K)
    first, second = sn.layers.Dense(H, name="params"), sn.layers.Dense(K, name="last.one")
    h = sn.layers.Dropout(0.25, name="drop")(sn.tanh(sn.layers.BatchNorm(name="norm")(first(x))))
    z = second(h).named("pack")
    p = sn.softmax(z).named("p")
    loss = sn.losses.cross_entropy(p, t).named("L")
    model = sn.Model(loss, {"p": p, "z": z}, [sn.metrics.accuracy(p, t)], name="small")
    return model.compile(optimizer or sn.optim.Adam(1e-2), dtype=dtype, **options)


def imported(text: str, path: Path) -> ModuleType:
    path.write_text(text)
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run() -> sn.Run:
    return small_model()


@pytest.fixture(scope="module")
def text(run: sn.Run) -> str:
    return run.source


@pytest.fixture(scope="module")
def whole(text: str, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return imported(text, tmp_path_factory.mktemp("whole") / "small.py")


def named(module: ModuleType, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters under the names of the module."""
    known = {**module.PARAMETERS, **getattr(module, "HELD", {})}
    return {re.sub(r"\W", "_", name): value for name, value in values.items() if re.sub(r"\W", "_", name) in known}


# -- what the functions give


def test_importing_compiles_nothing_and_each_kernel_is_compiled_once(whole):
    kernels = (whole.forward_kernel, whole.gradient_kernel, whole.train_steps)
    assert [k.signatures for k in kernels] == [[], [], []]
    x, t = whole.random_data(7)
    params = whole.initial()
    for kind in (np.float32, np.float64):
        given = {name: value.astype(kind) for name, value in params.items()}
        whole.forward(x.astype(kind), given)
        whole.forward(x.astype(kind).tolist(), given)
        whole.loss_and_gradients(x.astype(kind), t.astype(np.int32), given)
        whole.train(np.asfortranarray(x.astype(kind)), t, given, epochs=1)
    assert [len(k.signatures) for k in kernels] == [1, 1, 1]


def test_forward_is_what_the_run_predicts(run, whole):
    x, _ = whole.random_data(9)
    params = {name: run.view(name) for name in (*run.params, "norm.running_mean", "norm.running_var")}
    p, z = whole.forward(x, named(whole, params))
    wanted = run.predict({"x": x})
    np.testing.assert_allclose(p, wanted["p"], rtol=2e-6)
    np.testing.assert_allclose(z, wanted["z"], rtol=2e-5, atol=1e-6)


def test_loss_and_gradients_are_those_of_the_formulas(tmp_path):
    N = sn.dims("N")
    x, y = sn.input("x", (N, D)), sn.input("y", (N,))
    w, b, lam = sn.param("w", (D,)), sn.param("b", ()), sn.input("lam", (), kind="positive")
    L = (sn.losses.mse(x @ w + b, y) + lam * (w**2).sum()).named("L")
    module = imported(sn.Model(L).compile(dtype="float64").source, tmp_path / "linear.py")
    data = module.random_data(6)
    params = {"w": np.arange(5.0), "b": np.float64(0.5)}
    loss, slopes = module.loss_and_gradients(*data, params)
    values = dict(zip(("x", "y", "lam"), data, strict=True))
    wanted = sn.evaluate([L, *sn.grad(L, [w, b])], {**values, **params})
    for found, right in zip([loss, slopes["w"], slopes["b"]], wanted, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12)
    assert module.forward(*data, params) == pytest.approx(loss)  # no outputs: the loss


def test_dropout_is_drawn_from_the_seed(whole):
    data, params = whole.random_data(32), whole.initial()
    first, again, other = (whole.loss_and_gradients(*data, params, seed=seed)[0] for seed in (0, 0, 1))
    assert first == again != other


def test_training_makes_the_loss_smaller_and_keeps_running_moments(whole):
    data, before = whole.random_data(96), whole.initial()
    after, losses = whole.train(*data, before, epochs=30)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.05
    assert set(after) == set(before)
    assert not np.array_equal(after["norm_running_mean"], before["norm_running_mean"])
    again, same = whole.train(*data, before, epochs=30)
    assert same == losses
    assert all(np.array_equal(after[name], again[name]) for name in after)


def test_vectors_and_mappings_are_the_same_parameters(whole):
    params = whole.initial(seed=3)
    theta = whole.pack(params)
    assert theta.shape == (whole.THETA,)
    assert theta.ctypes.data % 64 == 0
    assert {name: value.shape for name, value in whole.unpack(theta).items()} == {
        name: shape for name, (_, shape) in whole.PARAMETERS.items()
    }
    for name, value in whole.unpack(theta).items():
        np.testing.assert_array_equal(value, params[name].astype(np.float32))
        assert np.shares_memory(value, theta)
    used = np.zeros(whole.THETA, int)
    for at, shape in whole.PARAMETERS.values():
        used[at : at + int(np.prod(shape))] += 1
    assert used.max() == 1


def test_a_loss_that_is_not_finite_is_said(whole):
    x, t = whole.random_data(40)
    x[:] = np.inf
    with pytest.raises(FloatingPointError, match="the loss is not finite at step 1 of epoch 1"):
        whole.train(x, t)


def test_what_does_not_fit_is_refused(whole):
    x, t = whole.random_data(4)
    params = whole.initial()
    with pytest.raises(ValueError, match=re.escape("x must have the shape (4, 5), but has (4, 6)")):
        whole.forward(np.zeros((4, 6)), params)
    with pytest.raises(ValueError, match=re.escape("train_2 must hold labels in 0..2, but holds 0..3")):
        whole.loss_and_gradients(x, [0, 1, 2, 3], params)
    with pytest.raises(ValueError, match=re.escape("params_b must have the shape (4,), but has (5,)")):
        whole.train(x, t, {**params, "params_b": np.zeros(5)})


def test_threads_share_a_step_and_agree_with_one(tmp_path):
    found = []
    for threads in (1, 2):
        N = sn.dims("N")
        x, t = sn.input("x", (N, 200)), sn.input("t", (N,), kind="label", classes=10)
        z = sn.layers.Dense(10, name="b")(sn.layers.Dense(256, activation="relu", name="a")(x))
        model = sn.Model(sn.losses.softmax_cross_entropy(z, t), {"z": z})
        run = model.compile(sn.optim.SGD(0.1), threads=threads)
        module = imported(run.source, tmp_path / f"threads_{threads}.py")
        assert ("THREADS = 2" in run.source) == (threads == 2)
        found.append(module.train(*module.random_data(128), epochs=3)[1])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


# -- the text


def test_the_training_loop_is_the_one_that_runs_compiled(run, text):
    lean = run._needed().source
    loops = [body_of(source, "train_steps") for source in (lean, text)]
    assert loops[0] == loops[1]
    assert len(lean) < len(text)


def body_of(source: str, name: str) -> str:
    found = next(s for s in ast.parse(source).body if isinstance(s, ast.FunctionDef) and s.name == name)
    return ast.unparse(ast.Module(found.body, []))


def test_the_head_says_the_formulas_and_the_functions(text):
    head = ast.get_docstring(ast.parse(text)) or ""
    assert head.startswith("small: a model as one module.\n")
    for line in (
        "params_z[n,k] = sum_i x[n,i]*params_W[i,k] + params_b[k]",
        "L = -(1/N)*sum_n log(p[n,train_2[n]])",
        "accuracy = (1/N)*sum_n (1 - [guess[n] != train_2[n]])",
        "last_one_b_bar[i] = (1/N)*sum_n (p[n,i] - delta(train_2[n],i))",
        "v_next[p] = 0.999*v[p] + 0.001*g[p]**2",
        "train_2 (N,): labels from 0, below 3",
        "forward(x, params) -> p (N, 3), pack_2 (N, 3)",
        "loss_and_gradients(x, train_2, params, seed=0) -> L, its slopes by name",
        "train(x, train_2, params=None, epochs=10, seed=0) -> params, losses",
        "Written by symnet; needs numpy, numba and scipy, and nothing else.",
    ):
        assert line in [part.strip() for part in head.splitlines()]


def test_the_text_is_tidy(text):
    assert all(len(line) <= 120 and line == line.rstrip() for line in text.split("\n"))
    assert text.endswith("main()\n")
    assert text.isascii()
    functions = [s.name for s in ast.parse(text).body if isinstance(s, (ast.FunctionDef, ast.ClassDef))]
    assert len(functions) == len(set(functions))  # the prelude once
    imports = {n.name for s in ast.walk(ast.parse(text)) if isinstance(s, ast.Import) for n in s.names}
    imports |= {str(s.module) for s in ast.walk(ast.parse(text)) if isinstance(s, ast.ImportFrom)}
    allowed = {"contextlib", "math", "operator", "time", "numpy"}
    allowed |= {"llvmlite", "llvmlite.binding", "numba", "numba.core", "numba.extending"}
    assert imports <= allowed


def test_every_function_for_people_says_what_it_does(text):
    functions = {s.name: ast.get_docstring(s) for s in ast.parse(text).body if isinstance(s, ast.FunctionDef)}
    for name in (
        "forward",
        "loss_and_gradients",
        "train",
        "train_steps",
        "initial",
        "pack",
        "unpack",
        "workspace",
        "main",
    ):
        assert functions[name], name


def test_it_runs_as_a_script(text, tmp_path):
    (tmp_path / "small.py").write_text(text)
    printed = subprocess.run([sys.executable, "small.py"], cwd=tmp_path, check=True, capture_output=True, text=True)
    lines = printed.stdout.splitlines()
    assert lines[:2] == ["p, of shape (512, 3)", "pack_2, of shape (512, 3)"]
    assert re.fullmatch(r"epoch 10: loss \d\.\d{6}", lines[-2])
    assert re.fullmatch(r"\d+ steps per second", lines[-1])


def test_sizes_that_are_not_known_are_asked_for():
    N, D = sn.dims("N D")
    x, w = sn.input("x", (N, D)), sn.param("w", (D,))
    run = sn.Model(sn.mean((x @ w) ** 2)).compile()
    with pytest.raises(TrainingProblem, match="the kernel is made when sizes are known"):
        _ = run.source


def test_text_does_not_depend_on_the_process():
    """Neither on the seed of hashes nor on how many tensors were declared before."""
    networks = ("last-state-lstm", "attention-causal", "cnn", "transformer-block")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    found = []
    for seed in ("0", "2", "77"):
        command = [sys.executable, "-W", "ignore", "-c", DETERMINED, seed, *networks]
        found.append(
            subprocess.run(command, env={**environment, "PYTHONHASHSEED": seed}, capture_output=True, text=True)
        )
        assert found[-1].returncode == 0, found[-1].stderr
    assert len({one.stdout for one in found}) == 1
    assert found[0].stdout.count("def forward(") == len(networks) + 3 + 3


# -- names


def named_after(names: list[str]) -> sn.Model:
    """A model whose data, parameters and steps in between have these names, in turn."""
    x, labels = sn.input("x.in", ("N", D)), sn.input("t.in", ("N",), kind="label", classes=K)
    h = sn.layers.Dropout(0.25, name="drop")(sn.layers.BatchNorm(name="norm")(x))
    z, n = sn.layers.Dense(K, name="last")(h), sn.indices("n")
    total = sn.tanh(z[n, 0])
    for data, weight, step in zip(names[::3], names[1::3], names[2::3], strict=True):
        one, weight = sn.input(data, ("N",)), sn.param(weight, (), init="constant(0.5)")
        made = sn.define(step, n, total + weight[()] * sn.log(1 + one[n] ** 2))
        total = made[n]
    loss = sn.losses.softmax_cross_entropy(z, labels) + sn.mean(made**2)
    return sn.Model(loss.named("L"), {"p": sn.softmax(z), "made": made}, name="names")


def words_of(text: str) -> set[str]:
    """All that a module defines or imports, and what its functions of arrays name."""
    body = ast.parse(text).body
    found = set().union(*(defined(s) for s in body if isinstance(s, DEFINING)))
    for function in (s for s in body if isinstance(s, ast.FunctionDef) and s.name in FACES):
        found |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
        found |= {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
    return {name for name in found if not name.startswith("_")}


def test_tensors_may_be_called_like_anything_in_the_module(text, tmp_path):
    names = sorted(words_of(text) | available())
    names += [f"further{i}" for i in range(-len(names) % 3)]
    model = named_after(names)
    run = model.compile(sn.optim.Adam(1e-3), dtype="float64")
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=20) for name in names[::3]}
    values |= {"x.in": rng.normal(size=(20, D)), "t.in": rng.integers(0, K, 20)}
    run.fit(values, batch_size=10, progress=False)
    x = sn.input("exp", ("N",))
    outputs = [(i * sn.log(x) + sn.exp(x)).named(name) for i, name in enumerate(("log", "abs", "main", "real"))]
    for i, made in enumerate(sn.function(outputs, dtype="float64")({"exp": np.arange(1.0, 4.0)})):
        np.testing.assert_allclose(made, i * np.log([1, 2, 3]) + np.exp([1, 2, 3]), rtol=1e-12)
    (tmp_path / "names.py").write_text(run.source)
    done = subprocess.run([sys.executable, "names.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
