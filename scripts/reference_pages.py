"""Write the reference pages that follow from declarations: `python scripts/reference_pages.py`.

`docs/formats.md` (columns of workbook and folder) comes from the attribute tables, `docs/reference/schemes.md` (rules,
totals, limits) from the scheme files, so that they cannot disagree with the program. A test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ecopark.catalogue.loading import load_catalogue
from ecopark.catalogue.schemes import Limit, Rule, Scheme
from ecopark.model.quantities import VARIABLES, quantities_of
from ecopark.model.tables import METHODS, NOTATIONS, TABLES, Attribute, Table

DOCS = Path(__file__).resolve().parent.parent / "docs"
GENERATED = "<!-- Written by scripts/reference_pages.py; do not edit. -->"

FORMATS_INTRODUCTION = f"""\
A park's record has the tables below. In the workbook each is a sheet of this name; in the folder form each is a CSV
file (UTF-8, comma) of this name beside `datapackage.json`, so that git can keep a park. Empty tables may be left out.
`ecopark template` writes the workbook with its drop-downs; `ecopark import` reads both forms.

Amounts of flows and levels of stocks may be in any unit that scales to the commodity's own (`万t`, `亿kWh`, `万Nm3`);
nothing else is converted on import. Periods are half-open; `2019` and `2019-05` stand for a year and a month.

Methods of a flow, best first: {", ".join(METHODS)}. Notations: {", ".join(NOTATIONS)}.

