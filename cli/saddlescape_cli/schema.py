"""`saddlescape schema`: print the JSON Schema of a spec."""

import click


@click.command()
def schema() -> None:
    """\b
    Example:
      saddlescape schema > spec.schema.json

    Print the JSON Schema (draft 7) of a spec.  Editors complete and check the keys of a TOML file whose first line is
    #:schema ./spec.schema.json (taplo, Even Better TOML).
    """
    from saddlescape.system import bundled

    click.echo(bundled.schema().read_text(encoding="utf-8"), nl=False)
