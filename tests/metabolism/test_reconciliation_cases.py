"""Reconciliation gives the published answers, to the printed digits, by the direct and the iterative method.

Sources: VDI 2048 Blatt 1 (2000), worked example of a steam-turbine heat circuit, with the digits that the OpenModelica
User's Guide (chapter "Data Reconciliation") prints of it; Narasimhan and Jordache, "Data Reconciliation and Gross Error
Detection" (2000); Mandel, Abdollahzadeh, Maquin and Ragot, International Journal of Mineral Processing 53 (1998);
Martins, Amaro, Souza, Kalid and Kiperstok, Journal of Cleaner Production (2010); Serth and Heenan, AIChE Journal 32
(1986); Pai and Fisher, AIChE Journal 34 (1988).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecopark.metabolism.reconciliation.constraints import FunctionConstraints, LinearConstraints
from ecopark.metabolism.reconciliation.measurements import FREE, Floats, Measurements
from ecopark.metabolism.reconciliation.normal_equations import Method
from ecopark.metabolism.reconciliation.solving import Solution, reconcile_measurements

METHODS = pytest.mark.parametrize("method", ["auto", "direct", "iterative"])

# measured, half width (95 %); VDI's reconciled value and half width; six digits of both; the local test
STEAM: dict[str, tuple[float, ...]] = {
    "feed 1": (46.241, 2.5, 44.696, 1.611, 44.6959, 1.61062, 1.58381),
    "feed 2": (45.668, 2.5, 44.123, 1.611, 44.1229, 1.61062, 1.58381),
    "live steam 1": (44.575, 0.535, 44.643, 0.425, 44.6426, 0.425429, 0.40853),
    "live steam 2": (44.319, 0.532, 44.386, 0.424, 44.3861, 0.423635, 0.40853),
    "leakage": (0.525, 0.105, 0.524, 0.105, 0.524499, 0.104627, 0.0295873),
    "condensate": (69.978, 0.854, 70.005, 0.615, 70.0049, 0.615089, 0.08913),
    "extraction 7": (10.364, 0.168, 10.364, 0.133, 10.3642, 0.133112, 0.00387312),
    "extraction 6": (3.744, 0.058, 3.744, 0.057, 3.74402, 0.0566989, 0.00257972),
    "extraction 5": (4.391, 0.058, 4.391, 0.057, 4.39102, 0.0566989, 0.00257972),
    "drain": (18.498, 0.205, 18.499, 0.137, 18.4993, 0.137264, 0.0161013),
}
UNMEASURED = {"point 1": (88.714, 0.613), "point 2": (88.714, 0.613), "point 3": (88.714, 0.613),
              "extractions": (18.499, 0.137)}  # fmt: skip
OTHER = "other water"  # stands in no balance
BALANCES: list[dict[str, float]] = [
    {"feed 1": 1, "feed 2": 1, "live steam 1": -1, "live steam 2": -1, "leakage": 0.4},
    {"live steam 1": 1, "live steam 2": 1, "leakage": -1, "condensate": -1, "extraction 7": -1, "extraction 6": -1,
     "extraction 5": -1},
    {"extraction 7": 1, "extraction 6": 1, "extraction 5": 1, "drain": -1},
    {"point 1": -1, "feed 1": 1, "feed 2": 1, "leakage": -0.2},
    {"point 2": -1, "live steam 1": 1, "live steam 2": 1, "leakage": -0.6},
    {"point 3": -1, "condensate": 1, "extraction 7": 1, "extraction 6": 1, "extraction 5": 1, "leakage": 0.4},
    {"extractions": -1, "extraction 7": 1, "extraction 6": 1, "extraction 5": 1},
]  # fmt: skip


def steam_circuit(method: Method = "auto", feed_correlation: float = 0.39951) -> tuple[list[str], Solution]:
    names = [*STEAM, OTHER, *UNMEASURED]
    values = [row[0] for row in STEAM.values()] + [2.092] + [np.nan] * len(UNMEASURED)
    widths = [row[1] for row in STEAM.values()] + [0.272] + [0.0] * len(UNMEASURED)
    matrix = np.zeros((len(BALANCES), len(names)))
    for row, balance in enumerate(BALANCES):
        for name, coefficient in balance.items():
            matrix[row, names.index(name)] = coefficient
    pairs = [("live steam 1", "live steam 2", feed_correlation), ("feed 1", "feed 2", 0.2)]
    known = Measurements(
        np.array(values), np.array(widths) / 1.96, names=names,
        correlations=[(names.index(a), names.index(b), c) for a, b, c in pairs],
    )  # fmt: skip
    return names, reconcile_measurements(known, LinearConstraints(matrix), method=method)


def rounds_to(value: float, printed: float, digits: int) -> bool:
    """Whether a value agrees with one printed to so many significant digits."""
    return float(f"{value:.{digits}g}") == pytest.approx(printed, rel=1e-12)


@METHODS
def test_steam_circuit_of_vdi_2048(method: Method) -> None:
    """Values, half widths and local tests of correlated measurements come out to all digits, both ways they print."""
    names, solved = steam_circuit(method)
    for place, name in enumerate(names[:10]):
        _, _, value, width, value6, width6, local = STEAM[name]
        assert round(solved.x[place], 3) == value, name
        assert round(1.96 * solved.sd[place], 3) == width, name
        assert rounds_to(solved.x[place], value6, 6), name
        assert rounds_to(1.96 * solved.sd[place], width6, 6), name
        assert rounds_to(solved.measurement_tests.vdi[place], local, 6), name
    for name, (value, width) in UNMEASURED.items():
        place = names.index(name)
        assert round(solved.x[place], 3) == value
        assert round(1.96 * solved.sd[place], 3) == width
        assert solved.classification[place] == "observable"
    assert solved.test.objective == pytest.approx(2.5370454, abs=5e-8)
    assert solved.test.degrees_of_freedom == 3
    assert solved.test.critical == pytest.approx(7.81473, abs=5e-6)
    assert solved.test.passed


def test_what_no_balance_checks_stays_as_measured() -> None:
    """VDI 2048 calls the eleventh flow not reconcilable: value and half width are the measured ones."""
    names, solved = steam_circuit()
    place = names.index(OTHER)
    assert (solved.x[place], round(1.96 * solved.sd[place], 12)) == (2.092, 0.272)
    assert solved.classification[place] == "nonredundant"
    assert np.isnan(solved.measurement_tests.vdi[place])


def test_rounded_correlation_gives_the_standards_three_decimals() -> None:
    """VDI prints the correlation as 0.4; with it its own three decimals come out as well."""
    names, solved = steam_circuit(feed_correlation=0.4)
    for place, name in enumerate(names[:10]):
        assert round(solved.x[place], 3) == STEAM[name][2]
        assert round(1.96 * solved.sd[place], 3) == STEAM[name][3]


def test_local_test_without_its_floor_differs() -> None:
    """The floor of VDI's local test matters: the measurement test proper is larger for the small flows."""
    names, solved = steam_circuit()
    assert solved.measurement_tests.standardised[names.index("leakage")] == pytest.approx(0.111, abs=5e-4)
    assert solved.measurement_tests.standardised[names.index("extraction 6")] == pytest.approx(0.00387, abs=5e-6)


