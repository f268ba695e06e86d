"""The causes of a rise in words, and the explanation of their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.metabolism.changes.figures_in_text import number
from ecopark.translation import N_, translate

if TYPE_CHECKING:
    from ecopark.metabolism.changes.causes import Causes

KIND_NAMES: Mapping[str, str] = {
    "amount": N_("Amount brought in"),
    "content": N_("Content of what is brought in"),
    "source": N_("Source of one period only"),
    "stock": N_("Out of stores"),
    "unexplained": N_("Source not recorded"),
    "passing": N_("Passed on or removed on the way"),
}
"""Kind of a cause -> what it is called."""

CONFIDENCE_NAMES: Mapping[str, str] = {
    "supported": N_("supported: beyond its uncertainty, and it moves with the pollutant month by month"),
    "indicated": N_("indicated by the balance or by the months, not by both"),
    "untested": N_("not tested: no ranges and no monthly data speak for or against it"),
    "balance": N_(
        "open: the balance of this node closes in one period and not in the other, so that a measurement may be wrong"
    ),
    "record": N_("open: something here is known in one of the periods only, so that it may be one of the record"),
    "uncertain": N_("uncertain: the effect lies within its uncertainty"),
    "contradicted": N_("contradicted: month by month it moves against the pollutant"),
}
"""Confidence -> what may be said."""

_STATEMENTS: Mapping[str, str] = {
    "amount": N_("The amount of {stream} went from {before} to {after} {unit}."),
    "content": N_("The content of {stream} went from {before} to {after} {unit}."),
    "source": N_("{stream} brought in {after} {unit} after {before} {unit}."),
    "stock": N_("Stores at {node} gave {after} {unit} after {before} {unit}."),
    "unexplained": N_("At {node} {after} {unit} leave that no recorded inflow explains, after {before} {unit}: a "
                      "source that is not recorded, or a wrong amount or content."),
    "passing": N_("Of what reaches {node}, {after} % ended up here after {before} %."),
}  # fmt: skip


_UNKNOWN = {
    "unknown_before": N_("{stream} brought in {after} {unit}; in the earlier period it is not known."),
    "unknown_after": N_("{stream} brought in {before} {unit} in the earlier period; in the later one it is not known."),
}


def stream_name(causes: Causes, row: Mapping[str, Any], language: str) -> str:
    """Return what a cause's stream is, in words: commodity and where it comes from and goes to."""
    if not row["stream"]:
        return causes.name(row["node"], language, "node")
    goods = causes.name(row["commodity"] or "", language, "commodity") or row["stream"]
    origin = causes.origins.filter(pl.col("stream") == row["stream"])
    source = causes.name(origin["source"][0] or "", language, "node") if origin.height else ""
    ends = " → ".join(part for part in (source, causes.name(row["node"], language, "node")) if part)
    return f"{goods}（{ends}）" if language == "zh" else f"{goods} ({ends})"


def _row(causes: Causes, cause: str) -> dict[str, Any]:
    found = causes.causes.filter(pl.col("cause") == cause)
    if found.is_empty():
        raise KeyError(f"no cause {cause!r}")
    return found.row(0, named=True)


def statement(causes: Causes, cause: str, language: str) -> str:
    """Return what changed, in one sentence."""
    row = _row(causes, cause)
    share = 100.0 if row["kind"] == "passing" else 1.0
    return translate(
        _UNKNOWN.get(row["state"], _STATEMENTS[row["kind"]]), language, stream=stream_name(causes, row, language),
        node=causes.name(row["node"], language, "node"), before=number(row["before"] * share),
        after=number(row["after"] * share), unit=row["unit"],
    )  # fmt: skip


def reasons(causes: Causes, cause: str, language: str) -> list[str]:
    """Return the sentences of `Causes.reasons`."""
    row = _row(causes, cause)
    sentences = [statement(causes, cause, language)]

    def say(message: str, **values: object) -> None:
        sentences.append(translate(message, language, **values))

    if row["share"] is not None:
        if row["direction"] == "driving":
            say(N_("It accounts for {effect} {unit}, {share} % of the change."), unit=causes.unit,
                effect=number(row["effect"], signed=True), share=f"{100 * row['share']:.0f}")  # fmt: skip
        else:
            say(
                N_("It worked the other way: {effect} {unit}."),
                effect=number(row["effect"], signed=True),
                unit=causes.unit,
            )
    if row["kind"] == "passing" and (outlet := _counter_outlet(causes, row)):
        target = causes.name(outlet["target"], language, "node")
        values = {"node": target, "before": number(100 * outlet["share_before"]),
                  "after": number(100 * outlet["share_after"])}  # fmt: skip
        if outlet["target"]:
            say(N_("The share led to {node} went from {before} % to {after} %."), **values)
        else:
            values.pop("node")
            say(N_("The share that stays behind or is not accounted for went from {before} % to {after} %."), **values)
            say(N_("What stays behind may be removed, or measured wrongly: look at the balance of the node."))
    if row["state"] in ("appeared", "ended"):
        say(N_("It stands in one period only: it began or ended, or was not reported."))
    before, after = row["method_before"], row["method_after"]
    if before and after and before != after:
        say(N_("Its method changed from {before} to {after}: part of the change may be in how it is found."),
            before=translate(before, language), after=translate(after, language))  # fmt: skip
    if row["significance"] is not None:
        say(N_("The effect is {times} times its standard deviation."), times=f"{row['significance']:.1f}")
    if row["correlation"] is not None:
        say(N_("Over {months} months its rank correlation with the pollutant is {correlation} (p = {p}, adjusted for "
               "several tests)."), months=row["months"], correlation=f"{row['correlation']:+.2f}",
            p=f"{row['p_adjusted']:.3f}")  # fmt: skip
        if row["kind"] == "passing":
            say(N_("Part of that correlation is built in: the share is worked out from the pollutant itself."))
    say(CONFIDENCE_NAMES[row["confidence"]])
    return sentences


