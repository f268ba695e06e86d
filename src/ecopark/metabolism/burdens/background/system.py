"""A background system: processes that make products from one another, with elementary flows and their effects.

``A`` (products x processes) holds what a process makes (positive) and uses (negative), ``B`` (elementary flows x
processes) what it takes from and gives to nature, ``C`` (impact categories x elementary flows) the characterisation
factors. The burden of one unit of product p in category k is the k-th row of ``C B A^-1`` at p (Heijungs and Suh 2002,
The Computational Structure of Life Cycle Assessment): one factorisation of A and one transposed solve for each
category give it for all products.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sparse

from ecopark.accounting.result import Remark
from ecopark.metabolism.burdens.background.distributions import Distributions, Floats, Integers
from ecopark.metabolism.burdens.background.solving import Solver, Unsolvable
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

PRODUCT_SCHEMA: dict[str, type[pl.DataType]] = {
    "product": pl.String,
    "name": pl.String,
    "unit": pl.String,
    "location": pl.String,
    "process": pl.String,
}
"""Products in the order of the rows of A; `process` is the name of what makes it, `unit` null where it is not known."""
CATEGORY_SCHEMA: dict[str, type[pl.DataType]] = {"category": pl.String, "name": pl.String, "unit": pl.String}
INTENSITY_SCHEMA: dict[str, type[pl.DataType]] = {
    "product": pl.String,
    "category": pl.String,
    "value": pl.Float64,
    "sd": pl.Float64,
    "unit": pl.String,
}


@dataclass(frozen=True, eq=False)
class Exchanges:
    """Entries of a sparse matrix: `row`, `column`, `value` (with its sign) and `distributions` of n exchanges.

    Entries of one place add up. A draw of the distributions is multiplied by `sign`.
    """

    row: Integers
    column: Integers
    value: Floats
    sign: Floats
    distributions: Distributions

    @classmethod
    def of(cls, row: Sequence[int], column: Sequence[int], value: Sequence[float]) -> Exchanges:
        """Return entries that do not vary."""
        return cls(
            np.array(row, np.int64), np.array(column, np.int64), np.array(value, np.float64), np.ones(len(value)),
            Distributions.fixed(len(value)),
        )  # fmt: skip

    @cached_property
    def uncertain(self) -> bool:
        """Whether any entry varies."""
        return bool(self.distributions.drawn.any())

    @cached_property
    def _pattern(self) -> tuple[Integers, Integers, Integers]:
        """Return rows and columns of the distinct places, ordered by columns, and the place of each entry."""
        places, entry = np.unique(self.column * np.int64(2**31) + self.row, return_inverse=True)
        return places % 2**31, places // 2**31, entry

    def values(self, random: np.random.Generator | None = None) -> Floats:
        """Return the entries' values, drawn where `random` is given and something varies."""
        if random is None or not self.uncertain:
            return self.value
        return self.distributions.draw(self.value * self.sign, random) * self.sign

    def matrix(self, shape: tuple[int, int], values: Floats | None = None) -> Any:
        """Return the matrix (compressed by columns) of the stated values, or of those given in their place."""
        row, column, entry = self._pattern
        data = np.bincount(entry, self.value if values is None else values, minlength=len(row))
        starts = np.searchsorted(column, np.arange(shape[1] + 1))
        return sparse.csc_array((data, row, starts), shape=shape)


def background_problem(code: str, place: str, cause: str, remedy: str, **values: object) -> Problem:
    """Return a problem found in a background system."""
    return Problem(code, place, cause, remedy, dict(values))


