"""`saddlescape claims`: test claims about starts at zero."""

from pathlib import Path

import click

from saddlescape_cli.watch import on_device, on_threads


@click.command()
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("claims"), help="Folder; by default ./claims."
)
@on_device
@on_threads
def claims(out: Path, device: str, threads: int | None) -> None:
    """\b
    Example:
      saddlescape claims -o claims

    Test claims about starts at zero by experiments.  Print a verdict on each claim, with the numbers that decide it,
    and write the results and an illustrated page, claims.html, to the folder.
    """
    from saddlescape.claims import examine
    from saddlescape.claims.page import BEGINNING, page
    from saddlescape.store import creating, write_all

    findings = []
    out.mkdir(parents=True, exist_ok=True)
    with creating(out / "claims.html", BEGINNING) as descriptor:
        for number, (claim, finding) in enumerate(examine(out, device=device, threads=threads), start=1):
            marks = [f"   {'+' if check.holds else '-'} {check.sentence}" for check in finding.checks]
            click.echo("\n".join([f"{number}. {claim.title}: {finding.verdict}", *marks]))
            findings.append((claim, finding))
        write_all(descriptor, page(findings).encode())
    click.echo(f"\n{out / 'claims.html'}")
