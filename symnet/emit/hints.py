"""What LLVM has to be told, or not to be told, to make vectors of loops.

apart()      first in a kernel: its arrays do not overlap, so that what is written to one is not read from another
fetch(a, i, c)  c entries of the array a, from i on, will be needed soon
unseen(n)    the number n, but LLVM cannot see which. A short inner loop whose count it knows is unrolled before it
             is looked at as a vector's work; measured for rows of 16, forward ReLU: 12 ns a row, hidden 1.4 ns.
"""

from __future__ import annotations

HINTS = {
    "apart": '''\
@intrinsic
def apart(typing):
    """Promise that the arrays of this function do not overlap."""

    def codegen(context, builder, sig, args):
        for given in builder.function.args:
            if given.type.is_pointer and given.name.endswith(".4"):  # the place of an array's data
                given.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), codegen
''',
    "fetch": '''\
@intrinsic
def fetch(typing, array, at, count):
    """Ask for `count` entries from `at` on to come nearer."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        asked = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        line, size = ir.IntType(64)(64 // (sig.args[0].dtype.bitwidth // 8)), ir.IntType(64)
        with cgutils.for_range_slice(builder, size(0), args[2], line, size) as (i, _):
            place = builder.gep(data, [builder.add(args[1], i)])
            builder.call(asked, [builder.bitcast(place, byte), flag(0), flag(2), flag(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), codegen
''',
    "unseen": '''\
@intrinsic
def unseen(typing, number):
    """The same number, but LLVM cannot see which: else it unrolls the loop, and then makes no vectors of it."""

    def codegen(context, builder, sig, args):
        kind = ir.FunctionType(args[0].type, [args[0].type])
        return builder.asm(kind, "", "=r,0", [args[0]], False)

    return types.intp(types.intp), codegen
''',
}
