"""Intercept the file operations of the store, to record them, make them fail or kill the process."""

import os
from functools import partial

OPERATIONS = ("open", "write", "ftruncate", "fsync", "replace", "rename", "unlink", "mkdir")


def interpose(patch, around):
    """Call `around(name, real, *arguments)` instead of each file operation."""
    for name in OPERATIONS:
        patch.setattr(os, name, partial(around, name, getattr(os, name)))