def network(*flows: tuple[int, int]) -> Floats:
    """The incidence of streams given as (from, to), nodes numbered from 1, 0 outside."""
    nodes = max(max(pair) for pair in flows)
    matrix = np.zeros((nodes, len(flows)))
    for stream, (source, target) in enumerate(flows):
        if source:
            matrix[source - 1, stream] = -1
        if target:
            matrix[target - 1, stream] = 1
    return matrix


LINEAR: dict[str, dict[str, Any]] = {
    "narasimhan-jordache": {
        "flows": [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 0)],
        "measured": [101.91, 64.45, 34.65, 64.2, 36.44, 98.88],
        "variance": [1.0] * 6,
        "reconciled": [100.22, 64.5, 35.72, 64.5, 35.72, 100.22],
        "tolerance": 1e-12,
        "objective": 6.4075,
        "sd": [0.5773502691896258] * 6,
    },
    "mandel": {
        "flows": [(0, 1), (1, 0), (1, 2), (2, 0), (2, 3), (3, 0), (3, 4), (5, 4), (4, 6), (6, 5), (6, 0), (5, 0)],
        "measured": [250.5, 21.6, 207.0, 36.5, 172.5, 17.6, 144.9, 47.0, 212.0, 96.0, 90.5, 47.7],
        "variance": [37.575**2, 1.08**2, 5**2, 1.825**2, 2**2, 0.88**2, 7.245**2, 1, 5**2, 2**2, 18.1**2, 2.385**2],
        "reconciled": [230.63308, 21.616413, 209.01667, 36.278195, 172.73847, 17.50226, 155.23621, 47.433274,
                       202.66949, 95.759788, 106.9097, 48.326514],
        "tolerance": 1e-7,
        "objective": 7.094612764277,
        "sd": None,
    },
    "martins": {
        "flows": [(0, 1), (1, 2), (1, 3), (1, 4), (1, 5), (4, 6), (4, 7), (2, 8), (3, 8), (6, 8), (7, 5), (5, 0),
                  (8, 0)],
        "measured": [28.06, 3.06, 5.28, 8.89, 11.39, 3.89, 4.17, 2.78, 5.83, 4.44, 3.89, 15.0, 13.33],
        "variance": [0.075618, 0.002498, 0.029749, 0.021084, 0.138439, 0.016148, 0.018556, 0.002062, 0.009067,
                     0.005259, 0.004037, 0.021609, 0.017065],
        "reconciled": [28.156031, 2.9186343, 5.7754733, 8.4354354, 11.026488, 4.4326257, 4.0028097, 2.9186343,
                       5.7754733, 4.4326257, 4.0028097, 15.029298, 13.126733],
        "tolerance": 1e-7,
        "objective": 62.1416873294474,
        "sd": None,
    },
}  # fmt: skip


