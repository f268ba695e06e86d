"""What water and materials carry: chlorine, sulphur, nitrogen, phosphorus, carbon, metals, from source to sink.

Contents of materials are stated; what is dissolved follows them through the water network. A process gives what it
receives of an element to the waters that leave it in proportion to their volume, unless `SHARES` says otherwise (a
membrane holds salt back, sludge takes phosphorus, tanks free nitrogen). Loops (reclaimed water, filtrate, recovered
rinse water) are closed by repeating until nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl
from assumptions import SYNTHETIC, YEARS
from materials import Materials, salt_by_month
from park_record import Park
from water_network import LINKS, Volumes
from worth import CARBON

from ecopark.catalogue import load_catalogue

SYMBOLS = {
    "chlorine": "Cl", "sulphur": "S", "nitrogen": "N", "phosphorus": "P", "zinc": "Zn", "nickel": "Ni",
    "chromium": "Cr", "carbon": "C",
}  # fmt: skip

RIVER = {"chlorine": 25e-6, "sulphur": 12e-6, "nitrogen": 1.8e-6, "phosphorus": 0.08e-6}
"""Contents of the river's water, t/m3."""

OWN: dict[str, dict[str, float]] = {
    "ammonia_solution": {"nitrogen": 0.25 * 0.82244}, "nitrogen_from_air": {"nitrogen": 1.0},
    "nitrogen_to_air": {"nitrogen": 1.0}, "dyestuff": {"nitrogen": 0.05, "sulphur": 0.06},
    "fine_chemical": {"nitrogen": 0.05}, "organic_solvent": {"chlorine": 0.04}, "pharmaceutical": {"nitrogen": 0.06},
    "food_ingredients": {"nitrogen": 0.022, "phosphorus": 0.0030}, "nickel_salt": {"nickel": 0.22, "sulphur": 0.12},
    "food_product": {"nitrogen": 0.0225, "phosphorus": 0.0030}, "chromium_salt": {"chromium": 0.35},
    "industrial_food_waste": {"nitrogen": 0.018, "phosphorus": 0.0030},
    "zinc_phosphate_salt": {"zinc": 0.13, "nickel": 0.015, "phosphorus": 0.16},
}  # fmt: skip
"""Contents of the park's materials that the catalogue does not hold, t/t."""

STREAM_CONTENTS: dict[str, dict[str, float]] = {
    "pharma.solvent_loss": {"chlorine": 0.04},
    "pharma.hazardous_waste": {"nitrogen": 0.03, "carbon": 0.50},
    "pharma_incinerator.gas": {"nitrogen": 0.03 / 0.88, "carbon": 0.97 * 0.50 / 0.88},
    "pharma_incinerator.ash": {"carbon": 0.03 * 0.50 / 0.12},
    "paper.biogas": {"carbon": 215.0 * 0.0149},
    "car_assembly.waste": {"carbon": 0.03},
}

EXISTING = ("pharma.hazardous_waste", "pharma.product", "food.product", "chp.coal", "chemicals.coal_feed",
            "chemicals.ammonia", "paper.product", "paper.biogas")  # fmt: skip
"""Streams of the energy part that carry one of the elements."""

NOTHING = ("vapour", "condensate", "pure_water")
"""Waters that carry nothing dissolved."""

ORGANIC = ("dye_house", "pharma", "paper", "paper_digester", "food")
"""Processes whose organic losses are the carbon of the waste water."""

SHARES: dict[tuple[str, str], dict[str, float]] = {
    ("rinse_recovery", "*"): {"dye_house.recovered_water": 0.10},
    ("aerobic_tanks", "nitrogen"): {"aerobic_tanks.nitrogen": 0.65, "sludge_dewatering.sludge": 0.15},
    ("aerobic_tanks", "carbon"): {"aerobic_tanks.carbon": 0.60, "sludge_dewatering.sludge": 0.32},
    ("aerobic_tanks", "phosphorus"): {"sludge_dewatering.sludge": 0.88},
    **{("aerobic_tanks", metal): {"sludge_dewatering.sludge": 0.80} for metal in ("zinc", "nickel", "chromium")},
    **{
        ("sludge_dewatering", element): {"sludge_dewatering.cake": 0.92}
        for element in ("nitrogen", "phosphorus", "zinc", "nickel", "chromium", "carbon")
    },
}
"""Share of what a process receives of an element that goes to a stream; the rest follows the volumes."""

