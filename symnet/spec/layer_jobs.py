"""The section `layers:` as definitions to be made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symnet.core.definition import Program, read_nodes
from symnet.declare import layers
from symnet.declare.layers.base import ACTIVATIONS, Container, Layer
from symnet.declare.tensor import Tensor, define
from symnet.errors import Mark, SymnetError
from symnet.spec.files.item import Item
from symnet.spec.layer_sections import FURTHER, LAYERS
from symnet.spec.names import Known
from symnet.spec.order import Job
from symnet.spec.passage import Problems, meant
from symnet.spec.texts import BROKEN, name_trouble, size_of

SIZES = ("units", "channels", "vocabulary", "heads")
Function = Callable[..., Any]


@dataclass(frozen=True)
class Entry:
    """One entry of `layers:`, sound as far as its section goes."""

    kind: str
    options: Item
    mark: Mark

    def get(self, key: str, otherwise: Any = None) -> Any:
        item = self.options.value.get(key) if isinstance(self.options.value, dict) else None
        return otherwise if item is None or item.value is None else item.plain()

    def mark_of(self, key: str) -> Mark:
        return self.options.mark_of((key,)) if key in self.options.keys else self.mark


def entries(items: Item) -> list[Entry]:
    """The entries of a list of layers."""
    made = []
    for item in items.value:
        kind = next(iter(item.value))
        made.append(Entry(kind, item.value[kind], item.keys[kind]))
    return made


def check_entry(item: Item, problems: Problems) -> bool:
    """Whether an entry is one layer."""
    if len(item.value) != 1:
        mark = [item.keys[key] for key in item.keys] or [item.mark]
        problems.add("E0012", f"an entry of layers has {len(item.value)} kinds", "write one layer for each -", mark)
        return False
    kind = next(iter(item.value))
    inner = item.value[kind].value
    if not isinstance(inner, dict):
        problems.add("E0012", f"{kind} has no options", f"write {kind}: {{in: x, out: h, ...}}", [item.keys[kind]])
        return False
    within = [check_entry(part, problems) for part in inner["layers"].value] if "layers" in inner else []
    return all(within)


def raw_names(item: Item) -> set[str]:
    """The names that an entry which does not hold would have defined."""
    kinds = item.value if isinstance(item.value, dict) else {}
    found = {str(kind) for kind in kinds}
    for inner in kinds.values():
        options = inner.value if isinstance(inner.value, dict) else {}
        found |= {str(options[key].value) for key in ("out", "name") if key in options}
    return found


def layer_jobs(found: list[Entry], inputs: list[str], problems: Problems) -> list[Job]:
    """A job for each layer; what is left out of `in` and `out` follows from the order."""
    kinds = [entry.kind for entry in found]
    jobs: list[Job] = []
    before = inputs[0] if len(inputs) == 1 else None
    for number, entry in enumerate(found):
        several = kinds.count(entry.kind) > 1
        place = kinds[: number + 1].count(entry.kind)
        out = str(entry.get("out", f"{entry.kind}{place if several else ''}"))
        source = entry.get("in", before)
        before = out
        if source is None:
            hint = "say what goes in: in: x"
            problems.add("E0011", f"{entry.kind} has no 'in', and there are {len(inputs)} inputs", hint, [entry.mark])
            continue
        trouble = name_trouble(out) or name_trouble(str(entry.get("name", out)))
        if trouble:
            problems.add("E0101", trouble, "use letters, digits and underscores", [entry.mark_of("out")])
            continue
        jobs.append(job_of(entry, source if isinstance(source, list) else [source], out))
    return jobs


def job_of(entry: Entry, sources: list[str], out: str) -> Job:
    """The definition of one layer."""
    further = {name: str(entry.get(name)) for name in FURTHER.get(entry.kind, ()) if entry.get(name) is not None}
    names = (str(entry.get("name", out)), *inner_names(entry))
    job = Job(out, {*sources, *further.values()}, (entry.mark_of("out"),), prefixes=names)
    job.make = Making(entry, sources, further, job)
    return job


def inner_names(entry: Entry) -> Iterator[str]:
    """The names that are given to layers within a layer."""
    for child in entries(entry.options.value["layers"]) if "layers" in entry.options.value else ():
        if child.get("name") is not None:
            yield str(child.get("name"))
        yield from inner_names(child)


@dataclass(frozen=True)
class Making:
    """The making of one layer, once what goes in is known."""

    entry: Entry
    sources: list[str]
    further: Mapping[str, str]
    job: Job

    def __call__(self, known: Known, problems: Problems) -> None:
        given = self.given(known, problems)
        made = None if given is None else self.called(given, known, problems)
        if made is None:
            return
        for tensor in made:
            if tensor.name in known.tensors:
                hint = "give the layer a name of its own: name: ..."
                problems.add("E0103", f"there is a {tensor.name} already", hint, [self.entry.mark])
                return
            known.add(tensor)
        self.job.made.extend(made)

    def given(self, known: Known, problems: Problems) -> list[Tensor] | None:
        """The tensors that go in."""
        found: list[Tensor] = []
        for key, name in [*(("in", source) for source in self.sources), *self.further.items()]:
            if name not in known.tensors:
                marks = [self.entry.mark_of(key)]
                problems.add("E0102", f"there is no tensor {name!r}", meant(name, known.names()), marks)
                return None
            found.append(known.tensors[name])
        return found

    def called(self, given: list[Tensor], known: Known, problems: Problems) -> list[Tensor] | None:
        """All that the layer makes, its result last."""
        count, entry = len(self.sources), self.entry
        try:
            layer = built(entry, self.job.prefixes[0], known, problems)
            if layer is None:
                return None
            made = layer(*given[:count], **dict(zip(self.further, given[count:], strict=True)))
            result = under(self.job.name, made)
        except SymnetError as error:
            problems.add_error(error, culprit(entry, error.message))
        except BROKEN:
            problems.add("E0012", f"{entry.kind} cannot be made of this", "see symnet explain E0012", [entry.mark])
        else:
            kept = Program.of([result])
            return [t for t in tensors_of(layer) if t is not made or t.definition is None or t in kept] + [result]
        return None


def culprit(entry: Entry, message: str) -> list[Mark]:
    """The option that a message speaks of, or the layer."""
    words = set(message.replace(":", " ").split())
    keys = [key for key in entry.options.keys if key in words and key not in ("in", "out", "name")]
    return [entry.mark_of(keys[0])] if keys else [entry.mark]


def under(name: str, made: Tensor) -> Tensor:
    """The result of a layer under the name that the file gives it; a recurrence keeps its own beside it."""
    read = {node for definition in Program.of([made]).definitions.values() for node in read_nodes(definition.formula)}
    if made.definition is None or made in read:
        return define(name, made.indices, made.read(*made.indices), made.shape)
    return made.named(name)


def tensors_of(layer: Any) -> Iterator[Tensor]:
    """Parameters, states and definitions of a layer and all layers within it, each once."""
    if isinstance(layer, Container):
        for child in layer.children:
            yield from tensors_of(child)
    if isinstance(layer, Layer):
        for table in (layer.weights, getattr(layer, "states", {}), layer.tensors):
            yield from (tensor for tensor in table.values() if isinstance(tensor, Tensor))


def built(entry: Entry, name: str | None, known: Known, problems: Problems) -> Function | None:
    """A layer of an entry; None when a mistake was noted."""
    if entry.kind == "activation":
        return ACTIVATIONS[entry.get("function")]
    if entry.kind in ("sequential", "residual"):
        return chain(entry, name, known, problems)
    options = options_of(entry, known, problems)
    if options is None:
        return None
    if entry.kind == "bidirectional":
        recurrent: Any = LAYERS[options.pop("layer")]
        return layers.Bidirectional(recurrent, **options, name=name)
    return LAYERS[entry.kind](**options, name=name)


def chain(entry: Entry, name: str | None, known: Known, problems: Problems) -> Function | None:
    """Layers one after another."""
    inner: list[Function] = []
    for child in entries(entry.options.value["layers"]):
        for key in ("in", "out"):
            if child.get(key) is not None:
                hint = "each takes what the one before gave"
                problems.add("E0012", f"{child.kind} within {entry.kind} has {key!r}", hint, [child.mark_of(key)])
                return None
        made = built(child, child.get("name"), known, problems)
        if made is None:
            return None
        inner.append(made)
    cls = layers.Residual if entry.kind == "residual" else layers.Sequential
    return cls(*inner, name=name)


def options_of(entry: Entry, known: Known, problems: Problems) -> dict[str, Any] | None:
    """What the layer's class is called with; sizes may be dims."""
    made: dict[str, Any] = {}
    for key, item in entry.options.value.items():
        if key in ("in", "out", "name", *FURTHER.get(entry.kind, ())) or item.value is None:
            continue
        if key in SIZES:
            extent = size_of(item, known, problems)
            if extent is None:
                return None
            made[key] = extent.size
        else:
            made[key] = item.plain()
    return made
