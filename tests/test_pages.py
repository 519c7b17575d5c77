"""Numbers in the text of the pages: each sentence is made from constants and runs and must be in the page."""

import re
from pathlib import Path

import dask.config
import distributed  # noqa: F401  its settings
import numpy as np
import pytest
from tolerances import BAR_HELD, BAR_OF, COVERAGE, ELEMENTARY_ULP, WILSON_LEAST, XOR_EXPONENT, XOR_TIME

import saddlescape as ss
from saddlescape.analysis import points
from saddlescape.claims import CLAIMS
from saddlescape.errors import SpecError
from saddlescape.kernels import batch, caching, network
from saddlescape.network import reference
from saddlescape.network.plateau import plateau_loss
from saddlescape.plan import Plan, Shard
from saddlescape.plots import ends
from saddlescape.results import selection, tables
from saddlescape.runs import cluster
from saddlescape.spec import parse
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.losses import LOSSES
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.outcomes import ESCAPE_DROP, Outcome
from saddlescape.words.problems import PROBLEMS
from saddlescape_cli import leaving

ROOT = Path(__file__).parents[1]
WORDS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen"),
)


def text(name):
    path = ROOT / name if name in ("README.md", "CHANGELOG.md") else ROOT / "docs" / name
    return re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))


def plain(value):
    """Format a number as 1e-5, where Python writes 1e-05."""
    return re.sub(r"e-0", "e-", f"{value:g}")


def spaced(value):
    return f"{value:,}".replace(",", " ") if value > 9999 else str(value)


def readme():
    yield f"the answer: {WORDS[len(CLAIMS)]} claims, each tested"


def changelog():
    """The numbers of words that there are; flow is not among the optimizers with steps."""
    yield f"- {len(OPTIMIZERS) - 1} optimizers, defined as in `torch.optim` if they exist there; and"
    yield f"- {len(ACTIVATIONS)} activations, one for all hidden layers or one for each,"
    yield f"and {WORDS[len(LOSSES)]} losses, two of which take logits"
    yield f"- {len(PROBLEMS)} problems: truth tables"
    yield f"tests {WORDS[len(CLAIMS)]} claims about starts at zero"


def tutorial():
    solved = re.search(r"^ +1 +\d+ +\d+ +\d+ +(\d+) +500$", (ROOT / "docs/tutorial.md").read_text(), re.MULTILINE)
    wrong = 1 - int(solved[1]) / 500
    assert abs(wrong - 1 / 3) < 0.01
    yield "Large starts move at once, and then a third of them go wrong."


def analysis():
    low, high = (f"{100 * share:.0f}" for share in COVERAGE)
    yield f"the 95 % interval contains the quantile in {low} to {high} % of samples, on average over quantiles"
    yield f"the 95 % interval contains the true slope in {low} to {high} % of samples;"
    yield f"it does so in at least {100 * WILSON_LEAST:.0f} %, near 0 and 1"
    yield f"it contained the true value in {100 * BAR_HELD:.0f} to 100 % of {BAR_OF} draws of each."
    yield f"times scale^2 / c differ from 1 by at most {XOR_TIME} times the scale"
    yield f"the exponent from -2 by less than {XOR_EXPONENT}, for tanh and logistic units."


def tolerances():
    """Sentences of points.md."""
    yield f"| stationary | gradient norm {plain(points.NEAR)} |"
    yield f"| zero eigenvalue | {plain(points.FLAT)} of the largest |"
    yield f"| saturated | curvature up to {plain(points.BARE)} |"
    yield f"| at infinity | Newton step longer than {points.STILL} at gradient {plain(points.NEAR)} |"
    yield f"damped so that its norm falls, none longer than {points.RADIUS:g} ("
    assert points.CHANGE == 2
    yield "| also a zero eigenvalue | twice the change of the Hessian along Newton's step |"


def spectra():
    """Sentences of points.md: the Hessian at zero, and how many runs of the catalog are trapped at 1/4."""
    xor = ss.load("xor", ["problem.coding=pm1", "network.activation=tanh", "network.output=tanh"]).spec
    np.testing.assert_allclose(np.linalg.eigvalsh(points.derivatives(xor, np.zeros((1, 9))).hessian[0]), [0] * 8 + [4])
    yield "with tanh units and targets -1 and +1 {4, 0 x 8}"
    shares = re.findall(r"loss 0\.25, units [01 ]+: (0\.\d+)", text("points.md"))
    assert (len(shares), round(1 / sum(map(float, shares)))) == (2, 5)
    yield f"{WORDS[ends.ENDS]} runs of each outcome, not polished"
    yield "One start in five gets trapped with one unit of each kind"


