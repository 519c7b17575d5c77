// The explorer: a map of starts that are trained while one moves through it, and the path of a chosen start.
// In anywidget's form: `model` sends messages to the session and receives its answers, and nothing else is shared.

const SHEET = 128; // starts along a side of a sheet, a piece of the map that is drawn at once
const SHEETS = 192; // sheets kept, at most: 60 MB
const CELL = 2; // least size of a start on the screen, in pixels
const MOST = 2 ** 19; // starts of a view, at most
const EDGE = 2 ** 11 - 1;
const FINER = 3; // levels finer than the view that are still drawn
const WIDEST = 2 ** 40; // length of a pixel, at most
const CLICK = 4; // pixels that a pointer may move in a click

// Looks of the lines of hidden units: no two of the first 20 have the same color and the same dashes.
const UNITS = ["#000000", "#007a5a", "#b0005c", "#7a4a00", "#5b2da0"];
const DASHES = [[], [9, 4], [3, 3], [9, 3, 3, 3]];

const FAR = 2 ** 100; // coordinates of a permalink, at most
const SAVE = 400; // milliseconds between two changes of the address, which browsers limit to 200 in 30 s

const CHOOSE = "Click a start to train it";
const HOVER = "Point at a start, or click it.";

const power = (k) => 2 ** k;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const differ = (one, other) => JSON.stringify(one) !== JSON.stringify(other);
const sheetKey = (k, i, j) => `${k}/${i}/${j}`;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function rgb(color) {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** A number with as many digits as tell `width` apart. */
function digits(value, width) {
  const wanted = value === 0 ? 3 : Math.ceil(Math.log10(Math.abs(value) / width)) + 3;
  return String(Number(value.toPrecision(clamp(wanted, 3, 17))));
}

/** Where a u + b v + c = 0 crosses the box of both ends: the two ends of a segment; null if there is none. */
export function segment([a, b], c, [[left, right], [low, high]]) {
  if (!(a || b) || ![a, b, c].every(Number.isFinite)) return null;
  const most = Math.max(Math.abs(a), Math.abs(b));
  [a, b, c] = [a / most, b / most, c / most]; // products stay finite
  const steep = Math.abs(a) > Math.abs(b); // solve for the input with the larger weight
  const [from, to] = steep ? [low, high] : [left, right];
  const [least, greatest] = steep ? [left, right] : [low, high];
  const [own, other] = steep ? [a, b] : [b, a];
  const at = (along) => -(other * along + c) / own;
  let span = [from, to];
  if (other) {
    const crossings = [least, greatest].map((value) => -(own * value + c) / other).sort((p, q) => p - q);
    span = [Math.max(from, crossings[0]), Math.min(to, crossings[1])];
  } else if (at(from) < least || at(from) > greatest) return null;
  if (!(span[0] < span[1])) return null;
  return span.map((along) => (steep ? [at(along), along] : [along, at(along)]));
}

/** What the text of a permalink says, without what is no number; the session validates the rest. */
function readPlace(text) {
  const given = new URLSearchParams(text);
  const numbers = (names, fits) => {
    const values = names.map((name) => (given.get(name) ? Number(given.get(name)) : NaN));
    return values.every(fits) ? Object.fromEntries(names.map((name, at) => [name, values[at]])) : undefined;
  };
  const index = (value) => Number.isSafeInteger(value) && value >= 0;
  const axes = numbers(["across", "up"], index);
  const through = given.get("through");
  const start = (given.get("start") ?? "").split("_").map(Number);
  return {
    view: numbers(["x", "y", "pixel"], (value) => Math.abs(value) <= FAR),
    axes: axes && { x: axes.across, y: axes.up },
    point: ["slice", "zero"].includes(through) ? through : numbers(["through"], index)?.through,
    keys: { ...numbers(["learning_rate"], Number.isFinite), ...numbers(["steps"], index) },
    start: start.length === 3 && start.every(Number.isSafeInteger)
      ? { k: start[0], n: start[1], m: start[2] } : undefined,
  };
}

function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** A canvas that fits its box on the screen; `draw(context, width, height)` is called when it should be drawn. */
class Picture {
  constructor(label, draw) {
    this.canvas = make("canvas", { role: "img", "aria-label": label });
    this.draw = draw;
  }

  refresh() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.draw(context, width, height);
  }
}

/** What is known of the map: for each level, sheets of SHEET x SHEET starts. */
class Sheets {
  constructor(forget) {
    this.forget = forget;
    this.clear();
  }

  clear() {
    this.sheets = new Map();
    this.low = Infinity; // of the clocks of solved runs, whose colors depend on them
    this.high = 0;
  }

  use(spec) {
    this.flat = new Map(spec.outcomes.map(({ code, color }) => [code, rgb(color)]));
    this.solved = spec.outcomes.find(({ name }) => name === "solved").code;
    this.ramp = spec.ramp.map(rgb);
    this.side = spec.side;
  }

