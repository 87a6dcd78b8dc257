"""A loss whose samples count differently: `Sum_n cost[n]` becomes `Sum_n cost[n]*weight[n]`, wherever it stands.

    e[k] := 1/N Sum_n (v[n, k] - y[n, k])**2         weighted_e[k] := 1/N Sum_n (v[n, k] - y[n, k])**2*weight[n]
    L    := 1/K Sum_k e[k]                           weighted_L    := 1/K Sum_k weighted_e[k]

What has samples itself (`v`, and the moments that a layer takes of a batch on the way to it) stays as it is.
"""

from __future__ import annotations

import sympy as sp

from symnet.core.definition import Definition, Node, Program, Read, read_nodes, write_out
from symnet.core.expr import Reduce, transform
from symnet.declare.notation import sign_facts
from symnet.declare.tensor import Tensor
from symnet.errors import TrainingProblem


def reweighted(loss: Tensor, weight: Tensor, batch: sp.Symbol) -> Tensor:
    """The loss with each sum over samples weighted, and all that it is made of after the samples are summed."""
    made: dict[Node, Tensor] = {}
    for node, definition in _after_samples(loss, batch).items():
        written = write_out(definition.formula, lambda read: _followed(read, made))
        formula = transform(written, lambda expr: _weighted(expr, weight, batch, node))  # noqa: B023
        if formula != definition.formula:
            made[node] = _weighted_tensor(node, Definition(definition.indices, formula))
    if loss not in made:
        raise TrainingProblem(
            f"{loss.name} has no sum over the samples that could be weighted",
            "take the loss as a mean over samples, or put the weights into its formula as an input",
        )
    if made.keys() & Program.of([made[loss]]).definitions.keys():
        raise TrainingProblem(
            f"{loss.name} sums samples in a recurrence, which cannot be weighted",
            "put the weights into its formula as an input",
        )
    return made[loss]


def _after_samples(loss: Tensor, batch: sp.Symbol) -> dict[Node, Definition]:
    """The definitions that a loss reaches without passing one that has samples, each after what it reads."""
    reached: set[Node] = {loss}
    todo: list[Node] = [loss]
    while todo:
        definition = todo.pop().definition
        for node in read_nodes(definition.formula) if definition is not None else ():
            if node not in reached and not any(size.has(batch) for size in node.shape):
                reached.add(node)
                todo.append(node)
    return {node: d for node, d in Program.of([loss]).definitions.items() if node in reached}


def _followed(read: Read, made: dict[Node, Tensor]) -> sp.Expr | None:
    """A read of what was weighted already."""
    found = made.get(read.node)
    return None if found is None else found.read(*read.indices)


def _weighted(expr: sp.Expr, weight: Tensor, batch: sp.Symbol, node: Node) -> sp.Expr:
    """A sum over samples with the weight of each; nothing else that reduces samples can be weighted."""
    if not isinstance(expr, Reduce) or not any(size.has(batch) for _, size in expr.bound):
        return expr
    body, bound = expr.open()
    samples = [index for index, size in bound if size == batch]
    if expr.op != "sum" or not samples:
        raise TrainingProblem(
            f"{node.name} takes the {expr.op} over the samples, which cannot be weighted",
            "weights multiply what a sum or a mean adds up: take one in the loss, or train without weights",
        )
    return Reduce("sum", body * sp.Mul(*[weight.read(sample) for sample in samples]), bound)


def _weighted_tensor(node: Node, definition: Definition) -> Tensor:
    """A tensor beside the one that was declared."""
    name = f"weighted_{node.name}".replace(".", "_")
    own = {"auto": node.auto, "anonymous": node.anonymous, **node.info}
    return Tensor(name, node.shape, definition=definition, facts=sign_facts(definition.formula), **own)
