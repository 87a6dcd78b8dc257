"""Run in a process of its own: hostile texts are read under an audit hook, and what they caused is printed as JSON.

What Python does to load a library's module is no event of the text; all else is: running code, importing, opening
files, starting programs, the network.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

from symnet.errors import LocatedError
from symnet.spec.formula import declare_expression
from symnet.spec.model_file import read_model

CANARY = Path(sys.argv[1])
TOUCH = f"open({str(CANARY)!r}, 'w')"
HOMES = tuple({sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")})
QUIET = ("object.", "sys._getframe", "gc.", "code.__new__", "marshal.")
LIBRARIES = ("sympy", "mpmath", "ruamel", "pydantic", "encodings", "unicodedata", "numpy")
CODE = [
    TOUCH,
    f"__import__('os').system('touch {CANARY}')",
    f"eval({TOUCH!r})",
    f"exec({TOUCH!r})",
    f"compile({TOUCH!r}, 'x', 'exec')",
    f"().__class__.__bases__[0].__subclasses__()[0]({TOUCH!r})",
    f"(lambda: {TOUCH})()",
    f"[{TOUCH} for i in x]",
    f"x.__class__.__init__.__globals__['__builtins__']['open']({str(CANARY)!r})",
    f"getattr(x, '__class__')({TOUCH!r})",
    f"f'{{{TOUCH}}}'",
    f"sum({TOUCH}, i)",
    f"x[{TOUCH}]",
    f"exp({TOUCH})",
    "os.system(x)",
    "sympy.sympify(x)",
    "Symbol(x)",
    "S(x)",
    "N(x)",
    "Function(x)",
    "lambdify(x, x)",
    "import os",
    "globals()",
    "breakpoint()",
    "input(x)",
    "help(x)",
    "x.func(x)",
    "x.subs(x, x)",
    "x._sympy_()",
    "(yield x)",
    "(await x)",
    "x := 3",
    "print(x, file=x)",
    "1 if " + TOUCH + " else 2",
    "*x",
    "x; import os",
    "x\nimport os",
    "x # " + TOUCH,
    '"""' + TOUCH + '"""',
    "\\x6fpen(1)",
    "ｏｐｅｎ(x)",
    "𝓮𝔁𝓮𝓬(x)",
]
FILE = """symnet: 1
dims: {N: batch, D: 3}
tensors:
  x: {shape: [N, D], role: input}
  w: {shape: [D], role: param, init: zeros}
formulas: |
  L = mean(x)*sum(w)
loss: L
outputs: [L]
train: {optimizer: adam}
"""
PLACES = ["mean(x)*sum(w)", "batch", "zeros", "adam", "[L]", "x: {", "N, D"]
YAML = [
    f"!!python/object/apply:os.system ['touch {CANARY}']",
    f"!!python/object/new:os.system ['touch {CANARY}']",
    "!!python/name:os.system ''",
    "!!python/module:os ''",
    "!<tag:yaml.org,2002:python/object/apply:eval> ['1']",
    "&a [*a, *a]",
    "{<<: *a}",
    "%TAG ! tag:x,2000:\n---\n",
    "2001-01-01",
    "!!binary aGVsbG8=",
    "!!set {a, b}",
    "0x" + "f" * 5000,
    "9" * 5000,
]
events: list[str] = []
armed = False


def hook(event: str, args: tuple[object, ...]) -> None:
    if not armed or event.startswith(QUIET) or from_a_library(event, args):
        return
    if event == "compile" and args[1] in ("<unknown>", b"<unknown>"):
        return  # ast.parse, which only reads
    events.append(f"{event}: {str(args)[:200]}")


def from_a_library(event: str, args: tuple[object, ...]) -> bool:
    """Whether Python loads a module that a library imports when it is first needed."""
    if event == "import":
        return str(args[0]).split(".")[0] in LIBRARIES
    if event == "exec":
        return str(getattr(args[0], "co_filename", "")).startswith(HOMES)
    if event in ("open", "os.listdir", "os.scandir"):
        return str(args[0]).startswith(HOMES)
    return False


def read(text: str, as_file: bool) -> bool:
    """Whether a text was refused."""
    try:
        if as_file:
            read_model("m.yaml", text)
        else:
            declare_expression(text)
    except LocatedError:
        return True
    return False


def main() -> None:
    global armed
    read(FILE, True)
    read(FILE.replace("mean(x)", "mean(y"), True)
    read("L = sum(x[i]**2, i)", False)
    sys.addaudithook(hook)
    armed = True
    refused = [read(f"L = {code}", False) for code in CODE] + [read(f"{code} = 2", False) for code in CODE]
    for code in [*CODE, *YAML]:
        for place in PLACES:
            read(FILE.replace(place, code, 1), True)
            read(FILE.replace(place, json.dumps(code), 1), True)
    armed = False
    print(json.dumps({"events": events[:20], "canary": CANARY.exists(), "refused": sum(refused), "of": len(refused)}))


main()
