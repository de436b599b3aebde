// Neighbours, analogies, the odd one out: questions whose answers lie on the map
class NeighborsPanel extends Panel {
  isAsked(state) { return Boolean(state.word); }
  async run({ word, without = "", topn = 12, least = 0 }, model) {
    const found = await get("neighbors", { word: listed(word), without: listed(without), topn, model });
    const near = found.neighbors.filter(({ similarity }) => similarity >= least);
    add(this.answer, "h2", found.words.join(" + ") + listed(without).map((other) => ` − ${other}`).join(""));
    this.facts(found.words);
    this.list(near.length ? "Nearest words" : "No word is as near", near.map(({ word, similarity }) => ({ word, value: similarity })), (next) => this.explorer.go("words", { topn, least, word: next }));
    this.explorer.draw([...found.words, ...near.map((one) => one.word)], near.map((one) => ({ from: found.words[0], to: one.word, strength: one.similarity })));
  }
  facts([first, ...others]) {
    const { words } = this.explorer.map ?? {}, id = words?.ids.get(first);
    if (others.length || id === undefined) return;
    add(this.answer, "p", `No. ${show(id + 1)} by frequency${words.counts[id] ? ` · seen ${show(words.counts[id])} times` : ""}`, { className: "note" });
  }
}

class AnalogyPanel extends Panel {
  isAsked({ a, b, c }) { return Boolean(a && b && c); }
  async run({ a, b, c, method = "3CosAdd" }, model) {
    const found = await get("analogy", { a: a.trim(), b: b.trim(), c: c.trim(), method, model });
    const [from, to, other] = found.words, [best] = found.answers, most = Math.max(...found.answers.map(({ score }) => score));
    add(this.answer, "h2", `${from} : ${to} = ${other} : ${best?.word ?? "?"}`);
    this.list("Answers", found.answers.map(({ word, score }) => ({ word, value: score, share: score / Math.max(1, most) })), (word) => this.explorer.go("words", { word }));
    const arrows = [{ from, to, strength: 1, arrow: true }, ...(best ? [{ from: other, to: best.word, strength: 1, arrow: true }] : [])];
    this.explorer.draw([best?.word, from, to, other].filter(Boolean), arrows);
  }
}

class OddPanel extends Panel {
  isAsked({ word = "" }) { return listed(word).length > 2; }
  async run({ word }, model) {
    const found = await get("doesnt-match", { word: listed(word), model });
    add(this.answer, "h2", found.word);
    const rows = found.similarities.map(({ word, similarity }) => ({ word, value: similarity, mark: word === found.word ? "odd" : "" }));
    this.list("Cosine with the mean of all", rows, (word) => this.explorer.go("words", { word }));
    this.unknown(found.unknown);
    const others = rows.map((row) => row.word).filter((other) => other !== found.word);
    const links = others.flatMap((from, i) => others.slice(i + 1).map((to) => ({ from, to, strength: 0.3 })));
    this.explorer.draw([found.word, ...others], links);
  }
}
