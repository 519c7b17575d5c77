// The keys of the spec, each as a field made from its kind, its range, its words and its sentence.
import { button, make } from "./elements.js";

const TABLES = ["problem", "network", "training", "events", "stop"];
const DEFAULT = "default";

/** `change(message)` asks the session for other values. */
export class Keys {
  constructor(change) {
    this.change = change;
    this.first = make("div", { class: "row" });
    this.groups = make("div");
    this.more = make("details", {}, make("summary", { text: "More keys" }), this.groups);
    this.help = make("p", { class: "help", hidden: "" });
    this.reset = button("Reset", "Set all keys as they were opened", () => this.resetAll());
    this.elements = [this.first, this.more];
    for (const element of this.elements) {
      for (const name of ["focusin", "pointerover"]) element.addEventListener(name, ({ target }) => this.explain(target));
      for (const name of ["focusout", "pointerleave"]) element.addEventListener(name, () => { this.help.hidden = true; });
      element.addEventListener("keydown", ({ key }) => { this.help.hidden ||= key === "Escape"; });
    }
  }

  show({ fields, changes }) {
    for (const element of this.elements) element.hidden = !fields;
    if (!fields) return;
    const { activeElement } = this.first.getRootNode();
    const focus = this.elements.some((element) => element.contains(activeElement)) ? activeElement.name : undefined;
    this.changes = changes;
    this.fields = new Map(fields.map((field) => [field.key, field]));
    const all = (chosen) => fields.filter(chosen).map((field) => this.labeled(field));
    this.first.replaceChildren(...all((field) => field.first), this.reset);
    this.reset.hidden = !Object.keys(changes).length;
    const groups = TABLES.map((table) => [table, all(({ key, first }) => !first && key.startsWith(`${table}.`))]);
    this.groups.replaceChildren(...groups.filter(([, own]) => own.length).map(([table, own]) =>
      make("fieldset", {}, make("legend", { text: table }), make("div", { class: "row" }, ...own))));
    this.help.hidden = true;
    if (focus) this.inputs().find((input) => input.name === focus)?.focus();
  }

  /** The session has refused a value: show the values that hold, but let a number or a text be corrected. */
  refuse() {
    for (const input of this.inputs()) {
      const { value } = this.fields.get(input.name);
      if (input.type === "checkbox") input.checked = value;
      else if (input.localName === "select") input.value = value ?? "";
      else if (input.value !== written(value)) input.setAttribute("aria-invalid", "true");
    }
  }

  inputs() {
    return this.elements.flatMap((element) => [...element.querySelectorAll("[name]")]);
  }

  labeled(field) {
    const { key, words, sentence, range } = field;
    const input = control(field);
    const [text, about] = [key.split(".")[1].replaceAll("_", " "), range ? `${sentence} (${range})` : sentence];
    input.name = key;
    input.title = about; // the description for screen readers, too
    input.setAttribute("aria-label", text); // a label around a choice has the text of its words, too
    input.addEventListener("change", () => this.send(field, input));
    const label = make("label", { text: `${text} ` }, input);
    if (key in this.changes) label.classList.add("changed");
    return make("span", { class: "field" }, label, ...(field.kind === "text" ? [suggestions(input, words)] : []));
  }

  send(field, input) {
    input.removeAttribute("aria-invalid");
    this.change({ type: "keys", values: { [field.key]: read(field, input) } });
  }

  resetAll() {
    this.change({ type: "keys", values: Object.fromEntries(Object.keys(this.changes).map((key) => [key, null])) });
  }

  /** Show the sentence of the field that has the focus or the pointer, and that of its word. */
  explain(target) {
    const input = target.closest(".field")?.querySelector("[name]");
    const field = input && this.fields.get(input.name);
    if (!field) return;
    const word = new Map(field.words).get(input.value);
    this.help.hidden = false;
    this.help.textContent = word ? `${input.title}; ${input.value}: ${word}` : input.title;
  }
}

function control({ kind, value, ends, words, optional }) {
  if (kind === "check") {
    const input = make("input", { type: "checkbox" });
    input.checked = value;
    return input;
  }
  if (kind === "choice") {
    const options = words.map(([word, sentence]) => make("option", { value: word, text: word, title: sentence }));
    if (optional) options.unshift(make("option", { value: "", text: DEFAULT }));
    const select = make("select", {}, ...options);
    select.value = value ?? "";
    return select;
  }
  const isNumber = kind === "number" || kind === "integer";
  const limits = isNumber ? { type: "number", step: kind === "integer" ? "1" : "any" } : { type: "text" };
  if (isNumber) Object.assign(limits, { min: ends.ge ?? ends.gt ?? "", max: ends.le ?? ends.lt ?? "" });
  const [text, placeholder] = [written(value), optional ? DEFAULT : ""];
  const input = make("input", { ...limits, value: text, placeholder, autocomplete: "off" });
  input.style.minWidth = `${(text || placeholder).length + 3}ch`;
  return input;
}

function suggestions(input, words) {
  const list = make("datalist", { id: `words-${Math.random()}` }, ...words.map(([word]) => make("option", { value: word })));
  input.setAttribute("list", list.id);
  return list;
}

/** A value as text. */
export function written(value) {
  return Array.isArray(value) ? value.join(", ") : String(value ?? "");
}

/** The value of a field; "" for its default. */
function read({ kind, optional }, input) {
  if (kind === "check") return input.checked;
  if (kind === "choice") return input.value;
  const parts = input.value.split(/[\s,]+/).filter(Boolean).map((part) => (Number.isFinite(Number(part)) ? Number(part) : part));
  if (kind === "list") return optional && !parts.length ? "" : parts;
  return parts.length ? parts[0] : input.validity.badInput ? "?" : "";
}
