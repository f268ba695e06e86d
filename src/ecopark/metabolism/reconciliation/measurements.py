"""What is known before reconciliation: measured values, their covariance, and the bounds of every variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

FREE = -np.inf
"""The lower bound of a variable that may be negative."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """Variables with what was measured of them.

    Shapes: `values` (n,), NaN where a variable is unmeasured; `sd` (n,) standard deviations in the units of the
    values, 0 for an exact variable, anything where unmeasured; `lower` (n,) lower bounds, 0 unless given, `FREE` for
    none. `correlations` are (i, j, correlation) of single pairs. `groups` (n,) numbers the correlation groups (-1:
    none): errors of one group move together, the correlation of any two of them being `group_correlation`. `start` (n,)
    is where the search for a nonlinear problem's unmeasured variables begins. `names` (n,) are used in messages.

    The covariance is that of VDI 2048-1: variances on the diagonal, correlation times both standard deviations beside
    it. ValueError for shapes that do not fit, negative standard deviations, correlations that no errors can have.
    """

    values: Floats
    sd: Floats
    lower: Floats | None = None
    correlations: Sequence[tuple[int, int, float]] = ()
    groups: Integers | None = None
    group_correlation: float = 1.0
    start: Floats | None = None
    names: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        size = len(self.values)
        for name in ("sd", "lower", "groups", "start"):
            array = getattr(self, name)
            if array is not None and len(array) != size:
                raise ValueError(f"{name} has {len(array)} entries for {size} variables")
        sd = self.sd[self.measured]
        if not np.all(sd >= 0) or not np.all(np.isfinite(sd)):
            raise ValueError("standard deviations must be finite and not negative")
        if not 0 <= self.group_correlation <= 1:
            raise ValueError(f"the correlation within a group must lie in [0, 1], not {self.group_correlation}")

    @property
    def size(self) -> int:
        """Number of variables."""
        return len(self.values)

    @cached_property
    def measured(self) -> Booleans:
        """Which variables have a value."""
        return np.isfinite(self.values)

    @cached_property
    def exact(self) -> Booleans:
        """Which variables have a value without uncertainty."""
        found: Booleans = self.measured & (self.sd == 0)
        return found

    @cached_property
    def bounds(self) -> Floats:
        """The lower bounds, 0 where none are given."""
        return np.zeros(self.size) if self.lower is None else self.lower

    @cached_property
    def deviations(self) -> Floats:
        """Standard deviations, 0 where unmeasured."""
        return np.where(self.measured, self.sd, 0.0)

    @cached_property
    def root(self) -> sp.csr_matrix:
        """Return W (n, n + groups) with covariance V = W W'.

        Uncorrelated variables stand on the diagonal; a cluster of pairwise correlated ones has its Cholesky factor; a
        group adds one column that all its members share. ValueError where pairs cannot be correlated so.
        """
        sd = self.deviations
        groups = np.full(self.size, -1) if self.groups is None else self.groups.copy()
        groups[sd == 0] = -1
        grouped = groups >= 0
        own = np.where(grouped, np.sqrt(1 - self.group_correlation), 1.0) * sd
        paired = self.paired
        if np.any(paired & grouped):
            raise ValueError("a variable may stand in a correlation group or in correlated pairs, not in both")
        alone = np.flatnonzero((own > 0) & ~paired)
        rows, columns, values = [alone], [alone], [own[alone]]
        for members, factor in self._cluster_factors():
            place = np.nonzero(factor)
            rows.append(members[place[0]])
            columns.append(members[place[1]])
            values.append(factor[place])
        count = 0
        if np.any(grouped) and self.group_correlation > 0:
            members = np.flatnonzero(grouped)
            _, number = np.unique(groups[members], return_inverse=True)
            count = int(number.max()) + 1
            rows.append(members)
            columns.append(self.size + number)
            values.append(np.sqrt(self.group_correlation) * sd[members])
        return sp.csr_matrix(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
            shape=(self.size, self.size + count),
        )

    @cached_property
    def paired(self) -> Booleans:
        """Which variables stand in a correlated pair."""
        found = np.zeros(self.size, dtype=bool)
        for i, j, correlation in self.correlations:
            if correlation and self.deviations[i] > 0 and self.deviations[j] > 0:
                found[[i, j]] = True
        return found

    @cached_property
    def correlated(self) -> Booleans:
        """Which variables share errors with another."""
        found = self.paired.copy()
        if self.groups is not None and self.group_correlation > 0:
            found |= (self.groups >= 0) & (self.deviations > 0)
        return found

    def _cluster_factors(self) -> list[tuple[Integers, Floats]]:
        """Return members and Cholesky factor of the covariance of each cluster of correlated pairs."""
        pairs = [(i, j, c) for i, j, c in self.correlations if self.paired[i] and self.paired[j] and c]
        if not pairs:
            return []
        first, second, correlation = (np.array(column) for column in zip(*pairs, strict=True))
        if np.any(first == second) or np.any(np.abs(correlation) > 1):
            raise ValueError("a correlation joins two different variables and lies in [-1, 1]")
        links = sp.coo_matrix((np.ones(len(first)), (first, second)), shape=(self.size, self.size))
        _, labels = connected_components(links, directed=False)
        found = []
        for label in np.unique(labels[first]):
            members = np.flatnonzero(labels == label)
            place = {int(member): k for k, member in enumerate(members)}
            matrix = np.eye(len(members))
            for i, j, c in pairs:
                if labels[i] == label:
                    matrix[place[i], place[j]] = matrix[place[j], place[i]] = c
            roots, vectors = np.linalg.eigh(matrix)
            if roots[0] < -1e-9:
                named = ", ".join(self.name(int(member)) for member in members)
                raise ValueError(f"no errors can be correlated like this: {named}")
            try:
                factor = np.linalg.cholesky(matrix)
            except np.linalg.LinAlgError:  # a perfect correlation: the matrix has no Cholesky factor but a root
                factor = vectors * np.sqrt(np.maximum(roots, 0.0))
            found.append((members, self.deviations[members][:, None] * factor))
        return found

    def name(self, variable: int) -> str:
        """Return the name of a variable, its number where it has none."""
        return self.names[variable] if self.names else str(variable)
