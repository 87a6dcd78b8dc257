"""Tensors as definitions, and programs as sets of them.

The notation, as a grammar:

    program    ::=  definition*                                closed under reference
    definition ::=  name "[" index* "]" ":=" formula           the ranges of the indices are the tensor's shape
    formula    ::=  number | dim | index | read | formula + formula | formula * formula | formula ** formula
                 |  function(formula, ...)                     elementwise
                 |  op "[" index* "]" (formula)                sum, max, min, prod, argmax over bound indices
                 |  delta(place, place) | "[" condition "]"    Kronecker's delta, Iverson's bracket
    read       ::=  name "[" place* "]"
    place      ::=  affine expression of indices and dims | read of a label tensor

A tensor may read itself at a shifted index: that is a recurrence, and there is no other node for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.core.assumptions import StdFactKB
from sympy.core.cache import cacheit

from symnet.core.expr import Reduce, reduction, reindex
from symnet.core.index import as_shape, check_name
from symnet.errors import CycleProblem, ShapeProblem

KINDS = ("real", "simplex", "onehot", "label", "positive", "mask")
_FACTS = {
    "label": {"integer": True, "nonnegative": True},
    "positive": {"positive": True},
    "mask": {"integer": True, "nonnegative": True},
    "simplex": {"nonnegative": True},
    "onehot": {"integer": True, "nonnegative": True},
}
_serials = itertools.count()


class Base(sp.IndexedBase):  # type: ignore[misc]
    """The SymPy side of a tensor: what stands before the bracket of a read. Equal only to itself."""

    node: Node

    def __new__(cls, node: Node, facts: dict[str, bool]) -> Base:
        obj: Base = sp.Expr.__new__(cls, sp.Symbol(node.name))
        obj._shape, obj._offset, obj._strides, obj._name = None, sp.S.Zero, None, node.name
        obj.node = node
        obj._assumptions = StdFactKB({"commutative": True, "real": True, **facts})
        return obj

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self._name, self.node.serial)

    @property
    def func(self) -> Any:
        return lambda *args: self

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return set()

    @property
    def shape(self) -> tuple[sp.Expr, ...]:
        return self.node.shape


class Read(sp.Indexed):  # type: ignore[misc]
    """`T[i, j]`: a SymPy `Indexed` that knows its tensor; a scalar is read with no index."""

    def __new__(cls, base: Base, *places: sp.Expr, **_: Any) -> Read:
        obj: Read = sp.Expr.__new__(cls, base, *[sp.sympify(place) for place in places])
        obj._assumptions = base._assumptions
        return obj

    def _hashable_content(self) -> tuple[Any, ...]:
        return self._args  # type: ignore[no-any-return]

    @property
    def node(self) -> Node:
        return self.args[0].node  # type: ignore[no-any-return]

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return set().union(*(place.free_symbols for place in self.indices))

    @cacheit  # type: ignore[untyped-decorator]
    def sort_key(self, order: Any = None) -> tuple[Any, ...]:
        """SymPy's key, which is the text; reads of the same text by their tensors' age, then by their places."""
        kind, (count, text), *rest = super().sort_key(order)
        told_apart = (self.node.serial, tuple(place.sort_key() for place in self.indices))
        return (kind, (count, (*text, *told_apart)), *rest)

    def _sympystr(self, printer: Any) -> str:
        places = ",".join(printer.doprint(place) for place in self.indices)
        return f"{self.node.name}[{places}]" if places else self.node.name

    def _latex(self, printer: Any) -> str:
        places = ",".join(printer.doprint(place) for place in self.indices)
        return f"{self.node.name}_{{{places}}}" if places else str(self.node.name)


@dataclass(frozen=True)
class Definition:
    """`tensor[indices] := formula`."""

    indices: tuple[sp.Symbol, ...]
    formula: sp.Expr

    def at(self, places: Iterable[sp.Expr]) -> sp.Expr:
        """The formula with its indices replaced, all at once."""
        return reindex(self.formula, dict(zip(self.indices, places, strict=True)))


class Node:
    """A tensor: a name, a shape and, unless it is given from outside, a definition.

    Equality is identity. `auto` marks names that the compiler chose and may change; `anonymous` ones are
    shown as their formula.
    """

    def __init__(
        self,
        name: str,
        shape: Any,
        role: str = "defined",
        kind: str = "real",
        definition: Definition | None = None,
        *,
        auto: bool = False,
        anonymous: bool = False,
        facts: Mapping[str, bool] | None = None,
        **info: Any,
    ) -> None:
        check_name(name)
        self.name, self.shape, self.role, self.kind = name, as_shape(shape), role, kind
        self.auto, self.anonymous, self.info = auto, anonymous, info
        self.serial = next(_serials)
        self._definition: Definition | None = definition
        self.base = Base(self, {**_FACTS.get(kind, {}), **(facts or {})})
        self._frozen = True

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_frozen", False):
            raise AttributeError(f"{self.name} is immutable: {name} cannot be set")
        object.__setattr__(self, name, value)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def definition(self) -> Definition | None:
        return self._definition

    def bind(self, definition: Definition) -> None:
        """Give the definition of a tensor that was named first (a recurrence); it can be given once."""
        if self._definition is not None or self.role != "defined":
            raise CycleProblem(f"{self.name} is defined already", "give the second definition another name")
        object.__setattr__(self, "_definition", definition)

    def read(self, *places: Any) -> Read:
        if len(places) != self.rank:
            raise ShapeProblem(
                f"{self.name} has {self.rank} axes {shape_text(self.shape)}, but was read with {len(places)} indices"
            )
        return Read(self.base, *places)

    def __hash__(self) -> int:
        return hash(self.serial)

    def __repr__(self) -> str:
        return f"{self.name}{shape_text(self.shape)}"


def shape_text(shape: Iterable[sp.Expr]) -> str:
    """A shape as people write it: (N, D)."""
    return "(" + ", ".join(str(size) for size in shape) + ")"


@dataclass(frozen=True)
class Program:
    """Definitions closed under reference, in an order in which each stands after what it reads.

    A recurrence stands in the order its members were found; `outputs` are what was asked for.
    """

    outputs: tuple[Node, ...]
    definitions: Mapping[Node, Definition] = field(default_factory=dict)

    @classmethod
    def of(cls, outputs: Iterable[Node]) -> Program:
        """Everything that the outputs reach."""
        outputs = tuple(outputs)
        found: dict[Node, Definition] = {}
        for output in outputs:
            _collect(output, found)
        return cls(outputs, found)

    def __getitem__(self, node: Node) -> Definition:
        return self.definitions[node]

    def __contains__(self, node: Node) -> bool:
        return node in self.definitions

    def __iter__(self) -> Iterator[Node]:
        return iter(self.definitions)

    def inputs(self) -> list[Node]:
        """What must be given from outside, in the order in which it was declared."""
        seen = {r for d in self.definitions.values() for r in read_nodes(d.formula)} | set(self.outputs)
        return sorted(seen - set(self.definitions), key=lambda node: node.serial)

    def ranges(self, node: Node) -> dict[sp.Symbol, sp.Expr]:
        return dict(zip(self.definitions[node].indices, node.shape, strict=True))

    def __str__(self) -> str:
        return "\n".join(definition_text(node, d) for node, d in self.definitions.items())


def definition_text(node: Node, definition: Definition) -> str:
    """`z[n,k] := formula`, for reading."""
    places = ",".join(str(i) for i in definition.indices)
    return f"{node.name}[{places}] := {definition.formula}" if places else f"{node.name} := {definition.formula}"


@lru_cache(maxsize=4096)
def read_nodes(formula: sp.Expr) -> tuple[Node, ...]:
    """The tensors that a formula reads, each once, in a fixed order; they are asked for again in each evaluation."""
    nodes = {r.args[0].node for r in formula.atoms(sp.Indexed)}
    return tuple(sorted(nodes, key=lambda node: (node.name, node.serial)))


def _collect(root: Node, found: dict[Node, Definition]) -> None:
    """Depth first without recursion in Python: networks may be thousands of definitions deep."""
    stack: list[tuple[Node, bool]] = [(root, False)]
    entered = set(found)
    while stack:
        node, done = stack.pop()
        definition = node.definition
        if definition is None:
            continue
        if done:
            found[node] = definition
            continue
        if node in entered:
            continue
        entered.add(node)
        stack.append((node, True))
        stack.extend((r, False) for r in reversed(read_nodes(definition.formula)) if r not in entered)


def write_out(expr: sp.Expr, formula: Callable[[Read], sp.Expr | None]) -> sp.Expr:
    """Reads replaced by what `formula` gives for them (None leaves them), with bound indices out of reach."""
    if isinstance(expr, sp.Indexed):
        places = [write_out(place, formula) for place in expr.indices]
        read = expr if places == list(expr.indices) else expr.func(expr.args[0], *places)
        found = formula(read)
        return read if found is None else found
    if not expr.args or not any(formula(r) is not None for r in expr.atoms(sp.Indexed)):
        return expr
    if isinstance(expr, Reduce):
        body, bound = expr.open()
        return reduction(expr.op, write_out(body, formula), bound)
    return expr.func(*[write_out(arg, formula) if isinstance(arg, sp.Basic) else arg for arg in expr.args])


def canonical_key(node: Node, definition: Definition) -> tuple[Any, ...]:
    """Equal for definitions that differ in the names of their indices only."""
    names = {i: sp.Symbol(f"#{a}", integer=True) for a, i in enumerate(definition.indices)}
    return (node.shape, reindex(definition.formula, names))
