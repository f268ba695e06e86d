"""An inventory as tables and as JSON: totals, categories, indicators, gaps, remarks, ranges, lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ecopark.commands.printing import Column, Printer, number
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.accounting.inventory_uncertainty import InventoryUncertainty
    from ecopark.accounting.result import IndicatorResult, Inventory

NOTATIONS = N_("NO not occurring, NE not estimated, IE included elsewhere, C confidential.")
VERDICTS = {
    "met": N_("met"),
    "not_met": N_("not met"),
    "no_threshold": N_("no threshold"),
    "not_available": N_("not available"),
}
SEVERITIES = {"warning": N_("warning"), "information": N_("remark")}
CONTRIBUTIONS = 10


def print_inventory(
    inventory: Inventory, printer: Printer, dimensions: Sequence[str], *, uncertainty: bool, lines: bool
) -> None:
    """Print one inventory: title, totals, categories, then the details."""
    printer.heading(title(inventory, printer))
    if not inventory.complete:
        printer.say(
            printer.text(
                N_("Subtotal of the covered sources: the record is not complete (gaps listed below: {count})."),
                count=len(inventory.gaps),
            )
        )
    _print_totals(inventory, printer)
    _print_split(inventory, ["category"], printer)
    print_details(inventory, printer, dimensions, uncertainty=uncertainty, lines=lines, titled=False)
    print_how_to_explain([inventory], printer)


def title(inventory: Inventory, printer: Printer) -> str:
    """Return scheme, boundary, year and, where they are not the usual ones, scenario, perspective and options."""
    parts = [
        printer.choose(inventory.scheme.name_zh, inventory.scheme.name_en),
        printer.choose(*inventory.boundary_name),
        str(inventory.year),
    ]
    if inventory.scenario != "actual":
        parts.append(printer.text(N_("scenario {name}"), name=inventory.scenario))
    if inventory.perspective == "firms":
        parts.append(printer.text(N_("sum of the firms")))
    parts += [f"{name}={value}" for name, value in inventory.options.items()]
    return " · ".join([*parts, inventory.run or ""]).rstrip(" ·")


def print_details(
    inventory: Inventory,
    printer: Printer,
    dimensions: Sequence[str],
    *,
    uncertainty: bool,
    lines: bool,
    titled: bool = True,
) -> None:
    """Print what stands below the totals: splits asked for, ranges, indicators, gaps, remarks, lines."""
    if titled:
        printer.heading(f"— {title(inventory, printer)} —")
    if dimensions:
        _print_split(inventory, dimensions, printer)
    if uncertainty:
        _print_uncertainty(inventory, printer)
    if inventory.indicators:
        _print_indicators(inventory, printer)
    if inventory.gaps:
        _print_gaps(inventory, printer)
    if inventory.remarks:
        printer.heading(printer.text(N_("Remarks")))
        for remark in inventory.remarks:
            printer.say(f"{printer.text(SEVERITIES[remark.severity])}: {remark.text(printer.language)}")
    if lines:
        _print_lines(inventory, printer)


def print_how_to_explain(inventories: Sequence[Inventory], printer: Printer) -> None:
    """Print under which runs the inventories are stored and how to ask where a number comes from."""
    runs = ", ".join(one.run or "" for one in inventories)
    run = inventories[0].run
    printer.say()
    printer.say(
        printer.text(
            N_(
                "Stored as {runs}. Where a number comes from: `ecopark explain DIR {run}-KEY` with the key beside "
                "it, such as {run}-total or {run}-line:1."
            ),
            runs=runs,
            run=run,
        )
    )


def print_side_by_side(inventories: Sequence[Inventory], printer: Printer) -> None:
    """Print several inventories in one table: a row for each category, a column for each scheme."""
    first = inventories[0]
    printer.heading(f"{printer.choose(*first.boundary_name)} · {first.year}")
    names: dict[str, str] = {}
    found: list[dict[str, float]] = []
    for inventory in inventories:
        values: dict[str, float] = {}
        for row in inventory.by("scope", "category").sort("scope", maintain_order=True).iter_rows(named=True):
            category = inventory.scheme.category(row["category"])
            names.setdefault(category.id, printer.choose(category.name_zh, category.name_en))
            values[category.id] = values.get(category.id, 0.0) + row["value"]
        found.append(values)
    rows: list[list[Any]] = [[names[identity], *(values.get(identity) for values in found)] for identity in names]
    rows.append([printer.text(N_("Total or subtotal")), *(one.total() for one in inventories)])
    columns = [Column(printer.text(N_("Category")))]
    for inventory in inventories:
        unit = printer.unit(inventory.scheme.totals[0].unit)
        columns.append(Column(printer.choose(inventory.scheme.name_zh, inventory.scheme.name_en), "number", unit))
    printer.table(columns, rows, totals=1)
    for inventory in inventories:
        name = printer.choose(inventory.scheme.name_zh, inventory.scheme.name_en)
        state = (
            printer.text(N_("complete"))
            if inventory.complete
            else printer.text(N_("subtotal (gaps: {count})"), count=len(inventory.gaps))
        )
        printer.say(f"{inventory.run}  {name}: {state}")


def _print_totals(inventory: Inventory, printer: Printer) -> None:
    head = N_("Total") if inventory.complete else N_("Subtotal")
    columns = [
        Column(printer.text(head)),
        Column(printer.text(N_("Value")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Key")), "name"),
    ]
    rows = [
        (printer.choose(row["name_zh"], row["name_en"]), row["value"], printer.unit(row["unit"]), row["key"])
        for row in inventory.totals().iter_rows(named=True)
    ]
    printer.table(columns, rows)


def name_in(inventory: Inventory, dimension: str, identity: str, printer: Printer) -> str:
    """Return the name of a value of a dimension of `Inventory.by`."""
    from ecopark.accounting.views import names_of

    return printer.choose(*names_of(inventory, dimension, identity))


def _print_split(inventory: Inventory, dimensions: Sequence[str], printer: Printer) -> None:
    words = {
        "category": N_("Category"),
        "scope": N_("Scope"),
        "gas": N_("Gas"),
        "node": N_("Firm"),
        "commodity": N_("Commodity"),
        "rule": N_("Rule"),
        "stream": N_("Stream"),
    }
    total = inventory.scheme.totals[0]
    whole = inventory.total()
    rows = inventory.by(*dimensions).iter_rows(named=True)
    columns = [Column(printer.text(words[dimension])) for dimension in dimensions]
    columns += [
        Column(printer.text(N_("Value")), "number", printer.unit(total.unit)),
        Column(printer.text(N_("Share")), "percent"),
        Column(printer.text(N_("Lines")), "integer"),
        Column(printer.text(N_("Key")), "name"),
    ]
    printer.heading(printer.choose(total.name_zh, total.name_en))
    printer.table(
        columns,
        [
            (
                *(name_in(inventory, dimension, row[dimension], printer) for dimension in dimensions),
                row["value"],
                row["value"] / whole if whole else None,
                row["lines"],
                row["key"].removeprefix(f"total:{total.id}&"),
            )
            for row in rows
        ],
    )


def _print_indicators(inventory: Inventory, printer: Printer) -> None:
    printer.heading(printer.text(N_("Indicators")))
    columns = [
        Column(printer.text(N_("Indicator"))),
        Column(printer.text(N_("Value")), "each"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Limit")), "name"),
        Column(printer.text(N_("Limit of"))),
        Column(printer.text(N_("Verdict")), "name"),
        Column(printer.text(N_("Gap to the limit")), "name"),
        Column(printer.text(N_("Reason or warning"))),
    ]
    printer.table(columns, [_indicator_row(item, printer) for item in inventory.indicators])


def _indicator_row(item: IndicatorResult, printer: Printer) -> tuple[Any, ...]:
    from ecopark.commands.printing import exact

    limit = (
        ""
        if item.limit is None
        else f"{item.comparison} {exact(item.limit)}" + (f" ({item.limit_year})" if item.limit_year else "")
    )
    gap = "" if item.gap is None else f"{number(item.gap)} {printer.unit(item.gap_unit)}".strip()
    said = [remark.text(printer.language) for remark in (item.reason, item.warning) if remark is not None]
    return (
        printer.choose(item.name_zh, item.name_en),
        item.value,
        printer.unit(item.unit),
        limit,
        printer.choose(item.variant_zh, item.variant_en),
        printer.text(VERDICTS[item.verdict]),
        gap,
        " ".join(said),
    )


def _print_gaps(inventory: Inventory, printer: Printer) -> None:
    printer.heading(printer.text(N_("What is missing")))
    columns = [
        Column(printer.text(N_("Missing"))),
        Column(printer.text(N_("Who owes it"))),
        Column(printer.text(N_("Why"))),
        Column(printer.text(N_("Remedy"))),
        Column(printer.text(N_("Stream")), "name"),
    ]
    rows = []
    for gap in inventory.gaps:
        reason, remedy = gap.describe(printer.language)
        owner = inventory.name(gap.owner, printer.language, "node")
        rows.append((printer.choose(gap.name_zh, gap.name_en), owner, reason, remedy, gap.stream))
    printer.table(columns, rows)


def _print_lines(inventory: Inventory, printer: Printer) -> None:
    printer.heading(printer.text(N_("Lines")))
    language = printer.language
    columns = [
        Column(printer.text(N_("Line")), "integer"),
        Column(printer.text(N_("Rule"))),
        Column(printer.text(N_("Firm"))),
        Column(printer.text(N_("Commodity"))),
        Column(printer.text(N_("Measures")), "name"),
        Column(printer.text(N_("Amount")), "exact"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Part counted")), "exact"),
        Column(printer.text(N_("Result")), "each"),
        Column(printer.text(N_("Unit")), "name"),
    ]
    printer.table(
        columns,
        [
            (
                row["line"],
                inventory.name(row["rule"], language, "rule"),
                inventory.name(row["node"] or "", language, "node"),
                inventory.name(row["commodity"], language, "commodity"),
                row["measure"],
                row["amount"],
                printer.unit(row["unit"]),
                row["share"],
                row["result"],
                printer.unit(row["result_unit"]),
            )
            for row in inventory.lines.iter_rows(named=True)
        ],
    )


def _uncertainty(inventory: Inventory) -> InventoryUncertainty | None:
    """Return the uncertainty of the headline total, None where nothing that enters it has a range."""
    from ecopark.accounting.inventory_uncertainty import assess_uncertainty

    if inventory.lines_of().is_empty():
        return None
    found = assess_uncertainty(inventory)
    return None if found.correlated.variables("total").is_empty() else found


def _print_uncertainty(inventory: Inventory, printer: Printer) -> None:
    printer.heading(printer.text(N_("Ranges (95 %)")))
    found = _uncertainty(inventory)
    if found is None:
        printer.say(printer.text(N_("No range can be given: nothing that enters the total has one.")))
        return
    total = inventory.scheme.totals[0]
    unit = printer.unit(total.unit)
    columns = [
        Column(printer.text(N_("Part"))),
        Column(printer.text(N_("Value")), "number", unit),
        Column(printer.text(N_("Low")), "number", unit),
        Column(printer.text(N_("High")), "number", unit),
        Column(printer.text(N_("Low, approach 1")), "number", unit),
        Column(printer.text(N_("High, approach 1")), "number", unit),
        Column(printer.text(N_("Key")), "name"),
    ]
    rows = []
    for row in found.ranges().iter_rows(named=True):
        dimension, _, identity = row["group"].partition(":")
        name = name_in(inventory, dimension, identity, printer) if identity else ""
        if row["group"] == "total":
            name = printer.choose(total.name_zh, total.name_en)
        rows.append((name, row["value"], row["low"], row["high"], row["low_1"], row["high_1"], row["group"]))
    printer.table(columns, rows)
    printer.say(
        printer.text(
            N_(
                "IPCC Approach 2 ({count} Sobol points; a factor that several lines share is one variable), beside it "
                "Approach 1 (lines taken as independent). `ecopark explain DIR {run}-low:total` explains an end."
            ),
            count=found.simulated.samples,
            run=inventory.run,
        )
    )
    remarks = dict.fromkeys(
        " ".join(problem.describe(printer.language)) for problem in (*found.simple.remarks, *found.simulated.remarks)
    )
    for remark in remarks:
        printer.say(remark)
    printer.heading(printer.text(N_("What the range of the total comes from")))
    columns = [Column(printer.text(N_("Value")), "name"), Column(printer.text(N_("Part of the variance")), "percent")]
    variables = found.correlated.variables("total").head(CONTRIBUTIONS)
    printer.table(columns, list(variables.select("variable", "share").iter_rows()))


def inventory_data(
    inventory: Inventory, dimensions: Sequence[str], *, uncertainty: bool, lines: bool
) -> dict[str, Any]:
    """Return an inventory as plain data, with the splits, ranges and lines that were asked for."""
    from ecopark.accounting.serialising import inventory_to_json

    data = inventory_to_json(inventory, lines=lines)
    for row in data["categories"]:
        row["reference"] = inventory.reference(row["key"])
    if dimensions:
        data["split"] = [
            row | {"reference": inventory.reference(row["key"])} for row in inventory.by(*dimensions).to_dicts()
        ]
    if uncertainty:
        data["uncertainty"] = _uncertainty_data(inventory)
    return data


def _uncertainty_data(inventory: Inventory) -> dict[str, Any] | None:
    found = _uncertainty(inventory)
    if found is None:
        return None
    unit = inventory.scheme.totals[0].unit
    return {
        "level": 0.95,
        "unit": unit,
        "samples": found.simulated.samples,
        "seed": found.simulated.seed,
        "ranges": [
            row
            | {"unit": unit, "reference": inventory.reference(row["key"])}
            | {f"reference_{end}": inventory.reference(f"{end}:{row['key']}") for end in ("low", "high")}
            for row in found.ranges().to_dicts()
        ],
        "variables": found.correlated.variables("total").to_dicts(),
        "lines": found.correlated.lines("total").to_dicts(),
        "without_range": found.exact.to_dicts(),
    }
