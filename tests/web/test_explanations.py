"""Every number on every page can be asked where it comes from, and recomputing gives the number again.

The crawl follows what is on the pages, as a reader would, and recomputes from the JSON alone with an evaluator of its
own: a page that showed a rounded, stale or wrongly labelled number, or a formula that does not give it, would fail.
"""

from __future__ import annotations

import ast
import html
import math
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ecopark.web.navigation import TABS

NUMBER = re.compile(r'<a href="([^"]*)" data-explain="([^"]*)" data-value="([^"]*)"')
RANGE = re.compile(r"^R\d+-(low|high|low_1|high_1|variance):")
METHODS = ("quantile(", "total - sqrt(", "total + sqrt(", "covariance(")
PAGES = ["overview", *(item.path for item in TABS["accounting"]), "reports/history"]
SELECTIONS = {
    "eastman": ["year=2019&scheme=us-ghgrp", "year=2019", "year=2017&scheme=zero-carbon-park-2025"],
    "twelve_firms": ["year=2022", "year=2023&boundary=green_core&scheme=zero-carbon-park-2025"],
}


def recompute(formula: str, inputs: list[dict[str, Any]]) -> float:
    """Evaluate a formula over inputs, knowing nothing of the program: + - * / and sum(name) over equal symbols."""
    values: dict[str, list[float]] = {}
    for item in inputs:
        values.setdefault(item["symbol"], []).append(item["value"])

    def walk(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                assert len(set(values[name])) == 1, f"{name} is ambiguous"
                return values[name][0]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -walk(operand)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = walk(left), walk(right)
                match op:
                    case ast.Add():
                        return a + b
                    case ast.Sub():
                        return a - b
                    case ast.Mult():
                        return a * b
                    case ast.Div():
                        return a / b
            case ast.Call(func=ast.Name(id="sum"), args=arguments):
                return math.fsum(value for name in arguments for value in values.get(ast.unparse(name), []))
        raise AssertionError(f"cannot evaluate {ast.unparse(node)}")

    return walk(ast.parse(formula, mode="eval").body)


def numbers(page: str) -> Iterator[tuple[str, str, float]]:
    for href, reference, value in NUMBER.findall(page):
        yield html.unescape(href), html.unescape(reference), float(value)


@pytest.mark.parametrize("park", sorted(SELECTIONS))
@pytest.mark.parametrize("path", PAGES)
def test_every_number_can_be_recomputed(
    path: str, park: str, client: httpx.Client, request: pytest.FixtureRequest
) -> None:
    """Crawl a page under several selections: each number's explanation gives that number to 1e-9."""
    address = request.getfixturevalue(park)
    seen: dict[str, float] = {}
    for selection in SELECTIONS[park]:
        page = client.get(f"{address}/en/{path}?{selection}")
        assert page.status_code in (200, 422)  # 422: schemes that cannot be compared
        for href, reference, value in numbers(page.text):
            assert href == "/en/explain/" + re.sub("&", "%26", reference), href
            if reference in seen:
                assert seen[reference] == value, f"{reference} is shown with two values"
                continue
            seen[reference] = value
    found = list(seen.items())
    if path == "accounting/lines":
        found = found[::4]  # a sample: every line is of one kind
    variance = [reference for reference, _ in found if "-variance:" in reference]
    for reference, value in found:
        if RANGE.search(reference) and "&" in reference:
            continue  # the ends of the parts' ranges come from the same simulation as the total's; each takes a second
        if "-variance:" in reference and reference != variance[0]:
            continue  # the shares of all lines come from one propagation
        answer = client.get(f"{address}/en/explain/" + reference.replace("&", "%26") + ".json")
        assert answer.status_code == 200, f"{reference}: {answer.text}"
        explanation = answer.json()["explanation"]
        if RANGE.search(reference):  # an uncertainty method: the server ran it again, from its seed
            assert explanation["formula"].startswith(METHODS)
            again = explanation["recomputed"]
        else:
            again = recompute(explanation["formula"], explanation["inputs"])
        scale = max(abs(value), math.fsum(abs(item["value"]) for item in explanation["inputs"]) * 1e-3)
        assert again == pytest.approx(value, rel=1e-9, abs=1e-9 * scale), reference
        assert explanation["value"] == pytest.approx(value, rel=1e-12, abs=1e-300)
    none_reported = path == "accounting/reported" and park == "twelve_firms"
    if path not in ("factors", "accounting/gaps") and not none_reported:
        assert seen, "a page about numbers has none that can be explained"


def test_every_number_cell_of_the_inventory_is_a_link(twelve_firms: str, client: httpx.Client) -> None:
    """No result on the inventory page stands without its explanation: only counts and shares of doubt are plain."""
    whole = client.get(f"{twelve_firms}/en/accounting.json?year=2022").json()
    plain = {"lines", "share", "value"}
    for table in whole["tables"]:
        if table["id"] == "rests-on":
            continue  # values of factors: they lead to the factor's page
        for row in table["rows"]:
            for column in table["columns"]:
                value = row.get(column["id"])
                if isinstance(value, float) and not isinstance(value, bool):
                    assert column["id"] in row.get("explain", {}), (table["id"], column["id"], row)
    assert plain


def test_two_clicks_from_total_to_factor(twelve_firms: str, client: httpx.Client) -> None:
    """Total → a line → its factor with value, source and verification, and its flow with evidence: all are links."""
    overview = client.get(f"{twelve_firms}/en/overview?year=2022").text
    total = next(numbers(overview))
    first = client.get(twelve_firms + total[0])
    lines = list(numbers(first.text))
    assert all("-line:" in reference for _, reference, _ in lines)
    second = client.get(twelve_firms + lines[0][0])
    factors = re.findall(r'href="(/en/factors/[^"]*)"', second.text)
    flows = re.findall(r'href="(/en/flows/[^"]*)"', second.text)
    assert factors
    assert flows
    for link in {*factors, *flows}:
        assert client.get(twelve_firms + html.unescape(link)).status_code == 200, link
    flow = client.get(twelve_firms + html.unescape(flows[0])).text
    assert "Synthetic records" in flow


@pytest.mark.parametrize("park", sorted(SELECTIONS))
def test_every_input_leads_on(park: str, client: httpx.Client, request: pytest.FixtureRequest) -> None:
    """From the line list, each line's inputs lead to pages that exist: flows, certificates, factors, properties."""
    address = request.getfixturevalue(park)
    links: set[str] = set()
    for selection in SELECTIONS[park]:
        page = client.get(f"{address}/en/accounting/lines?{selection}&page=all")
        references = [reference for _, reference, _ in numbers(page.text)]
        for reference in references[:: max(1, len(references) // 15)]:
            text = client.get(f"{address}/en/explain/{reference}").text
            links |= set(re.findall(r'href="(/en/(?:flows|factors)/[^"]*)"', text))
    assert links
    for link in links:
        assert client.get(address + html.unescape(link)).status_code == 200, link


@pytest.mark.parametrize(
    "reference", ["R1-line:999999", "R1-nothing:x", "R99999-total", "nonsense", "R1-total:nothing", "R1~R2-step:9999"]
)
def test_unknown_reference_is_an_error_page(reference: str, twelve_firms: str, client: httpx.Client) -> None:
    client.get(f"{twelve_firms}/en/accounting?year=2022")
    for language in ("zh", "en"):
        answer = client.get(f"{twelve_firms}/{language}/explain/{reference}")
        assert answer.status_code in (404, 422)
        assert 'role="alert"' in answer.text
        assert "Traceback" not in answer.text
