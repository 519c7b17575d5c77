// The panel of a start: its path, record by record, and a kept path beside it.
import { button, make, Picture } from "./elements.js";
import { drawCurve } from "./curve.js";
import { drawSurface } from "./surface.js";
import { Values } from "./values.js";
import { drawWeights, largest } from "./weights.js";

const CHOOSE = "Click a start to train it";
const FRAME = 80; // milliseconds that a record is shown
const CALM = 500; // the same where motion should be reduced, in jumps
const JUMPS = 8;

/** The pictures of one path. */
class Look {
  constructor(name, lined = () => {}) {
    this.lined = lined;
    this.caption = make("figcaption");
    this.surface = new Picture(`Output of the network over both inputs${name}`, (...all) => this.drawSurface(...all));
    this.weights = new Picture(`Parameters of the network${name}`, (...all) => this.path && drawWeights(...all, this));
    this.element = make("figure", {}, this.caption, make("div", { class: "pictures" }, this.surface.canvas, this.weights.canvas));
  }

  /** Show a record; both paths have the same scale. */
  show(spec, path, now, most) {
    Object.assign(this, { spec, path, now, most });
    this.refresh();
  }

  drawSurface(...all) {
    const units = this.spec ? drawSurface(...all, this) : [];
    if (this.path) this.lined(units);
  }

  refresh() {
    this.surface.refresh();
    this.weights.refresh();
  }
}

/** `lined(units)` is called with the numbers of the hidden units whose lines are drawn; `ask(message)` asks the session. */
export class StartPanel {
  constructor({ lined, ask }) {
    this.curve = new Picture("Loss of the chosen start against the step", (...all) => this.drawCurve(...all));
    this.look = new Look("", lined);
    this.other = new Look(" of the kept path");
    this.values = new Values({ ask, keep: () => this.keep() });
    this.title = make("h2", { text: CHOOSE });
    this.measure = make("select", { "aria-label": "Measure of the path" });
    this.measure.addEventListener("change", () => this.show());
    this.play = button("Play", "Play the path of the start", () => this.toggle());
    this.slider = make("input", { type: "range", min: "0", max: "0", value: "0", "aria-label": "Record of the path" });
    this.slider.addEventListener("input", () => this.show());
    this.text = make("p", { class: "now" });
    this.network = make("div", { class: "network" }, this.look.element);
    this.elements = [
      this.title, this.values.tools, this.values.note, this.values.element, this.curve.canvas,
      make("div", { class: "scrub" }, this.measure, this.play, this.slider), this.text, this.network,
    ];
    this.clear();
    this.observer = new ResizeObserver(() => this.refresh());
    const looks = [this.look, this.other].flatMap(({ surface, weights }) => [surface, weights]);
    for (const { canvas } of [this.curve, ...looks]) this.observer.observe(canvas);
  }

  close() {
    this.stop();
    this.observer.disconnect();
  }

  /** The spec is another one; the path that is shown is of its own spec until the next one comes. */
  use(spec) {
    this.values.use(spec);
    if (this.kept && this.kept.spec.clock !== spec.clock) this.keep();
    if (this.path) return;
    this.spec = spec;
    this.look.show(spec, undefined, 0);
  }

  /** Show no start any more, for example because the plane is another one. */
  clear() {
    this.stop();
    this.path = undefined;
    this.slider.max = "0";
    this.text.textContent = "";
    this.title.textContent = CHOOSE;
    this.measure.hidden = true;
    this.values.show(undefined);
    this.look.show(this.spec, undefined, 0);
  }

  /** Show the path of a start of a spec. */
  receive(path, spec) {
    Object.assign(this, { path, spec });
    const { clock, records, outcome } = path;
    const own = spec.outcomes.find(({ code }) => code === outcome);
    path.name = `${own ? `${own.name}, ` : ""}${spec.clock} ${clock[records - 1]}`;
    this.title.textContent = `Start: ${path.name}`;
    this.values.show([...path.theta.subarray(0, path.parameters)], path);
    this.offer(path.measures);
    this.span();
  }

  offer(measures) {
    const { value } = this.measure;
    this.measure.replaceChildren(...[...measures].map(([name, { sentence }]) =>
      make("option", { value: name, text: name.replaceAll("_", " "), title: sentence })));
    this.measure.hidden = measures.size < 2;
    this.measure.value = measures.has(value) ? value : "loss";
  }

  /** Keep the path beside the next one, or remove the kept one. */
  keep() {
    this.kept = this.kept ? undefined : this.path && { path: this.path, spec: this.spec };
    this.values.keep.setAttribute("aria-pressed", String(Boolean(this.kept)));
    this.network.replaceChildren(...(this.kept ? [this.other.element] : []), this.look.element);
    this.network.classList.toggle("two", Boolean(this.kept));
    this.span();
  }

