// Words on one axis or two, as a plot that can be saved
const EDGE = 70, NARROW = 600;

// Width and height of the drawing, whose letters are not to be scaled down on a phone
function drawn({ clientWidth, clientHeight }) {
  return clientWidth < NARROW ? [430, Math.max(320, Math.round((430 * clientHeight) / clientWidth))] : [900, 640];
}

class AxesPanel extends Panel {
  isAsked({ x0, x1, place }) { return Boolean(x0 && x1 && place); }
  async run({ x0, x1, y0, y1, place }, model) {
    const poles = [[x0, x1], ...(y0 && y1 ? [[y0, y1]] : [])];
    const axes = poles.map(([from, to]) => ({ negative: listed(from), positive: listed(to) }));
    const found = await post("axes", { axes, words: listed(place), model });
    this.unknown(found.unknown);
    const names = poles.map((pair) => pair.map((pole) => listed(pole).join(", ")));
    const plot = element("plot");
    plot.hidden = false;
    const drawing = drawAxes(found.words, names, this.explorer.colours(), drawn(plot));
    plot.replaceChildren(drawing);
    this.exports(drawing, found.words, names);
    const table = add(this.answer, "table"), head = add(add(table, "thead"), "tr");
    for (const title of ["Word", ...names.map((pair) => pair.join(" → "))]) add(head, "th", title, { scope: "col" });
    const body = add(table, "tbody");
    for (const { word, places } of found.words.toSorted((a, b) => a.places[0] - b.places[0])) {
      const row = add(body, "tr");
      add(row, "td", word);
      for (const place of places) add(row, "td", place.toFixed(3), { className: "number" });
    }
  }
  exports(drawing, words, names) {
    const line = add(this.answer, "p", "Save as ", { className: "note" });
    const button = (kind, make) => {
      add(line, "button", kind, { type: "button", onclick: async () => save(`axes.${kind.toLowerCase()}`, await make()) });
      line.append(" ");
    };
    button("SVG", () => new Blob([new XMLSerializer().serializeToString(drawing)], { type: "image/svg+xml" }));
    button("PNG", () => asPicture(drawing));
    button("CSV", () => asTable(words, names));
  }
}

function save(name, blob) {
  const address = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

async function asPicture(drawing) {
  const picture = new Image(), canvas = document.createElement("canvas");
  picture.src = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(drawing)], { type: "image/svg+xml" }));
  await picture.decode();
  const { width, height } = drawing.viewBox.baseVal;
  Object.assign(canvas, { width: 2 * width, height: 2 * height });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(picture.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function asTable(words, names) {
  // a spreadsheet would take a cell that begins with one of =+-@ for a formula
  const cell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const rows = [["word", ...names.map((pair) => pair.join(" → "))].map(cell), ...words.map(({ word, places }) => [cell(word), ...places])];
  return new Blob([rows.map((row) => `${row.join(",")}\n`).join("")], { type: "text/csv" });
}

const signed = (value) => value.toFixed(2).replace("-", "−");

// Round numbers on a scale, eight at most
function ticks({ least, most }) {
  const step = [0.02, 0.05, 0.1, 0.2, 0.5].find((one) => most - least <= 8 * one) ?? 1, found = [];
  for (let i = Math.ceil(least / step); i * step <= most; i++) found.push(i * step);
  return found;
}

// An SVG of words at the places (x, y); one axis spreads them from top to bottom in their order
function drawAxes(words, names, { paper, ink, soft, accent }, [wide, high]) {
  const put = (parent, tag, attributes, text = "") => {
    const child = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, value);
    child.textContent = text;
    parent.append(child);
    return child;
  };
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg"), two = names.length > 1;
  const title = names.map((pair) => pair.join(" → ")).join(" and ");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": `${words.length} words from ${title}` })) drawing.setAttribute(name, value);
  put(drawing, "rect", { width: wide, height: high, fill: paper });
  const text = { "font-family": "system-ui, sans-serif", "font-size": 14 }, order = new Map(words.toSorted((a, b) => a.places[0] - b.places[0]).map(({ word }, rank) => [word, rank]));
  const scaled = (values, low, high) => {
    const [least, most] = [Math.min(...values, 0), Math.max(...values, 0)], span = most - least || 1;
    return Object.assign((value) => low + ((value - least) / span) * (high - low), { least, most });
  };
  const x = scaled(words.map(({ places }) => places[0]), EDGE, wide - EDGE), y = two && scaled(words.map(({ places }) => places[1]), high - EDGE, EDGE);
  const down = (word) => (two ? y(word.places[1]) : EDGE + ((order.get(word.word) + 0.5) / words.length) * (high - 2 * EDGE));
  put(drawing, "line", { x1: x(0), x2: x(0), y1: EDGE / 2, y2: high - 62, stroke: soft, "stroke-dasharray": "3 4" });
  if (two) put(drawing, "line", { x1: 54, x2: wide - EDGE / 2, y1: y(0), y2: y(0), stroke: soft, "stroke-dasharray": "3 4" });
  const scale = { ...text, "font-size": 11, fill: soft };
  for (const value of ticks(x)) put(drawing, "text", { ...scale, x: x(value), y: high - 48, "text-anchor": "middle" }, signed(value));
  if (two) for (const value of ticks(y)) put(drawing, "text", { ...scale, x: 48, y: y(value) + 4, "text-anchor": "end" }, signed(value));
  put(drawing, "text", { ...text, x: 20, y: high - 16, fill: soft }, `← ${names[0][0]}`);
  put(drawing, "text", { ...text, x: wide - 20, y: high - 16, fill: soft, "text-anchor": "end" }, `${names[0][1]} →`);
  if (two) put(drawing, "text", { ...text, x: 20, y: 26, fill: soft }, `↑ ${names[1][1]}`);
  if (two) put(drawing, "text", { ...text, x: 20, y: high - 38, fill: soft }, `↓ ${names[1][0]}`);
  const dots = words.map((word) => [x(word.places[0]), down(word)]), taken = dots.map(([px, py]) => [px - 5, py - 5, px + 5, py + 5]);
  for (const [i, word] of words.entries()) {
    const [px, py] = dots[i], dot = put(drawing, "circle", { cx: px, cy: py, r: 4, fill: accent });
    put(dot, "title", {}, `${word.word}: ${word.places.map((place) => place.toFixed(3)).join(", ")}`);
    const length = 8 * word.word.length, free = [[px + 8, py], [px - 8 - length, py], [px - length / 2, py - 15], [px - length / 2, py + 15]]
      .map(([left, middle]) => [left, middle - 9, left + length, middle + 9])
      .find((box) => box[0] > (two ? 50 : 8) && box[2] < wide - 8 && !taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]));
    if (!free) continue;
    taken.push(free);
    const [at, anchor] = free[0] > px ? [px + 8, "start"] : free[2] < px ? [px - 8, "end"] : [px, "middle"];
    put(drawing, "text", { ...text, x: at, y: free[1] + 14, fill: ink, "text-anchor": anchor }, word.word);
  }
  return drawing;
}
