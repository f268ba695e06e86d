"""Every page in both languages over both example parks: it answers, says what it must, and has its twins."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from ecopark.web.navigation import RAIL, TABS

PAGES = sorted({item.path for item in RAIL} | {item.path for items in TABS.values() for item in items})
UNBUILT = {"monitor", "roadmap", "benchmark"}
CHINESE = re.compile("[\u4e00-\u9fff]")


class Outline(HTMLParser):
    """What a screen reader needs of a page: landmarks, headings, tables with captions, labels of fields."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._stack: list[str] = []
        self.headings: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("h1", "h2", "h3", "script", "style", "title"):
            self._stack.append(tag)
            self.headings.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if self._stack and self._stack[-1] == tag:
            self._stack.pop()

    def handle_data(self, data: str) -> None:
        if self._stack:
            self.headings[self._stack[-1]][-1] += data
        elif data.strip():
            self.text.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    return parser


@pytest.mark.parametrize("park", ["twelve_firms", "eastman"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_page_answers_and_is_well_built(
    path: str, language: str, park: str, client: httpx.Client, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue(park)
    response = client.get(f"{address}/{language}/{path}")
    assert response.status_code == 200
    page = outline(response.text)
    assert page.all("html")[0]["lang"] == {"zh": "zh-Hans", "en": "en"}[language]
    assert len(page.headings["h1"]) == 1
    assert page.headings["h1"][0].strip()
    assert len(page.all("main")) == 1
    assert all(nav.get("aria-label") for nav in page.all("nav"))
    assert any(link.get("href") == "#main" for link in page.all("a"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert ("synthetic example data" in response.text) == (park == "twelve_firms")
    identities = [tag["id"] for _, tag in page.tags if tag.get("id")]
    assert len(identities) == len(set(identities)), "an id stands twice"
    # nothing comes from elsewhere, nothing is inline that could run
    assert not re.search(r"""(src|href)=["'](https?:)?//""", re.sub(r'<a href="https?://[^"]*"', "", response.text))
    scripts = [script for script in page.all("script") if not script.get("src")]
    assert all(script.get("type") == "application/json" for script in scripts)
    assert not re.search(r"\son\w+=|\sstyle=|<style", response.text)


@pytest.mark.parametrize("path", PAGES)
def test_chinese_page_speaks_chinese(path: str, twelve_firms: str, client: httpx.Client) -> None:
    """Headings, table captions and column heads of a Chinese page are Chinese, those of an English page are not."""
    for language in ("zh", "en"):
        text = client.get(f"{twelve_firms}/{language}/{path}").text
        heads = re.findall(
            r"<h[123]>(.*?)</h[123]>|<caption>(.*?)</caption>|<th scope=\"col\"[^>]*>(.*?)</th>", text, re.S
        )
        words = [re.sub("<.*?>", "", "".join(found)).strip() for found in heads]
        chinese = [bool(CHINESE.search(word)) for word in words if word and word not in ("JSON", "CSV")]
        assert chinese
        assert all(chinese) if language == "zh" else not any(chinese), words


@pytest.mark.parametrize("park", ["twelve_firms", "eastman"])
@pytest.mark.parametrize("path", sorted(set(PAGES) - UNBUILT))
def test_every_table_has_twins(path: str, park: str, client: httpx.Client, request: pytest.FixtureRequest) -> None:
    """The table of the page, its JSON and its CSV hold the same rows, by suffix and by ?format=."""
    address = request.getfixturevalue(park)
    whole: dict[str, Any] = client.get(f"{address}/en/{path}.json").json()
    assert whole["tables"]
    assert client.get(f"{address}/en/{path}?format=json").json() == whole
    for table in whole["tables"]:
        single = client.get(f"{address}/en/{path}.json", params={"table": table["id"]}).json()
        assert single == table
        response = client.get(f"{address}/en/{path}?format=csv&table={table['id']}")
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        assert response.text.startswith("\ufeff")
        rows = list(csv.reader(io.StringIO(response.text.removeprefix("\ufeff"))))
        assert len(rows) == len(table["rows"]) + 1
        assert len(rows[0]) == len(table["columns"])
    for form in ("csv", "json"):
        assert client.get(f"{address}/en/{path}.{form}?table=nothing").status_code == 404


@pytest.mark.parametrize("room", sorted(UNBUILT))
def test_unbuilt_rooms_say_so(room: str, twelve_firms: str, client: httpx.Client) -> None:
    """A room that is not built shows what will be there and what is missing, and no numbers."""
    page = client.get(f"{twelve_firms}/en/{room}")
    assert "This room is not built yet." in page.text
    assert "What is missing" in page.text
    assert "<table" not in page.text
    assert set(client.get(f"{twelve_firms}/en/{room}.json").json()) >= {"will_show", "missing"}


def test_url_reproduces_the_view(twelve_firms: str, client: httpx.Client) -> None:
    """Year, boundary, scheme, total and options come from the address alone, and the selectors show them."""
    query = "year=2021&scheme=park-ghg&boundary=green_core&gwp=gwp-AR4&total=market"
    page = client.get(f"{twelve_firms}/en/accounting?{query}")
    chosen = re.findall(r'<option value="([^"]*)" selected>', page.text)
    assert chosen[:4] == ["2021", "green_core", "park-ghg", "market"]
    assert "gwp-AR4" in chosen
    same = client.get(f"{twelve_firms}/en/accounting.json?{query}").json()
    other = client.get(f"{twelve_firms}/en/accounting.json?{query.replace('AR4', 'AR6')}").json()
    assert same["inventory"]["options"]["gwp"] == "gwp-AR4"
    assert same["inventory"]["totals"][1]["value"] != other["inventory"]["totals"][1]["value"]


def test_language_switch_keeps_the_query(twelve_firms: str, client: httpx.Client) -> None:
    page = client.get(f"{twelve_firms}/zh/accounting/lines?year=2021&category=process&page=1")
    switch = re.search(r'class="switch" href="([^"]*)"', page.text)
    assert switch is not None
    assert switch.group(1).replace("&amp;", "&") == "/en/accounting/lines?year=2021&category=process&page=1"


def test_bare_address_follows_the_browser(twelve_firms: str, client: httpx.Client) -> None:
    for accepted, target in (("en-GB,en;q=0.9", "en"), ("zh-CN,zh;q=0.9", "zh"), ("fr", "zh")):
        response = client.get(f"{twelve_firms}/?year=2021", headers={"accept-language": accepted})
        assert response.headers["location"] == f"/{target}/overview?year=2021"


def test_incomplete_record_gives_a_subtotal_and_no_verdict(twelve_firms: str, client: httpx.Client) -> None:
    """2023 lacks one firm's diesel: the number is called a subtotal, and no indicator is given; 2022 is complete."""
    scheme = "scheme=zero-carbon-park-2025"
    lacking = client.get(f"{twelve_firms}/en/accounting?year=2023&{scheme}").text
    whole = client.get(f"{twelve_firms}/en/accounting?year=2022&{scheme}").text
    assert "Subtotal of the covered sources" in lacking
    assert "Subtotal of the covered sources" not in whole
    for year, available in ((2023, False), (2022, True)):
        page = client.get(f"{twelve_firms}/en/accounting.json?year={year}&{scheme}&table=indicators").json()
        core = next(row for row in page["rows"] if row["kind"] == "core")
        assert (core["verdict"] in ("met", "not_met", "no_threshold")) == available
        assert (core["value"] is not None) == available


def test_gaps_name_who_owes_and_how_to_mend(twelve_firms: str, client: httpx.Client) -> None:
    rows = client.get(f"{twelve_firms}/zh/accounting/gaps.json?year=2023&table=gaps").json()["rows"]
    assert rows
    assert all(row["owner"] and row["reason"] and row["remedy"] for row in rows)


def test_reported_beside_calculated(eastman: str, client: httpx.Client) -> None:
    """The ratios of the issue: calculated over reported CO2e in 2016 to 2019 under the operator's own method."""
    rows = client.get(f"{eastman}/en/accounting/reported.json?scheme=us-ghgrp&table=reported-us-ghgrp").json()["rows"]
    ratios = {row["year"]: round(row["ratio"], 3) for row in rows if row["ratio"] is not None}
    assert ratios == {"2016": 1.009, "2017": 1.015, "2018": 0.990, "2019": 0.994}
    notations = client.get(f"{eastman}/en/accounting/reported.json?year=2019&table=notations").json()["rows"]
    assert {row["notation"] for row in notations} >= {"NE"}


def test_comparison_adds_up(twelve_firms: str, client: httpx.Client) -> None:
    """The steps lead exactly from the first to the second total, between years and between schemes."""
    for query in (
        "year=2023&other_year=2021",
        "year=2022&scheme=park-ghg&other_scheme=zero-carbon-park-2025&other_year=2022",
    ):
        rows = client.get(f"{twelve_firms}/en/accounting/compare.json?{query}&table=steps").json()["rows"]
        values = [row["value"] for row in rows]
        first, steps, difference, second = values[0], values[1:-2], values[-2], values[-1]
        assert sum(steps) == pytest.approx(difference, rel=1e-9)
        assert first + difference == pytest.approx(second, rel=1e-12)


def test_consolidation_adds_up(twelve_firms: str, client: httpx.Client) -> None:
    tables = {
        t["id"]: t["rows"]
        for t in client.get(f"{twelve_firms}/en/accounting/consolidation.json?year=2022").json()["tables"]
    }
    enterprises, eliminated, park = (row["value"] for row in tables["bridge"])
    assert eliminated > 0
    assert enterprises - eliminated == pytest.approx(park, rel=1e-12)
    assert sum(row["elimination"] for row in tables["eliminations"]) == pytest.approx(eliminated, rel=1e-12)


def test_lines_by_page_and_filter(twelve_firms: str, client: httpx.Client) -> None:
    address = f"{twelve_firms}/en/accounting/lines.json?year=2022&table=lines"
    everything = client.get(f"{address}&page=all").json()["rows"]
    pages = []
    for number in range(1, 100):
        rows = client.get(f"{address}&page={number}").json()["rows"]
        pages += rows
        if len(rows) < 100:
            break
    assert pages == everything
    process = client.get(f"{address}&category=process&page=all").json()["rows"]
    assert 0 < len(process) < len(everything)
    found = client.get(f"{address}&search=chp.coal&page=all").json()["rows"]
    assert found
    assert all("chp.coal" in row["flow"] for row in found)
    part = client.get(f"{twelve_firms}/en/accounting/lines?year=2022&search=chp", headers={"hx-request": "true"}).text
    assert part.lstrip().startswith('<div id="lines">')


def test_factor_page_shows_source_status_and_use(eastman: str, client: httpx.Client) -> None:
    """A factor says its value, source and verification, what stored results used it, and what another would change."""
    run = client.get(f"{eastman}/en/accounting.json?year=2019&scheme=us-ghgrp").json()["inventory"]["run"]
    line = client.get(f"{eastman}/en/explain/{run}-line:1.json").json()["explanation"]
    factor = next(item["reference"] for item in line["inputs"] if item["symbol"] == "heat_emission_factor_hhv")
    page = client.get(f"{eastman}/en/factors/{factor}")
    assert page.status_code == 200
    for word in ("Source", "Verification", "Stored results that used it"):
        assert word in page.text
    runs = client.get(f"{eastman}/en/factors/{factor}.json?table=used-in").json()["rows"]
    assert runs
    content = client.get(f"{eastman}/en/factors/{factor}.json").json()["factor"]
    doubled = client.get(f"{eastman}/en/factors/{factor}.json?table=effect&value={2 * float(content['value'])}").json()[
        "rows"
    ]
    assert {row["run"] for row in doubled} <= {row["run"] for row in runs}
    assert any(row["difference"] != 0 for row in doubled)
    assert client.get(f"{eastman}/en/factors/{factor}?value=many").status_code == 422


def test_borrowed_range_says_so(twelve_firms: str, client: httpx.Client) -> None:
    from ecopark.catalogue import load_catalogue

    factors = load_catalogue().factors
    borrowed = factors.filter(factors["range_source"].str.starts_with("borrowed:"))["id"][0]
    assert "borrowed from" in client.get(f"{twelve_firms}/en/factors/{borrowed}").text


def test_stored_run_is_shown_as_it_was(writable: tuple[str, Any], client: httpx.Client) -> None:
    """After the record has changed, the page of an old run still shows the old number and says what it is."""
    address, folder = writable
    before = client.get(f"{address}/en/accounting.json?year=2019&scheme=us-ghgrp").json()["inventory"]
    from ecopark.storage.store import Store

    with Store.open(folder) as store:
        store.undo("take the example back")
    assert client.get(f"{address}/en/overview").text.count("The record is empty") == 1
    page = client.get(f"{address}/en/runs/{before['run']}", follow_redirects=True)
    assert page.status_code == 200
    assert "Stored result" in page.text
    after = client.get(f"{address}/en/accounting.json?run={before['run']}").json()["inventory"]
    assert after["total"] == before["total"]


def test_empty_record_leads_to_the_import(empty: str, client: httpx.Client) -> None:
    for language in ("zh", "en"):
        for path in ("overview", "accounting", "accounting/compare"):
            page = client.get(f"{empty}/{language}/{path}")
            assert page.status_code == 200
            assert f"/{language}/reports" in page.text
    for path in ("reports", "reports/history", "reports/addresses", "monitor"):
        assert client.get(f"{empty}/en/{path}").status_code == 200
    assert client.get(f"{empty}/en/overview.json").status_code == 404


def test_wall_screen_has_no_menus(twelve_firms: str, client: httpx.Client) -> None:
    page = client.get(f"{twelve_firms}/en/overview?screen=1").text
    assert 'class="screen"' in page
    assert 'id="rail"' not in page
