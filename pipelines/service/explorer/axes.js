// Words on one axis or two, as a plot that can be saved
const WIDE = 900, HIGH = 640, EDGE = 70;

class AxesPanel extends Panel {
  isAsked({ x0, x1, place }) { return Boolean(x0 && x1 && place); }
  async run({ x0, x1, y0, y1, place }, model) {
    const poles = [[x0, x1], ...(y0 && y1 ? [[y0, y1]] : [])];
    const axes = poles.map(([from, to]) => ({ negative: listed(from), positive: listed(to) }));
    const found = await post("axes", { axes, words: listed(place), model });
    this.unknown(found.unknown);
    const names = poles.map((pair) => pair.map((pole) => listed(pole).join(", ")));
    const drawing = drawAxes(found.words, names, this.explorer.colours());
    const plot = element("plot");
    plot.replaceChildren(drawing);
    plot.hidden = false;
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
  Object.assign(canvas, { width: 2 * WIDE, height: 2 * HIGH });
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

// An SVG of words at the places (x, y); one axis spreads them from top to bottom in their order
function drawAxes(words, names, { paper, ink, soft, accent }) {
  const put = (parent, tag, attributes, text = "") => {
    const child = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, value);
    child.textContent = text;
    parent.append(child);
    return child;
  };
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg"), two = names.length > 1;
  const title = names.map((pair) => pair.join(" → ")).join(" and ");
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${words.length} words from ${title}` })) drawing.setAttribute(name, value);
  put(drawing, "rect", { width: WIDE, height: HIGH, fill: paper });
  const text = { "font-family": "system-ui, sans-serif", "font-size": 14 }, order = new Map(words.toSorted((a, b) => a.places[0] - b.places[0]).map(({ word }, rank) => [word, rank]));
  const scaled = (values, low, high) => {
    const [least, most] = [Math.min(...values, 0), Math.max(...values, 0)], span = most - least || 1;
    return (value) => low + ((value - least) / span) * (high - low);
  };
  const x = scaled(words.map(({ places }) => places[0]), EDGE, WIDE - EDGE), y = two && scaled(words.map(({ places }) => places[1]), HIGH - EDGE, EDGE);
  const down = (word) => (two ? y(word.places[1]) : EDGE + ((order.get(word.word) + 0.5) / words.length) * (HIGH - 2 * EDGE));
  put(drawing, "line", { x1: x(0), x2: x(0), y1: EDGE / 2, y2: HIGH - EDGE / 2, stroke: soft, "stroke-dasharray": "3 4" });
  if (two) put(drawing, "line", { x1: EDGE / 2, x2: WIDE - EDGE / 2, y1: y(0), y2: y(0), stroke: soft, "stroke-dasharray": "3 4" });
  put(drawing, "text", { ...text, x: 20, y: HIGH - 16, fill: soft }, `← ${names[0][0]}`);
  put(drawing, "text", { ...text, x: WIDE - 20, y: HIGH - 16, fill: soft, "text-anchor": "end" }, `${names[0][1]} →`);
  if (two) put(drawing, "text", { ...text, x: 20, y: 26, fill: soft }, `↑ ${names[1][1]}`);
  if (two) put(drawing, "text", { ...text, x: 20, y: HIGH - 38, fill: soft }, `↓ ${names[1][0]}`);
  const taken = [];
  for (const word of words) {
    const [px, py] = [x(word.places[0]), down(word)], dot = put(drawing, "circle", { cx: px, cy: py, r: 4, fill: accent });
    put(dot, "title", {}, `${word.word}: ${word.places.map((place) => place.toFixed(3)).join(", ")}`);
    const wide = 8 * word.word.length + 12, left = px + wide > WIDE - 8 ? px - wide : px, box = [left, py - 9, left + wide, py + 9];
    if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
    taken.push(box);
    put(drawing, "text", { ...text, x: left === px ? px + 8 : px - 8, y: py + 5, fill: ink, "text-anchor": left === px ? "start" : "end" }, word.word);
  }
  return drawing;
}
