"""Measure the explorer's page in chromium, in the environment of playwright, and print JSON: ADDRESS ROUNDS."""

import json
import os
import sys
from statistics import median

from playwright.sync_api import sync_playwright

FRAMES = 120
DRAWN = """const frames = window.requestAnimationFrame;
window.requestAnimationFrame = (draw) => frames((now) => {
  const began = performance.now();
  draw(now);
  window.drawn += performance.now() - began;
});"""
"""Adds up the milliseconds in which frames are drawn."""

WHEEL = """async ([deltas, until]) => {
  const [map, root] = [document.querySelector("canvas.map"), document.querySelector(".saddlescape-explorer")];
  const status = root.querySelector(".status"), box = map.getBoundingClientRect();
  const at = { clientX: box.x + 0.6 * box.width, clientY: box.y + 0.4 * box.height };
  const frame = () => new Promise(requestAnimationFrame), began = performance.now(), times = {};
  window.drawn = 0;
  for (const deltaY of deltas) {
    map.dispatchEvent(new WheelEvent("wheel", { deltaY, ...at, bubbles: true, cancelable: true }));
    if (deltas.length > 1) await frame();
  }
  times.frames = performance.now() - began;
  times.drawn = window.drawn;
  while (until && root.dataset.state !== "done") {
    if (status.textContent.includes("resolution")) times.first ??= performance.now() - began;
    await frame();
  }
  times.full = performance.now() - began;
  times.first ??= times.full;
  return times;
}"""
"""Turn the wheel, once a frame; milliseconds of the frames, and until the first and the full picture are drawn."""


def main(address, rounds):
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1024, "height": 768})
        page.add_init_script(DRAWN)
        page.goto(address)
        page.locator('[data-state="done"]').wait_for(timeout=60000)
        wheels = [page.evaluate(WHEEL, [[-200], True]) for _ in range(rounds)]
        shakes = [page.evaluate(WHEEL, [[1, -1] * (FRAMES // 2), False]) for _ in range(3)]
        browser.close()
    means = {
        "first picture after a wheel event": median(each["first"] for each in wheels),
        "full picture after a wheel event": median(each["full"] for each in wheels),
        "between two redraws of held tiles": median(each["frames"] for each in shakes) / FRAMES,
        "work of a redraw of held tiles": median(each["drawn"] for each in shakes) / FRAMES,
    }
    print(json.dumps({f"in chromium: {name}": value for name, value in means.items()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
