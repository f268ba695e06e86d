"""Print figures with matplotlib, from the same pure-data views as the web's charts.

`draw` takes a `View` of `ecopark.accounting.views` and returns a PNG. Colours come from `ecopark.palette`, labels are
in the document's language in a font that really has the characters, and every number written into a figure goes
through the caller's `label`, so that the document can register it.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ecopark.palette import colour
from ecopark.reports.fonts import FontChoice, find_chinese_font
from ecopark.translation import N_, choose, translate
from ecopark.units import display

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ecopark.accounting.views import View

Label = Callable[[str | None, float], str]
"""Prints a number of a figure: takes its explain key (None: a computed one) and value."""

INK = "#22282e"
QUIET = "#8b939b"
RULE = "#d5dae0"
CENTIMETRE = 1 / 2.54
LOCK = threading.RLock()  # matplotlib's settings belong to the whole process
_LONGEST = 12  # rows of a bar figure; the rest are added up, the table beside the figure has them all


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """One finished figure: the PNG, its size on paper in centimetres, and a sentence that stands for the picture."""

    png: bytes
    width: float
    height: float
    description: str


def draw(
    view: View, language: str, label: Label, *, width: float = 16.0, font: FontChoice | None = None, dpi: int = 220
) -> DrawnFigure:
    """Draw `view` as a PNG `width` centimetres wide, labelled in `language` ("zh" or "en").

    Where no font with Chinese characters is installed the figure is labelled in English, and names that exist only in
    Chinese are replaced by their ids: an empty box is never drawn. Raises ValueError for a view without rows, and for
    a kind of view that print does not know.
    """
    with LOCK:
        figure, height, description = paint(view, language, label, width=width, font=font, dpi=dpi)
        png = saved(figure, "png", dpi=dpi)
    return DrawnFigure(png, width, height, description)


def paint(
    view: View, language: str, label: Label, *, width: float = 16.0, font: FontChoice | None = None, dpi: int = 220
) -> tuple[Figure, float, str]:
    """Return `view` as a matplotlib figure, its height in centimetres and a sentence that stands for it; as `draw`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if view.empty:
        raise ValueError(f"the view {view.id!r} has nothing to draw")
    painter = _PAINTERS.get(view.kind)
    if painter is None:
        raise ValueError(f"no print figure for views of kind {view.kind!r}; known: {', '.join(_PAINTERS)}")
    font = find_chinese_font() if font is None else font
    brush = _Brush(view, language if font.chinese else "en", label, font)
    with LOCK, settings_for(font):
        figure = Figure(figsize=(width * CENTIMETRE, 1.0), dpi=dpi, layout="constrained")
        FigureCanvasAgg(figure)
        height = painter(brush, figure)
        figure.set_size_inches(width * CENTIMETRE, height * CENTIMETRE)
    return figure, height, brush.description()


