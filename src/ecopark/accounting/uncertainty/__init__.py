"""Uncertainty of inventories: IPCC Approach 1, correlated first-order propagation, IPCC Approach 2 (Monte Carlo).

All methods take a `ProductSum`: totals of lines, each a product of variables with 95 % ranges, where a factor that
several lines share is one variable. `approach_1` takes lines as independent (with a warning where they are not),
`first_order` keeps the correlation and gives the contributions to the variance, `approach_2` simulates.
"""

from ecopark.accounting.uncertainty.error_propagation import Approach1, Trend, approach_1, trend
from ecopark.accounting.uncertainty.linear import FirstOrder, correlation, first_order, propagate
from ecopark.accounting.uncertainty.monte_carlo import Approach2, approach_2, draw, sample_totals
from ecopark.accounting.uncertainty.product_sum import ProductSum, draw_numbers
from ecopark.accounting.uncertainty.quantiles import Shapes, distribution_codes

__all__ = [
    "Approach1",
    "Approach2",
    "FirstOrder",
    "ProductSum",
    "Shapes",
    "Trend",
    "approach_1",
    "approach_2",
    "correlation",
    "distribution_codes",
    "draw",
    "draw_numbers",
    "first_order",
    "propagate",
    "sample_totals",
    "trend",
]
