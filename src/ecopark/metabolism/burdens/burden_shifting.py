"""Burden shifting: of two states of a park, what got better, what got worse, and where.

    change = after - before, per impact category and by stage, node and commodity

A change counts where it exceeds 1.96 of its standard deviations, or (where no range is stated) a least relative change.
Burden is shifted to a category that got worse while another got better, and shifted outside where the park's own part
fell while the part outside rose. Each part of a change is split exactly into what amounts and what factors did
(the mean of both orders): ``(a1 - a0) (c0 + c1) / 2`` and ``(a0 + a1) (c1 - c0) / 2``, so that a new grid factor is not
taken for the park's deed. Errors of one factor count in both states alike and mostly cancel in the change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Remark
from ecopark.metabolism.burdens.burden_rows import STAGES, deviation, deviations, signed
from ecopark.metabolism.burdens.burdens import Burdens
from ecopark.metabolism.layers import NORMAL_95
from ecopark.metabolism.result import Result, name_in
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_, translate

SHIFT_SCHEMA: dict[str, type[pl.DataType]] = {
    "category": pl.String, "name_zh": pl.String, "name_en": pl.String, "unit": pl.String,
    "before": pl.Float64, "after": pl.Float64, "change": pl.Float64, "relative": pl.Float64, "sd": pl.Float64,
    "significance": pl.Float64, "verdict": pl.String, "inside": pl.Float64, "outside": pl.Float64,
    "shifted_outside": pl.Float64, "coverage_effect": pl.Float64, "amount_effect": pl.Float64,
    "factor_effect": pl.Float64,
}  # fmt: skip
"""One category: ``change = inside + outside + coverage_effect = amount_effect + factor_effect + coverage_effect``.

`inside` and `outside` are the parts of the change in the park and outside, `coverage_effect` what comes from streams
that one state counts and the other lacks a value for; it is no deed of the park and has no part in the verdict, nor in
`relative` (over the larger state), `sd` and `significance` (the rest of the change in standard deviations).

verdict: better, worse, unchanged (not beyond its uncertainty), unknown (one of the states knows nothing of it).
`shifted_outside` is the amount by which the outside rose while the inside fell (the smaller of both), else 0.
"""

CHANGE_SCHEMA: dict[str, type[pl.DataType]] = {
    "part": pl.Int64, "category": pl.String, "stage": pl.String, "node": pl.String, "firm": pl.String,
    "commodity": pl.String, "before": pl.Float64, "after": pl.Float64, "change": pl.Float64,
    "amount_effect": pl.Float64, "factor_effect": pl.Float64, "sd": pl.Float64, "unit": pl.String,
}  # fmt: skip
"""The change of one node's burden by one commodity at one stage; largest first within a category."""

VERDICTS = {
    "no_shift": N_("no shift"),
    "shifted_to": N_("shifted to {categories}"),
    "shifted_outside": N_("shifted outside: {categories}"),
}
_PLACE = ("category", "stage", "node", "commodity")


