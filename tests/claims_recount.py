"""Every check and every word of the claims page, computed again from the arrays of a result.

Nothing here comes from `saddlescape.claims`: a test fails if a sentence changes there or disagrees with the runs.
"""

import itertools
import math
import re
from decimal import ROUND_CEILING, Decimal

import numpy as np

from saddlescape.analysis import event_times, fit_scaling, xor_escape_constant
from saddlescape.analysis.points import Kind, derivatives, report
from saddlescape.plan import starts
from saddlescape.spec import load

FROZEN, PLATEAU, TRAPPED, SOLVED = 0, 2, 3, 4
X01 = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])


def count(n):
    return f"{round(n):,}".replace(",", " ") if n >= 1000 else f"{n:.3g}"


def share(mask):
    """Count the true elements of an array of bools, as text."""
    k, n = int(np.sum(mask)), int(np.size(mask))
    if k in (0, n):
        return f"all {count(n)}" if k else f"none of {count(n)}"
    digits = next(d for d in range(4) if 0 < float(f"{100 * k / n:.{d}f}") < 100)
    return f"{count(k)} of {count(n)} ({100 * k / n:.{digits}f} %)"


def joined(words):
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def by_scale(results, name):
    """Return the scales in ascending order, and an array in the same order."""
    order = np.argsort(results.coords["scale"])
    return results.coords["scale"][order], results[name][order]


def never(events):
    """Return the steps or times of events, inf if an event did not occur."""
    return np.array([e if e >= 0 else math.inf for e in events])


def never_is_late(events):
    return [sorted(never(row)) for row in events]


