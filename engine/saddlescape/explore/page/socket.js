// Hosts explore.js on a page of its own: its model talks to the session through a WebSocket.
import explorer from "./explore.js";

const KEY = "saddlescape-token";
if (location.hash.length > 1) {
  sessionStorage.setItem(KEY, location.hash.slice(1)); // a reload needs it again
  history.replaceState(null, "", location.pathname);
}

class Model {
  constructor() {
    this.listeners = [];
    this.waiting = 500;
    this.connect();
  }

  on(name, listener) {
    if (name === "msg:custom") this.listeners.push(listener);
  }

  off(name, listener) {
    this.listeners = this.listeners.filter((each) => each !== listener);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  tell(message, buffers = []) {
    for (const listener of this.listeners) listener(message, buffers);
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
