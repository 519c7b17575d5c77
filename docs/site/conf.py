"""The site of the documents: what Sphinx reads.  The navigation is that of `NAVIGATION`; pages need no network."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs/site"))

from docstrings import as_numpydoc, shorter  # noqa: E402
from pygments.lexers.special import TextLexer  # noqa: E402
from sphinx.util.logging import getLogger  # noqa: E402

import saddlescape  # noqa: E402

NAVIGATION = {
    "Tutorials": [
        *("Tutorial <docs/tutorial>", "docs/notebooks/the-question", "docs/notebooks/my-own-data"),
        *("docs/notebooks/maps-and-boundaries", "Why zero is a saddle <docs/why-zero>", "docs/gallery"),
    ],
    "How-to guides": [
        *("docs/install", "docs/how-to", "docs/explorer", "Given starts as arrays <docs/arrays>", "docs/results"),
        *("docs/scaling", "docs/gpu"),
    ],
    "Explanation": [
        *("docs/traps", "What leaves exact zero <docs/zero>", "docs/kernels", "docs/architecture", "docs/threats"),
        "docs/comparison",
    ],
    "Reference": [
        *("docs/reference/index", "docs/spec", "docs/measures", "Statistical analysis <docs/analysis>", "docs/points"),
        "docs/file-format",
    ],
    "Project": [
        *("CHANGELOG", "CONTRIBUTING", "Add to the words <docs/extending>", "docs/performance", "docs/reliability"),
        *("docs/profiling", "Dependencies <docs/dependencies>"),
    ],
}
"""The pages of each part of the site."""


def commit() -> str:
    """The commit of the checkout, with a + if files differ from it; nothing without git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip()


logger = getLogger(__name__)
TITLES = [page.read_text().partition("\n")[0] for page in sorted((ROOT / "docs/reference").glob("*.rst"))]
PUBLIC = [import_module(title) for title in TITLES if title.startswith("saddlescape")]
"""The modules that have a page."""

for package in PUBLIC:
    for each in getattr(package, "__all__", ()):
        setattr(package, each, getattr(package, each))  # names imported on first use are not in dir()

project, author, copyright = "saddlescape", "The saddlescape maintainers", "the saddlescape maintainers, Apache-2.0"
version = saddlescape.__version__
release = f"{version} ({commit()})" if commit() else version

root_doc = "README"
include_patterns = ["*.md", "docs/**"]
exclude_patterns = ["docs/pictures", "docs/site"]
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_copybutton"]

myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

autodoc_default_options = {"no-value": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autosummary_generate = False
numpydoc_validation_checks = {"GL06", "GL07", "PR02"}  # sections and parameters that are not
numpydoc_show_class_members = False
smartquotes = False
highlight_language = "text"
default_role = "py:obj"

html_theme = "furo"
html_title = f"saddlescape {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}


def with_navigation(app, docname, source):
    """The README is the home page of the site; its navigation would disturb those who read it elsewhere."""
    if docname == root_doc:
        for title, pages in NAVIGATION.items():
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])


def without_entry(app, env):
    """Warn of each public name without an entry in the reference."""
    entries = env.get_domain("py").objects
    for package in PUBLIC:
        for name in getattr(package, "__all__", ()):
            if name != "__version__" and f"{package.__name__}.{name}" not in entries:
                logger.warning("%s.%s: has no entry in docs/reference", package.__name__, name)


def setup(app):
    app.add_lexer("csv", TextLexer)
    app.connect("env-check-consistency", without_entry)
    app.connect("autodoc-process-docstring", as_numpydoc, priority=400)
    app.connect("autodoc-process-signature", shorter, priority=400)
    app.connect("source-read", with_navigation)
