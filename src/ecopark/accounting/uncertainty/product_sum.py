"""The form in which an inventory is given to the uncertainty methods: totals of products of uncertain variables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecopark.accounting.uncertainty.quantiles import EXACT, LOGNORMAL, CodeArray, FloatArray, Shapes, distribution_codes
from ecopark.accounting.uncertainty.quantiles import fit as fit_shapes
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

IntArray = NDArray[np.int64]
DrawArray = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class ProductSum:
    """L lines, each a constant times variables: y_l = `constant`_l · Π_k x[`line_variable`_{l,k}], and their totals.

    Incidence is in compressed rows: line l uses the variables ``line_variable[line_start[l]:line_start[l + 1]]``
    (a variable named twice is squared). The V variables have a `central` value, a 95 % range `low` to `high` in the
    same unit (NaN in both: no range stated, taken as exact), a `distribution` code (`quantiles.CODES`), and a `draw`
    number: variables with the same draw number are perfectly correlated (rank by rank). A factor that several lines
    share is *one* variable. `groups` names the totals and gives the lines of each (no line twice in a group).

    Lines with negative constants (sold power, captured carbon) are allowed. `line_id` and `variable_id` (L and V
    entries) name the rows of results; by default they are the positions.

    Raises ValueError for arrays that do not fit together, InputError with every fault of the ranges.
    """

    constant: FloatArray
    line_start: IntArray
    line_variable: IntArray
    central: FloatArray
    low: FloatArray
    high: FloatArray
    distribution: CodeArray
    draw: DrawArray
    groups: Mapping[str, IntArray]
    line_id: pl.Series = field(default_factory=lambda: pl.Series("line", [], dtype=pl.Int64))
    variable_id: pl.Series = field(default_factory=lambda: pl.Series("variable", [], dtype=pl.Int64))

    def __post_init__(self) -> None:
        """Bring the arrays to their types and check them."""
        for name in ("constant", "central", "low", "high"):
            self._set(name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))
        for name in ("line_start", "line_variable"):
            self._set(name, np.ascontiguousarray(getattr(self, name), dtype=np.int64))
        self._set("distribution", np.ascontiguousarray(self.distribution, dtype=np.int8))
        self._set("draw", np.ascontiguousarray(self.draw).astype(np.uint64))
        self._set("groups", {name: np.asarray(lines, dtype=np.int64) for name, lines in self.groups.items()})
        for name, count in (("line_id", self.line_count), ("variable_id", self.variable_count)):
            series = getattr(self, name)
            if not len(series) and count:
                series = pl.Series(name, np.arange(count))
            self._set(name, series)
        self._check_arrays()
        problems = self._range_problems()
        if problems:
            raise InputError(problems)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def line_count(self) -> int:
        """Number of lines L."""
        return len(self.constant)

    @property
    def variable_count(self) -> int:
        """Number of variables V."""
        return len(self.central)

    @cached_property
    def incidence_line(self) -> IntArray:
        """Line of every incidence (the row of each entry of `line_variable`)."""
        return np.repeat(np.arange(self.line_count), np.diff(self.line_start))

    @cached_property
    def shapes(self) -> Shapes:
        """Distribution fitted to every variable."""
        return fit_shapes(self.central, self.low, self.high, self.distribution)

    @cached_property
    def uncertain(self) -> NDArray[np.bool_]:
        """Whether a variable has a range (V entries)."""
        result: NDArray[np.bool_] = self.shapes.kind != EXACT
        return result

    @cached_property
    def shared(self) -> bool:
        """Whether some uncertain draw enters more than one line, so that lines are correlated."""
        at = self.uncertain[self.line_variable]
        draws, lines = self.draw[self.line_variable[at]], self.incidence_line[at]
        order = np.lexsort((lines, draws))
        same_draw = np.diff(draws[order]) == 0
        return bool((same_draw & (np.diff(lines[order]) != 0)).any())

    def line_values(self, variables: FloatArray | None = None) -> FloatArray:
        """Return the value of every line at `variables` (V entries; the central values by default)."""
        x = self.central if variables is None else variables
        return self.constant * self.products(x[self.line_variable])

    def products(self, factors: FloatArray) -> FloatArray:
        """Return, per line, the product over its incidences of `factors` (..., incidences) -> (..., L)."""
        result = np.ones((*factors.shape[:-1], self.line_count))
        filled = np.flatnonzero(np.diff(self.line_start))
        if len(filled):
            result[..., filled] = np.multiply.reduceat(factors, self.line_start[filled], axis=-1)
        return result

    def totals(self) -> dict[str, float]:
        """Return every group's total at the central values."""
        values = self.line_values()
        return {name: float(values[lines].sum()) for name, lines in self.groups.items()}

    def minus(self, other: ProductSum) -> ProductSum:
        """Return this sum less `other`, group by group (groups that only one has count as zero in the other).

        Variables of equal draw numbers in both are drawn alike, so what the two have in common (the factor that both
        years use) cancels as far as it does. Sums made by `from_frames` draw equal variable ids alike.
        """
        offset = self.line_count
        groups = {
            name: np.concatenate([self.groups.get(name, _NO_LINES), other.groups.get(name, _NO_LINES) + offset])
            for name in dict.fromkeys([*self.groups, *other.groups])
        }
        return ProductSum(
            np.concatenate([self.constant, -other.constant]),
            np.concatenate([self.line_start, other.line_start[1:] + self.line_start[-1]]),
            np.concatenate([self.line_variable, other.line_variable + self.variable_count]),
            np.concatenate([self.central, other.central]),
            np.concatenate([self.low, other.low]),
            np.concatenate([self.high, other.high]),
            np.concatenate([self.distribution, other.distribution]),
            np.concatenate([self.draw, other.draw]),
            groups,
            pl.concat([self.line_id.cast(pl.String), other.line_id.cast(pl.String)]),
            pl.concat([self.variable_id.cast(pl.String), other.variable_id.cast(pl.String)]),
        )

    @classmethod
    def from_frames(
        cls,
        lines: pl.DataFrame,
        incidence: pl.DataFrame,
        variables: pl.DataFrame,
        *,
        dimensions: Sequence[str] = (),
        total: str = "total",
    ) -> ProductSum:
        """Build the sum from three frames; this is the way from an inventory.

        * `lines`: line (its id), constant, and one column per name in `dimensions` (null: in no group of it);
        * `incidence`: line, variable; one row per use of a variable in a line;
        * `variables`: variable (its id), central, low, high, distribution (text or null), and, if wanted,
          correlation_group (text or null): variables of one correlation group are perfectly correlated.

        Groups are `total` (all lines) and ``dimension:value`` for every value of every dimension. The draw number is a
        hash of the correlation group, or else of the variable id: one id gets the same random numbers in every year,
        scheme and subset, for a given seed.

        Raises ValueError for ids that are repeated or unknown, InputError for faulty ranges.
        """
        for frame, key in ((lines, "line"), (variables, "variable")):
            if frame[key].n_unique() < frame.height:
                raise ValueError(f"{key} ids are not unique")
        line_rows = lines.select("line").with_row_index("line_row")
        variable_rows = variables.select("variable").with_row_index("variable_row")
        known = incidence.join(line_rows, on="line", how="left").join(variable_rows, on="variable", how="left")
        lost = known.filter(pl.col("line_row").is_null() | pl.col("variable_row").is_null())
        if lost.height:
            raise ValueError(f"incidence names {lost.height} unknown lines or variables, first: {lost.row(0)}")
        known = known.sort("line_row", "variable_row")
        counts = np.bincount(known["line_row"].to_numpy(), minlength=lines.height)
        groups: dict[str, IntArray] = {total: np.arange(lines.height)}
        for dimension in dimensions:
            rows = lines.select(pl.col(dimension).cast(pl.String)).with_row_index("row").drop_nulls()
            for (value,), part in rows.partition_by(dimension, as_dict=True, maintain_order=True).items():
                groups[f"{dimension}:{value}"] = part["row"].to_numpy().astype(np.int64)
        names = variables["variable"].cast(pl.String)
        if "correlation_group" in variables.columns:
            grouped = "group " + variables["correlation_group"].cast(pl.String)
            names = pl.select(pl.coalesce(grouped, names)).to_series()
        return cls(
            lines["constant"].to_numpy(),
            np.concatenate([[0], np.cumsum(counts)]),
            known["variable_row"].to_numpy().astype(np.int64),
            variables["central"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
            variables["low"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
            variables["high"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
            distribution_codes(variables["distribution"].to_list()),
            draw_numbers(names),
            groups,
            lines["line"],
            variables["variable"],
        )

    def _check_arrays(self) -> None:
        lines, variables = self.line_count, self.variable_count
        columns = (self.low, self.high, self.distribution, self.draw, self.variable_id)
        if any(len(column) != variables for column in columns):
            raise ValueError("central, low, high, distribution, draw and variable_id differ in length")
        starts = self.line_start
        if len(starts) != lines + 1 or len(self.line_id) != lines:
            raise ValueError("line_start needs one entry more than constant, line_id as many")
        if starts[0] != 0 or starts[-1] != len(self.line_variable) or np.any(np.diff(starts) < 0):
            raise ValueError("line_start must rise from 0 to the number of incidences")
        if len(self.line_variable) and not 0 <= self.line_variable.min() <= self.line_variable.max() < variables:
            raise ValueError("line_variable names a variable that does not exist")
        for name, members in self.groups.items():
            if len(members) and not 0 <= members.min() <= members.max() < lines:
                raise ValueError(f"group {name!r} names a line that does not exist")
            if len(np.unique(members)) < len(members):
                raise ValueError(f"group {name!r} names a line twice")

    def _range_problems(self) -> list[Problem]:
        low, high, central = self.low, self.high, self.central
        infinite = ~np.isfinite(central) | np.isinf(low) | np.isinf(high)
        no_low, no_high = np.isnan(low), np.isnan(high)
        stated = ~no_low & ~no_high
        outside = stated & ((central < low) | (central > high))
        crosses = stated & (low * high <= 0) & (low < high) & (self.distribution == LOGNORMAL)
        problems = [
            Problem("uncertainty.line_not_finite", str(self.line_id[int(i)]), _LINE_NOT_FINITE, _GIVE_NUMBER)
            for i in np.flatnonzero(~np.isfinite(self.constant))
        ]
        kinds: list[tuple[str, NDArray[np.bool_], str, str]] = [
            ("uncertainty.not_finite", infinite, _NOT_FINITE, _GIVE_NUMBER),
            ("uncertainty.half_range", no_low != no_high, _HALF_RANGE, _GIVE_BOTH),
            ("uncertainty.reversed", stated & (low > high), _REVERSED, _SWAP),
            ("uncertainty.outside", outside & (low <= high), _OUTSIDE, _CORRECT_RANGE),
            ("uncertainty.crosses_zero", crosses & ~outside, _CROSSES_ZERO, _OTHER_DISTRIBUTION),
        ]
        for code, faulty, cause, remedy in kinds:
            for i in np.flatnonzero(faulty):
                values: dict[str, object] = {"central": central[i], "low": low[i], "high": high[i]}
                problems.append(Problem(code, str(self.variable_id[int(i)]), cause, remedy, values))
        return problems


def draw_numbers(names: Iterable[str]) -> DrawArray:
    """Return a 64-bit draw number for every name, the same on every machine (BLAKE2b of the name)."""
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


_NO_LINES: IntArray = np.empty(0, dtype=np.int64)
_LINE_NOT_FINITE = N_("The constant of the line is not a number.")
_NOT_FINITE = N_("The value {central} with the range {low} to {high} is not finite.")
_GIVE_NUMBER = N_("Give a number, or take the line out.")
_HALF_RANGE = N_("Only one end of the 95 % range is given: {low} to {high}.")
_GIVE_BOTH = N_("Give both ends, or neither.")
_REVERSED = N_("The lower end {low} of the 95 % range is above the upper end {high}.")
_SWAP = N_("Swap the two ends.")
_OUTSIDE = N_("The value {central} lies outside its 95 % range, {low} to {high}.")
_CORRECT_RANGE = N_("Correct the value or the range.")
_CROSSES_ZERO = N_("A lognormal distribution cannot have the 95 % range {low} to {high}, which reaches zero.")
_OTHER_DISTRIBUTION = N_("State the normal, triangular or uniform distribution, or correct the range.")
