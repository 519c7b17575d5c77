// The place that a permalink holds: the view, the plane, the keys and the chosen start.

const FAR = 2 ** 100; // coordinates, at most

/** What the text of a permalink says, without what is no number; the session validates the rest. */
export function readPlace(text) {
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

/** The text of a permalink. */
export function writePlace({ axes, point, keys }, { x, y, pixel }, start) {
  const place = new URLSearchParams({ x, y, pixel, across: axes.x, up: axes.y, through: point, ...keys });
  if (start) place.set("start", `${start.k}_${start.n}_${start.m}`);
  return place.toString();
}
