"""RNN: a model as one module.

The loss and what it is made of, for N samples:

    a[n,t,k] = sum_d x[n,t,d]*W[d,k] + [t > 0]*sum_j h[n,t-1,j]*U[j,k] + b[k]
    h[n,t,k] = tanh(a[n,t,k])
    v[n,t,m] = sum_k h[n,t,k]*V[k,m] + c[m]
    L = (1/(2*N))*sum_{n,t,m} (v[n,t,m] - y[n,t,m])**2

Its slopes, by w as w_bar, with which it is trained, 32 samples at a time:

    h_bar[n,t,k] = (1/N)*sum_m V[k,m]*(v[n,t,m] - y[n,t,m]) + [t + 1 < T]*sum_h a_bar[n,t+1,h]*U[k,h]
    a_bar[n,t,k] = h_bar[n,t,k]*(1 - h[n,t,k]**2)
    W_bar[d,i] = sum_{n,t} x[n,t,d]*a_bar[n,t,i]
    U_bar[i,j] = sum_{n,t} [t > 0]*h[n,t-1,i]*a_bar[n,t,j]
    b_bar[i] = sum_{n,t} a_bar[n,t,i]
    V_bar[i,m] = (1/N)*sum_{n,t} h[n,t,i]*(v[n,t,m] - y[n,t,m])
    c_bar[m] = (1/N)*sum_{n,t} (v[n,t,m] - y[n,t,m])

A step of Adam(lr=0.001), the t-th, where g is the gradient by parameters w:

    m_next[p] = 0.9*m[p] + g[p]/10
    v_next[p] = 0.999*v[p] + 0.001*g[p]**2
    c = sqrt(1 - 0.999**t)
    eta = 0.001
    alpha = c*eta/(1 - 0.9**t)
    eps_t = 1e-8*c
    w_next[p] = w[p] - alpha*m_next[p]/(sqrt(v_next[p]) + eps_t)

Data, with D = 8, H = 16, M = 12, T = 5:

    x (N, T, D)
    y (N, T, M)

Functions; `params` holds the parameters by name, as `PARAMETERS` lists them:

    forward(x, params) -> v (N, T, M)
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


_F = np.float32
_ZERO, _HALF, _ONE, _TWO, _INF, _NAN = _F(0), _F(0.5), _F(1), _F(2), _F(np.inf), _F(np.nan)
# added to a small whole number k, leaves k in the lowest bits
_POWER = _F(1.5 * 2**23 + 127)
_TWICE = _F(1.5 * 2**23 + 2 * 127)
_LOG2_E = _F(1.4426950408889634)
# log 2 = A + B; A has 16 digits, so that k*A is exact
_LOG_2_A = _F(0.693145751953125)
_LOG_2_B = _F(1.4286068203094173e-06)
# (e^r - 1 - r)/r^2 for |r| <= log(2)/2, relative error of e^r 2^-28
_EXPM1 = tuple(map(_F, (0.0013814539, 0.008368745, 0.04166839, 0.16666521, 0.49999994)))
_EXP = (*_EXPM1, _ONE, _ONE)
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


@njit(**KERNEL)
def forward_kernel(x, W, U, b, V, c, v, scalars, ws, near, wi, N):
    apart()

    # s[n,t,k] = sum_d x[n,t,d]*W[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, W, 0, 16, 1, zero, ws, 0, 16, 1)

    # s_2[n,time,i_0] = [time > 0]*h[n,time-1,i_0]
    # s_3[n,time,k] = sum_h s_2[n,time,h]*U[h,k]
    # a[n_2,time,k] = s[n_2,time,k] + [time > 0]*s_3[n_2,time,k] + b[k]
    # h[n_2,time,k] = tanh(a[n_2,time,k])
    for time in range(5):
        for n in range(N):
            at_s = 80 * N + n * 80 + time * 16
            at_h = 160 * N + n * 80 + (time - 1) * 16
            for i_0 in range(unseen(16)):
                s_4 = zero if time <= 0 else ws[at_h + i_0]
                ws[at_s + i_0] = s_4
        gemm(N, 16, 16, one, ws, 80 * N + time * 16, 80, 1, U, 0, 16, 1, zero, ws, 160 * N + time * 16, 80, 1)
        for n_2 in range(N):
            at_s_2 = 160 * N + n_2 * 80 + time * 16
            at_s_3 = n_2 * 80 + time * 16
            for k in range(unseen(16)):
                a = (zero if time <= 0 else ws[at_s_2 + k]) + b[k] + ws[at_s_3 + k]
                h_2 = tanh(a)
                ws[at_s_2 + k] = h_2

    # s_5[n,t,m] = sum_k h[n,t,k]*V[k,m]
    gemm(5 * N, 12, 16, one, ws, 160 * N, 16, 1, V, 0, 12, 1, zero, ws, 240 * N, 12, 1)

    # v[n,t,m] = s_5[n,t,m] + c[m]
    for n in range(N):
        for t in range(5):
            at_v = n * 60 + t * 12
            at_s_4 = 240 * N + n * 60 + t * 12
            for m in range(unseen(12)):
                v_2 = c[m] + ws[at_s_4 + m]
                v[at_v + m] = v_2


@njit(**KERNEL)
def gradient_kernel(x, y, W, U, b, V, c, W_bar, U_bar, b_bar, V_bar, c_bar, scalars, ws, near, wi, N):
    apart()

    # s[n,t,k] = sum_d x[n,t,d]*W[d,k]
    gemm(5 * N, 16, 8, one, x, 0, 8, 1, W, 0, 16, 1, zero, ws, 0, 16, 1)

    # s_2[n,time,i_0] = [time > 0]*h[n,time-1,i_0]
    # s_3[n,time,k] = sum_h s_2[n,time,h]*U[h,k]
    # a[n_2,time,k] = s[n_2,time,k] + [time > 0]*s_3[n_2,time,k] + b[k]
    # h[n_2,time,k] = tanh(a[n_2,time,k])
    for time in range(5):
        for n in range(N):
            at_s = 80 * N + n * 80 + time * 16
            at_h = n * 80 + (time - 1) * 16
            for i_0 in range(unseen(16)):
                s_4 = zero if time <= 0 else ws[at_h + i_0]
                ws[at_s + i_0] = s_4
        gemm(N, 16, 16, one, ws, 80 * N + time * 16, 80, 1, U, 0, 16, 1, zero, ws, 160 * N + time * 16, 80, 1)
        for n_2 in range(N):
            at_a = 160 * N + n_2 * 80 + time * 16
            at_s_2 = n_2 * 80 + time * 16
            for k in range(unseen(16)):
                a_2 = (zero if time <= 0 else ws[at_a + k]) + b[k] + ws[at_s_2 + k]
                ws[at_a + k] = a_2
                h_2 = tanh(a_2)
                ws[at_s_2 + k] = h_2

    # s_5[n,t,m] = sum_k h[n,t,k]*V[k,m]
    gemm(5 * N, 12, 16, one, ws, 0, 16, 1, V, 0, 12, 1, zero, ws, 240 * N, 12, 1)
    s_6 = 0.0
    for m in range(12):
        near[m] = zero

    # v[n,t,m] = s_5[n,t,m] + c[m]
    # s_6 = sum_{n,t,m} (v[n,t,m] - y[n,t,m])**2
    # s_7[n,t,m] = v[n,t,m] - y[n,t,m]
    # s_8[m] = sum_{n,t} (v[n,t,m] - y[n,t,m])
    for n in range(N):
        for t in range(5):
            at_s_3 = 240 * N + n * 60 + t * 12
            at_y = n * 60 + t * 12
            for m in range(12):
                v = c[m] + ws[at_s_3 + m]
                s_6 += (v - y[at_y + m]) * (v - y[at_y + m])
                s_9 = v - y[at_y + m]
                ws[at_s_3 + m] = s_9
                near[m] += v - y[at_y + m]

    # L = s_6/(2*N)
    L = 0.5 * s_6 / float(N)

    # c_2[n,t,k] = sech2(a[n,t,k])
    for n in range(N):
        for t in range(5):
            at_c = 160 * N + n * 80 + t * 16
            for k in range(unseen(16)):
                c_3 = sech2(ws[at_c + k])
                ws[at_c + k] = c_3

    # s_10[n,t,k] = sum_m s_7[n,t,m]*V[k,m]
    gemm(5 * N, 16, 12, one, ws, 240 * N, 12, 1, V, 0, 1, 12, zero, ws, 300 * N, 16, 1)

    # s_11[n,time,i_0] = [time + 1 < T]*a_bar[n,time+1,i_0]
    # s_12[n,time,k] = sum_h s_11[n,time,h]*U[k,h]
    # h_bar[n_2,time,k] = s_10[n_2,time,k]/N + [time + 1 < T]*s_12[n_2,time,k]
    # a_bar[n_2,time,k] = c_2[n_2,time,k]*h_bar[n_2,time,k]
    for time in range(5 - 1, -1, -1):
        for n in range(N):
            at_s_4 = 380 * N + n * 80 + time * 16
            at_a_bar = 300 * N + n * 80 + (time + 1) * 16
            for i_0 in range(unseen(16)):
                s_13 = zero if time + 1 >= 5 else ws[at_a_bar + i_0]
                ws[at_s_4 + i_0] = s_13
        gemm(N, 16, 16, one, ws, 380 * N + time * 16, 80, 1, U, 0, 1, 16, zero, ws, 460 * N + time * 16, 80, 1)
        for n_2 in range(N):
            at_s_5 = 460 * N + n_2 * 80 + time * 16
            at_s_6 = 300 * N + n_2 * 80 + time * 16
            at_c_2 = 160 * N + n_2 * 80 + time * 16
            for k in range(unseen(16)):
                h_bar = (zero if time + 1 >= 5 else ws[at_s_5 + k]) + ws[at_s_6 + k] / real(N)
                a_bar_2 = ws[at_c_2 + k] * h_bar
                ws[at_s_6 + k] = a_bar_2

    # W_bar[d,i] = sum_{n,t} x[n,t,d]*a_bar[n,t,i]
    gemm(8, 16, 5 * N, one, x, 0, 1, 8, ws, 300 * N, 16, 1, zero, W_bar, 0, 16, 1)
    for i in range(16):
        b_bar[i] = zero

    # s_14[i_0,i_1,j] = [i_1 > 0]*a_bar[i_0,i_1,j]
    # b_bar[j] = sum_{n,t} a_bar[n,t,j]
    for i_0 in range(N):
        for i_1 in range(5):
            at_s_7 = 160 * N + i_0 * 80 + i_1 * 16
            at_a_bar_2 = 300 * N + i_0 * 80 + i_1 * 16
            for j in range(16):
                s_15 = zero if i_1 <= 0 else ws[at_a_bar_2 + j]
                ws[at_s_7 + j] = s_15
                b_bar[j] += ws[at_a_bar_2 + j]

    # U_bar[i,j] = sum_{n,t} s_2[n,t,i]*s_14[n,t,j]
    gemm(16, 16, 5 * N, one, ws, 80 * N, 1, 16, ws, 160 * N, 16, 1, zero, U_bar, 0, 16, 1)

    # V_bar[i,m] = (1/N)*sum_{n,t} h[n,t,i]*s_7[n,t,m]
    gemm(16, 12, 5 * N, real(1.0 / float(N)), ws, 0, 1, 16, ws, 240 * N, 12, 1, zero, V_bar, 0, 12, 1)

    # c_bar[m] = s_8[m]/N
    for m in range(12):
        c_bar_2 = near[m] / real(N)
        c_bar[m] = c_bar_2
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
        # y[n_2,i1,i2_2] = data2_y[row[n_2],i1,i2_2]
        for n_2 in range(n):
            row = rows[n_2 + begin]
            for i1 in range(5):
                at_x = n_2 * 40 + i1 * 8
                at_x_data = (row if row > 0 else 0) * 40 + i1 * 8
                for i2 in range(unseen(8)):
                    x_2 = data1_x[at_x_data + i2]
                    ws[at_x + i2] = x_2
                at_y = 1280 + n_2 * 60 + i1 * 12
                at_y_data = (row if row > 0 else 0) * 60 + i1 * 12
                for i2_2 in range(unseen(12)):
                    y_2 = data2_y[at_y_data + i2_2]
                    ws[at_y + i2_2] = y_2

        # s[n,t,k] = sum_d x[n,t,d]*W[d,k]
        gemm(5 * n, 16, 8, one, ws, 0, 8, 1, theta, 0, 16, 1, zero, ws, 3840, 16, 1)

        # s_2[n_2,time,i_0] = [time > 0]*h[n_2,time-1,i_0]
        # s_3[n,time,k] = sum_h s_2[n,time,h]*U[h,k]
        # a[n_3,time,k] = s[n_3,time,k] + [time > 0]*s_3[n_3,time,k] + b[k]
        # h[n_3,time,k] = tanh(a[n_3,time,k])
        for time in range(5):
            for n_2 in range(n):
                at_s = 6400 + n_2 * 80 + time * 16
                at_h = 3840 + n_2 * 80 + (time - 1) * 16
                for i_0 in range(unseen(16)):
                    s_4 = zero if time <= 0 else ws[at_h + i_0]
                    ws[at_s + i_0] = s_4
            gemm(n, 16, 16, one, ws, 6400 + time * 16, 80, 1, theta, 128, 16, 1, zero, ws, 8960 + time * 16, 80, 1)
            for n_3 in range(n):
                at_a = 8960 + n_3 * 80 + time * 16
                at_s_2 = 3840 + n_3 * 80 + time * 16
                for k in range(unseen(16)):
                    a_2 = (zero if time <= 0 else ws[at_a + k]) + theta[384 + k] + ws[at_s_2 + k]
                    ws[at_a + k] = a_2
                    h_2 = tanh(a_2)
                    ws[at_s_2 + k] = h_2

        # s_5[n,t,m] = sum_k h[n,t,k]*V[k,m]
        gemm(5 * n, 12, 16, one, ws, 3840, 16, 1, theta, 400, 12, 1, zero, ws, 11520, 12, 1)
        s_6 = 0.0
        for m in range(12):
            near[m] = zero

        # v[n_2,t_2,m] = s_5[n_2,t_2,m] + c[m]
        # s_6 = sum_{n,t,m} (v[n,t,m] - y[n,t,m])**2
        # s_7[n_2,t_2,m] = v[n_2,t_2,m] - y[n_2,t_2,m]
        # s_8[m] = sum_{n,t} (v[n,t,m] - y[n,t,m])
        for n_2 in range(n):
            for t_2 in range(5):
                at_s_3 = 11520 + n_2 * 60 + t_2 * 12
                at_y_2 = 1280 + n_2 * 60 + t_2 * 12
                for m in range(12):
                    v = theta[592 + m] + ws[at_s_3 + m]
                    s_6 += (v - ws[at_y_2 + m]) * (v - ws[at_y_2 + m])
                    s_9 = v - ws[at_y_2 + m]
                    ws[at_s_3 + m] = s_9
                    near[m] += v - ws[at_y_2 + m]

        # L = s_6/(2*N)
        L = 0.5 * s_6 / float(n)
        if not abs(L) < np.inf:
            return step - first

        # c_2[n_2,t_2,k] = sech2(a[n_2,t_2,k])
        for n_2 in range(n):
            for t_2 in range(5):
                at_c = 8960 + n_2 * 80 + t_2 * 16
                for k in range(unseen(16)):
                    c_3 = sech2(ws[at_c + k])
                    ws[at_c + k] = c_3

        # s_10[n,t,k] = sum_m s_7[n,t,m]*V[k,m]
        gemm(5 * n, 16, 12, one, ws, 11520, 12, 1, theta, 400, 1, 12, zero, ws, 1280, 16, 1)

        # s_11[n_2,time,i_0] = [time + 1 < T]*a_bar[n_2,time+1,i_0]
        # s_12[n,time,k] = sum_h s_11[n,time,h]*U[k,h]
        # h_bar[n_3,time,k] = s_10[n_3,time,k]/N + [time + 1 < T]*s_12[n_3,time,k]
        # a_bar[n_3,time,k] = c_2[n_3,time,k]*h_bar[n_3,time,k]
        for time in range(5 - 1, -1, -1):
            for n_2 in range(n):
                at_s_4 = 13440 + n_2 * 80 + time * 16
                at_a_bar = 1280 + n_2 * 80 + (time + 1) * 16
                for i_0 in range(unseen(16)):
                    s_13 = zero if time + 1 >= 5 else ws[at_a_bar + i_0]
                    ws[at_s_4 + i_0] = s_13
            gemm(n, 16, 16, one, ws, 13440 + time * 16, 80, 1, theta, 128, 1, 16, zero, ws, 16000 + time * 16, 80, 1)
            for n_3 in range(n):
                at_s_5 = 16000 + n_3 * 80 + time * 16
                at_s_6 = 1280 + n_3 * 80 + time * 16
                at_c_2 = 8960 + n_3 * 80 + time * 16
                for k in range(unseen(16)):
                    h_bar = (zero if time + 1 >= 5 else ws[at_s_5 + k]) + ws[at_s_6 + k] / real(n)
                    a_bar_2 = ws[at_c_2 + k] * h_bar
                    ws[at_s_6 + k] = a_bar_2

        # W_bar[d,i] = sum_{n,t} x[n,t,d]*a_bar[n,t,i]
        gemm(8, 16, 5 * n, one, ws, 0, 1, 8, ws, 1280, 16, 1, zero, grad, 0, 16, 1)
        for i_2 in range(16):
            grad[384 + i_2] = zero

        # s_14[i_0,i_1,j] = [i_1 > 0]*a_bar[i_0,i_1,j]
        # b_bar[j] = sum_{n,t} a_bar[n,t,j]
        for i_0 in range(n):
            for i_1 in range(5):
                at_s_7 = 8960 + i_0 * 80 + i_1 * 16
                at_a_bar_2 = 1280 + i_0 * 80 + i_1 * 16
                for j in range(16):
                    s_15 = zero if i_1 <= 0 else ws[at_a_bar_2 + j]
                    ws[at_s_7 + j] = s_15
                    grad[384 + j] += ws[at_a_bar_2 + j]

        # U_bar[i,j] = sum_{n,t} s_2[n,t,i]*s_14[n,t,j]
        gemm(16, 16, 5 * n, one, ws, 6400, 1, 16, ws, 8960, 16, 1, zero, grad, 128, 16, 1)

        # V_bar[i,m] = (1/N)*sum_{n,t} h[n,t,i]*s_7[n,t,m]
        gemm(16, 12, 5 * n, real(1.0 / float(n)), ws, 3840, 1, 16, ws, 11520, 12, 1, zero, grad, 400, 12, 1)

        # c_bar[m] = s_8[m]/N
        for m in range(12):
            c_bar_2 = near[m] / real(n)
            grad[592 + m] = c_bar_2

        # m_next[i_2] = 0.9*m_2[i_2] + grad_2[i_2]/10
        # v_next[i_2] = 0.999*v_2[i_2] + 0.001*grad_2[i_2]**2
        for i_2 in range(608):
            m_next_2 = real(0.9) * state[i_2] + real(0.1) * grad[i_2]
            state[i_2] = m_next_2
            v_next_2 = real(0.999) * state[608 + i_2] + real(0.001) * (grad[i_2] * grad[i_2])
            state[608 + i_2] = v_next_2

        # step_c = sqrt(1 - 0.999**t)
        step_c = math.sqrt(1.0 - 0.999 ** t)

        # step_eta = 0.001
        step_eta = 0.001

        # step_alpha = step_c*step_eta/(1 - 0.9**t)
        step_alpha = step_c * step_eta / (1.0 - 0.9 ** t)

        # step_eps_t = 1e-8*step_c
        step_eps_t = 1e-08 * step_c

        # theta_next[i_2] = theta_2[i_2] - step_alpha*m_next[i_2]/(sqrt(v_next[i_2]) + step_eps_t)
        for i_2 in range(608):
            theta_next_2 = theta[i_2] - state[i_2] * real(step_alpha) / (math.sqrt(state[608 + i_2]) + real(step_eps_t))
            theta[i_2] = theta_next_2

        sums[0] += L * n
        sums[1] += n
    return last - first


BATCH = 32
PARAMETERS = {  # name: offset in the vector, shape
    "W": (0, (8, 16)),
    "U": (128, (16, 16)),
    "b": (384, (16,)),
    "V": (400, (16, 12)),
    "c": (592, (12,)),
}
THETA = 608


def given(name, value, shape, dtype=real):
    """The value as an array that kernels take; its shape must be this one."""
    array = np.asarray(value, dtype, order="C")
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, but has {array.shape}")
    return array


def forward(x, params):
    """v (N, T, M) of x (N, T, D), parameters by name."""
    N = np.shape(x)[0]
    x = given("x", x, (N, 5, 8))
    W = given("W", params["W"], (8, 16))
    U = given("U", params["U"], (16, 16))
    b = given("b", params["b"], (16,))
    V = given("V", params["V"], (16, 12))
    c = given("c", params["c"], (12,))
    v = np.empty((N, 5, 12), real)
    scalars, ws, near, wi = np.zeros(0), np.empty(300 * N, real), np.empty(0, real), np.empty(0, np.int64)
    forward_kernel(
        x.ravel(), W.ravel(), U.ravel(), b.ravel(), V.ravel(), c.ravel(), v.ravel(), scalars, ws, near, wi, N
    )
    return v


def loss_and_gradients(x, y, params):
    """L, its slopes by name of x (N, T, D), y (N, T, M), parameters by name."""
    N = np.shape(x)[0]
    x = given("x", x, (N, 5, 8))
    y = given("y", y, (N, 5, 12))
    W = given("W", params["W"], (8, 16))
    U = given("U", params["U"], (16, 16))
    b = given("b", params["b"], (16,))
    V = given("V", params["V"], (16, 12))
    c = given("c", params["c"], (12,))
    W_bar = np.empty((8, 16), real)
    U_bar = np.empty((16, 16), real)
    b_bar = np.empty((16,), real)
    V_bar = np.empty((16, 12), real)
    c_bar = np.empty((12,), real)
    scalars, ws, near, wi = np.zeros(1), np.empty(540 * N, real), np.empty(16, real), np.empty(0, np.int64)
    gradient_kernel(
        x.ravel(), y.ravel(), W.ravel(), U.ravel(), b.ravel(), V.ravel(), c.ravel(), W_bar.ravel(), U_bar.ravel(),
        b_bar.ravel(), V_bar.ravel(), c_bar.ravel(), scalars, ws, near, wi, N
    )
    return float(scalars[0]), {"W": W_bar, "U": U_bar, "b": b_bar, "V": V_bar, "c": c_bar}


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
    grad = aligned(608)
    state = aligned(2 * THETA)
    memory = np.array([], np.float64)
    noise = aligned(0)
    ws = aligned(18560)
    near = aligned(16)
    wi = np.zeros(0, np.int64)
    sums = np.zeros(2)
    return grad, state, memory, noise, ws, near, wi, sums


def initial(seed=0):
    """Parameters by name, as training begins."""
    rng = np.random.default_rng(seed)
    return {
        "W": rng.uniform(-0.5, 0.5, (8, 16)),
        "U": rng.uniform(-0.433013, 0.433013, (16, 16)),
        "b": np.zeros((16,)),
        "V": rng.uniform(-0.46291, 0.46291, (16, 12)),
        "c": np.zeros((12,)),
    }


def random_data(count, seed=0):
    """Random values for what the loss is asked about."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 5, 8))
    y = rng.normal(size=(count, 5, 12))
    return x, y


def train(x, y, params=None, epochs=10, seed=0):
    """Train on rows in an order that is new in each epoch; parameters then, and mean losses."""
    count = np.shape(x)[0]
    x = given("x", x, (count, 5, 8)).ravel()
    y = given("y", y, (count, 5, 12)).ravel()
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
    v = forward(x, params)
    print("v, of shape", np.shape(v))
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
