"""Random wrong texts, the same for the same seed: mutated model files, mutated formulas, and soups of tokens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent / "wrong"
BASE = (HERE / "base.yaml").read_text(encoding="utf-8")
LAYERED = """symnet: 1
dims: {N: batch, T: 4, D: 6, K: 3}
tensors:
  x: {shape: [N, T, D], role: input}
  t: {shape: [N], role: target, kind: label, classes: K}
layers:
  - {lstm: {in: x, units: 4, out: h}}
  - {dense: {units: 8, activation: relu}}
  - {residual: {layers: [{dense: {units: 8}}, {layer_norm: {}}]}}
  - {dense: {units: K, out: z}}
loss: softmax_cross_entropy(z, t) + 0.01*l2(z.W)
metrics: [{accuracy: [z, t]}]
train: {optimizer: {sgd: {lr: {cosine: {lr: 0.1, steps: 100}}, momentum: 0.9}}, early_stopping: 5}
data: {file: a.csv, inputs: {x: [a, b]}, standardise: true, test: 0.1}
"""
TOML = """symnet = 1
loss = "L"
formulas = '''
z[n,k] = sum(x[n,d]*W[d,k], d)
L = mean(z[n,k]**2, n, k)
'''
[dims]
N = "batch"
[tensors]
x = {shape = ["N", 3], role = "input"}
W = {shape = [3, 2], role = "param"}
[train]
optimizer = "adam"
"""
JSON = json.dumps(
    {
        "symnet": 1,
        "dims": {"N": "batch"},
        "tensors": {"x": {"shape": ["N", 3], "role": "input"}, "w": {"shape": [3], "role": "param"}},
        "formulas": ["y[n] = sum(x[n,d]*w[d], d)", "L = mean((y[n] - 1)**2, n)"],
        "loss": "L",
        "outputs": ["y"],
    },
    indent=1,
)
FILES = [("yaml", BASE), ("yaml", LAYERED), ("toml", TOML), ("json", JSON)]
FORMULAS = [
    "L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)",
    "h[n,t,k] = tanh(a[n,t,k] + where(t > 0, sum(h[n,t-1,j]*U[j,k], j), 0)); L = sum(h[n,t,k]**2, n, t, k)",
    "z[n,k] = sum(x[n,d]*W[d,k], d)\nL = -mean(log(z[n,t[n]]), n)",
    "m[s:T, t:T] = (s <= t) & ~(t == 3)\nL = sum(m[s,t]*maximum(y[s,t], clip(q[s,t], 0, 1)), s, t)",
    "L = sum(sum(x[i+u]*w[u], u=3)**2, i=9)/N",
]
TOKENS = [
    *[
        "x",
        "y",
        "z",
        "W",
        "b",
        "n",
        "d",
        "k",
        "j",
        "t",
        "T",
        "N",
        "L",
        "h",
        "sum",
        "mean",
        "max",
        "prod",
        "argmax",
        "logsumexp",
        "exp",
        "log",
        "tanh",
        "where",
        "maximum",
        "minimum",
        "clip",
    ],
    *[
        "softmax",
        "erf",
        "gelu",
        "relu",
        "sigmoid",
        "sqrt",
        "abs",
        "delta",
        "eq",
        "cross_entropy",
        "mse",
        "l2",
        "take",
        "lookup",
        "pi",
        "lambda",
        "class",
        "def",
        "and",
        "or",
        "not",
    ],
    *[
        "+",
        "-",
        "*",
        "/",
        "**",
        "@",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "&",
        "|",
        "~",
        "=",
        ":=",
        ",",
        ";",
        ":",
        ".",
        "(",
        ")",
        "[",
        "]",
        "[n]",
        "[n,k]",
        "[d,k]",
        "(x)",
        "0",
        "1",
        "2",
        "3",
        "9",
        "100",
        "0.5",
        "1e-3",
        "1e300",
    ],
    *[
        "\n",
        "\n  ",
        " ",
        "axis=1",
        "u=3",
        'reduction="sum"',
        "# c\n",
        "__class__",
        "é",
        "ﬁ",
        "²",
        "\u2212",
        "{",
        "}",
        "$",
    ],
]
PIECES = [
    *[
        "role",
        "input",
        "param",
        "shape",
        "[N, D]",
        "{}",
        "[]",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "null",
        "true",
        "no",
        "1e-3",
        "-1",
    ],
    *[
        "&a",
        "*a",
        "!!str",
        "<<",
        "? ",
        "|",
        ">",
        "'",
        '"',
        "#",
        "%",
        "@",
        "`",
        "\t",
        "\x00",
        "\u2028",
        "𝒳",
        "9" * 50,
        "---",
    ],
    *["dims", "tensors", "formulas", "layers", "loss", "train", "data", "optimizer", "adam", "batch", "units", "dense"],
]
Mutation = Callable[[random.Random, str], str]


def cut(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + text[start + rng.choice([1, 1, 2, 5, 20, 80]) :]


def doubled(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text) + 1)
    part = text[start : start + rng.choice([1, 3, 10, 40])]
    return text[:start] + part * rng.choice([2, 2, 3, 30]) + text[start:]


def inserted(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + rng.choice(rng.choice([TOKENS, PIECES])) + text[start:]


def replaced(rng: random.Random, text: str) -> str:
    words = [word for word in text.replace("\n", " ").split(" ") if word]
    if not words:
        return rng.choice(TOKENS)
    return text.replace(rng.choice(words), rng.choice([*words, *TOKENS, *PIECES]), rng.choice([1, -1]))


def swapped(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def one_character(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text) + 1)
    return (
        text[:start]
        + chr(rng.choice([rng.randrange(128), rng.randrange(0x250), rng.randrange(0x2000, 0x2300)]))
        + text[start + 1 :]
    )


def nested(rng: random.Random, text: str) -> str:
    start, depth = rng.randrange(len(text) + 1), rng.choice([3, 30, 300, 3000])
    left, right = rng.choice(
        [("(", ")"), ("[", "]"), ("{a: ", "}"), ("-", ""), ("exp(", ")"), ("maximum(", ",1)"), ("~", "")]
    )
    end = min(len(text), start + rng.choice([1, 4, 10]))
    return text[:start] + left * depth + text[start:end] + right * depth + text[end:]


MUTATIONS: list[Mutation] = [cut, doubled, inserted, inserted, replaced, replaced, swapped, one_character, nested]


def mutated(rng: random.Random, text: str) -> str:
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        text = rng.choice(MUTATIONS)(rng, text)
    return text[:100_000]


def soup(rng: random.Random) -> str:
    return "".join(rng.choice(TOKENS) for _ in range(rng.choice([3, 8, 20, 60])))


def flipped(rng: random.Random, raw: bytes) -> bytes:
    found = bytearray(raw)
    for _ in range(rng.choice([1, 2, 8])):
        if found:
            found[rng.randrange(len(found))] = rng.randrange(256)
    return bytes(found)


def texts(seed: int, number: int) -> tuple[str, str | bytes]:
    """The input of a number: "expression", a format, or "bytes"; and what to read."""
    rng = random.Random(f"{seed}/{number}")
    kind = rng.choice(["expression", "soup", "file", "file", "formulas", "bytes"])
    if kind == "expression":
        return "expression", mutated(rng, rng.choice(FORMULAS))
    if kind == "soup":
        return "expression", soup(rng)
    if kind == "formulas":
        body = rng.choice([soup, lambda r: mutated(r, r.choice(FORMULAS))])(rng)
        return "yaml", BASE.replace("  L = -mean", "  " + body.replace("\n", "\n  ") + "\n  L = -mean")
    format, text = rng.choice(FILES)
    if kind == "bytes":
        return "bytes", flipped(rng, text.encode())
    return format, mutated(rng, text)
