"""The certificate register in an inventory: each certificate counts once, and never beyond the power received."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from ecopark.accounting.coefficients import Coefficients
from ecopark.accounting.lines import CORE, LINE_SCHEMA
from ecopark.catalogue.schemes import Scheme
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.units import factor

CERTIFICATE_FLOW = "certificate:"
"""What the flow id of a certificate's line starts with."""
_UNIT = "MWh"
_POWER = "electricity"


@dataclass(frozen=True, slots=True)
class CertificateExcess:
    """Certificates beyond the power received: `claimed` and `received` in MWh."""

    claimed: float
    received: float


def claimed_certificates(
    record: Record, network: Network, members: Collection[str], start: date, end: date
) -> pl.DataFrame:
    """Return the register's rows that nodes of the boundary may claim in the period: id, node, volume (MWh), share.

    A certificate belongs to the node it was retired for, else to its holder; `share` is the part of its period inside
    [start, end) by days.
    """
    owner = pl.coalesce("retired_for", "holder")
    days = pl.min_horizontal(pl.col("period_end"), pl.lit(end)) - pl.max_horizontal(
        pl.col("period_start"), pl.lit(start)
    )
    rows = (
        record.certificates.with_columns(owner.alias("claimant"))
        .filter(
            pl.col("claimant").is_in(sorted(members)) & (pl.col("period_start") < end) & (pl.col("period_end") > start)
        )
        .with_columns(
            (days.dt.total_days() / (pl.col("period_end") - pl.col("period_start")).dt.total_days()).alias("share")
        )
    )
    scale = [factor(unit, _UNIT) for unit in rows["unit"]]
    return rows.select(
        pl.concat_str(pl.lit(CERTIFICATE_FLOW), pl.col("id")).alias("flow"),
        pl.Series("node", [network.firm_of(node) for node in rows["claimant"]], dtype=pl.String),
        (pl.col("volume") * pl.Series(scale, dtype=pl.Float64)).alias("volume"),
        "share",
    )


def power_received(placed: pl.DataFrame, flows: pl.DataFrame) -> float:
    """Return the grid power that the boundary (or each of its firms) received in the period, in MWh."""
    streams = placed.filter(pl.col("received") & (pl.col("commodity") == _POWER)).select(
        pl.col("id").alias("stream"), "commodity_unit"
    )
    amounts = flows.join(streams, on="stream", how="inner").select(
        pl.col("amount")
        * pl.col("share")
        * pl.lit(factor(streams["commodity_unit"][0], _UNIT) if streams.height else 1.0)
    )
    return float(amounts.to_series().sum())


def certificate_lines(
    record: Record,
    network: Network,
    members: Collection[str],
    scheme: Scheme,
    coefficients: Coefficients,
    received: float,
    period: tuple[date, date],
) -> tuple[pl.DataFrame, CertificateExcess | None]:
    """Return the lines of the certificate rules, and what was claimed beyond the power received (None if nothing).

    Where the volume claimed exceeds the power `received` (MWh), every certificate is scaled down by the same share, so
    that the deduction never exceeds what it stands against.
    """
    empty = pl.DataFrame(schema={name: LINE_SCHEMA[name] for name in CORE})
    rules = [rule for rule in scheme.rules if rule.crossing == "certificate"]
    claims = claimed_certificates(record, network, members, *period) if rules else pl.DataFrame()
    if claims.is_empty():
        return empty, None
    claimed = float((claims["volume"] * claims["share"]).sum())
    scale = min(1.0, received / claimed) if claimed > 0 else 0.0
    region = network.region_of(network.park()) or ""
    parts = [empty]
    for rule in rules:
        coefficient = coefficients.for_certificates(rule, _POWER, _UNIT, region)
        if coefficient is not None:
            parts.append(
                claims.select(
                    "flow",
                    pl.lit(None, pl.String).alias("stream"),
                    "node",
                    pl.col("volume").alias("amount"),
                    pl.col("share") * scale,
                    pl.lit(coefficient, pl.Int32).alias("coefficient"),
                )
            )
    excess = CertificateExcess(claimed, received) if claimed > received * (1 + 1e-12) else None
    return pl.concat(parts), excess
