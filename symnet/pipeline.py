"""placeholder: the pipeline is being written"""
from symnet.run.reference import evaluate  # noqa: F401
