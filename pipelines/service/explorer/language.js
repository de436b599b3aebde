// The language model: the next word, and how probable every word of a text is
const TYPING = 300; // milliseconds without a key until the text is read
const LEAST = -5; // log10 of the probability that gets the strongest colour

class LanguagePanel extends Panel {
  constructor(explorer, name) {
    super(explorer, name);
    this.form.elements.text.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => explorer.go(name, this.state()), TYPING);
    });
  }
  fill(state) { // what is being typed stays
    if (this.form.elements.text !== document.activeElement) super.fill(state);
  }
  async run({ text }) {
    const [next, scored] = await Promise.all([post("complete", { text, topn: 10 }), post("perplexity", { text })]);
    this.coloured(scored);
    const most = next.words[0]?.probability || 1, rows = next.words.map(({ word, probability }) => ({ word, value: probability, share: probability / most }));
    this.list("Most probable next words", rows, (word) => this.continued(text, word), 3);
    add(this.answer, "p", `The line ends here: ${next.end.toFixed(3)}`, { className: "note" });
    if (next.unknown.length) add(this.answer, "p", `Read as <unk>: ${next.unknown.join(", ")}`, { className: "note" });
  }
  continued(text, word) {
    const longer = `${text.trimEnd()} ${word}`;
    this.form.elements.text.value = longer;
    this.explorer.go(this.name, { text: longer });
  }
  coloured({ perplexity, lines }) {
    if (perplexity === null) return;
    add(this.answer, "h3", `Perplexity ${perplexity.toFixed(1)}`);
    add(this.answer, "p", "The stronger its colour, the less a word was expected.", { className: "note" });
    for (const line of lines) {
      const shown = add(this.answer, "p", "", { className: "text" });
      for (const { word, log10, oov } of line) {
        const probability = `1 in ${show(Math.round(10 ** -log10))}`;
        const token = add(shown, "span", word === "<eos>" ? "¶" : word, { className: oov ? "token oov" : "token", title: `${word}: ${probability}${oov ? ", not in the vocabulary" : ""}` });
        token.style.setProperty("--heat", `${Math.round(100 * Math.min(log10 / LEAST, 1))}%`);
        add(token, "span", ` (${probability})`, { className: "spoken" });
        shown.append(" "); // lines break here
      }
    }
  }
}
