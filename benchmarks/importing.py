"""Import of a workbook with 100,000 flows: read, checked against the record, previewed and applied in one transaction.

The peer is pandas reading the same sheet (with calamine, its fastest reader), which checks and stores nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import machine, measure


def prepare(workbook: str, flows: int) -> int:
    """Write the workbook of a synthetic park through the product's own template writer; return its size in bytes."""
    from big_park import big_park

    from ecopark.catalogue import load_catalogue
    from ecopark.storage.workbook_template import write_template

    write_template(workbook, load_catalogue(), big_park(flows))
    return Path(workbook).stat().st_size


def import_workbook(folder: str, workbook: str) -> dict[str, Any]:
    """Import the workbook into a new workspace, then take it back; return the seconds of each step."""
    from ecopark.catalogue import load_catalogue
    from ecopark.storage.importing import preview_import
    from ecopark.storage.store import Store

    with Store.create(folder) as store:
        start = time.perf_counter()
        preview = preview_import(store, workbook, load_catalogue())
        previewed = time.perf_counter()
        preview.apply(store)
        applied = time.perf_counter()
        flows = store.record().flows.height
        read = time.perf_counter()
        store.undo()
        undone = time.perf_counter()
        return {
            "preview": previewed - start, "apply": applied - previewed, "undo": undone - read, "flows": flows,
            "left": store.record().flows.height, "errors": len(preview.errors),
        }  # fmt: skip


def pandas_read(workbook: str) -> float:
    """Read the sheet of flows with pandas; return the seconds."""
    import pandas as pd

    start = time.perf_counter()
    frame = pd.read_excel(workbook, sheet_name="flows", engine="calamine", header=0)
    assert len(frame)
    return time.perf_counter() - start


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=100_000)
    flows = parser.parse_args().flows
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        workbook = str(Path(folder) / "park.xlsx")
        size = measure(__file__, "prepare", workbook=workbook, flows=flows)
        print(f"wrote {size.result / 1e6:.1f} MB in {size.seconds:.1f} s")
        ours = measure(__file__, "import_workbook", folder=str(Path(folder) / "park"), workbook=workbook)
        result = ours.result
        whole = result["preview"] + result["apply"]
        print(f"imported {result['flows']:,} flows with {result['errors']} errors in {whole:.1f} s "
              f"(read, checked and compared {result['preview']:.1f} s, applied {result['apply']:.1f} s)")  # fmt: skip
        print(
            f"taken back in {result['undo']:.1f} s, {result['left']} flows left; peak memory {ours.peak_mib:,.0f} MiB"
        )
        peer = measure(__file__, "pandas_read", workbook=workbook).result
        print(f"pandas, reading the sheet only: {peer:.1f} s; ratio {whole / peer:.1f}")


if __name__ == "__main__":
    main()
