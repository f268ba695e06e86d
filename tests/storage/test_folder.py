"""The record as a folder: out and in again without loss, described as a data package, and every fault with its line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from ecopark.model.problems import InputError
from ecopark.model.record import Record
from ecopark.model.tables import TABLES
from ecopark.storage.changesets import Changes
from ecopark.storage.folder import PACKAGE, read_folder, read_record, table_schema, write_folder
from ecopark.storage.importing import Vocabulary, preview_import
from ecopark.storage.store import Store
from tests.storage.workbooks import errors, found


def test_out_and_in_again_gives_the_same_record(park: Record, tmp_path: Path) -> None:
    """Bit for bit: 0.1 + 0.2, a title with quotes, a comma and a line break, blanks and dates."""
    write_folder(park, tmp_path)
    again = read_record(tmp_path)
    for name in TABLES:
        assert again[name].equals(park[name]), name


def test_importing_the_folder_fills_a_store_and_keeps_it(
    store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    write_folder(park, tmp_path / "export")
    preview = preview_import(store, tmp_path / "export", vocabulary)
    assert preview.problems == []
    changeset = preview.apply(store)
    assert changeset is not None
    assert all(store.record()[name].equals(park[name]) for name in TABLES)
    kept = store.evidence.find(changeset.source_sha256 or "")
    assert kept is not None
    assert kept.suffix == ".zip"
    again = preview_import(store, tmp_path / "export" / PACKAGE, vocabulary)
    assert {status for frame in again.rows.values() for status in frame["status"]} == {"same"}


def test_the_files_are_for_git(park: Record, tmp_path: Path) -> None:
    """UTF-8 without mark, line feeds, the same bytes each time; tables without rows have no file."""
    first = {file.name: file.read_bytes() for file in write_folder(park, tmp_path)}
    second = {file.name: file.read_bytes() for file in write_folder(park, tmp_path)}
    assert first == second
    assert "boundaries.csv" not in first
    assert b"\r" not in b"".join(first.values())
    assert first["nodes.csv"].startswith(b"id,parent,kind")
    assert "示范园".encode() in first["nodes.csv"]
    write_folder(Record.empty(), tmp_path)
    assert [file.name for file in sorted(tmp_path.iterdir())] == [PACKAGE]


def test_the_package_describes_every_column(park: Record, tmp_path: Path) -> None:
    write_folder(park, tmp_path, name="demo", title="示范园")
    package = json.loads((tmp_path / PACKAGE).read_text(encoding="utf-8"))
    assert package["name"] == "demo"
    assert package["profile"] == "tabular-data-package"
    assert [resource["name"] for resource in package["resources"]] == [n for n in TABLES if park[n].height]
    for resource in package["resources"]:
        table = TABLES[resource["name"]]
        fields = resource["schema"]["fields"]
        header = (tmp_path / resource["path"]).read_text(encoding="utf-8").partition("\n")[0]
        assert [field["name"] for field in fields] == table.names == header.split(",")
        for field, attribute in zip(fields, table.attributes, strict=True):
            assert field["title"] == f"{attribute.zh} / {attribute.en}"
    flows = table_schema(TABLES["flows"])
    assert flows["primaryKey"] == ["id"]
    kinds = {field["name"]: field["type"] for field in flows["fields"]}
    assert (kinds["amount"], kinds["period_start"], kinds["unit"]) == ("number", "date", "string")
    assert {key["fields"]: key["reference"]["resource"] for key in flows["foreignKeys"]} == {
        "stream": "streams", "evidence": "evidence",
    }  # fmt: skip
    nodes = {key["fields"]: key["reference"]["resource"] for key in table_schema(TABLES["nodes"])["foreignKeys"]}
    assert nodes == {"parent": ""}
    assert "primaryKey" not in table_schema(TABLES["properties"])  # parts of its key may be blank


NODES = "id,kind,name_zh\npark,park,示范园\ngrid,market,电网\n"


def _nodes(tmp_path: Path, data: bytes) -> Path:
    (tmp_path / "nodes.csv").write_bytes(data)
    return tmp_path


@pytest.mark.parametrize(
    ("encoding", "warned"),
    [("utf-8", None), ("utf-8-sig", None), ("gbk", "GB18030"), ("gb18030", "GB18030"), ("utf-16", "UTF-16")],
)
def test_encodings_are_recognised_and_named(
    sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path, encoding: str, warned: str | None
) -> None:
    """Excel's CSV is GBK in China: the names must come out right, and the guess must be told."""
    preview = preview_import(sqlite_store, _nodes(tmp_path, NODES.encode(encoding)), vocabulary)
    assert preview.record_after is not None
    assert preview.record_after.nodes["name_zh"].to_list() == ["示范园", "电网"]
    named = [problem.values["encoding"] for problem in preview.warnings if problem.code == "encoding_detected"]
    assert named == ([warned] if warned else [])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_separators_and_line_ends(tmp_path: Path, line_end: str, delimiter: str) -> None:
    text = NODES.replace(",", delimiter).replace("\n", line_end)
    source = read_folder(_nodes(tmp_path, text.encode()))
    assert source.tables["nodes"].columns["id"] == ["park", "grid"]
    assert {problem.severity for problem in source.problems} == {"warning"}


