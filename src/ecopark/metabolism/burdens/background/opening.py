"""Open the life-cycle database that a user names, whichever of the known kinds it is."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from ecopark.accounting.inventory import all_commodities
from ecopark.catalogue import Catalogue
from ecopark.metabolism.burdens.background.brightway import read_brightway
from ecopark.metabolism.burdens.background.mapping import Mapped, read_mapping
from ecopark.metabolism.burdens.background.openlca import read_openlca
from ecopark.metabolism.burdens.background.packages import Package
from ecopark.metabolism.burdens.background.system import Background, background_problem
from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.translation import N_


def open_background(path: str | Path) -> Background:
    """Return the background system at `path`: a Brightway matrix package or openLCA JSON-LD, a folder or a zip.

    InputError where it is neither, or cannot be read.
    """
    names = {PurePosixPath(name).name for name in Package.open(path).names}
    return read_brightway(path) if "datapackage.json" in names else read_openlca(path)


def background_for(
    path: str | Path | None, mapping: str | Path | None, record: Record, catalogue: Catalogue
) -> Mapped | None:
    """Return the background with the park's mapping to it, None where no background is named.

    InputError where only one of the two is given, and for all that is wrong in them.
    """
    if path is None and mapping is None:
        return None
    if path is None or mapping is None:
        raise InputError([
            background_problem(
                "background_pair", str(path or mapping),
                N_("A life-cycle database and the file that maps commodities to it belong together."),
                N_("Give both: the database and a CSV with the columns commodity, product, unit, factor, note."),
            )
        ])  # fmt: skip
    units = dict(all_commodities(record, catalogue).select("id", "unit").iter_rows())
    categories = dict(catalogue.impact_categories.select("id", "unit").iter_rows())
    return read_mapping(mapping, open_background(path), units, categories)


def file_state(path: str | Path) -> str:
    """Return a hash of a file, or of all files of a folder with their names; that of nothing where there is none."""
    digest = hashlib.sha256()
    place = Path(path)
    for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if file.is_file():
            digest.update(file.relative_to(place).as_posix().encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