园区数据由下列各表组成：工作簿中每表一个同名工作表，文件夹中每表一个同名 CSV 文件（UTF-8，逗号分隔），并附
`datapackage.json`。空表可以省略。数量可用任何能换算到物品单位的单位（`万t`、`亿kWh`、`万Nm3`），导入时不作其他换算。
"""

SCHEMES_INTRODUCTION = """\
A scheme is one file in `src/ecopark/catalogue/data/schemes`: a new standard is a new file. `crossing` says how a stream
must lie to the boundary: `received` enters it, `sent` leaves it, `used` ends inside, `produced` begins inside, `inside`
does both, `certificate` means rows of the certificate register.
"""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)]


def code(values: Iterable[str]) -> str:
    """Return values as code, separated by commas."""
    return ", ".join(f"`{value}`" for value in values)


def _kind(attribute: Attribute) -> str:
    if attribute.choices:
        return f"one of {code(attribute.choices)}"
    if attribute.references:
        several = "ids" if attribute.kind == "references" else "id"
        return f"{several} of `{attribute.references}`"
    return attribute.kind


def _column(attribute: Attribute) -> list[str]:
    default = "" if attribute.default is None else f"`{attribute.default}`"
    required = "yes" if attribute.required else ""
    return [
        f"`{attribute.name}`", attribute.zh, _kind(attribute), required, default, attribute.meaning_en,
        attribute.meaning_zh,
    ]  # fmt: skip


def _sheet(each: Table) -> list[str]:
    heads = ["column", "中文", "kind", "required", "default", "meaning", "说明"]
    return [
        "",
        f"## {each.name} · {each.zh} · {each.en}",
        "",
        f"Key: {code(each.key)}",
        "",
        *table(heads, map(_column, each.attributes)),
    ]


def formats_page() -> str:
    """Return the page of workbook and folder columns."""
    catalogue = load_catalogue()
    lines = [
        "# Workbook and folder",
        "",
        GENERATED,
        "",
        *FORMATS_INTRODUCTION.splitlines(),
    ]
    for each in TABLES.values():
        lines += _sheet(each)
    properties = quantities_of(catalogue.quantities)
    lines += ["", "## Properties and factors · 属性与因子", ""]
    lines += ["`{unit}` is the commodity's unit, `{gas}` the gas of the factor.", ""]
    rows = [[f"`{q.id}`", q.zh, q.en, code(q.units)] for q in properties.values()]
    lines += table(["property", "中文", "English", "unit"], rows)
    lines += ["", "## Variables of the statistics · 统计变量", ""]
    lines += ["Any other variable may stand in the statistics; its unit is then not checked.", ""]
    lines += table(
        ["variable", "中文", "English", "unit"], [[f"`{v.id}`", v.zh, v.en, code(v.units)] for v in VARIABLES.values()]
    )
    lines += ["", "## Activities · 用途", ""]
    activities = catalogue.activities.select("id", "name_zh", "name_en", "meaning_zh", "meaning_en").iter_rows()
    lines += table(
        ["activity", "中文", "English", "说明", "meaning"],
        [[f"`{name}`", *(cell or "" for cell in rest)] for name, *rest in activities],
    )
    lines += ["", "## Groups of commodities · 物品组", ""]
    groups = catalogue.groups.select("id", "name_zh", "name_en").iter_rows()
    lines += table(["group", "中文", "English"], [[f"`{name}`", zh, en] for name, zh, en in groups])
    return "\n".join(lines) + "\n"


def _rule_row(rule: Rule) -> list[str]:
    what = [code(rule.commodities), code(rule.groups)]
    counts = " or groups ".join(part for part in what if part) if rule.commodities else f"groups {what[1]}"
    uses = [f"activities {code(rule.activities)}"] if rule.activities else []
    uses += [f"technologies {code(rule.technologies)}"] if rule.technologies else []
    sets = "; ".join(f"{'other' if name == '*' else name}: {code(each)}" for name, each in rule.sets.items())
    formula = f"`{'-' if rule.sign < 0 else ''}{rule.formula}`"
    measure = code(rule.gases) if rule.measure == "gas" and rule.gases != ["*"] else rule.measure
    optional = " (optional)" if rule.optional else ""
    return [
        f"`{rule.id}`{optional}", rule.category, rule.crossing, "; ".join([counts, *uses]), measure, formula, sets,
    ]  # fmt: skip


def _limit_row(limit: Limit) -> list[str]:
    everywhere = limit.size_from == 0 and limit.size_to == float("inf")
    size = "" if everywhere else f"{limit.size_from:,.0f} to {limit.size_to:,.0f}"
    year, value = str(limit.year or ""), f"{limit.comparison} {limit.limit:g}"
    return [f"`{limit.indicator}`", limit.variant, year, value, size, f"`{limit.source}`"]


def _own_rules(scheme: Scheme, schemes: Mapping[str, Scheme]) -> list[Rule]:
    """Return the rules that the scheme does not take over from another."""
    taken = {rule.id for include in scheme.includes for rule in schemes[include.partition(":")[0]].rules}
    return [rule for rule in scheme.rules if rule.id not in taken]


def _scheme(scheme: Scheme, own: list[Rule], sources: dict[str, tuple[str, str]]) -> list[str]:
    zh, en = sources.get(scheme.source, ("", scheme.source))
    lines = [
        "",
        f"## {scheme.id}",
        "",
        f"**{scheme.name_en} · {scheme.name_zh}**, version {scheme.version}.",
        f"Source: {en}（{zh}）; read {scheme.status}.",
        "",
        scheme.description_en,
        "",
        scheme.description_zh,
    ]
    if scheme.options:
        rows = [
            [f"`{name}`", o.name_en, o.name_zh, code(o.choices), f"`{o.default}`"] for name, o in scheme.options.items()
        ]
        lines += ["", *table(["option", "meaning", "中文", "choices", "default"], rows)]
    lines += ["", "Rules:", ""]
    heads = ["rule", "category", "crossing", "counts", "measures", "formula", "factor sets, best first"]
    lines += table(heads, map(_rule_row, own))
    if scheme.includes:
        lines += ["", f"Rules taken over from another scheme: {code(scheme.includes)}."]
    rows = [[f"`{t.id}`", t.name_en, t.name_zh, t.unit, ", ".join(t.categories)] for t in scheme.totals]
    lines += ["", "Totals, the headline first:", "", *table(["total", "name", "中文", "unit", "categories"], rows)]
    rows = [
        [r.name_en, r.name_zh, "; ".join(filter(None, [code(r.groups), code(r.commodities)]))]
        for r in scheme.requirements
    ]
    lines += [
        "",
        "Required before a total may be called one:",
        "",
        *table(["source", "中文", "groups or commodities"], rows),
    ]
    if scheme.limits:
        rows = [_limit_row(limit) for limit in scheme.limits]
        heads = ["indicator", "variant", "from year", "limit", "size of the park, tce", "source"]
        lines += ["", "Limits:", "", *table(heads, rows)]
    return lines


def schemes_page() -> str:
    """Return the page of accounting schemes: what each counts, by which formula, with which limits."""
    catalogue = load_catalogue()
    lines = [
        "# Accounting schemes",
        "",
        GENERATED,
        "",
        *SCHEMES_INTRODUCTION.splitlines(),
    ]
    for scheme in catalogue.schemes.values():
        lines += _scheme(scheme, _own_rules(scheme, catalogue.schemes), catalogue.source_titles)
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    return {DOCS / "formats.md": formats_page(), DOCS / "reference" / "schemes.md": schemes_page()}


def main() -> None:
    """Write the pages that have changed."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
