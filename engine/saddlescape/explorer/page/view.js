// The view of the map: its center and the length of a pixel along x, and how it moves over the lattice of starts.
import { axisOf } from "./axes.js";
import { clamp, power } from "./numbers.js";

const CELL = 2; // least size of a start on the screen, in pixels
const MOST = 2 ** 19; // starts of a view, at most
const EDGE = 2 ** 11 - 1;
const WIDEST = 2 ** 40; // length of a pixel, at most
const VIEWS = 100; // that Back remembers
const PAUSE = 500; // milliseconds between two movements that are not one for Back

/** `size()` is the width and the height of the map in pixels; `x`, `y` and `pixel` are undefined before the first view. */
export class View {
  constructor(size) {
    this.size = size;
    this.leave();
  }

  get known() {
    return this.pixel !== undefined;
  }

  /** Views of a plane say nothing about another one. */
  leave() {
    this.x = this.y = this.pixel = this.last = undefined;
    this.history = [];
  }

  use(spec) {
    this.spec = spec;
    this.skew = power(spec.skew);
    this.floor = Math.max(axisOf(spec, "x").finest, axisOf(spec, "y").finest - spec.skew, spec.levels[0]);
  }

  put({ x, y, pixel }) {
    Object.assign(this, { x, y, pixel });
  }

  /** Begin at a place of a permalink. */
  begin({ x, y, pixel }) {
    this.put({ x, y, pixel: clamp(pixel, this.least(x, y), WIDEST) });
    this.history = [];
  }

  home() {
    const { ends } = this.spec;
    const [width, height] = this.size();
    const span = ([low, high]) => high - low || 2;
    const pixel = Math.max(span(ends.x) / (width || 400), span(ends.y) / this.skew / (height || 400)) * 1.02;
    this.go({ x: (ends.x[0] + ends.x[1]) / 2, y: (ends.y[0] + ends.y[1]) / 2, pixel });
  }

  go(view) {
    this.remember();
    this.put(view);
  }

  /** Keep the view from which a movement began; movements that follow each other closely are one. */
  remember() {
    const now = performance.now();
    const { x, y, pixel } = this;
    if (this.known && now - (this.last ?? -Infinity) > PAUSE) this.history.push({ x, y, pixel });
    if (this.history.length > VIEWS) this.history.shift();
    this.last = now;
  }

  back() {
    const view = this.history.pop();
    if (view) this.put(view);
    this.last = undefined;
  }

  zoom(factor, [x, y] = [this.x, this.y]) {
    const pixel = clamp(this.pixel * factor, this.least(this.x, this.y), WIDEST);
    const by = pixel / this.pixel;
    this.go({ x: x + (this.x - x) * by, y: y + (this.y - y) * by, pixel });
  }

  pan(right, up) {
    const { x, y, pixel } = this;
    this.go({ x: x + right * pixel, y: y + up * pixel * this.skew, pixel });
  }

  /** Show all of a box. */
  enter([x0, y0], [x1, y1]) {
    const [width, height] = this.size();
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const pixel = Math.max(Math.abs(x1 - x0) / width, Math.abs(y1 - y0) / this.skew / height, this.least(x, y));
    this.last = undefined;
    this.go({ x, y, pixel });
  }

  /** The finest level at which neighboring starts around a point differ. */
  finest(x, y) {
    const most = Math.max(Math.abs(x), Math.abs(y) / this.skew);
    return Math.max(this.floor, Math.ceil(Math.log2(Math.max(most, Number.MIN_VALUE) / this.spec.exact)));
  }

  /** The least length of a pixel: where precision ends, a start is at most 32 pixels wide. */
  least(x, y) {
    return power(this.finest(x, y)) / 32;
  }

  /** The ends of both axes. */
  ends() {
    const [width, height] = this.size();
    const [w, h] = [(this.pixel * width) / 2, (this.pixel * height * this.skew) / 2];
    return { x: [this.x - w, this.x + w], y: [this.y - h, this.y + h] };
  }

  /** The starts of the view, and whether precision ends before a start has its least size. */
  window() {
    const [width, height] = this.size();
    const { x: across, y: up } = this.ends();
    let k = Math.ceil(Math.log2(CELL * this.pixel));
    while ((width * height * this.pixel ** 2) / power(2 * k) > MOST * 0.9) k++;
    while ((Math.max(width, height) * this.pixel) / power(k) > EDGE - 2) k++;
    const finest = this.finest(Math.max(...across.map(Math.abs)), Math.max(...up.map(Math.abs)));
    this.limited = k < finest;
    k = clamp(Math.max(k, finest), ...this.spec.levels);
    const whole = (ends, scale) => ends.map((end) => Math.round(end / scale / power(k)));
    return { k, n: whole(across, 1), m: whole(up, this.skew) };
  }

  /** The point of the plane at a place in pixels from the left upper corner. */
  point([right, down]) {
    const [width, height] = this.size();
    return [this.x + (right - width / 2) * this.pixel, this.y + (height / 2 - down) * this.pixel * this.skew];
  }

  /** The place of a point of the plane, in pixels. */
  pixels([x, y]) {
    const [width, height] = this.size();
    return [width / 2 + (x - this.x) / this.pixel, height / 2 - (y - this.y) / this.skew / this.pixel];
  }

  /** The start of the view that is nearest to a point. */
  start([x, y]) {
    const { k } = this.window();
    return { k, n: Math.round(x / power(k)), m: Math.round(y / this.skew / power(k)) };
  }

  /** The coordinates of a start. */
  values({ k, n, m }) {
    return [n * power(k), m * power(k) * this.skew];
  }
}
