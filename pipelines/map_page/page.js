// The map's behaviour: what is chosen, pointed at or hidden, and what is drawn anew after it.
const REACH = 14;            // pixels within which the mouse finds a word
const LABELS_WAIT = 90;      // milliseconds from one choice of labels to the next while the map moves

class WordMap {
  static on(words) {
    const map = new WordMap(words);
    map.points = Points.on(words, map.view, map.theme);
    map.listen();
    map.refresh();
    map.followAddress();
    return map;
  }
  constructor(words) {
    Object.assign(this, { words, selected: -1, hovered: -1, pinned: -1, pointed: -1, labelled: 0 });
    this.theme = new Theme(words);
    this.view = new View(words, () => this.refresh());
    this.places = new Places(words);
    this.labels = new Labels(words, this.view, this.theme);
    this.overlay = new Overlay(words, this.view, this.theme);
    showColours(this.theme);
    listClusters(words, { pin: (cluster) => this.pin(cluster), point: (cluster) => this.point(cluster) });
  }
  cluster() { return this.pointed >= 0 ? this.pointed : this.pinned; }
  allowed(id) { return this.cluster() < 0 || this.words.clusters[id] === this.cluster(); }

  refresh() {
    if (this.waiting || !this.points) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      const since = performance.now() - this.labelled;
      clearTimeout(this.settling);
      if (since > LABELS_WAIT) this.relabel();
      else this.settling = setTimeout(() => { this.relabel(); this.refresh(); }, LABELS_WAIT - since);
      this.points.draw();
      this.overlay.draw(this.labels.found, this.hovered >= 0 ? this.hovered : this.selected);
    });
  }
  relabel() {
    const chosen = this.selected >= 0 ? [this.selected, ...this.words.neighborsOf(this.selected)] : [];
    this.labels.place(chosen, { word: (id) => this.allowed(id), cluster: (number) => this.cluster() < 0 || number === this.cluster() });
    this.labelled = performance.now();
  }
  restyle() {
    this.points.restyle({ cluster: this.cluster(), dimmed: this.selected >= 0 });
    this.labelled = 0;
    this.refresh();
  }

  select(id, fly = true) {
    const { words, view } = this;
    this.selected = id;
    this.hover(-1);
    if (id >= 0) this.pinned = -1;
    this.restyle();
    describeWord(words, id, { choose: (other) => this.select(other), close: () => this.select(-1) });
    markCluster(this.pinned);
    const address = id >= 0 ? `#${encodeURIComponent(words.address(id))}` : location.pathname + location.search;
    try { history.replaceState(null, "", address); } catch { /* some browsers forbid it for local files */ }
    if (id < 0 || !fly) return;
    view.fly(view.showing([id, ...words.neighborsOf(id)], view.home().perPixel / 40));
  }
  hover(id, px = 0, py = 0) {
    if (id !== this.hovered) {
      this.hovered = id;
      element("map").classList.toggle("word", id >= 0);
      element("tip").hidden = id < 0;
      if (id >= 0) fillTip(this.words, id);
      this.refresh();
    }
    if (id >= 0) placeTip(this.view, px, py);
  }
  pin(cluster) {
    this.pinned = this.pinned === cluster ? -1 : cluster;
    this.point(-1);
  }
  point(cluster) {
    this.pointed = cluster;
    markCluster(this.pinned);
    this.restyle();
  }
  recolour(theme) {
    document.documentElement.dataset.theme = theme;
    this.theme.read();
    showColours(this.theme);
    this.restyle();
  }

  listen() {
    const { view } = this;
    view.listen(element("map"), {
      moved: (event) => (event ? this.hover(this.at(event), event.clientX, event.clientY) : this.hover(-1)),
      clicked: (event) => this.select(this.at(event), false),
    });
    addEventListener("resize", () => { view.resized(); this.overlay.resized(); this.points.resized(); this.refresh(); });
    addEventListener("hashchange", () => this.followAddress());
    element("tools").addEventListener("click", ({ target }) => this.use(target.dataset.tool));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => this.recolour(matches ? "dark" : "light"));
    this.search = new Search(this.words, (id) => this.select(id));
    addEventListener("keydown", (event) => {
      if (event.key === "Escape") { this.search.clear(); this.select(-1); }
      if (event.target.tagName === "INPUT") return;
      if (event.key === "/") { event.preventDefault(); element("query").focus(); }
      this.use({ "+": "in", "=": "in", "-": "out", 0: "all" }[event.key]);
    });
  }
  use(tool) {
    if (tool === "in") this.view.zoomBy(2);
    if (tool === "out") this.view.zoomBy(0.5);
    if (tool === "all") this.view.fly(this.view.home());
    if (tool === "theme") this.recolour(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  }
  at(event) {
    const [x, y] = this.view.toData(event.clientX, event.clientY);
    return this.places.nearest(x, y, REACH * this.view.perPixel, (id) => this.allowed(id));
  }
  followAddress() {
    const id = this.words.ids.get(decodeURIComponent(location.hash.slice(1)));
    if (id !== undefined && id !== this.selected) this.select(id);
  }
}

async function start() {
  if (!window.DecompressionStream) throw new Error("this browser is too old to unpack it; any of 2023 or later will do");
  window.wordMap = WordMap.on(new Words(await unpacked("data")));
  element("wait").remove();
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  element("wait").textContent = `The map cannot be shown: ${error.message}`;
  throw error;
});
