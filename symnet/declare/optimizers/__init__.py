"""Optimizers: what the parameters become in one step, as formulas, with the update rules and defaults of torch.

    SGD       d := g + weight_decay w;  u' := momentum u + d;  w' := w - lr u'
    Adagrad   v' := v + g^2;  w' := w - lr g/(sqrt(v') + eps)
    RMSProp   v' := alpha v + (1 - alpha) g^2;  w' := w - lr g/(sqrt(v') + eps)
    Adadelta  steps of the size of earlier steps: g sqrt(a + eps)/sqrt(v' + eps)
    Adam      w' := w - lr m^/(sqrt(v^) + eps);  AdamW, NAdam and AMSGrad alike
    Lion      w' := w - lr sign(beta1 m + (1 - beta1) g)

Every one takes `clip_value=`, `clip_norm=` and `maximise=` by name, and for `lr` a number or a schedule: constant,
step, exponential, cosine, warm_up. `Adam().formulas()` are the definitions of one step; print them with
`sn.program(*Adam().formulas())`.
"""

from __future__ import annotations

from symnet.declare.optimizers.adam import Adam, AdamW, AMSGrad, NAdam
from symnet.declare.optimizers.adaptive import Adadelta, Adagrad, RMSProp
from symnet.declare.optimizers.base import Optimizer, Update
from symnet.declare.optimizers.lion import Lion
from symnet.declare.optimizers.registry import by_name
from symnet.declare.optimizers.schedules import Schedule, constant, cosine, exponential, step, warm_up
from symnet.declare.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "NAdam",
    "Optimizer",
    "RMSProp",
    "Schedule",
    "Update",
    "by_name",
    "constant",
    "cosine",
    "exponential",
    "step",
    "warm_up",
]
