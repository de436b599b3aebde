const MARGIN = 36;           // pixels from the neighbours of a chosen word to the edge

// What part of the plane is seen, and how mouse, fingers and keys move it. The map fills the space that the cards leave free.
class View {
  constructor(words, changed) {
    Object.assign(this, { words, changed });
    this.encompass();
    this.measure();
    this.aim = () => this.home();
    this.set(this.aim());
  }
  // All words, but for a few far away
  encompass() {
    const { words } = this, bounds = (values) => {
      const sorted = Float32Array.from(values).sort();
      const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
      const low = at(0.006), high = at(0.994), room = 0.12 * (high - low);
      return [Math.max(at(0), low - room), Math.min(at(1), high + room)];
    };
    [this.left, this.right] = bounds(words.x);
    [this.bottom, this.top] = bounds(words.y);
  }
  get zoom() { return this.home().perPixel / this.perPixel; }
  measure() { [this.width, this.height] = [element("map").clientWidth, element("map").clientHeight]; }
  free() {
    const wide = this.width > 900, guide = element("guide"), some = guide.offsetWidth < this.width / 2;
    const time = element("time")?.offsetHeight ?? 0;
    return { left: some ? guide.offsetLeft + guide.offsetWidth + 12 : 10, right: wide ? 288 : 10, top: some ? 30 : guide.offsetHeight + 20, bottom: time + (some ? 30 : 54) };
  }
  home() { return this.framed(this.left, this.right, this.bottom, this.top, 0); }
  isHome() {
    const home = this.home();
    return ["x", "y", "perPixel"].every((name) => Math.abs(home[name] - this[name]) < 2 * home.perPixel);
  }
  // The view that shows a box in the free space, with a margin of pixels around it
  framed(left, right, bottom, top, margin) {
    const free = this.free();
    const wide = Math.max(this.width - free.left - free.right - 2 * margin, 100), high = Math.max(this.height - free.top - free.bottom - 2 * margin, 50);
    const perPixel = Math.max((right - left) / wide, (top - bottom) / high, 1e-6);
    return this.centred((left + right) / 2, (bottom + top) / 2, perPixel);
  }
  // The view that shows all of these words, not nearer than `nearest`
  showing(ids, nearest) {
    const x = ids.map((id) => this.words.x[id]), y = ids.map((id) => this.words.y[id]);
    const view = this.framed(Math.min(...x), Math.max(...x), Math.min(...y), Math.max(...y), MARGIN);
    if (view.perPixel >= nearest) return view;
    return this.centred((Math.min(...x) + Math.max(...x)) / 2, (Math.min(...y) + Math.max(...y)) / 2, nearest);
  }
  // The view that shows (x, y) in the middle of the free space
  centred(x, y, perPixel) {
    const free = this.free();
    return { x: x - ((free.left - free.right) / 2) * perPixel, y: y - ((free.bottom - free.top) / 2) * perPixel, perPixel };
  }
  set({ x, y, perPixel }) {
    Object.assign(this, { x, y, perPixel });
    this.changed();
  }
  // In a window of another size the view aims at the same words, unless it was moved by hand
  resized() {
    this.measure();
    this.flight = null;
    this.set(this.aim ? this.aim() : this);
  }
  moveByHand(view) {
    this.flight = this.aim = null;
    this.set(view);
  }
  fly(aim) {
    const { x, y, perPixel } = this, begin = performance.now(), flight = (this.flight = {}), target = aim();
    this.aim = aim;
    const duration = isStill() ? 1 : 600;
    const ratio = target.perPixel / perPixel;
    const step = (now) => {
      if (this.flight !== flight) return;
      const t = Math.min(Math.max((now - begin) / duration, 0), 1), eased = t * t * (3 - 2 * t);
      const share = Math.abs(ratio - 1) < 1e-3 ? eased : (Math.pow(ratio, eased) - 1) / (ratio - 1); // steady zoom
      this.set({ x: x + (target.x - x) * share, y: y + (target.y - y) * share, perPixel: perPixel + (target.perPixel - perPixel) * share });
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
  // What lies below the pixel stays there
  zoomAt(px, py, factor) {
    const [x, y] = this.toData(px, py), farthest = 4 * this.home().perPixel, nearest = this.home().perPixel / 400;
    const perPixel = Math.min(Math.max(this.perPixel / factor, nearest), farthest);
    this.moveByHand({ x: x - (px - this.width / 2) * perPixel, y: y + (py - this.height / 2) * perPixel, perPixel });
  }
  pan(dx, dy) {
    this.moveByHand({ x: this.x - dx * this.perPixel, y: this.y + dy * this.perPixel, perPixel: this.perPixel });
  }
  zoomBy(factor) {
    const { left, right, top, bottom } = this.free();
    const middle = this.toData(left + (this.width - left - right) / 2, top + (this.height - top - bottom) / 2);
    const perPixel = this.perPixel / factor;
    this.fly(() => this.centred(...middle, perPixel));
  }
  toPixel(x, y) { return [(x - this.x) / this.perPixel + this.width / 2, (this.y - y) / this.perPixel + this.height / 2]; }
  toData(px, py) { return [this.x + (px - this.width / 2) * this.perPixel, this.y - (py - this.height / 2) * this.perPixel]; }

  // Drag, wheel and pinch
  listen(surface, { moved, clicked }) {
    const fingers = new Map();
    let travelled = 0;
    surface.addEventListener("pointerdown", (event) => {
      surface.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      travelled = fingers.size > 1 ? Infinity : 0;
      this.flight = null;
      moved(null);
    });
    surface.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId), now = [event.clientX, event.clientY];
      if (!before) return moved(event);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (other) this.zoomAt(...other, Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(Math.hypot(before[0] - other[0], before[1] - other[1]), 1));
      else if (travelled > 3) this.pan(now[0] - before[0], now[1] - before[1]);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      surface.addEventListener(end, (event) => {
        if (fingers.delete(event.pointerId) && end === "pointerup" && travelled <= 3) clicked(event);
      });
    }
    surface.addEventListener("pointerleave", () => moved(null));
    surface.addEventListener("wheel", (event) => {
      event.preventDefault();
      moved(null);
      const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
      this.zoomAt(event.clientX, event.clientY, Math.exp(-Math.max(-120, Math.min(120, pixels)) / 400));
    }, { passive: false });
  }
}

// Words by place: the nearest one to the mouse without looking at all
class Places {
  constructor(words) {
    this.words = words;
    this.cells = 256; // a side
    this.buckets = new Map();
    for (let id = 0; id < words.n; id++) {
      const key = this.key(words.x[id], words.y[id]);
      if (this.buckets.has(key)) this.buckets.get(key).push(id); else this.buckets.set(key, [id]);
    }
  }
  cell(value) { return Math.min(this.cells - 1, Math.max(0, Math.floor(value * this.cells))); }
  key(x, y) { return this.cell(y) * this.cells + this.cell(x); }
  nearest(x, y, radius, allowed) {
    let best = -1, least = radius;
    for (let row = this.cell(y - radius); row <= this.cell(y + radius); row++) {
      for (let column = this.cell(x - radius); column <= this.cell(x + radius); column++) {
        for (const id of this.buckets.get(row * this.cells + column) || []) {
          // a frequent word is a larger target
          const distance = Math.hypot(this.words.x[id] - x, this.words.y[id] - y) - 0.4 * radius * this.words.weight[id];
          if (distance < least && allowed(id)) [best, least] = [id, distance];
        }
      }
    }
    return best;
  }
}
