"""Write the tables of the pages from the vocabulary: python docs/tables.py."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from saddlescape.spec.keys import KEYS
from saddlescape.spec.takes import takes
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.losses import LOSSES
from saddlescape.words.measures import MEASURES
from saddlescape.words.optimizers import HYPERPARAMETERS, OPTIMIZERS, owners
from saddlescape.words.outcomes import Outcome, StopReason
from saddlescape.words.problems import PROBLEMS
from saddlescape.words.schedules import SCHEDULES
from saddlescape.words.starts import STARTS
from saddlescape.words.variables import COORDINATES, VARIABLES, Variable

PAGES = [Path(__file__).parent / name for name in ("spec.md", "measures.md", "file-format.md")]
Row = Sequence[str]


def table(head: Row, rows: Iterable[Row]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(re.sub(r"\|  +", "| ", f"| {' | '.join(line)} |") for line in lines)


def keys() -> str:
    """Return the table of the keys of a spec."""
    rows = []
    for path, (model, name) in KEYS.items():
        field = model.model_fields[name]
        rows.append([f"`{path}`", takes(field), _default(field.default), _meaning(path, field.description)])
    return table(["key", "type, range", "default", "meaning"], rows)


def _meaning(path: str, description: str) -> str:
    section, _, name = path.partition(".")
    if section != "training" or name not in HYPERPARAMETERS or len(owners(name)) > len(OPTIMIZERS) - 2:
        return description
    return f"{', '.join(owners(name))}: {description}" if name != "weight_decay" else description


def _default(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple) and isinstance(value[0], str):
        return " ".join(value)
    if isinstance(value, float) and not 1e-3 <= abs(value) < 1e6 and value:
        return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:g}")
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def problems() -> str:
    """Return the table of the random problems."""
    drawn = ((name, its) for name, its in PROBLEMS.items() if its.draws)
    rows = ([name, ", ".join(f"`{key}`" for key in its.keys), its.draws, its.targets] for name, its in drawn)
    return table(["problem", "needs", "draws", "targets"], rows)


def starts() -> str:
    """Return the table of the kinds of starts."""
    rows = []
    for name, its in STARTS.items():
        keys = [*(f"`{key}`" for key in its.keys), *(f"`{key}`, if wanted" for key in its.optional)]
        rows.append([name, its.draws, ", ".join(keys), "times scale" if its.scaled else ""])
    return table(["kind", "a start", "keys of its own", ""], rows)


def activations() -> str:
    """Return the table of activations."""
    rows = (
        [name, its.formula, " to ".join(f"{end:.4g}" for end in its.range), f"{its.value:.4g}", f"{its.slope:.4g}",
         "odd" if its.odd else ""]
        for name, its in ACTIVATIONS.items()
    )  # fmt: skip
    return table(["activation", "f(z)", "range", "f(0)", "f'(0)", ""], rows)


def losses() -> str:
    """Return the table of losses."""
    rows = (
        [f"`{name}`", its.term, str(its.reduction), ", ".join([its.output] * bool(its.output) + [str(its.targets)])]
        for name, its in LOSSES.items()
    )
    return table(["loss", "of one output z, its value y and target t", "summed by", "output, targets"], rows)


def optimizers() -> str:
    """Return the table of optimizers."""
    return table(["optimizer", "a step", "source"], ([name, its.step, its.source] for name, its in OPTIMIZERS.items()))


def schedules() -> str:
    """Return the table of learning rate schedules."""
    return table(["schedule", "the learning rate times"], ([name, its.factor] for name, its in SCHEDULES.items()))


def measures() -> str:
    """Return the table of measures."""
    rows = (
        [f"`{name}`", ", ".join(f"`{dim}`" for dim in its.dims),
         its.meaning + f" ({its.sources})" * bool(its.sources), its.range, its.missing]
        for name, its in MEASURES.items()
    )  # fmt: skip
    return table(["field", "dimension", "what it is", "range", "NaN"], rows)


def variables() -> str:
    """Return the table of the variables of a result, with one row for all measures."""
    plain = {name: its for name, its in VARIABLES.items() if name.removeprefix("final_") not in MEASURES}
    finals = replace(VARIABLES["final_loss"], long_name="the measure where the run stopped")
    paths = replace(VARIABLES["loss"], long_name="the measure at each record")
    rows = [_variable(f"`{name}`", its) for name, its in plain.items() if "record" not in its.dims]
    rows.append(_variable("`final_` and a [measure](measures.md)", finals))
    rows += [_variable("a [measure](measures.md)", paths), _variable("`theta`", VARIABLES["theta"])]
    rows += [_variable(f"`{name}`", its) for name, its in COORDINATES.items()]
    return table(["variable", "dimensions", "type", "meaning"], rows)


def _variable(name: str, its: Variable) -> Row:
    dtype = "as `network.dtype` (the wider of both)"
    types = {"i1": "int8", "i8": "int64", "f4": "float32", "f8": "float64", "": dtype}
    texts = [its.long_name, its.note, str(its.when)]
    return [name, ", ".join(its.dims), types[its.dtype], "; ".join(text for text in texts if text)]


def codes() -> str:
    """Return the table of the codes of outcomes and stop reasons."""
    rows = []
    for code, outcome in enumerate(Outcome):
        reason = [[its.label, its.sentence] for its in StopReason if its == code]
        rows.append([str(code), outcome.label, outcome.sentence, *(reason or [["", ""]])[0]])
    return table(["code", "`outcome`", "", "`stop_reason`", ""], rows)


TABLES: tuple[Callable[[], str], ...] = (
    *(keys, problems, starts, activations, losses, optimizers, schedules),
    *(measures, variables, codes),
)


def written(page: str) -> str:
    """Return the page with its tables replaced."""
    for each in TABLES:
        mark = f"<!-- table {each.__name__} -->"
        before, heading, rest = page.partition(f"{mark}\n")
        if heading:
            page = f"{before}{heading}{each()}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
