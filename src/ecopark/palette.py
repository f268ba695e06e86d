"""The colours of scopes, carriers, categories and gases: one place for pages and for print figures.

The base is the eight-colour set of Okabe and Ito (Color Universal Design, 2008), distinguishable with the common forms
of colour blindness; further shades differ from their base in lightness, so that they survive a grey print too. All
have enough contrast on the light and on the dark page. Keys are written `<kind>:<id>`.
"""

from __future__ import annotations

import zlib

ORANGE = "#e69f00"
SKY_BLUE = "#56b4e9"
BLUISH_GREEN = "#009e73"
YELLOW = "#d9c70c"  # Okabe-Ito's #f0e442 darkened: the original vanishes on white paper
BLUE = "#0072b2"
VERMILLION = "#d55e00"
REDDISH_PURPLE = "#cc79a7"
GREY = "#7f8790"

ACCENT_LIGHT = "#00618f"
ACCENT_DARK = "#7cc4ee"

SEQUENCE = (BLUE, VERMILLION, BLUISH_GREEN, ORANGE, SKY_BLUE, REDDISH_PURPLE, YELLOW, GREY)
"""For things without a colour of their own, in this order."""

COLOURS: dict[str, str] = {
    "scope:1": VERMILLION,
    "scope:2": BLUE,
    "scope:2_location": BLUE,
    "scope:2_market": SKY_BLUE,
    "scope:3": YELLOW,
    "scope:biogenic": BLUISH_GREEN,
    "scope:apart": GREY,
    "carrier:coal": "#5b636b",
    "carrier:oil": "#9c5b1d",
    "carrier:gas": ORANGE,
    "carrier:biomass": BLUISH_GREEN,
    "carrier:waste_fuel": "#7a8f2a",
    "carrier:electricity": BLUE,
    "carrier:heat": VERMILLION,
    "carrier:steam": "#e58a4e",
    "carrier:cooling": "#7fd3e0",
    "carrier:energy_medium": YELLOW,
    "carrier:water": SKY_BLUE,
    "carrier:wastewater": "#4f8a8b",
    "carrier:material": "#8d7fb5",
    "carrier:product": REDDISH_PURPLE,
    "carrier:waste": "#a08f7c",
    "carrier:greenhouse_gas": "#a23b72",
    "carrier:refrigerant": "#5fc3a4",
    "carrier:pollutant": "#6b4c3b",
    "category:fuel": VERMILLION,
    "category:combustion": VERMILLION,
    "category:mobile": "#9c5b1d",
    "category:conversion": "#e58a4e",
    "category:process": "#e0a8cb",
    "category:waste": "#a08f7c",
    "category:wastewater": "#4f8a8b",
    "category:refrigerants": "#5fc3a4",
    "category:electricity": BLUE,
    "category:electricity_location": BLUE,
    "category:electricity_market": SKY_BLUE,
    "category:heat": ORANGE,
    "category:upstream": "#8d7fb5",
    "category:treatment_outside": "#7a8f2a",
    "category:bunker": GREY,
    "category:biogenic": BLUISH_GREEN,
    "category:exported": GREY,
    "category:energy_fuel": "#5b636b",
    "category:energy_feedstock": "#8d7fb5",
    "category:energy_conversion": "#e58a4e",
    "category:energy_heat": VERMILLION,
    "category:energy_renewable_heat": "#5fc3a4",
    "category:energy_biomass": BLUISH_GREEN,
    "category:energy_medium": YELLOW,
    "category:electricity_equivalent": BLUE,
    "category:electricity_calorific": BLUE,
    "gas:CO2": BLUE,
    "gas:CH4": ORANGE,
    "gas:N2O": REDDISH_PURPLE,
    "gas:HFC": BLUISH_GREEN,
    "gas:PFC": SKY_BLUE,
    "gas:SF6": VERMILLION,
    "gas:NF3": YELLOW,
    "series:total": ACCENT_LIGHT,
    "series:calculated": BLUE,
    "series:reported": ORANGE,
    "step:total": GREY,
    "step:increase": VERMILLION,
    "step:decrease": BLUISH_GREEN,
}


def colour(key: str) -> str:
    """Return the fixed colour (`#rrggbb`) of `key`, such as `scope:1` or `carrier:coal`.

    A key without a colour of its own gets one of `SEQUENCE`, always the same one (chosen by the key's checksum).
    """
    known = COLOURS.get(key)
    return known if known is not None else SEQUENCE[zlib.crc32(key.encode()) % len(SEQUENCE)]


def colours(keys: list[str]) -> dict[str, str]:
    """Return a colour for each of `keys` shown together: fixed ones first, then unused ones of `SEQUENCE` in order."""
    chosen = {key: COLOURS[key] for key in keys if key in COLOURS}
    free = [shade for shade in SEQUENCE if shade not in chosen.values()] or list(SEQUENCE)
    others = [key for key in dict.fromkeys(keys) if key not in COLOURS]
    return chosen | {key: free[place % len(free)] for place, key in enumerate(others)}
