"""Verbs that hand results on: report, serve, version."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecopark.commands.accounts import ACTUAL, PARK
from ecopark.commands.calling import (
    AsJson,
    Boundary,
    Choices,
    Folder,
    Lang,
    Scenario,
    Year,
    check_year,
    input_error,
    opened,
    options_for,
    printer_of,
    scheme_called,
    year_or_default,
)
from ecopark.commands.helping import verb
from ecopark.commands.printing import Printer
from ecopark.translation import N_

if TYPE_CHECKING:
    from ecopark.reports.material import Material
    from ecopark.workspace import Workspace

LOOPBACK = ("127.0.0.1", "::1", "localhost")
ENDINGS = {"inventory": ".docx", "inventory-workbook": ".xlsx"}
"""Kinds of report -> how the name of the file ends."""


def register(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    verb(app, "report", report, N_("Write a report: the inventory of a year as a Word document, or as a workbook."))
    verb(app, "serve", serve, N_("Show the park in a browser on this machine."))
    verb(app, "version", version, N_("Show the version of ecopark and of its catalogue."))


def report(
    context: typer.Context,
    folder: Folder,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=N_("File to write: .docx, or .xlsx for a workbook."),
            show_default=False,
        ),
    ],
    kind: Annotated[
        str, typer.Option("--kind", help=N_("Kind of report: inventory (Word) or inventory-workbook (Excel)."))
    ] = "inventory",
    year: Year = None,
    scheme: Annotated[
        list[str] | None,
        typer.Option(
            "--scheme",
            help=N_("Accounting scheme, the main one first; may be repeated (else the usual ones)."),
            show_default=False,
        ),
    ] = None,
    boundary: Boundary = PARK,
    scenario: Scenario = ACTUAL,
    option: Choices = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help=N_("A Word template of your own (else the one that comes with ecopark)."),
            show_default=False,
        ),
    ] = None,
    metabolism: Annotated[
        bool | None,
        typer.Option(
            "--metabolism/--no-metabolism",
            help=N_("The Word report's chapter on metabolism, always or never (else where flows have several layers)."),
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Write a year's inventory as a Word report or a workbook, in the language of the call."""
    if kind not in ENDINGS:
        raise input_error(
            "kind_unknown",
            f"--kind {kind}",
            N_("There is no report of this kind."),
            N_("Choose one of {known}."),
            known=", ".join(ENDINGS),
        )
    ending = ENDINGS[kind]
    if output.suffix.lower() != ending:
        raise input_error(
            "report_ending",
            output.as_posix(),
            N_("A report of the kind {kind} is a file that ends in {ending}."),
            N_("Give such a name with -o, or another --kind."),
            kind=kind,
            ending=ending,
        )
    with opened(context, folder, lang, as_json) as (workspace, printer):
        chosen = year_or_default(workspace, printer, year)
        check_year(workspace, chosen, scenario)
        with printer.working(printer.text(N_("Calculating …"))):
            wanted = metabolism if kind == "inventory" else False
            material = _material(workspace, chosen, scheme, boundary, scenario, option, wanted)
        with printer.working(printer.text(N_("Writing …"))):
            if kind == "inventory":
                data = _write_word(material, printer, output, template)
            else:
                data = _write_workbook(material, printer, output)
        complete = all(inventory.complete for inventory in material.inventories)
        if not complete:
            printer.say(
                printer.text(N_("The record is not complete: the report gives subtotals and lists what is missing."))
            )
        schemes = [{"scheme": one.scheme.id, "run": one.run, "complete": one.complete} for one in material.inventories]
        metabolised = None if material.balances is None else material.balances.run
        printer.json(
            {
                **data,
                "year": chosen,
                "schemes": schemes,
                "metabolism": metabolised,
                "complete": complete,
                "language": printer.language,
            }
        )


def _material(
    workspace: Workspace,
    year: int,
    scheme: list[str] | None,
    boundary: str,
    scenario: str,
    option: list[str] | None,
    metabolism: bool | None,
) -> Material:
    from ecopark.reports.material import DEFAULT_SCHEMES, gather

    known = workspace.catalogue.schemes
    names = list(dict.fromkeys(scheme or [name for name in DEFAULT_SCHEMES if name in known]))
    options = options_for([scheme_called(workspace.catalogue, name) for name in names], option)
    merged = {name: value for given in options.values() for name, value in given.items()}
    return gather(workspace, year, names, boundary=boundary, scenario=scenario, options=merged, metabolism=metabolism)


