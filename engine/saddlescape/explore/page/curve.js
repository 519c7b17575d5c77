// The loss of a start against the step.
import { styled } from "./elements.js";

/** Draw the loss of a path on logarithmic axes, and where its record `now` is. */
export function drawCurve(context, width, height, { path, now, clock: name }) {
  const [left, right, top, bottom] = [46, width - 10, 12, height - 32];
  const { clock, loss } = path;
  const end = clock[path.records - 1];
  const shown = (value) => value > 0 && Number.isFinite(value);
  const losses = loss.filter(shown);
  const [least, most] = [Math.min(...losses), Math.max(...losses)].map(Math.log10);
  const last = Math.log10(1 + end) || 1;
  const across = (value) => left + ((right - left) * Math.log10(1 + value)) / last;
  const up = (value) => bottom - ((bottom - top) * (Math.log10(value) - least)) / Math.max(most - least, 1e-9);
  const text = styled(context.canvas, "--text");
  context.fillStyle = context.strokeStyle = text;
  context.font = "12px system-ui, sans-serif";
  context.globalAlpha = 0.4;
  context.strokeRect(left, top, right - left, bottom - top);
  context.globalAlpha = 1;
  context.textAlign = "right";
  if (losses.length) {
    context.fillText((10 ** most).toPrecision(2), left - 4, top + 8);
    context.fillText((10 ** least).toPrecision(2), left - 4, bottom);
  }
  context.fillText("loss", left - 4, (top + bottom) / 2);
  context.textAlign = "center";
  for (let tick = 0; tick <= end; tick = tick ? tick * 10 : 1) context.fillText(String(tick), across(tick), bottom + 14);
  context.fillText(name, (left + right) / 2, bottom + 28);
  context.strokeStyle = styled(context.canvas, "--accent");
  context.lineWidth = 2;
  context.beginPath();
  loss.forEach((value, record) => shown(value) && context.lineTo(across(clock[record]), up(value)));
  context.stroke();
  context.strokeStyle = text;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(across(clock[now]), top);
  context.lineTo(across(clock[now]), bottom);
  context.stroke();
}
