"""The chapters on where the numbers come from: boundary, rules and formulas, evidence."""

from __future__ import annotations

import datetime
from typing import Any

import polars as pl

from ecopark import __version__
from ecopark.accounting.result import Inventory
from ecopark.catalogue.formulas import parse_product
from ecopark.catalogue.schemes import Rule
from ecopark.model.periods import year_bounds
from ecopark.model.record import Record
from ecopark.reports.numbers import MISSING
from ecopark.reports.scribe import KIND_NAMES, MEASURE_NAMES, METHOD_NAMES, Row, Scribe
from ecopark.translation import N_

_MOST_NODES = 150
_SHOWN_KINDS = ("park", "zone", "firm")


def cover(scribe: Scribe, title_year: int) -> list[Row]:
    """Return the facts on the cover: park, year, boundary, schemes, runs, date, versions."""
    material = scribe.material
    main = material.main
    runs = [one.run for one in material.inventories if one.run]
    facts = [
        (N_("Park"), scribe.both(*material.park)),
        (N_("Accounting year"), str(title_year)),
        (N_("Boundary"), scribe.both(*main.boundary_name)),
        (N_("Accounting schemes"), "\n".join(_versioned(scribe, one) for one in material.inventories)),
        (N_("Scenario"), scribe.say(N_("the record itself (actual)")) if main.scenario == "actual" else main.scenario),
        (N_("Runs"), ", ".join(runs) if runs else scribe.say(N_("not stored"))),
        (N_("Date of the report"), scribe.date(material.date)),
        (N_("Software"), f"ecopark {__version__}"),
        (N_("Catalogue of factors"), material.catalogue.version or "–"),
    ]
    return [{"label": scribe.say(label), "text": text} for label, text in facts]


def _versioned(scribe: Scribe, inventory: Inventory) -> str:
    version = inventory.scheme.version
    if scribe.language == "zh":
        return f"{scribe.scheme(inventory)}（版本 {version}）"
    return f"{scribe.scheme(inventory)} (version {version})"


def boundary(scribe: Scribe) -> dict[str, Any]:
    """Return the boundary in a sentence and as a table of its nodes (of large parks the firms and above)."""
    main = scribe.material.main
    record, members = scribe.material.record, scribe.material.members
    nodes = record.nodes if record is not None else pl.DataFrame()
    if nodes.height and members is not None:
        nodes = nodes.filter(pl.col("id").is_in(sorted(members)))
    year = main.year
    first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    sentence = scribe.say(
        N_(
            "The inventory covers “{boundary}” from {first} to {last}. Outside markets and the environment lie outside "
            "every boundary; what crosses it counts as received or sent."
        ),
        boundary=scribe.both(*main.boundary_name), first=scribe.date(first), last=scribe.date(last),
    )  # fmt: skip
    note = ""
    if nodes.height:
        counted = nodes.filter(pl.col("kind") == "firm").height
        size = scribe.say(
            N_("It has {nodes} nodes, of which {firms} are firms."),
            nodes=scribe.register.count("nodes", nodes.height), firms=scribe.register.count("firms", counted),
        )  # fmt: skip
        sentence = scribe.prose([sentence, size])
        if nodes.height > _MOST_NODES:
            nodes = nodes.filter(pl.col("kind").is_in(_SHOWN_KINDS)).head(_MOST_NODES)
            note = scribe.say(N_("Processes, equipment and stores are left out of this table; the record holds them."))
    rows = [
        {
            "id": row["id"],
            "name": scribe.both(row["name_zh"], row["name_en"]) or row["id"],
            "kind": scribe.named(KIND_NAMES, row["kind"]),
            "sector": row["sector"] or "",
            "parent": scribe.name(main, row["parent"], "node"),
        }
        for row in nodes.iter_rows(named=True)
    ]
    return {"boundary_sentence": sentence, "nodes": rows, "nodes_note": note}


def method(scribe: Scribe, inventory: Inventory) -> dict[str, Any]:
    """Return a scheme's description, settings, and the rules that made lines, with their formulas in words."""
    scheme = inventory.scheme
    source = scribe.material.catalogue.source_titles.get(scheme.source, (scheme.source, scheme.source))
    settings = [
        (scribe.say(N_("Source of the method")), scribe.both(*source)),
        (scribe.say(N_("Version")), scheme.version),
    ]
    for name, option in scheme.options.items():
        chosen = inventory.options.get(name, option.default)
        others = [choice for choice in option.choices if choice != chosen]
        text = (
            scribe.say(N_("{chosen} (also possible: {others})"), chosen=chosen, others=scribe.join(others))
            if others
            else chosen
        )
        settings.append((scribe.both(option.name_zh, option.name_en), text))
    for total in scheme.totals:
        parts = [scribe.category(inventory, category) for category in total.categories]
        settings.append((scribe.both(total.name_zh, total.name_en), " + ".join(parts)))
    used = set(inventory.lines["rule"].unique())
    rules = [_rule(scribe, inventory, rule) for rule in scheme.rules if rule.id in used]
    return {
        "description": scribe.both(scheme.description_zh, scheme.description_en),
        "settings": [{"label": label, "text": text} for label, text in settings],
        "rules": rules,
    }


def _rule(scribe: Scribe, inventory: Inventory, rule: Rule) -> Row:
    return {
        "category": scribe.category(inventory, rule.category),
        "name": scribe.both(rule.name_zh, rule.name_en),
        "measure": scribe.named(MEASURE_NAMES, rule.measure),
        "formula": formula_in_words(scribe, rule),
        "sets": scribe.join(_sets(rule, dict(inventory.options))),
    }


