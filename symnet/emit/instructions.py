"""The first half of the text that multiplies matrices: a builder of LLVM's instructions, for vectors and loops.

Numbers and conditions that are known while the code is made are Python's own, and what follows from them is computed at
once: a product whose sizes are written in the kernel is decided for when it is compiled.
"""

from __future__ import annotations

INSTRUCTIONS = '''\
import operator
from contextlib import contextmanager

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
'''
