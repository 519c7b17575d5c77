// A measure of one or two paths against the step.
import { styled } from "./elements.js";

const LAYERS = [[], [2, 2], [8, 3], [8, 3, 2, 3]]; // of layers
const FLAT = 10; // ratio of the ends of an axis below which it is linear

/** Draw a measure of paths, the kept one in another color; on a logarithmic axis if it is positive and far from constant. */
export function drawCurve(context, width, height, { paths, measure, time, clock: name }) {
  const [left, right, top, bottom] = [58, width - 10, 12, height - 32];
  const end = Math.max(...paths.map(({ clock }) => clock[clock.length - 1]));
  const values = paths.flatMap((path) => [...(path.measures.get(measure)?.values ?? [])]).filter(Number.isFinite);
  const [least, most] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const scale = least > 0 && most / least > FLAT ? Math.log10 : (value) => value;
  const last = Math.log10(1 + end) || 1;
  const across = (value) => left + ((right - left) * Math.log10(1 + value)) / last;
  const span = scale(most) - scale(least);
  const up = (value) => bottom - (bottom - top) * (span > 0 ? (scale(value) - scale(least)) / span : 0.5);
  const [text, ...colors] = ["--text", "--accent", "--other"].map((color) => styled(context.canvas, color));
  context.fillStyle = context.strokeStyle = text;
  context.font = "12px system-ui, sans-serif";
  context.globalAlpha = 0.4;
  context.strokeRect(left, top, right - left, bottom - top);
  context.globalAlpha = 1;
  context.textAlign = "right";
  if (values.length) {
    context.fillText(Number(most.toPrecision(3)), left - 4, span > 0 ? top + 8 : (top + bottom) / 2 + 4);
    if (span > 0) context.fillText(Number(least.toPrecision(3)), left - 4, bottom);
  }
  context.textAlign = "center";
  for (let tick = 0; tick <= end; tick = tick ? tick * 10 : 1) context.fillText(String(tick), across(tick), bottom + 14);
  context.fillText(name, (left + right) / 2, bottom + 28);
  paths.forEach((path, number) => {
    const name = paths.length > 1 ? "BA"[number] : ""; // the kept path is A
    drawPath(context, path, measure, { across, up, color: colors[number], name });
  });
  drawTime(context, across(Math.min(time, end)), top, bottom, text);
}

function drawPath(context, { clock, measures }, measure, { across, up, color, name }) {
  const { columns, values } = measures.get(measure) ?? { columns: 0 };
  context.save();
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = 2;
  for (let column = 0; column < columns; column++) {
    const points = [...clock].map((time, record) => [time, values[record * columns + column]])
      .filter(([, value]) => Number.isFinite(value)).map(([time, value]) => [across(time), up(value)]);
    context.setLineDash(LAYERS[column % LAYERS.length]);
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    context.stroke();
    for (const [x, y] of points.slice(-1)) {
      if (points.length === 1) context.fillRect(x - 3, y - 3, 6, 6);
      context.fillText(name, x < 80 ? x + 10 : x - 8, y < 30 ? y + 16 : y - 6);
    }
  }
  context.restore();
}

function drawTime(context, x, top, bottom, color) {
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
}
