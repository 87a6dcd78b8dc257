"""Random programs: `program(seed)` declares one, with values for all that it reads.

Each grows from a pool of tensors. A step takes some of the pool (or a new input), applies one construct of the
language, and puts the result back: contractions of up to four tensors, elementwise functions, reductions, softmax and
its kin, brackets on places and on values, shifted, strided and diagonal reads, labels, masks, recurrences. At the end
every tensor that nobody read goes into a scalar loss. Sizes are small and distinct; values are tame, so that what two
evaluations differ by is rounding.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import sympy as sp
from networks import Network
from random_maker import LETTERS, Maker

import symnet as sn
from symnet.core.definition import Program

BOX = 1500  # entries that a contraction may run over
CONSTRUCTS: list[Callable[[Maker], sn.Tensor]] = []


def construct(times: int = 1) -> Callable[[Callable[[Maker], sn.Tensor]], Callable[[Maker], sn.Tensor]]:
    """Enter a step into the list, `times` for how often it is to be met."""

    def enter(step: Callable[[Maker], sn.Tensor]) -> Callable[[Maker], sn.Tensor]:
        CONSTRUCTS.extend([step] * times)
        return step

    return enter


def program(seed: int, prefix: str = "") -> Network:
    """The program of a seed: its loss, one to three real inputs to derive it by, and values.

    With a prefix for their names, several programs can stand in one function.
    """
    maker = Maker(random.Random(seed), prefix)
    for _ in range(maker.rng.choice((2, 3, 3, 4, 5))):
        maker.keep(maker.rng.choice(CONSTRUCTS)(maker))
    loss = maker.loss()
    inputs = Program.of([loss]).inputs()
    real = [node for node in inputs if node.kind in ("real", "positive")]
    wrt = maker.rng.sample(real, min(len(real), maker.rng.randint(1, 3)))
    values = {node.name: maker.draw(node, seed) for node in inputs}
    return Network(f"{prefix}random-{seed}", loss, tuple(wrt), values)


# -- contractions


@construct(6)
def contraction(maker: Maker) -> sn.Tensor:
    """A sum of products of one to four tensors over random index sets."""
    rng, places, factors = maker.rng, {}, []
    for _ in range(rng.choice((1, 2, 2, 2, 2, 3, 3, 4))):
        node = maker.tensor(1, 2, 2, 3)
        read, more = placed(maker, node, places)
        if math.prod(maker.size(extent) for extent in {**places, **more}.values()) > BOX:
            break
        places.update(more)
        factors.append(rng.choice((read, read, read, maker.tamed(read), read + maker.number(), read**2)))
    if not places:
        return elementwise(maker)
    kept = rng.sample(list(places), min(len(places), rng.choice((0, 1, 2, 2, 2, 3))))
    summed = [place for place in places if place not in kept]
    body = sp.Mul(*factors)
    if rng.random() < 0.25:
        body = sn.where(maker.guard(places), body, rng.choice((0, 0, factors[0])))
    if rng.random() < 0.15:
        body = body * (rng.choice(list(places)) + 1)
    if rng.random() < 0.2 and len(factors) > 1:
        body = body + maker.number() * factors[-1]
    if not summed:
        return maker.define(kept, maker.tamed(body), [places[k] for k in kept])
    scale = (
        sp.sqrt(sp.Mul(*[places[s] for s in summed])) if rng.random() < 0.5 else sp.Mul(*[places[s] for s in summed])
    )
    total = sn.sum(body, *[(s, places[s]) for s in summed]) / scale
    if rng.random() < 0.3:
        total = total + maker.number()
    formula = rng.choice((total, total, maker.tamed(total)))
    return maker.define(kept, formula, [places[k] for k in kept])


def placed(maker: Maker, node: sn.Tensor, places: dict[sp.Symbol, Any]) -> tuple[Any, dict[sp.Symbol, Any]]:
    """A read of a tensor at indices that are there already, or at new ones."""
    more: dict[sp.Symbol, Any] = {}
    chosen: list[Any] = []
    for extent in node.shape:
        fitting = [place for place, size in places.items() if size == extent and place not in chosen]
        if fitting and maker.rng.random() < 0.8:
            chosen.append(maker.rng.choice(fitting))
        elif maker.rng.random() < 0.06:
            chosen.append(maker.rng.choice((sp.S.Zero, sp.S.One, extent - 1)))
        else:
            free = [letter for letter in LETTERS if sn.indices(letter) not in {**places, **more}]
            chosen.append(sn.indices(maker.rng.choice(free)))
            more[chosen[-1]] = extent
    return node[tuple(chosen)], more


@construct(2)
def matmul(maker: Maker) -> sn.Tensor:
    """Array notation: x @ W + b, activated."""
    x = maker.tensor(1, 2, 2, 3)
    weight = maker.given((x.shape[-1], *maker.shape(0, 1, 1)))
    out = x @ weight
    if out.rank and maker.rng.random() < 0.6:
        out = out + maker.given((out.shape[-1],))
    return maker.rng.choice((lambda v: v / 2, sn.tanh, sn.relu, sn.gelu, maker.function))(out)


@construct()
def gram(maker: Maker) -> sn.Tensor:
    """Products of a tensor with itself, under a mask of places."""
    x = maker.tensor(2)
    n, d, m = maker.indices((0, 0, 0))
    formula = sn.sum(x[n, d] * x[m, d], d) / x.shape[1]
    if maker.rng.random() < 0.5:
        formula = sn.where(m <= n, formula, maker.rng.choice((0, -1)))
    return maker.define((n, m), formula, (x.shape[0], x.shape[0]))


@construct()
def nested(maker: Maker) -> sn.Tensor:
    """A reduction inside another one."""
    a, b = maker.tensor(2), maker.tensor(2)
    n, i, j, k = maker.indices((0,) * 4)
    inner = maker.rng.choice((sn.max, sn.min, sn.logsumexp, sn.sum))(b[j, k] * maker.number() + a[n, i], k)
    outer = maker.rng.choice((sn.mean, sn.max, sn.mean))(inner * maker.tamed(a[n, i]), (i, a.shape[1]))
    return maker.define((n, j), outer, (a.shape[0], b.shape[0]))


# -- entry by entry


@construct(4)
def elementwise(maker: Maker) -> sn.Tensor:
    """A function of a tensor, or of several that are broadcast."""
    x = maker.tensor(1, 2, 3)
    if maker.rng.random() < 0.4:
        return maker.function(x)
    other = maker.like(x.shape[maker.rng.randint(0, x.rank) :]) if maker.rng.random() < 0.8 else maker.given(())
    rules: tuple[Callable[[Any, Any], Any], ...] = (
        *(lambda a, b: a + b, lambda a, b: a - 2 * b, lambda a, b: a * b, lambda a, b: a / (b**2 + 0.7)),
        *(sn.maximum, sn.minimum, lambda a, b: sn.where(a > b, a, b / 2), lambda a, b: (a**2 + 0.5) ** sn.sigmoid(b)),
        *(lambda a, b: sn.tanh(a) / (1.5 + sn.sin(b)), lambda a, b: sn.exp(-((a - b) ** 2)), lambda a, b: abs(a - b)),
    )
    return (
        maker.tamed(maker.rng.choice(rules)(x, other))
        if maker.rng.random() < 0.3
        else maker.rng.choice(rules)(x, other)
    )


@construct()
def shared_call(maker: Maker) -> sn.Tensor:
    """The same function value in several places of one formula."""
    x, y = maker.tensor(1, 2), maker.tensor(1, 2)
    places: dict[sp.Symbol, Any] = {}
    left, more = placed(maker, x, places)
    places.update(more)
    right, more = placed(maker, y, places)
    places.update(more)
    call = sn.exp(left / 2)
    return maker.define(tuple(places), call / (1 + call) + call * right / 4, tuple(places.values()))


@construct()
def places_in_formulas(maker: Maker) -> sn.Tensor:
    """Indices and dims as numbers."""
    x = maker.tensor(1, 2)
    places = maker.indices(x.shape)
    one, size = places[-1], x.shape[-1]
    rules = (
        x[places] * (one + 1) / size,
        sn.sin(x[places] + one) / sp.sqrt(size),
        x[places] * sn.exp(-one / size),
        sn.where(one < size / 2, x[places], -x[places] / size),
        x[places] ** 2 * (size - one) / (size + 1),
        x[places] * (-1) ** one + sn.cos(sp.pi * one / size),
    )
    return maker.define(places, maker.rng.choice(rules))


# -- reductions


@construct(3)
def reduction(maker: Maker) -> sn.Tensor:
    """A reduction along some axes, in array notation."""
    x = maker.tensor(1, 2, 3)
    axes = tuple(sorted(maker.rng.sample(range(x.rank), maker.rng.randint(1, x.rank))))
    op = maker.rng.choice((sn.sum, sn.mean, sn.max, sn.min, sn.prod, sn.logsumexp))
    kept = maker.rng.random() < 0.4
    found = op(x, axis=axes if len(axes) > 1 else axes[0], keepdims=kept)
    found = maker.tamed(found / 2) if op in (sn.sum, sn.prod) else found
    return x * found if kept and maker.rng.random() < 0.7 else found


@construct(3)
def along(maker: Maker) -> sn.Tensor:
    """Softmax and its kin along an axis, and means and variances."""
    x = maker.tensor(1, 2, 3)
    axis = maker.rng.randrange(x.rank)
    centred = x - sn.mean(x, axis=axis, keepdims=True)
    rules = (
        *(lambda: sn.softmax(x, axis=axis), lambda: sn.log_softmax(x, axis=axis), lambda: sn.normalize(x, axis=axis)),
        *(lambda: centred, lambda: centred * sn.rsqrt(sn.mean(centred**2, axis=axis, keepdims=True) + 0.1)),
        *(lambda: x * sn.softmax(x, axis=axis), lambda: x - sn.max(x, axis=axis, keepdims=True)),
    )
    return maker.rng.choice(rules)()


@construct()
def extreme_of_sums(maker: Maker) -> sn.Tensor:
    """The largest or smallest of values that are computed on the way."""
    a, b = maker.tensor(2), maker.tensor(1, 2)
    places: dict[sp.Symbol, Any] = {}
    left, more = placed(maker, a, places)
    places.update(more)
    right, more = placed(maker, b, places)
    places.update(more)
    if not places:
        return elementwise(maker)
    bound = maker.rng.choice(list(places))
    kept = [place for place in places if place is not bound]
    body = maker.rng.choice(
        (left * right + right / 3, sn.sin(left) - right, left + right, left * maker.number() - right**2)
    )
    op = maker.rng.choice((sn.max, sn.min, sn.logsumexp, sn.prod))
    formula = op(body, (bound, places[bound]))
    return maker.define(kept, maker.tamed(formula) if op is sn.prod else formula, [places[k] for k in kept])


@construct()
def past(maker: Maker) -> sn.Tensor:
    """A sum over the places before each."""
    x, t, s = maker.tensor(1, 2), *maker.indices((0, 0))
    size = x.shape[-1]
    rows = maker.indices((0,) * (x.rank - 1)) if x.rank > 1 else ()
    while set(rows) & {t, s}:
        rows = maker.indices((0,) * (x.rank - 1))
    weight = maker.given((size,))
    kernel = maker.rng.choice((weight[s], weight[t - s], sp.S.One))
    formula = sn.sum(sn.where(s <= t, kernel * x[(*rows, s)], 0), (s, size)) / maker.rng.choice((t + 1, size))
    return maker.define((*rows, t), formula, x.shape)


# -- brackets


@construct(2)
def chosen(maker: Maker) -> sn.Tensor:
    """One of two branches, by places, by values, or by a mask."""
    x = maker.tensor(1, 2, 3)
    places = maker.indices(x.shape)
    other = maker.like(x.shape)
    read, twin = x[places], other[places]
    mask = maker.given(x.shape, kind="mask")[places]
    ranges = dict(zip(places, x.shape, strict=True))
    condition = maker.rng.choice((maker.guard(ranges), read > 0.1, read < twin, mask > 0, (read > -0.2) & (twin < 0.3)))
    if maker.rng.random() < 0.2:
        condition = maker.rng.choice(
            (sp.Or(read > 0.4, twin > 0.2), sp.Not(read > 0.3), sp.Or(places[0] < 1, read > 0.2))
        )
    branches = (read, twin, sn.sin(read), sn.tanh(twin) * read, sp.S.Zero, sn.exp(read / 2), sp.S.One)
    yes, no = maker.rng.sample(branches, 2)
    return maker.define(places, sn.where(condition, yes, no) + read / 5, x.shape)


@construct()
def masked(maker: Maker) -> sn.Tensor:
    """A mask as a factor, or a comparison in array notation as one."""
    x = maker.tensor(1, 2, 3)
    mask = maker.rng.choice((maker.given(x.shape[-1:], kind="mask"), x > 0.2, ~(x > 0.1), (x > -0.5) & (x < 0.5)))
    return maker.rng.choice(
        (lambda: x * mask, lambda: sn.where(mask, x, x / 3), lambda: sn.sum(x * mask, axis=-1) / 2)
    )()


@construct()
def unsafe(maker: Maker) -> sn.Tensor:
    """Each branch cannot be computed where the other one is taken."""
    x = maker.tensor(1, 2)
    places = maker.indices(x.shape)
    read = x[places]
    return maker.define(places, sn.where(read > 0.2, sn.log(read), sn.sqrt(0.5 - read)) / 2, x.shape)


# -- places


@construct(3)
def shifted(maker: Maker) -> sn.Tensor:
    """Neighbours behind a guard, or a window along the last axis."""
    x = maker.tensor(1, 2, 2, 3)
    *rows, i, u = maker.indices((*x.shape, 0))
    size, width = x.shape[-1], maker.rng.choice((2, 3))
    if maker.rng.random() < 0.4:
        step = maker.rng.choice((1, -1, 2))
        inside = (i + step < size) if step > 0 else (i + step >= 0)
        neighbour = sn.where(inside, x[(*rows, i + step)], maker.rng.choice((0, x[(*rows, i)])))
        return maker.define((*rows, i), x[(*rows, i)] / 2 - neighbour, x.shape)
    weight, back = maker.given((width,)), maker.rng.choice((0, 1, width - 1))
    place = i + u - back
    read = sn.where((place >= 0) & (place < size), x[(*rows, place)] * weight[u], 0)
    return maker.define((*rows, i), sn.sum(read, u) / width, x.shape)


@construct(2)
def convolved(maker: Maker) -> sn.Tensor:
    """A window that stays inside, with stride and dilation, over channels."""
    size, out, width = maker.rng.choice(((7, 5, 3), (6, 5, 2), (9, 3, 3)))
    stride, dilation = {(7, 5, 3): (1, 1), (6, 5, 2): (1, 1), (9, 3, 3): (2, 2)}[size, out, width]
    lead, channels, filters = maker.rng.sample(maker.dims, 3)
    x, weight = maker.like((lead, size, channels)), maker.given((width, channels, filters))
    n, i, u, c, f = maker.indices((0,) * 5)
    total = sn.sum(x[n, stride * i + dilation * u, c] * weight[u, c, f], u, c)
    order = maker.rng.choice((((n, i, f), (lead, out, filters)), ((n, f, i), (lead, filters, out))))
    return maker.define(order[0], maker.rng.choice((total / 2, sn.tanh(total))), order[1])


@construct()
def strided(maker: Maker) -> sn.Tensor:
    """Every other entry."""
    half = maker.rng.choice(maker.dims)
    x = maker.given((*maker.shape(0, 1), 2 * half))
    *rows, i = maker.indices(x.shape)
    weight = maker.given((half,))[i]
    even, odd = x[(*rows, 2 * i)] * weight, x[(*rows, 2 * i + 1)] + weight
    shape = (*x.shape[:-1], half)
    return maker.define((*rows, i), maker.rng.choice((odd * sn.sin(even), even - odd / 2, odd**2)), shape)


@construct(2)
def turned(maker: Maker) -> sn.Tensor:
    """Transposes, diagonals, reversed places, single rows."""
    x = maker.tensor(2, 3)
    if x.rank == 2 and maker.rng.random() < 0.4:
        return x.T * maker.number()
    places = maker.indices(x.shape)
    order = maker.rng.sample(range(x.rank), x.rank)
    left = [places[a] for a in order]
    back = [x.shape[a] - 1 - places[a] if maker.rng.random() < 0.3 else places[a] for a in range(x.rank)]
    last = tuple(places[:-1])
    rules = (
        lambda: maker.define(left, x[tuple(back)], [x.shape[a] for a in order]),
        lambda: maker.define(last, x[(*last, 0)] * x[(*last, x.shape[-1] - 1)], x.shape[:-1]),
        lambda: maker.define(places, x[places] - x[(*last, 1)] / 2, x.shape),
    )
    return maker.rng.choice(rules)()


@construct()
def diagonal(maker: Maker) -> sn.Tensor:
    """The diagonal of a square, the square without it, and its trace."""
    size = maker.rng.choice(maker.dims)
    s, (n, m) = maker.like((size, size)), maker.indices((0, 0))
    rules = (
        lambda: maker.define((n,), s[n, n] ** 2),
        lambda: maker.define((n, m), sn.where(sn.eq(n, m), 0, s[n, m])),
        lambda: maker.define((n, m), sn.delta(n, m) * sn.tanh(s[n, n]) + s[m, n] / 2),
        lambda: maker.define((n,), sn.sum(s[n, m] * s[m, m], m) + sn.sum(s[m, m], m) / 3),
    )
    return maker.rng.choice(rules)()


# -- labels


@construct(2)
def looked_up(maker: Maker) -> sn.Tensor:
    """Rows of a table by labels, or the entry that each label names."""
    x = maker.tensor(2)
    n, d = maker.indices(x.shape)
    count = maker.rng.choice([dim for dim in maker.dims if dim not in x.shape])
    rows = maker.given((count,), kind="label", classes=x.shape[0])
    entries = maker.given(x.shape[:1], kind="label", classes=x.shape[1])
    rules = (
        lambda: sn.lookup(x, rows) * 2,
        lambda: sn.take(x, entries),
        lambda: maker.define((n,), x[n, entries[n]] * sn.mean(x[n, d], d)),
        lambda: maker.define((n,), sn.logsumexp(x[n, d], d) - x[n, entries[n]]),
        lambda: maker.define((n, d), sn.tanh(x[rows[n], d]) * x[rows[0], d], (count, x.shape[1])),
    )
    return maker.rng.choice(rules)()


@construct()
def scattered(maker: Maker) -> sn.Tensor:
    """Rows added up at the places that labels say."""
    x = maker.tensor(1, 2)
    e, *rest = maker.indices(x.shape)
    k = next(s for s in map(sn.indices, LETTERS) if s not in (e, *rest))
    size = maker.rng.choice([dim for dim in maker.dims if dim not in x.shape])
    goal = maker.given(x.shape[:1], kind="label", classes=size)
    weight = maker.given((size,))[k]
    return maker.define((k, *rest), weight * sn.sum(sn.delta(goal[e], k) * x[(e, *rest)], e), (size, *x.shape[1:]))


@construct()
def best(maker: Maker) -> sn.Tensor:
    """The entry at the place of the largest one of another tensor."""
    x = maker.tensor(2)
    votes, (n, d) = maker.like(x.shape), maker.indices(x.shape)
    if maker.rng.random() < 0.3:
        row = votes.argmax(axis=0)
        return maker.define((d,), x[row[d], d] * votes[0, d], x.shape[1:])
    place = votes.argmax(axis=-1)
    return maker.define((n,), x[n, place[n]] ** 2 + sn.mean(x[n, d] * votes[n, place[n]], d))


@construct()
def classified(maker: Maker) -> sn.Tensor:
    """A loss by rows, with labels or distributions for targets."""
    z = maker.tensor(2)
    n, k = maker.indices(z.shape)
    kind = maker.rng.choice(("label", "onehot", "simplex"))
    if kind == "label":
        return sn.losses.softmax_cross_entropy(z, maker.given(z.shape[:1], kind="label", classes=z.shape[1]))
    y, p = maker.given(z.shape, kind=kind), sn.softmax(z)
    return maker.define((n,), -sn.sum(y[n, k] * sn.log(p[n, k]), k))


# -- recurrences


@construct(3)
def recurrence(maker: Maker) -> sn.Tensor:
    """A state that reads itself one step before or after."""
    n, t, j, k = maker.indices((0,) * 4)
    rows, steps, width = maker.rng.sample(maker.dims, 3)
    x, h, weight = (
        maker.like((rows, steps, width)),
        sn.tensor(maker.name(), (rows, steps, width)),
        maker.given((width, width)),
    )
    forward = maker.rng.random() < 0.6
    there, inside = (t - 1, t > 0) if forward else (t + 1, t < steps - 1)
    mixed = sn.sum(h[n, there, j] * weight[j, k], j) / maker.rng.choice((2, sp.sqrt(width)))
    begin = maker.rng.choice((sp.S.Zero, sp.S.One, sn.tanh(x[n, t, k])))
    rules = (
        sn.tanh(x[n, t, k] + sn.where(inside, mixed, begin)),
        sn.sin(x[n, t, k]) + sn.where(inside, h[n, there, k], begin) / 2,
        sn.sigmoid(x[n, t, k]) * sn.where(inside, h[n, there, k], begin) + (1 - sn.sigmoid(x[n, t, k])) * x[n, t, k],
        sn.where(inside, sn.tanh(mixed) * x[n, t, k], x[n, t, k]),
    )
    sn.define(h, (n, t, k), maker.rng.choice(rules))
    if maker.rng.random() < 0.5:
        return h
    return maker.define((n, k), h[n, steps - 1 if forward else 0, k] * x[n, 0, k], (rows, width))


@construct()
def mutual(maker: Maker) -> sn.Tensor:
    """Two states that read each other, one of them two steps back."""
    n, t = maker.indices((0, 0))
    x = maker.tensor(2)
    a, b = sn.tensor(maker.name(), x.shape), sn.tensor(maker.name(), x.shape)
    u, v = maker.given(()), maker.given(())
    sn.define(a, (n, t), sn.tanh(x[n, t] + u * sn.where(t > 0, b[n, t - 1], maker.rng.choice((0, 1)))))
    sn.define(b, (n, t), sn.sin(v * a[n, t]) + sn.where(t > 1, a[n, t - 2], 0) / 2)
    return maker.define((n, t), a[n, t] * b[n, t], x.shape)


@construct()
def running(maker: Maker) -> sn.Tensor:
    """Running sums and products along the first axis."""
    x = maker.tensor(1, 2)
    t, *rest = maker.indices(x.shape)
    total = sn.tensor(maker.name(), x.shape)
    before = total[(t - 1, *rest)]
    rules = (
        x[(t, *rest)] / 2 + sn.where(t > 0, before, 0),
        sn.cos(x[(t, *rest)]) * sn.where(t > 0, before, 1),
        sn.where(t > 0, sn.maximum(before, x[(t, *rest)] + t / 9), x[(t, *rest)]),
        0.9 * sn.where(t > 0, before, 0) + 0.1 * x[(t, *rest)] ** 2,
    )
    return sn.define(total, (t, *rest), maker.rng.choice(rules))


# -- derivatives inside


@construct()
def slope(maker: Maker) -> sn.Tensor:
    """The gradient of a scalar, as a tensor like any other."""
    x, weight = maker.given(maker.shape(2)), None
    weight = maker.given((x.shape[1], maker.rng.choice(maker.dims)))
    inner = maker.rng.choice((sn.tanh, sn.sigmoid, sn.softplus))(x @ weight)
    return sn.grad(sn.sum(inner**2) / 2, x)
