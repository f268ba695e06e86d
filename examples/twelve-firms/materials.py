"""Raw materials, products, by-products and wastes: what goes in and out of each process, by year, in tonnes.

Amounts follow from the products of the record by mass balance; `Amounts` holds the truth, `add` what bills, scales and
analyses say of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from assumptions import YEARS
from park_record import Park
from water_network import METHANOL_STEAM

Amounts = tuple[float, float, float]

CARBON_DIOXIDE, CARBON, SULPHUR, OXYGEN, LIMESTONE, GYPSUM = 44.01, 12.011, 32.06, 15.999, 100.09, 172.17
"""Molar masses, g/mol."""

LIME_FACTOR = 0.683
"""t CO2 per t of lime: the factor by which the inventory counts the kiln, so that balance and inventory agree."""
COAL_ASH = 0.20
ANTHRACITE_ASH = 0.16
BIOMASS_ASH = 0.03
LIMESTONE_EXCESS = 1.12
"""Limestone per limestone that the captured sulphur needs."""
CAPTURED = 0.95
"""Share of the sulphur in the raw flue gas that the desulphurisation takes out."""
SULPHUR_IN_ASH = 0.04
METHANOL_VENT, AMMONIA_VENT = 0.22, 3.3
"""t CO2 per t of product: the park's own factors of the inventory."""

SALT = (4_000.0, 3_900.0, 3_850.0)
"""Salt of the dye house, t a year, as long as it dyes as in 2021."""
REACTIVE_DYEING = date(2023, 7, 1)
"""From this day the dye house dyes cotton with reactive dyes ..."""
SALT_RISE = 2.1
"""... and takes this many times the salt: the one cause of the chloride rise at the outfall."""


@dataclass(frozen=True, slots=True)
class Material:
    """A stream of solids or chemicals: ends, commodity, activity, true amounts by year, how it is known."""

    stream: str
    source: str
    target: str
    commodity: str
    activity: str
    amounts: Amounts
    method: str = "invoiced"
    half_range: float = 0.0
    technology: str | None = None
    note: str | None = None
    part_of: str | None = None


def scaled(amounts: Amounts, factor: float) -> Amounts:
    """Every year's amount times a factor."""
    return amounts[0] * factor, amounts[1] * factor, amounts[2] * factor


def total(*parts: Amounts) -> Amounts:
    """The sum year by year."""
    return sum(p[0] for p in parts), sum(p[1] for p in parts), sum(p[2] for p in parts)


def less(whole: Amounts, *parts: Amounts) -> Amounts:
    """A whole without its parts, year by year."""
    return total(whole, *(scaled(part, -1.0) for part in parts))


def ratio(amounts: Amounts, base: Amounts) -> Amounts:
    """One over the other, year by year."""
    return amounts[0] / base[0], amounts[1] / base[1], amounts[2] / base[2]


@dataclass(slots=True)
class Materials:
    """All materials and what other modules need of them: water bound in solids, contents that balances give."""

    rows: list[Material] = field(default_factory=list)
    bound: dict[str, Amounts] = field(default_factory=dict)
    contents: dict[tuple[str, str], Amounts] = field(default_factory=dict)

    def add(self, *row: object, **more: object) -> None:
        """Append a material."""
        self.rows.append(Material(*row, **more))  # type: ignore[arg-type]

    def amounts(self, stream: str) -> Amounts:
        """The true amounts of a stream."""
        return next(row.amounts for row in self.rows if row.stream == stream)


# one material a line or two reads as a table
# fmt: off


def materials(park: Park) -> Materials:
    """Work out every material from the record's products and fuels."""
    m = Materials()
    _power_plant(m, park)
    _lime_and_bricks(m, park)
    _chemicals(m, park)
    _steel_and_cars(m, park)
    _dyeing(m, park)
    _pharma(m, park)
    _paper_and_food(m, park)
    _electronics(m)
    # between the cake's water (80 %) and its mass, so that both layers close within the meters' ranges
    m.bound["water_in_cake"] = scaled(park.yearly("waste_water.sludge"), 0.90)
    return m


