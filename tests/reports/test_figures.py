"""Print figures show what the view holds, in characters that the font has."""

from __future__ import annotations

import io
import warnings

import numpy as np
import polars as pl
import pytest
from PIL import Image

from ecopark.accounting.views import View
from ecopark.palette import colour
from ecopark.reports import figures
from ecopark.reports.figures import draw
from ecopark.reports.fonts import MISSING, FontChoice, find_chinese_font

_SERIES = {
    "group": ["a", "a", "b"],
    "group_zh": ["煤炭", "煤炭", "天然气"],
    "group_en": ["Coal", "Coal", "Gas"],
    "series": ["fuel", "power", "fuel"],
    "series_zh": ["燃料燃烧", "净受入电力", "燃料燃烧"],
    "series_en": ["Fuel", "Power", "Fuel"],
    "colour": ["category:fuel", "category:power", "category:fuel"],
    "value": [70.0, -20.0, 35.5],
    "key": [
        f"total:t&commodity:{good}&category:{name}" for good, name in (("a", "fuel"), ("a", "power"), ("b", "fuel"))
    ],
}
_NAMED = {
    "id": ["x", "y"],
    "name_zh": ["工业生产过程", "废水处理"],
    "name_en": ["Process", "Waste water"],
    "colour": ["category:process", "category:wastewater"],
    "value": [12.0, 3.0],
    "key": ["k:x", "k:y"],
}


def views() -> dict[str, View]:
    """A small view of every kind."""
    ranges = pl.DataFrame(_NAMED | {"low": [10.0, None], "high": [15.0, None]})
    waterfall = pl.DataFrame(
        {"id": ["first", "step:1", "second"], "name_zh": ["二〇一八年", "数量变化", "二〇一九年"],
         "name_en": ["2018", "amount", "2019"], "role": ["total", "step", "total"],
         "colour": ["step:total", "step:decrease", "step:total"], "value": [100.0, -3.0, 97.0],
         "start": [0.0, 100.0, 0.0], "end": [100.0, 97.0, 97.0], "key": ["first", "step:1", "second"]}
    )  # fmt: skip
    treemap = pl.DataFrame(
        {"id": ["f", "f/fuel", "f/power"], "parent": [None, "f", "f"], "name_zh": ["热电厂", "燃料燃烧", "净受入电力"],
         "name_en": ["CHP", "Fuel", "Power"], "colour": ["", "category:fuel", "category:power"],
         "value": [50.0, 80.0, -30.0],
         "key": ["total:t&node:f", "total:t&node:f&category:fuel", "total:t&node:f&category:power"]}
    )  # fmt: skip
    paired = pl.DataFrame(_SERIES).with_columns(pl.Series("value", [70.0, 68.5, None]))
    return {
        "bars": View("source", "bars", "By source", "tCO2e", pl.DataFrame(_SERIES), "total:t"),
        "columns": View("trend", "columns", "By year", "tCO2e", pl.DataFrame(_SERIES)),
        "ranges": View("category", "ranges", "By category", "tCO2", ranges),
        "waterfall": View("comparison", "waterfall", "Difference", "tCO2e", waterfall),
        "treemap": View("firm", "treemap", "By firm", "tCO2e", treemap),
        "paired": View("reported", "paired", "Reported", "tCO2e", paired),
    }


def printed(view: View, language: str = "zh", font: FontChoice | None = None) -> tuple[dict[str | None, float], bytes]:
    """Draw a view; return what its labels asked for, and the picture."""
    asked: dict[str | None, float] = {}

    def label(key: str | None, value: float) -> str:
        asked[key] = value
        return f"{value:g}"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return asked, draw(view, language, label, dpi=80, font=font).png


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)


def has_colour(png: bytes, key: str) -> bool:
    wanted = np.array([int(colour(key)[place : place + 2], 16) for place in (1, 3, 5)])
    return bool((np.abs(pixels(png).astype(int) - wanted).max(axis=1) <= 2).sum() > 50)


@pytest.fixture
def need_font() -> None:
    if not find_chinese_font().chinese:
        pytest.skip("no font with Chinese characters (Debian and Ubuntu: apt install fonts-noto-cjk)")


@pytest.mark.parametrize("kind", sorted(views()))
@pytest.mark.usefixtures("need_font")
def test_every_kind_draws_in_chinese_without_a_warning(kind: str) -> None:
    """Any warning (a missing glyph above all) is an error here; the colours of the view are on the paper."""
    view = views()[kind]
    _, png = printed(view)
    used = [key for key in view.frame["colour"].unique() if key]
    assert all(has_colour(png, key) for key in used), used


@pytest.mark.usefixtures("need_font")
def test_labels_are_the_values_under_their_keys() -> None:
    """A stacked bar is labelled with its sum under the key of the whole bar, not with one of its parts."""
    found = views()
    assert printed(found["bars"])[0] == {"total:t&commodity:a": 50.0, "total:t&commodity:b": 35.5}
    assert printed(found["treemap"])[0] == {"total:t&node:f": 50.0}
    assert printed(found["ranges"])[0] == {"k:x": 12.0, "k:y": 3.0}
    assert printed(found["waterfall"])[0] == {"first": 100.0, "step:1": -3.0, "second": 97.0}
    assert set(printed(found["paired"])[0].values()) == {70.0, 68.5}


def test_without_a_font_the_figure_is_english_and_has_no_empty_boxes() -> None:
    """Names that exist only in Chinese fall back to their ids; drawing them would warn of missing glyphs."""
    view = views()["ranges"]
    only_chinese = pl.DataFrame(_NAMED | {"name_en": [None, None], "low": [None, None], "high": [None, None]})
    no_font = FontChoice(None, None, MISSING)
    for one in (view, View("x", "ranges", "By category", "万tCO2", only_chinese)):
        _, png = printed(one, "zh", no_font)
        assert len(png) > 1000


def test_a_missing_glyph_is_an_error() -> None:
    """A font that claims to be Chinese and is not must not draw: the figure would be full of boxes."""
    liar = FontChoice("DejaVu Sans", None)
    with pytest.raises(UserWarning, match="missing"):
        printed(views()["ranges"], "zh", liar)


def test_a_view_without_rows_or_of_an_unknown_kind_is_refused() -> None:
    empty = View("x", "ranges", "By category", "t", pl.DataFrame(_NAMED).clear())
    with pytest.raises(ValueError, match="nothing to draw"):
        draw(empty, "en", lambda key, value: "")
    unknown = View("x", "gauge", "By category", "t", pl.DataFrame(_NAMED))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="waterfall"):
        draw(unknown, "en", lambda key, value: "")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("short", ["short"]),
        ("Stationary combustion · Natural gas: other factor (heat emission 53.06 → 56.1)", 2),
        ("园区温室气体清单按位置法计算的范围一与范围二排放以及其他间接排放和若干说明文字", 2),
    ],
)
def test_long_names_break_and_end_with_dots(name: str, lines: list[str] | int) -> None:
    text = figures.shorten(name)
    if isinstance(lines, list):
        assert text.split("\n") == lines
    else:
        assert len(text.split("\n")) == lines
        assert text.endswith("…")
        assert name.startswith(text.split("\n")[0].rstrip())


def test_the_same_view_gives_the_same_picture() -> None:
    """No clock and no random number in a figure: the same input is the same file."""
    assert printed(views()["bars"], "en")[1] == printed(views()["bars"], "en")[1]
