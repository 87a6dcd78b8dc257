"""The parts of the page: charts, pictures, what answers what, source with marks, MathML."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.image import imread
from report_data import dataset

import symnet as sn
from symnet.report.checking import plan
from symnet.report.given import Given, as_data, given
from symnet.report.highlight import LONGEST, marked
from symnet.report.image import MIDDLE, NEGATIVE, POSITIVE, address, colour, grey, mixed, png, sheet, signed
from symnet.report.pictures import as_image, as_tiles, confusion, curves, misread, shares
from symnet.report.plot import Chart, Scale, decades, spread, ticks, written
from symnet.report.predictions import CLASSES, VALUES, YES_NO, Answers, Pairing, answers, kind_of
from symnet.show.mathml import mathml

# -- charts


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 60, [20, 40, 60]),
        (-0.3, 0.7, [-0.2, 0, 0.2, 0.4, 0.6]),
        (0.08, 0.52, [0.1, 0.2, 0.3, 0.4, 0.5]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.001, 2, [0.001, 0.01, 0.1, 1]), (0.5, 20, [1, 3, 10]), (1, 6, [1, 2, 5])],
)
def test_decades_are_powers_of_ten_or_what_lies_between(low, high, expected):
    assert decades(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "text"), [(0.2, "0.2"), (-1.0, "−1"), (1e-5, "1e−5"), (250000.0, "2e5"), (0.0, "0"), (1000.0, "1000")]
)
def test_numbers_at_ticks(value, text):
    assert written(value) == text


def test_scales_place_values_between_their_ends():
    assert [Scale(0, 10, 100, 200).at(v) for v in (0, 5, 10)] == [100, 150, 200]
    assert [Scale(1, 100, 0, 2, log=True).at(v) for v in (1, 10, 100)] == [0, 1, 2]
    assert spread(3, 3) == pytest.approx((2.82, 3.18))


def test_a_line_goes_through_its_points():
    chart = Chart((0, 1), (0, 1), width=168, height=168)
    chart.line([(0, 0), (1, 1)], "train")
    assert '<path class="line train" d="M54 128L154 28"/>' in chart.svg()


def test_a_loss_that_falls_far_is_drawn_by_powers_of_ten():
    (near,), (far,) = curves({"loss": [2.0, 1.0]}), curves({"loss": [100.0, 0.5], "val_loss": [90.0, None]})
    assert ">1.5</text>" in near
    assert ">1.5</text>" not in far
    assert all(f">{power}</text>" in far for power in (1, 10, 100))
    assert far.count('<circle class="dot held"') == 1
    assert curves({"seconds": [1.0], "loss": [None]}) == []


# -- pictures


def test_png_is_read_back_as_it_was_written():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert (np.rint(imread(io.BytesIO(png(pixels))) * 255) == pixels).all()


def test_colours_say_sign_strength_and_class():
    assert signed(np.array([[-2.0, 0.0, 2.0]])).tolist() == [[list(NEGATIVE), list(MIDDLE), list(POSITIVE)]]
    assert signed(np.zeros((1, 1))).tolist() == [[list(MIDDLE)]]
    assert grey(np.array([[0.0, 1.0]])).tolist() == [[[255] * 3, [20] * 3]]
    sure, unsure = mixed(np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert np.abs(sure - np.array(colour(0))).sum() < np.abs(unsure - np.array(colour(0))).sum()


def test_a_sheet_puts_tiles_in_rows_with_gaps():
    tiles = [np.full((2, 3, 3), value, np.uint8) for value in (1, 2, 3)]
    page = sheet(tiles, 2)
    assert page[..., 0].tolist() == [
        [1, 1, 1, 255, 2, 2, 2],
        [1, 1, 1, 255, 2, 2, 2],
        [255] * 7,
        [3, 3, 3, 255, 255, 255, 255],
        [3, 3, 3, 255, 255, 255, 255],
    ]


@pytest.mark.parametrize(
    ("shape", "count", "side"),
    [((64, 5), 5, 8), ((784, 100), 64, 28), ((4, 2, 3, 3), 8, 3), ((10, 5), 0, 0), ((64,), 0, 0)],
)
def test_weights_are_images_where_they_can_be(shape, count, side):
    tiles, found = as_tiles(np.arange(np.prod(shape), dtype=float).reshape(shape))
    assert (len(tiles), found) == (count, side)
    assert all(tile.shape == (side, side) for tile in tiles)


def test_tiles_are_columns_of_a_matrix():
    values = np.random.default_rng(0).normal(size=(64, 3))
    assert (as_tiles(values)[0][1].reshape(-1) == values[:, 1]).all()


@pytest.mark.parametrize(
    ("shape", "image"), [((64,), (8, 8)), ((63,), None), ((1, 9, 9), (9, 9)), ((3, 9, 9), None), ((2, 2), None)]
)
def test_samples_are_images_where_they_can_be(shape, image):
    found = as_image(np.zeros(shape))
    assert (None if found is None else found.shape) == image


def test_scores_become_shares():
    assert shares(np.array([[0.25, 0.75]])).tolist() == [[0.25, 0.75]]
    assert shares(np.array([[0.0, np.log(3.0)]])) == pytest.approx(np.array([[0.25, 0.75]]))


# -- what answers what

N, T, K = sn.dims("N T K")


@pytest.mark.parametrize(
    ("output", "target", "kind", "expected"),
    [
        ((N, K), (N,), "label", CLASSES),
        ((N, T, K), (N, T), "label", CLASSES),
        ((N, K), (N, K), "onehot", CLASSES),
        ((N, 1), (N,), "label", YES_NO),
        ((N,), (N,), "mask", YES_NO),
        ((N, K), (N, K), "real", VALUES),
        ((N, 1), (N,), "real", VALUES),
        ((N, K), (N,), "real", ""),
        ((N, K), (N, T), "label", ""),
    ],
    ids=str,
)
def test_outputs_answer_targets_by_shape_and_kind(output, target, kind, expected):
    classes = {"classes": 2} if kind == "label" else {}
    assert kind_of(sn.input("p", output), sn.input("t", target, kind=kind, **classes)) == expected


def told(true, predicted, names=("a", "b", "c"), inputs=None):
    pairing = Pairing(CLASSES, "p", sn.input("p", (N, 3)), sn.input("t", (N,), kind="label", classes=3))
    return Answers(pairing, np.array(true), np.array(predicted), names, np.arange(len(true)), inputs or {})


def test_the_matrix_counts_true_by_predicted():
    found = told([0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 0, 2])
    assert found.matrix.tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 1]]
    assert found.share_right == 0.5
    assert found.confusions() == [("c", "a", 2), ("a", "b", 1)]
    drawn = confusion(found)
    assert drawn.count('class="right"') == 3
    assert drawn.count('class="wrong"') == 2


def test_names_of_classes_are_escaped_and_cut_in_the_matrix():
    drawn = confusion(told([0], [1], ("<b>", "x" * 40, "c")))
    assert "&lt;b&gt;" in drawn
    assert "x" * 13 + "…" in drawn
    assert "x" * 14 not in drawn


def test_each_kind_of_mistake_is_shown_before_a_second_of_any():
    images = np.zeros((5, 64))
    found = misread(told([0, 0, 0, 1, 2], [1, 1, 2, 0, 2], inputs={"x": images}))
    assert [(m.true, m.predicted) for m in found] == [("a", "b"), ("a", "c"), ("b", "a"), ("a", "b")]


def test_misread_samples_are_drawn_as_they_were_before_they_were_standardised(digits):
    mean, deviation = np.linspace(-1, 3, 64), np.linspace(0.5, 2, 64)
    standard = {"x": (mean, deviation)}
    found = answers(given(digits.model, run=digits.run, dataset=dataset(digits.data, standard=standard)))
    images = digits.data["x"] * deviation + mean
    wrong = np.flatnonzero(found.true != found.predicted)
    assert len(wrong)
    sources = {picture.source for picture in misread(found)}
    assert sources <= {address(grey(images[row].reshape(8, 8))) for row in wrong}


# -- what is given


def test_many_samples_are_looked_at_at_even_distances(line):
    data = as_data({"x": np.zeros((50_000, 3)), "y": np.zeros((50_000, 1))}, line.model)
    rows = Given(line.model, data=data).rows()
    assert (len(rows), rows[0], rows[-1]) == (10_000, 0, 49_999)


def test_a_run_says_its_history_and_tensors_may_be_keys(line):
    x = next(node for node in line.model.parts.data if node.name == "x")
    found = given(line.model, run=line.run, dataset={x: line.data["x"]})
    assert found.history["loss"] == line.run.history["loss"]
    assert list(found.data.arrays) == ["x"]
    assert found.data.count == 100
    assert found.trained is line.run
    assert given(line.model, run=line.model.compile()).trained is None


# -- the check


@pytest.mark.parametrize(("layers", "width", "count", "entries"), [(2, 8, 4, 32), (3, 600, 2, 4), (40, 8, 3, 4)])
def test_large_models_are_checked_in_part(layers, width, count, entries):
    x, y = sn.input("x", ("N", width)), sn.input("y", ("N", width))
    net = sn.layers.Sequential(*[sn.layers.Dense(width, "tanh") for _ in range(layers)])
    found = plan(sn.Model(sn.losses.mse(net(x), y).named("L")))
    assert (len(found.targets), found.entries) == (count, entries)


# -- text


def test_source_is_marked_and_escaped():
    assert marked("def f(): return '<b>'", "python") == (
        '<pre class="code"><span class="k">def</span><span class="w"> </span><span class="nf">f</span>'
        '<span class="p">():</span> <span class="k">return</span> <span class="s1">\'&lt;b&gt;\'</span>\n</pre>'
    )
    assert marked("<script>", "no such language") == '<pre class="code">&lt;script&gt;\n</pre>'
    assert marked("<" * (LONGEST + 1), "python") == f'<pre class="code">{"&lt;" * (LONGEST + 1)}</pre>'


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\log p", '<mi>log</mi><mspace width="0.17em"></mspace><mi>p</mi>'),
        (r"\log(p)", '<mi>log</mi><mo stretchy="false">(</mo>'),
        (r"\operatorname{ReLU}(z)", "<mi>ReLU</mi>"),
        (r"\max_{k} z", "<munder><mi>max</mi><mrow><mi>k</mi></mrow></munder>"),
        (r"h^{\mathrm{lstm}}", "<mi>lstm</mi>"),
        (r"\bar{z}", 'style="border-top:.055em solid;padding-top:.1em"><mrow><mi>z</mi></mrow></mrow>'),
        (r"[t < T]", "<mo>&lt;</mo>"),
        (r"\mathbf{1}^{\top}", "<mn>\N{MATHEMATICAL BOLD DIGIT ONE}</mn>"),
        (r"\mathbf{Wx}", "<mi>\N{MATHEMATICAL BOLD CAPITAL W}</mi><mi>\N{MATHEMATICAL BOLD SMALL X}</mi>"),
    ],
)
def test_mathml_has_words_and_bars_and_what_is_bold(latex, expected):
    assert expected in mathml(latex)
    assert mathml(latex, block=True).startswith('<math display="block">')
