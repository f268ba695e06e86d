"""How balances are printed: the nodes of a level, all layers of one place, the sheet of a node, and the gaps.

Imported by the verb only, because it needs what the engines need.
"""

from __future__ import annotations

from typing import Any

from ecopark.commands.explaining import STATUSES
from ecopark.commands.metabolism import StationLevel, heading, remarks_data
from ecopark.commands.printing import Column, Printer
from ecopark.metabolism.balances.balance_sheets import TERMS, balance_sheet, gaps_of, rows_at, term_key
from ecopark.metabolism.balances.balances import Balances
from ecopark.metabolism.layers import NORMAL_95
from ecopark.metabolism.wording import GAP_REASONS, GAP_REMEDIES, VERDICT_MEANINGS, VERDICTS
from ecopark.translation import N_
from ecopark.workspace import Workspace

SIDES = {"in": N_("In"), "out": N_("Out"), "rule": N_("By rule"), "stock": N_("Stock change"), "rest": N_("Remainder")}


def example_key(found: Balances, layer: str, node: str | None) -> str:
    """Return a key worth explaining: the residual of the boundary or of the node."""
    rows = rows_at(found, layer, "park") if node is None else found.of(layer=layer, node=node)
    return "" if rows.is_empty() else term_key(rows.row(0, named=True), "residual")


def _term_columns(printer: Printer, unit: str, kind: str = "number") -> list[Column]:
    heads = (N_("In"), N_("Out"), N_("Stock change"), N_("By rule"), N_("Remainder"), N_("Residual"))
    return [Column(printer.text(head), kind, unit) for head in heads]  # type: ignore[arg-type]


def _judgement_columns(printer: Printer) -> list[Column]:
    return [
        Column(printer.text(N_("Relative")), "percent"),
        Column(printer.text(N_("Significance")), "name"),
        Column(printer.text(N_("Verdict")), "name"),
        Column(printer.text(N_("Key")), "name"),
    ]


def _judgement(row: dict[str, Any], printer: Printer) -> list[Any]:
    significance = row["significance"]
    return [
        row["relative"],
        "–" if significance is None else f"{significance:.1f}",
        verdict_text(row["verdict"], printer),
        term_key(row, "residual"),
    ]


def verdict_text(verdict: str, printer: Printer) -> str:
    """Return the verdict of a balance in words."""
    return printer.text(VERDICTS[verdict]) if verdict in VERDICTS else verdict


def print_nodes(found: Balances, layer: str, level: StationLevel, printer: Printer) -> None:
    """Print the balances of the nodes of a level in one layer, that of the boundary last."""
    rows = rows_at(found, layer, level.value).to_dicts()
    if not rows:
        printer.say(printer.text(N_("No flow of this period belongs to the layer {layer}."),
                                 layer=found.name(layer, printer.language, "layer")))  # fmt: skip
        return
    unit = printer.unit(rows[0]["unit"])
    monthly = found.settings["resolution"] == "month"
    columns = [Column(printer.text(N_("Node")))]
    columns += [Column(printer.text(N_("Month")), "name")] if monthly else []
    columns += [*_term_columns(printer, unit), *_judgement_columns(printer)]
    table = [
        [
            found.name(row["node"], printer.language, "node"),
            *([f"{row['period_start']:%Y-%m}"] if monthly else []),
            *(row[term] for term in TERMS),
            *_judgement(row, printer),
        ]
        for row in rows
    ]
    printer.table(columns, table, totals=sum(row["kind"] == "boundary" for row in rows))
    _print_meanings(found, rows, printer)


def _print_meanings(found: Balances, rows: list[dict[str, Any]], printer: Printer) -> None:
    """Say what the verdicts of the table mean and what the remainder is."""
    named = dict.fromkeys(row["disposition"] for row in rows if row["disposition"])
    for disposition in named:
        name = found.name(disposition, printer.language, "disposition")
        printer.say(f"{printer.text(N_('Remainder'))}{printer.colon}{name}")
    for verdict in dict.fromkeys(row["verdict"] for row in rows):
        if verdict in VERDICT_MEANINGS:
            meaning = printer.text(VERDICT_MEANINGS[verdict])
            printer.say(f"{verdict_text(verdict, printer)}{printer.colon}{meaning}")


