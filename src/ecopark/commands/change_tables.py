"""How changes, causes and trends are printed. Imported by the verbs only, because it needs what the engines need."""

from __future__ import annotations

from typing import Any

import polars as pl

from ecopark.accounting.inventory import resolve_boundary
from ecopark.commands.explaining import STATUSES
from ecopark.commands.metabolism import (
    heading,
    layer_name,
    print_remarks,
    remarks_data,
    say_how_to_explain,
    say_left_out,
    settled,
    shortened,
)
from ecopark.commands.printing import Column, Printer
from ecopark.metabolism.changes.cause_words import CONFIDENCE_NAMES, KIND_NAMES, stream_name
from ecopark.metabolism.changes.causes import LEAST_SHARE, Causes
from ecopark.metabolism.changes.dynamics import SIDE_NAMES, STATE_NAMES, VERDICT_NAMES, Change
from ecopark.metabolism.changes.trend import Trend
from ecopark.metabolism.result import Result
from ecopark.model.network import Network
from ecopark.translation import N_
from ecopark.workspace import Workspace


def _periods(found: Result) -> tuple[str, str]:
    return found.settings["before"]["label"], found.settings["after"]["label"]


def print_change(workspace: Workspace, found: Change, most: int, printer: Printer) -> None:
    """Print the sums of each side, then the streams that changed, largest first, with what each is due to."""
    first, second = _periods(found)
    place = found.name(found.settings["node"], printer.language, "node") if found.settings["node"] else ""
    layer = layer_name(workspace, found.settings["layer"], printer)
    heading(printer, workspace, place, printer.text(N_("Changes between two periods")), layer, f"{first} → {second}",
            found.run or "")  # fmt: skip
    unit = printer.unit(found.unit)
    amounts = [Column(first, "number", unit), Column(second, "number", unit),
               Column(printer.text(N_("Change")), "number", unit)]  # fmt: skip
    columns = [Column(printer.text(N_("Side")), "name"), *amounts, Column(printer.text(N_("Verdict")), "name"),
               Column(printer.text(N_("Key")), "name")]  # fmt: skip
    printer.table(
        columns,
        [
            (
                printer.text(SIDE_NAMES[row["side"]]), row["before"], row["after"], row["change"],
                printer.text(VERDICT_NAMES[row["verdict"]]), f"total:{row['side']}",
            )
            for row in found.totals.iter_rows(named=True)
        ],
    )  # fmt: skip
    for side in found.totals["side"]:
        printer.say(f"{printer.text(SIDE_NAMES[side])}{printer.colon}{found.summary(side, printer.language)}")
    _print_streams(found, amounts, unit, most, printer)
    _print_by_node(found, _members(workspace, found), amounts, most, printer)
    print_remarks(printer, found)
    say_how_to_explain(printer, found, "total:in")


def _print_streams(found: Change, amounts: list[Column], unit: str, most: int, printer: Printer) -> None:
    changed = found.streams.filter(pl.col("change").is_null() | (pl.col("change") != 0.0)).sort(
        pl.col("change").abs(), descending=True, nulls_last=True, maintain_order=True
    )
    rows = shortened(changed.to_dicts(), most)
    if not rows:
        return
    printer.heading(printer.text(N_("By stream")))
    columns = [
        Column(printer.text(N_("Stream")), "name"),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("From"))),
        Column(printer.text(N_("To"))),
        Column(printer.text(N_("Side")), "name"),
        *amounts,
        Column(printer.text(N_("By amount")), "number", unit),
        Column(printer.text(N_("By content")), "number", unit),
        Column(printer.text(N_("Verdict")), "name"),
        Column(printer.text(N_("Remark"))),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(columns, [_stream_row(found, row, printer) for row in rows])
    say_left_out(printer, changed.height - len(rows))


