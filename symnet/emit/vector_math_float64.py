"""The text of the vector math that is particular to float64.

All polynomials are minimax fits made for this file: Remez exchange in 50 digits, on the range named beside them and
with the weight that levels the relative error of the function's value; only then rounded to the type.
"""

from __future__ import annotations

from symnet.emit.vector_math_source import REDUCED

# y = erfc a for a >= 0: e^(-a^2) = 2^k (1 + v), its argument corrected by what a^2 loses in rounding; of 1 + s and
# 1 + v only the product is rounded
ERFC = """\
    a = abs(x)
    a = _select(a > _ERFC_HIGH, _ERFC_HIGH, a)
    y = -a * a
    upper = _upper(a)
    lost = (upper * upper + y) + (a - upper) * (a + upper)
    t = _fma(y, _LOG2_E, _TWICE)
    k = _TWICE - t
    r = _fma(k, _LOG_2_A, y) + _fma(k, _LOG_2_B, -lost)
    v = _fma(r * r, _horner(_EXPM1, r), r)
    s = a * _horner(_ERFC_P, a) / _horner(_ERFC_Q, a)
    y = _scale((_ONE + _fma(s, v, s + v)) / _fma(a, _ROOT_PI, _ONE), t)
"""

# |x| = n pi/2 + r with n whole and |r| <= pi/4. |x| 2/pi is the product of 53 digits of x with the 174 digits of 2/pi
# that matter: above them are whole turns, below them what the r next to 0 does not feel. In digits of base 2^29 this is
# two by six. The sums that hold the first digits of r are centred around 0: those before the first of r vanish, and the
# sum of all, which begins with the last, is rounded once.
TURNED = """\
    a = abs(x)
    bits = _recast(a, _U0)
    k = bits >> _U52
    k = _select(k > _FIRST, k - _FIRST, _U0)
    m = (bits & _DIGITS) | _UNIT
    m0, m1 = m & _MASK29, m >> _U29
    w, v, u = _TURNS[k], _TURNS[k + _U58], _TURNS[k + _U116]
    w5, w4, w3 = w >> _U35, (w >> _U6) & _MASK29, v >> _U35
    w2, w1, w0 = (v >> _U6) & _MASK29, u >> _U35, (u >> _U6) & _MASK29
    d1 = ((m0 * w0) >> _U29) + m0 * w1 + m1 * w0
    d2 = (d1 >> _U29) + m0 * w2 + m1 * w1
    d3 = (d2 >> _U29) + m0 * w3 + m1 * w2 + _HALF29
    d4 = (d3 >> _U29) + m0 * w4 + m1 * w3 + _HALF29
    d5 = (d4 >> _U29) + m0 * w5 + m1 * w4 + _HALF27
    f = _recast((d2 & _MASK29) | _WHOLE, x) - _WHOLE_0
    f = _fma(_recast((d3 & _MASK29) | _WHOLE, x) - _WHOLE_29, _STEP1, f)
    f = _fma(_recast((d4 & _MASK29) | _WHOLE, x) - _WHOLE_29, _STEP2, f)
    f = _fma(_recast((d5 & _MASK27) | _WHOLE, x) - _WHOLE_27, _STEP3, f)
    near = a < _QUARTER_PI
    r = _select(near, a, f * _HALF_PI_SCALED)
    n = _select(near, _U0, d5 >> _U27)
"""

# y = sin(n pi/2 + r)
SINE = """\
    z = r * r
    y = _select((n & _U1) == _U0, _fma(r * z, _horner(_SIN, z), r), _horner(_COS, z))
    y = _select(a < _INF, _recast(_recast(y, _U0) ^ ((n & _U2) << _U62), y), _NAN)
"""

