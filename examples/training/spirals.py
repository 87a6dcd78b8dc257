"""Three spirals: declare a network, see its gradients, have them checked by numbers, and train the compiled kernel.

    a[n,k] = tanh(sum_d x[n,d]*W1[d,k] + b1[k])
    z[n,c] = sum_k h[n,k]*W3[k,c] + b3[c],   p = softmax(z)
    L      = -1/N sum_n log p[n, t[n]]

The data are drawn here; nothing is downloaded.
"""

from __future__ import annotations

import numpy as np

import symnet as sn

CLASSES = 3


def network() -> tuple[sn.Model, list[sn.Tensor]]:
    """A model of two hidden layers, and its parameters."""
    x = sn.input("x", ("N", 2))
    t = sn.input("t", ("N",), kind="label", classes=CLASSES)
    layers = [sn.layers.Dense(units, activation="tanh", name=name) for name, units in (("first", 32), ("second", 32))]
    last = sn.layers.Dense(CLASSES, name="last")
    z = sn.layers.Sequential(*layers, last)(x)
    p = sn.softmax(z).named("p")
    loss = sn.losses.cross_entropy(p, t).named("L")
    model = sn.Model(loss, outputs={"p": p}, metrics=[sn.metrics.accuracy(p, t)], name="spirals")
    return model, [layer.params["W"] for layer in (*layers, last)]


def spirals(samples: int = 3000, seed: int = 0) -> dict[str, np.ndarray]:
    """Points on three arms that wind around each other, with a little noise."""
    rng = np.random.default_rng(seed)
    t = rng.integers(0, CLASSES, samples)
    r = rng.uniform(0.1, 1.0, samples)
    angle = 2 * np.pi * t / CLASSES + 4 * r + rng.normal(0, 0.1, samples)
    return {"x": np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1), "t": t}


def main() -> None:
    model, weights = network()
    print("The slope of the loss by the last weights, derived and simplified:\n")
    print("   ", sn.text(sn.grad(model.loss, weights[-1])), "\n")
    print(sn.check(model.loss, weights), "\n")
    run = model.compile(sn.optim.Adam(1e-2), seed=0)
    history = run.fit(spirals(), epochs=40, batch_size=64, validation=0.2)
    print(history)
    print("\non new data:", {name: round(value, 4) for name, value in run.evaluate(spirals(seed=1)).items()})


if __name__ == "__main__":
    main()
