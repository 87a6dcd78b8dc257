"""The text of the vector math that is particular to float32.

All polynomials are minimax fits made for this file: Remez exchange in 50 digits, on the range named beside them and
with the weight that levels the relative error of the function's value; only then rounded to the type.
"""

from __future__ import annotations

from symnet.emit.vector_math_source import REDUCED

# y = erfc a for a >= 0, in float64, where a^2 is exact
ERFC = """\
    a = _D(abs(x))
    a = _select(a > _ERFC_HIGH, _ERFC_HIGH, a)
    y = -a * a
    t = _fma(y, _D_LOG2_E, _D_POWER)
    r = _fma(_D_POWER - t, _D_LOG_2, y)
    e = _horner(_D_EXP, r) * _power(t)
    y = e * _horner(_ERFC_P, a) / _horner(_ERFC_Q, a)
"""

# |x| = n pi/2 + r with n whole and |r| <= pi/4; in float64
TURNED = """\
    bits = _recast(x, _WORD)
    k = (bits >> _U23) & _U255
    m = _D(_recast(np.uint32((bits & _DIGITS) | _UNIT), x))
    high, low = m * _TURNS[k, 0], m * _TURNS[k, 1]
    t = (high + low) + _D_SHIFT
    n = _recast(t, _U0)
    r = ((high - (t - _D_SHIFT)) + low) * _HALF_PI
"""

# y = sin(n pi/2 + r)
SINE = """\
    z = r * r
    y = _select((n & _U1) == _U0, _fma(r * z, _horner(_SIN, z), r), _horner(_COS, z))
    y = _F(_recast(_recast(y, _U0) ^ ((n & _U2) << _U62), y))
"""

