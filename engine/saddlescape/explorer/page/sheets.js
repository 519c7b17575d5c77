// What is known of the map: results of starts, and their pictures.
import { make, rgb } from "./elements.js";
import { clamp, power } from "./numbers.js";

const SHEET = 128; // starts along a side of a sheet, a piece of the map that is drawn at once
const SHEETS = 192; // sheets kept, at most: 60 MB
const GAP = -1; // outcome of a start that the spec cannot have, where an axis is a number
const UNKNOWN = -128;
const BLANK = 236; // its gray
const FINER = 3; // levels finer than the view that are still drawn

const sheetKey = (k, i, j) => `${k}/${i}/${j}`;

/** What is known of the map: for each level, sheets of SHEET x SHEET starts. */
export class Sheets {
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
    const { axes = {}, numbers = [] } = spec;
    this.gaps = numbers.some(({ name }) => name === axes.x || name === axes.y);
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
      sheet = { k, i, j, canvas, context: canvas.getContext("2d"), outcome: new Int8Array(cells).fill(UNKNOWN) };
      sheet.loss = new Float32Array(cells);
      sheet.clock = new Float64Array(cells);
    }
    this.sheets.delete(key); // the last one used is the last one in the map
    this.sheets.set(key, sheet);
    return sheet;
  }

  /** Starts without results, which may wait for others, are transparent: the coarser ones below show. */
  paint(data, at, outcome, clock) {
    if (outcome === GAP && this.gaps) {
      data.fill(BLANK, at, at + 3);
      data[at + 3] = 255;
      return;
    }
    let color = this.flat.get(outcome) ?? [0, 0, 0]; // of no run, which is transparent
    if (outcome === this.solved) {
      const span = Math.log(this.high) - Math.log(this.low);
      const place = span > 0 ? (Math.log(Math.max(1, clock)) - Math.log(this.low)) / span : 0;
      color = this.ramp[Math.round((1 - clamp(place, 0, 1)) * (this.ramp.length - 1))];
    }
    [data[at], data[at + 1], data[at + 2]] = color;
    data[at + 3] = outcome < 0 ? 0 : 255;
  }

  repaint() {
    for (const sheet of this.sheets.values()) {
      const image = new ImageData(SHEET, SHEET);
      for (let cell = 0; cell < SHEET * SHEET; cell++) {
        if (sheet.outcome[cell] < GAP) continue;
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

  /** How many of the starts of a window are known, by outcome. */
  count({ k, n, m }) {
    const counts = new Map();
    const inside = ([low, high], first) => [Math.max(0, low - first * SHEET), Math.min(SHEET - 1, high - first * SHEET)];
    for (const sheet of this.sheets.values()) {
      if (sheet.k !== k) continue;
      const [[left, right], [bottom, top]] = [inside(n, sheet.i), inside(m, sheet.j)];
      for (let a = left; a <= right; a++) {
        for (let b = bottom; b <= top; b++) {
          const outcome = sheet.outcome[a * SHEET + b];
          if (outcome >= 0) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        }
      }
    }
    return counts;
  }

  /** Draw what is known of a view: coarse sheets first, those of its own level last. */
  draw(context, view) {
    const [width, height] = view.size();
    const { k } = view.window();
    const rank = (sheet) => (sheet.k === k ? -Infinity : sheet.k < k ? -1e6 + sheet.k : sheet.k);
    const near = [...this.sheets.values()].filter((sheet) => sheet.k >= k - FINER);
    context.imageSmoothingEnabled = false;
    for (const sheet of near.sort((a, b) => rank(b) - rank(a))) {
      const corner = { k: sheet.k, n: sheet.i * SHEET - 0.5, m: sheet.j * SHEET - 0.5 };
      const [left, bottom] = view.pixels(view.values(corner));
      const size = (SHEET * power(sheet.k)) / view.pixel;
      if (left > width || left + size < 0 || bottom < 0 || bottom - size > height) continue;
      if (size > 1e6) continue; // a single start around all that is seen
      const edges = [left, left + size, bottom - size, bottom].map(Math.round);
      context.drawImage(sheet.canvas, edges[0], edges[2], edges[1] - edges[0], edges[3] - edges[2]);
    }
  }
}
