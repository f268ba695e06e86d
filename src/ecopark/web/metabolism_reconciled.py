"""The reconciliation of the chosen period, and its values for the pictures of Metabolism."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_
from ecopark.web.metabolism_selection import Look

if TYPE_CHECKING:
    from ecopark.metabolism.reconciliation.result import Reconciliation
    from ecopark.workspace import Workspace


NOT_SOLVED = N_("The balances could not be solved together: {reason}.")
NOT_SOLVED_REMEDY = N_("Choose the balances of one layer, or look for a wrong amount among the open balances.")


def reconciliation(look: Look, layers: tuple[str, ...] | None = None) -> tuple[Reconciliation | None, list[Problem]]:
    """Return the reconciliation at the chosen level over the balances of `layers` (None: all that are conserved).

    Where there is none (exact flows contradict each other, or no solution is found) the problems say why; that is kept
    like a result, since it takes as long to find out.
    """

    def compute(workspace: Workspace) -> tuple[Reconciliation | None, list[Problem]]:
        try:
            return workspace.reconcile(look.year, level=look.level, layers=layers, **look.of_period), []
        except InputError as error:
            return None, list(error.problems)
        except RuntimeError as error:  # the linearisation found no solution
            return None, [Problem("not_solved", "", NOT_SOLVED, NOT_SOLVED_REMEDY, {"reason": str(error)})]

    return look.kept("reconciliation", compute, look.level, layers)


def reconciled_values(look: Look) -> pl.DataFrame | None:
    """Return edge, value and sd of the chosen layer after reconciliation, None where nothing of it was reconciled.

    Edges are numbered as in the balances: a record that holds reconciled flows of its own numbers them otherwise than
    the raw record that is reconciled, so that they are matched by stream and period.
    """
    found, _ = reconciliation(look, (look.layer,))
    if found is None:
        return None
    values = found.layer(look.layer)
    if values.is_empty() or look.layer not in set(found.balances["layer"]):
        return None
    own = look.balances.edges.select("edge", "stream", "period_start")
    theirs = found.flows.select("edge", "stream", "period_start")
    if theirs.join(own, on=["edge", "stream", "period_start"], how="anti").is_empty():
        return values
    return (
        values.join(theirs, on="edge", how="inner")
        .drop("edge")
        .join(own, on=["stream", "period_start"], how="inner")
        .select("edge", "value", "sd")
    )
