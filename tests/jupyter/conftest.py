"""Kernels that have saddlescape, JupyterLab on loopback, and Debian's chromium."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from chromium import chromium  # noqa: F401
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build/jupyter"
WAIT = 60
"""Seconds after which a test fails that waits for something."""

expect.set_options(timeout=1000 * WAIT)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A user without settings; kernels find saddlescape."""
    folder = tmp_path_factory.mktemp("home")
    names = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR")
    mine = {name: str(folder / name.lower()) for name in names} | {"PYTHONPATH": f"{ROOT / 'engine'}:{ROOT / 'cli'}"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in mine.items():
            patch.setenv(name, value)
        patch.delenv("MPLBACKEND", raising=False)
        yield folder


def notebook(*cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
    )


@pytest.fixture(scope="session")
def lab(tmp_path_factory, home):
    """The address of a server, and the folder that it serves."""
    folder, token = tmp_path_factory.mktemp("notebooks"), "of-this-test"
    settings = {
        "IdentityProvider.token": token, "ServerApp.ip": "127.0.0.1", "ServerApp.port": 0,
        "ServerApp.open_browser": False, "ServerApp.allow_root": True, "ServerApp.root_dir": folder,
        "ServerApp.terminals_enabled": False,
    }  # fmt: skip
    for name, content in {
        "notification": '{"fetchNews": "false", "checkForUpdates": false}',
        "themes": '{"theme": "JupyterLab Light"}',
    }.items():
        setting(home, name, content)
    options = [f"--{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as server:
        line, log = next(line for line in server.stderr if "http://127.0.0.1" in line), []
        reader = threading.Thread(target=lambda: log.extend(server.stderr))  # a full pipe would stop the server
        reader.start()
        try:
            yield re.search(r"http://127.0.0.1:\d+", line)[0], folder, token
            server.terminate()
            assert server.wait(WAIT) == 0, log
        finally:
            server.kill()
            reader.join()


def setting(home, name, content):
    """A user's setting of JupyterLab."""
    file = home / "jupyterlab_settings_dir/@jupyterlab/apputils-extension" / f"{name}.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
