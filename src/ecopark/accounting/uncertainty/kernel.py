"""Compiled sampling kernel: counter-based random numbers through quantile tables, summed by bundles of lines.

Every random number is a pure function of (seed, sample, draw): the Philox4x32-10 generator of Salmon, Moraes, Dror and
Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11, 2011). Its key is the seed; its counter is the draw number
(words 1 and 2) and the sample's place (words 0 and 3). There is no state, so a sample is the same whatever was computed
before it, in whichever thread.

One counter gives four 32-bit numbers. They go to samples 64 apart: with block = sample // 256, the number of a sample
is output (sample // 64) % 4 of counter block·64 + sample % 64. So a block of 256 samples is filled in long runs, which
the compiler turns into vector code.

The steps of a block are separate loops for the same reason: hashing, place in the table and interpolation are vector
code; the look-up in between is one 8-byte load a number (value and step to the next node lie side by side).

This module imports numba; import it only where samples are about to be drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ecopark.accounting.uncertainty.quantiles import CELLS_PER_OCTAVE, LOWEST_OCTAVE, NODES

Function = TypeVar("Function", bound=Callable[..., Any])
Words = NDArray[np.uint32]
Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

LANES = 64
BLOCK = 4 * LANES
"""Samples that one run of counters fills; blocks of the kernel are multiples of it."""

_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_32 = np.uint64(32)
_31 = np.uint32(31)
_1 = np.uint32(1)
_ROUNDS = 10

# A float's bits, shifted, count the cells: 23 bits of mantissa, of which the first 5 number the cells of an octave.
_PLACE_BITS = np.uint32(23 - (CELLS_PER_OCTAVE.bit_length() - 1))
_PLACE_MASK = np.uint32((1 << int(_PLACE_BITS)) - 1)
_PLACE_UNIT = np.float32(1 / (1 << int(_PLACE_BITS)))
_LOWEST = np.int32(1 << LOWEST_OCTAVE)
_FIRST_CELL = np.uint32((127 + LOWEST_OCTAVE) << (CELLS_PER_OCTAVE.bit_length() - 1))
_SIDE = np.uint32(NODES)


def compiled(function: Function) -> Function:
    """Compile `function` with numba: interpreter lock released, machine code kept on disk where that can be written."""
    try:
        return cast(Function, njit(nogil=True, cache=True, error_model="numpy")(function))
    except RuntimeError:  # numba found no folder for its cache: compile in every process
        return cast(Function, njit(nogil=True, error_model="numpy")(function))


def inlined(function: Function) -> Function:
    """Compile `function` into its callers with numba: a call in a loop keeps the loop from becoming vector code."""
    return cast(Function, njit(inline="always", error_model="numpy")(function))


@inlined
def philox(
    c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32
) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32]:
    """Return the four words of Philox4x32-10 for a counter (c0 … c3) and a key (k0, k1)."""
    for _ in range(_ROUNDS):
        product_0 = np.uint64(c0) * _MULTIPLIER_0
        product_1 = np.uint64(c2) * _MULTIPLIER_1
        c0 = np.uint32(product_1 >> _32) ^ c1 ^ k0
        c2 = np.uint32(product_0 >> _32) ^ c3 ^ k1
        c1 = np.uint32(product_1)
        c3 = np.uint32(product_0)
        k0 = np.uint32(k0 + _WEYL_0)
        k1 = np.uint32(k1 + _WEYL_1)
    return c0, c1, c2, c3


@compiled
def random_words(first: int, draw: np.uint64, seed: np.uint64, words: Words) -> None:
    """Fill `words` with the numbers of one draw for the samples from `first` on; both multiples of `BLOCK`."""
    k0, k1 = np.uint32(seed), np.uint32(seed >> _32)
    c1, c2 = np.uint32(draw), np.uint32(draw >> _32)
    for block in range(words.size // BLOCK):
        counter = np.uint64(first // BLOCK + block) * np.uint64(LANES)
        c0, c3 = np.uint32(counter), np.uint32(counter >> _32)
        part = words[block * BLOCK : (block + 1) * BLOCK]
        for i in range(LANES):
            a, b, c, d = philox(np.uint32(c0 + np.uint32(i)), c1, c2, c3, k0, k1)
            part[i] = a
            part[LANES + i] = b
            part[2 * LANES + i] = c
            part[3 * LANES + i] = d


@compiled
def places(words: Words, place: Singles) -> None:
    """Replace random `words` by the table cells that they fall in, and give the `place` (0 to 1) inside the cell.

    The top bit chooses the side of the median, the next 30 bits are the probability (see `table_probabilities`).
    """
    for j in range(words.size):
        word = words[j]
        upper = np.uint32(word >> _31)
        distance = np.int32(np.uint32(word ^ np.uint32(np.uint32(0) - upper)) >> _1)
        bits = np.float32(np.int32(distance + _LOWEST)).view(np.uint32)
        words[j] = np.uint32(np.uint32(bits >> _PLACE_BITS) - _FIRST_CELL + upper * _SIDE)
        place[j] = np.float32(np.int32(bits & _PLACE_MASK)) * _PLACE_UNIT


@compiled
def look_up(cells: Words, table: NDArray[np.uint64], pairs: NDArray[np.uint64]) -> None:
    """Copy from `table` the pairs (value at the node, step to the next node) of `cells`."""
    for j in range(cells.size):
        pairs[j] = table[cells[j]]


@compiled
def interpolate(pairs: Singles, place: Singles, result: Singles) -> None:
    """Set `result` to value + place · step."""
    for j in range(place.size):
        result[j] = pairs[2 * j] + place[j] * pairs[2 * j + 1]


@compiled
def interpolate_times(pairs: Singles, place: Singles, result: Singles) -> None:
    """Multiply `result` by value + place · step."""
    for j in range(place.size):
        result[j] *= pairs[2 * j] + place[j] * pairs[2 * j + 1]


@compiled
def interpolate_add(pairs: Singles, place: Singles, coefficient: np.float32, result: Singles) -> None:
    """Add coefficient · (value + place · step) to `result`."""
    for j in range(place.size):
        result[j] += coefficient * (pairs[2 * j] + place[j] * pairs[2 * j + 1])


@compiled
def accumulate(
    first: int,
    stop: int,
    block: int,
    seed: np.uint64,
    shared_draw: NDArray[np.uint64],
    shared_table: Integers,
    bundle_line: Integers,
    bundle_scale: Doubles,
    bundle_shared_start: Integers,
    bundle_shared: Integers,
    bundle_group_start: Integers,
    bundle_group: Integers,
    line_coefficient: Singles,
    line_start: Integers,
    line_draw: NDArray[np.uint64],
    line_table: Integers,
    tables: NDArray[np.uint64],
    totals: Doubles,
    origin: int,
) -> None:
    """Add the lines of a plan, for the samples `first` to `stop`, to ``totals[group, sample - origin]``.

    A bundle is a run of lines with the same shared variables and the same groups: their own parts are summed (float32,
    a few dozen at most), the sum is multiplied by the shared variables and added to the groups (float64). `block` is
    the number of samples worked on at once; it does not change any result.
    """
    words = np.empty(block, np.uint32)
    place = np.empty(block, np.float32)
    pair_words = np.empty(block, np.uint64)
    pairs = pair_words.view(np.float32)
    product = np.empty(block, np.float32)
    total = np.empty(block, np.float32)
    shared = np.empty((shared_draw.size, block), np.float32)
    for begin in range(first - first % BLOCK, stop, block):
        low, high = max(begin, first), min(begin + block, stop)
        for k in range(shared_draw.size):
            random_words(begin, shared_draw[k], seed, words)
            places(words, place)
            look_up(words, tables[shared_table[k]], pair_words)
            interpolate(pairs, place, shared[k])
        for b in range(bundle_scale.size):
            total[:] = np.float32(0)
            for line in range(bundle_line[b], bundle_line[b + 1]):
                coefficient = line_coefficient[line]
                start, end = line_start[line], line_start[line + 1]
                if start == end:
                    total += coefficient
                for k in range(start, end):
                    random_words(begin, line_draw[k], seed, words)
                    places(words, place)
                    look_up(words, tables[line_table[k]], pair_words)
                    if end - start == 1:
                        interpolate_add(pairs, place, coefficient, total)
                    elif k == start:
                        interpolate(pairs, place, product)
                    else:
                        interpolate_times(pairs, place, product)
                if end - start > 1:
                    total += coefficient * product
            for k in range(bundle_shared_start[b], bundle_shared_start[b + 1]):
                total *= shared[bundle_shared[k]]
            scale = bundle_scale[b]
            part = total[low - begin : high - begin]
            for k in range(bundle_group_start[b], bundle_group_start[b + 1]):
                group_total = totals[bundle_group[k], low - origin : high - origin]
                for j in range(part.size):
                    group_total[j] += scale * np.float64(part[j])