def _power_plant(m: Materials, park: Park) -> None:
    coal, limestone = park.yearly("chp.coal"), park.yearly("chp.limestone")
    captured = scaled(limestone, SULPHUR / LIMESTONE / LIMESTONE_EXCESS)
    raw = scaled(captured, 1 / CAPTURED)
    in_coal = scaled(raw, 1 / (1 - SULPHUR_IN_ASH))
    ash = scaled(coal, COAL_ASH)
    m.contents["chp.coal", "sulphur_content"] = ratio(in_coal, coal)
    m.contents["chp.coal", "chlorine_content"] = (0.0004, 0.0004, 0.0004)
    for content in ("sulphur_content", "chlorine_content"):
        m.contents["coal_yard.coal", content] = m.contents["chp.coal", content]
    dioxide = (SULPHUR + 2 * OXYGEN) / SULPHUR
    m.add("chp_desulphurisation.raw_gas", "chp_units", "chp_desulphurisation", "sulphur_dioxide", "transfer",
          scaled(raw, dioxide), "calculated", 0.06)
    m.add("chp_desulphurisation.stack", "chp_desulphurisation", "air", "sulphur_dioxide", "emission",
          scaled(less(raw, captured), dioxide), "metered", 0.08)
    m.add("chp_desulphurisation.limestone", "material_market", "chp_desulphurisation", "limestone", "process_input",
          limestone, technology="fgd", part_of="chp.limestone", note="all of chp.limestone goes to the scrubber")
    m.contents["chp.limestone", "carbon_fraction"] = scaled(ratio(captured, limestone), CARBON / SULPHUR)
    m.contents["chp_desulphurisation.limestone", "carbon_fraction"] = m.contents["chp.limestone", "carbon_fraction"]
    oxygen = scaled(captured, OXYGEN / SULPHUR)
    m.add("chp_desulphurisation.oxygen", "air", "chp_desulphurisation", "oxygen_from_air", "supply", oxygen,
          "calculated", 0.05)
    crystals = scaled(captured, GYPSUM / SULPHUR)
    unused = less(limestone, scaled(captured, LIMESTONE / SULPHUR))
    gypsum = scaled(total(crystals, unused), 1 / 0.90)
    in_crystals = scaled(crystals, 2 * 18.015 / GYPSUM)
    m.bound["water_in_gypsum"] = total(in_crystals, scaled(gypsum, 0.10))
    m.add("brick_line.gypsum", "chp_desulphurisation", "brick_line", "fgd_gypsum", "transfer", scaled(gypsum, 0.30),
          "metered", 0.02)
    m.add("chp_desulphurisation.gypsum", "chp_desulphurisation", "product_market", "fgd_gypsum", "sale",
          scaled(gypsum, 0.70), "metered", 0.02)
    for stream in ("brick_line.gypsum", "chp_desulphurisation.gypsum"):
        m.contents[stream, "sulphur_content"] = ratio(captured, gypsum)
        m.contents[stream, "water_content"] = ratio(m.bound["water_in_gypsum"], gypsum)
        m.contents[stream, "chlorine_content"] = (0.0004, 0.0004, 0.0004)
    fly_ash = scaled(ash, 0.82)
    m.add("brick_line.fly_ash", "chp_units", "brick_line", "fly_ash", "transfer", scaled(fly_ash, 0.70), "metered",
          0.02)
    m.add("chp.fly_ash", "chp_units", "product_market", "fly_ash", "sale", scaled(fly_ash, 0.30), "metered", 0.02)
    m.add("chp.slag", "chp_units", "product_market", "boiler_slag", "sale", scaled(ash, 0.18), "metered", 0.03)
    for stream in ("brick_line.fly_ash", "chp.fly_ash", "chp.slag"):
        m.contents[stream, "sulphur_content"] = ratio(scaled(in_coal, SULPHUR_IN_ASH), ash)
    # the chlorine of the coal leaves the boiler as hydrogen chloride, which the scrubber catches
    in_gas = scaled(coal, 0.0004)
    m.add("chp_desulphurisation.hydrogen_chloride", "chp_units", "chp_desulphurisation", "hydrogen_chloride_emitted",
          "transfer", scaled(in_gas, 1 / 0.97235), "calculated", 0.10)
    m.add("chp_demineralisation.acid", "material_market", "chp_demineralisation", "hydrochloric_acid", "supply",
          (350.0, 345.0, 352.0))
    m.add("chp_demineralisation.alkali", "material_market", "chp_demineralisation", "caustic_soda", "supply",
          (130.0, 128.0, 131.0))
    m.add("chp_units.ammonia_solution", "ammonia_unit", "chp_units", "ammonia_solution", "transfer",
          (620.0, 600.0, 560.0), "metered", 0.02, note="takes nitrogen oxides out of the flue gas")
    m.add("chp_units.nitrogen", "chp_units", "air", "nitrogen_to_air", "emission",
          scaled((620.0, 600.0, 560.0), 0.25 * 0.8225), "calculated", 0.10)


