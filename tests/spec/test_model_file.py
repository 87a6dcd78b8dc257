"""Model files that are right: what they declare, in each format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import symnet as sn
from symnet.errors import ModelFileError, SymnetError
from symnet.runs.model_file import load_model, model_of
from symnet.spec.model_file import json_schema, read_model, symbolic

SOFTMAX = (Path(__file__).parent / "wrong" / "base.yaml").read_text()
AS_JSON = json.dumps(
    {
        "symnet": 1,
        "name": "softmax",
        "dims": {"N": "batch", "D": 64, "K": 10},
        "tensors": {
            "x": {"shape": ["N", "D"], "role": "input"},
            "y": {"shape": ["N", "K"], "role": "target", "kind": "onehot"},
            "W": {"shape": ["D", "K"], "role": "param", "init": "glorot_uniform"},
            "b": {"shape": ["K"], "role": "param", "init": "zeros"},
        },
        "formulas": [
            "z[n,k] = sum(x[n,d]*W[d,k], d) + b[k]",
            "p[n,k] = exp(z[n,k]) / sum(exp(z[n,j]), j)",
            "L = -mean(sum(y[n,k]*log(p[n,k]), k), n)",
        ],
        "loss": "L",
        "outputs": ["p"],
        "metrics": [{"accuracy": ["p", "y"]}],
        "train": {"optimizer": {"adam": {"lr": 1e-3}}, "epochs": 30, "batch": 64, "seed": 0, "validation": 0.2},
        "data": {"builtin": "digits"},
    }
)
AS_TOML = """symnet = 1
name = "softmax"
loss = "L"
outputs = ["p"]
metrics = [{accuracy = ["p", "y"]}]
formulas = '''
z[n,k] = sum(x[n,d]*W[d,k], d) + b[k]
p[n,k] = exp(z[n,k]) / sum(exp(z[n,j]), j)
L = -mean(sum(y[n,k]*log(p[n,k]), k), n)
'''
[dims]
N = "batch"
D = 64
K = 10
[tensors]
x = {shape = ["N", "D"], role = "input"}
y = {shape = ["N", "K"], role = "target", kind = "onehot"}
W = {shape = ["D", "K"], role = "param", init = "glorot_uniform"}
b = {shape = ["K"], role = "param", init = "zeros"}
[train]
optimizer = {adam = {lr = 1e-3}}
epochs = 30
batch = 64
seed = 0
validation = 0.2
[data]
builtin = "digits"
"""


def spec(text: str, **options):
    return read_model("m.yaml", text, **options)


def small(rest: str, tensors: str = "") -> str:
    return f"symnet: 1\ndims: {{N: batch, D: 3}}\ntensors:\n  x: {{shape: [N, D], role: input}}\n{tensors}{rest}"


@pytest.mark.parametrize(("format", "text"), [("yaml", SOFTMAX), ("json", AS_JSON), ("toml", AS_TOML)])
def test_all_formats_say_the_same(format, text):
    found = spec(text, format=format)
    assert (found.name, found.loss.name, list(found.outputs)) == ("softmax", "L", ["p"])
    assert found.roles == {"x": "input", "y": "target", "W": "param", "b": "param"}
    assert list(found.tensors) == ["x", "y", "W", "b", "z", "p", "L"]
    assert found.dims == {"N": sn.dims("N"), "D": 64, "K": 10}
    assert [m.name for m in found.metrics] == ["accuracy"]
    assert sn.text(found.tensors["z"]) == "z[n,k] = sum_i x[n,i]*W[i,k] + b[k]"
    train = found.train
    assert (repr(train.optimizer), train.epochs, train.batch, train.validation) == ("Adam(lr=0.001)", 30, 64, 0.2)
    assert (found.data.builtin, found.data.file) == ("digits", None)
    assert (found.text, found.file, found.expanded) == (text, "m.yaml", "")


@pytest.mark.parametrize(
    ("name", "text"), [("m.yaml", SOFTMAX), ("m.yml", SOFTMAX), ("m.json", AS_JSON), ("m.toml", AS_TOML)]
)
def test_the_name_of_a_file_tells_its_format(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert sn.load_model(tmp_path / name).name == "softmax"


def test_text_that_begins_with_a_brace_is_json():
    assert read_model("-", AS_JSON).name == "softmax"


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    (tmp_path / "m.yaml").write_bytes(b"\xef\xbb\xbf" + SOFTMAX.replace("\n", "\r\n").encode())
    assert read_model(tmp_path / "m.yaml").name == "softmax"


def test_a_file_has_the_gradients_of_the_same_network_in_python():
    found = spec(SOFTMAX)
    assert sn.text(sn.grad(found.loss, found.tensors["z"])) == "z_bar[n,k] = (p[n,k] - y[n,k])/N"


def test_a_file_may_be_read_with_its_dims_as_symbols():
    found = symbolic(spec(SOFTMAX))
    assert sn.text(sn.grad(found.loss, found.tensors["W"])) == "W_bar[d,k] = (1/N)*sum_n x[n,d]*(p[n,k] - y[n,k])"
    assert found.dims["D"] == sn.dims("D")


def test_sizes_that_matter_stay():
    text = SOFTMAX.replace("+ b[k]", "+ b[k] + x[n,63]*0 + W[0,9]*0").replace("  L = ", "  r[i:64] = W[i,0]\n  L = ")
    text = text.replace("  b: {", "  v: {shape: [64, K], role: param}\n  b: {").replace(
        "sum(x[n,d]*W[d,k]", "sum(x[n,d]*v[d,k]"
    )
    found = spec(text)
    assert symbolic(found) is found


def test_a_model_file_trains():
    found = spec(SOFTMAX.replace("D: 64", "D: 3").replace("K: 10", "K: 2").replace("1e-3", "0.05"))
    run = model_of(found).compile(found.train.optimizer, dtype="float64", seed=found.train.seed)
    points = np.random.default_rng(0).normal(size=(200, 3))
    labels = (points.sum(axis=1) > 0).astype(int)
    history = run.fit({"x": points, "y": np.eye(2)[labels]}, epochs=20, batch_size=20, progress=False)
    assert history["loss"][-1] < history["loss"][0]
    assert history["accuracy"][-1] > 0.9


def test_defaults_of_training():
    train = spec(small("formulas: |\n  L = mean(x)\nloss: L\n")).train
    assert (train.epochs, train.batch, train.seed, train.dtype, train.shuffle) == (10, 32, 0, "float32", True)
    assert (train.checkpoint_seconds, train.checkpoint_steps, train.early_stopping) == (5.0, None, None)


def test_all_of_training_can_be_said():
    text = small(
        """formulas: |
  L = mean(x)
