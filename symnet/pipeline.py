"""symnet, read first: from a declared network to the formulas of its derivatives.

    declare -> normalise -> differentiate -> simplify -> finish
                                                 \\-> show, check, evaluate

`derive_program` is the pipeline, a line per stage; everything below it asks it a question.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symnet.core.definition import Definition, Node, Program, shape_text
from symnet.core.expr import Bound
from symnet.core.graph import verify_order
from symnet.core.normal import inline_anonymous, normalise
from symnet.core.verify import check_names
from symnet.declare.notation import default_indices
from symnet.declare.tensor import Tensor
from symnet.differentiate.reverse import Adjoints, own_indices, reverse, tangents
from symnet.errors import FormulaProblem, KindProblem, NonScalarLoss, ShapeProblem, SymnetWarning
from symnet.schedule.gathers import gathers_joined
from symnet.simplify.adjoints import Simplified, simplify_derived
from symnet.simplify.stabilise import stabilise

Seed = Callable[[tuple[sp.Symbol, ...]], sp.Expr]


@dataclass(frozen=True)
class Derived:
    """What the pipeline found: the results, in the order asked for, and what led there.

    `raw` holds the derived definitions as the chain rule gave them, `simple` what the rules made of them.
    """

    root: Node
    results: tuple[Tensor, ...]
    simple: Simplified
    raw: Mapping[Node, Definition]

    def by_target(self) -> dict[Node, Tensor]:
        """The results by the tensors that they are derivatives by."""
        return {result.info["adjoint_of"]: result for result in self.results}

    @property
    def program(self) -> Program:
        """The forward definitions and the final derived ones."""
        return self.simple.program


def derive_program(root: Node, wanted: Sequence[Node], differentiate: Callable[[Program], Adjoints]) -> Derived:
    """The pipeline. Each stage turns programs into programs and leaves the one before untouched."""
    declared = checked(Program.of([root]))  # names are unique, every cycle is a recurrence
    flat = normalise(declared, keep=wanted)  # one reduction per definition, at its root
    adjoints = differentiate(flat)  # one rule; raw adjoints of everything active
    targets = [adjoints.of[w] for w in wanted if w in adjoints.of]
    simple = simplify_derived(flat, adjoints.definitions, targets)  # the table of rules
    finish(simple.program)  # derived tensors get their final formulas
    return Derived(root, tuple(targets), simple, adjoints.definitions)


def checked(program: Program) -> Program:
    """Refuses programs in which a name stands for two things or definitions wait for each other."""
    check_names(program)
    verify_order(program)
    return program


def finish(program: Program) -> None:
    """Give each derived tensor its formula, anonymous definitions written out."""
    for node, definition in program.definitions.items():
        if node.definition is None and not node.anonymous:
            node.bind(Definition(definition.indices, inline_anonymous(definition.formula, program)))


# -- questions


def grad(loss: Tensor, wrt: Any) -> Any:
    """The gradient of a scalar by one tensor, or by each of several; intermediates are allowed."""
    return _one_or_list(gradients(loss, as_list(wrt)), wrt)


def gradients(loss: Tensor, wrt: Sequence[Node]) -> list[Tensor]:
    derived = derive_gradients(loss, wrt)
    found = derived.by_target()
    return [found[w] if w in found else zero_gradient(loss, w) for w in wrt]


def derive_gradients(loss: Tensor, wrt: Sequence[Node]) -> Derived:
    """The pipeline asked for gradients of a scalar."""
    if not isinstance(loss, Node):
        raise FormulaProblem(f"the loss must be a tensor, but is {loss!r}", 'define it: sn.define("L", (), ...)')
    if loss.rank:
        raise NonScalarLoss(
            f"the gradient of {loss.name}, which has shape {shape_text(loss.shape)} and is no scalar",
            "take its sum or mean first, or ask for sn.jacobian, or sn.vjp with a weight for each entry",
        )
    check_wrt(wrt)
    return derive_program(loss, wrt, lambda program: reverse(program, loss, wrt, lambda _: sp.S.One))


def jacobian(output: Tensor, wrt: Any) -> Any:
    """d output[o] / d wrt[i], with the indices of the output first."""
    targets = as_list(wrt)
    check_wrt(targets)
    check_tensor("a Jacobian", output)
    outer = fresh_bounds(output, targets)
    places = tuple(i for i, _ in outer)

    def seed(m: tuple[sp.Symbol, ...]) -> sp.Expr:
        return sp.Mul(*[sp.KroneckerDelta(a, b) for a, b in zip(places, m, strict=True)])

    derived = derive_program(output, targets, lambda program: reverse(program, output, targets, seed, outer))
    found = derived.by_target()
    results = [found[t] if t in found else zero_gradient(output, t, outer) for t in targets]
    return _one_or_list(results, wrt)


def hessian(loss: Tensor, wrt: Tensor, also: Tensor | None = None) -> Tensor:
    """Second derivatives of a scalar: by `wrt` twice, or by `wrt` and then `also`."""
    if not isinstance(wrt, Node):
        raise FormulaProblem(
            f"a hessian by {wrt!r}, which is no single tensor",
            "sn.hessian(L, W, b) mixes two; sn.jacobian(g, [W, b]) takes several",
        )
    result: Tensor = jacobian(grad(loss, wrt), wrt if also is None else also)
    return result


def vjp(output: Tensor, wrt: Any, weight: Tensor) -> Any:
    """Sum over o of weight[o] * d output[o] / d wrt, without the Jacobian."""
    check_tensor("a vjp", output)
    check_same_shape("vjp", output, weight)
    targets = as_list(wrt)
    check_wrt(targets)
    derived = derive_program(output, targets, lambda p: reverse(p, output, targets, lambda m: weight.read(*m)))
    found = derived.by_target()
    return _one_or_list([found[t] if t in found else zero_gradient(output, t) for t in targets], wrt)


def jvp(output: Tensor, wrt: Tensor, direction: Tensor) -> Tensor:
    """How the output moves when `wrt` moves along `direction`: forward mode."""
    check_tensor("a jvp", output)
    check_wrt([wrt])
    check_same_shape("jvp", wrt, direction)
    derived = derive_program(output, [output], lambda program: tangents(program, {wrt: direction}, output))
    return derived.results[0] if derived.results else zero_like(f"{output.name}_dot", output)


def hvp(loss: Tensor, wrt: Tensor, direction: Tensor) -> Tensor:
    """The Hessian times a direction, without the Hessian: the tangent of the gradient."""
    return jvp(grad(loss, wrt), wrt, direction)


def lower(program: Program) -> Program:
    """A program as it is executed: in normal form, gathers in the sums they belong to, stable in floating point."""
    return stabilise(gathers_joined(normalise(program, keep=program.outputs)))


# -- small parts


def as_list(wrt: Any) -> list[Node]:
    return list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]


def _one_or_list(results: list[Tensor], asked: Any) -> Any:
    return results if isinstance(asked, (list, tuple)) else results[0]


def check_wrt(wrt: Iterable[Any]) -> None:
    for target in wrt:
        if not isinstance(target, Node):
            raise FormulaProblem(
                f"a derivative by {target!r}, which is no tensor", "give the tensor itself: sn.grad(L, W)"
            )
        if target.kind == "label":
            raise KindProblem(
                f"a derivative by {target.name}, which holds labels", "labels are integers and have no slope"
            )


def check_tensor(what: str, tensor: Any) -> None:
    if not isinstance(tensor, Node):
        raise FormulaProblem(f"{what} of {tensor!r}, which is no tensor", 'define it: sn.define("L", (), ...)')


def check_same_shape(what: str, tensor: Node, other: Any) -> None:
    if not isinstance(other, Node) or other.shape != tensor.shape:
        raise ShapeProblem(f"{what}: {other!r} must have the shape of {tensor!r}")


def zero_gradient(root: Node, target: Node, outer: tuple[Bound, ...] = ()) -> Tensor:
    """The zero tensor, with a warning: the root does not depend on the target."""
    warnings.warn(f"{root.name} does not depend on {target.name}: its gradient is zero", SymnetWarning, stacklevel=4)
    indices = (*(i for i, _ in outer), *own_indices(target, target.definition, [i for i, _ in outer]))
    shape = (*(e for _, e in outer), *target.shape)
    return Tensor(
        f"{target.name}_bar", shape, definition=Definition(indices, sp.S.Zero), auto=True, root=root, adjoint_of=target
    )


def zero_like(name: str, tensor: Node) -> Tensor:
    warnings.warn(f"{tensor.name} does not move: its tangent is zero", SymnetWarning, stacklevel=3)
    definition = Definition(default_indices(tensor.shape), sp.S.Zero)
    return Tensor(name, tensor.shape, definition=definition, auto=True, root=tensor)


def fresh_bounds(output: Node, targets: Sequence[Node]) -> tuple[Bound, ...]:
    """Free indices for the output's axes: its own."""
    return tuple(zip(own_indices(output, output.definition), output.shape, strict=True))
