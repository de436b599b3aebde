// Two models side by side: the words that moved most between them, and their neighbours in both
class ComparePanel extends Panel {
  isAsked({ a, b }) { return Boolean(a && b && a !== b); }
  async run({ a, b, word = "" }) {
    const found = await get("compare", { a, b, word: listed(word), topn: 6 });
    const fit = `${show(found.common)} common words. Words left out of the alignment have a mean cosine of ${found.similarity.toFixed(2)}, shuffled ones ${found.chance.toFixed(2)} (p = ${found.p.toFixed(2)}).`;
    add(this.answer, "p", fit, { className: "note" });
    this.unknown(found.unknown);
    const table = add(this.answer, "table", "", { className: "compared" }), head = add(add(table, "thead"), "tr");
    for (const title of ["Word", a, b]) add(head, "th", title, { scope: "col" });
    const body = add(table, "tbody");
    for (const moved of found.moved) {
      const row = add(body, "tr"), first = add(row, "th", "", { scope: "row" });
      add(first, "button", moved.word, { type: "button", onclick: () => this.explorer.go("words", { word: moved.word }) });
      add(first, "span", moved.similarity.toFixed(2), { className: "number", title: `${(100 * moved.p).toFixed(0)} % of pairs of different words are as similar` });
      for (const near of [moved.neighbors_a, moved.neighbors_b]) this.neighbours(row, near);
    }
    const words = found.moved.map((moved) => moved.word);
    this.explorer.draw(words, []);
  }
  neighbours(row, words) {
    const cell = add(row, "td"), { map } = this.explorer;
    for (const word of words) {
      const id = map?.words.ids.get(word), item = add(cell, "span", word, { className: "near" });
      if (id !== undefined) item.dataset.cluster = map.words.clusters[id];
    }
  }
}
