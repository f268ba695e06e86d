"""Rooms that are not built yet: what will be there, and what is missing for it; nothing made up."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ecopark.translation import N_, translate
from ecopark.web.rendering import Page, language_of, respond


@dataclass(frozen=True, slots=True)
class Room:
    """A room to come: its name, what it will show, what it needs, and what can be used in the meantime."""

    id: str
    name: str
    will_show: str
    missing: str
    meanwhile: str
    meanwhile_path: str


ROOMS = (
    Room(
        "monitor",
        N_("Monitor"),
        N_("Meters, outfalls and stacks as they report: load curves, limits, alarms, gaps in the data."),
        N_("The drivers that receive readings, and the store that keeps them, are not written yet."),
        N_("What the record holds by year is in the list of lines"),
        "accounting/lines",
    ),
    Room(
        "roadmap",
        N_("Roadmap"),
        N_("Scenarios beside the baseline, measures with cost and effect, the least-cost path to a peak and below."),
        N_("The planner is not written yet, and it needs measures and prices that the record does not hold yet."),
        N_("What changed between two years is in Compare"),
        "accounting/compare",
    ),
    Room(
        "benchmark",
        N_("Benchmark & symbiosis"),
        N_("How the park stands against standards and parks of its class; wastes and heat that others could use."),
        N_("The indicator systems and the matching of exchanges are not written yet."),
        N_("The core indicator of the zero-carbon park is in Accounting"),
        "accounting",
    ),
)

router = APIRouter()


def _answer(request: Request, room: Room) -> Response:
    language = language_of(request.url.path)
    return respond(
        request,
        Page(
            "room.html",
            translate(room.name, language),
            room.id,
            data={"room": room},
            content={
                "will_show": translate(room.will_show, language),
                "missing": translate(room.missing, language),
            },
        ),
    )


def _add(room: Room) -> None:
    @router.get(f"/{{language}}/{room.id}", name=room.id)
    def page(request: Request) -> Response:
        return _answer(request, room)


for _room in ROOMS:
    _add(_room)
