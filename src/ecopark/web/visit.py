"""One visit of a page: the reader's language, what is selected, and how its numbers lead to their explanation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from ecopark.translation import N_, choose, translate
from ecopark.units import display
from ecopark.web.charts import Link
from ecopark.web.navigation import address
from ecopark.web.numbers import write_number
from ecopark.web.rendering import language_of
from ecopark.web.selection import DEFAULT_SCHEME, WHOLE_PARK, Selection, known, year_of
from ecopark.web.session import EmptyRecord, Session
from ecopark.web.tables import Cell, Column

if TYPE_CHECKING:
    from ecopark.accounting.result import Inventory
    from ecopark.catalogue.schemes import Scheme, Total
    from ecopark.model.record import Record

Choice = tuple[str, str, list[tuple[str, str]], str]
"""A selector: name in the address, label, (value, text) of each option, the chosen value."""

MARKS = {
    "primary": (N_("primary"), "good"),
    "secondary": (N_("secondary"), "plain"),
    "unverified": (N_("unverified"), "warn"),
    "contested": (N_("contested"), "bad"),
}
OTHER = "other_"
SUBTOTAL = N_("Subtotal of the covered sources")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request with its session; most pages also need `selection`."""

    request: Request
    session: Session
    language: str
    selection: Selection

    @classmethod
    def of(cls, request: Request) -> Visit:
        """Read what the address selects; Refusal (with what is known) for anything that is not there."""
        session: Session = request.app.state.session
        selection = select(session, request.query_params)
        request.state.shell = shell(request, selection)
        return cls(request, session, language_of(request.url.path), selection)

    def second(self) -> Selection:
        """Return the selection to compare with: `other_year`, `other_scheme` … of the address, else the year before."""
        own = {name: str(value) for name, value in self.selection.query.items() if name != "run"}
        query = self.request.query_params
        other = {name.removeprefix(OTHER): value for name, value in query.items() if name.startswith(OTHER) and value}
        if not other.get("year") and other.get("scheme", own["scheme"]) == own["scheme"]:
            earlier = [year for year in self.session.years() if year < self.selection.year]
            other["year"] = str(earlier[-1] if earlier else self.selection.year)
        if other.get("scheme", own["scheme"]) != own["scheme"]:
            own = {name: own[name] for name in ("year", "boundary", "scenario") if name in own}
        return select(self.session, own | other)

    def text(self, message: str, **values: object) -> str:
        """Return a message in the reader's language."""
        return translate(message, self.language, **values)

    def choose(self, zh: str | None, en: str | None) -> str:
        """Return the name in the reader's language."""
        return choose(self.language, zh, en)

    def name(self, named: object) -> str:
        """Return the name of anything that carries `name_zh` and `name_en`."""
        return choose(self.language, getattr(named, "name_zh", ""), getattr(named, "name_en", ""))

    def unit(self, unit: str) -> str:
        """Return a unit as the reader writes it."""
        return display(unit, self.language) if unit else ""

    def address(self, path: str, **query: object) -> str:
        """Return the address of another page in the same language."""
        return address(self.language, path, query)

    def link(self, reference: str) -> tuple[str, str]:
        """Return a number's reference (``R3-line:17``) and the address of its explanation."""
        return reference, address(self.language, f"explain/{reference}")

    def link_in(self, inventory: Inventory) -> Link:
        """Return what turns a key of an inventory into its reference and address."""
        return lambda key: self.link(inventory.reference(key))

    def link_by_year(self, inventories: Mapping[int, Inventory]) -> Link:
        """Return the same for keys that begin with a year (``2019/total``)."""

        def link(key: str) -> tuple[str, str]:
            year, _, rest = key.partition("/")
            return self.link(inventories[int(year)].reference(rest))

        return link

    def number(self, value: float | None, reference: str) -> Cell:
        """Return a cell whose number leads to its explanation."""
        if value is None:
            return Cell(None)
        return Cell(value, href=self.link(reference)[1], explain=reference)

    def status(self, status: str | None) -> Cell:
        """Return how well a value is verified, marked by colour and word."""
        if not status:
            return Cell("")
        word, mark = MARKS.get(status, (status, "plain"))
        return Cell(status, text="", note=self.text(word), mark=mark)

    @property
    def scheme(self) -> Scheme:
        """The selected accounting scheme."""
        return self.session.workspace.catalogue.schemes[self.selection.scheme]

    @property
    def total(self) -> Total:
        """The selected total of the scheme, else its headline."""
        return self.scheme.total(self.selection.total or None)

    def inventory(self, selection: Selection | None = None) -> Inventory:
        """Return the inventory of the selection."""
        return self.session.inventory((selection or self.selection).without_total)

    def stored(self) -> str:
        """Return what is to be said of a stored result that is shown; empty where the record as it is now is shown."""
        if not self.selection.run:
            return ""
        with self.session.reading() as workspace:
            run, replay = workspace.runs.get(self.selection.run), workspace.replay(self.selection.run)
        said = self.text(
            N_(
                "Stored result {run} of {date}, from version {version} of the record. Replayed from its amounts and "
                "factors it gives {value} {unit}."
            ),
            run=run.id,
            date=run.created[:10],
            version=run.record_version,
            value=write_number(replay.recomputed),
            unit=self.unit(replay.unit),
        )
        if run.restated_by:
            said += " " + self.text(N_("It has been restated by {run}."), run=run.restated_by)
        if run.restates:
            said += " " + self.text(N_("It restates {run}: {reason}"), run=run.restates, reason=run.reason)
        return said

    def total_name(self, inventory: Inventory) -> str:
        """Return the total's name; a subtotal is called one."""
        name = self.name(inventory.scheme.total(self.selection.total or None))
        return name if inventory.complete else f"{name} · {self.text(SUBTOTAL)}"

    def source(self, inventory: Inventory) -> str:
        """Return the source line of a table or chart drawn from an inventory."""
        version = self.session.workspace.catalogue.version[:8]
        parts = [
            self.text(N_("Source: the park's record, {year}"), year=inventory.year),
            self.name(inventory.scheme),
            self.text(N_("factor catalogue {version}"), version=version),
        ]
        return "；".join(parts) if self.language == "zh" else "; ".join(parts)

    def columns(self, heads: Mapping[str, str], numbers: Collection[str] = ()) -> list[Column]:
        """Return columns without units: id and head (a message id) of each; those in `numbers` hold numbers."""
        return [
            Column(name, self.text(head), kind="number" if name in numbers else "text") for name, head in heads.items()
        ]

    def choices(self, *names: str) -> list[Choice]:
        """Return the selectors called `names` ("options" stands for all options of the scheme)."""
        made: list[Choice] = []
        for name in names:
            if name == "options":
                made += self._option_choices()
            else:
                made.append(self._choice(name))
        return [choice for choice in made if len(choice[2]) > 1 or choice[0] in ("year", "boundary", "scheme")]

    def _choice(self, name: str) -> Choice:
        chosen = self.selection
        if name == "year":
            years = sorted({*self.session.years(), chosen.year}, reverse=True)
            return name, self.text(N_("Year")), [(str(year), str(year)) for year in years], str(chosen.year)
        if name == "boundary":
            options = boundary_names(self.session.workspace.record, self.language)
            if chosen.boundary.startswith("node:"):
                options.append((chosen.boundary, chosen.boundary.removeprefix("node:")))
            return name, self.text(N_("Boundary")), options, chosen.boundary
        if name == "scheme":
            return name, self.text(N_("Scheme")), self.scheme_options(), chosen.scheme
        if name == "scenario":
            rows = self.session.workspace.record.scenarios.select("id", "name_zh", "name_en").rows()
            options = [("actual", self.text(N_("Actual")))]
            options += [
                (identity, self.choose(zh, en) or identity) for identity, zh, en in rows if identity != "actual"
            ]
            return name, self.text(N_("Scenario")), options, chosen.scenario
        options = [("" if place == 0 else total.id, self.name(total)) for place, total in enumerate(self.scheme.totals)]
        return "total", self.text(N_("Total")), options, chosen.total

    def scheme_options(self) -> list[tuple[str, str]]:
        """Return every scheme with its name."""
        schemes = self.session.workspace.catalogue.schemes
        return [(scheme.id, self.name(scheme)) for scheme in schemes.values()]

    def _option_choices(self) -> list[Choice]:
        chosen = dict(self.selection.options)
        return [
            (name, self.name(option), [(value, value) for value in option.choices], chosen.get(name, option.default))
            for name, option in self.scheme.options.items()
        ]