loss: L
train:
  optimizer: {sgd: {lr: {cosine: {lr: 0.1, steps: 100}}, momentum: 0.9, clip_norm: 1.0}}
  dtype: float64
  threads: 2
  shuffle: false
  early_stopping: {patience: 3, monitor: loss}
  class_weight: balanced
  checkpoint: {seconds: 0.5, steps: 7}
"""
    )
    train = spec(text).train
    assert repr(train.optimizer) == "SGD(lr=cosine(lr=0.1, steps=100), momentum=0.9, clip_norm=1.0)"
    assert (train.dtype, train.threads, train.shuffle, train.class_weight) == ("float64", 2, False, "balanced")
    assert train.early_stopping == {"patience": 3, "monitor": "loss"}
    assert (train.checkpoint_seconds, train.checkpoint_steps) == (0.5, 7)


def test_all_of_data_can_be_said():
    text = small(
        """formulas: |
  L = mean(x)*mean(y)
loss: L
data: {file: a.csv, inputs: {x: [p, q, r]}, target: {y: s}, standardise: [x], test: 0.25}
""",
        "  y: {shape: [N], role: target}\n",
    )
    data = spec(text).data
    assert (data.file, data.builtin, data.test, data.standardise) == ("a.csv", None, 0.25, ("x",))
    assert (data.inputs, data.target) == ({"x": ("p", "q", "r")}, {"y": ("s",)})
    assert (data.mark.line, data.mark.col) == (9, 1)
    assert (data.field_marks["file"].col, data.field_marks["x"].col, data.field_marks["test"].col) == (8, 30, 79)


def test_a_generated_set_has_options():
    data = spec(small("formulas: |\n  L = mean(x)\nloss: L\ndata: {builtin: xor, samples: 50, noise: 0.2}\n")).data
    assert data.options == {"samples": 50, "noise": 0.2}
    assert data.field_marks["noise"].line == 8


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        ("{mse: [x, y]}", "loss = (1/(N*D))*sum_{n,d} (x[n,d] - y[n,d])**2"),
        ("mse(x, y)", "loss = (1/(N*D))*sum_{n,d} (x[n,d] - y[n,d])**2"),
        ("sum(x[n,d]**2, n, d)/N", "loss = (1/N)*sum_{n,d} x[n,d]**2"),
        ('"mean(x[n,0], n)"', "loss = (1/N)*sum_n x[n,0]"),
    ],
)
def test_the_loss_may_be_a_call_or_a_formula(loss, formula):
    text = small(f"formulas: |\n  q = mean(x)\nloss: {loss}\n", "  y: {shape: [N, D], role: target}\n")
    assert sn.text(spec(text.replace("D: 3", "D: free")).loss) == formula


def test_outputs_may_have_names_of_their_own():
    text = small("formulas: |\n  z[n] = x[n,0]\n  L = mean(z)\nloss: L\noutputs: {score: z}\n")
    assert spec(text).outputs["score"].name == "z"


def test_metrics_have_a_name_each():
    tensors = "  t: {shape: [N], role: target, kind: label, classes: D}\n"
    metrics = "[{accuracy: [x, t]}, {top_k: {of: [x, t], k: 2}}, {cross_entropy: [x, t]}, M, {accuracy: [x, t]}]"
    text = small(f"formulas: |\n  M = mean(x)\n  L = mean(x)\nloss: L\nmetrics: {metrics}\n", tensors)
    assert [m.name for m in spec(text).metrics] == ["accuracy", "top_2", "cross_entropy", "M", "accuracy_2"]


def test_a_recurrence_may_be_declared_without_a_role():
    text = small(
        "formulas: |\n  h[n,d] = x[n,d] + where(d > 0, h[n,d-1], 0)\n  L = mean(h)\nloss: L\n", "  h: {shape: [N, D]}\n"
    )
    values = sn.evaluate(spec(text).tensors["h"], {"x": np.ones((2, 3))})
    assert values.tolist() == [[1, 2, 3], [1, 2, 3]]


def test_sizes_may_be_sums_and_products_of_dims():
    text = small("formulas: |\n  L = mean(w)*mean(x)\nloss: L\n", '  w: {shape: ["2*D+1", 4], role: param}\n')
    assert spec(text).tensors["w"].shape == (7, 4)


def test_initial_values_may_be_given():
    text = small(
        "formulas: |\n  L = mean(w)*mean(x)*s\nloss: L\n",
        "  w: {shape: [D], role: param, init: [1, 2, 3]}\n  s: {shape: [], role: param, init: 0.5}\n",
    )
    found = spec(text).tensors
    assert found["w"].info["init"].tolist() == [1, 2, 3]
    assert found["s"].info["init"] == 0.5


def test_formulas_may_be_a_list():
    found = spec(small('formulas: ["z[n] = x[n,0]", "L = mean(z)"]\nloss: L\n'))
    assert list(found.tensors) == ["x", "z", "L"]


def test_yaml_is_of_version_1_2():
    text = small(
        "formulas: |\n  L = mean(x)*no\nloss: L\ntrain: {optimizer: {adam: {lr: 1e-3}}}\n",
        "  no: {shape: [], role: param, init: 1e0}\n",
    )
    found = spec(text)
    assert found.tensors["no"].info["init"] == 1.0
    assert found.train.optimizer.lr == 0.001


def test_a_missing_file_is_named_and_a_near_one_suggested(tmp_path):
    (tmp_path / "model.yaml").write_text(SOFTMAX)
    with pytest.raises(ModelFileError, match="there is no file") as caught:
        read_model(tmp_path / "modle.yaml")
    assert caught.value.diagnostics[0].code == "E0001"
    assert caught.value.diagnostics[0].hint == "did you mean 'model.yaml'?"


@pytest.mark.parametrize(("raw", "code", "place"), [(b"a: \xff", "E0002", (1, 4)), (b"a: 1\nb: \x00", "E0002", (2, 4))])
def test_bytes_that_are_no_text_are_refused(tmp_path, raw, code, place):
    (tmp_path / "m.yaml").write_bytes(raw)
    with pytest.raises(ModelFileError) as caught:
        read_model(tmp_path / "m.yaml")
    found = caught.value.diagnostics[0]
    assert (found.code, (found.line, found.col)) == (code, place)


def test_a_folder_is_no_model_file(tmp_path):
    with pytest.raises(ModelFileError, match="is a folder"):
        read_model(tmp_path)


def test_a_huge_file_is_refused_at_once(tmp_path):
    (tmp_path / "m.yaml").write_text("a: " + "b" * 3_000_000)
    with pytest.raises(ModelFileError) as caught:
        read_model(tmp_path / "m.yaml")
    [found] = caught.value.diagnostics
    assert (found.code, found.message) == ("E0006", "the file has more than 500000 characters")


def test_the_error_is_public_and_a_symnet_error(tmp_path):
    assert sn.ModelFileError is ModelFileError
    assert issubclass(ModelFileError, SymnetError)
    with pytest.raises(sn.ModelFileError):
        load_model(tmp_path / "none.yaml")


def test_a_loss_that_cannot_be_trained_is_located():
    text = "symnet: 1\ntensors: {w: {shape: [], role: param}}\nformulas: L = w**2\nloss: L\n"
    with pytest.raises(ModelFileError) as caught:
        model_of(spec(text))
    found = caught.value.diagnostics[0]
    assert (found.code, found.file, found.line, found.col) == ("E0206", "m.yaml", 4, 1)


# -- the schema


def described(schema: dict, path: str = "") -> list[str]:
    """The properties without a description."""
    found = []
    for name, part in schema.get("properties", {}).items():
        if "description" not in part:
            found.append(f"{path}.{name}")
    for name, part in schema.get("$defs", {}).items():
        found += described(part, name)
    return found


def test_the_schema_describes_every_key():
    schema = json_schema()
    assert described(schema) == []
    assert schema["required"] == ["symnet", "tensors", "loss"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["symnet"]["const"] == 1
    assert set(schema["$defs"]["Dense"]["properties"]) >= {"in", "out", "units", "activation"}
    json.dumps(schema)


def test_the_schema_names_its_words():
    defs = json_schema()["$defs"]
    assert "onehot" in defs["TensorSection"]["properties"]["kind"]["enum"]
    assert defs["TrainSection"]["properties"]["epochs"]["minimum"] == 1


def test_the_schema_knows_what_can_be_called():
    schema = json_schema()
    training, data = (schema["$defs"][section]["properties"] for section in ("TrainSection", "DataSection"))
    names, optimizers = training["optimizer"]["anyOf"]
    assert names["enum"] == list(optimizers["properties"])
    assert {"lr", "momentum"} <= set(optimizers["properties"]["sgd"]["properties"])
    losses = schema["properties"]["loss"]["anyOf"][1]["properties"]
    metrics = schema["properties"]["metrics"]["items"]["anyOf"][1]["properties"]
    assert set(metrics) - set(losses) == {"accuracy", "binary_accuracy", "top_k"}
    assert set(metrics["top_k"]["anyOf"][1]["properties"]) == {"of", "k"}
    assert {"type": "string"} in schema["properties"]["outputs"]["anyOf"]
    assert {"digits", "two_moons"} <= set(data["builtin"]["anyOf"][0]["enum"])
