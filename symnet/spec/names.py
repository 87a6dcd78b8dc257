"""What formulas may speak of: dims, tensors, and how each size is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symnet.declare.tensor import Tensor
from symnet.spec.functions import FUNCTIONS
from symnet.spec.passage import Refused, Span, meant
from symnet.spec.scopes import Extent
from symnet.spec.tree import Binary, Name, Number, ReadOf, Term, Unary


@dataclass(eq=False)
class Known:
    """Dims by name, tensors by name, and the sizes of each tensor as they were written."""

    dims: dict[str, sp.Expr] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    extents: dict[str, tuple[Extent, ...]] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)  # names that formulas define
    dims_uncertain: bool = False  # likewise of dims
    uncertain: bool = False  # whether a name that is not known may belong to something that could not be read

    def add(self, tensor: Tensor, extents: Sequence[Extent] | None = None, name: str | None = None) -> None:
        """Note a tensor."""
        name = tensor.name if name is None else name
        self.tensors[name] = tensor
        self.extents[name] = tuple(extents) if extents is not None else tuple(self.extent(s) for s in tensor.shape)

    def extent(self, size: sp.Expr) -> Extent:
        """A size as it is written: by its dim's name where only one dim has it."""
        names = [name for name, value in self.dims.items() if value == size]
        if size.is_Integer:
            return Extent(size, f"{names[0]}={size}" if len(names) == 1 else str(size))
        return Extent(size, str(size))

    def dim(self, name: str) -> Extent:
        value = self.dims[name]
        return Extent(value, f"{name}={value}" if value.is_Integer else name)

    def size_of(self, tensor: str, axis: int) -> Extent | None:
        """The size of an axis, where it is known."""
        extents = self.extents.get(tensor)
        return None if extents is None or axis >= len(extents) else extents[axis]

    def shape_text(self, name: str) -> str:
        return "(" + ", ".join(extent.text for extent in self.extents[name]) + ")"

    def names(self) -> list[str]:
        return [*self.tensors, *self.dims, *self.later]

    def value(self, name: str, span: Span) -> Any:
        """What a name alone stands for: a scalar's read, a whole tensor, a dim, or pi."""
        if name in self.tensors:
            tensor = self.tensors[name]
            return tensor if tensor.rank else tensor.read()
        if name in self.dims:
            return self.dims[name]
        if name == "pi":
            return sp.pi
        raise self.unknown(name, span)

    def unknown(self, name: str, *spans: Span) -> Refused:
        """A name that stands for nothing."""
        if name in FUNCTIONS:
            return Refused("E0206", f"{name} is a function", f"call it: {name}(...)", spans)
        head = name.split(".")[0]
        if head != name and head in self.tensors:
            return Refused("E0102", f"there is no {name!r} here", f"{head} is a tensor: {head}.T is all it has", spans)
        hint = meant(name, self.names(), "declare it under tensors: or dims:")
        return Refused("E0102", f"there is no {name!r} here", hint, spans)

    def tensor(self, read: ReadOf) -> Tensor:
        """The tensor that is read, once it is sure that it has as many axes."""
        tensor = self.tensors.get(read.name)
        if tensor is None:
            raise self.no_tensor(read)
        if len(read.places) != tensor.rank:
            axes = f"{tensor.rank} ax{'i' if tensor.rank == 1 else 'e'}s {self.shape_text(read.name)}"
            given = f"{len(read.places)} ind{'ex' if len(read.places) == 1 else 'ices'}"
            raise Refused("E0201", f"{read.name} has {axes}, but is read with {given}", "", [read.span])
        return tensor

    def wrong_read(self, read: ReadOf) -> list[Refused]:
        """What is wrong with a read, if anything is."""
        try:
            self.tensor(read)
        except Refused as refused:
            return [refused]
        return []

    def no_tensor(self, read: ReadOf) -> Refused:
        if read.name in FUNCTIONS:
            return Refused("E0206", f"{read.name} is a function", "call it with round brackets", [read.head])
        if read.name in self.dims:
            return Refused("E0206", f"{read.name} is a dim, not a tensor", "a dim is a number", [read.head])
        hint = meant(read.name, [*self.tensors, *self.later], "declare it under tensors:")
        return Refused("E0102", f"there is no tensor {read.name!r}", hint, [read.head])

    def said(self, term: Term) -> Extent:
        """A size that is said outright: `T`, `3`, `2*T - 1`."""
        if isinstance(term, Name) and term.name in self.dims:
            return self.dim(term.name)
        size = sp.expand(self.size(term))
        if not size.is_integer or size.is_positive is False or (size.is_Integer and size > 2**62):
            raise Refused("E0202", "this is no size", "a size is a whole number, 1 or more, or a dim", [term.span])
        return Extent(size, str(size))

    def size(self, term: Term) -> sp.Expr:
        if isinstance(term, Number) and term.text.isdigit():
            return sp.Integer(int(term.text))
        if isinstance(term, Name):
            if term.name not in self.dims:
                hint = meant(term.name, self.dims, "declare it under dims:")
                raise Refused("E0102", f"there is no dim {term.name!r}", hint, [term.span])
            return self.dims[term.name]
        if isinstance(term, Unary) and term.sign == "-":
            return -self.size(term.of)
        if isinstance(term, Binary) and term.sign in "+-*":
            left, right = self.size(term.left), self.size(term.right)
            return left + right if term.sign == "+" else left - right if term.sign == "-" else left * right
        raise Refused("E0202", "this is no size", "a size is made of whole numbers and dims by +, - and *", [term.span])
