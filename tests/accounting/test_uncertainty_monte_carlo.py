"""Monte Carlo: the generator, reproducibility, exact moments, correlation, tails, and the two ways to sample."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, norm

from ecopark.accounting.uncertainty import ProductSum, approach_2, draw, sample_totals
from ecopark.accounting.uncertainty.kernel import BLOCK, philox, random_words

Z975 = 1.959963984540054
NAN = np.nan


def lognormal_park(lines: int = 150, factors: int = 7, seed: int = 3) -> tuple[ProductSum, float, float]:
    """Lines of own amounts times shared factors, all lognormal, with the total's exact mean and standard deviation.

    T = Σ_k f_k A_k with independent f_k and A_k: Var = Σ_k Var f·Var A + Var f·(E A)² + (E f)²·Var A.
    """
    rng = np.random.default_rng(seed)
    sigma = rng.uniform(0.02, 0.5, lines + factors)
    median = np.concatenate([rng.uniform(1, 100, lines), rng.uniform(0.5, 3, factors)])
    factor_of = np.arange(lines) % factors
    reach = np.exp(Z975 * sigma)
    sums = ProductSum(
        constant=np.ones(lines),
        line_start=np.arange(lines + 1) * 2,
        line_variable=np.stack([np.arange(lines), lines + factor_of], axis=1).ravel(),
        central=median,
        low=median / reach,
        high=median * reach,
        distribution=np.full(lines + factors, 2),
        draw=np.arange(lines + factors),
        groups={"total": np.arange(lines)} | {f"factor:{k}": np.flatnonzero(factor_of == k) for k in range(factors)},
    )
    mean = median * np.exp(sigma**2 / 2)
    variance = mean**2 * np.expm1(sigma**2)
    amount = np.bincount(factor_of, mean[:lines])
    amount_variance = np.bincount(factor_of, variance[:lines])
    factor, factor_variance = mean[lines:], variance[lines:]
    total = factor_variance * amount_variance + factor_variance * amount**2 + factor**2 * amount_variance
    return sums, float(factor @ amount), float(np.sqrt(total.sum()))


def test_generator_gives_the_published_known_answers() -> None:
    """Philox4x32-10: the three vectors that Salmon et al. publish with their library (zeros, ones, digits of pi)."""
    u = np.uint32
    answers = [
        ([0] * 6, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 6, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ]
    for counter_and_key, expected in answers:
        assert [int(word) for word in philox(*(u(word) for word in counter_and_key))] == expected


def test_words_follow_the_documented_layout() -> None:
    """Sample s of draw d: output (s // 64) % 4 of counter (s // 256)·64 + s % 64, d low, d high, and the seed as key.

    Past sample 2³⁴ the counter's high word takes part; without it the numbers would repeat there.
    """
    seed, number = 0x1122334455667788, 0x0102030405060708
    for first in (0, 5 * BLOCK, 1 << 40):
        words = np.empty(2 * BLOCK, dtype=np.uint32)
        random_words(first, np.uint64(number), np.uint64(seed), words)
        for offset in (0, 63, 64, 200, 255, 256, 511):
            sample = first + offset
            counter = sample // 256 * 64 + sample % 64
            parts = (counter, number, number >> 32, counter >> 32, seed, seed >> 32)
            expected = philox(*(np.uint32(part & 0xFFFFFFFF) for part in parts))[sample // 64 % 4]
            assert words[offset] == expected


def test_words_are_even_and_independent_between_draws_and_neighbours() -> None:
    """Chi-square over 256 classes at both ends of the word, and no correlation with the next draw or sample."""
    words = np.empty((2, 1 << 18), dtype=np.uint32)
    for row, number in zip(words, (41, 42), strict=True):
        random_words(0, np.uint64(number), np.uint64(7), row)
    for shift in (24, 0):
        assert chisquare(np.bincount((words[0] >> shift) & 255, minlength=256)).pvalue > 1e-4
    uniform = words / 2**32
    bound = 5 / np.sqrt(words.shape[1])
    assert abs(np.corrcoef(uniform[0], uniform[1])[0, 1]) < bound
    for lag in (1, 64, 256):
        assert abs(np.corrcoef(uniform[0, lag:], uniform[0, :-lag])[0, 1]) < bound


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_a_single_draw_can_be_computed_again(code: int) -> None:
    """`draw` gives, bit for bit, what the kernel used: total of one line of one variable at sample n."""
    sums = ProductSum([1.0], [0, 1], [0], [1.0], [0.6], [1.9], [code], [2**63 + 12345], {"total": [0]})
    totals = sample_totals(sums, seed=99, first=0, stop=3000)["total"]
    for sample in (0, 1, 63, 64, 255, 256, 1023, 1024, 2999):
        assert draw(sums, 99, sample, 0) == totals[sample]
    assert draw(sums, 100, 0, 0) != totals[0]


def test_a_total_is_the_sum_of_its_draws() -> None:
    """Σ constant·Π draw over the lines is the sample's total: what explains sample 17 can be listed."""
    sums, _, _ = lognormal_park(30, 4)
    totals = sample_totals(sums, seed=5, first=17, stop=18)
    values = np.array([draw(sums, 5, 17, variable) for variable in range(sums.variable_count)])
    lines = sums.line_values(values)
    for name, members in sums.groups.items():
        assert totals[name][0] == pytest.approx(lines[members].sum(), rel=1e-6)


def test_result_depends_on_seed_and_sample_only() -> None:
    """Threads, passes over the groups, the range of samples and the groups asked for change no bit of a sample."""
    sums, _, _ = lognormal_park()
    whole = sample_totals(sums, seed=1, first=0, stop=5000, threads=1)
    for threads in (2, 5):
        for name, sampled in sample_totals(sums, seed=1, first=0, stop=5000, threads=threads).items():
            assert np.array_equal(sampled, whole[name])
    assert np.array_equal(sample_totals(sums, seed=1, first=1311, stop=1777)["total"], whole["total"][1311:1777])
    one = sample_totals(sums, seed=1, first=0, stop=5000, groups=["factor:2"])
    assert one["factor:2"] == pytest.approx(whole["factor:2"], rel=1e-6)
    small = approach_2(sums, method="random", samples=5000, seed=1, memory=1)
    large = approach_2(sums, method="random", samples=5000, seed=1)
    for column in ("mean", "sd", "low", "high"):
        assert small.totals[column].to_list() == pytest.approx(large.totals[column].to_list(), rel=1e-6)
    assert small.totals["group"].to_list() == list(sums.groups)
    other = approach_2(sums, method="random", samples=5000, seed=2)
    assert other.totals["mean"][0] != large.totals["mean"][0]


def test_moments_agree_with_the_exact_ones() -> None:
    """400,000 random samples: mean within 4 standard errors, sd within 1 %; groups add up to the total."""
    sums, mean, sd = lognormal_park()
    result = approach_2(sums, method="random", samples=400_000, seed=8).totals
    assert abs(result["mean"][0] - mean) < 4 * sd / np.sqrt(400_000)
    assert result["sd"][0] == pytest.approx(sd, rel=0.01)
    assert result["mean"][1:].sum() == pytest.approx(result["mean"][0], rel=1e-6)


def test_sobol_points_beat_random_samples_of_the_same_number() -> None:
    """8,192 points, five seeds: the mean is ten times nearer than random samples come, the sd within 1 %."""
    sums, mean, sd = lognormal_park()
    results = [approach_2(sums, seed=seed) for seed in range(5)]
    assert all((result.method, result.samples) == ("sobol", 8192) for result in results)
    errors = np.array([[(r.totals["mean"][0] - mean) / sd, r.totals["sd"][0] / sd - 1] for r in results])
    assert np.sqrt((errors[:, 0] ** 2).mean()) < 0.1 / np.sqrt(8192)
    assert np.abs(errors[:, 1]).max() < 0.01
    assert approach_2(sums, seed=3).totals.equals(results[3].totals)
    assert approach_2(sums, samples=1000).samples == 1024


def test_both_ways_agree_on_every_distribution() -> None:
    """A product of all four distributions, skewed, one negative, and an exact one: quantiles of both ways agree."""
    sums = ProductSum(
        [2.0, 1.0, 5.0], [0, 4, 5, 5], [0, 1, 2, 4, 3], [10, 1, 3, -4, 0.5],
        [7, 0.8, 2, -9, NAN], [12, 1.5, 5, -3, NAN], [1, 2, 3, 4, -1], range(5), {"total": [0, 1, 2], "constant": [2]},
    )  # fmt: skip
    sobol = approach_2(sums, samples=65536).totals
    random = approach_2(sums, method="random", samples=1_000_000).totals
    for column in ("mean", "low", "median", "high", "sd"):
        assert random[column][0] == pytest.approx(sobol[column][0], rel=0.01)
    assert sobol.row(1, named=True) == random.row(1, named=True)
    assert [sobol["mean"][1], sobol["sd"][1], sobol["settling"][1]] == [5, 0, 0]


def test_equal_draws_are_perfectly_correlated() -> None:
    """Two variables of one draw move together: their sd add up; of two draws: in quadrature."""

    def sums(draws: list[int]) -> ProductSum:
        return ProductSum([1, 1], [0, 1, 2], [0, 1], [10, 10], [8, 8], [12, 12], [1, 1], draws, {"total": [0, 1]})

    one = 4 / 2 / Z975
    for method in ("sobol", "random"):
        together = approach_2(sums([4, 4]), method=method, samples=65536).totals["sd"][0]
        apart = approach_2(sums([4, 5]), method=method, samples=65536).totals["sd"][0]
        assert together == pytest.approx(2 * one, rel=0.01)
        assert apart == pytest.approx(np.sqrt(2) * one, rel=0.01)


def test_tails_beyond_one_in_ten_thousand_are_right() -> None:
    """Of 4 million standard normal samples, counts beyond p = 1e-5 and 1e-6 on either side agree with Poisson.

    A table whose last cell ends at p = 1e-3 with a straight line has nothing there at all.
    """
    sums = ProductSum([1.0], [0, 1], [0], [0.0], [-Z975], [Z975], [1], [0], {"total": [0]})
    count = 4_000_000
    sampled = sample_totals(sums, seed=12, first=0, stop=count)["total"]
    for p in (1e-3, 1e-4, 1e-5, 1e-6):
        for beyond in (int((sampled < norm.ppf(p)).sum()), int((sampled > -norm.ppf(p)).sum())):
            assert abs(beyond - p * count) < 4.5 * np.sqrt(p * count)
    assert 4.6 < sampled.max() < 6


def test_more_variables_than_sobol_coordinates() -> None:
    """22,000 independent lines: random samples are used instead, the remark says so, and the sd is right.

    They are more than one batch of the kernel, with equal relative ranges in one table.
    """
    lines = 22_000
    amount = np.linspace(1, 3, lines)
    sums = ProductSum(np.full(lines, 2.0), np.arange(lines + 1), np.arange(lines), amount, amount * 0.9, amount * 1.1,
                      np.full(lines, -1), np.arange(lines), {"total": np.arange(lines)})  # fmt: skip
    result = approach_2(sums, samples=512)
    assert result.method == "random"
    assert result.remarks[0].code == "uncertainty.too_many"
    assert "22000" in result.remarks[0].line("en")
    exact = 2 * 0.1 / Z975 * np.sqrt((amount**2).sum())
    assert result.totals["sd"][0] == pytest.approx(exact, rel=0.03)
    assert result.totals["mean"][0] == pytest.approx(2 * amount.sum(), abs=5 * exact / np.sqrt(result.samples))


def test_lines_of_several_own_variables_and_squares() -> None:
    """Products inside a line in the compiled way: moments of x·y·z² with independent factors, exactly known."""
    sums = ProductSum([3.0, 1.0], [0, 4, 5], [0, 1, 2, 2, 3], [2, 5, 1, 7], [1.8, 4, 0.9, 6], [2.2, 6, 1.1, 8],
                      [1] * 4, range(4), {"total": [0, 1]})  # fmt: skip
    r = np.array([0.1, 0.2, 0.1]) / Z975
    mean = 30 * (1 + r[2] ** 2) + 7
    second = (1 + r[0] ** 2) * (1 + r[1] ** 2) * (1 + 6 * r[2] ** 2 + 3 * r[2] ** 4)
    sd = np.sqrt(900 * (second - (1 + r[2] ** 2) ** 2) + (1 / Z975) ** 2)
    result = approach_2(sums, method="random", samples=1_000_000).totals
    assert result["mean"][0] == pytest.approx(mean, abs=4 * sd / 1000)
    assert result["sd"][0] == pytest.approx(sd, rel=0.005)


def test_settling_is_reported() -> None:
    """With 64 samples the range has not settled (the Guidelines ask for 1 %), and a remark says how many totals."""
    sums, _, _ = lognormal_park()
    result = approach_2(sums, method="random", samples=64)
    assert result.totals["settling"].max() > 0.01
    assert [remark.code for remark in result.remarks] == ["uncertainty.not_settled"]
    assert approach_2(sums, method="random", samples=400_000).remarks == []


def test_bad_settings_are_refused() -> None:
    """Unknown method, one sample, a seed that does not fit into 64 bits."""
    sums, _, _ = lognormal_park(3, 1)
    for settings in ({"method": "latin"}, {"samples": 1}, {"seed": -1}, {"seed": 2**64}):
        with pytest.raises(ValueError, match=r"unknown method|two samples|seed"):
            approach_2(sums, **settings)


def test_empty_inventory_has_zero_totals() -> None:
    """No lines: totals of zero by every way, no division by zero."""
    sums = ProductSum([], [0], [], [], [], [], [], [], {"total": []})
    for method in ("sobol", "random"):
        row = approach_2(sums, method=method, samples=16).totals.row(0, named=True)
        assert (row["mean"], row["sd"], row["low"], row["lower_percent"]) == (0, 0, 0, None)
