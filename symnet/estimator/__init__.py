"""Networks with scikit-learn's face: in pipelines, in searches, cloned and pickled."""

from __future__ import annotations

from symnet.errors import MissingPart

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingPart(
        "the estimators need scikit-learn, which is not installed", "pip install symnet[sklearn]"
    ) from None