@dataclass(frozen=True, eq=False, kw_only=True)
class BurdenShift(Result):
    """The change of burdens between two states: `categories` (`SHIFT_SCHEMA`) and `changes` (`CHANGE_SCHEMA`).

    `before` and `after` are the references of the two results whose numbers are compared ("" where not stored).
    """

    engine: ClassVar[str] = "burden_shift"

    categories: pl.DataFrame
    changes: pl.DataFrame
    before: str = ""
    after: str = ""

    def of(self, verdict: str) -> list[str]:
        """Return the categories with a verdict: better, worse, unchanged or unknown."""
        return self.categories.filter(pl.col("verdict") == verdict)["category"].to_list()

    @property
    def verdicts(self) -> list[tuple[str, list[str]]]:
        """What the comparison says: (no_shift, []), (shifted_to, categories), (shifted_outside, categories)."""
        found: list[tuple[str, list[str]]] = []
        worse = self.of("worse")
        if worse and self.of("better"):
            found.append(("shifted_to", worse))
        outside = self.categories.filter(pl.col("shifted_outside") > 0)["category"].to_list()
        if outside:
            found.append(("shifted_outside", outside))
        return found or [("no_shift", [])]

    def words(self, language: str) -> list[str]:
        """Return the verdicts in words."""
        comma = "、" if language == "zh" else ", "
        return [
            translate(
                VERDICTS[verdict],
                language,
                categories=comma.join(self.name(each, language, "category") for each in categories),
            )
            for verdict, categories in self.verdicts
        ]

    def contributors(self, category: str, number: int = 10, *, rising: bool | None = None) -> pl.DataFrame:
        """Return the largest changes of a category; only those that rise (or fall) where `rising` is given."""
        rows = self.changes.filter(pl.col("category") == category)
        if rising is not None:
            rows = rows.filter(pl.col("change") > 0 if rising else pl.col("change") < 0)
        return rows.head(number)

    def explain(self, key: str) -> Explanation:
        """Return where a number comes from: "change:CATEGORY" or "part:17"; KeyError for anything else."""
        kind, _, rest = key.partition(":")
        found = self.categories.filter(pl.col("category") == rest) if kind == "change" else None
        if kind == "part" and rest.isdigit():
            found = self.changes.filter(pl.col("part") == int(rest))
        if found is None or found.is_empty() or found["change"].item() is None:
            raise KeyError(f"no number {key!r}")
        row = found.row(0, named=True)
        place = f"total:{row['category']}"
        words = {language: self.name(row["category"], language, "category") for language in ("zh", "en")}
        if kind == "part":
            place += "".join(f"&{name}:{row[name]}" for name in _PLACE[1:])
            for language in words:
                names = (self.name(row["commodity"], language, "commodity"), self.name(row["node"], language, "node"))
                words[language] += f", {', '.join(names)}"
        inputs = [
            Input(
                state, translate(STATES[state], "zh"), translate(STATES[state], "en"), row[state], row["unit"], "total",
                f"{run}-{place}" if run else place,
            )
            for state, run in (("after", self.after), ("before", self.before))
        ]  # fmt: skip
        return Explanation(key, words["zh"], words["en"], row["change"], row["unit"], "after - before", inputs)


STATES = {"before": N_("state before"), "after": N_("state after")}


def compare_burdens(before: Burdens, after: Burdens, *, least: float = 0.01) -> BurdenShift:
    """Return what changed from one state's burdens to another's: two years, two scenarios, record and plan.

    `least` is the relative change that counts where no uncertainty is stated. InputError where the states share no
    impact category or count one in different units.
    """
    shared = [category for category in before.categories if category in after.categories]
    if not shared:
        raise InputError([
            Problem(
                "shift_categories", "categories", N_("The two states have no impact category in common."),
                N_("Draw the burdens of both for the same categories."),
            )
        ])  # fmt: skip
    uneven = _uneven(before, after, shared)
    matched = _matched(before, after, shared)
    both = pl.concat([_state(before, shared, -1.0), _state(after, shared, 1.0)])
    changes = _changes(matched, both)
    even = both.join(uneven, on=["category", "stream"], how="anti", maintain_order="left")
    matched = matched.join(uneven, on=["category", "stream"], how="anti", maintain_order="left")
    rows = [_category(before, after, category, even, matched, least) for category in shared]
    names = {**before.names, **after.names}
    return BurdenShift(
        settings={"before": dict(before.settings), "after": dict(after.settings), "least": least},
        names=names, sources={**before.sources, **after.sources}, categories=pl.DataFrame(rows, schema=SHIFT_SCHEMA),
        changes=changes, before=before.run or "", after=after.run or "", remarks=_remarks(before, after, uneven),
    )  # fmt: skip


