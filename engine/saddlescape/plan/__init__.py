"""From a sweep to numbered runs, and the draw of every start."""

from saddlescape.plan.blocks import WHOLE, Block, Shard
from saddlescape.plan.plan import FORMAT, Plan, cached_with_plan

__all__ = ["FORMAT", "WHOLE", "Block", "Plan", "Shard", "cached_with_plan"]
