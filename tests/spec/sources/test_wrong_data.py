"""Wrong data files and sections: each says what its entry in `wrong_data.txt` says, with code, place and hint."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from handmade import section, spec_of
from wrong_data import CASES, Wrong

from symnet.errors import LocatedError
from symnet.spec.sources import load, load_inputs

TEXTS = Path(__file__).parent / "wrong_data.txt"


def texts() -> dict[str, str]:
    """The expected texts by case."""
    parts = re.split(r"^== (.*)\n", TEXTS.read_text() if TEXTS.exists() else "", flags=re.M)[1:]
    return {name: text.strip("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)}


def said(case: Wrong, folder: Path) -> str:
    """What is said of a case, the folder's name left out."""
    for name, content in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    data = None if case.section is None else section(**case.section)
    spec = spec_of(dict(case.tensors), data)
    override = None if case.override is None else folder / case.override
    asked = load if case.classes is None else partial(load_inputs, classes=case.classes, standard={})
    with pytest.raises(LocatedError) as raised:
        asked(spec, data, folder, override=override)
    assert all(d.file for d in raised.value.diagnostics)
    return str(raised.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_data_are_told(case, tmp_path, update_golden):
    found = said(case, tmp_path)
    if update_golden:
        known = {**texts(), case.name: found}
        order = [c.name for c in CASES if c.name in known]
        TEXTS.write_text("\n".join(f"== {name}\n{known[name]}\n" for name in order))
    assert found == texts()[case.name]


def test_every_wrong_thing_has_one_text():
    assert list(texts()) == [case.name for case in CASES]
    assert len(CASES) >= 60
    codes = set(re.findall(r" (E\d{4}) ", TEXTS.read_text()))
    assert codes == {f"E04{n:02d}" for n in range(2, 12)}
