"""What a park is: nodes, boundaries, commodities, streams and flows, as a checked record.

The room declares the record's tables (`TABLES`), holds them (`Record`), reads periods (`parse_period`), answers
questions of place (`Network`), tells which of several flows counts (`effective_flows`) and finds every fault in the
input at once (`check_record`, as `Problem` s; `InputError` carries them).
"""

from __future__ import annotations

from ecopark.model.effective import effective_flows, scenario_chain
from ecopark.model.network import PARK, Network, split_references
from ecopark.model.periods import PeriodError, month_bounds, overlap_days, parse_period, period_label, year_bounds
from ecopark.model.problems import InputError, Problem
from ecopark.model.quantities import QUANTITIES, VARIABLES, Quantity, Variable
from ecopark.model.record import Record, conform, fill_flow_ids
from ecopark.model.tables import ACTUAL, METHODS, NODE_KINDS, NOTATIONS, OUTSIDE_KINDS, TABLES, Attribute, Table
from ecopark.model.validation import Locate, check_record, default_locate, problem_of

__all__ = [
    "ACTUAL",
    "METHODS",
    "NODE_KINDS",
    "NOTATIONS",
    "OUTSIDE_KINDS",
    "PARK",
    "QUANTITIES",
    "TABLES",
    "VARIABLES",
    "Attribute",
    "InputError",
    "Locate",
    "Network",
    "PeriodError",
    "Problem",
    "Quantity",
    "Record",
    "Table",
    "Variable",
    "check_record",
    "conform",
    "default_locate",
    "effective_flows",
    "fill_flow_ids",
    "month_bounds",
    "overlap_days",
    "parse_period",
    "period_label",
    "problem_of",
    "scenario_chain",
    "split_references",
    "year_bounds",
]
