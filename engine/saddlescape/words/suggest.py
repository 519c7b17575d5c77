"""Suggestions for unknown words: what other software calls a known word, or a similar spelling."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Any

from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.losses import LOSSES
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.problems import PROBLEMS
from saddlescape.words.schedules import SCHEDULES
from saddlescape.words.starts import STARTS

FLOOR = 0.66
"""Minimum similarity (`difflib`) of a word to its suggestion: "lag" and "log" have 0.67."""

ALIAS_FLOOR = 0.8
"""Minimum similarity of a word to an alias of its suggestion: "sigmoyd" and "sigmoid" have 0.86."""

MANY = 30
"""Maximum number of known words that are listed one by one."""

LONGEST = 80
"""Number of characters of a word that are compared."""

_SAME = {
    # keys
    "training.learning_rate": "lr rate eta alpha step_size learning_rate_init stepsize base_lr",
    "training.optimizer": "optimizer optim optimiser solver method update_rule algorithm",
    "training.loss": "criterion cost objective loss_fn loss_function",
    "training.steps": "steps iterations max_iter n_iter iters max_steps n_steps num_steps updates stop.steps",
    "training.epochs": "n_epochs num_epochs max_epochs epoch",
    "training.batch": "batch_size minibatch mini_batch",
    "training.weight_decay": "l2 decay regularization regularisation wd lambda",
    "training.l1": "lasso l1_lambda l1_penalty l1_reg l1_regularization",
    "training.bias_rate": "bias_lr bias_learning_rate bias_lr_mult",
    "training.reduction": "reduce loss_reduction",
    "training.warmup": "warmup_steps num_warmup_steps n_warmup warm_up warmup_iters",
    "training.schedule_steps": "schedule_step lr_step decay_steps",
    "training.schedule_decay": "gamma lr_decay decay_rate",
    "training.epsilon": "eps",
    "training.smoothing": "rho",
    "training.momentum_decay": "psi",
    "training.clip": "clip_norm max_norm grad_clip gradient_clip clip_grad_norm clipnorm gradient_clip_val clip_grad",
    "training.growth_max": "growth max_growth growth_factor max_factor",
    "training.schedule": "scheduler lr_scheduler lr_schedule",
    "training.time": "t_max t_end duration",
    "network.hidden": "hidden hidden_size hidden_sizes hidden_units hidden_layer_sizes layers width widths units sizes",
    "network.activation": "activation_function nonlinearity act act_fn",
    "network.output": "output_activation out_activation",
    "network.bias": "use_bias fit_intercept intercept",
    "network.dtype": "dtype precision",
    "network.skip": "skip_connections skips shortcut shortcuts residual residuals resnet direct direct_connections",
    "starts.kind": "init initializer initialiser initialization initialisation kernel_initializer distribution",
    "starts.scale": "std stddev sigma sd gain scale init_scale",
    "starts.count": "runs n_runs n_starts num_starts samples_per_point n trials repeats restarts count starts.runs",
    "starts.layer_scales": "layer_scale gains layer_gains",
    "starts.bias_constant": "bias_init bias_value bias_initializer init_bias",
    "starts.centre": "center mean loc offset shift",
    "starts.seed": "seed random_state rng random_seed",
    "stop.solved": "stop.tol stop.tolerance stop.solve stop.error",
    "stop.gradient": "stop.grad stop.grad_norm stop.gtol",
    "problem.name": "problem.kind problem.task problem.problem problem.dataset problem.data dataset task",
    "problem.file": "problem.path problem.csv problem.filename",
    "problem.samples": "n_samples num_samples n_points num_points",
    "problem.inputs": "n_features num_features",
    "problem.classes": "n_classes num_classes centers",
    "problem.noise": "cluster_std noise_std",
    "problem.label_noise": "flip_y label_flip",
    "problem.balance": "class_balance class_weights imbalance_ratio",
    "problem.test_file": "validation_file val_file test_data test_set validation_data",
    "problem.test_fraction": "test_size validation_split validation_fraction val_fraction test_split",
    "problem.test_seed": "split_seed",
    "problem.standardize": "standardise normalize_inputs standard_scaler z_score",
    "accuracy": "acc train_accuracy",
    "test_accuracy": "val_accuracy validation_accuracy val_acc test_acc",
    "test_loss": "val_loss validation_loss",
    "rms_error": "rmse root_mean_squared_error",
    "sharpness": "lambda_max max_eigenvalue largest_eigenvalue top_eigenvalue hessian_max_eigenvalue",
    "hessian_trace": "trace laplacian",
    "ntk_change": "kernel_change ntk_distance ntk",
    "ntk_condition": "condition_number kernel_condition",
    "lyapunov": "lyapunov_exponent max_lyapunov",
    "lyapunov_zero": "transverse_lyapunov transverse_lyapunov_zero",
    "lyapunov_units": "transverse_lyapunov_units",
    "left_basin": "basin basin_event basin_step",
    "dead_units": "dead_neurons dead_relus inactive_units",
    "record.runs": "record.trajectories record.count",
    "record.fields": "record.measures record.metrics metrics",
    # sections
    "problem": "data",
    "network": "model net architecture",
    "starts": "start weights",
    "training": "train trainer",
    "record": "logging log",
    "axes": "axis sweep grid",
    # words
    "solved": "success converged",
    "diverged": "nan exploded",
    "final_loss": "loss_final last_loss",
}
"""Known words, and what PyTorch, Keras, scikit-learn and others call the same; keys of a spec by their dotted paths.

