"""A file that a command writes."""

from pathlib import Path
from typing import Any

import click


class NewFile(click.Path):
    """The path of a file to write; that its folder exists is checked before anything is computed."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path: Any = super().convert(value, param, ctx)
        if not path.parent.is_dir():
            self.fail(f"{value}: the folder {path.parent} does not exist; make it, or choose another", param, ctx)
        return path
