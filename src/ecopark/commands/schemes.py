"""The verb schemes: the accounting schemes, and one of them with its rules, options and limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.calling import AsJson, Lang, printer_of, scheme_called
from ecopark.commands.helping import verb
from ecopark.commands.printing import Column, Printer, exact
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.catalogue import Catalogue, Scheme
    from ecopark.catalogue.schemes import Limit, Requirement, Rule

CROSSINGS = {
    "received": N_("enters the boundary"),
    "sent": N_("leaves the boundary"),
    "used": N_("used inside"),
    "produced": N_("made inside"),
    "inside": N_("passed on inside"),
    "certificate": N_("register of certificates"),
}


def register(app: typer.Typer) -> None:
    """Add the verb of this module to the command line."""
    verb(app, "schemes", schemes, N_("List the accounting schemes, or show one with its rules, options and limits."))


def schemes(
    context: typer.Context,
    identity: Annotated[
        str | None, typer.Argument(metavar="ID", help=N_("The scheme's id."), show_default=False)
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """List the accounting schemes or show one."""
    from ecopark.catalogue import load_catalogue

    printer, catalogue = printer_of(context, lang, as_json), load_catalogue()
    if identity is None:
        _print_list(catalogue, printer)
        printer.json([_summary(scheme) for scheme in catalogue.schemes.values()])
        return
    scheme = scheme_called(catalogue, identity)
    if not printer.as_json:
        _print_scheme(catalogue, scheme, printer)
    printer.json(scheme.model_dump(mode="python", by_alias=True))


def _summary(scheme: Scheme) -> dict[str, Any]:
    return {
        "id": scheme.id,
        "name_zh": scheme.name_zh,
        "name_en": scheme.name_en,
        "version": scheme.version,
        "unit": scheme.totals[0].unit,
        "status": scheme.status,
        "source": scheme.source,
        "reported": scheme.reported,
        "options": {name: option.model_dump() for name, option in scheme.options.items()},
    }


def _print_list(catalogue: Catalogue, printer: Printer) -> None:
    columns = [
        Column(printer.text(N_("Id")), "name"),
        Column(printer.text(N_("Scheme"))),
        Column(printer.text(N_("Version")), "name"),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Options"))),
    ]
    printer.table(
        columns,
        [
            (
                scheme.id,
                printer.choose(scheme.name_zh, scheme.name_en),
                scheme.version,
                printer.unit(scheme.totals[0].unit),
                ", ".join(f"{name}={option.default}" for name, option in scheme.options.items()),
            )
            for scheme in catalogue.schemes.values()
        ],
    )


def _print_scheme(catalogue: Catalogue, scheme: Scheme, printer: Printer) -> None:
    printer.heading(f"{scheme.id}  {printer.choose(scheme.name_zh, scheme.name_en)}")
    printer.say(printer.choose(scheme.description_zh, scheme.description_en))
    source = catalogue.source_titles.get(scheme.source, (scheme.source, scheme.source))
    printer.say(f"{printer.text(N_('Source'))}  {printer.choose(*source)} ({scheme.version})")
    if scheme.options:
        printer.heading(printer.text(N_("Options")))
        columns = [
            Column(printer.text(N_("Name")), "name"),
            Column(printer.text(N_("Meaning"))),
            Column(printer.text(N_("Default")), "name"),
            Column(printer.text(N_("Choices"))),
        ]
        printer.table(
            columns,
            [
                (name, printer.choose(option.name_zh, option.name_en), option.default, ", ".join(option.choices))
                for name, option in scheme.options.items()
            ],
        )
    printer.heading(printer.text(N_("Totals (the first is the main one)")))
    columns = [
        Column(printer.text(N_("Id")), "name"),
        Column(printer.text(N_("Total"))),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Categories added"))),
    ]
    names = {one.id: printer.choose(one.name_zh, one.name_en) for one in scheme.categories}
    printer.table(
        columns,
        [
            (
                one.id,
                printer.choose(one.name_zh, one.name_en),
                printer.unit(one.unit),
                ", ".join(names[name] for name in one.categories),
            )
            for one in scheme.totals
        ],
    )
    printer.heading(printer.text(N_("Rules")))
    columns = [
        Column(printer.text(N_("Id")), "name"),
        Column(printer.text(N_("Rule"))),
        Column(printer.text(N_("Category"))),
        Column(printer.text(N_("Which streams"))),
        Column(printer.text(N_("Formula"))),
        Column(printer.text(N_("Sets of factors"))),
    ]
    printer.table(columns, [_rule_row(rule, names, printer) for rule in scheme.rules])
    if scheme.requirements:
        printer.heading(printer.text(N_("What must be stated before a total may be called one")))
        columns = [Column(printer.text(N_("Source of emissions or energy"))), Column(printer.text(N_("Which streams")))]
        printer.table(
            columns, [(printer.choose(one.name_zh, one.name_en), _chosen(one)) for one in scheme.requirements]
        )
    _print_limits(catalogue, scheme, printer)


def _rule_row(rule: Rule, names: dict[str, str], printer: Printer) -> tuple[str, ...]:
    streams = "; ".join(part for part in (printer.text(CROSSINGS[rule.crossing]), _chosen(rule)) if part)
    sets = "; ".join(f"{symbol}: {', '.join(found)}" for symbol, found in rule.sets.items())
    formula = rule.formula if rule.sign > 0 else f"-({rule.formula})"
    return (
        rule.id,
        printer.choose(rule.name_zh, rule.name_en),
        names.get(rule.category, rule.category),
        streams,
        formula,
        sets,
    )


def _chosen(one: Rule | Requirement) -> str:
    return "; ".join(", ".join(part) for part in (one.groups, one.commodities, one.activities) if part)


def _print_limits(catalogue: Catalogue, scheme: Scheme, printer: Printer) -> None:
    if not scheme.indicators:
        return
    printer.heading(printer.text(N_("Indicators and limits")))
    variants = {one.id: printer.choose(one.name_zh, one.name_en) for one in scheme.variants}
    columns = [
        Column(printer.text(N_("Indicator"))),
        Column(printer.text(N_("Unit")), "name"),
        Column(printer.text(N_("Limit")), "name"),
        Column(printer.text(N_("Limit of"))),
        Column(printer.text(N_("In force from")), "name"),
        Column(printer.text(N_("Size of the park"))),
        Column(printer.text(N_("Source"))),
    ]
    rows: list[tuple[Any, ...]] = []
    for indicator in scheme.indicators:
        name, unit = printer.choose(indicator.name_zh, indicator.name_en), printer.unit(indicator.unit)
        limits = [limit for limit in scheme.limits if limit.indicator == indicator.id]
        for limit in limits:
            source = catalogue.source_titles.get(limit.source, (limit.source, limit.source))
            rows.append(
                (
                    name,
                    unit,
                    f"{limit.comparison} {exact(limit.limit)}",
                    variants.get(limit.variant, limit.variant),
                    "" if limit.year is None else str(limit.year),
                    _size(scheme, limit, printer),
                    printer.choose(*source),
                )
            )
        if not limits:
            rows.append((name, unit, "", "", "", "", ""))
    printer.table(columns, rows)


def _size(scheme: Scheme, limit: Limit, printer: Printer) -> str:
    if not scheme.size_total or (limit.size_from == 0 and not math.isfinite(limit.size_to)):
        return ""
    unit = printer.unit(scheme.total(scheme.size_total).unit)
    if math.isfinite(limit.size_to):
        return f"{exact(limit.size_from)} – {exact(limit.size_to)} {unit}"
    return f"≥ {exact(limit.size_from)} {unit}"