def _lime_and_bricks(m: Materials, park: Park) -> None:
    fly_ash, gypsum = m.amounts("brick_line.fly_ash"), m.amounts("brick_line.gypsum")
    to_bricks = scaled(fly_ash, 0.16)
    lime = total(park.yearly("lime.product"), to_bricks)
    dioxide = scaled(lime, LIME_FACTOR)
    limestone = scaled(total(lime, dioxide), 1 / 0.992)
    dust = scaled(limestone, 0.008)
    m.add("lime_kiln.limestone", "material_market", "lime_kiln", "limestone", "supply", limestone, "metered", 0.015)
    m.contents["lime_kiln.limestone", "carbon_fraction"] = scaled(ratio(dioxide, limestone), CARBON / CARBON_DIOXIDE)
    m.add("lime_kiln.carbon_dioxide", "lime_kiln", "air", "process_carbon_dioxide", "emission", dioxide, "calculated",
          0.03)
    m.add("brick_line.lime", "lime_kiln", "brick_line", "lime", "transfer", to_bricks, "metered", 0.01)
    m.add("brick_line.kiln_dust", "lime_kiln", "brick_line", "mineral_waste", "transfer", dust, "metered", 0.04)
    m.add("lime_kiln.slag", "lime_kiln", "waste_contractors", "boiler_slag", "treatment",
          scaled(park.yearly("lime.coal"), ANTHRACITE_ASH), "metered", 0.03, "recycling")
    solids = total(fly_ash, gypsum, to_bricks, dust)
    m.bound["bound_in_bricks"] = scaled(solids, 0.11)
    bricks = total(solids, m.bound["bound_in_bricks"])
    m.add("brick_line.product", "brick_line", "product_market", "bricks", "production", bricks, "metered", 0.02)
    sulphur = total(scaled(fly_ash, m.contents["brick_line.fly_ash", "sulphur_content"][0]),
                    scaled(gypsum, m.contents["brick_line.gypsum", "sulphur_content"][0]))  # fmt: skip
    m.contents["brick_line.product", "sulphur_content"] = ratio(sulphur, bricks)
    in_gypsum = scaled(gypsum, m.contents["brick_line.gypsum", "water_content"][0])
    m.contents["brick_line.product", "water_content"] = ratio(total(m.bound["bound_in_bricks"], in_gypsum), bricks)


