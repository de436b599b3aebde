"use strict";
// What the page holds: words, places, neighbours; and the colours.

const PAPER = "#fcfbf8", INK = "#23241f";
const COLOURS = [
  "#4c78a8", "#b5534e", "#5b8c5a", "#8a6bb0", "#c98a2b", "#3f9296", "#a8577e", "#7d7a3a", "#5a67b8", "#c46f45",
  "#4f9d76", "#86543f", "#6f93b8", "#b9727d", "#8aa24b", "#9a7fb5", "#b79a4a", "#5f7f86", "#c07fae", "#77736a",
];
const DARK = COLOURS.map((colour) => mixed(colour, INK, 0.42));
const REACH = 14;       // pixels within which the mouse finds a word
const MOST_LABELS = 130;
const CELL = 6;         // pixels; labels claim cells of this size
const GRID = 256;       // buckets a side, in which words are found by place
const element = (id) => document.getElementById(id);
const show = (number) => number.toLocaleString("en");

function mixed(colour, other, share) {
  const part = (hex, i) => parseInt(hex.slice(i, i + 2), 16);
  const channel = (i) => Math.round(part(colour, i) * (1 - share) + part(other, i) * share);
  return "#" + [1, 3, 5].map((i) => channel(i).toString(16).padStart(2, "0")).join("");
}

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(element(id).textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function readData(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const types = { float64: Float64Array, uint16: Uint16Array, uint8: Uint8Array };
  const data = { words: header.words, clusterNames: header.clusterNames };
  let offset = Math.ceil((4 + length) / 8) * 8;
  for (const [name, [type, size]] of Object.entries(header.arrays)) {
    data[name] = new types[type](buffer, offset, size);
    offset += Math.ceil(data[name].byteLength / 8) * 8;
  }
  data.n = data.words.length;
  data.k = data.neighbors.length / data.n;
  data.x = Float32Array.from(data.x, (place) => place / 65535);
  data.y = Float32Array.from(data.y, (place) => place / 65535);
  data.weight = Float32Array.from(data.words, (_, rank) => 1 - Math.log(rank + 1) / Math.log(data.n + 1));
  data.ids = new Map(data.words.map((word, id) => [word, id]));
  data.colour = (id) => COLOURS[data.clusters[id] % COLOURS.length];
  data.dark = (id) => DARK[data.clusters[id] % DARK.length];
  data.neighborsOf = (id) => Array.from(data.neighbors.subarray(id * data.k, (id + 1) * data.k));
  data.similarity = (id, place) => data.similarities[id * data.k + place] / 255;
  return data;
}
