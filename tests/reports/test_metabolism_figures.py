"""Pictures of a metabolism on paper: drawn in both languages as PNG and SVG, with every link and no missing glyph."""

from __future__ import annotations

import polars as pl
import pytest

from ecopark.metabolism.pictures.sankey import SankeyView, sankey_view
from ecopark.metabolism.pictures.views import change_view, network_view, residual_view
from ecopark.reports.fonts import FontChoice
from ecopark.reports.metabolism_figures import (
    above,
    describe_sankey,
    draw_changes,
    draw_network,
    draw_residuals,
    draw_sankey,
    drawn,
    picture,
)

NAMES = {
    "node:mill": ("造纸厂", "Paper mill"),
    "node:plant": ("热电厂", "Heat and power plant"),
    "node:market": ("市场", "Market"),
    "layer:mass": ("物质", "Mass"),
}


def edges() -> pl.DataFrame:
    rows = [
        ("market", "plant", "coal", 100.0, "metered"), ("plant", "mill", "steam", 60.0, "estimated"),
        ("mill", "plant", "water", 40.0, "metered"), ("mill", "market", "product", 20.0, "invoiced"),
    ]  # fmt: skip
    return pl.DataFrame(
        [
            {"edge": n, "source": s, "target": t, "source_inside": s != "market", "target_inside": t != "market",
             "commodity": g, "group": g, "method": m, "implied": None, "value": v}
            for n, (s, t, g, v, m) in enumerate(rows)
        ],
        schema_overrides={"implied": pl.String},
    )  # fmt: skip


def sankey() -> SankeyView:
    return sankey_view(edges(), layer="mass", level="firm", unit="t", names=NAMES)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sankey_holds_one_ribbon_for_every_link(language: str) -> None:
    """A loop back to the plant included; an empty box for a Chinese character would be an error here."""
    view = sankey()
    figure = draw_sankey(view, language)
    ribbons = [patch for patch in figure.axes[0].patches if patch.get_path().codes is not None
               and len(patch.get_path()) > 6]  # fmt: skip
    assert len(ribbons) >= view.links.height == 4
    assert picture(figure, "png").startswith(b"\x89PNG")
    assert b"<svg" in picture(figure, "svg")
    assert drawn(figure, "").width == pytest.approx(16.0)


def test_without_a_chinese_font_labels_are_english() -> None:
    figure = draw_sankey(sankey(), "zh", font=FontChoice(None, None, None))
    texts = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "Paper mill" in texts
    assert "造纸厂" not in texts


def test_nothing_to_draw_is_an_error() -> None:
    empty = sankey_view(edges().head(0), layer="mass", level="firm", unit="t", names=NAMES)
    with pytest.raises(ValueError, match="no flow to draw"):
        draw_sankey(empty, "en")
    assert "nothing to draw" in describe_sankey(empty, "en")


def test_other_figures_are_drawn() -> None:
    network = network_view(edges(), layer="mass", level="firm", unit="t", names=NAMES)
    assert picture(draw_network(network, "zh"), "svg")
    rows = pl.DataFrame({"node": ["mill"], "residual": [3.0], "sd": [1.0], "key": ["k"]})
    assert picture(draw_residuals(residual_view(rows, "t", NAMES), "zh"))
    steps = pl.DataFrame({"id": ["a"], "name_zh": ["煤"], "name_en": ["Coal"], "value": [2.0], "key": ["k"]})
    assert picture(draw_changes(change_view(steps, "t", ("2021", 5.0), ("2022", 7.0)), "en"))


def test_a_label_never_loses_its_value() -> None:
    """However long a name is, the number stands at the end in full."""
    lines = above("Methanol and ammonia maker of the northern shore (synthetic)", "1,234,567", 24)
    assert lines[-1].endswith("1,234,567")
    assert len(lines) <= 2


def test_the_sentence_that_stands_for_the_picture() -> None:
    assert describe_sankey(sankey(), "en") == (
        "Sankey diagram of Mass: 3 nodes, 4 links; the largest leads from Market to Heat and power plant"
    )
