"""Read a Brightway matrix package: a data package of numpy arrays for the matrices of a life-cycle system.

A folder or zip with ``datapackage.json`` and, for every resource group, arrays ``indices`` (row and column ids),
``data``, ``flip`` (entries whose sign turns: the inputs) and ``distributions``. Groups named for
``technosphere_matrix``, ``biosphere_matrix`` and ``characterization_matrix`` make A, B and C; each characterisation
method (its `identifier`, else the group) is one impact category. Entries of one place inside a group add up; a later
group replaces an earlier one there, unless the package says that they add up (``sum_inter_duplicates``).

Only numpy is needed. Names and units come from metadata tables of the package (a CSV with a column id) where it has
them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ecopark.accounting.result import Remark
from ecopark.metabolism.burdens.background.distributions import DRAWN, FIXED, Distributions, Floats, Integers
from ecopark.metabolism.burdens.background.packages import Package
from ecopark.metabolism.burdens.background.system import (
    CATEGORY_SCHEMA,
    PRODUCT_SCHEMA,
    Background,
    Exchanges,
    background_problem,
)
from ecopark.model.problems import InputError, Problem
from ecopark.translation import N_

TECHNOSPHERE, BIOSPHERE, CHARACTERISATION = "technosphere_matrix", "biosphere_matrix", "characterization_matrix"
MATRICES = (TECHNOSPHERE, BIOSPHERE, CHARACTERISATION)


@dataclass(frozen=True, eq=False)
class Group:
    """One resource group: ids of rows and columns, values with their sign turned, and how they vary."""

    name: str
    matrix: str
    category: str
    unit: str
    row: Integers
    column: Integers
    value: Floats
    sign: Floats
    distributions: Distributions
    adds: bool


def read_brightway(
    paths: str | Path | Sequence[str | Path], *, name: str = "", labels: str | Path | None = None
) -> Background:
    """Return the background system of one or several packages (a database and its methods).

    `labels` is a CSV with columns id, name, unit, location that names products and flows where the packages do not.
    Arrays of several columns (presamples) are read by their first column. InputError tells everything that is wrong:
    missing files, arrays of unequal length, a system that is not square, no characterisation.
    """
    places = [paths] if isinstance(paths, str | Path) else list(paths)
    groups: list[Group] = []
    problems: list[Problem] = []
    titles: dict[int, dict[str, str]] = {}
    stated: list[str] = []
    for place in places:
        package = Package.open(place)
        found, title = _read_package(package, problems, titles)
        groups += found
        stated.append(title)
    if labels is not None:
        titles |= _titles(pl.read_csv(labels, infer_schema=False), str(labels), problems)
    for matrix in MATRICES:
        if not any(group.matrix == matrix and len(group.row) for group in groups):
            problems.append(
                background_problem(
                    "background_matrix", ", ".join(Path(place).name for place in places),
                    N_("The package holds no {matrix}."),
                    N_("Give the packages of the database and of the impact methods together."), matrix=matrix,
                )
            )  # fmt: skip
    if problems:
        raise InputError(problems)
    return _assemble(groups, titles, name or " + ".join(dict.fromkeys(stated)))


def _read_package(
    package: Package, problems: list[Problem], titles: dict[int, dict[str, str]]
) -> tuple[list[Group], str]:
    try:
        description = json.loads(package.read("datapackage.json"))
    except (KeyError, ValueError):
        raise InputError([
            background_problem(
                "background_description", str(package.path),
                N_("There is no readable datapackage.json, which names the arrays of the matrices."),
                N_("Give the folder or the .zip file as the program exported it."),
            )
        ]) from None  # fmt: skip
    resources: dict[str, dict[str, Mapping[str, Any]]] = {}
    for resource in description.get("resources", []):
        if resource.get("matrix") in MATRICES:
            resources.setdefault(resource["group"], {})[resource["kind"]] = resource
        elif resource.get("mediatype") == "text/csv" and resource.get("path") in package.names:
            frame = pl.read_csv(package.read(resource["path"]), infer_schema=False)
            if "id" in frame.columns:
                titles.update(_titles(frame, resource["path"], problems))
    found = [
        group
        for label, kinds in resources.items()
        if (group := _read_group(package, label, kinds, bool(description.get("sum_inter_duplicates")), problems))
    ]
    return found, description.get("name") or package.path.stem


def _titles(frame: pl.DataFrame, place: str, problems: list[Problem]) -> dict[int, dict[str, str]]:
    titles: dict[int, dict[str, str]] = {}
    for line, row in enumerate(frame.iter_rows(named=True), 2):
        try:
            number = int(row["id"])
        except (TypeError, ValueError, KeyError):
            problems.append(
                background_problem(
                    "background_label", f"{place} line {line}", N_("“{found}” is no id of a matrix package."),
                    N_("Write the whole number that the matrices use."), found=row.get("id") or "",
                )
            )  # fmt: skip
            continue
        titles[number] = {key: str(value) for key, value in row.items() if value is not None and key != "id"}
    return titles


def _read_group(
    package: Package, label: str, kinds: Mapping[str, Mapping[str, Any]], adds: bool, problems: list[Problem]
) -> Group | None:
    arrays: dict[str, Any] = {}
    for kind in ("indices", "data", "flip", "distributions"):
        resource = kinds.get(kind)
        if resource is None:
            continue
        try:
            arrays[kind] = np.load(io.BytesIO(package.read(resource["path"])), allow_pickle=False)
        except (KeyError, ValueError, EOFError, OSError):
            problems.append(
                background_problem(
                    "background_array", f"{package.path.name}: {resource.get('path', '')}",
                    N_("The array “{kind}” of “{group}” is missing or is no numpy array."),
                    N_("Export the package again, with arrays in numpy's format."), kind=kind, group=label,
                )
            )  # fmt: skip
    if "indices" not in arrays or not {"data", "distributions"} & set(arrays):
        if "indices" not in kinds or not {"data", "distributions"} & set(kinds):
            problems.append(
                background_problem(
                    "background_group", f"{package.path.name}: {label}",
                    N_("“{group}” lacks its indices or its data."),
                    N_("Export the package again, with arrays in numpy's format."), group=label,
                )
            )  # fmt: skip
        return None
    indices = arrays["indices"]
    number = len(indices)
    drawn = arrays.get("distributions")
    data = arrays.get("data")
    values = _median(drawn) if data is None else np.asarray(data, np.float64)
    values = values[:, 0] if values.ndim == 2 else values
    flip = np.asarray(arrays.get("flip", np.zeros(number, bool)), bool)
    lengths = {len(values), len(flip), number if drawn is None else len(drawn)}
    if lengths != {number}:
        problems.append(
            background_problem(
                "background_length", f"{package.path.name}: {label}",
                N_("The arrays of “{group}” are of unequal length ({lengths})."),
                N_("Export the package again; rows must not be taken out of one array alone."),
                group=label, lengths=", ".join(str(each) for each in sorted({*lengths, number})),
            )
        )  # fmt: skip
        return None
    first = next(iter(kinds.values()))
    keep = np.isfinite(values)
    if (world := first.get("global_index")) is not None and first["matrix"] == CHARACTERISATION:
        keep &= indices["col"] == world
    identifier = next((each["identifier"] for each in kinds.values() if each.get("identifier")), None)
    category = " | ".join(identifier) if isinstance(identifier, list | tuple) else str(identifier or label)
    distributions = Distributions.fixed(number) if drawn is None else _distributions(drawn)
    sign = np.where(flip, -1.0, 1.0)
    return Group(
        label, first["matrix"], category, str(first.get("unit") or ""),
        indices["row"].astype(np.int64)[keep], indices["col"].astype(np.int64)[keep], (values * sign)[keep],
        sign[keep], distributions[keep], adds,
    )  # fmt: skip


def _distributions(drawn: Any) -> Distributions:
    """Bring the rows of a distributions array to ours; kinds that are not drawn stay as they are, to be told."""
    kind = drawn["uncertainty_type"].astype(np.uint8)
    return Distributions(
        np.where(kind == 0, FIXED, kind).astype(np.uint8),
        drawn["loc"].astype(np.float64),
        drawn["scale"].astype(np.float64),
        drawn["minimum"].astype(np.float64),
        drawn["maximum"].astype(np.float64),
        drawn["negative"].astype(bool),
    )


def _median(drawn: Any) -> Floats:
    """Return the middle values of distributions, where a group has no data of its own."""
    log = drawn["uncertainty_type"] == 2
    values = np.where(log, np.exp(np.where(log, drawn["loc"], 0.0)), drawn["loc"]).astype(np.float64)
    values = np.where(log & drawn["negative"], -values, values)
    flat = drawn["uncertainty_type"] == 4
    middle: Floats = np.where(flat, (drawn["minimum"] + drawn["maximum"]) / 2, values)
    return middle


def _joined(groups: Sequence[Group]) -> Exchanges:
    """Join groups whose rows and columns are positions already: later ones replace earlier ones in the same place."""
    parts: list[tuple[Integers, Integers, Floats, Floats, Distributions]] = []
    for group in groups:
        if parts and not group.adds:
            places = _places(group.row, group.column)
            parts = [
                (row[keep], column[keep], value[keep], sign[keep], distributions[keep])
                for row, column, value, sign, distributions in parts
                for keep in (~np.isin(_places(row, column), places),)
            ]
        parts.append((group.row, group.column, group.value, group.sign, group.distributions))
    return Exchanges(
        np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]), np.concatenate([part[3] for part in parts]),
        Distributions.joined([part[4] for part in parts]),
    )  # fmt: skip


def _places(row: Integers, column: Integers) -> Integers:
    return row * np.int64(2**31) + column


def _placed(group: Group, rows: Integers, columns: Integers) -> Group:
    """Return the group with ids turned into positions in the sorted `rows` and `columns`; others are left out."""
    keep = np.isin(group.row, rows) & np.isin(group.column, columns)
    return Group(
        group.name, group.matrix, group.category, group.unit, np.searchsorted(rows, group.row[keep]),
        np.searchsorted(columns, group.column[keep]), group.value[keep], group.sign[keep], group.distributions[keep],
        group.adds,
    )  # fmt: skip


def _assemble(groups: Sequence[Group], titles: Mapping[int, Mapping[str, str]], name: str) -> Background:
    def text(identity: int, field: str) -> str | None:
        return titles.get(identity, {}).get(field)

    of = {matrix: [group for group in groups if group.matrix == matrix] for matrix in MATRICES}
    products = np.unique(np.concatenate([group.row for group in of[TECHNOSPHERE]]))
    processes = np.unique(np.concatenate([group.column for group in of[TECHNOSPHERE]]))
    flows = np.unique(np.concatenate([group.row for group in of[BIOSPHERE]]))
    categories = list(dict.fromkeys(group.category for group in of[CHARACTERISATION]))
    technosphere = _joined([_placed(group, products, processes) for group in of[TECHNOSPHERE]])
    characterised = []
    for group in of[CHARACTERISATION]:
        # the matrix of one method is diagonal: only its rows, the flows, say where a factor stands
        place = _placed(group, flows, np.unique(group.column))
        row = np.full(len(place.row), categories.index(group.category), np.int64)
        characterised.append(
            Group(group.name, group.matrix, group.category, group.unit, row, place.row, place.value, place.sign,
                  place.distributions, group.adds)
        )  # fmt: skip
    fixed = sum(
        int((~np.isin(group.distributions.kind, (FIXED, *DRAWN))).sum()) for group in groups
    )  # fmt: skip
    remarks = [
        Remark(
            "background_distribution",
            N_("{number} exchanges have a distribution that is not drawn here; they keep their value."),
            {"number": fixed}, "warning",
        )
    ] if fixed else []  # fmt: skip
    maker = _makers(technosphere, products, processes)
    process_names = [text(p, "name") or str(p) for p in processes.tolist()]

    return Background(
        name=name,
        products=pl.DataFrame(
            [
                (str(p), text(p, "name"), text(p, "unit"), text(p, "location"), process_names[maker[i]])
                for i, p in enumerate(products.tolist())
            ],
            schema=PRODUCT_SCHEMA, orient="row",
        ),
        processes=process_names,
        maker=maker,
        elementary_flows=pl.DataFrame(
            [(str(f), text(f, "name"), text(f, "unit")) for f in flows.tolist()],
            schema={"flow": pl.String, "name": pl.String, "unit": pl.String}, orient="row",
        ),
        categories=pl.DataFrame(
            [
                (c, c, next((g.unit for g in of[CHARACTERISATION] if g.category == c and g.unit), None))
                for c in categories
            ],
            schema=CATEGORY_SCHEMA, orient="row",
        ),
        technosphere=technosphere,
        biosphere=_joined([_placed(group, flows, processes) for group in of[BIOSPHERE]]),
        characterisation=_joined(characterised),
        remarks=remarks,
    )  # fmt: skip


def _makers(technosphere: Exchanges, products: Integers, processes: Integers) -> Integers:
    """Return for each product the column of what makes it: that of its own id, else of its largest entry."""
    maker = np.zeros(len(products), np.int64)
    # in rising order the largest entry of each row is written last
    order = np.argsort(technosphere.value)
    maker[technosphere.row[order]] = technosphere.column[order]
    same = np.isin(products, processes)
    maker[same] = np.searchsorted(processes, products[same])
    return maker
