"""What a shell completes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from saddlescape.spec.keys import KEYS
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape_cli.completion import completion
from saddlescape_cli.main import COMMANDS

SHELLS = ("bash", "zsh", "fish")
COMPLETE = """
COMP_LINE="saddlescape run xo"; COMP_POINT=${#COMP_LINE}
_saddlescape_completion saddlescape
printf '%s\n' "${COMPREPLY[@]}"
"""


def offered(*words):
    """What is offered for the last of the words after the name of the command."""
    asked = {"COMP_LINE": " ".join(["saddlescape", *words])}
    environment = {**os.environ, **asked, "_SADDLESCAPE_COMPLETE": "bash_complete"}
    code = "import sys; sys.argv = ['saddlescape']; from saddlescape_cli.start import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_commands_sweeps_and_options_are_offered():
    assert set(offered("s")) == {name for name in COMMANDS if name.startswith("s")}
    assert sorted(offered("run", "xor")) == ["xor", "xor-slice"]
    assert "--axis" in offered("run", "xor", "--a")


def test_keys_and_their_words_are_offered():
    assert set(offered("run", "xor", "--set", "starts.")) >= {f"{key}=" for key in KEYS if key.startswith("starts.")}
    optimizers = {name for name in OPTIMIZERS if name.startswith("ada")}
    assert set(offered("run", "xor", "--set", "training.optimizer=ada")) == optimizers
    assert offered("bench", "--axis", "network.activation=tanh,leaky") == ["tanh,leaky_relu"]
    assert offered("run", "xor", "--set", "network.bias=") == ["true", "false"]
    assert "resume" in offered("")


def test_what_is_offered_needs_no_compiler():
    code = "import saddlescape_cli.completing as c, sys; c.key_and_value(None, None, ''); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"'numba'", "'pydantic'", "'numpy'"}.intersection(done.stdout.strip("[]\n").split(", "))


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_of_the_shell(shell):
    script = CliRunner().invoke(completion, [shell], catch_exceptions=False).output
    assert f"{shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes_a_sweep():
    script = CliRunner().invoke(completion, ["bash"], catch_exceptions=False).output
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash"], input=script + COMPLETE, capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    assert sorted(done.stdout.split()) == ["xor", "xor-slice"], done.stderr