PASSED = 0.30
"""Share of the salt that goes into the reclaimed water (only part of it passes the reverse osmosis)."""

PERIODS = tuple((date(year, 1, 1), date(year + 1, 1, 1)) for year in YEARS)
LOAD_BESIDE = {"dye_house.waste_water": "dye_house.chloride", "outfall.water": "outfall.chloride"}
"""Waste waters whose chloride is metered continuously: a monthly load of its own, not a content of the water."""

_RANGE = {"chlorine": 0.05, "sulphur": 0.08, "nitrogen": 0.10, "phosphorus": 0.10, "carbon": 0.15}


def _outputs(volumes: Volumes) -> dict[str, dict[str, float]]:
    """By node, the volumes of the waters that take up what is dissolved."""
    found: dict[str, dict[str, float]] = {}
    for link in LINKS:
        if link.stream.rsplit(".", 1)[-1] not in NOTHING:
            found.setdefault(link.source, {})[link.stream] = volumes[link.stream]
    found["sludge_dewatering"]["sludge_dewatering.cake"] = volumes["sludge_dewatering.in_cake"]
    return found


def loads(volumes: Volumes, element: str, given: Mapping[str, float]) -> dict[str, float]:
    """Tonnes of an element on every stream of water; `given` is what materials bring to each node, less what they take.

    Solved by repetition: the loops return less than a third of what passes, so that 80 rounds settle all digits.
    """
    outputs = _outputs(volumes)
    found = dict.fromkeys((stream for streams in outputs.values() for stream in streams), 0.0)
    found["aerobic_tanks.nitrogen"] = found["aerobic_tanks.carbon"] = 0.0
    arriving = [(link.target, link.stream) for link in LINKS if link.stream in found]
    for _ in range(80):
        received = dict(given)
        for node, stream in arriving:
            received[node] = received.get(node, 0.0) + found[stream]
        for node, streams in outputs.items():
            if node == "river":
                found["water_works.intake"] = RIVER.get(element, 0.0) * volumes["water_works.intake"]
                continue
            shares = dict(SHARES.get((node, element)) or SHARES.get((node, "*")) or {})
            if node == "reclamation":
                reclaimed = {stream: amount for stream, amount in streams.items() if "reclaimed" in stream}
                shares = {stream: PASSED * amount / sum(reclaimed.values()) for stream, amount in reclaimed.items()}
            left = 1 - sum(shares.values())
            others = {stream: amount for stream, amount in streams.items() if stream not in shares}
            for stream, amount in others.items():
                shares[stream] = left * amount / sum(others.values())
            for stream, share in shares.items():
                found[stream] = share * received.get(node, 0.0)
    return found


def _catalogue_contents() -> dict[tuple[str, str], float]:
    factors = load_catalogue().factors.filter(pl.col("set") == "composition")
    return {
        (commodity, quantity): value
        for commodity, quantity, value in factors.select("commodity", "quantity", "value").iter_rows()
    }


