"""Set two inventories side by side and explain every part of their difference.

Two schemes over one record differ because a source or a gas counts in only one of them, or because another factor is
used. Two years under one scheme differ because amounts changed, factors changed, or streams began or ended. The steps
always add up to the difference of the totals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Inventory
from ecopark.translation import N_, translate

Reason = Literal["only_first", "only_second", "gas_only_first", "gas_only_second", "factor", "amount", "began", "ended"]

REASONS: Mapping[str, str] = {
    "only_first": N_("{source}: counted only under {first}"),
    "only_second": N_("{source}: counted only under {second}"),
    "gas_only_first": N_("{source}: {gas} counted only under {first}"),
    "gas_only_second": N_("{source}: {gas} counted only under {second}"),
    "factor": N_("{source}: other factor ({detail})"),
    "amount": N_("{source}: amount changed"),
    "began": N_("{source}: began"),
    "ended": N_("{source}: ended"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """What one flow or stream adds to a step: the two results and the difference that belongs to the step."""

    name_zh: str
    name_en: str
    value: float
    reference: str
    note: str = ""


@dataclass(frozen=True)
class Step:
    """One reason for a difference, over one commodity: its value in the unit of the totals, and its parts."""

    reason: Reason
    commodity: str
    value: float
    values_zh: Mapping[str, str]
    values_en: Mapping[str, str]
    parts: Sequence[Part] = field(repr=False)

    def label(self, language: str) -> str:
        """Return the step as words in `language`."""
        values = self.values_zh if language == "zh" else self.values_en
        return translate(REASONS[self.reason], language, **values)


@dataclass(frozen=True)
class Comparison:
    """Two inventories' headline totals and the steps from the first to the second, largest first."""

    first: Inventory
    second: Inventory
    unit: str
    steps: Sequence[Step]

    @property
    def difference(self) -> float:
        """The second total less the first."""
        return self.second.total() - self.first.total()

    def explain(self, key: str) -> Explanation:
        """Explain "step:N" (N from 1) or "difference"; KeyError for anything else."""
        if key == "difference":
            inputs = [
                Input(
                    "second",
                    *_title(self.second),
                    self.second.total(),
                    self.unit,
                    "total",
                    self.second.reference("total"),
                ),
                Input(
                    "first", *_title(self.first), self.first.total(), self.unit, "total", self.first.reference("total")
                ),
            ]
            return Explanation(key, "差额", "difference", self.difference, self.unit, "second - first", inputs)
        number = key.removeprefix("step:")
        if not number.isdigit() or not 1 <= int(number) <= len(self.steps):
            raise KeyError(f"no step {key!r}; steps run from 1 to {len(self.steps)}")
        step = self.steps[int(number) - 1]
        inputs = [
            Input("parts", part.name_zh, part.name_en, part.value, self.unit, "line", part.reference, note=part.note)
            for part in step.parts
        ]
        return Explanation(key, step.label("zh"), step.label("en"), step.value, self.unit, "sum(parts)", inputs)


def _title(inventory: Inventory) -> tuple[str, str]:
    return f"{inventory.scheme.name_zh} {inventory.year}", f"{inventory.scheme.name_en} {inventory.year}"


def compare(first: Inventory, second: Inventory) -> Comparison:
    """Return the comparison of two inventories' headline totals.

    The same scheme in two years is compared stream by stream: amount effect (difference of amounts times the first
    coefficient) and factor effect (second amount times the difference of coefficients). Two schemes are compared flow
    by flow and gas by gas. ValueError where the totals measure different things (tonnes of standard coal and of CO2).
    """
    units = (first.scheme.totals[0].unit, second.scheme.totals[0].unit)
    if units[0] != units[1] and set(units) != {"tCO2", "tCO2e"}:
        raise ValueError(f"{first.scheme.id} gives {units[0]} and {second.scheme.id} gives {units[1]}: not comparable")
    same_scheme = first.scheme.id == second.scheme.id and first.year != second.year
    steps = _steps_of_years(first, second) if same_scheme else _steps_of_schemes(first, second)
    # what is left of amounts that cancel, to the rounding of binary fractions, is no step
    slack = 1e-12 * max((abs(step.value) for step in steps), default=0.0)
    steps = sorted((step for step in steps if abs(step.value) > slack), key=lambda step: -abs(step.value))
    return Comparison(first, second, "tCO2e" if "tCO2e" in units else units[0], steps)


_KEPT = ("line", "category", "commodity", "node", "coefficient")


def _joined(first: Inventory, second: Inventory, key: list[str]) -> pl.DataFrame:
    def prepared(inventory: Inventory, suffix: str) -> pl.DataFrame:
        return (
            inventory.lines_of()
            .with_columns(
                pl.col("stream").fill_null(pl.col("flow")), (pl.col("amount") * pl.col("share")).alias("counted")
            )
            .group_by(key, maintain_order=True)
            .agg(
                pl.col("result").sum(),
                pl.col("counted").sum(),
                *(pl.col(name).first() for name in _KEPT),
            )
            .rename({name: f"{name}_{suffix}" for name in ("result", "counted", *_KEPT)})
        )

    return prepared(first, "1").join(
        prepared(second, "2"), on=key, how="full", coalesce=True, maintain_order="left_right"
    )


