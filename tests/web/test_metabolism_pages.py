"""Metabolism's pages: both languages, every layer, pictures whose links add up, twins that hold the page's numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from ecopark.web.navigation import TABS

PATHS = [item.path for item in TABS["metabolism"]]
LAYERS = ("mass", "energy", "water", "carbon", "mercury", "money")
NUMBER = re.compile(r'data-explain="([^"]+)" data-value="([^"]+)"')


def json_of(client: httpx.Client, address: str, table: str | None = None) -> dict[str, Any]:
    path, _, query = address.partition("?")
    extra = f"table={table}" if table else ""
    response = client.get(f"{path}.json?" + "&".join(part for part in (query, extra) if part))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def csv_of(client: httpx.Client, address: str, table: str) -> list[dict[str, str]]:
    path, _, query = address.partition("?")
    response = client.get(f"{path}.csv?" + "&".join(part for part in (query, f"table={table}") if part))
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("park", ["twelve_firms", "eastman"])
@pytest.mark.parametrize("layer", LAYERS)
def test_every_page_answers_in_every_layer(
    layer: str, park: str, client: httpx.Client, request: pytest.FixtureRequest
) -> None:
    """A layer that a park has nothing in is a page that says so, not a failure."""
    address = request.getfixturevalue(park)
    for path in PATHS:
        for language in ("zh", "en"):
            response = client.get(f"{address}/{language}/{path}?layer={layer}")
            assert response.status_code == 200, f"{path} {layer}: {response.text[:300]}"


@pytest.mark.parametrize("level", ["zone", "firm", "process", "node"])
@pytest.mark.parametrize("layer", ["mass", "energy", "carbon"])
def test_links_of_the_picture_add_up_to_the_flows(
    layer: str, level: str, twelve_firms: str, client: httpx.Client
) -> None:
    """However much is put together, the picture's links add up to the list of flows between different nodes."""
    query = f"year=2022&layer={layer}&level={level}"
    whole = json_of(client, f"{twelve_firms}/en/metabolism/flows?{query}", "edges")["rows"]
    across = math.fsum(row["value"] for row in whole if row["source_id"] != row["target_id"])
    for share in ("0", "0.01", "0.2"):
        rows = json_of(client, f"{twelve_firms}/en/metabolism?{query}&share={share}", "links")["rows"]
        assert rows[-1]["value"] == pytest.approx(across, rel=1e-9)
        assert math.fsum(row["value"] for row in rows[:-1]) == pytest.approx(across, rel=1e-9)
        assert sum(row["flows"] for row in rows[:-1]) == rows[-1]["flows"]


def test_one_shape_for_every_link_and_node(twelve_firms: str, client: httpx.Client) -> None:
    """The drawing holds exactly the links of its table; each is an address, each node leads to its page."""
    address = f"{twelve_firms}/en/metabolism?year=2022&layer=mass"
    html = client.get(address).text
    rows = json_of(client, address, "links")["rows"][:-1]
    shapes = re.findall(r'<a href="([^"]+)"><path class="ribbon (\w+)" d="(M[^"]+Z)"', html)
    assert len(shapes) == len(rows) > 10
    assert {known for _, known, _ in shapes} <= {"metered", "estimated", "reconciled", "implied"}
    nodes = re.findall(r'<a href="([^"]+)" data-node="([^"]+)"><title>([^<]+)</title>', html)
    assert {unquote(urlsplit(href).path).rpartition("/")[2] for href, _, _ in nodes} == {node for _, node, _ in nodes}
    assert {row["source_id"] for row in rows} | {row["target_id"] for row in rows} == {node for _, node, _ in nodes}
    for href, _, _ in shapes[:3]:
        listed = client.get(twelve_firms + href.replace("&amp;", "&"))
        assert listed.status_code == 200
        asked = parse_qs(urlsplit(href.replace("&amp;", "&")).query)
        assert asked["layer"] == ["mass"]


def test_a_link_leads_to_its_flows(twelve_firms: str, client: httpx.Client) -> None:
    """What a link says is what the list it leads to adds up to."""
    address = f"{twelve_firms}/en/metabolism?year=2022&layer=mass&share=0"
    for row in json_of(client, address, "links")["rows"][:5]:
        query = f"year=2022&layer=mass&source={row['source_id']}&target={row['target_id']}&group={row['group_id']}"
        listed = json_of(client, f"{twelve_firms}/en/metabolism/flows?{query}", "edges")["rows"]
        same = [edge for edge in listed if edge["known"] == row["known"]]
        assert math.fsum(edge["value"] for edge in same) == pytest.approx(row["value"], rel=1e-9)
        assert len(same) == row["flows"]


