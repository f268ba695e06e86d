"""Inventories: schemes applied to flows, explained, compared and consolidated, with their uncertainty.

`draw_inventory(record, catalogue, scheme, year)` is the way in; `Inventory.explain(key)` leads from any number back to
its flows and factors.
"""

from ecopark.accounting.explanation import Explanation, Input
from ecopark.accounting.inventory import draw_inventory
from ecopark.accounting.result import Gap, IndicatorResult, Inventory, Remark

__all__ = ["Explanation", "Gap", "IndicatorResult", "Input", "Inventory", "Remark", "draw_inventory"]
