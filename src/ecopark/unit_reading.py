"""Reading the text of a unit: the many ways in which people write one, into its atoms."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from ecopark.translation import N_, translate
from ecopark.unit_definitions import basis_rows, multiplier_rows, unit_rows


class UnitError(ValueError):
    """A unit that cannot be read, or two units that do not fit.

    `cause` and `remedy` are message ids whose fields are filled from `values`; `code` is ``unit_unknown``,
    ``unit_syntax``, ``unit_basis`` (same kind of quantity, other basis) or ``unit_mismatch``. `found` and `expected`
    are the two sides (`expected` is empty where a unit cannot be read).
    """

    def __init__(self, code: str, cause: str, remedy: str, values: Mapping[str, object]) -> None:
        self.code = code
        self.cause = cause
        self.remedy = remedy
        self.values = dict(values)
        super().__init__(f"{cause.format(**self.values)} {remedy.format(**self.values)}")

    @property
    def found(self) -> str:
        """The unit that was given."""
        return str(self.values.get("found", ""))

    @property
    def expected(self) -> str:
        """The unit that was asked for; empty where the fault is in the reading."""
        return str(self.values.get("expected", ""))

    def describe(self, language: str) -> tuple[str, str]:
        """Return cause and remedies as sentences in `language`."""
        return translate(self.cause, language, **self.values), translate(self.remedy, language, **self.values)


@dataclass(frozen=True, slots=True)
class Part:
    """One atom of a unit: power of ten, unit, bases and the power it is raised to."""

    multiplier: str
    unit: str
    bases: tuple[str, ...]
    power: int

    @property
    def text(self) -> str:
        """Canonical text without the power."""
        return self.multiplier + ("" if self.multiplier and self.unit == "1" else self.unit) + "".join(self.bases)


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_DOTS = "·⋅∙•・×✕*"
_TOKEN = re.compile(
    r"(?P<number>\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?(?:\^\d{1,2})?)|(?P<operator>[/*()])"
    r"|(?P<name>[^\d\s/*()^][^\s/*()^]*)|(?P<power>\^[+-]?\d(?!\d))"
)
_LONGEST = 100
"""No unit is longer than this; a longer text is a sentence in the wrong cell."""


def _normalise(text: str) -> str:
    """Bring the ways of writing one unit to a common form (width, superscripts, dots, blanks)."""
    text = re.sub(r"[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).replace("−", "-")
    text = re.sub(r"\bper\b", "/", text)
    text = re.sub(rf"[{re.escape(_DOTS)}]", "*", text)
    text = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", "*", text)
    text = re.sub(r"\s+", "", text)
    text = text.replace("CO^2", "CO2")  # CO² for CO₂
    names = r"(?<![A-Za-z])(m\^[23]|[NS]m\^3|km\^2|ft\^3)(?!\d)"
    return re.sub(names, lambda found: found[0].replace("^", ""), text)


def _plain(text: str) -> str:
    return _normalise(text).replace("(", "").replace(")", "")


@cache
def _spellings() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Spelling (without brackets) -> id of units, bases and multipliers."""
    units = {_plain(name): row.id for row in unit_rows().values() for name in (*row.spellings, row.zh, row.en)}
    bases = {_plain(name): row.id for row in basis_rows().values() for name in row.spellings}
    bases |= {name.lstrip("_"): key for name, key in list(bases.items())}
    multipliers = {_plain(name): row.id for row in multiplier_rows().values() for name in row.spellings}
    return units, bases, multipliers


@cache
def _folded() -> tuple[dict[str, str], dict[str, str]]:
    """Case-folded spelling -> id, only where the folded form means one thing and case does not matter."""
    units, bases, _ = _spellings()
    result: list[dict[str, str]] = []
    for spellings, exact in (
        (units, {row.id for row in unit_rows().values() if row.exact}),
        (bases, {row.id for row in basis_rows().values() if row.exact}),
    ):
        meanings: dict[str, set[str]] = {}
        for name, key in spellings.items():
            meanings.setdefault(name.casefold(), set()).add(key)
        result.append(
            {name: next(iter(keys)) for name, keys in meanings.items() if len(keys) == 1 and not keys & exact}
        )
    return result[0], result[1]