def _uneven(before: Burdens, after: Burdens, categories: Sequence[str]) -> pl.DataFrame:
    """Return category, stream and commodity of what one state counts while the other lacks a value for it."""
    texts = {"category": pl.String, "stream": pl.String, "commodity": pl.String}
    found = [pl.DataFrame(schema=texts)]
    for state, other in ((before, after), (after, before)):
        counted = state.rows.select(texts.keys()).unique(maintain_order=True)
        lacking = (
            other.uncovered.filter(pl.col("reason") != "cut_off")
            .select("category", pl.col("streams").str.split(";").alias("stream"))
            .explode("stream")
        )
        own = other.rows.select("category", "stream", "stage").unique()
        # a stream that both states count at the same stages is even, whatever else is lacking of it
        stages = state.rows.select("category", "stream", "stage").unique().join(
            own, on=["category", "stream", "stage"], how="anti"
        )  # fmt: skip
        found.append(
            counted.join(lacking.unique(), on=["category", "stream"], how="semi", maintain_order="left").join(
                stages, on=["category", "stream"], how="semi", maintain_order="left"
            )
        )
    return pl.concat(found).filter(pl.col("category").is_in(list(categories))).unique(maintain_order=True)


def _state(burdens: Burdens, categories: Sequence[str], sign: float) -> pl.DataFrame:
    """Return the rows of one state with their sign, and amounts as variables of that state alone.

    Only a correlation group is one variable in both states.
    """
    rows = signed(burdens.rows.filter(pl.col("category").is_in(list(categories))))
    own = pl.concat_str(pl.lit("before " if sign < 0 else "after "), pl.col("variable"))
    return rows.with_columns(
        pl.col("value") * sign,
        pl.col("sd_amount") * sign,
        pl.col("sd_factor") * sign,
        pl.when(pl.col("correlation_group").is_not_null()).then("variable").otherwise(own).alias("variable"),
        pl.col("node").fill_null(""),
        pl.col("commodity").fill_null(""),
    )


def _matched(before: Burdens, after: Burdens, categories: Sequence[str]) -> pl.DataFrame:
    """Return amounts and coefficients of both states side by side, with what amounts and factors changed.

    What exists in one state only has its own coefficient in both: all of its change is the amount's.
    """
    keys = [*_PLACE, "firm", "stream", "family"]

    def side(burdens: Burdens, suffix: str) -> pl.DataFrame:
        families = burdens.factors.select("factor", "family")
        return (
            burdens.rows.filter(pl.col("category").is_in(list(categories)))
            .join(families, on="factor", how="left", maintain_order="left")
            .with_columns(pl.col(name).fill_null("") for name in keys)
            .group_by(keys, maintain_order=True)
            .agg(
                pl.col("amount").sum().alias(f"amount{suffix}"), pl.col("value").sum().alias(f"value{suffix}"),
                pl.col("coefficient").mean().alias(f"coefficient{suffix}"),
            )
        )  # fmt: skip

    joined = side(before, "0").join(side(after, "1"), on=keys, how="full", coalesce=True, maintain_order="left_right")
    for suffix in ("0", "1"):
        amount, value = pl.col(f"amount{suffix}"), pl.col(f"value{suffix}")
        # rows of one key add up: their common coefficient is the sum of values over that of amounts
        common = pl.when(amount != 0).then(value / amount).otherwise(pl.col(f"coefficient{suffix}"))
        joined = joined.with_columns(common.alias(f"coefficient{suffix}"))
    joined = joined.with_columns(
        pl.coalesce("coefficient0", "coefficient1").alias("c0"),
        pl.coalesce("coefficient1", "coefficient0").alias("c1"),
        *(pl.col(name).fill_null(0.0) for name in ("amount0", "amount1", "value0", "value1")),
    )
    return joined.with_columns(
        ((pl.col("amount1") - pl.col("amount0")) * (pl.col("c0") + pl.col("c1")) / 2).alias("amount_effect"),
    ).with_columns(_rest(pl.col("value1") - pl.col("value0") - pl.col("amount_effect")).alias("factor_effect"))


def _rest(difference: pl.Expr) -> pl.Expr:
    """Return what a subtraction leaves, nought where it is no more than its rounding."""
    largest = pl.max_horizontal(pl.col("value0").abs(), pl.col("value1").abs())
    return pl.when(difference.abs() <= 1e-12 * largest).then(0.0).otherwise(difference)


