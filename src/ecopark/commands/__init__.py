"""The verbs of the command line, a module for each group of them; `ecopark.cli` puts them together.

`calling` holds what every verb shares (options, language, opening the workspace), `printing` tables, numbers and JSON,
`problems` and `usage` what is said when something is wrong, `helping` the help texts. Nothing here computes: verbs call
the workspace and print what it returns. Modules that need polars or a database are imported inside functions only, so
that help answers at once.
"""
