"""What a page of Metabolism shows beside year and boundary: layer, level, month, raw or reconciled, smallest share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
from starlette.requests import Request

from ecopark.metabolism.pictures.sankey import SMALLEST_SHARE
from ecopark.metabolism.pictures.views import LEVELS, edge_frame, unmeasured_edges
from ecopark.translation import N_
from ecopark.web.security import Refusal
from ecopark.web.selection import UNKNOWN, UNKNOWN_REMEDY, known
from ecopark.web.tables import Cell
from ecopark.web.visit import Choice, Visit, shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecopark.metabolism.balances.balances import Balances
    from ecopark.metabolism.flows import LayeredFlows, Level
    from ecopark.metabolism.result import Result
    from ecopark.workspace import Workspace

Value = TypeVar("Value")

FIRST_LAYER = "mass"
LEVEL_NAMES: Mapping[str, str] = {
    "zone": N_("zones"),
    "firm": N_("firms"),
    "process": N_("processes"),
    "node": N_("nodes"),
}
SHARES = ("0", "0.0005", "0.002", "0.01", "0.03")
RAW, RECONCILED = "raw", "reconciled"


@dataclass(frozen=True)
class Look:
    """A visit of Metabolism with what its address chooses; everything that is not there is refused with what is."""

    visit: Visit
    month: int | None
    values: str
    share: float

    @classmethod
    def of(cls, request: Request) -> Look:
        """Read the address; Refusal for anything unknown."""
        visit = Visit.of(request)
        query = request.query_params
        month = query.get("month", "")
        if month:
            known("month", month, [str(number) for number in range(1, 13)])
        values = known("values", query.get("values", "") or RAW, [RAW, RECONCILED])
        look = cls(visit, int(month) if month else None, values, _share(query.get("share", "")))
        look.visit.request.state.shell = shell(request, visit.selection) | {"query": look.query}
        return look

    @property
    def request(self) -> Request:
        """The request."""
        return self.visit.request

    @property
    def year(self) -> int:
        """The selected year."""
        return self.visit.selection.year

    @property
    def period(self) -> str:
        """The period in words: the year, or the month as 2022-03."""
        return str(self.year) if self.month is None else f"{self.year}-{self.month:02d}"

    @property
    def of_period(self) -> dict[str, Any]:
        """The arguments by which the engines are asked: month, boundary, scenario."""
        chosen = self.visit.selection
        return {"month": self.month, "boundary": chosen.boundary, "scenario": chosen.scenario}

    @property
    def of_year(self) -> dict[str, Any]:
        """The same for engines that look at whole years: boundary, scenario."""
        return {name: value for name, value in self.of_period.items() if name != "month"}

    def kept(self, name: str, compute: Callable[[Workspace], Value], *more: object) -> Value:
        """Return what `compute` gives for this year, month, boundary and scenario, computed once for a record."""
        chosen = self.visit.selection
        key = ("metabolism", name, chosen.year, self.month, chosen.boundary, chosen.scenario, *more)
        return self.visit.session.kept(key, compute)

    @cached_property
    def balances(self) -> Balances:
        """The balances of every node and layer."""
        return self.kept("balance", lambda workspace: workspace.balance(self.year, **self.of_period))

    @cached_property
    def layered(self) -> LayeredFlows:
        """The network behind the balances."""
        return self.balances.layered()

    @cached_property
    def filled(self) -> list[str]:
        """The layers in which something flows, in the catalogue's order."""
        there = set(self.balances.values.filter(pl.col("value") != 0.0)["layer"].unique())
        return [layer for layer in self.balances.layers["id"] if layer in there]

    @cached_property
    def layer(self) -> str:
        """The chosen layer: mass where none is named, or the first one with flows."""
        wanted = self.request.query_params.get("layer", "")
        if wanted:
            return known("layer", wanted, self.balances.layers["id"].to_list())
        return FIRST_LAYER if FIRST_LAYER in self.filled or not self.filled else self.filled[0]

    @cached_property
    def level(self) -> Level:
        """The chosen level: firms where none is named, or all nodes where there are fewer than three firms."""
        wanted = self.request.query_params.get("level", "")
        if wanted:
            known("level", wanted, list(LEVELS))
            return next(level for level in LEVELS if level == wanted)
        firms = self.balances.nodes.filter(pl.col("inside") & (pl.col("kind") == "firm")).height
        return "firm" if firms > 2 else "node"

    @property
    def unit(self) -> str:
        """The unit of the chosen layer."""
        return self.layered.unit(self.layer)

    @property
    def query(self) -> dict[str, object]:
        """The selection as the query of an address, defaults left out."""
        own = self.request.query_params
        chosen = {name: own[name] for name in ("layer", "level", "month", "share") if own.get(name)}
        if self.values != RAW:
            chosen["values"] = self.values
        return self.visit.selection.query | chosen

    def address(self, path: str, **changes: object) -> str:
        """Return the address of another page of the same selection, changed by `changes`."""
        return self.visit.address(path, **{**self.query, **changes})

    def node_address(self, node: str) -> str:
        """Return the address of a node's page."""
        return self.address(f"metabolism/node/{node}")

    def edges(self, level: Level | None = None) -> pl.DataFrame:
        """Return the edges of the layer that touch the boundary, at a level, raw or reconciled as chosen."""
        edges = edge_frame(self.layered, self.layer, level or self.level)
        return edges.filter(pl.col("source_inside") | pl.col("target_inside"))

    def unmeasured(self) -> pl.DataFrame:
        """Return the edges of the layer of which only a notation is known."""
        return unmeasured_edges(self.layered, self.layer, self.level)

    def name(self, identity: str | None, kind: str = "node") -> str:
        """Return the name of a node, commodity, layer … in the reader's language."""
        return self.balances.name(identity or "", self.visit.language, kind)

    def names(self) -> Mapping[str, tuple[str, str]]:
        """Return all names, those of groups included."""
        return self.balances.names

    def number(self, result: Result, value: float | None, key: str | None) -> Cell:
        """Return a cell whose number leads to its explanation in `result`."""
        return Cell(value) if key is None else self.visit.number(value, result.reference(key))

    def source(self) -> str:
        """Return the source line of a table or picture."""
        version = self.visit.session.workspace.catalogue.version[:8]
        parts = [
            self.visit.text(N_("Source: the park's record, {year}"), year=self.period),
            self.visit.text(N_("factor catalogue {version}"), version=version),
        ]
        return ("；" if self.visit.language == "zh" else "; ").join(parts)

    def in_year(self, year: int) -> str:
        """Return the head of a column of one year."""
        return self.visit.text(N_("In {year}"), year=year)

    def choices(self, *names: str) -> list[Choice]:
        """Return the selectors called `names`; year, boundary and scenario as on the other pages."""
        made: list[Choice] = []
        for name in names:
            found = self._choice(name)
            made += self.visit.choices(name) if found is None else [found]
        return made

    def _choice(self, name: str) -> Choice | None:
        text = self.visit.text
        if name == "layer":
            options = []
            for layer in self.balances.layers["id"]:
                label = f"{self.name(layer, 'layer')} ({self.visit.unit(self.layered.unit(layer))})"
                empty = "" if layer in self.filled else " – " + text(N_("no flows"))
                options.append((layer, label + empty))
            return name, text(N_("Layer")), options, self.layer
        if name == "level":
            return name, text(N_("Level")), [(level, text(LEVEL_NAMES[level])) for level in LEVELS], self.level
        if name == "month":
            options = [("", text(N_("the whole year")))] + [(str(n), f"{self.year}-{n:02d}") for n in range(1, 13)]
            return name, text(N_("Month")), options, str(self.month or "")
        if name == "values":
            options = [(RAW, text(N_("as recorded"))), (RECONCILED, text(N_("reconciled")))]
            return name, text(N_("Values")), options, self.values
        if name == "share":
            options = [(share, f"{100 * float(share):g} %") for share in SHARES]
            chosen = next((share for share in SHARES if float(share) == self.share), f"{self.share:g}")
            if chosen not in SHARES:
                options.append((chosen, f"{100 * self.share:g} %"))
            return name, text(N_("Smallest share drawn alone")), options, chosen
        return None


def _share(text: str) -> float:
    if not text:
        return SMALLEST_SHARE
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise Refusal(422, UNKNOWN, UNKNOWN_REMEDY, name="share", value=text, known="0 … 1")
    return value