def _changes(matched: pl.DataFrame, both: pl.DataFrame) -> pl.DataFrame:
    spreads = deviations(both, list(_PLACE))
    units = both.select("category", "unit").unique()
    order = matched["category"].unique(maintain_order=True).to_list()
    return (
        matched.group_by(list(_PLACE), maintain_order=True)
        .agg(
            pl.col("firm").first(), pl.col("value0").sum().alias("before"), pl.col("value1").sum().alias("after"),
            pl.col("amount_effect").sum(), pl.col("factor_effect").sum(),
        )
        .with_columns((pl.col("after") - pl.col("before")).alias("change"))
        .join(spreads, on=list(_PLACE), how="left", maintain_order="left")
        .join(units, on="category", how="left", maintain_order="left")
        .with_columns(
            pl.col("category").replace_strict({name: i for i, name in enumerate(order)}, return_dtype=pl.Int64)
            .alias("place")
        )
        .sort("place", pl.col("change").abs(), descending=[False, True], maintain_order=True)
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("part"))
        .select(CHANGE_SCHEMA.keys())
    )  # fmt: skip


def _category(
    before: Burdens, after: Burdens, category: str, even: pl.DataFrame, matched: pl.DataFrame, least: float
) -> dict[str, Any]:
    """Return the row of one category from the rows that both states count (`even`, `matched`)."""
    first, second = before.total(category), after.total(category)
    about = after.totals.filter(pl.col("category") == category).row(0, named=True)
    row: dict[str, Any] = {
        **{name: about[name] for name in ("category", "name_zh", "name_en", "unit")},
        "before": first, "after": second, "verdict": "unknown", "shifted_outside": 0.0,
    }  # fmt: skip
    if first is None or second is None:
        return row
    own = even.filter(pl.col("category") == category)
    effects = matched.filter(pl.col("category") == category)
    inside, outside = own.filter(pl.col("stage") == STAGES[0]), own.filter(pl.col("stage") != STAGES[0])
    parts = {"inside": math.fsum(inside["value"]), "outside": math.fsum(outside["value"])}
    deed = math.fsum(own["value"])
    sd = deviation(own)
    scale = max(abs(first), abs(second))
    moved = parts["inside"] < 0 < parts["outside"]
    if moved and _counts(inside, scale, least) and _counts(outside, scale, least):
        row["shifted_outside"] = min(-parts["inside"], parts["outside"])
    counts = _counts(own, scale, least)
    return row | parts | {
        "change": second - first, "relative": deed / scale if scale else None, "sd": sd,
        "significance": abs(deed) / sd if sd else None,
        "verdict": ("better" if deed < 0 else "worse") if counts else "unchanged",
        "coverage_effect": second - first - deed, "amount_effect": math.fsum(effects["amount_effect"]),
        "factor_effect": math.fsum(effects["factor_effect"]),
    }  # fmt: skip


def _counts(rows: pl.DataFrame, scale: float, least: float) -> bool:
    """Whether the sum of signed rows is beyond its uncertainty, or beyond `least` of `scale` where none is stated."""
    change = abs(math.fsum(rows["value"]))
    if change <= 1e-12 * scale:
        return False
    sd = deviation(rows)
    return change > (NORMAL_95 * sd if sd else least * scale)


def _remarks(before: Burdens, after: Burdens, uneven: pl.DataFrame) -> list[Remark]:
    remarks: list[Remark] = []
    for setting, message in (
        ("gwp", N_("The two states use different warming potentials ({before}, {after}).")),
        ("background", N_("The two states use different background systems ({before}, {after}).")),
        ("inventory", N_("The two states take their greenhouse gases from different schemes ({before}, {after}).")),
    ):
        values = {"before": before.settings.get(setting) or "-", "after": after.settings.get(setting) or "-"}
        if values["before"] != values["after"]:
            remarks.append(Remark(f"shift_{setting}", message, values, "warning"))

    goods = uneven["commodity"].drop_nulls().unique().sort().head(10).to_list()
    if goods:
        names: Mapping[str, Sequence[str]] = {
            language: [name_in({**before.names, **after.names}, each, language, "commodity") for each in goods]
            for language in ("zh", "en")
        }
        remarks.append(
            Remark(
                "shift_coverage",
                N_("Counted in one state while the other lacks a value, and left out of the verdict: {goods_en}."),
                {"goods_en": ", ".join(names["en"]), "goods_zh": "、".join(names["zh"])}, "warning",
            )
        )  # fmt: skip
    return remarks
