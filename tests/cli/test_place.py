"""`-o`: what is there is replaced in one piece, links are followed, pipes are written to."""

from __future__ import annotations

import os
from threading import Thread

import pytest
from shell import symnet


@pytest.mark.parametrize("there", [True, False], ids=["a file", "nothing yet"])
def test_a_link_stays_and_its_file_changes(there, folder):
    (folder / "deep").mkdir()
    target, link = folder / "deep" / "target.json", folder / "link.json"
    link.symlink_to(target)
    if there:
        target.write_text("old")
    assert symnet("schema", "-o", "link.json", "-f").code == 0
    assert link.is_symlink()
    assert target.read_text() == symnet("schema").out
    assert os.listdir(folder / "deep") == ["target.json"]


def read_from(pipe, into):
    """Read a named pipe to its end, as another program would."""
    reader = Thread(target=lambda: into.append(pipe.read_bytes()), daemon=True)
    reader.start()
    return reader


@pytest.mark.parametrize("verb", ["schema", "predict"])
def test_a_pipe_is_written_to(verb, folder, run):
    pipe, got = folder / "pipe.csv", []
    os.mkfifo(pipe)
    reader = read_from(pipe, got)
    line = [verb, run] if verb == "predict" else [verb]
    said = symnet(*line, "-o", "pipe.csv", "-f")
    reader.join(30)
    assert said.code == 0, said.err
    assert pipe.is_fifo()
    assert got == [symnet(*line).raw]
