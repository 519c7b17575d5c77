"""A student, who has the question and no experience: a picture, a table, the answer, and what goes wrong on the way."""

import urllib.request

from PIL import Image

FEW = "--set starts.count=200 --set training.steps=2000"


def test_a_student(terminal):
    assert "saddlescape run xor -o my-run" in terminal.type("saddlescape")
    assert "did you mean 'xor'?" in terminal.refused("saddlescape run xro", 2)
    assert "did you mean 'starts.scale'?" in terminal.refused("saddlescape run xor --set starts.scal=1", 2)

    table = terminal.run(f"saddlescape run xor {FEW}")
    assert "100%" in table
    assert "\n    0     200        0        0       0                1\n" in table
    assert terminal.run("saddlescape plot xor").strip() == "xor/result.png"
    with Image.open(terminal.folder / "xor/result.png") as picture:
        assert picture.width > 800
    assert "xor  finished" in terminal.run("saddlescape ls")

    again = terminal.refused("saddlescape run xor", 3)
    assert "starts.count: was 200, is now 4096" in again
    assert "-o" in again
    assert terminal.run(f"saddlescape run xor {FEW}").endswith("xor/result.h5\n")


def test_a_student_in_python(terminal):
    terminal.python()
    terminal.type("import saddlescape as ss")
    seen = terminal.type("r = ss.run('xor', 'xor', overrides=['starts.count=50', 'training.steps=100'])")
    assert "100%" in seen
    assert "scale 11, run 50" in terminal.type("r")
    assert "50" in terminal.type("int((r.outcome[0] == 0).sum())")
    assert "did you mean 'outcome'" in terminal.type("r.outcom")
    assert "did you mean 'run'" in terminal.type("ss.rum")
    terminal.leave_python()


def test_a_student_looks_at_the_map(terminal):
    seen = terminal.start("saddlescape explore --no-browser", "http://[^ ]*#")
    page = urllib.request.urlopen(seen.rpartition("\n")[2].rstrip("#"))
    assert page.status == 200
    terminal.interrupt()
    assert terminal.code() in (0, 130)


def test_the_shell_completes(terminal):
    terminal.run('eval "$(saddlescape completion bash)"')
    assert terminal.complete("saddlescape pl") == "saddlescape plot"
    assert terminal.complete("saddlescape run xor-") == "saddlescape run xor-slice"
    assert terminal.complete("saddlescape run xor --axis training.optimizer=gd,quic").endswith("gd,quickprop")
