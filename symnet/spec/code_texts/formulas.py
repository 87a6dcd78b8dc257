"""E01xx: names; E02xx: formulas, shapes, kinds; E03xx: derivations."""

from __future__ import annotations

from symnet.spec.code_texts.code import Code

FORMULAS = {
    "E0101": Code(
        "a name that cannot be used",
        "Names are words of letters, digits and underscores, and do not begin with a digit; dots join them "
        "(`dense.W`). Greek letters and most of Python's keywords are fine (`lambda`, `class`).",
        "tensors",
        "  my-input: {shape: [N], role: input}",
        "  my_input: {shape: [N], role: input}",
    ),
    "E0102": Code(
        "a name that stands for nothing",
        "There is no tensor, dim, function, layer, loss, metric, optimizer or option of that name where it "
        "stands. Tensors are declared under `tensors:` or defined by formulas and layers, dims under `dims:`. "
        "The hint names a near one.",
        "formulas",
        "  q = sofmax(z)",
        "  q = softmax(z)",
    ),
    "E0103": Code(
        "a name that stands for two things",
        "A tensor is declared or defined once, and no dim has its name. Names are compared after NFKC, so "
        "that the micro sign and the Greek letter mu are one.",
        "formulas",
        "  q = z\n  q = 2*z",
        "  q = z\n  q2 = 2*z",
    ),
    "E0201": Code(
        "shapes that do not fit",
        "A read has an index for each axis. `a + b` needs shapes that broadcast as in NumPy, `a @ b` that the "
        "last axis of a is the last but one of b. Indices on the left go with a scalar on the right: either "
        "all is written with indices or nothing is. The message names both shapes.",
        "formulas",
        "  q = W @ x",
        "  q = x @ W",
    ),
    "E0202": Code(
        "an index without a range, or a read outside its axis",
        "How far an index runs follows from where it stands alone on an axis: in `x[n,d]` n runs over the "
        "first axis of x. Where there is no such read, say it: `m[s:T, t:T] = s <= t`, `sum(..., u=3)`. A "
        "read that may lie outside its axis, such as `x[n-1]`, stands behind a guard that keeps it inside: "
        "`where(n > 0, x[n-1], 0)`. A guard speaks of indices; a condition on values is none.",
        "formulas",
        "  q[n] = x[n,0] + x[n-1,0]",
        "  q[n] = x[n,0] + where(n > 0, x[n-1,0], 0)",
    ),
    "E0203": Code(
        "an index that does not fit",
        "An index has one range: all axes on which it stands alone have the same size. An index on the right "
        "stands on the left as well, or is summed over; there is no implicit summation. An index that a "
        "reduction binds is not in use outside it. A place is an index, a whole number, a sum of such (`2*i + "
        "u - 1`), or a read of labels.",
        "formulas",
        "  q[n,k] = x[n,d]*W[d,k]",
        "  q[n,k] = sum(x[n,d]*W[d,k], d)",
    ),
    "E0204": Code(
        "a tensor of the wrong kind",
        "The kind says what values are: real, simplex and onehot (rows that sum to 1), label (whole numbers "
        "from 0), positive, mask (0 and 1). Only labels say where a tensor is read; `classes` belongs to "
        "labels, `init` to parameters.",
        "formulas",
        "  q[n] = z[n, x[n,0]]",
        "  q[n] = z[n, t[n]]",
    ),
    "E0205": Code(
        "definitions that wait for each other",
        "A tensor may read itself only at a shifted index, all shifts of one axis in one direction: a "
        "recurrence. Write `h[n,t,k] = a[n,t,k] + where(t > 0, h[n,t-1,k], 0)`. Layers take what stands "
        "before them.",
        "formulas",
        "  q = q + z",
        "  q[n,k] = z[n,k] + where(k > 0, q[n,k-1], 0)",
    ),
    "E0206": Code(
        "something in a formula that has no meaning here",
        "A tensor is read with square brackets, a function called with round ones. `@` is for two tensors. "
        "Losses, softmax and their like take whole tensors. A number is finite and real: no division by zero, "
        "no root of what is negative.",
        "formulas",
        "  q[n] = exp[x[n,0]]",
        "  q[n] = exp(x[n,0])",
    ),
    "E0207": Code(
        "text that is no formula",
        "A bracket that is not closed, an operator without an operand, two operands without an operator, or a "
        "character that does not belong in formulas. Products are written with `*`, powers with `**`. A "
        "formula goes on in the next line while a bracket is open or that line is indented more deeply. The "
        "grammar is in `symnet/spec/grammar.py`: numbers, names, reads `x[n,d]`, calls `f(...)`, + - * / ** "
        "@, comparisons, & | ~.",
        "formulas",
        "  q = 2 z",
        "  q = 2*z",
    ),
    "E0208": Code(
        "a construct that formulas do not have",
        "Formulas are a small part of Python's expressions: no slices, lists, texts, attributes, remainders, "
        "nor anything that could run code. A choice is `where(condition, yes, no)`; `&` and `|` need brackets "
        "around comparisons.",
        "formulas",
        "  q[n] = z[n,0]^2",
        "  q[n] = z[n,0]**2",
    ),
    "E0209": Code(
        "a formula or number that is too large",
        "Formulas have at most 4,000 characters, 60 nested brackets and 100 levels, numbers stay below 1e300 "
        "and have at most 40 digits, exponents are at most 100. Split a long formula: give parts of it names "
        "of their own.",
        "formulas",
        "  q = z*9**9**9",
        "  q = z*9**9",
    ),
    "E0210": Code(
        "arguments that a function does not take",
        "Too many or too few arguments, or an option that the function does not have. `max` and `min` run "
        "over indices or axes; of two values take `maximum(a, b)`.",
        "formulas",
        "  q[n] = max(z[n,0], 0)",
        "  q[n] = maximum(z[n,0], 0)",
    ),
    "E0211": Code(
        "a formula without a proper left side",
        "A formula is `name = right side` or `name[i,j] = right side`, with one `=`. On the left stand "
        "indices, with their range where nothing else tells it: `h[n, t:T] = ...`. Equality within a formula "
        "is `==`.",
        "formulas",
        "  z[n+1,k] = 2",
        "  q[n] = z[n,0]",
    ),
    "E0301": Code(
        "a gradient of what is no scalar",
        "A loss is one number; the message names the shape that was found. Take the sum or mean of it, or ask "
        "for a Jacobian.",
        "section",
        "loss: z",
        "loss: mean(z)",
    ),
}
