"""A schedule as it is printed: every kernel with its costs and reasons, and the plan of the memory."""

from __future__ import annotations

import re

import pytest
from networks import NETWORKS

import symnet as sn
from symnet.schedule.report import folded, operations

FUNCTION = """\
9 kernels: 5 products, 3 loops, 1 scalar

#  kind     size       flops    bytes       computes
1  product  N x 4 x 8  2*N*4*8  96*N + 256  s_1
            x (N, 8) @ W (8, 4)
2  loop     N x 4      16*N     96*N + 32   h, c
            2 fused; c in the place of s_1
3  product  N x 3 x 4  2*N*3*4  56*N + 96   z
            h (N, 4) @ V (4, 3)
4  loop     N x 3      12*N     72*N        s_2, s_3
            2 fused; s_2: no product, one operand; s_3 in the place of z
5  scalar   1          3        0           L
6  product  N x 4 x 3  2*N*4*3  56*N + 96   h_bar
            s_3 (N, 3) @ V.T (4, 3), times 1/N
7  loop     N x 4      12*N     96*N + 32   s_5, b_bar
            2 fused; b_bar: no product, one operand
8  product  8 x 4 x N  2*8*4*N  96*N + 256  W_bar
            x.T (N, 8) @ s_5 (N, 4)
9  product  4 x 3 x N  2*4*3*N  56*N + 96   V_bar
            h.T (N, 4) @ s_3 (N, 3), times 1/N

flops   240*N + 3
bytes   624*N + 864
memory  152*N bytes; numbers in ws 19*N
        ws[0]     4*N  s_1, then c
        ws[4*N]   4*N  h
        ws[8*N]   3*N  z, then s_3
        ws[11*N]  4*N  h_bar
        ws[15*N]  4*N  s_5"""

STEP = """\
The step: 12 kernels: 5 loops, 5 products, 2 scalars

 #  kind     size       flops    bytes       computes
 1  loop     N x 3      0        96*N        row, y, x
             3 fused; row scalar
 2  product  N x 4 x 8  2*N*4*8  48*N + 128  s_1
             x (N, 8) @ W (8, 4)
"""

UPDATE = """\
The update of all parameters: 6 kernels: 2 loops, 4 scalars

#  kind    size  flops  bytes  computes
1  loop    64    448    1280   m_next, v_next
           2 fused; m_next in state; v_next in state
2  scalar  1     3      0      step.c
3  scalar  1     0      0      step.eta
4  scalar  1     5      0      step.alpha
5  scalar  1     1      0      step.eps_t
6  loop    64    384    1024   theta_next
           theta_next in theta

flops   841
bytes   2,304"""

TIDY = ("mlp-tanh", "cnn", "last-state-lstm", "transformer-block", "embedding", "crf", "batchnorm2d", "max-pool-padded")


def small_mlp() -> tuple[sn.Tensor, list[sn.Tensor]]:
    N = sn.dims("N")
    x, y = sn.input("x", (N, 8)), sn.input("y", (N, 3))
    W, b, V = sn.param("W", (8, 4)), sn.param("b", (4,)), sn.param("V", (4, 3))
    z = (sn.tanh(x @ W + b).named("h") @ V).named("z")
    return sn.losses.squared_error(z, y).named("L"), [W, b, V]


def test_a_function_is_printed_kernel_by_kernel():
    loss, params = small_mlp()
    assert str(sn.function([loss, *sn.grad(loss, params)]).schedule) == FUNCTION


def test_numbers_of_four_bytes_are_half_the_memory():
    loss, params = small_mlp()
    text = str(sn.function([loss, *sn.grad(loss, params)], dtype="float32").schedule)
    assert "memory  76*N bytes; numbers in ws 19*N" in text
    assert "bytes   312*N + 432\n" in text


