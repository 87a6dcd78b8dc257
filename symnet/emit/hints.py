"""What LLVM has to be told, or not to be told, to make vectors of loops.

apart()      first in a kernel: its arrays do not overlap, so that what is written to one is not read from another
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