Rows of `TABLES` have their own aliases and similar names."""

TABLES: tuple[Mapping[str, Any], ...] = (ACTIVATIONS, LOSSES, OPTIMIZERS, PROBLEMS, SCHEDULES, STARTS)

_NOT_HERE = (
    "mae l1 l1_loss mean_absolute_error hinge nll nll_loss kl kl_div elu selu celu prelu rrelu relu6 hard_tanh "
    "hard_sigmoid hard_swish softsign log_softmax lbfgs bfgs l_bfgs radam lamb newton "
    "stop.loss stop.patience early_stopping"
)
"""Words of the field that have no counterpart here, however similar the spelling of a known word is."""


def plain(word: str) -> str:
    """A word in lower case, without hyphens, underscores and spaces."""
    return re.sub(r"[_\-\s]", "", word.lower())


ALIASES: dict[str, list[str]] = {}
_rows = (pair for table in TABLES for pair in table.items())
_names = [*((n, w.split()) for n, w in _SAME.items()), *((n, (*row.aliases, *row.similar)) for n, row in _rows)]
for _name, _words in _names:
    for _word in _words:
        ALIASES.setdefault(plain(_word), []).append(_name)
MISSING = frozenset(map(plain, _NOT_HERE.split()))


def nearest(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the known word that `word` resembles most, or else the list of known words."""
    return hint(word, known) or f"; known: {', '.join(_listed(word, known))}"


def hint(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the known word that `word` resembles most, or ""."""
    suggestion = next(_candidates(word[:LONGEST], known), None)
    return f"; did you mean {suggestion!r}?" if suggestion else ""


def similar_file(path: Path, known: Iterable[Path]) -> str:
    """``; did you mean 'x'?`` for the known path whose name, without .toml and .h5, `path` resembles most, or ""."""
    names = {each.name.removesuffix(".toml").removesuffix(".h5"): each for each in known}
    near = [like for name in (path.name, path.stem) for like in get_close_matches(name, names, n=1, cutoff=FLOOR)]
    return f"; did you mean {str(names[near[0]])!r}?" if near else ""


def _candidates(word: str, known: Collection[str]) -> Iterator[str]:
    """Known words that `word` may stand for, the likeliest first; the last part of a dotted path is compared, too."""
    names = (plain(word), plain(_last(word)))
    yield from (name for name in known if plain(name) == names[0])
    if names[0] in MISSING:
        return
    for name in dict.fromkeys(names):
        yield from (own for alias in ALIASES.get(name, ()) for own in (alias, _last(alias)) if own in known)
    if names[1] in MISSING:
        return
    yield from (name for name in known if plain(_last(name)) == names[1])
    scores = {name: _similarity(word, name) for name in known}
    yield from sorted((name for name, score in scores.items() if score >= FLOOR), key=lambda name: -scores[name])
    aliases = ((alias, own) for alias, names in ALIASES.items() for own in names if own in known)
    yield from (own for alias, own in aliases if _similarity(plain(word), alias) >= ALIAS_FLOOR)


def _last(word: str) -> str:
    return re.split(r"[./]", word)[-1]


def _similarity(word: str, name: str) -> float:
    """Similarity of two spellings, from 0 to 1; a section or folder that both begin with is not compared."""
    a, b = word.lower(), name.lower()
    if a.removesuffix(_last(a)) in ("", b.removesuffix(_last(b))):
        a, b = _last(a), _last(b)
    match = SequenceMatcher(None, a, b)
    return match.ratio() if min(match.real_quick_ratio(), match.quick_ratio()) >= FLOOR else 0.0


def _listed(word: str, known: Collection[str]) -> list[str]:
    """The known words; if there are too many, those in the section of `word`, or else the sections."""
    section = word.removesuffix(_last(word))
    if len(known) <= MANY:
        return list(known)
    in_section = [name for name in known if section and name.startswith(section)]
    return in_section or list(dict.fromkeys(re.sub(r"(?<=[./]).*", "*", name) for name in known))
