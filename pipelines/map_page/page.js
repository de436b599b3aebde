"use strict";
// The map's behaviour. Bokeh draws; this file fills its data sources and answers mouse, keyboard and search.

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

// What part of the plane is seen. The map fills the space that the cards leave free.
class View {
  constructor(data, document_) {
    this.data = data;
    this.xRange = document_.get_model_by_name("x");
    this.yRange = document_.get_model_by_name("y");
    const bounds = (values) => {
      const sorted = Float32Array.from(values).sort();
      const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
      return [at(0.006), at(0.994)];
    };
    [this.left, this.right] = bounds(data.x);
    [this.bottom, this.top] = bounds(data.y);
    this.fit();
  }
  get width() { return element("map").clientWidth; }
  get height() { return element("map").clientHeight; }
  get span() { return this.xRange.end - this.xRange.start; }
  get zoom() { return this.homeSpan / this.span; }
  get perPixel() { return this.span / this.width; }
  free() {
    const wide = this.width > 900, some = this.width > 560;
    return { left: some ? 320 : 10, right: wide ? 288 : 10, top: some ? 30 : element("guide").offsetHeight + 20, bottom: 30 };
  }
  home() {
    const free = this.free();
    const wide = Math.max(this.width - free.left - free.right, 100), high = Math.max(this.height - free.top - free.bottom, 100);
    const perPixel = Math.max((this.right - this.left) / wide, (this.top - this.bottom) / high, 1e-6);
    return this.centred((this.left + this.right) / 2, (this.bottom + this.top) / 2, perPixel * this.width);
  }
  // Ranges that show (x, y) in the middle of the free space
  centred(x, y, span) {
    const free = this.free(), perPixel = span / this.width;
    const start = x - (free.left + (this.width - free.left - free.right) / 2) * perPixel;
    const low = y - (free.bottom + (this.height - free.top - free.bottom) / 2) * perPixel;
    return [start, start + span, low, low + this.height * perPixel];
  }
  set([start, end, low, high]) {
    this.xRange.setv({ start, end });
    this.yRange.setv({ start: low, end: high });
  }
  fit() {
    const home = this.home();
    this.homeSpan = home[1] - home[0];
    this.set(home);
  }
  resized() {
    const middle = (this.yRange.start + this.yRange.end) / 2, half = (this.perPixel * this.height) / 2;
    this.yRange.setv({ start: middle - half, end: middle + half });
    const home = this.home();
    this.homeSpan = home[1] - home[0];
  }
  fly(target) {
    const from = [this.xRange.start, this.xRange.end, this.yRange.start, this.yRange.end];
    const begin = performance.now(), flight = (this.flight = {});
    const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1 : 550;
    const step = (now) => {
      if (this.flight !== flight) return;
      const t = Math.min(Math.max((now - begin) / duration, 0), 1), eased = t * t * (3 - 2 * t);
      const ratio = (target[1] - target[0]) / (from[1] - from[0]);
      const share = Math.abs(ratio - 1) < 1e-3 ? eased : (Math.pow(ratio, eased) - 1) / (ratio - 1); // steady zoom
      this.set(from.map((value, i) => value + (target[i] - value) * share));
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
  zoomBy(factor) {
    const { left, right, top, bottom } = this.free();
    const middle = this.toData(left + (this.width - left - right) / 2, top + (this.height - top - bottom) / 2);
    this.fly(this.centred(...middle, this.span / factor));
  }
  toPixel(x, y) { return [(x - this.xRange.start) / this.perPixel, (this.yRange.end - y) / this.perPixel]; }
  toData(px, py) { return [this.xRange.start + px * this.perPixel, this.yRange.end - py * this.perPixel]; }
}

// Words by place: the nearest one to the mouse without looking at all
class Places {
  constructor(data) {
    this.data = data;
    this.buckets = new Map();
    for (let id = 0; id < data.n; id++) {
      const key = this.key(data.x[id], data.y[id]);
      if (this.buckets.has(key)) this.buckets.get(key).push(id); else this.buckets.set(key, [id]);
    }
  }
  cell(value) { return Math.min(GRID - 1, Math.max(0, Math.floor(value * GRID))); }
  key(x, y) { return this.cell(y) * GRID + this.cell(x); }
  nearest(x, y, radius, allowed) {
    let best = -1, least = radius;
    for (let row = this.cell(y - radius); row <= this.cell(y + radius); row++) {
      for (let column = this.cell(x - radius); column <= this.cell(x + radius); column++) {
        for (const id of this.buckets.get(row * GRID + column) || []) {
          // a frequent word is a larger target
          const distance = Math.hypot(this.data.x[id] - x, this.data.y[id] - y) - 0.4 * radius * this.data.weight[id];
          if (distance < least && allowed(id)) [best, least] = [id, distance];
        }
      }
    }
    return best;
  }
}

// Which words are written out: chosen ones first, then cluster names from afar, then the most frequent that have room
class Labels {
  constructor(data, view) {
    [this.data, this.view] = [data, view];
    this.anchors = data.clusterNames.map((_, cluster) => this.anchor(cluster));
  }
  anchor(cluster) {
    const { data } = this, members = [];
    for (let id = 0; id < data.n; id++) if (data.clusters[id] === cluster) members.push(id);
    const median = (values) => Array.from(members, (id) => values[id]).sort((a, b) => a - b)[members.length >> 1];
    const x = median(data.x), y = median(data.y);
    const away = (id) => Math.hypot(data.x[id] - x, data.y[id] - y);
    const nearest = members.reduce((best, id) => (away(id) < away(best) ? id : best));
    return [data.x[nearest], data.y[nearest]];
  }
  place(chosen, allowed) {
    const { data, view } = this, columns = Math.ceil(view.width / CELL), rows = Math.ceil(view.height / CELL);
    const taken = new Uint8Array(columns * rows);
    for (const card of ["guide", "legend"]) {
      const box = element(card).getBoundingClientRect();
      const [left, right] = [box.left, box.right].map((x) => Math.min(columns, Math.round(x / CELL)));
      for (let r = Math.round(box.top / CELL); r < Math.min(rows, box.bottom / CELL); r++) taken.fill(1, r * columns + left, r * columns + right);
    }
    const found = { x: [], y: [], text: [], size: [], color: [], style: [], offset: [] };
    const put = (x, y, text, size, color, style, offset, gap, must) => {
      const [px, py] = view.toPixel(x, y), half = text.length * size * 0.29 + gap, high = size * 0.62 + gap / 2;
      const c0 = Math.floor((px - half) / CELL), c1 = Math.ceil((px + half) / CELL);
      const r0 = Math.floor((py + offset - high) / CELL), r1 = Math.ceil((py + offset + high) / CELL);
      if (c1 < 0 || r1 < 0 || c0 >= columns || r0 >= rows) return false;
      const [left, right, up, down] = [Math.max(c0, 0), Math.min(c1, columns), Math.max(r0, 0), Math.min(r1, rows)];
      if (!must) {
        for (let r = up; r < down; r++) for (let c = left; c < right; c++) if (taken[r * columns + c]) return false;
      }
      for (let r = up; r < down; r++) taken.fill(1, r * columns + left, r * columns + Math.max(right, left));
      found.x.push(x); found.y.push(y); found.text.push(text); found.size.push(`${size.toFixed(1)}px`);
      found.color.push(color); found.style.push(style); found.offset.push(offset);
      return true;
    };
    chosen.forEach((id, i) => {
      const size = i ? 14 : 19, offsets = i ? [-13, 13, -26, 26, -39, 39] : [-18];
      for (const offset of offsets) {
        if (put(data.x[id], data.y[id], data.words[id], size, i ? data.dark(id) : INK, i ? "normal" : "bold", offset, 1, !i)) break;
      }
    });
    if (view.zoom < 2.2 && !chosen.length) {
      this.anchors.forEach(([x, y], cluster) => {
        if (!allowed.cluster(cluster)) return;
        const text = data.clusterNames[cluster].slice(0, 2).join(" · ");
        for (const offset of [0, -20, 20, -40, 40]) {
          if (put(x, y, text, 15, DARK[cluster % DARK.length], "bold", offset, 8, false)) break;
        }
      });
    }
    this.fill(put, found, new Set(chosen), allowed);
    return found;
  }
  fill(put, found, chosen, allowed) {
    const { data, view } = this, zoom = view.zoom;
    const last = Math.min(data.n, 1200 * zoom * zoom), gap = 9, grown = Math.min(3, Math.log2(Math.max(zoom, 1)));
    const { start: x0, end: x1 } = view.xRange, { start: y0, end: y1 } = view.yRange;
    for (let id = 0; id < last && found.x.length < MOST_LABELS; id++) {
      const x = data.x[id], y = data.y[id];
      if (x < x0 || x > x1 || y < y0 || y > y1 || chosen.has(id) || !allowed.word(id)) continue;
      const faint = chosen.size > 0;
      const colour = faint ? mixed(data.dark(id), PAPER, 0.55) : data.dark(id);
      put(x, y, data.words[id], 10.5 + 5 * data.weight[id] + grown, colour, "normal", -9 - grown, gap, false);
    }
  }
}

class WordMap {
  constructor(data, document_) {
    Object.assign(this, { data, selected: -1, hovered: -1, pinned: -1, pointed: -1, drawnZoom: 0 });
    this.sources = {};
    for (const name of ["points", "links", "marks", "labels"]) this.sources[name] = document_.get_model_by_name(name);
    this.view = new View(data, document_);
    this.places = new Places(data);
    this.labels = new Labels(data, this.view);
    this.legend();
    this.listen();
    this.paintPoints();
    this.refresh();
    this.followAddress();
  }
  cluster() { return this.pointed >= 0 ? this.pointed : this.pinned; }
  allowed(id) { return this.cluster() < 0 || this.data.clusters[id] === this.cluster(); }

  // The rarest words are drawn first, so that the frequent ones lie on top
  paintPoints() {
    const { data, view } = this, { n } = data, cluster = this.cluster();
    const grown = Math.min(2.6, Math.pow(Math.max(view.zoom, 1), 0.33)), dimmed = this.selected >= 0 ? 0.35 : 1;
    const back = (value) => Array.from({ length: n }, (_, i) => value(n - 1 - i));
    this.drawnZoom = view.zoom;
    this.sources.points.data = {
      x: back((id) => data.x[id]),
      y: back((id) => data.y[id]),
      size: back((id) => (2.3 + 10 * Math.pow(data.weight[id], 2.4)) * grown),
      color: back((id) => data.colour(id)),
      alpha: back((id) => (cluster >= 0 && data.clusters[id] !== cluster ? 0.05 : Math.min(0.95, 0.3 + 0.14 * grown + 0.5 * data.weight[id]) * dimmed)),
    };
  }
  paintLabels() {
    const chosen = this.selected >= 0 ? [this.selected, ...this.data.neighborsOf(this.selected)] : [];
    const allowed = { word: (id) => this.allowed(id), cluster: (number) => this.cluster() < 0 || number === this.cluster() };
    this.sources.labels.data = this.labels.place(chosen, allowed);
  }
  paintLinks() {
    const { data } = this, id = this.hovered >= 0 ? this.hovered : this.selected;
    const links = { x0: [], y0: [], x1: [], y1: [], alpha: [] }, marks = { x: [], y: [], size: [], color: [] };
    if (id >= 0) {
      data.neighborsOf(id).forEach((other, place) => {
        links.x0.push(data.x[id]); links.y0.push(data.y[id]); links.x1.push(data.x[other]); links.y1.push(data.y[other]);
        links.alpha.push(0.12 + 0.4 * data.similarity(id, place));
        marks.x.push(data.x[other]); marks.y.push(data.y[other]); marks.size.push(10); marks.color.push(data.colour(other));
      });
      marks.x.push(data.x[id]); marks.y.push(data.y[id]); marks.size.push(15); marks.color.push(data.dark(id));
    }
    this.sources.links.data = links;
    this.sources.marks.data = marks;
  }
  refresh() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paintLabels();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => {
        if (Math.abs(Math.log(this.view.zoom / this.drawnZoom)) > 0.15) this.paintPoints();
      }, 150);
    });
  }

  select(id, fly = true) {
    const { data, view } = this;
    this.selected = id;
    this.hover(-1);
    if (id >= 0) this.pinned = -1;
    this.paintPoints();
    this.paintLinks();
    this.refresh();
    this.describe();
    this.markLegend();
    const address = id >= 0 ? `#${encodeURIComponent(data.words[id])}` : location.pathname + location.search;
    try { history.replaceState(null, "", address); } catch { /* some browsers forbid it for local files */ }
    if (id < 0 || !fly) return;
    const away = data.neighborsOf(id).map((other) => Math.hypot(data.x[other] - data.x[id], data.y[other] - data.y[id]));
    const reach = away.sort((a, b) => a - b)[Math.floor(away.length * 0.75)] || 0;
    const share = (view.width - view.free().left - view.free().right) / view.width;
    view.fly(view.centred(data.x[id], data.y[id], Math.min(Math.max((2.4 * reach) / share, view.homeSpan / 20), view.homeSpan / 2)));
  }
  describe() {
    const { data, selected: id } = this, card = element("word");
    card.hidden = id < 0;
    card.replaceChildren();
    if (id < 0) return;
    const add = (parent, tag, text = "", attributes = {}) => {
      const child = document.createElement(tag);
      child.textContent = text;
      Object.assign(child, attributes);
      parent.append(child);
      return child;
    };
    add(card, "button", "×", { className: "close", type: "button", title: "Close (Esc)", onclick: () => this.select(-1) });
    add(card, "h2", data.words[id]);
    const times = data.counts[id] ? ` · seen ${show(data.counts[id])} times` : "";
    add(card, "p", `No. ${show(id + 1)} by frequency${times}`);
    const cluster = add(card, "p");
    add(cluster, "span", "", { className: "dot" }).style.setProperty("--colour", data.colour(id));
    cluster.append(data.clusterNames[data.clusters[id]].join(", "));
    add(card, "h3", "Nearest words");
    const list = add(card, "ol");
    data.neighborsOf(id).forEach((other, place) => {
      const similarity = data.similarity(id, place);
      const item = add(list, "li", "", { onclick: () => this.select(other), title: data.words[other] });
      add(item, "span", data.words[other]);
      const bar = add(add(item, "span", "", { className: "bar" }), "i");
      bar.style.width = `${100 * similarity}%`;
      bar.style.setProperty("--colour", data.colour(other));
      add(item, "span", similarity.toFixed(2), { className: "number" });
    });
  }
  hover(id, px = 0, py = 0) {
    const tip = element("tip");
    if (id !== this.hovered) {
      this.hovered = id;
      this.paintLinks();
      element("map").classList.toggle("word", id >= 0);
      tip.replaceChildren();
      if (id >= 0) {
        const name = document.createElement("b"), times = document.createElement("span"), near = document.createElement("p");
        name.textContent = this.data.words[id];
        times.className = "number";
        times.textContent = this.data.counts[id] ? `  ${show(this.data.counts[id])} times` : "";
        near.textContent = this.data.neighborsOf(id).slice(0, 6).map((other) => this.data.words[other]).join(", ");
        tip.append(name, times, near);
      }
    }
    tip.hidden = id < 0;
    if (id < 0) return;
    const right = px + 18 + tip.offsetWidth > this.view.width, low = py + 18 + tip.offsetHeight > this.view.height;
    tip.style.left = `${right ? px - 14 - tip.offsetWidth : px + 16}px`;
    tip.style.top = `${low ? py - 14 - tip.offsetHeight : py + 16}px`;
  }

  legend() {
    const list = element("legend").querySelector("ol");
    this.data.clusterNames.forEach((names, cluster) => {
      const item = document.createElement("li"), button = document.createElement("button"), dot = document.createElement("span");
      dot.className = "dot";
      dot.style.setProperty("--colour", COLOURS[cluster % COLOURS.length]);
      button.type = "button";
      button.title = names.join(", ");
      button.append(dot, names.join(", "));
      button.onclick = () => { this.pinned = this.pinned === cluster ? -1 : cluster; this.point(-1); };
      button.onmouseenter = () => this.point(cluster);
      button.onmouseleave = () => this.point(-1);
      item.append(button);
      list.append(item);
    });
  }
  point(cluster) {
    this.pointed = cluster;
    this.markLegend();
    this.paintPoints();
    this.refresh();
  }
  markLegend() {
    element("legend").classList.toggle("some", this.pinned >= 0);
    element("legend").querySelectorAll("button").forEach((button, cluster) => button.setAttribute("aria-pressed", cluster === this.pinned));
  }

  listen() {
    const map = element("map"), view = this.view;
    for (const range of [view.xRange, view.yRange]) range.change.connect(() => this.refresh());
    let down = null;
    map.addEventListener("pointerdown", (event) => { down = [event.clientX, event.clientY]; view.flight = null; this.hover(-1); });
    map.addEventListener("pointerup", (event) => {
      const still = down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) < 4;
      down = null;
      if (still) this.select(this.at(event), false);
    });
    map.addEventListener("wheel", () => { view.flight = null; this.hover(-1); }, { passive: true });
    map.addEventListener("pointermove", (event) => { if (!event.buttons) this.hover(this.at(event), event.clientX, event.clientY); });
    map.addEventListener("pointerleave", () => this.hover(-1));
    addEventListener("resize", () => { view.resized(); this.refresh(); });
    addEventListener("hashchange", () => this.followAddress());
    element("zoom").addEventListener("click", ({ target }) => {
      if (target.dataset.zoom === "all") view.fly(view.home());
      else if (target.dataset.zoom) view.zoomBy(target.dataset.zoom === "in" ? 2 : 0.5);
    });
    new Search(this.data, (id) => this.select(id));
    addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.select(-1);
      if (event.key === "/" && event.target.tagName !== "INPUT") { event.preventDefault(); element("query").focus(); }
    });
  }
  at(event) {
    const [x, y] = this.view.toData(event.clientX, event.clientY);
    return this.places.nearest(x, y, REACH * this.view.perPixel, (id) => this.allowed(id));
  }
  followAddress() {
    const id = this.data.ids.get(decodeURIComponent(location.hash.slice(1)));
    if (id !== undefined && id !== this.selected) this.select(id);
  }
}

