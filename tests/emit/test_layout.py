"""Emitted lines are laid out without a change of meaning: the syntax tree stays, brackets and line ends move."""

from __future__ import annotations

import ast
import random

import pytest

from symnet.emit.layout import WIDTH, bare, laid_out

BARE = {
    "an index": ("ws[(n + begin)] = a", "ws[n + begin] = a"),
    "a whole right side": ("x = ((a + b))", "x = a + b"),
    "a number": ("x = (1e-08) * c", "x = 1e-08 * c"),
    "a call": ("x = f((a), (b))", "x = f(a, b)"),
    "a tuple stays": ("x = f((a, b))", "x = f((a, b))"),
    "a sum before a sum": ("x = (a + b) - c", "x = a + b - c"),
    "a sum after a minus stays": ("x = a - (b + c)", "x = a - (b + c)"),
    "a sum after a plus stays": ("x = a + (b + c)", "x = a + (b + c)"),
    "a product in a sum": ("x = a - (b * c)", "x = a - b * c"),
    "a sum in a product stays": ("x = ((a + b)) * c", "x = (a + b) * c"),
    "a product behind a sign stays": ("x = -(a * b)", "x = -(a * b)"),
    "a sign before a product": ("x = (-a) * b", "x = -a * b"),
    "a power of a sign stays": ("x = (-a) ** b", "x = (-a) ** b"),
    "a power of a power stays": ("x = (a ** b) ** c", "x = (a ** b) ** c"),
    "conditions": ("x = (a > b) or (c > d)", "x = a > b or c > d"),
    "a comparison of a comparison stays": ("x = (a < b) == c", "x = (a < b) == c"),
    "a choice in a choice stays": ("x = (a if b else c) if d else e", "x = (a if b else c) if d else e"),
    "the whole of a choice": ("x = (a if (b or c) else d)", "x = a if b or c else d"),
    "a negation stays": ("if not (a > b):", "if not (a > b):"),
    "quotes": ('print("(a)", (b))', 'print("(a)", b)'),
}
WRAPPED = '''\
y = (
    theta[0] * (two if a_0 <= zero else b) + theta[1] * (two if a_1 <= zero else b)
    + theta[2] * (two if a_2 <= zero else b) + theta[3] * (two if a_3 <= zero else b)
)
@njit(
    types.int64(NUMBER[::1], types.int64[::1], NUMBER[::1], NUMBER[::1], NUMBER[::1], types.float64[::1], NUMBER[::1]),
    **KERNEL,
)
def steps(
    first_array, second_array, rows, theta, grad, state, memory, held, noise, ws, near, wi, sums, first, last, total
):
    # a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a
    #       + a + a + a
    """(What stands (in a docstring)) is left as it is."""
'''


@pytest.mark.parametrize(("line", "wanted"), BARE.values(), ids=BARE)
def test_brackets_go_where_they_say_nothing(line, wanted):
    assert bare(line) == wanted


def test_long_lines_are_broken_where_people_break_them():
    terms = " + ".join(f"(theta[{i}] * (two if a_{i} <= zero else b))" for i in range(4))
    kinds = "NUMBER[::1], types.int64[::1], NUMBER[::1], NUMBER[::1], NUMBER[::1], types.float64[::1], NUMBER[::1]"
    names = "rows, theta, grad, state, memory, held, noise, ws, near, wi, sums, first, last, total"
    lines = [
        f"y = ({terms})",
        f"@njit(types.int64({kinds}), **KERNEL)",
        f"def steps(first_array, second_array, {names}):",
        f"    # {' + '.join('a' * 32)}",
        '    """(What stands (in a docstring)) is left as it is."""',
    ]
    assert "\n".join(laid_out(lines)) + "\n" == WRAPPED


@pytest.mark.parametrize("seed", range(4))
def test_what_a_line_means_stays(seed):
    chance = random.Random(seed)
    for _ in range(500):
        line = f"        x = {expression(chance, chance.randrange(1, 7))}"
        found = laid_out([line])
        assert ast.dump(ast.parse(line.strip())) == ast.dump(ast.parse("\n".join(found).strip())), line
        assert all(part == part.rstrip() for part in found)


def test_lines_as_they_are_emitted_fit():
    chance = random.Random(0)
    for _ in range(200):
        parts = [
            f"({chance.choice(['ws', 'theta'])}[at_{i} + {i}] * real({i / 7:.3}))" for i in range(chance.randrange(40))
        ]
        line = " " * 12 + f"total_{len(parts)} += {' + '.join(parts) or 'zero'}"
        assert all(len(part) <= WIDTH for part in laid_out([line]))


def expression(chance: random.Random, depth: int) -> str:
    """An expression with more brackets than it needs."""
    if depth == 0:
        return chance.choice(["a", "b1", "f(x)", "w[i]", "1.5", "real(0.5)", "1e-08"])

    def inner() -> str:
        return expression(chance, depth - 1)

    signs = ["+", "-", "*", "/", "//", "%", "**", "<", ">=", "==", "or", "and"]
    text = chance.choice(
        [
            *(lambda: f"{inner()} {chance.choice(signs)} {inner()}",) * 5,
            lambda: f"-{inner()}",
            lambda: f"({inner()}) if ({inner()}) else ({inner()})",
            lambda: f"g({inner()}, {inner()})",
            lambda: f"(not {inner()})",
            lambda: f"u[{inner()}]",
        ]
    )()
    return f"({text})" if chance.random() < 0.8 or text[0] == "-" else text
