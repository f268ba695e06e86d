"""Checks of what hangs together: the tree of nodes, boundaries, streams, scenarios, commodities, certificates."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ecopark.model.findings import Findings
from ecopark.model.network import Network, split_references
from ecopark.model.tables import ACTUAL
from ecopark.translation import N_
from ecopark.units import UnitError, factor


def check_network(findings: Findings) -> None:
    """Check the relations between rows that no single cell shows."""
    _check_cycles(findings, "nodes", "parent")
    _check_cycles(findings, "streams", "part_of")
    _check_cycles(findings, "scenarios", "parent")
    _check_cycles(findings, "commodities", "parent")
    network = Network(findings.record)
    _check_parks(findings, network)
    _check_coordinates(findings)
    _check_boundaries(findings, network)
    _check_streams(findings, network)
    _check_actual(findings)
    _check_certificates(findings)


def cycles(parents: Mapping[str, str | None]) -> list[list[str]]:
    """Return the cycles of a parent relation, each once, starting with the id that comes first in the mapping."""
    state: dict[str, int] = {}  # 1 on the present path, 2 done
    found: list[list[str]] = []
    for start in parents:
        path: list[str] = []
        step: str | None = start
        while step is not None and step in parents and step not in state:
            state[step] = 1
            path.append(step)
            step = parents[step]
        if step is not None and state.get(step) == 1:
            found.append(path[path.index(step) :])
        state.update(dict.fromkeys(path, 2))
    return found


def _check_cycles(findings: Findings, table: str, column: str) -> None:
    frame = findings.record[table]
    ids, above = frame["id"].to_list(), frame[column].to_list()
    rows: dict[str, int] = {}
    parents: dict[str, str | None] = {}
    for row, (key, parent) in enumerate(zip(ids, above, strict=True)):
        if key is not None and key not in rows:
            rows[key], parents[key] = row, parent
    for cycle in cycles(parents):
        findings.add(
            table, rows[cycle[0]], column, "cycle",
            N_("These rows are above one another in a circle: {cycle}."), N_("Correct “{column}” of one of them."),
            cycle=" → ".join([*cycle, cycle[0]]), column=column,
        )  # fmt: skip


def _check_parks(findings: Findings, network: Network) -> None:
    nodes = findings.record.nodes
    if nodes.is_empty():
        return
    if not network.parks:
        findings.add(
            "nodes", 0, "kind", "park_missing", N_("There is no node of kind park."),
            N_("Add a row to the nodes with the kind park and make it the parent of the others."),
        )  # fmt: skip
        return
    inside = network.subtree(network.parks) | network.outside
    for row, node in enumerate(nodes["id"]):
        if node is not None and node not in inside:
            findings.add(
                "nodes", row, "parent", "node_without_park",
                N_("“{node}” belongs to no park and is neither market nor environment: no inventory of the park "
                   "includes it."),
                N_("Give it a parent, or make it an outside market."), severity="warning", node=node,
            )  # fmt: skip


def _check_coordinates(findings: Findings) -> None:
    for column, most in (("lon", 180.0), ("lat", 90.0)):
        for row in findings.rows("nodes", pl.col(column).abs() > most):
            findings.add(
                "nodes", row, column, "coordinate_range",
                N_("{found} is not a {column}: it must lie between {least} and {most} degrees."),
                N_("Give decimal degrees, longitude and latitude each in its own column."),
                found=findings.record.nodes[column][row], column=column, least=-most, most=most,
            )  # fmt: skip


def _check_boundaries(findings: Findings, network: Network) -> None:
    for row, (rule, cell) in enumerate(findings.record.boundaries.select("rule", "nodes").iter_rows()):
        listed = split_references(cell)
        outside = [node for node in listed if node in network.outside]
        if outside:
            findings.add(
                "boundaries", row, "nodes", "boundary_outside",
                N_("{nodes} lie outside every boundary (market or environment) and are left out of this one."),
                N_("Take them off the list."), severity="warning", nodes=", ".join(outside), rule=rule,
            )  # fmt: skip


def _check_streams(findings: Findings, network: Network) -> None:
    streams = findings.record.streams
    both = pl.col("source").is_in(list(network.outside)) & pl.col("target").is_in(list(network.outside))
    for row in findings.rows("streams", both):
        findings.add(
            "streams", row, "target", "stream_outside",
            N_("The stream runs from {source} to {target}, both outside the park."),
            N_("Let it start or end at a node of the park; what never touches the park is not part of its record."),
            source=streams["source"][row], target=streams["target"][row],
        )  # fmt: skip


def _check_actual(findings: Findings) -> None:
    for row in findings.rows("scenarios", (pl.col("id") == ACTUAL) & pl.col("parent").is_not_null()):
        findings.add(
            "scenarios", row, "parent", "actual_parent",
            N_("The scenario actual is the record itself and has no parent."), N_("Leave its parent empty."),
        )  # fmt: skip


def _check_certificates(findings: Findings) -> None:
    certificates = findings.record.certificates
    registry = certificates["id"].str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")
    first: dict[str, int] = {}
    for row, number in enumerate(registry):
        if not number:
            continue
        if number in first:
            findings.add(
                "certificates", row, "id", "certificate_claimed_twice",
                N_("The certificate {found} is already claimed at {first}."),
                N_("Each certificate may be claimed once: delete one of the two, or correct its number."),
                found=certificates["id"][row], first=findings.locate("certificates", first[number], "id"),
            )  # fmt: skip
        else:
            first[number] = row
    for row in findings.rows("certificates", pl.col("volume") <= 0):
        findings.add(
            "certificates", row, "volume", "volume_not_positive", N_("The volume {found} is not above zero."),
            N_("Give the electricity that the certificate stands for."), found=certificates["volume"][row],
        )  # fmt: skip
    for row, unit in enumerate(certificates["unit"]):
        try:
            if unit and unit.strip():
                factor(unit, "MWh")
        except UnitError as error:
            if error.expected:
                findings.add_fault("certificates", row, "unit", error)
