"""The page: what it says, that nothing leaves its place in it, and that it is the same each time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from golden import ROOT, example
from report_data import dataset

import symnet as sn
from symnet.report.page import report

HOSTILE = "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}"
SAFE = "&lt;/pre&gt;&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
NAMED = ("a<b>", '"><script>x</script>', "c & d", "{{ config }}")
VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """A page taken apart: its tags with their attributes, the text of each section, and whether tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.heard: dict[str, list[str]] = {}
        self.place = ""
        self.sound = True
        self.feed(text)
        self.said = {place: re.sub(r"\s+", " ", "".join(parts)) for place, parts in self.heard.items()}

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self.place = dict(attrs).get("id") or "missing"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.sound &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.heard.setdefault(self.place, []).append(data)

    def count(self, tag, **attributes):
        return sum(t == tag and all(a.get(k) == v for k, v in attributes.items()) for t, a in self.tags)


@pytest.fixture(scope="session")
def full(digits):
    """Everything that a page may hold, with names that try to break out of their places."""
    spec = SimpleNamespace(text=f"name: {HOSTILE}\n# a comment", file=f"{HOSTILE}.yaml", train=None)
    opened = SimpleNamespace(
        spec=spec,
        model=digits.model,
        run=digits.run,
        facts={"host": HOSTILE, "started": "a time", "versions": {"numpy": "2"}},
        history=digits.run.history,
        dataset=lambda: dataset(digits.data, classes={"t": NAMED}, source=HOSTILE),
    )
    hostile = sn.Model(digits.model.loss, digits.model.outputs, list(digits.model.metrics.values()), name=HOSTILE)
    return report(hostile, run=opened, command=f"symnet report {HOSTILE}", made="then")


@pytest.fixture(scope="session")
def page(full):
    return Page(full)


# -- what it says


def test_every_section_is_there_and_in_the_contents(full, page):
    assert page.sound
    keys = [a.get("id") for t, a in page.tags if t == "section"]
    assert keys == [
        *("network", "formulas", "gradients", "check", "curves", "predictions"),
        *("weights", "schedule", "kernel", "again", None),
    ]
    links = [a["href"] for t, a in page.tags if t == "a"]
    assert links == [f"#{key}" for key in keys if key]
    assert "Decision surface: the input is not a plane of two numbers." in page.said["missing"]


def test_graph_formulas_and_steps_are_drawn(page, digits):
    assert page.count("svg", **{"class": "sg"}) == 2
    assert page.count("title") == 1 + 10 + 17  # the page's, and of the nodes of both graphs
    assert page.count("details", **{"class": "story"}) == 8
    assert page.count("math") > 50
    assert "softmax" not in page.said["formulas"]
    assert "the distributive law; a quotient of equals is one" in page.said["gradients"]
    for name in digits.model.parts.params:
        assert f"{name.name}_bar, " in page.said["gradients"]


def test_the_check_is_a_table_of_what_agrees(page):
    said = page.said["check"]
    assert "Derived and numeric gradients agree: complex steps, tolerance 1e-10" in said
    assert len(re.findall(r"dense[12]\.[Wb]", said)) == 4
    assert "64 × 8" in said
    assert "entries and directions sampled" in said


def test_curves_have_text_and_what_was_held_out(page):
    said = page.said["curves"]
    assert page.count("svg", **{"class": "chart"}) == 3
    assert page.count("path", **{"class": "line held"}) == 2 + 2  # the lines, and their legends
    assert all(word in said for word in ("epoch", "loss", "accuracy", "training", "held out"))


def test_predictions_are_counted_by_class(page, digits):
    said = page.said["predictions"]
    predicted = digits.run.predict({"x": digits.data["x"]})["p"].argmax(1)
    right = int((predicted == digits.data["t"]).sum())
    assert f"{right / 200:.1%} of 200 predictions of p name the class that t says." in said
    for k in range(4):
        count = int(((predicted == k) & (digits.data["t"] == k)).sum())
        assert not count or f" {count} " in f"{said} "
    assert '"><script>x</…' in said  # as text, cut
    assert 0 < right < 200
    assert "Most often mistaken: " in said
    assert "Samples that were taken for another class." in said


def test_weights_and_misread_samples_are_images(page):
    images = [a for t, a in page.tags if t == "img"]
    assert all(a["src"].startswith("data:image/png;base64,") for a in images)
    assert images[-1]["alt"].startswith("dense1.W: 8 of 8 × 8, from −")


