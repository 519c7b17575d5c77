"""What was meant: the words of other libraries, then near spellings, and never a word that means something else."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from spec_cases import TINY

from saddlescape import results
from saddlescape.errors import SaddlescapeError, SpecError
from saddlescape.plan import Plan
from saddlescape.runs.runner import run
from saddlescape.spec import parse
from saddlescape.spec.keys import KEYS, SECTIONS
from saddlescape.words.measures import MEASURES
from saddlescape.words.suggest import _SAME, hint, nearest
from saddlescape_cli.main import cli

XOR = '[problem]\nname = "xor"\n'
AXIS = '''
[[axes]]
key = "starts.scale"
values = [0, 1]
[[axes]]
key = "network.activation"
values = ["tanh", "logistic"]
'''


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run(parse(TINY + AXIS, Path()), tmp_path_factory.mktemp("suggest") / "run", threads=1)


def told(text: str, *overrides: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(XOR + text, Path(), overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("lr", "training.learning_rate"),
        ("training.optim", "training.optimizer"),
        ("optimizer", "training.optimizer"),
        ("network.layers", "network.hidden"),
        ("training.activation", "network.activation"),
        ("training.hidden", "network.hidden"),
        ("stop.steps", "training.steps"),
        ("stop.tolerance", "stop.solved"),
        ("starts.runs", "starts.count"),
        ("seed", "starts.seed"),
        ("training.batch_size", "training.batch"),
        ("trainig.learning_rate", "training.learning_rate"),
        ("network.activaton", "network.activation"),
        ("activaton", "network.activation"),
    ],
)
def test_keys_that_others_call_otherwise_or_that_are_misspelt(key, meant):
    assert told("", f"{key}=1") == f"{key}: is not a key; did you mean {meant!r}?"
    section, _, name = key.rpartition(".")
    table = f"[{section}]\n" if section else ""
    if section in SECTIONS and section != "problem":
        own = meant.removeprefix(f"{section}.")
        assert f"{key}: is not a key; did you mean {own!r}?" in told(f"{table}{name} = 1")


def test_elements_are_suggested_as_one_types_them():
    """Messages call them network.hidden[0], as compare does."""
    assert told("", "network.hidden[0]=3") == "network.hidden[0]: is not a key; did you mean 'network.hidden.0'?"
    assert told("", "axes.training.layer_rates[1]=1,2").endswith("did you mean 'training.layer_rates.1'?")


@pytest.mark.parametrize("key", ["stop.loss", "stop.max", "starts.glorot"])
def test_for_what_there_is_not_the_keys_of_the_section_are_listed(key):
    message = told("", f"{key}=1")
    section = key.partition(".")[0]
    own = [name for name in KEYS if name.startswith(section)]
    assert message == f"{key}: is not a key; known: {', '.join(own)}"


@pytest.mark.parametrize(
    ("key", "word", "meant"),
    [
        ("network.activation", "swish", "silu"),
        ("network.output", "identity", "linear"),
        ("network.activation", "sigmoyd", "logistic"),
        ("training.optimizer", "NAG", "nesterov"),
        ("training.optimizer", "heavy_bal", "momentum"),
        ("training.optimizer", "adma", "adam"),
        ("training.loss", "BCEWithLogitsLoss", "bce_logits"),
        ("training.loss", "CrossEntropyLoss", "softmax_ce"),
        ("training.loss", "MSELoss", "mse"),
        ("training.schedule", "cosine_annealing", "cosine"),
        ("starts.kind", "gaussian", "normal"),
        ("starts.kind", "zeros", "zero"),
        ("starts.kind", "kaiming", "he_uniform"),
        ("starts.kind", "xavier", "glorot_uniform"),
    ],
)
def test_words_that_others_use_or_misspell(key, word, meant):
    assert told("", f'{key}="{word}"').endswith(f"got {word!r}; did you mean {meant!r}?")


@pytest.mark.parametrize(
    ("key", "word", "meant"),
    [
        ("network.activation", "sigmoid", "logistic"),
        ("network.activation", "ReLU", "relu"),
        ("network.output", "LeakyReLU", "leaky_relu"),
        ("training.optimizer", "SGD", "gd"),
        ("training.optimizer", "sgd", "gd"),
        ("training.stepper", "Adam", "adam"),
        ("training.loss", "MSE", "mse"),
        ("problem.name", "XOR", "xor"),
    ],
)
def test_aliases_are_taken_for_what_they_are(key, word, meant):
    section, _, name = key.partition(".")
    plain = parse(XOR, Path(), [f"{key}={meant}"]).resolved()
    assert parse(XOR, Path(), [f"{key}={word}"]).resolved() == plain
    before = "" if section == "problem" else XOR
    assert parse(f'{before}[{section}]\n{name} = "{word}"\n', Path()).resolved() == plain


def test_keys_have_other_names_that_are_taken_for_theirs():
    keys = '[training]\n{} = 0.25\n{} = "gd"\n'
    plain = parse(XOR + keys.format("learning_rate", "optimizer"), Path())
    old = parse(XOR + keys.format("lr", "stepper"), Path())
    assert old.resolved() == plain.resolved()
    assert plain.resolved()["training"]["stepper"] == "gd"
    assert parse(XOR, Path(), ["training.lr=0.25", "training.stepper=gd"]).resolved() == plain.resolved()
    twice = XOR + '[training]\nstepper = "gd"\noptimizer = "gd"\n'
    with pytest.raises(SpecError, match=r"training\.stepper: is another name of .*optimizer, which is also set"):
        parse(twice, Path())


def test_an_axis_is_called_in_a_result_as_the_spec_calls_it():
    for name in ("stepper", "optimizer"):
        sweep = parse(f'{XOR}[[axes]]\nkey = "training.{name}"\nvalues = ["SGD", "adam"]\n', Path())
        first = Plan(sweep).dimensions[0]
        assert (first.name, first.meaning, first.values.tolist()) == (name, f"training.{name}", ["gd", "adam"])
        assert sweep.resolved()["axes"] == [{"key": f"training.{name}", "values": ["gd", "adam"]}]
    rates = parse(XOR + '[[axes]]\nkey = "training.lr"\nvalues = [0.5, 1]\n', Path())
    assert Plan(rates).dimensions[0].name == "learning_rate"


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("training.loss", "mae"),
        ("training.loss", "L1Loss"),
        ("training.optimizer", "radam"),
        ("training.optimizer", "L-BFGS"),
        ("network.activation", "elu"),
        ("network.activation", "relu6"),
        ("network.activation", "softmax"),
    ],
)
def test_nothing_is_suggested_for_what_there_is_not(key, word):
    assert told("", f'{key}="{word}"').endswith(f"got {word!r}")


def test_sections_that_others_call_otherwise():
    for section, meant in [("model", "network"), ("optimizer", "training.optimizer"), ("trainng", "training")]:
        assert f"{section}: is not a key; did you mean {meant!r}?" in told(f"[{section}]\nx = 1")
    assert told("[foo]\nx = 1") == "foo: is not a key; known: problem, network, starts, training, events, stop, record, axes, schema, title"  # noqa: E501


def test_aliases_mean_names_that_there_are():
    there = {*KEYS, *SECTIONS, *MEASURES, "axes", *results.WORDS["outcome"], "final_loss"}
    words = {word for word in _SAME if word not in there}
    listed = told("", 'network.activation="?"', 'training.optimizer="?"', 'training.loss="?"', 'starts.kind="?"', 'training.schedule="?"')  # noqa: E501
    assert [word for word in words if repr(word) not in listed] == []


def test_an_endless_word_is_not_compared_for_ever():
    word = "training." + "x" * 10**6
    assert hint(word, KEYS) == ""
    assert len(nearest("y" * 10**6, KEYS)) < 1000


def test_parts_of_results(made):
    with results.open(made) as r:
        with pytest.raises(SaddlescapeError, match=r"activation: must be one of tanh, .*did you mean 'logistic'"):
            r.sel(activation="sigmoid")
        for wrong, meant in [({"scal": 1}, "scale"), ({"SCALE": 1}, "scale"), ({"std": 1}, "scale")]:
            for choose in (r.sel, r.isel):
                with pytest.raises(SaddlescapeError, match=f"did you mean '{meant}'"):
                    choose(**wrong)
        with pytest.raises(SaddlescapeError, match="did you mean 'solved'"):
            r.find("Solved")
        with pytest.raises(KeyError, match="did you mean 'final_loss'"):
            r["final_los"]
        with pytest.raises(AttributeError, match="did you mean 'final_loss'"):
            _ = r.final_los


def test_commands_and_choices(made):
    for words, meant in [(["plt"], "plot"), (["plot", str(made), "--kind", "curv"], "curve")]:
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 2
        assert f"did you mean '{meant}'?" in done.stderr
