// What all panels share. A panel is a form; its fields are its state, and stand in the address of the page
const listed = (text) => text.split(/[\s,;]+/).filter(Boolean);

class Panel {
  constructor(explorer, name) {
    Object.assign(this, { explorer, name, form: element(name), answer: element("answer") });
    this.form.addEventListener("submit", (event) => { event.preventDefault(); explorer.go(name, this.state()); });
    for (const slider of this.form.querySelectorAll("input[type=range]")) {
      slider.addEventListener("input", () => this.showSliders());
      slider.addEventListener("change", () => explorer.go(name, this.state()));
    }
  }
  state() { return Object.fromEntries([...new FormData(this.form)].filter(([, value]) => value.trim())); }
  fill(state) {
    this.form.reset();
    for (const [name, value] of Object.entries(state)) if (this.form.elements[name]) this.form.elements[name].value = value;
    this.showSliders();
  }
  showSliders() {
    for (const slider of this.form.querySelectorAll("input[type=range]")) slider.parentElement.querySelector("output").textContent = slider.value;
  }
  // Whether there is enough to ask about
  isAsked(state) { return Object.keys(state).length > 0; }
  // A list of words with bars; choose(word) is called for the one that is clicked
  list(title, rows, choose, digits = 2) {
    add(this.answer, "h3", title);
    const list = add(this.answer, "ol", "", { className: "ranked" });
    for (const { word, value, share = value, mark = "" } of rows) {
      const item = add(list, "li"), button = add(item, "button", word, { type: "button", onclick: () => choose(word) });
      if (mark) button.className = mark;
      add(add(item, "span", "", { className: "bar" }), "i").style.width = `${100 * Math.min(Math.max(share, 0), 1)}%`;
      add(item, "span", value.toFixed(digits), { className: "number" });
    }
    return list;
  }
  unknown(words) {
    if (words.length) add(this.answer, "p", `Not in the vocabulary: ${words.join(", ")}`, { className: "note" });
  }
}