class Search {
  constructor(data, choose) {
    Object.assign(this, { data, choose, current: 0, found: [] });
    const query = element("query");
    query.addEventListener("input", () => this.suggest(query.value));
    query.addEventListener("focus", () => this.suggest(query.value));
    query.addEventListener("blur", () => this.close());
    query.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && this.found.length) {
        event.preventDefault();
        this.current = (this.current + step + this.found.length) % this.found.length;
        this.render();
      }
    });
    element("search").addEventListener("submit", (event) => { event.preventDefault(); this.take(this.found[this.current]); });
  }
  suggest(text) {
    const { words, ids, n } = this.data, wanted = text.trim(), folded = wanted.toLowerCase();
    const starts = [], holds = [];
    for (let id = 0; wanted && id < n && starts.length < 8; id++) {
      const word = words[id].toLowerCase();
      if (word.startsWith(folded)) starts.push(id);
      else if (holds.length < 8 && word.includes(folded)) holds.push(id);
    }
    const exact = [wanted, folded].map((word) => ids.get(word)).filter((id) => id !== undefined);
    this.found = [...new Set([...exact, ...starts, ...holds])].slice(0, 8);
    this.current = 0;
    this.render(wanted && !this.found.length ? "Not among the words of this map" : "");
  }
  render(message = "") {
    const list = element("suggestions");
    list.replaceChildren();
    this.found.forEach((id, place) => {
      const item = document.createElement("li"), count = document.createElement("span");
      count.className = "number";
      count.textContent = this.data.counts[id] ? show(this.data.counts[id]) : "";
      item.dataset.word = this.data.words[id];
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", place === this.current);
      item.append(this.data.words[id], count);
      item.onmousedown = (event) => { event.preventDefault(); this.take(id); };
      list.append(item);
    });
    if (message) list.append(Object.assign(document.createElement("li"), { textContent: message }));
    list.hidden = !list.children.length;
  }
  take(id) {
    if (id === undefined) return;
    element("query").value = this.data.words[id];
    element("query").blur();
    this.close();
    this.choose(id);
  }
  close() {
    element("suggestions").hidden = true;
  }
}

// Without a graphics card WebGL is slower than the plain canvas, which then shows fewer points while one drags.
function hasFastGraphics() {
  const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const details = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = context.getParameter(details ? details.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  return !/swiftshader|llvmpipe|software/i.test(renderer);
}

async function start() {
  if (!window.DecompressionStream) throw new Error("this browser is too old to unpack it; any of 2023 or later will do");
  const [library, data] = await Promise.all([unpacked("library"), unpacked("data")]);
  document.head.append(Object.assign(document.createElement("script"), { textContent: new TextDecoder().decode(library) }));
  const figure = JSON.parse(element("figure").textContent);
  if (!hasFastGraphics()) Object.assign(figure.doc.roots[0].attributes, { output_backend: "canvas", lod_threshold: 2000 });
  await Bokeh.embed.embed_item(figure, "map");
  const words = readData(data);
  window.wordMap = new WordMap(words, Bokeh.documents[0]);
  element("wait").remove();
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  element("wait").textContent = `The map cannot be shown: ${error.message}`;
  throw error;
});
