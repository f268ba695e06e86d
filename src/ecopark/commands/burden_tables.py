"""How life-cycle burdens and their shifting are printed. Imported by the verb only: it needs what the engines need."""

from __future__ import annotations

from typing import Any

import polars as pl

from ecopark.commands.metabolism import (
    heading,
    print_remarks,
    remarks_data,
    say_how_to_explain,
    say_left_out,
    settled,
    shortened,
)
from ecopark.commands.printing import Column, Printer
from ecopark.metabolism.burdens.burden_rows import STAGES
from ecopark.metabolism.burdens.burden_shifting import BurdenShift
from ecopark.metabolism.burdens.burdens import REASONS, STAGE_NAMES, Burdens
from ecopark.metabolism.layers import NORMAL_95
from ecopark.translation import N_
from ecopark.workspace import Workspace

CHANGE_VERDICTS = {
    "better": N_("better"),
    "worse": N_("worse"),
    "unchanged": N_("not changed beyond its uncertainty"),
    "unknown": N_("not known in both states"),
}


def print_burdens(workspace: Workspace, found: Burdens, *, detailed: bool, most: int, printer: Printer) -> None:
    """Print every impact category by stage, its largest contributors where asked for, and what is not covered."""
    background = found.settings["background"]
    heading(printer, workspace, printer.text(N_("Life-cycle burdens")), str(found.settings["year"]),
            background or "", found.run or "")  # fmt: skip
    columns = [
        Column(printer.text(N_("Impact category"))),
        Column(printer.text(N_("Unit")), "name"),
        *(Column(printer.text(STAGE_NAMES[stage]), "each") for stage in STAGES),
        Column(printer.text(N_("Sum")), "each"),
        Column(printer.text(N_("± (95 %)")), "each"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(columns, [_total(row, printer) for row in found.totals.iter_rows(named=True)])
    if found.totals["value"].null_count():
        printer.say(printer.text(N_("–: nothing is known of it, which is not nought.")))
    for category in found.categories if detailed else []:
        _print_parts(found, category, most, printer)
    _print_uncovered(found, most, printer)
    print_remarks(printer, found)
    say_how_to_explain(printer, found, f"total:{found.categories[0]}" if found.categories else "")


def _total(row: dict[str, Any], printer: Printer) -> tuple[Any, ...]:
    spread = None if row["sd"] is None else NORMAL_95 * row["sd"]
    return (
        printer.choose(row["name_zh"], row["name_en"]), printer.unit(row["unit"]), *(row[stage] for stage in STAGES),
        row["value"], "" if spread is None else spread, f"total:{row['category']}",
    )  # fmt: skip


def _print_parts(found: Burdens, category: str, most: int, printer: Printer) -> None:
    parts = found.by(category, "stage", "node", "commodity")
    rows = shortened(parts.to_dicts(), most)
    if not rows:
        return
    printer.heading(found.name(category, printer.language, "category"))
    columns = [
        Column(printer.text(N_("Stage"))),
        Column(printer.text(N_("Node"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Value")), "number", printer.unit(rows[0]["unit"])),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                printer.text(STAGE_NAMES[row["stage"]]), found.name(row["node"], printer.language, "node"),
                found.name(row["commodity"], printer.language, "commodity"), row["value"], row["key"],
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, parts.height - len(rows))


def _print_uncovered(found: Burdens, most: int, printer: Printer) -> None:
    """Print what the categories leave out, each commodity once with the largest share that is missing."""
    if found.uncovered.is_empty():
        return
    grouped = (
        found.uncovered.group_by("stage", "commodity", "reason", maintain_order=True)
        .agg(
            pl.col("category").n_unique().alias("categories"),
            pl.col("share_mass", "share_energy", "share_money").max(),
        )
        .sort(
            pl.max_horizontal("share_mass", "share_energy", "share_money"), descending=True, nulls_last=True,
            maintain_order=True,
        )
    )  # fmt: skip
    rows = shortened(grouped.to_dicts(), most)
    printer.heading(printer.text(N_("What is not covered")))
    columns = [
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Stage"))),
        Column(printer.text(N_("Why"))),
        Column(printer.text(N_("Categories")), "integer"),
        Column(printer.text(N_("Of the mass")), "percent"),
        Column(printer.text(N_("Of the energy")), "percent"),
        Column(printer.text(N_("Of the value")), "percent"),
    ]
    printer.table(
        columns,
        [
            (
                found.name(row["commodity"] or "", printer.language, "commodity"),
                printer.text(STAGE_NAMES.get(row["stage"], row["stage"])), printer.text(REASONS[row["reason"]]),
                row["categories"], row["share_mass"], row["share_energy"], row["share_money"],
            )
            for row in rows
        ],
    )  # fmt: skip
    say_left_out(printer, grouped.height - len(rows))


def burdens_data(found: Burdens) -> dict[str, Any]:
    """Return the burdens as plain data: categories, parts, what is not covered; each number with its reference."""
    settings = found.settings
    return {
        **{name: settings[name] for name in ("year", "boundary", "scenario", "background", "inventory")},
        "run": found.run,
        "categories": [row | {"reference": found.reference(f"total:{row['category']}")}
                       for row in found.totals.to_dicts()],
        "parts": [
            {"category": category} | row | {"reference": found.reference(row["key"])}
            for category in found.categories
            for row in found.by(category, "stage", "node", "commodity").to_dicts()
        ],
        "uncovered": found.uncovered.to_dicts(), "remarks": remarks_data(found),
    }  # fmt: skip


def print_shift(workspace: Workspace, found: BurdenShift, most: int, printer: Printer) -> None:
    """Print what got better and worse between two states, whether burden was shifted, and where."""
    before, after = found.settings["before"], found.settings["after"]
    heading(printer, workspace, printer.text(N_("Burden shifting")), f"{_state(before)} → {_state(after)}",
            found.run or "")  # fmt: skip
    for sentence in found.words(printer.language):
        printer.say(sentence)
    printer.say()
    columns = [
        Column(printer.text(N_("Impact category"))),
        Column(printer.text(N_("Unit")), "name"),
        Column(_state(before), "each"),
        Column(_state(after), "each"),
        Column(printer.text(N_("Change")), "each"),
        Column(printer.text(N_("Relative change")), "percent"),
        Column(printer.text(N_("Verdict")), "name"),
        Column(printer.text(N_("Inside the park")), "each"),
        Column(printer.text(N_("Outside")), "each"),
        Column(printer.text(N_("By amount")), "each"),
        Column(printer.text(N_("By factor")), "each"),
        Column(printer.text(N_("Key")), "name"),
    ]
    terms = ("inside", "outside", "amount_effect", "factor_effect")
    printer.table(
        columns,
        [
            (
                printer.choose(row["name_zh"], row["name_en"]), printer.unit(row["unit"]), row["before"], row["after"],
                row["change"], row["relative"], printer.text(CHANGE_VERDICTS[row["verdict"]]),
                *(settled(row[term], row["after"]) for term in terms),
                "" if row["change"] is None else f"change:{row['category']}",
            )
            for row in found.categories.iter_rows(named=True)
        ],
    )  # fmt: skip
    for category in (*found.of("worse"), *found.of("better")):
        _print_contributors(found, category, most, printer)
    print_remarks(printer, found)
    known = found.categories.filter(pl.col("change").is_not_null())["category"]
    say_how_to_explain(printer, found, f"change:{known[0]}" if len(known) else "")


def _state(settings: dict[str, Any]) -> str:
    year, scenario = str(settings["year"]), settings["scenario"]
    return year if scenario == "actual" else f"{year} {scenario}"


def _print_contributors(found: BurdenShift, category: str, most: int, printer: Printer) -> None:
    rows = found.contributors(category, min(most, 8) or 8).to_dicts()
    if not rows:
        return
    unit = printer.unit(rows[0]["unit"])
    verdict = found.categories.filter(pl.col("category") == category)["verdict"].item()
    name = found.name(category, printer.language, "category")
    printer.heading(f"{name}{printer.colon}{printer.text(CHANGE_VERDICTS[verdict])}")
    columns = [
        Column(printer.text(N_("Stage"))),
        Column(printer.text(N_("Node"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Change")), "number", unit),
        Column(printer.text(N_("By amount")), "number", unit),
        Column(printer.text(N_("By factor")), "number", unit),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                printer.text(STAGE_NAMES[row["stage"]]), found.name(row["node"], printer.language, "node"),
                found.name(row["commodity"], printer.language, "commodity"), row["change"],
                *(settled(row[term], row["change"]) for term in ("amount_effect", "factor_effect")),
                f"part:{row['part']}",
            )
            for row in rows
        ],
    )  # fmt: skip


def shift_data(found: BurdenShift) -> dict[str, Any]:
    """Return what changed between two states as plain data."""
    return {
        "before": {"run": found.before, **found.settings["before"]},
        "after": {"run": found.after, **found.settings["after"]}, "run": found.run,
        "verdicts": [{"verdict": verdict, "categories": names} for verdict, names in found.verdicts],
        "words_zh": found.words("zh"), "words_en": found.words("en"),
        "categories": [
            row | {"reference": found.reference(f"change:{row['category']}") if row["change"] is not None else None}
            for row in found.categories.to_dicts()
        ],
        "changes": [row | {"reference": found.reference(f"part:{row['part']}")} for row in found.changes.to_dicts()],
        "remarks": remarks_data(found),
    }  # fmt: skip
