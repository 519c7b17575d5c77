// The explorer: a map of starts that are trained while one moves through it, and the path of a chosen start.
// In anywidget's form: `model` sends messages to the session and receives its answers, and nothing else is shared.
import { axisOf } from "./axes.js";
import { button, download, make } from "./elements.js";
import { Fields } from "./fields.js";
import { Legend } from "./legend.js";
import { OutcomeMap } from "./map.js";
import { differ, percent, power } from "./numbers.js";
import { readPlace, writePlace } from "./place.js";
import { Sheets } from "./sheets.js";
import { readPath, StartPanel } from "./start.js";
import { View } from "./view.js";

const SAVE = 160; // milliseconds between two changes of the address, which browsers limit to 200 in 30 s
const KINDS = { "view.toml": "application/toml", "view.html": "text/html", "view.h5": "application/x-hdf5" };
const HOVER = "Point at a start, or click it.";

export class Explorer {
  constructor(model, el) {
    this.model = model;
    this.build(el);
    this.observer = new ResizeObserver(() => this.moved());
    this.observer.observe(this.canvas);
    this.hear = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.hear);
    this.place = readPlace(model.get("place"));
    this.steps = [];
    this.goTo = () => this.visit();
    model.on("change:place", this.goTo);
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    this.recolor = () => this.dirty();
    this.scheme.addEventListener("change", this.recolor);
    this.leave = () => this.saving && this.saveNow();
    window.addEventListener("pagehide", this.leave);
    model.on("change:theme", this.recolor);
  }

  close() {
    this.model.off("msg:custom", this.hear);
    this.model.off("change:place", this.goTo);
    this.scheme.removeEventListener("change", this.recolor);
    window.removeEventListener("pagehide", this.leave);
    this.model.off("change:theme", this.recolor);
    this.observer.disconnect();
    clearTimeout(this.saving);
    this.panel.close();
  }

  // What the page shows.

  build(el) {
    this.view = new View(() => [this.canvas.clientWidth, this.canvas.clientHeight]);
    this.sheets = new Sheets((message) => this.model.send(message));
    const acts = { moved: () => this.moved(), chosen: (start) => this.train(start), over: (point) => this.tell(point) };
    this.map = new OutcomeMap(this.view, this.sheets, acts);
    this.canvas = this.map.picture.canvas;
    this.legend = new Legend();
    const fault = (text) => { this.fault.textContent = text; };
    this.fields = new Fields((message) => this.change(message), { marked: () => this.panel.path, fault });
    const lined = (units) => { this.root.dataset.lines = units.join(" "); };
    this.panel = new StartPanel({ lined, ask: (message) => this.ask(message) });
    this.title = make("h1");
    this.where = make("p", { class: "place" });
    this.hover = make("p", { class: "hover", text: HOVER });
    this.status = make("p", { role: "status", class: "status" });
    this.fault = make("p", { role: "alert", class: "fault" });
    this.finding = make("p", { class: "finding", "aria-live": "polite" });
    this.makes = make("span", { role: "status" });
    const stop = button("Cancel", "Make this file no longer", () => this.model.send({ type: "stop" }));
    this.making = make("p", { class: "making", hidden: "" }, this.makes, stop);
    this.root = make(
      "div",
      { class: "saddlescape-explorer", "data-state": "waiting" },
      make("header", {}, this.title, this.toolbar()),
      make(
        "section", { class: "left", "aria-label": "Map" },
        this.map.element, this.where, this.hover, this.legend.element, this.status, this.finding, this.making, this.fault,
      ),
      make("section", { class: "right", "aria-label": "Start" }, this.fields.element, ...this.panel.elements),
      this.fields.keys.help,
    );
    el.append(this.root);
    this.say("waiting", "connecting");
  }

  toolbar() {
    const tools = [
      button("Back", "Back to the last view", () => this.map.move("back")),
      button("Home", "Show the whole plane", () => this.map.move("home")),
      button("+", "Zoom in", () => this.map.move("zoom", 0.5)),
      button("\u2212", "Zoom out", () => this.map.move("zoom", 2)),
      button("Spec", "Download this view as a spec", () => this.export("spec")),
      button("PNG", "Download this view as a picture", () => this.exportPicture()),
      button("HTML", "Download this view as a page in one file", () => this.export("page")),
      button("HDF5", "Run this view and download the result", () => this.export("result")),
    ];
    if (this.model.get("link")) tools.push(button("Link", "Copy a link to this view", () => this.copyLink()));
    return make("div", { class: "tools", role: "toolbar", "aria-label": "View" }, ...tools);
  }

  say(state, text) {
    this.root.dataset.state = state;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  // Messages of the session.

  receive(message, buffers) {
    if (message.type === "spec") this.receiveSpec(message);
    else if (message.type === "lost") this.say("lost", "The connection is lost; trying to connect again.");
    else if (message.type === "fault") this.receiveFault(message);
    else if (message.type === "file") this.receiveFile(message, buffers);
    else if (message.type === "exporting") this.showExport(message);
    else if (message.type === "canceled") this.refuse();
    else if (message.state === "finding") this.find(message);
    else if (message.generation === this.spec?.generation) this[`receive_${message.type}`]?.(message, buffers[0]);
  }

  receiveFile({ name, text }, [payload]) {
    download(new Blob([text ?? payload], { type: KINDS[name] ?? "application/toml" }), name);
  }

  /** How much of a file is made: with it, a button that cancels it; null if none is made. */
  showExport({ name, share }) {
    this.making.hidden = share === null;
    this.makes.textContent = share === null ? "" : `${name}: ${percent(share, 1)} `;
  }

  receiveFault({ message }) {
    this.fault.textContent = message;
    this.compiled();
    this.fields.keys.refuse();
    this.refuse();
  }

  /** What was asked for last is not done. */
  refuse() {
    this.find({});
    if (this.spec) this.fields.showPlane(this.spec);
    if (this.pending) this.advance();
  }

  /** Tell which point of a plane is waited for. */
  find({ point }) {
    const text = point === "solution" ? "Looking for a run that is solved" : `Training run ${String(point).slice(4)} to its end`;
    const cancel = button("Cancel", "Keep the present plane", () => this.model.send({ type: "cancel" }));
    this.finding.replaceChildren(...(point ? [`${text}, for the plane. `, cancel] : []));
  }

  receiveSpec(spec) {
    this.latest = spec;
    this.find({});
    if (spec.generation === 0) this.aim();
    this.advance();
  }

  receive_status({ state, left }) {
    if (state === "compiling") {
      if (this.root.dataset.state !== "compiling") this.before = [this.root.dataset.state, this.status.textContent];
      this.say("compiling", "compiling the kernel for this network");
    } else if (state === "done") {
      const { n, m } = this.view.window();
      const limited = this.view.limited ? "; precision ends here" : "";
      this.say("done", `done: ${(n[1] - n[0] + 1) * (m[1] - m[0] + 1)} starts${limited}`);
      this.showLegend();
    } else this.say(state, left ? `${left} s left` : state);
  }

  /** Nothing is being compiled any more: say what was said before. */
  compiled() {
    if (this.root.dataset.state === "compiling") this.say(...this.before);
  }

  receive_tiles({ k, tiles, left, stage }, payload) {
    this.sheets.add(k, tiles, payload);
    const window = this.view.window();
    const resolution = k > window.k ? `1/${power(k - window.k)} resolution` : "full resolution";
    const done = { boundaries: `boundaries first: ${resolution}`, rest: "boundaries done, the rest follows" };
    const rest = left === null ? "" : `, ${left < 1 ? "less than 1" : Math.ceil(left)} s left`;
    this.say("training", `${done[stage] ?? resolution}${rest}`);
    this.sheets.trim(window);
    this.dirty();
  }

  receive_path({ k, n, m, own, ...rest }, payload) {
    this.compiled();
    const spec = { ...this.spec, ...own }; // of a result, whose points may have other networks
    const path = readPath(rest, payload, spec.parameters.length);
    const theta = [...path.theta.subarray(0, path.parameters)];
    this.start = path.given ? { theta, numbers: path.numbers } : { k, n, m };
    const { x, y } = this.spec.axes;
    const point = [theta[x], theta[y]];
    this.map.mark = !path.given ? this.start : path.on_plane && point.every(Number.isFinite) ? { point } : undefined;
    this.root.dataset.path = path.given ? `given ${theta.join(" ")}` : `${k} ${n} ${m}`;
    this.panel.receive(path, spec);
    this.save();
    this.dirty();
  }

  // Permalinks.

  /** Ask for the keys, then for the plane of a permalink, or of what a page with a new session showed before. */
  aim() {
    const { keys, axes, point, at } = { ...this.wanted, ...this.place };
    this.fault.textContent = "";
    this.steps = [
      ({ changes = {} }) => {
        const back = Object.fromEntries(Object.keys(changes).map((key) => [key, null]));
        return keys && differ(keys, changes) ? { type: "keys", values: { ...back, ...keys } } : undefined;
      },
      (spec) => {
        const plane = { ...(axes ?? spec.axes), point: point ?? spec.point, at: at ?? spec.at };
        return differ(plane, { ...spec.axes, point: spec.point, at: spec.at }) ? { type: "plane", ...plane } : undefined;
      },
    ];
  }

  /** Take the next step to a permalink; show the spec after the last one. */
  advance() {
    this.pending = false;
    while (this.steps.length && !this.pending) {
      const message = this.steps.shift()(this.latest);
      this.pending = message !== undefined;
      if (message) this.model.send(message);
    }
    if (!this.pending) this.use(this.latest);
  }

  /** Go to another permalink. */
  visit() {
    clearTimeout(this.saving);
    this.saving = undefined;
    this.place = readPlace(this.model.get("place"));
    if (!this.spec) return;
    this.aim();
    this.advance();
  }

  /** Take the view and the start from a permalink, if the plane is its own. */
  arrive() {
    const { place, spec } = this;
    this.place = undefined;
    const plane = ({ axes = spec.axes, point = spec.point, at = spec.at }) => [axes, point, at];
    if (place && !differ(plane(place), plane(spec))) {
      if (place.view?.pixel > 0) this.view.begin(place.view);
      this.start = place.start ?? this.start;
    }
    if (this.start?.theta && this.start.theta.length !== spec.parameters.length) this.leaveStart();
    if (!this.view.known) this.view.home();
    this.moved();
    if (this.start) this.train(this.start);
  }

  /** Put what the page shows into its address, at once if that was not done just before. */
  save() {
    const wait = SAVE - (performance.now() - (this.saved ?? -Infinity));
    if (wait > 0) this.saving ??= setTimeout(() => this.saveNow(), wait);
    else this.saveNow();
  }

  saveNow() {
    clearTimeout(this.saving);
    this.saving = undefined;
    if (!this.view.known || this.pending) return;
    this.saved = performance.now();
    this.model.set("place", writePlace(this.spec, this.view, this.start));
    this.model.save_changes();
  }

  copyLink() {
    this.saveNow();
    const copied = navigator.clipboard?.writeText(this.model.get("link")) ?? Promise.reject();
    copied.then(
      () => { this.status.textContent = "The link is copied."; },
      () => { this.fault.textContent = "The browser does not let the page copy; copy the address of the page."; },
    );
  }

  // The spec and the view.

  use(spec) {
    if (spec === this.spec) { // as a permalink asked for what does not exist
      this.arrive();
      return;
    }
    const before = this.spec;
    this.spec = spec;
    this.wanted = { axes: spec.axes, point: spec.point, at: spec.at, keys: spec.changes };
    this.root.dataset.generation = String(spec.generation);
    this.sheets.clear();
    this.sheets.use(spec);
    this.view.use(spec);
    this.title.textContent = `${spec.title} (${spec.network})`;
    this.outcomes = new Map(spec.outcomes.map((outcome) => [outcome.code, outcome]));
    if (before && isOther(before, spec)) this.leavePlane();
    this.panel.use(spec);
    this.fields.show(spec);
    this.legend.show(spec, new Map(), this.sheets); // so that the map has its size when it is shown whole
    this.asked = undefined;
    this.arrive();
    this.showLegend();
  }

  /** Views and starts of a plane say nothing about another one. */
  leavePlane() {
    this.view.leave();
    this.panel.clear();
    this.start = this.start?.theta && this.start;
    this.map.mark = undefined;
    this.hover.textContent = HOVER;
    delete this.root.dataset.path;
    delete this.root.dataset.lines;
  }

  /** A start whose values are given is none of a network of another shape. */
  leaveStart() {
    this.start = undefined;
    this.panel.clear();
    this.panel.use(this.spec);
    delete this.root.dataset.path;
  }

  /** After any change of the view: draw what is known, and ask for the rest. */
  moved() {
    if (!this.view.known || !this.canvas.clientWidth) return;
    const window = this.view.window();
    const asked = JSON.stringify(window);
    if (asked !== this.asked) {
      this.asked = this.root.dataset.view = asked;
      this.say("training", "training");
      this.showLegend();
      this.model.send({ type: "view", ...window });
    }
    this.save();
    this.showPlace();
    this.dirty();
  }

  /** Draw all pictures, once a frame. */
  dirty() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.map.refresh();
      this.panel.refresh();
      });
  }

  // Texts.

  showPlace() {
    const ends = this.view.ends();
    const text = (side) => {
      const [[low, high], axis] = [ends[side], axisOf(this.spec, side)];
      return `${axis.name} from ${axis.text(low, high - low)} to ${axis.text(high, high - low)}`;
    };
    this.where.textContent = `across: ${text("x")}; up: ${text("y")}`;
  }

  /** The outcomes; their shares only if all starts of the view are trained, as those at boundaries come first. */
  showLegend() {
    const done = this.root.dataset.state === "done";
    this.legend.show(this.spec, done ? this.sheets.count(this.view.window()) : new Map(), this.sheets);
  }

  /** Tell what is known of the start at a point of the plane. */
  tell(point) {
    const { k, n, m } = this.view.start(point);
    const run = this.sheets.at(k, n, m, 5);
    if (!run) return;
    const [x, y] = this.view.values(run);
    const [across, up] = ["x", "y"].map((side) => axisOf(this.spec, side));
    const width = power(run.k);
    this.hover.textContent =
      `${this.outcomes.get(run.outcome).name}, ${this.spec.clock} ${run.clock}, loss ${run.loss.toPrecision(3)}; ` +
      `${across.name} = ${across.text(x, width)}, ${up.name} = ${up.text(y, width * this.view.skew)}`;
  }

  // What the user asks for.

  change(message) {
    this.fault.textContent = "";
    this.model.send(message);
  }

  train(start) {
    this.start = start;
    this.map.mark = start.theta ? undefined : start;
    this.panel.stop();
    this.model.send({ type: start.theta ? "given" : "start", ...start });
    this.save();
    this.dirty();
  }

  /** Ask for a path, or for the spec of a start. */
  ask(message) {
    this.panel.stop();
    const { numbers } = this.panel.path ?? {};
    this.change(["given", "take"].includes(message.type) ? { ...message, numbers } : message);
  }

  export(to) {
    this.fault.textContent = "";
    if (this.view.known) this.model.send({ type: "export", to, ...this.view.window() });
  }

  exportPicture() {
    this.canvas.toBlob((blob) => download(blob, "view.png"));
  }
}

/** Whether views of one plane say nothing about the other: a network of another shape keeps the view if it can. */
function isOther(one, other) {
  const axes = ({ axes: { x, y }, parameters, skew }) => [parameters[x] ?? x, parameters[y] ?? y, skew];
  const moved = differ([one.point, one.at], [other.point, other.at]) && !differ(one.parameters, other.parameters);
  return moved || differ(axes(one), axes(other));
}

export default {
  render({ model, el }) {
    const explorer = new Explorer(model, el);
    return () => explorer.close();
  },
};
