"""Say which tools of the tests are missing here: `python scripts/test_tools.py`.

Tests that need a missing tool are skipped (in CI that is a failure). With `--packages`, print only the names of the
Debian packages that would bring them, on one line; nothing where nothing is missing.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path


def has_command(*names: str) -> bool:
    """Tell whether one of the commands is on the path."""
    return any(shutil.which(name) for name in names)


def has_chinese_font() -> bool:
    """Tell whether the reports find a font with Chinese characters, as their tests ask it."""
    from ecopark.reports.fonts import find_chinese_font

    return find_chinese_font().family is not None


def has_database_server() -> bool:
    """Tell whether PostgreSQL's server programs are here (Debian keeps them off the path)."""
    return has_command("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def missing() -> list[tuple[str, str, str]]:
    """Return tool, use and Debian package of each tool that is not here."""
    tools = [
        ("Chromium", "the pages in a browser", "chromium", has_command("chromium", "chromium-browser")),
        ("a Chinese font", "Chinese text in figures", "fonts-noto-cjk", has_chinese_font()),
        ("LibreOffice", "opening the Word report", "libreoffice-writer-nogui", has_command("soffice", "libreoffice")),
        ("Poppler", "reading the report's pages", "poppler-utils", has_command("pdftoppm") and has_command("pdffonts")),
        ("PostgreSQL", "the served mode's database", "postgresql", has_database_server()),
    ]
    return [(tool, use, package) for tool, use, package, here in tools if not here]


def main() -> None:
    """Print what is missing."""
    parser = argparse.ArgumentParser(description="Say which tools of the tests are missing here.")
    parser.add_argument("--packages", action="store_true", help="print only the Debian packages' names")
    absent = missing()
    if parser.parse_args().packages:
        print(" ".join(package for _, _, package in absent), end="\n" if absent else "")
        return
    for tool, use, _ in absent:
        print(f"No {tool} here: tests of {use} are skipped.")
    if absent:
        print(f"On Debian and Ubuntu: apt-get install {' '.join(package for _, _, package in absent)}")


if __name__ == "__main__":
    main()