@contextmanager
def settings_for(font: FontChoice) -> Iterator[None]:
    """Set matplotlib's look for a while: the font, quiet colours, and an error for a character without a glyph."""
    import matplotlib

    families = [font.family, "DejaVu Sans"] if font.family else ["DejaVu Sans"]
    settings: Any = {
        "font.family": families,
        "font.size": 8.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": RULE,
        "xtick.color": QUIET,
        "ytick.color": INK,
        "axes.unicode_minus": True,
        "svg.hashsalt": "ecopark",
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")  # an empty box is an error, not a remark
        yield


def saved(figure: Figure, form: str = "png", *, dpi: int = 220) -> bytes:
    """Return a figure as a file: form "png" or "svg" (letters as outlines, so that every reader shows them)."""
    buffer = io.BytesIO()
    metadata = {"Software": "ecopark"} if form == "png" else {"Creator": "ecopark", "Date": None}
    with LOCK, settings_for(find_chinese_font()):
        figure.savefig(buffer, format=form, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


@dataclass(slots=True)
class _Brush:
    """What every painter needs: the view, the language, the printing of numbers and of names."""

    view: View
    language: str
    label: Label
    font: FontChoice

    def name(self, row: dict[str, Any], stem: str, fallback: str) -> str:
        """The name of a row in the figure's language, or its id where that name could not be drawn."""
        name = choose(self.language, row.get(f"{stem}_zh"), row.get(f"{stem}_en")) or fallback
        if not self.font.chinese and any(ord(character) > 0x2E7F for character in name):
            name = fallback
        return shorten(name)

    def title(self) -> str:
        return translate(self.view.title, self.language, **self.view.values)

    def unit(self) -> str:
        return display(self.view.unit, self.language)

    def description(self) -> str:
        return translate(N_("{title}, in {unit}"), self.language, title=self.title(), unit=self.unit())


def shorten(name: str, width: int = 34, most: int = 2) -> str:
    """Break a name into at most `most` lines of about `width` Latin letters (a Chinese character is two wide)."""
    lines, line, used = [], "", 0
    for word in re.findall(r"[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s*|\s+", name):
        size = sum(2 if ord(character) > 0x2E7F else 1 for character in word.rstrip())
        if line and used + size > width:
            opened = (
                line.rstrip()[-1:] if line.rstrip().endswith(("(", "（", "“", "·")) else ""
            )  # goes to the next line
            lines.append(line.rstrip().removesuffix(opened).rstrip())
            line, used = opened, 2 * len(opened)
        line += word
        used += sum(2 if ord(character) > 0x2E7F else 1 for character in word)
    lines.append(line.rstrip())
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip(" ,·(（：:") + "…"]
    return "\n".join(lines)


def _scale(axes: Axes, brush: _Brush, which: str) -> None:
    """A quiet value axis: grid behind, no box, the unit at its end."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "\u2212")))
    axes.grid(axis="x" if which == "x" else "y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    if which == "x":
        axes.set_xlabel(brush.unit(), loc="right", fontsize=8, color=QUIET)
    else:
        axes.set_title(brush.unit(), loc="left", fontsize=8, color=QUIET, pad=4)


def _zero(axes: Axes, which: str) -> None:
    line = axes.axvline if which == "x" else axes.axhline
    line(0, color=QUIET, linewidth=0.8)


def _ranked(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with the largest values by size, largest first."""
    return frame.sort(pl.col("value").abs(), descending=True).head(_LONGEST)


def _paint_ranges(brush: _Brush, figure: Figure) -> float:
    """Horizontal bars with their 95 % ranges."""
    frame = _ranked(brush.view.frame)
    axes = figure.subplots()
    rows = list(frame.iter_rows(named=True))
    labels = []
    for place, row in enumerate(rows):
        axes.barh(place, row["value"], color=colour(row["colour"]), height=0.62)
        end = row["value"]
        if row.get("low") is not None and row.get("high") is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=INK, linewidth=1.1, solid_capstyle="butt")
            for edge in (row["low"], row["high"]):
                axes.plot([edge, edge], [place - 0.13, place + 0.13], color=INK, linewidth=1.1)
            end = row["high"] if row["value"] >= 0 else row["low"]
        _write_beside(axes, end, place, brush.label(row.get("key"), row["value"]), row["value"] >= 0)
        labels.append(brush.name(row, "name", str(row["id"])))
    return _finish_rows(axes, brush, labels)


def _write_beside(axes: Axes, end: float, place: float, text: str, positive: bool) -> None:
    axes.annotate(
        text, (end, place), xytext=(4 if positive else -4, 0), textcoords="offset points", va="center",
        ha="left" if positive else "right", fontsize=8,
    )  # fmt: skip


def _finish_rows(axes: Axes, brush: _Brush, labels: list[str], extra: float = 0.0) -> float:
    broken = any("\n" in label for label in labels)
    axes.set_yticks(range(len(labels)), labels, linespacing=1.0, fontsize=7.5 if broken else 8.5)
    axes.invert_yaxis()
    axes.margins(x=0.14)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.0) if low < 0 else 0.0, max(high, 0.0))
    _scale(axes, brush, "x")
    _zero(axes, "x")
    return 1.5 + (0.8 if broken else 0.6) * max(2, len(labels)) + extra


def _series(frame: pl.DataFrame) -> list[dict[str, Any]]:
    columns = [name for name in ("series", "series_zh", "series_en", "colour") if name in frame.columns]
    return list(frame.select(columns).unique("series", maintain_order=True).iter_rows(named=True))


