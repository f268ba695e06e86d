"""The wide tables: factors with everything that is known of them, uncertainty, gaps, lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ecopark.accounting.result import Inventory
from ecopark.reports.comparison_chapters import notations
from ecopark.reports.finishing import clean
from ecopark.reports.material import Uncertainty
from ecopark.reports.numbers import MISSING, decimals_for
from ecopark.reports.results_chapters import tasks, titled
from ecopark.reports.scribe import LEVEL_NAMES, STATUS_NAMES, Row, Scribe
from ecopark.translation import N_

DOUBTFUL = ("unverified", "contested")
_MOST_PARTS = 5
_SMALLEST_PART = 0.0005  # prints as 0.1 %


def used_parameters(scribe: Scribe) -> pl.DataFrame:
    """Return one row for every factor value that made a line, with the schemes that used it."""
    frames = []
    for inventory in scribe.material.inventories:
        used = inventory.lines["coefficient"].unique()
        goods = inventory.coefficients.select("coefficient", "commodity", "measure")
        frames.append(
            inventory.parameters.filter(pl.col("coefficient").is_in(used.implode()))
            .filter(~pl.col("factor").str.starts_with("constant:"))
            .join(goods, on="coefficient", how="left", maintain_order="left")
        )
    everything = pl.concat(frames)
    return everything.unique(["factor", "value"], maintain_order=True).sort(
        "symbol", "commodity", "factor", maintain_order=True
    )


def factors(scribe: Scribe) -> dict[str, Any]:
    """Return the factor table with its notes: substitutions, borrowed ranges, and which values are in doubt."""
    parameters = used_parameters(scribe)
    catalogue = {row["id"]: row for row in scribe.material.catalogue.factors.filter(
        pl.col("id").is_in(parameters["factor"].implode())).iter_rows(named=True)}  # fmt: skip
    symbols = scribe.symbols()
    rows = [_factor(scribe, row, catalogue.get(row["factor"], {}), symbols) for row in parameters.iter_rows(named=True)]
    doubtful = parameters.filter(pl.col("status").is_in(DOUBTFUL))
    borrowed = parameters.filter(pl.col("range_source").fill_null("").str.starts_with("borrowed:"))
    sentence = scribe.say(
        N_("{count} factor values were used; {doubtful} of them are unverified or contested and marked with *."),
        count=scribe.register.count("factors", parameters.height),
        doubtful=scribe.register.count("doubtful factors", doubtful.height),
    )
    notes = []
    if borrowed.height:
        text = N_(
            "° The set gives no range of its own; the relative range is borrowed from the factor named below the range."
        )
        notes.append(scribe.say(text))
    if doubtful.height:
        notes.append(
            scribe.say(
                N_(
                    "* Unverified: no document was read that states the value; contested: documents disagree. Every "
                    "result that uses such a value rests on it."
                )
            )
        )
    notes += _substitutions(scribe)
    return {"factors": rows, "factors_sentence": sentence, "factor_notes": list(dict.fromkeys(notes))}


def _factor(
    scribe: Scribe, row: Mapping[str, Any], known: Mapping[str, Any], symbols: Mapping[str, tuple[str, str, str]]
) -> Row:
    identity = row["factor"]
    reference = f"factor:{identity}"
    quantity = symbols[row["symbol"]][0] if row["symbol"] in symbols else row["symbol"]
    commodity = (
        "" if row["symbol"] == "gwp" else scribe.name(_owner(scribe, row["commodity"]), row["commodity"], "commodity")
    )
    gas = known.get("gas") or (row["measure"] if row["symbol"] == "gwp" else "")
    name = " · ".join(part for part in (commodity, quantity, gas or "", known.get("technology") or "") if part)
    span = scribe.register.span(reference, row["low"], row["high"], row["unit"], decimals_for([row["high"]], 4, 6))
    lender = row["range_source"] or ""
    if lender.startswith("borrowed:"):
        loan = scribe.say(N_("borrowed from {factor}"), factor=lender.removeprefix("borrowed:"))
        span = f"{span} °\n{loan}"
    status = scribe.named(STATUS_NAMES, row["status"])
    titles = scribe.material.catalogue.source_titles.get(row["source"] or "")
    evidence = _owner(scribe, row["commodity"]).sources.get(row["source"] or "")
    source = scribe.both(*(titles or evidence or (row["source"], row["source"])))
    return {
        "name": clean(name),
        "amount": scribe.register.exact(reference, row["value"], row["unit"])
        + ("*" if row["status"] in DOUBTFUL else ""),
        "unit": scribe.unit(row["unit"]),
        "range": span,
        "level": scribe.named(LEVEL_NAMES, row["level"]),
        "set": row["set"] if row["set"] != "local" else scribe.say(N_("own value")),
        "source": f"{source} [{row['version']}]" if row["version"] else source,
        "valid": _validity(scribe, known),
        "status": f"{status} *" if row["status"] in DOUBTFUL else status,
        "id": identity,
    }


def _owner(scribe: Scribe, commodity: str) -> Inventory:
    return next(
        (one for one in scribe.material.inventories if f"commodity:{commodity}" in one.names), scribe.material.main
    )


def _validity(scribe: Scribe, known: Mapping[str, Any]) -> str:
    first, last = known.get("valid_from"), known.get("valid_to")
    if first is None and last is None:
        return scribe.say(N_("open"))
    return f"{first.isoformat() if first else ''} … {last.isoformat() if last else ''}".strip()


def _substitutions(scribe: Scribe) -> list[str]:
    """Return where another year's, region's or commodity's value had to stand in, as the inventories remark it."""
    return [
        remark.text(scribe.language)
        for inventory in scribe.material.inventories
        for remark in inventory.remarks
        if remark.code.startswith("substituted_")
    ]