  /** Let the slider go through the records of all paths, to the last one. */
  span() {
    const clocks = [this.path, this.kept?.path].flatMap((path) => (path ? [...path.clock] : []));
    this.clocks = [...new Set(clocks)].sort((one, other) => one - other);
    this.slider.max = String(Math.max(0, this.clocks.length - 1));
    this.slider.value = this.slider.max;
    this.show();
  }

  /** The record of a path that the slider is at: the last one until then. */
  record({ clock }) {
    const time = this.clocks[Number(this.slider.value)];
    return Math.max(0, clock.findLastIndex((each) => each <= time));
  }

  show() {
    const { path, spec, kept } = this;
    if (!path) return;
    const text = this.describe(path, spec);
    this.text.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    this.curve.canvas.setAttribute("aria-label", `${path.measures.get(this.measure.value).sentence} against the ${spec.clock}`);
    this.look.caption.textContent = kept ? `B: ${path.name}` : "";
    const most = Math.max(...[path, kept?.path].filter(Boolean).map(largest));
    this.look.show(spec, path, this.record(path), most);
    if (kept) {
      this.other.caption.textContent = `A, kept: ${kept.path.name}${difference(kept.spec, spec)}`;
      this.other.show(kept.spec, kept.path, this.record(kept.path), most);
    }
    this.curve.refresh();
  }

  /** A record in words. */
  describe(path, spec) {
    const now = this.record(path);
    const text = `${spec.clock} ${path.clock[now]} of ${path.clock[path.records - 1]}, loss ${path.loss[now].toPrecision(4)}`;
    const name = this.measure.value;
    if (name === "loss") return text;
    const { columns, values } = path.measures.get(name);
    const own = [...values.subarray(now * columns, (now + 1) * columns)].map((value) => value.toPrecision(4));
    return `${text}, ${name.replaceAll("_", " ")} ${own.join(" and ")}`;
  }

  refresh() {
    for (const picture of [this.curve, this.look, ...(this.kept ? [this.other] : [])]) picture.refresh();
  }

  drawCurve(...all) {
    const paths = [this.path, this.kept?.path].filter(Boolean);
    const time = this.clocks?.[Number(this.slider.value)];
    if (this.path) drawCurve(...all, { paths, measure: this.measure.value, time, clock: this.spec.clock });
  }

  toggle() {
    if (this.playing) return this.stop();
    if (!this.path) return undefined;
    if (this.slider.value === this.slider.max) this.slider.value = "0";
    this.play.textContent = "Stop";
    const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const by = isCalm ? Math.ceil(Number(this.slider.max) / JUMPS) : 1;
    this.playing = setInterval(() => {
      this.slider.value = String(Number(this.slider.value) + by);
      this.show();
      if (this.slider.value === this.slider.max) this.stop();
    }, isCalm ? CALM : FRAME);
    return undefined;
  }

  stop() {
    clearInterval(this.playing);
    this.playing = undefined;
    this.play.textContent = "Play";
  }
}

/** What a spec has that another one does not have, in words. */
function difference(spec, other) {
  const values = new Map((other.fields ?? []).map(({ key, value }) => [key, value]));
  const own = (spec.fields ?? []).filter(({ key, value }) => String(values.get(key)) !== String(value));
  const texts = own.slice(0, 3).map(({ key, value }) => `${key.split(".")[1].replaceAll("_", " ")} ${value}`);
  return texts.length ? `; ${texts.join(", ")}` : "";
}

/** The arrays of a message with a path: clock, loss, theta, surface and further measures, one after the other. */
export function readPath({ records, grid, measures = [], ...rest }, payload, parameters) {
  const bytes = payload.buffer.slice(payload.byteOffset, payload.byteOffset + payload.byteLength);
  let at = 0;
  const take = (Kind, number) => {
    const array = new Kind(bytes, at, number);
    at += array.byteLength;
    return array;
  };
  const clock = take(Float64Array, records);
  const loss = take(Float64Array, records);
  const path = {
    ...rest, records, grid, parameters, clock, loss,
    theta: take(Float64Array, records * parameters), surface: take(Float32Array, records * grid * grid),
  };
  const others = measures.map(([name, sentence, columns]) =>
    [name, { sentence, columns, values: take(Float64Array, records * columns) }]);
  return { ...path, measures: new Map([["loss", { sentence: "loss", columns: 1, values: loss }], ...others]) };
}
