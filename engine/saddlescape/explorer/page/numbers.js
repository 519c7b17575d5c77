// Numbers: powers of two, how many digits to show, the line of a hidden unit.

export const power = (k) => 2 ** k;
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
export const differ = (one, other) => JSON.stringify(one) !== JSON.stringify(other);

/** A number with as many digits as tell `width` apart. */
export function digits(value, width) {
  const wanted = value === 0 ? 3 : Math.ceil(Math.log10(Math.abs(value) / width)) + 3;
  return String(Number(value.toPrecision(clamp(wanted, 3, 17))));
}

/** A share of a whole in percent, with two digits below 10 %. */
export function percent(part, whole) {
  const share = (100 * part) / whole;
  return `${share > 0 && share < 10 ? share.toPrecision(2) : Math.round(share)} %`;
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
