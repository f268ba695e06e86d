"""What must hold for every reconciliation, on generated networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from ecopark.metabolism.reconciliation.bounds import _nonnegative, fit_bounded
from ecopark.metabolism.reconciliation.constraints import LinearConstraints, MultilinearConstraints
from ecopark.metabolism.reconciliation.least_squares import ContradictionError
from ecopark.metabolism.reconciliation.measurements import FREE, Floats, Integers, Measurements
from ecopark.metabolism.reconciliation.normal_equations import NormalEquations
from ecopark.metabolism.reconciliation.ordering import expanded, group_graph, minimum_degree
from ecopark.metabolism.reconciliation.solving import reconcile_measurements
from ecopark.metabolism.reconciliation.whitening import whiten

QUICK = settings(max_examples=40, deadline=None)


@dataclass
class Park:
    """Flows with a truth that closes all balances: `matrix` (nodes x layers, flows)."""

    matrix: sp.csr_matrix
    truth: Floats
    sd: Floats
    groups: Integers
    layers: int


def park(seed: int, nodes: int = 6, flows: int = 18, layers: int = 2, outside: bool = True) -> Park:
    """A random network whose true flows solve all balances: one solution of the null space, made positive by shares."""
    random = np.random.default_rng(seed)
    source, target = random.integers(0, nodes, flows), random.integers(0, nodes, flows)
    target = np.where(source == target, (target + 1) % nodes, target)
    source[:nodes], target[:nodes] = np.arange(nodes), (np.arange(nodes) + 1) % nodes  # a ring: every node is reached
    if outside:
        source[nodes : nodes + 2], target[nodes + 2 : nodes + 4] = -1, -1
    scale = 10.0 ** random.uniform(-2, 3)
    # a stationary flow with perfect mixing, by solving for throughputs and contents
    weight = random.uniform(0.2, 1.0, flows) * (source >= 0)
    split = np.zeros(flows)
    for node in range(nodes):
        mine = source == node
        split[mine] = weight[mine] / weight[mine].sum()
    mixing = np.zeros((nodes, nodes))
    for k in range(flows):
        if source[k] >= 0 and target[k] >= 0:
            mixing[target[k], source[k]] += split[k]
    entering = np.where(source < 0, random.uniform(1, 5, flows), 0.0)
    received = np.array([entering[target == node].sum() for node in range(nodes)])
    if outside:
        through = np.linalg.solve(np.eye(nodes) - mixing, received)
    else:
        values, vectors = np.linalg.eig(mixing)
        through = np.abs(vectors[:, np.argmax(values.real)].real)
    truth = scale * np.where(source < 0, entering, split * through[np.maximum(source, 0)])
    contents = np.ones((flows, layers))
    for layer in range(1, layers):
        own = random.uniform(0.1, 1.0, flows)
        inflow = np.zeros((nodes, nodes))
        constant = np.zeros(nodes)
        for k in range(flows):
            if target[k] >= 0 and source[k] >= 0:
                inflow[target[k], source[k]] += truth[k]
            elif target[k] >= 0:
                constant[target[k]] += truth[k] * own[k]
        node_contents = np.ones(nodes)
        if outside:
            node_contents = np.linalg.solve(np.diag(scale * through) - inflow, constant)
        contents[:, layer] = np.where(source < 0, own, node_contents[np.maximum(source, 0)])
    rows, columns, entries = [], [], []
    for k in range(flows):
        for layer in range(layers):
            for node, sign in ((target[k], 1.0), (source[k], -1.0)):
                if node >= 0:
                    rows.append(node * layers + layer)
                    columns.append(k)
                    entries.append(sign * contents[k, layer])
    matrix = sp.csr_matrix((entries, (rows, columns)), shape=(nodes * layers, flows))
    sd = truth * random.choice([0.01, 0.02, 0.05, 0.1], flows)
    return Park(matrix, truth, sd, np.repeat(np.arange(nodes), layers), layers)


def measured(of: Park, seed: int, hide: int = 0) -> Measurements:
    random = np.random.default_rng(seed + 1)
    values = of.truth + of.sd * random.standard_normal(len(of.truth))
    values[random.choice(len(values), hide, replace=False)] = np.nan
    return Measurements(values, of.sd, lower=np.full(len(values), FREE))


def relative_residuals(of: Park, x: Floats) -> Floats:
    largest = np.maximum.reduceat(np.abs(of.matrix.data * x[of.matrix.indices]), of.matrix.indptr[:-1])
    found: Floats = np.abs(of.matrix @ x) / largest
    return found


@QUICK
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from(["direct", "iterative"]), st.booleans())
def test_balances_close(seed: int, layers: int, method: str, outside: bool) -> None:
    """Every balance of every layer holds to 1e-9 of its largest flow; a closed park has one balance too many."""
    of = park(seed, layers=layers if outside else 1, outside=outside)
    solved = reconcile_measurements(
        measured(of, seed), LinearConstraints(of.matrix, groups=of.groups), method=method, suspects=3  # type: ignore[arg-type]
    )  # fmt: skip
    assert relative_residuals(of, solved.x).max() < 1e-9
    assert solved.test.degrees_of_freedom == np.linalg.matrix_rank(of.matrix.toarray() * of.sd, tol=1e-9 * of.sd.max())
    if not outside:
        assert solved.test.degrees_of_freedom == of.matrix.shape[0] - 1


@QUICK
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(0, 5))
def test_agrees_with_dense_algebra(seed: int, layers: int, hide: int) -> None:
    """Values, deviations, objective and classes are those of textbook formulas with dense pseudo-inverses."""
    of = park(seed, layers=layers)
    known = measured(of, seed, hide)
    solved = reconcile_measurements(known, LinearConstraints(of.matrix, groups=of.groups))
    matrix = of.matrix.toarray() * of.truth  # columns in units of their truth: well scaled
    matrix = matrix / np.abs(matrix).max(axis=1, keepdims=True)
    here = known.measured
    left, values, _ = np.linalg.svd(matrix[:, ~here]) if hide else (np.eye(len(matrix)), np.zeros(0), None)
    rank = int(np.sum(values > 1e-9))
    reduced = left[:, rank:].T @ matrix[:, here]
    relative = np.where(here, of.sd / of.truth, 0.0)[here]
    whitened = reduced * relative
    gain = np.linalg.pinv(whitened, rcond=1e-9)
    error = gain @ (reduced @ (known.values[here] / of.truth[here]))
    expected = known.values[here] / of.truth[here] - relative * error
    np.testing.assert_allclose(solved.x[here] / of.truth[here], expected, rtol=0, atol=1e-8)
    assert solved.test.objective == pytest.approx(error @ error, rel=1e-6, abs=1e-9)
    projection = np.diag(gain @ whitened)
    np.testing.assert_allclose(solved.variances.adjustment[here] / of.sd[here] ** 2, projection, atol=1e-8)
    for place, variable in enumerate(np.flatnonzero(here)):
        redundant = np.abs(reduced[:, place]).max(initial=0.0) > 1e-9
        assert (solved.classification[variable] == "redundant") == redundant
    if hide:
        null = np.linalg.svd(matrix[:, ~here])[2][rank:]
        for place, variable in enumerate(np.flatnonzero(~here)):
            free = np.abs(null[:, place]).max(initial=0.0) > 1e-7
            assert (solved.classification[variable] == "unobservable") == free
            assert np.isnan(solved.x[variable]) == free
            assert np.isnan(solved.sd[variable]) == free


@QUICK
@given(st.integers(0, 10_000), st.integers(0, 4))
def test_consistent_record_is_left_unchanged(seed: int, hide: int) -> None:
    """Where all balances hold already nothing is moved, and unmeasured flows come out at their truth."""
    of = park(seed)
    values = of.truth.copy()
    values[np.random.default_rng(seed).choice(len(values), hide, replace=False)] = np.nan
    solved = reconcile_measurements(Measurements(values, of.sd), LinearConstraints(of.matrix, groups=of.groups))
    known = np.isfinite(solved.x)
    np.testing.assert_allclose(solved.x[known], of.truth[known], rtol=1e-9)
    assert solved.test.objective < 1e-12
    assert solved.test.passed


@QUICK
@given(st.integers(0, 10_000), st.integers(0, 4))
def test_reconciled_values_are_known_no_worse(seed: int, hide: int) -> None:
    """The variance of a reconciled value never exceeds that of the measurement."""
    of = park(seed, layers=3)
    known = measured(of, seed, hide)
    solved = reconcile_measurements(known, LinearConstraints(of.matrix, groups=of.groups))
    here = known.measured
    assert np.all(solved.sd[here] <= of.sd[here] * (1 + 1e-12))
    assert solved.variances.exact.all()


@QUICK
@given(st.integers(0, 10_000))
def test_units_and_order_do_not_matter(seed: int) -> None:
    """Flows in other units, balances scaled, both in another order: the same answer."""
    of = park(seed)
    known = measured(of, seed, hide=2)
    random = np.random.default_rng(seed)
    units = 10.0 ** random.integers(-4, 5, len(of.truth))
    layer_units = 10.0 ** random.integers(-3, 4, of.layers)
    order, rows = random.permutation(len(of.truth)), random.permutation(of.matrix.shape[0])
    scaled = sp.diags(np.tile(layer_units, len(rows) // of.layers)) @ of.matrix @ sp.diags(1 / units)
    other = Measurements((known.values * units)[order], (of.sd * units)[order], lower=known.lower)
    first = reconcile_measurements(known, LinearConstraints(of.matrix, groups=of.groups))
    second = reconcile_measurements(
        other, LinearConstraints(sp.csr_matrix(scaled)[rows][:, order], groups=of.groups[rows])
    )
    assert list(second.classification) == list(first.classification[order])
    np.testing.assert_allclose(second.x, (first.x * units)[order], rtol=1e-7)
    np.testing.assert_allclose(second.sd, (first.sd * units)[order], rtol=1e-5, atol=1e-9 * (of.sd * units).max())
    assert second.test.objective == pytest.approx(first.test.objective, rel=1e-6, abs=1e-9)


@QUICK
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_no_flow_becomes_negative(seed: int, hide: int) -> None:
    """Bounds hold and the Karush-Kuhn-Tucker conditions with them: only what pushes against a bound is held there."""
    random = np.random.default_rng(seed)
    of = park(seed, layers=1)
    values = of.truth * random.uniform(-0.6, 2.0, len(of.truth))  # far off: many flows would turn negative
    values[random.choice(len(values), hide, replace=False)] = np.nan
    known = Measurements(values, of.sd)
    fit = fit_bounded(of.matrix, np.zeros(of.matrix.shape[0]), known, of.groups)
    checked = known.measured | fit.reduction.observable
    assert fit.x[checked].min() >= 0
    assert np.abs(of.matrix @ fit.x).max() < 1e-9 * of.truth.max()
    held = fit.multipliers[of.matrix.shape[0] :]
    assert np.all(held <= 1e-8 * np.abs(fit.multipliers).max())
    gradient = np.where(known.measured, (fit.x - np.nan_to_num(values)) / of.sd**2, 0.0)
    stationary = gradient + fit.matrix.T @ fit.multipliers
    assert np.abs(stationary[checked]).max() < 1e-5 * np.abs(gradient).max() + 1e-9
    free = Measurements(values, of.sd, lower=np.full(len(values), FREE))
    without = fit_bounded(of.matrix, np.zeros(of.matrix.shape[0]), free, of.groups)
    assert fit.objective >= without.objective * (1 - 1e-9)


@QUICK
@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 20))
def test_nonnegative_quadratic_problems(seed: int, size: int, rank: int) -> None:
    """The dual of the bounds is solved to its Karush-Kuhn-Tucker conditions, nearly singular or not."""
    random = np.random.default_rng(seed)
    root = random.standard_normal((rank, size))
    matrix = root.T @ root / rank + 1e-10 * np.eye(size)
    linear = random.random(size) * (random.random(size) < 0.5) - matrix @ random.random(size)
    found = _nonnegative(matrix, linear)
    slope = matrix @ found + linear
    assert found.min() >= 0
    assert slope.min() > -1e-8
    assert np.abs(found * slope).max() < 1e-6


def test_bound_counts_as_a_constraint() -> None:
    """A flow held at zero adds one degree of freedom, and its own misfit counts in the objective."""
    # 10 enters, 12 leaves, and a third flow read as -1 cannot make up for it
    matrix = sp.csr_matrix(np.array([[1.0, -1.0, 1.0]]))
    known = Measurements(np.array([10.0, 12.0, -1.0]), np.ones(3))
    free = Measurements(known.values, known.sd, lower=np.full(3, FREE))
    open_end = reconcile_measurements(free, LinearConstraints(-matrix))
    bounded = reconcile_measurements(known, LinearConstraints(-matrix))
    np.testing.assert_allclose(open_end.x, [11, 11, 0], atol=1e-12)  # 3 to share out, a third each
    np.testing.assert_allclose(bounded.x, [11, 11, 0], atol=1e-9)
    lower = Measurements(np.array([12.0, 10.0, 1.0]), np.ones(3))
    held = reconcile_measurements(lower, LinearConstraints(matrix))
    np.testing.assert_allclose(held.x, [11, 11, 0], atol=1e-9)
    further = reconcile_measurements(Measurements(np.array([14.0, 10.0, 1.0]), np.ones(3)), LinearConstraints(matrix))
    np.testing.assert_allclose(further.x, [12, 12, 0], atol=1e-9)
    assert further.test.degrees_of_freedom == 2
    assert further.test.objective == pytest.approx(4 + 4 + 1)


def test_exact_flows_are_constants() -> None:
    """What is exact does not move, and what is left takes all of the difference."""
    matrix = sp.csr_matrix(np.array([[1.0, -1.0, -1.0]]))
    solved = reconcile_measurements(
        Measurements(np.array([10.0, 5.0, 6.0]), np.array([0.0, 1.0, 2.0])), LinearConstraints(matrix)
    )
    np.testing.assert_allclose(solved.x, [10, 4.8, 5.2], rtol=1e-12)
    assert list(solved.classification) == ["exact", "redundant", "redundant"]
    assert solved.sd[0] == 0


def test_contradictory_exact_flows_are_named() -> None:
    """Exact values that no flow can bring together, at one node and across several, name the balances."""
    matrix = sp.csr_matrix(np.array([[1.0, -1.0, 0, 0], [0, 0, 1.0, -1.0]]))
    with pytest.raises(ContradictionError) as caught:
        reconcile_measurements(Measurements(np.array([10.0, 9.0, 3, 3.1]), np.array([0, 0, 0.1, 0.1])),
                               LinearConstraints(matrix))  # fmt: skip
    assert caught.value.rows.tolist() == [0]
    chain = sp.csr_matrix(np.array([[1.0, -1.0, 0], [0, 1.0, -1.0]]))
    for method in ("direct", "iterative"):
        with pytest.raises(ContradictionError) as caught:
            reconcile_measurements(Measurements(np.array([10.0, 9.5, 9.0]), np.array([0, 1.0, 0])),
                                   LinearConstraints(chain), method=method)  # type: ignore[arg-type]  # fmt: skip
        assert set(caught.value.rows.tolist()) <= {0, 1}
    with pytest.raises(ContradictionError):
        reconcile_measurements(Measurements(np.array([10.0, np.nan, 9.0]), np.zeros(3)), LinearConstraints(chain))


def test_zero_uncertainty_that_agrees_is_accepted() -> None:
    """All exact and consistent: nothing to adjust, nothing to test, unmeasured flows still follow."""
    chain = sp.csr_matrix(np.array([[1.0, -1.0, 0], [0, 1.0, -1.0]]))
    solved = reconcile_measurements(Measurements(np.array([10.0, np.nan, 10.0]), np.zeros(3)), LinearConstraints(chain))
    np.testing.assert_allclose(solved.x, [10, 10, 10])
    assert (solved.test.degrees_of_freedom, solved.test.passed) == (0, True)
    assert solved.sd[1] == 0


def test_errors_that_move_together() -> None:
    """Flows of one correlation group keep their ratio; a group and pairs of correlation one agree."""
    matrix = sp.csr_matrix(np.array([[1.0, -1.0, -1.0]]))
    values, sd = np.array([10.0, 4.0, 5.0]), np.array([0.1, 0.4, 0.5])
    grouped = Measurements(values, sd, groups=np.array([-1, 0, 0]))
    paired = Measurements(values, sd, correlations=[(1, 2, 1.0)])
    for known in (grouped, paired):
        solved = reconcile_measurements(known, LinearConstraints(matrix))
        # one meter reads all of it: it is off by a common factor
        assert solved.x[1] / solved.x[2] == pytest.approx(0.8)
        assert solved.test.objective == pytest.approx(1 / (0.1**2 + 0.9**2))
        np.testing.assert_allclose(solved.variances.adjustment[1], 0.4**2 * 0.9**2 / (0.1**2 + 0.9**2))


def test_impossible_correlations_are_refused() -> None:
    """Three errors cannot all be opposite to each other."""
    known = Measurements(np.ones(3), np.ones(3), correlations=[(0, 1, -0.9), (1, 2, -0.9), (0, 2, -0.9)])
    with pytest.raises(ValueError, match="no errors can be correlated like this: 0, 1, 2"):
        _ = known.root


@QUICK
@given(st.integers(0, 10_000))
def test_uncertain_contents(seed: int) -> None:
    """Amount times content: both are adjusted, every balance holds; with certain contents it is the linear answer."""
    of = park(seed, layers=2)
    flows = len(of.truth)
    random = np.random.default_rng(seed)
    coo = of.matrix.tocoo()
    mass = coo.row % 2 == 0
    # contents are variables of their own: one per flow
    contents = np.zeros(flows)
    contents[coo.col[~mass]] = np.abs(coo.data[~mass])
    factors = np.full((coo.nnz, 2), -1)
    factors[:, 0] = coo.col
    factors[~mass, 1] = flows + coo.col[~mass]
    balances = MultilinearConstraints(
        coo.row.astype(np.int64), np.sign(coo.data), factors, of.matrix.shape[0], 2 * flows, group=of.groups
    )
    assert not balances.linear
    for spread in (0.03, 0.0):
        values = np.concatenate([of.truth + of.sd * random.standard_normal(flows) * 0.5, contents])
        sd = np.concatenate([of.sd, spread * contents])
        values[flows:] += spread * contents * random.standard_normal(flows)
        solved = reconcile_measurements(Measurements(values, sd), balances)
        assert solved.open_after.max() < 1e-9
        if spread == 0.0:
            linear = reconcile_measurements(
                Measurements(values[:flows], of.sd), LinearConstraints(of.matrix, groups=of.groups)
            )
            np.testing.assert_allclose(solved.x[:flows], linear.x, rtol=1e-8, atol=1e-9 * of.truth.max())
            assert solved.test.objective == pytest.approx(linear.test.objective, rel=1e-7, abs=1e-10)


@QUICK
@given(st.integers(0, 10_000))
def test_order_and_fill(seed: int) -> None:
    """The order is one of all rows, and the factor that it makes has as many entries as were foretold, or fewer."""
    of = park(seed, nodes=20, flows=60, layers=2)
    graph = group_graph(of.matrix, of.groups, 20)
    order, fill = minimum_degree(graph, np.full(20, 2), np.inf)
    assert order is not None
    assert sorted(order) == list(range(20))
    rows = expanded(order, of.groups)
    pattern = (abs(of.matrix) @ abs(of.matrix.T)).toarray() != 0
    pattern = pattern[rows][:, rows]
    for k in range(len(pattern)):  # symbolic factorisation of the dense pattern
        below = np.flatnonzero(pattern[k + 1 :, k]) + k + 1
        pattern[np.ix_(below, below)] = True
    assert np.tril(pattern).sum() <= fill
    natural = (abs(of.matrix) @ abs(of.matrix.T)).toarray() != 0
    for k in range(len(natural)):
        below = np.flatnonzero(natural[k + 1 :, k]) + k + 1
        natural[np.ix_(below, below)] = True
    assert np.tril(pattern).sum() <= np.tril(natural).sum() * 1.05
    assert minimum_degree(graph, np.full(20, 2), 10.0)[0] is None


def test_direct_and_iterated_equations_agree() -> None:
    """Two parks without a connection, one factored and one iterated at will: one solution."""
    of = park(3, nodes=30, flows=120, layers=3)
    both = sp.block_diag([of.matrix, of.matrix], format="csr")
    groups = np.concatenate([of.groups, of.groups + 30])
    size = np.ones(both.shape[0])
    white = whiten(both, sp.diags(np.tile(of.sd, 2)).tocsr(), np.zeros(both.shape[0]), size, groups)
    right = white.matrix @ np.random.default_rng(5).standard_normal(both.shape[1])
    direct = NormalEquations(white.matrix, white.groups, "direct")
    iterated = NormalEquations(white.matrix, white.groups, "iterative")
    assert len(direct.components) == 2
    np.testing.assert_allclose(
        direct.transposed @ direct.solve(right), iterated.transposed @ iterated.solve(right), atol=1e-8
    )
    assert direct.rank == iterated.rank == np.linalg.matrix_rank(white.matrix.toarray(), tol=1e-6)
