"""Graphs: who reads whom; drawings whose nodes keep apart and whose edges end at them, the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from itertools import combinations
from xml.etree import ElementTree as Tree

import pytest
from golden import ROOT, example
from networks import NETWORKS

import symnet as sn
from symnet.show.graph_layout import POINT, Extent, crossings, layers, packed
from symnet.show.graph_math import ABOVE, ASLANT, BELOW, END, lines, plain, shown_name, spans
from symnet.show.graph_parts import GraphEdge, GraphNode
from symnet.show.graph_svg import TIP, Drawing
from symnet.show.graph_text import dot, mermaid, rails

DRAWN = ("mlp", "lstm", "attention", "rnn", "convolution", "layer_norm")
NETS = ("transformer-block", "bidirectional-rnn", "mixture-of-experts", "crf", "last-state-gru", "conv2d-all")
ALL = [(name, way) for name in (*DRAWN, *NETS) for way in (False, True)]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")

n, d, k = sn.indices("n d k")


@cache
def graph(name, backward=False):
    loss = NETWORKS[name]().loss if name in NETS else example(name).build()[0]
    return sn.graph(loss, backward=backward)


def small():
    x = sn.input("x", ("N", "D"))
    W, b = sn.param("W", ("D", "K")), sn.param("b", ("K",))
    z = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d) + b[k])
    return sn.define("L", (), sn.mean(sn.sum(z[n, k] ** 2, k), n))


# -- what is in it


def test_nodes_are_the_named_tensors_and_edges_the_reads():
    found = sn.graph(small())
    assert [(node.name, node.role, node.shape) for node in found.nodes] == [
        ("x", "input", "N × D"),
        ("W", "param", "D × K"),
        ("b", "param", "K"),
        ("z", "defined", "N × K"),
        ("L", "output", ""),
    ]
    assert found.nodes[3].label == "z[n,k] = Σ_d x[n,d]·W[d,k] + b[k]"
    assert found.edges == (
        *(GraphEdge(source, "z") for source in ("x", "W", "b")),
        GraphEdge("z", "L"),
    )


def test_unnamed_tensors_are_written_where_they_are_read():
    x = sn.input("x", ("N",))
    loss = ((x + 1) ** 2).sum().named("L")
    assert [node.label for node in sn.graph(loss).nodes] == ["x N", "L = Σ_n (1 + x[n])²"]


def test_recurrences_are_edges_with_a_delay():
    late = {(e.source, e.target): e.delay for e in graph("lstm").edges if e.delay}
    assert late == {
        ("lstm.c", "lstm.c"): "t−1",
        **{("lstm.h", f"lstm.a{gate}"): "t−1" for gate in "fgio"},
    }
    assert ("lstm.f", "lstm.c") in {(e.source, e.target) for e in graph("lstm").edges if not e.delay}


def test_backward_adds_the_gradients_beside_what_they_belong_to():
    found = graph("mlp", True)
    adjoints = {node.name: node.of for node in found.nodes if node.role == "adjoint"}
    names = ("a1", "a2", "W1", "b1", "W2", "b2", "W3", "b3")
    assert adjoints == {f"{name}_bar": name for name in names}
    reads = {e.source for e in found.edges if e.target == "a1_bar"}
    assert reads == {"h1", "W2", "a2_bar"}
    late = {(e.source, e.target): e.delay for e in graph("rnn", True).edges if e.delay}
    assert set(late.values()) == {"t−1", "t+1"}


def test_a_graph_without_parameters_goes_back_to_the_inputs():
    x = sn.input("x", ("N",))
    found = sn.graph(sn.define("L", (), sn.sum(x[n] ** 2, n)), backward=True)
    assert [node.name for node in found.nodes] == ["x", "L", "x_bar"]


def test_what_is_no_tensor_is_refused():
    with pytest.raises(sn.SymnetError, match="a graph of 3"):
        sn.graph(3)


# -- as text

SMALL_TEXT = """\
● x  N × D  input
│ ● W  D × K  parameter
│ │ ● b  K  parameter
●─┴─╯ z[n,k] = Σ_d x[n,d]·W[d,k] + b[k]
● L = (1/N)·Σ_{n,k} z[n,k]²"""
SMALL_DOT = """\
digraph {
  rankdir=TB; node [fontname=Helvetica, fontsize=11]; edge [fontname=Helvetica, fontsize=9];
  "x" [label="x  N × D", shape=ellipse];
  "W" [label="W  D × K", shape=box, style="filled,rounded"];
  "b" [label="b  K", shape=box, style="filled,rounded"];
  "z" [label="z  N × K\\nΣ_d x[n,d]·W[d,k] + b[k]", shape=box];
  "L" [label="L\\n(1/N)·Σ_{n,k} z[n,k]²", shape=box, style="bold"];
  "x" -> "z";
  "W" -> "z";
  "b" -> "z";
  "z" -> "L";
}"""
SMALL_MERMAID = """\
flowchart TD
  t0(["x  N × D"])
  t1("W  D × K")
  t2("b  K")
  t3["z  N × K<br/>Σ_d x#91;n,d#93;·W#91;d,k#93; + b#91;k#93;"]
  t4[["L<br/>#40;1/N#41;·Σ_#123;n,k#125; z#91;n,k#93;²"]]
  t0 --> t3
  t1 --> t3
  t2 --> t3
  t3 --> t4"""


def test_text_dot_and_mermaid_of_a_small_graph():
    found = sn.graph(small())
    assert (found.text(), found.dot(), found.mermaid()) == (SMALL_TEXT, SMALL_DOT, SMALL_MERMAID)
    assert str(found) == SMALL_TEXT


def test_text_crosses_rails_and_tells_of_recurrences():
    assert graph("attention").text().splitlines()[4:8] == [
        "├─│─● q[n,t,e] = Σ_d x[n,t,d]·Wq[d,e]",
        "│ ●─╯ a[n,t,s] = (1/sqrt(E))·Σ_e q[n,t,e]·k[n,s,e]",
        "│ ● p[n,t,s] = [s ≤ t]·exp(a[n,t,s])/Σ_i [i ≤ t]·exp(a[n,t,i])",
        "│ │ ● Wv  D × E  parameter",
    ]
    (line,) = [line for line in graph("lstm").text().splitlines() if " lstm.c[" in line.split("=")[0]]
    assert line.endswith("  ↺ lstm.c at t−1")


@pytest.mark.parametrize(("name", "backward"), ALL)
def test_text_has_a_line_for_each_tensor(name, backward):
    found = graph(name, backward)
    said = found.text().splitlines()
    assert len(said) == len(found.nodes)
    assert all(line.count("●") == 1 for line in said)


def test_delays_are_dashed_in_dot_and_mermaid():
    nodes = (GraphNode("h", "T", "output", "f(h[t−1])", left="h[t]"),)
    edges = (GraphEdge("h", "h", "t−1"),)
    assert '"h" -> "h" [label="t−1", style=dashed, constraint=false];' in dot(nodes, edges)
    assert '  t0 -. "t−1" .-> t0' in mermaid(nodes, edges)
    assert rails(nodes, edges) == "● h[t] = f(h[t−1])  ↺ h at t−1"


def test_quotes_cannot_leave_their_texts():
    nodes = (GraphNode("x", "N", "defined", 'a"]; <b> {c} \\', left="x"),)
    assert '[label="x  N\\na\\"]; <b> {c} \\\\", shape=box]' in dot(nodes, ())
    assert 't0["x  N<br/>a#34;#93;#59; #60;b#62; #123;c#125; #92;"]' in mermaid(nodes, ())
    drawn = sn.graph(small()).__class__(nodes, ()).svg()
    assert "<b>" not in drawn
    assert Tree.fromstring(drawn).tag.endswith("svg")


# -- places


@cache
def drawing(name, backward):
    found = graph(name, backward)
    return Drawing(found.nodes, found.edges)


@pytest.mark.parametrize(("name", "backward"), ALL)
def test_nodes_do_not_overlap_and_stay_within_the_page(name, backward):
    drawn = drawing(name, backward)
    width, height = drawn.size
    frames = {}
    for node, card in drawn.cards.items():
        x = drawn.x(node)
        frames[node] = (x - card.extent.left, drawn.top(node), x + card.extent.right, drawn.bottom(node))
        assert frames[node][0] >= 0
        assert frames[node][1] >= 0
        assert frames[node][2] <= width
        assert frames[node][3] <= height
    for (one, a), (other, b) in combinations(frames.items(), 2):
        apart = a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
        assert apart, f"{one} lies on {other}"


@pytest.mark.parametrize(("name", "backward"), ALL)
def test_edges_begin_and_end_at_their_nodes(name, backward):
    drawn = drawing(name, backward)
    assert drawn.edges
    for source, target in drawn.edges:
        path = re.search(r' d="([^"]*)"', drawn.way(source, target))[1]
        x, y = map(float, NUMBER.findall(path)[:2])
        down = drawn.is_down(source, target)
        assert x == pytest.approx(drawn.x(source), abs=0.01)
        assert y == pytest.approx(drawn.bottom(source) if down else drawn.top(source), abs=0.01)
        end = float(NUMBER.findall(path)[-1])
        side = drawn.top(target) - TIP if down else drawn.bottom(target) + TIP
        assert end == pytest.approx(side, abs=0.01)
        assert abs(drawn.ports[source, target] - drawn.x(target)) <= drawn.cards[target].width / 2


@pytest.mark.parametrize(("name", "backward"), ALL)
def test_edges_pass_between_nodes(name, backward):
    drawn = drawing(name, backward)
    rows: dict[int, list[str]] = {}
    for node, layer in drawn.layout.layer.items():
        rows.setdefault(layer, []).append(node)
    for (source, target), points in drawn.layout.points.items():
        for point in points:
            for node in rows[point[2]]:
                reach = drawn.cards[node].extent
                x = drawn.x(point)
                clear = x < drawn.x(node) - reach.left or x > drawn.x(node) + reach.right
                assert clear, f"{source} -> {target} runs through {node}"


@pytest.mark.parametrize("name", DRAWN)
def test_reads_run_downward_and_what_is_given_stands_above_its_first_reader(name):
    drawn, found = drawing(name, False), graph(name)
    layer = drawn.layout.layer
    assert all(layer[source] < layer[target] for source, target in drawn.edges)
    for node in found.nodes:
        readers = [layer[target] for source, target in drawn.edges if source == node.name]
        if not node.formula and readers:
            assert layer[node.name] == min(readers) - 1


def test_a_layer_that_is_too_wide_is_folded():
    extents = {str(at): Extent(100, 100, 30) for at in range(9)} | {"sum": Extent(50, 50, 30)}
    found = layers(extents, [(str(at), "sum") for at in range(9)], {})
    assert found["sum"] == 2
    assert sorted(found[str(at)] for at in range(9)) == [0, 0, 0, 0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("wishes", "places"),
    [
        ([0.0, 100.0], [0.0, 100.0]),  # far apart: as wished
        ([0.0, 0.0], [-14.0, 14.0]),  # pushed apart evenly: 5 + 18 + 5 between middles
        ([50.0, 0.0, 200.0], [11.0, 39.0, 200.0]),  # the order stays
    ],
    ids=["free", "pushed", "ordered"],
)
def test_packed_is_as_near_to_the_wishes_as_can_be(wishes, places):
    keys = [str(at) for at in range(len(wishes))]
    extents = dict.fromkeys(keys, Extent(5, 5, 10))
    assert packed(keys, wishes, [1.0] * len(keys), extents) == pytest.approx(places)


def test_crossings_are_counted_by_pairs():
    rows = [["a", "b", "c"], ["x", "y"]]
    assert crossings(rows, {"x": ["a"], "y": ["b", "c"]}) == 0
    assert crossings(rows, {"x": ["b", "c"], "y": ["a"]}) == 2
    assert crossings(rows, {"x": ["a", "c"], "y": ["a", "b"]}) == 2
    assert POINT.width == 0


@pytest.mark.parametrize(("name", "least"), [("mlp", 0), ("rnn", 0), ("lstm", 6)])
def test_examples_are_drawn_with_the_fewest_crossings(name, least):
    """Of the lstm: its input is read by four gates, each with three parameters of its own."""
    drawn = drawing(name, False)
    rows: dict[int, list] = {}
    for key in (*drawn.cards, *(p for chain in drawn.layout.points.values() for p in chain)):
        rows.setdefault(drawn.layout.layer[key] if isinstance(key, str) else key[2], []).append(key)
    ordered = [sorted(row, key=drawn.x) for _, row in sorted(rows.items())]
    up: dict = {}
    for (source, target), chain in drawn.layout.points.items():
        for above, below in zip([source, *chain], [*chain, target], strict=True):
            up.setdefault(below, []).append(above)
    assert crossings(ordered, up) == least


# -- the drawing


@pytest.mark.parametrize(("name", "backward"), ALL)
def test_svg_is_well_formed_and_shows_every_tensor(name, backward):
    found = graph(name, backward)
    root = Tree.fromstring(found.svg())
    space = "{http://www.w3.org/2000/svg}"
    assert [title.text for title in root.iter(f"{space}title")] == [node.label for node in found.nodes]
    assert root.find(f"{space}style") is not None
    assert not [e for e in root.iter() if "href" in " ".join(e.attrib) or "id" in e.attrib or e.tag == f"{space}script"]
    assert "prefers-color-scheme:dark" in found.svg()
    assert found._repr_svg_() == found.svg()


def test_the_loops_of_recurrences_are_drawn():
    drawn = graph("lstm").svg()
    assert ">t−1</text>" in drawn
    assert ">lstm.h at t−1</text>" in drawn
    assert drawn.count('class="latetip"') == 5


PROGRAM = """
import sys; sys.path[:0] = ["examples", "tests"]
import hashlib
import symnet as sn
from golden import example
for name in ("rnn", "attention"):
    g = sn.graph(example(name).build()[0], backward=True)
    print(hashlib.sha256("".join([g.svg(), g.dot(), g.mermaid(), g.text()]).encode()).hexdigest())