def formula_in_words(scribe: Scribe, rule: Rule) -> str:
    """Return "amount × lower heating value × …" with the sign of what is subtracted."""
    symbols = scribe.symbols()
    text = ""
    for symbol, power in parse_product(rule.formula):
        name = symbols[symbol][0] if symbol in symbols else symbol
        if not text:
            text = name if power > 0 else f"1 ÷ {name}"
        else:
            text += f" × {name}" if power > 0 else f" ÷ {name}"
    return f"− {text}" if rule.sign < 0 else text


def _sets(rule: Rule, options: dict[str, str]) -> list[str]:
    filled: list[str] = []
    for symbol in sorted(rule.sets, key=lambda name: name != "*"):
        for name in rule.sets[symbol]:
            for option, value in options.items():
                name = name.replace(f"{{{option}}}", value)
            filled.append(name)
    return list(dict.fromkeys(filled))


def symbol_rows(scribe: Scribe) -> list[Row]:
    """Return every symbol of the formulas that this report prints, with its meaning."""
    known = scribe.symbols()
    used: dict[str, None] = {}
    for inventory in scribe.material.inventories:
        rules = set(inventory.lines["rule"].unique())
        for rule in inventory.scheme.rules:
            if rule.id in rules:
                used.update(dict.fromkeys(symbol for symbol, _ in parse_product(rule.formula)))
    for frame in (inventory.parameters for inventory in scribe.material.inventories):
        used.update(dict.fromkeys(frame["symbol"].unique(maintain_order=True)))
    rows = []
    for symbol in used:
        name, meaning, kind = known.get(symbol, (symbol, "", ""))
        rows.append({"symbol": symbol, "meaning": f"{name}{scribe.colon}{meaning}" if meaning else name, "kind": kind})
    return rows


def sources(scribe: Scribe) -> dict[str, Any]:
    """Return by which methods the flows were obtained and which evidence stands behind them."""
    flows = _used_flows(scribe)
    methods = []
    for row in flows.group_by("method", maintain_order=True).len().sort("len", descending=True).iter_rows(named=True):
        count = scribe.register.count(f"flows by {row['method']}", row["len"])
        methods.append({"name": scribe.named(METHOD_NAMES, row["method"]), "flows": count})
    counted = {row["evidence"]: row["len"] for row in flows.group_by("evidence").len().iter_rows(named=True)}
    record = scribe.material.record
    evidence: list[Row] = []
    if record is not None:
        wanted = [name for name in {*counted, *_evidence_beside_flows(scribe, record)} if name]
        for row in record.evidence.filter(pl.col("id").is_in(wanted)).iter_rows(named=True):
            page = scribe.say(N_("page {page}"), page=row["page"]) if row["page"] else ""
            person = row["person"] or ""
            day = scribe.date(row["date"])
            found = [row["reference"] or "", page, person, day]
            evidence.append(
                {
                    "id": row["id"],
                    "title": row["title"] or "",
                    "kind": row["kind"] or "",
                    "reference": scribe.join(found),
                    "flows": scribe.register.count(f"flows of {row['id']}", counted[row["id"]])
                    if row["id"] in counted
                    else MISSING,
                }
            )
    sentence = scribe.say(
        N_("The results of this report rest on {flows} flows of the record, {with_evidence} of them with evidence."),
        flows=scribe.register.count("flows", flows.height),
        with_evidence=scribe.register.count("flows with evidence", flows["evidence"].drop_nulls().len()),
    )  # fmt: skip
    return {"sources_sentence": sentence, "methods": methods, "evidence": evidence}


def _evidence_beside_flows(scribe: Scribe, record: Record) -> set[str | None]:
    """Return the evidence of the park's own properties and factors of the year, and of reported values."""
    start, end = year_bounds(scribe.material.year)
    in_force = (pl.col("valid_from").is_null() | (pl.col("valid_from") < end)) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") > start)
    )
    found = {name for table in (record.properties, record.factors) for name in table.filter(in_force)["evidence"]}
    if scribe.material.reported:
        variable = scribe.material.catalogue.scheme(scribe.material.reported_scheme).reported
        found |= set(record.statistics.filter(pl.col("variable") == variable)["evidence"])
    return found


def _used_flows(scribe: Scribe) -> pl.DataFrame:
    """Return id, method and evidence of every flow that made a line of any scheme of the report."""
    frames = [
        inventory.flows.filter(pl.col("id").is_in(inventory.lines["flow"].unique().implode())).select(
            "id", "method", "evidence"
        )
        for inventory in scribe.material.inventories
    ]
    return pl.concat(frames).unique("id", maintain_order=True)


def checking(scribe: Scribe) -> dict[str, Any]:
    """Return how a reader asks for the derivation of a printed number, with references of this report."""
    main = scribe.material.main
    sentence = scribe.say(
        N_(
            "Every number of the tables stands in the inventory under its reference. `ecopark explain` prints the "
            "formula of a reference with every value, its source and the person or meter behind it, and computing that"
            " formula again gives the printed number. DIR is the folder of the park; references with & need quotation "
            "marks."
        )
    )
    if main.run is None:
        text = N_("The results of this report are not stored; store them to get references with a run.")
        sentence = scribe.prose([sentence, scribe.say(text)])
    line = int(main.lines["line"][0]) if main.lines.height else 1
    keys = ["total", f"category:{main.by('category')['category'][0]}" if main.lines.height else "total", f"line:{line}"]
    return {
        "checking_sentence": sentence,
        "checking_examples": [f'ecopark explain DIR "{main.reference(key)}"' for key in dict.fromkeys(keys)],
    }
