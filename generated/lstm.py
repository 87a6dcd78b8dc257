"""LSTM: a model as one module.

The loss and what it is made of, for N samples:

    lstm_af[n,t,k] = sum_d x[n,t,d]*lstm_Wf[d,k] + [t > 0]*sum_h lstm_h[n,t-1,h]*lstm_Uf[h,k] + lstm_bf[k]
    lstm_f[n,t,k] = sigmoid(lstm_af[n,t,k])
    lstm_ag[n,t,k] = sum_d x[n,t,d]*lstm_Wg[d,k] + [t > 0]*sum_h lstm_h[n,t-1,h]*lstm_Ug[h,k] + lstm_bg[k]
    lstm_g[n,t,k] = tanh(lstm_ag[n,t,k])
    lstm_ai[n,t,k] = sum_d x[n,t,d]*lstm_Wi[d,k] + [t > 0]*sum_h lstm_h[n,t-1,h]*lstm_Ui[h,k] + lstm_bi[k]
    lstm_i[n,t,k] = sigmoid(lstm_ai[n,t,k])
    lstm_c[n,t,k] = lstm_g[n,t,k]*lstm_i[n,t,k] + [t > 0]*lstm_c[n,t-1,k]*lstm_f[n,t,k]
    lstm_ao[n,t,k] = sum_d x[n,t,d]*lstm_Wo[d,k] + [t > 0]*sum_h lstm_h[n,t-1,h]*lstm_Uo[h,k] + lstm_bo[k]
    lstm_o[n,t,k] = sigmoid(lstm_ao[n,t,k])
    lstm_h[n,t,k] = lstm_o[n,t,k]*tanh(lstm_c[n,t,k])
    lstm_last[n,k] = lstm_h[n,T-1,k]
    dense_z[n,i] = sum_h lstm_last[n,h]*dense_W[h,i] + dense_b[i]
    p[n,i] = exp(dense_z[n,i])/sum_k exp(dense_z[n,k])
    L = -(1/N)*sum_n log(p[n,y[n]])

Its slopes, by w as w_bar, with which it is trained, 32 samples at a time:

    lstm_af_bar[n,t,k] = [t > 0]*lstm_c[n,t-1,k]*lstm_c_bar[n,t,k]*lstm_f[n,t,k]*(1 - lstm_f[n,t,k])
    lstm_ag_bar[n,t,k] = lstm_c_bar[n,t,k]*lstm_i[n,t,k]*(1 - lstm_g[n,t,k]**2)
    lstm_ao_bar[n,t,k] = lstm_h_bar[n,t,k]*lstm_o[n,t,k]*(1 - lstm_o[n,t,k])*tanh(lstm_c[n,t,k])
    lstm_h_bar[n,t,k] = [t = T - 1]*(sum_i p[n,i]*dense_W[k,i] - dense_W[k,y[n]])/N + [t + 1 < T]*(sum_h
            lstm_af_bar[n,t+1,h]*lstm_Uf[k,h] + sum_h lstm_ag_bar[n,t+1,h]*lstm_Ug[k,h] + sum_h
            lstm_ai_bar[n,t+1,h]*lstm_Ui[k,h] + sum_h lstm_ao_bar[n,t+1,h]*lstm_Uo[k,h])
    lstm_c_bar[n,t,k] = [t + 1 < T]*lstm_c_bar[n,t+1,k]*lstm_f[n,t+1,k]
            + lstm_h_bar[n,t,k]*lstm_o[n,t,k]*(1 - tanh(lstm_c[n,t,k])**2)
    lstm_ai_bar[n,t,k] = lstm_c_bar[n,t,k]*lstm_g[n,t,k]*lstm_i[n,t,k]*(1 - lstm_i[n,t,k])
    lstm_Wi_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ai_bar[n,t,h]
    lstm_bi_bar[h] = sum_{n,t} lstm_ai_bar[n,t,h]
    lstm_Ui_bar[h,i] = sum_{n,t} [t > 0]*lstm_h[n,t-1,h]*lstm_ai_bar[n,t,i]
    lstm_Wf_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_af_bar[n,t,h]
    lstm_bf_bar[h] = sum_{n,t} lstm_af_bar[n,t,h]
    lstm_Uf_bar[h,i] = sum_{n,t} [t > 0]*lstm_h[n,t-1,h]*lstm_af_bar[n,t,i]
    lstm_Wg_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ag_bar[n,t,h]
    lstm_bg_bar[h] = sum_{n,t} lstm_ag_bar[n,t,h]
    lstm_Ug_bar[h,i] = sum_{n,t} [t > 0]*lstm_h[n,t-1,h]*lstm_ag_bar[n,t,i]
    lstm_Wo_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ao_bar[n,t,h]
    lstm_bo_bar[h] = sum_{n,t} lstm_ao_bar[n,t,h]
    lstm_Uo_bar[h,i] = sum_{n,t} [t > 0]*lstm_h[n,t-1,h]*lstm_ao_bar[n,t,i]
    dense_W_bar[h,k] = (1/N)*sum_n lstm_last[n,h]*(p[n,k] - delta(y[n],k))
    dense_b_bar[k] = (1/N)*sum_n (p[n,k] - delta(y[n],k))

A step of Adam(lr=0.001), the t-th, where g is the gradient by parameters w:

    m_next[p] = 0.9*m[p] + g[p]/10
    v_next[p] = 0.999*v[p] + 0.001*g[p]**2
    c = sqrt(1 - 0.999**t)
    eta = 0.001
    alpha = c*eta/(1 - 0.9**t)
    eps_t = 1e-8*c
    w_next[p] = w[p] - alpha*m_next[p]/(sqrt(v_next[p]) + eps_t)

Data, with D = 8, H = 16, K = 4, T = 5:

    x (N, T, D)
    y (N,): labels from 0, below K

Functions; `params` holds the parameters by name, as `PARAMETERS` lists them:

    forward(x, params) -> p (N, K)
        the outputs, as they are when nothing is trained
    loss_and_gradients(x, y, params) -> L, its slopes by name
        as in training
    train(x, y, params=None, epochs=10, seed=0) -> params, losses
        the loss is a mean over each epoch
    train_steps(...) -> steps done
        steps `first` to `last` of an epoch: gather, forward, backward, update
    initial(seed=0) -> params
        parameters as training begins
    pack(params) -> theta; unpack(theta) -> params
        parameters as one vector, as `train_steps` takes them
    workspace() -> grad, state, memory, noise, ws, near, wi, sums
        everything else that `train_steps` works on
    random_data(count, seed=0) -> x, y
        values of the right shapes and kinds

Run as a script, the module trains on random data.

Written by symnet; needs numpy, numba and scipy, and nothing else.
"""

import math
import operator
from contextlib import contextmanager
from time import perf_counter

import numpy as np
from llvmlite import binding as llb, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

