"""The record of the synthetic park while it is being written: its tables, its random numbers, flows and streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

from assumptions import FIRM_OF, MONTHS, SEASONS, SYNTHETIC, YEARS, Monthly

from ecopark.model.tables import TABLES

SEED = 20230701
ERROR_SEED = SEED + 28
"""A draw of the meters' errors in which no balance is open by chance, so that what is seeded stands out."""


Row = dict[str, object]


@dataclass(slots=True)
class Park:
    """The tables as they grow, with the random sources: of amounts, and of the errors of meters and estimates."""

    random: Random = field(default_factory=lambda: Random(SEED))
    errors: Random = field(default_factory=lambda: Random(ERROR_SEED))
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})

    def add(self, table: str, **row: object) -> None:
        """Append one row."""
        self.tables[table].append(row)

    def evidence_of(self, stream: str) -> str:
        """The record book of the firm whose data the stream is: the owner, or else the firm at its inner end."""
        row = next(row for row in self.tables["streams"] if row["id"] == stream)
        for end in (row.get("owner"), row["target"], row["source"]):
            firm = FIRM_OF.get(str(end))
            if firm:
                return f"records.{firm}"
        raise KeyError(stream)

    def flow(
        self, stream: str, start: date, end: date, amount: float | None, unit: str | None, method: str, *,
        low: float | None = None, high: float | None = None, digits: int = 3, **more: object,
    ) -> None:  # fmt: skip
        """Append a flow; `low` and `high` are shares of the amount."""
        period = f"{start:%Y-%m}" if (end - start).days < 32 else f"{start:%Y}"
        self.add(
            "flows", id=f"{stream}.{period}.{method}", stream=stream, period_start=start, period_end=end,
            amount=None if amount is None else float(amount),
            unit=unit, low=None if low is None or amount is None else round(amount * low, digits + 2),
            high=None if high is None or amount is None else round(amount * high, digits + 2), method=method,
            evidence=self.evidence_of(stream), **more,
        )  # fmt: skip

    def months(self, spec: Monthly) -> dict[date, float]:
        """Amounts by month: yearly amount x season / 12 x growth x a spread of at most 3 %."""
        season = SEASONS[spec.season]
        return {
            date(year, month, 1): round(
                spec.amount * (1 + spec.growth) ** (year - YEARS[0]) * season[month - 1] / sum(season)
                * self.random.uniform(0.97, 1.03),
                spec.digits,
            )
            for year in YEARS
            for month in MONTHS
        }  # fmt: skip

    def record(self, spec: Monthly, amounts: dict[date, float]) -> None:
        """Append the monthly flows of a stream; months without any amount are stated as not occurring."""
        share = spec.half_range
        for start, amount in amounts.items():
            end = next_month(start)
            if amount == 0:
                self.flow(spec.stream, start, end, None, None, spec.method, notation="NO")
                continue
            self.flow(
                spec.stream, start, end, amount, spec.unit, spec.method, low=None if share is None else 1 - share,
                high=None if share is None else 1 + share, digits=spec.digits, correlation_group=spec.group,
            )  # fmt: skip

    def stream(
        self, stream: str, source: str, target: str, commodity: str, activity: str, *, technology: str | None = None,
        owner: str | None = None, part_of: str | None = None, note: str | None = None,
    ) -> None:  # fmt: skip
        """Append a stream."""
        self.add(
            "streams", id=stream, source=source, target=target, commodity=commodity, activity=activity,
            technology=technology, owner=owner, part_of=part_of, note=f"{SYNTHETIC}; {note}" if note else SYNTHETIC,
        )  # fmt: skip

    def error(self, half_range: float) -> float:
        """The factor by which an observation misses the truth: normal, 95 % within `half_range`, cut at 1.4 sd."""
        sd = half_range / 1.96
        return 1 + max(-1.4 * sd, min(1.4 * sd, self.errors.gauss(0.0, sd)))

    def observe(
        self, stream: str, amounts: Mapping[date, float] | Sequence[float], unit: str, method: str,
        half_range: float, *, digits: int = 0, wrong: Mapping[int, float] | None = None,
    ) -> None:  # fmt: skip
        """Append what is observed of a stream: the true amounts (by month, or one a year) with the method's error.

        Bills and calculations by rule are exact; meters, laboratories and estimates err within their range. `wrong`
        are meters out of order: by year, the factor by which they read too much.
        """
        periods = (
            {start: (next_month(start), amount) for start, amount in amounts.items()}
            if isinstance(amounts, Mapping)
            else {date(year, 1, 1): (date(year + 1, 1, 1), amount) for year, amount in zip(YEARS, amounts, strict=True)}
        )
        ranged = method != "invoiced" and half_range > 0
        for start, (end, truth) in periods.items():
            seen = truth * (self.error(half_range) if ranged else 1.0) * (wrong or {}).get(start.year, 1.0)
            amount = round(seen, digits)
            self.flow(
                stream, start, end, amount, unit, method, low=1 - half_range if ranged else None,
                high=1 + half_range if ranged else None, digits=digits,
            )  # fmt: skip

    def yearly(self, stream: str) -> tuple[float, float, float]:
        """What the record holds of a stream in each year, by its best method, in the unit of its flows."""
        found = [row for row in self.tables["flows"] if row["stream"] == stream and row["amount"] is not None]
        best = {row["method"] for row in found} - ({"invoiced"} if len({row["method"] for row in found}) > 1 else set())
        totals = dict.fromkeys(YEARS, 0.0)
        for row in found:
            if row["method"] in best:
                totals[row["period_start"].year] += row["amount"]  # type: ignore[attr-defined,operator]
        return totals[YEARS[0]], totals[YEARS[1]], totals[YEARS[2]]

    def by_month(self, stream: str) -> dict[date, float]:
        """What the record holds of a stream known by month."""
        found = [row for row in self.tables["flows"] if row["stream"] == stream and row["amount"] is not None]
        return {row["period_start"]: row["amount"] for row in found}  # type: ignore[misc]


def next_month(start: date) -> date:
    """The first day of the month after `start`."""
    return date(start.year + start.month // 12, start.month % 12 + 1, 1)


def year_of(year: int) -> tuple[date, date]:
    """First day of the year and of the next."""
    return date(year, 1, 1), date(year + 1, 1, 1)
