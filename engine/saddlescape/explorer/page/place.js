// The place that a permalink holds: the view, the plane, the keys and the chosen start.

const FAR = 2 ** 100; // coordinates, at most
const LONGEST = 64; // numbers of a start that does not lie on the plane, at most
const KEY = /^(problem|network|training|events|stop)\.\w+$/;
const AXIS = /^(log:)?[a-z]+\.[a-z0-9_]+(\.[0-9])?$/;
const POINT = /^(slice|zero|solution|end:\d{1,15})$/;
const OLD = ["learning_rate", "steps"]; // names of keys in older permalinks

/** What the text of a permalink says, without what is no number; the session validates the rest. */
export function readPlace(text) {
  const given = new URLSearchParams(text);
  const numbers = (names, fits) => {
    const values = names.map((name) => (given.get(name) ? Number(given.get(name)) : NaN));
    return values.every(fits) ? Object.fromEntries(names.map((name, at) => [name, values[at]])) : undefined;
  };
  const index = (value) => Number.isSafeInteger(value) && value >= 0;
  const [across, up] = ["across", "up"].map((name) => axis(given.get(name) ?? ""));
  return {
    view: numbers(["x", "y", "pixel"], (value) => Math.abs(value) <= FAR),
    axes: across === undefined || up === undefined ? undefined : { x: across, y: up },
    point: point(given.get("through") ?? ""),
    at: numbers(["at"], index)?.at,
    keys: readKeys(given),
    start: readStart(given),
  };
}

/** The index of a parameter, or the name of a number. */
function axis(text) {
  return /^\d{1,15}$/.test(text) ? Number(text) : AXIS.test(text) ? text : undefined;
}

/** What a plane goes through: a word, the number of a run, or the values of all parameters. */
function point(text) {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (POINT.test(text)) return text;
  const values = text.split("_").map((value) => (value ? Number(value) : NaN));
  return values.length > 1 && values.every(Number.isFinite) ? values : undefined;
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
export function writePlace({ axes, point, at, changes }, { x, y, pixel }, start) {
  const place = new URLSearchParams({ x, y, pixel, across: axes.x, up: axes.y });
  place.set("through", Array.isArray(point) ? point.join("_") : point);
  if (at) place.set("at", at);
  for (const [key, value] of Object.entries(changes ?? {})) {
    place.set(key, typeof value === "string" && valueOf(value) === value ? value : JSON.stringify(value));
  }
  if (start?.theta?.length <= LONGEST && !Object.keys(start.numbers ?? {}).length) place.set("theta", start.theta.join("_"));
  else if (start?.k !== undefined) place.set("start", `${start.k}_${start.n}_${start.m}`);
  return place.toString();
}
