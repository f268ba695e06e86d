"""Two periods of one network side by side: streams matched, and how certain their differences are.

The error of a difference keeps together what both periods share: a factor that is the same in both (the chlorine
content of a salt that was analysed once) and a correlation group (one meter) move both values, so that only the rest of
the error remains in the difference:

    var(D) = sum over independent variables u of (sum over values v that hold u of sign_v * dv/du * s_u)^2

with sign +1 after and -1 before, to first order.
"""

from __future__ import annotations

import polars as pl

from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.layers import standard_deviation
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

BEFORE, AFTER = "before", "after"

_VARIATION_SCHEMA: dict[str, type[pl.DataType]] = {"stream": pl.String, "variable": pl.String, "change": pl.Float64}


def check_comparable(before: LayeredFlows, after: LayeredFlows, layer: str) -> None:
    """Raise InputError unless both networks hold `layer` and were drawn over the same boundary."""
    problems = []
    for side in (before, after):
        known = side.layers["id"].to_list()
        if layer not in known:
            problems.append(
                Problem(
                    "layer_not_drawn",
                    f"{side.start} – {side.end}",
                    N_("The network of this period was not drawn in the layer “{layer}”."),
                    N_("It holds: {known}."),
                    {"layer": layer, "known": ", ".join(known)},
                )
            )
    if before.boundary != after.boundary:
        problems.append(
            Problem(
                "boundaries_differ",
                f"{before.start}, {after.start}",
                N_("The two networks have different boundaries: {before} and {after}."),
                N_("Draw both over the same boundary; otherwise a change of the boundary looks like one of the flows."),
                {"before": before.boundary, "after": after.boundary},
            )
        )
    if problems:
        raise InputError(problems)


def streams_of(layered: LayeredFlows, layer: str) -> pl.DataFrame:
    """Return one row per stream of a layer: amount, value, unit and how it is known, over all periods of the network.

    Columns stream, source, target, commodity, activity, implied, amount (commodity unit), value (layer unit),
    amount_unit, method, coverage, spread, complete (nothing stated as unknown).
    """
    unknown = layered.unknown.filter(pl.col("layer") == layer)["stream"].unique().implode()
    return (
        layered.layer(layer)
        .group_by("stream", "source", "target", "commodity", "activity", maintain_order=True)
        .agg(
            pl.col("implied").first(),
            pl.col("amount").sum(),
            pl.col("value").sum(),
            pl.col("unit").first().alias("amount_unit"),
            pl.col("method").first(),
            pl.col("coverage").mean(),
            pl.col("spread").any(),
        )
        .with_columns(~pl.col("stream").is_in(unknown).alias("complete"))
    )


def matched_streams(before: LayeredFlows, after: LayeredFlows, layer: str) -> pl.DataFrame:
    """Return the streams of a layer in both periods, one row each; columns end in _before and _after.

    `state` says what may be compared: both; appeared, ended (in one period only, without a word on the other: 0 there);
    unknown_before, unknown_after (the record says that it is not known: no difference is drawn).
    """
    check_comparable(before, after, layer)
    identity = ["stream", "source", "target", "commodity", "activity"]
    left, right = streams_of(before, layer), streams_of(after, layer)
    joined = left.join(right, on=identity, how="full", coalesce=True, suffix="_after", maintain_order="left_right")
    renamed = joined.rename({name: f"{name}_before" for name in left.columns if name not in [*identity, "implied"]})
    lacks_before = before.unknown.filter(pl.col("layer") == layer)["stream"].unique().implode()
    lacks_after = after.unknown.filter(pl.col("layer") == layer)["stream"].unique().implode()
    here, there = pl.col("value_before").is_null(), pl.col("value_after").is_null()
    state = (
        pl.when(here & pl.col("stream").is_in(lacks_before)).then(pl.lit("unknown_before"))
        .when(there & pl.col("stream").is_in(lacks_after)).then(pl.lit("unknown_after"))
        .when(here).then(pl.lit("appeared")).when(there).then(pl.lit("ended")).otherwise(pl.lit("both"))
    )  # fmt: skip
    partial = ~(pl.col("complete_before").fill_null(True) & pl.col("complete_after").fill_null(True))
    return renamed.with_columns(
        pl.coalesce("implied", "implied_after").alias("implied"), state.alias("state"), partial.alias("partial")
    ).drop("implied_after", "complete_before", "complete_after")


