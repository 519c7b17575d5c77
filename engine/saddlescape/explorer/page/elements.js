// Elements of the page.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A button whose name begins with its text if its label does not contain it, for those who speak what they see. */
export function button(text, label, act) {
  const isNamed = !/^\w/.test(text) || label.toLowerCase().includes(text.toLowerCase());
  const name = isNamed ? label : `${text}: ${label}`;
  const element = make("button", { type: "button", text, "aria-label": name, title: label });
  element.addEventListener("click", act);
  return element;
}

export function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The channels of a color like #0072b2. */
export function rgb(color) {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The color of a custom property of the style sheet, where an element is. */
export function styled(element, name) {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

/** A canvas that fits its box on the screen; `draw(context, width, height)` is called when it should be drawn. */
export class Picture {
  constructor(label, draw) {
    this.canvas = make("canvas", { role: "img", "aria-label": label });
    this.draw = draw;
  }

  refresh() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.draw(context, width, height);
  }
}
