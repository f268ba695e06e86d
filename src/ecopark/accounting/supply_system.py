"""Supply networks as sparse linear systems: x = A x + b, with A ≥ 0 (what a node takes from others) and many b at once.

Every question of the kind "what is in it" or "what does it need" is this system: x are contents of what passes a node
(A[i, j] the part of i's supply that comes from j) or activity levels (A[i, j] what j needs of i). It is Leontief's
input-output system; its solution is the Neumann series x = b + A b + A² b + …, which exists where every loop loses or
receives something (W. Leontief 1936; D. Hawkins and H. Simon, "Some conditions of macroeconomic stability",
Econometrica 17, 1949).

The system is taken apart into its strongly connected parts (loops), in the order in which one feeds the next. Between
loops a single substitution does. A loop is factorised with a symmetric minimum-degree ordering and no pivoting (I - A
is an M-matrix, which needs none) where its factor stays sparse, and summed as a Neumann series, with GMRES where that
is slow, where the factor would fill: the fill that an elimination of the pattern predicts decides.
Every solution is checked by its residual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import gmres, splu

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Method = Literal["auto", "direct", "iterative"]

FILL_LIMIT = 2_000_000
"""Entries of one triangular factor above which a loop is iterated: about 0.3 s of factorisation."""
CLOSED = 1e-12
"""A loop whose members lose (or receive from elsewhere) no more than this part is closed."""
TOLERANCE = 1e-11
"""Largest residual of a solution, relative to the sum of what enters and what circulates."""

_CHECK = 8
_PRODUCTS = 1_200


class UnsolvableSupply(ValueError):
    """A loop of nodes that only supply each other, so that what enters never leaves; `nodes` names them."""

    def __init__(self, nodes: list[str]) -> None:
        self.nodes = nodes
        super().__init__(f"the supply loop {', '.join(nodes)} has no inflow and no generation")


class SupplySystem:
    """Solver of x = A x + b and of its transpose y = Aᵀ y + d, taken apart once for all right-hand sides.

    `inputs` is A (n by n, sparse, entries ≥ 0); `names` are the nodes' names for errors (their numbers where none are
    given). `method` forces the way in which loops are solved. ValueError where A is not square, not finite or has a
    negative entry; UnsolvableSupply, on solving, where a loop is closed.
    """

    def __init__(
        self,
        inputs: Any,
        names: Sequence[str] | None = None,
        *,
        method: Method = "auto",
        fill_limit: int = FILL_LIMIT,
    ) -> None:
        matrix = csr_array(inputs, dtype=np.float64)
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"a supply system is square, not {matrix.shape[0]} by {matrix.shape[1]}")
        if not np.isfinite(matrix.data).all() or (matrix.data < 0).any():
            raise ValueError("what a node takes from others is finite and not negative")
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        self.inputs = matrix
        self.size = int(matrix.shape[0])
        self._names = names
        self._method = method
        self._fill_limit = fill_limit

    def name(self, number: int) -> str:
        """Return the name of a node."""
        return self._names[number] if self._names is not None else str(number)

    @cached_property
    def loops(self) -> list[Integers]:
        """Members of every loop (strongly connected part of more than one node, or a node that feeds itself)."""
        return [members for members in self._parts[1] if members.size]

    @cached_property
    def closed_loops(self) -> list[Integers]:
        """Members of the loops that nothing leaves or that nothing enters: they make the system singular."""
        return [members for members in self.loops if is_closed(self.inputs[members][:, members])]

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """How each stage is solved: "substitution", "direct" or "iterative"."""
        return tuple(stage.method for stage in self._stages)

    @cached_property
    def fill(self) -> int:
        """Entries of all factors (lower and upper); 0 where nothing is factorised."""
        return sum(stage.fill for stage in self._stages)

    @cached_property
    def _parts(self) -> tuple[Integers, list[Integers]]:
        """Return each node's part (numbered so that what feeds comes first) and the members of the loops."""
        if self.size == 0:
            return np.zeros(0, dtype=np.int64), []
        _, labels = connected_components(self.inputs, directed=True, connection="strong")
        labels = np.asarray(labels, dtype=np.int64)
        order = np.argsort(labels, kind="stable")
        sizes = np.bincount(labels)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        looping = sizes > 1
        looping[labels[self.inputs.diagonal() > 0]] = True
        return labels, [order[starts[part] : starts[part + 1]] for part in np.flatnonzero(looping)]

    @cached_property
    def _stages(self) -> list[_Stage]:
        """Return the stages in the order in which they feed each other; UnsolvableSupply where a loop is closed."""
        if self.size == 0:
            return []
        if self.closed_loops:
            raise UnsolvableSupply([self.name(int(n)) for n in np.concatenate(self.closed_loops)])
        labels, loops = self._parts
        looping = np.zeros(int(labels.max()) + 1, dtype=bool)
        looping[[labels[members[0]] for members in loops]] = True
        depth = _loop_depth(self.inputs, labels, looping)[labels]
        in_loop = looping[labels]
        order = np.argsort(labels, kind="stable")
        stages = []
        for level in range(int(depth.max()) + 1):
            for loop in (True, False):
                members = order[(depth[order] == level) & (in_loop[order] == loop)]
                if members.size:
                    stages.append(self._stage(members, loop))
        return stages

    def _stage(self, members: Integers, loop: bool) -> _Stage:
        rows = self.inputs[members]
        block = csr_array(rows[:, members])
        if not loop:
            return _Stage(members, rows, "substitution", 0, _Factor(block, "NATURAL") if block.nnz else _unchanged)
        direct = self._method == "direct"
        if self._method == "auto":
            direct = predicted_fill(block, self._fill_limit) <= self._fill_limit
        try:
            if direct:
                factor = _Factor(block, "MMD_AT_PLUS_A")
                _check_productive(block, factor)
                return _Stage(members, rows, "direct", factor.fill, factor)
            return _Stage(members, rows, "iterative", 0, _Series(block))
        except ArithmeticError as error:
            raise UnsolvableSupply([self.name(int(n)) for n in members]) from error

    def solve(self, right: Floats, *, transposed: bool = False) -> Floats:
        """Return x of x = A x + `right` (or of x = Aᵀ x + `right`), shape (n,) or (n, k) as `right` has.

        The residual of every column is at most `TOLERANCE` of the absolute sums of its right-hand side and solution;
        a solution that misses that is refined. UnsolvableSupply names a loop that is closed, or so nearly closed
        that no solution can be told.
        """
        b = np.asarray(right, dtype=np.float64)
        if b.shape[0] != self.size:
            raise ValueError(f"{b.shape[0]} values for {self.size} nodes")
        flat = b.reshape(self.size, b.size // self.size) if self.size else np.zeros((0, 0))
        x = self._substitute(flat, transposed)
        for _ in range(4):
            residual = self.residual(x, flat, transposed=transposed)
            allowed = TOLERANCE * (np.abs(flat).sum(axis=0) + np.abs(x).sum(axis=0))
            if (np.abs(residual).sum(axis=0) <= allowed).all():
                return x.reshape(b.shape)
            x = x + self._substitute(residual, transposed)
        worst = int(np.argmax(np.abs(residual).max(axis=1)))
        loop = next((members for members in self.loops if worst in members), np.array([worst]))
        raise UnsolvableSupply([self.name(int(n)) for n in loop])

    def residual(self, x: Floats, right: Floats, *, transposed: bool = False) -> Floats:
        """Return right + A x - x (with Aᵀ where transposed)."""
        matrix = self.inputs.T if transposed else self.inputs
        return np.asarray(right + matrix @ x - x)

    def _substitute(self, right: Floats, transposed: bool) -> Floats:
        x = np.zeros_like(right)
        if not transposed:
            for stage in self._stages:
                # members of x are still 0, so only what earlier stages feed is added
                x[stage.members] = stage.solve(right[stage.members] + stage.rows @ x, False)
            return x
        rest = right.copy()
        for stage in reversed(self._stages):
            x[stage.members] = part = stage.solve(rest[stage.members], True)
            rest += stage.rows.T @ part
        return x


@dataclass(frozen=True, eq=False)
class _Stage:
    """Nodes solved together: their rows of A, the method, the factor's entries, and block solver (b, transposed)."""

    members: Integers
    rows: csr_array
    method: str
    fill: int
    solve: Callable[[Floats, bool], Floats]


class _Factor:
    """LU factor of I - A for one block."""

    def __init__(self, block: csr_array, ordering: str) -> None:
        matrix = csc_array(eye_array(block.shape[0], format="csr") - block)
        options = {"SymmetricMode": True}
        try:
            self._lu = splu(matrix, permc_spec=ordering, diag_pivot_thresh=0.0, options=options)
        except RuntimeError as error:  # SuperLU: exactly singular
            raise ArithmeticError("singular") from error
        self.fill = int(self._lu.nnz)

    def __call__(self, right: Floats, transposed: bool) -> Floats:
        return np.asarray(self._lu.solve(np.ascontiguousarray(right), trans="T" if transposed else "N"))


def _unchanged(right: Floats, _transposed: bool) -> Floats:
    return right


class _Series:
    """Neumann series of one block, GMRES where it is slow, the factor where that fails too."""

    def __init__(self, block: csr_array) -> None:
        self._blocks = {False: block, True: csr_array(block.T)}
        self._factor: _Factor | None = None

    def __call__(self, right: Floats, transposed: bool) -> Floats:
        if self._factor is None:
            block = self._blocks[transposed]
            x, settled = neumann_series(block, right)
            if settled or _accelerated(block, right, x):
                return x
            self._factor = _Factor(self._blocks[False], "MMD_AT_PLUS_A")
            _check_productive(self._blocks[False], self._factor)
        return self._factor(right, transposed)


def neumann_series(inputs: csr_array, right: Floats, products: int = _PRODUCTS) -> tuple[Floats, bool]:
    """Return right + A right + A² right + … for all columns, and whether the rest is below rounding.

    Given up, with the sum so far, as soon as the observed rate says that more than `products` products would be needed.
    """
    term, total = right, right.copy()
    before = np.abs(term).sum(axis=0)
    for count in range(1, products + 1):
        term = inputs @ term
        total += term
        if count % _CHECK:
            continue
        size, whole = np.abs(term).sum(axis=0), np.abs(total).sum(axis=0)
        if not np.isfinite(size).all():
            return right.copy(), False
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(before > 0, (size / before) ** (1 / _CHECK), 0.0)
        rest = np.where(rate < 1, size * rate / np.maximum(1 - rate, 1e-300), np.inf)
        open_ends = rest > 1e-15 * whole
        if not open_ends.any():
            return total, True
        with np.errstate(divide="ignore", over="ignore"):
            more = np.log(1e-15 * whole[open_ends] / rest[open_ends]) / np.log(np.minimum(rate[open_ends], 1 - 1e-16))
        if count >= 4 * _CHECK and (more > products - count).any():
            return total, False
        before = size
    return total, False


def _accelerated(inputs: csr_array, right: Floats, x: Floats) -> bool:
    """Improve `x` in place by GMRES on I - A, column by column; tell whether all columns got there."""
    matrix = csr_array(eye_array(inputs.shape[0], format="csr") - inputs)
    for column in range(right.shape[1]):
        b = right[:, column]
        for _ in range(3):  # restarted from the true residual: GMRES's own estimate drifts from it
            rest = b - matrix @ x[:, column]
            if np.abs(rest).sum() <= 1e-13 * (np.abs(b).sum() + np.abs(x[:, column]).sum()):
                break
            step, _ = gmres(matrix, rest, rtol=1e-8, restart=60, maxiter=8)
            x[:, column] += step
        rest = b - matrix @ x[:, column]
        if not np.abs(rest).sum() <= 0.1 * TOLERANCE * (np.abs(b).sum() + np.abs(x[:, column]).sum()):
            return False
    return True


def is_closed(block: csr_array) -> bool:
    """Tell whether a loop (its block of A) is closed: all it has goes to itself, or all it gets comes from itself."""
    lost = 1 - np.asarray(block.sum(axis=0)).ravel()
    received = 1 - np.asarray(block.sum(axis=1)).ravel()
    return bool((lost <= CLOSED).all() or (received <= CLOSED).all())


def _check_productive(block: csr_array, solve: _Factor) -> None:
    """Raise ArithmeticError where a block needs more of itself than it makes (Hawkins-Simon condition not met).

    Where all column sums or all row sums are at most 1 it cannot; else (I - A)⁻¹ 1 must be at least 1 everywhere.
    """
    if block.sum(axis=0).max() <= 1 + CLOSED or block.sum(axis=1).max() <= 1 + CLOSED:
        return
    if not (solve(np.ones(block.shape[0]), False) >= 1 - 1e-9).all():
        raise ArithmeticError("not productive")


def _loop_depth(inputs: csr_array, labels: Integers, looping: NDArray[np.bool_]) -> Integers:
    """Return, for every part, how many loops lie one after another on the way to it (itself included)."""
    depth = looping.astype(np.int64)
    if not looping.any():
        return depth
    entries = inputs.tocoo()
    feeds, fed = labels[entries.col], labels[entries.row]
    across = feeds != fed
    pairs = np.unique(np.stack([feeds[across], fed[across]], axis=1), axis=0)
    step = looping.tolist()
    found = depth.tolist()
    # parts are numbered so that what feeds comes first: one pass in that order is enough
    for source, target in pairs.tolist():
        found[target] = max(found[target], found[source] + step[target])
    return np.array(found, dtype=np.int64)


def predicted_fill(block: csr_array, limit: int = FILL_LIMIT, seed: int = 0) -> int:
    """Return about how many entries one triangular factor of I - A will have; more than `limit` once it is passed.

    The symmetric pattern is eliminated in rounds: of each round, nodes whose degree is the lowest among their
    neighbours (an independent set); their neighbours become connected. Once a node is connected to more than 3 % of
    what is left, what is left (m nodes) hardly shrinks any more; it gives m²/3 entries, as was found on parks of 1,000
    to 10,000 nodes. This is minimum degree without its bookkeeping, right within a factor of about two.
    """
    fill, left = 0, int(block.shape[0])
    if left * left // 3 <= limit:
        return left * left // 3
    pattern = _bare(csr_array(block + block.T))
    random = np.random.default_rng(seed)
    while left and fill <= limit:
        if pattern.nnz > 0.03 * left * left:
            return fill + left * left // 3
        degree = np.diff(pattern.indptr)
        key = degree + random.random(left)
        lowest = np.full(left, np.inf)
        some = np.flatnonzero(degree)
        lowest[some] = np.minimum.reduceat(key[pattern.indices], pattern.indptr[some])
        out = (key < lowest) & (degree <= max(2.0, 2.0 * np.sort(degree)[left // 8]))
        keep, gone = np.flatnonzero(~out), np.flatnonzero(out)
        fill += int((degree[gone] + 1).sum())
        rows = pattern[keep]
        link = rows[:, gone]
        pattern, left = _bare(csr_array(rows[:, keep] + link @ link.T)), keep.size
    return fill


def _bare(pattern: csr_array) -> csr_array:
    """Return the pattern without its diagonal, every entry 1."""
    pattern.setdiag(0)
    pattern.eliminate_zeros()
    pattern.data[:] = 1.0
    return pattern
