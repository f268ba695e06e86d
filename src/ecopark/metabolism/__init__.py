"""Metabolism: the record seen as a network, with balances that close, in every layer.

`flows.layered_flows` brings the record's effective flows to layers (mass, energy, water, elements, money);
`balances.draw_balances` sums them per node, zone and boundary with residuals; `reconciliation` makes them consistent;
`tracing` and `pathways` follow what is embodied and where a substance comes from; `indicators`, `value_flow`, `nexus`,
`burdens`, `dynamics` and `causes` read the same network. Every result is a `result.Result` whose numbers explain
themselves.
"""
