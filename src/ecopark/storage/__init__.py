"""The record on disk: what a workspace keeps, how it gets in and out, and how it is taken back.

Modules (import them directly; this package itself imports nothing, so that `ecopark --help` stays quick):

* `settings`: the workspace's `ecopark.toml`;
* `schema`, `migrations`, `database`: the tables, generated from the attribute tables, on SQLite or PostgreSQL;
* `store`: `Store`, the open workspace (record, version, history);
* `changesets`, `history`, `rows`: one change as a set of rows, applied and undone in one transaction with its audit
  trail, and the record as it was;
* `closures`: closed years; `runs`: stored results; `evidence`: the files behind the numbers;
* `workbook_template`, `workbook_reader`, `workbook_guard`: the Excel workbook out and in;
* `folder`: the record as a data package (CSV and `datapackage.json`) out and in;
* `cells`, `importing`: from cells to typed rows, and the preview of an import.
"""