def test_schedule_and_kernel_are_those_of_the_run(full, page, digits):
    said = page.said
    assert "product" in said["schedule"]
    assert "The update of all parameters" in said["schedule"]
    assert f"The emitted module: {digits.run.source.count(chr(10)):,} lines" in said["kernel"]
    assert "def train_steps(" in said["kernel"]
    assert '<span class="k">def</span>' in full


def test_what_reproduces_it_is_said(page):
    said = page.said["again"]
    for part in ("symnet report", "Adam(lr=0.02)", "float32", "samples200", "0" * 64, "numba", "a comment"):
        assert part in said
    assert "trained withnumpy 2" in said
    assert "a time" not in said


def test_a_regression_shows_what_is_left(line):
    page = report(line.model, run=line.run, dataset=line.data, made="then")
    said = Page(page).said["predictions"]
    rest = line.run.predict({"x": line.data["x"]})["v"] - line.data["y"]
    assert f"v against y on 100 values: root mean square error {np.sqrt(np.mean(rest**2)):.4g}, R² = 0." in said
    assert Page(page).count("circle") == 100
    assert "predicted − true" in said


def test_two_inputs_show_a_surface(moons):
    page = Page(report(moons.model, run=moons.run, dataset=dataset(moons.data, classes={"y": ("no", "yes")})))
    assert page.count("image") == 1
    assert page.count("circle") == 120
    assert page.said["surface"].endswith(" no yes ")


def test_what_is_missing_is_named_with_its_reason():
    loss, _ = example("softmax_regression").build()
    page = Page(report(sn.Model(loss, name="bare"), made="then"))
    assert [a["id"] for t, a in page.tags if t == "section" and "id" in a] == [
        *("network", "formulas", "gradients", "check", "again")
    ]
    for reason in (
        "Learning curves: no history of a training run was given.",
        "Predictions: the model has not been trained.",
        "First weights: the model has not been trained.",
        "Schedule: the kernel is made when sizes are known.",
        "Kernel: the kernel is made when sizes are known.",
    ):
        assert reason in page.said["missing"]


def test_data_that_cannot_be_read_are_a_reason_and_no_failure(moons):
    def fails():
        raise sn.SymnetError("no such file: moons.csv")

    opened = SimpleNamespace(spec=None, run=moons.run, facts={}, history={}, dataset=fails)
    said = Page(report(moons.model, run=opened)).said["missing"]
    assert "Predictions: the data could not be read: no such file: moons.csv." in said
    said = Page(report(moons.model, run=moons.run, dataset={"x": moons.data["x"]})).said["missing"]
    assert "Predictions: the data hold no y." in said


def test_a_wrong_gradient_would_be_seen(moons, monkeypatch):
    wrong = SimpleNamespace(ok=False, method="central", rtol=1e-7, rows=(), max_error=0.5)
    monkeypatch.setattr("symnet.report.page.check", lambda model: (wrong, SimpleNamespace(targets=model.parts.params)))
    page = Page(report(moons.model, run=moons.run))
    assert "disagree" in page.said["check"]
    assert "DISAGREE" in page.said[""]


# -- nothing leaves its place


def test_hostile_names_stay_text(full, page):
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "iframe", "object", "embed", "form", "base", "foreignobject"}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert full.count(SAFE) >= 5
    assert "{{ 7*7 }}" in page.said["again"]
    assert "49" not in page.said[""]


def test_no_address_leads_outside(full, page):
    for tag, attributes in page.tags:
        for key in ("src", "href", "action", "xlink:href"):
            value = attributes.get(key) or ""
            assert not value or value.startswith(("#", "data:")), f"{tag} {key}={value[:60]}"
    style = "".join(re.findall(r"<style>(.*?)</style>", full, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert page.count("meta", content=policy) == 1


def test_a_page_stays_small(full):
    assert len(full.encode()) < 1_000_000


# -- the same each time


def test_equal_arguments_give_equal_bytes(moons):
    made = [report(moons.model, run=moons.run, dataset=moons.data, made=when) for when in ("then", "then", "later")]
    assert made[0] == made[1]
    changed = [(a, b) for a, b in zip(made[0].splitlines(), made[2].splitlines(), strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][0].startswith('<footer><p class="times">Made then; training took ')


PROGRAM = """
import hashlib, sys
sys.path[:0] = ["examples", "tests"]
import symnet as sn
from golden import example
from symnet.report.page import report
page = report(sn.Model(example("softmax_regression").build()[0]), made="then")
print(hashlib.sha256(page.encode()).hexdigest())
"""


def test_the_same_page_whatever_the_hash_seed():
    def run(seed):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, env=env, capture_output=True, check=True
        ).stdout

    assert run("1") == run("2") != b""
