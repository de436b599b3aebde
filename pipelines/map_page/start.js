// The page of one file: the word that is chosen has a card and stands in the address
const showChosen = (map) => (id) => {
  const { words } = map;
  describeWord(words, id, { choose: (other) => map.select(other), close: () => map.select(-1) });
  const address = id >= 0 ? `#${encodeURIComponent(words.address(id))}` : location.pathname + location.search;
  try { history.replaceState(null, "", address); } catch { /* some browsers forbid it for local files */ }
};

function followAddress(map) {
  const id = map.words.ids.get(decodeURIComponent(location.hash.slice(1)));
  if (id !== undefined && id !== map.selected) map.select(id);
}

async function start() {
  const bytes = Uint8Array.from(atob(element("data").textContent), (letter) => letter.charCodeAt(0));
  const map = WordMap.on(new Words(await unpacked(bytes)), (id) => showChosen(map)(id));
  window.wordMap = map;
  if (map.words.moments) window.timeLapse = new TimeLapse(map);
  followAddress(map);
  addEventListener("hashchange", () => followAddress(map));
  element("wait").remove();
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  element("wait").textContent = `The map cannot be shown: ${error.message}`;
  throw error;
});
