"""Wrong uses of the public face: each raises a `SymnetError` that names both sides of what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symnet as sn
from symnet.errors import (
    CycleProblem,
    FormulaProblem,
    IndexProblem,
    KindProblem,
    NameProblem,
    NonScalarLoss,
    RangeProblem,
    ShapeProblem,
    SymnetError,
    SymnetWarning,
    ValueProblem,
)

N, D, H, K, T = sn.dims("N D H K T")
n, d, h, k, j, t, i = sn.indices("n d h k j t i")


def x():
    return sn.input("x", (N, D))


def W():
    return sn.param("W", (D, K))


def b():
    return sn.param("b", (K,))


def labels(classes=K):
    return sn.input("t", (N,), kind="label", classes=classes)


def loss_of_x():
    tensor = x()
    return tensor, sn.define("L", (), sn.sum(tensor[n, d] ** 2, n, d))


def named_first(*names):
    return [sn.tensor(name, (N, T)) for name in names]


def refused(wrong, problem, words):
    with pytest.raises(problem) as caught:
        wrong()
    text = str(caught.value)
    assert isinstance(caught.value, SymnetError)
    missing = [word for word in words if word not in text]
    assert not missing, f"{text!r} does not say {missing}"
    assert text.startswith(type(caught.value).code)


# -- declaring


def scalar_in_place_of_tensor():
    tensor = x()
    return sn.define("z", (n, d), tensor + tensor[n, d])


def shifted_one_below():
    tensor = sn.input("x", (N,))
    return sn.define("z", n, tensor[n - 1])


def shifted_in_a_sum():
    tensor = sn.input("x", (N,))
    return sn.define("z", (), sn.sum(tensor[n] * tensor[n + 1], n))


def guarded_elsewhere():
    tensor = sn.input("x", (N,))
    return sn.define("z", n, sn.where(n > 0, tensor[n], 0) + tensor[n - 1])


def named_like_an_alias():
    micro, mu = sn.input("\u00b5", (N,)), sn.input("\u03bc", (N,))
    return sn.grad(sn.define("L", (), sn.sum(micro[n] * mu[n], n)), micro)


DECLARED = {
    # names and sizes
    "no name": (lambda: sn.dims(""), NameProblem, ["no name"]),
    "a number for a name": (lambda: sn.indices("2n"), NameProblem, ["'2n'", "letter"]),
    "a name with a space": (lambda: sn.input("my x", (N,)), NameProblem, ["'my x'"]),
    "a name that is code": (lambda: sn.param("W; import os", (N,)), NameProblem, ["W; import os"]),
    "a size of zero": (lambda: sn.input("x", (N, 0)), RangeProblem, ["0", "positive"]),
    "a negative size": (lambda: sn.input("x", (-3,)), RangeProblem, ["-3", "positive"]),
    "a broken size": (lambda: sn.input("x", (2.5,)), RangeProblem, ["2.5", "positive"]),
    "a size that is no size": (lambda: sn.input("x", (None,)), SymnetError, ["None"]),
    # kinds
    "unknown kind": (lambda: sn.input("y", (N, K), kind="categorical"), KindProblem, ["y", "'categorical'", "onehot"]),
    "classes of what is no label": (
        lambda: sn.input("y", (N,), kind="mask", classes=K),
        KindProblem,
        ["y", "classes=", "'mask'", "label"],
    ),
    "a one-hot scalar": (lambda: sn.input("y", (), kind="onehot"), KindProblem, ["y", "onehot", "scalar"]),
    "unknown initialiser": (
        lambda: sn.param("W", (D, K), init="golrot"),
        KindProblem,
        ["W", "'golrot'", "glorot_uniform"],
    ),
    # shapes in array notation
    "matmul": (
        lambda: x() @ sn.param("W", (H, K)),
        ShapeProblem,
        ["x(N, D)", "W(H, K)", "D against H"],
    ),
    "matmul with a vector": (
        lambda: x() @ sn.param("w", (K,)),
        ShapeProblem,
        ["x(N, D)", "w(K)", "D against K"],
    ),
    "matmul with a number": (lambda: x() @ 2, ShapeProblem, ["@", "tensors"]),
    "matmul of batches": (
        lambda: sn.input("a", (2, N, D)) @ sn.input("b", (3, D, K)),
        ShapeProblem,
        ["a(2, N, D)", "b(3, D, K)", "2 against 3"],
    ),
    "broadcast": (lambda: x() + b(), ShapeProblem, ["x(N, D)", "b(K)", "D against K"]),
    "broadcast of numbers": (
        lambda: sn.input("u", (3,)) * sn.input("v", (4,)),
        ShapeProblem,
        ["u(3)", "v(4)", "3 against 4"],
    ),
    "a function of two": (
        lambda: sn.maximum(sn.input("u", (N,)), sn.input("v", (K,))),
        ShapeProblem,
        ["u(N)", "v(K)", "N against K"],
    ),
    "axis out of range": (lambda: x().sum(axis=2), ShapeProblem, ["axis 2", "x", "2 axes", "(N, D)"]),
    "softmax axis out of range": (lambda: sn.softmax(b(), axis=-2), ShapeProblem, ["axis -2", "b", "(K)"]),
    "argmax along two axes": (lambda: x().argmax(), ShapeProblem, ["argmax", "axis"]),
    # reads
    "too few indices": (lambda: x()[n], ShapeProblem, ["x", "2 axes (N, D)", "1 ind"]),
    "too many indices": (lambda: b()[k, j], ShapeProblem, ["b", "1 ax", "2 indices"]),
    "a slice": (lambda: x()[:, d], IndexProblem, ["x", "slice"]),
    "a half": (lambda: x()[0.5, d], IndexProblem, ["x", "0.5"]),
    "a name in quotes": (lambda: x()["n", d], IndexProblem, ["x", "'n'"]),
    "a real tensor as an index": (
        lambda: sn.define("r", (n, k), sn.param("E", (D, K))[sn.input("u", (N,))[n], k]),
        SymnetError,
        ["E", "u", "label"],
    ),
    "a tensor in place of a number": (scalar_in_place_of_tensor, ShapeProblem, ["x", "(N, D)", "x[n, d]"]),
    "a tensor defined as a whole": (lambda: sn.define("z", (n, d), x()), ShapeProblem, ["x", "(N, D)", "x[n, d]"]),
    "a truth value as a place": (lambda: sn.define("z", (n,), x()[n, True]), SymnetError, ["x", "True"]),
    # indices
    "one index over two extents": (
        lambda: sn.define("z", (n, k), sn.sum(x()[n, d] * sn.param("W", (H, K))[d, k], d)),
        IndexProblem,
        ["'d'", "x", "D", "W", "H"],
    ),
    "one index over two extents, free": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n] + sn.input("v", (K,))[n]),
        IndexProblem,
        ["'n'", "u", "N", "v", "K"],
    ),
    "one index over two numbers": (
        lambda: sn.define("z", (n,), sn.input("u", (3,))[n] + sn.input("v", (4,))[n]),
        IndexProblem,
        ["'n'", "u", "3", "v", "4"],
    ),
    "shape against what is read": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n], shape=(K,)),
        IndexProblem,
        ["'n'", "N", "z", "K"],
    ),
    "shape against the left side": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n], shape=(N, K)),
        ShapeProblem,
        ["z", "(N, K)", "1 ind"],
    ),
    "index on the right only": (
        lambda: sn.define("z", (n,), x()[n, d]),
        IndexProblem,
        ["'d'", "right of z", "sn.sum", "implicit"],
    ),
    "index on the right only, beside a sum": (
        lambda: sn.define("L", (), sn.sum(x()[n, d] * b()[k], n, d)),
        IndexProblem,
        ["'k'", "L", "sn.sum"],
    ),
    "index on the left only": (
        lambda: sn.define("z", (n, k), sn.sum(x()[n, d], d)),
        RangeProblem,
        ["'k'", "z", "shape="],
    ),
    "index twice on the left": (
        lambda: sn.define("z", (n, n), sn.input("u", (N,))[n]),
        IndexProblem,
        ["z", "twice", "n"],
    ),
    "a number on the left": (lambda: sn.define("z", (n, 0), sn.input("u", (N,))[n]), IndexProblem, ["z", "0", "left"]),
    "bound index that is free": (
        lambda: sn.define("z", (n,), sn.sum(sn.input("u", (N,))[n], n)),
        IndexProblem,
        ["z", "'n'", "sum", "outside"],
    ),
    "bound index that is bound outside": (
        lambda: sn.define("z", (), sn.sum(x()[n, d] * sn.sum(x()[n, d], d), n, d)),
        IndexProblem,
        ["z", "'d'", "sum"],
    ),
    "no range for a bound index": (
        lambda: sn.sum(sn.input("u", (N,))[2 * i], i),
        RangeProblem,
        ["'i'", "range", "sn.index"],
    ),
    "a sum over a number": (lambda: sn.sum(x()[n, d], 3), FormulaProblem, ["sum", "3", "indices"]),
    "a sum over a tensor": (lambda: sn.sum(x()[n, d], b()), SymnetError, ["sum", "b"]),
    "a sum over nothing": (lambda: sn.sum(x()[n, d]), FormulaProblem, ["sum", "indices"]),
    "a tensor summed over an index": (lambda: sn.sum(x(), n), FormulaProblem, ["sum", "x", "x[n, d]"]),
    # reads outside an axis
    "unguarded read above": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n + 1]),
        RangeProblem,
        ["range", "'n'"],
    ),
    "unguarded read above, range known": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n + 1], shape=(N,)),
        RangeProblem,
        ["z", "u[n + 1]", "from 1 to N", "from 0 to N - 1", "where"],
    ),
    "unguarded read below": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n - 1], shape=(N,)),
        RangeProblem,
        ["z", "u[n - 1]", "from -1 to N - 2", "from 0 to N - 1", "where"],
    ),
    "unguarded read in a sum": (shifted_in_a_sum, RangeProblem, ["z", "x[n + 1]", "from 1 to N", "from 0 to N - 1"]),
    "a guard on another term": (guarded_elsewhere, RangeProblem, ["z", "x[n - 1]", "from -1"]),
    "unguarded recurrence": (
        lambda: sn.define((s := sn.tensor("s", (N, T))), (n, t), s[n, t - 1] + 1),
        RangeProblem,
        ["s", "s[n,t - 1]", "from -1"],
    ),
    "a place beyond a number": (lambda: sn.define("z", (), sn.input("u", (3,))[3]), RangeProblem, ["u[3]", "0 to 2"]),
    "a negative place": (lambda: sn.define("z", (), sn.input("u", (3,))[-1]), RangeProblem, ["u[-1]", "0 to 2"]),
    "labels of other classes": (
        lambda: sn.define("z", (n,), sn.input("p", (N, K))[n, labels(H)[n]]),
        IndexProblem,
        ["z", "t[n]", "H", "p", "K"],
    ),
    # what may stand in a formula
    "unknown symbol": (
        lambda: sn.define("z", (n,), sp.Symbol("alpha") * sn.input("u", (N,))[n]),
        FormulaProblem,
        ["'alpha'", "z", "sn.param"],
    ),
    "a string": (lambda: sn.define("z", (), "x"), FormulaProblem, ["'x'"]),
    "an array": (lambda: sn.define("z", (), np.ones(3)), FormulaProblem, ["array"]),
    "a division by zero": (lambda: sn.define("z", (n, d), x()[n, d] / 0), FormulaProblem, ["z", "zoo"]),
    "a number that is none": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n] * float("nan")),
        FormulaProblem,
        ["z", "nan"],
    ),
    "an infinite number": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n] + float("inf")),
        FormulaProblem,
        ["z", "oo"],
    ),
    "an imaginary number": (
        lambda: sn.define("z", (n,), sn.input("u", (N,))[n] * 1j),
        FormulaProblem,
        ["z", "I"],
    ),
    "a softmax of a number": (lambda: sn.softmax(3), SymnetError, ["softmax", "3", "tensor"]),
    "a softmax of an expression": (lambda: sn.softmax(x()[n, d]), SymnetError, ["softmax", "x[n,d]", "tensor"]),
    "Heaviside": (
        lambda: sn.define("z", (n,), sp.Heaviside(sn.input("u", (N,))[n])),
        FormulaProblem,
        ["Heaviside", "sn.where"],
    ),
    "an elementwise function of more than its arguments": (
        lambda: sn.elementwise(lambda v: v * sp.Symbol("c")),
        FormulaProblem,
        ["arguments", "c"],
    ),
    "unknown variant": (lambda: sn.gelu(x(), approximate="sigmoid"), FormulaProblem, ["gelu", "'sigmoid'", "'tanh'"]),
    # definitions
    "a definition twice": (
        lambda: [sn.define((s := sn.tensor("s", (N,))), n, sn.input("u", (N,))[n]), sn.define(s, n, sp.Integer(1))],
        CycleProblem,
        ["s", "already"],
    ),
    "a definition of an input": (lambda: sn.define(x(), (n, d), 1), SymnetError, ["x"]),
    "a new name for an input": (lambda: x().named("u"), FormulaProblem, ["x", "outside"]),
    "too many indices for a name": (
        lambda: sn.define(sn.tensor("s", (N, T)), n, sn.input("u", (N,))[n]),
        ShapeProblem,
        ["s", "(N, T)", "1 ind"],
    ),
    # labels and losses
    "take without labels": (
        lambda: x().take(sn.input("t", (N,))),
        KindProblem,
        ["t", "'real'", "label"],
    ),
    "take with labels of another rank": (
        lambda: x().take(sn.input("t", (N, D), kind="label", classes=D)),
        ShapeProblem,
        ["x(N, D)", "t(N, D)"],
    ),
    "take with a number": (lambda: x().take(3), SymnetError, ["take", "3", "label"]),
    "lookup with a number": (lambda: sn.lookup(x(), 3), SymnetError, ["lookup", "3", "label"]),
    "lookup without labels": (
        lambda: sn.lookup(sn.param("E", (D, K)), sn.input("ids", (N,))),
        KindProblem,
        ["ids", "'real'", "label"],
    ),
    "a loss against another shape": (
        lambda: sn.losses.mse(sn.input("v", (N, K)), sn.input("y", (N,))),
        ShapeProblem,
        ["v(N, K)", "y(N)"],
    ),
    "cross entropy against another shape": (
        lambda: sn.losses.cross_entropy(sn.input("p", (N, K)), sn.input("y", (N, D), kind="onehot")),
        ShapeProblem,
        ["p(N, K)", "y(N, D)"],
    ),
    "an unknown reduction": (
        lambda: sn.losses.mse(x(), x(), reduction="median"),
        FormulaProblem,
        ["'median'", "mean", "sum", "none"],
    ),
    "a loss of numbers": (lambda: sn.losses.mse(x(), 3), KindProblem, ["mse", "int"]),
}


@pytest.mark.parametrize(("wrong", "problem", "words"), DECLARED.values(), ids=DECLARED)
def test_declaring_something_wrong_is_an_error_that_names_both_sides(wrong, problem, words):
    refused(wrong, problem, words)


# -- deriving


def by_labels():
    z, y = sn.input("z", (N, K)), labels()
    return sn.grad(sn.losses.softmax_cross_entropy(z, y), y)


def two_of_one_name():
    first, second = sn.input("x", (N,)), sn.param("x", (N,))
    return sn.grad(sn.define("L", (), sn.sum(first[n] * second[n], n)), first)


def two_definitions_of_one_name():
    u = sn.input("u", (N,))
    first, second = sn.define("a", n, sn.exp(u[n])), sn.define("a", n, sn.sin(u[n]))
    return sn.grad(sn.define("L", (), sn.sum(first[n] * second[n], n)), u)


def cycle_without_a_shift():
    a, c = named_first("a", "c")
    sn.define(a, (n, t), c[n, t] + 1)
    sn.define(c, (n, t), a[n, t] * 2)
    return sn.grad(sn.define("L", (), sn.sum(a[n, t], n, t)), a)


def reads_itself_in_place():
    (a,) = named_first("a")
    sn.define(a, (n, t), a[n, t] + 1)
    return sn.grad(sn.define("L", (), sn.sum(a[n, t], n, t)), a)


def runs_both_ways():
    (a,) = named_first("a")
    before, after = sn.where(t > 0, a[n, t - 1], 0), sn.where(t < T - 1, a[n, t + 1], 0)
    sn.define(a, (n, t), before + after + 1)
    return sn.grad(sn.define("L", (), sn.sum(a[n, t], n, t)), a)


def direction_of_another_shape(function):
    tensor, L = loss_of_x()
    return function(L, tensor, sn.input("v", (D, N)))


DERIVED = {
    "a loss that is no scalar": (
        lambda: sn.grad(sn.define("c", n, sn.input("u", (N,))[n] ** 2), x()),
        NonScalarLoss,
        ["c", "(N)", "scalar", "sum or mean"],
    ),
    "a matrix for a loss": (lambda: sn.grad(x(), x()), NonScalarLoss, ["x", "(N, D)", "jacobian"]),
    "a loss that is no tensor": (lambda: sn.grad(sn.sum(x()[n, d], n, d), x()), FormulaProblem, ["loss", "sn.define"]),
    "a number for a loss": (lambda: sn.grad(3, x()), FormulaProblem, ["loss", "3"]),
    "a Hessian of what is no scalar": (lambda: sn.hessian(x(), x()), NonScalarLoss, ["x", "(N, D)"]),
    "by a name": (lambda: sn.grad(loss_of_x()[1], "x"), FormulaProblem, ["'x'", "tensor"]),
    "by a read": (lambda: sn.grad(loss_of_x()[1], x()[n, d]), FormulaProblem, ["x[n,d]", "tensor"]),
    "by a symbol": (lambda: sn.grad(loss_of_x()[1], n), FormulaProblem, ["n", "tensor"]),
    "by nothing": (lambda: sn.grad(loss_of_x()[1], None), FormulaProblem, ["None", "tensor"]),
    "by one wrong of several": (lambda: sn.grad(loss_of_x()[1], [x(), 2]), FormulaProblem, ["2", "tensor"]),
    "a Jacobian of what is no tensor": (lambda: sn.jacobian(x()[n, d], x()), FormulaProblem, ["x[n,d]", "tensor"]),
    "a vjp of what is no tensor": (lambda: sn.vjp(x()[n, d], x(), x()), FormulaProblem, ["x[n,d]", "tensor"]),
    "a jvp of what is no tensor": (lambda: sn.jvp(x()[n, d], x(), x()), FormulaProblem, ["x[n,d]", "tensor"]),
    "a Hessian by several": (lambda: sn.hessian((c := loss_of_x())[1], [c[0]]), SymnetError, ["hessian", "tensor"]),
    "by labels": (by_labels, KindProblem, ["t", "labels", "slope"]),
    "a direction of another shape, jvp": (
        lambda: direction_of_another_shape(sn.jvp),
        ShapeProblem,
        ["jvp", "v(D, N)", "x(N, D)"],
    ),
    "a direction of another shape, hvp": (
        lambda: direction_of_another_shape(sn.hvp),
        ShapeProblem,
        ["v(D, N)", "x(N, D)"],
    ),
    "a weight of another shape": (
        lambda: sn.vjp((y := sn.exp(x()).named("y")), x(), sn.input("u", (K,))) and y,
        ShapeProblem,
        ["vjp", "u(K)", "y(N, D)"],
    ),
    "an array for a direction": (
        lambda: sn.jvp(*reversed(loss_of_x()), np.ones((2, 2))),
        SymnetError,
        ["jvp", "x(N, D)"],
    ),
    "two tensors of one name": (two_of_one_name, NameProblem, ["two", "'x'", "x(N)"]),
    "two definitions of one name": (two_definitions_of_one_name, NameProblem, ["two", "'a'"]),
    "two names that Unicode makes one": (named_like_an_alias, NameProblem, ["two", "\u00b5", "\u03bc"]),
    "a cycle that is no recurrence": (cycle_without_a_shift, CycleProblem, ["a", "c", "->", "shifted"]),
    "a tensor that reads itself in place": (reads_itself_in_place, CycleProblem, ["a -> a", "shifted"]),
    "a recurrence that runs both ways": (runs_both_ways, CycleProblem, ["a -> a"]),
}


@pytest.mark.parametrize(("wrong", "problem", "words"), DERIVED.values(), ids=DERIVED)
def test_deriving_something_wrong_is_an_error_that_names_both_sides(wrong, problem, words):
    refused(wrong, problem, words)


# -- evaluating


def affine_values(**changed):
    values = {"x": np.ones((4, 3)), "W": np.ones((3, 2)), "b": np.ones(2), **changed}
    return sn.evaluate(x() @ W() + b(), {name: value for name, value in values.items() if value is not None})


def picked(values):
    y = labels()
    z = sn.input("z", (N, K))
    return sn.evaluate(z.take(y), {"z": np.zeros((2, 3)), "t": np.array(values)})


def window():
    u, w = sn.input("u", (N,)), sn.input("w", (K,))
    f = sn.define("f", i, sn.sum(u[i + k] * w[k], k), shape=(T,))
    r = sn.input("r", (T,))
    return sn.define("L", (), sn.sum(f[i] * r[i], i))


def too_small_a_guard():
    u = sn.input("u", (N,))
    return sn.define("z", n, sn.where(n > 0, u[n - 2], u[n]))


def never_defined():
    s = sn.tensor("s", (N,))
    return sn.evaluate(sn.define("L", (), sn.sum(s[n], n)), {})


EVALUATED = {
    "a missing value": (lambda: affine_values(W=None), ValueProblem, ["W", "x, b"]),
    "two missing values": (lambda: affine_values(x=None, b=None), ValueProblem, ["x", "b", "W"]),
    "no value at all": (lambda: sn.evaluate(x(), {}), ValueProblem, ["x", "nothing"]),
    "a value of another rank": (lambda: affine_values(b=np.ones((2, 1))), ShapeProblem, ["b", "(K)", "(2, 1)"]),
    "a number for a matrix": (lambda: affine_values(W=3.0), ShapeProblem, ["W", "(D, K)", "()"]),
    "sizes that disagree": (lambda: affine_values(W=np.ones((5, 2))), ShapeProblem, ["D", "3", "x", "5", "W"]),
    "sizes that disagree, bias": (lambda: affine_values(b=np.ones(7)), ShapeProblem, ["K", "2", "W", "7", "b"]),
    "a size that was fixed": (
        lambda: sn.evaluate(sn.input("u", (3,)), {"u": np.ones(4)}),
        ShapeProblem,
        ["u", "(3)", "(4,)"],
    ),
    "an axis of no entries for a window": (
        lambda: sn.evaluate(window(), {"u": np.ones(4), "w": np.ones(3), "r": np.ones(3)}),
        RangeProblem,
        ["f", "u", "4 entries"],
    ),
    "a guard that guards too little": (
        lambda: sn.evaluate(too_small_a_guard(), {"u": np.ones(4)}),
        RangeProblem,
        ["z", "u[n - 2]", "[n > 0]", "0 to N - 1"],
    ),
    "text": (lambda: affine_values(b=np.array(["a", "b"])), ValueProblem, ["b", "numbers"]),
    "objects": (lambda: affine_values(b=np.array([None, 1], dtype=object)), ValueProblem, ["b", "numbers"]),
    "rows of unequal length": (lambda: affine_values(x=[[1.0, 2.0], [3.0]]), SymnetError, ["x"]),
    "a label above its range": (lambda: picked([0, 3]), RangeProblem, ["3", "row 2", "t", "0..2"]),
    "a label below its range": (lambda: picked([-1, 0]), RangeProblem, ["-1", "row 1", "t", "0..2"]),
    "a label that is no integer": (lambda: picked([0.5, 1]), ValueProblem, ["t", "labels", "0.5"]),
    "a label that is not a number": (lambda: picked([np.nan, 1]), ValueProblem, ["t", "labels", "nan"]),
    "a tensor that was never defined": (never_defined, SymnetError, ["s"]),
    "two tensors of one name": (
        lambda: sn.evaluate(x() + sn.param("x", (N, D)), {"x": np.ones((2, 3))}),
        NameProblem,
        ["two", "'x'", "x(N, D)"],
    ),
    "something that is no tensor": (lambda: sn.evaluate(x()[n, d], {"x": np.ones((2, 3))}), SymnetError, ["x[n,d]"]),
}


@pytest.mark.parametrize(("wrong", "problem", "words"), EVALUATED.values(), ids=EVALUATED)
def test_evaluating_something_wrong_is_an_error_that_names_both_sides(wrong, problem, words):
    refused(wrong, problem, words)


# -- what is allowed beside it


def test_a_window_that_fits_evaluates():
    values = {"u": np.arange(5.0), "w": np.ones(3), "r": np.ones(3)}
    assert sn.evaluate(window(), values) == 18.0


def test_surplus_values_are_ignored():
    found = affine_values(more=np.ones(9))
    assert found.shape == (4, 2)


def test_names_may_be_used_again_by_another_network():
    for _ in range(2):
        tensor, L = loss_of_x()
        assert sn.evaluate(sn.grad(L, tensor), {"x": np.ones((2, 3))}).sum() == 12.0


def test_tensors_are_not_iterated_over():
    with pytest.raises(TypeError, match="x"):
        iter(x())
    with pytest.raises(TypeError):
        len(x())


@pytest.mark.parametrize(
    "name", ["beta", "S", "N", "E", "I", "lambda_", "gamma", "zeta", "Q", "O", "pi", "oo", "Sum", "exp"]
)
def test_names_that_mean_something_to_sympy_are_names_like_others(name):
    tensor = sn.input(name, (N,))
    g = sn.grad(sn.define("L", (), sn.sum(tensor[n] ** 2, n)), tensor)
    assert g.formula == 2 * tensor[g.indices]
    assert np.array_equal(sn.evaluate(g, {name: np.array([1.0, 2.0])}), [2.0, 4.0])


# -- unreachable gradients


def unreachable():
    tensor, L = loss_of_x()
    return tensor, sn.param("V", (D, K)), L


def test_gradient_of_something_unreachable_is_zero_and_warns():
    _, V, L = unreachable()
    with pytest.warns(SymnetWarning, match="L does not depend on V") as caught:
        g = sn.grad(L, V)
    assert len(caught) == 1
    assert (g.shape, g.formula) == ((D, K), 0)


def test_gradients_of_several_warn_for_the_unreachable_one_only():
    tensor, V, L = unreachable()
    with pytest.warns(SymnetWarning, match="does not depend on V") as caught:
        by_x, by_V = sn.grad(L, [tensor, V])
    assert len(caught) == 1
    assert by_x.formula == 2 * tensor[by_x.indices]
    assert by_V.formula == 0


def test_jacobian_of_something_unreachable_is_zero_and_warns():
    tensor, V, _ = unreachable()
    with pytest.warns(SymnetWarning, match="does not depend on V"):
        g = sn.jacobian(sn.exp(tensor), V)
    assert (g.shape, g.formula) == ((N, D, D, K), 0)


def test_vjp_and_jvp_of_something_unreachable_are_zero_and_warn():
    tensor, V, _ = unreachable()
    with pytest.warns(SymnetWarning, match="V"):
        g = sn.vjp(sn.exp(tensor), V, sn.input("u", (N, D)))
    assert (g.shape, g.formula) == ((D, K), 0)
    with pytest.warns(SymnetWarning):
        g = sn.jvp(sn.exp(tensor), V, sn.input("v", (D, K)))
    assert (g.shape, g.formula) == ((N, D), 0)


@pytest.mark.filterwarnings("ignore::symnet.errors.SymnetWarning")
def test_gradient_of_a_loss_without_a_slope_is_zero():
    f, y = sn.input("f", (N,)), sn.input("y", (N,))
    g = sn.grad(sn.losses.zero_one(f, y), f)
    assert (g.shape, g.formula) == ((N,), 0)


def test_a_gradient_that_vanishes_evaluates_to_zeros():
    _, V, L = unreachable()
    with pytest.warns(SymnetWarning):
        g = sn.grad(L, V)
    values = {"x": np.ones((2, 3)), "V": np.ones((3, 4))}
    assert np.array_equal(sn.evaluate(g, values), np.zeros((3, 4)))
