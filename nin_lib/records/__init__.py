"""The measured runs behind the book's numbers: read them, and show them as tables.

``records.as_figures`` draws them, ``records.paper`` holds the paper's results beside them. These
two load matplotlib, so they are imported by name.
"""

from nin_lib.records.as_tables import compare
from nin_lib.records.read import (
    MISSING,
    diverged,
    every,
    folder,
    load,
    missing,
    one,
    predictions,
    where,
)

__all__ = [
    "MISSING", "compare", "diverged", "every", "folder", "load", "missing", "one",
    "predictions", "where",
]  # fmt: skip
