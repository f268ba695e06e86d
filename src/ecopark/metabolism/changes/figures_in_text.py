"""Numbers inside sentences."""

from __future__ import annotations

import math


def number(value: float | None, *, signed: bool = False) -> str:
    """Return a number with four significant digits, grouped by thousands; a dash where there is none."""
    if value is None:
        return "–"
    plus = "+" if signed else ""
    if value == 0 or not 1e-4 <= abs(value) < 1e12:
        return f"{value:{plus}.4g}"
    places = 3 - math.floor(math.log10(abs(value)))
    text = f"{round(value, places):{plus},.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
