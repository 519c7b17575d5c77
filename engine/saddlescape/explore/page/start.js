// The panel of a start: its path, record by record.
import { button, make, Picture } from "./elements.js";
import { drawCurve } from "./curve.js";
import { drawSurface } from "./surface.js";
import { drawWeights } from "./weights.js";

const CHOOSE = "Click a start to train it";
const FRAME = 80; // milliseconds that a record is shown

/** `lined(units)` is called with the numbers of the hidden units whose lines are drawn. */
export class StartPanel {
  constructor(lined) {
    this.lined = lined;
    this.curve = new Picture("Loss of the chosen start against the step", (...all) => this.draw(drawCurve, all));
    this.surface = new Picture("Output of the network over both inputs", (...all) => this.drawSurface(...all));
    this.weights = new Picture("Parameters of the network", (...all) => this.draw(drawWeights, all));
    this.title = make("h2", { text: CHOOSE });
    this.play = button("Play", "Play the path of the start", () => this.toggle());
    this.slider = make("input", { type: "range", min: "0", max: "0", value: "0", "aria-label": "Record of the path" });
    this.slider.addEventListener("input", () => this.show());
    this.text = make("p", { class: "now" });
    this.elements = [
      this.title, this.curve.canvas, make("div", { class: "scrub" }, this.play, this.slider), this.text,
      make("div", { class: "network" }, this.surface.canvas, this.weights.canvas),
    ];
  }

  get now() {
    return Number(this.slider.value);
  }

  /** Show no start any more, for example because the plane is another one. */
  clear() {
    this.stop();
    this.path = undefined;
    this.slider.max = this.slider.value = "0";
    this.text.textContent = "";
    this.title.textContent = CHOOSE;
  }

  /** Show the path of a start; `outcome` is its name if it is known. */
  use(spec, path, outcome) {
    this.path = path;
    this.spec = spec;
    this.slider.max = String(path.records - 1);
    this.slider.value = this.slider.max;
    this.title.textContent = `Start: ${outcome ? `${outcome}, ` : ""}${spec.clock} ${path.clock[path.records - 1]}`;
    this.show();
  }

  show() {
    const { path, now, spec } = this;
    if (!path) return;
    const text = `${spec.clock} ${path.clock[now]} of ${path.clock[path.records - 1]}, loss ${path.loss[now].toPrecision(4)}`;
    this.text.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    this.refresh();
  }

  refresh() {
    for (const picture of [this.curve, this.surface, this.weights]) picture.refresh();
  }

  draw(drawing, all) {
    const { path, spec, now } = this;
    if (path) drawing(...all, { path, spec, now, clock: spec.clock });
  }

  drawSurface(...all) {
    const { path, spec, now } = this;
    const units = spec ? drawSurface(...all, { path, spec, now }) : [];
    if (path) this.lined(units);
  }

  toggle() {
    if (this.playing) return this.stop();
    if (!this.path) return undefined;
    if (this.slider.value === this.slider.max) this.slider.value = "0";
    this.play.textContent = "Stop";
    this.playing = setInterval(() => {
      this.slider.value = String(this.now + 1);
      this.show();
      if (this.slider.value === this.slider.max) this.stop();
    }, FRAME);
    return undefined;
  }

  stop() {
    clearInterval(this.playing);
    this.playing = undefined;
    this.play.textContent = "Play";
  }
}

/** The arrays of a message with a path: clock, loss, theta and surface, one after the other. */
export function readPath({ records, grid }, payload, parameters) {
  const bytes = payload.buffer.slice(payload.byteOffset, payload.byteOffset + payload.byteLength);
  const theta = 16 * records;
  return {
    records, grid, parameters,
    clock: new Float64Array(bytes, 0, records),
    loss: new Float64Array(bytes, 8 * records, records),
    theta: new Float64Array(bytes, theta, records * parameters),
    surface: new Float32Array(bytes, theta + 8 * records * parameters, records * grid * grid),
  };
}
