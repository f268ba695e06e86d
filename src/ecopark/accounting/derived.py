"""Numbers made of an inventory's own numbers: parts of a whole, and totals per unit of a statistic."""

from __future__ import annotations

import polars as pl

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.result import Inventory
from ecopark.translation import N_, translate

SHARE = "share:"
PER = "per:"
RESTS = "rests:"


def is_derived(key: str) -> bool:
    """Tell whether `explain_derived` knows this kind of key."""
    return key.startswith((SHARE, PER, RESTS))


def explain_derived(inventory: Inventory, key: str) -> Explanation:
    """Return the explanation of a derived number; KeyError for a key that names none.

    - ``share:KEY``: the number of KEY (such as ``total:co2&category:fuel``) divided by the total it is part of
    - ``rests:TOTAL:FACTOR``: the part of a total (of the absolute results of its lines) that uses a factor, or a flow
    - ``per:TOTAL:VARIABLE``: a total divided by a statistic of the boundary's node
    """
    if key.startswith(SHARE):
        return _share(inventory, key)
    if key.startswith(RESTS):
        return _rests(inventory, key)
    if key.startswith(PER):
        return _per(inventory, key, inventory.statistics[key.rpartition(":")[2]])
    raise KeyError(f"no derived number {key!r}")


def _share(inventory: Inventory, key: str) -> Explanation:
    part = inventory.explain(key.removeprefix(SHARE))
    head = part.key.partition("&")[0]
    whole = inventory.explain(head if head.startswith("total") else "total")
    inputs = [
        Input("part", part.name_zh, part.name_en, part.value, part.unit, "total", inventory.reference(part.key)),
        Input("whole", whole.name_zh, whole.name_en, whole.value, whole.unit, "total", inventory.reference(whole.key)),
    ]
    zh, en = (
        translate(N_("{name}: share"), language, name=name)
        for language, name in (("zh", part.name_zh), ("en", part.name_en))
    )
    return Explanation(key, zh, en, part.value / whole.value, "1", "part / whole", inputs)


def _rests(inventory: Inventory, key: str) -> Explanation:
    identity, _, used = key.removeprefix(RESTS).partition(":")
    coefficients = set(inventory.parameters.filter(pl.col("factor") == used)["coefficient"])
    uses = pl.col("coefficient").is_in(list(coefficients)) | (pl.col("flow") == used)
    weights = inventory.lines_of(identity).select("line", pl.col("result").abs().alias("weight"), uses.alias("uses"))
    if not weights["uses"].any():
        raise KeyError(f"no line of {identity!r} uses {used!r}")
    unit = inventory.scheme.total(identity).unit
    whole = float(weights["weight"].sum())
    inputs = [
        Input("part", "使用该值的明细", "line that uses it", row["weight"], unit, "line",
              inventory.reference(f"line:{row['line']}"))
        for row in weights.filter("uses").iter_rows(named=True)
    ]  # fmt: skip
    inputs.append(Input("whole", "各明细绝对值合计", "absolute results of all lines", whole, unit, "total"))
    value = sum(item.value for item in inputs[:-1]) / whole
    names = (f"依据 {used} 的份额", f"part that rests on {used}")
    return Explanation(key, *names, value, "1", "sum(part) / whole", inputs)


def _per(inventory: Inventory, key: str, statistic: Input) -> Explanation:
    identity = key.removeprefix(PER).partition(":")[0]
    total = inventory.explain(f"total:{identity}")
    whole = Input(
        "total", total.name_zh, total.name_en, total.value, total.unit, "total", inventory.reference(total.key)
    )
    names = (f"{total.name_zh} / {statistic.name_zh}", f"{total.name_en} / {statistic.name_en}")
    unit = f"{total.unit}/{statistic.unit}"
    return Explanation(
        key, *names, total.value / statistic.value, unit, f"total / {statistic.symbol}", [whole, statistic]
    )
