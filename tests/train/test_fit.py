"""Training as users meet it: the same curves as torch's, the same bits again, and what happens when things go wrong."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

import symnet as sn
from symnet.errors import Diverged, KindProblem, RangeProblem, TrainingProblem, ValueProblem
from symnet.run import compile
from symnet.train.rows import order
from symnet.train.stopping import EarlyStopping

OPTIMIZERS = {
    "sgd": (lambda: sn.optim.SGD(0.1), lambda torch, p: torch.optim.SGD(p, 0.1)),
    "momentum": (lambda: sn.optim.SGD(0.05, momentum=0.9), lambda torch, p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    "nesterov": (
        lambda: sn.optim.SGD(0.05, momentum=0.9, nesterov=True),
        lambda torch, p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
    ),
    "adam": (lambda: sn.optim.Adam(1e-2), lambda torch, p: torch.optim.Adam(p, 1e-2)),
    "adamw": (lambda: sn.optim.AdamW(1e-2), lambda torch, p: torch.optim.AdamW(p, 1e-2)),
    "rmsprop": (lambda: sn.optim.RMSProp(1e-2), lambda torch, p: torch.optim.RMSprop(p, 1e-2)),
    "adagrad": (lambda: sn.optim.Adagrad(1e-2), lambda torch, p: torch.optim.Adagrad(p, 1e-2)),
}


def data(rows: int = 60, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 7))
    return {"x": x, "t": (x @ rng.standard_normal((7, 4))).argmax(1)}


def mlp(**options: object) -> sn.Model:
    x = sn.input("x", ("N", 7))
    t = sn.input("t", ("N",), kind="label", classes=4)
    h = sn.layers.Dense(9, activation="tanh", name="l1")(x)
    h = sn.layers.Dense(8, activation="relu", name="l2")(h)
    z = sn.layers.Dense(4, name="l3")(h)
    loss = sn.losses.softmax_cross_entropy(z, t)
    return sn.Model(loss, outputs={"p": sn.softmax(z)}, metrics=[sn.metrics.accuracy(z, t)], **options)


def quiet(run, values=None, epochs=1, batch_size=16, **options):
    return run.fit(data() if values is None else values, epochs, batch_size, progress=False, **options)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_loss_curve_equals_torch(name):
    torch = pytest.importorskip("torch")
    ours, theirs = OPTIMIZERS[name]
    values = data()
    run = mlp().compile(ours(), dtype="float64", seed=3)
    weights = [torch.tensor(np.array(run.params[p]), requires_grad=True) for p in run.params]
    optimizer = theirs(torch, weights)
    history = quiet(run, values, epochs=25)
    losses = []
    for epoch in range(25):
        rows, total = order(3, epoch, 60, True), 0.0
        for start in range(0, 60, 16):
            chosen = rows[start : start + 16]
            x, t = torch.tensor(values["x"][chosen]), torch.tensor(values["t"][chosen])
            w = weights
            z = torch.relu(torch.tanh(x @ w[0] + w[1]) @ w[2] + w[3]) @ w[4] + w[5]
            loss = torch.nn.functional.cross_entropy(z, t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        losses.append(total / 60)
    assert np.abs(np.array(losses) - history["loss"]).max() < 1e-9
    for name_, weight in zip(run.params, weights, strict=True):
        assert np.abs(run.params[name_] - weight.detach().numpy()).max() < 1e-9


def test_same_seed_gives_the_same_bits():
    first, second = (mlp().compile(sn.optim.Adam(1e-2), seed=5) for _ in range(2))
    assert quiet(first, epochs=3)["loss"] == quiet(second, epochs=3)["loss"]
    assert all(np.array_equal(first.params[p], second.params[p]) for p in first.params)


def test_another_seed_gives_other_weights():
    first, second = (mlp().compile(seed=s) for s in (1, 2))
    assert not np.array_equal(first.params["l1.W"], second.params["l1.W"])


def test_a_second_fit_goes_on_from_the_first():
    one, two = (mlp().compile(sn.optim.Adam(1e-2), dtype="float64", seed=5) for _ in range(2))
    quiet(one, epochs=4)
    quiet(two, epochs=1)
    quiet(two, epochs=3)
    assert one.history["loss"] == two.history["loss"]


def test_resume_in_the_middle_of_an_epoch_gives_the_same_bits(tmp_path):
    whole = mlp().compile(sn.optim.Adam(1e-2), seed=5)
    quiet(whole, epochs=3)
    half = mlp().compile(sn.optim.Adam(1e-2), seed=5)
    quiet(half, epochs=1)
    stopped = stop_at(half, steps=2)
    with pytest.raises(KeyboardInterrupt):
        quiet(half, epochs=2, checkpoint=tmp_path)
    assert stopped.is_set()
    again = mlp().compile(sn.optim.Adam(1e-2), seed=99, resume=tmp_path)
    assert 4 < again.done < 12
    quiet(again, epochs=2)
    assert again.done == whole.done == 12
    assert all(np.array_equal(whole.params[p], again.params[p]) for p in whole.params)
    assert again.history["loss"] == whole.history["loss"]


def stop_at(run, steps: int) -> threading.Event:
    """Ctrl-C after some steps of the next fit: the signal comes while a step runs, and slices are one step long."""
    kernel, noted, seen = run._latest, threading.Event(), []
    plain = type(kernel).steps

    def interrupted(arrays, rows, first, last, done, seed):
        seen.append(first)
        if len(seen) == steps:
            noted.set()
            os.kill(os.getpid(), signal.SIGINT)
        return plain(kernel, arrays, rows, first, last, done, seed)

    kernel.steps, kernel.until = interrupted, lambda first, last: first + 1
    return noted


def test_partial_batches_count_by_their_rows():
    run = mlp().compile(sn.optim.SGD(0.0), dtype="float64", seed=1)
    values = data(50)
    history = quiet(run, values, batch_size=16)
    assert history["loss"][0] == pytest.approx(run.evaluate(values)["loss"], abs=1e-12)
    assert history["accuracy"][0] == pytest.approx(run.evaluate(values)["accuracy"], abs=1e-12)


def test_predict_and_evaluate_agree_with_numpy():
    run = mlp().compile(dtype="float64", seed=1)
    values = data()
    quiet(run, values, epochs=2)
    w = [run.params[p] for p in run.params]
    z = np.maximum(np.tanh(values["x"] @ w[0] + w[1]) @ w[2] + w[3], 0) @ w[4] + w[5]
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    assert np.abs(run.predict({"x": values["x"]})["p"] - p).max() < 1e-14
    assert run.evaluate(values)["loss"] == pytest.approx(-np.log(p[np.arange(60), values["t"]]).mean(), abs=1e-13)


def test_whole_weights_are_repeated_rows():
    values = data(20)
    counts = np.random.default_rng(0).integers(1, 4, 20)
    run = mlp().compile(sn.optim.SGD(0.1), dtype="float64", seed=1)
    quiet(run, values, batch_size=20, sample_weight=counts / counts.mean())
    repeated = {k: np.repeat(v, counts, axis=0) for k, v in values.items()}
    other = mlp().compile(sn.optim.SGD(0.1), dtype="float64", seed=1)
    quiet(other, repeated, batch_size=int(counts.sum()))
    assert all(np.abs(run.params[p] - other.params[p]).max() < 1e-14 for p in run.params)


def test_class_weights_weigh_samples_by_their_class():
    values = data(20)
    weights = {0: 2.0, 1: 1.0, 2: 0.5, 3: 0.0}
    one = mlp().compile(sn.optim.SGD(0.1), dtype="float64", seed=1)
    quiet(one, values, batch_size=20, class_weight=weights)
    two = mlp().compile(sn.optim.SGD(0.1), dtype="float64", seed=1)
    quiet(two, values, batch_size=20, sample_weight=[weights[t] for t in values["t"]])
    assert all(np.array_equal(one.params[p], two.params[p]) for p in one.params)


def test_validation_share_is_held_out():
    run = mlp().compile(sn.optim.Adam(1e-2), seed=1)
    history = quiet(run, data(100), epochs=2, validation=0.2)
    assert run.done == 2 * 5
    assert len(history["val_loss"]) == len(history["val_accuracy"]) == 2


def test_early_stopping_gives_back_the_best_parameters():
    run = mlp().compile(sn.optim.SGD(3.0), dtype="float64", seed=1)
    history = quiet(run, data(100), epochs=40, validation=0.3, early_stopping=2)
    assert len(history["val_loss"]) < 40
    assert len(history["val_loss"]) - 1 - int(np.argmin(history["val_loss"])) == 2


def test_threads_give_the_same_bits_twice_and_nearly_those_of_one():
    runs = [wide().compile(sn.optim.Adam(1e-3), dtype="float64", seed=1, threads=n) for n in (1, 2, 2)]
    values = {"x": np.random.default_rng(0).standard_normal((500, 64)), "t": np.arange(500) % 10}
    losses = [quiet(run, values, epochs=3, batch_size=128)["loss"] for run in runs]
    assert runs[1]._latest.request.threads == 2
    assert losses[1] == losses[2]
    assert np.abs(np.array(losses[0]) - losses[1]).max() < 1e-12
    assert all(np.array_equal(runs[1].params[p], runs[2].params[p]) for p in runs[1].params)


def test_threads_update_a_scalar_once():
    runs = [scaled().compile(sn.optim.SGD(0.1), dtype="float64", seed=1, threads=n) for n in (1, 2)]
    values = {"x": np.random.default_rng(0).standard_normal((300, 64)), "y": np.ones((300, 128))}
    for run in runs:
        quiet(run, values, batch_size=150)
    assert runs[1]._latest.request.threads == 2
    assert abs(runs[0].params["a"] - runs[1].params["a"]) < 1e-12
    assert abs(runs[0].params["a"] - 1) > 1e-3


def largest_of_all() -> sn.Model:
    """A scalar that one thread finds, and a product whose rows are two axes."""
    x, W, n, a, b, c = sn.input("x", ("N", 3, 64)), sn.param("W", (64, 128)), *sn.indices("n a b c")
    h = sn.define("h", (n, a, c), sn.tanh(sn.sum(x[n, a, b] * W[b, c], b)))
    q = sn.define("q", (n,), sn.sum(h[n, a, c] ** 2, a, c))
    return sn.Model(sn.define("L", (), sn.mean(q[n], n) + sn.max(q[n], n)))


def test_threads_agree_on_the_largest_of_all_samples():
    runs = [largest_of_all().compile(sn.optim.SGD(1e-3), dtype="float64", seed=1, threads=n) for n in (1, 2)]
    values = {"x": np.random.default_rng(0).standard_normal((302, 3, 64))}
    losses = [quiet(run, values, batch_size=151)["loss"] for run in runs]
    assert runs[1]._latest.request.threads == 2
    assert np.abs(np.array(losses[0]) - losses[1]).max() < 1e-9
    assert np.abs(runs[0].params["W"] - runs[1].params["W"]).max() < 1e-12


def scaled() -> sn.Model:
    h, a = sn.layers.Dense(128, activation="tanh", name="l1")(sn.input("x", ("N", 64))), sn.param("a", (), init="ones")
    v = sn.define("v", tuple(h.indices), a * h[h.indices])
    return sn.Model(sn.losses.mse(v, sn.input("y", ("N", 128))))


def wide() -> sn.Model:
    x = sn.input("x", ("N", 64))
    t = sn.input("t", ("N",), kind="label", classes=10)
    h = sn.layers.Dense(128, activation="relu", name="l1")(x)
    return sn.Model(sn.losses.softmax_cross_entropy(sn.layers.Dense(10, name="l2")(h), t))


def test_batch_norm_carries_running_moments_as_torch_does():
    torch = pytest.importorskip("torch")
    x = sn.input("x", ("N", 5))
    y = sn.input("y", ("N", 5))
    model = sn.Model(sn.losses.mse(sn.layers.BatchNorm(name="bn")(x), y))
    run = model.compile(sn.optim.SGD(0.0), dtype="float64")
    values = {k: np.random.default_rng(0).normal(2, 3, (40, 5)) for k in "xy"}
    run.fit(values, epochs=1, batch_size=8, shuffle=False, progress=False)
    layer = torch.nn.BatchNorm1d(5).double()
    for start in range(0, 40, 8):
        layer(torch.tensor(values["x"][start : start + 8]))
    assert np.abs(run.view("bn.running_mean") - layer.running_mean.numpy()).max() < 1e-12
    assert np.abs(run.view("bn.running_var") - layer.running_var.numpy()).max() < 1e-12


def test_dropout_keeps_its_share_and_does_nothing_when_asked():
    x = sn.input("x", ("N", 50))
    h = sn.layers.Dropout(0.25, name="drop")(x)
    w = sn.param("w", (), init="ones")
    model = sn.Model(sn.losses.mse(sn.define("v", tuple(h.indices), h[h.indices] * w), x), outputs={"h": h})
    run = model.compile(sn.optim.SGD(0.0), dtype="float64")
    ones = {"x": np.ones((200, 50))}
    history = run.fit(ones, epochs=2, batch_size=32, progress=False)
    # each kept entry is off by 1/3, each dropped one by 1
    share = (1 - np.array(history["loss"])) / (1 - 1 / 9)
    assert np.abs(share - 0.75).max() < 0.02
    assert share[0] != share[1]
    assert np.array_equal(run.predict(ones)["h"], ones["x"])


# -- what can go wrong


def test_nan_in_data_is_refused_by_row_and_column():
    values = data()
    values["x"][2, 1] = np.nan
    with pytest.raises(ValueProblem, match="x holds nan at row 3, column 2"):
        quiet(mlp().compile(), values)


def test_labels_out_of_range_never_reach_a_kernel():
    values = data()
    values["t"][36] = 10
    with pytest.raises(RangeProblem, match=r"label 10 at row 37 of t: allowed 0\.\.3"):
        quiet(mlp().compile(), values)


def test_missing_data_is_named():
    with pytest.raises(ValueProblem, match="t"):
        quiet(mlp().compile(), {"x": data()["x"]})


def test_a_diverging_run_names_the_step_and_the_first_bad_tensor():
    x, y = sn.input("x", ("N", 3)), sn.input("y", ("N", 2))
    v = sn.layers.Dense(2, name="out")(sn.layers.Dense(4, activation="square", name="hidden")(x))
    run = sn.Model(sn.losses.mse(v, y)).compile(sn.optim.SGD(5.0), seed=1)
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(64, 3)), "y": rng.normal(size=(64, 2))}
    with pytest.raises(TrainingProblem, match=r"not finite at step \d+ \(epoch \d+\): (hidden|out|loss)"):
        run.fit(values, epochs=50, batch_size=8, progress=False)


def test_ctrl_c_leaves_the_last_finished_step():
    run = mlp().compile(sn.optim.Adam(1e-2), seed=1)
    quiet(run, epochs=1)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        quiet(run, epochs=10**7)
    done = run.done
    other = mlp().compile(sn.optim.Adam(1e-2), seed=1)
    steps = done % 4
    quiet(other, epochs=done // 4)
    if steps:
        stop_at(other, steps)
        with pytest.raises(KeyboardInterrupt):
            quiet(other, epochs=1)
    assert other.done == done
    assert all(np.array_equal(run.params[p], other.params[p]) for p in run.params)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"validation": 1.5}, "validation|share"),
        ({"sample_weight": [1.0, 2.0]}, "sample_weight"),
    ],
    ids=["batch-size", "share", "weights"],
)
def test_silly_options_are_refused(options, message):
    with pytest.raises(sn.SymnetError, match=message):
        mlp().compile().fit(data(), progress=False, **options)


SOME = {"x": np.ones((2, 7)), "t": np.zeros(2, int)}
NO_WHOLE = ("3", None, 2.5, True, -1)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("epochs", value) for value in NO_WHOLE),
        *(("batch_size", value) for value in (*NO_WHOLE, 0)),
        *(("validation", value) for value in ("0.1", (1, 2), [1], True, 1, -0.1)),
        *(("sample_weight", value) for value in ("balanced", [[1], [1, 2]], {"x": 1})),
        *(("class_weight", value) for value in ({9: 1.0}, {"a": 1.0}, [1.0] * 5, "x")),
        *(("shuffle", value) for value in ("yes", None, 1)),
        *(("early_stopping", value) for value in ("soon", 2, {"monitor": "val_accuracy"})),
    ],
    ids=str,
)
def test_an_option_without_meaning_is_refused_before_anything_is_trained(option, value):
    run = mlp().compile()
    with pytest.raises(ValueProblem, match=option.replace("_", ".")) as caught:
        run.fit(SOME, progress=False, **{option: value})
    assert caught.value.hint
    assert run.done == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("optimizer", value) for value in ("adam", 0.1, sn.optim.Adam)),
        *(("dtype", value) for value in ("float16", "double", np.float16, None, 3)),
        *(("threads", value) for value in (0, True, "2", 2.0)),
        *(("seed", value) for value in (-1, 2**63, 1.0, True, None)),
    ],
    ids=str,
)
def test_what_cannot_be_compiled_for_is_refused(option, value):
    with pytest.raises(ValueProblem) as caught:
        mlp().compile(**{option: value})
    assert caught.value.hint


def test_numbers_and_types_may_be_those_of_numpy():
    run = mlp().compile(dtype=np.dtype("float64"), threads=np.int64(1), seed=np.int32(3))
    same = mlp().compile(dtype=np.float64, seed=3)
    assert (run.dtype, same.dtype) == ("float64", "float64")
    found = quiet(run, epochs=np.int64(2), batch_size=np.int32(8), validation=np.float32(0.25), shuffle=np.bool_(True))
    expected = quiet(same, epochs=2, batch_size=8, validation=0.25)
    assert found["val_loss"] == expected["val_loss"]


def test_no_epochs_are_none():
    run = mlp().compile()
    assert quiet(run, epochs=0).epochs == run.done == 0


def test_other_data_is_looked_at_before_anything_is_trained():
    run = mlp().compile()
    with pytest.raises(ValueProblem, match="no value was given for t"):
        quiet(run, validation={"x": data()["x"]})
    assert run.done == 0


def test_stopping_that_is_used_again_has_forgotten_the_other_model():
    stopping = EarlyStopping("loss", patience=2)
    shared = [mlp().compile(sn.optim.SGD(rate), seed=1) for rate in (0.1, 0.0)]
    for run in shared:
        quiet(run, epochs=6, early_stopping=stopping)
    alone = mlp().compile(sn.optim.SGD(0.0), seed=1)
    quiet(alone, epochs=6, early_stopping=EarlyStopping("loss", patience=2))
    assert all(np.array_equal(shared[1].params[p], alone.params[p]) for p in alone.params)
    assert shared[1].history["loss"] == alone.history["loss"]
    assert stopping.best == min(alone.history["loss"])


def test_values_of_a_kind_are_checked():
    x, y = sn.input("x", ("N", 3)), sn.input("y", ("N", 2), kind="onehot")
    model = sn.Model(sn.losses.softmax_cross_entropy(sn.layers.Dense(2, name="out")(x), y))
    with pytest.raises(KindProblem, match="row 2"):
        model.compile().fit({"x": np.ones((3, 3)), "y": [[1, 0], [1, 1], [0, 1]]}, progress=False)


# -- memory


@pytest.mark.parametrize("native", [False, True])
def test_a_step_allocates_nothing_and_memory_is_what_was_planned(native, tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("SYMNET_CACHE_DIR", str(tmp_path))
    for _ in range(2 if native else 1):  # as Numba has it, and as the next process finds it
        monkeypatch.setattr(compile, "_loaded", {})
        run = mlp().compile(sn.optim.Adam(1e-2), seed=1)
        quiet(run, epochs=1)
    kernel = run._latest
    assert kernel.nbytes() == sum(a.nbytes for a in vars(kernel).values() if isinstance(a, np.ndarray)) - (
        kernel.shared.nbytes + kernel.sync.nbytes
    )
    values = data()
    arrays = [np.ascontiguousarray(values["x"], np.float32).ravel(), values["t"]]
    _nrt_python.memsys_enable_stats()
    counts = []
    for last in (1, 4):
        before = rtsys.get_allocation_stats()
        assert kernel.steps(arrays, np.arange(60), 0, last, 0, 0) == last
        after = rtsys.get_allocation_stats()
        counts.append((after.alloc - before.alloc, after.mi_alloc - before.mi_alloc))
    # Numba makes a handle for each array that is passed in, whatever the number of steps
    assert counts[0] == counts[1] == ((0, 0) if native else (13, 13))


def test_parameters_can_be_kept_and_read_back(tmp_path):
    run = mlp().compile(seed=1)
    quiet(run, epochs=1)
    run.save(tmp_path / "mlp.safetensors")
    other = mlp().compile(seed=2)
    other.load(tmp_path / "mlp.safetensors")
    assert all(np.array_equal(run.params[p], other.params[p]) for p in run.params)


def test_running_moments_after_a_batch_of_one_sample():
    """Of one sample nothing is known about a variance: the running one moves towards 0, and stays a number."""
    x, y = sn.input("x", ("N", 3)), sn.input("y", ("N", 1))
    norm = sn.layers.BatchNorm(momentum=0.25, name="norm")
    z = sn.layers.Sequential(norm, sn.layers.Dense(1))(x)
    run = sn.Model(sn.losses.mse(z, y)).compile(sn.optim.SGD(0.0), dtype="float64", seed=0)
    data = {"x": np.arange(15.0).reshape(5, 3) ** 2, "y": np.zeros((5, 1))}
    run.fit(data, epochs=1, batch_size=4, shuffle=False, progress=False)
    expected = 0.75 * (0.75 * np.ones(3) + 0.25 * data["x"][:4].var(0, ddof=1))
    np.testing.assert_allclose(run.params["norm.running_var"], expected, rtol=1e-12)


def test_data_may_be_a_parameter():
    """Training on the parameters' own memory is training on what they were when it began."""
    x, y = sn.input("x", ("N", 4)), sn.input("y", ("N", 4))
    model = sn.Model(sn.losses.mse(sn.layers.Dense(4, name="d")(x), y))
    runs = [model.compile(sn.optim.SGD(0.1), dtype="float64", seed=2) for _ in range(2)]
    for run in runs:
        run.fit({"x": np.ones((2, 4)), "y": np.zeros((2, 4))}, epochs=1, batch_size=2, progress=False)
    for run, own in zip(runs, (runs[0].view("d.W"), runs[1].view("d.W").copy()), strict=True):
        run.fit({"x": own, "y": np.ones((4, 4))}, epochs=3, batch_size=2, progress=False)
    np.testing.assert_array_equal(runs[0].view("d.W"), runs[1].view("d.W"))


@pytest.mark.parametrize("optimizer", [sn.optim.SGD(0.1), sn.optim.Lion(0.1)], ids=str)
def test_a_slope_that_is_not_finite_is_told_though_the_loss_is(optimizer):
    n, d = sn.indices("n d")
    x, w = sn.input("x", ("N", 3)), sn.param("w", (3,), init="zeros")
    root = sn.define("root", n, sn.sqrt(sn.sum(x[n, d] * w[d], d)))
    run = sn.Model(sn.define("L", (), sn.mean(root[n], n))).compile(optimizer)
    with pytest.raises(Diverged, match=r"values that are not finite after step 1 \(epoch 1\): a slope was not"):
        run.fit({"x": np.ones((8, 3))}, epochs=1, batch_size=4, progress=False)


def test_a_loss_that_data_spoil_is_no_matter_of_the_learning_rate():
    values = data(8)
    values["x"][3, 1] = np.nan
    with pytest.raises(Diverged, match=r"x holds values that are not finite already\n.*drop such rows"):
        quiet(mlp().compile(seed=0), values, allow_nonfinite=True)