TEXT = f'''\
_F = np.float32
_ZERO, _HALF, _ONE, _TWO, _INF, _NAN = _F(0), _F(0.5), _F(1), _F(2), _F(np.inf), _F(np.nan)
# added to a small whole number k, leaves k in the lowest bits
_POWER = _F(1.5 * 2**23 + 127)
_TWICE = _F(1.5 * 2**23 + 2 * 127)
_LOG2_E = _F(1.4426950408889634)
# log 2 = A + B; A has 16 digits, so that k*A is exact
_LOG_2_A = _F(0.693145751953125)
_LOG_2_B = _F(1.4286068203094173e-06)
# beyond these e^x is 0 and infinite
_EXP_LOW, _EXP_HIGH = _F(-104), _F(89)
# (e^r - 1 - r)/r^2 for |r| <= log(2)/2, relative error of e^r 2^-28
_EXPM1 = tuple(map(_F, (0.0013814539, 0.008368745, 0.04166839, 0.16666521, 0.49999994)))
_EXP = (*_EXPM1, _ONE, _ONE)
_EXPM1_LOW = _F(-18)
# (2 artanh(s)/s - 2)/s^2 in s^2 for |s| <= (sqrt(2) - 1)^2, relative error of log 2^-30
_LOG = tuple(map(_F, (0.29873073, 0.39977497, 0.66666776)))
# the same for 0 <= s <= 1/3, relative error of log 2^-27
_SOFTPLUS = tuple(map(_F, (0.28025195, 0.27999005, 0.40021706, 0.6666641)))
# subnormal numbers are lifted by 2^25 for their logarithm
_NORMAL, _LIFT, _LIFTED = _F(2**-126), _F(2**25), _F(25)
# (tanh(x)/x - 1)/x^2 in x^2 for |x| <= 0.625, relative error of tanh 2^-27
_TANH = tuple(map(_F, (-0.005717045, 0.020650588, -0.053743497, 0.13331491, -0.33333284)))
_TANH_TURN, _TANH_HIGH = _F(0.625), _F(10)
# below the first 4 e^x is 0; beyond 2^-30, 1 + e is 1
_SECH2_LOW, _SECH2_ONE = _F(-106), _F(30)
# (log(cosh x) - x^2/2)/x^4 in x^2 for |x| <= 0.7, relative error 2^-28
_LOG_COSH = tuple(map(_F, (-4.5867058e-04, 0.0020483586, -0.006712672, 0.022218512, -0.08333318)))
_LOG_COSH_TURN = _F(0.7)
# erf(x)/x - 1 in x^2 for |x| <= 1, relative error of erf 2^-29
_ERF = tuple(
    map(_F, (7.8538615e-05, -8.0101937e-04, 0.0051883277, -0.026853813, 0.112835854, -0.37612626, 0.12837917))
)


@_compiled
def tanh(x):
    """tanh |x| = 1 - 2/(e^2|x| + 1), near 0 as its odd series."""
    a = abs(x)
    y = _TWO * _select(a > _TANH_HIGH, _TANH_HIGH, a)
{REDUCED}\
    e = _horner(_EXP, r) * _power(_POWER - k)
    z = x * x
    near = _fma(a * z, _horner(_TANH, z), a)
    return _sign(_select(a < _TANH_TURN, near, _ONE - _TWO / (e + _ONE)), x)


# what `erfc` and the waves need of float64: to 27 digits only, from which their results are rounded
_D = np.float64
_D_ONE, _D_TWO, _D_LOG_2, _D_LOG2_E, _HALF_PI = _D(1), _D(2), _D(np.log(2)), _D(1 / np.log(2)), _D(np.pi / 2)
_D_SHIFT, _D_POWER = _D(1.5 * 2**52), _D(1.5 * 2**52 + 1023)
# e^r for |r| <= log(2)/2, relative error 2^-28
_D_EXP = (
    0.00138145389535804, 0.008368745157265265, 0.041668390814391616, 0.1666652039851672, 0.4999999343194166, 1.0, 1.0,
)
# e^(x^2) erfc(x) as P/Q for 0 <= x <= 10.2, relative error 2^-27; no coefficient is negative, so no digit is lost
_ERFC_HIGH = _D(10.2)
_ERFC_P = (0.03288496882211578, 0.2296397686811732, 0.7324868040782104, 1.2392525843621576, 1.000000005850301)
_ERFC_Q = (
    0.058286404952922095, 0.4070518899075769, 1.327016377608164, 2.404064312844728, 2.36763234062804, 1.0,
)


@_compiled
def erfc(x):
    """erfc x = e^(-x^2) P(x)/Q(x) for x >= 0 and 2 - erfc(-x) below."""
{ERFC}\
    return _F(_select(x < _ZERO, _D_TWO - y, y))


@_compiled
def erf(x):
    """erf |x| = 1 - erfc |x|, near 0 as its odd series."""
{ERFC}\
    return _select(abs(x) < _ONE, _fma(x, _horner(_ERF, x * x), x), _sign(_F(_D_ONE - y), x))


_U0, _U1, _U2, _U23, _U62, _U255 = map(np.uint64, (0, 1, 2, 23, 62, 255))
_DIGITS, _UNIT = np.uint64(2**23 - 1), np.uint64(127 << 23)
_WORD = np.uint32(0)
_SIN_SAME = _F(2**-12)
# 360 binary digits of 2/pi
_TWO_OVER_PI = 0xA2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC561B7246E3A424DD2E006492EEA09
# 2/pi 2^k for the exponents k of x, less multiples of 4 times the last digit of a mantissa: turns that do not count.
# The part of 29 digits has an exact product with a mantissa, the part with the rest needs none. Not for inf and NaN.
_TURNS = [(_TWO_OVER_PI << 127 >> (287 - k)) % (1 << 225) for k in range(-127, 128)]
_TURNS = np.array([((n >> 196) / 16, n % (1 << 196) / (1 << 200)) for n in _TURNS] + [(np.nan, np.nan)])
# (sin r - r)/r^3 in r^2 for |r| <= pi/4, relative error of sin 2^-28; cos r in r^2, 2^-33
_SIN = (-0.00019517234657793475, 0.008332177686183249, -0.1666665493668958)
_COS = (2.4438379554316015e-05, -0.001388736691074531, 0.041666646854618496, -0.5, 1.0)

@_compiled
def sin(x):
    """sin |x| with the sign of x; sin x = x for the smallest."""
{TURNED}\
{SINE}\
    return _select(abs(x) < _SIN_SAME, x, _select(x < _ZERO, -y, y))


@_compiled
def cos(x):
    """cos x = sin(|x| + pi/2)."""
{TURNED}\
    n = n + _U1
{SINE}\
    return y
'''
