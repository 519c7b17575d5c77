// Hosts explore.js on a page of its own: its model talks to the session through a WebSocket.
import explorer from "./explore.js";

const KEY = "saddlescape-token";
const put = (place) => history.replaceState(null, "", place ? `#${place}` : location.pathname);

/** Take the token out of the address, where `place` stays; a permalink, unlike a token, has "=" in it. */
function takeToken(place) {
  if (location.hash.length < 2 || location.hash.includes("=")) return false;
  sessionStorage.setItem(KEY, location.hash.slice(1)); // a reload needs it again
  put(place);
  return true;
}

takeToken("");

class Model {
  constructor() {
    this.listeners = new Map();
    this.place = location.hash.slice(1);
    this.waiting = 500;
    window.addEventListener("hashchange", () => {
      if (takeToken(this.place)) return;
      this.place = location.hash.slice(1);
      for (const listener of this.listeners.get("change:place") ?? []) listener();
    });
    this.connect();
  }

  on(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }

  off(name, listener) {
    this.listeners.set(name, (this.listeners.get(name) ?? []).filter((each) => each !== listener));
  }

  get(name) {
    return { place: this.place, link: location.href }[name];
  }

  set(name, value) {
    if (name === "place") this.place = value;
  }

  save_changes() {
    put(this.place);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  tell(message, buffers = []) {
    for (const listener of this.listeners.get("msg:custom") ?? []) listener(message, buffers);
  }

  connect() {
    const token = sessionStorage.getItem(KEY) ?? "none";
    this.socket = new WebSocket(`ws://${location.host}/socket`, [token]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      this.waiting = 500;
      const length = new DataView(data).getUint32(0, true);
      const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
      this.tell(header, [new DataView(data, 4 + length)]);
    };
    this.socket.onclose = () => {
      this.tell({ type: "lost" });
      setTimeout(() => this.connect(), this.waiting);
      this.waiting = Math.min(2 * this.waiting, 8000);
    };
  }
}

explorer.render({ model: new Model(), el: document.getElementById("explorer") });