def test_opposite_flows_are_two_links(twelve_firms: str, client: httpx.Client) -> None:
    """Electricity bought from the grid and sold to it stand in the picture both, in full."""
    rows = json_of(client, f"{twelve_firms}/en/metabolism?year=2022&layer=energy&share=0", "links")["rows"][:-1]
    pairs = {(row["source_id"], row["target_id"]) for row in rows}
    both = [pair for pair in pairs if pair[::-1] in pairs]
    assert both
    edges = json_of(client, f"{twelve_firms}/en/metabolism/flows?year=2022&layer=energy", "edges")["rows"]
    for source, target in both:
        drawn = math.fsum(row["value"] for row in rows if (row["source_id"], row["target_id"]) == (source, target))
        held = math.fsum(edge["value"] for edge in edges if (edge["source_id"], edge["target_id"]) == (source, target))
        assert drawn == pytest.approx(held, rel=1e-9)


@pytest.mark.parametrize("path", ["metabolism", "metabolism/flows", "metabolism/balances", "metabolism/network"])
def test_twins_hold_the_pages_numbers(path: str, twelve_firms: str, client: httpx.Client) -> None:
    """Every number of the page that can be explained stands in the JSON twin with the same reference and value."""
    address = f"{twelve_firms}/en/{path}?year=2022&layer=energy"
    html = client.get(address).text
    held: dict[str, float] = {}
    for table in json_of(client, address)["tables"]:
        for row in table["rows"]:
            for name, reference in row.get("explain", {}).items():
                held[reference] = row[name]
        rows = csv_of(client, address, table["id"])
        assert len(rows) == len(table["rows"])
    shown = {reference: float(value) for reference, value in NUMBER.findall(html)}
    listed = {reference: value for reference, value in shown.items() if reference in held}
    assert {reference: held[reference] for reference in listed} == listed
    assert len(listed) > 5 or path == "metabolism/network"


def test_numbers_recompute_from_their_explanation(twelve_firms: str, client: httpx.Client) -> None:
    """From a page's number to its explanation: recomputed from the inputs it is the same to 1e-9."""
    for path in ("metabolism", "metabolism/balances", "metabolism/flows", "metabolism/node/chp_units"):
        html = client.get(f"{twelve_firms}/en/{path}?year=2022&layer=carbon").text
        found = dict(NUMBER.findall(html))
        assert found
        for reference, value in list(found.items())[:12]:
            page = json_of(client, f"{twelve_firms}/en/explain/{reference}")["explanation"]
            assert page["recomputed"] == pytest.approx(float(value), rel=1e-9, abs=1e-9)


def test_explanations_lead_back_to_metabolism(twelve_firms: str, client: httpx.Client) -> None:
    """The way back from a number names the room and the engine, and its run leads to the page that shows it."""
    html = client.get(f"{twelve_firms}/en/metabolism/balances?year=2022&layer=carbon").text
    reference = next(reference for reference in dict(NUMBER.findall(html)) if "-residual:" in reference)
    page = client.get(f"{twelve_firms}/en/explain/{reference}").text
    assert "Balances · 2022" in page
    run = reference.partition("-")[0]
    answer = client.get(f"{twelve_firms}/en/runs/{run}")
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("/en/metabolism/balances?year=2022")


def test_edge_list_as_csv_has_names_in_both_languages(twelve_firms: str, client: httpx.Client) -> None:
    rows = csv_of(client, f"{twelve_firms}/zh/metabolism/flows?year=2022&layer=mass", "edges")
    assert rows
    assert {"来自（中文）", "来自（英文）", "物品（中文）", "物品（英文）", "占合计"} <= set(rows[0])
    assert any(re.search("[\u4e00-\u9fff]", row["来自（中文）"]) for row in rows)
    assert all(not re.search("[\u4e00-\u9fff]", row["来自（英文）"]) for row in rows)
    assert math.fsum(float(row["占合计"]) for row in rows) == pytest.approx(1.0)


@pytest.mark.parametrize("form", ["svg", "png"])
@pytest.mark.parametrize("picture", ["sankey", "network"])
def test_pictures_as_files(picture: str, form: str, twelve_firms: str, client: httpx.Client) -> None:
    """Each picture comes as SVG and PNG; the layer and the period stand in the file's name."""
    answer = client.get(f"{twelve_firms}/zh/metabolism/{picture}.{form}?year=2022&layer=energy")
    assert answer.status_code == 200
    assert answer.content.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    assert f"{picture}-energy-2022.{form}" in answer.headers["content-disposition"]
    assert len(answer.content) > 10_000


def test_no_picture_of_an_empty_layer(eastman: str, client: httpx.Client) -> None:
    """A park that records fuels and power only has no nitrogen: the page says so and leads to what is missing."""
    page = client.get(f"{eastman}/en/metabolism?layer=mercury").text
    assert "could be brought to the layer Mercury" in page
    assert 'class="flow-picture"' not in page
    assert "See what is missing" in page
    assert client.get(f"{eastman}/en/metabolism/sankey.svg?layer=mercury").status_code == 404