def uncertainty(scribe: Scribe) -> dict[str, Any]:
    """Return the ranges of the main totals by both approaches, and the largest parts of the variance."""
    rows: list[Row] = []
    lines_rows: list[Row] = []
    variable_rows: list[Row] = []
    sentences: list[str] = []
    for inventory in scribe.material.inventories:
        found = scribe.material.uncertainties.get(inventory.scheme.id)
        if found is None:
            text = N_("“{scheme}”: nothing that it uses has a range, so no range is given.")
            sentences.append(scribe.say(text, scheme=scribe.scheme(inventory)))
            continue
        total, unit = inventory.total(), inventory.scheme.total().unit
        decimals, reference = decimals_for([total]), inventory.reference("total")
        rows.append(
            {
                "scheme": titled(scribe, inventory, scribe.scheme(inventory)),
                "amount": scribe.register.number(reference, total, unit, decimals),
                "first": scribe.register.span(f"{reference}@approach_1", *found.first, unit, decimals),
                "second": scribe.register.span(reference, *found.ranges["total"], unit, decimals),
                "unit": scribe.unit(unit),
            }
        )
        names = dict(inventory.lines.select("line", "rule").iter_rows())
        goods = dict(inventory.lines.select("line", "commodity").iter_rows())
        firms = dict(inventory.lines.select("line", "node").iter_rows())
        for line, share in found.lines.filter(pl.col("share").abs() >= _SMALLEST_PART).head(_MOST_PARTS).iter_rows():
            where = inventory.reference(f"line:{line}")
            named = ((names[line], "rule"), (goods[line], "commodity"), (firms[line], "node"))
            words = [scribe.name(inventory, identity, kind) for identity, kind in named]
            printed = scribe.register.number(f"{where}@variance", 100 * share, "%", 1, kind="variance")
            name = " · ".join(word for word in words if word)
            lines_rows.append({"scheme": scribe.scheme(inventory), "name": name, "share": printed, "reference": where})
        for variable, share in (
            found.variables.filter(pl.col("share").abs() >= _SMALLEST_PART).head(_MOST_PARTS).iter_rows()
        ):
            printed = scribe.register.number(f"{reference}@variance:{variable}", 100 * share, "%", 1, kind="variance")
            name = variable_name(scribe, inventory, variable)
            variable_rows.append({"scheme": scribe.scheme(inventory), "name": name, "share": printed, "id": variable})
        sentences += _uncertainty_sentences(scribe, inventory, found)
    return {
        "uncertainties": rows, "line_contributions": lines_rows, "variable_contributions": variable_rows,
        "uncertainty_sentences": sentences,
    }  # fmt: skip


def _uncertainty_sentences(scribe: Scribe, inventory: Inventory, found: Uncertainty) -> list[str]:
    """Return what has no range, and what the methods warn of."""
    sentences = []
    if found.exact.height:
        largest = [
            f"{variable_name(scribe, inventory, row['variable'])} ("
            + scribe.register.number(
                f"{inventory.reference('total')}@exact:{row['variable']}", 100 * row["share"], "%", 1, kind="resting"
            )
            + " %)"
            for row in found.exact.head(3).iter_rows(named=True)
        ]
        text = N_(
            "“{scheme}”: {count} amounts and factors have no range and enter as exact, the largest being {largest}."
        )
        count = scribe.register.count(inventory.reference("without range"), found.exact.height)
        sentences.append(scribe.say(text, scheme=scribe.scheme(inventory), count=count, largest=scribe.join(largest)))
    for problem in found.remarks:
        if problem.code == "uncertainty.no_range":  # said above, with the names
            continue
        cause, remedy = problem.describe(scribe.language)
        sentences.append(f"“{scribe.scheme(inventory)}”{scribe.colon}{clean(scribe.prose([cause, remedy]))}")
    return sentences


