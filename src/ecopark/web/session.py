"""The open workspace behind the pages: one lock, inventories kept until the record changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ecopark.translation import N_
from ecopark.web.security import Refusal
from ecopark.web.selection import Selection

if TYPE_CHECKING:
    from ecopark.accounting.result import Inventory
    from ecopark.workspace import Workspace

Value = TypeVar("Value")
KEPT = 64

EMPTY = N_("The record is empty: there is nothing to account for yet.")
EMPTY_REMEDY = N_("Fill in the template and import it on the page Reports & data, or with `ecopark import`.")


class EmptyRecord(Refusal):
    """There are no flows yet, so there is nothing to show."""

    def __init__(self) -> None:
        super().__init__(404, EMPTY, EMPTY_REMEDY)


class Session:
    """The workspace and what was computed from it.

    Pages are answered by several threads; one lock keeps a page from reading a record that an import is changing. What
    is kept is dropped as soon as the record has another version, whoever changed it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.lock = threading.RLock()
        self._kept: OrderedDict[tuple[object, ...], object] = OrderedDict()
        self._version: object = None

    @contextmanager
    def reading(self) -> Iterator[Workspace]:
        """Give the workspace with an up-to-date record, locked."""
        with self.lock:
            version = self.workspace.version
            if version != self._version:
                self._kept.clear()
                self._version = version
            yield self.workspace

    def kept(self, key: tuple[object, ...], compute: Callable[[Workspace], Value]) -> Value:
        """Return what `compute` gives for the record as it is now, computing it once."""
        with self.reading() as workspace:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]  # the key names its kind
            value = compute(workspace)
            self._kept[key] = value
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return value

    def inventory(self, selection: Selection) -> Inventory:
        """Return the inventory that a page's selectors ask for, or the stored one that they name."""
        if selection.run:
            return self.kept(("run", selection.run), lambda workspace: workspace.stored(selection.run))
        return self.kept(
            ("inventory", selection),
            lambda workspace: workspace.inventory(
                selection.year,
                selection.scheme,
                boundary=selection.boundary,
                scenario=selection.scenario,
                perspective="park",
                **dict(selection.options),
            ),
        )

    def years(self) -> list[int]:
        """Return the calendar years that have flows, oldest first."""
        return self.kept(("years",), lambda workspace: list(workspace.years))

    def latest_year(self) -> int:
        """Return the last year with flows; EmptyRecord where there is none."""
        years = self.years()
        if not years:
            raise EmptyRecord
        return years[-1]
