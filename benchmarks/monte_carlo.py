"""Monte Carlo of an inventory: 1,000 lines x 1,000,000 samples through the public interface, against numpy.

Each line is an amount of its own (lognormal) times one of 50 factors that 20 lines share (lognormal): 1,050 draws a
sample. The peer does the same total with numpy, float32, 256 samples at a time. The exact mean and standard deviation
of the total are known: T = Σ_k f_k·A_k with independent f_k and A_k.

Run: python benchmarks/monte_carlo.py [--samples N] [--lines N]
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from measure import machine, measure

LINES, FACTORS, SAMPLES, CHUNK = 1000, 50, 1_000_000, 256
TARGET_SECONDS, TARGET_MIB, TARGET_RATIO = 6.0, 300, 0.6


def park(lines: int) -> dict[str, Any]:
    """Return medians and ln-sds of amounts and factors (line i: factor i % 50), and the total's exact mean and sd."""
    import numpy as np

    rng = np.random.default_rng(20060103)
    median = np.concatenate([rng.uniform(1, 100, lines), rng.uniform(0.5, 3, FACTORS)])
    sigma = rng.uniform(0.02, 0.5, lines + FACTORS)
    mean = median * np.exp(sigma**2 / 2)
    variance = mean**2 * np.expm1(sigma**2)
    amount, amount_variance = (values[:lines].reshape(-1, FACTORS).sum(axis=0) for values in (mean, variance))
    factor, factor_variance = mean[lines:], variance[lines:]
    total = factor_variance * (amount_variance + amount**2) + factor**2 * amount_variance
    return {
        "median": median,
        "sigma": sigma,
        "mean": float(factor @ amount),
        "sd": float(np.sqrt(total.sum())),
    }


def outcome(
    mean: float, sd: float, low: float, high: float, exact: dict[str, Any], **more: object
) -> dict[str, object]:
    """Return the statistics with their errors against the exact ones."""
    return {
        "mean_error": (mean - exact["mean"]) / exact["sd"],
        "sd_error": sd / exact["sd"] - 1,
        "low": low / exact["mean"],
        "high": high / exact["mean"],
        **more,
    }


def ecopark_way(
    lines: int, samples: int, method: str = "random", seed: int = 1, categories: int = 0
) -> dict[str, object]:
    """Simulate with ecopark; twice, the second time with everything loaded."""
    import numpy as np
    import polars as pl

    from ecopark.accounting.uncertainty import ProductSum, approach_2

    exact = park(lines)
    names = [f"flow:{i}" for i in range(lines)] + [f"factor:{k}" for k in range(FACTORS)]
    reach = np.exp(1.959963984540054 * exact["sigma"])
    variables = pl.DataFrame({
        "variable": names, "central": exact["median"], "low": exact["median"] / reach, "high": exact["median"] * reach,
    }).with_columns(distribution=pl.lit("lognormal"))  # fmt: skip
    line = pl.DataFrame({"line": range(lines), "constant": [1.0] * lines}).with_columns(
        category=pl.col("line") % max(categories, 1)
    )
    incidence = pl.DataFrame({
        "line": [*range(lines), *range(lines)],
        "variable": names[:lines] + [f"factor:{i % FACTORS}" for i in range(lines)],
    })  # fmt: skip
    sums = ProductSum.from_frames(line, incidence, variables, dimensions=["category"] if categories else [])
    seconds = []
    for _ in range(2):
        begin = time.perf_counter()
        result = approach_2(sums, method=method, samples=samples, seed=seed)  # type: ignore[arg-type]
        seconds.append(time.perf_counter() - begin)
    row = result.totals.row(0, named=True)
    return outcome(row["mean"], row["sd"], row["low"], row["high"], exact, first=seconds[0], again=seconds[1])


