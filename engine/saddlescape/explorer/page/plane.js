// The fields of the plane: its axes, the point of weight space that it goes through, and the point of the sweep.
import { partner } from "./axes.js";
import { make } from "./elements.js";

const POINTS = { slice: "the slice", solution: "a solution" };
const MARKED = "the marked start";
const END = "the end of the marked start";
const OWN = "its own values";

/** `change(changes)` asks for another plane; `marked()` is the path of the marked start, if any; `fault(text)` tells. */
export function planeFields(spec, { change, marked, fault }) {
  const through = (point) => (point === undefined ? fault("Click a start first.") : change({ point }));
  return [
    ...sweepFields(spec, change), axisField(spec, "across", "x", "y", change), axisField(spec, "up", "y", "x", change),
    ...pointFields(spec, through, marked),
  ];
}

function axisField(spec, name, own, other, change) {
  const { axes, parameters, numbers = [], point } = spec;
  const label = ({ key, log }) => (log && numbers.some((each) => each.name === key) ? `${key}, logarithmic` : key);
  const groups = [
    group("parameters", parameters.map((text, at) => [at, text])),
    group("numbers", numbers.map((number) => [number.name, label(number)])),
  ];
  return choice(name, groups, axes[own], (value) => {
    const chosen = /^\d+$/.test(value) ? Number(value) : value;
    const both = { [own]: chosen, [other]: partner(spec, chosen, axes[other], axes[own]) };
    change({ ...both, point: suited(both, point) });
  });
}

/** The point, or else the start of a run, which is needed if an axis changes the starts. */
function suited({ x, y }, point) {
  const isDrawn = [x, y].some((axis) => String(axis).replace("log:", "").startsWith("starts."));
  return isDrawn && typeof point !== "number" ? runOf(point) ?? 0 : point;
}

/** The number of the run that starts or ends at a point. */
function runOf(point) {
  if (typeof point === "number") return point;
  return String(point).startsWith("end:") ? Number(point.slice(4)) : undefined;
}

function pointFields({ point, points, runs, given }, through, marked) {
  const run = runOf(point);
  const isEnd = run !== undefined && typeof point !== "number";
  const acts = {
    ...Object.fromEntries(points.map((each) => [each, () => through(each)])),
    run: () => through(run ?? 0), end: () => through(`end:${run ?? 0}`),
    ...(given && { marked: () => through(row(marked(), 0)), final: () => through(row(marked(), -1)) }),
    ...(Array.isArray(point) && { own: () => through(point) }),
  };
  const words = { ...POINTS, run: "a run", end: "the end of a run", marked: MARKED, final: END, own: OWN };
  const now = Array.isArray(point) ? "own" : run === undefined ? point : isEnd ? "end" : "run";
  const options = Object.keys(acts).map((name) => option(name, words[name] ?? name));
  const fields = [choice("through", options, now, (name) => acts[name]())];
  if (run !== undefined) fields.push(whole("run", "run", run, runs, (value) => through(isEnd ? `end:${value}` : value)));
  return fields;
}

/** The parameters of a record of a path, counted from the end if negative. */
function row(path, record) {
  if (!path) return undefined;
  const first = record < 0 ? (path.records + record) * path.parameters : record * path.parameters;
  return [...path.theta.subarray(first, first + path.parameters)];
}

/** The point of the sweep that was opened, with the values of its axes. */
function sweepFields({ at, of = 1, values = {} }, change) {
  if (of < 2) return [];
  const text = Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join(", ");
  return [whole("point", "at", at, of, (value) => change({ at: value })), make("span", { class: "values", text })];
}

function whole(text, name, value, number, changed) {
  const limits = { min: "0", max: String(number - 1), step: "1" };
  const input = make("input", { type: "number", name, value: String(value), ...limits });
  input.addEventListener("change", () => changed(Number(input.value)));
  return make("label", { text: `${text} ` }, input);
}

function option(value, text) {
  return make("option", { value: String(value), text });
}

function group(label, options) {
  return make("optgroup", { label }, ...options.map(([value, text]) => option(value, text)));
}

function choice(name, options, value, changed) {
  const element = make("select", { name, "aria-label": name }, ...options);
  element.value = String(value);
  element.addEventListener("change", () => changed(element.value));
  return make("label", { text: `${name} ` }, element);
}