def _steps_of_schemes(first: Inventory, second: Inventory) -> list[Step]:
    rows = _joined(first, second, ["flow", "measure"])
    groups: dict[tuple[Reason, str, str, str, str], list[dict[str, Any]]] = {}
    counted = {1: set(first.lines_of()["flow"]), 2: set(second.lines_of()["flow"])}
    for row in rows.iter_rows(named=True):
        one, two = row["result_1"], row["result_2"]
        commodity = row["commodity_1"] or row["commodity_2"]
        category = row["category_1"] or row["category_2"]
        detail, gas = "", ""
        if one is not None and two is not None:
            if one == two:
                continue
            reason: Reason = "factor"
            detail = _factor_detail(first, second, row["coefficient_1"], row["coefficient_2"])
        elif one is not None:
            reason = "gas_only_first" if row["flow"] in counted[2] else "only_first"
        else:
            reason = "gas_only_second" if row["flow"] in counted[1] else "only_second"
        if reason.startswith("gas"):
            gas = row["measure"]
        groups.setdefault((reason, category, commodity, gas, detail), []).append(row)
    return [_step(first, second, *key, rows_of) for key, rows_of in groups.items()]


def _step(
    first: Inventory,
    second: Inventory,
    reason: Reason,
    category: str,
    commodity: str,
    gas: str,
    detail: str,
    rows: list[dict[str, Any]],
) -> Step:
    parts = []
    for row in rows:
        one, two = row["result_1"] or 0.0, row["result_2"] or 0.0
        inventory, line = (first, row["line_1"]) if row["line_1"] is not None else (second, row["line_2"])
        parts.append(
            Part(
                str(row["flow"]), str(row["flow"]), two - one, inventory.reference(f"line:{line}"), f"{two!r} - {one!r}"
            )
        )
    values = {
        language: {
            "source": _source(first, second, category, commodity, language),
            "first": first.scheme.name_zh if language == "zh" else first.scheme.name_en,
            "second": second.scheme.name_zh if language == "zh" else second.scheme.name_en,
            "gas": gas,
            "detail": detail,
        }
        for language in ("zh", "en")
    }
    return Step(reason, commodity, sum(part.value for part in parts), values["zh"], values["en"], parts)


def _source(first: Inventory, second: Inventory, category: str, commodity: str, language: str) -> str:
    named = ((category, "category"), (commodity, "commodity"))
    return " · ".join(_name(first, second, identity, language, kind) for identity, kind in named)


def _name(first: Inventory, second: Inventory, identity: str, language: str, kind: str) -> str:
    """Return the name that either of two inventories has for something."""
    name = first.name(identity, language, kind)
    return name if name != identity else second.name(identity, language, kind)


def _factor_detail(first: Inventory, second: Inventory, one: int, two: int) -> str:
    """Return which parameters differ between two coefficients, such as "emission_factor 0.8325 → 0.5366"."""

    def values(inventory: Inventory, coefficient: int) -> dict[str, tuple[float, str]]:
        rows = inventory.parameters.filter(pl.col("coefficient") == coefficient)
        return {row["symbol"]: (row["value"], row["unit"]) for row in rows.iter_rows(named=True)}

    old, new = values(first, one), values(second, two)
    changes = []
    for symbol in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(symbol), new.get(symbol)
        if before != after and not (symbol == "gwp" and (before or after or (1.0, ""))[0] == 1.0):
            left, right = (f"{pair[0]:g} {pair[1]}" if pair else "–" for pair in (before, after))
            changes.append(f"{symbol} {left} → {right}")
    return ", ".join(changes)


def _steps_of_years(first: Inventory, second: Inventory) -> list[Step]:
    rows = _joined(first, second, ["rule", "stream", "measure"])
    groups: dict[tuple[Reason, str, str], list[Part]] = {}
    for row in rows.iter_rows(named=True):
        one, two = row["result_1"], row["result_2"]
        category = row["category_1"] or row["category_2"]
        commodity = row["commodity_1"] or row["commodity_2"]
        node = row["node_1"] or row["node_2"] or ""
        zh, en = (f"{_name(first, second, node, language, 'node')} · {row['stream']}" for language in ("zh", "en"))
        line = row["line_2"] if row["line_2"] is not None else row["line_1"]
        reference = (second if row["line_2"] is not None else first).reference(f"line:{line}")

        def add(
            reason: Reason,
            value: float,
            note: str,
            place: tuple[str, str, str, str, str] = (category, commodity, zh, en, reference),
        ) -> None:
            if value:
                part = Part(place[2], place[3], value, place[4], note)
                groups.setdefault((reason, place[0], place[1]), []).append(part)

        if one is None or not row["counted_1"]:
            add("began", (two or 0.0) - (one or 0.0), f"{two!r}")
        elif two is None or not row["counted_2"]:
            add("ended", (two or 0.0) - one, f"-{one!r}")
        else:
            old, new = one / row["counted_1"], two / row["counted_2"]
            amount = (row["counted_2"] - row["counted_1"]) * old
            add("amount", amount, f"({row['counted_2']!r} - {row['counted_1']!r}) * {old!r}")
            add("factor", (two - one) - amount, f"{row['counted_2']!r} * ({new!r} - {old!r})")
    steps = []
    for (reason, category, commodity), parts in groups.items():
        values = {
            language: {
                "source": _source(first, second, category, commodity, language),
                "detail": f"{first.year} → {second.year}",
                "first": str(first.year),
                "second": str(second.year),
                "gas": "",
            }
            for language in ("zh", "en")
        }
        steps.append(Step(reason, commodity, sum(p.value for p in parts), values["zh"], values["en"], parts))
    return steps
