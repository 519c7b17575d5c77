// Hosts the explorer in a cell of a notebook.  Each view of the widget has a session of its own; so has a reloaded page.

const QUIET = 700; // milliseconds without an answer after which the kernel is said to be busy
const BUSY = "The kernel is busy or was restarted. The map goes on when the kernel is free; after a restart, run the cell again.";
const GONE = "There is no kernel behind this map; run the cell again.";

/** Whether the text around an element is light, as in the dark themes of JupyterLab and VS Code. */
function isDark(element) {
  const shown = element.isConnected ? element : document.body;
  const [red, green, blue] = getComputedStyle(shown).color.match(/[\d.]+/g).map(Number);
  return 0.3 * red + 0.6 * green + 0.1 * blue > 128;
}

/** What the explorer needs of a model, for one view of the widget. */
class Connection {
  constructor(model, tell) {
    this.model = model;
    this.tell = tell;
    this.id = `${Date.now()}-${Math.random()}`;
    this.listeners = [];
    this.hear = (content, buffers = []) => this.receive(content, buffers);
    model.on("msg:custom", this.hear);
  }

  on(name, listener) { // another view's place is not that of this one
    if (name !== "change:place") this.listeners.push([name, listener]);
  }

  off(name, listener) {
    this.listeners = this.listeners.filter((each) => each[0] !== name || each[1] !== listener);
  }

  fire(name, ...values) {
    for (const [own, listener] of this.listeners) if (own === name) listener(...values);
  }

  get(name) {
    return name === "place" ? this.model.get(name) : undefined; // a link to a cell leads nowhere
  }

  set(name, value) {
    this.model.set(name, value);
  }

  save_changes() {
    this.model.save_changes();
  }

  send(message) {
    try {
      this.model.send({ view: this.id, message });
      this.quiet ??= setTimeout(() => this.tell(BUSY), QUIET);
    } catch {
      this.tell(GONE);
    }
  }

  /** Every message is answered at once by one without content, unless the kernel is busy. */
  receive({ view, message }, buffers) {
    if (view !== this.id) return;
    clearTimeout(this.quiet);
    this.quiet = undefined;
    this.tell("");
    if (message) this.fire("msg:custom", message, buffers.map((each) => (each.buffer ? each : new DataView(each))));
  }

  close() {
    this.send({ type: "close" });
    clearTimeout(this.quiet);
    this.model.off("msg:custom", this.hear);
  }
}

function render({ model, el }) {
  const shadow = el.attachShadow({ mode: "open" }); // styles neither leave nor enter
  el.setAttribute("data-lm-suppress-shortcuts", "true"); // keys are not commands of JupyterLab here
  const [style, line] = [make("style"), make("p", { class: "kernel", role: "status" })];
  shadow.append(style, line);
  const view = new Connection(model, (text) => { if (line.textContent !== text) line.textContent = text; });
  const adapt = () => {
    const dark = isDark(el);
    if (String(dark) === el.dataset.dark) return;
    el.dataset.dark = String(dark);
    style.textContent = STYLES.replaceAll("(prefers-color-scheme: dark)", dark ? "all" : "not all");
    view.fire("change:theme");
  };
  adapt();
  const cleanup = explorer.render({ model: view, el: shadow });
  const soon = () => requestAnimationFrame(adapt);
  const observer = new MutationObserver(soon);
  for (const element of [document.documentElement, document.body]) observer.observe(element, { attributes: true });
  soon(); // the element may not be in the document yet
  view.send({ type: "open" });
  return () => {
    observer.disconnect();
    cleanup();
    view.close();
  };
}

export default { render };
