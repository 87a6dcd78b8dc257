"""Wrong data: files and sections, and what has to be said of each."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Files = Mapping[str, bytes]
FLOWERS = {"x": ("input", ("N", 2)), "t": ("target", ("N",), "label", 3)}
ROWS = {"x": ("input", ("N", 2)), "y": ("target", ("N",))}
IMAGES = {"x": ("input", ("N", 1, 4, 4))}
BY_COLUMN = {"inputs": {"x": ("a", "b")}, "target": {"t": ("kind",)}}
POINTS = {"x": ("input", ("N", 2)), "t": ("target", ("N",), "label")}


@dataclass(frozen=True)
class Wrong:
    """A file or a section, and the tensors that want it; what has to be said of it stands in `wrong_data.txt`."""

    name: str
    files: Files = field(default_factory=dict)
    section: Mapping[str, Any] | None = None
    tensors: Mapping[str, tuple[Any, ...]] = field(default_factory=lambda: FLOWERS)
    override: str | None = None
    classes: Mapping[str, tuple[str, ...]] | None = None


def csv(name: str, text: str | bytes, tensors: Any = FLOWERS, **section: Any) -> Wrong:
    """A CSV file with columns a, b and kind."""
    content = text if isinstance(text, bytes) else text.encode()
    return Wrong(name, {"t.csv": content}, {"file": "t.csv", **BY_COLUMN, **section}, tensors)


def arrays(name: str, tensors: Any = ROWS, **given: Any) -> Wrong:
    """An archive of arrays."""
    content = io.BytesIO()
    np.savez(content, **given)
    return Wrong(name, {"d.npz": content.getvalue()}, {"file": "d.npz"}, tensors)


def npy(name: str, content: bytes, tensors: Any = None) -> Wrong:
    """One NPY file."""
    return Wrong(name, {"x.npy": content}, {"file": "x.npy"}, tensors or {"x": ("input", ("N", 2))})


def builtin(name: str, set_: str, tensors: Any = POINTS, **options: Any) -> Wrong:
    """A built-in set with options."""
    return Wrong(name, {}, {"builtin": set_, "options": options}, tensors)


def parquet(**columns: list[Any]) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


def head(text: str, version: int = 1, entries: bytes = b"") -> bytes:
    """An NPY file with a header of one's own."""
    raw = text.encode("latin-1")
    return b"\x93NUMPY" + bytes([version, 0]) + len(raw).to_bytes(2 if version == 1 else 4, "little") + raw + entries


def saved(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def archive(members: Mapping[str, bytes], change: Callable[[bytes], bytes] = lambda raw: raw, method: int = 0) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as made:
        for name, raw in members.items():
            made.writestr(name, raw)
    return change(content.getvalue())


def flipped(raw: bytes) -> bytes:
    """One bit of the last entry of the first member is another."""
    at = raw.index(b"PK\x01\x02") - 9
    return raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :]


def npz(name: str, content: bytes, tensors: Any = ROWS) -> Wrong:
    return Wrong(name, {"d.npz": content}, {"file": "d.npz"}, tensors)


HEAD = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }\n"

