// The curve of the loss
const CURVE = { left: 28, edge: 8 }; // pixels

// losses: [time, loss] of all parts of the training so far; heldOut: the same at the ends of epochs; total: the last time
function drawLosses(drawing, { losses, heldOut, total, now }) {
  const known = [...losses, ...heldOut].map(([, loss]) => loss).filter((loss) => loss !== null);
  drawing.replaceChildren();
  if (!known.length || !total) return;
  const { left, edge } = CURVE, wide = Math.max(drawing.clientWidth, 120), high = Math.max(drawing.clientHeight, 30);
  const least = Math.min(...known), span = Math.max(...known) - least || 1;
  const x = (time) => left + (time / total) * (wide - left - edge), y = (loss) => high - edge - ((loss - least) / span) * (high - 2 * edge);
  const put = (tag, attributes, text = "") => {
    const child = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, value);
    child.textContent = text;
    drawing.append(child);
  };
  drawing.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  put("line", { class: "ground", x1: left, x2: wide - edge, y1: high - 1, y2: high - 1 });
  for (const loss of [least, least + span]) put("text", { x: left - 6, y: y(loss) + 4 }, loss.toFixed(2));
  const points = losses.filter(([, loss]) => loss !== null).map(([time, loss]) => `${x(time).toFixed(1)},${y(loss).toFixed(1)}`);
  put("polyline", { class: "trained", points: points.join(" ") });
  for (const [time, loss] of heldOut) put("circle", { class: "held-out", cx: x(time), cy: y(loss), r: 3.5 });
  put("line", { class: "now", x1: x(now), x2: x(now), y1: 0, y2: high });
}
