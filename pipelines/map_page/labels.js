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
