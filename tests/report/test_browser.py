"""The page in a browser: drawn without a word on the console and without a request."""

from __future__ import annotations

import pytest
from browser import CHROMIUM, opened, picture
from matplotlib.image import imread

from symnet.report.page import report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the page was not opened")

CONTROL = """<!doctype html><title>control</title><script>console.error("control")</script>
<img src="http://control.invalid/x.png">"""


@pytest.fixture(scope="module")
def page(moons, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(report(moons.model, run=moons.run, dataset=moons.data, made="then"), encoding="utf-8")
    return file


def test_the_page_is_drawn_in_silence(page, tmp_path):
    found = opened(page, tmp_path)
    assert found.console == []
    assert found.hosts == set()
    assert found.dom.count("<math") == page.read_text(encoding="utf-8").count("<math") > 10
    assert found.dom.count('<svg xmlns="http://www.w3.org/2000/svg" class="sg"') == 2
    assert found.dom.count('class="line train"') >= 1
    assert "Made then" in found.dom


def test_words_and_requests_would_be_noticed(tmp_path):
    file = tmp_path / "control.html"
    file.write_text(CONTROL)
    found = opened(file, tmp_path)
    assert any("control" in line for line in found.console)
    assert found.hosts == {"control.invalid"}


def test_a_picture_of_the_page_is_not_empty(page, tmp_path):
    pixels = imread(picture(page, tmp_path))
    assert pixels.shape[:2] == (1600, 1280)
    inked = (abs(pixels[..., :3] - pixels[2, 2, :3]).max(axis=-1) > 0.2).mean()
    assert 0.005 < inked < 0.5