class Solutes:
    """Contents of every material, loads of every water, by year (chlorine also by month)."""

    def __init__(self, park: Park, m: Materials, water: Mapping[date, Volumes]) -> None:
        self.park, self.materials, self.water = park, m, water
        self._known = _catalogue_contents()
        self._metals()
        self.years = {element: [self._year(element, index) for index in range(len(YEARS))] for element in SYMBOLS}
        self.chlorine = {start: self._chlorine(start) for start in water}
        self._bricks()
        for index, year in enumerate(YEARS):  # the year of chlorine is that of its months
            months = [found for start, found in self.chlorine.items() if start.year == year]
            self.years["chlorine"][index] = {name: sum(found[name] for found in months) for name in months[0]}

    def _bricks(self) -> None:
        """What gypsum and mixing water hold stays in the bricks."""
        made = self.materials.amounts("brick_line.product")
        gypsum = self.materials.amounts("brick_line.gypsum")
        for element, in_gypsum in (("chlorine", 0.0004), ("nitrogen", 0.0), ("phosphorus", 0.0)):
            mixing = [self.years[element][index]["brick_line.water"] for index in range(len(YEARS))]
            held = [in_gypsum * amount + water for amount, water in zip(gypsum, mixing, strict=True)]
            self.materials.contents["brick_line.product", f"{element}_content"] = (
                held[0] / made[0], held[1] / made[1], held[2] / made[2],
            )  # fmt: skip

    def content(self, stream: str, commodity: str, element: str, index: int) -> float:
        """Tonnes of an element in a tonne of a material, in a year of `YEARS`."""
        quantity = quantity_of(element)
        stated = self.materials.contents.get((stream, quantity))
        if stated:
            return stated[index]
        if element in STREAM_CONTENTS.get(stream, {}):
            return STREAM_CONTENTS[stream][element]
        if element in OWN.get(commodity, {}):
            return OWN[commodity][element]
        if element == "carbon" and commodity in CARBON:
            return CARBON[commodity]
        return self._known.get((commodity, quantity), 0.0)

    def _streams(self) -> list[tuple[str, str, str, str, tuple[float, float, float]]]:
        rows = [(r.stream, r.source, r.target, r.commodity, r.amounts) for r in self.materials.rows]
        ends = {row["id"]: row for row in self.park.tables["streams"]}
        for stream in EXISTING:
            row = ends[stream]
            source, target, commodity = (str(row[name]) for name in ("source", "target", "commodity"))
            rows.append((stream, source, target, commodity, self.park.yearly(stream)))
        return rows

    def _metals(self) -> None:
        """What stays on surfaces and in sludge of the metals, so that the rest is what the waste water carries."""
        m, contents = self.materials, self.materials.contents

        def give(stream: str, element: str, *parts: tuple[str, str, float]) -> None:
            amounts = m.amounts(stream) if stream != "car_assembly.product" else self.park.yearly(stream)
            if stream == "aluminium_parts.product":
                amounts = self.park.yearly(stream)
            taken = [
                sum(share * OWN[commodity][element] * m.amounts(source)[index] for source, commodity, share in parts)
                for index in range(len(YEARS))
            ]
            contents[stream, f"{element}_content"] = (
                taken[0] / amounts[0], taken[1] / amounts[1], taken[2] / amounts[2],
            )  # fmt: skip

        nickel = ("aluminium_parts.nickel_salt", "nickel_salt")
        chromium = ("aluminium_parts.chromium_salt", "chromium_salt")
        salt = ("car_assembly.phosphating_salt", "zinc_phosphate_salt")
        give("aluminium_parts.metal_sludge", "nickel", (*nickel, 0.55))
        give("aluminium_parts.metal_sludge", "chromium", (*chromium, 0.70))
        give("car_assembly.aluminium_parts", "nickel", (*nickel, 0.35))
        give("car_assembly.aluminium_parts", "chromium", (*chromium, 0.22))
        for element in ("zinc", "nickel", "phosphorus"):
            give("car_assembly.metal_sludge", element, (*salt, 0.28))
        give("car_assembly.product", "zinc", (*salt, 0.60))
        give("car_assembly.product", "phosphorus", (*salt, 0.60))
        give("car_assembly.product", "nickel", (*salt, 0.60), (*nickel, 0.35))
        give("car_assembly.product", "chromium", (*chromium, 0.22))
        product = self.park.yearly("food.product")
        known = self._known["salt", "chlorine_content"]
        kept = [0.60 * amount * known for amount in m.amounts("food.salt")]
        contents["food.product", "chlorine_content"] = (
            kept[0] / product[0], kept[1] / product[1], kept[2] / product[2],
        )  # fmt: skip

    def _given(self, element: str, index: int) -> dict[str, float]:
        """By node, what materials bring of an element in a year, less what they take away."""
        found: dict[str, float] = {}
        rows = self._streams()
        if element in ("zinc", "nickel", "chromium", "phosphorus"):
            vehicles = self.park.yearly("car_assembly.product")
            rows.append(("car_assembly.product", "car_assembly", "product_market", "vehicle", vehicles))
        for stream, source, target, commodity, amounts in rows:
            amount = self.content(stream, commodity, element, index) * amounts[index]
            if amount:
                found[source] = found.get(source, 0.0) - amount
                found[target] = found.get(target, 0.0) + amount
        if element == "carbon":
            return {node: amount for node, amount in found.items() if node in ORGANIC}
        if element == "chlorine":
            salt = sum(amount for start, amount in salt_by_month().items() if start.year == YEARS[index])
            found["dye_house"] = found.get("dye_house", 0.0) + salt * self._known["salt", "chlorine_content"]
        return found

    def _year(self, element: str, index: int) -> dict[str, float]:
        months = [volumes for start, volumes in self.water.items() if start.year == YEARS[index]]
        return loads({name: sum(v[name] for v in months) for name in months[0]}, element, self._given(element, index))

    def _chlorine(self, start: date) -> dict[str, float]:
        index = start.year - YEARS[0]
        share = self.water[start]["soil.reclaimed_water"] / 120_000.0  # this month's part of the year's days
        content = self._known["salt", "chlorine_content"]
        year = sum(amount for day, amount in salt_by_month().items() if day.year == start.year)
        given = {node: share * amount for node, amount in self._given("chlorine", index).items()}
        given["dye_house"] += content * (salt_by_month()[start] - share * year)
        return loads(self.water[start], "chlorine", given)


