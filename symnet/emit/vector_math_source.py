"""The text of the vector math that both number types share.

`HEAD` is the tools, `FUNCTIONS` what is written alike for both types; in between comes the text of the number type,
with its constants. Each is a run of top-level definitions, each after those it needs.

Lines that several functions have in common are put into each of them: a call would be inlined by LLVM all the same, but
Numba takes as long for a function that is called as for the function that calls it.
"""

from __future__ import annotations

HEAD = '''\
from llvmlite import binding as llb
from llvmlite import ir
from numba.extending import intrinsic, overload

# no flag at all, and said so because Numba hands a caller's flags down to what it calls: `reassoc` would undo the
# sums below that exist for their rounding. Inlined always: left to itself LLVM keeps the longest as calls, and a loop
# with a call is no vector loop. Without wrappers for the interpreter a function compiles twice as fast.
_EXACT = dict(
    fastmath=False,
    error_model="numpy",
    boundscheck=False,
    forceinline=True,
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
)


def _compiled(function):
    """The function for compiled callers; the interpreter, for which it has no wrapper, gets an exception."""

    def only_compiled(*arguments):
        raise NotImplementedError(f"{function.__name__} is for compiled callers")

    def typed(*arguments):
        return function

    overload(only_compiled, jit_options=_EXACT, strict=False)(typed)
    return only_compiled


def _instruction(write):
    """A function whose body is the LLVM that `write(builder, *values)` makes; its type is that of its last argument."""

    def typed(typing, *arguments):
        def codegen(context, builder, signature, values):
            return write(builder, *values)

        return arguments[-1](*arguments), codegen

    typed.__wrapped__ = write
    return intrinsic(typed)


def _call(builder, name, *values):
    kind = values[0].type
    signature = ir.FunctionType(kind, [kind] * len(values))
    return builder.call(builder.module.declare_intrinsic(name, [kind], signature), values)


# word, binary digits of the fraction, bias of the exponent, bits of sqrt(1/2)
_LAYOUT = {
    "float": (ir.IntType(32), 23, 127, 0x3F3504F3),
    "double": (ir.IntType(64), 52, 1023, 0x3FE6A09E667F3BCD),
}


def _extreme(builder, name, order, a, b):
    """By LLVM's own instruction, of which it makes vector reductions; one before LLVM 20 may fail to compile it."""
    if llb.llvm_version_info[0] >= 20:
        return _call(builder, name, a, b)
    first = builder.select(builder.fcmp_unordered(order, a, b), a, b)
    return builder.select(builder.fcmp_unordered("uno", b, b), b, first)


@_instruction
def maximum(builder, a, b):
    """The larger; NaN if either is."""
    return _extreme(builder, "llvm.maximum", ">", a, b)


@_instruction
def minimum(builder, a, b):
    """The smaller; NaN if either is."""
    return _extreme(builder, "llvm.minimum", "<", a, b)


@_instruction
def _select(builder, condition, a, b):
    """a where the condition holds, else b; both are computed."""
    return builder.select(condition, a, b)


@_instruction
def _fma(builder, a, b, c):
    """a*b + c, in one step where the processor has it; only where the rounding between does not matter."""
    return _call(builder, "llvm.fmuladd", a, b, c)


@_instruction
def _horner(builder, coefficients, x):
    """A polynomial, its coefficients from the highest down."""
    value = builder.extract_value(coefficients, 0)
    for i in range(1, coefficients.type.count):
        value = _call(builder, "llvm.fmuladd", value, x, builder.extract_value(coefficients, i))
    return value


@_instruction
def _sign(builder, x, s):
    """|x| with the sign of s."""
    return _call(builder, "llvm.copysign", x, s)


@_instruction
def _recast(builder, x, like):
    """The bits of x, read as a number of the type of `like`."""
    return builder.bitcast(x, like.type)


@_instruction
def _power(builder, t):
    """2^k for t = k + _POWER: the lowest bits of t are those of the exponent."""
    word, digits, _, _ = _LAYOUT[str(t.type)]
    return builder.bitcast(builder.shl(builder.bitcast(t, word), word(digits)), t.type)


@_instruction
def _scale(builder, p, t):
    """p*2^k for t = k + _TWICE, in two steps: where p*2^k is subnormal or near overflow, 2^k is out of range."""
    word, digits, _, _ = _LAYOUT[str(t.type)]
    k = builder.bitcast(t, word)
    half = builder.and_(builder.shl(k, word(digits - 1)), word(-1 << digits))
    rest = builder.sub(builder.shl(k, word(digits)), half)
    return builder.fmul(builder.fmul(p, builder.bitcast(half, p.type)), builder.bitcast(rest, p.type))


@_instruction
def _mantissa(builder, x):
    """m of x = 2^k m, sqrt(1/2) <= m < sqrt(2), for normal x > 0."""
    word, digits, _, root = _LAYOUT[str(x.type)]
    bits = builder.sub(builder.bitcast(x, word), word(root))
    return builder.bitcast(builder.add(builder.and_(bits, word((1 << digits) - 1)), word(root)), x.type)


@_instruction
def _exponent(builder, x):
    """k of x = 2^k m; becomes a number as the last digits of 2^digits + k, which needs no conversion."""
    word, digits, bias, root = _LAYOUT[str(x.type)]
    bits = builder.add(builder.bitcast(x, word), word((bias << digits) - root))
    bits = builder.or_(builder.lshr(bits, word(digits)), word((bias + digits) << digits))
    return builder.fsub(builder.bitcast(bits, x.type), x.type(float(2**digits + bias)))


@_instruction
def _upper(builder, x):
    """x with the lower half of its digits zero, so that its square is exact."""
    word, digits, _, _ = _LAYOUT[str(x.type)]
    mask = word(-1 << (digits + 2) // 2)
    return builder.bitcast(builder.and_(builder.bitcast(x, word), mask), x.type)
'''

