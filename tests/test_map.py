"""The map: layout, clusters, and the page in a real browser."""

import json
import os
import re
import shutil
import time

import numpy as np
import pytest

from embeddings import EmbeddingsError, Vocabulary, WordVectors
from embeddings.formats.embedded_texts import holds_texts, read_texts
from embeddings.vectors import word_map as layouts
from embeddings.vectors.word_map import PCA, UMAP, make_word_map, umap_is_installed
from tests.command_line import fails, vecmill

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
GROUPS = ("animal", "metal", "river")


@pytest.fixture(scope="module")
def vectors():
    """Three groups of 40 words around three directions of ten, frequent words nearest to the middle of their group."""
    random = np.random.default_rng(3)
    words, matrix = [], []
    for rank in range(40):
        for group, name in enumerate(GROUPS):
            words.append(chr(97 + rank // 26) + chr(97 + rank % 26) + name)
            matrix.append(4 * np.eye(10)[group] + (0.1 + rank / 30) * random.standard_normal(10))
    words[0] = "</script><b>$&\u2028"  # must not break the page
    return WordVectors(Vocabulary.from_words(words, range(1200, 0, -10)), np.array(matrix, np.float32))


@pytest.fixture(scope="module")
def model(vectors, tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "three <groups>"
    vectors.save(path)
    return path


def test_pca_is_the_projection_of_largest_variance(vectors):
    positions = make_word_map(vectors, method=PCA).positions
    centred = vectors.unit_matrix - vectors.unit_matrix.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(positions, axis=0), singular[:2], rtol=1e-4)
    assert abs(positions[:, 0] @ positions[:, 1]) < 1e-3


def test_clusters_are_the_groups_and_are_named_by_words_of_theirs(vectors):
    found = make_word_map(vectors, clusters=3, method=PCA, topn=4)
    numbers = found.clusters.reshape(40, 3)
    assert (numbers == numbers[0]).mean() > 0.9
    for group, number in enumerate(numbers[0]):
        assert len(found.cluster_names[number]) == 3
        assert all(name.endswith(GROUPS[group]) for name in found.cluster_names[number])
    assert found.neighbors.shape == (120, 4)
    assert not (found.neighbors == np.arange(120)[:, None]).any()
    assert (np.diff(found.similarities, axis=1) <= 0).all()


def test_only_the_most_frequent_words_are_shown_and_are_neighbours(vectors):
    found = make_word_map(vectors, words=30, method=PCA)
    assert found.words == list(vectors.words[:30])
    assert found.neighbors.max() < 30
    again = make_word_map(vectors, words=30, method=PCA)
    assert np.array_equal(found.positions, again.positions)
    assert np.array_equal(found.clusters, again.clusters)


def test_small_models_have_maps_too_and_the_smallest_are_refused():
    few = WordVectors(Vocabulary.from_words(["a", "b", "c"]), np.eye(3, dtype=np.float32))
    assert make_word_map(few).method == PCA
    with pytest.raises(EmbeddingsError, match="needs 3 words"):
        make_word_map(WordVectors(Vocabulary.from_words(["a", "b"]), np.eye(2, dtype=np.float32)))


@pytest.mark.skipif(not umap_is_installed(), reason="umap-learn is not installed")
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="UMAP without its compiler takes minutes")
def test_umap_keeps_groups_together_and_is_the_same_for_the_same_seed(vectors):
    found = make_word_map(vectors, method=UMAP)
    assert np.array_equal(make_word_map(vectors, method=UMAP).positions, found.positions)
    groups = found.positions.reshape(40, 3, 2)
    centres = np.median(groups, axis=0)
    distances = np.linalg.norm(groups[:, :, None] - centres, axis=3)
    assert (distances.argmin(axis=2) == np.arange(3)).mean() > 0.9


def test_without_umap_the_page_says_pca_and_umap_names_what_to_install(model, tmp_path, monkeypatch):
    out = tmp_path / "map.html"
    real = layouts.importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "umap" else real(name, *rest))
    fails(1, r"umap-learn.*pip install 'vecmill\[map\]'", "map", model, "--out", out, "--method", "umap")
    fails(2, "must end in .html", "map", model, "--out", tmp_path / "map.png")
    fails(2, "'pac'.*'pca'", "map", model, "--out", out, "--method", "pac")
    assert not list(tmp_path.iterdir())
    assert vecmill("map", model, "--out", out).exit_code == 0
    assert "laid out by PCA" in out.read_text("utf-8").replace("\u00a0", " ")


