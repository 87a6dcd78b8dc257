"""Trainings that are killed at random moments and resumed, each in a process of its own forked from this one.

    python nursery.py FOLDER KILLS SEED

prints a line of JSON: what was killed, where, and whether everything ended in the same bits as without kills.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import symnet as sn
from symnet.runs.folder import RunFolder
from symnet.runs.training import train
from symnet.spec.specification import DataSpec, ModelSpec, TrainSpec
from symnet.train.checkpoint import load_params, newest

EVERY = 3  # steps between checkpoints


def spec(**train: object) -> ModelSpec:
    """A small model with everything that has a state: momenta, running moments, dropout, early stopping."""
    x, t = sn.input("x", ("N", 2)), sn.input("t", ("N",), "label", 2)
    h = sn.layers.Dense(6, activation="tanh", name="h")(x)
    h = sn.layers.Dropout(0.2, name="drop")(sn.layers.BatchNorm(name="norm")(h))
    z = sn.layers.Dense(2, name="z")(h)
    loss = sn.losses.softmax_cross_entropy(z, t)
    options = {"epochs": 40, "batch": 8, "validation": 0.2, "early_stopping": 3, "checkpoint_steps": EVERY}
    data = DataSpec(builtin="two_moons", options={"samples": 250}, standardise=True, test=0.2)
    return ModelSpec(
        name="moons",
        loss=loss,
        outputs={"p": sn.softmax(z).named("p")},
        metrics=(sn.metrics.accuracy(z, t),),
        tensors={"x": x, "t": t},
        roles={"x": "input", "t": "target"},
        dims={},
        train=TrainSpec(optimizer=sn.optim.Adam(0.03), **{**options, **train}),
        data=data,
        text="name: moons\n",
        file="model.yaml",
    )


class Nursery:
    """Forks trainings and counts their steps in memory that both sides see."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.counter = folder, mmap.mmap(-1, 8)
        self.spec = spec()

    def begin(self, out: Path, resume: bool) -> int:
        """Start a training in a forked process."""
        self.counter[:8] = struct.pack("q", 0)
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            warnings.simplefilter("error")
            train(self.spec, out, resume=resume, on_event=self.noted)
            status = 0
        finally:
            os._exit(status)

    def noted(self, event: dict) -> None:
        if "steps" in event:
            self.counter[:8] = struct.pack("q", event["steps"])

    def moment(self, chance: random.Random, length: float, saved: int, steps: int) -> Callable[[], bool]:
        """Until when a child is spared: mostly to a moment around a step, at times to one of the whole process."""
        begun = time.perf_counter()
        if chance.random() < 0.15:
            end = begun + chance.uniform(0, length)
            return lambda: time.perf_counter() < end
        step, later, met = saved + chance.randrange(steps // 2), chance.uniform(0, 0.006), list[float]()
        if step > steps or saved == steps:
            return lambda: True

        def spared() -> bool:
            if self.steps >= step:
                met.append(time.perf_counter())
            return not met or time.perf_counter() < met[0] + later

        return spared

    @property
    def steps(self) -> int:
        return struct.unpack("q", self.counter[:8])[0]


def finished(child: int, spare: Callable[[], bool]) -> int | None:
    """The status of a child that ends while it is spared; None for one that was killed."""
    while spare():
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0002)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return None if code == -signal.SIGKILL else code


def ending(out: Path) -> dict[str, object]:
    """What a finished run left, but for its seconds."""
    folder = RunFolder(out)
    arrays, _ = load_params(folder.params)
    last = newest(folder.checkpoints)
    history = folder.read_history()
    history.pop("seconds")
    facts = folder.read_facts()
    return {
        "params": {name: array.tobytes() for name, array in arrays.items()},
        "checkpoint": {name: array.tobytes() for name, array in last.arrays.items()},
        "history": list(history.items()),
        "facts": {key: facts[key] for key in ("status", "epochs", "steps", "stopped_early", "standard")},
    }


def main(folder: Path, kills: int, seed: int) -> None:
    chance, nursery = random.Random(seed), Nursery(folder)
    whole = folder / "whole"
    begun = time.perf_counter()
    train(nursery.spec, whole)  # compiles; the time of the second is what kills are drawn from
    again = folder / "again"
    begun = time.perf_counter()
    child = nursery.begin(again, False)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    length = time.perf_counter() - begun
    expected = ending(whole)
    same = ending(again) == expected
    killed, runs, lost, anew, at = 0, 0, [], 0, []
    while killed < kills:
        out, resume, before = folder / f"run{runs}", False, 0
        runs += 1
        while True:
            child = nursery.begin(out, resume)
            steps = expected["facts"]["steps"]
            spare = nursery.moment(chance, length, before, steps) if killed < kills else lambda: True
            status = finished(child, spare)
            if status is not None:
                assert status == 0, f"run {runs} ended with {status} after {killed} kills"
                break
            killed += 1
            reached = max(nursery.steps, before)
            resume = RunFolder(out).facts.exists()
            saved = saved_steps(out)
            anew += not resume or not RunFolder(out).has_checkpoints()
            lost.append(reached - saved)
            at.append(reached)
            before = saved
        same = same and ending(out) == expected
        shutil.rmtree(out)
    print(
        json.dumps(
            {
                "kills": killed,
                "runs": runs,
                "same": same,
                "most_lost": max(lost),
                "mean_lost": float(np.mean(lost)),
                "before_first_checkpoint": anew,
                "distinct_steps": len(set(at)),
                "run_seconds": round(length, 3),
                "steps": expected["facts"]["steps"],
            }
        )
    )


def saved_steps(out: Path) -> int:
    """The step of the newest checkpoint; every file there must be sound."""
    folder = RunFolder(out)
    if not folder.has_checkpoints():
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return int(newest(folder.checkpoints).facts["done"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