  /** Add tiles of one level; the payload has all losses, then all clocks, then all outcomes. */
  add(k, tiles, payload) {
    const { side } = this;
    const [size, number] = [side * side, tiles.length * side * side];
    const bytes = payload.buffer.slice(payload.byteOffset, payload.byteOffset + payload.byteLength);
    const losses = new Float64Array(bytes, 0, number);
    const clocks = new Float64Array(bytes, 8 * number, number);
    const outcomes = new Int8Array(bytes, 16 * number, number);
    const [low, high] = [this.low, this.high];
    for (let cell = 0; cell < number; cell++) {
      if (outcomes[cell] !== this.solved) continue;
      this.low = Math.min(this.low, Math.max(1, clocks[cell]));
      this.high = Math.max(this.high, clocks[cell]);
    }
    const image = new ImageData(side, side);
    tiles.forEach(([i, j], number) => {
      const [x, y] = [i * side, j * side];
      const sheet = this.sheet(k, Math.floor(x / SHEET), Math.floor(y / SHEET));
      const [left, bottom] = [x - sheet.i * SHEET, y - sheet.j * SHEET];
      for (let a = 0; a < side; a++) {
        for (let b = 0; b < side; b++) {
          const [from, to] = [number * size + a * side + b, (left + a) * SHEET + bottom + b];
          sheet.loss[to] = losses[from];
          sheet.clock[to] = clocks[from];
          sheet.outcome[to] = outcomes[from];
          this.paint(image.data, 4 * ((side - 1 - b) * side + a), outcomes[from], clocks[from]);
        }
      }
      sheet.context.putImageData(image, left, SHEET - side - bottom);
    });
    if (low !== this.low || high !== this.high) this.repaint();
  }

  sheet(k, i, j) {
    const key = sheetKey(k, i, j);
    let sheet = this.sheets.get(key);
    if (!sheet) {
      const canvas = make("canvas", { width: SHEET, height: SHEET });
      const cells = SHEET * SHEET;
      sheet = { k, i, j, canvas, context: canvas.getContext("2d"), outcome: new Int8Array(cells).fill(-1) };
      sheet.loss = new Float32Array(cells);
      sheet.clock = new Float64Array(cells);
    }
    this.sheets.delete(key); // the last one used is the last one in the map
    this.sheets.set(key, sheet);
    return sheet;
  }

  paint(data, at, outcome, clock) {
    let color = this.flat.get(outcome);
    if (outcome === this.solved) {
      const span = Math.log(this.high) - Math.log(this.low);
      const place = span > 0 ? (Math.log(Math.max(1, clock)) - Math.log(this.low)) / span : 0;
      color = this.ramp[Math.round((1 - clamp(place, 0, 1)) * (this.ramp.length - 1))];
    }
    [data[at], data[at + 1], data[at + 2]] = color;
    data[at + 3] = 255;
  }

  repaint() {
    for (const sheet of this.sheets.values()) {
      const image = new ImageData(SHEET, SHEET);
      for (let cell = 0; cell < SHEET * SHEET; cell++) {
        if (sheet.outcome[cell] < 0) continue;
        const [a, b] = [Math.floor(cell / SHEET), cell % SHEET];
        this.paint(image.data, 4 * ((SHEET - 1 - b) * SHEET + a), sheet.outcome[cell], sheet.clock[cell]);
      }
      sheet.context.putImageData(image, 0, 0);
    }
  }

  /** Drop the sheets that were used longest ago, but those of the levels of a window. */
  trim(window) {
    for (const [key, sheet] of this.sheets) {
      if (this.sheets.size <= SHEETS) return;
      const inside = (low, high, each, levels) =>
        each * SHEET <= high / power(levels) && (each + 1) * SHEET > low / power(levels);
      const levels = sheet.k - window.k;
      if (levels >= 0 && inside(...window.n, sheet.i, levels) && inside(...window.m, sheet.j, levels)) continue;
      this.sheets.delete(key);
      const ends = (each) => [each * SHEET, (each + 1) * SHEET - 1];
      this.forget({ type: "forget", k: sheet.k, n: ends(sheet.i), m: ends(sheet.j) });
    }
  }

  /** The finest run at a start of level k, or of the coarser levels around it. */
  at(k, n, m, levels) {
    for (let up = 0; up < levels; up++) {
      const [a, b] = [Math.round(n / power(up)), Math.round(m / power(up))];
      const sheet = this.sheets.get(sheetKey(k + up, Math.floor(a / SHEET), Math.floor(b / SHEET)));
      if (!sheet) continue;
      const cell = (a - sheet.i * SHEET) * SHEET + b - sheet.j * SHEET;
      if (sheet.outcome[cell] < 0) continue;
      return { k: k + up, n: a, m: b, outcome: sheet.outcome[cell], clock: sheet.clock[cell], loss: sheet.loss[cell] };
    }
    return null;
  }
}

