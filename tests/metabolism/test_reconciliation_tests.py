"""The tests find what they should as often as theory says, and give alarm without reason no more often than stated."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats

from ecopark.metabolism.reconciliation.constraints import LinearConstraints
from ecopark.metabolism.reconciliation.gross_errors import serial_elimination
from ecopark.metabolism.reconciliation.measurements import Floats, Measurements
from ecopark.metabolism.reconciliation.normal_equations import NormalEquations
from ecopark.metabolism.reconciliation.solving import reconcile_measurements
from ecopark.metabolism.reconciliation.testing import global_test, sidak

# steam metering of a plant: the network of Serth and Heenan, AIChE Journal 32 (1986), true flows in 1000 kg/h
FLOWS = [(3, 1), (6, 1), (1, 5), (0, 1), (2, 3), (2, 6), (7, 2), (11, 2), (2, 0), (3, 4), (5, 4), (4, 9), (6, 5),
         (5, 7), (5, 8), (5, 9), (5, 0), (8, 7), (7, 10), (7, 11), (7, 0), (9, 8), (8, 10), (8, 0), (9, 0), (10, 11),
         (0, 10), (0, 11)]  # fmt: skip
TRUE = np.array(
    [
        0.86,
        1.0,
        111.82,
        109.96,
        53.27,
        112.27,
        2.32,
        164.05,
        0.83,
        52.41,
        14.86,
        67.27,
        111.27,
        91.86,
        60.0,
        23.64,
        32.73,
        16.23,
        7.85,
        10.5,
        87.32,
        5.45,
        2.59,
        46.63,
        85.46,
        81.32,
        70.79,
        72.23,
    ]
)
SD = 0.025 * TRUE
TRIALS = 300


def incidence() -> Floats:
    matrix = np.zeros((11, 28))
    for stream, (source, target) in enumerate(FLOWS):
        for node, sign in ((source, -1.0), (target, 1.0)):
            if node:
                matrix[node - 1, stream] = sign
    return matrix


MATRIX = incidence()
BALANCES = LinearConstraints(MATRIX)
GAIN = np.linalg.pinv(MATRIX * SD) @ (MATRIX * SD)
"""The projection on the balances in units of the errors: its diagonal is the part h of the variances taken away."""


def test_the_truth_closes() -> None:
    """The flows are those of the paper: its true values close to 0.1 in 160, as they are printed."""
    assert np.abs(MATRIX @ TRUE).max() < 0.1001


def trials(seed: int, bias: dict[int, float] | None = None) -> tuple[Floats, Floats]:
    """Objectives (trials,) and standardised tests (trials, 28) of noisy measurements, a bias in deviations added."""
    random = np.random.default_rng(seed)
    truth = TRUE - SD * (np.linalg.pinv(MATRIX * SD) @ (MATRIX @ TRUE))  # closes to rounding
    noise = random.standard_normal((TRIALS, 28))
    for stream, size in (bias or {}).items():
        noise[:, stream] += size
    objectives, tests = np.empty(TRIALS), np.empty((TRIALS, 28))
    for k in range(TRIALS):
        solved = reconcile_measurements(Measurements(truth + SD * noise[k], SD), BALANCES, suspects=0)
        objectives[k], tests[k] = solved.test.objective, solved.measurement_tests.standardised
    return objectives, tests


def within(count: int, share: float) -> bool:
    """Whether a count of TRIALS lies within four standard deviations of its expected share."""
    return abs(count - TRIALS * share) <= 4 * np.sqrt(TRIALS * share * (1 - share)) + 0.5


def test_false_alarms_and_power() -> None:
    """False alarms of the global test in 5 % of the trials, of any single test in at most 5 % (Sidak); a bias of six
    deviations found as often as the noncentral chi-square and the normal distribution say.
    """
    quiet, quiet_tests = trials(1)
    critical = stats.chi2.isf(0.05, 11)
    limit = sidak(0.05, 28)
    assert within(int(np.sum(quiet > critical)), 0.05)
    alarms = int(np.sum(np.nanmax(quiet_tests, axis=1) > limit))
    assert alarms <= TRIALS * 0.05 + 4 * np.sqrt(TRIALS * 0.05 * 0.95)
    stream, size = 12, 6.0
    taken = GAIN[stream, stream]
    loud, loud_tests = trials(2, {stream: size})
    power = float(stats.ncx2.sf(critical, 11, size**2 * taken))
    assert 0.5 < power < 0.999
    assert within(int(np.sum(loud > critical)), power)
    shift = size * np.sqrt(taken)
    own = float(stats.norm.sf(limit - shift) + stats.norm.cdf(-limit - shift))
    assert within(int(np.sum(loud_tests[:, stream] > limit)), own)


def test_a_gross_error_is_named_and_sized() -> None:
    """A bias of twelve deviations fails the global test, is the strongest suspect with its size, and explains it."""
    random = np.random.default_rng(4)
    values = TRUE + SD * random.standard_normal(28)
    stream = 12
    values[stream] += 12 * SD[stream]
    solved = reconcile_measurements(Measurements(values, SD), BALANCES)
    assert not solved.test.passed
    first = solved.suspects[0]
    assert (first.kind, first.index, first.explains) == ("measurement", stream, True)
    assert first.size == pytest.approx(12 * SD[stream], rel=0.25)
    assert first.statistic == pytest.approx(solved.measurement_tests.standardised[stream] ** 2, rel=1e-9)
    # without that measurement the objective is what was foretold, and the flow is worked out from the others
    values[stream] = np.nan
    without = reconcile_measurements(Measurements(values, SD), BALANCES)
    assert without.test.objective == pytest.approx(first.objective_without, rel=1e-9)
    assert without.classification[stream] == "observable"
    assert without.test.degrees_of_freedom == solved.test.degrees_of_freedom - 1


def test_a_loss_is_named_at_its_node() -> None:
    """What leaves a node unrecorded is found there and sized, with its sign: more enters than leaves."""
    values = TRUE.copy()
    balance, missing = 4, 20.0
    truth = TRUE - SD * (np.linalg.pinv(MATRIX * SD) @ (MATRIX @ TRUE))
    open_by = np.zeros(11)
    open_by[balance] = missing
    values = truth + SD * (np.linalg.pinv(MATRIX * SD) @ open_by)
    solved = reconcile_measurements(Measurements(values, SD), BALANCES)
    found = [suspect for suspect in solved.suspects if suspect.kind == "balance"][0]  # noqa: RUF015
    assert found.index == balance
    assert found.size == pytest.approx(missing, rel=1e-9)
    assert found.objective_without == pytest.approx(0, abs=1e-9)
    assert int(np.nanargmax(solved.balance_tests.standardised)) == balance


def test_serial_elimination_leaves_out_what_is_wrong() -> None:
    """Two biased meters are left out one after the other, and the rest fits together."""
    random = np.random.default_rng(7)
    values = TRUE + SD * random.standard_normal(28)
    for stream in (7, 13):
        values[stream] += 14 * SD[stream]
    known = Measurements(values, SD)
    solved = reconcile_measurements(known, BALANCES)
    done = serial_elimination(solved.fit, BALANCES.groups)
    assert {stream for stream, _ in done.removed} == {7, 13}
    assert done.test.passed
    assert done.test.degrees_of_freedom == 9


def test_global_test_of_the_chi_square_table() -> None:
    """Limits as in any table; without redundancy there is nothing to test."""
    assert global_test(3.0, 3).critical == pytest.approx(7.81473, abs=1e-5)
    assert global_test(3.0, 0).passed
    assert sidak(0.05, 1) == pytest.approx(1.959964, abs=1e-6)
    assert sidak(0.05, 28) == pytest.approx(3.116482, abs=1e-6)


def test_balances_are_tested_as_measured() -> None:
    """The residual of a node over its deviation; a balance with an unmeasured flow is not tested."""
    matrix = np.array([[1.0, -1.0, 0, 0], [0, 1.0, -1.0, 0], [0, 0, 1.0, -1.0]])
    known = Measurements(np.array([10.0, 9.0, 9.0, np.nan]), np.array([0.3, 0.4, 0.3, 0]))
    tests = reconcile_measurements(known, LinearConstraints(matrix)).balance_tests
    np.testing.assert_allclose(tests.residual[:2], [1, 0])
    np.testing.assert_allclose(tests.standardised[:2], [2, 0])
    assert np.isnan(tests.standardised[2])


def test_estimated_deviations_of_a_large_network() -> None:
    """Where only an estimate is affordable it is marked, unbiased and as good as it says; suspicious ones are exact."""
    from benchmarks.park_network import park_network

    park = park_network(300, 3_000, 3, 5)
    balances = LinearConstraints(park.balances(), groups=np.repeat(np.arange(park.nodes), park.layers))
    random = np.random.default_rng(3)
    sd = park.amount * random.choice([0.01, 0.02, 0.05, 0.1], park.flows)
    values = park.amount + sd * random.standard_normal(park.flows)
    biased = int(np.argmax(park.amount * (park.source >= 0) * (park.target >= 0)))
    values[biased] += 30 * sd[biased]
    known = Measurements(values, sd)
    exact = reconcile_measurements(known, balances, method="direct")
    rough = reconcile_measurements(known, balances, method="iterative")
    assert exact.variances.exact.all()
    assert (exact.method, rough.method) == ("direct", "iterative")
    np.testing.assert_allclose(rough.x, exact.x, rtol=1e-8, atol=1e-9 * park.amount.max())
    assert rough.test.degrees_of_freedom == exact.test.degrees_of_freedom
    guessed = ~rough.variances.exact
    assert guessed.sum() > 2_500
    ratio = rough.sd[guessed] / exact.sd[guessed]
    assert abs(np.median(ratio) - 1) < 0.02
    assert np.std(ratio) < 2 * rough.variances.error < 0.2
    suspicious = np.flatnonzero(exact.measurement_tests.suspicious)
    assert biased in suspicious
    worst = np.argsort(-exact.measurement_tests.standardised)[: min(5, len(suspicious))]
    assert rough.variances.exact[worst].all()
    np.testing.assert_allclose(rough.sd[worst], exact.sd[worst], rtol=1e-5)
    assert rough.suspects[0].statistic == pytest.approx(exact.suspects[0].statistic, rel=1e-4)


def test_rank_of_a_closed_park_is_counted_when_iterated() -> None:
    """A ring that nothing enters or leaves has one balance that follows from the others, whichever method."""
    ring = sp.csr_matrix(np.eye(40) - np.roll(np.eye(40), 1, axis=1))
    for method in ("direct", "iterative"):
        assert NormalEquations(ring / np.sqrt(2), np.arange(40), method).rank == 39  # type: ignore[arg-type]
