// The map's behaviour: Bokeh draws, this fills its data sources and answers mouse, keyboard and search.
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
