"""What is embodied in what, where a substance comes from and goes to, and how much of it cycles.

`tracing.trace`, `pathways.follow` and `cycling.cycling`; `supply_sampling` draws uncertain supply networks.
"""
