"""How indicators, cycling and the nexus are printed. Imported by the verb only: it needs what the engines need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ecopark.commands.metabolism import heading, print_remarks, remarks_data, say_how_to_explain
from ecopark.commands.printing import Column, Printer
from ecopark.metabolism.balances.balance_sheets import stations
from ecopark.metabolism.indicators.indicators import Indicators
from ecopark.metabolism.indicators.nexus import Nexus
from ecopark.metabolism.layers import NORMAL_95
from ecopark.metabolism.tracing.cycling import Cycling
from ecopark.model.problems import Problem
from ecopark.translation import N_
from ecopark.workspace import Workspace

__all__ = ["indicators_data", "print_by_node", "print_indicators", "stations"]

Cycled = Sequence[Cycling | tuple[str, list[Problem]]]
DIRECTIONS = {"higher": N_("higher is better"), "lower": N_("lower is better"), "none": ""}
NEXUS_TERMS = (
    ("direct_water", N_("Direct water"), "m3"),
    ("water_of_energy", N_("Water behind the energy"), "m3"),
    ("life_cycle_water", N_("Life-cycle water"), "m3"),
    ("water_share", N_("Part of it behind the energy"), "1"),
    ("direct_energy", N_("Direct energy"), "GJ"),
    ("energy_of_water", N_("Energy behind the water"), "GJ"),
    ("life_cycle_energy", N_("Life-cycle energy"), "GJ"),
    ("energy_share", N_("Part of it behind the water"), "1"),
)


def _titled(found: Indicators, row: dict[str, Any], printer: Printer) -> str:
    name = found.name(row["indicator"], printer.language, "indicator")
    return f"{name} · {found.name(row['layer'], printer.language, 'layer')}" if row["layer"] else name


def print_indicators(
    workspace: Workspace, found: Indicators, nexus: Nexus, cycled: Cycled, node: str | None, printer: Printer
) -> None:
    """Print the indicators of one place, why some cannot be given, cycling by layer, and the nexus."""
    place = node or found.top
    title = printer.text(N_("Indicators of metabolism"))
    heading(printer, workspace, title, found.name(place, printer.language, "node"), str(found.settings["year"]),
            found.run or "")  # fmt: skip
    rows = found.indicators.filter(pl.col("node") == place).to_dicts()
    known = [row for row in rows if row["value"] is not None]
    columns = [
        Column(printer.text(N_("Indicator"))),
        Column(printer.text(N_("Value")), "each"),
        Column(printer.text(N_("± (95 %)")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Direction")), "name"),
        Column(printer.text(N_("Remark"))),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                _titled(found, row, printer), row["value"], "" if row["sd"] is None else NORMAL_95 * row["sd"],
                printer.unit(row["unit"]), printer.text(DIRECTIONS.get(row["direction"] or "none", "")),
                found.reason(row, printer.language), row["key"],
            )
            for row in known
        ],
    )  # fmt: skip
    missing = [row for row in rows if row["value"] is None and not row["layer"]]
    if missing:
        printer.heading(printer.text(N_("Indicators that cannot be given, and why")))
        why = [(_titled(found, row, printer), found.reason(row, printer.language)) for row in missing]
        printer.table([Column(printer.text(N_("Indicator"))), Column(printer.text(N_("Why")))], why)
    if cycled:
        _print_cycling(cycled, printer)
    _print_nexus(nexus, node, printer)
    print_remarks(printer, found)
    say_how_to_explain(printer, found, known[0]["key"] if known else "")


def _print_cycling(cycled: Cycled, printer: Printer) -> None:
    printer.heading(printer.text(N_("Cycling (Finn)")))
    columns = [
        Column(printer.text(N_("Layer")), "name"),
        Column(printer.text(N_("Cycling index")), "percent"),
        Column(printer.text(N_("Cycled")), "each"),
        Column(printer.text(N_("Throughflow")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Mean path length")), "each"),
        Column(printer.text(N_("Reference")), "name"),
    ]
    rows = [
        (
            one.name(one.settings["layer"], printer.language, "layer"), one.index, one.cycled, one.throughflow,
            printer.unit(one.settings["unit"]), one.path_length, one.reference("index"),
        )
        for one in cycled
        if isinstance(one, Cycling)
    ]  # fmt: skip
    printer.table(columns, rows)
    for one in cycled:
        if not isinstance(one, Cycling):
            for problem in one[1]:
                cause, remedy = problem.describe(printer.language)
                printer.say(f"{one[0]}: {cause} {remedy}")


def _print_nexus(nexus: Nexus, node: str | None, printer: Printer) -> None:
    row = nexus.at(node)
    known = [(column, name, unit) for column, name, unit in NEXUS_TERMS if row[column] is not None]
    if not known:
        return
    printer.heading(printer.text(N_("Water and energy of each other")))
    columns = [
        Column(printer.text(N_("Quantity"))),
        Column(printer.text(N_("Value")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Reference")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                printer.text(name), row[column] * (100.0 if unit == "1" else 1.0),
                "%" if unit == "1" else printer.unit(unit), nexus.reference(f"{column}:{row['node']}"),
            )
            for column, name, unit in known
        ],
    )  # fmt: skip
    for remark in nexus.remarks:
        printer.say(f"• {remark.text(printer.language)}")


def print_by_node(
    workspace: Workspace, found: Indicators, wanted: Sequence[str], nodes: Sequence[str], printer: Printer
) -> None:
    """Print some indicators of every node of a level and of the whole boundary."""
    heading(printer, workspace, printer.text(N_("Indicators of metabolism")), str(found.settings["year"]),
            found.run or "")  # fmt: skip
    rows = found.indicators.filter(
        pl.col("indicator").is_in(list(wanted)) & pl.col("node").is_in([*nodes, found.top])
    ).sort("indicator", "layer", pl.col("node") == found.top, "value", descending=[False, False, False, True],
           nulls_last=True, maintain_order=True)  # fmt: skip
    columns = [
        Column(printer.text(N_("Indicator"))),
        Column(printer.text(N_("Node"))),
        Column(printer.text(N_("Value")), "each"),
        Column(printer.text(N_("± (95 %)")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Remark"))),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                _titled(found, row, printer), found.name(row["node"], printer.language, "node"), row["value"],
                "" if row["sd"] is None else NORMAL_95 * row["sd"], printer.unit(row["unit"]),
                found.reason(row, printer.language), row["key"] if row["value"] is not None else "",
            )
            for row in rows.to_dicts()
        ],
    )  # fmt: skip
    say_how_to_explain(printer, found)


def indicators_data(
    found: Indicators, nexus: Nexus, cycled: Cycled, node: str | None, wanted: Sequence[str] | None
) -> dict[str, Any]:
    """Return the indicators of one place (or the wanted ones of all nodes) as plain data, with cycling and nexus."""
    place = node or found.top
    chosen = pl.col("indicator").is_in(list(wanted)) if wanted else pl.col("node") == place
    names = ("name_zh", "name_en")
    data: dict[str, Any] = {
        "year": found.settings["year"], "boundary": found.settings["boundary"], "scenario": found.settings["scenario"],
        "run": found.run, "node": None if wanted else place,
        "indicators": [
            row
            | dict(zip(names, found.both(row["indicator"], "indicator"), strict=True))
            | {"reason_zh": found.reason(row, "zh"), "reason_en": found.reason(row, "en"),
               "reference": found.reference(row["key"]) if row["value"] is not None else None}
            for row in found.indicators.filter(chosen).to_dicts()
        ],
        "remarks": remarks_data(found),
    }  # fmt: skip
    if wanted:
        return data
    row = nexus.at(node)
    data["nexus"] = {
        "run": nexus.run, "node": row["node"], "complete": row["complete"],
        "values": [
            {"quantity": column, "value": row[column], "unit": unit,
             "reference": nexus.reference(f"{column}:{row['node']}")}
            for column, _, unit in NEXUS_TERMS
            if row[column] is not None
        ],
    }  # fmt: skip
    data["cycling"] = [
        {"layer": one.settings["layer"], "index": one.index, "cycled": one.cycled, "throughflow": one.throughflow,
         "unit": one.settings["unit"], "path_length": one.path_length, "run": one.run,
         "reference": one.reference("index")}
        for one in cycled
        if isinstance(one, Cycling)
    ]  # fmt: skip
    return data