def add(park: Park, m: Materials, water: Mapping[date, Volumes]) -> None:
    """Append contents of materials and waters, the nitrogen that the tanks free, the metered loads of chloride."""
    _urea(m)
    solutes = Solutes(park, m, water)
    row = m.rows[-1]
    park.stream(row.stream, row.source, row.target, row.commodity, row.activity)
    park.observe(row.stream, row.amounts, "t", row.method, row.half_range, digits=1)
    freed = [found["aerobic_tanks.nitrogen"] for found in solutes.years["nitrogen"]]
    park.stream("aerobic_tanks.nitrogen", "aerobic_tanks", "air", "nitrogen_to_air", "emission")
    park.observe("aerobic_tanks.nitrogen", freed, "t", "calculated", 0.15, digits=1)
    breathed = [found["aerobic_tanks.carbon"] * 44.01 / 12.011 for found in solutes.years["carbon"]]
    park.stream("aerobic_tanks.carbon_dioxide", "aerobic_tanks", "air", "carbon_dioxide_biogenic", "emission")
    park.observe("aerobic_tanks.carbon_dioxide", breathed, "t", "calculated", 0.15, digits=0)
    for stream, load in LOAD_BESIDE.items():
        link = next(link for link in LINKS if link.stream == stream)
        owner = "dyeing" if link.activity == "treatment" else None
        park.stream(load, link.source, link.target, "chloride", link.activity, owner=owner)
        park.observe(load, {start: found[stream] for start, found in solutes.chlorine.items()}, "t", "metered", 0.04,
                     digits=2)  # fmt: skip
    _write_materials(park, solutes)
    _write_waters(park, solutes, water)


def _urea(m: Materials) -> None:
    """A fifth of the urea's nitrogen leaves the dye house as ammonia."""
    urea = m.amounts("dye_house.urea")
    share = 0.20 * 0.46646 / 0.82244
    m.add("dye_house.ammonia", "dye_house", "air", "ammonia_emitted", "emission",
          (share * urea[0], share * urea[1], share * urea[2]), "calculated", 0.20)  # fmt: skip


def _property(
    park: Park, commodity: str, name: str, value: float, unit: str, *, stream: str | None = None,
    year: int | None = None, share: float = 0.05, note: str | None = None,
) -> None:  # fmt: skip
    start, end = (date(year, 1, 1), date(year + 1, 1, 1)) if year else (None, None)
    shown = float(f"{value:.5g}")
    park.add(
        "properties", commodity=commodity, property=name, stream=stream, value=shown, unit=unit, valid_from=start,
        valid_to=end, low=float(f"{value * (1 - share):.5g}") if value else None,
        high=float(f"{value * (1 + share):.5g}") if value else None, status="primary", source="analysis (synthetic)",
        note=f"{SYNTHETIC}; {note}" if note else SYNTHETIC,
    )  # fmt: skip


