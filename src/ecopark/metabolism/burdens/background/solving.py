"""Solve a background system by the house's supply system: ``A = S (I - M) D`` with what each process makes of its own.

Rows are turned so that a process makes a positive amount (`S`, waste that is taken in counts as treatment made) and
columns scaled to one unit of it (`D`); M is then what one unit needs of the others. A system that credits avoided
products has negative entries in M and is factorised directly instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sparse

from ecopark.accounting.supply_system import SupplySystem, UnsolvableSupply
from ecopark.metabolism.burdens.background.distributions import Floats, Integers


class Unsolvable(ValueError):
    """The system has no solution; `products` are the numbers of the products to blame, where they can be told."""

    def __init__(self, products: list[int]) -> None:
        self.products = products
        super().__init__("the background system has no solution")


class Solver:
    """Solves ``A s = f`` (runs of the processes) and ``A^T y = w`` (burdens of the products) for one A.

    `maker[i]` is the column that makes product i. Raises Unsolvable on solving.
    """

    def __init__(self, a: Any, maker: Integers) -> None:
        self._size = a.shape[0]
        self._supply: SupplySystem | None = None
        self._factor: Any = None
        self._matrix = a
        empty = np.flatnonzero((np.diff(a.tocsr().indptr) == 0) | (np.diff(a.indptr) == 0))
        if len(empty):
            raise Unsolvable(empty.tolist())
        if len(np.unique(maker)) == self._size:
            own = a[:, maker].tocsc()
            made = own.diagonal()
            self._maker, self._sign, self._made = maker, np.sign(made), np.abs(made)
            if self._made.all():
                scaled = sparse.diags_array(self._sign) @ own @ sparse.diags_array(1.0 / self._made)
                needs = (sparse.eye_array(self._size) - scaled).tocsr()
                needs.data[np.abs(needs.data) < 1e-15] = 0.0
                if (needs.data >= 0).all():
                    self._supply = SupplySystem(needs, [str(number) for number in range(self._size)])
        if self._supply is None:
            self._factor = _factorised(a)

    @property
    def paired(self) -> bool:
        """Whether every process makes one product of its own, so that M is defined."""
        return self._supply is not None

    def runs(self, demand: Floats) -> Floats:
        """Return how much every process runs for a demand of products: s of ``A s = f``, shape as `demand`."""
        if self._supply is None:
            return self._checked(self._factor.solve(demand), demand, "N")
        runs = np.zeros_like(demand)
        runs[self._maker] = _scaled(self._solve(_scaled(demand, self._sign), False), 1.0 / self._made)
        return runs

    def burdens(self, effects: Floats) -> Floats:
        """Return the burdens of one unit of every product from the effects of one run: y of ``A^T y = w``."""
        if self._supply is None:
            return self._checked(self._factor.solve(np.ascontiguousarray(effects), "T"), effects, "T")
        right = _scaled(effects[self._maker], 1.0 / self._made)
        return _scaled(self._solve(right, True), self._sign)

    def _solve(self, right: Floats, transposed: bool) -> Floats:
        assert self._supply is not None
        try:
            return self._supply.solve(right, transposed=transposed)
        except UnsolvableSupply as error:
            raise Unsolvable([int(number) for number in error.nodes]) from None

    def _checked(self, solution: Floats, right: Floats, way: str) -> Floats:
        matrix = self._matrix.T if way == "T" else self._matrix
        residual = np.abs(matrix @ solution - right).max()
        if not residual <= 1e-9 * (np.abs(right).max() + np.abs(solution).max()):
            raise Unsolvable([])
        return solution


def _scaled(values: Floats, factors: Floats) -> Floats:
    return values * (factors if values.ndim == 1 else factors[:, None])


def _factorised(a: Any) -> Any:
    from scipy.sparse.linalg import splu

    try:
        return splu(a)
    except RuntimeError:
        raise Unsolvable([]) from None
