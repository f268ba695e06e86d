"""The park a user opens: it loads the record, calls an engine, and keeps the result as a run.

`Workspace` is what ``ecopark.open`` returns; `workspace` holds the record and its inventories, `metabolism` the
balances and everything that reads the same network.
"""

from ecopark.workspace.workspace import Replay, Reported, Workspace

__all__ = ["Replay", "Reported", "Workspace"]
