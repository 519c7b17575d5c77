"""Commands in messages, to be copied into the shell of this system."""

import os
import shlex
from subprocess import list2cmdline


def quote(word: str) -> str:
    """A word as the shell takes it: of Windows' shells, cmd does not know the quotes of `shlex`."""
    return list2cmdline([word]) if os.name == "nt" else shlex.quote(word)