class Explorer {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.sheets = new Sheets((message) => model.send(message));
    this.history = [];
    this.pointers = new Map();
    this.build();
    this.listen();
    this.observer = new ResizeObserver(() => this.moved());
    this.observer.observe(this.map.canvas);
    this.hear = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.hear);
    this.place = readPlace(model.get("place"));
    this.goTo = () => this.visit();
    model.on("change:place", this.goTo);
  }

  close() {
    this.model.off("msg:custom", this.hear);
    this.model.off("change:place", this.goTo);
    clearTimeout(this.saving);
    this.observer.disconnect();
    clearInterval(this.playing);
  }

  // What the page shows.

  build() {
    const button = (text, label, act) => {
      const element = make("button", { type: "button", text, "aria-label": label, title: label });
      element.addEventListener("click", act);
      return element;
    };
    this.map = new Picture("", (context, width, height) => this.drawMap(context, width, height));
    const help =
      "Map of outcomes. Arrow keys move, plus and minus zoom, Home shows all, Backspace goes back, Enter trains the start in the middle.";
    const attributes = { role: "application", tabindex: "0", "aria-label": help, class: "map" };
    for (const [name, value] of Object.entries(attributes)) this.map.canvas.setAttribute(name, value);
    this.loss = new Picture("Loss of the chosen start against the step", (...all) => this.drawLoss(...all));
    this.surface = new Picture("Output of the network over both inputs", (...all) => this.drawSurface(...all));
    this.weights = new Picture("Parameters of the network", (...all) => this.drawWeights(...all));
    this.title = make("h1");
    this.status = make("p", { role: "status", class: "status" });
    this.fault = make("p", { role: "alert", class: "fault" });
    this.hover = make("p", { class: "hover", text: HOVER });
    this.where = make("p", { class: "place" });
    this.legend = make("ul", { class: "legend", "aria-label": "Outcomes" });
    this.fields = make("form", { class: "keys", "aria-label": "Keys of the spec" });
    this.box = make("div", { class: "box", hidden: "" });
    this.slider = make("input", { type: "range", min: "0", max: "0", value: "0", "aria-label": "Record of the path" });
    this.play = button("Play", "Play the path of the start", () => this.toggle());
    this.now = make("p", { class: "now" });
    this.chosen = make("h2", { text: CHOOSE });
    this.tools = make(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "View" },
      button("Back", "Back to the last view", () => this.back()),
      button("Home", "Show the whole plane", () => this.home()),
      button("+", "Zoom in", () => this.zoom(0.5)),
      button("\u2212", "Zoom out", () => this.zoom(2)),
      button("Spec", "Download this view as a spec", () => this.exportSpec()),
      button("PNG", "Download this view as a picture", () => this.exportPicture()),
    );
    if (this.model.get("link")) this.tools.append(button("Link", "Copy a link to this view", () => this.copyLink()));
    this.root = make(
      "div",
      { class: "saddlescape-explorer", "data-state": "waiting" },
      make("header", {}, this.title, this.tools),
      make(
        "section",
        { class: "left", "aria-label": "Map" },
        make("div", { class: "frame" }, this.map.canvas, this.box),
        this.where, this.hover, this.legend, this.status, this.fault,
      ),
      make(
        "section",
        { class: "right", "aria-label": "Start" },
        this.fields, this.chosen, this.loss.canvas,
        make("div", { class: "scrub" }, this.play, this.slider), this.now,
        make("div", { class: "network" }, this.surface.canvas, this.weights.canvas),
      ),
    );
    this.el.append(this.root);
    this.slider.addEventListener("input", () => this.show());
    this.fields.addEventListener("submit", (event) => event.preventDefault());
    this.say("waiting", "connecting");
  }

  say(state, text) {
    this.root.dataset.state = state;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  color(name) {
    return getComputedStyle(this.root).getPropertyValue(name).trim();
  }

  // Messages of the session.

  receive(message, buffers) {
    if (message.type === "spec") return this.receiveSpec(message);
    if (message.type === "lost") return this.say("lost", "The connection is lost; trying to connect again.");
    if (message.type === "fault") this.receiveFault(message);
    else if (message.type === "file") download(new Blob([message.text], { type: "application/toml" }), message.name);
    else if (message.generation === this.generation) this[`receive_${message.type}`]?.(message, buffers[0]);
    return undefined;
  }

  receiveFault({ message }) {
    this.fault.textContent = message;
    if (this.pending && --this.pending === 0) this.use(this.latest);
  }

  receiveSpec(spec) {
    this.latest = spec;
    if (spec.generation === 0) this.restore(spec);
    else if (this.pending) this.pending--;
    if (!this.pending) this.use(spec);
  }

  /** Ask the session for the plane and the keys of a permalink, or of what a page with a new session showed before. */
  restore(spec) {
    const { axes, point, keys } = { ...spec, ...this.wanted, ...this.aim(spec) };
    const messages = [];
    if (differ([axes, point], [spec.axes, spec.point])) messages.push({ type: "plane", ...axes, point });
    if (differ(keys, spec.keys)) messages.push({ type: "keys", ...keys });
    this.pending = messages.length;
    this.fault.textContent = "";
    for (const message of messages) this.model.send(message);
  }

  /** The plane and the keys that a permalink asks for. */
  aim(spec) {
    if (!this.place) return {};
    const { axes = spec.axes, point = spec.point, keys } = this.place;
    const own = Object.keys(spec.keys).map((key) => [key, keys[key] ?? spec.keys[key]]);
    return { axes, point, keys: Object.fromEntries(own) };
  }

  /** Go to another permalink. */
  visit() {
    clearTimeout(this.saving);
    this.saving = undefined;
    this.place = readPlace(this.model.get("place"));
    if (!this.spec) return;
    this.restore(this.spec);
    if (!this.pending) this.arrive();
  }

  /** Take the view and the start from a permalink, if the plane is its own. */
  arrive() {
    const { place, spec } = this;
    this.place = undefined;
    if (place && !differ([place.axes ?? spec.axes, place.point ?? spec.point], [spec.axes, spec.point])) {
      if (place.view?.pixel > 0) {
        const { x, y, pixel } = place.view;
        this.view = { x, y, pixel: clamp(pixel, power(this.finest(x, y)) / 32, WIDEST) };
        this.history = [];
      }
      this.mark = place.start ?? this.mark;
    }
    if (!this.view) this.home();
    this.moved();
    if (this.mark) this.train(this.mark);
  }

  /** Put what the page shows into its address, soon. */
  save() {
    this.saving ??= setTimeout(() => this.saveNow(), SAVE);
  }

  saveNow() {
    clearTimeout(this.saving);
    this.saving = undefined;
    if (!this.view || this.pending) return;
    const { axes, point, keys } = this.spec;
    const { x, y, pixel } = this.view;
    const place = new URLSearchParams({ x, y, pixel, across: axes.x, up: axes.y, through: point, ...keys });
    if (this.mark) place.set("start", `${this.mark.k}_${this.mark.n}_${this.mark.m}`);
    this.model.set("place", place.toString());
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

  use(spec) {
    if (spec === this.spec) { // as a permalink asked for what does not exist
      this.arrive();
      return;
    }
    const [before, { axes, point, keys }] = [this.spec, spec];
    this.spec = spec;
    this.wanted = { axes, point, keys };
    this.generation = spec.generation;
    this.root.dataset.generation = String(spec.generation);
    this.sheets.clear();
    this.sheets.use(spec);
    this.title.textContent = `${spec.title} (${spec.network})`;
    this.outcomes = new Map(spec.outcomes.map((outcome) => [outcome.code, outcome]));
    if (before && differ([before.axes, before.point], [axes, point])) this.leavePlane();
    this.showFields();
    this.showLegend();
    this.asked = undefined;
    this.arrive();
  }

  /** Views and starts of a plane say nothing about another one. */
  leavePlane() {
    this.stop();
    this.view = this.mark = this.path = undefined;
    this.history = [];
    this.last = undefined;
    this.slider.max = this.slider.value = "0";
    this.now.textContent = "";
    this.chosen.textContent = CHOOSE;
    this.hover.textContent = HOVER;
    delete this.root.dataset.path;
    delete this.root.dataset.lines;
  }

  receive_status({ state, left }) {
    if (state === "compiling") this.say("compiling", "compiling the kernel for this network");
    else if (state === "done") {
      const { n, m } = this.window();
      this.say("done", `done: ${(n[1] - n[0] + 1) * (m[1] - m[0] + 1)} starts${this.limited}`);
      this.showLegend();
    } else this.say(state, left ? `${left} s left` : state);
  }

  receive_tiles({ k, tiles, left }, payload) {
    this.sheets.add(k, tiles, payload);
    const finest = this.window().k;
    const resolution = k > finest ? `1/${power(k - finest)} resolution` : "full resolution";
    const rest = left === null ? "" : `, ${left < 1 ? "less than 1" : Math.ceil(left)} s left`;
    this.say("training", `${resolution}${rest}`);
    this.sheets.trim(this.window());
    this.dirty();
  }

  receive_path({ k, n, m, records, grid }, payload) {
    const bytes = payload.buffer.slice(payload.byteOffset, payload.byteOffset + payload.byteLength);
    const parameters = this.spec.parameters.length;
    const take = (number, Kind, from) => new Kind(bytes, from, number);
    const theta = 16 * records;
    this.path = {
      records, grid, parameters,
      clock: take(records, Float64Array, 0),
      loss: take(records, Float64Array, 8 * records),
      theta: take(records * parameters, Float64Array, theta),
      surface: take(records * grid * grid, Float32Array, theta + 8 * records * parameters),
    };
    this.mark = { k, n, m };
    this.slider.max = String(records - 1);
    this.slider.value = this.slider.max;
    this.root.dataset.path = `${k} ${n} ${m}`;
    this.describeStart();
    this.show();
    this.dirty();
  }

  // The view: its center, and the length of a pixel along x.

  home() {
    const { ends } = this.spec;
    const { clientWidth: width, clientHeight: height } = this.map.canvas;
    const tall = power(-this.spec.skew);
    const span = ([low, high]) => high - low || 2;
    const pixel = Math.max(span(ends.x) / (width || 400), (span(ends.y) * tall) / (height || 400)) * 1.02;
    this.go({ x: (ends.x[0] + ends.x[1]) / 2, y: (ends.y[0] + ends.y[1]) / 2, pixel });
  }

  go(view) {
    this.remember();
    this.view = view;
    this.moved();
  }

  /** Keep the view from which a movement began; movements that follow each other closely are one. */
  remember() {
    const now = performance.now();
    if (this.view && now - (this.last ?? -Infinity) > 500) this.history.push({ ...this.view });
    if (this.history.length > 100) this.history.shift();
    this.last = now;
  }

  back() {
    const view = this.history.pop();
    if (!view) return;
    this.view = view;
    this.last = undefined;
    this.moved();
  }

  zoom(factor, [x, y] = [this.view.x, this.view.y]) {
    if (!this.view) return;
    const pixel = clamp(this.view.pixel * factor, this.least(), WIDEST);
    const by = pixel / this.view.pixel;
    this.go({ x: x + (this.view.x - x) * by, y: y + (this.view.y - y) * by, pixel });
  }

  pan(right, up) {
    const { x, y, pixel } = this.view;
    this.go({ x: x + right * pixel, y: y + up * pixel * power(this.spec.skew), pixel });
  }

  /** The finest level at which neighboring starts of the view differ. */
  finest(x, y) {
    const most = Math.max(Math.abs(x), Math.abs(y) * power(-this.spec.skew));
    return Math.max(this.spec.levels[0], Math.ceil(Math.log2(Math.max(most, Number.MIN_VALUE) / this.spec.exact)));
  }

  /** The least length of a pixel: where precision ends, a start is at most 32 pixels wide. */
  least() {
    return power(this.finest(this.view.x, this.view.y)) / 32;
  }

  /** The starts of the view. */
  window() {
    const { clientWidth: width, clientHeight: height } = this.map.canvas;
    const { x, y, pixel } = this.view;
    const skew = power(this.spec.skew);
    let k = Math.ceil(Math.log2(CELL * pixel));
    while ((width * height * pixel * pixel) / power(2 * k) > MOST * 0.9) k++;
    while ((Math.max(width, height) * pixel) / power(k) > EDGE - 2) k++;
    const reach = (at, length) => [at - (length / 2) * pixel, at + (length / 2) * pixel];
    const [across, up] = [reach(x, width), reach(y / skew, height)];
    const finest = this.finest(Math.max(...across.map(Math.abs)), Math.max(...up.map(Math.abs)) * skew);
    this.limited = k < finest ? "; precision ends here" : "";
    k = clamp(Math.max(k, finest), ...this.spec.levels);
    const whole = ([low, high]) => [Math.round(low / power(k)), Math.round(high / power(k))];
    return { k, n: whole(across), m: whole(up) };
  }

  /** After any change of the view: draw what is known, and ask for the rest. */
  moved() {
    if (!this.view || !this.map.canvas.clientWidth) return;
    const window = this.window();
    const asked = JSON.stringify(window);
    if (asked !== this.asked) {
      this.asked = this.root.dataset.view = asked;
      this.say("training", "training");
      this.model.send({ type: "view", ...window });
    }
    this.save();
    const { x, y } = this.ends();
    const name = (axis) => this.spec.parameters[this.spec.axes[axis]];
    const text = (axis, [low, high]) =>
      `${name(axis)} from ${digits(low, high - low)} to ${digits(high, high - low)}`;
    this.where.textContent = `across: ${text("x", x)}; up: ${text("y", y)}`;
    this.dirty();
  }

  ends() {
    const { clientWidth: width, clientHeight: height } = this.map.canvas;
    const [w, h] = [(this.view.pixel * width) / 2, (this.view.pixel * height * power(this.spec.skew)) / 2];
    return { x: [this.view.x - w, this.view.x + w], y: [this.view.y - h, this.view.y + h] };
  }

  dirty() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = undefined;
      if (this.view) this.map.refresh();
      for (const picture of [this.loss, this.surface, this.weights]) picture.refresh();
    });
  }

  // Pictures.

  drawMap(context, width, height) {
    const { x, y, pixel } = this.view;
    const skew = power(this.spec.skew);
    const { k } = this.window();
    context.imageSmoothingEnabled = false;
    const rank = (sheet) => (sheet.k === k ? -Infinity : sheet.k < k ? -1e6 + sheet.k : sheet.k);
    const near = [...this.sheets.sheets.values()].filter((sheet) => sheet.k >= k - FINER);
    for (const sheet of near.sort((a, b) => rank(b) - rank(a))) {
      const cell = power(sheet.k) / pixel;
      const left = width / 2 + ((sheet.i * SHEET - 0.5) * power(sheet.k) - x) / pixel;
      const bottom = height / 2 - ((sheet.j * SHEET - 0.5) * power(sheet.k) - y / skew) / pixel;
      const size = SHEET * cell;
      if (left > width || left + size < 0 || bottom < 0 || bottom - size > height) continue;
      if (size > 1e6) continue; // a single start around all that is seen
      const edges = [left, left + size, bottom - size, bottom].map(Math.round);
      context.drawImage(sheet.canvas, edges[0], edges[2], edges[1] - edges[0], edges[3] - edges[2]);
    }
    if (this.mark) {
      const at = [this.mark.n * power(this.mark.k), this.mark.m * power(this.mark.k)];
      const [across, down] = [width / 2 + (at[0] - x) / pixel, height / 2 - (at[1] - y / skew) / pixel];
      for (const [color, line] of [["#fff", 4], ["#000", 2]]) {
        context.strokeStyle = color;
        context.lineWidth = line;
        context.beginPath();
        context.arc(across, down, 7, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }

  drawLoss(context, width, height) {
    const { path } = this;
    if (!path) return;
    const [left, right, top, bottom] = [46, width - 10, 12, height - 32];
    const losses = path.loss.filter((each) => each > 0 && Number.isFinite(each));
    const [least, most] = [Math.min(...losses), Math.max(...losses)].map((each) => Math.log10(each));
    const last = Math.log10(1 + path.clock[path.records - 1]) || 1;
    const across = (clock) => left + ((right - left) * Math.log10(1 + clock)) / last;
    const span = Math.max(most - least, 1e-9);
    const up = (loss) => bottom - ((bottom - top) * (Math.log10(loss) - least)) / span;
    context.fillStyle = context.strokeStyle = this.color("--text");
    context.font = "12px system-ui, sans-serif";
    context.globalAlpha = 0.4;
    context.strokeRect(left, top, right - left, bottom - top);
    context.globalAlpha = 1;
    context.textAlign = "right";
    if (losses.length) {
      context.fillText((10 ** most).toPrecision(2), left - 4, top + 8);
      context.fillText((10 ** least).toPrecision(2), left - 4, bottom);
    }
    context.fillText("loss", left - 4, (top + bottom) / 2);
    context.textAlign = "center";
    for (let clock = 0; clock <= path.clock[path.records - 1]; clock = clock ? clock * 10 : 1) {
      context.fillText(String(clock), across(clock), bottom + 14);
    }
    context.fillText(this.spec.clock, (left + right) / 2, bottom + 28);
    context.strokeStyle = this.color("--accent");
    context.lineWidth = 2;
    context.beginPath();
    path.loss.forEach((loss, record) => {
      if (loss > 0 && Number.isFinite(loss)) context.lineTo(across(path.clock[record]), up(loss));
    });
    context.stroke();
    context.strokeStyle = this.color("--text");
    context.lineWidth = 1;
    context.beginPath();
    const now = across(path.clock[Number(this.slider.value)]);
    context.moveTo(now, top);
    context.lineTo(now, bottom);
    context.stroke();
  }

  drawSurface(context, width, height) {
    const { path, spec } = this;
    if (!spec) return;
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = this.color("--text");
    if (!spec.samples) {
      context.fillText("A surface needs two inputs.", 8, 20);
      return;
    }
    const size = Math.min(width, height - 18);
    const { inputs, targets, ends } = spec.samples;
    const [low, high] = [Math.min(...targets), Math.max(...targets)];
    const shade = (value) => clamp((value - low) / (high - low || 1), 0, 1);
    if (path?.grid) {
      const { grid } = path;
      const image = new ImageData(grid, grid);
      const first = Number(this.slider.value) * grid * grid;
      const [cold, middle, warm] = ["#0072b2", "#f4f4f4", "#e69f00"].map(rgb);
      for (let cell = 0; cell < grid * grid; cell++) {
        const t = shade(path.surface[first + cell]);
        const [from, to, part] = t < 0.5 ? [cold, middle, 2 * t] : [middle, warm, 2 * t - 1];
        const at = 4 * ((grid - 1 - Math.floor(cell / grid)) * grid + (cell % grid));
        for (let channel = 0; channel < 3; channel++) {
          image.data[at + channel] = from[channel] + part * (to[channel] - from[channel]);
        }
        image.data[at + 3] = Number.isFinite(path.surface[first + cell]) ? 255 : 0;
      }
      const small = make("canvas", { width: grid, height: grid });
      small.getContext("2d").putImageData(image, 0, 0);
      context.imageSmoothingEnabled = true;
      context.drawImage(small, 0, 0, size, size);
    }
    const drawn = path ? this.drawLines(context, size) : 0;
    inputs.forEach((input, sample) => {
      const part = input.map((value, axis) => (value - ends[axis][0]) / (ends[axis][1] - ends[axis][0]));
      context.beginPath();
      context.arc(part[0] * size, (1 - part[1]) * size, inputs.length > 100 ? 2.5 : 6, 0, 2 * Math.PI);
      context.fillStyle = shade(targets[sample]) < 0.5 ? "#0072b2" : "#e69f00";
      context.fill();
      context.strokeStyle = "#000";
      context.stroke();
    });
    context.fillStyle = this.color("--text");
    context.fillText(drawn ? "output, lines of hidden units" : "output over x1 and x2", 0, size + 14);
  }

  /** The lines where units of the first hidden layer have the pre-activation 0; returns how many there are. */
  drawLines(context, size) {
    const { path, spec } = this;
    const { ends } = spec.samples;
    const first = Number(this.slider.value) * path.parameters;
    const place = (point) =>
      point.map((value, axis) => (size * (value - ends[axis][0])) / (ends[axis][1] - ends[axis][0]));
    const drawn = [];
    context.save();
    context.textAlign = "center";
    spec.units.forEach((indices, unit) => {
      const [a, b, c = 0] = indices.map((index) => path.theta[first + index]);
      const line = segment([a, b], c, ends);
      if (!line) return;
      drawn.push(unit);
      const [[u, v], [x, y]] = line.map(place);
      const stroke = (color, width, dashes) => {
        [context.strokeStyle, context.lineWidth] = [color, width];
        context.setLineDash(dashes);
        context.beginPath();
        context.moveTo(u, size - v);
        context.lineTo(x, size - y);
        context.stroke();
      };
      stroke("#fff", 5, []);
      stroke(UNITS[unit % UNITS.length], 2.5, DASHES[unit % DASHES.length]);
      const part = 0.12 + 0.06 * (unit % 4);
      const [right, down] = [u + part * (x - u), size - v - part * (y - v)];
      context.setLineDash([]);
      context.fillStyle = "#fff";
      context.beginPath();
      context.arc(right, down, 8, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = UNITS[unit % UNITS.length];
      context.fillText(String(unit), right, down + 4);
    });
    context.restore();
    this.root.dataset.lines = drawn.join(" ");
    return drawn.length;
  }

  drawWeights(context, width, height) {
    const { path, spec } = this;
    if (!path) return;
    const shown = Math.min(path.parameters, 40);
    const row = Math.min(18, (height - 4) / shown);
    const first = Number(this.slider.value) * path.parameters;
    const most = path.theta.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    const middle = 52 + (width - 52 - 56) / 2;
    context.font = `${clamp(Math.floor(row) - 3, 6, 12)}px system-ui, sans-serif`;
    for (let number = 0; number < shown; number++) {
      const value = path.theta[first + number];
      const top = 2 + number * row;
      const length = (value / most) * (middle - 56);
      context.fillStyle = value < 0 ? "#0072b2" : "#e69f00";
      context.fillRect(Math.min(middle, middle + length), top + 2, Math.abs(length), row - 4);
      context.fillStyle = this.color("--text");
      context.textAlign = "left";
      context.fillText(spec.parameters[number], 0, top + row - 5);
      context.textAlign = "right";
      context.fillText(value.toPrecision(3), width - 2, top + row - 5);
    }
    context.textAlign = "left";
  }

  // Texts.

  showFields() {
    const focus = this.fields.contains(document.activeElement) ? document.activeElement.name : undefined;
    this.fields.replaceChildren(...this.keyFields(), ...this.planeFields());
    if (focus) this.fields.elements.namedItem(focus)?.focus();
  }

  keyFields() {
    const names = { learning_rate: "learning rate", steps: "steps" };
    return Object.entries(this.spec.keys).map(([key, value]) => {
      const input = make("input", { type: "number", step: "any", min: "0", value: String(value), name: key });
      input.addEventListener("change", () => this.change({ type: "keys", [key]: Number(input.value) }));
      return make("label", { text: `${names[key]} ` }, input);
    });
  }

  planeFields() {
    const { axes, parameters, point, points, runs } = this.spec;
    const select = (name, options, value, changed) => {
      const all = options.map((text, at) => make("option", { value: String(at), text }));
      const element = make("select", { name, "aria-label": name }, ...all);
      element.value = String(value);
      element.addEventListener("change", () => changed(Number(element.value)));
      return make("label", { text: `${name} ` }, element);
    };
    const plane = (changes) => this.change({ type: "plane", ...axes, point, ...changes });
    const fields = [["across", "x", "y"], ["up", "y", "x"]].map(([name, own, other]) =>
      select(name, parameters, axes[own], (index) =>
        plane({ [own]: index, [other]: index === axes[other] ? axes[own] : axes[other] })));
    const isRun = typeof point === "number";
    const words = [...points.map((each) => (each === "slice" ? "the slice" : each)), "a run"];
    fields.push(select("through", words, isRun ? points.length : points.indexOf(point), (index) =>
      plane({ point: points[index] ?? 0 })));
    if (isRun) {
      const limits = { min: "0", max: String(runs - 1), step: "1" };
      const run = make("input", { type: "number", name: "run", value: String(point), ...limits });
      run.addEventListener("change", () => plane({ point: Number(run.value) }));
      fields.push(make("label", { text: "run " }, run));
    }
    return fields;
  }

  change(message) {
    this.fault.textContent = "";
    this.model.send(message);
  }

  showLegend() {
    const counts = new Map();
    let all = 0;
    if (this.view) {
      const { k, n, m } = this.window();
      for (const sheet of this.sheets.sheets.values()) {
        if (sheet.k !== k) continue;
        const [from, to] = [Math.max(0, n[0] - sheet.i * SHEET), Math.min(SHEET - 1, n[1] - sheet.i * SHEET)];
        const [low, high] = [Math.max(0, m[0] - sheet.j * SHEET), Math.min(SHEET - 1, m[1] - sheet.j * SHEET)];
        for (let a = from; a <= to; a++) {
          for (let b = low; b <= high; b++) {
            const outcome = sheet.outcome[a * SHEET + b];
            if (outcome < 0) continue;
            counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
            all++;
          }
        }
      }
    }
    this.legend.replaceChildren();
    for (const { code, name, sentence, color } of this.spec.outcomes) {
      const share = all ? ` ${(100 * (counts.get(code) ?? 0)) / all < 10 && counts.get(code) ? ((100 * counts.get(code)) / all).toPrecision(2) : Math.round((100 * (counts.get(code) ?? 0)) / all)} %` : "";
      const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = name === "solved" ? `linear-gradient(90deg, ${[...this.spec.ramp].reverse().join()})` : color;
      if (name === "solved") swatch.classList.add("wide");
      const { low, high } = this.sheets;
      const span = name === "solved" && high > 0 ? ` (${this.spec.clock} ${low} to ${high})` : "";
      this.legend.append(make("li", { title: sentence }, swatch, `${name}${share}${span}`));
    }
  }

  describeStart() {
    const { k, n, m } = this.mark;
    const run = this.sheets.at(k, n, m, 1);
    const { records, clock } = this.path;
    const how = run ? `${this.outcomes.get(run.outcome).name}, ` : "";
    this.chosen.textContent = `Start: ${how}${this.spec.clock} ${clock[records - 1]}`;
  }

  show() {
    const { path } = this;
    if (!path) return;
    const record = Number(this.slider.value);
    const last = path.clock[path.records - 1];
    const text = `${this.spec.clock} ${path.clock[record]} of ${last}, loss ${path.loss[record].toPrecision(4)}`;
    this.now.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    for (const picture of [this.loss, this.surface, this.weights]) picture.refresh();
  }

  toggle() {
    if (this.playing) return this.stop();
    if (!this.path) return undefined;
    if (this.slider.value === this.slider.max) this.slider.value = "0";
    this.play.textContent = "Stop";
    this.playing = setInterval(() => {
      this.slider.value = String(Number(this.slider.value) + 1);
      this.show();
      if (this.slider.value === this.slider.max) this.stop();
    }, 80);
    return undefined;
  }

  stop() {
    clearInterval(this.playing);
    this.playing = undefined;
    this.play.textContent = "Play";
  }

  // Exports.

  exportSpec() {
    if (this.view) this.model.send({ type: "export", ...this.window() });
  }

  exportPicture() {
    this.map.canvas.toBlob((blob) => download(blob, "view.png"));
  }

  // What the user does.

  /** The point of the plane at a place on the map. */
  point(event) {
    const { left, top, width, height } = this.map.canvas.getBoundingClientRect();
    const { x, y, pixel } = this.view;
    const [across, up] = [event.clientX - left - width / 2, height / 2 - (event.clientY - top)];
    return [x + across * pixel, y + up * pixel * power(this.spec.skew)];
  }

  start([x, y]) {
    const { k } = this.window();
    return { k, n: Math.round(x / power(k)), m: Math.round(y / power(k + this.spec.skew)) };
  }

  train(start) {
    this.stop();
    this.mark = start;
    this.model.send({ type: "start", ...start });
    this.save();
    this.dirty();
  }

  point_at(event) {
    const { k, n, m } = this.start(this.point(event));
    const run = this.sheets.at(k, n, m, 5);
    if (!run) return;
    const [name, skew] = [(axis) => this.spec.parameters[this.spec.axes[axis]], this.spec.skew];
    const [x, y] = [run.n * power(run.k), run.m * power(run.k + skew)];
    const width = power(run.k);
    const clock = `${this.spec.clock} ${run.clock}`;
    this.hover.textContent =
      `${this.outcomes.get(run.outcome).name}, ${clock}, loss ${run.loss.toPrecision(3)}; ` +
      `${name("x")} = ${digits(x, width)}, ${name("y")} = ${digits(y, width * power(skew))}`;
  }

  listen() {
    const { canvas } = this.map;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.view) this.zoom(Math.exp(clamp(event.deltaY, -300, 300) * 0.002), this.point(event));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.view || event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, y: event.clientY, from: this.point(event), box: event.shiftKey, moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.view) return;
      if (!this.drag) {
        this.point_at(event);
        return;
      }
      const [right, down] = [event.clientX - this.drag.x, event.clientY - this.drag.y];
      this.drag.moved ||= Math.hypot(right, down) > CLICK;
      if (this.drag.box) this.showBox(event);
      else if (this.drag.moved) {
        this.pan(-right, down);
        [this.drag.x, this.drag.y] = [event.clientX, event.clientY];
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const { drag } = this;
      this.drag = undefined;
      this.box.hidden = true;
      if (!drag) return;
      if (!drag.moved) this.train(this.start(drag.from));
      else if (drag.box) this.enter(drag.from, this.point(event));
    });
    canvas.addEventListener("pointercancel", () => {
      this.drag = undefined;
      this.box.hidden = true;
    });
    const step = () => canvas.clientWidth / 8;
    const keys = {
      ArrowLeft: () => this.pan(-step(), 0), ArrowRight: () => this.pan(step(), 0),
      ArrowUp: () => this.pan(0, step()), ArrowDown: () => this.pan(0, -step()),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      Home: () => this.home(), Backspace: () => this.back(),
      Enter: () => this.train(this.start([this.view.x, this.view.y])),
    };
    canvas.addEventListener("keydown", (event) => {
      if (!this.view || !(event.key in keys) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", () => this.dirty());
  }

  showBox(event) {
    const { left, top } = this.map.canvas.getBoundingClientRect();
    const [x, y] = [Math.min(event.clientX, this.drag.x) - left, Math.min(event.clientY, this.drag.y) - top];
    Object.assign(this.box.style, {
      left: `${x}px`, top: `${y}px`,
      width: `${Math.abs(event.clientX - this.drag.x)}px`, height: `${Math.abs(event.clientY - this.drag.y)}px`,
    });
    this.box.hidden = false;
  }

  /** Show all of a box. */
  enter([x0, y0], [x1, y1]) {
    const { clientWidth: width, clientHeight: height } = this.map.canvas;
    const tall = power(-this.spec.skew);
    const pixel = Math.max(Math.abs(x1 - x0) / width, (Math.abs(y1 - y0) * tall) / height, this.least());
    this.last = undefined;
    this.go({ x: (x0 + x1) / 2, y: (y0 + y1) / 2, pixel });
  }
}

export default {
  render({ model, el }) {
    const explorer = new Explorer(model, el);
    return () => explorer.close();
  },
};