def _chemicals(m: Materials, park: Park) -> None:
    methanol, ammonia = park.yearly("chemicals.methanol"), park.yearly("chemicals.ammonia")
    coal = park.yearly("chemicals.coal_feed")
    m.add("methanol_unit.carbon_dioxide", "methanol_unit", "air", "process_carbon_dioxide", "emission",
          scaled(methanol, METHANOL_VENT), "calculated", 0.10)
    m.add("ammonia_unit.carbon_dioxide", "ammonia_unit", "air", "process_carbon_dioxide", "emission",
          scaled(ammonia, AMMONIA_VENT), "calculated", 0.06)
    solution = total((900.0, 930.0, 950.0), m.amounts("chp_units.ammonia_solution"))
    m.add("electronics.ammonia_solution", "ammonia_unit", "electronics", "ammonia_solution", "transfer",
          (900.0, 930.0, 950.0), "metered", 0.02)
    m.bound["methanol"], m.bound["ammonia"] = methanol, ammonia
    m.bound["water_in_ammonia_solution"] = scaled(solution, 0.75)
    fixed = total(scaled(ammonia, 0.82244), scaled(solution, 0.25 * 0.82244))
    m.add("ammonia_unit.nitrogen", "air", "ammonia_unit", "nitrogen_from_air", "supply", fixed, "calculated", 0.02)
    slag = scaled(coal, ANTHRACITE_ASH)
    sulphur = scaled(coal, 0.008)
    m.contents["chemicals.coal_feed", "sulphur_content"] = (0.008, 0.008, 0.008)
    m.add("ammonia_unit.sulphur", "ammonia_unit", "product_market", "sulphur", "sale", scaled(sulphur, 0.94), "metered",
          0.02)
    m.add("ammonia_unit.slag", "ammonia_unit", "waste_contractors", "boiler_slag", "treatment", slag, "metered", 0.03,
          "recycling")
    m.contents["ammonia_unit.slag", "sulphur_content"] = ratio(scaled(sulphur, 0.06), slag)
    reacted = scaled(ammonia, 1.42)
    oxygen = less(
        total(ammonia, scaled(solution, 0.25), scaled(ammonia, AMMONIA_VENT), slag, scaled(sulphur, 0.94)),
        coal, fixed, reacted,
    )  # fmt: skip
    m.add("ammonia_unit.oxygen", "air", "ammonia_unit", "oxygen_from_air", "supply", oxygen, "calculated", 0.05)
    m.add("chemicals_demineralisation.acid", "material_market", "chemicals_demineralisation", "hydrochloric_acid",
          "supply", (1_100.0, 1_110.0, 1_120.0))
    m.add("chemicals_demineralisation.alkali", "material_market", "chemicals_demineralisation", "caustic_soda",
          "supply", (410.0, 414.0, 418.0))


