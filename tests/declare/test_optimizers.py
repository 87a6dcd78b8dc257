"""Optimizers against rules written out in NumPy, and against torch's."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import symnet as sn
from symnet.core.definition import Program
from symnet.core.verify import verify
from symnet.declare.optimizers.registry import OPTIMIZERS
from symnet.errors import FormulaProblem, NameProblem, ShapeProblem, ValueProblem

O = sn.optim
RNG = np.random.default_rng(11)
START = RNG.normal(size=6)
BOWL = RNG.normal(size=(6, 6))
BOWL = BOWL @ BOWL.T / 6
PULL = RNG.normal(size=6)
STEPS = 20


def slope(w):
    """The gradient of a bowl with dents, w B w/2 - p w + Sum sin(3 w)."""
    return BOWL @ w - PULL + 3 * np.cos(3 * w)


def declared(optimizer, shape=("P",)):
    """The definitions of a step, on tensors declared for it."""
    w, g, t = sn.param("w", shape), sn.input("g", shape), sn.input("t", ())
    states = {name: sn.input(name, shape) for name, _ in optimizer.states()}
    states |= {name: sn.input(name, ()) for name, _ in optimizer.scalars()}
    return optimizer.update(w, g, t, states)


def path(optimizer, start=START, slope=slope, steps=STEPS):
    """The parameters after each step, by the interpreter."""
    update = declared(optimizer, ("P",) if np.ndim(start) else ())
    values = {name: np.full_like(start, first) for name, first in optimizer.states()}
    values |= dict(optimizer.scalars())
    w, found = start, []
    for t in range(1, steps + 1):
        given = {"w": w, "g": slope(w), "t": float(t), **values}
        w, *after = sn.evaluate([update.w, *update.states.values()], given)
        values = dict(zip(update.states, after, strict=True))
        found.append(w)
    return np.array(found)


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


# -- rules written out


def by_hand(rule, start=START, steps=STEPS):
    """The path of a rule in NumPy: w, g, t and a dict of whatever it remembers give the next w."""
    w, memory, found = start, {}, []
    for t in range(1, steps + 1):
        w = rule(w, slope(w), t, memory)
        found.append(w)
    return np.array(found)


def momentum(w, g, t, memory):
    memory["u"] = 0.9 * memory.get("u", 0) + g
    return w - 0.05 * memory["u"]


def nesterov(w, g, t, memory):
    g = g + 0.1 * w
    memory["u"] = 0.8 * memory.get("u", 0) + g
    return w - 0.02 * (g + 0.8 * memory["u"])


def adagrad(w, g, t, memory):
    memory["v"] = memory.get("v", 0.1) + g**2
    return w - 0.5 / (1 + (t - 1) * 0.2) * g / (np.sqrt(memory["v"]) + 1e-10)


def rmsprop(w, g, t, memory):
    memory["v"] = 0.99 * memory.get("v", 0) + 0.01 * g**2
    return w - 0.01 * g / (np.sqrt(memory["v"]) + 1e-8)


def adadelta(w, g, t, memory):
    v, a = memory.get("v", 0), memory.get("a", 0)
    v = 0.9 * v + 0.1 * g**2
    d = g * np.sqrt(a + 1e-6) / np.sqrt(v + 1e-6)
    memory.update(v=v, a=0.9 * a + 0.1 * d**2)
    return w - d


def means(g, t, memory):
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
    return memory["m"] / (1 - 0.9**t), memory["v"] / (1 - 0.999**t)


def adam(w, g, t, memory):
    m, v = means(g + 0.1 * w, t, memory)
    return w - 0.02 * m / (np.sqrt(v) + 1e-8)


def adamw(w, g, t, memory):
    m, v = means(g, t, memory)
    return w - 0.02 * 0.01 * w - 0.02 * m / (np.sqrt(v) + 1e-8)


def amsgrad(w, g, t, memory):
    means(g, t, memory)
    memory["best"] = np.maximum(memory.get("best", 0), memory["v"])
    return w - 0.02 * memory["m"] / (1 - 0.9**t) / (np.sqrt(memory["best"] / (1 - 0.999**t)) + 1e-8)


def nadam(w, g, t, memory):
    _, v = means(g, t, memory)
    mu, following = (0.9 * (1 - 0.5 * 0.96 ** (s * 0.004)) for s in (t, t + 1))
    product = memory["product"] = memory.get("product", 1) * mu
    step = (1 - mu) / (1 - product) * g + following / (1 - product * following) * memory["m"]
    return w - 0.002 * step / (np.sqrt(v) + 1e-8)


def lion(w, g, t, memory):
    m = memory.get("m", 0)
    memory["m"] = 0.99 * m + 0.01 * g
    return w - 0.01 * (np.sign(0.9 * m + 0.1 * g) + 0.3 * w)


def clipped_by_value(w, g, t, memory):
    return w - 0.1 * np.clip(g, -0.5, 0.5)


def clipped_by_norm(w, g, t, memory):
    return w - 0.1 * g * min(1, 0.7 / (np.sqrt(np.sum(g**2)) + 1e-6))


def clipped_twice(w, g, t, memory):
    return clipped_by_norm(w, np.clip(g, -0.5, 0.5), t, memory)


HAND = {
    "sgd": (O.SGD(0.1), lambda w, g, t, memory: w - 0.1 * g),
    "momentum": (O.SGD(0.05, 0.9), momentum),
    "nesterov": (O.SGD(0.02, momentum=0.8, nesterov=True, weight_decay=0.1), nesterov),
    "maximise": (O.SGD(maximise=True, weight_decay=0.5), lambda w, g, t, memory: w - 0.01 * (0.5 * w - g)),
    "adagrad": (O.Adagrad(0.5, lr_decay=0.2, initial=0.1), adagrad),
    "rmsprop": (O.RMSProp(), rmsprop),
    "adadelta": (O.Adadelta(), adadelta),
    "adam": (O.Adam(0.02, weight_decay=0.1), adam),
    "adamw": (O.AdamW(0.02), adamw),
    "amsgrad": (O.AMSGrad(0.02), amsgrad),
    "nadam": (O.NAdam(), nadam),
    "lion": (O.Lion(0.01, weight_decay=0.3), lion),
    "clip_value": (O.SGD(0.1, clip_value=0.5), clipped_by_value),
    "clip_norm": (O.SGD(0.1, clip_norm=0.7), clipped_by_norm),
    "clip_both": (O.SGD(0.1, clip_value=0.5, clip_norm=0.7), clipped_twice),
    "clip_nothing": (O.SGD(0.1, clip_value=1e3, clip_norm=1e3), lambda w, g, t, memory: w - 0.1 * g),
}


@pytest.mark.parametrize(("optimizer", "rule"), HAND.values(), ids=HAND)
def test_rules_written_out(optimizer, rule):
    near(path(optimizer), by_hand(rule))


# -- torch


def torch_path(make, clip=None):
    """The path of a torch optimizer over two parameters that are the parts of w."""
    torch = pytest.importorskip("torch")
    parts = [torch.tensor(START[:4].reshape(2, 2)), torch.tensor(START[4:])]
    optimizer, found = make(torch.optim, parts), []
    for _ in range(STEPS):
        g = slope(np.concatenate([p.numpy().ravel() for p in parts]))
        parts[0].grad, parts[1].grad = torch.tensor(g[:4].reshape(2, 2)), torch.tensor(g[4:])
        if clip is not None:
            clip(torch.nn.utils, parts)
        optimizer.step()
        found.append(np.concatenate([p.numpy().ravel() for p in parts]))
    return np.array(found)


TORCH = {
    "sgd": (O.SGD(), lambda o, w: o.SGD(w, lr=0.01)),
    "sgd-momentum": (
        O.SGD(0.03, 0.9, weight_decay=0.1),
        lambda o, w: o.SGD(w, lr=0.03, momentum=0.9, weight_decay=0.1),
    ),
    "sgd-nesterov": (
        O.SGD(0.03, 0.9, nesterov=True, weight_decay=0.1),
        lambda o, w: o.SGD(w, lr=0.03, momentum=0.9, nesterov=True, weight_decay=0.1),
    ),
    "sgd-maximise": (
        O.SGD(0.03, 0.9, weight_decay=0.1, maximise=True),
        lambda o, w: o.SGD(w, lr=0.03, momentum=0.9, weight_decay=0.1, maximize=True),
    ),
    "adagrad": (O.Adagrad(), lambda o, w: o.Adagrad(w)),
    "adagrad-options": (
        O.Adagrad(0.3, lr_decay=0.1, weight_decay=0.2, initial=0.3, maximise=True),
        lambda o, w: o.Adagrad(w, 0.3, 0.1, 0.2, initial_accumulator_value=0.3, maximize=True),
    ),
    "rmsprop": (O.RMSProp(), lambda o, w: o.RMSprop(w)),
    "rmsprop-decay": (O.RMSProp(weight_decay=0.2), lambda o, w: o.RMSprop(w, weight_decay=0.2)),
    "rmsprop-options": (
        O.RMSProp(0.02, 0.9, momentum=0.8, centered=True, weight_decay=0.1, maximise=True),
        lambda o, w: o.RMSprop(w, 0.02, 0.9, momentum=0.8, centered=True, weight_decay=0.1, maximize=True),
    ),
    "adadelta": (O.Adadelta(), lambda o, w: o.Adadelta(w)),
    "adadelta-options": (
        O.Adadelta(0.5, 0.8, weight_decay=0.1, maximise=True),
        lambda o, w: o.Adadelta(w, 0.5, 0.8, weight_decay=0.1, maximize=True),
    ),
    "adam": (O.Adam(), lambda o, w: o.Adam(w)),
    "adam-options": (
        O.Adam(0.05, 0.8, 0.9, eps=1e-3, weight_decay=0.1, maximise=True),
        lambda o, w: o.Adam(w, 0.05, (0.8, 0.9), eps=1e-3, weight_decay=0.1, maximize=True),
    ),
    "adamw": (O.AdamW(), lambda o, w: o.AdamW(w)),
    "adamw-options": (
        O.AdamW(0.05, weight_decay=0.3, maximise=True),
        lambda o, w: o.AdamW(w, 0.05, weight_decay=0.3, maximize=True),
    ),
    "adamw-amsgrad": (O.AdamW(0.05, 0.9, 0.5, amsgrad=True), lambda o, w: o.AdamW(w, 0.05, (0.9, 0.5), amsgrad=True)),
    "amsgrad": (O.AMSGrad(), lambda o, w: o.Adam(w, amsgrad=True)),
    "amsgrad-options": (
        O.AMSGrad(0.05, 0.9, 0.5, weight_decay=0.1),
        lambda o, w: o.Adam(w, 0.05, (0.9, 0.5), weight_decay=0.1, amsgrad=True),
    ),
    "nadam": (O.NAdam(), lambda o, w: o.NAdam(w)),
    "nadam-options": (
        O.NAdam(0.03, 0.8, 0.9, weight_decay=0.1, momentum_decay=0.05, maximise=True),
        lambda o, w: o.NAdam(w, 0.03, (0.8, 0.9), weight_decay=0.1, momentum_decay=0.05, maximize=True),
    ),
}


@pytest.fixture
def double():
    """Torch's scalars in float64: NAdam keeps its product in the default dtype."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(("mine", "theirs"), TORCH.values(), ids=TORCH)
