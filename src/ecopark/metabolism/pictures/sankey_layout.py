"""Where the nodes and links of a Sankey view stand: columns, heights and the curves of links, loops included.

Pure data in drawing units (y grows downwards), computed once and drawn alike on pages and on paper. Every link is a
ribbon between two edges of cubic Bezier curves. A link that leads on to a later column passes between the nodes of
the columns in between; one that leads back (or stays in its column, or returns to its own node) runs around the
picture, above or below it.

The order from left to right follows the trophic levels of the network: they solve (diag(in + out) - W - W') h = in -
out for the matrix W of the links' sizes, which exists for networks with loops too (MacKay, Johnson and Sansom, "How
directed is a directed network?", Royal Society Open Science 7 (2020) 201138, eq. 2.5).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ecopark.metabolism.pictures.sankey import SINK, SUPPLY, SankeyView

NODE_WIDTH = 14.0
TEXT = 13.0
"""Size of the labels' letters on a page; gaps and margins are in proportion to it."""
PASS_GAP = 5.0
LANE_GAP = 7.0
THINNEST = 0.8
"""The least thickness that is drawn, so that no link vanishes."""
MOST_COLUMNS = 8
SWEEPS = 24
QUARTER = 0.5522847498307936
"""Length of the handles of a cubic curve that follows a quarter of a circle of radius 1."""


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """A node's rectangle, its column (0 is the left-most) and the id as drawn."""

    id: str
    column: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PlacedLink:
    """A link as a ribbon between two edges, both from its source to its target.

    An edge is x, y of its start, then six numbers (two handles and the end) for each cubic curve.
    """

    link: int
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    thickness: float
    back: bool

    @property
    def path(self) -> str:
        """The ribbon as the data of an SVG path: along the upper edge, back along the lower one."""
        return "M" + _curves(self.upper) + "L" + _curves(reverse(self.lower)) + "Z"


def _curves(edge: Sequence[float]) -> str:
    numbers = [f"{value:.1f}".removesuffix(".0") for value in edge]
    return " ".join(numbers[:2]) + "".join("C" + " ".join(numbers[n : n + 6]) for n in range(2, len(numbers), 6))


def reverse(edge: Sequence[float]) -> tuple[float, ...]:
    """Return an edge from its end to its start."""
    points = [(edge[place], edge[place + 1]) for place in range(0, len(edge), 2)]
    return tuple(number for point in reversed(points) for number in point)


@dataclass(frozen=True, slots=True)
class SankeyLayout:
    """The finished layout: size of the picture, its columns, nodes and links (in the view's order)."""

    width: float
    height: float
    text: float
    spacing: float
    columns: int
    nodes: Sequence[PlacedNode]
    links: Sequence[PlacedLink]


@dataclass(slots=True)
class _Box:
    """A node, or the place that a long link needs in a column that it passes (`node` None)."""

    node: int | None
    column: int
    size: float
    gap: float = PASS_GAP
    y: float = 0.0
    before: list[tuple[_Box, float]] = field(default_factory=list)
    after: list[tuple[_Box, float]] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return self.y + self.size / 2


def trophic_levels(size: np.ndarray) -> np.ndarray:
    """Return the trophic level of each of n nodes from the n x n matrix of the links' sizes (row: source).

    Each connected part begins at 0; loops are allowed. The least-squares solution of least length is taken, since a
    level is defined up to a constant only.
    """
    inflow, outflow = size.sum(axis=0), size.sum(axis=1)
    matrix = np.diag(inflow + outflow) - size - size.T
    scale = max(float(np.abs(matrix).max(initial=0.0)), 1e-300)
    levels: np.ndarray = np.linalg.lstsq(matrix / scale, (inflow - outflow) / scale, rcond=None)[0]
    for part in _parts(size):
        levels[part] -= levels[part].min()
    return levels


def _parts(size: np.ndarray) -> Iterable[np.ndarray]:
    from scipy.sparse.csgraph import connected_components

    count, labels = connected_components(size != 0.0, directed=False)
    return (np.flatnonzero(labels == number) for number in range(count))


