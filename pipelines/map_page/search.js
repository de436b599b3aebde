// The box in which words are found
class Search {
  constructor(words, choose) {
    Object.assign(this, { data: words, choose, current: 0, found: [] });
    const query = element("query");
    query.addEventListener("input", () => this.suggest(query.value));
    query.addEventListener("focus", () => this.suggest(query.value));
    query.addEventListener("blur", () => this.close());
    query.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && this.found.length) {
        event.preventDefault();
        this.current = (this.current + step + this.found.length) % this.found.length;
        this.render();
      }
    });
    element("search").addEventListener("submit", (event) => { event.preventDefault(); this.take(this.found[this.current]); });
  }
  suggest(text) {
    const { words, ids, n } = this.data, wanted = text.trim(), folded = wanted.toLowerCase();
    const starts = [], holds = [];
    for (let id = 0; wanted && id < n && starts.length < 8; id++) {
      const word = words[id].toLowerCase();
      if (word.startsWith(folded)) starts.push(id);
      else if (holds.length < 8 && word.includes(folded)) holds.push(id);
    }
    const exact = [wanted, folded].map((word) => ids.get(word)).filter((id) => id !== undefined);
    this.found = [...new Set([...exact, ...starts, ...holds])].slice(0, 8);
    this.current = 0;
    this.render(wanted && !this.found.length ? `Not among the ${this.data.noun}s of this map` : "");
  }
  render(message = "") {
    const list = element("suggestions");
    list.replaceChildren();
    this.found.forEach((id, place) => {
      const item = document.createElement("li"), count = document.createElement("span");
      count.className = "number";
      count.textContent = this.data.counts[id] ? show(this.data.counts[id]) : "";
      item.dataset.word = this.data.words[id];
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", place === this.current);
      item.append(this.data.words[id], count);
      item.onmousedown = (event) => { event.preventDefault(); this.take(id); };
      list.append(item);
    });
    if (message) list.append(Object.assign(document.createElement("li"), { textContent: message }));
    list.hidden = !list.children.length;
  }
  take(id) {
    if (id === undefined) return;
    element("query").value = this.data.words[id];
    element("query").blur();
    this.close();
    this.choose(id);
  }
  close() {
    element("suggestions").hidden = true;
  }
  clear() {
    element("query").value = "";
    this.found = [];
    this.close();
  }
}