def numpy_way(lines: int, samples: int, threads: int = 1) -> dict[str, object]:
    """Simulate with numpy: float32 normals, exponentials and products, 256 samples at a time, totals kept."""
    import numpy as np

    exact = park(lines)
    mu, sigma = np.log(exact["median"]).astype(np.float32), exact["sigma"].astype(np.float32)
    totals = np.empty(samples)

    def part(rng: np.random.Generator, begin: int, end: int) -> None:
        normals = np.empty((CHUNK, lines + FACTORS), dtype=np.float32)
        for first in range(begin, end, CHUNK):
            last = min(first + CHUNK, end)
            x = normals[: last - first]
            rng.standard_normal(x.shape, dtype=np.float32, out=x)
            x *= sigma
            x += mu
            np.exp(x, out=x)
            amounts = x[:, :lines].reshape(len(x), -1, FACTORS).sum(axis=1)
            totals[first:last] = (amounts * x[:, lines:]).sum(axis=1)

    begin = time.perf_counter()
    edges = [samples * i // threads for i in range(threads + 1)]
    generators = np.random.default_rng(1).spawn(threads)
    with ThreadPoolExecutor(threads) as executor:
        list(executor.map(part, generators, edges[:-1], edges[1:]))
    low, high = np.quantile(totals, (0.025, 0.975)).tolist()
    mean, sd = float(totals.mean()), float(totals.std(ddof=1))
    seconds = time.perf_counter() - begin
    return outcome(mean, sd, low, high, exact, first=seconds, again=seconds)


def main() -> None:
    """Measure every way in a process of its own and print times, ratio, memory and errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--lines", type=int, default=LINES, help=f"a multiple of {FACTORS}")
    options = parser.parse_args()
    size = {"lines": options.lines, "samples": options.samples}
    print(machine())
    compiled = measure(__file__, "ecopark_way", lines=options.lines, samples=1000)
    print(f"kernel ready (compiled once, kept on disk): first call {compiled.result['first']:.2f} s")
    print(f"\n{options.lines} lines, {FACTORS} shared factors, {options.samples} samples; exact mean and sd known")
    print(
        f"{'way':<34}{'first s':>9}{'again s':>9}{'peak MiB':>10}{'mean error/sd':>15}{'sd error':>11}"
        f"{'95 % range/mean':>18}"
    )
    ways = {
        "numpy float32, chunks of 256": ("numpy_way", size),
        "the same, 2 threads": ("numpy_way", size | {"threads": 2}),
        "ecopark random": ("ecopark_way", size),
        "ecopark random, total + 12 groups": ("ecopark_way", size | {"categories": 12}),
        "ecopark random, 8192": ("ecopark_way", size | {"samples": 8192}),
        "ecopark sobol, 8192 (default)": ("ecopark_way", size | {"samples": 8192, "method": "sobol"}),
    }
    seconds, peaks = {}, {}
    for name, (function, arguments) in ways.items():
        measured = measure(__file__, function, **arguments)
        r = measured.result
        seconds[name], peaks[name] = r["first"], measured.peak_mib
        print(
            f"{name:<34}{r['first']:>9.2f}{r['again']:>9.2f}{measured.peak_mib:>10.0f}{r['mean_error']:>15.1e}"
            f"{r['sd_error']:>11.1e}{r['low']:>10.4f}{r['high']:>8.4f}"
        )
    ours = "ecopark random"
    print("\n(first: first call in a fresh process, libraries and machine code still to be loaded; again: second call)")
    for peer in list(ways)[:2]:
        print(f"ratio of {ours} to {peer}: {seconds[ours] / seconds[peer]:.2f}")
    for label, value, target in (
        ("seconds", seconds[ours], TARGET_SECONDS),
        ("peak MiB", peaks[ours], TARGET_MIB),
        ("ratio to numpy", seconds[ours] / seconds["numpy float32, chunks of 256"], TARGET_RATIO),
    ):
        print(f"{label}: {value:.2f}, target {target}: {'met' if value <= target else 'NOT MET'}")
    print("\nroot mean square error over 8 seeds, in sd of the total")
    print(f"{'way':<34}{'mean':>12}{'sd':>12}")
    for label, method, count in (
        ("random, 8192", "random", 8192),
        ("random, all samples", "random", options.samples),
        ("sobol, 8192", "sobol", 8192),
    ):
        errors = measure(__file__, "errors", lines=options.lines, samples=count, method=method).result
        print(f"{label:<34}{errors['mean']:>12.1e}{errors['sd']:>12.1e}")


def errors(lines: int, samples: int, method: str) -> dict[str, float]:
    """Return the root mean square errors of mean and sd (in sd) over 8 seeds."""
    import math

    results = [ecopark_way(lines, samples, method, seed) for seed in range(8)]
    return {
        name: math.sqrt(sum(float(str(r[f"{name}_error"])) ** 2 for r in results) / len(results))
        for name in ("mean", "sd")
    }


if __name__ == "__main__":
    main()
