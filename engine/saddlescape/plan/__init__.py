"""From a sweep to numbered runs, and the draw of every start."""

from saddlescape.plan.plan import FORMAT, WHOLE, Block, Plan, Shard

__all__ = ["FORMAT", "WHOLE", "Block", "Plan", "Shard"]
