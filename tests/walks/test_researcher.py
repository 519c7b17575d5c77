"""A researcher with own data: a table with names, a sweep, an interruption, more starts, a figure for a paper."""

import numpy as np

SEED = 7
SMALL = "--set starts.count=60 --set training.steps=300"
SWEEP = "--axis starts.scale=log:1e-3:1:4 --axis training.optimizer=gd,adam"


def patients(folder):
    """Write a table of people, a third of whom are ill."""
    X = np.random.default_rng(SEED).normal(size=(60, 2)).round(2)
    rows = [f"{age},{dose},{'yes' if age * dose > 0.3 else 'no'}" for age, dose in X]
    (folder / "patients.csv").write_text("\n".join(["age,dose,ill", *rows]) + "\n")


def test_a_researcher(terminal):
    patients(terminal.folder)
    refused = terminal.refused("saddlescape run patients.csv", 2)
    assert "saddlescape init patients.csv" in refused
    assert "did you mean 'ill'?" in terminal.refused("saddlescape init patients.csv --target il", 2)
    assert terminal.run("saddlescape init patients.csv").endswith("saddlescape run patients.toml\n")
    text = (terminal.folder / "patients.toml").read_text()
    assert "# t1 is 1 where ill is yes" in text

    assert "points         6" in terminal.run("saddlescape run patients.toml --dry-run")
    wrong = terminal.refused("saddlescape run patients.toml --axis starts.scale=small,big", 2)
    assert "starts.scale" in wrong
    assert "got 'small'" in wrong
    table = terminal.run(f"saddlescape run patients.toml -o eight {SWEEP} {SMALL}")
    assert len(table.strip().splitlines()) == 8  # the bar, a head, four scales, an empty line, the path
    terminal.run(f"saddlescape run patients.toml -o four {SWEEP} {SMALL} --set network.hidden=[4]")
    compared = terminal.run("saddlescape compare eight four")
    assert "network.hidden[0]  8  4" in compared
    assert "adjusted for 8 points by Holm's method" in compared


def test_an_interrupted_run_goes_on(terminal):
    long = "saddlescape run xor -o long --set starts.count=1000000 --threads 1"
    terminal.start(long, r"[1-9]\d*k/11.0M")
    assert "finished blocks are kept" in terminal.interrupt()
    assert terminal.code() == 130
    assert "blocks" in terminal.run("saddlescape status long")
    assert "long" in terminal.run("saddlescape ls")
    terminal.start("saddlescape resume long --threads 1", r"[1-9]\d*k/11.0M")
    terminal.interrupt()
    assert terminal.code() == 130
