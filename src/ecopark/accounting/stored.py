"""Inventories to be stored as runs, and read back: everything an old number needs to be shown and explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from ecopark.accounting.coefficients import parameters_of
from ecopark.accounting.explanation import Input
from ecopark.accounting.lines import CORE, complete_lines
from ecopark.accounting.result import Gap, IndicatorResult, Inventory, Remark
from ecopark.catalogue.schemes import Scheme

ENGINE = "inventory"
FRAMES = ("lines", "coefficients", "parameters", "flows")


def inventory_to_store(inventory: Inventory) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """Return what to store of an inventory: an outcome that JSON can hold, and its frames by name (lines compact)."""
    outcome = {
        "scheme": inventory.scheme.model_dump(mode="json", by_alias=True),
        "year": inventory.year,
        "boundary": inventory.boundary,
        "boundary_name": list(inventory.boundary_name),
        "scenario": inventory.scenario,
        "perspective": inventory.perspective,
        "options": dict(inventory.options),
        "totals": {row["id"]: row["value"] for row in inventory.totals().to_dicts()},
        "complete": inventory.complete,
        "gaps": [asdict(gap) for gap in inventory.gaps],
        "remarks": [asdict(remark) for remark in inventory.remarks],
        "indicators": [asdict(indicator) for indicator in inventory.indicators],
        "names": {name: list(pair) for name, pair in inventory.names.items()},
        "statistics": {name: asdict(statistic) for name, statistic in inventory.statistics.items()},
        "sources": {name: list(pair) for name, pair in inventory.sources.items()},
    }
    frames = {name: getattr(inventory, name) for name in FRAMES}
    return outcome, frames | {"lines": inventory.lines.select(CORE)}


def inventory_from_store(run: str, outcome: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> Inventory:
    """Return the inventory that `inventory_to_store` gave, carrying the id of its run."""

    def remark(data: Mapping[str, Any] | None) -> Remark | None:
        return None if data is None else Remark(**data)

    indicators = [
        IndicatorResult(**{**data, "reason": remark(data["reason"]), "warning": remark(data["warning"])})
        for data in outcome["indicators"]
    ]

    def pairs(data: Mapping[str, list[str]]) -> dict[str, tuple[str, str]]:
        return {name: (pair[0], pair[1]) for name, pair in data.items()}

    scheme = Scheme.model_validate(outcome["scheme"])
    return Inventory(
        scheme=scheme, year=outcome["year"], boundary=outcome["boundary"],
        boundary_name=(outcome["boundary_name"][0], outcome["boundary_name"][1]), scenario=outcome["scenario"],
        perspective=outcome["perspective"], options=outcome["options"],
        gaps=[Gap(**data) for data in outcome["gaps"]], remarks=[Remark(**data) for data in outcome["remarks"]],
        indicators=indicators, names=pairs(outcome["names"]), sources=pairs(outcome["sources"]),
        statistics={name: Input(**data) for name, data in outcome["statistics"].items()},
        run=run, lines=complete_lines(frames["lines"], frames["coefficients"], scheme),
        coefficients=frames["coefficients"], parameters=frames["parameters"], flows=frames["flows"],
    )  # fmt: skip


def recomputed_lines(inventory: Inventory, replacements: Mapping[str, float] | None = None) -> pl.Series:
    """Return every line's result worked out anew from the stored amounts and parameters.

    ``result = amount * share * unit_scale * product of parameter ** power``. `replacements` gives other values for
    factors by id (in the unit in which they are stored), for "what if this factor changes".
    """
    other = dict(replacements or {})
    values = [
        (number, _product(parameters_of(inventory.parameters, number), scale, other))
        for number, scale in inventory.coefficients.select("coefficient", "unit_scale").iter_rows()
    ]
    worth = pl.DataFrame(values, schema={"coefficient": pl.Int32, "recomputed": pl.Float64}, orient="row")
    joined = inventory.lines.join(worth, on="coefficient", how="left", maintain_order="left")
    return joined.select((pl.col("amount") * pl.col("share") * pl.col("recomputed")).alias("result")).to_series()


def _product(parameters: Any, scale: float, other: Mapping[str, float]) -> float:
    value = float(scale)
    for row in parameters:
        value *= other.get(row["factor"], row["value"]) ** row["power"]
    return value


def factor_versions(inventory: Inventory) -> dict[str, str]:
    """Return the factors that the lines of an inventory used, with the version (or set) of each."""
    used = inventory.parameters.filter(
        pl.col("coefficient").is_in(inventory.lines["coefficient"].unique().implode())
    ).select("factor", "version", "set")
    return {factor: version or name for factor, version, name in used.unique().iter_rows()}
