"""The order in which balances are eliminated, and how much the factor would fill: known before anything is factored.

Approximate minimum degree on the quotient graph (Amestoy, Davis and Duff, "An approximate minimum degree ordering
algorithm", SIAM Journal on Matrix Analysis and Applications 17, 1996, 886-905), without supervariables: the groups
(nodes with all their layers) are supervariables already. It stops as soon as the factor would exceed the limit, which
is how a network with too many far connections is told from an ordinary park.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ecopark.accounting.uncertainty.kernel import compiled
from ecopark.metabolism.reconciliation.measurements import Integers


def minimum_degree(graph: sp.csr_matrix, weights: Integers, limit: float) -> tuple[Integers | None, float]:
    """Return an order of the graph's vertices and the entries of the factor in that order.

    `graph`: symmetric pattern (vertices, vertices), the diagonal ignored; `weights` (vertices,): rows of each vertex;
    `limit`: entries of the factor beyond which the search stops and the order is None.
    """
    pattern = sp.csr_matrix((np.ones(graph.nnz, dtype=np.int8), graph.indices, graph.indptr), shape=graph.shape)
    pattern = (pattern + pattern.T).tocsr()
    pattern.setdiag(0)
    pattern.eliminate_zeros()
    order, fill = _minimum_degree(
        pattern.indptr.astype(np.int64), pattern.indices.astype(np.int64), weights.astype(np.int64), float(limit)
    )
    return (None if len(order) < graph.shape[0] else order), float(fill)


@compiled
def _minimum_degree(indptr: Integers, indices: Integers, weights: Integers, limit: float) -> tuple[Integers, float]:
    vertices = len(weights)
    total = weights.sum()
    lists = indices.copy()  # of each vertex: its elements first, then its neighbours that no element covers
    begin = indptr[:-1]
    elements = np.zeros(vertices, dtype=np.int64)
    ends = np.diff(indptr)
    pool = np.empty(4 * len(indices) + 16, dtype=np.int64)  # the members of all elements, one after the other
    pool_used = 0
    pool_begin = np.zeros(vertices, dtype=np.int64)
    pool_size = np.zeros(vertices, dtype=np.int64)
    element_weight = np.zeros(vertices, dtype=np.int64)
    alive_element = np.zeros(vertices, dtype=np.bool_)
    done = np.zeros(vertices, dtype=np.bool_)
    mark = np.full(vertices, -1, dtype=np.int64)
    outside = np.zeros(vertices, dtype=np.int64)
    seen = np.full(vertices, -1, dtype=np.int64)
    degree = np.zeros(vertices, dtype=np.int64)
    head = np.full(total + 1, -1, dtype=np.int64)
    following = np.full(vertices, -1, dtype=np.int64)
    previous = np.full(vertices, -1, dtype=np.int64)
    for i in range(vertices):
        for k in range(begin[i], begin[i] + ends[i]):
            degree[i] += weights[lists[k]]
        d = degree[i]
        following[i] = head[d]
        if head[d] >= 0:
            previous[head[d]] = i
        head[d] = i
    order = np.empty(vertices, dtype=np.int64)
    fill = 0.0
    lowest = 0
    left = total
    for step in range(vertices):
        while head[lowest] < 0:
            lowest += 1
        p = head[lowest]
        head[lowest] = following[p]
        if following[p] >= 0:
            previous[following[p]] = -1
        done[p] = True
        order[step] = p
        left -= weights[p]
        # the pivot's element: all that its elements and its neighbours reach
        needed = ends[p] - elements[p]
        for k in range(begin[p], begin[p] + elements[p]):
            needed += pool_size[lists[k]]
        if pool_used + needed > len(pool):
            larger = np.empty(2 * (pool_used + needed), dtype=np.int64)
            larger[:pool_used] = pool[:pool_used]
            pool = larger
        start = pool_used
        mark[p] = step
        weight = 0
        for k in range(begin[p], begin[p] + elements[p]):
            e = lists[k]
            alive_element[e] = False
            for q in range(pool_begin[e], pool_begin[e] + pool_size[e]):
                i = pool[q]
                if not done[i] and mark[i] != step:
                    mark[i] = step
                    pool[pool_used] = i
                    pool_used += 1
                    weight += weights[i]
        for k in range(begin[p] + elements[p], begin[p] + ends[p]):
            i = lists[k]
            if not done[i] and mark[i] != step:
                mark[i] = step
                pool[pool_used] = i
                pool_used += 1
                weight += weights[i]
        pool_begin[p], pool_size[p], element_weight[p] = start, pool_used - start, weight
        alive_element[p] = True
        fill += weights[p] * (weights[p] + 1) / 2 + weights[p] * weight
        if fill > limit:
            return order[:step], fill
        # what the other elements hold beyond the pivot's
        for q in range(start, pool_used):
            i = pool[q]
            for k in range(begin[i], begin[i] + elements[i]):
                e = lists[k]
                if alive_element[e]:
                    if seen[e] != step:
                        seen[e] = step
                        outside[e] = element_weight[e]
                    outside[e] -= weights[i]
        for q in range(start, pool_used):
            i = pool[q]
            write = begin[i]
            estimate = weight - weights[i]
            for k in range(begin[i], begin[i] + elements[i]):
                e = lists[k]
                if alive_element[e]:
                    if outside[e] == 0:
                        continue  # it holds nothing that the pivot's does not
                    lists[write] = e
                    write += 1
                    estimate += outside[e]
            first = begin[i] + elements[i]
            last = begin[i] + ends[i]
            kept = write - begin[i]
            # the pivot's element takes the place of the pivot or of an element that it absorbed
            spare = write
            tail = 0
            for k in range(first, last):
                j = lists[k]
                if not done[j] and mark[j] != step:
                    estimate += weights[j]
                    lists[first + tail] = j
                    tail += 1
            if spare < first:
                lists[spare] = p
                for k in range(tail):
                    lists[spare + 1 + k] = lists[first + k]
            else:  # no element went: the pivot was a neighbour, so there is room for one more
                for k in range(tail - 1, -1, -1):
                    lists[spare + 1 + k] = lists[first + k]
                lists[spare] = p
            elements[i] = kept + 1
            ends[i] = kept + 1 + tail
            new = min(left - weights[i], degree[i] + weight - weights[i], estimate)
            if previous[i] >= 0:
                following[previous[i]] = following[i]
            else:
                head[degree[i]] = following[i]
            if following[i] >= 0:
                previous[following[i]] = previous[i]
            degree[i] = new
            previous[i] = -1
            following[i] = head[new]
            if head[new] >= 0:
                previous[head[new]] = i
            head[new] = i
            if new < lowest:
                lowest = new
    return order, fill


def expanded(order: Integers, groups: Integers) -> Integers:
    """Return the rows in the order of their groups: `order` (vertices,), `groups` (rows,) -> (rows,)."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    found: Integers = np.argsort(place[groups], kind="stable").astype(np.int64)
    return found


def group_graph(matrix: sp.csr_matrix, groups: Integers, count: int) -> sp.csr_matrix:
    """Return which groups share a column of `matrix` (rows, columns): a symmetric pattern (count, count)."""
    rows = np.repeat(groups, np.diff(matrix.indptr))
    pattern = sp.csr_matrix(
        (np.ones(matrix.nnz, dtype=np.float32), (rows, matrix.indices)), shape=(count, matrix.shape[1])
    )
    pattern.data[:] = 1.0
    shared: sp.csr_matrix = (pattern @ pattern.T).tocsr()
    return shared
