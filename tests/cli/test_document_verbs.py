"""Reports and pages by command line."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.cli.calls import call, done


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_word_report(eastman: Path, tmp_path: Path, language: str) -> None:
    """It is written in the language of the call, and rests on stored runs that can be explained."""
    file = tmp_path / "report.docx"
    schemes = ["--scheme", "zero-carbon-park-2025"]
    answer = done("report", eastman, "--year", 2019, *schemes, "-o", file, "--json", language=language).json
    assert (answer["language"], answer["complete"], answer["numbers"] > 50) == (language, False, True)
    with zipfile.ZipFile(file) as document:
        text = document.read("word/document.xml").decode()
    assert ("国家级零碳园区" in text) is (language == "zh")
    assert done("explain", eastman, answer["schemes"][0]["run"], "--json").json["value"] > 0


def test_the_workbook_of_results(eastman: Path, tmp_path: Path) -> None:
    file = tmp_path / "inventory.xlsx"
    answer = done("report", eastman, "--kind", "inventory-workbook", "--year", 2019, "--scheme", "us-ghgrp", "-o", file)
    assert "Written" in answer.out
    assert zipfile.is_zipfile(file)


def test_a_template_that_is_none(eastman: Path, tmp_path: Path) -> None:
    """The user's own template may be wrong: said with its name, and no report appears."""
    template = tmp_path / "mine.docx"
    template.write_text("not Word", encoding="utf-8")
    draw = ["report", eastman, "--year", 2019, "--scheme", "us-ghgrp", "-o", tmp_path / "report.docx"]
    answer = call(*draw, "--template", template)
    assert answer.code == 1
    assert "mine.docx" in answer.err
    assert not (tmp_path / "report.docx").exists()
    assert call(*draw, "--template", tmp_path / "none.docx").code == 1


def test_serve_says_where_and_ends_on_an_interrupt(eastman: Path) -> None:
    """A free port is found with 0; the page comes from there; Ctrl-C ends it without a complaint."""
    command = [sys.executable, "-u", "-m", "ecopark.cli", "serve", str(eastman), "--port", "0", "--lang", "en"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        assert server.stdout is not None
        said = server.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
        assert found, said
        with urllib.request.urlopen(f"{found[0]}en/overview", timeout=60) as page:
            assert "Eastman" in page.read().decode()
        with urllib.request.urlopen(f"{found[0]}en/overview.json", timeout=60) as page:
            json.load(page)
        taken = call("serve", eastman, "--port", found[1])
        assert (taken.code, "in use already" in taken.err) == (1, True)
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=60)
    finally:
        server.kill()
    assert (server.returncode, err) == (0, "")
    assert "Ended." in out
