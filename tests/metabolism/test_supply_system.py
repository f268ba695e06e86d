"""Solves of supply networks: against dense algebra, both methods, loops in order, singular loops by name, sampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

from ecopark.accounting.supply_system import SupplySystem, UnsolvableSupply, neumann_series, predicted_fill
from ecopark.metabolism.tracing.supply_sampling import LANES, UncertainSystem


def matrix_of(size: int, entries: list[tuple[int, int, float]]) -> csr_array:
    rows, columns, values = ([entry[k] for entry in entries] for k in range(3))
    return csr_array(coo_array((np.array(values, dtype=float), (rows, columns)), shape=(size, size)))


def random_park(size: int, per_node: int, seed: int, lost: float = 0.1) -> csr_array:
    """Columns that pass 1 - lost of what they have to random others, mostly near ones."""
    random = np.random.default_rng(seed)
    source = np.repeat(np.arange(size), per_node)
    near = (source + random.integers(-5, 6, source.size)) % size
    target = np.where(random.random(source.size) < 0.8, near, random.integers(0, size, source.size))
    keep = source != target
    source, target = source[keep], target[keep]
    weight = random.lognormal(0, 1, source.size)
    weight *= (1 - lost) / np.bincount(source, weight, minlength=size)[source]
    return csr_array(coo_array((weight, (target, source)), shape=(size, size)))


entries = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.floats(0.01, 10.0)), max_size=30
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(entries, st.sampled_from(["auto", "direct", "iterative"]), st.floats(0.001, 0.9))
def test_solutions_are_those_of_dense_algebra(drawn: list[tuple[int, int, float]], method: str, lost: float) -> None:
    """Any network, loops of loops and self-supply included, both ways, forward and transposed, many columns at once."""
    matrix = matrix_of(8, drawn).toarray()
    sums = matrix.sum(axis=0)
    matrix = matrix * np.where(sums > 0, (1 - lost) / np.where(sums > 0, sums, 1), 1)
    right = np.arange(24.0).reshape(8, 3) - 5
    system = SupplySystem(csr_array(matrix), method=method)  # type: ignore[arg-type]
    assert system.solve(right) == pytest.approx(np.linalg.solve(np.eye(8) - matrix, right), rel=1e-9, abs=1e-9)
    expected = np.linalg.solve(np.eye(8) - matrix.T, right)
    assert system.solve(right, transposed=True) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert system.solve(right[:, 0]).shape == (8,)


def test_a_chain_needs_no_factor() -> None:
    """Without a loop the solution is one substitution with no fill, in whatever order the nodes are numbered."""
    order = np.random.default_rng(1).permutation(300)
    matrix = matrix_of(300, [(int(order[i + 1]), int(order[i]), 1.0) for i in range(299)])
    system = SupplySystem(matrix)
    right = np.zeros(300)
    right[order[0]] = 1.0
    assert system.solve(right) == pytest.approx(np.ones(300))
    assert system.methods == ("substitution",)
    assert system.loops == []


def test_loops_are_solved_one_after_another() -> None:
    """Two loops in a row with a node between: the stages follow the supply, and each loop is found."""
    matrix = matrix_of(5, [(0, 1, 0.5), (1, 0, 0.5), (2, 1, 0.4), (3, 2, 1.0), (3, 4, 0.3), (4, 3, 0.6)])
    system = SupplySystem(matrix)
    assert [sorted(loop.tolist()) for loop in system.loops] == [[0, 1], [3, 4]]
    assert system.methods == ("direct", "substitution", "direct")


def test_both_methods_agree_on_a_park() -> None:
    """Series and factor of the same large loop agree to 1e-9 and leave residuals at rounding."""
    matrix = random_park(1500, 8, seed=4)
    right = np.random.default_rng(0).random((1500, 8))
    direct, series = SupplySystem(matrix, method="direct"), SupplySystem(matrix, method="iterative")
    first, second = direct.solve(right), series.solve(right)
    assert second == pytest.approx(first, rel=1e-9)
    assert np.abs(series.residual(second, right)).max() < 1e-12 * np.abs(second).max()
    assert "direct" in direct.methods
    assert "iterative" in series.methods
    assert direct.fill > matrix.nnz


def test_a_loop_that_loses_little_is_still_solved() -> None:
    """Where one part in 100,000 is lost, the series is given up for what converges; the residual proves the result."""
    matrix = random_park(400, 5, seed=2, lost=1e-5)
    right = np.random.default_rng(0).random((400, 2))
    _, settled = neumann_series(matrix, right)
    assert not settled
    x = SupplySystem(matrix, method="iterative").solve(right)
    assert x.sum(axis=0) == pytest.approx(right.sum(axis=0) / 1e-5, rel=1e-6)
    assert x == pytest.approx(SupplySystem(matrix, method="direct").solve(right), rel=1e-6)


def test_closed_loops_are_named() -> None:
    """Loops that nothing leaves, or that nothing enters, are singular; open loops beside them are not blamed."""
    entries = [(0, 1, 1.0), (1, 0, 1.0), (2, 3, 0.5), (3, 2, 1.0), (4, 4, 1.0)]
    system = SupplySystem(matrix_of(5, entries), ["a", "b", "c", "d", "e"])
    with pytest.raises(UnsolvableSupply) as caught:
        system.solve(np.ones(5))
    assert sorted(caught.value.nodes) == ["a", "b", "e"]
    assert "a" in str(caught.value)
    by_rows = SupplySystem(matrix_of(2, [(0, 1, 0.2), (1, 0, 5.0)]).multiply(np.array([[5.0, 1.0], [1.0, 0.2]])))
    with pytest.raises(UnsolvableSupply):
        by_rows.solve(np.ones(2))


def test_a_loop_that_needs_more_than_it_makes_is_refused() -> None:
    """2 of b for one a and 0.6 of a for one b: 1.2 a for an a (Hawkins-Simon); scaling of units does not hide it."""
    for scale in (1.0, 1000.0):
        bad = matrix_of(3, [(1, 0, 2.0 * scale), (0, 1, 0.6 / scale), (2, 1, 0.1)])
        with pytest.raises(UnsolvableSupply):
            SupplySystem(bad, method="direct").solve(np.ones(3))
        good = matrix_of(3, [(1, 0, 1.2 * scale), (0, 1, 0.6 / scale), (2, 1, 0.1)])
        assert (SupplySystem(good).solve(np.ones(3)) > 0).all()


def test_input_that_is_no_supply_system() -> None:
    """Not square, negative, not finite, or a right-hand side of another length."""
    for wrong in (np.ones((2, 3)), np.array([[0.0, -1.0], [0.0, 0.0]]), np.array([[0.0, np.inf], [0.0, 0.0]])):
        with pytest.raises(ValueError):
            SupplySystem(csr_array(wrong))
    with pytest.raises(ValueError):
        SupplySystem(csr_array(np.zeros((2, 2)))).solve(np.ones(3))
    assert SupplySystem(csr_array((0, 0))).solve(np.zeros(0)).shape == (0,)


def test_the_fill_is_foreseen() -> None:
    """The prediction is right within a factor of three, and stops early where the factor would fill."""
    matrix = random_park(3000, 6, seed=7)
    predicted = predicted_fill(matrix, limit=1_000_000)
    actual = SupplySystem(matrix, method="direct").fill / 2
    assert actual / 3 < predicted < 3 * actual
    chain = matrix_of(4000, [(i + 1, i, 0.5) for i in range(3999)] + [(i, i + 1, 0.2) for i in range(3999)])
    assert predicted_fill(chain, limit=100_000) < 40_000
    assert SupplySystem(random_park(4000, 20, seed=1), fill_limit=500_000).methods == ("iterative",)


def uncertain(size: int = 60, spread: float = 0.2, lost: float = 0.3) -> UncertainSystem:
    random = np.random.default_rng(2)
    inputs = random_park(size, 4, seed=3, lost=lost)
    flows = csr_array(coo_array((random.lognormal(0, 1, 3 * size), (random.integers(0, 9, 3 * size),
                                np.repeat(np.arange(size), 3))), shape=(9, size))).tocsc()  # fmt: skip
    weights = random.random((2, 9))
    return UncertainSystem(inputs, np.full(inputs.nnz, spread), flows, np.full(flows.nnz, spread), weights)


def test_every_sample_is_the_exact_solution_of_its_own_matrices() -> None:
    """The series from the base solution agrees with a factorisation of the sampled matrix to 1e-9."""
    system = uncertain()
    demand = np.zeros(60)
    demand[[3, 17]] = 1.0, 2.5
    drawn = system.simulate(demand, LANES + 5, seed=11)
    for number in (0, 1, LANES - 1, LANES + 4):
        inputs, flows = system.sample(number, seed=11)
        levels = SupplySystem(inputs, method="direct").solve(demand)
        assert drawn[number] == pytest.approx(system.weights @ (flows @ levels), rel=1e-9)
    assert drawn.std(axis=0).min() > 0


def test_samples_do_not_depend_on_threads_or_number() -> None:
    """The first samples of many are those of few; other seeds give others."""
    system, demand = uncertain(), np.ones(60)
    few = system.simulate(demand, 10, seed=1, threads=1)
    assert (system.simulate(demand, 4 * LANES, seed=1, threads=2)[:10] == few).all()
    assert (system.simulate(demand, 10, seed=2) != few).any()


def test_exact_entries_give_the_base_result() -> None:
    """Without uncertainty every sample is the result at the medians (to single precision of the entries)."""
    system = uncertain(spread=0.0)
    demand = np.ones(60)
    base = system.burdens(demand)
    assert system.simulate(demand, 3) == pytest.approx(np.tile(base, (3, 1)), rel=1e-5)
    one = UncertainSystem(
        system.inputs, system.inputs_spread, system.flows, np.full(system.flows.nnz, 0.3), system.weights
    )
    assert one.simulate(demand, 4000).mean(axis=0) == pytest.approx(base * np.exp(0.3**2 / 2), rel=0.02)


def test_samples_that_settle_slowly_are_solved_otherwise() -> None:
    """Loops that lose one part in a thousand: too slow for the series, solved exactly nevertheless."""
    system = uncertain(spread=1e-5, lost=1e-3)
    demand = np.ones(60)
    drawn = system.simulate(demand, 3, seed=5)
    inputs, flows = system.sample(2, seed=5)
    levels = SupplySystem(inputs, method="direct").solve(demand)
    assert drawn[2] == pytest.approx(system.weights @ (flows @ levels), rel=1e-9)


def test_spreads_must_fit() -> None:
    """One spread an entry, none negative."""
    good = uncertain()
    with pytest.raises(ValueError):
        UncertainSystem(good.inputs, good.inputs_spread[1:], good.flows, good.flows_spread, good.weights)
    with pytest.raises(ValueError):
        UncertainSystem(good.inputs, -good.inputs_spread, good.flows, good.flows_spread, good.weights)
