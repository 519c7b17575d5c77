"""What a run steps by."""

DECOUPLED = frozenset({"adamw"})
"""Optimizers that shrink the weights by themselves: their weight decay is no part of the gradient."""
