"""Write the Word templates of the inventory report (src/ecopark/reports/templates), from `ecopark.reports.template`.

Run it after changing that module or its Chinese messages, and look at the result in Word or LibreOffice:

    python scripts/report_templates.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from ecopark.reports.template import TEMPLATES, write_templates


def main() -> None:
    """Write both templates and name them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATES
    for path in write_templates(folder):
        print(path)


if __name__ == "__main__":
    main()
