// The fields: keys of the spec, the axes of the plane and what it goes through.
import { make } from "./elements.js";
import { Keys } from "./keys.js";

/** `change(message)` asks the session for something else. */
export class Fields {
  constructor(change) {
    this.change = change;
    this.keys = new Keys(change);
    this.axes = make("div", { class: "row" });
    this.note = make("p", { class: "note" });
    const { first, more } = this.keys;
    this.element = make("form", { class: "keys", "aria-label": "Keys of the spec" }, first, this.axes, this.note, more);
    this.element.addEventListener("submit", (event) => event.preventDefault());
  }

  show(spec) {
    const { activeElement } = this.element.getRootNode();
    const focus = this.axes.contains(activeElement) ? activeElement.name : undefined;
    this.axes.replaceChildren(...this.plane(spec));
    if (focus) this.element.elements.namedItem(focus)?.focus();
    this.note.textContent = spec.note ?? "";
    this.keys.show(spec);
  }

  plane({ axes, parameters, point, points, runs }) {
    const change = (changes) => this.change({ type: "plane", ...axes, point, ...changes });
    const fields = [["across", "x", "y"], ["up", "y", "x"]].map(([name, own, other]) =>
      choice(name, parameters, axes[own], (index) =>
        change({ [own]: index, [other]: index === axes[other] ? axes[own] : axes[other] })));
    const isRun = typeof point === "number";
    const words = [...points.map((each) => (each === "slice" ? "the slice" : each)), "a run"];
    fields.push(choice("through", words, isRun ? points.length : points.indexOf(point), (index) =>
      change({ point: points[index] ?? 0 })));
    const limits = { min: "0", max: String(runs - 1), step: "1" };
    if (isRun) fields.push(number("run", "run", point, limits, (given) => change({ point: given })));
    return fields;
  }
}

function number(text, name, value, limits, changed) {
  const input = make("input", { type: "number", name, value: String(value), ...limits });
  input.addEventListener("change", () => changed(Number(input.value)));
  return make("label", { text: `${text} ` }, input);
}

function choice(name, options, value, changed) {
  const all = options.map((text, at) => make("option", { value: String(at), text }));
  const element = make("select", { name, "aria-label": name }, ...all);
  element.value = String(value);
  element.addEventListener("change", () => changed(Number(element.value)));
  return make("label", { text: `${name} ` }, element);
}