@pytest.fixture(scope="module")
def page(model, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "map.html"
    result = vecmill("map", model, "--out", out, "--method", "pca", "--clusters", "3", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "out": str(out),
        "words": 120,
        "clusters": 3,
        "method": "PCA",
        "bytes": out.stat().st_size,
    }
    return out


def test_the_page_is_small_asks_for_nothing_and_is_the_same_every_time(model, page, tmp_path):
    text = page.read_text("utf-8")
    assert len(text) < 100_000
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?!data:,)[^"'\s>]+""", text.split("<script")[0])
    assert "<title>three &lt;groups&gt;</title>" in text
    assert "120 words · 10 dimensions · laid out by PCA" in text.replace("\u00a0", " ")
    fails(1, "exists; add --force", "map", model, "--out", page)


# Read as soon as they are drawn, as WebGL forgets them
PIXELS = """
function pixels(...box) {
  const copy = document.createElement("canvas"), { canvas } = wordMap.points;
  Object.assign(copy, { width: canvas.width, height: canvas.height });
  wordMap.points.draw();
  copy.getContext("2d").drawImage(canvas, 0, 0);
  return copy.getContext("2d").getImageData(...box).data;
}
"""


# Hides from the page that there is no graphics card, so that it draws with WebGL
PRETEND = """
const real = WebGL2RenderingContext.prototype.getParameter;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  return name === 0x9246 ? "a card" : real.call(this, name);
};
"""


@pytest.fixture(params=["processor", "webgl"])
def browser(request):
    webdriver = pytest.importorskip("selenium.webdriver")
    if not (CHROMIUM and DRIVER):
        pytest.skip("no Chromium with its driver is installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,900"):
        options.add_argument(argument)
    if request.param == "webgl":
        options.add_argument("--enable-unsafe-swiftshader")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    if request.param == "webgl":
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": PRETEND})
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    yield driver
    driver.quit()


