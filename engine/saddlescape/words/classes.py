"""Codings of classes in targets."""

MIDWAY = {"01": 0.5, "pm1": 0.0}
"""The number midway between the two values of each coding."""
