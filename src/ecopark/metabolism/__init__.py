"""Metabolism: the record seen as a network, with balances that close, in every layer.

`flows.layered_flows` brings the record's effective flows to layers (mass, energy, water, elements, money); on it stand

* `balances`: sums per node, zone and boundary with residuals and what can be said of them,
* `reconciliation`: amounts and contents adjusted until all balances hold,
* `tracing`: what is embodied in what, where a substance comes from, how much cycles,
* `indicators`, `value_flow`, `burdens`, `changes`: what is read from the same network,
* `pictures`: the same as pure data for Sankey, matrix, network and ranking.

Every result is a `result.Result` whose numbers explain themselves.
"""
