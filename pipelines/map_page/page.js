// The map's behaviour: what is chosen, pointed at or hidden, and what is drawn anew after it.
const REACH = 14;            // pixels within which the mouse finds a word
const LABELS_WAIT = 90;      // milliseconds from one choice of labels to the next while the map moves
const GLIDE = 900;           // milliseconds in which words move to other places

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Numbers between those of two arrays; share 0: those of the first
function between(first, second, share) {
  const numbers = new Float32Array(first.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = first[i] + (second[i] - first[i]) * share;
  return numbers;
}

// What is drawn over the points: words, of which the first is the chosen one, and links from word to word
const NOTHING = { ids: [], links: [] };

class WordMap {
  // chosen(id): called when a word is chosen, with -1 when none is
  static on(words, chosen) {
    const map = new WordMap(words, chosen);
    map.points = Points.on(words, map.view, map.theme);
    map.listen();
    map.refresh();
    return map;
  }
  constructor(words, chosen) {
    Object.assign(this, { words, chosen, selected: -1, hovered: -1, pinned: -1, pointed: -1, labelled: 0, figure: NOTHING });
    this.theme = new Theme(words);
    this.view = new View(words, () => this.refresh());
    this.places = null; // made when the mouse asks
    this.labels = new Labels(words, this.view, this.theme);
    this.overlay = new Overlay(words, this.view, this.theme);
    this.listClusters();
  }
  listClusters() {
    showColours(this.theme);
    listClusters(this.words, { pin: (cluster) => this.pin(cluster), point: (cluster) => this.point(cluster) });
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
      this.overlay.draw(this.labels.found, this.hovered >= 0 ? this.star(this.hovered) : this.figure);
    });
  }
  relabel() {
    this.labels.place(this.figure.ids, { word: (id) => this.allowed(id), cluster: (number) => this.cluster() < 0 || number === this.cluster() });
    this.labelled = performance.now();
  }
  restyle() {
    this.points.restyle({ cluster: this.cluster(), dimmed: this.figure.ids.length > 0 });
    this.labelled = 0;
    this.refresh();
  }

  // Words at other places
  move(x, y) {
    Object.assign(this.words, { x, y });
    this.places = null;
    this.points.moved();
    this.refresh();
  }
  // The same words at another moment of their training: other clusters and neighbours at once, other places in a glide
  become(next) {
    const { words, view } = this, wasHome = view.isHome(), { x, y } = words, to = { x: next.x, y: next.y };
    Object.assign(words, next, { x, y });
    this.theme.read();
    this.listClusters();
    if (this.pinned >= words.clusterNames.length) this.pinned = -1;
    markCluster(this.pinned);
    this.points.regrouped();
    if (this.selected >= 0) this.figure = this.star(this.selected);
    this.chosen(this.selected);
    this.glide({ x, y }, to, () => {
      view.encompass();
      if (wasHome) view.fly(() => view.home());
    });
  }
  glide(from, to, arrived) {
    const begin = performance.now(), glide = (this.gliding = {}), duration = isStill() ? 1 : GLIDE;
    const step = (now) => {
      if (this.gliding !== glide) return;
      const t = Math.min(Math.max((now - begin) / duration, 0), 1), share = t * t * (3 - 2 * t);
      this.move(between(from.x, to.x, share), between(from.y, to.y, share));
      if (t < 1) requestAnimationFrame(step); else arrived();
    };
    requestAnimationFrame(step);
  }

  // A word and its neighbours
  star(id) {
    const others = this.words.neighborsOf(id);
    return { ids: [id, ...others], links: others.map((to, place) => ({ from: id, to, strength: this.words.similarity(id, place) })) };
  }
  select(id, fly = true) {
    this.selected = id;
    this.chosen(id); // first: the card of the word takes space from the map
    this.draw(id >= 0 ? this.star(id) : NOTHING, fly);
  }
  draw(figure, fly = true) {
    const { view } = this;
    this.figure = figure;
    this.hover(-1);
    if (figure.ids.length) this.pinned = -1;
    this.restyle();
    markCluster(this.pinned);
    if (figure.ids.length && fly) view.fly(() => view.showing(figure.ids, view.home().perPixel / 40));
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
    element("tools").addEventListener("click", ({ target }) => this.use(target.dataset.tool));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => this.recolour(matches ? "dark" : "light"));
    this.search = element("search") && new Search(this.words, (id) => this.select(id));
    addEventListener("keydown", (event) => {
      if (event.key === "Escape") { this.search?.clear(); this.select(-1); }
      if (event.target.closest("input, textarea, select")) return;
      if (event.key === "/") { event.preventDefault(); document.querySelector("#query, form:not([hidden]) input")?.focus(); }
      this.use({ "+": "in", "=": "in", "-": "out", 0: "all" }[event.key]);
    });
  }
  use(tool) {
    if (tool === "in") this.view.zoomBy(2);
    if (tool === "out") this.view.zoomBy(0.5);
    if (tool === "all") this.view.fly(() => this.view.home());
    if (tool === "theme") this.recolour(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  }
  at(event) {
    const [x, y] = this.view.toData(event.clientX, event.clientY);
    this.places ??= new Places(this.words);
    return this.places.nearest(x, y, REACH * this.view.perPixel, (id) => this.allowed(id));
  }
}
