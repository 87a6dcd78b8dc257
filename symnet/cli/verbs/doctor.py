"""`symnet doctor`: versions, the machine, and what is found."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from symnet.cli.answer import Answer, Table
from symnet.cli.call import Call
from symnet.cli.verb import verb

NEEDED = ("sympy", "numba", "llvmlite", "numpy", "scipy", "click", "rich", "ruamel.yaml", "pydantic", "safetensors")
FURTHER = ("jinja2", "latex2mathml", "matplotlib", "pygments")
OPTIONAL = {
    "scikit-learn": ("pip install 'symnet[sklearn]'", "built-in sets such as digits, and the scikit-learn face"),
    "pyarrow": ("pip install 'symnet[parquet]'", "Parquet files"),
    "torch": ("pip install torch", "symnet bench --against torch"),
    "jax": ("pip install jax", "symnet bench --against jax"),
    "pytensor": ("pip install pytensor", "symnet bench --against pytensor"),
}
PROGRAMS = {"pdflatex": ("apt install texlive-latex-base", "symnet derive --format pdf")}
MISSING = "not installed"


@verb("doctor")
def command(call: Call) -> Answer:
    """Tell versions, the machine, the cache of kernels, and which optional parts are there.

    Exit code 1 says that something which is needed is missing.
    """
    system, cache = dict(machine()), cache_facts()
    needed = {name: version_of(name) for name in (*NEEDED, *FURTHER)}
    optional = {name: version_of(name) for name in OPTIONAL}
    programs = {name: shutil.which(name) or MISSING for name in PROGRAMS}
    bad = [name for name, found in needed.items() if found == MISSING] or ([] if cache["usable"] else ["cache"])
    rows = [(name, str(value), "") for name, value in system.items()]
    rows.append(("cache", str(cache["folder"]), f"{cache['kernels']} kernels, {cache['megabytes']} MB{trouble(cache)}"))
    rows += [(name, found, "needed" if found == MISSING else "") for name, found in needed.items()]
    for name, found in {**optional, **programs}.items():
        how, what = {**OPTIONAL, **PROGRAMS}[name]
        rows.append((name, found, f"for {what}" + (f": {how}" if found == MISSING else "")))
    data = {"system": system, "cache": cache, "needed": needed, "optional": optional, "programs": programs}
    table = Table(("what", "found", "note"), rows, bad=lambda row: row[2] == "needed")
    return Answer({**data, "missing": bad}, table, 1 if bad else 0)


def version_of(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return MISSING


def machine() -> Iterator[tuple[str, str]]:
    """What runs here."""
    from symnet import __version__

    yield "symnet", __version__
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", f"{platform.system()} {platform.release()}, {platform.machine()}"
    yield "processor", processor()
    yield "cores", str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    yield "BLAS", blas()


def processor() -> str:
    """The processor by the name it gives itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def blas() -> str:
    """The BLAS that NumPy was built with."""
    import numpy as np

    try:
        facts = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    except (TypeError, KeyError):
        return "unknown"
    return f"{facts.get('name', 'unknown')} {facts.get('version', '')}".strip()


def cache_facts() -> dict[str, object]:
    """The folder of compiled kernels, and what it holds."""
    from symnet.errors import SymnetError
    from symnet.run.compile import cache_root

    try:
        folder = cache_root()
    except SymnetError as wrong:
        return {"folder": "", "usable": False, "why": wrong.message, "kernels": 0, "megabytes": 0}
    files = [path for path in folder.rglob("*") if path.is_file()]
    kernels = sum(1 for path in folder.iterdir() if path.is_dir())
    size = round(sum(path.stat().st_size for path in files) / 1e6)
    return {
        "folder": str(folder),
        "usable": os.access(folder, os.W_OK),
        "why": "",
        "kernels": kernels,
        "megabytes": size,
    }


def trouble(cache: dict[str, object]) -> str:
    return "" if cache["usable"] else f"; cannot be used: {cache['why'] or 'it cannot be written'}"
