"""The tree of nodes: parks, ancestors, members of boundaries, and each node's firm and region."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import date
from functools import cached_property

import polars as pl

from ecopark.model.problems import InputError, Problem
from ecopark.model.record import Record
from ecopark.model.tables import OUTSIDE_KINDS
from ecopark.translation import N_

PARK = "park"
"""The boundary that every record has: all nodes of the park (or parks) that are not outside."""


class Network:
    """Look-ups over a record's nodes and boundaries.

    A parent that is not in the table counts as none, and a cycle of parents is cut where it would be entered again:
    both are reported by validation, and neither makes a look-up hang.
    """

    def __init__(self, record: Record) -> None:
        nodes = record.nodes
        self.ids: list[str] = nodes["id"].to_list()
        known = set(self.ids)
        self._kind: dict[str, str] = dict(zip(self.ids, nodes["kind"].to_list(), strict=True))
        self._region: dict[str, str | None] = dict(zip(self.ids, nodes["region"].to_list(), strict=True))
        self._parent: dict[str, str | None] = {
            node: parent if parent in known and parent != node else None
            for node, parent in zip(self.ids, nodes["parent"].to_list(), strict=True)
        }
        self._valid: dict[str, tuple[date, date]] = {
            node: (start or date.min, end or date.max)
            for node, start, end in nodes.select("id", "valid_from", "valid_to").iter_rows()
        }
        self._children: dict[str, list[str]] = {}
        for node, parent in self._parent.items():
            if parent is not None:
                self._children.setdefault(parent, []).append(node)
        self._boundaries: dict[str, tuple[str, tuple[str, ...]]] = {
            boundary: (rule, split_references(listed))
            for boundary, rule, listed in record.boundaries.select("id", "rule", "nodes").iter_rows()
        }

    def __contains__(self, node: str) -> bool:
        return node in self._kind

    @cached_property
    def parks(self) -> list[str]:
        """Ids of the top nodes of kind park (no park above them); a virtual park may have several."""
        return [
            node
            for node in self.ids
            if self._kind[node] == "park" and not any(self._kind[above] == "park" for above in self.ancestors(node))
        ]

    def park(self) -> str:
        """Return the id of the park; the first of several. Raises InputError where there is none."""
        if not self.parks:
            raise InputError(
                [
                    Problem(
                        "park_missing",
                        "nodes",
                        N_("There is no node of kind park."),
                        N_("Add a row to the nodes with the kind park and make it the parent of the others."),
                    )
                ]
            )
        return self.parks[0]

    def kind(self, node: str) -> str:
        """Return the kind of a node; KeyError if it is not known."""
        return self._kind[node]

    def parent(self, node: str) -> str | None:
        """Return the parent of a node, None at the top; KeyError if the node is not known."""
        return self._parent[node]

    def children(self, node: str) -> list[str]:
        """Return the nodes directly below, in the record's order."""
        return list(self._children.get(node, ()))

    def ancestors(self, node: str) -> list[str]:
        """Return the nodes above, nearest first."""
        found: list[str] = []
        seen = {node}
        above = self._parent[node]
        while above is not None and above not in seen:
            found.append(above)
            seen.add(above)
            above = self._parent[above]
        return found

    def subtree(self, ids: str | Iterable[str]) -> frozenset[str]:
        """Return the given nodes with all below them."""
        stack = [ids] if isinstance(ids, str) else list(ids)
        found: set[str] = set()
        while stack:
            node = stack.pop()
            if node not in found:
                found.add(node)
                stack += self._children.get(node, ())
        return frozenset(found)

    @cached_property
    def outside(self) -> frozenset[str]:
        """Nodes outside every boundary: markets, the environment, and all below them."""
        return self.subtree(node for node in self.ids if self._kind[node] in OUTSIDE_KINDS)

    def boundaries(self) -> list[str]:
        """Ids of the boundaries that can be asked for by name: the default one, then those declared."""
        return list(dict.fromkeys([PARK, *self._boundaries]))

    def members(self, boundary: str = PARK, start: date | None = None, end: date | None = None) -> frozenset[str]:
        """Return the nodes of a boundary, never those outside (market, environment).

        `boundary` is the id of a declared boundary, else ``park`` (all below the park or parks), else the id of a
        node (it and all below). With `start` and `end`, only nodes that exist on some day of [start, end): a node
        exists while it and all above it are valid. Raises InputError for a boundary that is not known.
        """
        if boundary in self._boundaries:
            rule, listed = self._boundaries[boundary]
            nodes = frozenset(listed) & self._kind.keys() if rule == "list" else self.subtree(listed)
        elif boundary == PARK:
            nodes = self.subtree(self.parks)
        elif boundary in self._kind:
            nodes = self.subtree(boundary)
        else:
            raise self._unknown_boundary(boundary)
        nodes = frozenset(node for node in nodes if node in self._kind) - self.outside
        if start is None and end is None:
            return nodes
        first, last = start or date.min, end or date.max
        return frozenset(node for node in nodes if self._exists(node, first, last))

    def _exists(self, node: str, start: date, end: date) -> bool:
        for step in (node, *self.ancestors(node)):
            valid_from, valid_to = self._valid[step]
            start, end = max(start, valid_from), min(end, valid_to)
        return start < end

    def _unknown_boundary(self, boundary: str) -> InputError:
        known = [*self.boundaries(), *self.ids]
        near = difflib.get_close_matches(boundary, known, n=3) or self.boundaries()
        return InputError(
            [
                Problem(
                    "boundary_unknown",
                    "boundaries",
                    N_("There is no boundary “{found}”."),
                    N_("Did you mean {near}?"),
                    {"found": boundary, "near": ", ".join(near)},
                )
            ]
        )

    @cached_property
    def _firm(self) -> dict[str, str]:
        firms: dict[str, str] = {}
        for node in self.ids:
            path = [node, *self.ancestors(node)]
            for kind in ("firm", "zone", "park"):
                nearest = next((step for step in path if self._kind[step] == kind), None)
                if nearest is not None:
                    break
            firms[node] = nearest if nearest is not None and node not in self.outside else node
        return firms

    def firm_of(self, node: str) -> str:
        """Return the nearest firm at or above a node, else the nearest zone, else the park.

        A node outside (or above all of these) is its own. KeyError if the node is not known.
        """
        return self._firm[node]

    def region_of(self, node: str) -> str | None:
        """Return the region of a node: its own, or that of the nearest node above that has one."""
        for step in (node, *self.ancestors(node)):
            region = self._region[step]
            if region:
                return region
        return None

    def firm_frame(self) -> pl.DataFrame:
        """All nodes with their firm: columns node, firm (String)."""
        return pl.DataFrame(
            {"node": self.ids, "firm": [self._firm[node] for node in self.ids]},
            schema={"node": pl.String, "firm": pl.String},
        )


def split_references(text: str | None) -> tuple[str, ...]:
    """Return the ids in a cell that lists several, separated by semicolons (also full-width ones)."""
    parts = (part.strip() for part in (text or "").replace("；", ";").split(";"))
    return tuple(part for part in parts if part)
