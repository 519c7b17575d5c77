"""A performance engineer: how fast, by which instructions, and is a change faster?"""

import re

SPEC = """schema = 1
[problem]
name = "xor"
[network]
hidden = [{}]
activation = "{}"
"""


def test_an_engineer(terminal):
    (terminal.folder / "mine.toml").write_text(SPEC.format(3, "tanh"))
    measured = terminal.run("saddlescape bench mine.toml")
    assert re.search(r"\n +1 +[\d.]+e\+0\d +0\.\d+", measured)

    counted = terminal.run("saddlescape bench mine.toml --asm mine.s")
    assert "fused multiply" in counted
    assert "\tret" in (terminal.folder / "mine.s").read_text()
    assert "mine.s" in terminal.refused("saddlescape bench mine.toml --asm mine.s", 2)
    arm = terminal.run("saddlescape bench mine.toml --asm arm.s --target aarch64-linux-gnu")
    assert "fused multiply" in arm
    assert "fmla" in (terminal.folder / "arm.s").read_text()

    (terminal.folder / "relu.toml").write_text(SPEC.format(3, "relu"))
    compared = terminal.run("saddlescape bench mine.toml --against relu.toml")
    assert re.search(r"ratio [\d.]+, 95 % interval [\d.]+ to [\d.]+: .*; other bits", compared)
    assert "the same bits" in terminal.run("saddlescape bench mine.toml --against HEAD")
    assert "no revision of" in terminal.refused("saddlescape bench mine.toml --against relus", 2)


def test_a_new_network_is_compiled_before_our_eyes(terminal):
    (terminal.folder / "mine.toml").write_text(SPEC.format(5, "gelu"))
    terminal.run('export NUMBA_CACHE_DIR="$PWD/empty"')
    terminal.start("saddlescape run mine.toml", "compiling kernels")
    assert terminal.rest().endswith("mine/result.h5\n")
    assert terminal.code() == 0
