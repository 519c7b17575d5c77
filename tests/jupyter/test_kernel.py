"""What users of notebooks expect, in a real kernel."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import WAIT, notebook
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

CELLS = {
    "import": "import saddlescape as ss",
    "run": "r = ss.run('xor', 'run', overrides=['starts.count=8'])",
    "results": "r",
    "table": "r.outcome_table()",
    "axes": "ss.plots.curve(r)",
    "figure": "ss.plots.plot(r)",
    "mistake": "ss.load('xor', ['training.steps=many'])",
    "name": "ss.explore('xor-slyce')",
    "widget": "w = ss.explore('xor-slice')\nw",
}
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of a notebook's cells, by name."""
    folder = tmp_path_factory.mktemp("notebook")
    book = notebook(*CELLS.values())
    NotebookClient(book, timeout=WAIT, allow_errors=True, resources={"metadata": {"path": folder}}).execute()
    return dict(zip(CELLS, (cell.outputs for cell in book.cells), strict=True))


def shown(outputs):
    """What a cell shows, by type."""
    (output,) = [output for output in outputs if output.output_type in ("execute_result", "display_data")]
    return output.data


def test_a_run_shows_a_bar(outputs):
    assert outputs["import"] == []
    assert WIDGET in shown(outputs["run"])
    assert "88" in shown(outputs["run"])["text/plain"]


@pytest.mark.parametrize("cell", ["axes", "figure"])
def test_figures_show_in_a_fresh_kernel(outputs, cell):
    assert shown(outputs[cell])["image/png"].startswith("iVBOR")


@pytest.mark.parametrize("cell", ["results", "table"])
def test_results_show_tables(outputs, cell):
    assert re.search("<table.*<th>trapped</th>", shown(outputs[cell])["text/html"], re.DOTALL)


@pytest.mark.parametrize(("cell", "field"), [("mistake", "training.steps: "), ("name", "xor-slyce: ")])
def test_a_mistake_is_one_line(outputs, cell, field):
    (error,) = outputs[cell]
    assert error.ename == "SpecError"
    (line,) = error.traceback
    assert line.startswith(f"SpecError: {field}")


def test_a_notebook_without_a_kernel_says_how_to_get_the_map(outputs):
    data = shown(outputs["widget"])
    assert WIDGET in data
    assert re.fullmatch(r"<saddlescape explorer '.*': run this cell to see the map>", data["text/plain"])


class Kernel:
    """A kernel, and what a front end without subshells does with it, as that of older releases."""

    def __init__(self, folder):
        self.manager, self.client = start_new_kernel(cwd=str(folder))

    def run(self, code, **options):
        return self.client.execute(code, **options)

    def until(self, condition):
        """All messages of iopub up to the first one that fulfills the condition."""
        heard = []
        while not heard or not condition(heard[-1]):
            heard.append(self.client.get_iopub_msg(timeout=WAIT))
        return heard

    def result(self, code):
        """The text of the value of a cell, after everything before it."""
        number = self.run(code)
        heard = self.until(lambda m: is_idle(m) and m["parent_header"].get("msg_id") == number)
        (result,) = [each["content"] for each in heard if each["msg_type"] == "execute_result"]
        return result["data"]["text/plain"]

    def say(self, widget, message):
        content = {"comm_id": widget, "data": {"method": "custom", "content": {"view": "one", "message": message}}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))

    def offered(self, code):
        return self.client.complete(code, reply=True, timeout=WAIT)["content"]["matches"]


def is_idle(message):
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def header(message):
    """What the session says in a message to the view; None in any other message."""
    if message["msg_type"] != "comm_msg":
        return None
    return message["content"]["data"].get("content", {}).get("message")


def is_done(message):
    return (header(message) or {}).get("state") == "done"


@pytest.fixture
def kernel(tmp_path):
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel()
    assert not kernel.manager.is_alive()


def test_names_are_offered(kernel):
    kernel.result(f"{CELLS['import']}; {CELLS['run']}; w = ss.explore(r); 1")
    assert {"run", "explore", "plots"} <= {name.rpartition(".")[2] for name in kernel.offered("ss.")}
    assert {"outcome", "final_loss"} <= {name.rpartition(".")[2] for name in kernel.offered("r.")}
    assert {"sweep", "start", "close"} <= {name.rpartition(".")[2] for name in kernel.offered("w.")}


def test_what_is_asked_while_a_cell_runs_is_answered_when_it_ends_and_computed_while_the_next_runs(kernel, tmp_path):
    widget = kernel.result("import saddlescape as ss, pathlib; w = ss.explore('xor-slice'); w.model_id").strip("'")
    wait = "while not pathlib.Path('{}').exists(): pass"
    kernel.run(wait.format("first"))
    kernel.until(lambda m: m["msg_type"] == "execute_input")
    view = {"type": "view", "k": -3, "n": [0, 63], "m": [0, 63]}
    for message in ({"type": "open"}, {**view, "k": -9}, view):
        kernel.say(widget, message)
    kernel.run(wait.format("second"))  # comes after the messages
    Path(tmp_path / "first").touch()
    heard = kernel.until(is_done)  # sent by the session's thread while the second cell runs
    assert sum(is_idle(message) for message in heard) == 4
    assert header(heard[-1])["k"] == -3
    spec = next(each for each in map(header, heard) if each and each["type"] == "spec")
    tiles = [message for message in heard if (header(message) or {}).get("type") == "tiles"]
    assert spec["generation"] == 0
    assert {header(message)["k"] for message in tiles if header(message)["k"] < -4} <= {-9, -8, -7, -6, -5}
    Path(tmp_path / "second").touch()
    asked = "[(s.x.from_, s.x.to, s.x.n) for s in [w.sweep.spec.starts]]"
    assert kernel.result(asked) == str([(0.0, 63 / 8, 64)])
    lines = "with ss.run(w.sweep, 'again', progress=False) as r: codes = r.outcome.ravel()"
    kernel.result(f"{lines}\n1")
    outcomes = {}
    for message in tiles:
        told = header(message)
        if told["k"] == -3:
            number = 64 * len(told["tiles"])
            codes = np.frombuffer(message["buffers"][0], "i1", number, 16 * number).reshape(-1, 8, 8)
            outcomes |= {tuple(place): each for place, each in zip(told["tiles"], codes, strict=True)}
    codes = [int(outcomes[n // 8, m // 8][n % 8, m % 8]) for n in range(64) for m in range(64)]
    assert kernel.result(f"codes.tolist() == {codes}") == "True"
    assert kernel.result("import threading; w.close(); [t.name for t in threading.enumerate()].count('explore')") == "0"
