"""Functions of formulas that were made stable: a difference that stays together, and the normal distribution's tail."""

from __future__ import annotations

STABLE = {
    "float32": '''\


@_compiled
def difference(a, b):
    """a - b, in this order whatever stands around it."""
    return a - b


_ROOT_HALF, _SLOPE = np.float64(-0.7071067811865476), np.float32(1.1283791670955126)


@_compiled
def normal_cdf(x):
    """erfc(u + off)/2 for u + off = -x/sqrt(2): the tail is steep, and u alone, rounded, would move it."""
    exact = np.float64(x) * _ROOT_HALF
    u = np.float32(exact)
    off = np.float32(exact - np.float64(u))
    return _HALF * (erfc(u) - _SLOPE * exp(-u * u) * _select(abs(off) < _ONE, off, _ZERO))
''',
    "float64": '''\


@_compiled
def difference(a, b):
    """a - b, in this order whatever stands around it."""
    return a - b


# 1/sqrt(2) with the sign of u, in two halves and a rest; 2^27 + 1 parts a number in halves; 2/sqrt(pi)
_ROOT_HALF, _ROOT_HIGH, _ROOT_LOW = -0.7071067811865476, -0.7071067839860916, 2.7995440410322203e-09
_ROOT_REST, _PARTING, _SLOPE = 4.833646656726457e-17, 134217729.0, 1.1283791670955126


@_compiled
def normal_cdf(x):
    """erfc(u + off)/2 for u + off = -x/sqrt(2): the tail is steep, and u alone, rounded, would move it.

    `off` is what is lost in the product of x, in two halves, with 1/sqrt(2), in two halves and a rest.
    """
    u = x * _ROOT_HALF
    y = _select(abs(x) < 64.0, x, 0.0)
    scaled = y * _PARTING
    high = scaled - (scaled - y)
    low = y - high
    off = (high * _ROOT_HIGH - y * _ROOT_HALF) + high * _ROOT_LOW
    off = (off + low * _ROOT_HIGH) + (low * _ROOT_LOW + y * _ROOT_REST)
    return 0.5 * (erfc(u) - _SLOPE * exp(-u * u) * off)
''',
}