@METHODS
@pytest.mark.parametrize("name", LINEAR)
def test_linear_networks(name: str, method: Method) -> None:
    """All streams measured, errors uncorrelated: the published reconciled flows."""
    case = LINEAR[name]
    known = Measurements(np.array(case["measured"]), np.sqrt(case["variance"]))
    solved = reconcile_measurements(known, LinearConstraints(network(*case["flows"])), method=method)
    np.testing.assert_allclose(solved.x, case["reconciled"], rtol=case["tolerance"])
    assert solved.test.objective == pytest.approx(case["objective"], rel=1e-10)
    assert solved.open_after.max() < 1e-12
    if case["sd"]:
        np.testing.assert_allclose(solved.sd, case["sd"], rtol=1e-9)


STEAM_METERING = {
    "flows": [(3, 1), (6, 1), (1, 5), (0, 1), (2, 3), (2, 6), (7, 2), (11, 2), (2, 0), (3, 4), (5, 4), (4, 9), (6, 5),
              (5, 7), (5, 8), (5, 9), (5, 0), (8, 7), (7, 10), (7, 11), (7, 0), (9, 8), (8, 10), (8, 0), (9, 0),
              (10, 11), (0, 10), (0, 11)],
    "measured": [0.8753328905, 0.98946608, 108.4261945102, 107.7990548091, 50.1493887983, 110.3271887006, 2.2011014384,
                 165.7786875383, 0.8213193018, 51.778726791, 14.7571532341, 67.1828759322, 107.7343181392,
                 89.8549244721, 58.55412705, 23.2581963882, 31.8794081778, 15.8425101701, 7.9195341814, 10.12979184,
                 91.0471788865, 5.5550038011, 2.4711125185, 44.6871001979, 81.6562245395, 82.83903727, 70.6852070854,
                 72.9133638768],
    "true": [0.86, 1.0, 111.82, 109.96, 53.27, 112.27, 2.32, 164.05, 0.83, 52.41, 14.86, 67.27, 111.27, 91.86, 60.0,
             23.64, 32.73, 16.23, 7.85, 10.5, 87.32, 5.45, 2.59, 46.63, 85.46, 81.32, 70.79, 72.23],
    "reconciled": [0.8747574, 0.9892059, 109.1902, 107.3262, 52.00866, 112.031, 2.19709, 162.6638, 0.8212686, 51.13391,
                   14.76092, 65.89483, 111.0418, 92.59158, 57.91524, 23.10888, 31.85533, 15.97531, 7.8989, 10.06241,
                   88.40849, 5.557647, 2.47207, 45.02551, 83.44606, 81.06979, 70.69882, 71.53161],
}  # fmt: skip
"""Steam metering of a methanol plant, 28 streams and 11 nodes; standard deviations are 2.5 % of the true flows."""


