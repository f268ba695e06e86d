"""Words for the closed lists of this room: verdicts, reasons of gaps, kinds of nodes; message ids to translate."""

from __future__ import annotations

from ecopark.translation import N_

VERDICTS = {
    "closed": N_("closes"),
    "open": N_("does not close"),
    "no_range": N_("no range stated: cannot be judged"),
    "incomplete": N_("incomplete"),
    "one_sided": N_("only receives or only sends"),
    "by_rule": N_("closes by rule"),
    "not_testable": N_("cannot be tested"),
}
"""Verdict of a balance -> what is said of it."""

VERDICT_MEANINGS = {
    "closed": N_("the residual lies within 1.96 standard deviations"),
    "open": N_("the residual is larger than what the stated ranges explain"),
    "no_range": N_("no amount or content here has a range, so nothing says how large a residual may be"),
    "incomplete": N_("flows or contents are missing, so that the residual is also what is not stated"),
    "one_sided": N_("nothing stands against what comes in or goes out: the other side is not in the record"),
    "by_rule": N_("what leaves follows by rule from what enters, so the balance tests nothing"),
    "not_testable": N_("a remainder takes up the difference, or the layer is not conserved"),
}
"""Verdict of a balance -> what it means."""

GAP_REASONS = {
    "no_amount": N_("amount not known"),
    "no_property": N_("property not known"),
    "unit": N_("unit cannot be brought to the layer"),
    "unstated": N_("content not stated, taken as none"),
}
"""Reason why a flow has no value in a layer -> what is said of it."""

GAP_REMEDIES = {
    "no_amount": N_("Give an amount or state that nothing flows (NO)."),
    "no_property": N_("Give the property “{quantity}” of {commodity}, with unit and source, in the sheet properties."),
    "unit": N_("Give the amount in a unit of mass, or a property that leads there, in the sheet properties."),
    "unstated": N_("If there is some in it, give “{quantity}” of {commodity} in the sheet properties."),
}
"""Reason -> how to mend it; `quantity` and `commodity` are names."""

ENGINE_NAMES = {
    "balance": N_("Balances"),
    "reconciliation": N_("Reconciliation"),
    "trace": N_("What is embodied"),
    "pathways": N_("Trace upstream or downstream"),
    "cycling": N_("Cycling"),
    "value_flow": N_("Material-flow cost accounting"),
    "burdens": N_("Life-cycle burdens"),
    "burden_shift": N_("Burden shifting"),
    "change": N_("Changes between two periods"),
    "causes": N_("Causes of a rise"),
    "trend": N_("Trend"),
    "indicators": N_("Indicators of metabolism"),
    "nexus": N_("Water and energy of each other"),
}
"""Engine of a stored run -> what its results are called."""

SUSPECTS = {
    "flow_high": N_("the flow reads too much by"),
    "flow_low": N_("the flow reads too little by"),
    "content_high": N_("the content is too high by"),
    "content_low": N_("the content is too low by"),
    "stock_high": N_("the stock change is too large by"),
    "stock_low": N_("the stock change is too small by"),
    "balance_high": N_("more comes in than goes out, by"),
    "balance_low": N_("more goes out than comes in, by"),
}
"""Suspected single error with its direction -> what is said of it; its size follows without a sign."""


def suspect_kind(kind: str, size: float) -> str:
    """Return the key of `SUSPECTS` for a kind of error and its signed size."""
    return f"{kind}_{'low' if size < 0 else 'high'}"


ASSUMED = {
    "metered": N_("metered"),
    "invoiced": N_("invoiced"),
    "calculated": N_("calculated"),
    "estimated": N_("estimated"),
    "planned": N_("planned"),
    "reconciled": N_("reconciled"),
    "stock": N_("change of stocks"),
    "content": N_("contents of the park's own"),
    "water_density": N_("density of waters"),
}
"""What a range is assumed for where none is stated (rows of `assumed_ranges.csv`) -> what it is called."""
