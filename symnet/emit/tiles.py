"""Matrix products of emitted modules: `gemm`, in tiles of the result that vector registers hold while sums run.

It takes the place of a BLAS, and needs none: most products of small and middle-sized networks are faster than with
OpenBLAS, and about as fast where matrices have some megabytes, so that no rule has to choose between the two, and SciPy
is not imported. How a product is computed is decided from its sizes and strides alone, in `Tiles.product`:

    C stored by columns             as C' = B' A'
    known to be one row, or k = 1   in place, for these sizes: `row`, `dots` or `outer`
    few rows, B by columns          sums of products of vectors: `dots`
    one row, or k = 1               tiles of one row: `line`; B or C streams through once
    few rows, or B fits into L1     tiles straight from A and B: `panel`
    else                            blocks whose parts of A and B are brought together: `panels`

What the kernel's text says of sizes and strides is decided when it is compiled; ways that are not taken are not made.
The text is the same for all processors: a module finds the width of vectors when it is imported. Matrices that begin at
multiples of 64 bytes are best.
"""

from __future__ import annotations

from symnet.emit.instructions import INSTRUCTIONS

TILED_GEMM = '''\


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
'''


def tiled_gemm_source(dtype: str) -> str:
    """The text of `gemm`, to follow the head of an emitted module; it is the same for all types of numbers."""
    assert dtype in ("float32", "float64"), dtype
    return INSTRUCTIONS + TILED_GEMM
