"""The head of an emitted module."""

from __future__ import annotations

HEAD = """\
import math

import numpy as np
from llvmlite import binding as llb
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

real = np.{dtype}
zero, half, one, two = real(0.0), real(0.5), real(1.0), real(2.0)
NUMBER = types.{dtype}
KERNEL = dict(fastmath={{"contract", "reassoc", "nsz"}}, error_model="numpy", boundscheck=False, nogil=True, cache=True)
PART = dict(KERNEL, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called from kernels only
"""
EXTRA = "from concurrent.futures import ThreadPoolExecutor\nfrom time import perf_counter\n"  # what faces may need
