"""Units of an openLCA package: unit groups and flow properties bring every amount to a flow's reference unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecopark.metabolism.burdens.background.system import background_problem
from ecopark.model.problems import Problem
from ecopark.translation import N_

Row = Mapping[str, Any]


def _id(reference: Row | None) -> str:
    return str((reference or {}).get("@id", ""))


class Quantities:
    """Unit factors of flow properties and property factors of flows, looked up by id."""

    def __init__(
        self,
        flows: Mapping[str, Row],
        properties: Mapping[str, Row],
        groups: Mapping[str, Row],
        problems: list[Problem],
    ) -> None:
        self._flows, self._problems = flows, problems
        self._groups: dict[str, dict[str, float]] = {}
        self._reference: dict[str, str] = {}
        for key, group in groups.items():
            units = group.get("units", [])
            self._groups[key] = {_id(unit): float(unit.get("conversionFactor", 1.0)) for unit in units}
            names = [
                str(unit.get("name", ""))
                for unit in units
                if unit.get("isRefUnit", unit.get("referenceUnit", False))
            ]  # fmt: skip
            self._reference[key] = names[0] if names else ""
        self._group_of = {key: _id(row.get("unitGroup")) for key, row in properties.items()}

    def _reference_property(self, flow: str) -> str:
        stated = self._flows.get(flow, {}).get("flowProperties", [])
        for each in stated:
            if each.get("isRefFlowProperty", each.get("referenceFlowProperty", False)):
                return _id(each.get("flowProperty"))
        return _id(stated[0].get("flowProperty")) if len(stated) == 1 else ""

    def unit(self, flow: str) -> str | None:
        """Return the name of the flow's reference unit, or None where the package does not hold it."""
        return self._reference.get(self._group_of.get(self._reference_property(flow), "")) or None

    def scale(self, exchange: Row, place: str) -> float | None:
        """Return what turns an exchange's amount into the flow's reference unit, ``u / f``.

        Where it cannot be found the problem is noted and None returned.
        """
        flow = _id(exchange.get("flow"))
        row = self._flows.get(flow)
        if row is None:
            self._note(
                "openlca_flow", place, N_("The flow “{flow}” is not in the package."),
                N_("Export the database with all its flows."), flow=(exchange.get("flow") or {}).get("name") or flow,
            )  # fmt: skip
            return None
        used = _id(exchange.get("flowProperty")) or self._reference_property(flow)
        factor = 1.0
        if used != self._reference_property(flow):
            stated = [each for each in row.get("flowProperties", []) if _id(each.get("flowProperty")) == used]
            factor = float(stated[0].get("conversionFactor", 0.0)) if stated else 0.0
        units = self._groups.get(self._group_of.get(used, ""), {})
        unit = _id(exchange.get("unit"))
        # without a unit the amount is in the reference unit of the property
        unit_factor = units.get(unit) if unit else 1.0
        if not factor or unit_factor is None:
            self._note(
                "openlca_unit", place, N_("The unit “{unit}” of “{flow}” cannot be brought to the flow's own unit."),
                N_("Export the unit groups and flow properties with the database."),
                unit=(exchange.get("unit") or {}).get("name") or unit, flow=row.get("name", flow),
            )  # fmt: skip
            return None
        return unit_factor / factor

    def _note(self, code: str, place: str, cause: str, remedy: str, **values: object) -> None:
        problem = background_problem(code, place, cause, remedy, **values)
        if problem not in self._problems:
            self._problems.append(problem)
