"""Settings of the documentation site (`make docs`)."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "ecopark"
author = "The ecopark authors"
release = installed("ecopark")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "ecopark"
html_static_path: list[str] = []
language = "en"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
default_role = "code"  # docstrings mark names with single backquotes
suppress_warnings = ["docutils"]  # a docstring's plain-text equation is no markup