def test_optimizers_are_torchs(mine, theirs):
    near(path(mine), torch_path(theirs))


CLIPS = {
    "value": ({"clip_value": 0.4}, lambda u, w: u.clip_grad_value_(w, 0.4)),
    "norm": ({"clip_norm": 1.5}, lambda u, w: u.clip_grad_norm_(w, 1.5)),
}


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(("option", "clip"), CLIPS.values(), ids=CLIPS)
def test_clipping_is_torchs(option, clip):
    near(path(O.Adam(0.05, **option)), torch_path(lambda o, w: o.Adam(w, 0.05), clip))


# -- what a step is made of

ALL = [
    *(kind() for kind in OPTIMIZERS.values()),
    O.SGD(0.1, 0.9, True, weight_decay=0.1, clip_value=0.5, clip_norm=1.0, maximise=True),
    O.RMSProp(momentum=0.9, centered=True, weight_decay=0.1),
    O.AdamW(O.warm_up(O.cosine(0.1, steps=9), steps=4), amsgrad=True),
]


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_steps_are_sound_programs(optimizer):
    for outputs in (optimizer.formulas(), optimizer.formulas(named=True)):
        program = Program.of(outputs)
        assert verify(program) == []
        assert "w_next[p] = " in str(sn.program(*outputs))


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_what_depends_on_the_step_alone_has_rank_zero(optimizer):
    update = declared(optimizer)
    for node, definition in Program.of([update.w, *update.states.values()]).definitions.items():
        if node.rank:
            reads = {r.node.name for r in definition.formula.atoms(type(update.lr.read()))}
            assert "t" not in reads
        else:
            assert not node.auto


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_parameters_updated_one_by_one_share_their_scalars(optimizer):
    t = sn.input("opt.t", ())
    common = {name: sn.input(name, ()) for name, _ in optimizer.scalars()}
    outputs = []
    for name, shape in (("W", ("D", "K")), ("b", ("K",)), ("s", ())):
        states = {state: sn.input(f"{name}.{state}", shape) for state, _ in optimizer.states()}
        update = optimizer.update(sn.param(name, shape), sn.input(f"g.{name}", shape), t, {**states, **common})
        outputs += [update.w, update.lr, *update.states.values()]
    assert str(sn.program(*outputs)).count("opt.eta = ") == 1


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_scalar_parameter_moves_like_an_entry(optimizer):
    start = START[:1]
    alone = path(optimizer, start[0], lambda w: np.cos(3 * w), steps=4)
    near(alone, path(optimizer, start, lambda w: np.cos(3 * w), steps=4)[:, 0])


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_shapes_do_not_matter_but_for_the_norm(optimizer):
    """A matrix moves like the vector of its entries."""
    update, flat = declared(optimizer, ("D", "K")), declared(optimizer)
    values = {name: abs(RNG.normal(size=(2, 3))) for name in ("w", "g", *dict(optimizer.states()))}
    common = {"t": 3.0, **dict.fromkeys(dict(optimizer.scalars()), 0.5)}
    found = sn.evaluate(update.w, {**values, **common})
    near(found.ravel(), sn.evaluate(flat.w, {**{k: v.ravel() for k, v in values.items()}, **common}))


