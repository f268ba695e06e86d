"""Validation: every fault of a record at once, each with its cause, its place and its remedy."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ecopark.model.attribute_checks import check_attributes
from ecopark.model.findings import Findings, Locate, default_locate, problem_of
from ecopark.model.flow_checks import check_flows
from ecopark.model.network_checks import check_network
from ecopark.model.problems import Problem
from ecopark.model.quantities import quantities_of
from ecopark.model.quantity_checks import check_quantities
from ecopark.model.record import Record

__all__ = ["Locate", "check_record", "default_locate", "problem_of"]


def check_record(
    record: Record,
    commodities: pl.DataFrame,
    activities: Collection[str],
    groups: Collection[str],
    quantities: pl.DataFrame | Collection[str] = (),
    *,
    locate: Locate | None = None,
) -> list[Problem]:
    """Return every problem of `record`, in the order of tables and rows.

    `commodities` are the catalogue's (columns id and unit, String; more do no harm), to which the record's own are
    added; `activities`, `groups` and `quantities` are the ids that the catalogue knows, beside the quantities of
    `quantities.QUANTITIES`; a frame of quantities (see `quantities.quantities_of`) also says what they are measured in.
    `locate` turns (table, index of the row in the record's frame, column) into the place
    that a person is shown; by default it is ``flows:elec-2019 amount``. Problems of severity ``warning`` do not keep
    the record from being used.
    """
    findings = Findings(record, locate)
    # the park's own row of a commodity goes before the catalogue's
    units = pl.concat(
        [
            record.commodities.select(pl.col("id").alias("commodity"), "unit"),
            commodities.select(pl.col("id").alias("commodity").cast(pl.String), pl.col("unit").cast(pl.String)),
        ]
    ).unique("commodity", keep="first", maintain_order=True)
    known = set(units["commodity"].drop_nulls())
    known_quantities = quantities_of(
        quantities if isinstance(quantities, pl.DataFrame) else pl.DataFrame({"id": list(quantities)})
    )
    quantity_ids = set(known_quantities)
    check_attributes(
        findings,
        {
            ("streams", "commodity"): known,
            ("streams", "activity"): set(activities),
            ("commodities", "group"): set(groups),
            ("commodities", "parent"): known,
            ("stocks", "commodity"): known,
            ("properties", "commodity"): known,
            ("properties", "property"): quantity_ids,
            ("factors", "commodity"): known | {"*"},
            ("factors", "quantity"): quantity_ids,
        },
    )
    check_flows(findings, units)
    check_network(findings)
    check_quantities(findings, units, known_quantities)
    return findings.problems()
