"""`saddlescape completion`: print what makes a shell complete the commands."""

import click

from saddlescape_cli.choice import Choice


@click.command()
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """\b
    Examples:
      eval "$(saddlescape completion bash)"                           in ~/.bashrc
      eval "$(saddlescape completion zsh)"                            in ~/.zshrc
      saddlescape completion fish > ~/.config/fish/completions/saddlescape.fish

    Print a script for SHELL, which completes commands, options, names of sweeps, and the keys of --set and --axis with
    their words.
    """
    from click.shell_completion import get_completion_class

    from saddlescape_cli import bash  # noqa: F401
    from saddlescape_cli.main import cli

    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(cli, {}, "saddlescape", "_SADDLESCAPE_COMPLETE").source())
