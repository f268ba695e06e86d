"""Remarks that every uncertainty method makes about its input."""

from __future__ import annotations

import numpy as np

from ecopark.accounting.uncertainty.product_sum import ProductSum
from ecopark.model.problems import Problem
from ecopark.translation import N_

_NO_RANGE = N_("{count} of {all} values have no 95 % range and count as exact; the range of the total is too narrow.")
_STATE_RANGES = N_("State ranges for them, or choose factors that have one.")


def exact_variables(product_sum: ProductSum) -> list[Problem]:
    """Return a warning where variables in use have no range at all, saying how many (an empty list otherwise)."""
    used = np.unique(product_sum.line_variable)
    missing = int(np.isnan(product_sum.low[used]).sum())
    if not missing:
        return []
    values: dict[str, object] = {"count": missing, "all": len(used)}
    return [Problem("uncertainty.no_range", "", _NO_RANGE, _STATE_RANGES, values, "warning")]