def kernels():
    in_all, *gates = (ELEMENTARY_ULP[name] for name in ("all", "silu", "mish", "gelu"))
    assert in_all[0] == 2
    values, slopes = ("{:.0f}, {:.0f} and {:.0f}".format(*each) for each in zip(*gates, strict=True))
    yield "**Two units in the last place.**"
    yield f"derivatives to {in_all[1]} units. The exceptions are silu, mish and gelu, which have more factors: "
    yield f"more factors: {values} units for their values, {slopes} for their derivatives"
    wide, lanes = batch.LANE_BYTES, [batch.LANE_BYTES // size for size in (8, 4)]
    yield f"{wide} bytes wide: {lanes[0]} networks in float64, {lanes[1]} in float32"
    yield f"the chains of {WORDS[network.TILE]} samples (`network.py: TILE`)"
    yield f"leaves at most {caching.MAX_BYTES // 2**30} GiB of machine code there"
    z = np.arange(1, 100)
    tails = 1 / (1 + np.exp(-z))
    first = [z[np.argmax(slope == 0)] for slope in (1 - np.tanh(z) ** 2, tails * (1 - tails))]
    yield f"beyond |z| of about {first[0]} and {first[1]} they are exactly zero in float64"


def extending():
    yield "The limit is {:.0f} and {} units in the last place;".format(*ELEMENTARY_ULP["all"])


def frozen():
    """Sentences of kernels.md."""
    tied = 'kind = "tied"\ncount = 20000\n', [1e-16, 1e-15, 1e-14]
    normal = "count = 4096\n", [1e-12]
    (first, second, third), (none,) = (frozen_at(*starts) for starts in (tied, normal))
    yield f"Of 20 000 tied normal starts {spaced(first)} are frozen at scale 1e-16,"
    yield f"{spaced(first)} are frozen at scale 1e-16, {second} at 1e-15 and {third} at 1e-14"
    assert none == 0
    yield "none of 4096 normal ones at 1e-12"


def frozen_at(starts, scales):
    axis = f'[training]\nsteps = 1\n[record]\nruns = 0\n[[axes]]\nkey = "starts.scale"\nvalues = {scales}\n'
    with ss.open(ss.run(parse(f'[problem]\nname = "xor"\n[starts]\n{starts}{axis}', Path()), f"{len(scales)}")) as r:
        return (r.outcome == Outcome.FROZEN).sum(axis=1)


def late():
    """Sentences of spec.md: in batches, the step of the escape and the first epoch whose loss is below the limit."""
    every = 'runs = "all"\nsteps = "every:4"\nfields = ["loss"]\ndtype = "float64"\n'
    train = '[training]\noptimizer = "gd"\nlearning_rate = 2.0\nbatch = "online"\nsteps = 4000\n'
    sweep = parse(f'[problem]\nname = "xor"\n[starts]\ncount = 1000\n{train}[record]\n{every}', Path())
    limit = (1 - ESCAPE_DROP) * plateau_loss(sweep.spec.loaded, "half_sse", "logistic")
    with ss.open(ss.run(sweep, "late")) as r:
        first = r.record_step[np.argmax(r["loss"] < limit, axis=1)]
        escape = np.where(r.escape_step < 0, np.inf, r.escape_step)
    assert (first > 0).any()
    yield f"escapes after {np.median(escape):.0f} steps in the median of 1000 starts,"
    yield f"while the first epoch with a loss below the limit ends after {np.median(first):.0f}."


def optimizers():
    """Sentences of how-to.md: optimizers that divide by the size of the gradient, from exact zero."""
    for optimizer in ("rmsprop", "adam"):
        spec = parse(f'[problem]\nname = "xor"\n[training]\noptimizer = "{optimizer}"\n', Path()).spec
        ends = ss.run_starts(spec, np.zeros((1, 9)))
        assert ends["outcome"].tolist() == [Outcome.FROZEN]
    yield "At exact zero the gradient is zero, and these optimizers do not move, either."


def flowers():
    """Sentences of how-to.md: parameters that move from zero with equally frequent classes."""
    for language in ("csv", "toml"):
        block = re.search(rf"```{language}\n(.*?)```", (ROOT / "docs/how-to.md").read_text(), re.DOTALL)
        Path(f"flowers.{language}").write_text(block[1])
    spec = ss.load("flowers.toml").spec
    (end,) = ss.run_starts(spec, np.zeros((1, spec.n_params)))["final_theta"]
    moved = np.flatnonzero(end)
    assert set(moved) <= {spec.n_params - 1 - 5 * unit for unit in range(3)}
    assert 0 < abs(end).max() < 1e-12
    yield "equally frequent, which zero biases already predict: rounding moves them by less than 1e-12."


def measures():
    """Compare losses in float32 with the losses of the same parameters in float64."""
    theta = np.random.default_rng(0).normal(size=(100, 9)).astype("float32")
    spec = ss.load("xor", ["network.dtype=float32", "training.steps=1"]).spec
    ends = ss.run_starts(spec, theta)
    xor = reference.Network((2, 2, 1), True, spec.activations, "half_sse")
    X, T = spec.loaded.X, spec.loaded.T
    loss = [reference.loss_and_gradient(xor, one.astype(float), X, T)[0] for one in ends["final_theta"]]
    off = np.sqrt(np.mean((ends["final_loss"] / loss - 1) ** 2))
    yield f"in float32 their relative error is about 1e{np.log10(off):.0f}"


def reading():
    """Sentences of results.md."""
    assert (selection.SAME, round(tables.ROWS, -5)) == (1e-9, 100_000)
    yield "Numbers need to agree to nine digits only."
    yield "the same columns a hundred thousand runs at a time"


def scaling():
    sweep = ss.load("xor", ["starts.count=4_500_000"])
    blocks = len(Shard(1, 2000).numbers(Plan(sweep).blocks))
    yield f"one of 2000 shards of `xor` with 4.5 million starts per scale: {blocks} blocks,"
    yield f"A block that has killed {WORDS[dask.config.get('distributed.scheduler.allowed-failures') + 1]} workers,"
    assert cluster.SILENT == 30
    yield "has not answered for half a minute"


def reliability():
    assert leaving.GRACE == 1
    yield "A command has a second to end cleanly"


def threats():
    page = text("reliability.md")
    kinds = [f"a malicious {file} is read" for file in ("block", "result file")]
    tried = sum(int(re.search(rf"\| {kind}[^|]* \| ([\d,]+) \|", page)[1].replace(",", "")) for kind in kinds)
    assert tried > 100_000
    yield "100,000 files and blocks whose metadata were changed, with correct checksums"


PAGES = {
    "README.md": [readme],
    "CHANGELOG.md": [changelog],
    "tutorial.md": [tutorial],
    "analysis.md": [analysis],
    "points.md": [tolerances, spectra],
    "kernels.md": [kernels, frozen],
    "extending.md": [extending],
    "spec.md": [late],
    "how-to.md": [optimizers, flowers],
    "measures.md": [measures],
    "results.md": [reading],
    "scaling.md": [scaling],
    "reliability.md": [reliability],
    "threats.md": [threats],
}


@pytest.mark.parametrize(
    ("page", "sentences"),
    [pytest.param(page, part, id=f"{page} {part.__name__}") for page, parts in PAGES.items() for part in parts],
)
def test_sentences_of_a_page_agree_with_code_and_runs(page, sentences, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = text(page)
    expected = list(sentences())
    assert expected
    assert [sentence for sentence in expected if sentence not in whole] == []


def test_the_limits_of_the_readme_are_those_of_the_spec():
    assert "Networks up to 256 units wide and 8 layers deep, 4096 samples; CPU, or NVIDIA GPUs" in text("README.md")
    random = '[problem]\nname = "random"\nsamples = {}\ninputs = 1\noutputs = 1\n[network]\nhidden = {}\n'
    assert parse(random.format(4096, [256] * 8), Path()).spec.sizes == (1, *[256] * 8, 1)
    for samples, hidden in ((4097, [256]), (4096, [257]), (4096, [1] * 9)):
        with pytest.raises(SpecError):
            parse(random.format(samples, hidden), Path())
