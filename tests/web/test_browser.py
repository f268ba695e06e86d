"""The pages as a reader sees them, in Debian's Chromium: drawn charts, no complaints, phone, keyboard, upload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.workbooks import amount_cell, edited

Open = Callable[..., Any]
# for each chart: how many of the colours that its data name are on the canvas, and how many there are
DRAWN = """() => [...document.querySelectorAll('[data-chart]')].map((box) => {
  const json = document.getElementById(`${box.dataset.chart}-json`).textContent;
  const wanted = new Set(json.match(/#[0-9a-f]{6}/g));
  const canvas = box.querySelector('canvas');
  if (!canvas) return [box.dataset.chart, 0, wanted.size];
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) {
    const code = (1 << 24) + (data[i] << 16) + (data[i + 1] << 8) + data[i + 2];
    if (data[i + 3] === 255) seen.add('#' + code.toString(16).slice(1));
  }
  return [box.dataset.chart, [...wanted].filter((colour) => seen.has(colour)).length, wanted.size];
})"""


@pytest.fixture
def page(browser: Any) -> Iterator[Open]:
    """Open a page and collect everything that the browser complains of; the test fails where there is anything."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def note_failure(request: Any) -> None:
        if "ERR_ABORTED" not in str(request.failure):  # what was still loading when the reader went on
            complaints.append(f"failed: {request.url} {request.failure}")

    def show(address: str, **options: Any) -> Any:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        shown = context.new_page()
        shown.set_default_timeout(20_000)
        shown.on(
            "console", lambda m: complaints.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None
        )
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("requestfailed", note_failure)
        shown.goto(address)
        return shown

    yield show
    for context in contexts:
        context.close()
    assert complaints == []


def wait_drawn(shown: Any) -> None:
    shown.wait_for_function(
        "() => [...document.querySelectorAll('[data-chart]')].every((box) => box.dataset.drawn === 'yes')"
    )


@pytest.mark.parametrize("park", ["twelve_firms", "eastman"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_charts_are_drawn(language: str, park: str, page: Open, request: pytest.FixtureRequest) -> None:
    """Every chart shows the colours of its data: an empty canvas, or axes without bars, would not."""
    address = request.getfixturevalue(park)
    shown = page(f"{address}/{language}/overview?year=2019" if park == "eastman" else f"{address}/{language}/overview")
    found = 0
    for path in ("overview", "accounting", "accounting/compare", "accounting/uncertainty", "accounting/reported"):
        shown.goto(f"{address}/{language}/{path}")
        wait_drawn(shown)
        for name, seen, wanted in shown.evaluate(DRAWN):
            assert seen >= min(2, wanted) > 0, f"{path}: chart {name} shows {seen} of {wanted} colours"
            found += 1
    assert found >= 6


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "path",
    ["overview", "accounting", "accounting/compare", "accounting/consolidation", "accounting/lines", "accounting/gaps",
     "accounting/uncertainty", "factors", "reports", "reports/history", "monitor", "explain/R1-line:1", "nothing",
     "metabolism", "metabolism/network", "metabolism/flows", "metabolism/balances", "metabolism/node/chp"],
)  # fmt: skip
def test_readable_on_a_phone(path: str, language: str, twelve_firms: str, browser: Any) -> None:
    """At 380 px no page scrolls sideways (wide tables scroll inside their own region)."""
    context = browser.new_context(viewport={"width": 380, "height": 740}, is_mobile=True, has_touch=True)
    shown = context.new_page()
    shown.goto(f"{twelve_firms}/{language}/accounting?year=2022")  # so that run R1 exists
    shown.goto(f"{twelve_firms}/{language}/{path}")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 380
    menu = shown.locator("[data-menu]")
    rail = shown.locator("#rail")
    assert not rail.is_visible()
    menu.click()
    assert rail.is_visible()
    assert menu.get_attribute("aria-expanded") == "true"
    assert rail.locator("a").count() == 7
    context.close()


def test_language_switch_keeps_place(twelve_firms: str, page: Open) -> None:
    shown = page(f"{twelve_firms}/zh/accounting?year=2021&boundary=green_core&scheme=park-ghg&gwp=gwp-AR5")
    shown.click("a.switch")
    assert shown.url.startswith(f"{twelve_firms}/en/accounting?year=2021&boundary=green_core")
    assert shown.locator("select[name=gwp]").input_value() == "gwp-AR5"
    assert shown.locator("html").get_attribute("lang") == "en"
    shown.click("a.switch")
    assert "/zh/accounting?year=2021" in shown.url


def test_selectors_make_the_address(twelve_firms: str, page: Open) -> None:
    shown = page(f"{twelve_firms}/en/accounting?year=2022&scheme=park-ghg")
    before = shown.locator(".lead .figure a").get_attribute("data-value")
    shown.select_option("select[name=year]", "2021")
    shown.click("form.selectors button")
    shown.wait_for_url(re.compile("year=2021"))
    assert shown.locator(".lead .figure a").get_attribute("data-value") != before
    again = page(shown.url)
    assert again.locator(".lead .figure").inner_text() == shown.locator(".lead .figure").inner_text()


def test_two_clicks_from_total_to_factor(eastman: str, page: Open) -> None:
    """Overview total → its lines → a line with its factor, source and verification; a third click opens the factor."""
    shown = page(f"{eastman}/en/overview?year=2019&scheme=us-ghgrp")
    shown.locator(".lead .figure a").click()
    assert "/explain/" in shown.url
    shown.locator("#table-inputs td.n a").first.click()
    text = shown.locator("#table-inputs").inner_text()
    assert "40 CFR 98" in text
    shown.locator("#table-inputs a[href*='/factors/us-40cfr98']").first.click()
    facts = shown.locator("dl.facts").inner_text()
    assert "/mmBtu" in facts
    assert "40 CFR 98" in facts


def test_a_click_on_a_bar_explains_it(twelve_firms: str, page: Open) -> None:
    shown = page(f"{twelve_firms}/en/accounting?year=2022")
    wait_drawn(shown)
    box = shown.locator("[data-chart=scope]").bounding_box()
    shown.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] - 62)
    shown.wait_for_url(re.compile("/explain/"))
    assert shown.locator("[data-explained]").count() == 1