@dataclass(frozen=True, eq=False)
class Background:
    """A background system of n products and processes, m elementary flows and k impact categories.

    `products` has `PRODUCT_SCHEMA` (row i is row i of A; column j of A is the process at j of `processes`; `maker` is
    the column of what makes each product), `elementary_flows` the columns flow, name, unit, `categories`
    `CATEGORY_SCHEMA`. `remarks` tell what was cut off or taken as fixed on reading.
    """

    name: str
    products: pl.DataFrame
    processes: Sequence[str]
    maker: Integers
    elementary_flows: pl.DataFrame
    categories: pl.DataFrame
    technosphere: Exchanges
    biosphere: Exchanges
    characterisation: Exchanges
    remarks: Sequence[Remark] = ()
    version: str = ""
    _cache: dict[str | tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if len(self.products) != len(self.processes):
            raise InputError([
                background_problem(
                    "background_not_square", self.name,
                    N_("The system has {products} products but {processes} processes, so that no product can be "
                       "computed."),
                    N_("Export it so that every process makes one product and every product is made by one process."),
                    products=len(self.products), processes=len(self.processes),
                )
            ])  # fmt: skip

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of products, elementary flows and impact categories."""
        return len(self.products), len(self.elementary_flows), len(self.categories)

    @property
    def uncertain(self) -> bool:
        """Whether any exchange varies."""
        return self.technosphere.uncertain or self.biosphere.uncertain or self.characterisation.uncertain

    @cached_property
    def _index(self) -> dict[str, int]:
        return {product: number for number, product in enumerate(self.products["product"])}

    def _matrices(self, random: np.random.Generator | None = None) -> tuple[Any, Floats]:
        """Return A and the effects of one run of each process, ``C B`` (k x n, dense)."""
        n, m, k = self.shape
        a = self.technosphere.matrix((n, n), self.technosphere.values(random))
        emitted = self.biosphere.values(random)
        weights = self.characterisation.matrix((k, m), self.characterisation.values(random)).toarray()
        effects = np.empty((k, n))
        for category in range(k):
            worth = weights[category][self.biosphere.row]
            effects[category] = np.bincount(self.biosphere.column, emitted * worth, minlength=n)
        return a, effects

    def _solved(self) -> tuple[Solver, Floats, Floats]:
        """Return the solver, the effects of one run (k x n) and the burdens of one unit (k x n), worked out once."""
        if "solver" not in self._cache:
            a, direct = self._matrices()
            solver = _solver_of(a, self)
            try:
                burdens = solver.burdens(np.ascontiguousarray(direct.T)).T
            except Unsolvable as error:
                raise InputError([_singular(error, self)]) from None
            self._cache.update(solver=solver, direct=direct, burdens=np.ascontiguousarray(burdens))
        return self._cache["solver"], self._cache["direct"], self._cache["burdens"]

    def positions(self, products: Sequence[str]) -> Integers:
        """Return the rows of products; InputError names all that are not known, with the nearest that are."""
        problems = [self.unknown_product(product, "") for product in products if product not in self._index]
        if problems:
            raise InputError(problems)
        return np.array([self._index[product] for product in products], np.int64)

    def unknown_product(self, product: str, place: str) -> Problem:
        """Return the problem of a product that is not there, with near misses by id or name."""
        return background_problem(
            "background_product", place,
            N_("The background system “{system}” has no product “{product}”."),
            N_("Nearest: {near}."),
            system=self.name, product=product, near="; ".join(self.nearest(product)) or "-",
        )  # fmt: skip

    def nearest(self, text: str, number: int = 3) -> list[str]:
        """Return products whose id or name is most like `text`, as "id (name)"."""
        names = dict(zip(self.products["product"], self.products["name"].fill_null(""), strict=True))
        folded = text.casefold()
        spelled = {name.casefold(): product for product, name in names.items() if name}
        spelled |= {product.casefold(): product for product in names}
        inside = [product for name, product in spelled.items() if folded and folded in name]
        close = [spelled[name] for name in difflib.get_close_matches(folded, list(spelled), n=number, cutoff=0.5)]
        found = list(dict.fromkeys([*close, *inside]))[:number]
        return [f"{product} ({names[product]})" if names[product] else product for product in found]

    def unit_of(self, product: str) -> str:
        """Return the unit of a product, empty where the system does not state it."""
        return self.products["unit"][int(self.positions([product])[0])] or ""

    def produced(self, product: str) -> float:
        """Return what the process of a product makes of it in one run: negative where a waste is taken in."""
        position = int(self.positions([product])[0])
        entries = self.technosphere
        made = (entries.row == position) & (entries.column == self.maker[position])
        return float(entries.value[made].sum())

    def intensity(self, products: Sequence[str] | None = None, *, samples: int = 0, seed: int = 1) -> pl.DataFrame:
        """Return the burden of one unit of products in every impact category (`INTENSITY_SCHEMA`).

        ``C B A^-1 e_p``; `sd` is the standard deviation over `samples` draws, null where none are asked or nothing
        varies. All products where `products` is None. InputError names unknown products and a singular system.
        """
        wanted = self.products["product"].to_list() if products is None else list(products)
        columns = self.positions(wanted)
        values = self._solved()[2][:, columns]
        deviations: Floats | None = None
        if samples > 1 and self.uncertain:
            deviations = self.sample(wanted, samples, seed).std(axis=0, ddof=1)
        categories, units = self.categories["category"].to_list(), self.categories["unit"].to_list()
        return pl.DataFrame(
            {
                "product": np.repeat(np.array(wanted, dtype=object), len(categories)).tolist(),
                "category": categories * len(wanted),
                "value": values.T.ravel(),
                "sd": deviations.T.ravel() if deviations is not None else [None] * (len(wanted) * len(categories)),
                "unit": units * len(wanted),
            },
            schema=INTENSITY_SCHEMA,
        )

    def contributions(self, product: str, category: str, number: int = 10) -> pl.DataFrame:
        """Return the processes whose direct effects make up the burden of one unit: process, value, share.

        The runs ``s = A^-1 e_p`` times the effect of each run; largest first, the rest as process "…"; they add up
        to the intensity.
        """
        solver, direct, _ = self._solved()
        if ("runs", product) not in self._cache:
            demand = np.zeros(len(self.products))
            demand[self.positions([product])[0]] = 1.0
            self._cache["runs", product] = solver.runs(demand)
        runs = self._cache["runs", product]
        row = self.categories["category"].to_list().index(category)
        effects = direct[row] * runs
        order = np.argsort(-np.abs(effects))
        total = float(effects.sum())
        names = [self.processes[i] for i in order[:number]]
        values = [float(effects[i]) for i in order[:number]]
        rest = float(effects[order[number:]].sum())
        return pl.DataFrame(
            {
                "process": [*names, "…"],
                "value": [*values, rest],
                "share": [value / total if total else None for value in (*values, rest)],
            },
            schema={"process": pl.String, "value": pl.Float64, "share": pl.Float64},
        )

    def sample(self, products: Sequence[str], samples: int, seed: int = 1) -> Floats:
        """Return draws of the intensities of products: samples x k x len(products).

        Each draw is solved from the factorisation of the base system by refinement to 1e-10 of the right side; where
        that does not converge the drawn system is factorised itself.
        """
        solver, _, burdens = self._solved()
        columns = self.positions(products)
        random = np.random.default_rng(seed)
        draws = np.empty((samples, len(self.categories), len(columns)))
        for number in range(samples):
            a, direct = self._matrices(random)
            draws[number] = _refine(solver, a, np.ascontiguousarray(direct.T), burdens.T, self)[columns].T
        return draws


def _solver_of(a: Any, system: Background) -> Solver:
    try:
        return Solver(a, system.maker)
    except Unsolvable as error:
        raise InputError([_singular(error, system)]) from None


def _singular(error: Unsolvable, system: Background) -> Problem:
    names = system.products[error.products].select(pl.coalesce("name", "product")).to_series()
    return background_problem(
        "background_singular", system.name,
        N_("The background system “{system}” cannot be solved: some products need more of themselves than they "
           "yield, or are made by no process: {products}."),
        N_("Check the system in the program it comes from; every product needs a process whose own use of it is less "
           "than what it makes."),
        system=system.name, products=", ".join(names.head(10)) or "-",
    )  # fmt: skip


def _refine(solver: Solver, a: Any, right: Floats, start: Floats, system: Background) -> Floats:
    """Solve ``A^T y = right`` from the solution of a nearby A, to a residual of 1e-10 of the right side.

    Cheap steps first (each process's own output alone), by the base system's solver where those shrink the residual
    too slowly, and by factorising A itself where that does too.
    """
    transposed = a.T
    made = np.asarray(a[np.arange(len(system.maker)), system.maker]).ravel()[:, None]
    solution = start.copy()
    scale = float(np.abs(right).max()) or 1.0
    before, cheap = np.inf, solver.paired and bool(made.all())
    for _ in range(120):
        residual = right - transposed @ solution
        size = float(np.abs(residual).max()) / scale
        if size < 1e-10:
            return solution
        if not size < (0.7 if cheap else 0.9) * before:
            if not cheap:
                break
            cheap = False
        before = size
        solution = solution + (residual[system.maker] / made if cheap else solver.burdens(residual))
    try:
        return _solver_of(a, system).burdens(right)
    except Unsolvable as error:
        raise InputError([_singular(error, system)]) from None
