// Which words are written out: chosen ones first, then cluster names from afar, then the most frequent that have room
const MOST_LABELS = 170;
const CELL = 6; // pixels; labels claim cells of this size
const FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif";

class Labels {
  constructor(words, view, theme) {
    Object.assign(this, { words, view, theme, found: [] });
    this.context = document.createElement("canvas").getContext("2d"); // measures
  }
  // allowed: {word(id), cluster(number)}
  place(chosen, allowed) {
    const { view } = this;
    this.columns = Math.ceil(view.width / CELL);
    this.rows = Math.ceil(view.height / CELL);
    this.taken = new Uint8Array(this.columns * this.rows);
    this.found = [];
    for (const card of ["guide", "legend", "tools", "time"]) {
      const box = element(card)?.getBoundingClientRect();
      if (!box) continue;
      this.claim(box.left, box.top, box.right, box.bottom, true);
    }
    this.placeChosen(chosen);
    if (view.zoom < 2.2 && !chosen.length) this.placeClusters(allowed);
    this.fill(new Set(chosen), allowed);
  }
  // Takes a box of pixels if it is free, or must be taken
  claim(left, top, right, bottom, must) {
    const { columns, rows, taken } = this;
    const c0 = Math.max(Math.floor(left / CELL), 0), c1 = Math.min(Math.ceil(right / CELL), columns);
    const r0 = Math.max(Math.floor(top / CELL), 0), r1 = Math.min(Math.ceil(bottom / CELL), rows);
    if (c0 >= c1 || r0 >= r1) return false;
    for (let r = r0; r < r1 && !must; r++) for (let c = c0; c < c1; c++) if (taken[r * columns + c]) return false;
    for (let r = r0; r < r1; r++) taken.fill(1, r * columns + c0, r * columns + c1);
    return true;
  }
  // The label of a word, at the first of some offsets (pixels to the right and down) where it has room
  put(id, text, { size, colour, bold = false, gap = 0, must = false, offsets }) {
    this.context.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    const { x, y } = this.words, [px, py] = this.view.toPixel(x[id], y[id]), wide = this.context.measureText(text).width, high = size * 1.15;
    for (const [dx, dy] of offsets) {
      const left = dx ? px + dx - (dx < 0 ? wide : 0) : px - wide / 2, top = py + dy - high / 2;
      const cut = left < 0 || left + wide > this.view.width || top < 0 || top + high > this.view.height;
      if (cut && !must) continue;
      if (this.claim(left - gap, top - gap / 2, left + wide + gap, top + high + gap / 2, must)) {
        this.found.push({ id, text, font: this.context.font, colour, dx: left - px, dy });
        return;
      }
    }
  }
  placeChosen(chosen) {
    const { words, theme } = this;
    for (const id of chosen) { // its dot is not to be written over
      const [px, py] = this.view.toPixel(words.x[id], words.y[id]);
      this.claim(px - 5, py - 5, px + 5, py + 5, true);
    }
    chosen.forEach((id, i) => {
      const offsets = i ? [[9, 0], [-9, 0], [0, -14], [0, 14], [9, -12], [9, 12], [-9, -12], [-9, 12], [0, -28], [0, 28]] : [[0, -20]];
      const style = i ? { size: 14, colour: theme.letter(id) } : { size: 19, colour: theme.ink, bold: true, must: true };
      this.put(id, words.label(id), { ...style, offsets });
    });
  }
  placeClusters(allowed) {
    const { words, theme } = this, offsets = [[0, 0], [0, -20], [0, 20], [0, -40], [0, 40]], narrow = this.view.width <= 560;
    words.anchors.forEach((id, cluster) => {
      if (!allowed.cluster(cluster)) return;
      if (!words.distinct[cluster]) return; // of no one topic: it is in the list only
      const text = words.clusterNames[cluster].slice(0, narrow ? 1 : 2).join(" · ");
      this.put(id, text, { size: narrow ? 13 : 15, colour: theme.letters[cluster], bold: true, gap: 7, offsets });
    });
  }
  fill(chosen, allowed) {
    const { words, view, theme } = this, zoom = view.zoom, grown = Math.min(3, Math.log2(Math.max(zoom, 1)));
    const last = Math.min(words.n, 1200 * zoom * zoom);
    const [x0, y1] = view.toData(0, 0), [x1, y0] = view.toData(view.width, view.height);
    for (let id = 0; id < last && this.found.length < MOST_LABELS; id++) {
      const x = words.x[id], y = words.y[id];
      if (x < x0 || x > x1 || y < y0 || y > y1 || chosen.has(id) || !allowed.word(id)) continue;
      const colour = chosen.size ? mixed(theme.letter(id), theme.paper, 0.45) : theme.letter(id);
      const size = Math.round(2 * (10.5 + 5 * words.weight[id] + grown)) / 2;
      this.put(id, words.label(id), { size, colour, gap: 6, offsets: [[0, -10 - grown]] });
    }
  }
}

// What lies over the points: labels, and the links of a figure (page.js)
class Overlay {
  constructor(words, view, theme) {
    Object.assign(this, { words, view, theme });
    this.canvas = element("overlay");
    this.context = this.canvas.getContext("2d");
    this.resized();
  }
  resized() {
    const fine = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: this.view.width * fine, height: this.view.height * fine });
    this.context.setTransform(fine, 0, 0, fine, 0, 0);
  }
  draw(labels, figure) {
    const { context, view } = this;
    context.clearRect(0, 0, view.width, view.height);
    this.drawFigure(figure);
    Object.assign(context, { textAlign: "left", textBaseline: "middle", lineJoin: "round", lineWidth: 3.5, strokeStyle: this.theme.paper });
    const { x, y } = this.words, placed = labels.map((label) => [label, ...view.toPixel(x[label.id], y[label.id])]);
    for (const outline of [true, false]) { // no outline lies on another label
      for (const [{ text, font, colour, dx, dy }, px, py] of placed) {
        context.font = font;
        context.fillStyle = colour;
        if (outline) context.strokeText(text, px + dx, py + dy);
        else context.fillText(text, px + dx, py + dy);
      }
    }
  }
  drawFigure({ ids, links }) {
    const { words, view, theme } = this, at = (id) => view.toPixel(words.x[id], words.y[id]);
    for (const { from, to, strength, arrow } of links) this.drawLink(at(from), at(to), strength, arrow);
    ids.slice(1).forEach((id) => this.dot(...at(id), 5.5, theme.point(id)));
    if (ids.length) this.dot(...at(ids[0]), 8, theme.letter(ids[0]));
  }
  dot(x, y, radius, colour) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    Object.assign(context, { fillStyle: colour, strokeStyle: this.theme.paper, lineWidth: 1.5, globalAlpha: 1 });
    context.fill();
    context.stroke();
  }
  drawLink([x0, y0], [x1, y1], strength, arrow) {
    const { context } = this;
    Object.assign(context, { strokeStyle: this.theme.ink, fillStyle: this.theme.ink, lineWidth: arrow ? 2 : 1, globalAlpha: 0.12 + 0.4 * strength });
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
    if (arrow) this.drawHead(x1, y1, Math.atan2(y1 - y0, x1 - x0));
    context.globalAlpha = 1;
  }
  drawHead(x, y, angle) {
    const { context } = this, back = (distance, aside) => [x - distance * Math.cos(angle) - aside * Math.sin(angle), y - distance * Math.sin(angle) + aside * Math.cos(angle)];
    context.globalAlpha = 0.7;
    context.beginPath();
    context.moveTo(...back(8, 0));
    context.lineTo(...back(20, 6));
    context.lineTo(...back(20, -6));
    context.fill();
  }
}
