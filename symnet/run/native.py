"""Machine code of kernels, kept beside their module: a second process runs it without importing Numba.

To take up what it has compiled before, Numba imports its registries and SciPy, for half a second. Here the object code
of a kernel is kept as it is, with the types of its arguments; LLVM links it, and ctypes calls it in Numba's convention:
a place for the result and one for an exception go first, an array is seven words, and a status comes back. The object
code also holds wrappers for the interpreter, which name functions of Numba's own. They are never called: these names
lead to `abort`. Where any other name is missing, the kernel is left to Numba.
"""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import llvmlite.binding as llvm

CODE, FACTS = ".o", ".native.json"
WORDS = {"int64": ctypes.c_int64, "float64": ctypes.c_double}
RESULTS = ("int64", "none")
NUMBAS = re.compile(r"(_?Py|NRT_|numba_)\w+")


@dataclass(frozen=True)
class Facts:
    """What a call has to know: the function's symbol, its types, `float32[]` for an array, and names left open."""

    symbol: str
    arguments: tuple[str, ...]
    returns: str
    open: tuple[str, ...]

    @classmethod
    def from_text(cls, text: str) -> Facts:
        facts = json.loads(text)
        return cls(facts["symbol"], tuple(facts["arguments"]), facts["returns"], tuple(facts["open"]))


# -- keeping


def machine_code(module: ModuleType) -> dict[str, bytes]:
    """Files that hold a module's kernels; none where it is asked for more than its kernels, or they for more."""
    if hasattr(module, "room"):  # computes in Python how much memory is needed
        return {}
    files: dict[str, bytes] = {}
    for name, kernel in _kernels(module):
        compiled = next(iter(kernel.overloads.values()))
        facts = _facts(compiled)
        if facts is None:
            return {}
        files[f"{name}{CODE}"] = compiled.library._get_compiled_object()
        files[f"{name}{FACTS}"] = json.dumps(asdict(facts)).encode()
    return files


def _kernels(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What Numba has compiled for callers in Python, by name."""
    for name, x in vars(module).items():
        if hasattr(x, "overloads") and not x.targetoptions.get("no_cpython_wrapper"):
            yield name, x


def _facts(compiled: Any) -> Facts | None:
    signature, module = compiled.signature, compiled.library._final_module
    kinds = [f"{kind.dtype}[]" if hasattr(kind, "ndim") else str(kind) for kind in signature.args]
    if str(signature.return_type) not in RESULTS or not all(k in WORDS or k.endswith("[]") for k in kinds):
        return None
    needed = [x.name for x in (*module.functions, *module.global_variables) if x.is_declaration]
    missing = sorted(name for name in needed if not name.startswith("llvm."))
    if any("alloc" in name.lower() for name in missing):  # asks for memory, which Numba would have to manage
        return None
    return Facts(compiled.fndesc.llvm_func_name, tuple(kinds), str(signature.return_type), tuple(missing))


# -- running


class Kernel:
    """A kernel in machine code, called like the function it was compiled from."""

    def __init__(self, code: bytes, facts: Facts) -> None:
        self.kinds, self.returns = facts.arguments, facts.returns
        self.engine = _engine(facts.open)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()
        words = [kind for argument in facts.arguments for kind in _words(argument)]
        made = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *words)
        self.run = made(self.engine.get_function_address(facts.symbol))

    def __call__(self, *given: Any) -> int | None:
        result, problem, words = ctypes.c_int64(), ctypes.c_void_p(), list[Any]()
        for kind, value in zip(self.kinds, given, strict=True):
            if kind in WORDS:
                words.append(value)
            else:
                words += _array(kind, value)
        if self.run(ctypes.addressof(result), ctypes.addressof(problem), *words):
            raise RuntimeError("a kernel has failed")  # none of ours raises
        return result.value if self.returns == "int64" else None


def _array(kind: str, value: Any) -> tuple[Any, ...]:
    """The seven words of a flat array: two owners, entries, bytes of one, the place, and length and stride again."""
    if value.dtype != kind[:-2] or value.ndim != 1 or not value.flags.c_contiguous:
        raise TypeError(f"an array of {value.dtype} and shape {value.shape} for {kind}")
    size, item = value.size, value.itemsize
    return None, None, size, item, value.__array_interface__["data"][0], size, item


def _words(kind: str) -> list[Any]:
    if kind in WORDS:
        return [WORDS[kind]]
    count = ctypes.c_int64
    return [ctypes.c_void_p, ctypes.c_void_p, count, count, ctypes.c_void_p, count, count]


class Missing(Exception):
    """A name that this process does not know."""


def _engine(names: Sequence[str]) -> Any:
    """What links object code and keeps it. What is missing is `abort` here, and here only: Numba may come later."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()  # each engine owns its own
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)  # from here on the process's names are known
    missing = [name for name in names if llvm.address_of_symbol(name) is None]
    for name in missing:
        if not NUMBAS.fullmatch(name):
            raise Missing(name)
    module = llvm.parse_assembly("\n".join(f"declare void @{name}()" for name in missing))
    engine.add_module(module)
    for name in missing:
        engine.add_global_mapping(
            module.get_function(name), ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
        )
    return engine


def native(folder: Path, module: str) -> SimpleNamespace | None:
    """The kernels that a folder holds in machine code, in place of its module; None if there are none."""
    found = {}
    for path in folder.glob(f"*{FACTS}"):
        name = path.name.removesuffix(FACTS)
        found[name] = Kernel((folder / f"{name}{CODE}").read_bytes(), Facts.from_text(path.read_text()))
    return SimpleNamespace(**found, __file__=str(folder / module)) if found else None
