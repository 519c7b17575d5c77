// The legend: the outcomes, their colors, and their shares in the view.
import { make } from "./elements.js";
import { percent } from "./numbers.js";

export class Legend {
  constructor() {
    this.element = make("ul", { class: "legend", "aria-label": "Outcomes" });
  }

  /** `counts` are the numbers of starts by outcome; `low` and `high` the ends of the clocks of solved runs. */
  show(spec, counts, { low, high }) {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    this.element.replaceChildren(...spec.outcomes.map((outcome) => {
      const solved = outcome.name === "solved";
      const swatch = make("span", { class: solved ? "swatch wide" : "swatch", "aria-hidden": "true" });
      swatch.style.background = solved ? `linear-gradient(90deg, ${[...spec.ramp].reverse().join()})` : outcome.color;
      const share = all ? ` ${percent(counts.get(outcome.code) ?? 0, all)}` : "";
      const span = solved && high > 0 ? ` (${spec.clock} ${low} to ${high})` : "";
      return make("li", { title: outcome.sentence }, swatch, `${outcome.name}${share}${span}`);
    }));
  }
}
