"""Read the catalogue's data files into frames."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

import polars as pl

from ecopark.catalogue.schemes import Scheme, load_schemes

DATA = Path(__file__).parent / "data"

FACTOR_SCHEMA: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "set": pl.String,
    "quantity": pl.String,
    "commodity": pl.String,
    "gas": pl.String,
    "technology": pl.String,
    "region": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "distribution": pl.String,
    "range_source": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "version": pl.String,
    "status": pl.String,
    "source": pl.String,
    "alternatives": pl.String,
    "note_zh": pl.String,
    "note_en": pl.String,
}


@dataclass(frozen=True)
class Catalogue:
    """Dated facts with their sources: commodities, factors, gases, regions, schemes.

    Frames have the columns of the CSV files in `catalogue/data`; `factors` has those of `FACTOR_SCHEMA`, with ranges
    borrowed from another set filled in and labelled in `range_source`. `overlaps` says which inputs the factor of a
    product already holds, so that counting both is warned of. `layers` are the views of flows by one property,
    `layer_rules` how an amount is brought to a layer, `dispositions` where a layer's amount goes by rule (the carbon of
    fuel that is burnt). `impact_categories` are the effects by which life-cycle burdens are counted, `characterisation`
    how much of an effect a unit of a substance has.
    """

    commodities: pl.DataFrame
    factors: pl.DataFrame
    sources: pl.DataFrame
    regions: pl.DataFrame
    activities: pl.DataFrame
    groups: pl.DataFrame
    gases: pl.DataFrame
    quantities: pl.DataFrame
    constants: pl.DataFrame
    derivations: pl.DataFrame
    technologies: pl.DataFrame
    overlaps: pl.DataFrame
    layers: pl.DataFrame
    layer_rules: pl.DataFrame
    dispositions: pl.DataFrame
    impact_categories: pl.DataFrame
    characterisation: pl.DataFrame
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    version: str = ""

    def scheme(self, identity: str) -> Scheme:
        """Return the accounting scheme called `identity`; KeyError names the known ones."""
        try:
            return self.schemes[identity]
        except KeyError:
            raise KeyError(f"unknown scheme {identity!r}; known: {', '.join(self.schemes)}") from None

    @cached_property
    def parent_commodity(self) -> dict[str, str]:
        """Commodity -> the commodity whose factors stand in where it has none of its own."""
        rows = self.commodities.filter(pl.col("parent").is_not_null())
        return dict(zip(rows["id"], rows["parent"], strict=True))

    @cached_property
    def parent_region(self) -> dict[str, str]:
        """Region -> the region around it."""
        rows = self.regions.filter(pl.col("parent").is_not_null())
        return dict(zip(rows["id"], rows["parent"], strict=True))

    @cached_property
    def constant_values(self) -> dict[str, tuple[float, str]]:
        """Symbol -> (value, unit) of the physical constants that formulas may use."""
        return {row["symbol"]: (row["value"], row["unit"]) for row in self.constants.iter_rows(named=True)}

    @cached_property
    def source_titles(self) -> dict[str, tuple[str, str]]:
        """Source id -> (Chinese title, English title)."""
        return {row["id"]: (row["title_zh"], row["title_en"]) for row in self.sources.iter_rows(named=True)}


def _read(path: Path, schema: Mapping[str, type[pl.DataType]] | None = None) -> pl.DataFrame:
    overrides = dict(schema) if schema else None
    frame = pl.read_csv(path, infer_schema=False, null_values=[""])
    if overrides is None:
        return frame
    missing = set(frame.columns) - set(overrides)
    if missing:
        raise ValueError(f"{path.name}: unknown columns {sorted(missing)}")
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in overrides if name not in frame.columns)
    casts = [
        pl.col(name).str.to_date("%Y-%m-%d") if kind is pl.Date else pl.col(name).cast(kind)
        for name, kind in overrides.items()
    ]
    return frame.select(casts)


def _read_all(pattern: str, schema: Mapping[str, type[pl.DataType]] | None = None) -> pl.DataFrame:
    files = sorted(DATA.glob(pattern))
    if not files:
        raise FileNotFoundError(f"the catalogue has no file {pattern}")
    return pl.concat([_read(path, schema) for path in files], how="diagonal")


def _borrow_ranges(factors: pl.DataFrame) -> pl.DataFrame:
    """Fill missing 95 % ranges with the relative range of another set's factor, and say so in `range_source`."""
    path = DATA / "borrowed_ranges.csv"
    if not path.exists():
        return factors
    lender = factors.select(
        pl.col("id").alias("from_factor"),
        (pl.col("low") / pl.col("value")).alias("relative_low"),
        (pl.col("high") / pl.col("value")).alias("relative_high"),
    )
    loans = _read(path).join(lender, on="from_factor", how="inner")
    joined = factors.join(loans, on=["set", "quantity", "commodity"], how="left", maintain_order="left")
    borrows = pl.col("low").is_null() & pl.col("value").is_not_null() & pl.col("relative_low").is_not_null()
    return joined.with_columns(
        pl.when(borrows).then(pl.col("value") * pl.col("relative_low")).otherwise("low").alias("low"),
        pl.when(borrows).then(pl.col("value") * pl.col("relative_high")).otherwise("high").alias("high"),
        pl.when(borrows)
        .then(pl.concat_str(pl.lit("borrowed:"), pl.col("from_factor")))
        .otherwise("range_source")
        .alias("range_source"),
    ).select(factors.columns)


def _constants() -> pl.DataFrame:
    """The constants with `value` computed from the quotient or number written in column `expression`."""
    frame = _read(DATA / "constants.csv")

    def value(expression: str) -> float:
        numerator, _, denominator = expression.partition("/")
        return float(numerator) / float(denominator or 1)

    return frame.with_columns(pl.col("expression").map_elements(value, return_dtype=pl.Float64).alias("value"))


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Return the catalogue that ships with ecopark (read once per process)."""
    digest = hashlib.sha256()
    for path in sorted(DATA.rglob("*")):
        if path.suffix in (".csv", ".toml"):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return Catalogue(
        commodities=_read_all("commodities/*.csv"),
        factors=_borrow_ranges(_read_all("factors/*.csv", FACTOR_SCHEMA)),
        sources=_read_all("sources*.csv"),
        regions=_read(DATA / "regions.csv"),
        activities=_read(DATA / "activities.csv"),
        groups=_read(DATA / "groups.csv"),
        gases=_read(DATA / "gases.csv"),
        quantities=_read(DATA / "quantities.csv"),
        constants=_constants(),
        derivations=_read(DATA / "derivations.csv"),
        technologies=_read(DATA / "technologies.csv"),
        overlaps=_read(DATA / "overlaps.csv"),
        layers=_read(DATA / "layers.csv"),
        layer_rules=_read(DATA / "layer_rules.csv"),
        dispositions=_read(DATA / "dispositions.csv"),
        impact_categories=_read(DATA / "impact_categories.csv"),
        characterisation=_read(DATA / "characterisation.csv").with_columns(pl.col("value").cast(pl.Float64)),
        schemes=MappingProxyType(load_schemes(DATA / "schemes")),
        version=digest.hexdigest()[:12],
    )