def _columns(sides: Sequence[str], size: np.ndarray) -> list[int]:
    """Return the column of each node: supplies first, sinks last, between them along the trophic levels."""
    count = len(sides)
    level = trophic_levels(size)
    order = sorted(range(count), key=lambda node: (round(float(level[node]), 9), node))
    place = {node: number for number, node in enumerate(order)}
    column = [0] * count
    inner = [node for node in order if not sides[node]]
    has_supply, has_sink = SUPPLY in sides, SINK in sides
    first = 1 if has_supply else 0
    for node in inner:
        sources = [column[other] for other in inner if size[other, node] > 0.0 and place[other] < place[node]]
        column[node] = max([first, *(1 + value for value in sources)])
    deepest = max((column[node] for node in inner), default=first - 1)
    if deepest - first + 1 > MOST_COLUMNS - 2:
        # a long chain, or a dense network: columns along the levels instead of one for each step
        low, high = float(level[inner[0]]), float(level[inner[-1]])
        steps = MOST_COLUMNS - 2
        for node in inner:
            share = (float(level[node]) - low) / (high - low) if high > low else 0.0
            column[node] = first + min(steps - 1, int(share * steps))
        used = sorted({column[node] for node in inner})
        for node in inner:
            column[node] = first + used.index(column[node])
    else:
        # what has no source inside stands close to what it supplies
        for node in reversed(inner):
            targets = [column[other] for other in inner if size[node, other] > 0.0 and place[other] > place[node]]
            fed = any(size[other, node] > 0.0 for other in inner if place[other] < place[node])
            if targets and not fed:
                column[node] = max(first, min(targets) - 1)
    last = max((column[node] for node in inner), default=first - 1) + 1
    for node in range(count):
        if sides[node] == SINK:
            column[node] = last if has_sink else column[node]
        elif sides[node] == SUPPLY:
            column[node] = 0
    return column


def _boxes(
    sides: Sequence[str], column: Sequence[int], size: np.ndarray, gap: float
) -> tuple[list[_Box], dict[tuple[int, int], list[_Box]]]:
    """Return the boxes of all columns (sizes still in the layer's unit) and the boxes that each pair passes."""
    nodes = [
        _Box(number, column[number], max(float(size[number].sum()), float(size[:, number].sum())), gap)
        for number in range(len(sides))
    ]
    boxes, ways = list(nodes), {}
    for source, target in np.argwhere(size > 0.0):
        if column[source] >= column[target]:
            continue
        thickness = float(size[source, target])
        way = [nodes[source]]
        for between in range(column[source] + 1, column[target]):
            way.append(_Box(None, between, thickness))
        boxes += way[1:]
        way.append(nodes[target])
        for one, other in itertools.pairwise(way):
            one.after.append((other, thickness))
            other.before.append((one, thickness))
        ways[int(source), int(target)] = way
    return boxes, ways


def _arrange(boxes: Sequence[_Box], height: float) -> None:
    """Order the boxes of each column and give them their y: long neighbours close together, no two overlapping."""
    columns: dict[int, list[_Box]] = defaultdict(list)
    for box in boxes:
        columns[box.column].append(box)
    ordered = [columns[number] for number in sorted(columns)]
    for column in ordered:
        column.sort(key=lambda box: -box.size)
        _stack(column, 0.0)
    for sweep in range(SWEEPS):
        strength = 0.98**sweep
        forward = sweep % 2 == 0
        for column in ordered if forward else ordered[::-1]:
            for box in column:
                beside = box.before if forward else box.after
                beside = beside or (box.after if forward else box.before)
                weight = sum(thickness for _, thickness in beside)
                if weight > 0.0:
                    wanted = sum(other.middle * thickness for other, thickness in beside) / weight
                    box.y += (wanted - box.middle) * strength
            column.sort(key=lambda box: box.middle)
            _settle(column, height)


def _stack(column: Sequence[_Box], start: float) -> None:
    y = start
    for box in column:
        box.y = y
        y += box.size + box.gap


def _settle(column: Sequence[_Box], height: float) -> None:
    """Push overlapping boxes apart, first downwards from the top, then back upwards from the bottom."""
    y = 0.0
    for box in column:
        box.y = max(box.y, y)
        y = box.y + box.size + box.gap
    limit = height
    for box in reversed(column):
        box.y = min(box.y, limit - box.size)
        limit = box.y - box.gap
    if column and column[0].y < 0.0:  # more than fits: the picture grows
        shift = -column[0].y
        for box in column:
            box.y += shift