def language_visit(request: Request) -> Visit:
    """Return a visit of a page that needs no selection and works with an empty record too."""
    session: Session = request.app.state.session
    try:
        return Visit.of(request)
    except EmptyRecord:
        selection = Selection(0, default_scheme(session.workspace.catalogue.schemes))
        request.state.shell = shell(request)
        return Visit(request, session, language_of(request.url.path), selection)


def select(session: Session, query: Mapping[str, str]) -> Selection:
    """Return what the query of an address selects; Refusal naming what is known for anything that is not there."""
    with session.reading() as workspace:
        run = query.get("run", "")
        if run:
            settings = workspace.runs.get(run).settings
            fixed = {
                name: str(settings[name]) for name in ("year", "scheme", "boundary", "scenario") if name in settings
            }
            query = {"total": query.get("total", "")} | fixed | dict(settings.get("options", {}))
        schemes = workspace.catalogue.schemes
        scheme = schemes[known("scheme", query.get("scheme", "") or default_scheme(schemes), list(schemes))]
        year = year_of(query, "year") or session.latest_year()
        boundary = query.get("boundary", "") or WHOLE_PARK
        nodes = [f"node:{node}" for node in workspace.record.nodes["id"]]
        boundaries = [identity for identity, _ in boundary_names(workspace.record, "en")]
        if boundary not in nodes:
            known("boundary", boundary, boundaries)
        scenarios = ["actual", *workspace.record.scenarios["id"].to_list()]
        scenario = known("scenario", query.get("scenario", "") or "actual", list(dict.fromkeys(scenarios)))
    options = tuple(
        (name, known(name, query[name], option.choices))
        for name, option in scheme.options.items()
        if (query.get(name) or option.default) != option.default
    )
    total = query.get("total", "")
    if total:
        known("total", total, [item.id for item in scheme.totals])
    return Selection(year, scheme.id, boundary, scenario, "" if total == scheme.totals[0].id else total, options, run)


def default_scheme(schemes: Collection[str]) -> str:
    """Return the scheme that is shown where the address names none."""
    return DEFAULT_SCHEME if DEFAULT_SCHEME in schemes else next(iter(schemes))


def boundary_names(record: Record, language: str) -> list[tuple[str, str]]:
    """Return id and name of every boundary: the whole park first, then the record's own."""
    own = [
        (identity, choose(language, zh, en) or identity)
        for identity, zh, en in record.boundaries.select("id", "name_zh", "name_en").iter_rows()
    ]
    whole = (
        []
        if any(identity == WHOLE_PARK for identity, _ in own)
        else [(WHOLE_PARK, translate(N_("Whole park"), language))]
    )
    return whole + own


def shell(request: Request, selection: Selection | None = None) -> dict[str, object]:
    """Return what the frame of every page needs: the park's name, the query to carry on, whether it is synthetic."""
    session: Session = request.app.state.session
    language = language_of(request.url.path, request.headers.get("accept-language", ""))
    (zh, en), synthetic = session.kept(("park",), lambda workspace: (workspace.name, workspace.synthetic))
    return {
        "park": choose(language, zh, en),
        "query": selection.query if selection else {},
        "synthetic": synthetic,
    }
