// The place that a permalink holds: the view, the plane, the keys and the chosen start.

const FAR = 2 ** 100; // coordinates, at most
const LONGEST = 64; // numbers of a start that does not lie on the plane, at most
const KEY = /^(problem|network|training|events|stop)\.\w+$/;
const OLD = ["learning_rate", "steps"]; // names of keys in older permalinks

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
  return {
    view: numbers(["x", "y", "pixel"], (value) => Math.abs(value) <= FAR),
    axes: axes && { x: axes.across, y: axes.up },
    point: ["slice", "zero"].includes(through) ? through : numbers(["through"], index)?.through,
    keys: readKeys(given),
    start: readStart(given),
  };
}

function readStart(given) {
  const numbers = (name) => (given.get(name) ?? "").split("_").map((text) => (text ? Number(text) : NaN));
  const [theta, [k, n, m, ...rest]] = [numbers("theta"), numbers("start")];
  if (theta.length <= LONGEST && theta.every(Number.isFinite)) return { theta };
  return !rest.length && [k, n, m].every(Number.isSafeInteger) ? { k, n, m } : undefined;
}

/** The keys that are not as they were opened, by their dotted names. */
function readKeys(given) {
  const own = [...given].filter(([key]) => KEY.test(key)).map(([key, text]) => [key, valueOf(text)]);
  const old = OLD.filter((key) => given.get(key)).map((key) => [`training.${key}`, Number(given.get(key))]);
  return Object.fromEntries([...old.filter(([, value]) => value >= 0), ...own]);
}

/** A value of a key: JSON, or else a word. */
function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The text of a permalink. */
export function writePlace({ axes, point, changes }, { x, y, pixel }, start) {
  const place = new URLSearchParams({ x, y, pixel, across: axes.x, up: axes.y, through: point });
  for (const [key, value] of Object.entries(changes ?? {})) {
    place.set(key, typeof value === "string" && valueOf(value) === value ? value : JSON.stringify(value));
  }
  if (start?.theta?.length <= LONGEST) place.set("theta", start.theta.join("_"));
  else if (start?.k !== undefined) place.set("start", `${start.k}_${start.n}_${start.m}`);
  return place.toString();
}
