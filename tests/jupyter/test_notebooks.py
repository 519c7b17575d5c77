"""The notebooks of `docs/notebooks`: every cell runs, and what the text says is so."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

WAIT = 300
NOTEBOOKS = Path(__file__).parents[2] / "docs/notebooks"
SAID = {
    "the-question": {
        "*frozen*: the first step changed nothing, so no later step ever will. That is every start at zero.":
            "r.outcome_table()[0]['frozen'] == 500",
        "At the smallest scale that is not zero, every run is still on the plateau at the end.":
            "r.outcome_table()[1]['plateau'] == 500",
        "At the largest, a third of the runs go wrong in other ways.":
            "abs((r.sel(scale=1.0).outcome != 4).mean() - 1 / 3) < 0.02",
        "and that of the output bias is the sum of the errors, which cancel.": "not at_zero.gradient.any()",
        "At a third of the scale it takes about nine times as long: the time grows like 1 / scale².":
            "(abs(half[2:4] / half[3:5] - 9) < 1.5).all()",
        "Large starts leave at once, but many get trapped.": "half[-1] < 20 and (r.outcome[-1] == 3).mean() > 0.2",
    },
    "my-own-data": {
        "the class says whether the point is inside a circle.": "0.2 < T.mean() < 0.5",
        "two optimizers, five scales.": "r.dims == {'optimizer': 2, 'scale': 5, 'run': 200}",
        "From zero only the bias of the output moves, in all runs alike: they stay *symmetric*.":
            "(r.sel(scale=0.0).outcome == 1).all()"
            " and all((abs(r.replay((k, 0), 0)['theta'][1]) > 0).nonzero()[0].tolist() == [32] for k in (0, 1))",
        "At zero no start is solved, from 0.01 to 1 nearly all are, and at 10 more get trapped.":
            "(rates := solved.mean('run').values)[:, 0].max() == 0 and rates[:, 1:4].min() > 0.9"
            " and (rates[:, 4] < rates[:, 1:4].min()).all() and (r.sel(scale=10.0).outcome == 3).mean() > 0.1",
        "Adam needs fewer than momentum up to scale 1, by far at the small ones.":
            "((steps := data.solve_step.where(solved, np.inf).median('run').values)[0, 1:4] > steps[1, 1:4]).all()"
            " and steps[0, 1] > 5 * steps[1, 1]",
    },
    "maps-and-boundaries": {
        "here with 101 by 101 starts.": "whole.dims['x'] == whole.dims['y'] == 101",
        "A part of the map, magnified ten times.":
            "np.ptp(whole.coords['x']) == np.ptp(whole.coords['y']) == 10 * np.ptp(part.coords['x'])",
        "runs only starts near the boundary; all others have the outcome of their neighbors.":
            "finer.run < finer.starts / 2 and fine['computed'].sum() == finer.run",
        "On a smooth boundary, the number of such cells grows as the resolution does; here it grows faster.":
            "edge.sum() > 5 * coarse_edge.sum()",
        "The box-counting dimension says how much: 1 is a smooth line, 2 fills the plane.": "1.1 < law.value < 2",
        "So an error in a start that is a tenth as large helps by much less than a factor of ten:":
            "10**-uncertain.value > 0.2",
    },
}  # fmt: skip
"""Sentences of each notebook, and what must be true after its last cell for them to be right."""


@pytest.mark.parametrize("name", SAID)
def test_every_cell_runs_and_what_the_text_says_is_so(name, tmp_path):
    book = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in book.cells)
    text = re.sub(r"\s+", " ", " ".join(cell.source for cell in book.cells if cell.cell_type == "markdown"))
    assert [sentence for sentence in SAID[name] if sentence not in text] == []
    checks = "".join(f"if not ({check}): wrong.append({sentence!r})\n" for sentence, check in SAID[name].items())
    book.cells.append(nbformat.v4.new_code_cell(f"import numpy as np\nwrong = []\n{checks}wrong"))
    NotebookClient(book, timeout=WAIT, resources={"metadata": {"path": tmp_path}}).execute()
    (wrong,) = [output for output in book.cells[-1].outputs if output.output_type == "execute_result"]
    assert wrong.data["text/plain"] == "[]"
    errors = [output for cell in book.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
    assert errors == []


def test_every_notebook_is_tried():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == SAID.keys()
