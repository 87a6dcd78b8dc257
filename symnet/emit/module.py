"""A function of tensors as a module: imports, vector math, one compiled kernel, and a face that takes NumPy arrays.

A module is made of parts, which others are made of too: a `Compiled` function, and a face in front of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from symnet.core.definition import Node, Program
from symnet.emit.document import documentation, module_doc
from symnet.emit.face import Face, face_helpers
from symnet.emit.hints import HINTS
from symnet.emit.kernels import INDENT, Writer
from symnet.emit.layout import laid_out
from symnet.emit.names import Names
from symnet.emit.prelude import EXTRA, HEAD
from symnet.emit.scalar import is_whole_node
from symnet.emit.tiles import tiled_gemm_source
from symnet.emit.vector_math import source as vector_math
from symnet.schedule.memory import Store
from symnet.schedule.schedule import Schedule, schedule
from symnet.schedule.units import row_strides

Lines = Sequence[str]
IMPORT = re.compile(r"^(?:from (\S+) )?import (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Compiled:
    """A compiled function of a module: its parameters with their types, its lines, and what it calls."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    used: frozenset[str]
    returns: str = "void"

    def text(self, signed: bool = True) -> list[str]:
        """The function; `signed`, it is compiled when the module is imported, otherwise when it is first called."""
        kinds = [kind for _, kind in self.parameters]
        decorator = f"@njit({signature(kinds, self.returns)}, **KERNEL)" if signed else "@njit(**KERNEL)"
        head = f"def {self.name}({', '.join(name for name, _ in self.parameters)}):"
        return [decorator, head, *(self.lines or [f"{INDENT}pass"])]


@dataclass(frozen=True)
class FunctionPart:
    """A function of arrays: its kernel and the face before it, and how to call the kernel without the face."""

    kernel: Compiled
    face: tuple[str, ...]
    schedule: Schedule
    inputs: tuple[Node, ...]
    arrays: tuple[Node, ...]
    scalars: tuple[Node, ...]
    sizes: tuple[sp.Symbol, ...]
    call: str
    main: tuple[str, ...]


@dataclass(frozen=True)
class FunctionModule:
    """An emitted module, and how to call its kernel: inputs, outputs, scalars, work arrays, sizes."""

    source: str
    schedule: Schedule
    inputs: tuple[Node, ...]
    arrays: tuple[Node, ...]
    scalars: tuple[Node, ...]
    sizes: tuple[sp.Symbol, ...]


def function_module(
    program: Program, outputs: Sequence[Node], dtype: str, declared: Program | None = None
) -> FunctionModule:
    """The module for a program in normal form, stabilised; `declared` is what its head shows."""
    names = Names()
    shown = program if declared is None else declared
    names.all((*program.inputs(), *shown))
    part = function_part(program, outputs, dtype, names)
    doc = module_doc(
        f"Computes {', '.join(names(o, o.name) for o in outputs)}.", documentation(shown, names.of), [part.call]
    )
    helpers = face_helpers([part.face])
    text = module_text(
        doc, dtype, set(part.kernel.used), part.kernel.text(), [*helpers, *part.face, "", "", *part.main]
    )
    return FunctionModule(text, part.schedule, part.inputs, part.arrays, part.scalars, part.sizes)


# -- parts


def function_part(
    program: Program,
    outputs: Sequence[Node],
    dtype: str,
    names: Names,
    *,
    name: str = "forward",
    kernel: str = "kernel",
    numbers: Mapping[sp.Symbol, int] | None = None,
    params: Iterable[Node] = (),
    results: Callable[[list[str]], str] = ", ".join,
    gives: str = "",
) -> FunctionPart:
    """A function of the program's inputs.

    `numbers` are sizes that are known, `params` come in one mapping by name, `results` writes what is returned
    and `gives` says it in words.
    """
    known = dict(numbers or {})
    inputs = tuple(program.inputs())
    sizes = tuple(s for s in size_symbols(program, inputs) if s not in known)
    made = [o for o in dict.fromkeys(outputs) if o in program]
    arrays, scalars = tuple(o for o in made if o.rank), tuple(o for o in made if not o.rank)
    names.all((*inputs, *arrays))
    size_names = {s: names(s, str(s)) for s in sizes}
    fixed = {node: whole_array(node, names.of[node]) for node in (*inputs, *arrays)}
    capacity = {s: sp.Integer(v) for s, v in known.items()}
    plan = schedule(program, fixed, outputs, capacity=capacity, itemsize=np.dtype(dtype).itemsize)
    writer = Writer(plan.memory, size_names, known, dtype == "float64", names)
    writer.wide.update(n for n in inputs if not n.rank and not is_whole_node(n))
    writer.arrays_apart()
    writer.kernels(plan.items)
    for at, node in enumerate(scalars):
        writer.line(f"scalars[{at}] = {writer.local(node)}")
    parameters = [(names.of[n], kind_of(n)) for n in (*inputs, *arrays)]
    parameters += [("scalars", "float64[::1]"), ("ws", "NUMBER[::1]"), ("near", "NUMBER[::1]"), ("wi", "int64[::1]")]
    parameters += [(text, "int64") for text in size_names.values()]
    compiled = Compiled(kernel, tuple(parameters), tuple(writer.lines), frozenset(writer.used))
    given = frozenset(params).intersection(inputs)
    front = Face(name, writer, inputs, arrays, scalars, tuple(outputs), size_names, plan, given, gives)
    lines = tuple(front.lines(kernel, results))
    return FunctionPart(compiled, lines, plan, inputs, arrays, scalars, sizes, front.call(), tuple(front.main()))