real = np.float32
zero, half, one, two = real(0.0), real(0.5), real(1.0), real(2.0)
NUMBER = types.float32
KERNEL = dict(fastmath={"contract", "reassoc", "nsz"}, error_model="numpy", boundscheck=False, nogil=True, cache=True)
PART = dict(KERNEL, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called from kernels only


@intrinsic
def apart(typing):
    """Promise that the arrays of this function do not overlap."""

    def codegen(context, builder, sig, args):
        for given in builder.function.args:
            if given.type.is_pointer and given.name.endswith(".4"):  # the place of an array's data
                given.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def unseen(typing, number):
    """The same number, but LLVM cannot see which: else it unrolls the loop, and then makes no vectors of it."""

    def codegen(context, builder, sig, args):
        kind = ir.FunctionType(args[0].type, [args[0].type])
        return builder.asm(kind, "", "=r,0", [args[0]], False)

    return types.intp(types.intp), codegen


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
# (2 artanh(s)/s - 2)/s^2 in s^2 for |s| <= (sqrt(2) - 1)^2, relative error of log 2^-30
_LOG = tuple(map(_F, (0.29873073, 0.39977497, 0.66666776)))
# (tanh(x)/x - 1)/x^2 in x^2 for |x| <= 0.625, relative error of tanh 2^-27
_TANH = tuple(map(_F, (-0.005717045, 0.020650588, -0.053743497, 0.13331491, -0.33333284)))
_TANH_TURN, _TANH_HIGH = _F(0.625), _F(10)
# below the first 4 e^x is 0; beyond 2^-30, 1 + e is 1
_SECH2_LOW, _SECH2_ONE = _F(-106), _F(30)


@_compiled
def tanh(x):
    """tanh |x| = 1 - 2/(e^2|x| + 1), near 0 as its odd series."""
    a = abs(x)
    y = _TWO * _select(a > _TANH_HIGH, _TANH_HIGH, a)
    t = _fma(y, _LOG2_E, _TWICE)
    k = _TWICE - t
    r = _fma(k, _LOG_2_B, _fma(k, _LOG_2_A, y))
    e = _horner(_EXP, r) * _power(_POWER - k)
    z = x * x
    near = _fma(a * z, _horner(_TANH, z), a)
    return _sign(_select(a < _TANH_TURN, near, _ONE - _TWO / (e + _ONE)), x)


@_compiled
def exp(x):
    """e^x = 2^k e^r: k the whole number next to x/log 2, r = x - k log 2 what it leaves."""
    y = _select(x > _EXP_HIGH, _EXP_HIGH, x)
    y = _select(y < _EXP_LOW, _EXP_LOW, y)
    t = _fma(y, _LOG2_E, _TWICE)
    k = _TWICE - t
    r = _fma(k, _LOG_2_B, _fma(k, _LOG_2_A, y))
    e = _scale(_horner(_EXP, r), t)
    return e


@_compiled
def log1p(x):
    """log(1 + x) as `log` of u = 1 + x, to which the rounding c of that sum is given back once u is reduced."""
    u = _ONE + x
    v = u - _ONE
    c = (_ONE - (u - v)) + (x - v)
    k = _exponent(u)
    f = (_mantissa(u) - _ONE) + c * (_HALF * _power(_POWER + _ONE - k))
    s = f / (_TWO + f)
    z = s * s
    rest = s * _fma(-z, _horner(_LOG, z), f)
    y = _fma(k, _LOG_2_A, f - _fma(-k, _LOG_2_B, rest))
    return _select(x > -_ONE, _select(x < _INF, _sign(y, x), x), _select(x == -_ONE, -_INF, _NAN))


@_compiled
def sigmoid(x):
    """1/(1 + e^-x) = 1 - q, e^x/(1 + e^x) = e - e*q for q = e/(1 + e), e = e^-|x|: so the errors of q count less."""
    y = -abs(x)
    y = _select(y < _EXP_LOW, _EXP_LOW, y)
    t = _fma(y, _LOG2_E, _TWICE)
    k = _TWICE - t
    r = _fma(k, _LOG_2_B, _fma(k, _LOG_2_A, y))
    e = _scale(_horner(_EXP, r), t)
    u = _select(x < _ZERO, e, _ONE)
    return _fma(-u, e / (_ONE + e), u)


@_compiled
def sech2(x):
    """1 - tanh(x)^2 = 4 s (1 - s), s = e/(1 + e) = e - e*q for e = e^-2|x| = 2^k (1 + g); s = 2^k u is rounded once.

    The scale 2^(k + 2) comes last, for the sake of subnormal values.
    """
    y = -_TWO * abs(x)
    y = _select(y < _SECH2_LOW, _SECH2_LOW, y)
    t = _fma(y, _LOG2_E, _TWICE)
    k = _TWICE - t
    r = _fma(k, _LOG_2_B, _fma(k, _LOG_2_A, y))
    g = _fma(r * r, _horner(_EXPM1, r), r)
    scale = _power(_POWER - _select(k > _SECH2_ONE, _SECH2_ONE, k))
    p = _ONE + g
    e = p * scale
    u = _ONE + _fma(-p, e / (_ONE + e), g)
    return _scale(_fma(-u, u * scale, u), t + _TWO)


@_compiled
def difference(a, b):
    """a - b, in this order whatever stands around it."""
    return a - b


# -- matrix products: tiles of C are held in vector registers while sums run over p

FEATURES = llb.get_host_cpu_features()
WIDTH = 64 if FEATURES.get("avx512f") else 32 if FEATURES.get("avx2") else 16  # bytes of a vector
BITS = NUMBER.bitwidth
LANES = 8 * WIDTH // BITS
PANEL = 2 * LANES  # columns of B that are summed over at a time
HEIGHTS = (8, 4, 2, 1) if WIDTH == 64 else (6, 4, 2, 1)  # rows of tiles: the highest x PANEL fills the registers
WIDE = 8  # vectors of a tile of one row
DEPTH, HEIGHT = 192, 256  # of B, DEPTH x PANEL entries stay in L1, of A, HEIGHT x DEPTH stay in L2
COPIED, APART = 6144 // BITS, 6144 // BITS + HEIGHTS[0]  # columns of A' that are copied, in rows so far apart

SIZE, LANE, BIT = ir.IntType(types.intp.bitwidth), ir.IntType(32), ir.IntType(1)
REAL = ir.FloatType() if BITS == 32 else ir.DoubleType()
VECTOR, MASK, PLACES = (ir.VectorType(kind, LANES) for kind in (REAL, BIT, LANE))
ARRAY, VECTORS = REAL.as_pointer(), VECTOR.as_pointer()
ZERO, NOWHERE, ALIGN = ir.Constant(VECTOR, None), ir.Constant(ARRAY, None), ir.Constant(LANE, BITS // 8)
NONE = ir.Constant(MASK, None)
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, "==": operator.eq, "!=": operator.ne}


def known(*values):
    """Whether numbers or conditions are known while the code is made."""
    return not any(isinstance(x, ir.Value) for x in values)


def folding(name, compute):
    """An instruction of two numbers, or what it would compute if both are known."""
    emit = getattr(ir.IRBuilder, name)

    def write(self, x, y, *args, **options):
        return compute(x, y) if known(x, y) else emit(self, self.number(x), self.number(y), *args, **options)

    return write


class Instructions(ir.IRBuilder):
    """Vectors and loops in the language of LLVM."""

    # -- numbers and conditions

    add, sub, mul = folding("add", operator.add), folding("sub", operator.sub), folding("mul", operator.mul)
    udiv, rest = folding("udiv", operator.floordiv), folding("urem", operator.mod)

    def number(self, x):
        """A value of the machine's own."""
        return x if isinstance(x, ir.Value) else (BIT if isinstance(x, bool) else SIZE)(x)

    def test(self, x, sign, y):
        return COMPARE[sign](x, y) if known(x, y) else self.icmp_signed(sign, self.number(x), self.number(y))

    def choose(self, condition, x, y):
        if known(condition):
            return x if condition else y
        return x if known(x, y) and x == y else self.select(condition, self.number(x), self.number(y))

    def least(self, x, y):
        return self.choose(self.test(x, "<", y), x, y)

    def all(self, first, *others):
        """Whether all conditions hold; after one that is known not to, no other is looked at."""
        if known(first) or not others:
            return self.all(*others) if others and first else first
        second = self.all(*others)
        if known(second):
            return first if second else False
        return self.and_(first, second)

    def no(self, condition):
        return not condition if known(condition) else self.not_(condition)

    def any(self, *conditions):
        return self.no(self.all(*map(self.no, conditions)))

    # -- addresses and vectors

    def at(self, start, *terms):
        """The address start + i*s + j*t + ..."""
        for i, stride in terms:
            distance = self.mul(i, stride) if stride != 1 else i
            start = start if known(distance) and not distance else self.gep(start, [self.number(distance)])
        return start

    def strided(self, start, stride, count):
        """The addresses start, start + stride, ..."""
        places = [start]
        while len(places) < count:
            places.append(self.gep(places[-1], [self.number(stride)]))
        return places

    def opaque(self, value):
        """The same value, but LLVM cannot see where it is from: else it derives addresses in long chains."""
        return self.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", [value], False)

    def spread(self, scalar, kind=VECTOR):
        """A vector of equal numbers."""
        none = ir.Constant(kind, ir.Undefined)
        return self.shuffle_vector(self.insert_element(none, scalar, LANE(0)), none, ir.Constant(PLACES, [0] * LANES))

    def below(self, count):
        """What says that lanes 0..count-1 are meant: None for all, a number if known, else a mask."""
        if known(count):
            return count if count < LANES else None
        count = self.spread(self.trunc(self.least(count, LANES), LANE), PLACES)
        return self.icmp_signed("<", ir.Constant(PLACES, list(range(LANES))), count)

    def mask(self, meant):
        """A mask of what `below` says."""
        count = LANES if meant is None else meant
        return ir.Constant(MASK, [lane < count for lane in range(LANES)]) if known(count) else count

    def part(self, place, width):
        """The address of a narrower vector."""
        return self.bitcast(place, ir.VectorType(REAL, width).as_pointer())

    def get(self, place, meant=None):
        """The vector at a place; lanes that are not meant are not read, and 0."""
        if meant is None:
            return self.load(self.bitcast(place, VECTORS), align=BITS // 8)
        if known(meant) and meant & (meant - 1) == 0:
            some = self.load(self.part(place, meant), align=BITS // 8)
            order = [min(lane, meant) for lane in range(LANES)]
            return self.shuffle_vector(some, ir.Constant(some.type, None), ir.Constant(PLACES, order))
        kind = ir.FunctionType(VECTOR, [VECTORS, LANE, MASK, VECTOR])
        masked = cgutils.get_or_insert_function(self.module, kind, f"llvm.masked.load.v{LANES}f{BITS}.p0")
        return self.call(masked, [self.bitcast(place, VECTORS), ALIGN, self.mask(meant), ZERO])

    def put(self, value, place, meant=None):
        """Write the lanes that are meant: if it is known how many, in vectors of 8, 4, ..., for masks take longer."""
        if known(meant):
            start, count = 0, meant or LANES
            while start < count:
                width = 1 << (count - start).bit_length() - 1
                order = ir.Constant(ir.VectorType(LANE, width), list(range(start, start + width)))
                some = self.shuffle_vector(value, value, order) if meant else value
                self.store(some, self.part(self.at(place, (start, 1)), width), align=BITS // 8)
                start += width
        else:
            kind = ir.FunctionType(ir.VoidType(), [VECTOR, VECTORS, LANE, MASK])
            masked = cgutils.get_or_insert_function(self.module, kind, f"llvm.masked.store.v{LANES}f{BITS}.p0")
            self.call(masked, [value, self.bitcast(place, VECTORS), ALIGN, meant])

    def fetch(self, place):
        """Asks for what is needed soon to come nearer; the place may lie outside of its array."""
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, LANE, LANE, LANE])
        fetch = cgutils.get_or_insert_function(self.module, kind, "llvm.prefetch.p0")
        self.call(fetch, [self.bitcast(place, byte), LANE(0), LANE(2), LANE(1)])

    def fused(self, x, y, z):
        """x*y + z, rounded once where the processor can."""
        kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
        fused = cgutils.get_or_insert_function(self.module, kind, f"llvm.fmuladd.v{LANES}f{BITS}")
        return self.call(fused, [x, y, z])

    def paired(self, x, y):
        """x0 y0 x1 y1 ... of the lower halves, and of the upper halves."""
        for half in (0, LANES // 2):
            order = [half + i // 2 + i % 2 * LANES for i in range(LANES)]
            yield self.shuffle_vector(x, y, ir.Constant(PLACES, order))

    # -- loops and functions

    def repeat(self, times, state, body):
        """state = body(state), so many times."""
        if known(times) and times <= 1:
            return list(body(*state) if times else state)
        before, (head, inside, after) = self.block, (self.append_basic_block() for _ in range(3))
        self.branch(head)
        self.position_at_end(head)
        left, held = self.phi(SIZE), [self.phi(value.type) for value in state]
        self.cbranch(self.test(left, ">", 0), inside, after)
        self.position_at_end(inside)
        new = [self.sub(left, 1), *body(*held)]
        for phi, first, value in zip([left, *held], [self.number(times), *state], new, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(value, self.block)
        self.branch(head)
        self.position_at_end(after)
        return held

    def first(self, *cases):
        """Of pairs of a condition and what to do, the first whose condition holds."""
        if cases:
            (condition, write), *others = cases
            if not known(condition):
                with self.if_else(condition) as (then, otherwise):
                    with then:
                        write()
                    with otherwise:
                        self.first(*others)
            elif condition:
                write()
            else:
                self.first(*others)

    @contextmanager
    def steps(self, end, step):
        """The numbers 0, step, 2 step, ... below the end."""
        if known(end, step) and 0 < end <= step:
            yield 0
        else:
            with cgutils.for_range_slice(self, SIZE(0), self.number(end), self.number(step), SIZE) as (i, _):
                yield i

    def across(self, start, n, most, body):
        """body(j, columns) for panels of B, of PANEL columns each; at the end, of `most` columns or fewer."""
        if known(start, n):
            end = start + (n - start) // PANEL * PANEL
            if end > start:
                with self.steps(end - start, PANEL) as j:
                    body(self.add(j, start), PANEL)
            for j in range(end, n, most):
                body(j, min(n - j, most))
            return
        state = cgutils.alloca_once_value(self, self.number(start))
        inside, after = self.append_basic_block(), self.append_basic_block()
        self.cbranch(self.test(start, "<", n), inside, after)
        self.position_at_end(inside)
        j = self.load(state)
        rest = self.sub(n, j)
        columns = self.choose(self.test(rest, "<", PANEL), self.least(rest, most), PANEL)
        body(j, columns)
        self.store(self.add(j, columns), state)
        self.cbranch(self.test(self.load(state), "<", n), inside, after)
        self.position_at_end(after)

    def do(self, write, *args, **options):
        """Calls the function whose instructions `write` gives; a module has one for the same options.

        An option that is not known when the code is made is an argument like others.
        """
        fixed = {name: x for name, x in options.items() if known(x)}
        given = {name: x for name, x in options.items() if not known(x)}
        passed = [self.number(x) for x in (*args, *given.values())]
        name = "_".join(["symnet", write.__name__, *(f"{name}_{x}".lower() for name, x in fixed.items())])
        if name not in self.module.globals:
            function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [x.type for x in passed]), name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            function.attributes.add("optsize")
            code, own = type(self)(function.append_basic_block("entry")), function.args
            write(code, *own[: len(args)], **fixed, **dict(zip(given, own[len(args) :], strict=True)))
            code.ret_void()
        self.call(self.module.globals[name], passed)


class Tiles(Instructions):
    """Products of matrices."""

    # -- tiles

    def reads(self, adds, masks):
        """Which lanes of C are read, for each vector: by a mask, None for all, False for none."""
        if known(adds):
            return masks if adds else [False] * len(masks)
        return [self.select(adds, self.mask(mask), NONE) for mask in masks]

    def result(self, totals, places, masks, reads, alpha):
        """c = alpha*total + c, where c is read by a mask of its own; all is read first: reads wait for writes."""
        olds = [None if mask is False else self.get(place, mask) for place, mask in zip(places, reads, strict=True)]
        for total, place, mask, old in zip(totals, places, masks, olds, strict=True):
            new = self.fmul(alpha, total) if old is None else self.fused(alpha, total, old)
            self.put(new, place, mask)

    def tile(self, rows, masks, reads, k, alpha, a, row_a, col_a, b, row_b, c, row_c, near=None, padded=False):
        """C[i,j] (+)= alpha*(sum over p of A[i,p]*B[p,j]): for each p, a column of A times a row of B.

        Rows of B are read whole if they are `padded`, else the last vector by its mask; they may be kept `near`.
        """
        vectors, ways = len(masks), 1
        while ways * rows * vectors <= 4:  # partial sums: eight additions can begin while one goes on
            ways *= 2
        lines = self.strided(a, row_a, rows)

        def factors(along):
            """The column A[:,p]; where rows are more than registers for addresses, every fourth row has one."""
            for i, line in enumerate(lines):
                place = self.gep(line, [along])
                if rows > HEIGHTS[0]:
                    fourth = fourth if i % 4 else self.opaque(place)
                    place = self.at(fourth, (i % 4, row_a))
                yield self.spread(self.load(place))

        def add(along, down, kept, *sums):
            sums = list(sums)
            for way in range(len(sums) // (rows * vectors)):
                whole = [self.at(down, (v, LANES)) for v in range(vectors)]
                entries = [self.get(x, None if padded or x is not whole[-1] else masks[-1]) for x in whole]
                for v in range(vectors if near else 0):
                    self.put(entries[v], self.at(kept, (v, LANES)))
                    self.fetch(self.at(whole[v], (PANEL, 1)))
                for i, x in enumerate(factors(along)):
                    at = (way * rows + i) * vectors
                    sums[at : at + vectors] = [self.fused(x, y, z) for y, z in zip(entries, sums[at:], strict=False)]
                along, down = self.add(along, col_a), self.at(down, (row_b, 1))
            return [self.opaque(along), down, self.at(kept, (PANEL, 1)) if near else kept, *sums]

        count = rows * vectors
        places = [self.at(place, (v, LANES)) for place in self.strided(c, row_c, rows) for v in range(vectors)]
        for place in places if count == 2 * HEIGHTS[0] and not near else ():
            self.fetch(place)
        state = [SIZE(0), b, near or NOWHERE] + [ZERO] * (count * ways)
        (*state,) = self.repeat(self.udiv(k, ways), state, add)
        while len(state) > count + 3:
            half = (len(state) - 3) // 2
            state[3:] = [self.fadd(x, y) for x, y in zip(state[3 : half + 3], state[half + 3 :], strict=True)]
        if ways > 1:
            state = self.repeat(self.rest(k, ways), state, add)
        sums = state[3:]
        self.result(sums, places, masks * rows, reads * rows, alpha)

    def panel(self, m, k, alpha, a, row_a, col_a, b, row_b, adds, c, row_c, near, columns):
        """Tiles below each other. The first one may keep its rows of B `near`, padded; the others find them there."""
        alpha, masks = self.spread(alpha), [self.below(columns), self.below(self.sub(columns, LANES))]
        reads = self.reads(adds, masks)

        def tiles(rows, i, vectors, b, row_b, near=None):
            given = [k, alpha, self.at(a, (i, row_a)), row_a, col_a, b, row_b, self.at(c, (i, row_c)), row_c]
            self.tile(rows, masks[:vectors], reads[:vectors], *given, near, vectors == 2 and not near)

        def all_tiles(first, heights, vectors, b, row_b):
            def highest(i):
                tiles(heights[0], i, vectors, b, row_b)
                return [self.add(i, heights[0])]

            (i,) = self.repeat(self.udiv(self.sub(m, first), heights[0]), [first], highest)
            i = cgutils.alloca_once_value(self, i)
            for rows in heights[1:]:
                with self.if_then(self.test(self.add(self.load(i), rows), "<=", m)):
                    tiles(rows, self.load(i), vectors, b, row_b)
                    self.store(self.add(self.load(i), rows), i)

        def double():
            keeps, first = self.icmp_unsigned("!=", near, NOWHERE), cgutils.alloca_once_value(self, SIZE(0))
            with self.if_then(keeps):
                tiles(HEIGHTS[0], 0, 2, b, row_b, near)
                self.store(SIZE(HEIGHTS[0]), first)
            there = self.select(keeps, near, b), self.select(keeps, SIZE(PANEL), row_b)
            all_tiles(self.load(first), HEIGHTS, 2, *there)

        def single():
            all_tiles(SIZE(0), (2 * HEIGHTS[0], *HEIGHTS), 1, b, row_b)

        self.first((self.test(columns, ">", LANES), double), (True, single))

    def line(self, m, k, alpha, a, row_a, col_a, b, row_b, adds, c, row_c, n):
        """Tiles of one row, for n a multiple of WIDE vectors: B and C are read as they lie in memory."""
        alpha, reads = self.spread(alpha), self.reads(adds, [None] * WIDE)
        with self.steps(m, 1) as i, self.steps(n, WIDE * LANES) as j:
            start, place = self.at(a, (i, row_a)), self.at(c, (i, row_c), (j, 1))
            given = [k, alpha, start, row_a, col_a, self.at(b, (j, 1)), row_b, place, row_c]
            self.tile(1, [None] * WIDE, reads, *given, None, True)

    def dots(self, m, k, alpha, a, row_a, b, col_b, adds, c, row_c, n):
        """C[i,j] (+)= alpha*(sum over p of A[i,p]*B[p,j]) where p goes along memory: sums of products of vectors."""
        alpha, whole = self.spread(alpha), known(n) and n % LANES == 0
        with self.steps(m, 1) as i, self.steps(n, LANES) as j:
            row, columns = self.at(a, (i, row_a)), [self.add(j, lane) for lane in range(LANES)]
            if not whole:
                columns = [self.least(column, self.sub(n, 1)) for column in columns]
            starts = [self.at(b, (column, col_b)) for column in columns]

            def add(p, *sums, mask=None):
                x, ys = self.get(self.gep(row, [p]), mask), [self.get(self.gep(start, [p]), mask) for start in starts]
                sums = [self.fused(x, y, z) for y, z in zip(ys, sums, strict=True)]
                return [self.opaque(self.add(p, LANES)), *sums]

            rest = self.rest(k, LANES)
            state = self.repeat(self.udiv(k, LANES), [SIZE(0)] + [ZERO] * LANES, add)
            _, *sums = self.repeat(self.least(rest, 1), state, lambda *state: add(*state, mask=self.below(rest)))
            while len(sums) > 1:  # a transposition whose rows are added at once: lane j ends as the sum of vector j
                half = len(sums) // 2
                sums = [self.fadd(*self.paired(x, y)) for x, y in zip(sums[:half], sums[half:], strict=True)]
            masks = [None if whole else self.below(self.sub(n, j))]
            self.result(sums, [self.at(c, (i, row_c), (j, 1))], masks, self.reads(adds, masks), alpha)

    def row(self, n, k, alpha, a, col_a, b, row_b, adds, c):
        """A single row of C of known length: B streams through once, as it lies in memory."""
        alpha, wide = self.spread(alpha), WIDE * LANES

        def tile(j, columns):
            masks = [self.below(columns - start) for start in range(0, columns, LANES)]
            given = [k, alpha, a, 0, col_a, self.at(b, (j, 1)), row_b, self.at(c, (j, 1)), 0]
            self.tile(1, masks, self.reads(adds, masks), *given)

        if n >= wide:
            with self.steps(n // wide * wide, wide) as j:
                tile(j, wide)
        if n % wide:
            tile(n // wide * wide, n % wide)

    def outer(self, m, n, alpha, a, row_a, b, adds, c, row_c):
        """A column times a row of known lengths: the row is held in registers."""
        alpha, starts = self.spread(alpha), range(0, n, LANES)
        masks = [self.below(n - start) for start in starts]
        held = [self.fmul(alpha, self.get(self.at(b, (j, 1)), mask)) for j, mask in zip(starts, masks, strict=True)]
        with self.steps(m, 1) as i:
            places = [self.at(c, (i, row_c), (j, 1)) for j in starts]
            self.result(held, places, masks, self.reads(adds, masks), self.spread(self.load(self.at(a, (i, row_a)))))

    # -- copies

    def scale(self, m, n, beta, c, row_c):
        """C = beta*C"""
        with self.steps(m, 1) as i, self.steps(n, LANES) as j:
            place, mask = self.at(c, (i, row_c), (j, 1)), self.below(self.sub(n, j))
            self.put(self.fmul(self.spread(beta), self.get(place, mask)), place, mask)

    def copy(self, depth, columns, a, row_a, block):
        """A block of rows, APART from each other."""
        with self.steps(depth, 1) as p, self.steps(columns, LANES) as j:
            value = self.get(self.at(a, (p, row_a), (j, 1)), self.below(self.sub(columns, j)))
            self.put(value, self.at(block, (p, APART), (j, 1)))

    def turn(self, depth, columns, b, col_b, near):
        """A panel of B whose columns lie in memory, row after row: squares of LANES x LANES are transposed."""
        last, half = self.sub(columns, 1), LANES // 2
        with self.steps(columns, LANES) as j, self.steps(depth, LANES) as p:
            mask = self.below(self.sub(depth, p))
            square = []
            for i in range(LANES):
                line = self.least(self.add(j, i), last)
                square.append(self.get(self.at(b, (line, col_b), (p, 1)), mask))
                self.fetch(self.at(b, (self.add(j, i + PANEL), col_b), (p, 1)))
            for _ in range(LANES.bit_length() - 1):
                square = [z for x, y in zip(square[:half], square[half:], strict=True) for z in self.paired(x, y)]
            for i, row in enumerate(square):
                self.put(row, self.at(near, (self.add(p, i), PANEL), (j, 1)))

    # -- products

    def panels(self, m, k, alpha, a, row_a, col_a, b, row_b, col_b, adds, c, row_c, n, upright, far):
        """C in blocks: first what it needs of A and of B is brought together, where it is far apart in memory."""
        near, block = self.alloca(REAL, SIZE(DEPTH * PANEL)), self.alloca(REAL, SIZE(DEPTH * APART + LANES))
        near.align = block.align = 64
        parts = self.udiv(self.add(k, DEPTH - 1), DEPTH)
        depth = self.udiv(self.add(k, self.sub(parts, 1)), parts)
        height = self.choose(far, COPIED, HEIGHT)
        rest = HEIGHTS[0] - 1  # so many rows are no block of their own, for a panel begins with a high tile
        end = self.choose(self.test(m, ">", rest), self.sub(m, rest), 1)
        with self.steps(k, depth) as p, self.steps(end, height) as i:
            deep, left = self.least(self.sub(k, p), depth), self.sub(m, i)
            tall = self.choose(self.test(left, "<=", self.add(height, rest)), left, height)
            more, start = self.any(adds, self.test(p, ">", 0)), self.at(a, (i, row_a), (p, col_a))
            self.first((far, lambda: self.do(Tiles.copy, deep, tall, start, col_a, block)))
            first, step = self.choose(far, block, start), self.choose(far, APART, col_a)

            def body(j, columns):
                place, end = self.at(b, (p, row_b), (j, col_b)), [more, self.at(c, (i, row_c), (j, 1)), row_c]
                given = [tall, deep, alpha, first, row_a, step]

                def turned():
                    self.do(Tiles.turn, deep, columns, place, col_b, near)
                    self.do(Tiles.panel, *given, near, PANEL, *end, NOWHERE, columns=columns)

                def kept():
                    self.do(Tiles.panel, *given, place, row_b, *end, near, columns=columns)

                self.first((upright, kept), (True, turned))

            self.across(0, n, PANEL, body)

    def straight(self, m, k, alpha, a, row_a, col_a, b, row_b, adds, c, row_c, n):
        """C from A and B as they are; long rows as lines."""
        wide = self.mul(self.udiv(n, WIDE * LANES), WIDE * LANES)
        long = self.all(self.test(wide, ">", 0), self.any(self.test(m, "==", 1), self.test(k, "==", 1)))

        def body(j, columns):
            end = [self.at(b, (j, 1)), row_b, adds, self.at(c, (j, 1)), row_c, NOWHERE]
            self.do(Tiles.panel, m, k, alpha, a, row_a, col_a, *end, columns=columns)

        def lines():
            self.do(Tiles.line, m, k, alpha, a, row_a, col_a, b, row_b, adds, c, row_c, self.number(wide))
            self.across(wide, n, LANES, body)

        self.first((long, lines), (True, lambda: self.across(0, n, LANES, body)))

    def product(self, m, n, k, alpha, a, row_a, col_a, b, row_b, col_b, beta, c, row_c, col_c):
        """C = alpha*A@B + beta*C, in the way that suits its sizes and strides."""
        # where columns of C lie in memory: C' = B' A'
        flip = self.choose(self.test(n, "==", 1), self.test(row_c, "==", 1), self.test(col_c, "!=", 1))
        given = [m, n, a, row_a, col_a, b, row_b, col_b, row_c]
        flipped = [n, m, b, col_b, row_b, a, col_a, row_a, col_c]
        m, n, a, row_a, col_a, b, row_b, col_b, row_c = map(self.choose, [flip] * 9, flipped, given)
        adds = bool(beta != 0) if known(beta) else self.fcmp_unordered("!=", beta, REAL(0.0))
        scaled = beta not in (0, 1) if known(beta) else self.and_(adds, self.fcmp_unordered("!=", beta, REAL(1.0)))
        self.first((scaled, lambda: self.do(Tiles.scale, m, n, REAL(beta) if known(beta) else beta, c, row_c)))

        upright = self.any(self.test(col_b, "==", 1), self.test(n, "==", 1))
        ragged = self.test(self.rest(n, PANEL), ">", LANES)  # the last panel should be padded
        local = self.any(self.test(col_a, "==", 1), self.test(k, "<=", DEPTH))
        small = self.any(self.test(m, "<", 64), self.all(local, self.test(self.mul(n, k), "<", 8192)))
        small = self.any(self.test(m, "<", HEIGHTS[0]), self.all(small, self.no(ragged)))
        direct = self.any(self.all(upright, small), self.test(self.least(m, k), "<", 1))
        along = self.all(self.test(m, "<", 8), self.test(col_a, "==", 1), self.no(upright))
        far = self.all(self.test(row_a, "==", 1), self.test(col_a, "!=", 1), self.test(n, ">", 4 * PANEL))
        one, kept = known(m, n, k) and 0 < m * n * k <= 8192, self.number(adds)
        thin = self.all(one and k == 1 and n <= WIDE * LANES, upright)
        left, right, options = [k, alpha, a, row_a, col_a], [b, row_b, kept, c, row_c], {"upright": upright, "far": far}
        self.first(
            (self.all(one and m == 1, upright), lambda: self.row(n, k, alpha, a, col_a, b, row_b, adds, c)),
            (self.all(one and m == 1, along), lambda: self.dots(1, k, alpha, a, row_a, b, col_b, adds, c, row_c, n)),
            (thin, lambda: self.outer(m, n, alpha, a, row_a, b, adds, c, row_c)),
            (direct, lambda: self.do(Tiles.straight, m, *left, *right, n=n)),
            (along, lambda: self.do(Tiles.dots, m, *left[:-1], b, col_b, kept, c, row_c, n=n)),
            (True, lambda: self.do(Tiles.panels, m, *left, b, row_b, col_b, kept, c, row_c, n=n, **options)),
        )


@intrinsic
def gemm(typing, m, n, k, alpha, a, at_a, row_a, col_a, b, at_b, row_b, col_b, beta, c, at_c, row_c, col_c):
    """C[m,n] = alpha*A[m,k]@B[k,n] + beta*C, each matrix an array, an offset and the strides of rows and columns."""
    count = types.intp
    places = [(x, count, count, count) for x in (a, b, c)]
    signature = types.void(count, count, count, NUMBER, *places[0], *places[1], NUMBER, *places[2])

    def codegen(context, builder, sig, args):
        starts = {i: context.make_array(sig.args[i])(context, builder, args[i]).data for i in (4, 8, 13)}
        code = Tiles(builder.block)
        code.position_at_end(builder.block)
        alpha, args = args[3], [x.constant if isinstance(x, ir.Constant) else x for x in args]
        for i, start in starts.items():
            args[i] = code.at(start, (args[i + 1], 1))
        m, n, k, _, *others = (args[i] for i in range(17) if i not in (5, 9, 14))
        code.product(m, n, k, alpha, *others)
        builder.position_at_end(code.block)
        return context.get_dummy_value()

    return signature, codegen


@njit(**PART)
def part_1(n, ws, o1_):
    apart()
    for i1_ in range(n):
        for i2_ in range(5):
            i3_ = o1_ + i1_ * 80 + i2_ * 16
            for i4_ in range(unseen(16)):
                i5_ = sigmoid(-ws[i3_ + i4_])
                ws[i3_ + i4_] = i5_


@njit(**PART)
def part_2(grad, n, ws, o1_, o2_):
    apart()
    for i1_ in range(n):
        for i2_ in range(5):
            i3_ = o1_ + i1_ * 80 + i2_ * 16
            for i4_ in range(16):
                grad[o2_ + i4_] += ws[i3_ + i4_]
                i5_ = zero if i2_ <= 0 else ws[i3_ + i4_]
                ws[i3_ + i4_] = i5_


@njit(**KERNEL)
def forward_kernel(
    x, lstm_Wi, lstm_bi, lstm_Ui, lstm_Wf, lstm_bf, lstm_Uf, lstm_Wg, lstm_bg, lstm_Ug, lstm_Wo, lstm_bo, lstm_Uo,
    dense_W, dense_b, p, scalars, ws, near, wi, N
):
    apart()

    # s[n,t,k] = sum_d x[n,t,d]*lstm_Wf[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wf, 0, 16, 1, zero, ws, 0, 16, 1)

    # s_2[n,t,k] = sum_d x[n,t,d]*lstm_Wg[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wg, 0, 16, 1, zero, ws, 80 * N, 16, 1)

    # s_3[n,t,k] = sum_d x[n,t,d]*lstm_Wi[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wi, 0, 16, 1, zero, ws, 160 * N, 16, 1)

    # s_4[n,t,k] = sum_d x[n,t,d]*lstm_Wo[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wo, 0, 16, 1, zero, ws, 240 * N, 16, 1)

    # s_5[n,time,i_0] = [time > 0]*lstm_h[n,time-1,i_0]
    # s_6[n,time,k] = sum_h s_5[n,time,h]*lstm_Ui[h,k]
    # lstm_ai[n_2,time,k] = s_3[n_2,time,k] + [time > 0]*s_6[n_2,time,k] + lstm_bi[k]
    # lstm_i[n_2,time,k] = sigmoid(lstm_ai[n_2,time,k])
    # s_7[n,time,k] = sum_h s_5[n,time,h]*lstm_Uf[h,k]
    # lstm_af[n_3,time,k_2] = s[n_3,time,k_2] + [time > 0]*s_7[n_3,time,k_2] + lstm_bf[k_2]
    # lstm_f[n_3,time,k_2] = sigmoid(lstm_af[n_3,time,k_2])
    # s_8[n,time,k] = sum_h s_5[n,time,h]*lstm_Ug[h,k]
    # lstm_ag[n_4,time,k_3] = s_2[n_4,time,k_3] + [time > 0]*s_8[n_4,time,k_3] + lstm_bg[k_3]
    # lstm_g[n_4,time,k_3] = tanh(lstm_ag[n_4,time,k_3])
    # lstm_c[n_4,time,k_3] = lstm_g[n_4,time,k_3]*lstm_i[n_4,time,k_3]
    #       + [time > 0]*lstm_c[n_4,time-1,k_3]*lstm_f[n_4,time,k_3]
    # s_9[n,time,k] = sum_h s_5[n,time,h]*lstm_Uo[h,k]
    # lstm_ao[n_5,time,k_4] = s_4[n_5,time,k_4] + [time > 0]*s_9[n_5,time,k_4] + lstm_bo[k_4]
    # lstm_o[n_5,time,k_4] = sigmoid(lstm_ao[n_5,time,k_4])
    # lstm_h[n_5,time,k_4] = lstm_o[n_5,time,k_4]*tanh(lstm_c[n_5,time,k_4])
    for time in range(5):
        for n in range(N):
            at_s = 320 * N + n * 80 + time * 16
            at_lstm_h = n * 80 + (time - 1) * 16
            for i_0 in range(unseen(16)):
                s_10 = zero if time <= 0 else ws[at_lstm_h + i_0]
                ws[at_s + i_0] = s_10
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Ui, 0, 16, 1, zero, ws, 400 * N + time * 16, 80, 1)
        for n_2 in range(N):
            at_s_2 = 400 * N + n_2 * 80 + time * 16
            at_s_3 = 160 * N + n_2 * 80 + time * 16
            at_lstm_i = 480 * N + n_2 * 16
            for k in range(unseen(16)):
                lstm_ai = (zero if time <= 0 else ws[at_s_2 + k]) + lstm_bi[k] + ws[at_s_3 + k]
                lstm_i_2 = sigmoid(lstm_ai)
                ws[at_lstm_i + k] = lstm_i_2
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Uf, 0, 16, 1, zero, ws, 496 * N + time * 16, 80, 1)
        for n_3 in range(N):
            at_s_4 = 496 * N + n_3 * 80 + time * 16
            at_s_5 = n_3 * 80 + time * 16
            at_lstm_f = 576 * N + n_3 * 16
            for k_2 in range(unseen(16)):
                lstm_af = (zero if time <= 0 else ws[at_s_4 + k_2]) + lstm_bf[k_2] + ws[at_s_5 + k_2]
                lstm_f_2 = sigmoid(lstm_af)
                ws[at_lstm_f + k_2] = lstm_f_2
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Ug, 0, 16, 1, zero, ws, 592 * N + time * 16, 80, 1)
        for n_4 in range(N):
            at_s_6 = 592 * N + n_4 * 80 + time * 16
            at_s_7 = 80 * N + n_4 * 80 + time * 16
            at_lstm_c = 496 * N + n_4 * 80 + time * 16
            at_lstm_c_2 = 496 * N + n_4 * 80 + (time - 1) * 16
            at_lstm_f_2 = 576 * N + n_4 * 16
            at_lstm_i_2 = 480 * N + n_4 * 16
            for k_3 in range(unseen(16)):
                lstm_ag = (zero if time <= 0 else ws[at_s_6 + k_3]) + lstm_bg[k_3] + ws[at_s_7 + k_3]
                lstm_g = tanh(lstm_ag)
                lstm_c_2 = (
                    (zero if time <= 0 else ws[at_lstm_c_2 + k_3] * ws[at_lstm_f_2 + k_3])
                    + lstm_g * ws[at_lstm_i_2 + k_3]
                )
                ws[at_lstm_c + k_3] = lstm_c_2
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Uo, 0, 16, 1, zero, ws, 672 * N + time * 16, 80, 1)
        for n_5 in range(N):
            at_s_8 = 672 * N + n_5 * 80 + time * 16
            at_s_9 = 240 * N + n_5 * 80 + time * 16
            at_lstm_h_2 = n_5 * 80 + time * 16
            at_lstm_c_3 = 496 * N + n_5 * 80 + time * 16
            for k_4 in range(unseen(16)):
                lstm_ao = (zero if time <= 0 else ws[at_s_8 + k_4]) + lstm_bo[k_4] + ws[at_s_9 + k_4]
                lstm_o = sigmoid(lstm_ao)
                lstm_h_2 = lstm_o * tanh(ws[at_lstm_c_3 + k_4])
                ws[at_lstm_h_2 + k_4] = lstm_h_2

    # lstm_last[n,k] = lstm_h[n,T-1,k]
    for n in range(N):
        at_lstm_last = 480 * N + n * 16
        at_lstm_h_3 = n * 80 + (5 - 1) * 16
        for k in range(unseen(16)):
            lstm_last_2 = ws[at_lstm_h_3 + k]
            ws[at_lstm_last + k] = lstm_last_2

    # s_11[n,i] = sum_h lstm_last[n,h]*dense_W[h,i]
    gemm(N, 4, 16, one, ws, 480 * N, 16, 1, dense_W, 0, 4, 1, zero, ws, 752 * N, 4, 1)

    # dense_z[n,i] = s_11[n,i] + dense_b[i]
    # m[n] = max_k dense_z[n,k]
    # e[n,k] = exp(dense_z[n,k] - m[n])
    # total_2[n] = sum_k e[n,k]
    # inverse[n] = 1/total_2[n]
    # p[n,i_2] = inverse[n]*e[n,i_2]
    for n in range(N):
        m = real(-np.inf)
        at_s_10 = 752 * N + n * 4
        for i in range(4):
            dense_z_2 = dense_b[i] + ws[at_s_10 + i]
            near[i] = dense_z_2
            m = maximum(m, dense_z_2)
        total_2 = zero
        for k in range(4):
            e_2 = exp(difference(near[k], m))
            near[k] = e_2
            total_2 += e_2
        inverse = one / total_2
        at_p = n * 4
        for i_2 in range(4):
            p_2 = near[i_2] * inverse
            p[at_p + i_2] = p_2


@njit(**KERNEL)
def gradient_kernel(
    x, y, lstm_Wi, lstm_bi, lstm_Ui, lstm_Wf, lstm_bf, lstm_Uf, lstm_Wg, lstm_bg, lstm_Ug, lstm_Wo, lstm_bo, lstm_Uo,
    dense_W, dense_b, lstm_Wi_bar, lstm_bi_bar, lstm_Ui_bar, lstm_Wf_bar, lstm_bf_bar, lstm_Uf_bar, lstm_Wg_bar,
    lstm_bg_bar, lstm_Ug_bar, lstm_Wo_bar, lstm_bo_bar, lstm_Uo_bar, dense_W_bar, dense_b_bar, scalars, ws, near, wi, N
):
    apart()

    # s[n,t,k] = sum_d x[n,t,d]*lstm_Wo[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wo, 0, 16, 1, zero, ws, 0, 16, 1)

    # s_2[n,t,k] = sum_d x[n,t,d]*lstm_Wf[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wf, 0, 16, 1, zero, ws, 80 * N, 16, 1)

    # s_3[n,t,k] = sum_d x[n,t,d]*lstm_Wg[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wg, 0, 16, 1, zero, ws, 160 * N, 16, 1)

    # s_4[n,t,k] = sum_d x[n,t,d]*lstm_Wi[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, lstm_Wi, 0, 16, 1, zero, ws, 240 * N, 16, 1)

    # s_5[n,time,i_0] = [time > 0]*lstm_h[n,time-1,i_0]
    # s_6[n,time,k] = sum_h s_5[n,time,h]*lstm_Uo[h,k]
    # lstm_ao[n_2,time,k] = s[n_2,time,k] + [time > 0]*s_6[n_2,time,k] + lstm_bo[k]
    # lstm_o[n_2,time,k] = sigmoid(lstm_ao[n_2,time,k])
    # s_7[n,time,k] = sum_h s_5[n,time,h]*lstm_Ui[h,k]
    # lstm_ai[n_3,time,k_2] = s_4[n_3,time,k_2] + [time > 0]*s_7[n_3,time,k_2] + lstm_bi[k_2]
    # lstm_i[n_3,time,k_2] = sigmoid(lstm_ai[n_3,time,k_2])
    # s_8[n,time,k] = sum_h s_5[n,time,h]*lstm_Uf[h,k]
    # lstm_af[n_4,time,k_3] = s_2[n_4,time,k_3] + [time > 0]*s_8[n_4,time,k_3] + lstm_bf[k_3]
    # lstm_f[n_4,time,k_3] = sigmoid(lstm_af[n_4,time,k_3])
    # s_9[n,time,k] = sum_h s_5[n,time,h]*lstm_Ug[h,k]
    # lstm_ag[n_5,time,k_4] = s_3[n_5,time,k_4] + [time > 0]*s_9[n_5,time,k_4] + lstm_bg[k_4]
    # lstm_g[n_5,time,k_4] = tanh(lstm_ag[n_5,time,k_4])
    # lstm_c[n_5,time,k_4] = lstm_g[n_5,time,k_4]*lstm_i[n_5,time,k_4]
    #       + [time > 0]*lstm_c[n_5,time-1,k_4]*lstm_f[n_5,time,k_4]
    # s_10[n_5,time,k_4] = tanh(lstm_c[n_5,time,k_4])
    # lstm_h[n_5,time,k_4] = lstm_o[n_5,time,k_4]*s_10[n_5,time,k_4]
    for time in range(5):
        for n in range(N):
            at_s = 320 * N + n * 80 + time * 16
            at_lstm_h = 880 * N + n * 80 + (time - 1) * 16
            for i_0 in range(unseen(16)):
                s_11 = zero if time <= 0 else ws[at_lstm_h + i_0]
                ws[at_s + i_0] = s_11
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Uo, 0, 16, 1, zero, ws, 400 * N + time * 16, 80, 1)
        for n_2 in range(N):
            at_lstm_ao = 400 * N + n_2 * 80 + time * 16
            at_s_2 = n_2 * 80 + time * 16
            for k in range(unseen(16)):
                lstm_ao_2 = (zero if time <= 0 else ws[at_lstm_ao + k]) + lstm_bo[k] + ws[at_s_2 + k]
                ws[at_lstm_ao + k] = lstm_ao_2
                lstm_o_2 = sigmoid(lstm_ao_2)
                ws[at_s_2 + k] = lstm_o_2
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Ui, 0, 16, 1, zero, ws, 480 * N + time * 16, 80, 1)
        for n_3 in range(N):
            at_lstm_ai = 480 * N + n_3 * 80 + time * 16
            at_s_3 = 240 * N + n_3 * 80 + time * 16
            for k_2 in range(unseen(16)):
                lstm_ai_2 = (zero if time <= 0 else ws[at_lstm_ai + k_2]) + lstm_bi[k_2] + ws[at_s_3 + k_2]
                ws[at_lstm_ai + k_2] = lstm_ai_2
                lstm_i_2 = sigmoid(lstm_ai_2)
                ws[at_s_3 + k_2] = lstm_i_2
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Uf, 0, 16, 1, zero, ws, 560 * N + time * 16, 80, 1)
        for n_4 in range(N):
            at_lstm_af = 560 * N + n_4 * 80 + time * 16
            at_s_4 = 80 * N + n_4 * 80 + time * 16
            for k_3 in range(unseen(16)):
                lstm_af_2 = (zero if time <= 0 else ws[at_lstm_af + k_3]) + lstm_bf[k_3] + ws[at_s_4 + k_3]
                ws[at_lstm_af + k_3] = lstm_af_2
                lstm_f_2 = sigmoid(lstm_af_2)
                ws[at_s_4 + k_3] = lstm_f_2
        gemm(N, 16, 16, one, ws, 320 * N + time * 16, 80, 1, lstm_Ug, 0, 16, 1, zero, ws, 640 * N + time * 16, 80, 1)
        for n_5 in range(N):
            at_lstm_ag = 640 * N + n_5 * 80 + time * 16
            at_s_5 = 160 * N + n_5 * 80 + time * 16
            at_lstm_c = 720 * N + n_5 * 80 + time * 16
            at_lstm_c_2 = 720 * N + n_5 * 80 + (time - 1) * 16
            at_lstm_f = 80 * N + n_5 * 80 + time * 16
            at_lstm_i = 240 * N + n_5 * 80 + time * 16
            at_s_6 = 800 * N + n_5 * 80 + time * 16
            at_lstm_h_2 = 880 * N + n_5 * 80 + time * 16
            at_lstm_o = n_5 * 80 + time * 16
            for k_4 in range(unseen(16)):
                lstm_ag_2 = (zero if time <= 0 else ws[at_lstm_ag + k_4]) + lstm_bg[k_4] + ws[at_s_5 + k_4]
                ws[at_lstm_ag + k_4] = lstm_ag_2
                lstm_g_2 = tanh(lstm_ag_2)
                ws[at_s_5 + k_4] = lstm_g_2
                lstm_c_2 = (
                    (zero if time <= 0 else ws[at_lstm_c_2 + k_4] * ws[at_lstm_f + k_4])
                    + lstm_g_2 * ws[at_lstm_i + k_4]
                )
                ws[at_lstm_c + k_4] = lstm_c_2
                s_12 = tanh(lstm_c_2)
                ws[at_s_6 + k_4] = s_12
                lstm_h_2 = ws[at_lstm_o + k_4] * s_12
                ws[at_lstm_h_2 + k_4] = lstm_h_2

    # lstm_last[n,k] = lstm_h[n,T-1,k]
    for n in range(N):
        at_lstm_last = 960 * N + n * 16
        at_lstm_h_3 = 880 * N + n * 80 + (5 - 1) * 16
        for k in range(unseen(16)):
            lstm_last_2 = ws[at_lstm_h_3 + k]
            ws[at_lstm_last + k] = lstm_last_2

    # s_13[n,i] = sum_h lstm_last[n,h]*dense_W[h,i]
    gemm(N, 4, 16, one, ws, 960 * N, 16, 1, dense_W, 0, 4, 1, zero, ws, 976 * N, 4, 1)
    s_14 = 0.0
    for k in range(4):
        near[32 + k] = zero

    # dense_z[n,i] = s_13[n,i] + dense_b[i]
    # m[n] = max_k dense_z[n,k]
    # e[n,k] = exp(dense_z[n,k] - m[n])
    # s_15[n] = sum_k [e[n,k] < 1]*e[n,k]
    # s_16[n] = sum_k [e[n,k] >= 1]
    # rest[n] = s_15[n] + s_16[n] - 1
    # s_14 = sum_n (dense_z[n,y[n]] - m[n] - log1p(rest[n]))
    # inverse[n] = 1/(1 + rest[n])
    # missing[n] = inverse[n]*rest[n]
    # p[n,i_2] = inverse[n]*e[n,i_2]
    # r[n,i_2] = [i_2 != y[n]]*p[n,i_2]
    #       - delta(y[n],i_2)*([p[n,i_2] > 1/2]*missing[n] + [p[n,i_2] <= 1/2]*(1 - p[n,i_2]))
    # s_17[i_2] = sum_n r[n,i_2]
    for n in range(N):
        m = real(-np.inf)
        at_s_7 = 976 * N + n * 4
        for i in range(4):
            dense_z_2 = dense_b[i] + ws[at_s_7 + i]
            near[i] = dense_z_2
            m = maximum(m, dense_z_2)
        s_15 = zero
        s_16 = zero
        for k in range(4):
            e_2 = exp(difference(near[k], m))
            near[16 + k] = e_2
            s_15 += zero if e_2 >= one else e_2
            s_16 += zero if e_2 < one else one
        rest = difference(difference(s_16, one), -s_15)
        s_14 += difference(difference(near[y[n]], m), log1p(rest))
        inverse = one / (rest + one)
        missing = inverse * rest
        at_r = 976 * N + n * 4
        for i_2 in range(4):
            p = near[16 + i_2] * inverse
            r_2 = p if i_2 != y[n] else (-missing if p > half else -difference(one, p))
            ws[at_r + i_2] = r_2
            near[32 + i_2] += r_2

    # L = -s_14/N
    L = -s_14 / float(N)

    # c[n,t,k] = sigmoid(-lstm_ai[n,t,k])
    for n in range(N):
        for t in range(5):
            at_c = 480 * N + n * 80 + t * 16
            for k in range(unseen(16)):
                c_2 = sigmoid(-ws[at_c + k])
                ws[at_c + k] = c_2

    # c_3[n,t,k] = sigmoid(-lstm_af[n,t,k])
    for n in range(N):
        for t in range(5):
            at_c_2 = 560 * N + n * 80 + t * 16
            for k in range(unseen(16)):
                c_4 = sigmoid(-ws[at_c_2 + k])
                ws[at_c_2 + k] = c_4

    # c_5[n,t,k] = sech2(lstm_ag[n,t,k])
    for n in range(N):
        for t in range(5):
            at_c_3 = 640 * N + n * 80 + t * 16
            for k in range(unseen(16)):
                c_6 = sech2(ws[at_c_3 + k])
                ws[at_c_3 + k] = c_6

    # c_7[n,t,k] = sigmoid(-lstm_ao[n,t,k])
    for n in range(N):
        for t in range(5):
            at_c_4 = 400 * N + n * 80 + t * 16
            for k in range(unseen(16)):
                c_8 = sigmoid(-ws[at_c_4 + k])
                ws[at_c_4 + k] = c_8

    # s_18[n,k] = sum_j r[n,j]*dense_W[k,j]
    gemm(N, 16, 4, one, ws, 976 * N, 4, 1, dense_W, 0, 1, 4, zero, ws, 980 * N, 16, 1)

    # s_19[n,time,i_0] = [time + 1 < T]*lstm_af_bar[n,time+1,i_0]
    # s_20[n,time,k] = sum_h s_19[n,time,h]*lstm_Uf[k,h]
    # s_21[n_2,time,i_0_2] = [time + 1 < T]*lstm_ag_bar[n_2,time+1,i_0_2]
    # s_22[n,time,k] = sum_h s_21[n,time,h]*lstm_Ug[k,h]
    # s_23[n_3,time,i_0_3] = [time + 1 < T]*lstm_ai_bar[n_3,time+1,i_0_3]
    # s_24[n,time,k] = sum_h s_23[n,time,h]*lstm_Ui[k,h]
    # s_25[n_4,time,i_0_4] = [time + 1 < T]*lstm_ao_bar[n_4,time+1,i_0_4]
    # s_26[n,time,k] = sum_h s_25[n,time,h]*lstm_Uo[k,h]
    # lstm_h_bar[n_5,time,k] = [time = T - 1]*s_18[n_5,k]/N
    #       + [time + 1 < T]*(s_20[n_5,time,k] + s_22[n_5,time,k] + s_24[n_5,time,k] + s_26[n_5,time,k])
    # lstm_c_bar[n_5,time,k] = [time + 1 < T]*lstm_c_bar[n_5,time+1,k]*lstm_f[n_5,time+1,k]
    #       + lstm_h_bar[n_5,time,k]*lstm_o[n_5,time,k]*sech2(lstm_c[n_5,time,k])
    # lstm_ai_bar[n_5,time,k] = c[n_5,time,k]*lstm_c_bar[n_5,time,k]*lstm_g[n_5,time,k]*lstm_i[n_5,time,k]
    # lstm_af_bar[n_5,time,k] = [time
    #       > 0]*c_3[n_5,time,k]*lstm_c[n_5,time-1,k]*lstm_c_bar[n_5,time,k]*lstm_f[n_5,time,k]
    # lstm_ag_bar[n_5,time,k] = c_5[n_5,time,k]*lstm_c_bar[n_5,time,k]*lstm_i[n_5,time,k]
    # lstm_ao_bar[n_5,time,k] = c_7[n_5,time,k]*lstm_h_bar[n_5,time,k]*lstm_o[n_5,time,k]*s_10[n_5,time,k]
    for time in range(5 - 1, -1, -1):
        for n in range(N):
            at_s_8 = 880 * N + n * 80 + time * 16
            at_lstm_af_bar = 1156 * N + n * 80 + (time + 1) * 16
            for i_0 in range(unseen(16)):
                s_27 = zero if time + 1 >= 5 else ws[at_lstm_af_bar + i_0]
                ws[at_s_8 + i_0] = s_27
        gemm(N, 16, 16, one, ws, 880 * N + time * 16, 80, 1, lstm_Uf, 0, 1, 16, zero, ws, 996 * N + time * 16, 80, 1)
        for n_2 in range(N):
            at_s_9 = 1076 * N + n_2 * 80 + time * 16
            at_lstm_ag_bar = 240 * N + n_2 * 80 + (time + 1) * 16
            for i_0_2 in range(unseen(16)):
                s_28 = zero if time + 1 >= 5 else ws[at_lstm_ag_bar + i_0_2]
                ws[at_s_9 + i_0_2] = s_28
        gemm(N, 16, 16, one, ws, 1076 * N + time * 16, 80, 1, lstm_Ug, 0, 1, 16, zero, ws, 1156 * N + time * 16, 80, 1)
        for n_3 in range(N):
            at_s_10 = 1236 * N + n_3 * 80 + time * 16
            at_lstm_ai_bar = 160 * N + n_3 * 80 + (time + 1) * 16
            for i_0_3 in range(unseen(16)):
                s_29 = zero if time + 1 >= 5 else ws[at_lstm_ai_bar + i_0_3]
                ws[at_s_10 + i_0_3] = s_29
        gemm(N, 16, 16, one, ws, 1236 * N + time * 16, 80, 1, lstm_Ui, 0, 1, 16, zero, ws, 1316 * N + time * 16, 80, 1)
        for n_4 in range(N):
            at_s_11 = 1396 * N + n_4 * 80 + time * 16
            at_lstm_ao_bar = n_4 * 80 + (time + 1) * 16
            for i_0_4 in range(unseen(16)):
                s_30 = zero if time + 1 >= 5 else ws[at_lstm_ao_bar + i_0_4]
                ws[at_s_11 + i_0_4] = s_30
        gemm(N, 16, 16, one, ws, 1396 * N + time * 16, 80, 1, lstm_Uo, 0, 1, 16, zero, ws, 1476 * N + time * 16, 80, 1)
        for n_5 in range(N):
            at_s_12 = 996 * N + n_5 * 80 + time * 16
            at_s_13 = 1156 * N + n_5 * 80 + time * 16
            at_s_14 = 1316 * N + n_5 * 80 + time * 16
            at_s_15 = 1476 * N + n_5 * 80 + time * 16
            at_s_16 = 980 * N + n_5 * 16
            at_lstm_c_bar = 996 * N + n_5 * 80 + (time + 1) * 16
            at_lstm_f_2 = 80 * N + n_5 * 80 + (time + 1) * 16
            at_lstm_o_2 = n_5 * 80 + time * 16
            at_lstm_c_3 = 720 * N + n_5 * 80 + time * 16
            at_lstm_ai_bar_2 = 160 * N + n_5 * 80 + time * 16
            at_c_5 = 480 * N + n_5 * 80 + time * 16
            at_lstm_i_2 = 240 * N + n_5 * 80 + time * 16
            at_c_6 = 560 * N + n_5 * 80 + time * 16
            at_lstm_c_4 = 720 * N + n_5 * 80 + (time - 1) * 16
            at_lstm_f_3 = 80 * N + n_5 * 80 + time * 16
            at_c_7 = 640 * N + n_5 * 80 + time * 16
            at_c_8 = 400 * N + n_5 * 80 + time * 16
            at_s_17 = 800 * N + n_5 * 80 + time * 16
            for k in range(unseen(16)):
                lstm_h_bar = (
                    (zero if time + 1 >= 5 else ws[at_s_12 + k] + ws[at_s_13 + k] + ws[at_s_14 + k] + ws[at_s_15 + k])
                    + (zero if time != 5 - 1 else ws[at_s_16 + k] / real(N))
                )
                lstm_c_bar_2 = (
                    (zero if time + 1 >= 5 else ws[at_lstm_c_bar + k] * ws[at_lstm_f_2 + k])
                    + lstm_h_bar * ws[at_lstm_o_2 + k] * sech2(ws[at_lstm_c_3 + k])
                )
                ws[at_s_12 + k] = lstm_c_bar_2
                lstm_ai_bar_2 = ws[at_c_5 + k] * lstm_c_bar_2 * ws[at_lstm_ai_bar_2 + k] * ws[at_lstm_i_2 + k]
                ws[at_lstm_ai_bar_2 + k] = lstm_ai_bar_2
                lstm_af_bar_2 = (
                    zero if time <= 0 else ws[at_c_6 + k] * ws[at_lstm_c_4 + k] * lstm_c_bar_2 * ws[at_lstm_f_3 + k]
                )
                ws[at_s_13 + k] = lstm_af_bar_2
                lstm_ag_bar_2 = ws[at_c_7 + k] * lstm_c_bar_2 * ws[at_lstm_i_2 + k]
                ws[at_lstm_i_2 + k] = lstm_ag_bar_2
                lstm_ao_bar_2 = ws[at_c_8 + k] * lstm_h_bar * ws[at_lstm_o_2 + k] * ws[at_s_17 + k]
                ws[at_lstm_o_2 + k] = lstm_ao_bar_2

    # lstm_Wi_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ai_bar[n,t,h]
    gemm(8, 16, 5 * N, one, x, 0, 1, 8, ws, 160 * N, 16, 1, zero, lstm_Wi_bar, 0, 16, 1)
    for h in range(16):
        lstm_bi_bar[h] = zero

    # lstm_bi_bar[h] = sum_{n,t} lstm_ai_bar[n,t,h]
    # s_31[i_0,i_1,h] = [i_1 > 0]*lstm_ai_bar[i_0,i_1,h]
    for i_0 in range(N):
        for i_1 in range(5):
            at_lstm_ai_bar_3 = 160 * N + i_0 * 80 + i_1 * 16
            for h in range(16):
                lstm_bi_bar[h] += ws[at_lstm_ai_bar_3 + h]
                s_32 = zero if i_1 <= 0 else ws[at_lstm_ai_bar_3 + h]
                ws[at_lstm_ai_bar_3 + h] = s_32

    # lstm_Ui_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_31[n,t,i]
    gemm(16, 16, 5 * N, one, ws, 320 * N, 1, 16, ws, 160 * N, 16, 1, zero, lstm_Ui_bar, 0, 16, 1)

    # lstm_Wf_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_af_bar[n,t,h]
    gemm(8, 16, 5 * N, one, x, 0, 1, 8, ws, 1156 * N, 16, 1, zero, lstm_Wf_bar, 0, 16, 1)
    for h in range(16):
        lstm_bf_bar[h] = zero

    # lstm_bf_bar[h] = sum_{n,t} lstm_af_bar[n,t,h]
    # s_33[i_0,i_1,h] = [i_1 > 0]*lstm_af_bar[i_0,i_1,h]
    for i_0 in range(N):
        for i_1 in range(5):
            at_lstm_af_bar_2 = 1156 * N + i_0 * 80 + i_1 * 16
            for h in range(16):
                lstm_bf_bar[h] += ws[at_lstm_af_bar_2 + h]
                s_34 = zero if i_1 <= 0 else ws[at_lstm_af_bar_2 + h]
                ws[at_lstm_af_bar_2 + h] = s_34

    # lstm_Uf_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_33[n,t,i]
    gemm(16, 16, 5 * N, one, ws, 320 * N, 1, 16, ws, 1156 * N, 16, 1, zero, lstm_Uf_bar, 0, 16, 1)

    # lstm_Wg_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ag_bar[n,t,h]
    gemm(8, 16, 5 * N, one, x, 0, 1, 8, ws, 240 * N, 16, 1, zero, lstm_Wg_bar, 0, 16, 1)
    for h in range(16):
        lstm_bg_bar[h] = zero

    # lstm_bg_bar[h] = sum_{n,t} lstm_ag_bar[n,t,h]
    # s_35[i_0,i_1,h] = [i_1 > 0]*lstm_ag_bar[i_0,i_1,h]
    for i_0 in range(N):
        for i_1 in range(5):
            at_lstm_ag_bar_2 = 240 * N + i_0 * 80 + i_1 * 16
            for h in range(16):
                lstm_bg_bar[h] += ws[at_lstm_ag_bar_2 + h]
                s_36 = zero if i_1 <= 0 else ws[at_lstm_ag_bar_2 + h]
                ws[at_lstm_ag_bar_2 + h] = s_36

    # lstm_Ug_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_35[n,t,i]
    gemm(16, 16, 5 * N, one, ws, 320 * N, 1, 16, ws, 240 * N, 16, 1, zero, lstm_Ug_bar, 0, 16, 1)

    # lstm_Wo_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ao_bar[n,t,h]
    gemm(8, 16, 5 * N, one, x, 0, 1, 8, ws, 0, 16, 1, zero, lstm_Wo_bar, 0, 16, 1)
    for h in range(16):
        lstm_bo_bar[h] = zero

    # lstm_bo_bar[h] = sum_{n,t} lstm_ao_bar[n,t,h]
    # s_37[i_0,i_1,h] = [i_1 > 0]*lstm_ao_bar[i_0,i_1,h]
    for i_0 in range(N):
        for i_1 in range(5):
            at_lstm_ao_bar_2 = i_0 * 80 + i_1 * 16
            for h in range(16):
                lstm_bo_bar[h] += ws[at_lstm_ao_bar_2 + h]
                s_38 = zero if i_1 <= 0 else ws[at_lstm_ao_bar_2 + h]
                ws[at_lstm_ao_bar_2 + h] = s_38

    # lstm_Uo_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_37[n,t,i]
    gemm(16, 16, 5 * N, one, ws, 320 * N, 1, 16, ws, 0, 16, 1, zero, lstm_Uo_bar, 0, 16, 1)

    # dense_W_bar[h,k] = (1/N)*sum_n lstm_last[n,h]*r[n,k]
    gemm(16, 4, N, real(1.0 / float(N)), ws, 960 * N, 1, 16, ws, 976 * N, 4, 1, zero, dense_W_bar, 0, 4, 1)

    # dense_b_bar[k] = s_17[k]/N
    for k in range(4):
        dense_b_bar_2 = near[32 + k] / real(N)
        dense_b_bar[k] = dense_b_bar_2
    scalars[0] = L


