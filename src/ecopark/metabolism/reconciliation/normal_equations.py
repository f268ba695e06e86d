"""The normal equations S = B B' of whitened balances, solved by the method that their fill asks for.

Small components are solved dense. Every other one is ordered and its fill counted first (`ordering`); those whose
factor stays small are factored (`factor`), and the factor is tried on a known solution; the rest are iterated
(`conjugate_gradients`). For an ordinary park all is direct and every variance exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ecopark.metabolism.reconciliation.conjugate_gradients import conjugate_gradients
from ecopark.metabolism.reconciliation.factor import DenseFactor, DirectFactor
from ecopark.metabolism.reconciliation.measurements import Booleans, Floats, Integers
from ecopark.metabolism.reconciliation.ordering import expanded, group_graph, minimum_degree

Method = Literal["auto", "direct", "iterative"]

FILL_LIMIT = 4_000_000
"""Entries of the factor up to which a component is factored: a few seconds, and 100 MB with the selected inverse."""
DENSE_ROWS = 600
"""Balances up to which a component is solved dense."""
TOLERANCE = 1e-13
"""Relative residual of an iterated solution."""


@dataclass(frozen=True, slots=True)
class Component:
    """A set of balances that no flow joins to others.

    Its `rows`, the `fill` of its factor (infinite: more than the limit), the `method` chosen.
    """

    rows: Integers
    fill: float
    method: Literal["direct", "iterative"]


def _bundled(parts: list[Integers]) -> list[Integers]:
    """Return small components put together, so that there are few factors and none is large."""
    found: list[Integers] = []
    current: list[Integers] = []
    size = 0
    for rows in parts:
        if current and size + len(rows) > DENSE_ROWS // 2:
            found.append(np.concatenate(current))
            current, size = [], 0
        current.append(rows)
        size += len(rows)
    return [*found, np.concatenate(current)] if current else found


def _product(matrix: sp.csr_matrix) -> sp.csc_matrix:
    """Return B B' with every entry of its pattern, those that happen to be zero included: the inverse's are not."""
    pattern = sp.csr_matrix((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
    product, places = (matrix @ matrix.T).tocoo(), (pattern @ pattern.T).tocoo()
    values = np.concatenate([product.data, np.zeros(places.nnz)])
    place = (np.concatenate([product.row, places.row]), np.concatenate([product.col, places.col]))
    return sp.coo_matrix((values, place), shape=product.shape).tocsc()


class NormalEquations:
    """S = B B' for whitened balances B (rows, errors) whose rows stand in `groups` (rows,)."""

    def __init__(self, matrix: sp.csr_matrix, groups: Integers, method: Method = "auto", limit: float = FILL_LIMIT):
        self.matrix = matrix
        self.transposed = sp.csr_matrix(matrix.T)
        self.components: list[Component] = []
        self.iterations = 0
        self.residual = 0.0
        self._direct: list[tuple[Integers, DirectFactor | DenseFactor]] = []
        self._split(groups, method, limit)
        iterated = [c.rows for c in self.components if c.method == "iterative"]
        self.iterated: Booleans = np.zeros(matrix.shape[0], dtype=bool)
        for rows in iterated:
            self.iterated[rows] = True
        if self.iterated.all():
            self._rest, self._rest_transposed = self.matrix, self.transposed
        else:
            self._rest = matrix[np.flatnonzero(self.iterated)]
            self._rest_transposed = sp.csr_matrix(self._rest.T)
        self._rank: int | None = None

    def _split(self, groups: Integers, method: Method, limit: float) -> None:
        if not len(groups):
            return
        _, groups = np.unique(groups, return_inverse=True)
        count = int(groups.max()) + 1
        graph = group_graph(self.matrix, groups, count)
        number, labels = connected_components(graph, directed=False)
        order = np.argsort(labels, kind="stable")
        starts = np.searchsorted(labels[order], np.arange(number + 1))
        weights = np.bincount(groups, minlength=count)
        row_labels = labels[groups]
        row_order = np.argsort(row_labels, kind="stable")
        row_starts = np.searchsorted(row_labels[row_order], np.arange(number + 1))
        dense: list[Integers] = []
        for k in range(number):
            members = order[starts[k] : starts[k + 1]]
            rows = row_order[row_starts[k] : row_starts[k + 1]]
            if method == "iterative":
                self.components.append(Component(rows, np.inf, "iterative"))
            elif len(rows) <= DENSE_ROWS:
                self.components.append(Component(rows, len(rows) ** 2, "direct"))
                dense.append(rows)
            else:
                within = graph[members][:, members]
                found, fill = minimum_degree(within, weights[members], np.inf if method == "direct" else limit)
                factor = None
                if found is not None:
                    place = np.empty(count, dtype=np.int64)
                    place[members] = np.arange(len(members))
                    rows = rows[expanded(found, place[groups[rows]])]
                    factor = self._tried(rows)
                self.components.append(Component(rows, fill, "direct" if factor else "iterative"))
                if factor:
                    self._direct.append((rows, factor))
        for rows in _bundled(dense):
            self._direct.append((rows, DenseFactor(_product(self.matrix[rows]))))

    def _tried(self, rows: Integers) -> DirectFactor | None:
        """Return the factor of a component, None where dependent balances have spoilt it."""
        part = self.matrix[rows]
        factor = DirectFactor(_product(part), np.arange(len(rows)))
        truth = part.T @ np.random.default_rng(20_480).standard_normal(len(rows))
        right = part @ truth
        solution = factor.solve(right)
        solution = solution + factor.solve(right - part @ (part.T @ solution))
        wrong = np.linalg.norm(part.T @ solution - truth)
        return factor if wrong <= 1e-9 * np.linalg.norm(truth) else None

    @property
    def direct(self) -> bool:
        """Whether everything is factored, so that every variance can be had exactly."""
        return not self.iterated.any()

    @property
    def rank(self) -> int:
        """The number of independent balances: pivots where factored, rows less dependencies where iterated."""
        if self._rank is None:
            self._rank = sum(factor.rank for _, factor in self._direct) + self._iterated_rank()
        return self._rank

    def _iterated_rank(self) -> int:
        """Count the balances that follow from others: what a solution leaves of random vectors spans the null space."""
        count = int(self.iterated.sum())
        width = 1
        random = np.random.default_rng(20_480)
        while count:
            probes = random.standard_normal((count, width))
            image = self._rest @ (self._rest_transposed @ probes)
            done = conjugate_gradients(self._rest, self._rest_transposed, image, 1e-9)
            missing = probes - done.solution
            sizes = np.linalg.svd(missing, compute_uv=False) / np.sqrt(count)
            dependencies = int(np.sum(sizes > 1e-4 / np.sqrt(count)))
            if dependencies < width or width >= min(64, count):
                return count - dependencies
            width = min(width * 8, count, 64)
        return 0

    def solve(self, right: Floats, tolerance: float = TOLERANCE) -> Floats:
        """Solve S Y = right for right (rows,) or (rows, k)."""
        if not right.size:
            return np.zeros_like(right)
        wide = right.reshape(len(right), -1)
        found = np.zeros_like(wide)
        for rows, factor in self._direct:
            found[rows] = factor.solve(wide[rows])
        if self.iterated.any():
            done = conjugate_gradients(
                self._rest, self._rest_transposed, np.ascontiguousarray(wide[self.iterated]), tolerance
            )
            found[self.iterated] = done.solution
            self.iterations += done.iterations
            self.residual = max(self.residual, done.residual)
        return found.reshape(right.shape)

    def quadratic(self, columns: sp.csc_matrix, tolerance: float = 1e-3, batch: int = 16) -> Floats:
        """Return c' S^-1 c of every column c (rows, k), by solving for each of them.

        Where it is iterated, the relative error is that of the solution squared (Galerkin): about 1e-6 or less.
        """
        found = np.zeros(columns.shape[1])
        for begin in range(0, columns.shape[1], batch):
            part = columns[:, begin : begin + batch].toarray()
            found[begin : begin + part.shape[1]] = np.einsum("ij,ij->j", part, self.solve(part, tolerance))
        return found

    def selected_quadratic(self, columns: sp.csc_matrix) -> Floats:
        """Return c' S^-1 c of columns whose rows share an error (so that their pairs lie on the factor's pattern).

        Columns of iterated components get NaN.
        """
        found = np.full(columns.shape[1], np.nan)
        columns = sp.csc_matrix(columns)
        touched = np.zeros(columns.shape[1], dtype=bool)
        if self.iterated.any():
            owner = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
            touched[owner[self.iterated[columns.indices]]] = True
        chosen = np.flatnonzero(~touched)
        found[chosen] = 0.0
        for rows, factor in self._direct:
            found[chosen] += factor.quadratic(sp.csc_matrix(sp.csr_matrix(columns[:, chosen])[rows]))
        return found
