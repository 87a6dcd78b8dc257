"""Which sums of products are matrix products: each layout, carried out with NumPy, is the sum that was asked for."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
import pytest
import sympy as sp
from numpy.lib.stride_tricks import as_strided

from symnet.schedule.match import Layout, Operand, Refusal, matrix_product
from symnet.schedule.units import row_strides

SIZES = {"b": 2, "n": 3, "t": 4, "d": 5, "k": 6, "h": 2, "e": 3}
INDEX = {name: sp.Symbol(name, integer=True) for name in SIZES}
DIM = {name: sp.Symbol(name.upper(), integer=True, positive=True) for name in SIZES}
EXTENTS = {INDEX[name]: DIM[name] for name in SIZES}
NUMBERS = {DIM[name]: size for name, size in SIZES.items()}


def operand(axes: str) -> Operand:
    """A tensor with these axes, stored row by row."""
    strides = row_strides([DIM[axis] for axis in axes])
    return Operand({INDEX[axis]: stride for axis, stride in zip(axes, strides, strict=True)})


def product(spec: str) -> Layout | Refusal:
    """The layout for "left,right->target"."""
    inputs, target = spec.split("->")
    left, right = inputs.split(",")
    return matrix_product(operand(target), operand(left), operand(right), EXTENTS)


def names(group: tuple[sp.Symbol, ...]) -> str:
    return "".join(map(str, group))


def number(size: sp.Expr) -> int:
    return int(sp.sympify(size).subs(NUMBERS))


def length(group: tuple[sp.Symbol, ...]) -> int:
    return int(np.prod([SIZES[str(i)] for i in group], dtype=int))


def matrix(flat: np.ndarray, axes: str, place: dict[str, int], rows: tuple, columns: tuple) -> np.ndarray:
    """A group of axes by a group of axes, as a view with the stride of the last axis of each."""
    strides = {name: number(stride) for name, stride in zip(axes, row_strides([DIM[a] for a in axes]), strict=True)}
    start = sum(at * strides[name] for name, at in place.items() if name in strides)
    steps = [flat.itemsize * (strides[str(group[-1])] if group else 0) for group in (rows, columns)]
    return as_strided(flat[start:], (length(rows), length(columns)), steps)


def places(group: tuple[sp.Symbol, ...]) -> Iterator[dict[str, int]]:
    for values in itertools.product(*[range(SIZES[str(i)]) for i in group]):
        yield dict(zip(map(str, group), values, strict=True))


def carried_out(spec: str, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """What the calls of a layout give, and what the sum is."""
    inputs, target = spec.split("->")
    left, right = inputs.split(",")
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=[SIZES[axis] for axis in axes]) for axes in (left, right))
    out = np.full([SIZES[axis] for axis in target], 0.0 if layout.adding else np.nan)
    for place in places(layout.loops):
        c = matrix(out.ravel(), target, place, layout.m, layout.n)
        found = matrix(a.ravel(), left, place, layout.m, layout.k) @ matrix(b.ravel(), right, place, layout.k, layout.n)
        c[...] = c + found if layout.adding else found
    return out, np.einsum(spec, a, b)


def check(spec: str, layout: Layout) -> None:
    found, wanted = carried_out(spec, layout)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


TRANSPOSITIONS = [
    f"{''.join(left)},{''.join(right)}->{''.join(target)}"
    for left, right, target in itertools.product(*(itertools.permutations(axes) for axes in ("nd", "dk", "nk")))
]


@pytest.mark.parametrize("spec", TRANSPOSITIONS)
def test_every_transposition_is_a_single_call(spec: str) -> None:
    layout = product(spec)
    assert layout
    assert (names(layout.loops), names(layout.m), names(layout.n), names(layout.k)) == ("", "n", "k", "d")
    check(spec, layout)


LAYOUTS = {
    "rows of a batch are rows": ("ntd,dk->ntk", "", "nt", "k", "d"),
    "columns of several axes": ("nd,dkh->nkh", "", "n", "kh", "d"),
    "a sum over several axes": ("nth,thk->nk", "", "n", "k", "th"),
    "several axes in each place": ("nbde,dekh->nbkh", "", "nb", "kh", "de"),
    "a gradient by weights": ("ntd,ntk->dk", "", "d", "k", "nt"),
    "a batch outside": ("bnd,bdk->bnk", "b", "n", "k", "d"),
    "a batch in the middle": ("nbd,bdk->nbk", "b", "n", "k", "d"),
    "two batches": ("bnhd,bhdk->bnhk", "bh", "n", "k", "d"),
    "heads of attention": ("bthd,bnhd->bhtn", "bh", "t", "n", "d"),
    "a matrix and a vector": ("nd,d->n", "", "n", "", "d"),
    "a vector and a matrix": ("d,dk->k", "", "", "k", "d"),
    "a transposed matrix and a vector": ("dn,d->n", "", "n", "", "d"),
    "rows that are apart": ("nbd,dk->nkb", "n", "b", "k", "d"),
    "a sum whose axes lie in another order": ("nth,htk->nk", "t", "n", "k", "h"),
}


@pytest.mark.parametrize(("spec", "loops", "m", "n", "k"), LAYOUTS.values(), ids=LAYOUTS)
def test_groups_of_axes_find_their_places(spec: str, loops: str, m: str, n: str, k: str) -> None:
    layout = product(spec)
    assert layout
    assert (names(layout.loops), names(layout.m), names(layout.n), names(layout.k)) == (loops, m, n, k)
    assert layout.adding == bool(set(loops) - set(spec.split("->")[1]))
    check(spec, layout)


REFUSALS = {
    "nothing is summed": ("nd,dk->ndk", "summed"),
    "a sum over one operand only": ("nde,dk->nk", "summed"),
    "a sum over the other one only": ("nd,dke->nk", "summed"),
    "two vectors": ("d,d->", "two vectors"),
    "two vectors for each entry": ("nd,nd->n", "two vectors"),
    "a result with an axis of its own": ("nd,dk->nkt", "neither operand"),
    "a result that is scattered": ("bnd,bdk->nkb", "the result"),
    "a left operand that is scattered": ("ndb,bdk->bnk", "the left operand"),
    "a right operand that is scattered": ("bnd,dkb->bnk", "the right operand"),
}


@pytest.mark.parametrize(("spec", "why"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_no_matrix_product_is_refused_with_a_reason(spec: str, why: str) -> None:
    refusal = product(spec)
    assert not refusal
    assert isinstance(refusal, Refusal)
    assert why in refusal.why


def random_spec(rng: random.Random) -> str:
    """Up to six axes, each a batch, a row, a column or summed, in any order in each tensor."""
    roles = {axis: rng.choice("bmnkk") for axis in rng.sample(list(SIZES), rng.randint(2, 6))}
    tensors = [[axis for axis, role in roles.items() if role in held] for held in ("bmk", "bnk", "bmn")]
    for axes in tensors:
        rng.shuffle(axes)
    left, right, target = map("".join, tensors)
    return f"{left},{right}->{target}"


def test_random_sums_are_right_or_refused() -> None:
    rng, accepted = random.Random(0), 0
    for _ in range(400):
        spec = random_spec(rng)
        layout = product(spec)
        if isinstance(layout, Layout):
            accepted += 1
            check(spec, layout)
    assert accepted > 60