def _steel_and_cars(m: Materials, park: Park) -> None:
    product, scale = park.yearly("steel_rolling.product"), park.yearly("steel_rolling.scale")
    sheet: Amounts = (62_000.0, 63_500.0, 65_800.0)
    scrap = scaled(product, 0.014)
    iron: Amounts = (1_900.0, 1_920.0, 1_950.0)
    acid: Amounts = (9_000.0, 9_100.0, 9_200.0)
    strip: Amounts = (120_000.0, 121_000.0, 123_000.0)
    m.add("steel_rolling.billets", "material_market", "steel_rolling", "steel_billet", "supply",
          total(product, sheet, scrap, scaled(scale, 0.75), iron), "metered", 0.005)
    m.add("steel_rolling.oxygen", "air", "steel_rolling", "oxygen_from_air", "supply", scaled(scale, 0.25),
          "calculated", 0.10, note="in the scale")
    m.add("steel_rolling.scrap", "steel_rolling", "product_market", "steel_scrap", "sale", scrap, "metered", 0.01)
    m.add("car_assembly.sheet", "steel_rolling", "car_assembly", "steel_product", "transfer", sheet, "metered", 0.005)
    m.add("pickling_line.strip", "steel_rolling", "pickling_line", "steel_product", "transfer", total(strip, iron),
          "metered", 0.005)
    m.add("steel_rolling.pickled_strip", "pickling_line", "steel_rolling", "steel_product", "transfer", strip,
          "metered", 0.005)
    m.add("pickling_line.acid", "material_market", "pickling_line", "hydrochloric_acid", "supply", acid)
    spent = total(scaled(acid, 0.92), iron)
    m.add("pickling_line.spent_acid", "pickling_line", "waste_contractors", "waste_acid", "treatment", spent, "metered",
          0.02, "recycling", note="ferrous chloride liquor, worked up outside")
    m.contents["pickling_line.spent_acid", "carbon_fraction"] = scaled(ratio(iron, spent), 0.0018)
    m.contents["pickling_line.spent_acid", "chlorine_content"] = ratio(scaled(acid, 0.86 * 0.30143), spent)
    parts: Amounts = (15_000.0, 15_600.0, 16_300.0)
    aluminium = park.yearly("aluminium_parts.product")
    dross, turnings = scaled(aluminium, 0.03), scaled(aluminium, 0.045)
    m.add("car_assembly.aluminium_parts", "aluminium_parts", "car_assembly", "aluminium_product", "transfer", parts,
          "metered", 0.005)
    m.add("aluminium_parts.dross", "aluminium_parts", "waste_contractors", "industrial_solid_waste", "treatment", dross,
          "metered", 0.03, "recycling")
    m.add("aluminium_parts.turnings", "aluminium_parts", "product_market", "aluminium_scrap", "sale", turnings,
          "metered", 0.01)
    scrap_in = scaled(aluminium, 0.22)
    m.add("aluminium_parts.scrap", "material_market", "aluminium_parts", "aluminium_scrap", "supply", scrap_in,
          "metered", 0.01)
    m.add("aluminium_parts.ingots", "material_market", "aluminium_parts", "aluminium_ingot", "supply",
          less(total(aluminium, parts, dross, turnings), scrap_in), "metered", 0.005)
    m.add("aluminium_parts.acid", "material_market", "aluminium_parts", "sulphuric_acid", "supply",
          (600.0, 630.0, 660.0))
    m.add("aluminium_parts.nickel_salt", "material_market", "aluminium_parts", "nickel_salt", "supply",
          (14.0, 14.8, 15.6))
    m.add("aluminium_parts.chromium_salt", "material_market", "aluminium_parts", "chromium_salt", "supply",
          (9.0, 9.4, 9.9))
    m.add("aluminium_parts.metal_sludge", "aluminium_parts", "waste_contractors", "electroplating_sludge", "treatment",
          (160.0, 168.0, 176.0), "metered", 0.05, "recycling")
    vehicles = scaled(park.yearly("car_assembly.product"), 1.2)
    waste = park.yearly("car_assembly.waste")
    m.add("car_assembly.coating", "material_market", "car_assembly", "coating", "supply", (2_600.0, 2_670.0, 2_750.0))
    m.add("car_assembly.solvent_loss", "car_assembly", "air", "volatile_organic_compounds", "emission",
          (620.0, 600.0, 570.0), "calculated", 0.15)
    m.add("car_assembly.phosphating_salt", "material_market", "car_assembly", "zinc_phosphate_salt", "supply",
          (190.0, 195.0, 202.0))
    m.add("car_assembly.metal_sludge", "car_assembly", "waste_contractors", "electroplating_sludge", "treatment",
          (210.0, 216.0, 224.0), "metered", 0.05, "recycling")
    lost: Amounts = (620.0, 600.0, 570.0)
    coating = m.amounts("car_assembly.coating")
    bought = less(total(vehicles, waste, lost), sheet, parts, coating)
    m.add("car_assembly.parts", "material_market", "car_assembly", "car_parts", "supply", bought, "metered", 0.01)
    carbon = less(
        total(scaled(bought, 0.08), scaled(sheet, 0.0018), scaled(coating, 0.55)),
        scaled(waste, 0.03), scaled(lost, 0.75),
    )  # fmt: skip
    m.contents["car_assembly.product", "carbon_fraction"] = ratio(carbon, park.yearly("car_assembly.product"))


