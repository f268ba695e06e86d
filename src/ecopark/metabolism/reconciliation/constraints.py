"""Balances that variables must satisfy: linear, multilinear (amount times contents), or any smooth function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from ecopark.metabolism.reconciliation.measurements import Floats, Integers


class Constraints(Protocol):
    """Equations g(x) = 0 in groups (all layers of one node form a group)."""

    @property
    def count(self) -> int:
        """Number of equations."""

    @property
    def linear(self) -> bool:
        """Whether the Jacobian is the same everywhere."""

    @property
    def groups(self) -> Integers:
        """The group of each equation: (count,)."""

    def residual(self, x: Floats) -> Floats:
        """Return g(x): (count,)."""

    def jacobian(self, x: Floats) -> sp.csr_matrix:
        """Return dg/dx at x: (count, n)."""

    def size(self, x: Floats) -> Floats:
        """Return the largest term of each equation at x: what its residual is judged against."""


def _groups(groups: Integers | None, count: int) -> Integers:
    if groups is None:
        return np.arange(count, dtype=np.int64)
    if len(groups) != count:
        raise ValueError(f"{len(groups)} groups for {count} equations")
    return np.asarray(groups, dtype=np.int64)


def largest_terms(matrix: sp.csr_matrix, x: Floats) -> Floats:
    """Return max_j |a_ij x_j| of every row: (rows,)."""
    terms = np.abs(matrix.data * x[matrix.indices])
    found = np.zeros(matrix.shape[0])
    filled = np.diff(matrix.indptr) > 0
    if terms.size:
        found[filled] = np.maximum.reduceat(terms, matrix.indptr[:-1][filled])
    return found


class LinearConstraints:
    """A x = b with sparse A (rows, n); `constant` is b, 0 unless given; `groups` (rows,) the node of each row."""

    linear = True

    def __init__(self, matrix: sp.spmatrix, constant: Floats | None = None, groups: Integers | None = None) -> None:
        self.matrix = sp.csr_matrix(matrix, dtype=np.float64)
        self.constant = np.zeros(self.count) if constant is None else np.asarray(constant, dtype=np.float64)
        self.groups = _groups(groups, self.count)

    @property
    def count(self) -> int:
        """Number of equations."""
        return int(self.matrix.shape[0])

    def residual(self, x: Floats) -> Floats:
        """Return A x - b."""
        found: Floats = self.matrix @ x - self.constant
        return found

    def jacobian(self, x: Floats) -> sp.csr_matrix:  # noqa: ARG002
        """Return A."""
        return self.matrix

    def size(self, x: Floats) -> Floats:
        """Return the largest term of each row, its constant included."""
        return np.maximum(largest_terms(self.matrix, x), np.abs(self.constant))


@dataclass(frozen=True, eq=False)
class MultilinearConstraints:
    """Sums of signed products: g_i(x) = sum over terms t of row i of coefficient_t * product of its factors - b_i.

    A balance of a layer whose contents are uncertain has one term a flow: its amount times the content, which is one
    variable for all flows that use it, or the product of several (net calorific value times carbon per energy).

    `row` (terms,), `coefficient` (terms,), `factors` (terms, depth): variables of each product, -1 for none (a term's
    factors are different variables); `rows` equations; `size_` variables.
    """

    row: Integers
    coefficient: Floats
    factors: Integers
    rows: int
    variables: int
    constant: Floats | None = None
    group: Integers | None = None

    @property
    def count(self) -> int:
        """Number of equations."""
        return self.rows

    @property
    def linear(self) -> bool:
        """Whether no term multiplies two variables."""
        return bool(np.all((self.factors >= 0).sum(axis=1) <= 1))

    @cached_property
    def groups(self) -> Integers:
        """The group of each equation."""
        return _groups(self.group, self.rows)

    def terms(self, x: Floats) -> Floats:
        """Return the value of every term at x: (terms,)."""
        padded = np.append(x, 1.0)  # index -1 finds the 1
        found: Floats = self.coefficient * np.prod(padded[self.factors], axis=1)
        return found

    def residual(self, x: Floats) -> Floats:
        """Return the sums of products less the constants."""
        sums: Floats = np.bincount(self.row, self.terms(x), minlength=self.rows).astype(np.float64)
        return sums if self.constant is None else sums - self.constant

    def jacobian(self, x: Floats) -> sp.csr_matrix:
        """Return the derivatives: each term by each of its factors."""
        padded = np.append(x, 1.0)
        values: Floats = padded[self.factors]
        rows, columns, entries = [], [], []
        for k in range(self.factors.shape[1]):
            used = self.factors[:, k] >= 0
            others: Floats = np.prod(np.delete(values, k, axis=1)[used], axis=1)
            rows.append(self.row[used])
            columns.append(self.factors[used, k])
            entries.append(self.coefficient[used] * others)
        place = (np.concatenate(rows), np.concatenate(columns))
        return sp.csr_matrix((np.concatenate(entries), place), shape=(self.rows, self.variables))

    def size(self, x: Floats) -> Floats:
        """Return the largest term of each row."""
        found = np.zeros(self.rows)
        np.maximum.at(found, self.row, np.abs(self.terms(x)))
        return found if self.constant is None else np.maximum(found, np.abs(self.constant))


class FunctionConstraints:
    """g(x) = 0 for a smooth function: `residual_of` x -> (rows,), `jacobian_of` x -> (rows, n), sparse or dense."""

    linear = False

    def __init__(
        self,
        residual_of: Callable[[Floats], Floats],
        jacobian_of: Callable[[Floats], sp.spmatrix | Floats],
        rows: int,
        groups: Integers | None = None,
    ) -> None:
        self._residual, self._jacobian = residual_of, jacobian_of
        self.count = rows
        self.groups = _groups(groups, rows)

    def residual(self, x: Floats) -> Floats:
        """Return g(x)."""
        return np.asarray(self._residual(x), dtype=np.float64)

    def jacobian(self, x: Floats) -> sp.csr_matrix:
        """Return the derivatives of g at x."""
        return sp.csr_matrix(self._jacobian(x))

    def size(self, x: Floats) -> Floats:
        """Return the largest first-order term of each equation."""
        return largest_terms(self.jacobian(x), x)
