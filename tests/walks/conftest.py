"""A terminal with an interactive bash, in which a test types and reads as a person does."""

import os
import re
import sys
from pathlib import Path

import pexpect
import pytest

PROMPT = "walk> "
COLUMNS = 120
SCRIPTS = Path(sys.executable).parent
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x07")
"""What moves the cursor or colors text."""


class Terminal:
    """An interactive bash in a folder; `saddlescape` and `python` are those of the environment of the tests."""

    def __init__(self, folder: Path) -> None:
        settings = {
            "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
            "PS1": PROMPT,
            "TERM": "xterm",
            "HISTFILE": "",
        }
        self.folder, self._prompt = folder, PROMPT
        self._bash = pexpect.spawn(
            "bash", ["--norc", "--noprofile"], cwd=folder, env={**os.environ, **settings}, encoding="utf-8",
            dimensions=(50, COLUMNS), timeout=300,
        )  # fmt: skip
        self._bash.delaybeforesend = None
        self._until_prompt()

    def type(self, line: str) -> str:
        """Type a line, and return what is on the screen before the next prompt."""
        self._bash.sendline(line)
        return self._until_prompt()

    def run(self, line: str) -> str:
        """Type a command that must succeed, without a warning or a traceback."""
        seen = self.type(line)
        assert self.code() == 0, seen
        assert "Traceback" not in seen
        assert "Warning" not in seen
        return seen

    def refused(self, line: str, code: int) -> str:
        """Type a command that must end with a code after one line, which is returned."""
        seen = self.type(line)
        assert self.code() == code, seen
        assert seen.startswith(("error: ", "Usage: ")), seen
        assert "Traceback" not in seen
        return seen

    def code(self) -> int:
        """The exit code of the last command."""
        return int(self.type("echo $?"))

    def start(self, line: str, until: str) -> str:
        """Type a command, and return what is on the screen when `until`, a regular expression, appears."""
        self._bash.sendline(line)
        self._bash.expect(until)
        return self._seen() + self._bash.after

    def rest(self) -> str:
        """What is on the screen when the started command has ended."""
        return self._until_prompt()

    def interrupt(self) -> str:
        """Press Ctrl-C, and return what is on the screen before the next prompt."""
        self._bash.sendintr()
        return self._until_prompt()

    def complete(self, text: str) -> str:
        """Type a text and the tab key; the line as it is then.  The line is not run."""
        self._bash.send(text)
        self._bash.expect_exact(text)
        self._bash.send("\t")
        self._bash.expect_exact(" ")  # bash appends it to a word that is complete
        added = self._bash.before
        self.interrupt()
        return f"{text}{added}"

    def python(self) -> None:
        """Start Python; `type` then types to it."""
        self._prompt = ">>> "
        self._bash.sendline("PYTHON_BASIC_REPL=1 python -q")
        self._until_prompt()

    def leave_python(self) -> None:
        """End Python."""
        self._prompt = PROMPT
        self._bash.sendline("exit()")
        self._until_prompt()

    def close(self) -> None:
        """End bash."""
        self._bash.close(force=True)

    def _until_prompt(self) -> str:
        self._bash.expect_exact(self._prompt)
        return self._seen()

    def _seen(self) -> str:
        """What is on the screen after the typed line, which the terminal shows first."""
        lines = CONTROL.sub("", self._bash.before).replace("\r\n", "\n").partition("\n")[2].split("\n")
        return "\n".join(line.rpartition("\r")[2] for line in lines)  # a bar draws a line again and again


@pytest.fixture
def terminal(tmp_path):
    opened = Terminal(tmp_path)
    yield opened
    opened.close()