def _dyeing(m: Materials, park: Park) -> None:
    cloth = park.yearly("dyeing.product")
    cuttings = scaled(cloth, 0.02)
    dyed = total(cloth, cuttings)
    m.add("dye_house.fabric", "material_market", "dye_house", "grey_fabric", "supply", scaled(dyed, 1.01), "metered",
          0.01)
    m.add("finishing.fabric", "dye_house", "finishing", "textiles", "transfer", dyed, "metered", 0.01)
    m.add("finishing.product", "finishing", "product_market", "textiles", "production", cloth, part_of="dyeing.product",
          note="all of dyeing.product comes from finishing")
    m.add("finishing.cuttings", "finishing", "waste_contractors", "industrial_textile_waste", "treatment", cuttings,
          "metered", 0.03, "recycling")
    for stream, commodity, amounts in (
        ("dyestuff", "dyestuff", (720.0, 700.0, 715.0)), ("urea", "urea", (900.0, 870.0, 850.0)),
        ("alkali", "caustic_soda", (2_400.0, 2_330.0, 2_280.0)),
        ("sodium_sulphate", "sodium_sulphate", (1_500.0, 1_450.0, 1_400.0)),
    ):  # fmt: skip
        m.add(f"dye_house.{stream}", "material_market", "dye_house", commodity, "supply", amounts)
    m.add("dyeing_softening.salt", "material_market", "dyeing_softening", "salt", "supply", (700.0, 680.0, 665.0))


def _pharma(m: Materials, park: Park) -> None:
    waste = park.yearly("pharma.hazardous_waste")
    m.add("pharma.reagents", "material_market", "pharma", "fine_chemical", "supply", (6_200.0, 6_450.0, 6_700.0))
    m.add("pharma.solvents", "material_market", "pharma", "organic_solvent", "supply", (2_600.0, 2_700.0, 2_800.0))
    m.add("pharma.acid", "material_market", "pharma", "hydrochloric_acid", "supply", (900.0, 930.0, 960.0))
    m.add("pharma.solvent_loss", "pharma", "air", "volatile_organic_compounds", "emission", (70.0, 72.0, 71.0),
          "calculated", 0.20)
    m.contents["pharma.hazardous_waste", "chlorine_content"] = (0.025, 0.025, 0.025)
    ash = scaled(waste, 0.12)
    m.add("pharma_incinerator.ash", "pharma_incinerator", "waste_contractors", "incineration_fly_ash", "treatment", ash,
          "metered", 0.03, "recycling", note="to a cement kiln")
    m.contents["pharma_incinerator.ash", "chlorine_content"] = ratio(scaled(waste, 0.025), ash)
    m.add("pharma_incinerator.gas", "pharma_incinerator", "air", "burnt_waste_gas", "emission", scaled(waste, 0.88),
          "calculated", 0.05)


def _paper_and_food(m: Materials, park: Park) -> None:
    paper = park.yearly("paper.product")
    m.add("paper.pulp", "material_market", "paper", "pulp", "supply", scaled(paper, 0.40), "metered", 0.01)
    m.add("paper.waste_paper", "material_market", "paper", "waste_paper", "supply", scaled(paper, 0.66), "metered",
          0.01)
    m.add("paper.filler", "material_market", "paper", "clay", "supply", scaled(paper, 0.08))
    m.add("paper.rejects", "paper", "waste_contractors", "industrial_paper_waste", "treatment", scaled(paper, 0.10),
          "metered", 0.03, "recycling")
    m.add("biomass_boiler.ash", "biomass_boiler", "soil", "boiler_slag", "sale",
          scaled(park.yearly("paper.biomass"), BIOMASS_ASH), "metered", 0.05, note="wood ash spread on fields")
    food = park.yearly("food.product")
    m.add("food.ingredients", "material_market", "food", "food_ingredients", "supply", scaled(food, 1.13), "metered",
          0.01)
    m.add("food.salt", "material_market", "food", "salt", "supply", (450.0, 446.0, 458.0))
    m.add("food.waste", "food", "product_market", "industrial_food_waste", "sale", scaled(food, 0.09), "metered", 0.03,
          note="to a maker of feed")