"""


def test_the_same_graph_whatever_the_hash_seed():
    def run(seed):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, env=env, capture_output=True, check=True
        ).stdout

    assert run("1") == run("2") != b""


# -- formulas in drawings


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("z_bar", "z̄"),
        ("a1_bar", "ā1"),
        ("lstm.c_bar", "lstm.c̄"),
        ("v_dot", "v̇"),
        ("z_bar_2", "z̄2"),
        ("loss_bar", "loss_bar"),
        ("W1", "W1"),
    ],
)
def test_short_adjoints_wear_a_bar(name, shown):
    assert shown_name(name) == shown


def test_marks_become_spans_and_leave_no_trace():
    rich = f"{ASLANT}x{END}{BELOW}n,{ASLANT}t{END}{BELOW}n{END}{END}{ABOVE}2{END}"
    found = spans(rich)
    assert [(s.text, s.aslant, round(s.size, 2)) for s in found] == [
        ("x", True, 1.0),
        ("n,", False, 0.72),
        ("t", True, 0.72),
        ("n", False, 0.52),
        ("2", False, 0.72),
    ]
    assert found[1].shift > 0 > found[4].shift
    assert plain(rich) == "xn,tn2"


def test_long_formulas_break_before_signs():
    rich = " + ".join(f"{ASLANT}a{at}{END}{BELOW}n{END}" for at in range(12))
    found = ["".join(span.text for span in line) for line in lines(rich, 12.0)]
    assert len(found) > 1
    assert all(line.startswith("+ a") for line in found[1:])
    assert "".join(found).replace("+ ", "+").replace(" ", "") == plain(rich).replace(" ", "")
