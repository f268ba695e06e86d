"""Uncertain exchanges of a background system: their distributions and draws from them.

The codes are those that life-cycle databases use: 0 and 1 a fixed value, 2 lognormal (`loc` and `scale` are mean and
standard deviation of the logarithm), 3 normal, 4 uniform, 5 triangular (`loc` is the mode).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

FIXED, LOGNORMAL, NORMAL, UNIFORM, TRIANGULAR = 1, 2, 3, 4, 5
DRAWN = (LOGNORMAL, NORMAL, UNIFORM, TRIANGULAR)
"""Distributions that are drawn; an exchange with any other keeps its value."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Distributions:
    """Distributions of n exchanges, as arrays of length n; `kind` holds the codes above."""

    kind: npt.NDArray[np.uint8]
    loc: Floats
    scale: Floats
    minimum: Floats
    maximum: Floats
    negative: npt.NDArray[np.bool_]

    @classmethod
    def fixed(cls, number: int) -> Distributions:
        """Return distributions of `number` exchanges that do not vary."""
        nothing = np.full(number, np.nan)
        return cls(
            np.full(number, FIXED, np.uint8), nothing, nothing, nothing, nothing, np.zeros(number, bool)
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def drawn(self) -> npt.NDArray[np.bool_]:
        """Which exchanges vary."""
        return np.isin(self.kind, DRAWN)

    def __getitem__(self, chosen: Integers | npt.NDArray[np.bool_]) -> Distributions:
        return Distributions(
            self.kind[chosen], self.loc[chosen], self.scale[chosen], self.minimum[chosen], self.maximum[chosen],
            self.negative[chosen],
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: list[Distributions]) -> Distributions:
        """Return several in a row as one."""
        return cls(
            np.concatenate([part.kind for part in parts]), np.concatenate([part.loc for part in parts]),
            np.concatenate([part.scale for part in parts]), np.concatenate([part.minimum for part in parts]),
            np.concatenate([part.maximum for part in parts]), np.concatenate([part.negative for part in parts]),
        )  # fmt: skip

    def draw(self, values: Floats, random: np.random.Generator) -> Floats:
        """Return one draw of every exchange; those that do not vary keep their `values`.

        A lognormal or normal value outside stated bounds is drawn again (up to 50 times, then set to the bound).
        """
        drawn = values.copy()
        for kind, where in self._where.items():
            drawn[where] = self._draw(kind, where, random)
        drawn[self._turned] *= -1
        return drawn

    @cached_property
    def _where(self) -> dict[int, Integers]:
        """The exchanges of each distribution that occurs."""
        found = {kind: np.flatnonzero(self.kind == kind) for kind in DRAWN}
        return {kind: where for kind, where in found.items() if len(where)}

    @cached_property
    def _turned(self) -> Integers:
        return np.flatnonzero(self.negative & (self.kind == LOGNORMAL))

    def _draw(self, kind: int, where: Integers, random: np.random.Generator) -> Floats:
        loc, scale, low, high = self.loc[where], self.scale[where], self.minimum[where], self.maximum[where]
        if kind == UNIFORM:
            return random.uniform(low, high)
        if kind == TRIANGULAR:
            # a triangle without width is its mode, which the generator refuses
            flat = ~(high > low)
            return np.where(flat, loc, random.triangular(low, loc, np.where(flat, np.maximum(loc, low) + 1.0, high)))

        def once(chosen: Integers) -> Floats:
            normal = loc[chosen] + scale[chosen] * random.standard_normal(len(chosen))
            return np.exp(normal) if kind == LOGNORMAL else normal

        values = once(np.arange(len(where)))
        bounded = np.isfinite(low) | np.isfinite(high)
        if bounded.any():
            least, most = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
            for _ in range(50):
                (again,) = np.nonzero((values < least) | (values > most))
                if not len(again):
                    break
                values[again] = once(again)
            values = np.clip(values, least, most)
        return values