def variable_name(scribe: Scribe, inventory: Inventory, variable: str) -> str:
    """Return the name of an uncertain amount ("flow:ID") or factor (its id; "1/ID" where it stands below the line)."""
    if variable.startswith("flow:"):
        flow = variable.removeprefix("flow:")
        lines = inventory.lines.filter(pl.col("flow") == flow)
        if lines.is_empty():
            return flow
        words = [scribe.name(inventory, lines[name][0], name) for name in ("commodity", "node")]
        return " · ".join([scribe.say(N_("amount")), *(word for word in words if word)])
    identity = variable.removeprefix("1/")
    symbols = inventory.parameters.filter(pl.col("factor") == identity)["symbol"]
    return scribe.factor_name(inventory, identity, symbols[0] if symbols.len() else "")


def gaps(scribe: Scribe) -> dict[str, Any]:
    """Return what is missing, by scheme, and what is stated by a notation."""
    rows = tasks(scribe)
    stated = notations(scribe, scribe.material.main)
    complete = [one for one in scribe.material.inventories if one.complete]
    parts = []
    if complete:
        names = scribe.join([f"“{scribe.scheme(one)}”" for one in complete])
        parts.append(scribe.say(N_("The record is complete for {schemes}."), schemes=names))
    for inventory in scribe.material.inventories:
        if not inventory.complete:
            text = N_("For “{scheme}” {count} item(s) are missing; its result is a subtotal of the covered sources.")
            count = scribe.register.count(inventory.reference("gaps"), len(inventory.gaps))
            parts.append(scribe.say(text, scheme=scribe.scheme(inventory), count=count))
    if stated:
        count = scribe.register.count("notations", len(stated))
        parts.append(scribe.say(N_("{count} streams are stated by a notation instead of an amount."), count=count))
    return {"gaps_sentence": scribe.prose(parts), "gaps": rows, "notations": stated}


def lines(scribe: Scribe, inventory: Inventory, most: int) -> dict[str, Any]:
    """Return the first `most` lines (largest results first) with their references."""
    frame = inventory.lines.sort(pl.col("result").abs(), descending=True, maintain_order=True).head(most)
    coefficients = dict(inventory.coefficients.select("coefficient", "value").iter_rows())
    rows = []
    for row in frame.iter_rows(named=True):
        reference = inventory.reference(f"line:{row['line']}")
        amount, result = row["amount"], row["result"]
        coefficient = coefficients[row["coefficient"]]
        unit = f"{row['result_unit']}/{row['unit']}"
        measure = row["measure"] if row["measure"] not in ("energy", "electricity") else ""
        rows.append(
            {
                "reference": reference,
                "category": scribe.category(inventory, row["category"]),
                "rule": " · ".join(part for part in (scribe.name(inventory, row["rule"], "rule"), measure) if part),
                "firm": scribe.name(inventory, row["node"], "node") or MISSING,
                "commodity": scribe.name(inventory, row["commodity"], "commodity"),
                "amount": scribe.register.number(
                    f"{reference}@amount", amount, row["unit"], decimals_for([amount]), kind="amount"
                ),
                "unit": scribe.unit(row["unit"]),
                "coefficient": scribe.register.number(
                    f"{reference}@coefficient", coefficient, unit, decimals_for([coefficient], 5, 6), kind="amount"
                ),
                "result": scribe.register.number(reference, result, row["result_unit"], decimals_for([result])),
                "result_unit": scribe.unit(row["result_unit"]),
                "flow": clean(row["flow"] or ""),
            }
        )
    if inventory.lines.height > most:
        text = N_(
            "The inventory has {all} lines; the {shown} largest are printed. All of them are in the workbook and in "
            "the program."
        )
    else:
        text = N_("The inventory has {all} lines; all of them are printed.")
    whole = scribe.register.count(inventory.reference("lines"), inventory.lines.height)
    sentence = scribe.say(text, all=whole, shown=scribe.register.count("printed lines", frame.height))
    return {"lines": rows, "lines_sentence": sentence}
