"""Functions that emitted modules hold where they need them, as text: for faces, for training, and for threads."""

from __future__ import annotations

GIVEN = '''\
def given(name, value, shape, dtype=real):
    """The value as an array that kernels take; its shape must be this one."""
    array = np.asarray(value, dtype, order="C")
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, but has {array.shape}")
    return array
'''

LABELS = '''\
def labels(name, array, classes):
    """Labels outside their classes are refused: kernels read memory by them."""
    if array.size and not 0 <= array.min() <= array.max() < classes:
        raise ValueError(f"{name} must hold labels in 0..{classes - 1}, but holds {array.min()}..{array.max()}")
'''

VECTORS = '''\
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
'''

BARRIER = '''\
@intrinsic
def arrive(typing, sync):
    """One more thread is here."""

    def codegen(context, builder, sig, args):
        place = context.make_array(sig.args[0])(context, builder, args[0]).data
        builder.atomic_rmw("add", place, ir.IntType(64)(1), "acq_rel")
        return context.get_dummy_value()

    return types.void(sync), codegen


@intrinsic
def arrived(typing, sync):
    """How many threads have come here so far."""

    def codegen(context, builder, sig, args):
        place = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load_atomic(place, "acquire", 8)

    return types.int64(sync), codegen


@intrinsic
def give_way(typing):
    """Let another thread run."""

    def codegen(context, builder, sig, args):
        yields = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, yields, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@njit(**PART)
def barrier(sync, goal):
    """Wait until all threads are here; `goal` is how many arrivals that makes since the beginning."""
    arrive(sync)
    turns = 0
    while arrived(sync) < goal:
        turns += 1
        if turns > 4096:
            give_way()
'''

MASK = '''\
@njit(**PART)
def fill_mask(noise, at, count, keep, seed, step, salt):
    """1 with probability `keep`, else 0: a hash of (seed, step, place), so that any step can be drawn again."""
    key = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(step) * np.uint64(0xD1B54A32D192ED03)
    key += np.uint64(salt)
    limit = np.uint64(keep * 2.0**53)
    for i in range(count):
        z = key + np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        noise[at + i] = real(1.0) if (z >> np.uint64(11)) < limit else real(0.0)
'''
