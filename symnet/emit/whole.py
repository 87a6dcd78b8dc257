"""A model as one module that runs by itself: its outputs, its loss with all gradients, and its training loop.

    forward(x, params)                 the outputs, as they are when nothing is trained
    loss_and_gradients(x, y, params)   the loss and its slope by each parameter, as in training
    train_steps(...)                   the compiled loop over batches
    train(x, y)                        that loop with everything it needs

Parameters are a mapping by name for people, and one vector for the loop; `PARAMETERS` says where each lies in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symnet.core.definition import Node, Program
from symnet.emit.document import documentation, kind_words, module_doc, shape_words
from symnet.emit.face import doc_lines, face_helpers
from symnet.emit.helpers import VECTORS
from symnet.emit.kernels import INDENT
from symnet.emit.layout import laid_out
from symnet.emit.module import FunctionPart, assembled, function_part
from symnet.emit.names import Names
from symnet.emit.random_values import drawn, shape_tuple
from symnet.emit.scalar import is_whole_node
from symnet.emit.training import FIXED, SHARED, Arena, Step, TrainingModule

ROUNDS = 16  # batches of the random data that a script trains on


@dataclass(frozen=True)
class Whole:
    """Everything that such a module is made of. `declared` is what its head shows; the other programs are lowered.

    `starts` are expressions of NumPy for the first value of each parameter and held state.
    """

    title: str
    declared: Program
    outputs: tuple[Node, ...]
    evaluation: Program
    loss: Node
    slopes: Mapping[Node, Node]
    gradient: Program
    optimizer: str
    update: Program
    data: tuple[Node, ...]
    starts: Mapping[Node, str]
    step: Step
    theta: Arena
    held: Arena
    states: Sequence[tuple[str, float]]
    scalars: Sequence[tuple[str, float]]
    noise: int
    training: TrainingModule


def whole_module(whole: Whole, dtype: str) -> str:
    """The text of the module."""
    return Writing(whole, dtype).text()


class Writing:
    """The module while it is written: its names and its parts."""

    def __init__(self, whole: Whole, dtype: str) -> None:
        self.whole, self.dtype, self.step = whole, dtype, whole.step
        self.names = Names()
        self.params = [*whole.theta.offsets, *whole.held.offsets]
        self.names.all((*whole.data, *self.params, *whole.declared.inputs(), *whole.declared))
        self.forward = function_part(
            whole.evaluation,
            whole.outputs,
            dtype,
            self.names.copy(),
            kernel="forward_kernel",
            numbers=self.step.numbers,
            params=self.params,
        )
        self.gradients = function_part(
            whole.gradient,
            [whole.loss, *whole.slopes.values()],
            dtype,
            self.names.copy(),
            name="loss_and_gradients",
            kernel="gradient_kernel",
            gives=f"{self.own(whole.loss)}, its slopes by name",
            numbers=self.step.numbers,
            params=self.params,
            results=self.by_name,
        )

    def own(self, node: Node) -> str:
        return self.names.of[node]

    def by_name(self, found: list[str]) -> str:
        """The loss, and the slopes by the names of their parameters."""
        pairs = [f'"{self.own(p)}": {text}' for p, text in zip(self.whole.slopes, found[1:], strict=True)]
        return f"{found[0]}, {{{', '.join(pairs)}}}"

    # -- the module

    def text(self) -> str:
        parts = [self.forward.kernel, self.gradients.kernel, self.whole.training.kernel]
        used = set().union(*(part.used for part in parts))
        kernels = ["\n".join(laid_out(part.text(signed=False))) for part in parts]
        faces = ["\n".join(laid_out(lines)) for lines in self.faces()]
        helpers = "\n".join(laid_out(self.whole.training.helpers.split("\n")))
        sections = [helpers, *kernels, *faces]
        return assembled(self.head(), self.dtype, used, sections)

    def faces(self) -> Iterator[Iterable[str]]:
        yield self.constants()
        yield face_helpers([self.forward.face, self.gradients.face])
        yield self.forward.face
        yield self.gradients.face
        yield VECTORS.rstrip().split("\n")
        yield self.workspace()
        yield self.initial()
        yield self.random_data()
        yield self.train()
        yield self.main()

    # -- the head

    def head(self) -> str:
        whole = self.whole
        forward = Program.of([whole.loss, *whole.outputs, *self.step.logged])
        return module_doc(
            whole.title,
            [f"The loss and what it is made of, for {self.step.batch} samples:"],
            documentation(forward, self.names.of),
            [f"Its slopes, by w as w_bar, with which it is trained, {self.step.batch_size} samples at a time:"],
            documentation(whole.declared, self.names.of, without=forward),
            [f"A step of {whole.optimizer}, the t-th, where g is the gradient by parameters w:"],
            documentation(whole.update, {}),
            self.given_said(),
            self.functions_said(),
            ["Run as a script, the module trains on random data."],
        )

    def given_said(self) -> Iterator[str]:
        numbers = ", ".join(f"{size} = {value}" for size, value in sorted(self.step.numbers.items(), key=str))
        yield f"Data, with {numbers}:" if numbers else "Data:"
        yield ""
        for node in self.whole.data:
            words = kind_words(node)
            yield f"{INDENT}{shape_words(node, self.own(node))}{f': {words}' if words else ''}"

    def functions_said(self) -> Iterator[str]:
        given = ", ".join(self.own(n) for n in self.whole.data)
        yield "Functions; `params` holds the parameters by name, as `PARAMETERS` lists them:"
        yield ""
        lines = {
            self.forward.call: "the outputs, as they are when nothing is trained",
            self.gradients.call: "as in training",
            f"train({given}, params=None, epochs=10, seed=0) -> params, losses": "the loss is a mean over each epoch",
            "train_steps(...) -> steps done": "steps `first` to `last` of an epoch: gather, forward, backward, update",
            "initial(seed=0) -> params": "parameters as training begins",
            "pack(params) -> theta; unpack(theta) -> params": "parameters as one vector, as `train_steps` takes them",
            f"workspace() -> {', '.join(self.work())}": "everything else that `train_steps` works on",
            f"random_data(count, seed=0) -> {given}": "values of the right shapes and kinds",
        }
        for call, words in lines.items():
            yield f"{INDENT}{call}"
            yield f"{INDENT * 2}{words}"

    # -- constants

    def constants(self) -> Iterator[str]:
        whole = self.whole
        yield f"BATCH = {self.step.batch_size}"
        if whole.step.threads > 1:
            yield f"THREADS = {whole.step.threads}"
        yield from self.layout("PARAMETERS", "THETA", whole.theta)
        if whole.held.offsets:
            yield from self.layout("HELD", "HELD_SIZE", whole.held)

    def layout(self, name: str, size: str, arena: Arena) -> Iterator[str]:
        yield f"{name} = {{  # name: offset in the vector, shape"
        for node, at in arena.offsets.items():
            yield f'{INDENT}"{self.own(node)}": ({at}, {self.shape(node)}),'
        yield "}"
        yield f"{size} = {arena.size}"

    def shape(self, node: Node, batch: str = "BATCH") -> str:
        return shape_tuple(self.sizes(node, batch))

    def sizes(self, node: Node, batch: str) -> list[str]:
        """The sizes of a tensor in numbers; `batch` where samples are counted."""
        known = {s: sp.Integer(v) for s, v in self.step.numbers.items()}
        return [batch if size == self.step.batch else str(size.xreplace(known)) for size in node.shape]

    # -- what the loop works on

    def work(self) -> list[str]:
        """What `train_steps` is given besides data, parameters and numbers."""
        outside = {"rows", "theta", "held", "tid"}
        fixed = FIXED + (SHARED if self.step.threads > 1 else ())
        return [name for name, kind in fixed if kind.endswith("[::1]") and name not in outside]

    def workspace(self) -> Iterator[str]:
        whole, count = self.whole, len(self.whole.states)
        sizes = {
            "grad": whole.theta.size if whole.step.update is not None else 0,
            "noise": whole.noise,
            **whole.training.work,
        }
        texts = {name: f"aligned({size})" for name, size in sizes.items()}
        texts["state"] = "aligned(0)" if not count else f"aligned({count} * THETA)"
        texts["memory"] = f"np.array({[float(start) for _, start in whole.scalars]}, np.float64)"
        texts["wi"] = f"np.zeros({whole.training.work['wi']}, np.int64)"
        texts["sums"] = f"np.zeros({len(whole.step.logged) + 1})"
        texts |= {"shared": f"np.zeros({whole.training.work['shared']})", "sync": "np.zeros(8, np.int64)"}
        yield "def workspace():"
        yield from doc_lines("What `train_steps` works on besides data and parameters, in its order, as it begins.")
        for name in self.work():
            yield f"{INDENT}{name} = {texts[name]}"
        for at, (name, start) in enumerate(whole.states):
            if start:
                yield f"{INDENT}state[{at} * THETA : {at + 1} * THETA] = {float(start)!r}  # {name}"
        yield f"{INDENT}return {', '.join(self.work())}"

    def initial(self) -> Iterator[str]:
        yield "def initial(seed=0):"
        yield from doc_lines("Parameters by name, as training begins.")
        if any("rng." in text for text in self.whole.starts.values()):
            yield f"{INDENT}rng = np.random.default_rng(seed)"
        yield f"{INDENT}return {{"
        for node in self.params:
            yield f'{INDENT * 2}"{self.own(node)}": {self.whole.starts[node]},'
        yield f"{INDENT}}}"

    def random_data(self) -> Iterator[str]:
        yield "def random_data(count, seed=0):"
        yield from doc_lines("Random values for what the loss is asked about.")
        yield f"{INDENT}rng = np.random.default_rng(seed)"
        for node in self.whole.data:
            yield f"{INDENT}{self.own(node)} = {self.drawn(node)}"
        yield f"{INDENT}return {self.data()}"

    def data(self) -> str:
        """The names of what is given, as a tuple."""
        return ", ".join(self.own(n) for n in self.whole.data) + ("," if len(self.whole.data) == 1 else "")

    def drawn(self, node: Node) -> str:
        return drawn(node, self.sizes(node, "count"), self.classes(node))

    def classes(self, node: Node) -> str:
        count = sp.sympify(node.info.get("classes", 2))
        return str(count.xreplace({s: sp.Integer(v) for s, v in self.step.numbers.items()}))

    # -- training

    def train(self) -> Iterator[str]:
        whole = self.whole
        data = [self.own(n) for n in whole.data]
        held = bool(whole.held.offsets)
        yield f"def train({', '.join(data)}, params=None, epochs=10, seed=0):"
        yield from doc_lines("Train on rows in an order that is new in each epoch; parameters then, and mean losses.")
        for line in (*self.arrays(), "params = initial(seed) if params is None else params"):
            yield INDENT + line
        yield f"{INDENT}theta, held = pack(params), {'pack(params, HELD, HELD_SIZE)' if held else 'aligned(0)'}"
        yield f"{INDENT}{', '.join(self.work())} = workspace()"
        yield f"{INDENT}order = np.random.default_rng(seed)"
        yield f"{INDENT}steps, losses = -(-count // BATCH), []"
        yield f"{INDENT}for epoch in range(epochs):"
        for line in (*self.epoch(data), "losses.append(float(sums[0] / sums[-1]))"):
            yield INDENT * 2 + line if line else ""
        found = "{**unpack(theta), **unpack(held, HELD)}" if held else "unpack(theta)"
        yield f"{INDENT}return {found}, losses"

    def arrays(self) -> Iterator[str]:
        """The number of rows, and data as the loop takes it."""
        axis = next((n, a) for n in self.whole.data for a, s in enumerate(n.shape) if s == self.step.batch)
        yield f"count = np.shape({self.own(axis[0])})[{axis[1]}]"
        for node in self.whole.data:
            own, kind = self.own(node), ", np.int64" if is_whole_node(node) else ""
            yield f'{own} = given("{own}", {own}, {self.shape(node, "count")}{kind}).ravel()'
            if is_whole_node(node) and "classes" in node.info:
                yield f'labels("{own}", {own}, {self.classes(node)})'

    def epoch(self, data: list[str]) -> Iterator[str]:
        numbers = {"first": "0", "last": "steps", "total": "count", "done": "epoch * steps", "seed": "seed"}
        fixed = FIXED + (SHARED if self.step.threads > 1 else ())
        call = f"train_steps({', '.join([*data, *(numbers.get(name, name) for name, _ in fixed)])})"
        yield "rows, sums[:] = order.permutation(count), 0.0"
        if self.step.threads > 1:
            yield from ("sync[:] = 0", "", "def share(tid):", f"{INDENT}return {call}", "")
            yield "with ThreadPoolExecutor(THREADS) as pool:"
            yield f"{INDENT}done = min(pool.map(share, range(THREADS)))"
        else:
            yield f"done = {call}"
        yield "if done < steps:"
        yield f'{INDENT}raise FloatingPointError(f"the loss is not finite at step {{done + 1}} of epoch {{epoch + 1}}")'

    def main(self) -> Iterator[str]:
        data = ", ".join(self.own(n) for n in self.whole.data)
        yield "def main():"
        yield from doc_lines("Train on random data, and say how it goes.")
        lines = [
            "begin = perf_counter()",
            f"{self.data()} = random_data({ROUNDS} * BATCH)",
            "params = initial()",
            *self.shown(),
            f"train({data}, params, epochs=1)",
            'print(f"ready after {perf_counter() - begin:.1f} s")',
            "begin = perf_counter()",
            f"params, losses = train({data}, params, epochs=10)",
            "seconds = perf_counter() - begin",
            f"for epoch, {self.loss()} in enumerate(losses):",
            f'{INDENT}print(f"epoch {{epoch + 1:2}}: loss {{{self.loss()}:.6f}}")',
            f'print(f"{{len(losses) * {ROUNDS} / seconds:.0f}} steps per second")',
        ]
        yield from (INDENT + line for line in lines)
        yield from ("", "", 'if __name__ == "__main__":', f"{INDENT}main()")

    def loss(self) -> str:
        """What a script calls the number: a plain word, unless data have this name."""
        return "loss" if "loss" not in map(self.own, self.whole.data) else self.names.copy().fresh("loss")

    def shown(self) -> Iterator[str]:
        """The other two functions, called."""
        outputs = [self.own(o) if o in self.names.of else o.name for o in self.whole.outputs]
        yield f"{', '.join(outputs)} = {_called(self.forward)}"
        for text in outputs:
            yield f'print("{text}, of shape", np.shape({text}))'
        yield f"{self.loss()}, slopes = {_called(self.gradients)}"
        yield f'print(f"loss {{{self.loss()}:.6f}}")'
        yield "for name, slope in slopes.items():"
        yield f'{INDENT}print(f"slope by {{name}}, largest entry {{np.max(np.abs(slope)):.3g}}")'


def _called(part: FunctionPart) -> str:
    return part.call.split(" -> ")[0].replace(", seed=0", "")
