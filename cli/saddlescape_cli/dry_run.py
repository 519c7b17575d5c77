"""`saddlescape run --dry-run`: what a run would cost, and whether there is room for it."""

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
    """Print the size of a run into `folder`, which is left alone; RefusedError if it may not fit."""
    from saddlescape.plan import WHOLE, Plan
    from saddlescape.runs.cost import check_room, cost
    from saddlescape.system import resources

    plan, shard = Plan(sweep), shard or WHOLE
    from saddlescape.runs.throughput import seconds  # with the compiler

    threads = threads or resources.cores()
    told: dict[str, Any] = asdict(cost(plan, threads, shard))
    told |= {"memory_free_bytes": resources.memory().bytes, "disk_free_bytes": resources.disk(folder).bytes}
    told |= {"threads": threads, "seconds": seconds(sweep, told["runs"], threads, told["blocks"])}
    click.echo(json.dumps(told) if as_json else "\n".join(_lines(told)))
    check_room(plan, folder, threads, shard)


def _lines(told: dict[str, Any]) -> list[str]:
    from saddlescape.runs.cost import readable

    unit, length = next(((u, n) for u, n in UNITS if told["seconds"] >= 2 * n), UNITS[-1])
    rows = {
        "points": f"{told['points']:,}",
        "runs": f"{told['runs']:,} in {told['blocks']:,} blocks",
        "network-steps": f"{told['network_steps']:.3g} at most",
        "time": f"{told['seconds'] / length:.2g} {unit} at most, on {told['threads']} threads",
        "memory": f"{readable(told['memory_bytes'])} at most, of {readable(told['memory_free_bytes'])}",
        "disk": f"{readable(told['disk_bytes'])} at most, of {readable(told['disk_free_bytes'])}",
    }
    return [f"{name:<15}{value}" for name, value in rows.items()]
