"""Reconciliation of a park: from layered flows to a result, with what must be said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ecopark.catalogue import Catalogue
from ecopark.metabolism.flows import LayeredFlows, Level
from ecopark.metabolism.reconciliation.assembly import Assembly, assemble
from ecopark.metabolism.reconciliation.assumed import half_widths
from ecopark.metabolism.reconciliation.gross_errors import serial_elimination
from ecopark.metabolism.reconciliation.least_squares import ContradictionError
from ecopark.metabolism.reconciliation.nonlinear import NoConvergenceError
from ecopark.metabolism.reconciliation.normal_equations import Method
from ecopark.metabolism.reconciliation.remarks import collect_remarks, contradictions
from ecopark.metabolism.reconciliation.result import (
    BALANCE_SCHEMA,
    CONTENT_SCHEMA,
    FLOW_SCHEMA,
    PULL_SCHEMA,
    STOCK_ROW_SCHEMA,
    SUSPECT_SCHEMA,
    TEST_SCHEMA,
    VALUE_ROW_SCHEMA,
    Reconciliation,
)
from ecopark.metabolism.reconciliation.solving import Solution, reconcile_measurements
from ecopark.metabolism.reconciliation.testing import VDI_CRITICAL
from ecopark.model.problems import InputError
from ecopark.model.record import Record

_VERDICTS = {"nonredundant": "unchecked", "exact": "unchecked", "observable": "worked_out", "unobservable": "unknown"}
_ELIMINATION_LIMIT = 20_000


def reconcile(
    layered: LayeredFlows,
    catalogue: Catalogue,
    *,
    layers: Sequence[str] | None = None,
    level: Level = "firm",
    significance: float = 0.05,
    assumed: Mapping[str, float] | None = None,
    contents: bool = True,
    method: Method = "auto",
) -> Reconciliation:
    """Reconcile all amounts of a network with all balances that can be tested, in all conserved layers at once.

    `layers`: those whose balances count (None: all conserved ones of the network); `level`: down to which nodes;
    `significance` of the tests; `assumed`: half widths of 95 % ranges (as parts of the amount) by method where none is
    stated, in place of the catalogue's; `contents`: whether contents that carry a range are adjusted as well. Flows
    that are not measured (NE, C) are worked out where the balances determine them.

    The amounts should be raw: draw the network from `without_reconciled(record)`. Raises InputError naming the nodes
    where exact flows contradict each other.
    """
    widths = half_widths(assumed)
    fixed = False
    problem = assemble(layered, catalogue, layers=layers, level=level, widths=widths, contents=contents)
    try:
        solved = reconcile_measurements(problem.measurements, problem.constraints, level=significance, method=method)
    except ContradictionError as error:
        raise InputError(contradictions(problem, error.rows, layered.names)) from None
    except NoConvergenceError:  # contents far from what they are said to be: amounts alone are a linear problem
        fixed = True
        problem = assemble(layered, catalogue, layers=layers, level=level, widths=widths, contents=False)
        try:
            solved = reconcile_measurements(
                problem.measurements, problem.constraints, level=significance, method=method
            )
        except ContradictionError as error:
            raise InputError(contradictions(problem, error.rows, layered.names)) from None
    eliminated = _eliminated(problem, solved, significance)
    terms = _valued(problem, solved)
    settings = dict(layered.settings) | {
        "layers": sorted(set(problem.balances["layer"])) if layers is None else list(layers), "level": level,
        "significance": significance, "assumed": widths, "contents": contents and not fixed,
    }  # fmt: skip
    names = dict(layered.names)
    names.setdefault(f"node:boundary:{layered.boundary}", ("整个边界", "the whole boundary"))
    result = Reconciliation(
        settings=settings, names=names, sources=layered.sources, flows=_flows(problem, solved),
        stocks=_stocks(problem, solved), contents=_contents(problem, solved), balances=_balances(problem, solved),
        skipped=problem.skipped, suspects=_suspects(problem, solved), eliminated=eliminated,
        test=_test(solved), components=_components(layered, level), pulls=_pulls(problem, solved), terms=terms,
        values=_values(layered, problem, solved), observed=_observed(problem, solved), behind=_behind(layered),
    )  # fmt: skip
    return replace(result, remarks=(*layered.remarks, *collect_remarks(result, fixed=fixed)))


def without_reconciled(record: Record) -> Record:
    """Return the record without the flows of an earlier reconciliation."""
    return record.replace(flows=record.flows.filter(pl.col("method") != "reconciled"))


def _columns(solved: Solution, start: int, raw: pl.Series) -> dict[str, pl.Series]:
    """Return the columns that flows, stocks and contents share, for the variables from `start` on."""
    part = slice(start, start + len(raw))
    tests = solved.measurement_tests
    reconciled = pl.Series(solved.x[part]).fill_nan(None)
    classes = pl.Series(solved.classification[part].tolist(), dtype=pl.String)
    verdict = classes.replace(_VERDICTS).set(classes == "redundant", "consistent")
    verdict = verdict.set(pl.Series(tests.suspicious[part]), "suspicious")
    return {
        "reconciled": reconciled,
        "sd_reconciled": pl.Series(solved.sd[part]).fill_nan(None),
        "adjustment": reconciled - raw,
        "standardised": pl.Series(tests.standardised[part]).fill_nan(None),
        "verdict": verdict,
        "classification": classes,
    }


def _flows(problem: Assembly, solved: Solution) -> pl.DataFrame:
    frame = problem.amounts
    count = frame.height
    held = problem.terms.filter(pl.col("stock").is_null()).join(
        problem.balances.with_row_index("balance").select(pl.col("balance").cast(pl.Int64), "layer"), on="balance",
        how="left", maintain_order="left",
    )  # fmt: skip
    used = held.group_by("variable").agg(
        pl.col("layer").unique().sort().str.join(";").alias("layers"), pl.col("balance").n_unique().alias("balances")
    )
    at_bound = np.zeros(problem.measurements.size, dtype=bool)
    at_bound[solved.fit.at_bound] = True
    frame = frame.with_columns(
        **_columns(solved, 0, frame["raw"]),
        vdi=pl.Series(solved.measurement_tests.vdi[:count]).fill_nan(None),
        sd_exact=pl.Series(solved.variances.exact[:count]),
        at_bound=pl.Series(at_bound[:count]),
    ).join(used, on="variable", how="left", maintain_order="left")
    return frame.with_columns(
        pl.when(pl.col("raw") != 0).then(pl.col("adjustment") / pl.col("raw").abs()).alias("relative"),
        pl.col("layers").fill_null(""), pl.col("balances").fill_null(0),
    ).select(pl.col(name).cast(kind) for name, kind in FLOW_SCHEMA.items())  # fmt: skip


def _stocks(problem: Assembly, solved: Solution) -> pl.DataFrame:
    frame = problem.stocks
    return (
        frame.with_columns(**_columns(solved, problem.amounts.height, frame["raw"]))
        .with_columns(pl.col("variable") + problem.amounts.height)
        .select(pl.col(name).cast(kind) for name, kind in STOCK_ROW_SCHEMA.items())
    )


def _contents(problem: Assembly, solved: Solution) -> pl.DataFrame:
    frame = problem.contents
    start = problem.amounts.height + problem.stocks.height
    return frame.with_columns(
        pl.int_range(start, start + pl.len(), dtype=pl.Int64).alias("variable"), **_columns(solved, start, frame["raw"])
    ).select(pl.col(name).cast(kind) for name, kind in CONTENT_SCHEMA.items())


def _balances(problem: Assembly, solved: Solution) -> pl.DataFrame:
    rows, tests = problem.balances, solved.balance_tests
    count = rows.height
    fit, known = solved.fit, problem.measurements
    measured = np.where(known.measured, np.nan_to_num(known.values), fit.x)
    before = problem.constraints.residual(measured)
    complete = ~np.isnan(tests.residual)
    size = problem.constraints.size(measured)
    after = problem.constraints.residual(fit.x)
    multiplier = fit.multipliers[:count]
    # J = sum over balances of multiplier * what the errors leave open, unmeasured flows having no error
    part = multiplier * np.asarray(fit.matrix[:count] @ (measured - fit.x)).ravel()
    return rows.with_row_index("balance").with_columns(
        pl.Series("before", np.where(complete, before, np.nan)).fill_nan(None),
        pl.Series("sd_before", tests.deviation).fill_nan(None),
        pl.Series("standardised", tests.standardised).fill_nan(None),
        pl.Series("suspicious", tests.suspicious),
        pl.Series("relative_before", np.where(complete, before / np.where(size > 0, size, 1.0), np.nan)).fill_nan(None),
        pl.Series("after", after),
        pl.Series("relative_after", solved.open_after),
        pl.Series("multiplier", multiplier),
        pl.Series("part", part),
    ).select(pl.col(name).cast(kind) for name, kind in BALANCE_SCHEMA.items())  # fmt: skip


def _suspects(problem: Assembly, solved: Solution) -> pl.DataFrame:
    """Return the single errors that matter: significant ones, and all that explain a global test that fails."""
    rows: list[dict[str, Any]] = []
    limit = min(solved.measurement_tests.critical, solved.balance_tests.critical) ** 2
    first_content = problem.amounts.height + problem.stocks.height
    for suspect in solved.suspects:
        if suspect.statistic <= limit and (solved.test.passed or not suspect.explains):
            continue
        row: dict[str, Any] = {
            "rank": len(rows) + 1, "kind": suspect.kind, "statistic": suspect.statistic, "size": suspect.size,
            "objective_without": suspect.objective_without, "explains": suspect.explains,
        }  # fmt: skip
        if suspect.kind == "balance":
            row |= problem.balances.select("node", "layer", "period_start", "unit").row(suspect.index, named=True)
        elif suspect.index < problem.amounts.height:
            row |= problem.amounts.select("edge", "stream", "period_start", "unit").row(suspect.index, named=True)
            row["kind"] = "flow"
        elif suspect.index < first_content:
            stock = problem.stocks.row(suspect.index - problem.amounts.height, named=True)
            row |= {"kind": "stock", "node": stock["node"], "key": stock["commodity"], "unit": stock["unit"],
                    "period_start": stock["period_start"]}  # fmt: skip
        else:
            content = problem.contents.row(suspect.index - first_content, named=True)
            row |= {"kind": "content", "key": content["key"], "unit": content["unit"]}
        rows.append(row)
    return pl.DataFrame(rows, schema=SUSPECT_SCHEMA)


def _eliminated(problem: Assembly, solved: Solution, significance: float) -> pl.DataFrame:
    schema = {"step": pl.Int64, "edge": pl.Int64, "stream": pl.String, "variable": pl.Int64, "statistic": pl.Float64}
    rows: list[dict[str, Any]] = []
    if not solved.test.passed and problem.measurements.size <= _ELIMINATION_LIMIT:
        done = serial_elimination(solved.fit, problem.constraints.groups, level=significance)
        for step, (variable, statistic) in enumerate(done.removed, start=1):
            row: dict[str, Any] = {"step": step, "variable": variable, "statistic": statistic}
            if variable < problem.amounts.height:
                row |= problem.amounts.select("edge", "stream").row(variable, named=True)
            rows.append(row)
    return pl.DataFrame(rows, schema=schema)


def _test(solved: Solution) -> pl.DataFrame:
    test, single = solved.test, solved.measurement_tests
    row = {
        "objective": test.objective, "degrees_of_freedom": test.degrees_of_freedom, "level": test.level,
        "critical": test.critical, "p_value": test.p_value, "passed": test.passed, "tested": single.tested,
        "critical_single": single.critical, "critical_vdi": VDI_CRITICAL,
        "critical_balance": solved.balance_tests.critical, "method": solved.method,
        "linearisations": solved.linearisations, "sd_error": solved.variances.error,
    }  # fmt: skip
    return pl.DataFrame([row], schema=TEST_SCHEMA)


def _pulls(problem: Assembly, solved: Solution) -> pl.DataFrame:
    """Return what each balance (null: a bound) takes off each measured variable: (V A')_ji lambda_i."""
    fit, count = solved.fit, problem.balances.height
    gain = sp.coo_matrix((fit.root @ fit.root.T) @ fit.matrix.T)
    part = gain.data * fit.multipliers[gain.col]
    frame = pl.DataFrame({"variable": gain.row, "balance": gain.col, "part": part}, schema=PULL_SCHEMA)
    frame = frame.filter(pl.col("part") != 0).sort("variable", pl.col("part").abs(), descending=[False, True])
    # what nearly parallel balances lose in rounding is put on the largest part, so that the parts add up
    moved = np.where(problem.measurements.measured, np.nan_to_num(problem.measurements.values) - fit.x, 0.0)
    goal = pl.DataFrame({"variable": np.arange(len(moved)), "moved": moved}, schema_overrides={"variable": pl.Int64})
    lacking = pl.col("moved") - pl.col("part").sum().over("variable")
    first = pl.int_range(pl.len()).over("variable") == 0
    return (
        frame.join(goal, on="variable", how="left", maintain_order="left")
        .with_columns(pl.col("part") + pl.when(first).then(lacking).otherwise(0.0))
        .with_columns(pl.when(pl.col("balance") < count).then("balance").alias("balance"))
        .select(PULL_SCHEMA.keys())
    )


def _observed(problem: Assembly, solved: Solution) -> pl.DataFrame:
    """Return how each unmeasured variable follows from measured ones: variable, measured, derivative, offset."""
    schema = {"variable": pl.Int64, "measured": pl.Int64, "derivative": pl.Float64, "value": pl.Float64}
    reduction = solved.fit.reduction
    rows = sp.coo_matrix(reduction.dependence)
    kept = reduction.observable[rows.row] & (rows.row < problem.amounts.height)
    columns = {"variable": rows.row[kept], "measured": rows.col[kept], "derivative": rows.data[kept],
               "value": solved.fit.x[rows.col[kept]]}  # fmt: skip
    return pl.DataFrame(columns, schema=schema)


def _valued(problem: Assembly, solved: Solution) -> pl.DataFrame:
    """Return the terms with their values before and after, in the layer's unit."""
    fit, known = solved.fit, problem.measurements
    sides = {}
    for name, x in (("raw", np.where(known.measured, known.values, np.nan)), ("reconciled", fit.x)):
        sides[name] = pl.Series(problem.constraints.terms(x)).fill_nan(None)
    return problem.terms.with_columns(**sides).drop("sign", "rest")


def _values(layered: LayeredFlows, problem: Assembly, solved: Solution) -> pl.DataFrame:
    """Return the reconciled values of all edges in all layers, with deviations to first order."""
    fit = solved.fit
    amounts = pl.DataFrame(
        {"origin": problem.amounts["origin"], "amount": fit.x[: problem.amounts.height],
         "sd_amount": solved.sd[: problem.amounts.height],
         "known": ~np.isnan(solved.x[: problem.amounts.height])}
    )  # fmt: skip
    worth = _worth(layered, problem, solved)
    edges = layered.edges.select("edge", pl.col("variable").alias("origin"))
    joined = (
        layered.values.select("edge", "layer", "coefficient")
        .join(edges, on="edge", how="left", maintain_order="left")
        .join(amounts, on="origin", how="left", maintain_order="left")
        .join(worth, on="coefficient", how="left", maintain_order="left")
        .filter("known")
    )
    deviation = (
        (pl.col("worth") * pl.col("sd_amount")).pow(2) + (pl.col("amount") * pl.col("sd_worth").fill_null(0.0)).pow(2)
    ).sqrt()
    return joined.select(
        "edge", "layer", (pl.col("amount") * pl.col("worth")).alias("value"), deviation.alias("sd")
    ).cast(VALUE_ROW_SCHEMA)  # type: ignore[arg-type]


def _worth(layered: LayeredFlows, problem: Assembly, solved: Solution) -> pl.DataFrame:
    """Return coefficient, its reconciled value (worth) and deviation."""
    scale: dict[int, float] = {}
    spread: dict[int, float] = {}
    first = problem.amounts.height + problem.stocks.height
    for number, found in problem.uncertain.items():
        ratio, variance = 1.0, 0.0
        for content in found:
            raw = problem.contents["raw"][content]
            ratio *= float(solved.fit.x[first + content]) / raw
            variance += (float(solved.sd[first + content]) / raw) ** 2
        scale[number], spread[number] = ratio, variance
    frame = layered.coefficients.select("coefficient", "value", "sd")
    keys = [int(number) for number in frame["coefficient"]]
    ratios = pl.Series([scale.get(number, 1.0) for number in keys], dtype=pl.Float64)
    variances = pl.Series([spread.get(number) for number in keys], dtype=pl.Float64)
    worth = frame["value"] * ratios
    stated = frame["sd"].fill_null(0.0)
    reconciled = worth.abs() * variances.sqrt()
    sd: pl.Series = reconciled.zip_with(variances.is_not_null(), stated)
    return pl.DataFrame({"coefficient": frame["coefficient"], "worth": worth, "sd_worth": sd})


def _behind(layered: LayeredFlows) -> pl.DataFrame:
    columns = ["id", "stream", "span_start", "period_start", "period_end", "amount", "unit", "share", "low", "high",
               "method", "notation", "evidence"]  # fmt: skip
    return layered.flows.select(name for name in columns if name in layered.flows.columns)


def _components(layered: LayeredFlows, level: Level) -> pl.DataFrame:
    """Return which stations inside hang together by flows among them: component, node."""
    station = layered.at_level(level).join(layered.nodes.select("node", "inside"), on="node", maintain_order="left")
    inside = station.filter("inside")
    stations = inside["station"].unique(maintain_order=True)
    number = {name: k for k, name in enumerate(stations)}
    of_node = {node: number[name] for node, name in inside.select("node", "station").iter_rows()}
    ends = [(of_node.get(s, -1), of_node.get(t, -1)) for s, t in layered.edges.select("source", "target").iter_rows()]
    touched = {end for pair in ends for end in pair if end >= 0}
    pairs = [(s, t) for s, t in ends if s >= 0 and t >= 0 and s != t]
    size = len(number)
    graph = sp.coo_matrix((np.ones(len(pairs)), ([s for s, _ in pairs], [t for _, t in pairs])), shape=(size, size))
    _, labels = connected_components(graph, directed=False) if size else (0, np.zeros(0, dtype=np.int64))
    rows = [(int(labels[k]), str(name)) for name, k in number.items() if k in touched]
    renumbered = {label: place for place, label in enumerate(dict.fromkeys(label for label, _ in rows))}
    return pl.DataFrame(
        [(renumbered[label], name) for label, name in rows], schema={"component": pl.Int64, "node": pl.String},
        orient="row",
    )  # fmt: skip
