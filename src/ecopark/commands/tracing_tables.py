"""How traces are printed. Imported by the verbs only, because it needs what the engines need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ecopark.commands.calling import input_error, near
from ecopark.commands.metabolism import (
    heading,
    layer_name,
    print_remarks,
    remarks_data,
    say_how_to_explain,
    say_left_out,
    shortened,
)
from ecopark.commands.printing import Column, Printer, number
from ecopark.metabolism.tracing.pathways import Pathways
from ecopark.metabolism.tracing.tracing import Trace
from ecopark.translation import N_
from ecopark.workspace import Workspace

DIRECTIONS = {"upstream": N_("where it comes from"), "downstream": N_("where it goes")}
ORIGINS = {
    "outside": N_("over the boundary"),
    "implied": N_("by rule"),
    "stock": N_("from or into stock"),
    "unexplained": N_("not explained by the record (residual)"),
}
ENDS = {
    "leaves": N_("leaves with a good, or with treatment done for others"),
    "stock": N_("goes into stock"),
    "used": N_("used for good inside"),
    "unallocated": N_("stays: nothing to share it by"),
    "closed_loop": N_("runs in a loop that nothing leaves"),
}
CAUSES = {"direct": N_("set free or taken by the node itself"), "upstream": N_("behind what is bought")}


def _asked(found: Pathways, printer: Printer) -> str:
    """Return what is asked about, in words."""
    settings = found.settings
    node = found.name(settings["node"], printer.language, "node") if settings["node"] else ""
    goods = found.name(settings["commodity"], printer.language, "commodity") if settings["commodity"] else ""
    return " · ".join(part for part in (settings["stream"] or "", node, goods) if part)


def print_pathways(workspace: Workspace, found: Pathways, most: int, printer: Printer) -> None:
    """Print origins (or destinations) with their shares, then the largest paths."""
    layer = layer_name(workspace, found.settings["layer"], printer)
    when = found.settings["start"][:7] if found.settings.get("month") else str(found.settings["year"])
    direction = printer.text(DIRECTIONS[found.direction])
    heading(printer, workspace, _asked(found, printer), layer, direction, when, found.run or "")
    unit = printer.unit(found.unit)
    printer.say(f"{printer.text(N_('In all'))}  {number(found.total)} {unit}")
    upstream = found.direction == "upstream"
    columns = [
        Column(printer.text(N_("From") if upstream else N_("To"))),
        Column(printer.text(N_("Enters at") if upstream else N_("Leaves at"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("How")), "name"),
        Column(printer.text(N_("Amount")), "number", unit),
        Column(printer.text(N_("Share")), "percent"),
        Column(printer.text(N_("Key")), "name"),
    ]
    rows = shortened(found.shares.with_row_index("row").to_dicts(), most)
    table: list[tuple[Any, ...]] = [
        (
            found.name(row["node"] or "", printer.language, "node"),
            found.name(row["station"] or "", printer.language, "node"),
            found.name(row["disposition"], printer.language, "disposition") if row["disposition"]
            else found.name(row["commodity"] or "", printer.language, "commodity"),
            printer.text(ORIGINS[row["kind"]]), row["amount"], row["share"], f"amount:{row['row']}",
        )
        for row in rows
    ]  # fmt: skip
    left = found.shares.height - len(rows)
    if left:
        rest = found.shares.slice(len(rows))
        words = printer.text(N_("{count} smaller ones together"), count=left)
        table.append((words, "", "", "", rest["amount"].sum(), rest["share"].sum(), ""))
    table.append((printer.text(N_("Sum")), "", "", "", found.total, 1.0, "total"))
    printer.table(columns, table, totals=1)
    if not found.paths.is_empty():
        _print_paths(found, unit, printer)
    print_remarks(printer, found)
    say_how_to_explain(printer, found, "amount:0")


def _print_paths(found: Pathways, unit: str, printer: Printer) -> None:
    printer.heading(printer.text(N_("Largest paths")))
    columns = [
        Column(printer.text(N_("Path"))),
        Column(printer.text(N_("Amount")), "number", unit),
        Column(printer.text(N_("Share")), "percent"),
    ]
    rows = [
        (path_text(found, row["path"], printer.language), row["amount"], row["share"])
        for row in found.paths.iter_rows(named=True)
    ]
    printer.table(columns, rows)


def path_text(found: Pathways, path: int, language: str) -> str:
    """Return a path in words: "market –(salt)→ electrolysis –(caustic soda)→ …"."""
    text = ""
    for step in found.steps.filter(pl.col("path") == path).sort("step").iter_rows(named=True):
        source = found.name(step["source"] or "", language, "node")
        goods = found.name(step["commodity"] or "", language, "commodity")
        target = found.name(step["target"] or "", language, "node")
        text = f"{text or source} –({goods})→ {target}"
    return text


def pathways_data(found: Pathways) -> dict[str, Any]:
    """Return a trace upstream or downstream as plain data."""
    settings = found.settings
    return {
        **{name: settings[name] for name in ("year", "layer", "direction", "stream", "node", "commodity", "level",
                                             "boundary", "scenario")},
        "run": found.run, "unit": found.unit, "total": found.total, "reference": found.reference("total"),
        "shares": [
            row
            | _named(found, {"node": row["node"], "station": row["station"]}, "node")
            | _named(found, {"commodity": row["commodity"]}, "commodity")
            | {"reference": found.reference(f"amount:{place}")}
            for place, row in enumerate(found.shares.to_dicts())
        ],
        "paths": [
            row | {"path_zh": path_text(found, row["path"], "zh"), "path_en": path_text(found, row["path"], "en"),
                   "steps": found.steps.filter(pl.col("path") == row["path"]).drop("path").to_dicts()}
            for row in found.paths.to_dicts()
        ],
        "remarks": remarks_data(found),
    }  # fmt: skip


def _named(found: Any, ids: Mapping[str, str | None], kind: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for column, identity in ids.items():
        names[f"{column}_zh"], names[f"{column}_en"] = found.both(identity or "", kind)
    return names


def print_trace(
    workspace: Workspace, found: Trace, layer: str, node: str | None, commodity: str | None, most: int, printer: Printer
) -> None:
    """Print what is embodied in goods: the firms' shares, the goods, how it ends; or where one good's comes from."""
    unit = printer.unit(found.layers[layer])
    title = layer_name(workspace, layer, printer)
    year = str(found.settings["year"])
    heading(printer, workspace, printer.text(N_("What is embodied")), title, year, found.run or "")
    if node is None:
        _print_firms(found, layer, unit, printer)
    _print_goods(found, layer, unit, node, commodity, most, printer)
    if node is not None and commodity is not None:
        _print_contributions(found, layer, unit, node, commodity, most, printer)
    if node is None:
        _print_ends(found, layer, unit, printer)
    _print_not_estimated(found, layer, printer)
    print_remarks(printer, found)
    say_how_to_explain(printer, found, f"total:{layer}")


def _print_firms(found: Trace, layer: str, unit: str, printer: Printer) -> None:
    rows = found.by_firm(layer)
    columns = [
        Column(printer.text(N_("Firm"))),
        Column(printer.text(N_("Set free or bought by it")), "number", unit),
        Column(printer.text(N_("In what leaves or ends there")), "number", unit),
        Column(printer.text(N_("Share")), "percent"),
        Column(printer.text(N_("Key")), "name"),
    ]
    table: list[tuple[Any, ...]] = [
        (found.name(row["firm"] or "", printer.language, "node"), row["caused"], row["ending"], row["share"],
         f"firm:{row['firm']}:{layer}")
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    whole = found.total(layer)
    table.append((printer.text(N_("Sum")), rows["caused"].sum(), whole, rows["share"].sum(), f"total:{layer}"))
    printer.table(columns, table, totals=1)


def _goods(found: Trace, layer: str, node: str | None, commodity: str | None) -> pl.DataFrame:
    rows = found.intensities.filter(pl.col("layer") == layer)
    if node is not None:
        rows = rows.filter((pl.col("node") == node) | (pl.col("firm") == node))
    if commodity is not None:
        rows = rows.filter(pl.col("commodity") == commodity)
    if rows.is_empty():
        known = sorted(set(found.intensities["node"]))
        raise input_error(
            "nothing_made",
            " ".join([f"--node {node}" if node else "", f"--commodity {commodity}" if commodity else ""]).strip(),
            N_("Nothing of this is made or passed on."),
            N_("Nodes that make something are {near}."),
            near=near(node or "", known),
        )  # fmt: skip
    return rows.sort("embodied", descending=True, nulls_last=True, maintain_order=True)


def _print_goods(
    found: Trace, layer: str, unit: str, node: str | None, commodity: str | None, most: int, printer: Printer
) -> None:
    goods = _goods(found, layer, node, commodity)
    rows = shortened(goods.to_dicts(), most)
    printer.heading(printer.text(N_("Embodied in goods")))
    columns = [
        Column(printer.text(N_("Node"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Amount")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Embodied")), "number", unit),
        Column(printer.text(N_("Intensity")), "each"),
        Column(printer.text(N_("Unit of intensity")), "name"),
        Column(printer.text(N_("Complete")), "name"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                found.name(row["node"], printer.language, "node"),
                found.name(row["commodity"], printer.language, "commodity")
                + (f" ({printer.text(N_('treatment for others'))})" if row["role"] != "product" else ""),
                row["amount"], printer.unit(row["unit"]), row["embodied"], row["value"],
                f"{unit}/{printer.unit(row['unit'])}",
                printer.text(N_("yes")) if row["complete"] else printer.text(N_("no: a lower bound")),
                f"{'intensity' if row['role'] == 'product' else 'treatment'}:{row['node']}:{row['commodity']}:{layer}",
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, goods.height - len(rows))


def _print_contributions(
    found: Trace, layer: str, unit: str, node: str, commodity: str, most: int, printer: Printer
) -> None:
    try:
        causes = found.contributions(layer, node, commodity)
    except KeyError:
        return
    rows = shortened(causes.to_dicts(), most)
    printer.heading(printer.text(N_("What it comes from")))
    columns = [
        Column(printer.text(N_("Node"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Kind"))),
        Column(printer.text(N_("Embodied")), "number", unit),
        Column(printer.text(N_("Share")), "percent"),
    ]
    printer.table(
        columns,
        [
            (
                found.name(row["node"] or "", printer.language, "node"),
                found.name(row["commodity"] or "", printer.language, "commodity"), printer.text(CAUSES[row["kind"]]),
                row["embodied"], row["share"],
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, causes.height - len(rows))


def _print_ends(found: Trace, layer: str, unit: str, printer: Printer) -> None:
    ends = (
        found.finals.filter(pl.col("layer") == layer)
        .group_by("kind", maintain_order=True)
        .agg(pl.col("embodied").sum(), pl.col("share").sum())
        .sort("embodied", descending=True)
    )
    printer.heading(printer.text(N_("How it ends")))
    columns = [
        Column(printer.text(N_("How"))),
        Column(printer.text(N_("Embodied")), "number", unit),
        Column(printer.text(N_("Share")), "percent"),
    ]
    rows = [(printer.text(ENDS[row["kind"]]), row["embodied"], row["share"]) for row in ends.iter_rows(named=True)]
    printer.table(columns, [*rows, (printer.text(N_("Sum")), ends["embodied"].sum(), ends["share"].sum())], totals=1)


def _print_not_estimated(found: Trace, layer: str, printer: Printer) -> None:
    rows = found.not_estimated.filter(pl.col("layer") == layer)
    if rows.is_empty():
        return
    goods = dict.fromkeys(found.name(one or "", printer.language, "commodity") for one in rows["commodity"])
    printer.say()
    printer.say(
        printer.text(
            N_("What stands behind these is not known, so that what they flow into is a lower bound: {commodities}."),
            commodities=", ".join(goods),
        )
    )


def trace_data(found: Trace, layer: str, node: str | None, commodity: str | None) -> dict[str, Any]:
    """Return what is embodied as plain data."""
    settings = found.settings
    data: dict[str, Any] = {
        "year": settings["year"], "layer": layer, "unit": found.layers[layer], "boundary": settings["boundary"],
        "scenario": settings["scenario"], "run": found.run, "total": found.total(layer),
        "reference": found.reference(f"total:{layer}"),
        "firms": [
            row | _named(found, {"firm": row["firm"]}, "node")
            | {"reference": found.reference(f"firm:{row['firm']}:{layer}")}
            for row in found.by_firm(layer).to_dicts()
        ],
        "goods": [
            row | _named(found, {"node": row["node"]}, "node") | _named(found, {"commodity": row["commodity"]},
                                                                        "commodity")
            | {"reference": found.reference(
                f"{'intensity' if row['role'] == 'product' else 'treatment'}:{row['node']}:{row['commodity']}:{layer}"
            ) if row["value"] is not None else None}
            for row in _goods(found, layer, node, commodity).to_dicts()
        ],
        "products": found.by_product(layer).to_dicts(),
        "not_estimated": found.not_estimated.filter(pl.col("layer") == layer).to_dicts(),
        "remarks": remarks_data(found),
    }  # fmt: skip
    if node is not None and commodity is not None:
        try:
            data["contributions"] = found.contributions(layer, node, commodity).to_dicts()
        except KeyError:
            data["contributions"] = []
    return data
