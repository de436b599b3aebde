"""Settings of Sphinx for the documentation site; `make docs` builds it in build/site."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

project = "vecmill"
author = copyright = "The vecmill authors"
release = version = version_of("vecmill")

extensions = [
    "myst_nb",  # Markdown, and notebooks with the results that they hold
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "command_reference",
    "public_names",
]
myst_enable_extensions = ["deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # tests/test_docs_notebook.py runs them
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

default_role = "py:obj"
autodoc_typehints = "none"  # types and shapes stand in the docstrings
autodoc_member_order = "bysource"
autodoc_mock_imports = ["sklearn"]
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"vecmill {release}"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["tables.css", "search.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
