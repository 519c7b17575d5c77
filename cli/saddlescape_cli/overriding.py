"""The options that change a spec."""

from collections.abc import Callable
from typing import Any

import click

from saddlescape_cli.completing import key_and_value


def of_axes(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Overrides of axes, as `saddlescape.spec.load` takes them."""
    return tuple(f"axes.{text}" for text in texts)


adding_axes = click.option(
    "--axis", "axes", multiple=True, metavar="KEY=VALUES", callback=of_axes, shell_complete=key_and_value,
    help="Add or change an axis: 0,0.1,1 or log:FROM:TO:N or lin:FROM:TO:N; repeatable.",
)  # fmt: skip


def overriding(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--set` and `--axis`, for the arguments `overrides` and `axes` of a command."""
    keys = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", shell_complete=key_and_value,
        help="Change a key; KEY= unsets it; repeatable.",
    )  # fmt: skip
    return keys(adding_axes(command))