def test_states_and_their_first_values():
    assert O.SGD().states() == ()
    assert O.SGD(momentum=0.5).states() == (("u", 0.0),)
    assert O.Adagrad(initial=0.5).states() == (("v", 0.5),)
    assert O.RMSProp(centered=True, momentum=0.1).states() == (("v", 0.0), ("m", 0.0), ("u", 0.0))
    assert O.AMSGrad().states() == (("m", 0.0), ("v", 0.0), ("v_max", 0.0))
    assert O.NAdam().scalars() == (("product", 1.0),)


def test_texts():
    def texts(optimizer, **options):
        return str(sn.program(*optimizer.formulas(**options))).splitlines()

    assert texts(O.SGD(0.1)) == ["eta = 1/10", "w_next[p] = w[p] - eta*g[p]"]
    assert texts(O.SGD(0.1, 0.9, nesterov=True)) == [
        "u_next[p] = g[p] + 0.9*u[p]",
        "eta = 1/10",
        "w_next[p] = w[p] - eta*(g[p] + 0.9*u_next[p])",
    ]
    assert texts(O.Adam(), named=True) == [
        "m_next[p] = beta1*m[p] + (1 - beta1)*g[p]",
        "v_next[p] = beta2*v[p] + (1 - beta2)*g[p]**2",
        "c = sqrt(1 - beta2**t)",
        "eta = 0.001",
        "alpha = c*eta/(1 - beta1**t)",
        "eps_t = c*eps",
        "w_next[p] = w[p] - alpha*m_next[p]/(sqrt(v_next[p]) + eps_t)",
    ]
    assert sn.text(O.Lion().formulas()[-1]) == "w_next[p] = w[p] - eta*sign(0.9*m[p] + g[p]/10)"
    assert sn.latex(O.SGD().formulas()[-1]) == r"w^{(\mathrm{next})}_{p} = w_{p} - \eta g_{p}"