def test_a_training_step_is_counted_for_its_batch():
    loss, _ = small_mlp()
    text = str(sn.Model(loss).compile(sn.optim.SGD(0.1)).schedule)
    assert text.startswith(STEP)
    assert "x.T (N, 8) @ s_5 (N, 4), times -step.eta, added to W; W_next in theta" in text
    assert "\nflops   240*N + 99: 7,779 at N = 32\n" in text
    assert "\nmemory  3,520 bytes; numbers in ws 864, near 16\n" in text


def test_what_a_product_is_added_to_is_read_and_written():
    loss, _ = small_mlp()
    text = str(sn.Model(loss).compile(sn.optim.SGD(0.1)).schedule)
    x, deltas, W = 4 * 8, 4 * 4, 4 * 8 * 4  # bytes of a row of each operand, and of the result
    assert re.search(rf"product  8 x 4 x N  2\*8\*4\*N  {x + deltas}\*N \+ {2 * W}  W_next\n", text)


def test_the_update_of_all_parameters_follows_the_step():
    loss, _ = small_mlp()
    schedules = sn.Model(loss).compile(sn.optim.Adam()).schedule
    assert len(schedules) == 2
    assert str(schedules).endswith("\n\n" + UPDATE)
    assert str(schedules[1]) == UPDATE.removeprefix("The update of all parameters: ")


def test_a_recurrence_is_a_loop_over_time():
    net = NETWORKS["last-state-rnn"]()
    text = str(sn.function([net.loss, *sn.grad(net.loss, list(net.wrt))]).schedule)
    assert re.search(r"^ *\d+  time loop +T steps forward ", text, re.M)
    assert re.search(r"^ *\d+  time loop +T steps backward ", text, re.M)
    assert re.search(r"^ +\w+ \(N, T, H\) @ rnn\.\w+ \(H, H\);", text, re.M)


def test_a_product_in_a_loop_says_how_often():
    N, T, E = sn.dims("N T E")
    n, t, s, e = sn.indices("n t s e")
    q, k = sn.input("q", (N, T, E)), sn.input("k", (N, T, E))
    a = sn.define("a", (n, t, s), sn.sum(q[n, t, e] * k[n, s, e], e) / 2)
    lines = str(sn.function(a).schedule).splitlines()
    assert lines[3].split("  ")[1:3] == ["product", "N times T x T x E"]
    assert lines[4].strip() == "q (N, T, E) @ k.T (N, T, E), times 1/2"


def test_rows_are_kept_one_at_a_time():
    N = sn.dims("N")
    z = sn.input("z", (N, 10))
    text = str(sn.function(sn.softmax(z).named("p")).schedule)
    assert re.search(r"\w+ scalars?; e \(10\) at a time", text)
    assert "near[0]  10  e" in text


@pytest.mark.parametrize("name", TIDY)
def test_every_network_has_a_tidy_report(name):
    net = NETWORKS[name]()
    schedule = sn.function([net.loss, *sn.grad(net.loss, list(net.wrt))]).schedule
    lines = str(schedule).splitlines()
    assert all(line == line.rstrip() for line in lines)
    table = lines[2 : lines.index("", 2)]
    assert all(len(line) <= 120 for line in table)
    assert "None" not in str(schedule)
    counted = [int(n) for n in re.findall(r"^ *(\d+)  (?:product|loop|time loop|scalar) ", str(schedule), re.M)]
    assert counted == list(range(1, len(counted) + 1))


def test_signs_and_functions_are_counted():
    x, y = sn.input("x", ()), sn.input("y", ())
    a, b = x.read(), y.read()
    assert operations(a) == 0
    assert operations(-a) == 0
    assert operations(a + b - 1) == 2
    assert operations(2 * a * b) == 2
    assert operations(sn.exp(a) / b) == 3


def test_long_lists_are_folded():
    assert list(folded([f"name_{i}" for i in range(20)], "  ", "    ", ", ")) == [
        "  " + ", ".join(f"name_{i}" for i in range(14)) + ",",
        "    " + ", ".join(f"name_{i}" for i in range(14, 20)),
    ]
