"""An option with a fixed set of values."""

from typing import Any

import click

from saddlescape.words.suggest import hint


class Choice(click.Choice[str]):
    """A `click.Choice` whose error suggests the value that was meant."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        return super().get_invalid_choice_message(value, ctx).removesuffix(".") + hint(str(value), self.choices)
