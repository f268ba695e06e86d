"""Pictures of metabolism as pure data: Sankey, matrix, network, ranking; drawing is elsewhere.

`sankey` makes the links, `sankey_layout` places them, `views` the rest.
"""