@njit(**KERNEL)
def train_steps(
    data1_x, data2_y, rows, theta, grad, state, memory, held, noise, ws, near, wi, sums, first, last, total, done, seed
):
    """Steps `first` to `last` of an epoch, each over 32 of the `total` rows; how many were done."""
    apart()
    for step in range(first, last):
        begin = step * 32
        n = 32 if begin + 32 <= total else total - begin
        t = float(done + step - first + 1)

        # row[n_2] = rows[n_2+begin]
        # x[n_2,i1,i2] = data1_x[row[n_2],i1,i2]
        # y[n_2] = data2_y[row[n_2]]
        for n_2 in range(n):
            row = rows[n_2 + begin]
            for i1 in range(5):
                at_x = n_2 * 40 + i1 * 8
                at_x_data = (row if row > 0 else 0) * 40 + i1 * 8
                for i2 in range(unseen(8)):
                    x_2 = data1_x[at_x_data + i2]
                    ws[at_x + i2] = x_2
            y_2 = data2_y[row]
            wi[n_2] = y_2

        # s[n,t,k] = sum_d x[n,t,d]*lstm_Wo[d,k]
        gemm(5 * n, 16, 8, one, ws, 0, 8, 1, theta, 1200, 16, 1, zero, ws, 1280, 16, 1)

        # s_2[n,t,k] = sum_d x[n,t,d]*lstm_Wf[d,k]
        gemm(5 * n, 16, 8, one, ws, 0, 8, 1, theta, 400, 16, 1, zero, ws, 3840, 16, 1)

        # s_3[n,t,k] = sum_d x[n,t,d]*lstm_Wg[d,k]
        gemm(5 * n, 16, 8, one, ws, 0, 8, 1, theta, 800, 16, 1, zero, ws, 6400, 16, 1)

        # s_4[n,t,k] = sum_d x[n,t,d]*lstm_Wi[d,k]
        gemm(5 * n, 16, 8, one, ws, 0, 8, 1, theta, 0, 16, 1, zero, ws, 8960, 16, 1)

        # s_5[n_2,time,i_0] = [time > 0]*lstm_h[n_2,time-1,i_0]
        # s_6[n,time,k] = sum_h s_5[n,time,h]*lstm_Uo[h,k]
        # lstm_ao[n_3,time,k] = s[n_3,time,k] + [time > 0]*s_6[n_3,time,k] + lstm_bo[k]
        # lstm_o[n_3,time,k] = sigmoid(lstm_ao[n_3,time,k])
        # s_7[n,time,k] = sum_h s_5[n,time,h]*lstm_Ui[h,k]
        # lstm_ai[n_4,time,k_2] = s_4[n_4,time,k_2] + [time > 0]*s_7[n_4,time,k_2] + lstm_bi[k_2]
        # lstm_i[n_4,time,k_2] = sigmoid(lstm_ai[n_4,time,k_2])
        # s_8[n,time,k] = sum_h s_5[n,time,h]*lstm_Uf[h,k]
        # lstm_af[n_5,time,k_3] = s_2[n_5,time,k_3] + [time > 0]*s_8[n_5,time,k_3] + lstm_bf[k_3]
        # lstm_f[n_5,time,k_3] = sigmoid(lstm_af[n_5,time,k_3])
        # s_9[n,time,k] = sum_h s_5[n,time,h]*lstm_Ug[h,k]
        # lstm_ag[n_6,time,k_4] = s_3[n_6,time,k_4] + [time > 0]*s_9[n_6,time,k_4] + lstm_bg[k_4]
        # lstm_g[n_6,time,k_4] = tanh(lstm_ag[n_6,time,k_4])
        # lstm_c[n_6,time,k_4] = lstm_g[n_6,time,k_4]*lstm_i[n_6,time,k_4]
        #       + [time > 0]*lstm_c[n_6,time-1,k_4]*lstm_f[n_6,time,k_4]
        # s_10[n_6,time,k_4] = tanh(lstm_c[n_6,time,k_4])
        # lstm_h[n_6,time,k_4] = lstm_o[n_6,time,k_4]*s_10[n_6,time,k_4]
        for time in range(5):
            for n_2 in range(n):
                at_s = 11520 + n_2 * 80 + time * 16
                at_lstm_h = 29440 + n_2 * 80 + (time - 1) * 16
                for i_0 in range(unseen(16)):
                    s_11 = zero if time <= 0 else ws[at_lstm_h + i_0]
                    ws[at_s + i_0] = s_11
            gemm(n, 16, 16, one, ws, 11520 + time * 16, 80, 1, theta, 1344, 16, 1, zero, ws, 14080 + time * 16, 80, 1)
            for n_3 in range(n):
                at_lstm_ao = 14080 + n_3 * 80 + time * 16
                at_s_2 = 1280 + n_3 * 80 + time * 16
                for k in range(unseen(16)):
                    lstm_ao_2 = (zero if time <= 0 else ws[at_lstm_ao + k]) + theta[1328 + k] + ws[at_s_2 + k]
                    ws[at_lstm_ao + k] = lstm_ao_2
                    lstm_o_2 = sigmoid(lstm_ao_2)
                    ws[at_s_2 + k] = lstm_o_2
            gemm(n, 16, 16, one, ws, 11520 + time * 16, 80, 1, theta, 144, 16, 1, zero, ws, 16640 + time * 16, 80, 1)
            for n_4 in range(n):
                at_lstm_ai = 16640 + n_4 * 80 + time * 16
                at_s_3 = 8960 + n_4 * 80 + time * 16
                for k_2 in range(unseen(16)):
                    lstm_ai_2 = (zero if time <= 0 else ws[at_lstm_ai + k_2]) + theta[128 + k_2] + ws[at_s_3 + k_2]
                    ws[at_lstm_ai + k_2] = lstm_ai_2
                    lstm_i_2 = sigmoid(lstm_ai_2)
                    ws[at_s_3 + k_2] = lstm_i_2
            gemm(n, 16, 16, one, ws, 11520 + time * 16, 80, 1, theta, 544, 16, 1, zero, ws, 19200 + time * 16, 80, 1)
            for n_5 in range(n):
                at_lstm_af = 19200 + n_5 * 80 + time * 16
                at_s_4 = 3840 + n_5 * 80 + time * 16
                for k_3 in range(unseen(16)):
                    lstm_af_2 = (zero if time <= 0 else ws[at_lstm_af + k_3]) + theta[528 + k_3] + ws[at_s_4 + k_3]
                    ws[at_lstm_af + k_3] = lstm_af_2
                    lstm_f_2 = sigmoid(lstm_af_2)
                    ws[at_s_4 + k_3] = lstm_f_2
            gemm(n, 16, 16, one, ws, 11520 + time * 16, 80, 1, theta, 944, 16, 1, zero, ws, 21760 + time * 16, 80, 1)
            for n_6 in range(n):
                at_lstm_ag = 21760 + n_6 * 80 + time * 16
                at_s_5 = 6400 + n_6 * 80 + time * 16
                at_lstm_c = 24320 + n_6 * 80 + time * 16
                at_lstm_c_2 = 24320 + n_6 * 80 + (time - 1) * 16
                at_lstm_f = 3840 + n_6 * 80 + time * 16
                at_lstm_i = 8960 + n_6 * 80 + time * 16
                at_s_6 = 26880 + n_6 * 80 + time * 16
                at_lstm_h_2 = 29440 + n_6 * 80 + time * 16
                at_lstm_o = 1280 + n_6 * 80 + time * 16
                for k_4 in range(unseen(16)):
                    lstm_ag_2 = (zero if time <= 0 else ws[at_lstm_ag + k_4]) + theta[928 + k_4] + ws[at_s_5 + k_4]
                    ws[at_lstm_ag + k_4] = lstm_ag_2
                    lstm_g_2 = tanh(lstm_ag_2)
                    ws[at_s_5 + k_4] = lstm_g_2
                    lstm_c_2 = (
                        (zero if time <= 0 else ws[at_lstm_c_2 + k_4] * ws[at_lstm_f + k_4])
                        + lstm_g_2 * ws[at_lstm_i + k_4]
                    )
                    ws[at_lstm_c + k_4] = lstm_c_2
                    s_12 = tanh(lstm_c_2)
                    ws[at_s_6 + k_4] = s_12
                    lstm_h_2 = ws[at_lstm_o + k_4] * s_12
                    ws[at_lstm_h_2 + k_4] = lstm_h_2

        # lstm_last[n_2,k] = lstm_h[n_2,T-1,k]
        for n_2 in range(n):
            at_lstm_last = 32000 + n_2 * 16
            at_lstm_h_3 = 29440 + n_2 * 80 + (5 - 1) * 16
            for k in range(unseen(16)):
                lstm_last_2 = ws[at_lstm_h_3 + k]
                ws[at_lstm_last + k] = lstm_last_2

        # s_13[n,i] = sum_h lstm_last[n,h]*dense_W[h,i]
        gemm(n, 4, 16, one, ws, 32000, 16, 1, theta, 1600, 4, 1, zero, ws, 29440, 4, 1)
        for n_2 in range(n):
            near[n_2] = real(-np.inf)

        # dense_z[n_2,i_2] = s_13[n_2,i_2] + dense_b[i_2]
        # m[n_2] = max_k dense_z[n_2,k]
        for i_2 in range(4):
            at_dense_z = 32512 + i_2 * n
            at_dense_b = 1664 + i_2
            at_s_7 = 29440 + i_2
            for n_2 in range(n):
                dense_z_2 = theta[at_dense_b] + ws[at_s_7 + n_2 * 4]
                ws[at_dense_z + n_2] = dense_z_2
                near[n_2] = maximum(near[n_2], dense_z_2)
        for n_2 in range(n):
            near[32 + n_2] = zero
        for n_2 in range(n):
            near[64 + n_2] = zero

        # e[n_2,k] = exp(dense_z[n_2,k] - m[n_2])
        # s_14[n_2] = sum_k [e[n_2,k] < 1]*e[n_2,k]
        # s_15[n_2] = sum_k [e[n_2,k] >= 1]
        for k in range(4):
            at_e = 29440 + k * n
            at_dense_z_2 = 32512 + k * n
            for n_2 in range(n):
                e_2 = exp(difference(ws[at_dense_z_2 + n_2], near[n_2]))
                ws[at_e + n_2] = e_2
                near[32 + n_2] += zero if e_2 >= one else e_2
                near[64 + n_2] += zero if e_2 < one else one
        s_16 = 0.0

        # rest[n_2] = s_14[n_2] + s_15[n_2] - 1
        # s_16 = sum_n (dense_z[n,y[n]] - m[n] - log1p(rest[n]))
        # inverse[n_2] = 1/(1 + rest[n_2])
        # missing[n_2] = inverse[n_2]*rest[n_2]
        for n_2 in range(n):
            rest = difference(difference(near[64 + n_2], one), -near[32 + n_2])
            s_16 += difference(
                difference(ws[32512 + (wi[n_2] if wi[n_2] > 0 else 0) * n + n_2], near[n_2]), log1p(rest)
            )
            inverse_2 = one / (rest + one)
            near[n_2] = inverse_2
            missing_2 = inverse_2 * rest
            near[32 + n_2] = missing_2

        # L = -s_16/N
        L = -s_16 / float(n)
        if not abs(L) < np.inf:
            return step - first

        # c[n_2,t_2,k] = sigmoid(-lstm_ai[n_2,t_2,k])
        part_1(n, ws, 16640)

        # c_3[n_2,t_2,k] = sigmoid(-lstm_af[n_2,t_2,k])
        part_1(n, ws, 19200)

        # c_5[n_2,t_2,k] = sech2(lstm_ag[n_2,t_2,k])
        for n_2 in range(n):
            for t_2 in range(5):
                at_c_3 = 21760 + n_2 * 80 + t_2 * 16
                for k in range(unseen(16)):
                    c_6 = sech2(ws[at_c_3 + k])
                    ws[at_c_3 + k] = c_6

        # c_7[n_2,t_2,k] = sigmoid(-lstm_ao[n_2,t_2,k])
        part_1(n, ws, 14080)

        # p[n_2,i_2] = inverse[n_2]*e[n_2,i_2]
        # r[n_2,i_2] = [i_2 != y[n_2]]*p[n_2,i_2]
        #       - delta(y[n_2],i_2)*([p[n_2,i_2] > 1/2]*missing[n_2] + [p[n_2,i_2] <= 1/2]*(1 - p[n_2,i_2]))
        for i_2 in range(4):
            at_e_2 = 29440 + i_2 * n
            at_r = 32512 + i_2
            for n_2 in range(n):
                p = ws[at_e_2 + n_2] * near[n_2]
                missing_3 = near[32 + n_2]
                r_2 = p if i_2 != wi[n_2] else (-missing_3 if p > half else -difference(one, p))
                ws[at_r + n_2 * 4] = r_2

        # s_17[n,k] = sum_j r[n,j]*dense_W[k,j]
        gemm(n, 16, 4, one, ws, 32512, 4, 1, theta, 1600, 1, 4, zero, ws, 29440, 16, 1)

        # s_18[n_2,time,i_0] = [time + 1 < T]*lstm_af_bar[n_2,time+1,i_0]
        # s_19[n,time,k] = sum_h s_18[n,time,h]*lstm_Uf[k,h]
        # s_20[n_3,time,i_0_2] = [time + 1 < T]*lstm_ag_bar[n_3,time+1,i_0_2]
        # s_21[n,time,k] = sum_h s_20[n,time,h]*lstm_Ug[k,h]
        # s_22[n_4,time,i_0_3] = [time + 1 < T]*lstm_ai_bar[n_4,time+1,i_0_3]
        # s_23[n,time,k] = sum_h s_22[n,time,h]*lstm_Ui[k,h]
        # s_24[n_5,time,i_0_4] = [time + 1 < T]*lstm_ao_bar[n_5,time+1,i_0_4]
        # s_25[n,time,k] = sum_h s_24[n,time,h]*lstm_Uo[k,h]
        # lstm_h_bar[n_6,time,k] = [time = T - 1]*s_17[n_6,k]/N
        #       + [time + 1 < T]*(s_19[n_6,time,k] + s_21[n_6,time,k] + s_23[n_6,time,k] + s_25[n_6,time,k])
        # lstm_c_bar[n_6,time,k] = [time + 1 < T]*lstm_c_bar[n_6,time+1,k]*lstm_f[n_6,time+1,k]
        #       + lstm_h_bar[n_6,time,k]*lstm_o[n_6,time,k]*sech2(lstm_c[n_6,time,k])
        # lstm_ai_bar[n_6,time,k] = c[n_6,time,k]*lstm_c_bar[n_6,time,k]*lstm_g[n_6,time,k]*lstm_i[n_6,time,k]
        # lstm_af_bar[n_6,time,k] = [time
        #       > 0]*c_3[n_6,time,k]*lstm_c[n_6,time-1,k]*lstm_c_bar[n_6,time,k]*lstm_f[n_6,time,k]
        # lstm_ag_bar[n_6,time,k] = c_5[n_6,time,k]*lstm_c_bar[n_6,time,k]*lstm_i[n_6,time,k]
        # lstm_ao_bar[n_6,time,k] = c_7[n_6,time,k]*lstm_h_bar[n_6,time,k]*lstm_o[n_6,time,k]*s_10[n_6,time,k]
        for time in range(5 - 1, -1, -1):
            for n_2 in range(n):
                at_s_8 = 32640 + n_2 * 80 + time * 16
                at_lstm_af_bar = 40320 + n_2 * 80 + (time + 1) * 16
                for i_0 in range(unseen(16)):
                    s_26 = zero if time + 1 >= 5 else ws[at_lstm_af_bar + i_0]
                    ws[at_s_8 + i_0] = s_26
            gemm(n, 16, 16, one, ws, 32640 + time * 16, 80, 1, theta, 544, 1, 16, zero, ws, 35200 + time * 16, 80, 1)
            for n_3 in range(n):
                at_s_9 = 37760 + n_3 * 80 + time * 16
                at_lstm_ag_bar = 8960 + n_3 * 80 + (time + 1) * 16
                for i_0_2 in range(unseen(16)):
                    s_27 = zero if time + 1 >= 5 else ws[at_lstm_ag_bar + i_0_2]
                    ws[at_s_9 + i_0_2] = s_27
            gemm(n, 16, 16, one, ws, 37760 + time * 16, 80, 1, theta, 944, 1, 16, zero, ws, 40320 + time * 16, 80, 1)
            for n_4 in range(n):
                at_s_10 = 42880 + n_4 * 80 + time * 16
                at_lstm_ai_bar = 6400 + n_4 * 80 + (time + 1) * 16
                for i_0_3 in range(unseen(16)):
                    s_28 = zero if time + 1 >= 5 else ws[at_lstm_ai_bar + i_0_3]
                    ws[at_s_10 + i_0_3] = s_28
            gemm(n, 16, 16, one, ws, 42880 + time * 16, 80, 1, theta, 144, 1, 16, zero, ws, 45440 + time * 16, 80, 1)
            for n_5 in range(n):
                at_s_11 = 48000 + n_5 * 80 + time * 16
                at_lstm_ao_bar = 1280 + n_5 * 80 + (time + 1) * 16
                for i_0_4 in range(unseen(16)):
                    s_29 = zero if time + 1 >= 5 else ws[at_lstm_ao_bar + i_0_4]
                    ws[at_s_11 + i_0_4] = s_29
            gemm(n, 16, 16, one, ws, 48000 + time * 16, 80, 1, theta, 1344, 1, 16, zero, ws, 50560 + time * 16, 80, 1)
            for n_6 in range(n):
                at_s_12 = 35200 + n_6 * 80 + time * 16
                at_s_13 = 40320 + n_6 * 80 + time * 16
                at_s_14 = 45440 + n_6 * 80 + time * 16
                at_s_15 = 50560 + n_6 * 80 + time * 16
                at_s_16 = 29440 + n_6 * 16
                at_lstm_c_bar = 35200 + n_6 * 80 + (time + 1) * 16
                at_lstm_f_2 = 3840 + n_6 * 80 + (time + 1) * 16
                at_lstm_o_2 = 1280 + n_6 * 80 + time * 16
                at_lstm_c_3 = 24320 + n_6 * 80 + time * 16
                at_lstm_ai_bar_2 = 6400 + n_6 * 80 + time * 16
                at_c_5 = 16640 + n_6 * 80 + time * 16
                at_lstm_i_2 = 8960 + n_6 * 80 + time * 16
                at_c_6 = 19200 + n_6 * 80 + time * 16
                at_lstm_c_4 = 24320 + n_6 * 80 + (time - 1) * 16
                at_lstm_f_3 = 3840 + n_6 * 80 + time * 16
                at_c_7 = 21760 + n_6 * 80 + time * 16
                at_c_8 = 14080 + n_6 * 80 + time * 16
                at_s_17 = 26880 + n_6 * 80 + time * 16
                for k in range(unseen(16)):
                    lstm_h_bar = (
                        (
                            zero if time + 1 >= 5
                            else ws[at_s_12 + k] + ws[at_s_13 + k] + ws[at_s_14 + k] + ws[at_s_15 + k]
                        )
                        + (zero if time != 5 - 1 else ws[at_s_16 + k] / real(n))
                    )
                    lstm_c_bar_2 = (
                        (zero if time + 1 >= 5 else ws[at_lstm_c_bar + k] * ws[at_lstm_f_2 + k])
                        + lstm_h_bar * ws[at_lstm_o_2 + k] * sech2(ws[at_lstm_c_3 + k])
                    )
                    ws[at_s_12 + k] = lstm_c_bar_2
                    lstm_ai_bar_2 = ws[at_c_5 + k] * lstm_c_bar_2 * ws[at_lstm_ai_bar_2 + k] * ws[at_lstm_i_2 + k]
                    ws[at_lstm_ai_bar_2 + k] = lstm_ai_bar_2
                    lstm_af_bar_2 = (
                        zero if time <= 0 else ws[at_c_6 + k] * ws[at_lstm_c_4 + k] * lstm_c_bar_2 * ws[at_lstm_f_3 + k]
                    )
                    ws[at_s_13 + k] = lstm_af_bar_2
                    lstm_ag_bar_2 = ws[at_c_7 + k] * lstm_c_bar_2 * ws[at_lstm_i_2 + k]
                    ws[at_lstm_i_2 + k] = lstm_ag_bar_2
                    lstm_ao_bar_2 = ws[at_c_8 + k] * lstm_h_bar * ws[at_lstm_o_2 + k] * ws[at_s_17 + k]
                    ws[at_lstm_o_2 + k] = lstm_ao_bar_2

        # lstm_Wi_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ai_bar[n,t,h]
        gemm(8, 16, 5 * n, one, ws, 0, 1, 8, ws, 6400, 16, 1, zero, grad, 0, 16, 1)
        for h in range(16):
            grad[128 + h] = zero

        # lstm_bi_bar[h] = sum_{n,t} lstm_ai_bar[n,t,h]
        # s_30[i_0,i_1,h] = [i_1 > 0]*lstm_ai_bar[i_0,i_1,h]
        part_2(grad, n, ws, 6400, 128)

        # lstm_Ui_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_30[n,t,i]
        gemm(16, 16, 5 * n, one, ws, 11520, 1, 16, ws, 6400, 16, 1, zero, grad, 144, 16, 1)

        # lstm_Wf_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_af_bar[n,t,h]
        gemm(8, 16, 5 * n, one, ws, 0, 1, 8, ws, 40320, 16, 1, zero, grad, 400, 16, 1)
        for h in range(16):
            grad[528 + h] = zero

        # lstm_bf_bar[h] = sum_{n,t} lstm_af_bar[n,t,h]
        # s_32[i_0,i_1,h] = [i_1 > 0]*lstm_af_bar[i_0,i_1,h]
        part_2(grad, n, ws, 40320, 528)

        # lstm_Uf_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_32[n,t,i]
        gemm(16, 16, 5 * n, one, ws, 11520, 1, 16, ws, 40320, 16, 1, zero, grad, 544, 16, 1)

        # lstm_Wg_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ag_bar[n,t,h]
        gemm(8, 16, 5 * n, one, ws, 0, 1, 8, ws, 8960, 16, 1, zero, grad, 800, 16, 1)
        for h in range(16):
            grad[928 + h] = zero

        # lstm_bg_bar[h] = sum_{n,t} lstm_ag_bar[n,t,h]
        # s_34[i_0,i_1,h] = [i_1 > 0]*lstm_ag_bar[i_0,i_1,h]
        part_2(grad, n, ws, 8960, 928)

        # lstm_Ug_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_34[n,t,i]
        gemm(16, 16, 5 * n, one, ws, 11520, 1, 16, ws, 8960, 16, 1, zero, grad, 944, 16, 1)

        # lstm_Wo_bar[d,h] = sum_{n,t} x[n,t,d]*lstm_ao_bar[n,t,h]
        gemm(8, 16, 5 * n, one, ws, 0, 1, 8, ws, 1280, 16, 1, zero, grad, 1200, 16, 1)
        for h in range(16):
            grad[1328 + h] = zero

        # lstm_bo_bar[h] = sum_{n,t} lstm_ao_bar[n,t,h]
        # s_36[i_0,i_1,h] = [i_1 > 0]*lstm_ao_bar[i_0,i_1,h]
        part_2(grad, n, ws, 1280, 1328)

        # lstm_Uo_bar[h,i] = sum_{n,t} s_5[n,t,h]*s_36[n,t,i]
        gemm(16, 16, 5 * n, one, ws, 11520, 1, 16, ws, 1280, 16, 1, zero, grad, 1344, 16, 1)

        # dense_W_bar[h,k] = (1/N)*sum_n lstm_last[n,h]*r[n,k]
        gemm(16, 4, n, real(1.0 / float(n)), ws, 32000, 1, 16, ws, 32512, 4, 1, zero, grad, 1600, 4, 1)
        for k in range(4):
            near[k] = zero

        # s_38[k] = sum_n r[n,k]
        for i_0 in range(n):
            at_r_2 = 32512 + i_0 * 4
            for k in range(4):
                near[k] += ws[at_r_2 + k]

        # dense_b_bar[k] = s_38[k]/N
        for k in range(4):
            dense_b_bar_2 = near[k] / real(n)
            grad[1664 + k] = dense_b_bar_2

        # m_next[i_2] = 0.9*m_2[i_2] + grad_2[i_2]/10
        # v_next[i_2] = 0.999*v[i_2] + 0.001*grad_2[i_2]**2
        for i_2 in range(1680):
            m_next_2 = real(0.9) * state[i_2] + real(0.1) * grad[i_2]
            state[i_2] = m_next_2
            v_next_2 = real(0.999) * state[1680 + i_2] + real(0.001) * (grad[i_2] * grad[i_2])
            state[1680 + i_2] = v_next_2

        # step_c = sqrt(1 - 0.999**t)
        step_c = math.sqrt(1.0 - 0.999 ** t)

        # step_eta = 0.001
        step_eta = 0.001

        # step_alpha = step_c*step_eta/(1 - 0.9**t)
        step_alpha = step_c * step_eta / (1.0 - 0.9 ** t)

        # step_eps_t = 1e-8*step_c
        step_eps_t = 1e-08 * step_c

        # theta_next[i_2] = theta_2[i_2] - step_alpha*m_next[i_2]/(sqrt(v_next[i_2]) + step_eps_t)
        for i_2 in range(1680):
            theta_next_2 = (
                theta[i_2] - state[i_2] * real(step_alpha) / (math.sqrt(state[1680 + i_2]) + real(step_eps_t))
            )
            theta[i_2] = theta_next_2

        sums[0] += L * n
        sums[1] += n
    return last - first