@METHODS
def test_steam_metering_of_28_streams(method: Method) -> None:
    """The 28-stream problem to 1e-3: its inputs are printed short."""
    known = Measurements(np.array(STEAM_METERING["measured"]), 0.025 * np.array(STEAM_METERING["true"]))
    matrix = network(*STEAM_METERING["flows"])  # type: ignore[arg-type]
    assert matrix.shape == (11, 28)
    solved = reconcile_measurements(known, LinearConstraints(matrix), method=method)
    np.testing.assert_allclose(solved.x, STEAM_METERING["reconciled"], rtol=1e-3)
    assert solved.open_after.max() < 1e-12
    assert solved.test.degrees_of_freedom == 11


def pai_fisher(x: Any) -> Any:
    """The six equations of Pai and Fisher (1988)."""
    x1, x2, x3, x4, x5, u1, u2, u3 = x
    return np.array([
        0.5 * x1**2 - 0.7 * x2 + x3 * u1 + x2**2 * u1 * u2 + 2 * x3 * u3**2 - 255.8,
        x1 - 2 * x2 + 3 * x1 * x3 - 2 * x2 * u1 - x2 * u2 * u3 + 111.2,
        x3 * u1 - x1 + 3 * x2 + x1 * u2 - x3 * u3**0.5 - 33.57,
        x4 - x1 - x3**2 + u2 + 3 * u3,
        x5 - 2 * x3 * u2 * u3,
        2 * x1 + x2 * x3 * u1 + u2 - u3 - 126.6,
    ])  # fmt: skip


def complex_step(x: Floats) -> Floats:
    """The derivatives of the equations, exact to rounding."""
    step = 1e-20
    return np.array([pai_fisher(x + 1j * step * unit).imag / step for unit in np.eye(len(x))]).T


@METHODS
def test_pai_and_fisher_nonlinear(method: Method) -> None:
    """Five measured and three unmeasured variables in six nonlinear equations: the five printed digits, and eight."""
    values = np.array([4.4, 5.5, 1.7, 1.6, 5.0, np.nan, np.nan, np.nan])
    start = np.array([0, 0, 0, 0, 0, 11, 0.6, 2.0])
    known = Measurements(values, np.ones(8), start=start, lower=np.full(8, FREE))
    solved = reconcile_measurements(known, FunctionConstraints(pai_fisher, complex_step, 6), method=method)
    for value, printed in zip(solved.x, [4.5124, 5.5819, 1.926, 1.456, 4.8545, 11.07, 0.61467, 2.0504], strict=True):
        assert rounds_to(value, printed, 5)
    recomputed = [4.51243002, 5.58186754, 1.92595722, 1.45599905, 4.85453205, 11.07032366, 0.61466867, 2.05035784]
    np.testing.assert_allclose(solved.x, recomputed, rtol=0, atol=1.5e-8)
    assert solved.test.objective == pytest.approx(0.1122966657083, rel=1e-10)
    assert solved.test.degrees_of_freedom == 3
    assert list(solved.classification) == ["redundant"] * 5 + ["observable"] * 3
    np.testing.assert_allclose(pai_fisher(solved.x), 0, atol=1e-9)
