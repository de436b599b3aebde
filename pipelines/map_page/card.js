// The card of the chosen word, the tip of the word below the mouse, and the list of clusters
function add(parent, tag, text = "", attributes = {}) {
  const child = document.createElement(tag);
  child.textContent = text;
  Object.assign(child, attributes);
  parent.append(child);
  return child;
}

function addDot(parent, cluster) {
  add(parent, "span", "", { className: "dot" }).dataset.cluster = cluster;
}

// Colours of the clusters are properties of the page, so that a change of theme reaches all dots and bars
const colours = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, colours];

function showColours(theme) {
  colours.replaceSync(theme.points.map((colour, cluster) => `[data-cluster="${cluster}"] { --colour: ${colour}; }`).join("\n"));
}

function describeWord(words, id, { choose, close }) {
  const card = element("word"), isOther = card.dataset.word !== String(id);
  const focused = [...card.querySelectorAll("button")].indexOf(document.activeElement); // a new card keeps the focus
  card.hidden = id < 0;
  card.dataset.word = id;
  card.replaceChildren();
  if (id < 0) return;
  add(card, "button", "×", { className: "close", type: "button", title: "Close (Esc)", ariaLabel: "Close", onclick: close });
  add(card, words.noun === "word" ? "h2" : "blockquote", words.words[id]);
  const times = words.counts[id] ? ` · seen ${show(words.counts[id])} times` : "";
  add(card, "p", words.noun === "word" ? `No. ${show(id + 1)} by frequency${times}` : `No. ${show(id + 1)}`);
  const cluster = add(card, "p");
  addDot(cluster, words.clusters[id]);
  cluster.append(words.clusterNames[words.clusters[id]].join(", "));
  add(card, "h3", `Nearest ${words.noun}s`);
  const list = add(card, "ol");
  words.neighborsOf(id).forEach((other, place) => {
    const similarity = words.similarity(id, place);
    const item = add(add(list, "li"), "button", "", { type: "button", onclick: () => choose(other), title: words.words[other] });
    add(item, "span", words.words[other]);
    const bar = add(add(item, "span", "", { className: "bar" }), "i");
    bar.style.width = `${100 * similarity}%`;
    bar.dataset.cluster = words.clusters[other];
    add(item, "span", similarity.toFixed(2), { className: "number" });
  });
  card.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
  if (isOther) card.scrollIntoView({ block: "nearest" }); // a small screen has no room for all
}

function fillTip(words, id) {
  const tip = element("tip");
  tip.replaceChildren();
  add(tip, "b", words.label(id));
  add(tip, "span", words.counts[id] ? `  ${show(words.counts[id])} times` : "", { className: "number" });
  add(tip, "p", words.neighborsOf(id).slice(0, 6).map((other) => words.label(other)).join(words.noun === "word" ? ", " : " · "));
}

function placeTip(view, px, py) {
  const tip = element("tip"), right = px + 18 + tip.offsetWidth > view.width, low = py + 18 + tip.offsetHeight > view.height;
  tip.style.left = `${right ? px - 14 - tip.offsetWidth : px + 16}px`;
  tip.style.top = `${low ? py - 14 - tip.offsetHeight : py + 16}px`;
}

function listClusters(words, { pin, point }) {
  const list = element("legend").querySelector("ol");
  const known = [...list.querySelectorAll("button")]; // of the moment before: the focus stays
  known.slice(words.clusterNames.length).forEach((button) => button.parentElement.remove());
  words.clusterNames.forEach((names, cluster) => {
    const button = known[cluster] ?? add(add(list, "li"), "button", "", { type: "button" });
    button.replaceChildren();
    addDot(button, cluster);
    button.append(names.join(", "));
    Object.assign(button, { title: names.join(", "), onclick: () => pin(cluster), onmouseenter: () => point(cluster), onmouseleave: () => point(-1) });
  });
}

function markCluster(pinned) {
  element("legend").classList.toggle("some", pinned >= 0);
  element("legend").querySelectorAll("button").forEach((button, cluster) => button.setAttribute("aria-pressed", cluster === pinned));
}
