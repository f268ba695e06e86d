"""The one way a number enters a document: it is registered with its reference and full value, then printed.

A document's author never formats a number. Every printed number comes from a method of `FigureRegister`, so that a
test (and a reader with `ecopark explain`) can compute each of them again from its reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "result",
    "share",
    "ratio",
    "difference",
    "range",
    "variance",
    "resting",
    "factor",
    "amount",
    "record",
    "limit",
    "rest",
    "count",
]
"""How the value of a registered figure is recomputed:

* result: `explain(reference)` gives it, on the workspace or on the inventory itself;
* share: a hundred times `explain(reference)`, a reference such as R3-share:category:fuel;
* ratio, difference: from the two references in `of` (first/second, first − second);
* range, variance: an end of a 95 % range, or a part of the variance, from the uncertainty analysis of the run;
* resting: the part of a result that rests on a doubtful factor, or on what has no range, in per cent;
* factor: the catalogue's or the park's factor row with that id; amount: the amount or the coefficient of a line;
* record: a row of the record's statistics; limit: a limit of the scheme; rest: the
  smaller steps of a comparison, added up; count: how many rows a list has.
"""

MISSING = "–"
"""Printed where there is no number; what is missing is said in words beside it."""

MINUS = "\u2212"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True, slots=True)
class RegisteredFigure:
    """One number of a document: where it comes from, its full value, its unit and the text that was printed."""

    reference: str
    value: float
    text: str
    unit: str
    kind: Kind
    of: tuple[str, ...] = ()


def decimals_for(values: Iterable[float | None], significant: int = 6, most: int = 4) -> int:
    """Return how many decimals a column needs so that its largest value shows `significant` digits (0 to `most`)."""
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if largest == 0.0:
        return 0
    return min(most, max(0, significant - 1 - math.floor(math.log10(largest))))


def print_number(value: float | None, decimals: int) -> str:
    """Return `value` with thousands separators and `decimals` decimals.

    A value that would round to nothing keeps two significant digits instead, so that no source prints as 0 that is
    not 0. None and not-a-number print as a dash.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{abs(value):,.{decimals}f}"
    if value != 0 and not text.strip("0."):
        return print_exact(float(f"{value:.2g}"))
    return MINUS + text if value < 0 else text


def print_exact(value: float | None, most: int = 8) -> str:
    """Return `value` with as many digits as it has, up to `most`; in powers of ten when it is very small or large."""
    if value is None or not math.isfinite(value):
        return MISSING
    sign = MINUS if value < 0 else ""
    size = abs(value)
    if size != 0 and not 1e-5 <= size < 1e12:
        mantissa, _, exponent = f"{size:.{most - 1}e}".partition("e")
        return f"{sign}{mantissa.rstrip('0').rstrip('.')}×10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    digits = 0 if size == 0 else max(0, most - 1 - math.floor(math.log10(size)))
    text = f"{size:,.{digits}f}"
    return sign + (text.rstrip("0").rstrip(".") if "." in text else text)


def read_number(text: str) -> float:
    """Return the number that `print_number` or `print_exact` printed; ValueError where `text` is no number."""
    plain = text.replace(",", "").replace(MINUS, "-").removeprefix("+")
    mantissa, times, exponent = plain.partition("×10")
    if not times:
        return float(plain)
    return float(mantissa) * 10.0 ** int(exponent.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")))


@dataclass(slots=True)
class FigureRegister:
    """Collects every number of one document while it is printed."""

    figures: list[RegisteredFigure] = field(default_factory=list)

    def number(
        self,
        reference: str,
        value: float | None,
        unit: str,
        decimals: int,
        *,
        kind: Kind = "result",
        of: tuple[str, ...] = (),
    ) -> str:
        """Register `value` under `reference` and return it printed with `decimals` decimals."""
        return self._keep(reference, value, print_number(value, decimals), unit, kind, of)

    def exact(self, reference: str, value: float | None, unit: str, *, kind: Kind = "factor") -> str:
        """Register `value` and return it with all the digits it has (factors, amounts as supplied)."""
        return self._keep(reference, value, print_exact(value), unit, kind, ())

    def share(self, reference: str, part: float | None, whole: float | None) -> str:
        """Register 100·part/whole under `reference` and return it with one decimal (no sign of percent)."""
        if part is None or not whole:
            return MISSING
        value = 100.0 * part / whole
        return self._keep(reference, value, print_number(value, 1), "%", "share", ())

    def ratio(
        self, part: str, part_value: float | None, whole: str, whole_value: float | None, decimals: int = 3
    ) -> str:
        """Register part/whole, with both references, and return it."""
        if part_value is None or not whole_value:
            return MISSING
        value = part_value / whole_value
        return self._keep(f"{part} / {whole}", value, print_number(value, decimals), "1", "ratio", (part, whole))

    def count(self, reference: str, number: int) -> str:
        """Register the length of a list and return it."""
        return self._keep(reference, float(number), f"{number:,d}", "1", "count", ())

    def span(self, reference: str, low: float | None, high: float | None, unit: str, decimals: int) -> str:
        """Register both ends of a 95 % range (`reference@low`, `reference@high`) and return "low … high"."""
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            return MISSING
        first = self.number(f"{reference}@low", low, unit, decimals, kind="range")
        return f"{first} … {self.number(f'{reference}@high', high, unit, decimals, kind='range')}"

    def _keep(self, reference: str, value: float | None, text: str, unit: str, kind: Kind, of: tuple[str, ...]) -> str:
        if value is not None and math.isfinite(value):
            self.figures.append(RegisteredFigure(reference, float(value), text, unit, kind, of))
        return text