def size_symbols(program: Program, nodes: Sequence[Node]) -> tuple[sp.Symbol, ...]:
    """Every size that the program's shapes, ranges and formulas speak of."""
    found: set[sp.Symbol] = set()
    for node in (*nodes, *program):
        for size in node.shape:
            found |= size.free_symbols
    for definition in program.definitions.values():
        found |= {s for s in definition.formula.free_symbols if s.is_positive}
    return tuple(sorted(found, key=str))


def whole_array(node: Node, array: str) -> Store:
    if not node.rank:
        return Store(None, sp.S.Zero, (), ())
    return Store(array, sp.S.Zero, tuple(range(node.rank)), tuple(row_strides(node.shape)))


def kind_of(node: Node) -> str:
    """The type of a tensor as a parameter of a kernel."""
    base = "int64" if is_whole_node(node) else "NUMBER"
    if node.rank:
        return f"{base}[::1]"
    return "int64" if is_whole_node(node) else "float64"


def signature(kinds: Sequence[str], returns: str = "void") -> str:
    """The explicit signature of a kernel: types as objects, no text to parse."""
    parts = [k if k == "NUMBER[::1]" else f"types.{k}" for k in kinds]
    return f"types.{returns}({', '.join(parts)})"


# -- text


def module_text(doc: str, dtype: str, used: set[str], kernel: Lines, face_lines: Lines, helpers: str = "") -> str:
    """A module of one compiled function with what it calls, and a face."""
    sections = (helpers.split("\n"), kernel, face_lines)
    return assembled(doc, dtype, used, ["\n".join(laid_out(section)) for section in sections])


def assembled(doc: str, dtype: str, used: set[str], sections: Iterable[str]) -> str:
    """A module: its head, the imports that it needs, what its functions call, and sections, two blank lines between."""
    parts = [HEAD.format(dtype=dtype)]
    functions = sorted(used - {"gemm", *HINTS})
    parts += [HINTS[name] for name in sorted(used & set(HINTS))]
    if functions:
        parts.append(vector_math(functions, dtype))
    if "gemm" in used:
        parts.append(tiled_gemm_source(dtype))
    texts = [IMPORT.sub("", text).strip("\n") for text in (*parts, *sections)]
    texts = [text for text in texts if text]
    head = doc if doc.startswith('"""') else f'"""{doc}"""'
    return f"{head}\n\n{imports(parts, texts)}\n\n" + "\n\n\n".join(texts) + "\n"


def imports(parts: Iterable[str], texts: Iterable[str]) -> str:
    """The imports of all parts in one place, as far as the texts name what they import: Python's own, then others."""
    text = "\n".join(texts)
    wanted: dict[str, set[str]] = {}
    for part in (*parts, EXTRA):
        for source, names in IMPORT.findall(part):
            for name in names.split(", "):
                own = name.split()[-1]
                if re.search(rf"\b{own}\.\w" if not source or own in ("llb", "ir", "cgutils") else rf"\b{own}\b", text):
                    wanted.setdefault(source, set()).add(name)
    lines = [f"import {name}" for name in sorted(wanted.pop("", ()))]
    lines += [f"from {source} import {', '.join(sorted(names))}" for source, names in sorted(wanted.items())]
    own = [line for line in lines if line.split()[1].split(".")[0] in sys.stdlib_module_names]
    others = [line for line in lines if line not in own]
    return "\n\n".join("\n".join(group) for group in (own, others) if group)
