// The decision surface: the first output over both inputs, the samples, and the lines of hidden units.
import { make, rgb, styled } from "./elements.js";
import { clamp, segment } from "./numbers.js";

const [COLD, MIDDLE, WARM] = ["#0072b2", "#f4f4f4", "#e69f00"];

// Looks of the lines of hidden units: no two of the first 20 have the same color and the same dashes.
const UNITS = ["#000000", "#007a5a", "#b0005c", "#7a4a00", "#5b2da0"];
const DASHES = [[], [9, 4], [3, 3], [9, 3, 3, 3]];

/** Draw the surface of a path at its record `now`, or the samples alone; returns the numbers of units with a line. */
export function drawSurface(context, width, height, { spec, path, now }) {
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = styled(context.canvas, "--text");
  if (!spec.samples) {
    context.fillText("A surface needs two inputs.", 8, 20);
    return [];
  }
  const size = Math.min(width, height - 18);
  const [low, high] = [Math.min(...spec.samples.targets), Math.max(...spec.samples.targets)];
  const shade = (value) => clamp((value - low) / (high - low || 1), 0, 1);
  if (path?.grid) drawOutput(context, size, path, now, shade);
  const units = path ? drawLines(context, size, spec, path, now) : [];
  drawSamples(context, size, spec.samples, shade);
  context.fillStyle = styled(context.canvas, "--text");
  context.fillText(units.length ? "output, lines of hidden units" : "output over x1 and x2", 0, size + 14);
  return units;
}

function drawOutput(context, size, { grid, surface }, now, shade) {
  const image = new ImageData(grid, grid);
  const [cold, middle, warm] = [COLD, MIDDLE, WARM].map(rgb);
  for (let cell = 0; cell < grid * grid; cell++) {
    const value = surface[now * grid * grid + cell];
    const t = shade(value);
    const [from, to, part] = t < 0.5 ? [cold, middle, 2 * t] : [middle, warm, 2 * t - 1];
    const at = 4 * ((grid - 1 - Math.floor(cell / grid)) * grid + (cell % grid));
    for (let channel = 0; channel < 3; channel++) {
      image.data[at + channel] = from[channel] + part * (to[channel] - from[channel]);
    }
    image.data[at + 3] = Number.isFinite(value) ? 255 : 0;
  }
  const small = make("canvas", { width: grid, height: grid });
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, size, size);
}

function drawSamples(context, size, { inputs, targets, ends }, shade) {
  inputs.forEach((input, sample) => {
    const [right, up] = inside(input, ends);
    context.beginPath();
    context.arc(right * size, (1 - up) * size, inputs.length > 100 ? 2.5 : 6, 0, 2 * Math.PI);
    context.fillStyle = shade(targets[sample]) < 0.5 ? COLD : WARM;
    context.fill();
    context.strokeStyle = "#000";
    context.stroke();
  });
}

/** Where an input is between both ends, from 0 to 1. */
function inside(input, ends) {
  return input.map((value, axis) => (value - ends[axis][0]) / (ends[axis][1] - ends[axis][0]));
}

/** The lines where units of the first hidden layer have the pre-activation 0. */
function drawLines(context, size, { units, samples: { ends } }, path, now) {
  const drawn = [];
  context.save();
  context.textAlign = "center";
  units.forEach((indices, unit) => {
    const [a, b, c = 0] = indices.map((index) => path.theta[now * path.parameters + index]);
    const line = segment([a, b], c, ends);
    if (!line) return;
    drawn.push(unit);
    drawLine(context, line.map((point) => inside(point, ends)).map(([right, up]) => [size * right, size * (1 - up)]), unit);
  });
  context.restore();
  return drawn;
}

function drawLine(context, [[x0, y0], [x1, y1]], unit) {
  const color = UNITS[unit % UNITS.length];
  for (const [look, width, dashes] of [["#fff", 5, []], [color, 2.5, DASHES[unit % DASHES.length]]]) {
    context.strokeStyle = look;
    context.lineWidth = width;
    context.setLineDash(dashes);
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  }
  const part = 0.12 + 0.06 * (unit % 4);
  const [right, down] = [x0 + part * (x1 - x0), y0 + part * (y1 - y0)];
  context.setLineDash([]);
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(right, down, 8, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = color;
  context.fillText(String(unit), right, down + 4);
}
