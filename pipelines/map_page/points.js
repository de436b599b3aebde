// The points: drawn by regl-scatterplot on the graphics card, or by the processor where there is none.
const SIZES = 32; // steps of size and opacity, from the rarest word to the most frequent

function hasGraphicsCard() {
  const context = document.createElement("canvas").getContext("webgl", { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const details = context.getExtension("WEBGL_debug_renderer_info");
  return !/swiftshader|llvmpipe|software/i.test(context.getParameter(details ? details.UNMASKED_RENDERER_WEBGL : context.RENDERER));
}

class Points {
  constructor(words, view, theme) {
    Object.assign(this, { words, view, theme, drawnZoom: 0 });
    this.canvas = element("points");
    const { n } = words, back = (value) => Float32Array.from({ length: n }, (_, i) => value(n - 1 - i));
    // The rarest words are drawn first, so that the frequent ones lie on top
    this.columns = { x: back((id) => 2 * words.x[id] - 1), y: back((id) => 2 * words.y[id] - 1), z: back((id) => words.clusters[id]), w: back((id) => words.weight[id]) };
    this.style = { cluster: -1, dimmed: false };
  }
  static async on(words, view, theme) {
    const points = hasGraphicsCard() ? new Points(words, view, theme) : new FlatPoints(words, view, theme);
    await points.start();
    return points;
  }
  async start() {
    const { view, canvas } = this;
    this.plot = ReglScatterplot({
      canvas, width: view.width, height: view.height, cameraIsFixed: true, pointScaleMode: "constant", showReticle: false,
      colorBy: "valueZ", sizeBy: "valueW", opacityBy: "valueW", spatialIndexUseWorker: false, ...this.looks(),
    });
    this.resized();
    await this.plot.draw(this.columns, { zDataType: "categorical", wDataType: "continuous" });
  }
  steps(value) { return Array.from({ length: SIZES }, (_, i) => value(i / (SIZES - 1))); }
  sizes() {
    const grown = Math.min(2.6, Math.pow(Math.max(this.view.zoom, 1), 0.33));
    return this.steps((weight) => (2.6 + 10 * Math.pow(weight, 2.4)) * grown);
  }
  looks() {
    const { cluster, dimmed } = this.style, { theme } = this, share = dimmed ? 0.3 : 1;
    const grown = Math.min(2.6, Math.pow(Math.max(this.view.zoom, 1), 0.33));
    this.drawnZoom = this.view.zoom;
    const opacity = cluster < 0
      ? { opacityBy: "valueW", opacity: this.steps((weight) => Math.min(0.95, 0.36 + 0.14 * grown + 0.5 * weight) * share) }
      : { opacityBy: "valueZ", opacity: theme.points.map((_, number) => (number === cluster ? 0.85 : 0.04)) };
    return { backgroundColor: theme.paper, pointColor: theme.points, pointSize: this.sizes(), ...opacity };
  }
  // cluster: the only one that is not pale, or -1; dimmed: whether all are, as one word is chosen
  restyle(style = {}) {
    Object.assign(this.style, style);
    this.plot.set(this.looks());
  }
  resized() {
    const { width, height } = this.view;
    this.plot.get("renderer").resize(width, height); // of itself it stays within the screen
    this.plot.set({ width, height });
  }
  draw() {
    const { view } = this, scale = 1 / (view.height * view.perPixel);
    if (Math.abs(Math.log(view.zoom / this.drawnZoom)) > 0.15) this.restyle();
    this.plot.view([scale, 0, 0, 0, 0, scale, 0, 0, 0, 0, 1, 0, -scale * (2 * view.x - 1), -scale * (2 * view.y - 1), 0, 1]);
  }
}

// Blends discs into an array of pixels: a few milliseconds a frame, where WebGL in software takes a hundred
class FlatPoints extends Points {
  async start() {
    this.context = this.canvas.getContext("2d");
    this.resized();
  }
  restyle(style = {}) {
    Object.assign(this.style, style);
    this.draw();
  }
  resized() {
    Object.assign(this.canvas, { width: this.view.width, height: this.view.height });
    this.image = this.context.createImageData(this.view.width, this.view.height);
    this.draw();
  }
  draw() {
    const { image, view, words, theme } = this, { pointSize, opacity, opacityBy, pointColor } = this.looks(), { width, height } = image;
    const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    const colours = pointColor.map(channels), [red, green, blue] = channels(theme.paper);
    new Uint32Array(image.data.buffer).fill((255 << 24) | (blue << 16) | (green << 8) | red);
    for (let id = words.n - 1; id >= 0; id--) {
      const step = Math.floor(words.weight[id] * (SIZES - 1)), cluster = words.clusters[id];
      const x = (words.x[id] - view.x) / view.perPixel + width / 2, y = (view.y - words.y[id]) / view.perPixel + height / 2;
      this.blend(x, y, pointSize[step] / 2, colours[cluster], opacity[opacityBy === "valueZ" ? cluster : step]);
    }
    this.context.putImageData(image, 0, 0);
  }
  blend(x, y, radius, colour, opacity) {
    const { data, width, height } = this.image, reach = radius + 0.5;
    const top = Math.max(0, Math.ceil(y - reach)), bottom = Math.min(height - 1, Math.floor(y + reach));
    const left = Math.max(0, Math.ceil(x - reach)), right = Math.min(width - 1, Math.floor(x + reach));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const inside = reach - Math.sqrt((column - x) * (column - x) + (row - y) * (row - y));
        if (inside <= 0) continue;
        const share = opacity * Math.min(inside, 1), at = 4 * (row * width + column);
        for (let channel = 0; channel < 3; channel++) data[at + channel] += (colour[channel] - data[at + channel]) * share;
      }
    }
  }
}