def _split(name: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Split a name into multiplier, unit and bases; None where no reading exists."""
    units, bases, multipliers = _spellings()
    folded_units, folded_bases = _folded()

    def basis_of(text: str, unit: str) -> tuple[str, ...] | None:
        text = text.lstrip("_")
        if not text:
            return ()
        for key in (bases.get(text), folded_bases.get(text.casefold())):
            if key and unit_rows()[unit].family in basis_rows()[key].families:
                return (key,)
        return None

    def unit_of(text: str) -> tuple[str, tuple[str, ...]] | None:
        for table, fold in ((units, False), (folded_units, True)):
            for end in range(len(text), 0, -1):
                head = text[:end].casefold() if fold else text[:end]
                if head in table:
                    found = basis_of(text[end:], table[head])
                    if found is not None:
                        return table[head], found
        return None

    plain = name.replace("(", "").replace(")", "")
    whole = unit_of(plain)
    if whole:
        return "", *whole
    for end in range(len(plain), 0, -1):
        head = multipliers.get(plain[:end]) or multipliers.get(plain[:end].casefold())
        if head:
            if end == len(plain):
                return head, "1", ()
            rest = unit_of(plain[end:])
            if rest:
                return head, *rest
    return None


class Reader:
    """Recursive-descent reader of products, quotients, powers and groups of units."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.tokens: list[tuple[str, str]] = []
        text = _normalise(original)
        if len(text) > _LONGEST:
            raise self.syntax()
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.syntax()
            kind, token = str(match.lastgroup), match.group()
            position = match.end()
            while kind == "name" and text.startswith("(", position):
                # "GJ(低位)", "m3(20°C)": a bracket right after a name belongs to it
                close = text.find(")", position)
                if close < 0:
                    raise self.syntax()
                token += text[position : close + 1]
                position = close + 1
            self.tokens.append((kind, token))
        self.index = 0

    def syntax(self) -> UnitError:
        """The error for a text that is no unit at all."""
        return UnitError(
            "unit_syntax",
            N_("“{found}” cannot be read as a unit."),
            N_("Write units like t, 万kWh, GJ_LHV/t or kgCO2/(t·km)."),
            {"found": self.original[:_LONGEST]},
        )

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.index] if self.index < len(self.tokens) else ("end", "")

    def read(self) -> tuple[Part, ...]:
        """Return the atoms of the whole text; UnitError where it is no unit."""
        if not self.tokens:
            raise self.syntax()
        parts = self._product()
        if self.index != len(self.tokens):
            raise self.syntax()
        return tuple(parts)

    def _product(self) -> list[Part]:
        parts = self._factor()
        while self._peek()[1] in ("/", "*"):
            sign = -1 if self._peek()[1] == "/" else 1
            self.index += 1
            parts += [Part(p.multiplier, p.unit, p.bases, sign * p.power) for p in self._factor()]
        return parts

    def _factor(self) -> list[Part]:
        kind, token = self._peek()
        self.index += 1
        if kind == "number":
            multiplier = self._power_of_ten(token)
            following = self._peek()[0]
            if following == "name":
                head, *rest = self._factor()
                if not head.multiplier:
                    return [Part(multiplier, head.unit, head.bases, head.power), *rest]
                return [Part(multiplier, "1", (), 1), head, *rest] if multiplier else [head, *rest]
            return [Part(multiplier, "1", (), 1)]
        if token == "(":
            parts = self._product()
            if self._peek()[1] != ")":
                raise self.syntax()
            self.index += 1
        elif kind == "name":
            parts = [Part(*_name(token, self.original), 1)]
        else:
            raise self.syntax()
        if self._peek()[0] == "power":
            power = int(self._peek()[1][1:])
            self.index += 1
            parts = [Part(p.multiplier, p.unit, p.bases, p.power * power) for p in parts]
        return parts

    def _power_of_ten(self, token: str) -> str:
        base, _, power = token.partition("^")
        value = Fraction(base) ** int(power) if power else Fraction(base)
        if value == 1:
            return ""
        for row in multiplier_rows().values():
            if value == 10**row.exponent:
                return row.id
        exponent = 0
        while value > 1 and value % 10 == 0:
            value, exponent = value / 10, exponent + 1
        if value == 1:
            return f"10^{exponent}"
        raise self.syntax()


def _name(name: str, original: str) -> tuple[str, str, tuple[str, ...]]:
    """Read one name, or raise with the nearest known names."""
    found = _split(name)
    if found is not None:
        return found
    near = _near(name)
    if near:
        raise UnitError(
            "unit_unknown",
            N_("“{name}” in “{found}” is not a known unit."),
            N_("Did you mean {near}?"),
            {"name": name, "found": original, "near": ", ".join(near)},
        )
    raise UnitError(
        "unit_unknown",
        N_("“{name}” in “{found}” is not a known unit."),
        N_("Write units like t, 万kWh, GJ_LHV/t or kgCO2/(t·km)."),
        {"name": name, "found": original},
    )


@cache
def known_units() -> tuple[str, ...]:
    """Canonical texts of all units with all bases that they take, without multipliers."""
    plain = [row.id for row in unit_rows().values()]
    based = [
        row.id + basis.id
        for basis in basis_rows().values()
        for row in unit_rows().values()
        if row.family in basis.families
    ]
    return tuple(plain + based)


_AMBIGUOUS = {
    "mt": ("t", "Mt"),
    "mg": ("mg", "t"),
    "ton": ("t", "short_ton", "long_ton"),
    "tons": ("t", "short_ton", "long_ton"),
}
"""Texts that mean different units to different people: the person must choose."""


def _near(name: str) -> list[str]:
    """Known spellings like `name`, best first; a spelling that differs in case only counts as equal."""
    prefix, rest = ("", name)
    for head in ("万", "亿"):
        if name.startswith(head) and len(name) > 1:
            prefix, rest = head, name[1:]
    rest = rest.casefold()
    if rest in _AMBIGUOUS:
        return [prefix + text for text in _AMBIGUOUS[rest]]
    found: list[str] = []
    for names in ([name for row in unit_rows().values() for name in row.spellings], known_units()):
        folded: dict[str, list[str]] = {}
        for text in names:
            folded.setdefault(text.casefold(), []).append(text)
        for key in [rest, *difflib.get_close_matches(rest, list(folded), n=4, cutoff=0.6)]:
            found += [prefix + text for text in folded.get(key, ()) if prefix + text not in found]
    return found[:4]
