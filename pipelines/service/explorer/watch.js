// A training while it runs: asks for its state every second, and for the map when there is a new one
const EVERY = 1000; // milliseconds
const ENDED = { finished: "The training has finished", stopped: "The training was interrupted; repeat its command to resume", failed: "The training has failed" };

const duration = (seconds) => {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
};

const short = (number) => number.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 });

class Watch {
  constructor() { Object.assign(this, { moment: 0, page: crypto.randomUUID() }); }
  async start() {
    for (;;) {
      const state = await this.ask();
      if (!state) return;
      this.describe(state);
      if (state.moment > this.moment) await this.take();
      else if (ENDED[state.state]) return; // what the page shows is the end
      else await new Promise((resolve) => setTimeout(resolve, EVERY));
    }
  }
  // The state of the training; nothing when the page is no longer served
  async ask() {
    try {
      return await get("training", { moment: this.moment, page: this.page });
    } catch (error) {
      if (error instanceof Refusal) throw error;
      element("state").textContent = "The training has ended, and this page is no longer served";
      return null;
    }
  }
  async take() {
    const response = await answered("/api/moment"), words = new Words(await unpacked(new Uint8Array(await response.arrayBuffer())));
    this.moment = Number(response.headers.get("moment"));
    if (!this.map) return this.show(words);
    element("word").setAttribute("aria-live", "off"); // only a choice is read aloud
    this.map.become(words);
    setTimeout(() => element("word").setAttribute("aria-live", "polite"), 100);
  }
  show(words) {
    for (const id of ["legend", "search"]) element(id).hidden = false;
    element("wait").textContent = "";
    const card = (id) => describeWord(this.map.words, id, { choose: (other) => this.map.select(other), close: () => this.map.select(-1) });
    this.map = WordMap.on(words, card);
    window.wordMap = this.map;
    document.documentElement.dataset.ready = "true";
  }
  describe({ title, state, message, task, share, progress, losses, heldOut, momentTrained }) {
    element("title").textContent = document.title = title;
    const doing = state === "training" ? "Training" : task || "Waiting for the text", ended = ENDED[state];
    const text = [ended ?? doing, message].filter(Boolean).join(": ");
    if (element("state").textContent !== text) element("state").textContent = text; // a screen reader reads changes
    element("state").classList.toggle("failed", state === "failed");
    document.documentElement.dataset.state = state;
    const done = progress ? progress.done / progress.total : share;
    if (done === null) element("share").removeAttribute("value");
    else element("share").value = done;
    if (!progress) return;
    this.list(progress, momentTrained);
    element("loss").hidden = !losses.length;
    if (losses.length) drawLosses(element("curve"), { losses, heldOut, total: progress.total, now: momentTrained });
  }
  list({ epoch, epochs, done, total, unit, speed, loss, learningRate, secondsLeft }, momentTrained) {
    const numbers = element("numbers"), row = (name, value) => { add(numbers, "dt", name); add(numbers, "dd", value); };
    numbers.replaceChildren();
    row("Trained", `${short(done)} of ${short(total)} ${unit}`);
    row("Epoch", `${epoch} of ${epochs}`);
    if (speed) row("Speed", `${short(speed)} ${unit}/s`);
    if (loss !== null) row("Loss", loss.toFixed(3));
    if (learningRate !== null) row("Learning rate", learningRate.toPrecision(3));
    if (secondsLeft) row("Time left", duration(secondsLeft));
    if (this.moment) row("The map shows", `${short(momentTrained)} ${unit}`);
  }
}

window.watch = new Watch();
window.watch.start().catch((error) => {
  element("state").textContent = error.message;
  throw error;
});