def median(row):
    return (row[(len(row) - 1) // 2] + row[len(row) // 2]) / 2


def xor(results):
    scale, outcome = by_scale(results, "outcome")
    rows = never_is_late(by_scale(results, "escape_step")[1])
    solved, runs, steps = (outcome == SOLVED).sum(axis=1), outcome.shape[1], results.sweep.spec.steps
    best = next(i for i in range(len(scale)) if solved[i] == max(solved))
    checks = [
        f"{share(outcome[0] == FROZEN)} runs from exact zero are frozen",
        f"in {share(by_scale(results, 'stop_step')[1][0] == 0)} the first step changes no bit of the state, so no "
        "later step will",
        "in exact arithmetic, the derivatives at zero predict that nothing moves",
        f"the network is able to learn: {share(outcome[best] == SOLVED)} starts of scale {scale[best]:g} solve XOR",
    ]

    def within(i, budget):
        return sum(step <= budget for step in rows[i]) / runs

    def stuck(budget):
        few = list(itertools.takewhile(lambda i: within(i, budget) < 0.05, range(len(scale))))
        return scale[few[-1]] if few else 0.0

    enough = list(itertools.takewhile(lambda i: within(i, 1000) >= 0.95, reversed(range(len(scale)))))
    where = (
        f"At scale {scale[-1]:g}, at least"
        if enough
        else f"At scale {scale[-1]:g}, the largest that was run, fewer than"
    )
    if len(enough) > 1:
        where = f"At scales from {scale[enough[-1]]:g} to {scale[-1]:g}, at least"
    most = [(s, median(row)) for s, row in zip(scale, rows, strict=True) if median(row) < math.inf]
    falls = len(most) > 1 and all(b < a for (_, a), (_, b) in itertools.pairwise(most))
    pair = [(a, b) for a, b in itertools.product(most, repeat=2) if abs(b[0] / a[0] / 10 - 1) < 1e-9]
    words = {
        "runs": count(runs),
        "small": f"{scale[1]:g}",
        "near": share(np.isfinite(rows[1])),
        "steps": count(steps),
        "best": f"{scale[best]:g}",
        "best_share": share(outcome[best] == SOLVED),
        "slower": f"The smaller the scale, the longer the escape: a median of {count(most[-1][1])} steps at scale "
        f"{most[-1][0]:g}, {count(most[0][1])} at scale {most[0][0]:g}."
        if falls
        else "",
        "share": "5 %",
        "budgets": ", ".join(
            f"within {count(b)} steps up to scale {stuck(b):g}" for b in (100, 1000, 10**4, 10**5) if b <= steps
        ),
        "enough": f"{where} 95 % of the starts leave XOR's plateau within 1 000 steps.",
        "tenfold": f"At scale {pair[0][0][0]:g} the median start takes {count(pair[0][0][1] / pair[0][1][1])} times "
        f"as many steps as at scale {pair[0][1][0]:g}."
        if pair
        else "",
    }
    return checks, words


def delta_rule(results):
    names, ways, scale = (list(results.coords[axis]) for axis in ("name", "stepper", "scale"))
    gd, times, solved = ways.index("gd"), ways.index("multiplicative"), results["outcome"] == SOLVED
    zero, others = scale.index(0), [i for i, s in enumerate(scale) if s]
    medians = [np.median(results["solve_step"][i, gd, j]) for i in range(len(names)) for j in others]
    through = solved[:, times, others]
    theta = results["start_theta"][:, times, others]
    right = (theta[..., 0] > 0) & (theta[..., 1] > 0) & (theta[..., 2] < 0)
    sentence = f"only starts whose signs happen to be right are solved: {share(through)}."
    if wrong := int((through & ~right).sum()):
        sentence = f"{share(through)} starts are solved, {wrong} of them with a wrong sign."
    checks = [
        f"the delta rule solves the problem in {share(solved[:, gd, zero])} runs from zero and in "
        f"{share(solved[:, gd, others])} "
        "from other scales",
        f"from zero it takes at most {count(results['solve_step'][:, gd, zero].max())} steps; from other scales "
        f"the median is {count(min(medians))} to {count(max(medians))} steps",
        f"with the multiplicative rule, {share(results['outcome'][:, times, zero] == FROZEN)} runs from zero are "
        "frozen",
    ]
    return checks, {"scale": f"{max(scale):g}", "through": sentence}


def hidden_gradient(results):
    """Gradients of AND 2-2-1 by the chain rule, in NumPy."""
    names, scale, start = results.coords["activation"], results.coords["scale"], results["theta"][..., 0, :]
    f = {"logistic": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}
    slope = {"logistic": lambda h: h * (1 - h), "tanh": lambda h: 1 - h**2}
    inputs, target, hidden, output, moved = np.c_[X01, np.ones(4)], np.array([0, 0, 0, 1.0]), [], [], {}
    for i, name in enumerate(names):
        w, v = start[i][..., :6].reshape(*start[i].shape[:-1], 2, 3), start[i][..., 6:]
        h = f[name](np.einsum("srjk,nk->srnj", w, inputs))
        h1 = np.concatenate([h, np.ones((*h.shape[:-1], 1))], axis=-1)
        y = f["logistic"](np.einsum("srnj,srj->srn", h1, v))
        delta = (y - target) * y * (1 - y)
        hidden.append(
            np.linalg.norm(np.einsum("srn,srj,srnj,nk->srjk", delta, v[..., :2], slope[name](h), inputs), axis=(2, 3))
        )
        output.append(np.linalg.norm(np.einsum("srn,srnj->srj", delta, h1), axis=-1))
        moved[name] = np.linalg.norm(np.diff(results["theta"][i, scale == 0, 0, :3, :6], axis=1)[0, 1])
    hidden, output = np.array(hidden), np.array(output)
    near = (scale > 0) & (scale <= 0.1)
    powers = [np.polyfit(np.log(scale[near]), np.log(np.median(row[near], axis=1)), 1)[0] for row in hidden]
    checks = [
        f"at exact zero the gradient of the hidden layer has length {hidden[:, scale == 0].max():g}, that of the "
        f"output layer at least {output[:, scale == 0].min():.3g} ({joined(names)} units)",
        "near zero the gradient of the hidden layer grows like the scale to the power "
        + joined(f"{p:.3f} ({name})" for name, p in zip(names, powers, strict=True)),
    ]
    nonzero, zero = [n for n in names if moved[n]], [n for n in names if not moved[n]]
    sentences = []
    if nonzero:
        sentences.append(
            f"The next steps depend on the activation. If f(0) is not 0 ({', '.join(nonzero)}), the output weights "
            "move in the first step. In the second step the gradient of the hidden layer is not zero (length "
            f"{', '.join(count(moved[n]) for n in nonzero)}), but it is the same for all units (claim 4)."
        )
    if zero:
        sentences.append(
            f"If f(0) = 0 ({', '.join(zero)}), not even the output weights move, and only the output's bias learns "
            "(claim 6)."
        )
    return checks, {"runs": count(results.dims["run"]), "followed": " ".join(sentences)}


def equal_units(results):
    kinds, scale = list(results.coords["kind"]), results.coords["scale"]
    tied, normal = kinds.index("tied"), kinds.index("normal")
    loss, solved = results["final_loss"][tied], results["outcome"] == SOLVED
    above, shown = f"{loss.min() - 1 / 3:.0e}", loss[:, scale == 1]
    tail = f": the closest stays {above} above it" if loss.min() > 1 / 3 else ""
    checks = [
        f"in {share(results['final_separation'][tied] == 0)} runs with equal units "
        f"({' or '.join(results.coords['hidden'])} of them, scales from {scale.min():g} to {scale.max():g}) "
        "the units are still equal to the last bit after up to "
        f"{count(results['stop_step'].max())} steps",
        f"{share(loss <= 1 / 3)} reach a loss of 1/3{tail}",
        f"{share(solved[normal])} runs with different units solve XOR, with equal units {share(solved[tied])}",
    ]
    nearest = f"The closest run with equal units stays {above} above it."
    return checks, {
        "nearest": nearest if tail else "At least one run with equal units reached it nevertheless.",
        "down": share(shown - 1 / 3 < 0.01),
        "near": "0.01",
        "below": share(shown < 1 / 3),
    }


def many_starts(results):
    scale, outcome = by_scale(results, "outcome")
    solved, runs, one = (outcome == SOLVED).sum(axis=1), outcome.shape[1], int(np.flatnonzero(scale == 1)[0])
    best, trapped = [i for i in range(len(scale)) if solved[i] == max(solved)], outcome == TRAPPED
    top, worst = joined(f"{scale[i]:g}" for i in best), int(np.argmax(trapped.sum(axis=1)))
    distinct = by_scale(results, "distinct_starts")[1][0]
    outcomes = "one outcome" if len({*outcome[0]}) == 1 else "several outcomes"

    def needed(i):
        p = solved[i] / runs
        return 1 if p == 1 else math.ceil(math.log(0.01) / math.log(1 - p)) if p else math.inf

    edge = ", the smallest but zero that was run" if best[0] == 1 else ""
    checks = [
        f"all starts of scale {top} solve XOR"
        if max(solved) == runs
        else f"at no scale do all starts solve XOR: at best {share(outcome[best[0]] == SOLVED)}, at scale {top}",
        f"{share(trapped[one])} different starts get trapped at scale 1; at most {share(trapped[worst])} do, at scale "
        f"{scale[worst]:g}",
        f"{count(runs)} runs from zero have {distinct} distinct start and {outcomes}: {share(outcome[0] == SOLVED)} "
        "solve XOR",
    ]
    caught = by_scale(results, "outcome")[1][one] == TRAPPED
    theta, final = (by_scale(results, name)[1][one, caught] for name in ("start_theta", "final_theta"))
    before, after = (np.median(np.sqrt((rows**2).sum(axis=1))) for rows in (theta, final))
    losses = by_scale(results, "final_loss")[1][one, caught].round(2)
    grad_norm = by_scale(results, "final_grad_norm")[1][one, caught].max()
    kinds = report(results.sweep.at((int(np.flatnonzero(results.coords["scale"] == 1)[0]),)), final).kind
    other = sum(kind not in (Kind.AT_INFINITY, Kind.MINIMUM) for kind in kinds)
    ends = (
        f"Continued with Newton's method, {share(kinds == Kind.AT_INFINITY)} go to infinity, "
        f"{share(kinds == Kind.MINIMUM)} converge to a minimum" + (f", {other} do neither." if other else ".")
    )
    if Kind.AT_INFINITY in kinds and Kind.MINIMUM not in kinds:
        ends += (
            " So such a trap is not a bowl but a valley whose floor falls ever more gently: one may call it a minimum "
            "at infinity. For training this makes no difference."
        )
    rule = int(np.argmin(abs(scale - 0.5**0.5)))
    few = needed(best[0])
    words = {
        "best": top,
        "edge": ", the largest that was run" if best[-1] == len(scale) - 1 else edge,
        "best_share": share(outcome[best[0]] == SOLVED),
        "steps": count(results.sweep.spec.steps),
        "rule": f"{scale[rule]:g}",
        "rule_share": share(outcome[rule] == SOLVED),
        "largest": f"{scale[-1]:g}",
        "largest_share": share(outcome[-1] == SOLVED),
        "few": "no number of starts is" if few == math.inf else f"{few} start is" if few == 1 else f"{few} starts are",
        "runs": count(runs),
        "sure": "99 %",
        "needed": ", ".join(
            f"{needed(i)} at scale {scale[i]:g}" for i in sorted({best[0], one, len(scale) - 1}) if needed(i) < math.inf
        ),
        "from_zero": "" if solved[0] else "At zero no number of starts is enough.",
        "trapped": count(sum(caught)),
        "levels": joined(f"{x:g} ({count(sum(losses == x))} runs)" for x in sorted({*losses})),
        "rest": f"At the end the norm of the gradient is at most {_bound(grad_norm)}, and the median norm of the "
        f"parameters has {'grown' if after > before else 'shrunk'} from {before:.1f} to {after:.1f}.",
        "minima": ends,
    }
    return checks, words


def _bound(value):
    """Round up to one digit."""
    exact = Decimal(float(value))
    return f"{float(exact.quantize(Decimal((0, (1,), exact.adjusted())), ROUND_CEILING)):.0e}"


def priors(results):
    names, scale, noise = list(results.coords["name"]), results.coords["scale"], results.coords["noise"]
    solved, runs = results["outcome"] == SOLVED, results.dims["run"]
    width, shaken = solved[:, list(noise).index(0)], solved[:, :, list(scale).index(0)]
    targets = {"and": [0, 0, 0, 1], "xor": [0, 1, 1, 0]}
    means = {name: sum(targets[name]) / 4 for name in names}
    outputs = []
    for i in range(len(names)):
        *rest, bias = results.at("final_theta", (i, list(noise).index(0), list(scale).index(0)))[0]
        outputs.append("nan" if any(rest) else f"{1 / (1 + math.exp(-bias)):.6g}")

    def top(rows, values):
        i = max(range(len(values)), key=lambda i: (rows[i].sum(), -i))
        return rows[i], values[i]

    def listed(kind, runs_of, values):
        best = [(name, *top(rows, values)) for name, rows in zip(names, runs_of, strict=True)]
        return ", ".join(f"{name.upper()} {share(rows)} solved at {kind} {value:g}" for name, rows, value in best)

    def least(rows, values):
        return min((v for v, row in zip(values, rows, strict=True) if row.sum() > runs / 2), default=None)

    def needs(name, wide, noisy):
        w, n = least(wide, scale), least(noisy, noise)
        if w is None or n is None:
            return f"For {name.upper()} no {'width' if w is None else 'noise'} that was run is enough."
        easy = w <= sorted(scale)[1] and n <= sorted(noise)[1]
        enough = "the least width or noise that was run is enough" if easy else "it takes more"
        return f"For {name.upper()} {enough} (width {w:g}, noise {n:g})."

    harm = [
        f"{kind} {max(values):g} solves fewer starts of {name.upper()} than {kind} {top(rows, values)[1]:g}"
        for kind, runs_of, values in (("width", width, scale), ("noise", shaken, noise))
        for name, rows in zip(names, runs_of, strict=True)
        if rows[int(np.argmax(values))].sum() < rows.sum(axis=1).max()
    ]
    of_xor = top(shaken[names.index("xor")], noise)
    checks = [
        "without width and noise only the output's bias has learned, and the output is the mean target: "
        + ", ".join(f"{n.upper()} {y} (mean {means[n]:g})" for n, y in zip(names, outputs, strict=True)),
        f"width alone makes the inputs matter: {listed('scale', width, scale)}",
        f"so does noise alone: {listed('noise', shaken, noise)}",
    ]
    return checks, {
        "runs": count(runs),
        "means": joined(f"{means[n]:g} for {n.upper()}" for n in names),
        "needs": " ".join(needs(*row) for row in zip(names, width, shaken, strict=True)),
        "harm": f"Too much is harmful: {joined(harm)}." if harm else "",
        "noise_share": share(of_xor[0]),
        "noise_best": f"{of_xor[1]:g}",
    }


def saddle(results):
    scale, escape = results.coords["scale"], results["escape_time"]
    frozen = results["outcome"][:, scale == 0] == FROZEN
    near = (scale > 0) & (scale <= 0.05)
    fits = [
        fit_scaling(scale[near], *event_times(*(results[name][i, near] for name in EVENTS)), law)
        for i, law in ((1, "power"), (0, "logarithm"))
    ]
    spectra = [np.linalg.eigvalsh(_hessian(results.sweep.at((i, 0)))) for i in (0, 1)]
    logistic = np.linalg.eigvalsh(_hessian(load("xor").spec))
    (copy_near, copy_far), (xor_near, xor_far) = (
        [median(never_is_late(escape[i, scale == s])[0]) for s in (0.01, 0.1)] for i in (0, 1)
    )
    power, logarithm = fits
    directions = starts.draw(results.sweep.at((1, int(np.argmax(scale)))), np.arange(results.dims["run"]), 1.0)
    constant = xor_escape_constant(directions, "pm1")
    checks = [
        f"{share(frozen)} runs from exact zero stop at once",
        "the gradient at zero is exactly 0, and next to it the loss rises in one direction and falls in another",
        f"the saddle of the copy problem is strict: its Hessian has the eigenvalues {_listed(spectra[0])}",
        f"the saddle of XOR is not strict: {_listed(spectra[1])}; with logistic units {_listed(logistic)}",
        f"up to scale 0.05 the escape time of XOR grows like the scale to the power {power.slope:.3f} "
        f"[{power.low:.3f}, {power.high:.3f}]; theory predicts -2",
        "at the smallest scale, the escape times of XOR are "
        f"{np.median(never(escape[1, scale == 0.01][0]) * 0.01**2 / constant):.3f} times the prediction from the "
        "fourth-order term of the loss (median)",
        f"the escape time of the copy problem grows like {logarithm.slope:.3f} ln(1 / scale); its negative curvature "
        f"predicts {-1 / spectra[0][0]:.3f}",
    ]
    return checks, {
        "runs": count(results.dims["run"]),
        "slope": "0.25",  # of AND's output bias: (3/2 - 1/2) / 4, by hand
        "near": "0.01",
        "far": "0.1",
        "fast": count(copy_near),
        "slow": count(xor_near),
        "more": count(copy_near - copy_far),
        "longer": count(xor_near / xor_far),
    }


EVENTS = ("escape_time", "stop_time", "stop_reason")


def _hessian(spec):
    """Compute the Hessian from differences of the gradient at zero."""
    step = 1e-4
    ends = [derivatives(spec, sign * step * np.eye(spec.n_params)).gradient for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * step)


def _listed(values):
    rounded = sorted((float(f"{v:.4f}") + 0.0 for v in values), reverse=True)
    groups = [(value, len(list(same))) for value, same in itertools.groupby(rounded)]
    return ", ".join(f"{n} x {v:g}" if n > 1 else f"{v:g}" for v, n in groups)


def usually(results):
    table, axes = {}, [name for name in results.dims if name != "run"]
    for index in np.ndindex(*(results.dims[name] for name in axes)):
        key = tuple(str(results.coords[name][i]) for name, i in zip(axes, index, strict=True))
        final = results["final_theta"][index][0]
        path = np.vstack([results.at("theta", index)[0], final[None]])
        moved = np.flatnonzero((np.nan_to_num(path) != 0).any(axis=0)).tolist()
        moves = {0: "stays", 1: "moves: the output bias"}.get(len(moved), "moves: everything, the units alike")
        if len(moved) > 1 and (final[:3] != final[3:6]).any():
            moves = "moves: everything, each unit its own way"
        table[key] = (
            moves,
            bool(results["outcome"][index][0] == SOLVED),
            bool(results["final_separation"][index][0] == 0),
        )
        assert moved in ([], [8], list(range(9)))
    balanced = [key for key in table if key[3:] == ("xor", "full")]
    stays, learned = [k for k in table if table[k][0] == "stays"], [k for k in table if table[k][1]]
    moving, silent = [k for k in table if k not in stays], [k for k in table if k[0] in ("tanh", "relu")]
    n, only_bias = len(table), [table[k][0] in ("stays", "moves: the output bias") for k in silent]
    who = [joined(sorted({f(k) for k in learned}) or ["nothing"]) for f in (lambda k: k[3].upper(), lambda k: k[0])]
    checks = [
        f"in all {n} combinations exactly those parameters move that the derivatives at zero predict",
        f"{share([k in stays for k in table])} starts never move; the errors of a batch cancel in {len(balanced)} "
        f"(claim 7): these are {'' if stays == balanced else 'not '}the same",
        f"where the hidden units output 0 at zero (claim 6), in {share(only_bias)} combinations at most the output's "
        "bias moves",
        f"of the starts that move, {share([table[k][2] for k in moving])} have equal hidden units, to the last bit, at "
        "the end (claim 4)",
        f"{share([k in learned for k in table])} starts solve their problem: {who[0]} with {who[1]} units; XOR is "
        f"{'' if 'XOR' in who[0] else 'not '}among them",
    ]
    fates = {k: f"{table[k][0]}; {'learns' if table[k][1] else 'never learns'}" for k in table}
    cells = {}
    for key, fate in fates.items():
        cells.setdefault((key[0], *key[3:]), set()).add(fate)
    mixed = [" ".join(key) for key, different in cells.items() if len(different) > 1]
    losses, optimizers = (joined(sorted({k[i] for k in table})) for i in (1, 2))
    return checks, {
        "n": str(n),
        "fourth": f"The loss or the optimizer matters as well, for {joined(mixed)}."
        if mixed
        else f"The loss ({losses}) and the optimizer ({optimizers}) make no difference here, where outputs are "
        "logistic.",
        "summary": [
            [units, *(" or ".join(sorted(same)) for key, same in cells.items() if key[0] == units)]
            for units in dict.fromkeys(key[0] for key in table)
        ],
        "all": [[*key, fate] for key, fate in fates.items()],
    }


ZEROS = """
nothing | 0 | yes | draw everything at random | yes
the biases | 0 | yes | biases may be zero | yes
all weights, but not the biases | 0 | yes | never start with weights at zero | no
the output layer's weights | 0 | yes | never start with weights at zero | no
the hidden layer's weights | 0 | yes | never start with weights at zero | no
the hidden layer (equal units, unequal output weights) | 0 | yes | never start with weights at zero | no
all weights and biases | 0 | no | never start with weights at zero | no
nothing; all are 1 | 0 | no | equal units stay equal | no
nothing; scale 0.1 | 8 | yes | start with small random weights | yes
nothing; scale 0.1, weight decay 0.003 | 8 | no | start with small random weights | yes
the residual branch, the hidden layer | 0 | yes | start residual branches at zero | yes
all layers of a residual network | 10 | no | skip connections make zero safe | yes
one of two factors (linear 2-1-1), as in LoRA | 12 | yes | start one factor at zero | yes
both factors | 12 | no | never start with weights at zero | no
nothing; all are 1, dropout 0.05 | 0 | yes | equal units stay equal | no
all weights and biases, dropout 0.05 | 0 | yes | never start with weights at zero | no
"""
NAMES = ("frozen", "symmetric", "plateau", "trapped", "solved", "diverged", "fitted", "collapsed")


def which_zeros(results):
    rows = [line.split(" | ") for line in ZEROS.split("\n") if line]
    runs = [
        results.dims["run"] if "dropout" in row[0] else n
        for row, n in zip(rows, results["distinct_starts"], strict=True)
    ]
    solved = [row[:n] == SOLVED for row, n in zip(results["outcome"], runs, strict=True)]
    mean = [row.mean() for row in solved]
    learned = [m > 0 and m >= mean[int(row[1])] - 0.1 for m, row in zip(mean, rows, strict=True)]
    theory = [row[2] == "yes" for row in rows]
    right = [("yes" if learns else "no") == row[4] for learns, row in zip(learned, rows, strict=True)]
    parts = [i for i, row in enumerate(rows) if row[1] == "0" and theory[i]]
    least = min(parts, key=lambda i: mean[i])
    others = [row for row, learns in zip(solved, theory, strict=True) if not learns]
    checks = [
        f"in {share(np.equal(theory, learned))} rows starts learn unless all layers are zero, or units are equal and "
        "nothing makes them different, or weight decay holds them",
        f"with a part at zero, starts learn nearly as often as with nothing at zero ({share(solved[0])}): at least "
        f"{share(solved[least])} ({rows[least][0]})",
        f"{share(np.concatenate(others))} starts solve their problem in the others: "
        + joined(row[0] for row, learns in zip(rows, theory, strict=True) if not learns),
    ]
    sayings = {}
    for row, true in zip(rows, right, strict=True):
        sayings.setdefault(row[3], []).append(true)
    quoted = {saying: f"\u201c{saying}\u201d" for saying in sayings}
    half = {s: f" (right in {sum(t)} of {len(t)} rows)" for s, t in sayings.items()}
    most = [NAMES[max(range(len(NAMES)), key=lambda code, row=row: np.sum(row == code))] for row in results["outcome"]]
    return checks, {
        "runs": count(results.dims["run"]),
        "table": [
            [row[0], share(hits), word, row[3], "right" if true else "wrong"]
            for row, hits, word, true in zip(rows, solved, most, right, strict=True)
        ],
        "right": joined([quoted[s] for s, t in sayings.items() if min(t)] or ["nothing"]),
        "half": joined([quoted[s] + half[s] for s, t in sayings.items() if max(t) > min(t)] or ["nothing"]),
        "wrong": joined([quoted[s] for s, t in sayings.items() if not max(t)] or ["nothing"]),
    }


def decay_trap(results):
    rows = [i for i, decay in enumerate(results.coords["weight_decay"]) if decay]
    free = [i for i in range(results.dims["decay"]) if i not in rows]
    start, escape, codes = results["start_theta"], results["escape_step"] >= 0, results["outcome"]
    spectra, right, near, held = [], [], [], []
    for i in rows:
        spec, decay = results.sweep.at((i,)), results.coords["weight_decay"][i]
        values = np.linalg.eigvalsh(derivatives(spec, np.zeros((1, 9))).hessian[0]).round(6)
        spectra.append(f"{values[-1]:g}, 8 x {values[0]:g}")
        held.append(2 * decay * xor_escape_constant(start[i], "pm1") >= 1)
        right.append(f"{share(held[-1] != escape[i])} at {decay:g}")
        near.append(np.sqrt((start[i] ** 2).sum(axis=1)) < np.sqrt(decay * (1 + np.sqrt(5))) / 2)
    inside = ~escape[rows][np.array(near)]
    checks = [
        "with decay, zero is a strict minimum of the objective: the eigenvalues of its Hessian are "
        + "; ".join(spectra),
        f"without decay {share(escape[free])} starts escape; with it {share(escape[rows])} starts, as close to zero "
        "in proportion, do",
        f"the others are at zero at the end: {share(codes[~escape] == 7)} have collapsed",
        "start by start, a start is held if 2 decay c >= 1, c its escape time without decay: right for "
        + ", ".join(right),
        f"{share(inside)} starts within sqrt(decay (1 + sqrt 5)) / 2 of zero are held",
    ]
    words = {"runs": count(results.dims["run"]), "escaped": share(escape[rows]), "predicted": share(~np.array(held))}
    return checks, words


def sgd(results):
    rate, orders, codes = results.coords["learning_rate"], list(results.coords["batch"]), results["outcome"]
    collapsed, single = codes == 7, [row for row, name in enumerate(orders) if name != "full"]
    online, full = collapsed[orders.index("online")], collapsed[orders.index("full")]
    few, many = rate < 1, rate > 1
    checks = [
        f"with one sample a step, {share(online[rate == 0.95])} starts collapse at rate 0.95, and "
        f"{share(online[rate == 1.05])} at 1.05",
        "the threshold is where the law has it, at rate 1: whatever the order of the samples, "
        f"{share(collapsed[single][:, few])} runs collapse up to rate {rate[few].max():g}, and "
        f"{share(collapsed[single][:, many])} from {rate[many].min():g} on",
        f"with all samples in a step, {share(full)} runs collapse, at any rate",
        "near zero, an epoch of single samples multiplies the distance from zero as the law says, to within 0.002 of "
        "its logarithm; with all samples in a step it grows at every rate",
    ]
    tangent = np.array([1, 2]) * (math.sqrt(5) - 1) / 2 % 1 - 0.5  # its part along a = b grows by 1 + 1.05 / 2
    along = abs(tangent.sum()) / math.hypot(*tangent) / math.sqrt(2)
    words = {
        "runs": count(results.dims["run"]), "threshold": "1", "high": "1.05", "epochs": "2 000",
        "shrinks": f"{2.05 * 0.475:.3f}", "grows": f"{1.525 * along ** (1 / 2000):.2f}",
    }  # fmt: skip
    return checks, words


def small_starts(results):
    scale, loss, runs = results.coords["scale"], results["final_loss"], results.dims["run"]
    x, t = np.array([-0.75, -0.5, 0.125]), np.array([1.1, 0.1, 0.8])
    slope, level = np.polyfit(x, t, 1)
    line = ((slope * x + level - t) ** 2).sum() / 2
    left = (loss > 0.99 * line) & (loss < 1.01 * line)
    mean = left.mean(axis=1)
    alone, together = 0.8 * math.hypot(0.125, 1), math.hypot(t @ x, t.sum())
    power = alone / together
    some = [-math.log(m) / s**power for m, s in zip(mean, scale, strict=True) if 0 < m < 1]
    k = float(np.median(some)) if some else math.inf
    off = max(abs(m - math.exp(-k * s**power)) for m, s in zip(mean, scale, strict=True))
    all_solved = [s for s, row in zip(scale, results["outcome"], strict=True) if (row == SOLVED).all()]
    rest = max(results["final_grad_norm"][left], default=0.0)
    able = "from no scale do all starts fit the points"
    if len(all_solved) == 1:
        able = f"the network can fit the points: at scale {all_solved[0]:g} all {runs} starts do"
    elif all_solved:
        ends = f"{min(all_solved):g} to {max(all_solved):g}"
        able = f"the network can fit the points: at scales from {ends} all {runs} starts do"
    checks = [
        able,
        f"from scale {scale[0]:g} {share(left[0])} starts end at the best straight line, at the loss {line:.7f}",
        f"there the gradient is zero (norm at most {rest:.1g}): these runs are not late but at rest",
        "the larger the scale, the fewer: "
        + ", ".join(f"{row.sum()} at {s:g}" for row, s in zip(left, scale, strict=True)),
        f"the shares are those of exp(-k scale^{power:.3f}) to within {100 * off:.0f} points; only k is fitted",
    ]
    half = min(zip(mean, scale, strict=True), key=lambda pair: abs(pair[0] - 0.5))[1]
    steps = count(results.sweep.spec.steps)
    return checks, {"runs": count(runs), "power": f"{power:.3f}", "steps": steps, "half": f"{half:g}"}


def bigger_steps(results):
    rates, runs = results.coords["learning_rate"], results.dims["run"]
    free, learned = {}, 0
    flat, capped, worse, tops, last = 0, 0, 0, [], []
    for k, rate in enumerate(rates):
        ends = {
            run: s
            for run, (s, loss) in enumerate(zip(results["final_sharpness"][k], results["final_loss"][k], strict=True))
            if loss < 1e-6
        }
        free, learned, last = free or ends, learned + len(ends), sorted(ends.values())
        worse += sum(s > 2 / rate for s in last)
        held = [run for run in ends if run in free and free[run] > 2 / rate]
        capped, flat = capped + len(held), flat + sum(ends[run] < free[run] for run in held)
        if 2 / rate < max(free.values()):
            tops.append(f"{last[-1]:.3g} of {2 / rate:.3g} at {rate:g}")
    shares = []
    for path in results["sharpness"][-1]:
        seen = path[np.isfinite(path)]
        shares.append((seen > 2 / rates[-1]).sum() / len(seen))
    sharp_steps = 100 * sum(shares) / len(shares)
    first, low, high = rates[0], min(free.values()), max(free.values())
    of_all = share(np.arange(runs) < len(free))
    checks = [
        f"{of_all} runs learn at the smallest rate, {first:g}, and end with a sharpness of {low:.3g} to {high:.3g}",
        f"{share(np.arange(learned) < worse)} runs that learn end sharper than 2 / rate",
        f"{share(np.arange(capped) < flat)} runs from starts that at rate {first:g} end sharper than 2 / rate end"
        " flatter",
        f"the sharpest runs end close to 2 / rate: {', '.join(tops)}",
        f"on the way they are above it: at rate {rates[-1]:g} in {sharp_steps:.0f} % of the recorded steps",
    ]
    words = {"runs": count(runs), "smallest": f"{first:g}", "largest": f"{rates[-1]:g}"}
    return checks, words | {"sharp": f"{np.median([*free.values()]):.3g}", "flat": f"{np.median(last):.3g}"}


def rows_of(table):
    """Return the text of the cells of an HTML table, without its header."""
    rows = re.findall("<tr>(.*?)</tr>", table.partition("<tbody>")[2])
    return [[cell.replace("<br>", " ") for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


RECOUNT = {
    "1-xor": xor,
    "2-delta-rule": delta_rule,
    "3-hidden-gradient": hidden_gradient,
    "4-equal-units": equal_units,
    "5-many-starts": many_starts,
    "6-priors": priors,
    "7-saddle": saddle,
    "8-usually": usually,
    "9-which-zeros": which_zeros,
    "10-decay-trap": decay_trap,
    "11-sgd": sgd,
    "12-small-starts": small_starts,
    "13-bigger-steps": bigger_steps,
}
