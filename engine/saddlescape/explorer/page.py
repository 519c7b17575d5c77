"""The page's files, and its modules joined to the one script that every host of the page uses."""

import re
from importlib.resources import files

MODULES = (
    "numbers", "axes", "elements", "place", "sheets", "view", "map", "legend", "keys", "plane", "fields", "curve",
    "surface", "weights", "values", "start", "explore",
)  # fmt: skip
"""The modules of the script; each imports only from those before it."""

IMPORT = re.compile(r'^import .* from "\./(\w+)\.js";\n', re.M)


def text(name: str) -> str:
    """The text of a file of the page."""
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def script() -> str:
    """All modules as one ES module: their imports are left out, as one module has one scope."""
    return "\n".join(IMPORT.sub("", text(f"{name}.js")) for name in MODULES)
