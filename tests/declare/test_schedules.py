"""Schedules against closed forms and against torch's schedulers, stepped once for each optimizer step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import symnet as sn
from symnet.declare.optimizers.schedules import SCHEDULES
from symnet.errors import FormulaProblem, ValueProblem

O = sn.optim
STEPS = range(1, 61)

CLOSED = {
    "number": (0.1, lambda t: 0.1),
    "constant": (O.constant(0.1), lambda t: 0.1),
    "step": (O.step(0.1, every=7, factor=0.5), lambda t: 0.1 * 0.5 ** ((t - 1) // 7)),
    "step-1": (O.step(0.1, 1), lambda t: 0.1 * 0.1 ** (t - 1)),
    "exponential": (O.exponential(0.1, 0.9), lambda t: 0.1 * 0.9 ** (t - 1)),
    "exponential-every": (O.exponential(0.1, 0.5, every=8), lambda t: 0.1 * 0.5 ** ((t - 1) / 8)),
    "cosine": (
        O.cosine(0.1, steps=40, floor=0.02),
        lambda t: 0.02 + 0.04 * (1 + math.cos(math.pi * min(t - 1, 40) / 40)),
    ),
    "warm_up": (O.warm_up(0.1, 10), lambda t: 0.1 * min(1, t / 10)),
    "warm_up-1": (O.warm_up(O.exponential(0.1, 0.9), 1), lambda t: 0.1 * 0.9 ** (t - 1)),
    "warm_up-step": (
        O.warm_up(O.step(0.1, 20), steps=5),
        lambda t: 0.1 * t / 5 if t < 5 else 0.1 * 0.1 ** ((t - 5) // 20),
    ),
    "function": (lambda t: 0.1 / sn.sqrt(t), lambda t: 0.1 / math.sqrt(t)),
}


def rates(schedule):
    """The learning rate that an optimizer uses at each step, by the interpreter."""
    w, g, t = sn.param("w", ("P",)), sn.input("g", ("P",)), sn.input("t", ())
    update = O.SGD(schedule).update(w, g, t, {})
    assert update.lr.rank == 0
    assert update.lr.name == "eta"
    found = [sn.evaluate([update.lr, update.w], {"w": [1.0], "g": [1.0], "t": float(t)}) for t in STEPS]
    np.testing.assert_allclose([w[0] for _, w in found], [1 - lr for lr, _ in found], rtol=1e-14)
    return [lr for lr, _ in found]


@pytest.mark.parametrize(("schedule", "wanted"), CLOSED.values(), ids=CLOSED)
def test_closed_forms(schedule, wanted):
    np.testing.assert_allclose(rates(schedule), [wanted(t) for t in STEPS], rtol=1e-12)


@pytest.mark.parametrize(("schedule", "wanted"), CLOSED.values(), ids=CLOSED)
def test_schedules_can_be_asked(schedule, wanted):
    if isinstance(schedule, float):
        return
    found = [float(schedule(t)) for t in STEPS]
    np.testing.assert_allclose(found, [wanted(t) for t in STEPS], rtol=1e-12)
    assert sp.sympify(schedule(sp.Symbol("t", positive=True))).is_real is not False


TORCH = {
    "step": (O.step(0.1, 7, 0.5), lambda s, o: s.StepLR(o, 7, 0.5)),
    "exponential": (O.exponential(0.1, 0.9), lambda s, o: s.ExponentialLR(o, 0.9)),
    "cosine": (O.cosine(0.1, 60, 0.01), lambda s, o: s.CosineAnnealingLR(o, 60, 0.01)),
    "warm_up": (O.warm_up(0.1, 10), lambda s, o: s.LinearLR(o, 1 / 10, total_iters=9)),
    "warm_up-cosine": (
        O.warm_up(O.cosine(0.1, 60), 10),
        lambda s, o: s.SequentialLR(
            o, [s.LinearLR(o, 1 / 10, total_iters=9), s.CosineAnnealingLR(o, 60)], milestones=[9]
        ),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("mine", "theirs"), TORCH.values(), ids=TORCH)
def test_schedules_are_torchs(mine, theirs):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = theirs(torch.optim.lr_scheduler, optimizer)
    wanted = []
    for _ in STEPS:
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(rates(mine), wanted, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("every", [3, 7, 10, 49, 1000])
def test_no_rounding_decides_when_a_step_comes(every):
    """A step falls where it should however its formula is multiplied out."""
    schedule = O.step(1.0, every, 0.5)
    t = sp.Symbol("t")
    place = next(iter(schedule.at(t).atoms(sp.floor))).args[0]
    slope, offset = (np.float32(place.coeff(t, power)) for power in (1, 0))
    for count in range(1, 4):
        before, after = (math.floor(slope * np.float32(s) + offset) for s in (count * every, count * every + 1))
        assert (before, after) == (count - 1, count)


def test_texts():
    def text(schedule):
        return str(sn.program(*O.SGD(schedule).formulas())).splitlines()[0]

    assert text(O.constant(0.1)) == "eta = 1/10"
    assert text(O.step(0.1, 10, 0.5)) == "eta = 1/(10*2**floor((2*t - 1)/20))"
    assert text(O.cosine(0.2, 10)) == "eta = (1 + cos(pi*(t/10 - 1/10)))*[t <= 10]/10"
    assert text(O.warm_up(0.1, 10)) == "eta = [t >= 10]/10 + t*[t < 10]/100"


def test_representations():
    assert repr(O.constant(1)) == "constant(lr=1.0)"
    assert repr(O.step(0.1, 10)) == "step(lr=0.1, every=10)"
    assert repr(O.warm_up(O.cosine(0.1, 100, floor=0.01), 10)) == (
        "warm_up(lr=cosine(lr=0.1, steps=100, floor=0.01), steps=10)"
    )
    assert list(SCHEDULES) == ["constant", "step", "exponential", "cosine", "warm_up"]


MISTAKES = {
    "negative": (lambda: O.constant(-1), "constant: lr is -1", "0 or more"),
    "nested": (lambda: O.cosine(O.constant(1), 5), "cosine: lr is constant(lr=1.0)", "0 or more"),
    "steps": (lambda: O.cosine(0.1, 0), "cosine: steps is 0", "whole number, 1 or more"),
    "half": (lambda: O.step(0.1, 2.5), "step: every is 2.5", "whole number, 1 or more"),
    "factor": (lambda: O.step(0.1, 2, 0), "step: factor is 0", "above 0"),
    "rate": (lambda: O.exponential(0.1, -0.5), "exponential: rate is -0.5", "above 0"),
    "text": (lambda: O.warm_up("0.1", 5), "warm_up: lr is '0.1'", "or a schedule"),
}


@pytest.mark.parametrize(("make", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(make, message, hint):
    with pytest.raises(ValueProblem) as problem:
        make()
    assert message in problem.value.message
    assert hint in problem.value.hint


def test_a_function_that_gives_no_formula_is_refused():
    with pytest.raises(FormulaProblem):
        rates(lambda t: "fast")
    with pytest.raises(FormulaProblem):
        rates(lambda t: sp.Symbol("rate"))