# y = r - k log 2 with k whole and |r| <= log(2)/2; t has -k in its lowest bits
REDUCED = """\
    t = _fma(y, _LOG2_E, _TWICE)
    k = _TWICE - t
    r = _fma(k, _LOG_2_B, _fma(k, _LOG_2_A, y))
"""

# e = e^y for y <= 0, subnormal values and zero included
POWER = f"""\
    y = _select(y < _EXP_LOW, _EXP_LOW, y)
{REDUCED}\
    e = _scale(_horner(_EXP, r), t)
"""

# l = log(1 + e) for 0 <= e <= 1
LOG_1_E = """\
    s = e / (_TWO + e)
    z = s * s
    l = _fma(-s, _fma(-z, _horner(_SOFTPLUS, z), e), e)
"""

# y = k log 2 + log(1 + f)
LOG_1_F = """\
    s = f / (_TWO + f)
    z = s * s
    rest = s * _fma(-z, _horner(_LOG, z), f)
    y = _fma(k, _LOG_2_A, f - _fma(-k, _LOG_2_B, rest))
"""

FUNCTIONS = f'''\
@_compiled
def exp(x):
    """e^x = 2^k e^r: k the whole number next to x/log 2, r = x - k log 2 what it leaves."""
    y = _select(x > _EXP_HIGH, _EXP_HIGH, x)
{POWER}\
    return e


@_compiled
def expm1(x):
    """e^x - 1 = 2^k (e^r - 1) + (2^k - 1), halved on the way since 2^k may be beyond the largest number."""
    y = _select(x > _EXP_HIGH, _EXP_HIGH, x)
    y = _select(y < _EXPM1_LOW, _EXPM1_LOW, y)
{REDUCED}\
    p = _fma(r * r, _horner(_EXPM1, r), r)
    h = _power(_POWER - _ONE - k)
    return _sign(_select(k == _ZERO, p, _TWO * _fma(h, p, h - _HALF)), x)


@_compiled
def log(x):
    """log x = k log 2 + log(1 + f) for x = 2^k (1 + f); log(1 + f) = 2 artanh s = f - s (f - s^2 ...)."""
    low = x < _NORMAL
    u = _select(low, x * _LIFT, x)
    k = _exponent(u) - _select(low, _LIFTED, _ZERO)
    f = _mantissa(u) - _ONE
{LOG_1_F}\
    return _select(x > _ZERO, _select(x < _INF, y, x), _select(x == _ZERO, -_INF, _NAN))


@_compiled
def log1p(x):
    """log(1 + x) as `log` of u = 1 + x, to which the rounding c of that sum is given back once u is reduced."""
    u = _ONE + x
    v = u - _ONE
    c = (_ONE - (u - v)) + (x - v)
    k = _exponent(u)
    f = (_mantissa(u) - _ONE) + c * (_HALF * _power(_POWER + _ONE - k))
{LOG_1_F}\
    return _select(x > -_ONE, _select(x < _INF, _sign(y, x), x), _select(x == -_ONE, -_INF, _NAN))


@_compiled
def sigmoid(x):
    """1/(1 + e^-x) = 1 - q, e^x/(1 + e^x) = e - e*q for q = e/(1 + e), e = e^-|x|: so the errors of q count less."""
    y = -abs(x)
{POWER}\
    u = _select(x < _ZERO, e, _ONE)
    return _fma(-u, e / (_ONE + e), u)


@_compiled
def softplus(x):
    """log(1 + e^x) = max(x, 0) + log(1 + e) for e = e^-|x|; log(1 + e) = 2 artanh s = e - s (e - s^2 ...)."""
    y = -abs(x)
{POWER}\
{LOG_1_E}\
    return _select(x > _ZERO, x, _ZERO) + l


@_compiled
def log_sigmoid(x):
    """log(1/(1 + e^-x)) = -softplus(-x)."""
    y = -abs(x)
{POWER}\
{LOG_1_E}\
    return -(_select(x < _ZERO, -x, _ZERO) + l)


@_compiled
def log_cosh(x):
    """log cosh x = |x| - log 2 + log(1 + e) for e = e^-2|x|, near 0 its even series."""
    a = abs(x)
    y = -_TWO * a
{POWER}\
{LOG_1_E}\
    z = x * x
    near = _fma(z * z, _horner(_LOG_COSH, z), _HALF * z)
    return _select(a < _LOG_COSH_TURN, near, (a - _LOG_2_A) + (l - _LOG_2_B))


@_compiled
def sech2(x):
    """1 - tanh(x)^2 = 4 s (1 - s), s = e/(1 + e) = e - e*q for e = e^-2|x| = 2^k (1 + g); s = 2^k u is rounded once.

    The scale 2^(k + 2) comes last, for the sake of subnormal values.
    """
    y = -_TWO * abs(x)
    y = _select(y < _SECH2_LOW, _SECH2_LOW, y)
{REDUCED}\
    g = _fma(r * r, _horner(_EXPM1, r), r)
    scale = _power(_POWER - _select(k > _SECH2_ONE, _SECH2_ONE, k))
    p = _ONE + g
    e = p * scale
    u = _ONE + _fma(-p, e / (_ONE + e), g)
    return _scale(_fma(-u, u * scale, u), t + _TWO)
'''
