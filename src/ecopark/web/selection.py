"""What a page shows: year, boundary, scheme and its options, all of it in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ecopark.translation import N_
from ecopark.web.security import Refusal

DEFAULT_SCHEME = "park-ghg"
WHOLE_PARK = "park"
UNKNOWN = N_("There is no {name} {value!r} here.")
UNKNOWN_REMEDY = N_("Known are: {known}.")


@dataclass(frozen=True, slots=True)
class Selection:
    """The choices behind a page; `options` are those of the scheme that differ from its defaults.

    `run` names a stored result that is shown as it was; the other choices are then those of that run.
    """

    year: int
    scheme: str
    boundary: str = WHOLE_PARK
    scenario: str = "actual"
    total: str = ""
    options: tuple[tuple[str, str], ...] = ()
    run: str = ""

    @property
    def query(self) -> dict[str, object]:
        """Return the selection as the query of an address; defaults are left out, except year and scheme."""
        values: dict[str, object] = {"year": self.year, "scheme": self.scheme}
        if self.boundary != WHOLE_PARK:
            values["boundary"] = self.boundary
        if self.scenario != "actual":
            values["scenario"] = self.scenario
        if self.total:
            values["total"] = self.total
        if self.run:
            values["run"] = self.run
        return values | dict(self.options)

    def of_year(self, year: int) -> Selection:
        """Return the same selection for another year."""
        return replace(self, year=year, run="")

    @property
    def without_total(self) -> Selection:
        """Return the selection as far as it decides an inventory."""
        return replace(self, total="")


def known(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value`; Refusal naming the choices where it is none of them."""
    if value not in choices:
        raise Refusal(404, UNKNOWN, UNKNOWN_REMEDY, name=name, value=value, known=", ".join(choices) or "–")
    return value


def year_of(query: Mapping[str, str], name: str) -> int | None:
    """Return the year in `query`, None where there is none; Refusal for what is no year."""
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isdecimal() and 1900 <= int(text) <= 2200):
        raise Refusal(422, UNKNOWN, UNKNOWN_REMEDY, name=name, value=text, known="1900 … 2200")
    return int(text)