def test_a_click_on_a_sankey_node_opens_its_page(twelve_firms: str, page: Open) -> None:
    """The drawn node is a link to the node's page, in the same layer and year."""
    shown = page(f"{twelve_firms}/en/metabolism?year=2022&layer=energy")
    node = shown.locator(".flow-picture a[data-node=chp] rect")
    assert node.bounding_box()["height"] > 20
    node.click()
    shown.wait_for_url(re.compile("/en/metabolism/node/chp\\?.*layer=energy"))
    assert shown.locator("#table-node-layers").is_visible()
    assert shown.locator("#table-inflows tbody tr").count() > 1
    assert "Heat and power plant" in shown.locator("h1").inner_text()


def test_a_ribbon_can_be_reached_and_followed_by_keyboard(twelve_firms: str, page: Open) -> None:
    """A link of the Sankey has a title, takes the focus visibly, and Enter opens the list of its flows."""
    shown = page(f"{twelve_firms}/zh/metabolism?year=2022&layer=energy")
    ribbon = shown.locator(".flow-picture a:has(.ribbon)").first
    assert "→" in ribbon.locator("title").text_content()
    ribbon.focus()
    shown.keyboard.press("Tab")
    shown.keyboard.press("Shift+Tab")
    assert shown.evaluate("document.activeElement.querySelector('.ribbon') !== null")
    assert shown.evaluate("getComputedStyle(document.activeElement.querySelector('.ribbon')).stroke") != "none"
    shown.keyboard.press("Enter")
    shown.wait_for_url(re.compile("/zh/metabolism/flows\\?.*source="))
    assert shown.locator("#table-edges tbody tr").count() >= 1


def test_sankey_colours_and_loops_are_drawn(twelve_firms: str, page: Open) -> None:
    """Every ribbon has an area of its own on the page; none is drawn outside the picture."""
    shown = page(f"{twelve_firms}/en/metabolism?year=2022&layer=energy&level=process&share=0")
    boxes = shown.evaluate(
        """() => { const whole = document.querySelector('.flow-picture').getBoundingClientRect();
          return [...document.querySelectorAll('.flow-picture .ribbon')].map((path) => {
            const box = path.getBoundingClientRect();
            return [box.width > 1 && box.height >= 0.4, box.left >= whole.left - 1 && box.right <= whole.right + 1
              && box.top >= whole.top - 1 && box.bottom <= whole.bottom + 1]; }); }"""
    )
    assert len(boxes) > 30
    assert all(area and within for area, within in boxes)