def sankey_layout(
    view: SankeyView, *, height: float = 520.0, width: float | None = None, text: float = TEXT
) -> SankeyLayout:
    """Return the layout of a view; `height` is that of the largest column, in drawing units, without loops.

    `width` is the whole width (None: as wide as the columns and labels need), `text` the size of the labels' letters.
    The picture grows in height where there are more nodes than fit. Thicknesses are in proportion to values.
    """
    if view.empty:
        return SankeyLayout(width or 0.0, 0.0, text, 0.0, 0, (), ())
    drawn = view.nodes["id"].to_list()
    sides = view.nodes["side"].to_list()
    place = {identity: number for number, identity in enumerate(drawn)}
    size = np.zeros((len(drawn), len(drawn)))
    links = list(view.links.select("link", "source", "target", pl.col("value").abs().alias("size")).iter_rows())
    for _, source, target, value in links:
        size[place[source], place[target]] += value
    column = _columns(sides, size)
    boxes, ways = _boxes(sides, column, size, 2.6 * text)
    used = sorted(set(column))
    column = [used.index(number) for number in column]
    for box in boxes:
        box.column = used.index(box.column) if box.column in used else box.column
    crowd: dict[int, list[_Box]] = defaultdict(list)
    for box in boxes:
        crowd[box.column].append(box)
    height = max(height, max(sum(box.gap for box in each) for each in crowd.values()) + 260.0)
    scale = min(
        (height - sum(box.gap for box in each)) / max(sum(box.size for box in each), 1e-300) for each in crowd.values()
    )
    for box in boxes:
        box.size *= scale
    _arrange(boxes, height)
    margin = 14.5 * text if width is None else min(14.5 * text, 0.17 * width)
    spacing = 14.5 * text if width is None else (width - 2 * margin - NODE_WIDTH) / max(1, max(column))
    return _Drawer(drawn, column, boxes, ways, scale, links, place, margin, spacing, text).draw()


