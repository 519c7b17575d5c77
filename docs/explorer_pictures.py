"""Make the pictures of docs/explorer.md in the browser: ``make pictures`` (chromium is a package of the system)."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs/pictures"
SIZE = {"width": 1280, "height": 900}
WAIT = 120_000
"""Milliseconds, at most, until a page has trained its view."""


@contextmanager
def explorer(*spec: str) -> Iterator[str]:
    """The address of a running explorer."""
    call = [ROOT / ".venv/bin/saddlescape", "explore", *spec, "--no-browser"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)


def opened(browser: Browser, address: str, place: str) -> Page:
    """The page at a permalink, when everything is trained."""
    page = browser.new_page(viewport=SIZE)
    page.goto(address)
    page.evaluate("place => { location.hash = place; }", place)
    done(page)
    return page


def done(page: Page) -> None:
    expect(page.locator(".saddlescape-explorer")).to_have_attribute("data-state", "done", timeout=WAIT)


def trained(page: Page, title: str) -> None:
    """Wait for the path of a start."""
    expect(page.get_by_role("heading", level=2).first).to_contain_text(title, timeout=WAIT)


def lace(page: Page) -> None:
    """Figure 13 of Kolen and Pollack, and one of its starts."""
    trained(page, "solved")


def kick(page: Page) -> None:
    """The start of zeros, which stays, and a kicked one that solves the problem."""
    page.get_by_role("button", name="Train the start of zeros").click()
    trained(page, "frozen")
    page.get_by_role("button", name="Keep this path").click()
    other = page.locator("figcaption").filter(has_text="B:")
    page.get_by_role("button", name="Add a random start").click()
    expect(other).not_to_contain_text("frozen", timeout=WAIT)
    while "solved" not in other.inner_text():
        page.get_by_role("button", name="Train the start of zeros").click()
        expect(other).to_contain_text("frozen", timeout=WAIT)
        page.get_by_role("button", name="Add a random start").click()
        expect(other).not_to_contain_text("frozen", timeout=WAIT)


def rates(page: Page) -> None:
    """The scale and the learning rate of one start."""


PICTURES_OF = {
    "explorer": ([], "x=-6.566&y=-0.1&pixel=0.0013&start=-9_-3362_-50", lace),
    "explorer-kick": ([], "through=zero", kick),
    "explorer-rates": (["xor"], "across=log:starts.scale&up=log:training.learning_rate&through=0", rates),
}
"""Arguments of the command, a permalink, and what is done on the page, by the name of the picture."""


def main() -> None:
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, (spec, place, act) in PICTURES_OF.items():
            with explorer(*spec) as address:
                page = opened(browser, address, place)
                act(page)
                done(page)
                page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
