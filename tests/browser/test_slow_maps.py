"""What the page says while it waits: kernels that are compiled, boundaries first, and no shares before the end."""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

PYTHON = Path(__file__).parents[2] / ".venv/bin/python"
PROGRAM = """import sys
from saddlescape.explorer import session
from saddlescape_cli.start import main
session.AT_ONCE, sys.argv = 0, ["saddlescape", "explore", "slow.toml", "--no-browser"]
main()
"""
"""The explorer, which takes every pass for a slow one."""

SLOW = """schema = 1
[problem]
name = "xor"
[starts]
kind = "slice"
base = [0.7, 0.4, -0.9, -0.9, -0.5, 0, -0.3, 0.9, 0]
x = { index = 8, from = -10, to = 10, n = 9 }
y = { index = 5, from = -10, to = 10, n = 9 }
[training]
learning_rate = 3.0
momentum = 0.7
steps = 60
"""

HEAR = """addEventListener("DOMContentLoaded", () => {
  window.said = [];
  const look = () => {
    const root = document.querySelector(".saddlescape-explorer");
    if (!root) return;
    const [status, legend] = [root.querySelector(".status"), root.querySelector(".legend")].map((e) => e.textContent);
    const last = window.said[window.said.length - 1];
    const now = [root.dataset.state, status, legend];
    if (JSON.stringify(last) !== JSON.stringify(now)) window.said.push(now);
  };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document.documentElement, all);
});"""
"""Keeps what the page says, one entry for each change: its state, its status and its legend."""

expect.set_options(timeout=60000)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    (folder / "slow.toml").write_text(SLOW)
    with subprocess.Popen([PYTHON, "-c", PROGRAM], cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)


def test_a_slow_map_shows_its_boundaries_first_and_says_so(chromium, address):
    tab = chromium.new_page(viewport={"width": 460, "height": 420})
    faults = []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.add_init_script(HEAR)
    tab.goto(address)
    root = tab.locator(".saddlescape-explorer")
    expect(root).to_have_attribute("data-state", "done")
    said = tab.evaluate("window.said")
    status = [text for _, text, _ in said]
    first = next(at for at, text in enumerate(status) if text.startswith("boundaries first: full resolution"))
    rest = next(at for at, text in enumerate(status) if text.startswith("boundaries done, the rest follows"))
    assert 0 < first < rest < len(said) - 1
    assert all("%" not in legend for state, _, legend in said if state != "done")
    assert re.search(r"trapped \d+ %|plateau \d+ %", said[-1][2])
    assert "compiling" in [state for state, _, _ in said]
    tab.evaluate("window.said.length = 0")
    tab.locator("canvas.map").click()
    expect(root).to_have_attribute("data-path", re.compile("."))
    expect(root).to_have_attribute("data-state", "done")
    states = [state for state, _, _ in tab.evaluate("window.said")]
    assert states.index("compiling") < len(states) - 1
    assert states[-1] == "done"
    assert json.loads(root.get_attribute("data-view"))["k"] < 0
    assert not faults
    tab.close()