def test_address_makes_the_view(twelve_firms: str, client: httpx.Client) -> None:
    """Layer, level, month and share stand in the address, and every link inside the room carries them on."""
    page = client.get(f"{twelve_firms}/en/metabolism?year=2022&layer=energy&level=process&month=3&share=0.01").text
    for path in PATHS[1:]:
        href = re.search(rf'href="/en/{path}\?([^"]+)"', page)
        assert href, path
        asked = parse_qs(href.group(1).replace("&amp;", "&"))
        assert (asked["layer"], asked["level"], asked["month"]) == (["energy"], ["process"], ["3"])
    assert "2022-03" in page


@pytest.mark.parametrize(
    "query", ["layer=salt", "level=street", "month=13", "share=2", "share=x", "values=true", "boundary=moon"]
)
def test_unknown_choices_are_refused_with_what_is_known(query: str, twelve_firms: str, client: httpx.Client) -> None:
    answer = client.get(f"{twelve_firms}/en/metabolism?{query}")
    assert answer.status_code in (404, 422)
    assert query.partition("=")[2] in answer.text


def test_node_page_balances_in_every_layer(twelve_firms: str, client: httpx.Client) -> None:
    """A firm's page holds one balance per layer with flows, and its flows in and out add up to the balance's terms."""
    address = f"{twelve_firms}/en/metabolism/node/chp?year=2022&layer=energy"
    tables = {table["id"]: table["rows"] for table in json_of(client, address)["tables"]}
    energy = next(row for row in tables["node-layers"] if row["unit"] == "GJ")
    assert math.fsum(row["value"] for row in tables["inflows"]) == pytest.approx(energy["inflow"], rel=1e-9)
    out = math.fsum(row["value"] for row in tables["outflows"])
    assert out == pytest.approx(energy["outflow"] + energy["by_rule"], rel=1e-9)
    assert client.get(f"{twelve_firms}/en/metabolism/node/moon").status_code == 404


def test_boundary_of_a_few_firms(twelve_firms: str, client: httpx.Client) -> None:
    """Inside a smaller boundary its neighbours stand outside, and only flows that touch it are drawn."""
    rows = json_of(client, f"{twelve_firms}/en/metabolism?year=2022&layer=energy&boundary=green_core", "links")["rows"]
    inside = {"car_assembly", "electronics", "data_centre"}
    assert rows[:-1]
    assert all({row["source_id"], row["target_id"]} & inside for row in rows[:-1])


ANALYSES = (
    "metabolism/trace?year=2022&layer=chlorine&node=river",
    "metabolism/value?year=2022",
    "metabolism/reconciliation?year=2022&layer=carbon",
    "metabolism/burdens?year=2022&other_year=2021",
    "metabolism/changes?year=2022&other_year=2021&layer=energy",
    "metabolism/indicators?year=2022&layer=water&level=process",
)


@pytest.mark.parametrize("path", ANALYSES)
def test_numbers_of_the_analyses_recompute(path: str, twelve_firms: str, client: httpx.Client) -> None:
    """Each table's explained numbers, largest first, come out of their explanations to 1e-9."""
    tried = 0
    for table in json_of(client, f"{twelve_firms}/en/{path}")["tables"]:
        numbers = [
            (reference, row[name]) for row in table["rows"] for name, reference in row.get("explain", {}).items()
        ]
        for reference, value in numbers[:6]:
            page = json_of(client, f"{twelve_firms}/en/explain/{reference}")["explanation"]
            assert page["recomputed"] == pytest.approx(value, rel=1e-9, abs=1e-9), reference
            tried += 1
    assert tried >= 6


def test_reconciliation_tells_its_test_and_its_values_are_drawn(twelve_firms: str, client: httpx.Client) -> None:
    """Balances of the carbon layer: none is left open afterwards, and the picture of reconciled values has them."""
    page = json_of(client, f"{twelve_firms}/en/metabolism/reconciliation?year=2022&layer=carbon")
    tables = {table["id"]: table["rows"] for table in page["tables"]}
    assert tables["tested"]
    largest = max(row["raw"] or 0.0 for row in tables["reconciled"])
    assert all(abs(row["after"]) <= 1e-9 * largest for row in tables["tested"])
    assert {row["classification"] for row in tables["reconciled"]} <= {
        "redundant", "nonredundant", "exact", "observable", "unobservable"
    }  # fmt: skip
    shown = client.get(f"{twelve_firms}/en/metabolism?year=2022&layer=carbon&values=reconciled").text
    assert 'class="ribbon reconciled"' in shown


