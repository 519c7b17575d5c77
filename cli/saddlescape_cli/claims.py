"""`saddlescape claims`: why is it dangerous to start at zero?"""

from pathlib import Path

import click


@click.command()
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("claims"), help="Folder; by default ./claims."
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads; by default one for each core.")
def claims(out: Path, threads: int | None) -> None:
    """\b
    Example:
      saddlescape claims -o claims

    Examine by experiment what is claimed of starts at zero.  Prints a verdict on each claim, with the numbers that
    decide it, and writes the results and an illustrated page, claims.html, into the folder.
    """
    from saddlescape.claims import examine
    from saddlescape.claims.page import BEGINNING, page
    from saddlescape.store import creating, write_all

    found = []
    out.mkdir(parents=True, exist_ok=True)
    with creating(out / "claims.html", BEGINNING) as descriptor:
        for number, (claim, finding) in enumerate(examine(out, threads=threads), start=1):
            marks = [f"   {'+' if check.holds else '-'} {check.sentence}" for check in finding.checks]
            click.echo("\n".join([f"{number}. {claim.title}: {finding.verdict}", *marks]))
            found.append((claim, finding))
        write_all(descriptor, page(found).encode())
    click.echo(f"\n{out / 'claims.html'}")