def test_representations_show_the_rate_and_what_is_not_as_usual():
    assert repr(O.Adam()) == "Adam(lr=0.001)"
    assert repr(O.AMSGrad(1)) == "AMSGrad(lr=1.0)"
    assert repr(O.SGD(0.1, 0.9, clip_norm=1)) == "SGD(lr=0.1, momentum=0.9, clip_norm=1.0)"
    assert repr(O.AdamW(O.cosine(0.1, 50), amsgrad=True)) == "AdamW(lr=cosine(lr=0.1, steps=50), amsgrad=True)"


def test_optimizers_are_values():
    made = O.AdamW(O.warm_up(O.cosine(0.1, 50), 5), clip_norm=1.0)
    assert made == O.AdamW(O.warm_up(O.cosine(0.1, 50), 5), clip_norm=1.0)
    assert pickle.loads(pickle.dumps(made)) == made
    assert len({made, O.AdamW(), O.Adam()}) == 3
    with pytest.raises(AttributeError):
        made.lr = 0.5


def test_numbers_of_any_make_are_plain_numbers():
    made = O.SGD(np.float64(0.1), np.float32(0.5))
    assert type(made.lr) is float
    assert made == O.SGD(0.1, 0.5)
    assert sn.evaluate(declared(O.SGD(1)).lr, {"t": 1.0}) == 1


@dataclass(frozen=True, repr=False)
class HeavySign(O.Optimizer):
    """One that a user wrote: w' := w - lr pull sign(u'), u' := u + g."""

    pull: float = 2.0

    def states(self):
        return (("u", 0.0),)

    def rule(self, s):
        u = s.next("u", s.state("u") + s.g)
        return s.w - s.lr * self.pull * sn.sign(u)


