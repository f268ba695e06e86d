"""How numbers are written: thousands separated, a column's decimals alike, small values never shown as zero."""

from __future__ import annotations

import math
from collections.abc import Iterable

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"


def decimals(values: Iterable[float | None]) -> int:
    """Return the number of decimals that suits `values` shown in one column, judged by the largest of them."""
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if largest == 0.0:
        return 0
    return min(6, max(0, 3 - math.floor(math.log10(largest))))


def write_number(value: float | int | None, places: int | None = None) -> str:
    """Return `value` with `places` decimals (else as many as suit it); a value that would show as 0 gets two digits."""
    if value is None:
        return MISSING
    if isinstance(value, int) and places is None:
        text = f"{value:,}"
    else:
        number = float(value)
        if not math.isfinite(number):
            return MISSING
        chosen = decimals([number]) if places is None else places
        text = f"{number:,.{chosen}f}"
        if number != 0.0 and not text.strip("-0.,"):
            text = f"{number:.2g}"
    return text.replace("-", MINUS, 1) if text.startswith("-") else text


def write_percent(share: float | None) -> str:
    """Return a share (1 = all) as a percentage with one decimal; below 0.05 % as "<0.1 %"."""
    if share is None or not math.isfinite(share):
        return MISSING
    if 0.0 < abs(share) < 0.0005:
        return ("<" if share > 0 else ">" + MINUS) + "0.1 %"
    return write_number(100.0 * share, 1) + " %"