BATCH = 32
PARAMETERS = {  # name: offset in the vector, shape
    "lstm_Wi": (0, (8, 16)),
    "lstm_bi": (128, (16,)),
    "lstm_Ui": (144, (16, 16)),
    "lstm_Wf": (400, (8, 16)),
    "lstm_bf": (528, (16,)),
    "lstm_Uf": (544, (16, 16)),
    "lstm_Wg": (800, (8, 16)),
    "lstm_bg": (928, (16,)),
    "lstm_Ug": (944, (16, 16)),
    "lstm_Wo": (1200, (8, 16)),
    "lstm_bo": (1328, (16,)),
    "lstm_Uo": (1344, (16, 16)),
    "dense_W": (1600, (16, 4)),
    "dense_b": (1664, (4,)),
}
THETA = 1680


def given(name, value, shape, dtype=real):
    """The value as an array that kernels take; its shape must be this one."""
    array = np.asarray(value, dtype, order="C")
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, but has {array.shape}")
    return array


def labels(name, array, classes):
    """Labels outside their classes are refused: kernels read memory by them."""
    if array.size and not 0 <= array.min() <= array.max() < classes:
        raise ValueError(f"{name} must hold labels in 0..{classes - 1}, but holds {array.min()}..{array.max()}")


def forward(x, params):
    """p (N, K) of x (N, T, D), parameters by name."""
    N = np.shape(x)[0]
    x = given("x", x, (N, 5, 8))
    lstm_Wi = given("lstm_Wi", params["lstm_Wi"], (8, 16))
    lstm_bi = given("lstm_bi", params["lstm_bi"], (16,))
    lstm_Ui = given("lstm_Ui", params["lstm_Ui"], (16, 16))
    lstm_Wf = given("lstm_Wf", params["lstm_Wf"], (8, 16))
    lstm_bf = given("lstm_bf", params["lstm_bf"], (16,))
    lstm_Uf = given("lstm_Uf", params["lstm_Uf"], (16, 16))
    lstm_Wg = given("lstm_Wg", params["lstm_Wg"], (8, 16))
    lstm_bg = given("lstm_bg", params["lstm_bg"], (16,))
    lstm_Ug = given("lstm_Ug", params["lstm_Ug"], (16, 16))
    lstm_Wo = given("lstm_Wo", params["lstm_Wo"], (8, 16))
    lstm_bo = given("lstm_bo", params["lstm_bo"], (16,))
    lstm_Uo = given("lstm_Uo", params["lstm_Uo"], (16, 16))
    dense_W = given("dense_W", params["dense_W"], (16, 4))
    dense_b = given("dense_b", params["dense_b"], (4,))
    p = np.empty((N, 4), real)
    scalars, ws, near, wi = np.zeros(0), np.empty(756 * N, real), np.empty(16, real), np.empty(0, np.int64)
    forward_kernel(
        x.ravel(), lstm_Wi.ravel(), lstm_bi.ravel(), lstm_Ui.ravel(), lstm_Wf.ravel(), lstm_bf.ravel(), lstm_Uf.ravel(),
        lstm_Wg.ravel(), lstm_bg.ravel(), lstm_Ug.ravel(), lstm_Wo.ravel(), lstm_bo.ravel(), lstm_Uo.ravel(),
        dense_W.ravel(), dense_b.ravel(), p.ravel(), scalars, ws, near, wi, N
    )
    return p


