"""`saddlescape run --dry-run`: print the cost of a run, and check that it fits into memory and on the disk."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from saddlescape.plan import Shard
    from saddlescape.spec import Sweep

UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def show_cost(sweep: "Sweep", folder: Path, threads: int | None, shard: "Shard | None", as_json: bool) -> None:
    """Print the cost of a run in `folder`, without writing to it.

    Raises
    ------
    RefusedError
        If the run may not fit into memory or on the disk.
    """
    from saddlescape.plan import WHOLE, Plan
    from saddlescape.runs.cost import check_room, cost
    from saddlescape.system import resources

    plan, shard = Plan(sweep), shard or WHOLE
    from saddlescape.runs.throughput import seconds  # with the compiler

    threads = threads or resources.cores()
    values: dict[str, Any] = asdict(cost(plan, threads, shard))
    values |= {"memory_free_bytes": resources.memory().bytes, "disk_free_bytes": resources.disk(folder).bytes}
    values |= {"threads": threads, "seconds": seconds(sweep, values["runs"], threads, values["blocks"])}
    click.echo(json.dumps(values) if as_json else "\n".join(_lines(values)))
    check_room(plan, folder, threads, shard)


def _lines(values: dict[str, Any]) -> list[str]:
    from saddlescape.runs.cost import readable

    unit, length = next(((u, n) for u, n in UNITS if values["seconds"] >= 2 * n), UNITS[-1])
    memory, disk = (readable(values[f"{name}_bytes"]) for name in ("memory", "disk"))
    rows = {
        "points": f"{values['points']:,}",
        "runs": f"{values['runs']:,} in {_counted(values['blocks'], 'block')}",
        "network-steps": f"{values['network_steps']:.3g} at most",
        "time": f"{values['seconds'] / length:.2g} {unit} at most, on {_counted(values['threads'], 'thread')}",
        "memory": f"{memory} at most; {readable(values['memory_free_bytes'])} available",
        "disk": f"{disk} at most; {readable(values['disk_free_bytes'])} available",
    }
    return [f"{name:<15}{value}" for name, value in rows.items()]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