def _stream_row(found: Change, row: dict[str, Any], printer: Printer) -> tuple[Any, ...]:
    remarks = [] if row["state"] == "both" else [printer.text(STATE_NAMES[row["state"]])]
    before, after = row["method_before"], row["method_after"]
    if before and after and before != after:
        words = {"before": before, "after": after}
        names = {name: printer.text(STATUSES.get(method, method)) for name, method in words.items()}
        remarks.append(printer.text(N_("method: {before} → {after}"), **names))
    what, kind = (row["implied"], "disposition") if row["implied"] else (row["commodity"], "commodity")
    return (
        row["stream"], found.name(what, printer.language, kind), found.name(row["source"], printer.language, "node"),
        found.name(row["target"], printer.language, "node"), printer.text(SIDE_NAMES[row["side"]]), row["before"],
        row["after"], row["change"], *(settled(row[f"{term}_effect"], row["change"]) for term in ("amount", "content")),
        printer.text(VERDICT_NAMES[row["verdict"]]), "; ".join(remarks), f"change:{row['stream']}",
    )  # fmt: skip


def _members(workspace: Workspace, found: Change) -> list[str]:
    """Return the nodes inside the boundary: those outside only mirror them."""
    record = workspace.record
    return sorted(resolve_boundary(record, Network(record), found.settings["boundary"]).members)