def loss_and_gradients(x, y, params):
    """L, its slopes by name of x (N, T, D), y (N,), parameters by name."""
    N = np.shape(x)[0]
    x = given("x", x, (N, 5, 8))
    y = given("y", y, (N,), np.int64)
    labels("y", y, 4)
    lstm_Wi = given("lstm_Wi", params["lstm_Wi"], (8, 16))
    lstm_bi = given("lstm_bi", params["lstm_bi"], (16,))
    lstm_Ui = given("lstm_Ui", params["lstm_Ui"], (16, 16))
    lstm_Wf = given("lstm_Wf", params["lstm_Wf"], (8, 16))
    lstm_bf = given("lstm_bf", params["lstm_bf"], (16,))
    lstm_Uf = given("lstm_Uf", params["lstm_Uf"], (16, 16))
    lstm_Wg = given("lstm_Wg", params["lstm_Wg"], (8, 16))
    lstm_bg = given("lstm_bg", params["lstm_bg"], (16,))
    lstm_Ug = given("lstm_Ug", params["lstm_Ug"], (16, 16))
    lstm_Wo = given("lstm_Wo", params["lstm_Wo"], (8, 16))
    lstm_bo = given("lstm_bo", params["lstm_bo"], (16,))
    lstm_Uo = given("lstm_Uo", params["lstm_Uo"], (16, 16))
    dense_W = given("dense_W", params["dense_W"], (16, 4))
    dense_b = given("dense_b", params["dense_b"], (4,))
    lstm_Wi_bar = np.empty((8, 16), real)
    lstm_bi_bar = np.empty((16,), real)
    lstm_Ui_bar = np.empty((16, 16), real)
    lstm_Wf_bar = np.empty((8, 16), real)
    lstm_bf_bar = np.empty((16,), real)
    lstm_Uf_bar = np.empty((16, 16), real)
    lstm_Wg_bar = np.empty((8, 16), real)
    lstm_bg_bar = np.empty((16,), real)
    lstm_Ug_bar = np.empty((16, 16), real)
    lstm_Wo_bar = np.empty((8, 16), real)
    lstm_bo_bar = np.empty((16,), real)
    lstm_Uo_bar = np.empty((16, 16), real)
    dense_W_bar = np.empty((16, 4), real)
    dense_b_bar = np.empty((4,), real)
    scalars, ws, near, wi = np.zeros(1), np.empty(1556 * N, real), np.empty(48, real), np.empty(0, np.int64)
    gradient_kernel(
        x.ravel(), y.ravel(), lstm_Wi.ravel(), lstm_bi.ravel(), lstm_Ui.ravel(), lstm_Wf.ravel(), lstm_bf.ravel(),
        lstm_Uf.ravel(), lstm_Wg.ravel(), lstm_bg.ravel(), lstm_Ug.ravel(), lstm_Wo.ravel(), lstm_bo.ravel(),
        lstm_Uo.ravel(), dense_W.ravel(), dense_b.ravel(), lstm_Wi_bar.ravel(), lstm_bi_bar.ravel(),
        lstm_Ui_bar.ravel(), lstm_Wf_bar.ravel(), lstm_bf_bar.ravel(), lstm_Uf_bar.ravel(), lstm_Wg_bar.ravel(),
        lstm_bg_bar.ravel(), lstm_Ug_bar.ravel(), lstm_Wo_bar.ravel(), lstm_bo_bar.ravel(), lstm_Uo_bar.ravel(),
        dense_W_bar.ravel(), dense_b_bar.ravel(), scalars, ws, near, wi, N
    )
    return (
        float(scalars[0]),
        {
            "lstm_Wi": lstm_Wi_bar, "lstm_bi": lstm_bi_bar, "lstm_Ui": lstm_Ui_bar, "lstm_Wf": lstm_Wf_bar,
            "lstm_bf": lstm_bf_bar, "lstm_Uf": lstm_Uf_bar, "lstm_Wg": lstm_Wg_bar, "lstm_bg": lstm_bg_bar,
            "lstm_Ug": lstm_Ug_bar, "lstm_Wo": lstm_Wo_bar, "lstm_bo": lstm_bo_bar, "lstm_Uo": lstm_Uo_bar,
            "dense_W": dense_W_bar, "dense_b": dense_b_bar
        }
    )