TEXT = f'''\
_F = np.float64
_ZERO, _HALF, _ONE, _TWO, _INF, _NAN = _F(0), _F(0.5), _F(1), _F(2), _F(np.inf), _F(np.nan)
# added to a small whole number k, leaves k in the lowest bits
_POWER = _F(1.5 * 2**52 + 1023)
_TWICE = _F(1.5 * 2**52 + 2 * 1023)
_LOG2_E = _F(1.4426950408889634)
# log 2 = A + B; A has 41 digits, so that k*A is exact
_LOG_2_A = _F(0.693147180559663)
_LOG_2_B = _F(2.8235290563031577e-13)
# beyond these e^x is 0 and infinite
_EXP_LOW, _EXP_HIGH = _F(-746), _F(710)
# (e^r - 1 - r)/r^2 for |r| <= log(2)/2, relative error of e^r 2^-57
_EXPM1 = (
    2.5000017846119357e-08, 2.763030634758801e-07, 2.7557586807971833e-06, 2.480149294935911e-05,
    0.00019841269505767618, 0.0013888888943760225, 0.008333333333494982, 0.041666666666529725, 0.1666666666666641,
    0.5000000000000011,
)
_EXP = (*_EXPM1, _ONE, _ONE)
_EXPM1_LOW = _F(-38)
# (2 artanh(s)/s - 2)/s^2 in s^2 for |s| <= (sqrt(2) - 1)^2, relative error of log 2^-59
_LOG = (
    0.14797508397294837, 0.15313903174369334, 0.18183569742768543, 0.22222198475927188, 0.28571428743263255,
    0.3999999999941109, 0.6666666666666735,
)
# the same for 0 <= s <= 1/3, relative error of log 2^-58
_SOFTPLUS = (
    0.17062033229027126, 0.08327365067140124, 0.12106129054198099, 0.13301395365890234, 0.1538648935894671,
    0.18181749377053671, 0.2222222374272705, 0.2857142855289342, 0.4000000000010422, 0.666666666666665,
)
# subnormal numbers are lifted by 2^54 for their logarithm
_NORMAL, _LIFT, _LIFTED = _F(2**-1022), _F(2**54), _F(54)
_TANH_HIGH = _F(20)
# below the first 4 e^x is 0; beyond 2^-60, 1 + e is 1
_SECH2_LOW, _SECH2_ONE = _F(-748), _F(60)
# (log(cosh x) - x^2/2)/x^4 in x^2 for |x| <= 0.7, relative error 2^-56
_LOG_COSH = (
    -5.866719683943657e-07, 3.3121195583710754e-06, -1.1231617548004822e-05, 3.246093017972753e-05,
    -9.089523630542746e-05, 0.0002565616634589302, -0.0007386004483532006, 0.0021869486409497097,
    -0.006746031735375014, 0.02222222222194568, -0.08333333333333051,
)
_LOG_COSH_TURN = _F(0.7)
# erf(x)/x - 1 in x^2 for |x| <= 1, relative error of erf 2^-56
_ERF = (
    -7.779467484730134e-10, 1.371097981233394e-08, -1.6206313610721436e-07, 1.6447131550187659e-06,
    -1.492471230014132e-05, 0.00012055293576794632, -0.0008548325929310665, 0.005223977606118389,
    -0.026866170643111458, 0.11283791670944185, -0.3761263890318352, 0.12837916709551256,
)


@_compiled
def tanh(x):
    """tanh |x| = y/(y + 2), y = e^2|x| - 1 = u p + u - 1 for u = 2^k, p = e^r - 1."""
    a = abs(x)
    y = _TWO * _select(a > _TANH_HIGH, _TANH_HIGH, a)
{REDUCED}\
    p = _fma(r * r, _horner(_EXPM1, r), r)
    u = _power(_POWER - k)
    y = _fma(u, p, u - _ONE)
    return _sign(y / (y + _TWO), x)


# (1 + sqrt(pi) x) e^(x^2) erfc(x) = 1 + s, 0 <= s < 0.2; s/x as P/Q for 0 <= x <= 27.4, relative error of 1 + s
# 2^-53.9; no coefficient is negative, so no digit is lost
_ERFC_HIGH, _ROOT_PI = _F(27.4), _F(1.772453850905516)
_ERFC_P = (
    8.00031377386991e-05, 0.0013829532388861738, 0.011776415427530967, 0.06327565949337727, 0.2326686281277358,
    0.5980676802881216, 1.052438724470376, 1.1701652810075167, 0.6440746838099914,
)
_ERFC_Q = (
    0.00014180186956334764, 0.002576889429588685, 0.023227762556900997, 0.1338381984349574, 0.5390873457719735,
    1.5723819006577244, 3.341912776393536, 5.085412810066056, 5.281481874223107, 3.369431116542554, 1.0,
)


@_compiled
def erfc(x):
    """erfc x = e^(-x^2) (1 + s)/(1 + sqrt(pi) x) for x >= 0 and 2 - erfc(-x) below."""
{ERFC}\
    return _select(x < _ZERO, _TWO - y, y)


@_compiled
def erf(x):
    """erf |x| = 1 - erfc |x|, near 0 as its odd series."""
{ERFC}\
    return _select(abs(x) < _ONE, _fma(x, _horner(_ERF, x * x), x), _sign(_ONE - y, x))


_U0, _U1, _U2, _U6, _U27, _U29, _U35, _U52, _U58, _U62, _U116 = map(
    np.uint64, (0, 1, 2, 6, 27, 29, 35, 52, 58, 62, 116)
)
_DIGITS, _UNIT, _FIRST = np.uint64(2**52 - 1), np.uint64(2**52), np.uint64(1022)
_MASK27, _MASK29, _HALF27, _HALF29 = map(np.uint64, (2**27 - 1, 2**29 - 1, 2**26, 2**28))
# a whole number n < 2^52 becomes a float as the last digits of 2^52 + n
_WHOLE = np.uint64((1023 + 52) << 52)
_WHOLE_0, _WHOLE_27, _WHOLE_29 = _F(2**52), _F(2**52 + 2**26), _F(2**52 + 2**28)
_STEP1, _STEP2, _STEP3 = _F(2**29), _F(2**58), _F(2**87)
_SIN_SAME, _QUARTER_PI, _HALF_PI_SCALED = _F(2**-27), _F(np.pi / 4), _F(np.pi / 2 * 2**-114)
# 1232 binary digits of 2/pi
_TWO_OVER_PI = int(
    "A2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC561B7246E3A424DD2E006492EEA09"
    "D1921CFE1DEB1CB129A73EE88235F52EBB4484E99C7026B45F7E413991D639835339F49C845F8BBDF9283B1FF8"
    "97FFDE05980FEF2F118B5A0A6D1F6D367ECF27CB09B74F463F669E5FEA2D7527BAC7EBE5F17B3D0739F78A5292"
    "EA6BFB5FB11F8D5D0856033046FC7B6BABF0CF",
    16,
)
# 64 digits of 2/pi from each place on, the first 54 places before the point
_TURNS = np.array([(_TWO_OVER_PI >> (1223 - p)) % (1 << 64) for p in range(1142)], np.uint64)
# (sin r - r)/r^3 in r^2 for |r| <= pi/4, relative error of sin 2^-58; cos r in r^2, 2^-64
_SIN = (
    1.5896795673839058e-10, -2.505075811566952e-08, 2.755731369192096e-06, -0.00019841269829807819,
    0.008333333333322413, -0.16666666666666632,
)
_COS = (
    -1.1359647762830898e-11, 2.0875723272522502e-09, -2.7557314352328435e-07, 2.4801587289482174e-05,
    -0.0013888888888874125, 0.0416666666666666, -0.5, 1.0,
)

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
