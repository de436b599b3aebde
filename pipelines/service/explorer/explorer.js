// The page: which panel is shown, what it asks, and what the map shows of the answer
const LATE = 500; // milliseconds after which an answer is said to be on its way
const SEEN = 90; // pixels of an answer that show that there is one
const PANELS = { words: NeighborsPanel, analogy: AnalogyPanel, odd: OddPanel, axes: AxesPanel, compare: ComparePanel, language: LanguagePanel };

class Explorer {
  constructor() {
    this.panels = Object.fromEntries(Object.entries(PANELS).map(([name, Kind]) => [name, new Kind(this, name)]));
    addEventListener("hashchange", () => this.follow());
    element("guide").addEventListener("input", ({ target }) => { if (target.getAttribute("list")) this.suggest(target.value); });
    element("model").addEventListener("change", ({ target }) => {
      const { name, state } = this.address();
      history.replaceState(null, "", this.link(name, { ...state, model: target.value }));
      location.reload(); // the map is another one
    });
    element("ask-token").addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem("token", new FormData(event.target).get("token"));
      location.reload();
    });
  }
  async start() {
    const { models, language_model: lm } = await get("models");
    this.model = models.find(({ name }) => name === this.address().state.model) ?? models[0];
    element("title").textContent = document.title = this.model.name;
    element("facts").textContent = [...this.model.facts, ...(lm ? [`language model of ${show(lm.words)} words`] : [])].join(" · ");
    this.offer([element("model"), ...document.querySelectorAll(".models")], models, models.length > 1);
    this.reveal("language", lm);
    await this.follow();
    const words = await getMap(this.model.name, () => { element("wait").textContent = "The words are being laid out; ask already."; });
    if (words) this.show(words);
    element("wait").textContent = "";
    document.documentElement.dataset.ready = "true";
  }
  offer(lists, models, several) {
    for (const list of lists) for (const { name } of models) add(list, "option", name, { value: name });
    element("choice").hidden = !several;
    element("model").value = this.model.name;
    if (several) element("compare").elements.b.options[1].defaultSelected = true;
    this.reveal("compare", several);
  }
  reveal(name, is) { document.querySelector(`#views a[href="#${name}"]`).hidden = !is; }
  show(words) {
    this.map = WordMap.on(words, (id) => { if (id >= 0) this.go("words", { word: words.words[id] }); });
    window.wordMap = this.map;
    element("legend").hidden = false;
    element("tools").addEventListener("click", () => setTimeout(() => this.follow())); // a plot has the colours of the page
    if (this.figure) this.draw(...this.figure);
  }

  // The address holds the panel and its state: #words?word=king&topn=12
  address() {
    const [name, query = ""] = location.hash.slice(1).split("?");
    return { name: name in PANELS ? name : "words", state: Object.fromEntries(new URLSearchParams(query)) };
  }
  link(name, state) { return `#${name}?${new URLSearchParams(state)}`; }
  go(name, state) {
    const { model } = this.address().state, address = this.link(name, { ...state, ...(model && { model }) });
    if (address === location.hash) this.follow();
    else location.hash = address;
  }
  async follow() {
    const { name, state } = this.address(), panel = this.panels[name], asked = (this.asked = {});
    for (const other of Object.values(this.panels)) other.form.hidden = other !== panel;
    for (const link of document.querySelectorAll("#views a")) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    panel.fill(state);
    const answer = element("answer"), late = element("late");
    late.hidden = true;
    if (name !== "axes") element("plot").hidden = true;
    if (!panel.isAsked(state)) {
      answer.replaceChildren();
      this.draw([], []);
      return;
    }
    const shown = document.createElement("section"); // replaces the last answer when it is complete
    panel.answer = shown;
    setTimeout(() => { if (this.asked === asked) late.hidden = Boolean(asked.answered); }, LATE);
    try {
      await panel.run(state, this.model.name);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refused(shown, error);
    }
    if (this.asked !== asked) return;
    asked.answered = late.hidden = true;
    answer.replaceChildren(...shown.childNodes);
    this.reach(answer);
  }
  // Scroll to an answer that begins below what is seen of the panel, as on a phone, but not away from a text that is typed
  reach(answer) {
    const bottom = element("guide").getBoundingClientRect().bottom;
    if (answer.getBoundingClientRect().top > bottom - SEEN && document.activeElement?.tagName !== "TEXTAREA") answer.scrollIntoView({ block: "start" });
  }
  refused(shown, error) {
    element("ask-token").hidden = error.status !== 401;
    shown.replaceChildren();
    add(shown, "p", error.message, { className: "refusal" });
  }

  // Words on the map, the first of them the chosen one, and links between them; words that the map lacks are left out
  draw(words, links) {
    const figure = (this.figure = [words, links]);
    // after the answer is painted, for which nobody shall wait until the map has moved
    requestAnimationFrame(() => setTimeout(() => { if (this.map && this.figure === figure) this.drawFigure(words, links); }));
  }
  drawFigure(words, links) {
    const { ids } = this.map.words, known = (word) => ids.has(word);
    this.map.draw({
      ids: [...new Set(words.filter(known))].map((word) => ids.get(word)),
      links: links.filter(({ from, to }) => known(from) && known(to)).map((link) => ({ ...link, from: ids.get(link.from), to: ids.get(link.to) })),
    });
  }
  suggest(text) {
    const list = element("suggested"), start = listed(text).pop() ?? "", before = text.slice(0, text.length - start.length);
    list.replaceChildren();
    if (!start || !this.map) return;
    const { words } = this.map.words;
    for (let id = 0; id < words.length && list.children.length < 8; id++) if (words[id].startsWith(start)) add(list, "option", "", { value: before + words[id] });
  }
  colours() {
    const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(name).trim();
    return { paper: colour("--paper"), ink: colour("--ink"), soft: colour("--soft"), accent: colour("--accent") };
  }
}

window.explorer = new Explorer();
window.explorer.start().catch((error) => {
  if (!(error instanceof Refusal)) throw error;
  window.explorer.refused(element("answer"), error);
});