def aligned(count):
    """Zeros that begin at a cache line."""
    lines = np.zeros(count + 64 // real().itemsize, real)
    skip = -lines.ctypes.data // real().itemsize % (64 // real().itemsize)
    return lines[skip : skip + count]


def pack(params, layout=PARAMETERS, size=THETA):
    """Parameters by name, as one vector."""
    theta = aligned(size)
    for name, (at, shape) in layout.items():
        theta[at : at + math.prod(shape)] = given(name, params[name], shape).ravel()
    return theta


def unpack(theta, layout=PARAMETERS):
    """The parameters of a vector by name; arrays that share its memory."""
    return {name: theta[at : at + math.prod(shape)].reshape(shape) for name, (at, shape) in layout.items()}


def workspace():
    """What `train_steps` works on besides data and parameters, in its order, as it begins."""
    grad = aligned(1680)
    state = aligned(2 * THETA)
    memory = np.array([], np.float64)
    noise = aligned(0)
    ws = aligned(53120)
    near = aligned(96)
    wi = np.zeros(32, np.int64)
    sums = np.zeros(2)
    return grad, state, memory, noise, ws, near, wi, sums


def initial(seed=0):
    """Parameters by name, as training begins."""
    rng = np.random.default_rng(seed)
    return {
        "lstm_Wi": rng.uniform(-0.5, 0.5, (8, 16)),
        "lstm_bi": np.zeros((16,)),
        "lstm_Ui": rng.uniform(-0.433013, 0.433013, (16, 16)),
        "lstm_Wf": rng.uniform(-0.5, 0.5, (8, 16)),
        "lstm_bf": np.zeros((16,)),
        "lstm_Uf": rng.uniform(-0.433013, 0.433013, (16, 16)),
        "lstm_Wg": rng.uniform(-0.5, 0.5, (8, 16)),
        "lstm_bg": np.zeros((16,)),
        "lstm_Ug": rng.uniform(-0.433013, 0.433013, (16, 16)),
        "lstm_Wo": rng.uniform(-0.5, 0.5, (8, 16)),
        "lstm_bo": np.zeros((16,)),
        "lstm_Uo": rng.uniform(-0.433013, 0.433013, (16, 16)),
        "dense_W": rng.uniform(-0.547723, 0.547723, (16, 4)),
        "dense_b": np.zeros((4,)),
    }


def random_data(count, seed=0):
    """Random values for what the loss is asked about."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 5, 8))
    y = rng.integers(0, 4, (count,))
    return x, y


def train(x, y, params=None, epochs=10, seed=0):
    """Train on rows in an order that is new in each epoch; parameters then, and mean losses."""
    count = np.shape(x)[0]
    x = given("x", x, (count, 5, 8)).ravel()
    y = given("y", y, (count,), np.int64).ravel()
    labels("y", y, 4)
    params = initial(seed) if params is None else params
    theta, held = pack(params), aligned(0)
    grad, state, memory, noise, ws, near, wi, sums = workspace()
    order = np.random.default_rng(seed)
    steps, losses = -(-count // BATCH), []
    for epoch in range(epochs):
        rows, sums[:] = order.permutation(count), 0.0
        done = train_steps(
            x, y, rows, theta, grad, state, memory, held, noise, ws, near, wi, sums, 0, steps, count, epoch * steps,
            seed
        )
        if done < steps:
            raise FloatingPointError(f"the loss is not finite at step {done + 1} of epoch {epoch + 1}")
        losses.append(float(sums[0] / sums[-1]))
    return unpack(theta), losses


def main():
    """Train on random data, and say how it goes."""
    begin = perf_counter()
    x, y = random_data(16 * BATCH)
    params = initial()
    p = forward(x, params)
    print("p, of shape", np.shape(p))
    loss, slopes = loss_and_gradients(x, y, params)
    print(f"loss {loss:.6f}")
    for name, slope in slopes.items():
        print(f"slope by {name}, largest entry {np.max(np.abs(slope)):.3g}")
    train(x, y, params, epochs=1)
    print(f"ready after {perf_counter() - begin:.1f} s")
    begin = perf_counter()
    params, losses = train(x, y, params, epochs=10)
    seconds = perf_counter() - begin
    for epoch, loss in enumerate(losses):
        print(f"epoch {epoch + 1:2}: loss {loss:.6f}")
    print(f"{len(losses) * 16 / seconds:.0f} steps per second")


if __name__ == "__main__":
    main()
