"""What people write for what they mean: 1e6 for a million, epochs for steps, and quotes that the shell takes away."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from spec_cases import TINY

from saddlescape.errors import SpecError
from saddlescape.spec import load, parse
from saddlescape_cli.main import cli

XOR = '[problem]\nname = "xor"\n'
DRAWN = '[problem]\nname = "teacher"\nsamples = {}\ninputs = {}\noutputs = {}\nhidden = {}\nseed = {}\n'
SIDES = '[starts]\nkind = "slice"\nbase = [0,0,0,0,0,0,0,0,0]\nx = {{index = {}, from = 0, to = 1, n = {}}}\ny = {{index = {}, from = 0, to = 1, n = 2}}\n'  # noqa: E501


def told(text, *overrides):
    with pytest.raises(SpecError) as caught:
        parse(text, Path(), overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "floats", "integers"),
    [
        (XOR + "[starts]\ncount = {}\nseed = {}", ("1e6", "2.0"), (1_000_000, 2)),
        (XOR + "[training]\nsteps = {}", ("2e4",), (20_000,)),
        (XOR + "[training]\nbatch = {}\nepochs = {}", ("2.0", "1e2"), (2, 100)),
        (XOR + "[network]\nhidden = [{}, {}]", ("2.0", "3e0"), (2, 3)),
        (XOR + "[record]\nsteps = [{}, {}]\nruns = {}\nkeep_bits = {}", ("0.0", "1e2", "1e1", "9.0"), (0, 100, 10, 9)),
        (XOR + "[record]\nruns = {{per_outcome = {}}}", ("1e1",), (10,)),
        ('[problem]\nname = "parity"\nbits = {}', ("3.0",), (3,)),
        ('[problem]\nname = "encoder"\nsize = {}', ("4.0",), (4,)),
        (DRAWN, ("5.0", "2.0", "1e0", "3.0", "7e0"), (5, 2, 1, 3, 7)),
        (XOR + SIDES, ("0.0", "1e1", "1.0"), (0, 10, 1)),
        (XOR + '[[axes]]\nkey = "starts.scale"\nlinspace = [0, 1, {}]', ("1e1",), (10,)),
        (XOR + '[[axes]]\nkey = "starts.scale"\nrandom = {{from = 0, to = 1, n = {}, seed = {}}}', ("8.0", "1e0"), (8, 1)),  # noqa: E501
        (XOR + '[[axes]]\nkey = "network.hidden"\nvalues = [[{}], [{}]]', ("2.0", "3.0"), (2, 3)),
        (XOR + '[[axes]]\nkey = "training.steps"\nvalues = [{}, {}]', ("1e2", "1e3"), (100, 1000)),
        (XOR + '[[axes]]\nkey = "network.hidden.0"\nvalues = [{}, {}]', ("1e0", "2.0"), (1, 2)),
    ],
)
def test_a_float_that_is_an_integer_is_one(text, floats, integers):
    one, other = (parse(text.format(*numbers), Path()).resolved() for numbers in (floats, integers))
    assert repr(one) == repr(other)


def test_so_it_is_in_an_override():
    assert parse(XOR, Path(), ["starts.count=1e6"]).spec.starts.count == 10**6


def test_other_floats_are_no_integers():
    for value in ("1.5", "1e300", "inf", "nan", "true"):
        assert "starts.count: must be " in told(XOR, f"starts.count={value}")
    assert told(XOR, "starts.count=1.5") == "starts.count: must be an integer; got 1.5"
    assert len(told(XOR, "starts.count=1e300")) < 200


def test_an_override_with_epochs_stands_in_place_of_the_steps_of_the_file_and_the_reverse():
    spec = parse(XOR + "[training]\nsteps = 7", Path(), ["training.epochs=100"]).spec
    assert (spec.training.epochs, spec.steps) == (100, 100)
    spec = parse(XOR + "[training]\nepochs = 7", Path(), ["training.steps=100"]).spec
    assert (spec.training.epochs, spec.steps) == (None, 100)
    assert load("xor", ["training.epochs=100"]).spec.steps == 100


def test_an_override_with_a_problem_stands_in_place_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("x1,t1\n0,1\n")
    assert parse('[problem]\nfile = "a.csv"', tmp_path, ["problem.name=and"]).spec.loaded.name == "and"
    assert parse(XOR, tmp_path, ["problem.file=a.csv"]).spec.loaded.name == "a"


def test_two_overrides_of_which_one_stands_in_place_of_the_other_are_refused():
    for pair in (["training.steps=8", "training.epochs=2"], ["training.epochs=2", "training.steps=8"]):
        assert "training.epochs: cannot be combined with steps; got both" in told(XOR, *pair)


def test_what_the_shell_did_to_quotes_is_told_with_what_to_write():
    message = told(XOR, "record.fields=[loss,outputs]")
    assert message.startswith("record.fields: must be set to a TOML value or a bare word; got '[loss,outputs]'; ")
    remedy = message.partition("write '")[2].removesuffix("'")
    assert remedy == 'record.fields=["loss","outputs"]'
    assert parse(XOR, Path(), [remedy]).spec.record.fields == ("loss", "outputs")
    remedy = told(XOR, "title=My sweep").partition("write '")[2].removesuffix("'")
    assert parse(XOR, Path(), [remedy]).spec.title == "My sweep"
    assert told(XOR, "starts.count=a few").endswith("got 'a few'")


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("network.hidden=4,4", "network.hidden=[4,4]"),
        ("network.hidden=(4,4)", "network.hidden=[4,4]"),
        ("training.learning_rate=0,1", "training.learning_rate=0.1"),
        ("network.activation=[tanh]", 'network.activation=["tanh"]'),
        ("record.fields=loss,outputs", 'record.fields=["loss","outputs"]'),
    ],
)
def test_what_was_meant_is_told_as_it_is_written(override, remedy):
    message = told(XOR, override)
    assert message.endswith(f"; write '{remedy}'")
    assert ("the shell removes quotes" in message) == ('"' in remedy)
    assert told(XOR, "network.hidden=4") == "network.hidden: must be a list; got 4; write [4]"


@pytest.mark.parametrize(
    ("key", "values", "written"),
    [
        ("training.learning_rate", [0.1, 1], "0.1,1"),
        ("training.optimizer", ["gd", "adam"], "gd,adam"),
        ("network.bias", [True, False], "true,false"),
    ],
)
def test_several_values_in_place_of_one_are_told_to_be_an_axis(key, values, written):
    section, name = key.split(".")
    remedy = f"; several values make an axis, such as --axis {key}={written}"
    for message in (told(XOR, f"{key}={json.dumps(values)}"), told(XOR, f"{key}={written}"),
                    told(f"{XOR}\n[{section}]\n{name} = {json.dumps(values)}")):  # fmt: skip
        assert message.startswith(f"{key}: must be ")
        assert message.endswith(remedy)
    assert parse(XOR, Path(), [f"axes.{key}={written}"]).axes[0].values == tuple(values)


@pytest.mark.parametrize("key", ["starts.count=[1,2]", "starts.count=1,2", "record.runs=[1,2]", "starts.scale=[1]"])
def test_what_makes_no_axis_is_not_told_to_be_one(key):
    assert "axis" not in told(XOR, key)
    assert "axis" not in told(XOR, "training.learning_rate=[0.1,-1]")


def test_a_name_without_its_ending_and_a_file_that_is_no_spec_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(TINY)
    Path("mine.csv").write_text("x1,t1\n0,1\n")
    Path("mine.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    remedies = {
        "mine": "did you mean 'mine.toml'?",
        "mine.csv": "a TOML file that names the data file; write one with: saddlescape init mine.csv",
        "mine.h5": "must be a spec, a TOML file; this is an HDF5 file",
    }
    for name, words in remedies.items():
        with pytest.raises(SpecError) as caught:
            load(name)
        assert words in str(caught.value)
    done = CliRunner().invoke(cli, ["plot", "mine.toml"])
    assert "this is a spec; run it first: saddlescape run mine.toml" in str(done.exception)


def test_broken_toml_is_told_with_its_file_line_and_column(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TINY + "\n[record\n")
    with pytest.raises(SpecError) as caught:
        load(path)
    line = TINY.count("\n") + 2
    assert str(caught.value).startswith(f"{path}: must be valid TOML; ")
    assert str(caught.value).endswith(f"(at line {line}, column 8): '[record'")
