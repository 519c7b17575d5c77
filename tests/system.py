"""The operating system between the store and its files, to be followed, failed or ended at any operation."""

import os
from functools import partial

OPERATIONS = ("open", "write", "ftruncate", "fsync", "replace", "rename", "unlink", "mkdir")


def interpose(patch, around):
    """Let `around(name, real, *arguments)` stand for each operation on files."""
    for name in OPERATIONS:
        patch.setattr(os, name, partial(around, name, getattr(os, name)))
