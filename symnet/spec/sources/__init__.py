"""Where data comes from: files of columns, files of arrays, and sets that are at hand."""

from symnet.spec.sources.dataset import Dataset
from symnet.spec.sources.load import load, load_inputs, read, standardised

__all__ = ["Dataset", "load", "load_inputs", "read", "standardised"]
