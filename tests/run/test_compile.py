"""The cache of compiled code where it cannot be written."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import CacheProblem
from symnet.run import compile


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMNET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compile, "_loaded", {})
    return tmp_path / "cache"


def made():
    x = sn.input("x", (3,))
    return sn.function(sn.define("y", sn.indices("i"), 2 * x[sn.indices("i")]))


def test_a_folder_that_cannot_be_put_in_place_is_used_aside(root):
    f = made()
    key = compile.content_key(f.source)
    root.mkdir(mode=0o700)
    (root / key).write_text("in the way")
    assert f(x=np.arange(3)).tolist() == [0, 2, 4]
    assert (root / key).read_text() == "in the way"


def test_without_locks_the_cache_is_read(root, monkeypatch):
    f = made()
    assert f(x=np.arange(3)).tolist() == [0, 2, 4]
    key = compile.content_key(f.source)
    (root / f"{key}.lock").unlink()
    (root / f"{key}.lock").mkdir()
    monkeypatch.setattr(compile, "_loaded", {})
    monkeypatch.setattr(compile, "_sealed", lambda *_: pytest.fail("it was there"))
    assert made()(x=np.arange(3)).tolist() == [0, 2, 4]


def test_a_cache_folder_that_is_a_file_is_told(root):
    root.write_text("")
    with pytest.raises(CacheProblem, match=r"cannot be made"):
        made()(x=np.arange(3))
