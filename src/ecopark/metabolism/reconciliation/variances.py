"""How well reconciled variables are known: exactly where the equations are factored, estimated where that is too large.

The adjustment v = m - x of a measured variable has variance V A' S^-1 A V, the reconciled value the rest of what was
measured (VDI 2048-1). Where S is factored, the entries of its inverse that this needs are computed. Where it is
iterated, the part h of a variable's variance that reconciliation takes away is estimated twice, and both are joined:

* from the balances of its own ends alone, their other flows having their measured variances: odds add,
  h / (1 - h) = sum over nodes of h_node / (1 - h_node);
* from random projections: h is the squared length of a column of the projection on the balances (Drineas,
  Magdon-Ismail, Mahoney, Woodruff, "Fast approximation of matrix coherence and statistical leverage", Journal of
  Machine Learning Research 13, 2012; the projections by Johnson and Lindenstrauss).

Suspicious variables are then solved for one by one. Each value is marked as exact or estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ecopark.metabolism.reconciliation.conjugate_gradients import conjugate_gradients
from ecopark.metabolism.reconciliation.least_squares import Fit
from ecopark.metabolism.reconciliation.measurements import Booleans, Floats, Integers

SOLVED = 512
"""Variables of an iterated system up to which each is solved for."""
_PROBES = 32
_SURE = 12
"""The worst variables are solved for however sure their verdict is: they head the list of suspects."""
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Variances:
    """Variances after reconciliation.

    Shapes (n,): `adjustment` the variance of m - x, 0 where nothing can change; `reconciled` the variance of x, NaN
    where unobservable; `exact`: computed, not estimated. `error`: the usual relative error of estimated deviations
    (standard deviation over the flows), 0 where all are exact.
    """

    adjustment: Floats
    reconciled: Floats
    exact: Booleans
    error: float

    def deviations(self) -> Floats:
        """Return the standard deviations of the reconciled values."""
        return np.sqrt(self.reconciled)


def variances(fit: Fit, *, suspicious: int = 24, level: float = 2.0) -> Variances:
    """Return the variances after a fit.

    Where they are estimated, up to `suspicious` variables are solved for exactly: those with the largest adjustments,
    and those that come so near to `level` standard deviations that an estimate could not tell on which side they are.
    """
    known, equations = fit.measurements, fit.equations
    own = known.deviations**2
    columns = sp.csc_matrix(equations.matrix @ fit.root.T)
    filled = np.diff(columns.indptr) > 0
    adjustment = np.zeros(known.size)
    exact = np.ones(known.size, dtype=bool)
    error = 0.0
    paired = known.paired & filled
    single = np.flatnonzero(filled & ~paired)
    adjustment[single] = equations.selected_quadratic(columns[:, single])
    rest = np.flatnonzero(np.isnan(adjustment))
    if 0 < len(rest) <= SOLVED:
        adjustment[rest] = equations.quadratic(columns[:, rest])
    elif len(rest):
        taken, error = _estimated(fit, columns, rest)
        adjustment[rest] = taken * own[rest]
        exact[rest] = False
        worst = _worst(fit, adjustment, rest, suspicious, level)
        adjustment[worst] = equations.quadratic(columns[:, worst])
        exact[worst] = True
    together = np.flatnonzero(paired)
    adjustment[together] = equations.quadratic(columns[:, together])
    adjustment = np.where(adjustment <= own, np.where(adjustment > _TINY * own, adjustment, 0.0), own)
    reconciled = np.where(known.measured, own - adjustment, np.nan)
    _unmeasured(fit, reconciled, exact)
    return Variances(adjustment, reconciled, exact, error)


def _estimated(fit: Fit, columns: sp.csc_matrix, chosen: Integers) -> tuple[Floats, float]:
    """Return the part h of each variable's variance that is taken away, and the usual error of the deviations."""
    own = fit.measurements.deviations[chosen]
    local = _odds_of_ends(fit, columns, chosen, own)
    equations = fit.equations
    random = np.random.default_rng(20_480)
    errors = equations.matrix.shape[1]
    matrix, transposed = equations.matrix.astype(np.float32), equations.transposed.astype(np.float32)
    within = np.zeros(len(chosen))
    without = np.zeros(len(chosen))
    root = fit.root[chosen].astype(np.float32)
    for _ in range(_PROBES // 16):
        probes = random.standard_normal((errors, 16), dtype=np.float32)
        done = conjugate_gradients(matrix, transposed, matrix @ probes, 2e-3, 300)
        projected = transposed @ done.solution
        within += np.sum((root @ projected).astype(np.float64) ** 2, axis=1)
        without += np.sum((root @ (probes - projected)).astype(np.float64) ** 2, axis=1)
    sampled = np.log(np.maximum(within, 1e-30)) - np.log(np.maximum(without, 1e-30))
    noise = 4.0 / _PROBES  # the variance of the difference of two logarithms of chi-square with that many degrees
    difference = sampled - local
    spread = max(1.4826 * float(np.median(np.abs(difference - np.median(difference)))), 1e-6) ** 2
    own_spread = max(spread - noise, 0.05 * noise)
    weight = own_spread / (own_spread + noise)
    logit = weight * sampled + (1 - weight) * (local + np.median(difference))
    taken = 1.0 / (1.0 + np.exp(-logit))
    deviation = np.sqrt(own_spread * noise / (own_spread + noise))
    # sd = own sqrt(1 - h), and d(1 - h) = -h (1 - h) d logit
    return taken, float(np.sqrt(np.mean((0.5 * taken * deviation) ** 2)))


def _odds_of_ends(fit: Fit, columns: sp.csc_matrix, chosen: Integers, own: Floats) -> Floats:
    """Return log odds of h by the balances of each variable's own ends alone."""
    part = sp.csc_matrix(columns[:, chosen])
    groups = fit.whitened.groups[part.indices]
    owner = np.repeat(np.arange(len(chosen)), np.diff(part.indptr))
    count = int(fit.whitened.groups.max()) + 1
    ends = sp.csr_matrix(((part.data / own[owner]) ** 2, (owner, groups)), shape=(len(chosen), count))
    taken = np.clip(ends.data, 1e-12, 1 - 1e-9)
    ends.data = taken / (1 - taken)
    odds = np.asarray(ends.sum(axis=1)).ravel()
    found: Floats = np.log(np.maximum(odds, 1e-12))
    return found


def _worst(fit: Fit, adjustment: Floats, rest: Integers, suspicious: int, level: float) -> Integers:
    """Return the variables to be solved for: the worst ones, and those whose verdict an estimate leaves open."""
    known = fit.measurements
    moved = np.abs(np.where(known.measured, known.values, 0.0) - fit.x)[rest]
    size = moved / np.sqrt(np.maximum(adjustment[rest], 1e-300))
    order = np.argsort(-size)
    order = order[size[order] > 0.9 * level]
    in_doubt = order[size[order] < 1.2 * level]
    found: Integers = rest[np.unique(np.concatenate([order[:_SURE], in_doubt[: suspicious - _SURE]]))]
    return found


def _unmeasured(fit: Fit, reconciled: Floats, exact: Booleans) -> None:
    """Fill in the variances of unmeasured variables that follow from measured ones."""
    followers = np.flatnonzero(fit.reduction.observable)
    if not len(followers):
        return
    weights = sp.csr_matrix(fit.reduction.dependence[followers] @ fit.root)
    raw = np.asarray(weights.multiply(weights).sum(axis=1)).ravel()
    if len(followers) <= SOLVED or fit.equations.direct:
        taken = fit.equations.quadratic(sp.csc_matrix(fit.equations.matrix @ weights.T))
        reconciled[followers] = np.maximum(raw - taken, 0.0)
    else:  # what the measured values alone say: an upper limit
        reconciled[followers] = raw
        exact[followers] = False
