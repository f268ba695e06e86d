"""Write the workbook of every example from its folder, the reviewable source, by the product's own template writer.

Run as ``python examples/build.py [FOLDER ...]``; without folders, for all examples. A folder is first brought into the
form in which the product writes it (column order, defaults, `datapackage.json`), so that an export changes nothing.
A workbook that already holds its folder's record is left alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import polars as pl

from ecopark.catalogue import load_catalogue
from ecopark.model.record import Record
from ecopark.storage.folder import read_record, write_folder
from ecopark.storage.importing import preview_import
from ecopark.storage.store import Store
from ecopark.storage.workbook_template import write_template

EXAMPLES = Path(__file__).parent


def folders() -> list[Path]:
    """The folders of all examples, those with a sheet of nodes."""
    return sorted(path.parent for path in EXAMPLES.rglob("nodes.csv"))


def workbook_of(folder: Path) -> Path:
    """The workbook that belongs to an example's folder."""
    return folder / f"{folder.name}.xlsx"


def title_of(record: Record) -> str:
    """The name of the record's park in both languages."""
    zh, en = record.nodes.filter(pl.col("kind") == "park").select("name_zh", "name_en").row(0)
    return f"{zh} {en}"


def differences(folder: Path, workbook: Path) -> list[str]:
    """What importing the workbook after the folder would find other than "the same", as lines of text.

    Both go through the product's import; rows that only the folder has are told too.
    """
    catalogue = load_catalogue()
    with tempfile.TemporaryDirectory() as scratch, Store.create(scratch) as store:
        preview_import(store, folder, catalogue).apply(store)
        preview = preview_import(store, workbook, catalogue)
        found = [problem.line("en") for problem in preview.errors]
        for name, frame in store.record().tables.items():
            rows = preview.counts.get(name, {})
            found += [f"{name}: {count} {status}" for status, count in rows.items() if count and status != "same"]
            if rows.get("same", 0) != frame.height:
                found.append(f"{name}: {rows.get('same', 0)} of {frame.height} rows in the workbook")
    return found


def build(folder: Path) -> bool:
    """Bring a folder into form and write its workbook; whether the workbook had to be written."""
    record = read_record(folder)
    write_folder(record, folder, name="-".join(folder.relative_to(EXAMPLES).parts), title=title_of(record))
    workbook = workbook_of(folder)
    if workbook.exists() and not differences(folder, workbook):
        return False
    write_template(workbook, load_catalogue(), record)
    return True


if __name__ == "__main__":
    for path in [Path(argument).resolve() for argument in sys.argv[1:]] or folders():
        print(f"{workbook_of(path).relative_to(EXAMPLES)}: {'written' if build(path) else 'as it was'}")