def wait_until(condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def colours(browser, x, y):
    """Red, green, blue and opacity of the layer of points at a place."""
    return browser.execute_script(PIXELS + "return Array.from(pixels(...arguments, 1, 1))", int(x), int(y))


def test_points_are_drawn_in_light_and_dark(page, browser):
    browser.get(page.as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    places = browser.execute_script(
        "const {words, view} = wordMap; return [0, 1, 2].map((id) => view.toPixel(words.x[id], words.y[id]))"
    )

    def seen():
        return [colours(browser, *place) for place in places]

    def paper():
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    wait_until(lambda: colours(browser, 1, 1) not in seen())
    light, white = seen(), paper()
    browser.find_element("css selector", "#tools [data-tool=theme]").click()
    wait_until(lambda: all(before != after for before, after in zip(light, seen(), strict=True)))
    assert colours(browser, 1, 1) not in seen()
    assert paper() != white


@pytest.mark.parametrize("browser", ["webgl"], indirect=True)
def test_both_ways_of_drawing_show_the_same(page, browser):
    browser.get(page.as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    # How far the picture is from that of the other way, and from empty paper
    script = """
        const all = () => pixels(0, 0, wordMap.view.width, wordMap.view.height);
        wordMap.points.restyle(arguments[0]);
        const card = all(), { words, view, theme, points } = wordMap, canvas = document.createElement("canvas");
        if (!(points instanceof CardPoints)) throw new Error("not drawn by WebGL");
        points.canvas.replaceWith(canvas);
        canvas.id = "points";
        wordMap.points = new FlatPoints(words, view, theme);
        wordMap.points.restyle(arguments[0]);
        const flat = all();
        canvas.replaceWith(points.canvas);
        wordMap.points = points;
        const from = (other) => card.reduce((sum, value, i) => sum + Math.abs(value - other(i)), 0);
        return [from((i) => flat[i]), from((i) => card[i & 3])];
    """
    for style in ({"cluster": -1, "dimmed": False}, {"cluster": 1, "dimmed": False}, {"cluster": -1, "dimmed": True}):
        from_other, from_paper = browser.execute_script(PIXELS + script, style)
        assert 20 * from_other < from_paper


@pytest.mark.parametrize("browser", ["webgl"], indirect=True)
def test_points_come_back_when_the_graphics_card_was_lost(page, browser):
    browser.get(page.as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    browser.execute_script(PIXELS + "window.before = pixels(0, 0, 1400, 700)")
    same = PIXELS + "return pixels(0, 0, 1400, 700).every((value, i) => value === before[i])"
    assert browser.execute_script(same)
    browser.execute_script("(window.loss = wordMap.points.gl.getExtension('WEBGL_lose_context')).loseContext()")
    wait_until(lambda: browser.execute_script("return wordMap.points.gl.isContextLost()"))
    assert not browser.execute_script(same)
    time.sleep(0.2)  # it cannot be restored before the page was told
    browser.execute_script("loss.restoreContext()")
    wait_until(lambda: not browser.execute_script("return wordMap.points.gl.isContextLost()"))
    wait_until(lambda: browser.execute_script(same))


def test_wheel_and_drag_move_the_map(page, browser):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    browser.get(page.as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")

    def below(x, y):
        return browser.execute_script("return wordMap.view.toData(arguments[0], arguments[1])", x, y)

    before = below(700, 400)
    ActionChains(browser).scroll_from_origin(ScrollOrigin.from_viewport(700, 400), 0, -240).perform()
    wait_until(lambda: browser.execute_script("return wordMap.view.zoom") > 1.2)
    assert below(700, 400) == pytest.approx(before, abs=1e-6)  # what the mouse points at stays there
    surface = browser.find_element("id", "map")
    ActionChains(browser).move_to_element(surface).click_and_hold().move_by_offset(60, 30).release().perform()
    assert below(760, 430) == pytest.approx(before, abs=0.01)
    assert browser.find_element("id", "word").text == ""  # a drag chooses no word


def test_the_page_in_a_browser(page, browser, vectors):
    from selenium.webdriver.common.keys import Keys

    browser.get(page.as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")

    def chosen():
        return [item.text.split("\n")[0] for item in browser.find_elements("css selector", "#word li")]

    def labels():
        return browser.execute_script("return wordMap.labels.found.map((label) => label.text)")

    wait_until(lambda: len(labels()) > 3)  # names of clusters and frequent words
    assert len(browser.find_elements("css selector", "#legend button")) == 3

    query = browser.find_element("id", "query")
    query.send_keys("abmetal")
    assert browser.find_element("css selector", "#suggestions [aria-selected=true]").text.startswith("abmetal")
    query.send_keys("\n")
    wait_until(lambda: chosen())
    assert browser.find_element("css selector", "#word h2").text == "abmetal"
    nearest = [word for word, _ in vectors.most_similar("abmetal", topn=10)]
    assert chosen() == nearest
    wait_until(lambda: labels()[0] == "abmetal")
    wait_until(lambda: set(labels()[1:8]) <= set(nearest))
    wait_until(lambda: browser.execute_script("return wordMap.view.zoom") > 1.5)  # it flew there

    browser.find_elements("css selector", "#word li")[0].click()
    wait_until(lambda: browser.find_element("css selector", "#word h2").text == nearest[0])
    assert browser.current_url.endswith(f"#{nearest[0]}")
    nearest = chosen()
    browser.switch_to.active_element.send_keys(Keys.TAB)  # from the neighbour that was clicked to the next
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_until(lambda: browser.find_element("css selector", "#word h2").text == nearest[1])
    assert browser.switch_to.active_element.text.startswith(chosen()[1])
    browser.find_element("css selector", "#word [aria-label=Close]").click()
    assert not browser.find_element("id", "word").is_displayed()

    query.clear()
    query.send_keys("zzz")
    assert "Not among the words" in browser.find_element("id", "suggestions").text
    complaints = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not complaints


SIZES = [(1280, 800), (800, 600), (400, 800)]  # laptop, tablet, phone
COVERED = """
const { words, view } = wordMap;
return arguments[0].filter((id) => {
  const [x, y] = view.toPixel(words.x[id], words.y[id]), top = document.elementFromPoint(x, y);
  return !top || !top.closest("#map");
}).map((id) => words.words[id]);
"""


@pytest.mark.parametrize("browser", ["processor"], indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_a_legend_of_many_clusters_covers_no_word(model, browser, vectors, size, tmp_path):
    assert vecmill("map", model, "--out", tmp_path / "m.html", "--method", "pca", "--clusters", "40").exit_code == 0
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get((tmp_path / "m.html").as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    assert browser.execute_script(COVERED, list(range(len(vectors)))) == []


@pytest.mark.parametrize("browser", ["processor"], indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_or_covered_on_screens_of_any_size(page, browser, vectors, size):
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page.as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    facts = browser.find_element("css selector", ".facts")
    assert "on which neighbours may lie apart" in facts.text.replace("\n", " ")
    assert browser.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", facts)
    assert browser.execute_script(COVERED, list(range(len(vectors)))) == []
    word = vectors.words[5]
    browser.execute_script("wordMap.select(5)")
    shown = [5, *(vectors.id(other) for other, _ in vectors.most_similar(word, topn=10))]
    arrived = """
        const { view } = wordMap, aim = view.aim();
        return view.zoom > 1.1 && ["x", "y", "perPixel"].every((name) => Math.abs(aim[name] - view[name]) < 1e-9);
    """
    wait_until(lambda: browser.execute_script(arrived))
    assert browser.execute_script(COVERED, shown) == []
    metrics |= {"width": size[1], "height": size[0]}  # turned by a quarter
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wait_until(lambda: browser.execute_script("return [innerWidth, wordMap.view.width]") == [size[1], size[1]])
    assert browser.execute_script(COVERED, shown) == []


ANIMALS_AND_METALS = [
    f"{article} {word} number {number} {verb}"
    for number in range(40)
    for article, word, verb in (("the", "otter", "swims"), ("some", "copper", "<melts>"))
]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """The output of `vecmill embed`: two groups of texts, one text twice, and one without a vector."""
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    random = np.random.default_rng(1)
    lines = [*ANIMALS_AND_METALS, ANIMALS_AND_METALS[0], "", "unknown words"]
    matrix = np.array([5 * np.eye(6)[row % 2] + random.standard_normal(6) for row in range(len(lines))], np.float32)
    matrix[-2:] = 0
    path = tmp_path_factory.mktemp("texts") / "s.parquet"
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), 6)
    pq.write_table(pa.table({"text": lines, "vector": vectors}), path)
    return path


def test_embedded_texts_are_read_once_each(texts, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert holds_texts(texts)
    assert list(read_texts(texts).words) == ANIMALS_AND_METALS
    for name, table in {
        "words": {"word": ["a"], "text": ["b"], "vector": [[1.0]]},
        "other": {"a": [1]},
    }.items():
        pq.write_table(pa.table(table), tmp_path / f"{name}.parquet")
        assert not holds_texts(tmp_path / f"{name}.parquet")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    assert not holds_texts(tmp_path / "damaged.parquet")
    assert not holds_texts(tmp_path)


@pytest.mark.parametrize("vector", [[[1.0], [1.0, 2.0]], [None, [1.0]], ["a", "b"], [1.0, 2.0]])
def test_texts_without_vectors_of_one_length_are_refused(vector, tmp_path):
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    pq.write_table(pa.table({"text": ["a", "b"], "vector": vector}), tmp_path / "t.parquet")
    fails(1, "t.parquet: n", "map", tmp_path / "t.parquet", "--out", tmp_path / "map.html")
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize("browser", ["processor"], indirect=True)
def test_a_map_of_texts(texts, browser, tmp_path):
    out = tmp_path / "map.html"
    result = vecmill("map", texts, "--out", out, "--method", "pca", "--clusters", "2", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["texts"] == 80
    browser.get(f"{out.as_uri()}#2")
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    assert "80 texts" in browser.find_element("css selector", ".facts").text.replace("\u00a0", " ")
    assert browser.find_element("css selector", "#word blockquote").text == ANIMALS_AND_METALS[1]
    assert "NEAREST TEXTS" in browser.find_element("css selector", "#word h3").text.upper()
    names = [button.text for button in browser.find_elements("css selector", "#legend button")]
    assert sorted(set(name.split(", ")) >= {"otter", "swims"} for name in names) == [False, True]
    assert sorted(set(name.split(", ")) >= {"copper", "melts"} for name in names) == [False, True]
    query = browser.find_element("id", "query")
    query.send_keys("otter number 7 ")
    query.send_keys("\n")
    wait_until(lambda: browser.current_url.endswith("#15"))


def test_clusters_without_a_topic_are_told_from_the_others():
    random = np.random.default_rng(5)
    directions = np.concatenate([np.repeat(6 * np.eye(4, 30), 50, axis=0), np.zeros((60, 30))])
    matrix = (directions + random.standard_normal(directions.shape)).astype(np.float32)
    words = [f"word{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(len(matrix))]
    found = make_word_map(WordVectors(Vocabulary.from_words(words), matrix), clusters=5, method=PCA)
    scattered = np.bincount(found.clusters[200:]).argmax()
    assert not found.distinct[scattered]
    assert found.distinct[found.clusters[:200]].mean() > 0.95


def test_hovering_shows_a_word_and_its_neighbours(page, browser, vectors):
    from selenium.webdriver.common.action_chains import ActionChains

    browser.get(page.as_uri())
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
    word = vectors.words[0]  # the one with markup in it; the most frequent words lie on top
    x, y = browser.execute_script("const {words, view} = wordMap; return view.toPixel(words.x[0], words.y[0])")
    surface = browser.find_element("id", "map")
    offset = (round(x - surface.size["width"] / 2), round(y - surface.size["height"] / 2))
    ActionChains(browser).move_to_element_with_offset(surface, *offset).perform()
    wait_until(lambda: browser.find_element("id", "tip").text)
    tip = browser.find_element("id", "tip").text
    assert colours(browser, x, y) != colours(browser, 700, 5)  # there is a point below the mouse
    assert tip.startswith("</script><b>$&")
    assert "1,200 times" in tip
    assert vectors.most_similar(word, topn=1)[0][0] in tip