def print_all_layers(
    workspace: Workspace, found: Balances, layers: list[str], node: str | None, when: str, printer: Printer
) -> None:
    """Print one line for each layer: the balance of the boundary, or of a node."""
    place = node or f"boundary:{found.settings['boundary']}"
    title = found.name(place, printer.language, "node")
    heading(printer, workspace, printer.text(N_("Balances in all layers")), title, when, found.run or "")
    rows = [row for layer in layers for row in found.of(layer=layer, node=place).sort("period_start").to_dicts()]
    monthly = found.settings["resolution"] == "month"
    columns = [Column(printer.text(N_("Layer")), "name"), Column(printer.text(N_("Unit")), "name")]
    columns += [Column(printer.text(N_("Month")), "name")] if monthly else []
    columns += [*_term_columns(printer, "", "each"), *_judgement_columns(printer)]
    printer.table(
        columns,
        [
            [
                found.name(row["layer"], printer.language, "layer"),
                printer.unit(row["unit"]),
                *([f"{row['period_start']:%Y-%m}"] if monthly else []),
                *(row[term] for term in TERMS),
                *_judgement(row, printer),
            ]
            for row in rows
        ],
    )
    _print_meanings(found, rows, printer)
    empty = [layer for layer in layers if layer not in {row["layer"] for row in rows}]
    if empty:
        names = ", ".join(found.name(layer, printer.language, "layer") for layer in empty)
        printer.say(printer.text(N_("Layers without any flow here: {names}."), names=names))
    printer.say(
        printer.text(N_("With --layer: the balance of every node in a layer, and what could not be brought to it."))
    )


