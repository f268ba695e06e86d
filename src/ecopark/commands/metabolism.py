"""What the verbs on metabolism share: their options, the checks of layer, node and year, names, and how to explain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.accounts import ACTUAL
from ecopark.commands.calling import check_year, input_error, near
from ecopark.commands.printing import Printer
from ecopark.translation import N_

if TYPE_CHECKING:
    import polars as pl

    from ecopark.metabolism.result import Result
    from ecopark.model.problems import Problem
    from ecopark.workspace import Workspace


class StationLevel(StrEnum):
    """Levels at which nodes are looked at."""

    park = "park"
    zone = "zone"
    firm = "firm"
    process = "process"
    node = "node"


Month = Annotated[
    int | None,
    typer.Option("--month", min=1, max=12, help=N_("Only this month of the year (1 to 12)."), show_default=False),
]
LayerId = Annotated[
    str,
    typer.Option("--layer", help=N_("Layer: mass, energy, water, carbon, an element or money."), show_default=False),
]
LayerIds = Annotated[
    list[str] | None,
    typer.Option(
        "--layer",
        help=N_("Layer: mass, energy, water, carbon, an element or money; may be repeated (else all)."),
        show_default=False,
    ),
]
NodeId = Annotated[
    str | None,
    typer.Option("--node", help=N_("Id of a node; it stands for itself and all below it."), show_default=False),
]
Level = Annotated[
    StationLevel,
    typer.Option("--level", help=N_("Level of the nodes: park, zone, firm, process, or node (all of them).")),
]
Most = Annotated[int, typer.Option("--most", min=0, help=N_("How many rows to print, the largest first (0: all)."))]


def all_at_once(*checks: Callable[[], object]) -> None:
    """Carry out every check and raise one InputError with all that they found."""
    from ecopark.model.problems import InputError

    problems: list[Problem] = []
    for check in checks:
        try:
            check()
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)


def layers_called(workspace: Workspace, names: Sequence[str] | None) -> list[str]:
    """Return the layers asked for in the catalogue's order (all if none is); InputError names every unknown one."""
    from ecopark.model.problems import InputError, Problem

    known = workspace.catalogue.layers["id"].to_list()
    problems = [
        Problem(
            "layer_unknown",
            f"--layer {name}",
            N_("There is no layer “{found}”."),
            N_("Use one of: {known}."),
            {"found": name, "known": ", ".join(known)},
        )
        for name in dict.fromkeys(names or ())
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    return [name for name in known if not names or name in names]


def check_node(workspace: Workspace, node: str | None, boundary: str) -> None:
    """Raise InputError where the record has no such node, or it lies outside the boundary."""
    if node is None:
        return
    from ecopark.accounting.inventory import resolve_boundary
    from ecopark.model.network import Network

    record = workspace.record
    network = Network(record)
    if node not in network:
        raise input_error(
            "node_unknown",
            f"--node {node}",
            N_("The record has no node {name}."),
            N_("Did you mean {near}?"),
            name=node,
            near=near(node, record.nodes["id"].to_list()),
        )
    members = resolve_boundary(record, network, boundary).members
    if node not in members:
        raise input_error(
            "node_outside",
            f"--node {node}",
            N_("The node {name} lies outside the boundary {boundary}: it has no balance."),
            N_("Choose a node inside, or another --boundary."),
            name=node,
            boundary=boundary,
        )


def check_flows_of(workspace: Workspace, year: int, month: int | None, scenario: str) -> None:
    """Raise InputError where the record itself has no flow in the year, or none in the month."""
    check_year(workspace, year, scenario)
    if month is None or scenario != ACTUAL:
        return
    import polars as pl

    from ecopark.metabolism.flows import period_of

    start, end = period_of(year, month)
    flows = workspace.record.flows.filter(
        (pl.col("scenario") == ACTUAL) & (pl.col("period_start") < end) & (pl.col("period_end") > start)
    )
    if flows.is_empty():
        raise input_error(
            "month_without_flows",
            f"--month {month}",
            N_("The record has no flows in month {month} of {year}."),
            N_("Choose another month, or leave --month out."),
            month=month,
            year=year,
        )


def check_call(
    workspace: Workspace,
    year: int,
    scenario: str,
    boundary: str,
    layers: Sequence[str] | None,
    node: str | None = None,
    month: int | None = None,
) -> list[str]:
    """Check year, month, boundary, layers and node together; return the layers. InputError with all that is wrong."""
    found: list[str] = []
    all_at_once(
        lambda: check_flows_of(workspace, year, month, scenario),
        lambda: check_boundary(workspace, boundary),
        lambda: found.extend(layers_called(workspace, layers)),
        lambda: check_node_if_possible(workspace, node, boundary),
    )
    return found


def check_boundary(workspace: Workspace, boundary: str) -> None:
    """Raise InputError where the record knows no such boundary."""
    from ecopark.accounting.inventory import resolve_boundary
    from ecopark.model.network import Network

    record = workspace.record
    resolve_boundary(record, Network(record), boundary)


def check_node_if_possible(workspace: Workspace, node: str | None, boundary: str) -> None:
    """As `check_node`, against the whole park where the boundary itself is not known (that is told already)."""
    from ecopark.model.network import PARK
    from ecopark.model.problems import InputError

    try:
        check_boundary(workspace, boundary)
    except InputError:
        boundary = PARK
    check_node(workspace, node, boundary)


def layer_name(workspace: Workspace, layer: str, printer: Printer) -> str:
    """Return the name of a layer in the printer's language."""
    zh, en = workspace.catalogue.layers.row(by_predicate=_is(layer))[1:3]
    return printer.choose(zh, en)


def _is(layer: str) -> pl.Expr:
    import polars as pl

    return pl.col("id") == layer


def period_text(year: int, month: int | None) -> str:
    """Return a year, or one of its months, as text."""
    return str(year) if month is None else f"{year}-{month:02d}"


def heading(printer: Printer, workspace: Workspace, *parts: str) -> None:
    """Print a heading: the park, then what is asked of it."""
    printer.heading(" · ".join(part for part in (printer.choose(*workspace.name), *parts) if part))


def say_how_to_explain(printer: Printer, result: Result, key: str = "") -> None:
    """Print under which run a result is stored and how its numbers are explained."""
    printer.say()
    if key:
        printer.say(
            printer.text(
                N_("Stored as {run}. Where a number comes from: `ecopark explain DIR {example}`."),
                run=result.run,
                example=f"{result.run}-{key}",
            )
        )
    else:
        printer.say(printer.text(N_("Stored as {run}: `ecopark explain DIR {run}-KEY`."), run=result.run))


def print_remarks(printer: Printer, result: Result) -> None:
    """Print the remarks of a result."""
    if not result.remarks:
        return
    printer.heading(printer.text(N_("Remarks")))
    for remark in result.remarks:
        printer.say(f"• {remark.text(printer.language)}")


def remarks_data(result: Result) -> list[dict[str, Any]]:
    """Return the remarks of a result as plain data."""
    return [{"code": one.code, "severity": one.severity, "zh": one.text("zh"), "en": one.text("en")}
            for one in result.remarks]  # fmt: skip


def settled(value: float | None, scale: float | None) -> float | None:
    """Return a number, 0 where it is only what rounding has left of something as large as `scale`."""
    return 0.0 if value is not None and scale is not None and abs(value) <= 1e-9 * abs(scale) else value


def shortened(rows: Sequence[Any], most: int) -> Sequence[Any]:
    """Return the first `most` rows (0: all)."""
    return rows if most == 0 else rows[:most]


def say_left_out(printer: Printer, left: int) -> None:
    """Say how many rows were not printed, where some were not."""
    if left > 0:
        printer.say(printer.text(N_("… and {count} more (--most 0 prints all, --json has them in full)."), count=left))
