// The parameters of a network as bars.
import { styled } from "./elements.js";
import { clamp } from "./numbers.js";

const SHOWN = 40; // parameters, at most

/** The largest parameter of a path in size. */
export const largest = ({ theta }) => theta.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Draw the parameters of a path at its record `now`; a bar of the size `most` has the full length. */
export function drawWeights(context, width, height, { spec, path, now, most }) {
  const shown = Math.min(path.parameters, SHOWN);
  const row = Math.min(18, (height - 4) / shown);
  const middle = 52 + (width - 52 - 56) / 2;
  context.font = `${clamp(Math.floor(row) - 3, 6, 12)}px system-ui, sans-serif`;
  for (let number = 0; number < shown; number++) {
    const value = path.theta[now * path.parameters + number];
    const top = 2 + number * row;
    const length = (value / (most || 1)) * (middle - 56);
    context.fillStyle = value < 0 ? "#0072b2" : "#e69f00";
    context.fillRect(Math.min(middle, middle + length), top + 2, Math.abs(length), row - 4);
    context.fillStyle = styled(context.canvas, "--text");
    context.textAlign = "left";
    context.fillText(spec.parameters[number], 0, top + row - 5);
    context.textAlign = "right";
    context.fillText(value.toPrecision(3), width - 2, top + row - 5);
  }
}