def _write_word(material: Material, printer: Printer, output: Path, template: Path | None) -> dict[str, Any]:
    from ecopark.reports import write_inventory_report

    try:
        summary = write_inventory_report(material, printer.language, output, template=template)
    except ValueError as error:
        if template is None:
            raise
        raise input_error(
            "template_unusable",
            template.as_posix(),
            N_("The template cannot be used: {error}."),
            N_("Correct it after the one that comes with ecopark, or leave --template out."),
            error=str(error).rstrip("."),
        ) from error
    for remark in summary.remarks:
        printer.note(remark)
    data: dict[str, Any] = {
        "file": output.as_posix(),
        "numbers": len(summary.figures),
        "tables": summary.tables,
        "pictures": summary.pictures,
    }
    printer.say(printer.text(N_("Written: {file} ({numbers} numbers, {tables} tables, {pictures} figures)"), **data))
    return data


def _write_workbook(material: Material, printer: Printer, output: Path) -> dict[str, Any]:
    from ecopark.reports import write_inventory_workbook

    summary = write_inventory_workbook(material, printer.language, output)
    printer.say(printer.text(N_("Written: {file}"), file=output.as_posix()))
    for name in summary.cut:
        printer.note(printer.text(N_("The sheet {name} is cut: it has more rows than a sheet can hold."), name=name))
    return {"file": output.as_posix(), "rows": dict(summary.rows), "cut": list(summary.cut)}


def serve(
    context: typer.Context,
    folder: Folder,
    host: Annotated[str, typer.Option("--host", help=N_("Address to listen on."))] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help=N_("Port to listen on (0: any free one)."))
    ] = 8000,
    open_browser: Annotated[bool, typer.Option("--open", help=N_("Open the page in the browser."))] = False,
    allow_network: Annotated[
        bool,
        typer.Option(
            "--allow-network",
            help=N_("Let other machines in: there is no login, so whoever reaches it sees and changes everything."),
        ),
    ] = False,
    lang: Lang = None,
) -> None:
    """Serve the pages until interrupted."""
    if host not in LOOPBACK and not allow_network:
        raise input_error(
            "not_loopback",
            f"--host {host}",
            N_(
                "Other machines would reach this address, and there is no login: they could read and change everything."
            ),
            N_("Keep to 127.0.0.1, or add --allow-network if the network is trusted."),
        )
    with opened(context, folder, lang) as (workspace, printer):
        listening = _listen(host, port)
        with listening:
            bound = listening.getsockname()
            name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            _run(
                workspace,
                printer,
                listening,
                f"http://{name}:{bound[1]}/",
                open_browser,
                hosts=["*"] if host not in LOOPBACK else [],
            )


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on host and port; OSError, naming both, where that is not possible."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere it would share a port that is in use
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(128)  # who follows the printed address at once waits instead of being refused
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    return listening


def _run(
    workspace: Workspace,
    printer: Printer,
    listening: socket.socket,
    address: str,
    open_browser: bool,
    hosts: Sequence[str],
) -> None:
    import threading
    import webbrowser

    import uvicorn

    from ecopark.web.application import create_app
    from ecopark.web.rendering import libraries_present

    application: Any = create_app(workspace, hosts=hosts, default_language=printer.language)
    if not libraries_present():
        printer.note(printer.text(N_("The browser libraries are missing, so there are no charts: run `make setup`.")))
    printer.say(
        printer.text(
            N_("Serving {folder} at {address} (Ctrl-C ends it)."),
            folder=workspace.store.folder.as_posix(),
            address=address,
        )
    )
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False))
    if open_browser:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        server.run(sockets=[listening])
    printer.say(printer.text(N_("Ended.")))


def version(context: typer.Context, as_json: AsJson = False, lang: Lang = None) -> None:
    """Show the version of ecopark and of its catalogue."""
    from ecopark import __version__
    from ecopark.catalogue import load_catalogue

    printer = printer_of(context, lang, as_json)
    catalogue = load_catalogue()
    values = {
        "version": __version__,
        "catalogue": catalogue.version,
        "factors": catalogue.factors.height,
        "schemes": len(catalogue.schemes),
    }
    printer.say(
        printer.text(N_("ecopark {version}, catalogue {catalogue} ({factors} factors, {schemes} schemes)"), **values)
    )
    printer.json(values)
