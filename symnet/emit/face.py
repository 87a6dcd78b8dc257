"""The function that a user of an emitted module calls: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symnet.core.definition import Node
from symnet.emit.document import safe, shape_words
from symnet.emit.helpers import GIVEN, LABELS
from symnet.emit.kernels import INDENT, Writer
from symnet.emit.layout import WIDTH, filled
from symnet.emit.random_values import drawn, shape_tuple
from symnet.emit.scalar import is_whole_node
from symnet.schedule.schedule import Schedule


def face_helpers(faces: Iterable[Sequence[str]]) -> list[str]:
    """The functions that faces call, as far as they are needed, each with two blank lines after it."""
    text = "\n".join(line for face in faces for line in face)
    helpers = [helper for name, helper in (("given(", GIVEN), ("labels(", LABELS)) if name in text]
    return [line for helper in helpers for line in [*helper.rstrip().split("\n"), "", ""]]


@dataclass(frozen=True)
class Face:
    """The function that a user calls: NumPy arrays in, NumPy arrays out."""

    name: str
    writer: Writer
    inputs: tuple[Node, ...]
    arrays: tuple[Node, ...]
    scalars: tuple[Node, ...]
    outputs: tuple[Node, ...]
    sizes: Mapping[sp.Symbol, str]
    plan: Schedule
    params: frozenset[Node] = frozenset()  # inputs that come in one mapping by name
    gives: str = ""  # what is returned, where that is not the outputs one by one

    def own(self, node: Node) -> str:
        return self.writer.names.of[node]

    def masks(self) -> list[Node]:
        """Inputs that are drawn, not given."""
        return [n for n in self.inputs if "keep" in n.info]

    def arguments(self) -> list[str]:
        """What has to be given: inputs, sizes that no shape says, and the seed of what is drawn."""
        single = [self.own(n) for n in self.given() if n not in self.params]
        unsaid = [self.sizes[s] for s in self.sizes if s not in dict(self.read_sizes())]
        return [*single, *(["params"] if self.params else []), *unsaid, *(["seed=0"] if self.masks() else [])]

    def given(self) -> list[Node]:
        return [n for n in self.inputs if "keep" not in n.info]

    def value(self, node: Node) -> str:
        """Where the value of an input comes from."""
        return f'params["{self.own(node)}"]' if node in self.params else self.own(node)

    def call(self) -> str:
        """`forward(x, W) -> p (N, K)`."""
        found = ", ".join(shape_words(n, self.outcome(n)) for n in self.outputs)
        return f"{self.name}({', '.join(self.arguments())}) -> {self.gives or found}"

    def lines(self, kernel: str, results: Callable[[list[str]], str]) -> Iterator[str]:
        yield f"def {self.name}({', '.join(self.arguments())}):"
        single = [shape_words(n, self.own(n)) for n in self.given() if n not in self.params]
        given = ", ".join([*single, *(["parameters by name"] if self.params else [])])
        yield from doc_lines(f"{self.call().split(' -> ')[1]} of {given or 'nothing'}.")
        for line in (*self.reading(), *self.drawing(), *self.making()):
            yield INDENT + line
        flat = [f"{self.own(n)}.ravel()" if n.rank else self.own(n) for n in (*self.inputs, *self.arrays)]
        yield f"{INDENT}{kernel}({', '.join([*flat, 'scalars', 'ws', 'near', 'wi', *self.sizes.values()])})"
        yield f"{INDENT}return {results([self.result(o) for o in self.outputs])}"

    def result(self, node: Node) -> str:
        if node.rank or node in self.inputs:
            return self.own(node)
        return f"float(scalars[{self.scalars.index(node)}])"

    def read_sizes(self) -> Iterator[tuple[sp.Symbol, str]]:
        """Each size that a shape says, and the text that reads it off: an axis, or an axis solved for it."""
        known: set[sp.Symbol] = set()
        axes = [(n, a, s) for n in self.given() for a, s in enumerate(n.shape)]
        axes.sort(key=lambda axis: not isinstance(axis[2], sp.Symbol))
        for node, axis, size in axes:
            unknown = [s for s in size.free_symbols if s in self.sizes and s not in known]
            place = f"np.shape({self.value(node)})[{axis}]"
            if len(unknown) == 1 and (text := self.solved(size, unknown[0], place)):
                known.add(unknown[0])
                yield unknown[0], text

    def solved(self, size: sp.Expr, symbol: sp.Symbol, place: str) -> str:
        """a*s + b = place, solved for s."""
        factor, rest = size.coeff(symbol, 1), size.coeff(symbol, 0)
        if sp.expand(factor * symbol + rest - size) != 0 or not factor.is_Integer:
            return ""
        text = place if rest == 0 else f"({place} - ({self.writer.size(rest)}))"
        return text if factor == 1 else f"{text} // {factor}"

    def reading(self) -> Iterator[str]:
        """Sizes off the shapes; then every array as the kernel takes it."""
        for size, text in self.read_sizes():
            yield f"{self.sizes[size]} = {text}"
        for node in self.given():
            own, value, whole = self.own(node), self.value(node), is_whole_node(node)
            if not node.rank:
                yield f"{own} = {'int' if whole else 'float'}({value})"
                continue
            yield f'{own} = given("{own}", {value}, {self.shape(node)}{", np.int64" if whole else ""})'
            if whole and "classes" in node.info:
                yield f'labels("{own}", {own}, {self.writer.size(sp.sympify(node.info["classes"]))})'

    def drawing(self) -> Iterator[str]:
        if self.masks():
            yield "draw = np.random.default_rng(seed).random"
        for node in self.masks():
            yield f"{self.own(node)} = (draw({self.shape(node)}) < {float(node.info['keep'])!r}).astype(real)"

    def making(self) -> Iterator[str]:
        """Results and work arrays."""
        for node in self.arrays:
            yield f"{self.own(node)} = np.empty({self.shape(node)}, {'np.int64' if is_whole_node(node) else 'real'})"
        sizes = self.plan.memory.sizes
        work = [f"np.empty({self.writer.size(sizes[name])}, real)" for name in ("ws", "near")]
        whole = f"np.empty({self.writer.size(sizes['wi'])}, np.int64)"
        yield f"scalars, ws, near, wi = np.zeros({len(self.scalars)}), {', '.join(work)}, {whole}"

    def shape(self, node: Node) -> str:
        return shape_tuple([self.writer.size(s) for s in node.shape])

    def main(self) -> Iterator[str]:
        """A script: the function is called on random values, and what it gives is printed."""
        yield "def main():"
        yield from doc_lines(f"Call `{self.name}` on random values.")
        for at, size in enumerate(self.sizes.values()):
            yield f"{INDENT}{size} = {4 + at}"
        yield f"{INDENT}rng = np.random.default_rng(0)"
        for node in self.given():
            classes = self.writer.size(sp.sympify(node.info.get("classes", 2)))
            yield f"{INDENT}{self.own(node)} = {drawn(node, [self.writer.size(s) for s in node.shape], classes)}"
        call = f"{self.name}({', '.join(a.split('=')[0] for a in self.arguments() if a != 'seed=0')})"
        names = ", ".join(f'"{self.outcome(o)}"' for o in self.outputs)
        results = call if len(self.outputs) > 1 else f"[{call}]"
        yield f"{INDENT}for name, value in zip([{names}], {results}):"
        yield f'{INDENT * 2}print(name, "=", value)'
        yield from ("", "", 'if __name__ == "__main__":', f"{INDENT}main()")

    def outcome(self, node: Node) -> str:
        return self.own(node) if node in self.arrays or node in self.inputs else node.name


def doc_lines(text: str) -> list[str]:
    """A docstring of a function; a long one closes on a line of its own."""
    lines = filled(f'"""{safe(text)}', INDENT, INDENT)
    whole = len(lines) == 1 and len(lines[0]) + 3 <= WIDTH
    return [f'{lines[0]}"""'] if whole else [*lines, f'{INDENT}"""']
