"""What a run was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("symnet", "numpy", "numba", "llvmlite", "scipy", "sympy", "safetensors")


def versions() -> dict[str, str]:
    """Versions of Python, of the machine and of the packages that decide about bits."""
    found = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    return found | {name: version_of(name) for name in PACKAGES}


def version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
