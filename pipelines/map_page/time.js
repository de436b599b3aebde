// The moments of a training: a bar that plays them, and the words at the time that it shows
const PLAYED = 14_000; // milliseconds from the first moment to the last

class TimeLapse {
  constructor(map) {
    const { moments, n } = map.words;
    Object.assign(this, { map, moments, n, last: moments.trained.length - 1, shown: -1, playing: false });
    Object.assign(element("when"), { max: this.last, value: this.last });
    element("when").addEventListener("input", ({ target }) => { this.stop(); this.show(Number(target.value)); });
    element("play").addEventListener("click", () => this.toggle());
    addEventListener("resize", () => this.describe());
    addEventListener("keydown", (event) => this.press(event));
    this.at = this.last;
    this.describe();
  }
  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select, button")) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === " ") this.toggle();
    else if (step) { this.stop(); this.show(Math.min(Math.max(Math.round(this.at) + step, 0), this.last)); }
    else return;
    event.preventDefault();
  }
  toggle() { this.playing ? this.stop() : this.play(); }
  stop() { this.mark(false); }
  mark(playing) {
    this.playing = playing;
    element("word").setAttribute("aria-live", playing ? "off" : "polite");
    const button = element("play");
    button.textContent = playing ? "❚❚" : "▶";
    button.setAttribute("aria-label", playing ? "Pause" : "Play the training");
  }
  play() {
    const start = this.at >= this.last ? 0 : this.at, begin = performance.now();
    this.mark(true);
    const step = (now) => {
      if (!this.playing) return;
      const at = Math.min(start + (Math.max(now - begin, 0) / PLAYED) * this.last, this.last);
      this.show(isStill() ? Math.floor(at) : at); // without motion, from moment to moment
      if (at >= this.last) this.stop();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
  // at: a number of moments from the first; between two moments words are on their way
  show(at) {
    const { map, n } = this, before = Math.min(Math.floor(at), this.last), after = Math.min(before + 1, this.last), share = at - before;
    const places = (all) => {
      const found = between(all.subarray(before * n, (before + 1) * n), all.subarray(after * n, (after + 1) * n), share);
      return found.map((place) => place / 65535);
    };
    this.at = at;
    this.take(Math.round(at));
    map.move(places(map.words.momentX), places(map.words.momentY));
    this.describe();
  }
  // The neighbours of a moment
  take(moment) {
    if (moment === this.shown) return;
    this.shown = moment;
    const { map, n } = this, { words } = map, size = n * words.k, part = (all) => all.subarray(moment * size, (moment + 1) * size);
    Object.assign(words, { neighbors: part(words.momentNeighbors), similarities: part(words.momentSimilarities) });
    if (map.selected < 0) return;
    map.figure = map.star(map.selected);
    map.chosen(map.selected);
  }
  describe() {
    const { trained, losses, heldOut, epochs } = this.moments, before = Math.floor(this.at), total = trained[this.last];
    const now = trained[before] + (this.at - before) * ((trained[before + 1] ?? total) - trained[before]);
    const loss = losses[Math.round(this.at)];
    const epoch = epochs ? `epoch ${Math.min(Math.floor((epochs * now) / total) + 1, epochs)} of ${epochs}, ` : "";
    const text = `${epoch}${show(Math.round(now))} of ${show(total)} words trained${loss === null ? "" : `, loss ${loss.toFixed(3)}`}`;
    element("now").textContent = text;
    element("when").value = this.at;
    element("when").setAttribute("aria-valuetext", text);
    const ends = heldOut.map(([words, loss]) => [this.momentOf(words), loss]);
    drawLosses(element("curve"), { losses: [...losses.entries()], heldOut: ends, total: this.last, now: this.at }); // above the slider
  }
  // Where between the moments a number of words was trained
  momentOf(words) {
    const { trained } = this.moments, after = trained.findIndex((number) => number >= words);
    return after <= 0 ? Math.max(after, 0) : after - (trained[after] - words) / (trained[after] - trained[after - 1]);
  }
}
