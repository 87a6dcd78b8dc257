"""Matrix products of emitted modules: tiles of the result held in vector registers, and BLAS for the large ones."""

from __future__ import annotations

LETTER = {"float32": "s", "float64": "d"}

TILED_GEMM = '''\
# -- matrix products: tiles of the result are held in vector registers while the sum runs

FEATURES = llb.get_host_cpu_features()
WIDTH = 64 if FEATURES.get("avx512f") else 32 if FEATURES.get("avx2") else 16  # bytes of a vector
LANES = 8 * WIDTH // NUMBER.bitwidth
ROWS = 8 if WIDTH == 64 else 6  # a tile has ROWS x 2 vectors: with their factors they fill the registers
SHAPES = [(r, v) for r in range(1, ROWS + 1) for v in (1, 2)]
DEPTH, HEIGHT = 256, 512  # the part of B that is copied (DEPTH x 2 vectors) stays in L1, that of A in L2

SIZE, CHAR = ir.IntType(64), ir.IntType(8)
REAL = ir.FloatType() if NUMBER.bitwidth == 32 else ir.DoubleType()
VECTOR, MASK, PLACES = (ir.VectorType(t, LANES) for t in (REAL, ir.IntType(1), ir.IntType(32)))
ONTO = REAL.as_pointer()
FUSED = ("contract",)


def size(value):
    return ir.Constant(SIZE, value)


def least(builder, x, y):
    return builder.select(builder.icmp_signed("<", x, y), x, y)


def spread(builder, scalar, kind):
    """A vector of equal numbers."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), ir.Constant(PLACES, [0] * LANES))


def lanes_below(builder, count):
    """The mask of lane < count."""
    count = builder.trunc(least(builder, count, size(LANES)), ir.IntType(32))
    return builder.icmp_signed("<", ir.Constant(PLACES, list(range(LANES))), spread(builder, count, PLACES))


def at(builder, start, *terms):
    """The address start + i*s + j*t + ..."""
    for index, stride in terms:
        start = builder.gep(start, [builder.mul(index, stride)])
    return start


def anchor(builder, address):
    """The address, opaque to LLVM: it would derive one address from the other, each waiting for the one before."""
    return builder.asm(ir.FunctionType(ONTO, [ONTO]), "", "=r,0", [address], False)


def load(builder, place, mask=None):
    """The vector at a place; lanes outside the mask are not read, they are 0."""
    place = builder.bitcast(place, VECTOR.as_pointer())
    if mask is None:
        return builder.load(place, align=NUMBER.bitwidth // 8)
    kind = ir.FunctionType(VECTOR, [VECTOR.as_pointer(), ir.IntType(32), MASK, VECTOR])
    name = f"llvm.masked.load.v{LANES}f{NUMBER.bitwidth}.p0"
    masked = cgutils.get_or_insert_function(builder.module, kind, name)
    align = ir.Constant(ir.IntType(32), NUMBER.bitwidth // 8)
    return builder.call(masked, [place, align, mask, ir.Constant(VECTOR, None)])


def store(builder, value, place, mask=None):
    place = builder.bitcast(place, VECTOR.as_pointer())
    if mask is None:
        return builder.store(value, place, align=NUMBER.bitwidth // 8)
    kind = ir.FunctionType(ir.VoidType(), [VECTOR, VECTOR.as_pointer(), ir.IntType(32), MASK])
    name = f"llvm.masked.store.v{LANES}f{NUMBER.bitwidth}.p0"
    masked = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(masked, [value, place, ir.Constant(ir.IntType(32), NUMBER.bitwidth // 8), mask])


def fused(builder, x, y, z):
    """x*y + z"""
    return builder.fadd(builder.fmul(x, y, flags=FUSED), z, flags=FUSED)


def update(builder, alpha, total, beta, place, mask, old):
    """c = alpha*total + beta*c in the lanes of the mask; c is read in those of `old` only, none if beta is 0."""
    value = builder.fmul(beta, load(builder, place, old), flags=FUSED)
    store(builder, fused(builder, alpha, total, value), place, mask)


def paired(builder, x, y):
    """x0 y0 x1 y1 ... of the lower halves, and of the upper halves."""
    for half in (0, LANES // 2):
        order = [half + i // 2 + i % 2 * LANES for i in range(LANES)]
        yield builder.shuffle_vector(x, y, ir.Constant(PLACES, order))


def body(module, name, kinds):
    """A function to be written, or None and the function if it is there."""
    name = f"symnet_{name}_{NUMBER}"
    if name in module.globals:
        return None, module.globals[name]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    return ir.IRBuilder(function.append_basic_block()), function


def tile(module):
    """C[i,j] = beta*C[i,j] + alpha*(sum over p of A[i,p]*B[p,j]), i < rows <= ROWS, j < columns <= 2*LANES."""
    kinds = [SIZE, SIZE, SIZE, REAL, ONTO, SIZE, SIZE, ONTO, SIZE, REAL, ONTO, SIZE]
    builder, function = body(module, "tile", kinds)
    if builder is None:
        return function
    rows, columns, depth, alpha, a, row_a, col_a, b, row_b, beta, c, row_c = function.args
    alphas, betas = spread(builder, alpha, VECTOR), spread(builder, beta, VECTOR)
    masks = [lanes_below(builder, builder.sub(columns, size(v * LANES))) for v in range(2)]
    reads = builder.fcmp_unordered("!=", beta, ir.Constant(REAL, 0.0))
    olds = [builder.select(reads, mask, ir.Constant(MASK, None)) for mask in masks]
    pairs = builder.zext(builder.icmp_signed(">", columns, size(LANES)), SIZE)
    nowhere = function.append_basic_block()
    choice = builder.switch(builder.add(builder.mul(rows, size(2)), pairs), nowhere)
    builder.position_at_end(nowhere)
    builder.unreachable()
    for height, vectors in SHAPES:
        start, head, step, done = (function.append_basic_block() for _ in range(4))
        choice.add_case(size(2 * height + vectors - 1), start)
        builder.position_at_end(start)
        rows_at = [anchor(builder, at(builder, a, (size(i), row_a))) for i in range(height)]
        builder.branch(head)
        builder.position_at_end(head)
        p = builder.phi(SIZE)
        p.add_incoming(size(0), start)
        sums = [[builder.phi(VECTOR) for _ in range(vectors)] for _ in range(height)]
        builder.cbranch(builder.icmp_signed("<", p, depth), step, done)
        builder.position_at_end(step)
        entries = [
            load(builder, at(builder, b, (p, row_b), (size(v), size(LANES))), masks[v] if v == vectors - 1 else None)
            for v in range(vectors)
        ]
        for i in range(height):
            factor = spread(builder, builder.load(at(builder, rows_at[i], (p, col_a))), VECTOR)
            for v in range(vectors):
                sums[i][v].add_incoming(ir.Constant(VECTOR, None), start)
                sums[i][v].add_incoming(fused(builder, factor, entries[v], sums[i][v]), step)
        p.add_incoming(builder.add(p, size(1)), step)
        builder.branch(head)
        builder.position_at_end(done)
        for i in range(height):
            for v in range(vectors):
                place = at(builder, c, (size(i), row_c), (size(v), size(LANES)))
                update(builder, alphas, sums[i][v], betas, place, masks[v], olds[v])
        builder.ret_void()
    return function


def dots(module):
    """As `tile`, for the columns j < columns <= LANES of one row, where p goes along the rows of A and of B'."""
    kinds = [SIZE, SIZE, REAL, ONTO, ONTO, SIZE, REAL, ONTO]
    builder, function = body(module, "dots", kinds)
    if builder is None:
        return function
    columns, depth, alpha, a, b, col_b, beta, c = function.args
    last = builder.sub(columns, size(1))
    starts = [at(builder, b, (least(builder, size(j), last), col_b)) for j in range(LANES)]  # some of them twice
    start, (head, step, done) = builder.block, (function.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    p = builder.phi(SIZE)
    p.add_incoming(size(0), start)
    sums = [builder.phi(VECTOR) for _ in range(LANES)]
    builder.cbranch(builder.icmp_signed("<", p, depth), step, done)
    builder.position_at_end(step)
    mask = lanes_below(builder, builder.sub(depth, p))
    factor = load(builder, builder.gep(a, [p]), mask)
    for j in range(LANES):
        sums[j].add_incoming(ir.Constant(VECTOR, None), start)
        sums[j].add_incoming(fused(builder, factor, load(builder, builder.gep(starts[j], [p]), mask), sums[j]), step)
    p.add_incoming(builder.add(p, size(LANES)), step)
    builder.branch(head)
    builder.position_at_end(done)
    while len(sums) > 1:  # a transposition whose rows are added at once: lane j ends as the sum of vector j
        half = len(sums) // 2
        sums = [builder.fadd(*paired(builder, sums[i], sums[i + half])) for i in range(half)]
    mask = lanes_below(builder, columns)
    reads = builder.fcmp_unordered("!=", beta, ir.Constant(REAL, 0.0))
    old = builder.select(reads, mask, ir.Constant(MASK, None))
    update(builder, spread(builder, alpha, VECTOR), sums[0], spread(builder, beta, VECTOR), c, mask, old)
    builder.ret_void()
    return function


def copy(module):
    """A panel of B, depth x columns, as rows of two vectors."""
    builder, function = body(module, "copy", [SIZE, SIZE, ONTO, SIZE, ONTO])
    if builder is None:
        return function
    depth, columns, b, row_b, panel = function.args
    masks = [lanes_below(builder, builder.sub(columns, size(v * LANES))) for v in range(2)]
    with cgutils.for_range(builder, depth, intp=SIZE) as loop:
        for v in range(2):
            value = load(builder, at(builder, b, (loop.index, row_b), (size(v), size(LANES))), masks[v])
            store(builder, value, at(builder, panel, (loop.index, size(2 * LANES)), (size(v), size(LANES))))
    builder.ret_void()
    return function


def turn(module):
    """As `copy`, where the columns of B lie in memory: squares of LANES x LANES are transposed."""
    builder, function = body(module, "turn", [SIZE, SIZE, ONTO, SIZE, ONTO])
    if builder is None:
        return function
    depth, columns, b, col_b, panel = function.args
    last = builder.sub(columns, size(1))
    with cgutils.for_range_slice(builder, size(0), columns, size(LANES), SIZE) as (j, _):
        with cgutils.for_range_slice(builder, size(0), depth, size(LANES), SIZE) as (p, _):
            mask = lanes_below(builder, builder.sub(depth, p))
            columns_at = [least(builder, builder.add(j, size(i)), last) for i in range(LANES)]
            square = [load(builder, at(builder, b, (i, col_b), (p, size(1))), mask) for i in columns_at]
            for _ in range(LANES.bit_length() - 1):
                square = [row for i in range(LANES // 2) for row in paired(builder, square[i], square[i + LANES // 2])]
            for i, row in enumerate(square):
                place = at(builder, panel, (builder.add(p, size(i)), size(2 * LANES)), (j, size(1)))
                store(builder, row, place)
    builder.ret_void()
    return function


def product(module):
    """C = alpha*A@B + beta*C in tiles, along rows or in panels of columns whose part of B is copied before."""
    kinds = [SIZE, SIZE, SIZE, REAL, ONTO, SIZE, SIZE, ONTO, SIZE, SIZE, REAL, ONTO, SIZE, SIZE]
    builder, function = body(module, "product", kinds)
    if builder is None:
        return function
    m, n, k, alpha, a, row_a, col_a, b, row_b, col_b, beta, c, row_c, col_c = function.args
    one, rows, columns = size(1), size(ROWS), size(2 * LANES)

    def equal(x, y):
        return builder.icmp_signed("==", x, y)

    def less(x, y):
        return builder.icmp_signed("<", x, y)

    def steps(end, step):
        return cgutils.for_range_slice(builder, size(0), end, step, SIZE)

    # where columns of C lie in memory: C' = B' A'
    single = equal(n, one)
    flip = builder.select(single, builder.and_(equal(row_c, one), less(one, m)), builder.not_(equal(col_c, one)))
    straight = [m, n, a, row_a, col_a, b, row_b, col_b, row_c]
    flipped = [n, m, b, col_b, row_b, a, col_a, row_a, col_c]
    m, n, a, row_a, col_a, b, row_b, col_b, row_c = (
        builder.select(flip, y, x) for x, y in zip(straight, flipped, strict=True)
    )
    upright = builder.or_(equal(col_b, one), equal(n, one))
    narrow = less(m, size(8))
    along = builder.and_(builder.and_(narrow, equal(col_a, one)), builder.not_(upright))
    direct = builder.and_(upright, builder.or_(less(m, size(64)), less(builder.mul(n, k), size(4096))))
    direct = builder.or_(direct, less(k, one))
    with builder.if_then(along):
        with steps(m, one) as (i, _), steps(n, size(LANES)) as (j, _):
            wide = least(builder, builder.sub(n, j), size(LANES))
            places = [at(builder, a, (i, row_a)), at(builder, b, (j, col_b)), at(builder, c, (i, row_c), (j, one))]
            builder.call(dots(module), [wide, k, alpha, places[0], places[1], col_b, beta, places[2]])
        builder.ret_void()
        builder.position_at_end(function.append_basic_block())
        builder.unreachable()
    with builder.if_then(direct):
        with steps(m, rows) as (i, _), steps(n, columns) as (j, _):
            tall, wide = least(builder, builder.sub(m, i), rows), least(builder, builder.sub(n, j), columns)
            places = [at(builder, a, (i, row_a)), at(builder, b, (j, one)), at(builder, c, (i, row_c), (j, one))]
            builder.call(
                tile(module),
                [tall, wide, k, alpha, places[0], row_a, col_a, places[1], row_b, beta, places[2], row_c],
            )
        builder.ret_void()
        builder.position_at_end(function.append_basic_block())
        builder.unreachable()
    with builder.goto_entry_block():
        panel = builder.alloca(REAL, DEPTH * 2 * LANES)
        panel.align = 64
    with steps(k, size(DEPTH)) as (p, _), steps(m, size(HEIGHT)) as (top, _), steps(n, columns) as (j, _):
        deep = least(builder, builder.sub(k, p), size(DEPTH))
        bottom = builder.add(top, least(builder, builder.sub(m, top), size(HEIGHT)))
        wide = least(builder, builder.sub(n, j), columns)
        factor = builder.select(equal(p, size(0)), beta, ir.Constant(REAL, 1.0))
        place = at(builder, b, (p, row_b), (j, col_b))
        with builder.if_else(upright) as (then, otherwise):
            with then:
                builder.call(copy(module), [deep, wide, place, row_b, panel])
            with otherwise:
                builder.call(turn(module), [deep, wide, place, col_b, panel])
        with cgutils.for_range_slice(builder, top, bottom, rows, SIZE) as (i, _):
            tall = least(builder, builder.sub(bottom, i), rows)
            first, target = at(builder, a, (i, row_a), (p, col_a)), at(builder, c, (i, row_c), (j, one))
            builder.call(
                tile(module),
                [tall, wide, deep, alpha, first, row_a, col_a, panel, columns, factor, target, row_c],
            )
    builder.ret_void()
    return function


@intrinsic
def gemm(typing, m, n, k, alpha, a, at_a, row_a, col_a, b, at_b, row_b, col_b, beta, c, at_c, row_c, col_c):
    """C[m,n] = alpha*A[m,k]@B[k,n] + beta*C, each matrix an array, an offset and the strides of rows and columns."""
    count = types.intp
    places = [(x, count, count, count) for x in (a, b, c)]
    signature = types.void(count, count, count, NUMBER, *places[0], *places[1], NUMBER, *places[2])

    def codegen(context, builder, sig, args):
        args = list(args)
        for i in (4, 8, 13):
            data = context.make_array(sig.args[i])(context, builder, args[i]).data
            args[i] = builder.gep(data, [args[i + 1]])
        builder.call(product(builder.module), [args[i] for i in range(17) if i not in (5, 9, 14)])
        return context.get_dummy_value()

    return signature, codegen
'''


def tiled_gemm_source(dtype: str) -> str:
    """The text of `gemm` for one type of numbers, to follow the head of an emitted module."""
    return TILED_GEMM.replace("{letter}", LETTER[dtype])