def _counter_outlet(causes: Causes, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the outlet of a node whose share moved most against the rise: where it went before, or goes now."""
    rows = causes.outlets.filter((pl.col("node") == row["node"]) & ~pl.col("subject"))
    moved = pl.col("share_after") - pl.col("share_before")
    more = row["after"] >= row["before"]
    against = rows.filter(moved < -1e-12 if more else moved > 1e-12).sort(
        moved.abs(), "target", descending=[True, False]
    )
    return against.row(0, named=True) if against.height else None


def headline(causes: Causes, language: str) -> str:
    """Return the sentence of `Causes.headline`."""
    settings = causes.settings
    subject = causes.name(settings["subject"], language, "node")
    layer = causes.name(settings["layer"], language, "layer")
    values = {
        "layer": layer, "subject": subject, "before": number(causes.before), "after": number(causes.after),
        "unit": causes.unit, "first": settings["before"]["label"], "second": settings["after"]["label"],
    }  # fmt: skip
    best = causes.likeliest(1)
    text = translate(
        N_("{layer} in {subject} went from {before} {unit} ({first}) to {after} {unit} ({second})."), language, **values
    )
    if best.is_empty() or best["confidence"].item() in ("record", "uncertain", "contradicted"):
        return f"{text}{'' if language == 'zh' else ' '}" + translate(
            N_("The record does not single out a likely cause."), language
        )
    row = best.row(0, named=True)
    why = translate(
        N_("Likeliest cause ({effect} of {change} {unit}): {statement}"), language,
        effect=number(row["effect"], signed=True), change=number(causes.rise, signed=True), unit=causes.unit,
        statement=statement(causes, row["cause"], language),
    )  # fmt: skip
    return f"{text}{'' if language == 'zh' else ' '}{why}"


def _both(message: str, **values: object) -> tuple[str, str]:
    return translate(message, "zh", **values), translate(message, "en", **values)


def explain(causes: Causes, key: str) -> Explanation:
    """Return the explanation of `key` (see `Causes.explain`)."""
    kind, _, rest = key.partition(":")
    if key == "rise":
        inputs = [
            Input("parts", statement(causes, row["cause"], "zh"), statement(causes, row["cause"], "en"), row["effect"],
                  causes.unit, "line", causes.reference(f"effect:{row['cause']}"))
            for row in causes.causes.iter_rows(named=True)
        ]  # fmt: skip
        return Explanation(
            key, *_both(N_("Change from one period to the other")), causes.rise, causes.unit, "sum(parts)", inputs
        )
    if kind == "contribution":
        side, _, origin = rest.partition(":")
        found = causes.origins.filter(pl.col("origin") == origin)
        if side in ("before", "after") and found.height:
            row = found.row(0, named=True)
            inputs = [
                Input("entering", *_both(N_("What enters, {period}"), period=causes.settings[side]["label"]),
                      row[f"entering_{side}"], causes.unit, "flow", row["stream"] or ""),
                Input("reach", *_both(N_("Share of it that ends up here")), row[f"reach_{side}"], "1", "share"),
            ]  # fmt: skip
            names = causes.both(row["node"], "node")
            return Explanation(key, *names, row[f"contribution_{side}"], causes.unit, "entering * reach", inputs)
    if kind == "effect":
        return _explain_effect(causes, key, _row(causes, rest))
    raise KeyError(f"no number {key!r}")


def _explain_effect(causes: Causes, key: str, row: Mapping[str, Any]) -> Explanation:
    names = (statement(causes, row["cause"], "zh"), statement(causes, row["cause"], "en"))
    periods = {side: causes.settings[side]["label"] for side in ("before", "after")}
    if row["kind"] == "passing":
        what = {
            "weight_before": N_("Throughput by the mean inflow and the shares of {first}"),
            "weight_after": N_("Throughput by the mean inflow and the shares of {second}"),
            "reach_before": N_("Share passed on in {first}"),
            "reach_after": N_("Share passed on in {second}"),
            "crossed_before": N_("Share passed on as in {first}, beyond it as in {second}"),
            "crossed_after": N_("Share passed on as in {second}, beyond it as in {first}"),
        }
        inputs = [
            Input(name, *_both(text, first=periods["before"], second=periods["after"]), row[name],
                  causes.unit if name.startswith("weight") else "1", "share")
            for name, text in what.items()
        ]  # fmt: skip
        formula = "(weight_after * (crossed_after - reach_before) + weight_before * (reach_after - crossed_before)) / 2"
        return Explanation(key, *names, row["effect"], causes.unit, formula, inputs)
    zh, en = _both(KIND_NAMES[row["kind"]])
    inputs = [
        Input(side, f"{zh}，{periods[side]}", f"{en}, {periods[side]}", row[side], row["unit"],
              "flow" if row["kind"] in ("amount", "source") else "share", row["stream"] or "",
              status=row.get(f"method_{side}") or "")
        for side in ("before", "after")
    ]  # fmt: skip
    formula = "(after - before)"
    if row["kind"] in ("amount", "content"):
        other = N_("Content, mean of both periods") if row["kind"] == "amount" else N_("Amount, mean of both periods")
        inputs.append(Input("factor", *_both(other), row["factor"], "", "share", row["stream"] or ""))
        formula += " * factor"
    inputs.append(Input("reach", *_both(N_("Share of it that ends up here, mean of both periods")), row["reach"], "1",
                        "share"))  # fmt: skip
    return Explanation(key, *names, row["effect"], causes.unit, f"{formula} * reach", inputs)