CASES = (
    csv("not-a-number", "a,b,kind\n1,2,0\n3,abc,1\n"),
    csv("missing", "a,b,kind\n1,2,0\n,4,1\n"),
    csv("missing-by-name", "a,b,kind\n1,NA,0\n"),
    csv("missing-by-mark", "a,b,kind\n1,?,0\n"),
    csv("nan", "a,b,kind\n1,nan,0\n"),
    csv("infinity", "a,b,kind\n1,2,0\n1,-inf,0\n"),
    csv("too-large-a-number", "a,b,kind\n1,1e999,0\n"),
    csv("decimal-comma", "a;b;kind\n1;2,5;0\n"),
    csv("thousands", 'a,b,kind\n1,"1,000",0\n'),
    csv("underscore", "a,b,kind\n1,1_000,0\n"),
    csv("hexadecimal", "a,b,kind\n1,0x10,0\n"),
    csv("unit", "a,b,kind\n1,5 cm,0\n"),
    csv("long-value", "a,b,kind\n1," + "w" * 100 + ",0\n"),
    csv("code-in-a-cell", "a,b,kind\n1,__import__('os').system('true'),0\n"),
    csv("too-few-fields", "a,b,kind\n1,2,0\n3,4\n"),
    csv("too-many-fields", "a,b,kind\n1,2,0\n3,4,5,1\n"),
    csv("tabs-and-commas", "a\tb\tkind\n1\t2\t0\n3,4,1\n"),
    csv("open-quote", 'a,b,kind\n1,"2,0\n3,4,1\n'),
    csv("quote-in-a-field", 'a,b,kind\n1,"2"3,0\n'),
    csv("empty-file", ""),
    csv("blank-lines", "\n\n  \n"),
    csv("names-only", "a,b,kind\n"),
    csv("names-only-quoted-line", "a,b,kind\n\n\n"),
    csv("utf-16", "a,b,kind\n1,2,0\n".encode("utf-16")),
    csv("latin-1", "a,b,kind\n1,2,0\n1,2,M\xfcller\n".encode("latin-1")),
    csv("nul-byte", b"a,b,kind\n1,2,0\n1,\x00,0\n"),
    csv("carriage-returns", "a,b,kind\r1,2,0\r"),
    csv("field-too-long", "a,b,kind\n1," + "9" * 140000 + ",0\n"),
    csv("column-misspelt", "a,bb,kind\n1,2,0\n"),
    csv("column-of-other-case", "a,B,kind\n1,2,0\n"),
    csv("column-unknown", "length,width,kind\n1,2,0\n", inputs={"x": ("qqq", "zzz")}),
    csv("target-unknown", "a,b,species\n1,2,0\n"),
    csv("columns-of-two-tensors-unknown", "u,v,w\n1,2,0\n"),
    csv("column-twice", "a,b,b,kind\n1,2,3,0\n"),
    csv("no-names", "1,2,0\n3,4,1\n"),
    csv("not-mapped", "a,b,kind\n1,2,0\n", inputs={}),
    csv("pattern-without-match", "a,b,kind\n1,2,0\n", inputs={"x": ("pixel*",)}),
    csv("several-at-once", "a,b,kind\n1,x,0\n,4,1\n5,6\n"),
    csv("more-than-are-listed", "a,b,kind\n" + "1,z,0\n" * 23),
    csv("after-a-field-of-two-lines", 'note,a,b,kind\n"two\nlines",1,2,0\n"x",3,y,1\n'),
    csv("after-an-empty-line", "a,b,kind\n1,2,0\n\n3,y,1\n"),
    csv("crlf", "a,b,kind\r\n1,2,0\r\n3,y,1\r\n"),
    csv("byte-order-mark", b"\xef\xbb\xbfa,b,kind\n1,y,0\n"),
    csv("quoted-name", '"a","b, in cm",kind\n1,y,0\n', inputs={"x": ("a", "b, in cm")}),
    csv("row-5000", "a,b,kind\n" + "1,2,0\n" * 4999 + "1,y,0\n"),
    csv("label-too-large", "a,b,kind\n1,2,0\n3,4,3\n"),
    csv("label-counts-from-1", "a,b,kind\n1,2,1\n3,4,2\n5,6,3\n"),
    csv("label-negative", "a,b,kind\n1,2,0\n3,4,-1\n"),
    csv("label-with-a-fraction", "a,b,kind\n1,2,0\n3,4,1.5\n"),
    csv("label-missing", "a,b,kind\n1,2,0\n3,4,\n"),
    csv("too-many-categories", "a,b,kind\n1,2,ant\n1,2,bee\n1,2,cow\n1,2,dog\n"),
    csv("too-few-categories", "a,b,kind\n1,2,ant\n1,2,bee\n"),
    csv("too-few-columns", "a,b,kind\n1,2,0\n", tensors={**FLOWERS, "x": ("input", ("N", 3))}),
    csv("too-many-columns", "a,b,kind\n1,2,0\n", tensors={**FLOWERS, "x": ("input", ("N",))}),
    csv("two-label-columns", "a,b,kind\n1,2,0\n", target={"t": ("kind", "a")}),
    csv("scalar", "a,b,kind\n1,2,0\n", tensors={**FLOWERS, "x": ("input", ())}, inputs={"x": ("a",)}),
    csv("unknown-sizes", "a,b,kind\n1,2,0\n", tensors={**FLOWERS, "x": ("input", ("N", "C", "D"))}),
    csv("onehot-label-too-large", "a,b,kind\n1,2,3\n", tensors={**FLOWERS, "t": ("target", ("N", 3), "onehot")}),
    csv(
        "onehot-text-for-numbers",
        "a,b,kind\n1,2,0\n",
        tensors={**FLOWERS, "t": ("target", ("N", 3), "onehot")},
        target={"t": ("a", "b", "nothing")},
    ),
    csv("option-of-a-file", "a,b,kind\n1,2,0\n", options={"sep": ";"}),
    csv("standardise-labels", "a,b,kind\n1,2,0\n", standardise=("t",)),
    csv("standardise-unknown", "a,b,kind\n1,2,0\n", standardise=("z",)),
    Wrong("no-such-file", {"iris.csv": b""}, {"file": "irs.csv", **BY_COLUMN}),
    Wrong("no-such-file-nor-one-like-it", {}, {"file": "iris.csv", **BY_COLUMN}),
    Wrong("no-such-file-on-the-command-line", {}, {"file": "t.csv", **BY_COLUMN}, override="u.csv"),
    Wrong("ending-unknown", {"t.xlsx": b"PK"}, {"file": "t.xlsx", **BY_COLUMN}),
    Wrong("no-ending", {"table": b"a,b"}, {"file": "table", **BY_COLUMN}),
    Wrong("empty-folder", {"data/readme": b""}, {"file": "data", **BY_COLUMN}),
    Wrong(
        "column-missing-in-the-file-given",
        {"u.csv": b"a,kind\n1,0\n"},
        {"file": "t.csv", **BY_COLUMN},
        override="u.csv",
    ),
    Wrong(
        "array-missing-in-the-file-given",
        {"x.npy": saved(np.ones((2, 2)))},
        {"file": "t.csv", **BY_COLUMN},
        override="x.npy",
    ),
    Wrong(
        "class-unknown-to-the-run",
        {"t.csv": b"a,b,kind\n1,2,ant\n1,2,be\n"},
        {"file": "t.csv", **BY_COLUMN},
        classes={"t": ("ant", "bee", "cow")},
    ),
    Wrong("no-section", {}, None),
    Wrong("section-without-source", {}, {}),
    builtin("set-misspelt", "two_mons"),
    builtin("set-unknown", "imagenet"),
    builtin("option-unknown", "two_moons", sample=10),
    builtin("option-of-another-type", "two_moons", samples="many"),
    builtin("option-not-whole", "two_moons", samples=10.5),
    builtin("option-true", "two_moons", noise=True),
    builtin("option-out-of-range", "two_moons", samples=0),
    builtin("option-negative", "spirals", noise=-1),
    builtin("option-nan", "spirals", noise=float("nan")),
    builtin("option-too-large", "copy", samples=10_000_000, length=10_000),
    builtin("option-of-a-learned-set", "iris", samples=10),
    builtin("set-of-other-sizes", "blobs", features=5),
    npy("asks-for-32-gib", head(HEAD % "(65536, 65536)")),
    npy("asks-for-more-than-there-is", head(HEAD % "(2**70, 1)")),
    npy("asks-for-2-to-the-80", head(HEAD % str((2**61, 2**19)))),
    npy("cut-off", saved(np.ones((40, 2)))[:-24]),
    npy("cut-off-in-the-header", saved(np.ones((4, 2)))[:40]),
    npy("empty-npy", b""),
    npy("not-npy", b"a,b\n1,2\n"),
    npy("objects", saved(np.array([{}, None], dtype=object))),
    npy("complex", saved(np.ones((3, 2), complex))),
    npy("dates", saved(np.zeros((3, 2), "M8[s]"))),
    npy("records", saved(np.zeros(3, [("a", "f8"), ("b", "f8")]))),
    npy("negative-size", head(HEAD % "(-1, 2)")),
    npy("size-is-text", head(HEAD % "('3', 2)")),
    npy("many-axes", head(HEAD % str((1,) * 40))),
    npy("code-in-a-header", head("__import__('os').system('true')\n")),
    npy("code-in-a-type", head(HEAD.replace("'<f8'", "__import__('os')") % "(1, 2)")),
    npy("nested-header", head("(" * 9000)),
    npy("header-without-shape", head("{'descr': '<f8', 'fortran_order': False}\n")),
    npy("header-of-64-kib", head(" " * 60000)),
    npy("version-9", head(HEAD % "(1, 2)", version=9)),
    npy("rank-too-low", saved(np.ones(6)), tensors={"x": ("input", ("N", 4))}),
    npy("channels-last", saved(np.ones((3, 4, 4, 1))), tensors=IMAGES),
    npy("npy-no-rows", saved(np.ones((0, 2)))),
    npz("not-an-archive", b"PK\x03\x04 and then nothing"),
    npz("archive-cut-off", archive({"x.npy": saved(np.ones((9, 2)))}, lambda raw: raw[:-30])),
    npz("bit-flipped", archive({"x.npy": saved(np.ones((9, 2))), "y.npy": saved(np.ones(9))}, flipped)),
    npz("member-that-is-no-array", archive({"x.npy": b"hello", "y.npy": saved(np.ones(9))})),
    npz(
        "member-twice",
        archive(
            {"x.npy": saved(np.ones((9, 2))), "X.npy": saved(np.ones(9))}, lambda raw: raw.replace(b"X.npy", b"x.npy")
        ),
    ),
    npz("member-asks-for-more", archive({"x.npy": head(HEAD % "(65536, 65536)"), "y.npy": saved(np.ones(9))})),
    npz("array-missing", archive({"x.npy": saved(np.ones((9, 2)))})),
    npz("array-misspelt", archive({"X.npy": saved(np.ones((9, 2))), "y.npy": saved(np.ones(9))})),
    arrays("rows-differ", x=np.ones((9, 2)), y=np.ones(8)),
    arrays("columns-differ", x=np.ones((9, 3)), y=np.ones(9)),
    arrays("no-rows", x=np.ones((0, 2)), y=np.ones(0)),
    arrays("texts-for-numbers", x=np.ones((2, 2)), y=np.array(["p", "q"])),
    arrays("complex-array", x=np.ones((2, 2), complex), y=np.ones(2)),
    arrays(
        "onehot-label-of-none",
        {"x": ("input", ("N", 2)), "y": ("target", ("N", 3), "onehot")},
        x=np.ones((2, 2)),
        y=np.array([0, 3]),
    ),
    arrays(
        "onehot-label-with-a-fraction",
        {"x": ("input", ("N", 2)), "y": ("target", ("N", 3), "onehot")},
        x=np.ones((2, 2)),
        y=np.array([0, 0.5]),
    ),
    arrays(
        "onehot-labels-by-the-million",
        {"x": ("input", ("N", 2)), "y": ("target", ("N", "K"), "onehot")},
        x=np.ones((2, 2)),
        y=np.array([0, 2**40]),
    ),
    arrays(
        "array-categories",
        {"x": ("input", ("N", 2)), "y": ("target", ("N",), "label", 2)},
        x=np.ones((3, 2)),
        y=np.array(["p", "q", "r"]),
    ),
    Wrong(
        "side-by-side",
        {"d.npz": archive({"a.npy": saved(np.ones(3)), "b.npy": saved(np.ones(2)), "y.npy": saved(np.ones(3))})},
        {"file": "d.npz", "inputs": {"x": ("a", "b")}},
        ROWS,
    ),
    Wrong(
        "not-finite-before-standardising",
        {"x.npy": saved(np.array([[1.0, 2.0], [np.nan, 1.0]]))},
        {"file": "x.npy", "standardise": True},
        {"x": ("input", ("N", 2))},
    ),
    Wrong("no-parquet", {"t.parquet": b"PAR1 and then nothing"}, {"file": "t.parquet", **BY_COLUMN}),
    Wrong(
        "parquet-missing-column",
        {"t.parquet": parquet(a=[1.0, 2.0], c=[1.0, 2.0], kind=[0, 1])},
        {"file": "t.parquet", **BY_COLUMN},
    ),
    Wrong(
        "parquet-null",
        {"t.parquet": parquet(a=[1.0, None], b=[1.0, 2.0], kind=[0, 1])},
        {"file": "t.parquet", **BY_COLUMN},
    ),
    Wrong(
        "parquet-text",
        {"t.parquet": parquet(a=["p", "q"], b=[1.0, 2.0], kind=[0, 1])},
        {"file": "t.parquet", **BY_COLUMN},
    ),
    Wrong(
        "parquet-not-finite",
        {"t.parquet": parquet(a=[1.0, 2.0], b=[1.0, float("nan")], kind=[0, 1])},
        {"file": "t.parquet", **BY_COLUMN},
    ),
    Wrong(
        "parquet-label",
        {"t.parquet": parquet(a=[1.0, 2.0], b=[1.0, 2.0], kind=[0, 7])},
        {"file": "t.parquet", **BY_COLUMN},
    ),
    Wrong(
        "parquet-cut-off",
        {"t.parquet": parquet(a=[1.0, 2.0], b=[1.0, 2.0], kind=[0, 7])[:-20]},
        {"file": "t.parquet", **BY_COLUMN},
    ),
)
