"""How material-flow costs are printed. Imported by the verb only, because it needs what the engines need."""

from __future__ import annotations

from typing import Any

import polars as pl

from ecopark.commands.metabolism import (
    heading,
    print_remarks,
    remarks_data,
    say_how_to_explain,
    say_left_out,
    shortened,
)
from ecopark.commands.printing import Column, Printer
from ecopark.metabolism.balances.balance_sheets import stations
from ecopark.metabolism.balances.balances import Balances
from ecopark.metabolism.flows import Level
from ecopark.metabolism.value_flow.value_flow_result import PARTS, SHOWN, ValueFlow
from ecopark.translation import N_
from ecopark.workspace import Workspace

KINDS = {"material": N_("Material"), "energy": N_("Energy"), "system": N_("System")}
PART_NAMES = {
    "cost_in": N_("Bought or stated"),
    "carried_in": N_("Carried in"),
    "delivered": N_("In products and deliveries"),
    "loss": N_("Lost"),
    "unassigned": N_("Without a way"),
}


def print_values(
    workspace: Workspace, found: ValueFlow, balances: Balances, node: str | None, level: Level, most: int,
    printer: Printer,
) -> None:  # fmt: skip
    """Print costs by kind of one place, the nodes of a level, the costliest wastes, and what is missing."""
    place = node or found.top
    year = str(found.settings["year"])
    title = printer.text(N_("Material-flow cost accounting"))
    heading(printer, workspace, title, found.name(place, printer.language, "node"), year, found.run or "")
    _print_kinds(found, place, printer)
    if node is None:
        _print_nodes(found, stations(balances, level), most, printer)
    _print_wastes(found, place, most, printer)
    _print_gaps(found, printer)
    print_remarks(printer, found)
    say_how_to_explain(printer, found, f"material_loss:{place}")


def _print_kinds(found: ValueFlow, place: str, printer: Printer) -> None:
    row = found.at(place)
    columns = [Column(printer.text(N_("Kind of cost"))),
               *(Column(printer.text(PART_NAMES[part]), "number", "CNY") for part in PARTS),
               Column(printer.text(N_("Key")), "name")]  # fmt: skip
    printer.table(
        columns,
        [
            (printer.text(KINDS[kind]), *(row[f"{kind}_{part}"] for part in PARTS), f"{kind}_loss:{place}")
            for kind in SHOWN
        ],
    )
    treated = printer.text(N_("Treatment paid outside"))
    lost = printer.text(N_("Losses in all"))
    printer.say()
    printer.table(
        [Column(printer.text(N_("Sum")), "name"), Column(printer.text(N_("Value")), "number", "CNY")],
        [(treated, row["treatment_cost"]), (lost, row["loss_total"])],
    )
    if row["loss_share"] is not None:
        printer.say(
            printer.text(
                N_("{share} % of the cost is lost in wastes and losses."), share=f"{100 * row['loss_share']:.1f}"
            )
        )
    if not row["complete"]:
        missing = row["missing"] or ""
        names = ", ".join(found.name(one, printer.language, "commodity") for one in missing.split("; ") if one)
        printer.say(printer.text(N_("A lower bound: no price is known of {commodities}."), commodities=names))


def _print_nodes(found: ValueFlow, wanted: list[str], most: int, printer: Printer) -> None:
    nodes = found.nodes.filter(pl.col("node").is_in(wanted)).sort(
        "loss_total", descending=True, nulls_last=True, maintain_order=True
    )
    rows = shortened(nodes.to_dicts(), most)
    if not rows:
        return
    printer.heading(printer.text(N_("By node")))
    columns = [
        Column(printer.text(N_("Node"))),
        Column(printer.text(PART_NAMES["delivered"]), "number", "CNY"),
        *(
            Column(f"{printer.text(N_('Lost'))}{printer.colon}{printer.text(KINDS[kind])}", "number", "CNY")
            for kind in SHOWN
        ),
        Column(printer.text(N_("Treatment paid outside")), "number", "CNY"),
        Column(printer.text(N_("Losses in all")), "number", "CNY"),
        Column(printer.text(N_("Share lost")), "percent"),
        Column(printer.text(N_("Complete")), "name"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                found.name(row["node"], printer.language, "node"),
                _sum(row[f"{kind}_delivered"] for kind in SHOWN), *(row[f"{kind}_loss"] for kind in SHOWN),
                row["treatment_cost"], row["loss_total"], row["loss_share"],
                printer.text(N_("yes")) if row["complete"] else printer.text(N_("no: a lower bound")),
                f"material_loss:{row['node']}",
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, nodes.height - len(rows))


def _sum(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _print_wastes(found: ValueFlow, place: str, most: int, printer: Printer) -> None:
    members = found.tree.filter(pl.col("holder") == place)["node"]
    wastes = found.wastes.filter(pl.col("source").is_in(members.implode()))
    rows = shortened(wastes.to_dicts(), most)
    if not rows:
        return
    printer.heading(printer.text(N_("Wastes and losses, costliest first")))
    columns = [
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("From"))),
        Column(printer.text(N_("To"))),
        Column(printer.text(N_("Amount")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Value lost")), "number", "CNY"),
        Column(printer.text(N_("Treatment paid outside")), "number", "CNY"),
        Column(printer.text(N_("Treatment inside")), "number", "CNY"),
        Column(printer.text(N_("Earned")), "number", "CNY"),
        Column(printer.text(N_("Cost in all")), "number", "CNY"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                found.name(row["commodity"], printer.language, "commodity"),
                found.name(row["source"], printer.language, "node"),
                found.name(row["target"], printer.language, "node"), row["amount"], printer.unit(row["unit"]),
                row["value_lost"], row["treatment_cost"], row["treatment_inside"], row["revenue"], row["total"],
                row["key"],
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, wastes.height - len(rows))


def _print_gaps(found: ValueFlow, printer: Printer) -> None:
    """Print what is lacking, once for each quantity with its commodities."""
    if found.gaps.is_empty():
        return
    printer.heading(printer.text(N_("What is missing")))
    columns = [Column(printer.text(N_("Missing"))), Column(printer.text(N_("Commodity"))),
               Column(printer.text(N_("How to mend it")))]  # fmt: skip
    rows = []
    for (quantity,), gaps in found.gaps.group_by(["quantity"], maintain_order=True):
        goods = dict.fromkeys(found.name(one or "", printer.language, "commodity") for one in gaps["commodity"])
        name = found.name(str(quantity), printer.language)
        remedy = printer.text(N_("Give “{quantity}” of these in the sheet properties."), quantity=name)
        rows.append((name, ", ".join(goods), remedy))
    printer.table(columns, rows)


def values_data(found: ValueFlow, node: str | None) -> dict[str, Any]:
    """Return the costs as plain data; every amount of money in CNY."""
    nodes = found.nodes if node is None else found.nodes.filter(pl.col("node") == node)
    return {
        "year": found.settings["year"], "boundary": found.settings["boundary"], "scenario": found.settings["scenario"],
        "split_by": found.settings["key"], "unit": "CNY", "run": found.run, "top": found.top,
        "nodes": [
            row | dict(zip(("name_zh", "name_en"), found.both(row["node"], "node"), strict=True))
            | {"reference": found.reference(f"material_loss:{row['node']}")}
            for row in nodes.to_dicts()
        ],
        "wastes": [row | {"reference": found.reference(row["key"])} for row in found.wastes.to_dicts()],
        "gaps": found.gaps.to_dicts(), "remarks": remarks_data(found),
    }  # fmt: skip