def variations(layered: LayeredFlows, layer: str, sign: float, period: str) -> pl.DataFrame:
    """Return how each stream's value moves with each uncertain variable: stream, variable, change per deviation.

    `change` is `sign` times the change in layer units per standard deviation. Variables that two periods share have the
    same name in both: correlation groups of amounts, and factors of the same id and value.
    """
    values = layered.layer(layer).select(
        "stream", "edge", "coefficient", "amount", "value", "sd", "correlation_group", "variable"
    )
    worth = layered.coefficients.select("coefficient", pl.col("value").alias("worth"))
    own = pl.concat_str(pl.lit(f"amount:{period}:"), pl.col("variable").cast(pl.String))
    amounts = (
        values.filter(pl.col("sd") > 0)
        .join(worth, on="coefficient", how="left", maintain_order="left")
        .select(
            "stream",
            pl.coalesce(pl.lit("group:") + pl.col("correlation_group"), own).alias("variable"),
            (sign * pl.col("worth") * pl.col("sd")).alias("change"),
        )
    )
    ranged: list[tuple[int, str, float]] = []
    for row in layered.parameters.iter_rows(named=True):
        deviation = standard_deviation(row["value"], row["low"], row["high"])
        if deviation and row["value"]:
            slope = -1.0 if str(row["symbol"]).startswith("not_") else 1.0
            name = f"factor:{row['factor']}:{row['value']!r}"
            ranged.append((row["coefficient"], name, slope * row["power"] * deviation / row["value"]))
    known = {row[0] for row in ranged}
    for row in layered.coefficients.iter_rows(named=True):
        if row["sd"] and row["value"] and row["coefficient"] not in known:
            name = f"coefficient:{row['layer']}:{row['commodity']}:{row['formula']}:{row['value']!r}"
            ranged.append((row["coefficient"], name, row["sd"] / row["value"]))
    factors = pl.DataFrame(
        ranged, schema={"coefficient": pl.Int32, "name": pl.String, "relative": pl.Float64}, orient="row"
    )
    contents = (
        values.select("stream", "coefficient", "value")
        .join(factors, on="coefficient", how="inner", maintain_order="left")
        .select(
            "stream", pl.col("name").alias("variable"), (sign * pl.col("value") * pl.col("relative")).alias("change")
        )
    )
    return pl.concat([amounts, contents]).cast(_VARIATION_SCHEMA)  # type: ignore[arg-type]


def difference_variations(before: LayeredFlows, after: LayeredFlows, layer: str) -> pl.DataFrame:
    """Return the variations of the difference after - before of every stream (columns of `variations`)."""
    return pl.concat([variations(before, layer, -1.0, BEFORE), variations(after, layer, 1.0, AFTER)])


def deviations(found: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return the standard deviation of sums of streams: columns of `groups` without stream and sign, and `sd`.

    `groups` says which streams a sum holds: stream, further columns that name the sum, and optionally `sign`. Sums
    without any uncertain variable are left out.
    """
    names = [name for name in groups.columns if name not in ("stream", "sign")]
    sign = pl.col("sign") if "sign" in groups.columns else pl.lit(1.0)
    return (
        groups.join(found, on="stream", how="inner", maintain_order="left")
        .group_by(*names, "variable", maintain_order=True)
        .agg((pl.col("change") * sign).sum())
        .group_by(*names, maintain_order=True)
        .agg(pl.col("change").pow(2).sum().sqrt().alias("sd"))
    )


def members_of(layered: LayeredFlows, node: str) -> set[str]:
    """Return the ids of a node and all below it; for an empty `node` what lies inside the boundary.

    InputError for a node that the network does not have.
    """
    nodes = layered.nodes
    if not node:
        return set(nodes.filter("inside")["node"])
    parents = dict(nodes.select("node", "parent").iter_rows())
    if node not in parents:
        raise InputError([
            Problem("node_unknown", node, N_("There is no node {node}."),
                    N_("Use the id of a node of the record, such as {known}."),
                    {"node": node, "known": ", ".join(nodes["node"].head(5))})
        ])  # fmt: skip
    found = {node}
    grown = True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return found


def stations_of(before: LayeredFlows, after: LayeredFlows, level: Level) -> pl.DataFrame:
    """Return node -> station at a level over both networks; the later one decides where they differ."""
    return pl.concat([after.at_level(level), before.at_level(level)]).unique("node", keep="first", maintain_order=True)


def period_text(layered: LayeredFlows) -> str:
    """Return the shortest text for the period of a network: 2022, 2022-05, or its first and last days."""
    from ecopark.model.periods import period_label

    return period_label(layered.start, layered.end)
