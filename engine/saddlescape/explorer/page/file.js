// Hosts the explorer in a file: its model answers from what is embedded in the page, and no start can be trained.
import { Explorer } from "./explore.js";
import { button, make } from "./elements.js";
import { digits } from "./numbers.js";

const NEAR = 14; // pixels between a click and a start that it chooses, at most
const ASK = "This start is not among those in this file: choose one with a ring.";

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(stream).arrayBuffer());
}

/** Answers the messages of the explorer as a session would, from messages that a session has sent. */
class Kept {
  constructor({ spec, tiles, paths, done }) {
    Object.assign(this, { spec, tiles, paths, done, told: false });
    this.listeners = new Set();
  }

  on(name, listener) {
    if (name === "msg:custom") this.listeners.add(listener);
  }

  off(name, listener) {
    this.listeners.delete(listener);
  }

  get(name) {
    return { place: "", kept: this }[name];
  }

  set() {}

  save_changes() {}

  tell(message, ...buffers) {
    for (const listener of this.listeners) listener(message, buffers);
  }

  async pass({ payload, ...header }) {
    this.tell(header, await unpacked(payload));
  }

  async send(message) {
    if (message.type === "forget") this.told = false;
    if (message.type === "start") await this.pass(this.paths.find((path) => same(path, message)));
    if (message.type !== "view") return;
    if (!this.told) {
      this.told = true;
      for (const tiles of this.tiles) await this.pass(tiles);
    }
    this.tell({ type: "status", generation: 0, state: "done", k: message.k, left: 0 });
  }
}

const same = (one, other) => ["k", "n", "m"].every((name) => one[name] === other[name]);

/** The explorer of a file: its starts are those of the file, and its axes may be any values of a result. */
class KeptExplorer extends Explorer {
  build(el) {
    super.build(el);
    const { paths, tiles } = this.kept;
    this.watched = make("ul", { class: "watched", "aria-label": "Starts to watch" });
    for (const path of paths) {
      const choose = button(path.label, `Watch: ${path.label}`, () => this.train(path));
      this.watched.append(make("li", {}, choose));
    }
    this.fields.element.replaceWith(this.watched);
    this.fields.show = () => {};
    this.map.starts = paths;
    if (!tiles.length) this.root.classList.add("mapless");
  }

  get kept() {
    return this.model.get("kept");
  }

  toolbar() {
    return make(
      "div", { class: "tools", role: "toolbar", "aria-label": "View" },
      button("Back", "Back to the last view", () => this.map.move("back")),
      button("Home", "Show the whole map", () => this.map.move("home")),
      button("+", "Zoom in", () => this.map.move("zoom", 0.5)),
      button("\u2212", "Zoom out", () => this.map.move("zoom", 2)),
      button("PNG", "Download this view as a picture", () => this.exportPicture()),
    );
  }

  use(spec) {
    super.use(spec);
    const { tools, keep } = this.panel.values; // no start can be given in a file, but two can be compared
    tools.replaceChildren(keep);
    tools.hidden = false;
    const { paths } = this.kept;
    const first = paths.find(({ outcome }) => outcome === this.sheets.solved) ?? paths[0];
    if (first) this.train(first);
  }

  /** Until the user moves, the whole map is shown, whatever the size of the page. */
  moved() {
    const at = () => JSON.stringify([this.view.x, this.view.y, this.view.pixel]);
    if (this.view.known && (this.whole ?? at()) === at()) {
      this.view.home();
      this.view.history = [];
      this.whole = at();
    }
    super.moved();
  }

  receive_status(message) {
    super.receive_status(message);
    this.say("done", this.kept.done);
  }

  /** Watch the start of the file that is near a start, if there is one. */
  train(start) {
    const distance = (other) => {
      const [[x, y], [u, v]] = [start, other].map((each) => this.view.pixels(this.view.values(each)));
      return Math.hypot(x - u, y - v);
    };
    const path = this.kept.paths.find((each) => each === start)
      ?? [...this.kept.paths].sort((a, b) => distance(a) - distance(b)).find((each) => distance(each) <= NEAR);
    this.fault.textContent = path ? "" : ASK;
    if (!path) return;
    const { k, n, m } = path;
    super.train({ k, n, m });
    [...this.watched.querySelectorAll("button")].forEach((each, number) =>
      each.setAttribute("aria-pressed", String(this.kept.paths[number] === path)));
  }

  // The axes of a result.

  showPlace() {
    const { grid } = this.spec;
    if (!grid) return super.showPlace();
    const ends = this.view.ends();
    const text = (axis) => `${grid.names[axis]} from ${shown(grid, axis, ends[axis][0])} to ${shown(grid, axis, ends[axis][1])}`;
    this.where.textContent = `across: ${text("x")}; up: ${text("y")}`;
    return undefined;
  }

  tell(point) {
    const { grid } = this.spec;
    if (!grid) return super.tell(point);
    const [n, m] = point.map(Math.round);
    const run = this.sheets.at(0, n, m, 1);
    if (!run) return undefined;
    const many = grid.runs > 1;
    const outcome = `${many ? "mostly " : ""}${this.outcomes.get(run.outcome).name}`;
    const [clock, loss] = [`${this.spec.clock} ${run.clock}`, `loss ${run.loss.toPrecision(3)}`];
    const values = many ? `median ${clock}, median ${loss}` : `${clock}, ${loss}`;
    const place = ["x", "y"].map((axis, at) => `${grid.names[axis]} = ${shown(grid, axis, [n, m][at])}`);
    this.hover.textContent = `${outcome}, ${values}; ${place.join(", ")}`;
    return undefined;
  }
}

/** The value of an axis at an index: that of the nearest cell. */
function shown({ values }, axis, index) {
  const value = values[axis][Math.min(Math.max(Math.round(index), 0), values[axis].length - 1)];
  if (typeof value !== "number") return value;
  return digits(value, Math.abs(values[axis].at(-1) - values[axis][0]) / values[axis].length / 100 || 1);
}

for (const el of document.querySelectorAll("[data-explorer]")) {
  const model = new Kept(JSON.parse(document.getElementById(el.dataset.explorer).textContent));
  new KeptExplorer(model, el);
  model.tell(model.spec);
}
