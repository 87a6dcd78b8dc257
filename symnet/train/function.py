"""`sn.function`: tensors compiled to a function of arrays; apart from the pipeline, which needs no compiler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symnet.pipeline import as_list, check_tensor, lower
from symnet.run.function import Function


def function(outputs: Any, dtype: str = "float64") -> Function:
    """Tensors compiled to a function of arrays: one tensor in, one array out; a list or a dict likewise."""
    for output in outputs.values() if isinstance(outputs, Mapping) else as_list(outputs):
        check_tensor("a function", output)
    return Function(outputs, dtype, lower)
