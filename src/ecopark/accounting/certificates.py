"""The certificate register in an inventory: each certificate counts once, and never beyond the power received."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from ecopark.accounting.coefficients import Coefficients
from ecopark.catalogue.schemes import Scheme
from ecopark.model.network import Network
from ecopark.model.record import Record
from ecopark.units import factor

CERTIFICATE_FLOW = "certificate:"
"""What the flow id of a certificate's line starts with."""
_UNIT = "MWh"


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


def certificate_lines(
    record: Record,
    network: Network,
    members: Collection[str],
    scheme: Scheme,
    coefficients: Coefficients,
    lines: pl.DataFrame,
    start: date,
    end: date,
) -> tuple[pl.DataFrame, CertificateExcess | None]:
    """Return the lines of the certificate rules, and what was claimed beyond the power received (None if nothing).

    Where the volume claimed exceeds the grid power received, every certificate is scaled down by the same share, so
    that the deduction never exceeds what it stands against.
    """
    empty = lines.clear()
    rules = [(number, rule) for number, rule in enumerate(scheme.rules) if rule.crossing == "certificate"]
    claims = claimed_certificates(record, network, members, start, end) if rules else pl.DataFrame()
    if claims.is_empty():
        return empty, None
    received_rule = next(
        number for number, rule in enumerate(scheme.rules)
        if rule.crossing == "received" and "electricity" in rule.commodities
    )  # fmt: skip
    power = lines.filter((pl.col("rule_index") == received_rule) & (pl.col("commodity") == "electricity"))
    received = float((power["amount"] * power["share"]).sum())
    claimed = float((claims["volume"] * claims["share"]).sum())
    scale = min(1.0, received / claimed) if claimed > 0 else 0.0
    parts: list[pl.DataFrame] = []
    for number, rule in rules:
        region = network.region_of(network.park()) or ""
        coefficient = coefficients.for_certificates(rule, "electricity", _UNIT, region)
        if coefficient is None:
            continue
        parts.append(
            claims.select(
                pl.lit(number, pl.Int32).alias("rule_index"), "flow", pl.lit(None, pl.String).alias("stream"), "node",
                pl.lit("electricity").alias("commodity"), pl.col("volume").alias("amount"),
                (pl.col("share") * scale).alias("share"), pl.lit(coefficient, pl.Int32).alias("coefficient"),
            )
        )  # fmt: skip
    excess = CertificateExcess(claimed, received) if claimed > received * (1 + 1e-12) else None
    return (pl.concat(parts) if parts else empty), excess
