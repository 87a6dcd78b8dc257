"""The fixed parts of an emitted module: its imports and the call to BLAS."""

from __future__ import annotations

HEAD = """\
import math

import numpy as np
from llvmlite import binding as llb
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

real = np.{dtype}
zero, half, one, two = real(0.0), real(0.5), real(1.0), real(2.0)
NUMBER = types.{dtype}
KERNEL = dict(fastmath={{"contract", "reassoc", "nsz"}}, error_model="numpy", boundscheck=False, nogil=True, cache=True)
PART = dict(KERNEL, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called from kernels only
"""

GEMM = '''\
# -- BLAS, at offsets of flat arrays, rows first; the strides say what is transposed

llb.add_symbol("symnet_gemm_{letter}", get_cython_function_address("scipy.linalg.cython_blas", "{letter}gemm"))


@intrinsic
def blas_gemm(typing, trans_a, trans_b, m, n, k, alpha, a, at_a, lda, b, at_b, ldb, beta, c, at_c, ldc):
    """C = alpha*A@B + beta*C, column by column as Fortran has it."""
    size, flag = types.intp, types.boolean
    signature = types.void(flag, flag, size, size, size, NUMBER, a, size, size, b, size, size, NUMBER, c, size, size)

    def codegen(context, builder, sig, args):
        char, i32 = ir.IntType(8), ir.IntType(32)

        def slot(value):
            place = cgutils.alloca_once(builder, value.type)
            builder.store(value, place)
            return builder.bitcast(place, char.as_pointer())

        def letter(value):
            return slot(builder.select(value, char(ord("T")), char(ord("N"))))

        def whole(value):
            return slot(builder.trunc(value, i32))

        def entry(array, value, at):
            data = context.make_array(array)(context, builder, value).data
            return builder.bitcast(builder.gep(data, [at]), char.as_pointer())

        arrays = [entry(sig.args[i], args[i], args[i + 1]) for i in (6, 9, 13)]
        head = [letter(args[0]), letter(args[1]), whole(args[2]), whole(args[3]), whole(args[4]), slot(args[5])]
        tail = [arrays[0], whole(args[8]), arrays[1], whole(args[11]), slot(args[12]), arrays[2], whole(args[15])]
        kind = ir.FunctionType(ir.VoidType(), [char.as_pointer()] * 13)
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "symnet_gemm_{letter}"), head + tail)
        return context.get_dummy_value()

    return signature, codegen


@njit(**PART)
def gemm(m, n, k, alpha, a, at_a, row_a, col_a, b, at_b, row_b, col_b, beta, c, at_c, row_c, col_c):
    """C[m,n] = alpha*A[m,k]@B[k,n] + beta*C, each matrix an array, an offset and the strides of rows and columns."""
    if m == 0 or n == 0:
        return
    if col_c == 1 or (n == 1 and row_c != 1):  # rows of C lie in memory: Fortran sees the transposed product B'@A'
        ta, tb = col_a != 1, col_b != 1 and n != 1
        lda, ldb = (larger(col_a, m) if ta else larger(row_a, k)), (larger(col_b, k) if tb else larger(row_b, n))
        blas_gemm(tb, ta, n, m, k, alpha, b, at_b, ldb, a, at_a, lda, beta, c, at_c, larger(row_c, n))
    else:
        ta, tb = row_a != 1 and m != 1, row_b != 1
        lda, ldb = (larger(row_a, k) if ta else larger(col_a, m)), (larger(row_b, n) if tb else larger(col_b, k))
        blas_gemm(ta, tb, m, n, k, alpha, a, at_a, lda, b, at_b, ldb, beta, c, at_c, larger(col_c, m))


@njit(**PART)
def larger(a, b):
    return a if a > b else b
'''
