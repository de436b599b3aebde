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
