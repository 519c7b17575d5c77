// The map: a picture of outcomes, moved by mouse, touch and keys.
import { make, Picture } from "./elements.js";
import { clamp } from "./numbers.js";

const CLICK = 4; // pixels that a pointer may move in a click
const HELP =
  "Map of outcomes. Arrow keys move, plus and minus zoom, Home shows all, Backspace goes back, Enter trains the start in the middle.";

/** `moved()` is called after each change of the view, `chosen(start)` for a click, `over(point)` for where the pointer is. */
export class OutcomeMap {
  constructor(view, sheets, { moved, chosen, over }) {
    Object.assign(this, { view, sheets, moved, chosen, over, starts: [] });
    this.picture = new Picture(HELP, (context) => this.draw(context));
    const { canvas } = this.picture;
    for (const [name, value] of [["role", "application"], ["tabindex", "0"], ["class", "map"]]) {
      canvas.setAttribute(name, value);
    }
    this.fingers = new Map();
    this.box = make("div", { class: "box", hidden: "" });
    this.element = make("div", { class: "frame" }, canvas, this.box);
    this.listen(canvas);
  }

  draw(context) {
    this.sheets.draw(context, this.view);
    for (const start of this.starts) this.ring(context, start, 4);
    if (this.mark) this.ring(context, this.mark, 7);
  }

  ring(context, start, radius) {
    const [right, down] = this.view.pixels(start.point ?? this.view.values(start));
    for (const [color, line] of [["#fff", 4], ["#000", 2]]) {
      context.strokeStyle = color;
      context.lineWidth = line;
      context.beginPath();
      context.arc(right, down, radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  refresh() {
    if (this.view.known) this.picture.refresh();
  }

  /** Change the view by one of its methods. */
  move(name, ...given) {
    if (!this.view.known) return;
    this.view[name](...given);
    this.moved();
  }

  point(event) {
    const { left, top } = this.picture.canvas.getBoundingClientRect();
    return this.view.point([event.clientX - left, event.clientY - top]);
  }

  listen(canvas) {
    const heard = (name, act) => canvas.addEventListener(name, (event) => this.view.known && act(event));
    heard("pointerdown", (event) => this.press(event));
    heard("pointermove", (event) => this.follow(event));
    heard("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", (event) => {
      this.fingers.delete(event.pointerId);
      this.drop();
    });
    canvas.addEventListener("keydown", (event) => this.type(event));
    const wheel = (event) => {
      event.preventDefault();
      if (this.view.known) this.move("zoom", Math.exp(clamp(event.deltaY, -300, 300) * 0.002), this.point(event));
    };
    canvas.addEventListener("wheel", wheel, { passive: false });
  }

  press(event) {
    if (event.button) return;
    this.picture.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const { clientX: x, clientY: y, shiftKey: box } = event;
    if (this.fingers.size === 1) this.drag = { x, y, from: this.point(event), box, moved: false };
    else this.drop(); // two fingers pinch, and no tap follows
  }

  follow(event) {
    const finger = this.fingers.get(event.pointerId);
    if (this.fingers.size === 2 && finger) this.pinch(event);
    else if (this.drag) this.pull(event);
    else if (!this.fingers.size) this.over(this.point(event));
    if (finger) this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
  }

  /** Zoom and move so that the points under both fingers stay there. */
  pinch(event) {
    const [still] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const before = this.fingers.get(event.pointerId);
    const after = [event.clientX, event.clientY];
    const apart = (finger) => Math.max(1, Math.hypot(finger[0] - still[0], finger[1] - still[1]));
    this.view.zoom(apart(before) / apart(after), this.point({ clientX: still[0], clientY: still[1] }));
    this.moved();
  }

  pull(event) {
    const { drag } = this;
    const [right, down] = [event.clientX - drag.x, event.clientY - drag.y];
    drag.moved ||= Math.hypot(right, down) > CLICK;
    if (drag.box) this.showBox(event);
    else if (drag.moved) {
      this.move("pan", -right, down);
      [drag.x, drag.y] = [event.clientX, event.clientY];
    }
  }

  release(event) {
    this.fingers.delete(event.pointerId);
    const drag = this.drop();
    if (!drag) return;
    if (!drag.moved) this.chosen(this.view.start(drag.from));
    else if (drag.box) this.move("enter", drag.from, this.point(event));
  }

  drop() {
    const { drag } = this;
    this.drag = undefined;
    this.box.hidden = true;
    return drag;
  }

  showBox(event) {
    const { left, top } = this.picture.canvas.getBoundingClientRect();
    const { x, y } = this.drag;
    Object.assign(this.box.style, {
      left: `${Math.min(event.clientX, x) - left}px`, top: `${Math.min(event.clientY, y) - top}px`,
      width: `${Math.abs(event.clientX - x)}px`, height: `${Math.abs(event.clientY - y)}px`,
    });
    this.box.hidden = false;
  }

  type(event) {
    if (!this.view.known || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = this.picture.canvas.clientWidth / 8;
    const keys = {
      ArrowLeft: ["pan", -step, 0], ArrowRight: ["pan", step, 0], ArrowUp: ["pan", 0, step], ArrowDown: ["pan", 0, -step],
      "+": ["zoom", 0.5], "=": ["zoom", 0.5], "-": ["zoom", 2], Home: ["home"], Backspace: ["back"],
    };
    if (!(event.key in keys) && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Enter") this.chosen(this.view.start([this.view.x, this.view.y]));
    else this.move(...keys[event.key]);
  }
}