def test_shares_of_a_trace_add_up_to_one(twelve_firms: str, client: httpx.Client) -> None:
    """Where the chlorine in the river comes from, and where that of the salt goes: all of it is told, each way."""
    for asked in ("node=river&direction=upstream", "commodity=salt&direction=downstream"):
        query = f"year=2022&layer=chlorine&level=node&{asked}"
        rows = json_of(client, f"{twelve_firms}/en/metabolism/trace?{query}", "shares")["rows"]
        assert rows
        assert math.fsum(row["share"] for row in rows) == pytest.approx(1.0, rel=1e-9)


def test_embodied_of_all_firms_is_the_whole(twelve_firms: str, client: httpx.Client) -> None:
    """What ends with the firms' goods adds up to all that entered; the shares add up to one."""
    page = json_of(client, f"{twelve_firms}/en/metabolism/trace?year=2022&embodied=carbon")
    tables = {table["id"]: table["rows"] for table in page["tables"]}
    assert math.fsum(row["share"] for row in tables["firms"]) == pytest.approx(1.0, rel=1e-9)
    caused, ending = (math.fsum(row[name] for row in tables["firms"]) for name in ("caused", "ending"))
    assert caused == pytest.approx(ending, rel=1e-9)
    assert math.fsum(row["embodied"] for row in tables["ends"]) == pytest.approx(ending, rel=1e-9)


def test_a_trace_of_nothing_says_what_to_choose(twelve_firms: str, client: httpx.Client) -> None:
    page = client.get(f"{twelve_firms}/en/metabolism/trace?year=2022&layer=mercury&node=logistics")
    assert page.status_code == 200
    assert "Nothing of" in page.text
    assert "choose a node, a commodity, or both" in client.get(f"{twelve_firms}/en/metabolism/trace").text


def test_changes_add_up(twelve_firms: str, client: httpx.Client) -> None:
    """The waterfall's steps lead from one year's inflow to the other's, and both years are those of the balance."""
    query = "year=2022&other_year=2021&layer=energy"
    rows = json_of(client, f"{twelve_firms}/en/metabolism/changes?{query}", "change-in-data")["rows"]
    assert math.fsum(row["value"] for row in rows[:-1]) == pytest.approx(rows[-1]["value"], rel=1e-9)
    totals = json_of(client, f"{twelve_firms}/en/metabolism/changes?{query}", "totals")["rows"]
    change = next(row for row in totals if row["side"] == "Inflow")
    assert change["after"] - change["before"] == pytest.approx(change["change"], rel=1e-9)
    boundary = json_of(client, f"{twelve_firms}/en/metabolism/balances?year=2022&layer=energy", "boundary")["rows"]
    assert boundary[0]["inflow"] == pytest.approx(change["after"], rel=1e-9)


def test_causes_of_a_rise_are_told_with_their_confidence(twelve_firms: str, client: httpx.Client) -> None:
    query = "year=2022&other_year=2021&layer=chlorine&subject=river"
    page = json_of(client, f"{twelve_firms}/en/metabolism/changes?{query}")
    causes = next(table for table in page["tables"] if table["id"] == "causes")
    assert causes["rows"]
    assert all(row["confidence"] for row in causes["rows"])


def test_parts_of_a_burden_add_up(twelve_firms: str, client: httpx.Client) -> None:
    """Direct, upstream and treatment add up to the whole, and so do the firms of the chosen category."""
    page = json_of(client, f"{twelve_firms}/en/metabolism/burdens?year=2022&category=climate")
    tables = {table["id"]: table["rows"] for table in page["tables"]}
    for row in tables["burdens"]:
        if row["value"] is not None:
            parts = [row[name] or 0.0 for name in ("direct", "upstream", "treatment")]
            assert math.fsum(parts) == pytest.approx(row["value"], rel=1e-9, abs=1e-9)
    climate = tables["burdens"][0]
    assert math.fsum(row["value"] for row in tables["burden-firms"]) == pytest.approx(climate["value"], rel=1e-9)


def test_long_tables_are_cut_on_the_page_and_whole_in_the_twins(twelve_firms: str, client: httpx.Client) -> None:
    address = f"{twelve_firms}/en/metabolism/value?year=2022"
    html = client.get(address).text
    table = html.partition('id="table-wastes"')[2].partition("</table>")[0]
    rows = json_of(client, address, "wastes")["rows"]
    assert len(rows) > 40
    assert table.count("<tr>") == 41
    assert f"The first 40 of {len(rows)} rows" in html


def test_empty_record_leads_to_the_import(empty: str, client: httpx.Client) -> None:
    page = client.get(f"{empty}/en/metabolism")
    assert page.status_code == 200
    assert "reports/template.xlsx" in page.text


def test_wall_screen_shows_the_picture(twelve_firms: str, client: httpx.Client) -> None:
    page = client.get(f"{twelve_firms}/zh/metabolism?year=2022&screen=1").text
    assert 'class="flow-picture"' in page
    assert 'id="rail"' not in page