def quantity_of(element: str) -> str:
    """The property that holds an element's content."""
    return "carbon_fraction" if element == "carbon" else f"{element}_content"


def unit_of(quantity: str, per: str) -> str:
    """The unit of a content: tCl/t, tC/t, m3/t ..."""
    symbol = SYMBOLS.get(quantity.removesuffix("_content").removesuffix("_fraction"))
    return f"t{symbol}/{per}" if symbol else f"m3/{per}"


def _write_materials(park: Park, solutes: Solutes) -> None:
    for commodity, contents in OWN.items():
        for element, value in contents.items():
            _property(park, commodity, f"{element}_content", value, f"t{SYMBOLS[element]}/t", share=0.04)
    goods = {row["id"]: row["commodity"] for row in park.tables["streams"]}
    for stream, contents in STREAM_CONTENTS.items():
        for element, value in contents.items():
            if stream == "paper.biogas" or (stream, element) == ("pharma.hazardous_waste", "carbon"):
                continue  # the catalogue's own value by heating value, or of the waste
            _property(park, str(goods[stream]), quantity_of(element), value, f"t{SYMBOLS[element]}/t", stream=stream,
                      share=0.06)  # fmt: skip
    for (stream, quantity), values in solutes.materials.contents.items():
        unit = unit_of(quantity, "piece" if goods[stream] == "vehicle" else "t")
        same = max(values) - min(values) < 1e-9 * max(values)
        for year, value in zip(YEARS, values, strict=True):
            _property(park, str(goods[stream]), quantity, value, unit, stream=stream, year=None if same else year,
                      share=0.03)  # fmt: skip
            if same:
                break


def _write_waters(park: Park, solutes: Solutes, water: Mapping[date, Volumes]) -> None:
    for element, value in RIVER.items():
        _property(park, "river_water", f"{element}_content", value, f"t{SYMBOLS[element]}/m3", share=0.10)
    for commodity in ("demineralised_water", "condensate", "evaporated_water"):
        for element in RIVER:
            _property(park, commodity, f"{element}_content", 0.0, f"t{SYMBOLS[element]}/m3", note="nothing dissolved")
    goods = {row["id"]: row["commodity"] for row in park.tables["streams"]}
    volumes: dict[int, Volumes] = {year: {} for year in YEARS}
    for start, month in water.items():
        for stream, volume in month.items():
            volumes[start.year][stream] = volumes[start.year].get(stream, 0.0) + volume
    for element, symbol in SYMBOLS.items():
        share = _RANGE.get(element, 0.15)
        for stream in solutes.years[element][0]:
            if stream in ("water_works.intake", "aerobic_tanks.nitrogen", "aerobic_tanks.carbon"):
                continue
            if element == "chlorine" and stream in LOAD_BESIDE:
                _property(park, str(goods[stream]), "chlorine_content", 0.0, "tCl/m3", stream=stream,
                          note=f"counted in {LOAD_BESIDE[stream]}")  # fmt: skip
                continue
            found = [solutes.years[element][index][stream] for index in range(len(YEARS))]
            cake = stream == "sludge_dewatering.cake"
            amounts = park.yearly(stream) if cake else [volumes[year][stream] for year in YEARS]
            if max(found) < 1e-9:
                continue
            unit = f"t{symbol}/t" if cake else f"t{symbol}/m3"
            if element != "chlorine":
                _property(park, str(goods[stream]), quantity_of(element), sum(found) / sum(amounts), unit,
                          stream=stream, share=share)  # fmt: skip
                continue
            for year, load, amount in zip(YEARS, found, amounts, strict=True):
                _property(park, str(goods[stream]), "chlorine_content", load / amount, unit, stream=stream, year=year,
                          share=share)  # fmt: skip
