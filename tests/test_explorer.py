"""The page of `vecmill serve` in a real browser: every view by clicking and typing, for everyone, safe from markup."""

import re
import socket
import threading
from urllib.parse import quote, urlencode

import numpy as np
import pytest

from tests.chromium import is_ready, needs_chromium, serious_violations, start_chromium, use_theme, wait_until
from tests.served_models import MARKUP, make_service, make_vectors

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")

pytestmark = needs_chromium
VECTORS = make_vectors()
VIEWS = {
    "words": {"word": "king"},
    "analogy": {"a": "man", "b": "king", "c": "woman"},
    "odd": {"word": "king, queen, bread, man"},
    "axes": {"x0": "man", "x1": "woman", "y0": "bread", "y1": "london", "place": "king queen paris butter nowhere"},
    "compare": {"a": "first", "b": "second"},
    "language": {"text": "the dog zebra"},
}


def running(application):
    """Return the address of a server in a thread, and what stops it."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()

    def stop():
        server.should_exit = True
        thread.join(60)
        listening.close()

    return f"http://127.0.0.1:{listening.getsockname()[1]}/", stop


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECMILL_CACHE", str(folder / "cache"))
        made, _ = make_service(folder, map_words=1000)
        found, stop = running(made)
        yield found
        stop()


@pytest.fixture(scope="module")
def chromium():
    driver = start_chromium()
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium):
    chromium.get_log("browser")
    yield chromium
    complaints = [entry["message"] for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert not [message for message in complaints if not re.search("/api/.* status of 404", message)]
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def opened(browser, address, name="words", **state):
    browser.get("about:blank")
    browser.get(f"{address}#{name}?{urlencode(state, quote_via=quote)}")
    wait_until(lambda: is_ready(browser))
    if state:
        wait_until(lambda: found(browser, "#answer > *"))


def found(browser, selector):
    return browser.find_elements("css selector", selector)


def field(browser, form, name):
    return browser.find_element("css selector", f"#{form} [name={name}]")


def texts(browser, selector):
    """Return the texts of elements at one moment."""
    script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)"
    return browser.execute_script(script, selector)


def ranked(browser):
    return texts(browser, "#answer .ranked button")


def heading(browser):
    return "".join(texts(browser, "#answer h2"))


def labels(browser):
    return browser.execute_script("return wordMap.labels.found.map((label) => label.text)")


def test_words_are_typed_and_clicked_and_the_address_holds_the_view(browser, address):
    opened(browser, address)
    assert browser.title == "first"
    field(browser, "words", "word").send_keys("king\n")
    wait_until(lambda: ranked(browser))
    nearest = [word for word, _ in VECTORS.most_similar("king", topn=12)]
    assert ranked(browser) == nearest
    assert "seen 9,300 times" in browser.find_element("id", "answer").text
    wait_until(lambda: labels(browser)[0] == "king")
    wait_until(lambda: browser.execute_script("return wordMap.view.zoom") > 1.2)
    assert "#words?" in browser.current_url
    shared = browser.current_url
    found(browser, "#answer .ranked button")[0].click()
    wait_until(lambda: heading(browser) == nearest[0])
    browser.back()
    wait_until(lambda: heading(browser) == "king")
    browser.get("about:blank")
    browser.get(shared)
    wait_until(lambda: ranked(browser) == nearest)


def test_sliders_change_how_many_neighbours_are_shown(browser, address):
    opened(browser, address, word="king, woman", without="man")
    assert heading(browser) == "king + woman − man"
    assert ranked(browser)[0] == "queen"
    script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))"
    browser.execute_script(script, field(browser, "words", "topn"), "3")
    wait_until(lambda: len(ranked(browser)) == 3)
    browser.execute_script(script, field(browser, "words", "least"), "0.95")
    wait_until(lambda: len(ranked(browser)) < 3)


def test_a_word_is_chosen_on_the_map(browser, address):
    opened(browser, address)
    browser.execute_script("wordMap.select(wordMap.words.ids.get('paris'))")
    wait_until(lambda: ranked(browser) == [word for word, _ in VECTORS.most_similar("paris", topn=12)])
    assert field(browser, "words", "word").get_attribute("value") == "paris"


def test_an_analogy_is_arrows_on_the_map(browser, address):
    opened(browser, address)
    found(browser, "#views a[href='#analogy']")[0].click()
    for name, word in VIEWS["analogy"].items():
        field(browser, "analogy", name).send_keys(word)
    field(browser, "analogy", "c").send_keys("\n")
    wait_until(lambda: ranked(browser))
    assert ranked(browser)[:5] == [word for word, _ in VECTORS.analogy("man", "king", "woman", 5)]
    script = (
        "const { words } = wordMap.words, arrows = wordMap.figure.links.filter((link) => link.arrow);"
        "return arrows.map(({ from, to }) => [words[from], words[to]])"
    )

    def arrows():
        return browser.execute_script(script)

    wait_until(lambda: arrows() == [["man", "king"], ["woman", "queen"]])


def test_the_odd_one_out(browser, address):
    opened(browser, address, "odd", **VIEWS["odd"])
    odd = VECTORS.doesnt_match(["king", "queen", "bread", "man"])
    assert heading(browser) == odd
    assert found(browser, "#answer .odd")[0].text == odd


def test_words_on_two_axes_can_be_saved(browser, address):
    opened(browser, address, "axes", **VIEWS["axes"])
    assert {text.text for text in found(browser, "#plot svg text")} >= {"king", "queen", "paris"}
    assert len(found(browser, "#plot circle")) == 4
    assert "Not in the vocabulary: nowhere" in browser.find_element("id", "answer").text
    assert [button.text for button in found(browser, "#answer .note button")] == ["SVG", "PNG", "CSV"]
    words = [{"word": '=HYPERLINK("x"),y', "places": [0.5]}]
    table = browser.execute_async_script(
        "asTable(arguments[0], [['a', 'b']]).text().then(arguments[arguments.length - 1])", words
    )
    assert table == '"word","a → b"\n"\'=HYPERLINK(""x""),y",0.5\n'
    picture = browser.execute_async_script(
        "const done = arguments[arguments.length - 1], drawing = document.querySelector('#plot svg');"
        "asPicture(drawing).then((blob) => done([blob.type, blob.size]), (error) => done([String(error), 0]))"
    )
    assert picture[0] == "image/png"
    assert picture[1] > 5000
    place = [float(cell.text) for cell in found(browser, "#answer tbody tr td.number")]
    assert place[::2] == sorted(place[::2])


def test_two_models_side_by_side(browser, address):
    opened(browser, address, "compare", **VIEWS["compare"])
    assert len(found(browser, "#answer tbody tr")) == 20
    field(browser, "compare", "word").send_keys("king\n")
    wait_until(lambda: len(found(browser, "#answer tbody tr")) == 1)
    near = [item.text for item in found(browser, "#answer tbody td:nth-child(2) .near")]
    assert near == [word for word, _ in VECTORS.most_similar("king", topn=6)]
    assert "310 common words" in browser.find_element("id", "answer").text


def test_a_text_is_continued_and_its_words_are_coloured(browser, address):
    opened(browser, address)
    found(browser, "#views a[href='#language']")[0].click()
    field(browser, "language", "text").send_keys("the dog zebra")
    wait_until(lambda: len(found(browser, "#answer .token")) == 4)
    heat = browser.execute_script(
        "return [...document.querySelectorAll('.token')].map((t) => parseInt(t.style.getPropertyValue('--heat')))"
    )
    assert all(0 < value <= 100 for value in heat)
    assert [token.get_attribute("class") for token in found(browser, "#answer .token")][2] == "token oov"
    assert "Perplexity" in browser.find_element("id", "answer").text
    [word, *_] = ranked(browser)
    found(browser, "#answer .ranked button")[0].click()
    wait_until(lambda: field(browser, "language", "text").get_attribute("value") == f"the dog zebra {word}")
    wait_until(lambda: len(found(browser, "#answer .token")) == 5)


def test_a_question_that_takes_time_says_so(browser, address):
    opened(browser, address, word="king")
    assert not browser.find_element("id", "late").is_displayed()
    browser.execute_script(
        "const real = fetch, gate = new Promise((go) => { window.go = go; });"
        "window.fetch = (...all) => gate.then(() => real(...all));"
        "explorer.go('words', { word: 'bread' });"
    )
    wait_until(lambda: browser.find_element("id", "late").is_displayed())
    assert heading(browser) == "king"  # until there is another answer
    browser.execute_script("window.go()")
    wait_until(lambda: heading(browser) == "bread")
    assert not browser.find_element("id", "late").is_displayed()


def test_an_unknown_word_is_answered_with_the_closest(browser, address):
    opened(browser, address, word="qeen")
    assert "closest: queen" in browser.find_element("css selector", "#answer .refusal").text


def test_markup_in_a_model_a_text_and_a_query_stays_text(browser, address):
    for name, state in {
        "words": {"word": MARKUP},
        "odd": {"word": f"{MARKUP} king queen <img/src=x/onerror=window.hacked=1>"},
        "axes": {"x0": "man", "x1": MARKUP, "place": f"king {MARKUP} <img/src=x/onerror=window.hacked=1>"},
        "compare": {"a": "first", "b": "second", "word": MARKUP},
        "language": {"text": "<img src=x onerror=window.hacked=1> </textarea><script>window.hacked=1</script>"},
    }.items():
        opened(browser, address, name, **state)
        assert "onerror" in browser.find_element("id", "answer").text, name
        assert not found(browser, "img"), name
        assert browser.execute_script("return window.hacked") is None
    opened(browser, address, word="<img/src=x/onerror=window.hacked=1>")
    assert "<img/src=x" in browser.find_element("css selector", "#answer .refusal").text
    assert not found(browser, "img")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_anyone(browser, address, theme):
    use_theme(browser, theme)
    for name, state in VIEWS.items():
        opened(browser, address, name, **state)
        assert not serious_violations(browser), name


def test_the_keyboard_reaches_views_fields_and_answers(browser, address):
    from selenium.webdriver.common.keys import Keys

    opened(browser, address)
    seen = []
    for _ in range(14):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        active = browser.switch_to.active_element
        seen.append(active.get_attribute("href") or active.get_attribute("name") or active.tag_name)
    assert any(item.endswith("#axes") for item in seen)
    assert {"word", "without", "topn"} <= set(seen)
    browser.execute_script("document.activeElement.blur()")
    browser.find_element("tag name", "body").send_keys("/")
    assert browser.switch_to.active_element.get_attribute("name") == "word"
    browser.switch_to.active_element.send_keys("king\n")
    wait_until(lambda: ranked(browser))
    found(browser, "#answer .ranked button")[1].send_keys("\n")
    wait_until(lambda: heading(browser) != "king")


def test_the_page_fits_a_phone(browser, address):
    metrics = {"width": 380, "height": 760, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    for name, state in VIEWS.items():
        opened(browser, address, name, **state)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 380, name
        guide = browser.find_element("id", "guide")
        assert browser.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", guide), name
        assert guide.size["height"] < 0.65 * 760, name
        top = browser.execute_script("return document.querySelector('#answer').getBoundingClientRect().top")
        assert top < guide.rect["y"] + guide.size["height"] - 40, name  # the answer is seen


def test_the_letters_of_a_plot_are_as_large_on_a_phone(browser, address):
    metrics = {"width": 380, "height": 760, "deviceScaleFactor": 1, "mobile": True}
    for override in (metrics, metrics | {"width": 1280}):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", override)
        opened(browser, address, "axes", **VIEWS["axes"])
        scale = browser.execute_script("return document.querySelector('#plot svg').getScreenCTM().a")
        assert 14 * scale > 10


def test_the_numbers_on_a_scale_are_round(browser, address):
    opened(browser, address)
    ticks = browser.execute_script("return ticks({ least: -0.121, most: 0.19 }).map(signed)")
    assert ticks == ["−0.10", "−0.05", "0.00", "0.05", "0.10", "0.15"]


def test_a_token_is_asked_for_once(browser, tmp_path):
    made, _ = make_service(tmp_path, token="secret-of-16-letters")
    address, stop = running(made)
    try:
        browser.get(f"{address}#words?word=king")
        wait_until(lambda: browser.find_element("id", "ask-token").is_displayed())
        field(browser, "ask-token", "token").send_keys("secret-of-16-letters\n")
        wait_until(lambda: ranked(browser))
        assert browser.execute_script("return document.documentElement.dataset.ready") == "true"  # also without a map
    finally:
        browser.get("about:blank")
        browser.get_log("browser")  # the browser complains about the 401
        stop()


def test_axes_have_the_places_of_the_library(browser, address):
    from embeddings.vectors.axes import place_on_axis

    opened(browser, address, "axes", x0="man", x1="woman", place="king queen")
    shown = [float(cell.text) for cell in found(browser, "#answer tbody td.number")]
    np.testing.assert_allclose(shown, np.sort(place_on_axis(VECTORS, ["woman"], ["man"], ["king", "queen"])), atol=1e-3)
