"""What a foreign page, a wrong address or a careless upload can do to the server: nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ecopark.web.security import HEADERS


@pytest.mark.parametrize("path", ["/zh/overview", "/static/page.css", "/zh/nothing", "/en/explain/R1-nothing", "/"])
def test_security_headers_on_every_answer(path: str, twelve_firms: str, client: httpx.Client) -> None:
    answer = client.get(twelve_firms + path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert not re.search(r"https?:", policy)


def test_foreign_host_is_refused(twelve_firms: str, client: httpx.Client) -> None:
    """A page elsewhere that points its own name at 127.0.0.1 (DNS rebinding) reads nothing."""
    answer = client.get(f"{twelve_firms}/en/overview", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "Twelve" not in answer.text
    assert "evil.example" in answer.text
    port = twelve_firms.rpartition(":")[2]
    assert client.get(f"{twelve_firms}/en/overview", headers={"host": f"localhost:{port}"}).status_code == 200
    escaped = client.get(f"{twelve_firms}/en/overview", headers={"host": "<b>evil</b>"})
    assert "<b>evil" not in escaped.text


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/page"},
    ],
)
def test_foreign_post_changes_nothing(
    headers: dict[str, str], writable: tuple[str, Path], client: httpx.Client
) -> None:
    address, _ = writable
    before = client.get(f"{address}/en/reports/history.json?table=changes").json()["rows"]
    answer = client.post(f"{address}/en/reports/undo", data={"reason": "forged"}, headers=headers)
    assert answer.status_code == 403
    assert client.get(f"{address}/en/reports/history.json?table=changes").json()["rows"] == before


def test_own_post_is_accepted(writable: tuple[str, Path], client: httpx.Client) -> None:
    address, _ = writable
    answer = client.post(f"{address}/en/reports/undo", data={"reason": "mine"}, headers={"origin": address})
    assert answer.status_code == 200
    assert len(client.get(f"{address}/en/reports/history.json?table=changes").json()["rows"]) == 2


def test_upload_limit(tmp_path: Path, client: httpx.Client) -> None:
    """A body over the limit is turned away, by its declared length or while it streams in without one."""
    from tests.web.serving import make_workspace, serving

    with serving(make_workspace(tmp_path / "small"), upload_limit=100_000) as address:
        files = {"workbook": ("park.xlsx", b"x" * 200_000)}
        answer = client.post(f"{address}/en/reports/preview", files=files)
        assert answer.status_code == 413
        assert "larger than" in answer.text

        def chunks() -> Iterator[bytes]:
            yield b'--b\r\ncontent-disposition: form-data; name="workbook"; filename="park.xlsx"\r\n\r\n'
            for _ in range(40):
                yield b"y" * 10_000
            yield b"\r\n--b--\r\n"

        kind = {"content-type": "multipart/form-data; boundary=b"}
        try:
            streamed = client.post(f"{address}/zh/reports/preview", content=chunks(), headers=kind)
        except httpx.WriteError:
            pass  # the server closed while the body was still coming: refused all the same
        else:
            assert streamed.status_code == 413
        assert client.get(f"{address}/en/reports").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/en/nothing", 404, "There is no page at this address"),
        ("/fr/overview", 404, "There is no language"),
        ("/en/overview?year=20x9", 422, "There is no year"),
        ("/en/overview?scheme=mine", 404, "park-ghg"),
        ("/en/overview?boundary=moon", 404, "green_core"),
        ("/en/accounting?gwp=gwp-AR9", 404, "gwp-AR6"),
        ("/en/accounting?total=all", 404, "location"),
        ("/en/accounting?run=R999", 422, "There is no run"),
        ("/en/flows/none", 404, "The record has no flow none."),
        ("/en/streams/none", 404, "The record has no stream none."),
        ("/en/factors/none", 404, "There is no factor none."),
        ("/en/runs/none", 422, "There is no run"),
        ("/en/accounting/compare?other_scheme=energy", 422, "cannot be compared"),
        ("/en/accounting/lines?category=none", 404, "Known are"),
        ("/en/reports/template.xlsx?firm=none", 422, "none"),
        ("/en/reports/template.xlsx?year=abc", 422, "year"),
    ],
)
def test_errors_say_cause_and_remedy_in_both_languages(
    path: str, status: int, words: str, twelve_firms: str, client: httpx.Client
) -> None:
    answer = client.get(twelve_firms + path)
    assert answer.status_code == status
    assert words in answer.text
    assert 'role="alert"' in answer.text
    assert re.search("[\u4e00-\u9fff]{4}", answer.text.partition('lang="zh-Hans">')[2])
    assert "Traceback" not in answer.text
    assert 'File "' not in answer.text
    if "?" not in path and not path.startswith("/fr"):
        content: dict[str, Any] = client.get(f"{twelve_firms}{path}.json").json()
        assert content["status"] == status
        assert all(problem["cause"] and problem["remedy"] for problem in content["problems"])


def test_wrong_method(twelve_firms: str, client: httpx.Client) -> None:
    assert client.post(f"{twelve_firms}/en/overview").status_code == 405


def test_names_are_escaped(tmp_path: Path, client: httpx.Client) -> None:
    """A park that calls itself a script is shown as text, in the page, in the chart's JSON and in attributes."""
    import polars as pl

    from ecopark.catalogue import load_catalogue
    from ecopark.storage.importing import preview_rows
    from ecopark.storage.store import Store
    from tests.web.serving import make_workspace, serving

    folder = make_workspace(tmp_path / "park", "eastman")
    name = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>"
    with Store.open(folder) as store:
        nodes = store.record().nodes
        renamed = nodes.with_columns(pl.lit(name).alias("name_zh"), pl.lit(name).alias("name_en"))
        assert preview_rows(store, {"nodes": renamed}, load_catalogue()).apply(store) is not None
    with serving(folder) as address:
        for path in ("overview", "accounting", "accounting/consolidation", "accounting/lines", "reports"):
            text = client.get(f"{address}/en/{path}").text
            assert "<script>alert" not in text
            assert "<img src=x" not in text
            assert "</script><script>" not in text
        rows = client.get(f"{address}/en/accounting/lines.json?table=lines").json()["rows"]
        assert {row["firm"] for row in rows} == {name}