def test_faults_name_file_line_and_column(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """The quoted line break in line 2 counts: the faults stand in lines 4 to 7 of the file."""
    (tmp_path / "nodes.csv").write_text(
        'id,kind,name_zh,lon,colour\npark,park,"two\nlines",,\ngrid,market,,east,\nfirm,company,,5,\nx,firm\n"y,z",firm,,1_0,\n',
        encoding="utf-8",
    )
    preview = preview_import(sqlite_store, tmp_path, vocabulary)
    assert errors(preview) == {
        ("column_unknown", "nodes.csv line 1, colour"),
        ("not_a_number", "nodes.csv line 4, lon"),
        ("choice_unknown", "nodes.csv line 5, kind"),
        ("csv_ragged", "nodes.csv line 6"),
        ("id_characters", "nodes.csv line 7, id"),
        ("not_a_number", "nodes.csv line 7, lon"),
    }
    assert preview.apply is not None
    with pytest.raises(InputError):
        preview.apply(sqlite_store)
    assert sqlite_store.version == 0


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999", "１２", "1,5", "0x10", "1 000", "--1"])
def test_only_plain_numbers_are_numbers(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path, text: str) -> None:
    (tmp_path / "nodes.csv").write_text(f'id,kind,lon\npark,park,"{text}"\n', encoding="utf-8")
    assert errors(preview_import(sqlite_store, tmp_path, vocabulary)) == {("not_a_number", "nodes.csv line 2, lon")}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "no_files"),
        ({"flow.csv": b"id\n"}, "file_unknown"),
        ({"nodes.csv": b"\x00\x01\x02"}, "encoding_unknown"),
        ({"nodes.csv": b"id,kind\n\xff\xff\xff\n"}, "encoding_unknown"),
        ({"nodes.csv": b""}, "header_missing"),
        ({"nodes.csv": b'id,kind\n"park,park\n'}, "csv_broken"),
        ({PACKAGE: b"{"}, "package_unreadable"),
        ({PACKAGE: b'{"resources": [{"name": "node", "path": "n.csv"}]}'}, "resource_unknown"),
        ({PACKAGE: b'{"resources": [{"name": "nodes", "path": "n.csv"}]}'}, "resource_missing"),
        ({PACKAGE: b'{"resources": [{"name": "nodes", "path": "../../etc/passwd"}]}'}, "resource_missing"),
        ({PACKAGE: b'{"resources": []}', "nodes.csv": b"id,kind\n"}, "file_unlisted"),
    ],
)
def test_folders_of_the_wrong_form_say_what_is_wrong(tmp_path: Path, files: dict[str, bytes], code: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert code in {problem.code for problem in read_folder(tmp_path).problems if problem.severity == "error"}


def test_a_path_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    """A package from a stranger must not make the program read, and keep as evidence, a file of the machine."""
    (tmp_path / "secret.csv").write_text("id,kind\nsecret,park\n", encoding="utf-8")
    inside = tmp_path / "package"
    inside.mkdir()
    entry = {"resources": [{"name": "nodes", "path": "../secret.csv"}]}
    (inside / PACKAGE).write_text(json.dumps(entry), encoding="utf-8")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    source = read_folder(inside)
    assert source.tables == {}
    entry = {"resources": [{"name": "nodes", "path": "link.csv"}]}
    (inside / PACKAGE).write_text(json.dumps(entry), encoding="utf-8")
    assert read_folder(inside).tables == {}


def test_files_without_a_package_are_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "#draft.csv").write_text("x", encoding="utf-8")
    (tmp_path / "README.md").write_text("x", encoding="utf-8")
    source = read_folder(_nodes(tmp_path, NODES.encode()))
    assert found(source.problems) == {("package_missing", PACKAGE)}
    assert list(source.tables) == ["nodes"]


def test_a_single_file_named_as_a_table_is_read(sqlite_store: Store, vocabulary: Vocabulary, tmp_path: Path) -> None:
    _nodes(tmp_path, NODES.encode())
    preview = preview_import(sqlite_store, tmp_path / "nodes.csv", vocabulary)
    assert preview.problems == []
    changeset = preview.apply(sqlite_store)
    assert changeset is not None
    kept = sqlite_store.evidence.find(changeset.source_sha256 or "")
    assert kept is not None
    assert kept.read_bytes() == NODES.encode()


def test_an_export_of_a_store_restores_it(store: Store, park: Record, vocabulary: Vocabulary, tmp_path: Path) -> None:
    store.apply(Changes(rows=park.tables))
    write_folder(store.record(), tmp_path / "export")
    store.undo()
    preview_import(store, tmp_path / "export", vocabulary).apply(store)
    assert all(store.record()[name].equals(park[name]) for name in TABLES)


def test_comment_lines_are_left_out(tmp_path: Path) -> None:
    source = read_folder(_nodes(tmp_path, (NODES + "# park,park,\n,,\n").encode()))
    assert source.tables["nodes"].lines == [2, 3]
    assert isinstance(source.tables["nodes"].row_places(), pl.Series)
