"""One word of several, told which was meant."""

from typing import Any

import click

from saddlescape.words.suggest import hint


class Choice(click.Choice[str]):
    """`click.Choice` that says which word was meant."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        return super().get_invalid_choice_message(value, ctx).removesuffix(".") + hint(str(value), self.choices)