@dataclass(slots=True)
class _Drawer:
    """Turns arranged boxes into rectangles and curves."""

    drawn: Sequence[str]
    column: Sequence[int]
    boxes: Sequence[_Box]
    ways: dict[tuple[int, int], list[_Box]]
    scale: float
    links: Sequence[tuple[int, str, str, float]]
    place: dict[str, int]
    margin: float
    spacing: float
    text: float

    def draw(self) -> SankeyLayout:
        nodes = {box.node: box for box in self.boxes if box.node is not None}
        count = max(self.column) + 1
        bottom = max(box.y + box.size for box in self.boxes)
        by_pair: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
        for link, source, target, value in self.links:
            by_pair[self.place[source], self.place[target]].append((link, value * self.scale))
        back = {pair for pair in by_pair if pair not in self.ways}
        top = {pair for pair in back if nodes[pair[0]].middle + nodes[pair[1]].middle < bottom}
        leaving, entering = self._ports(nodes, by_pair, top, back)
        lanes_top = sum(value + LANE_GAP for pair in top for _, value in by_pair[pair])
        lanes_bottom = sum(value + LANE_GAP for pair in back - top for _, value in by_pair[pair])
        shift = 2.2 * self.text + lanes_top + (LANE_GAP if top else 0.0)
        placed: dict[int, PlacedLink] = {}
        for pair, way in self.ways.items():
            inner = [(box.y, box.size) for box in way[1:-1]]
            done = 0.0
            for link, thickness in by_pair[pair]:
                stops = [(self._x(way[0].column) + NODE_WIDTH, leaving[link])]
                for box, (y, _) in zip(way[1:-1], inner, strict=True):
                    level = y + done + thickness / 2
                    stops += [(self._x(box.column), level), (self._x(box.column) + NODE_WIDTH, level)]
                stops.append((self._x(way[-1].column), entering[link]))
                half = max(thickness, THINNEST) / 2
                upper, lower = (_through([(x, y + shift + side) for x, y in stops]) for side in (-half, half))
                placed[link] = PlacedLink(link, upper, lower, thickness, back=False)
                done += thickness
        self._loops(by_pair, top, back, leaving, entering, shift, bottom, placed)
        shown = [
            PlacedNode(self.drawn[number], box.column, self._x(box.column), box.y + shift, NODE_WIDTH, box.size)
            for number, box in sorted(nodes.items())
        ]
        width = 2 * self.margin + (count - 1) * self.spacing + NODE_WIDTH
        below = lanes_bottom + (2 * LANE_GAP if back - top else 0.0)
        ordered = [placed[row[0]] for row in self.links]
        return SankeyLayout(width, shift + bottom + below + 14.0, self.text, self.spacing, count, shown, ordered)

    def _x(self, column: int) -> float:
        return self.margin + column * self.spacing

    def _ports(
        self,
        nodes: dict[int, _Box],
        by_pair: dict[tuple[int, int], list[tuple[int, float]]],
        top: set[tuple[int, int]],
        back: set[tuple[int, int]],
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return the y at which each link leaves and enters: in the order of the other ends, loops outermost."""
        leaving: dict[int, float] = {}
        entering: dict[int, float] = {}
        for end, found in ((0, leaving), (1, entering)):
            at: dict[int, list[tuple[float, tuple[int, int]]]] = defaultdict(list)
            for pair in by_pair:
                if pair in back:  # short ways stay inside the longer ones
                    span = abs(self.column[pair[0]] - self.column[pair[1]])
                    rank = span - 1e9 if pair in top else 1e9 - span
                else:
                    rank = self.ways[pair][1 if end == 0 else -2].middle
                at[pair[end]].append((rank, pair))
            for node, pairs in at.items():
                y = nodes[node].y
                for _, pair in sorted(pairs):
                    for link, thickness in by_pair[pair]:
                        found[link] = y + thickness / 2
                        y += thickness
        return leaving, entering

    def _loops(
        self,
        by_pair: dict[tuple[int, int], list[tuple[int, float]]],
        top: set[tuple[int, int]],
        back: set[tuple[int, int]],
        leaving: dict[int, float],
        entering: dict[int, float],
        shift: float,
        bottom: float,
        placed: dict[int, PlacedLink],
    ) -> None:
        """Lead every link that cannot go on to the right around the picture, each in a lane of its own."""
        lanes = {True: shift - LANE_GAP, False: shift + bottom + LANE_GAP}
        bends: dict[tuple[int, str], float] = defaultdict(lambda: 6.0)
        most = self.spacing * 0.42
        for pair in sorted(back, key=lambda pair: (abs(self.column[pair[0]] - self.column[pair[1]]), pair)):
            above = pair in top
            for link, thickness in by_pair[pair]:
                step = thickness + LANE_GAP
                lane = lanes[above] - thickness / 2 if above else lanes[above] + thickness / 2
                lanes[above] += -step if above else step
                out = bends[self.column[pair[0]], "out"] + thickness / 2
                into = bends[self.column[pair[1]], "in"] + thickness / 2
                bends[self.column[pair[0]], "out"] += thickness + 3.0
                bends[self.column[pair[1]], "in"] += thickness + 3.0
                start = (self._x(self.column[pair[0]]) + NODE_WIDTH, leaving[link] + shift)
                end = (self._x(self.column[pair[1]]), entering[link] + shift)
                half = max(thickness, THINNEST) / 2
                inner, outer = (
                    _around(start, end, lane, min(out, most), min(into, most), side) for side in (half, -half)
                )
                placed[link] = PlacedLink(link, outer, inner, thickness, back=True)


def _through(stops: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """An edge from stop to stop, level at each of them."""
    points = [*stops[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(stops):
        middle = (x0 + x1) / 2
        points += [middle, y0, middle, y1, x1, y1]
    return tuple(points)


def _around(
    start: tuple[float, float], end: tuple[float, float], lane: float, out: float, into: float, inwards: float
) -> tuple[float, ...]:
    """An edge out to the right, along the lane to the left, and in from the left; rounded at its four corners.

    `inwards` is how far it runs from the centre line, towards the inside of the loop (negative: towards its outside).
    """
    (x0, y0), (x1, y1) = start, end
    down = 1.0 if lane > max(y0, y1) else -1.0
    first, second = min(out, abs(lane - y0) / 2), min(into, abs(lane - y1) / 2)
    first, second = max(0.0, first - inwards), max(0.0, second - inwards)
    right, left, lane = x0 + out - inwards, x1 - into + inwards, lane - down * inwards
    y0, y1 = y0 + down * inwards, y1 + down * inwards
    corners = [
        ((right - first, y0), (right, y0 + down * first), (right, y0)),
        ((right, lane - down * first), (right - first, lane), (right, lane)),
        ((left + second, lane), (left, lane - down * second), (left, lane)),
        ((left, y1 + down * second), (left + second, y1), (left, y1)),
    ]
    points = [x0, y0]
    here = (x0, y0)
    for entry, leave, corner in corners:
        points += _straight(here, entry) + _turn(entry, leave, corner)
        here = leave
    points += _straight(here, (x1, y1))
    return tuple(points)


def _straight(one: tuple[float, float], other: tuple[float, float]) -> list[float]:
    if abs(one[0] - other[0]) + abs(one[1] - other[1]) < 1e-9:
        return []
    third = ((other[0] - one[0]) / 3, (other[1] - one[1]) / 3)
    return [one[0] + third[0], one[1] + third[1], other[0] - third[0], other[1] - third[1], *other]


def _turn(entry: tuple[float, float], leave: tuple[float, float], corner: tuple[float, float]) -> list[float]:
    handles = [end[axis] + QUARTER * (corner[axis] - end[axis]) for end in (entry, leave) for axis in (0, 1)]
    return [*handles, *leave]
