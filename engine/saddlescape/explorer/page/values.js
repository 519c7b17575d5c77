// What one does with a start: set its values, zero or kick it, keep its path, take it home.
import { button, make } from "./elements.js";

const EDITED = 64; // parameters, at most
const KICK = 0.5; // times a standard normal start

/** `ask(message)` asks the session, `keep()` keeps the path that is shown or removes the kept one. */
export class Values {
  constructor({ ask, keep }) {
    this.ask = ask;
    this.kicks = 0;
    const size = make("input", { type: "number", min: "0", step: "any", value: String(KICK), class: "short" });
    this.size = size;
    this.keep = button("Keep", "Keep this path beside the next one", keep);
    this.take = button("Spec", "Download this start as a spec", () => this.ask({ type: "take", theta: this.theta }));
    this.tools = make(
      "div", { class: "tools", role: "toolbar", "aria-label": "Start" },
      button("Zero", "Train the start of zeros", () => this.give({ theta: this.zeros() })),
      button("Kick", "Add a random start of this size to the start", () => this.kick()),
      make("label", { text: "by ", title: "Size of the kick: it is this times a standard normal start" }, size), this.keep, this.take,
    );
    size.setAttribute("aria-label", "Size of the kick, times a standard normal start");
    this.inputs = make("div", { class: "row" });
    this.element = make("details", {}, make("summary", { text: "Values of the start" }), this.inputs);
    this.note = make("p", { class: "note" });
    this.inputs.addEventListener("change", () => this.read());
  }

  use(spec) {
    this.parameters = spec.parameters;
    if (this.theta?.length !== spec.parameters.length) this.show(undefined);
    for (const element of [this.tools, this.element]) element.hidden = !spec.fields;
  }

  zeros() {
    return this.parameters.map(() => 0);
  }

  /** Show the values of a start, and whether it lies on the plane of the map. */
  show(theta, { given, on_plane: isOn } = {}) {
    this.theta = theta;
    this.keep.disabled = this.take.disabled = !theta;
    const few = theta && theta.length <= EDITED;
    this.inputs.replaceChildren(...(few ? theta.map((value, index) => this.labeled(value, index)) : []));
    if (!few) this.inputs.textContent = theta ? `More than ${EDITED} values: change them in the spec of the start.` : "";
    const place = given && !isOn ? "This start does not lie on the plane of the map." : "";
    this.note.textContent = [given ? this.kicked : "", place].filter(Boolean).join(" ");
    this.kicked = "";
  }

  labeled(value, index) {
    const input = make("input", { type: "number", step: "any", value: String(value), class: "value" });
    return make("label", { text: `${this.parameters[index]} ` }, input);
  }

  read() {
    const inputs = [...this.inputs.querySelectorAll("input")];
    for (const input of inputs) input.setAttribute("aria-invalid", String(input.value === ""));
    if (inputs.every((input) => input.value !== "")) this.give({ theta: inputs.map((input) => Number(input.value)) });
  }

  kick() {
    const size = Number(this.size.value);
    this.give({ theta: this.theta ?? this.zeros(), kick: size, draw: this.kicks });
    this.kicked = `Kicked by ${size} times the standard normal start of run ${this.kicks}.`;
    this.kicks++;
  }

  give(start) {
    this.kicked = "";
    this.ask({ type: "given", ...start });
  }
}