def _print_by_node(found: Change, members: list[str], amounts: list[Column], most: int, printer: Printer) -> None:
    changed = found.nodes.filter((pl.col("change") != 0.0) & pl.col("node").is_in(members)).sort(
        pl.col("change").abs(), descending=True, maintain_order=True
    )
    rows = shortened(changed.to_dicts(), most)
    if not rows:
        return
    printer.heading(printer.text(N_("By node and commodity")))
    columns = [Column(printer.text(N_("Node"))), Column(printer.text(N_("Commodity"))),
               Column(printer.text(N_("Side")), "name"), *amounts, Column(printer.text(N_("Key")), "name")]  # fmt: skip
    printer.table(
        columns,
        [
            (
                found.name(row["node"], printer.language, "node"),
                found.name(row["commodity"], printer.language, "commodity"), printer.text(SIDE_NAMES[row["side"]]),
                row["before"], row["after"], row["change"], f"node:{row['side']}:{row['commodity']}:{row['node']}",
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, changed.height - len(rows))


def change_data(found: Change) -> dict[str, Any]:
    """Return the change as plain data: sums, streams, nodes; each number with its reference."""
    settings = found.settings
    return {
        "layer": settings["layer"], "unit": found.unit, "from": settings["before"]["label"],
        "to": settings["after"]["label"], "node": settings["node"] or None, "level": settings["level"],
        "boundary": settings["boundary"], "scenario": settings["scenario"], "run": found.run,
        "totals": [row | {"reference": found.reference(f"total:{row['side']}")} for row in found.totals.to_dicts()],
        "summary_zh": {side: found.summary(side, "zh") for side in found.totals["side"]},
        "summary_en": {side: found.summary(side, "en") for side in found.totals["side"]},
        "streams": [row | _both(found, row["commodity"]) | {"reference": found.reference(f"change:{row['stream']}")}
                    for row in found.streams.to_dicts()],
        "nodes": [
            row | _both(found, row["commodity"])
            | {"reference": found.reference(f"node:{row['side']}:{row['commodity']}:{row['node']}")}
            for row in found.nodes.to_dicts()
        ],
        "remarks": remarks_data(found),
    }  # fmt: skip


def _both(found: Result, commodity: str | None) -> dict[str, str]:
    zh, en = found.both(commodity or "", "commodity")
    return {"commodity_zh": zh, "commodity_en": en}


def print_causes(workspace: Workspace, found: Causes, most: int, printer: Printer) -> None:
    """Print why a substance rose: the sentence, the causes likeliest first, and what speaks for each."""
    first, second = _periods(found)
    layer = layer_name(workspace, found.settings["layer"], printer)
    heading(printer, workspace, printer.text(N_("Causes of a rise")), layer, f"{first} → {second}", found.run or "")
    printer.say(found.headline(printer.language))
    unit = printer.unit(found.unit)
    ranked = found.causes.sort("rank")
    rows = shortened(ranked.to_dicts(), most)
    columns = [
        Column(printer.text(N_("Cause")), "name"),
        Column(printer.text(N_("Kind")), "name"),
        Column(printer.text(N_("Stream or node"))),
        Column(printer.text(N_("Effect")), "number", unit),
        Column(printer.text(N_("Share")), "percent"),
        Column(printer.text(N_("How sure"))),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.say()
    printer.table(
        columns,
        [
            (
                row["cause"], printer.text(KIND_NAMES[row["kind"]]), stream_name(found, row, printer.language),
                settled(row["effect"], found.rise), settled(row["share"], 1.0),
                printer.text(CONFIDENCE_NAMES[row["confidence"]]),
                f"effect:{row['cause']}",
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, ranked.height - len(rows))
    likeliest = found.likeliest(3).filter((pl.col("share") >= LEAST_SHARE) | (pl.col("rank") == 1))
    for row in likeliest.iter_rows(named=True):
        printer.heading(f"{row['rank']}. {stream_name(found, row, printer.language)}")
        for sentence in found.reasons(row["cause"], printer.language):
            printer.say(f"• {sentence}")
    printer.say()
    printer.say(printer.text(N_("This is evidence for where to look, not proof.")))
    print_remarks(printer, found)
    say_how_to_explain(printer, found, "rise")


def causes_data(found: Causes) -> dict[str, Any]:
    """Return the causes as plain data, with the sentences in both languages."""
    settings = found.settings
    return {
        "layer": settings["layer"], "unit": found.unit, "from": settings["before"]["label"],
        "to": settings["after"]["label"], "subject": settings["subject"], "streams": settings["streams"],
        "run": found.run, "before": found.before, "after": found.after, "rise": found.rise, "sd": found.sd,
        "reference": found.reference("rise"), "headline_zh": found.headline("zh"), "headline_en": found.headline("en"),
        "causes": [
            row
            | {"reference": found.reference(f"effect:{row['cause']}"), "reasons_zh": found.reasons(row["cause"], "zh"),
               "reasons_en": found.reasons(row["cause"], "en")}
            for row in found.causes.sort("rank").to_dicts()
        ],
        "origins": found.origins.to_dicts(), "remarks": remarks_data(found),
    }  # fmt: skip


def print_trend(workspace: Workspace, found: Trend, node: str | None, monthly: bool, printer: Printer) -> None:
    """Print a layer over the periods: every station, or one, in time order."""
    layer = layer_name(workspace, found.settings["layer"], printer)
    heading(printer, workspace, printer.text(N_("Trend")), layer, found.run or "")
    unit = printer.unit(found.unit)
    rows = found.rows if node is None else found.of(node)
    if rows.is_empty():
        printer.say(printer.text(N_("No flow of this period belongs to the layer {layer}."), layer=layer))
        return
    columns = [
        Column(printer.text(N_("Node"))),
        Column(printer.text(N_("Month") if monthly else N_("Year")), "name"),
        Column(printer.text(N_("In")), "number", unit),
        Column(printer.text(N_("Out")), "number", unit),
        Column(printer.text(N_("By rule")), "number", unit),
        Column(printer.text(N_("Stock change")), "number", unit),
        Column(printer.text(N_("Change of what comes in")), "number", unit),
        Column(printer.text(N_("Change of what goes out")), "number", unit),
        Column(printer.text(N_("Key")), "name"),
    ]
    form = "%Y-%m" if monthly else "%Y"
    printer.table(
        columns,
        [
            (
                found.name(row["node"], printer.language, "node"), row["period_start"].strftime(form), row["inflow"],
                row["outflow"], row["by_rule"], row["stock_change"], row["inflow_change"], row["outflow_change"],
                f"inflow:{row['period_start']}:{row['node']}",
            )
            for row in rows.iter_rows(named=True)
        ],
    )  # fmt: skip
    print_remarks(printer, found)
    say_how_to_explain(printer, found)


def trend_data(found: Trend, node: str | None) -> dict[str, Any]:
    """Return the trend as plain data."""
    rows = found.rows if node is None else found.of(node)
    return {
        "layer": found.settings["layer"], "unit": found.unit, "run": found.run,
        "rows": [
            row
            | dict(zip(("name_zh", "name_en"), found.both(row["node"], "node"), strict=True))
            | {"reference": found.reference(f"inflow:{row['period_start']}:{row['node']}")}
            for row in rows.to_dicts()
        ],
        "remarks": remarks_data(found),
    }  # fmt: skip
