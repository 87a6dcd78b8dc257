"""A whole module for a function of tensors: imports, vector math, one kernel, and a face that takes NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symnet.core.definition import Node, Program, shape_text
from symnet.emit.kernels import INDENT, Writer
from symnet.emit.names import Names
from symnet.emit.prelude import DIFFERENCE, HEAD, NORMAL_CDF
from symnet.emit.scalar import is_whole_node
from symnet.emit.tiles import tiled_gemm_source
from symnet.emit.vector_math import source as vector_math
from symnet.schedule.memory import Store
from symnet.schedule.schedule import Schedule, schedule
from symnet.schedule.units import row_strides

LETTER = {"float32": "s", "float64": "d"}


@dataclass(frozen=True)
class FunctionModule:
    """An emitted module, and how to call its kernel: inputs, outputs, scalars, work arrays, sizes."""

    source: str
    schedule: Schedule
    inputs: tuple[Node, ...]
    arrays: tuple[Node, ...]
    scalars: tuple[Node, ...]
    sizes: tuple[sp.Symbol, ...]


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
    return Store(array, sp.S.Zero, tuple(range(node.rank)), tuple(row_strides(node.shape)))


def function_module(program: Program, outputs: Sequence[Node], dtype: str) -> FunctionModule:
    """The module for a program in normal form, stabilised."""
    names = Names()
    inputs = tuple(program.inputs())
    sizes = size_symbols(program, inputs)
    made = [o for o in dict.fromkeys(outputs) if o in program]
    arrays, scalars = tuple(o for o in made if o.rank), tuple(o for o in made if not o.rank)
    size_names = {s: names(s, f"n_{s}") for s in sizes}
    fixed: dict[Node, Store] = {}
    for node in (*inputs, *arrays):
        name = names(node, node.name if node in inputs else f"{node.name}_out")
        fixed[node] = whole_array(node, name) if node.rank else Store(None, sp.S.Zero, (), ())
    plan = schedule(program, fixed, outputs)
    writer = Writer(plan.memory, size_names, {}, dtype == "float64", names)
    writer.wide.update(n for n in inputs if not n.rank and not is_whole_node(n))
    writer.kernels(plan.items)
    for at, node in enumerate(scalars):
        writer.line(f"scalars[{at}] = {writer.local(node)}")
    parameters = [names.of[n] for n in (*inputs, *arrays)] + ["scalars", "ws", "wi"] + list(size_names.values())
    kinds = [_kind(n) for n in (*inputs, *arrays)] + ["float64[::1]", "NUMBER[::1]", "int64[::1]"] + ["int64"] * len(sizes)
    text = module_text(
        documentation(program, outputs, names),
        dtype,
        writer.used,
        [
            f"@njit({signature(kinds)}, **KERNEL)",
            f"def kernel({', '.join(parameters)}):",
            *(writer.lines or [f"{INDENT}pass"]),
        ],
        face(writer, inputs, arrays, scalars, outputs, size_names, plan),
    )
    return FunctionModule(text, plan, inputs, arrays, scalars, sizes)


def _kind(node: Node) -> str:
    base = "int64" if is_whole_node(node) else "NUMBER"
    if node.rank:
        return f"{base}[::1]"
    return "int64" if is_whole_node(node) else "float64"


def signature(kinds: Sequence[str]) -> str:
    """The explicit signature of a kernel: types as objects, no text to parse."""
    parts = [k if k == "NUMBER[::1]" else f"types.{k}" for k in kinds]
    return f"types.void({', '.join(parts)})"


def module_text(
    doc: str, dtype: str, used: set[str], kernel: Sequence[str], face_lines: Sequence[str], helpers: str = ""
) -> str:
    """The parts of a module, two blank lines between them."""
    parts = [f'"""{doc}"""', HEAD.format(dtype=dtype).rstrip()]
    needed = used | ({"erfc"} if "normal_cdf" in used else set())
    functions = sorted(needed - {"gemm", "difference", "normal_cdf"})
    if functions:
        parts.append(vector_math(functions, dtype).rstrip())
    if "difference" in used:
        parts.append(DIFFERENCE.rstrip())
    if "normal_cdf" in used:
        parts.append(NORMAL_CDF.rstrip())
    if "gemm" in used:
        parts.append(tiled_gemm_source(dtype).rstrip())
    parts += [part for part in (helpers.rstrip(), "\n".join(kernel), "\n".join(face_lines)) if part]
    return "\n\n\n".join(parts) + "\n"


def documentation(program: Program, outputs: Sequence[Node], names: Names) -> str:
    asked = ", ".join(names.of.get(o, names(o, o.name)) for o in outputs)
    return f"Computes {asked}. Written by symnet; needs numpy, numba and scipy, and nothing else."


def face(
    writer: Writer,
    inputs: Sequence[Node],
    arrays: Sequence[Node],
    scalars: Sequence[Node],
    outputs: Sequence[Node],
    sizes: Mapping[sp.Symbol, str],
    plan: Schedule,
) -> list[str]:
    """`forward(...)`: NumPy arrays in, NumPy arrays out."""
    names = writer.names
    lines = [f"def forward({', '.join(names.of[n] for n in inputs)}):"]
    shapes = "; ".join(f"{names.of[n]} {shape_text(n.shape)}" for n in inputs)
    lines.append(f'{INDENT}"""{shapes or "No inputs"}."""')
    for node in inputs:
        dtype = "np.int64" if is_whole_node(node) else "real"
        if node.rank:
            lines.append(f"{INDENT}{names.of[node]} = np.ascontiguousarray({names.of[node]}, dtype={dtype})")
    known: set[sp.Symbol] = set()
    for node in inputs:
        for axis, size in enumerate(node.shape):
            if isinstance(size, sp.Symbol) and size not in known:
                known.add(size)
                lines.append(f"{INDENT}{sizes[size]} = {names.of[node]}.shape[{axis}]")
    for node in inputs:
        if node.rank:
            wanted = ", ".join(writer.size(s) for s in node.shape)
            lines.append(f"{INDENT}assert {names.of[node]}.shape == ({wanted},), {names.of[node]}.shape")
    for node in arrays:
        shape = ", ".join(writer.size(s) for s in node.shape)
        lines.append(f"{INDENT}{names.of[node]} = np.empty(({shape},), real)")
    size, whole = writer.size(plan.memory.size), writer.size(plan.memory.whole_size)
    lines.append(f"{INDENT}scalars, ws, wi = np.zeros({len(scalars)}), np.empty({size}, real), np.empty({whole}, np.int64)")
    flat = [f"{names.of[n]}.ravel()" if n.rank else names.of[n] for n in (*inputs, *arrays)]
    lines.append(f"{INDENT}kernel({', '.join([*flat, 'scalars', 'ws', 'wi', *sizes.values()])})")
    results = [
        names.of[o] if o.rank or o in inputs else f"float(scalars[{list(scalars).index(o)}])" for o in outputs
    ]
    lines.append(f"{INDENT}return {', '.join(results)}" if len(results) > 1 else f"{INDENT}return {results[0]}")
    return lines
