// The fields: keys of the spec, the axes of the plane and what it goes through.
import { make } from "./elements.js";
import { Keys } from "./keys.js";
import { planeFields } from "./plane.js";

/** `change(message)` asks the session for something else; `marked` and `fault` are those of `planeFields`. */
export class Fields {
  constructor(change, acts) {
    this.change = change;
    this.acts = acts;
    this.keys = new Keys(change);
    this.axes = make("div", { class: "row" });
    this.note = make("p", { class: "note" });
    const { first, more } = this.keys;
    this.element = make("form", { class: "keys", "aria-label": "Keys of the spec" }, first, this.axes, this.note, more);
    this.element.addEventListener("submit", (event) => event.preventDefault());
  }

  show(spec) {
    this.showPlane(spec);
    this.note.textContent = spec.note ?? "";
    this.keys.show(spec);
  }

  showPlane(spec) {
    const { activeElement } = this.element.getRootNode();
    const focus = this.axes.contains(activeElement) ? activeElement.name : undefined;
    const { marked, fault } = this.acts;
    this.axes.replaceChildren(...planeFields(spec, { change: (changes) => this.move(spec, changes), marked, fault }));
    if (focus) this.element.elements.namedItem(focus)?.focus();
  }

  /** Ask for another plane: with these changes, and the rest of the present one. */
  move({ axes, point, at }, changes) {
    this.change({ type: "plane", ...axes, point, at, ...changes });
  }
}
