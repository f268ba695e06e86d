"""Records hold every table with its declared columns, whatever they were made from."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ecopark.model import TABLES, PeriodError, Record, fill_flow_ids


def test_empty_record_has_every_table() -> None:
    record = Record.empty()
    assert set(record.tables) == set(TABLES)
    for name, table in TABLES.items():
        assert dict(record[name].schema) == table.schema
        assert record[name].is_empty()
        assert getattr(record, name) is record[name]


def test_missing_columns_take_their_default() -> None:
    record = Record.of(flows=[{"stream": "s", "period_start": "2019", "amount": 1, "unit": "t"}])
    row = record.flows.row(0, named=True)
    assert row["scenario"] == "actual"
    assert row["method"] == "invoiced"
    assert row["notation"] is None
    assert row["amount"] == 1.0
    assert (row["period_start"], row["period_end"]) == (date(2019, 1, 1), date(2020, 1, 1))
    assert dict(record.flows.schema) == TABLES["flows"].schema


def test_blank_cells_take_their_default() -> None:
    flows = pl.DataFrame({"stream": ["a", "b"], "method": ["metered", None], "scenario": [None, "plan"]})
    record = Record.of(flows=flows)
    assert record.flows["method"].to_list() == ["metered", "invoiced"]
    assert record.flows["scenario"].to_list() == ["actual", "plan"]


def test_periods_are_read_as_written() -> None:
    rows = [
        {"stream": "s", "period_start": "2019-05"},
        {"stream": "s", "period_start": "2019", "period_end": "2021"},
        {"stream": "s", "period_start": 2018},
        {"stream": "s"},
    ]
    flows = Record.of(flows=rows).flows
    assert flows["period_start"].to_list() == [date(2019, 5, 1), date(2019, 1, 1), date(2018, 1, 1), None]
    assert flows["period_end"].to_list() == [date(2019, 6, 1), date(2021, 1, 1), date(2019, 1, 1), None]
    nodes = Record.of(nodes=[{"id": "a", "valid_from": "2019"}, {"id": "b"}]).nodes
    assert nodes["valid_from"].to_list() == [date(2019, 1, 1), None]
    with pytest.raises(PeriodError):
        Record.of(flows=[{"stream": "s", "period_start": "last year"}])


def test_dates_stay_dates() -> None:
    rows = [{"stream": "s", "period_start": date(2019, 5, 1), "period_end": date(2019, 5, 8)}]
    assert Record.of(flows=rows).flows["period_end"].to_list() == [date(2019, 5, 8)]


@pytest.mark.parametrize(
    ("frames", "hint"),
    [
        ({"flow": []}, "did you mean 'flows'"),
        ({"flows": [{"strem": "s"}]}, "did you mean 'stream'"),
        ({"nodes": [{"id": "a", "colour": "red"}]}, "'colour'"),
    ],
)
def test_undeclared_names_are_refused(frames: dict[str, list[dict[str, object]]], hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        Record.of(**frames)


def test_tables_must_be_whole() -> None:
    with pytest.raises(ValueError, match="nodes"):
        Record({name: table.empty() for name, table in TABLES.items() if name != "nodes"})


def test_replace_and_append_leave_the_old_record() -> None:
    first = Record.of(nodes=[{"id": "park", "kind": "park"}])
    second = first.append(nodes=[{"id": "firm", "kind": "firm"}], evidence=[{"id": "e1", "title": "bill"}])
    third = second.replace(nodes=[{"id": "other", "kind": "park"}])
    assert first.nodes["id"].to_list() == ["park"]
    assert second.nodes["id"].to_list() == ["park", "firm"]
    assert third.nodes["id"].to_list() == ["other"]
    assert third.evidence["id"].to_list() == ["e1"]
    with pytest.raises(TypeError):
        first.tables["nodes"] = second.nodes  # type: ignore[index]


class TestFlowIds:
    """The id of a flow says what it observes, so that the same observation always has the same id."""

    ROWS = (
        {"stream": "elec", "period_start": "2019"},
        {"stream": "elec", "period_start": "2019-05", "method": "metered"},
        {"stream": "elec", "period_start": "2019", "scenario": "plan", "method": "planned"},
        {"stream": "elec", "period_start": "2019-05-01", "period_end": "2019-05-08"},
        {"stream": "elec", "period_start": "2019", "id": "mine"},
        {"stream": "elec", "period_start": "2020", "id": " "},
    )

    def test_made_from_what_it_observes(self) -> None:
        assert Record.of(flows=list(self.ROWS)).flows["id"].to_list() == [
            "elec-2019-invoiced",
            "elec-2019-05-metered",
            "elec-plan-2019-planned",
            "elec-2019-05-01_2019-05-08-invoiced",
            "mine",
            "elec-2020-invoiced",
        ]

    def test_twice_is_once(self) -> None:
        flows = Record.of(flows=list(self.ROWS)).flows
        assert fill_flow_ids(flows).equals(flows)
        assert Record.of(flows=flows).flows.equals(flows)
