// The points: drawn by WebGL on the graphics card, or by the processor where there is none. Both draw the same discs.
const STEPS = 32; // of size and opacity, from the rarest word to the most frequent

function hasGraphicsCard() {
  const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const details = context.getExtension("WEBGL_debug_renderer_info");
  return !/swiftshader|llvmpipe|software/i.test(context.getParameter(details ? details.UNMASKED_RENDERER_WEBGL : context.RENDERER));
}

class Points {
  constructor(words, view, theme) {
    Object.assign(this, { words, view, theme, canvas: element("points"), style: { cluster: -1, dimmed: false } });
    this.start();
    this.resized();
  }
  static on(words, view, theme) {
    return hasGraphicsCard() ? new CardPoints(words, view, theme) : new FlatPoints(words, view, theme);
  }
  // After words have other places; after they have other clusters
  moved() {}
  regrouped() {}
  // cluster: the only one that is not pale, or -1; dimmed: whether all are, as one word is chosen
  restyle(style) { Object.assign(this.style, style); }
  step(id) { return Math.floor(this.words.weight[id] * (STEPS - 1)); }
  // Radius in pixels by step, colours (shares of red, green, blue) by cluster, opacity: that of the step times that of the cluster
  looks() {
    const { cluster, dimmed } = this.style, grown = Math.min(2.6, Math.pow(Math.max(this.view.zoom, 1), 0.33));
    const steps = (value) => Array.from({ length: STEPS }, (_, i) => value(i / (STEPS - 1)));
    const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
    const opacity = (weight) => Math.min(0.95, 0.36 + 0.14 * grown + 0.5 * weight) * (dimmed ? 0.3 : 1);
    return {
      paper: channels(this.theme.paper),
      colours: this.theme.points.map(channels),
      radii: steps((weight) => (1.3 + 5 * Math.pow(weight, 2.4)) * grown),
      stepOpacity: steps(cluster < 0 ? opacity : () => 1),
      clusterOpacity: this.theme.points.map((_, number) => (cluster < 0 ? 1 : number === cluster ? 0.85 : 0.04)),
    };
  }
}

const vertexShader = (clusters) => `#version 300 es
uniform vec4 view; // x and y of the middle, clip units per unit of the map
uniform float fine; // pixels of the canvas per pixel of the page
uniform vec2 steps[${STEPS}]; // radius, opacity
uniform vec4 clusters[${clusters}]; // colour, opacity
in vec2 place;
in vec2 kind; // step, cluster
out vec4 colour;
out float reach;
void main() {
  vec2 look = steps[int(kind.x)];
  colour = clusters[int(kind.y)] * vec4(1, 1, 1, look.y);
  reach = look.x * fine + 0.5;
  gl_Position = vec4((place - view.xy) * view.zw, 0, 1);
  gl_PointSize = 2.0 * ceil(reach);
}`;
const FRAGMENT_SHADER = `#version 300 es
precision highp float;
in vec4 colour;
in float reach;
out vec4 pixel;
void main() {
  float inside = reach - distance(gl_PointCoord, vec2(0.5)) * 2.0 * ceil(reach);
  if (inside <= 0.0) discard;
  pixel = vec4(colour.rgb, colour.a * min(inside, 1.0));
}`;

class CardPoints extends Points {
  start() {
    this.gl = this.canvas.getContext("webgl2", { antialias: false, depth: false });
    this.load();
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault()); // it is to come back
    this.canvas.addEventListener("webglcontextrestored", () => { this.load(); this.draw(); });
  }
  load() {
    const { gl, words } = this, program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertexShader(words.clusterNames.length)], [gl.FRAGMENT_SHADER, FRAGMENT_SHADER]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    this.uniform = (name) => gl.getUniformLocation(program, name);
    this.program = program;
    [this.places, this.kinds] = ["place", "kind"].map((name) => {
      const buffer = gl.createBuffer(), attribute = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(attribute);
      gl.vertexAttribPointer(attribute, 2, gl.FLOAT, false, 0, 0);
      return buffer;
    });
    this.fill(this.places, (id) => words.x[id], (id) => words.y[id]);
    this.fill(this.kinds, (id) => this.step(id), (id) => words.clusters[id]);
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ZERO, gl.ONE); // the paper stays opaque
  }
  // The rarest words are drawn first, so that the frequent ones lie on top
  fill(buffer, first, second) {
    const { gl, words } = this, pairs = new Float32Array(2 * words.n);
    for (let id = words.n - 1, at = 0; id >= 0; id--) {
      pairs[at++] = first(id);
      pairs[at++] = second(id);
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, pairs, gl.DYNAMIC_DRAW);
  }
  moved() { this.fill(this.places, (id) => this.words.x[id], (id) => this.words.y[id]); }
  regrouped() { // the number of clusters is part of the program
    for (const buffer of [this.places, this.kinds]) this.gl.deleteBuffer(buffer);
    this.gl.deleteProgram(this.program);
    this.load();
  }
  resized() {
    this.fine = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: this.view.width * this.fine, height: this.view.height * this.fine });
  }
  draw() {
    const { gl, view, canvas } = this, { paper, colours, radii, stepOpacity, clusterOpacity } = this.looks();
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...paper, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4f(this.uniform("view"), view.x, view.y, 2 / (view.width * view.perPixel), 2 / (view.height * view.perPixel));
    gl.uniform1f(this.uniform("fine"), this.fine);
    gl.uniform2fv(this.uniform("steps"), radii.flatMap((radius, step) => [radius, stepOpacity[step]]));
    gl.uniform4fv(this.uniform("clusters"), colours.flatMap((colour, cluster) => [...colour, clusterOpacity[cluster]]));
    gl.drawArrays(gl.POINTS, 0, this.words.n);
  }
}

// Blends discs into an array of pixels, which takes less time than WebGL in software
class FlatPoints extends Points {
  start() { this.context = this.canvas.getContext("2d"); }
  resized() {
    Object.assign(this.canvas, { width: this.view.width, height: this.view.height });
    this.image = this.context.createImageData(this.view.width, this.view.height);
  }
  draw() {
    const { image, view, words } = this, { width, height } = image, looks = this.looks();
    const bytes = (colour) => colour.map((share) => Math.round(255 * share));
    const colours = looks.colours.map(bytes), [red, green, blue] = bytes(looks.paper);
    new Uint32Array(image.data.buffer).fill((255 << 24) | (blue << 16) | (green << 8) | red);
    for (let id = words.n - 1; id >= 0; id--) {
      const step = this.step(id), cluster = words.clusters[id];
      const x = (words.x[id] - view.x) / view.perPixel + width / 2, y = (view.y - words.y[id]) / view.perPixel + height / 2;
      this.blend(x - 0.5, y - 0.5, looks.radii[step], colours[cluster], looks.stepOpacity[step] * looks.clusterOpacity[cluster]);
    }
    this.context.putImageData(image, 0, 0);
  }
  // x and y count from the middle of the first pixel
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
