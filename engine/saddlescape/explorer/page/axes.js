// The axes of the map: parameters, and numbers of the spec, whose coordinates may be logarithms.
import { digits } from "./numbers.js";

/** An axis, "x" or "y", of the map of a spec: its name, its finest level, and the text of a coordinate. */
export function axisOf({ axes, numbers = [], parameters, levels }, side) {
  const axis = axes[side];
  const number = numbers.find(({ name }) => name === axis);
  if (!number?.log) return { name: number?.key ?? parameters[axis], finest: levels[0], text: digits };
  const text = (coordinate, width) => digits(10 ** coordinate, 10 ** coordinate * Math.LN10 * width);
  return { name: number.key, finest: number.finest, text };
}

/** The axis beside a chosen one: the present one, unless they do not go together; `before` is what the chosen one replaces. */
export function partner({ numbers = [] }, chosen, other, before) {
  const key = (axis) => (typeof axis === "number" ? axis : axis.replace("log:", ""));
  const ofStarts = (axis) => String(key(axis)).startsWith("starts.");
  if (key(chosen) === key(other)) return before;
  if (typeof chosen === "number" && ofStarts(other)) return typeof before === "number" ? before : Number(chosen === 0);
  if (!ofStarts(chosen) || typeof other !== "number") return other;
  const rates = numbers.map(({ name }) => name).filter((name) => !ofStarts(name));
  return rates.find((name) => name === "log:training.learning_rate") ?? rates[0] ?? other;
}