def test_upload_preview_apply_undo(
    writable: tuple[str, Path], tmp_path: Path, page: Open, client: httpx.Client
) -> None:
    """Through the page: nothing changes until Apply, and Undo brings the old number back."""
    address, _ = writable
    book = client.get(f"{address}/en/reports/template.xlsx").content

    def change(workbook: Any) -> None:
        cell = amount_cell(workbook, "powerhouse_gas", 2019)
        cell.value = 2 * float(cell.value)

    file = tmp_path / "changed.xlsx"
    file.write_bytes(edited(book, change))
    number = f"{address}/en/accounting?year=2019&scheme=us-ghgrp"
    shown = page(number)
    before = float(shown.locator(".lead .figure a").get_attribute("data-value"))
    shown.goto(f"{address}/en/reports")
    shown.set_input_files("input[name=workbook]", str(file))
    shown.click("#preview")
    shown.wait_for_selector("#apply")
    assert "Nothing has been written yet" in shown.locator("#exchange").inner_text()
    assert shown.locator("#table-effect").is_visible()
    shown.fill("form:has(#apply) input[name=reason]", "meter read again")
    shown.click("#apply")
    shown.wait_for_selector(".message.good")
    assert "version 2" in shown.locator(".message.good").inner_text()
    shown.goto(number)
    assert float(shown.locator(".lead .figure a").get_attribute("data-value")) > 1.9 * before
    shown.goto(f"{address}/en/reports")
    shown.click("#undo")
    shown.wait_for_selector(".message.good")
    shown.goto(number)
    assert float(shown.locator(".lead .figure a").get_attribute("data-value")) == before


def test_filter_of_lines_without_reloading(twelve_firms: str, page: Open) -> None:
    """htmx brings the filtered part and puts the filter into the address."""
    shown = page(f"{twelve_firms}/en/accounting/lines?year=2022")
    shown.evaluate("window.same = true")
    shown.fill("#search", "lime")
    shown.wait_for_function("() => !document.querySelector('#lines').innerText.includes('page 1 of')")
    shown.wait_for_url(re.compile("search=lime"))
    assert shown.evaluate("window.same") is True
    names = shown.locator("#table-lines tbody tr").all_inner_texts()
    assert names
    assert all("lime" in name.lower() for name in names)


def test_light_and_dark(twelve_firms: str, page: Open) -> None:
    """The page follows the system; the reader's own setting wins and stays on the next page."""
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page(f"{twelve_firms}/en/overview", color_scheme="light")
    dark = page(f"{twelve_firms}/en/overview", color_scheme="dark")
    assert light.evaluate(colour) != dark.evaluate(colour)
    light.select_option("[data-theme-choice]", "dark")
    assert light.evaluate(colour) == dark.evaluate(colour)
    light.goto(f"{twelve_firms}/en/accounting")
    assert light.evaluate(colour) == dark.evaluate(colour)
    wait_drawn(light)


def test_keyboard_reaches_the_content(twelve_firms: str, page: Open) -> None:
    """The first Tab offers the skip link, Enter goes to the content, and the focus can be seen."""
    shown = page(f"{twelve_firms}/en/accounting?year=2022")
    shown.keyboard.press("Tab")
    focused = shown.evaluate_handle("document.activeElement")
    assert focused.evaluate("(element) => element.className") == "skip"
    assert focused.evaluate("(element) => element.getBoundingClientRect().left") >= 0
    shown.keyboard.press("Enter")
    assert shown.evaluate("document.activeElement.id") == "main"
    shown.keyboard.press("Tab")
    assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_useful_without_javascript(twelve_firms: str, page: Open) -> None:
    shown = page(f"{twelve_firms}/en/accounting?year=2022", java_script_enabled=False)
    assert shown.locator("#rail a").count() == 7
    assert shown.locator("#rail").is_visible()
    assert not shown.locator(".plot").first.is_visible()
    shown.locator("figure details summary").first.click()
    assert shown.locator("figure details table").first.is_visible()
    shown.select_option("select[name=year]", "2021")
    shown.click("form.selectors button")
    assert "year=2021" in shown.url


def test_png_of_a_chart(twelve_firms: str, page: Open) -> None:
    shown = page(f"{twelve_firms}/zh/accounting?year=2022", accept_downloads=True)
    wait_drawn(shown)
    with shown.expect_download() as download:
        shown.locator("[data-png=scope]").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 5000


def test_print_leaves_the_menus_out(twelve_firms: str, page: Open) -> None:
    shown = page(f"{twelve_firms}/zh/accounting?year=2022")
    wait_drawn(shown)
    shown.emulate_media(media="print")
    assert not shown.locator("#rail").is_visible()
    assert not shown.locator("form.selectors").is_visible()
    assert shown.locator("#table-categories").is_visible()


def test_no_text_is_tofu(twelve_firms: str, page: Open) -> None:
    """Chinese characters have glyphs of their own: three of them are not drawn alike (boxes would be)."""
    shown = page(f"{twelve_firms}/zh/overview")
    widths = shown.evaluate(
        """() => ['核', '算', '园'].map((letter) => {
          const canvas = document.createElement('canvas'); canvas.width = canvas.height = 40;
          const pen = canvas.getContext('2d'); pen.font = '30px ' + getComputedStyle(document.body).fontFamily;
          pen.fillText(letter, 4, 32);
          return canvas.toDataURL();
        })"""
    )
    assert len(set(widths)) == 3
