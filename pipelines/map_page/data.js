"use strict";
// What the page holds: words, places, neighbours; and the colours.

const COLOURS = [
  "#4c78a8", "#b5534e", "#5b8c5a", "#8a6bb0", "#c98a2b", "#3f9296", "#a8577e", "#7d7a3a", "#5a67b8", "#c46f45",
  "#4f9d76", "#86543f", "#6f93b8", "#b9727d", "#8aa24b", "#9a7fb5", "#b79a4a", "#5f7f86", "#c07fae", "#77736a",
];
const LONGEST_LABEL = 32; // letters
const element = (id) => document.getElementById(id);
const show = (number) => number.toLocaleString("en");

function mixed(colour, other, share) {
  const part = (hex, i) => parseInt(hex.slice(i, i + 2), 16);
  const channel = (i) => Math.round(part(colour, i) * (1 - share) + part(other, i) * share);
  return "#" + [1, 3, 5].map((i) => channel(i).toString(16).padStart(2, "0")).join("");
}

function median(values) {
  return Float32Array.from(values).sort()[values.length >> 1];
}

async function unpacked(bytes) {
  if (!window.DecompressionStream) throw new Error("this browser is too old to unpack it; any of 2023 or later will do");
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// The words of the map. Places lie between 0 and 1, y upwards
class Words {
  constructor(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const types = { float64: Float64Array, uint16: Uint16Array, uint8: Uint8Array };
    let offset = Math.ceil((4 + length) / 8) * 8;
    for (const [name, [type, size]] of Object.entries(header.arrays)) {
      this[name] = new types[type](buffer, offset, size);
      offset += Math.ceil(this[name].byteLength / 8) * 8;
    }
    const { words, clusterNames, distinct, noun, moments } = header;
    Object.assign(this, { words, clusterNames, distinct, noun, moments, n: words.length });
    this.k = this.neighbors.length / this.n;
    this.x = Float32Array.from(this.x, (place) => place / 65535);
    this.y = Float32Array.from(this.y, (place) => place / 65535);
    const byRank = this.noun === "word"; // texts have no frequency
    this.weight = Float32Array.from(this.words, (_, rank) => (byRank ? 1 - Math.log(rank + 1) / Math.log(this.n + 1) : 0.4));
    this.ids = new Map(this.words.map((_, id) => [this.address(id), id]));
    this.anchors = this.clusterNames.map((_, cluster) => this.anchor(cluster));
    this.hues = this.chooseHues();
  }
  neighborsOf(id) { return Array.from(this.neighbors.subarray(id * this.k, (id + 1) * this.k)); }
  // What stands behind # in the address of the page: a word, or the number of a text
  address(id) { return this.noun === "word" ? this.words[id] : String(id + 1); }
  label(id) { return this.words[id].length > LONGEST_LABEL ? this.words[id].slice(0, LONGEST_LABEL - 1) + "…" : this.words[id]; }
  similarity(id, place) { return this.similarities[id * this.k + place] / 255; }
  // The number of the word of a cluster that is nearest to the median of its places
  anchor(cluster) {
    const members = [];
    for (let id = 0; id < this.n; id++) if (this.clusters[id] === cluster) members.push(id);
    const x = median(members.map((id) => this.x[id])), y = median(members.map((id) => this.y[id]));
    const away = (id) => Math.hypot(this.x[id] - x, this.y[id] - y);
    return members.reduce((best, id) => (away(id) < away(best) ? id : best));
  }
  // Where there are more clusters than colours, clusters of one colour lie far apart
  chooseHues() {
    const chosen = [], { x, y, anchors } = this;
    anchors.forEach((id, cluster) => {
      const room = COLOURS.map((_, hue) => {
        const away = chosen.map((other, i) => (other === hue ? Math.hypot(x[anchors[i]] - x[id], y[anchors[i]] - y[id]) : 9));
        return Math.min(9, ...away);
      });
      chosen.push(cluster < COLOURS.length ? cluster : room.indexOf(Math.max(...room)));
    });
    return chosen;
  }
}

// Colours of light or dark pages: those of style.css, and for every cluster that of its points and of its letters
class Theme {
  constructor(words) {
    this.words = words;
    this.read();
  }
  read() {
    const style = getComputedStyle(document.documentElement), dark = document.documentElement.dataset.theme === "dark";
    [this.paper, this.ink] = ["--paper", "--ink"].map((name) => style.getPropertyValue(name).trim());
    this.points = this.words.hues.map((hue) => mixed(COLOURS[hue], "#ffffff", dark ? 0.22 : 0));
    this.letters = this.words.hues.map((hue) => mixed(COLOURS[hue], dark ? "#ffffff" : this.ink, dark ? 0.55 : 0.42));
  }
  point(id) { return this.points[this.words.clusters[id]]; }
  letter(id) { return this.letters[this.words.clusters[id]]; }
}
