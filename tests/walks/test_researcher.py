"""A researcher with own data: a table with names, a sweep, an interruption, more starts, a figure for a paper."""

import re

import numpy as np
from PIL import Image

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


    few = terminal.refused("saddlescape more eight --count 10", 2)
    assert "at least 60" in few
    other = terminal.refused("saddlescape more eight --axis starts.scale=1,2", 3)
    assert "must contain the values of the old runs; 0.001 is missing" in other
    grown = terminal.run("saddlescape more eight --count 90")
    assert "      90 " in grown
    terminal.run(f"saddlescape run patients.toml -o whole {SWEEP} --set starts.count=90 --set training.steps=300")
    assert terminal.run("cmp eight/result.h5 whole/result.h5") == ""
    terminal.run("saddlescape verify eight")

    Image.new("RGB", (4, 4)).save(terminal.folder / "photo.png")
    assert "must be a PNG, SVG or PDF figure that" in terminal.refused("saddlescape info photo.png", 2)
    assert "begin with: saddlescape init patients.csv" in terminal.refused("saddlescape plot patients.csv", 2)
    terminal.run("saddlescape plot eight --facet optimizer --style paper --title '' -o figure.pdf")
    told = terminal.run("saddlescape info figure.pdf")
    assert "command: saddlescape plot eight/result.h5" in told
    assert "--facet optimizer --style paper --title '' -o figure.pdf" in told
    digest = re.search(r"result: sha256:(\w+)", told)[1]
    assert f"result: sha256:{digest}" in terminal.run("saddlescape info eight")

    terminal.python()
    terminal.type("import xarray")
    terminal.type("data = xarray.open_dataset('eight/result.h5', engine='h5netcdf')")
    assert terminal.type("data.outcome.sizes").strip() == "Frozen({'scale': 4, 'optimizer': 2, 'run': 90})"
    terminal.leave_python()


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
