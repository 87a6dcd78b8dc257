"""Matching a formula against a definition, modulo the definition's indices.

    match(exp(z[n,k]), exp(z[m,3]), (n, k))   ->   {n: m, k: 3}

The indices of the pattern are bound by lining up its reads with those of the target; then both must be equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp

from symnet.core.expr import reads, reindex

Binding = dict[sp.Symbol, sp.Expr]


def match(pattern: sp.Expr, target: sp.Expr, wild: Sequence[sp.Symbol]) -> Binding | None:
    """How the wild indices must be chosen for the pattern to equal the target; None where no choice does."""
    for binding in _bindings(reads(pattern), reads(target), {}, frozenset(wild)):
        if reindex(pattern, binding) == target:
            return binding
    return None


def _bindings(
    patterns: list[sp.Indexed], targets: list[sp.Indexed], binding: Binding, wild: frozenset[sp.Symbol]
) -> Iterator[Binding]:
    if wild <= set(binding):
        yield binding
        return
    if not patterns:
        return
    first, rest = patterns[0], patterns[1:]
    if not (first.free_symbols & wild) - set(binding):
        yield from _bindings(rest, targets, binding, wild)
        return
    for target in targets:
        if target.args[0] == first.args[0]:
            extended = _extend(first, target, binding, wild)
            if extended is not None:
                yield from _bindings(rest, targets, extended, wild)


def _extend(pattern: sp.Indexed, target: sp.Indexed, binding: Binding, wild: frozenset[sp.Symbol]) -> Binding | None:
    extended = dict(binding)
    for mine, its in zip(pattern.indices, target.indices, strict=True):
        if mine in wild and extended.setdefault(mine, its) != its:
            return None
    return extended