def _electronics(m: Materials) -> None:
    acid: Amounts = (2_400.0, 2_460.0, 2_500.0)
    m.add("electronics.sulphuric_acid", "material_market", "electronics", "sulphuric_acid", "supply", acid)
    m.add("electronics.hydrochloric_acid", "material_market", "electronics", "hydrochloric_acid", "supply",
          (420.0, 430.0, 440.0))
    m.add("electronics.phosphoric_acid", "material_market", "electronics", "phosphoric_acid", "supply",
          (160.0, 164.0, 168.0))
    spent: Amounts = (1_700.0, 1_740.0, 1_770.0)
    m.add("electronics.spent_acid", "electronics", "waste_contractors", "waste_acid", "treatment", spent, "metered",
          0.02, "recycling")
    m.contents["electronics.spent_acid", "sulphur_content"] = ratio(scaled(acid, 0.60 * 0.32691), spent)


# fmt: on


def add(park: Park, m: Materials) -> None:
    """Append the streams of materials, what is known of them, and the parts that show which process has what."""
    for row in m.rows:
        park.stream(
            row.stream, row.source, row.target, row.commodity, row.activity, technology=row.technology,
            part_of=row.part_of, note=row.note,
        )  # fmt: skip
        digits = 1 if max(row.amounts) < 1_000 else 0
        park.observe(row.stream, row.amounts, "t", row.method, row.half_range, digits=digits)
    park.stream("dye_house.salt", "material_market", "dye_house", "salt", "supply")
    park.observe("dye_house.salt", salt_by_month(), "t", "metered", 0.02, digits=1)
    for stream, target, whole, share in (
        ("dye_house.steam", "dye_house", "dyeing.steam", 0.70),
        ("finishing.steam", "finishing", "dyeing.steam", 0.30),
        ("ammonia_unit.steam", "ammonia_unit", "chemicals.steam", 1 - METHANOL_STEAM),
    ):
        _part(park, stream, "chp_units", target, "steam", "supply", whole, share, "t", 0)
    _part(park, "finishing.gas", "fuel_market", "finishing", "natural_gas", "final_use", "dyeing.gas", 1.0, "万Nm³", 2)
    park.stream(
        "sludge_dewatering.cake", "sludge_dewatering", "waste_contractors", "sewage_sludge", "treatment",
        technology="incineration", part_of="waste_water.sludge", note="all of waste_water.sludge is dewatered cake",
    )  # fmt: skip
    park.observe("sludge_dewatering.cake", park.yearly("waste_water.sludge"), "t", "invoiced", 0.0)


def _part(
    park: Park, stream: str, source: str, target: str, commodity: str, activity: str, whole: str, share: float,
    unit: str, digits: int,
) -> None:  # fmt: skip
    """A process's part of what its firm receives, by month; the last part takes what rounding leaves."""
    park.stream(stream, source, target, commodity, activity, part_of=whole, note=f"sub-meter inside {whole}")
    others: Mapping[date, float] = {}
    if stream == "finishing.steam":
        others = park.by_month("dye_house.steam")
    if stream == "ammonia_unit.steam":
        others = park.by_month("chemicals.methanol_steam")
    for start, amount in park.by_month(whole).items():
        part = amount - others[start] if others else round(share * amount, digits)
        end = date(start.year + start.month // 12, start.month % 12 + 1, 1)
        park.flow(stream, start, end, round(part, digits), unit, "metered", low=0.98, high=1.02, digits=digits)


def salt_by_month() -> dict[date, float]:
    """True salt of the dye house by month, t: more than twice as much from the change to reactive dyes on."""
    found: dict[date, float] = {}
    for year, amount in zip(YEARS, SALT, strict=True):
        for month in range(1, 13):
            start = date(year, month, 1)
            found[start] = amount / 12 * (SALT_RISE if start >= REACTIVE_DYEING else 1.0)
    return found
