"""A network shaped as parks are, with a known truth: stationary flows whose balance closes in every layer.

60 % of the flows stay inside a firm or go to a neighbour, 30 % go through a few hubs (utilities, treatment plants),
10 % go anywhere. Every node mixes what it receives perfectly, so that all its outflows carry one content per layer;
together with stationary amounts this makes every node's balance close in every layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

OUTSIDE = -1
"""The index that stands for the world outside the park."""


@dataclass(frozen=True, eq=False)
class ParkNetwork:
    """Arrays of one park.

    `source`, `target` (flows,): node indices, `OUTSIDE` beyond the park; `amount` (flows,): mass, positive; `contents`
    (flows, layers): layer units per mass, the first layer being mass itself (1); `node_contents` (nodes, layers);
    `firm` (nodes,): the firm of each node; `hubs`: the nodes that serve all.
    """

    source: Integers
    target: Integers
    amount: Floats
    contents: Floats
    node_contents: Floats
    firm: Integers
    hubs: Integers

    @property
    def nodes(self) -> int:
        """Number of nodes inside the park."""
        return len(self.firm)

    @property
    def flows(self) -> int:
        """Number of flows, those from and to the outside included."""
        return len(self.amount)

    @property
    def layers(self) -> int:
        """Number of layers."""
        return int(self.contents.shape[1])

    @property
    def inputs(self) -> Integers:
        """Flows that come from outside."""
        return np.flatnonzero(self.source == OUTSIDE)

    @property
    def outputs(self) -> Integers:
        """Flows that leave the park."""
        return np.flatnonzero(self.target == OUTSIDE)

    def incidence(self) -> sp.csr_matrix:
        """Return the node by flow matrix: +1 where the flow enters, -1 where it leaves."""
        into, out = np.flatnonzero(self.target >= 0), np.flatnonzero(self.source >= 0)
        rows = np.concatenate([self.target[into], self.source[out]])
        values = np.concatenate([np.ones(len(into)), -np.ones(len(out))])
        return sp.csr_matrix((values, (rows, np.concatenate([into, out]))), shape=(self.nodes, self.flows))

    def balances(self) -> sp.csr_matrix:
        """Return the balances of all nodes in all layers: row ``node * layers + layer``, one column a flow."""
        into, out = np.flatnonzero(self.target >= 0), np.flatnonzero(self.source >= 0)
        flow = np.concatenate([into, out])
        node = np.concatenate([self.target[into], self.source[out]])
        sign = np.concatenate([np.ones(len(into)), -np.ones(len(out))])
        rows = node[:, None] * self.layers + np.arange(self.layers)
        values = sign[:, None] * self.contents[flow]
        columns = np.repeat(flow, self.layers)
        shape = (self.nodes * self.layers, self.flows)
        return sp.csr_matrix((values.ravel(), (rows.ravel(), columns)), shape=shape)


def park_network(nodes: int = 10_000, flows: int = 200_000, layers: int = 8, seed: int = 1) -> ParkNetwork:
    """Return a park of `nodes` nodes and `flows` flows with the same truth for the same `seed`.

    About one flow in ten comes from or goes to the outside. ValueError where there are fewer than four flows a node.
    """
    if flows < 4 * nodes:
        raise ValueError(f"{flows} flows are too few for {nodes} nodes: at least four a node")
    random = np.random.default_rng(seed)
    size = 12
    firm = np.arange(nodes) // size
    hubs = np.sort(random.choice(nodes, max(2, nodes // 500), replace=False))
    inputs, outputs = _ends(random, nodes, hubs, flows)
    source, target = _inner(random, nodes, size, hubs, flows - len(inputs) - len(outputs))
    source, target = _repair(source, target, nodes, inputs, outputs, random)
    source = np.concatenate([source, np.full(len(inputs), OUTSIDE), outputs])
    target = np.concatenate([target, inputs, np.full(len(outputs), OUTSIDE)])
    amount = _amounts(random, nodes, source, target)
    node_contents, contents = _contents(random, nodes, layers, source, target, amount)
    order = random.permutation(flows)
    return ParkNetwork(
        source[order], target[order], amount[order], contents[order], node_contents, firm, hubs.astype(np.int64)
    )


def _ends(random: np.random.Generator, nodes: int, hubs: Integers, flows: int) -> tuple[Integers, Integers]:
    """Return the nodes that receive from outside and those that send there, one entry a flow."""
    half = flows // 20
    inputs = np.concatenate([hubs, random.integers(0, nodes, max(0, half - len(hubs)))])
    outputs = np.concatenate([hubs, random.integers(0, nodes, max(0, half - len(hubs)))])
    return inputs.astype(np.int64), outputs.astype(np.int64)


def _inner(random: np.random.Generator, nodes: int, size: int, hubs: Integers, count: int) -> tuple[Integers, Integers]:
    """Return source and target of the flows inside the park: 60 % near, 30 % through hubs, 10 % anywhere."""
    near, through = int(0.6 * count), int(0.3 * count)
    source = random.integers(0, nodes, count)
    target = random.integers(0, nodes, count)
    firm_start = source[:near] // size * size
    in_firm = firm_start + random.integers(0, size, near)
    neighbour = source[:near] + random.integers(-size, size + 1, near)
    target[:near] = np.where(random.random(near) < 0.7, in_firm, neighbour) % nodes
    hub = random.choice(hubs, through)
    collects = random.random(through) < 0.5
    span = slice(near, near + through)
    other = source[span].copy()
    source[span] = np.where(collects, other, hub)
    target[span] = np.where(collects, hub, other)
    same = source == target
    target[same] = (source[same] + 1) % nodes
    return source, target


def _repair(
    source: Integers, target: Integers, nodes: int, inputs: Integers, outputs: Integers, random: np.random.Generator
) -> tuple[Integers, Integers]:
    """Turn a few flows so that every node receives and sends: a node that does not would have no stationary flow."""
    for ends, outer in ((target, inputs), (source, outputs)):
        counts = np.bincount(np.concatenate([ends, outer]), minlength=nodes)
        for node in np.flatnonzero(counts == 0):
            while True:
                flow = int(random.integers(0, len(ends)))
                other = source[flow] if ends is target else target[flow]
                if counts[ends[flow]] > 2 and other != node:
                    break
            counts[ends[flow]] -= 1
            counts[node] += 1
            ends[flow] = node
    return source, target


def _fixed_point(matrix: sp.csr_matrix, constant: Floats) -> Floats:
    """Solve x = matrix x + constant by repeated mixing; the matrix is non-negative and loses something on the way."""
    x = constant.copy()
    for _ in range(20_000):
        following: Floats = matrix @ x + constant
        if np.max(np.abs(following - x)) <= 1e-15 * np.max(np.abs(following)):
            return following
        x = following
    raise RuntimeError("the network does not settle: some nodes have no way out")


def _amounts(random: np.random.Generator, nodes: int, source: Integers, target: Integers) -> Floats:
    """Return stationary amounts: random splits at every node, random inputs from outside."""
    inner, inputs = source >= 0, source == OUTSIDE
    weight = random.lognormal(0.0, 0.8, len(source))
    leaves = inner & (target == OUTSIDE)
    weight[leaves] *= 4.0  # what leaves the park is larger than one of a node's many inner flows
    total = np.bincount(source[inner], weight[inner], minlength=nodes)
    split = np.zeros(len(source))
    split[inner] = weight[inner] / total[source[inner]]
    moves = inner & (target >= 0)
    mixing = sp.csr_matrix((split[moves], (target[moves], source[moves])), shape=(nodes, nodes))
    entering = random.lognormal(4.0, 1.0, len(source)) * inputs
    received = np.bincount(target[inputs], entering[inputs], minlength=nodes).astype(np.float64)
    through = _fixed_point(mixing, received)
    amount: Floats = entering
    amount[inner] = split[inner] * through[source[inner]]
    return amount


def _contents(
    random: np.random.Generator, nodes: int, layers: int, source: Integers, target: Integers, amount: Floats
) -> tuple[Floats, Floats]:
    """Return contents by node and by flow: inputs have their own, a node's outflows what it has mixed."""
    inputs, enters = source == OUTSIDE, target >= 0
    outer = random.beta(0.8, 3.0, (len(source), layers))
    outer[:, 0] = 1.0
    through = np.bincount(target[enters], amount[enters], minlength=nodes)
    moves = enters & ~inputs
    mixing = sp.csr_matrix(
        (amount[moves] / through[target[moves]], (target[moves], source[moves])), shape=(nodes, nodes)
    )
    entering = sp.csr_matrix(
        (amount[inputs] / through[target[inputs]], (target[inputs], np.flatnonzero(inputs))),
        shape=(nodes, len(source)),
    )
    node_contents = _fixed_point(mixing, entering @ outer)
    node_contents[:, 0] = 1.0
    contents = np.where(inputs[:, None], outer, node_contents[np.maximum(source, 0)])
    return node_contents, contents