def print_sheet(found: Balances, layer: str, node: str, printer: Printer) -> None:
    """Print the balance sheet of one node: its flows, side by side with the sums and the verdict."""
    balances = found.of(layer=layer, node=node).sort("period_start").to_dicts()
    if not balances:
        printer.say(printer.text(N_("No flow over the border of this node belongs to the layer {layer}."),
                                 layer=found.name(layer, printer.language, "layer")))  # fmt: skip
        return
    unit = printer.unit(balances[0]["unit"])
    monthly = found.settings["resolution"] == "month"
    columns = [
        Column(printer.text(N_("Side")), "name"),
        *([Column(printer.text(N_("Month")), "name")] if monthly else []),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("From or to"))),
        Column(printer.text(N_("Amount")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Value")), "number", unit),
        Column(printer.text(N_("± (95 %)")), "number", unit),
        Column(printer.text(N_("How known")), "name"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(columns, [_sheet_row(found, row, monthly, printer) for row in balance_sheet(found, layer, node)])
    columns = [
        *([Column(printer.text(N_("Month")), "name")] if monthly else []),
        *_term_columns(printer, unit),
        *_judgement_columns(printer),
    ]
    printer.say()
    printer.table(
        columns,
        [
            [
                *([f"{row['period_start']:%Y-%m}"] if monthly else []),
                *(row[term] for term in TERMS),
                *_judgement(row, printer),
            ]
            for row in balances
        ],
    )
    _print_meanings(found, balances, printer)


def _sheet_row(found: Balances, row: dict[str, Any], monthly: bool, printer: Printer) -> list[Any]:
    what = row["disposition"] or row["commodity"] or ""
    kind = "disposition" if row["disposition"] else "commodity"
    known = row["method"] or ""
    return [
        printer.text(SIDES[row["side"]]),
        *([f"{row['period_start']:%Y-%m}"] if monthly else []),
        found.name(what, printer.language, kind),
        found.name(row["other"] or "", printer.language, "node"),
        "" if row["amount"] is None else row["amount"],
        printer.unit(row["unit"] or ""),
        row["value"],
        "" if row["sd"] is None else NORMAL_95 * row["sd"],
        printer.text(STATUSES[known]) if known in STATUSES else known,
        row["key"],
    ]


def print_gaps(found: Balances, layer: str, node: str | None, printer: Printer) -> None:
    """Print what could not be brought to the layer, with the reason and the mend."""
    gaps = gaps_of(found, layer, node).to_dicts()
    graver = [gap for gap in gaps if gap["reason"] != "unstated"]

    def named(gap: dict[str, Any]) -> dict[str, str]:
        return {
            "quantity": found.name(gap["quantity"], printer.language, "symbol"),
            "commodity": found.name(gap["commodity"], printer.language, "commodity"),
        }

    if graver:
        printer.heading(printer.text(N_("What could not be brought to this layer")))
        columns = [
            Column(printer.text(N_("Commodity"))),
            Column(printer.text(N_("Why")), "name"),
            Column(printer.text(N_("Flows")), "integer"),
            Column(printer.text(N_("Stream"))),
            Column(printer.text(N_("How to mend it"))),
        ]
        rows = []
        for gap in graver:
            names = named(gap)
            remedy = printer.text(GAP_REMEDIES[gap["reason"]], **names)
            why = printer.text(GAP_REASONS[gap["reason"]])
            rows.append([names["commodity"], why, gap["flows"], ", ".join(gap["streams"]), remedy])
        printer.table(columns, rows)
    unstated: dict[str, list[dict[str, Any]]] = {}
    for gap in gaps:
        if gap["reason"] == "unstated":
            unstated.setdefault(gap["quantity"], []).append(gap)
    for of_quantity in unstated.values():
        printer.say()
        printer.say(
            printer.text(
                N_("Content not stated and taken as none (“{quantity}”, {count} flows): {commodities}."),
                quantity=named(of_quantity[0])["quantity"],
                count=sum(gap["flows"] for gap in of_quantity),
                commodities=", ".join(named(gap)["commodity"] for gap in of_quantity),
            )
        )


def balances_data(
    found: Balances, layers: list[str], node: str | None, level: StationLevel, month: int | None
) -> dict[str, Any]:
    """Return the balances as plain data: for each layer its rows, gaps, and the sheet of a node."""
    return {
        "year": found.settings["year"],
        "month": month,
        "resolution": found.settings["resolution"],
        "boundary": found.settings["boundary"],
        "scenario": found.settings["scenario"],
        "level": str(level),
        "node": node,
        "run": found.run,
        "layers": [
            {
                "layer": layer,
                "name_zh": found.name(layer, "zh", "layer"),
                "name_en": found.name(layer, "en", "layer"),
                "unit": str(found.layered().unit(layer)),
                "rows": [
                    _row_data(found, row)
                    for row in (
                        rows_at(found, layer, level.value) if node is None else found.of(layer=layer, node=node)
                    ).to_dicts()
                ],
                **({} if node is None else {"sheet": [_sheet_data(found, row) for row in
                                                      balance_sheet(found, layer, node)]}),
                "gaps": [
                    gap
                    | {
                        "commodity_zh": found.name(gap["commodity"], "zh", "commodity"),
                        "commodity_en": found.name(gap["commodity"], "en", "commodity"),
                    }
                    for gap in gaps_of(found, layer, node).to_dicts()
                ],
            }
            for layer in layers
        ],
        "remarks": remarks_data(found),
    }  # fmt: skip


def _row_data(found: Balances, row: dict[str, Any]) -> dict[str, Any]:
    names = dict(zip(("name_zh", "name_en"), found.both(row["node"], "node"), strict=True))
    references = {term: found.reference(term_key(row, term)) for term in TERMS}
    return row | names | {"reference": references["residual"], "references": references}


def _sheet_data(found: Balances, row: dict[str, Any]) -> dict[str, Any]:
    names = dict(zip(("other_zh", "other_en"), found.both(row["other"] or "", "node"), strict=True))
    return row | names | {"reference": found.reference(row["key"])}