def _groups(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return list(
        frame.select("group", "group_zh", "group_en").unique("group", maintain_order=True).iter_rows(named=True)
    )


def _paint_bars(brush: _Brush, figure: Figure) -> float:
    """Stacked horizontal bars: one a group, parts by series; the sum is written at the end of each bar."""
    return _stack(brush, figure, brush.view.frame)


def _paint_treemap(brush: _Brush, figure: Figure) -> float:
    """A treemap is for the screen; print shows its areas as stacked bars, negative parts too."""
    frame = brush.view.frame
    groups = frame.filter(pl.col("parent").is_null()).select(
        pl.col("id").alias("group"), pl.col("name_zh").alias("group_zh"), pl.col("name_en").alias("group_en")
    )
    parts = frame.filter(pl.col("parent").is_not_null()).select(
        pl.col("parent").alias("group"), pl.col("colour").alias("series"), pl.col("name_zh").alias("series_zh"),
        pl.col("name_en").alias("series_en"), "colour", "value", "key",
    )  # fmt: skip
    return _stack(brush, figure, parts.join(groups, on="group", how="left", maintain_order="left"))


def _stack(brush: _Brush, figure: Figure, frame: pl.DataFrame) -> float:
    totals = frame.group_by("group", maintain_order=True).agg(pl.col("value").sum())
    kept = _ranked(totals)["group"].to_list() if totals.height > _LONGEST else totals["group"].to_list()
    groups = [row for row in _groups(frame) if row["group"] in kept]
    axes = figure.subplots()
    edges = {row["group"]: [0.0, 0.0] for row in groups}
    keys: dict[str, str | None] = {}
    series = _series(frame.filter(pl.col("group").is_in(kept) & (pl.col("value") != 0)))
    for one in series:
        shade, name = colour(one["colour"]), brush.name(one, "series", str(one["series"]))
        for row in frame.filter(pl.col("series") == one["series"]).iter_rows(named=True):
            if row["group"] not in edges or row["value"] is None:
                continue
            side = 0 if row["value"] < 0 else 1
            left = edges[row["group"]][side]
            axes.barh(kept.index(row["group"]), row["value"], left=left, color=shade, height=0.62, label=name)
            edges[row["group"]][side] += row["value"]
            keys[row["group"]] = _sum_key(row.get("key"))
    for group, (negative, positive) in edges.items():
        if group not in keys:
            continue
        total = positive + negative
        _write_beside(
            axes, positive if total >= 0 else negative, kept.index(group), brush.label(keys[group], total), total >= 0
        )
    by_id = {row["group"]: brush.name(row, "group", str(row["group"])) for row in groups}
    extra = _legend(axes, len(series))
    return _finish_rows(axes, brush, [by_id[group] for group in kept], extra)


def _sum_key(key: str | None) -> str | None:
    """The key of a whole bar, from that of one part: "total:co2&node:chp&category:fuel" is in "total:co2&node:chp"."""
    return key.rpartition("&")[0] if key else None


def _legend(axes: Axes, number: int) -> float:
    """A legend above the figure where there is more than one series; returns the height that it takes."""
    if number < 2:
        return 0.0
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    figure = axes.figure
    figure.legend(
        unique.values(), unique.keys(), loc="outside upper left", ncols=min(4, len(unique)), frameon=False, fontsize=8,
        handlelength=1.0, handleheight=1.0, columnspacing=1.6,
    )  # fmt: skip
    return 0.55 * ((len(unique) + 3) // 4) + 0.2


def _paint_waterfall(brush: _Brush, figure: Figure) -> float:
    """Horizontal waterfall: totals from zero, steps from where the row before ended."""
    axes = figure.subplots()
    rows = list(brush.view.frame.iter_rows(named=True))
    for place, row in enumerate(rows):
        axes.barh(place, row["end"] - row["start"], left=row["start"], color=colour(row["colour"]), height=0.62)
        if place + 1 < len(rows):
            axes.plot([row["end"], row["end"]], [place + 0.31, place + 0.69], color=QUIET, linewidth=0.8)
        text = brush.label(row.get("key"), row["value"])
        if row["role"] == "step" and row["value"] > 0:
            text = f"+{text}"
        _write_beside(axes, max(row["start"], row["end"]), place, text, True)
    labels = [brush.name(row, "name", str(row["id"])) for row in rows]
    height = _finish_rows(axes, brush, labels)
    levels = [row[end] for row in rows for end in ("start", "end") if not (row["role"] == "total" and end == "start")]
    lowest, highest = min(levels), max(levels)
    if lowest > 0 and highest - lowest < 0.4 * highest:
        # Steps far smaller than the totals would be invisible; the broken axis is said so beside it.
        span = (highest - lowest) or highest
        axes.set_xlim(max(0.0, lowest - 0.5 * span), highest + 0.35 * span)
        note = translate(N_("{unit}; the axis does not begin at 0"), brush.language, unit=brush.unit())
        axes.set_xlabel(note, loc="right", fontsize=8, color=QUIET)
    return height


def _paint_paired(brush: _Brush, figure: Figure) -> float:
    """Upright bars side by side, a group for each year or scheme; a missing value leaves its place empty."""
    frame = brush.view.frame
    groups, series = _groups(frame), _series(frame)
    axes = figure.subplots()
    places = {row["group"]: number for number, row in enumerate(groups)}
    breadth = 0.8 / max(1, len(series))
    crowded = len(groups) * len(series) > 10
    for number, one in enumerate(series):
        name = brush.name(one, "series", str(one["series"]))
        axes.bar([0], [0], color=colour(one["colour"]), label=name)  # an empty bar keeps the legend complete
        for row in frame.filter(pl.col("series") == one["series"]).iter_rows(named=True):
            if row["value"] is None:
                continue
            place = places[row["group"]] - 0.4 + (number + 0.5) * breadth
            axes.bar(place, row["value"], width=breadth * 0.92, color=colour(one["colour"]))
            axes.annotate(
                brush.label(row.get("key"), row["value"]), (place, row["value"]), xytext=(0, 2),
                textcoords="offset points", ha="center", va="bottom", fontsize=6.5 if crowded else 7.5,
                rotation=90 if crowded else 0,
            )  # fmt: skip
    axes.set_xticks(range(len(groups)), [brush.name(row, "group", str(row["group"])) for row in groups])
    axes.tick_params(axis="x", colors=INK)
    axes.margins(y=0.22 if crowded else 0.1)
    _scale(axes, brush, "y")
    _zero(axes, "y")
    return 7.0 + _legend(axes, len(series))


def _paint_columns(brush: _Brush, figure: Figure) -> float:
    """Upright stacked bars, a group for each year; the sum stands on top."""
    frame = brush.view.frame
    groups = _groups(frame)
    axes = figure.subplots()
    places = {row["group"]: number for number, row in enumerate(groups)}
    edges = {row["group"]: [0.0, 0.0] for row in groups}
    keys: dict[str, str | None] = {}
    for one in _series(frame):
        shade, name = colour(one["colour"]), brush.name(one, "series", str(one["series"]))
        for row in frame.filter(pl.col("series") == one["series"]).iter_rows(named=True):
            side = 0 if row["value"] < 0 else 1
            axes.bar(
                places[row["group"]], row["value"], bottom=edges[row["group"]][side], color=shade, width=0.6, label=name
            )
            edges[row["group"]][side] += row["value"]
            keys[row["group"]] = _sum_key(row.get("key"))
    for group, (negative, positive) in edges.items():
        axes.annotate(
            brush.label(keys.get(group), negative + positive), (places[group], positive), xytext=(0, 2),
            textcoords="offset points", ha="center", va="bottom", fontsize=7.5,
        )  # fmt: skip
    axes.set_xticks(range(len(groups)), [brush.name(row, "group", str(row["group"])) for row in groups])
    axes.tick_params(axis="x", colors=INK)
    axes.margins(y=0.1)
    _scale(axes, brush, "y")
    _zero(axes, "y")
    return 6.5 + _legend(axes, len(_series(frame)))


_PAINTERS: dict[str, Callable[[_Brush, Figure], float]] = {
    "ranges": _paint_ranges,
    "bars": _paint_bars,
    "treemap": _paint_treemap,
    "waterfall": _paint_waterfall,
    "paired": _paint_paired,
    "columns": _paint_columns,
}
