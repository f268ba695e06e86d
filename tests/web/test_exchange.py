"""Data in and out through the pages: template, preview, apply, undo, report; nothing half-written by a bad file."""

from __future__ import annotations

import html
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.workbooks import amount_cell, columns, edited

GAS = "powerhouse_gas"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def template(client: httpx.Client, address: str, query: str = "") -> bytes:
    answer = client.get(f"{address}/zh/reports/template.xlsx{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPE
    return answer.content


def upload(
    client: httpx.Client, address: str, content: bytes, name: str = "park.xlsx", **headers: str
) -> httpx.Response:
    return client.post(f"{address}/en/reports/preview", files={"workbook": (name, content, TYPE)}, headers=headers)


def total(client: httpx.Client, address: str) -> float:
    page: dict[str, Any] = client.get(f"{address}/en/accounting.json?year=2019&scheme=us-ghgrp").json()
    return float(page["inventory"]["total"]["value"])


def changes(client: httpx.Client, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{address}/en/reports/history.json?table=changes").json()["rows"]
    return found


def double_gas(book: Any) -> None:
    cell = amount_cell(book, GAS, 2019)
    cell.value = 2 * float(cell.value)


def test_template_preview_apply_undo(writable: tuple[str, Path], client: httpx.Client) -> None:
    """The round trip: the total doubles with the gas after Apply, not before, and is the old one after Undo."""
    address, _ = writable
    before = total(client, address)
    preview = upload(client, address, edited(template(client, address), double_gas))
    assert preview.status_code == 200
    assert "1 rows would change" in preview.text
    assert total(client, address) == before, "a preview must not write"
    assert len(changes(client, address)) == 1
    table = re.search(r'id="table-effect".*?</table>', preview.text, re.S)
    assert table is not None
    assert "2019" in table.group(0)
    token = re.search(r'name="token" value="([^"]+)"', preview.text)
    assert token is not None
    data = {"token": html.unescape(token.group(1)), "reason": "metering corrected"}
    applied = client.post(f"{address}/en/reports/apply", data=data)
    assert applied.status_code == 200
    assert "was imported as version 2" in applied.text
    assert total(client, address) > 1.9 * before
    newest = changes(client, address)[0]
    assert newest["reason"] == "metering corrected"
    assert newest["source"] == "park.xlsx"
    again = client.post(f"{address}/en/reports/apply", data=data)
    assert again.status_code == 404, "a preview is applied once"
    undone = client.post(f"{address}/zh/reports/undo", data={"reason": "typing error"})
    assert undone.status_code == 200
    assert "第 2 版已撤销" in undone.text
    assert total(client, address) == before
    assert len(changes(client, address)) == 3, "undoing is a change too: nothing is deleted"


def test_unchanged_workbook_changes_nothing(writable: tuple[str, Path], client: httpx.Client) -> None:
    address, _ = writable
    preview = upload(client, address, template(client, address))
    assert preview.status_code == 200
    assert "already in the record" in preview.text
    assert 'id="apply"' not in preview.text


def break_it(book: Any) -> None:
    sheet = book["flows"]
    head, names = columns(sheet)
    for offset, (column, value) in enumerate(
        [("amount", "about 5"), ("amount", -3), ("unit", "furlong"), ("stream", "no_such"), ("period_start", "soon"),
         ("method", "guessed"), ("notation", "XX"), ("scenario", "dream"), ("low", "few"), ("evidence", "nowhere")], 1
    ):  # fmt: skip
        sheet.cell(head + 3 + offset, names[column]).value = value


def test_all_problems_at_once_with_cell_and_remedy(writable: tuple[str, Path], client: httpx.Client) -> None:
    """Ten faults give ten messages with sheet and cell in both languages, and nothing is written."""
    address, _ = writable
    content = edited(template(client, address), break_it)
    for language in ("en", "zh"):
        answer = client.post(
            f"{address}/{language}/reports/preview?format=json", files={"workbook": ("park.xlsx", content, TYPE)}
        )
        assert answer.status_code == 422
        tables = {table["id"]: table for table in answer.json()["tables"]}
        problems = tables["problems"]["rows"]
        cells = {row["place"] for row in problems if re.fullmatch(r"flows![A-Z]+\d+", row["place"])}
        assert len(cells) >= 10
        assert all(row["cause"] and row["remedy"] for row in problems)
    page = upload(client, address, content)
    assert 'id="apply"' not in page.text
    assert 'role="alert"' in page.text
    assert len(changes(client, address)) == 1


def bomb() -> bytes:
    """A small file that unpacks to hundreds of megabytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b" " * 400_000_000)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("park.xlsx", b"", 422),
        ("park.xlsx", b"this is no workbook", 422),
        ("park.xlsx", b"PK\x03\x04 broken", 422),
        ("park.xls", b"old", 422),
        ("../../etc/passwd.xlsx", b"x", 422),
        ("<script>.xlsx", b"x", 422),
    ],
)
def test_bad_files_are_safe(
    name: str, content: bytes, status: int, writable: tuple[str, Path], client: httpx.Client
) -> None:
    address, folder = writable
    files = {path for path in folder.rglob("*") if "evidence" in path.parts}
    answer = upload(client, address, content, name)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert "<script>." not in answer.text
    assert "Traceback" not in answer.text
    assert len(changes(client, address)) == 1
    assert {path for path in folder.rglob("*") if "evidence" in path.parts} == files


def test_zip_bomb_is_refused(writable: tuple[str, Path], client: httpx.Client) -> None:
    address, _ = writable
    answer = upload(client, address, bomb())
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_missing_file_and_foreign_token(writable: tuple[str, Path], client: httpx.Client) -> None:
    address, _ = writable
    assert client.post(f"{address}/en/reports/preview", data={"workbook": "text"}).status_code == 422
    assert client.post(f"{address}/en/reports/preview").status_code == 422
    for token in ("", "nothing", "../../park.sqlite"):
        answer = client.post(f"{address}/en/reports/apply", data={"token": token})
        assert answer.status_code == 404
        assert "preview is no longer there" in answer.text


def test_undo_with_nothing_to_undo(empty: str, client: httpx.Client) -> None:
    answer = client.post(f"{empty}/en/reports/undo", data={})
    assert answer.status_code == 422
    part = client.post(f"{empty}/en/reports/undo", data={}, headers={"hx-request": "true"})
    assert part.status_code == 422
    assert part.text.lstrip().startswith('<div id="exchange">')


def test_record_changed_between_preview_and_apply(writable: tuple[str, Path], client: httpx.Client) -> None:
    """Only what was seen is applied: after a change by another program the preview is shown anew, nothing written."""
    from ecopark.storage.store import Store

    address, folder = writable
    preview = upload(client, address, edited(template(client, address), double_gas))
    token = re.search(r'name="token" value="([^"]+)"', preview.text)
    assert token is not None
    with Store.open(folder) as store:
        store.undo("another window")
    data = {"token": html.unescape(token.group(1))}
    answer = client.post(f"{address}/en/reports/apply", data=data)
    assert answer.status_code == 409
    assert "Nothing was written" in answer.text
    assert len(changes(client, address)) == 2
    assert client.post(f"{address}/en/reports/apply", data=data).status_code == 200, "now it has been seen"
    assert len(changes(client, address)) == 3


def test_template_of_one_firm_for_a_year(eastman: str, client: httpx.Client) -> None:
    import openpyxl

    content = template(client, eastman, "?firm=red_rochester&year=2020")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert {"nodes", "streams", "flows"} <= set(book.sheetnames)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_report_is_a_word_document(language: str, eastman: str, client: httpx.Client) -> None:
    answer = client.get(f"{eastman}/{language}/reports/inventory.docx?year=2019&scheme=us-ghgrp", timeout=300)
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        name = {"zh": "伊士曼商务园", "en": "Eastman Business Park"}[language]
        assert name in archive.read("word/document.xml").decode()