def test_an_optimizer_of_ones_own():
    def rule(w, g, t, memory):
        memory["u"] = memory.get("u", 0) + np.clip(g, -0.5, 0.5)
        return w - 0.1 / t * 3 * np.sign(memory["u"])

    made = HeavySign(lambda t: 0.1 / t, pull=3.0, clip_value=0.5)
    near(path(made), by_hand(rule))
    assert repr(HeavySign(0.1, pull=3.0)) == "HeavySign(lr=0.1, pull=3.0)"


# -- mistakes

MISTAKES = {
    "lr": (lambda: O.SGD(-0.1), "SGD: lr is -0.1", "0 or more, or a schedule"),
    "lr text": (lambda: O.Adam("1e-3"), "Adam: lr is '1e-3'", "a number"),
    "lr none": (lambda: O.Adam(None), "Adam: lr is None", "a number"),
    "lr nan": (lambda: O.Adam(float("nan")), "lr is nan", "a number"),
    "momentum": (lambda: O.SGD(0.1, 1.0), "momentum is 1.0", "below 1"),
    "beta": (lambda: O.Adam(beta2=1.5), "beta2 is 1.5", "below 1"),
    "bool": (lambda: O.Adam(True), "lr is True", "a number"),
    "switch": (lambda: O.SGD(nesterov=1), "nesterov is 1", "True or False"),
    "nesterov": (lambda: O.SGD(nesterov=True), "nesterov without momentum", "0.9"),
    "clip": (lambda: O.SGD(clip_norm=0), "clip_norm is 0", "above 0"),
    "decay": (lambda: O.AdamW(weight_decay=-1), "weight_decay is -1", "0 or more"),
}


@pytest.mark.parametrize(("make", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_in_hyper_parameters_are_named(make, message, hint):
    with pytest.raises(ValueProblem) as problem:
        make()
    assert message in problem.value.message
    assert hint in problem.value.hint


def test_mistakes_in_the_tensors_of_a_step_are_named():
    w, g, t = sn.param("w", ("P",)), sn.input("g", ("P",)), sn.input("t", ())
    with pytest.raises(FormulaProblem, match="needs the states m, v"):
        O.Adam().update(w, g, t, {})
    with pytest.raises(ShapeProblem, match=r"needs the shape \(P\)"):
        O.SGD().update(w, sn.input("g", ("Q",)), t, {})
    with pytest.raises(ShapeProblem, match=r"needs the shape \(\)"):
        O.SGD().update(w, g, sn.input("t", ("P",)), {})


# -- by name


def test_optimizers_by_name():
    assert O.by_name("adam", lr=0.01) == O.Adam(0.01)
    assert O.by_name("SGD", momentum=0.9) == O.SGD(momentum=0.9)
    schedule = {"warm_up": {"lr": {"cosine": {"lr": 0.1, "steps": 100}}, "steps": 10}}
    assert O.by_name("rmsprop", lr=schedule) == O.RMSProp(O.warm_up(O.cosine(0.1, 100), 10))


NAMES = {
    "optimizer": (lambda: O.by_name("adan"), NameProblem, "no optimizer 'adan'", "did you mean 'adam'"),
    "option": (lambda: O.by_name("adam", beta=0.9), NameProblem, "adam has no option 'beta'", "beta1"),
    "schedule": (lambda: O.by_name("sgd", lr={"cosin": {}}), NameProblem, "no schedule 'cosin'", "'cosine'"),
    "missing": (lambda: O.by_name("sgd", lr={"cosine": {"lr": 1}}), ValueProblem, "cosine needs steps", "steps"),
    "no options": (lambda: O.by_name("sgd", lr={"cosine": 3}), ValueProblem, "a schedule is", "cosine"),
    "init": (lambda: O.by_name("amsgrad", amsgrad=False), NameProblem, "amsgrad has no option 'amsgrad'", "beta1"),
}


@pytest.mark.parametrize(("make", "problem", "message", "hint"), NAMES.values(), ids=NAMES)
def test_unknown_names_are_refused_with_a_guess(make, problem, message, hint):
    with pytest.raises(problem) as found:
        make()
    assert message in found.value.message
    assert hint in found.value.hint


def test_signature_tells_formulas_apart_whatever_their_names():
    @dataclass(frozen=True, repr=False)
    class SGD(O.SGD):
        def rule(self, s):
            return s.w - 2 * s.lr * s.g

    assert O.Adam(0.1).signature() == O.Adam(0.1).signature() != O.Adam(0.2).signature()
    assert SGD(0.1).signature() != O.SGD(0.1).signature()
    assert O.SGD(lambda t: 0.1 / t).signature() == O.SGD(lambda t: 0.1 / t).signature()
    assert O.SGD(lambda t: 0.1 / t).signature() != O.SGD(lambda t: 0.2 / t).signature()
