"""`--watch` and the time-lapse in a real browser; what the page of a training shows, to whom, and how it ends."""

import http.client
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest

from embeddings import TrainingProgress, Vocabulary, WordVectors
from embeddings.vectors.history import HISTORY_FILE, TrainingHistory, directions_of
from embeddings.word2vec.snapshots import Snapshot
from pipelines.console.progress import LogProgress
from tests.chromium import (
    SECONDS,
    complaints,
    is_ready,
    needs_chromium,
    serious_violations,
    start_chromium,
    use_theme,
    wait_until,
)
from tests.command_line import fails, vecmill
from tests.topics import topic_lines

pytest.importorskip("starlette")
MARKUP = "</script><img/src=x/onerror=window.hacked=1>"
WORDS = [MARKUP, *[f"word{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(119)]]
VOCABULARY = Vocabulary.from_words(WORDS, range(2400, 0, -20))
TOTAL = 60_000
CENTRES = np.repeat(np.eye(10)[:4], 30, axis=0)
NOISE = np.random.default_rng(2).standard_normal((len(WORDS), 10))


def vectors_at(share):
    """Return vectors of four groups that come out of noise."""
    return (share * 3 * CENTRES + (1.1 - share) * NOISE).astype(np.float32)


def snapshot_at(share):
    return Snapshot(directions_of(vectors_at(share)), int(share * TOTAL), 5 - 2 * share)


def event_at(share, metrics=None):
    return TrainingProgress(
        epoch=min(int(3 * share) + 1, 3),
        epochs=3,
        done=int(share * TOTAL),
        total=TOTAL,
        unit="words",
        speed=1234.5,
        loss=5 - 2 * share,
        learning_rate=0.025,
        seconds_left=float("inf"),
        epoch_metrics=metrics,
    )


@pytest.fixture
def page(tmp_path):
    from pipelines.service.watch_page import WatchPage

    with WatchPage(tmp_path / "mine", 0) as made:
        yield made


def ask(page, path, **headers):
    address = urlsplit(page.address)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def state(page):
    return json.loads(ask(page, "/api/training")[1])


def test_the_page_follows_the_stages_and_the_training(page):
    assert (state(page)["state"], state(page)["moment"], state(page)["progress"]) == ("waiting", 0, None)
    assert ask(page, "/api/moment")[0].status == 404
    with page.following(LogProgress()).task("reading", 10) as update:
        update(5)
        assert (state(page)["task"], state(page)["share"]) == ("reading", 0.5)
    page.begin(VOCABULARY)
    for share in (0.1, 0.2, 0.3):
        page.progress(event_at(share))
    page.progress(event_at(1 / 3, {"held_out_loss": 4.5}))
    page.snapshot(snapshot_at(0.3))
    found = state(page)
    assert found["state"] == "training"
    assert [trained for trained, _ in found["losses"]] == [6000, 12000, 18000]
    assert found["heldOut"] == [[20000, 4.5]]
    assert (found["progress"]["speed"], found["progress"]["secondsLeft"]) == (1234.5, None)
    wait_until(lambda: state(page)["moment"] == 1)
    assert state(page)["momentTrained"] == 18000
    response, content = ask(page, "/api/moment")
    assert (response.status, response.headers["moment"], content[:2]) == (200, "1", b"\x1f\x8b")


def test_the_curve_has_few_points_however_long_the_training():
    from pipelines.service.watch_page import BINS, LossCurve

    curve = LossCurve()
    for done in range(0, 100_001, 10):
        curve.add(done, 100_000, float(done))
    curve.add(5, 100_000, float("nan"))
    assert len(curve.points()) == BINS
    assert all(trained == pytest.approx(loss) for trained, loss in curve.points())


def test_only_this_machine_may_read_it(page):
    response, content = ask(page, "/")
    assert response.status == 200
    assert b"watch.js" in content
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert not [name for name in response.headers if name.lower().startswith("access-control")]
    assert ask(page, "/api/training", Host="evil.example")[0].status == 400
    assert ask(page, "/../pyproject.toml")[0].status == 404
    assert urlsplit(page.address).hostname == "127.0.0.1"


def test_words_that_cannot_be_laid_out_do_not_disturb_the_training(page):
    page.begin(Vocabulary.from_words(["a", "b"]))
    page.snapshot(Snapshot(np.ones((2, 4), np.int8), 0, 1.0))
    wait_until(lambda: state(page)["message"])
    assert "a map needs 3 words" in state(page)["message"]
    assert state(page)["state"] == "training"


@pytest.mark.parametrize(
    ("error", "ending"),
    [(None, "finished"), (KeyboardInterrupt(), "stopped"), (ValueError("too <b>high</b>"), "failed")],
)
def test_all_open_pages_learn_how_the_training_ended(tmp_path, monkeypatch, error, ending):
    from pipelines.service import watch_page
    from pipelines.service.watch_page import WatchPage

    for limit in ("OPEN_SECONDS", "LAST_LAYOUT_SECONDS", "FAREWELL_SECONDS"):  # where much else runs, all is slow
        monkeypatch.setattr(watch_page, limit, SECONDS)
    pauses = {"first": 0.05, "second": 0.5}  # seconds from one question of a page to the next
    seen = {name: [] for name in pauses}
    page = WatchPage(tmp_path / "mine", 0)

    def watch(name):
        while True:
            moment = seen[name][-1]["moment"] if seen[name] else 0
            seen[name].append(json.loads(ask(page, f"/api/training?moment={moment}&page={name}")[1]))
            if seen[name][-1]["state"] == ending and seen[name][-1]["moment"] == moment:
                return
            time.sleep(pauses[name])

    readers = [threading.Thread(target=watch, args=[name]) for name in pauses]
    try:
        with page:
            page.begin(VOCABULARY)
            for reader in readers:
                reader.start()
            wait_until(lambda: all(seen.values()))
            page.snapshot(snapshot_at(1.0))
            if error:
                raise error
    except (KeyboardInterrupt, ValueError):
        assert error
    for reader in readers:
        reader.join(SECONDS)
        assert not reader.is_alive()
    for states in seen.values():
        assert states[-1]["state"] == ending
        assert states[-1]["moment"] == (1 if ending == "finished" else states[-1]["moment"])
        assert states[-1]["message"] == ("too <b>high</b>" if ending == "failed" else "")
    with pytest.raises(OSError):
        ask(page, "/")


def test_a_page_that_nobody_opened_keeps_nothing_waiting(tmp_path):
    from pipelines.service.watch_page import WatchPage

    started = time.monotonic()
    with WatchPage(tmp_path / "mine", 0) as page:
        page.begin(VOCABULARY)
        page.snapshot(snapshot_at(1.0))
    assert time.monotonic() - started < 15
    assert not [thread for thread in threading.enumerate() if thread.name in ("page", "moments")]


def trained(folder, name, *options):
    training = ["train-embeddings", folder / "text.txt", "--out", folder / name, "--dimension", 8, "--epochs", 2]
    result = vecmill(*training, "--threads", 1, *options)
    assert result.exit_code == 0, result.output
    return result


def test_a_watched_training_makes_the_same_vectors(tmp_path, caplog):
    (tmp_path / "text.txt").write_text("\n".join(topic_lines(500)))
    trained(tmp_path, "plain")
    result = trained(tmp_path, "watched", "--watch", "--json")
    assert json.loads(result.stdout)["words"] == 12
    assert re.search(r"watch the training at http://127\.0\.0\.1:\d+/", result.stderr)
    for name in ("vectors.npy", "context.npy", "config.json"):
        assert (tmp_path / "watched" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert (tmp_path / "watched" / HISTORY_FILE).exists()


def test_what_the_page_needs_is_named(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("\n".join(topic_lines(50)))
    training = ["train-embeddings", tmp_path / "text.txt", "--out", tmp_path / "out", "--watch"]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "starlette", None)
        fails(1, r"--watch needs starlette; run: pip install 'vecmill\[serve\]'", *training)
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        fails(
            1, "cannot listen on 127.0.0.1, port .*; choose another --port", *training, "--port", taken.getsockname()[1]
        )
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_ends_a_watched_training_and_its_page(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(topic_lines(2000)))
    command = [sys.executable, "-m", "vecmill", "train-embeddings", "text.txt", "--out", "out", "--epochs", "100000"]
    process = subprocess.Popen(
        [*command, "--watch", "--threads", "1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )
    lines = []
    address = None
    while address is None:
        lines.append(process.stderr.readline())
        assert lines[-1], lines
        address = re.search(r"http://\S+", lines[-1])
    page = SimpleNamespace(address=address[0])
    wait_until(lambda: state(page)["moment"] > 0)
    process.send_signal(signal.SIGINT)
    seen = set()
    while "stopped" not in seen:
        seen.add(state(page)["state"])
        time.sleep(0.05)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "repeat the command to resume" in rest
    assert "Traceback" not in rest
    assert list((tmp_path / ".out.work").glob(".train-embeddings.checkpoint-*/*"))


# ---------------------------------------------------------------------------------------------------------- browser


@pytest.fixture(scope="module")
def chromium():
    driver = start_chromium()
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium):
    pytest.importorskip("selenium")
    chromium.get("about:blank")
    chromium.get_log("browser")
    yield chromium
    assert not complaints(chromium)
    assert chromium.execute_script("return window.hacked") is None
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get("about:blank")


def text(browser, selector):
    return browser.execute_script("return document.querySelector(arguments[0]).textContent", selector)


def place_of(browser, id=5):
    return browser.execute_script("const { x, y } = wordMap.words; return [x[arguments[0]], y[arguments[0]]]", id)


def neighbours(browser):
    return browser.execute_script("return [...document.querySelectorAll('#word li button')].map((item) => item.title)")


@needs_chromium
def test_a_training_is_watched_from_its_first_moment_to_its_end(browser, tmp_path):
    from pipelines.service.watch_page import WatchPage

    with WatchPage(tmp_path / "mine", 0) as page:
        browser.get(page.address)
        wait_until(lambda: text(browser, "#title") == "mine")
        assert "appears when the training begins" in text(browser, "#wait")
        page.begin(VOCABULARY)
        page.progress(event_at(0.0))
        page.snapshot(snapshot_at(0.0))
        wait_until(lambda: is_ready(browser))
        query = browser.find_element("id", "query")
        query.send_keys("wordab\n")
        wait_until(lambda: neighbours(browser))
        before, near = place_of(browser), neighbours(browser)
        for share in (0.4, 0.6):
            page.progress(event_at(share))
        page.progress(event_at(2 / 3, {"held_out_loss": 4.2}))
        page.snapshot(snapshot_at(0.9))
        wait_until(lambda: browser.execute_script("return watch.moment") == 2)
        wait_until(lambda: place_of(browser) != before)
        expected = WordVectors(VOCABULARY, directions_of(vectors_at(0.9)).astype(np.float32))
        assert neighbours(browser) == [word for word, _ in expected.most_similar("wordab", topn=10)] != near
        wait_until(lambda: "54K words" in text(browser, "#numbers"))
        assert "3 of 3" in text(browser, "#numbers")
        assert len(browser.find_elements("css selector", "#curve circle.held-out")) == 1
        assert browser.execute_script("return wordMap.labels.found.length") > 5
        page.snapshot(snapshot_at(1.0))
    wait_until(lambda: text(browser, "#state") == "The training has finished")
    assert browser.execute_script("return watch.moment") == 3  # the last map has arrived


def show_half_of_a_training(browser, page):
    browser.get(page.address)
    page.begin(VOCABULARY)
    page.progress(event_at(0.5))
    page.snapshot(snapshot_at(0.5))
    wait_until(lambda: is_ready(browser))


@needs_chromium
def test_the_card_of_a_word_is_seen_on_a_phone(browser, tmp_path):
    from pipelines.service.watch_page import WatchPage

    metrics = {"width": 390, "height": 780, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    with WatchPage(tmp_path / "mine", 0) as page:
        show_half_of_a_training(browser, page)
        browser.find_element("id", "query").send_keys("wordab\n")
        wait_until(lambda: neighbours(browser))
        script = "return arguments[0].getBoundingClientRect().bottom"
        nearest, guide = (browser.find_element("css selector", name) for name in ("#word li", "#guide"))
        assert browser.execute_script(script, nearest) < browser.execute_script(script, guide)


@needs_chromium
def test_a_failure_is_shown_as_text(browser, tmp_path):
    from pipelines.service.watch_page import WatchPage

    with pytest.raises(ValueError, match="onerror"), WatchPage(tmp_path / MARKUP.replace("/", ""), 0) as page:
        browser.get(page.address)
        wait_until(lambda: "onerror" in text(browser, "#title"))
        raise ValueError(MARKUP)
    wait_until(lambda: "failed" in text(browser, "#state"))
    assert MARKUP in text(browser, "#state")


@needs_chromium
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_anyone(browser, tmp_path, lapse_page, theme):
    from pipelines.service.watch_page import WatchPage

    use_theme(browser, theme)
    with WatchPage(tmp_path / "mine", 0) as page:
        show_half_of_a_training(browser, page)
        browser.execute_script("wordMap.select(3)")
        assert not serious_violations(browser)
    wait_until(lambda: "finished" in text(browser, "#state"))
    browser.get(lapse_page.as_uri())
    wait_until(lambda: is_ready(browser))
    browser.execute_script("wordMap.select(3)")
    assert not serious_violations(browser)


@pytest.fixture(scope="module")
def lapse_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lapse")
    WordVectors(VOCABULARY, vectors_at(1.0)).save(folder / "model")
    moments = np.linspace(0, 1, 5)
    history = TrainingHistory(
        directions=np.stack([directions_of(vectors_at(share)) for share in moments]),
        trained=(moments * TOTAL).astype(np.int64),
        losses=np.array([np.nan, 4.0, 3.5, 3.2, 3.0]),
    )
    history.write(folder / "model")
    records = [{"epoch": epoch, "learning_rate": 0.1, "loss": 3.0, "held_out_loss": 3.5} for epoch in (1, 2)]
    (folder / "model" / "metrics.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    result = vecmill("map", folder / "model", "--history", "--out", folder / "page.html", "--method", "pca")
    assert result.exit_code == 0, result.output
    assert "120 words at 5 moments laid out by PCA" in result.stdout
    return folder / "page.html"


@needs_chromium
def test_the_slider_moves_words_and_their_neighbours(browser, lapse_page):
    browser.get(lapse_page.as_uri() + "#wordab")
    wait_until(lambda: is_ready(browser))
    assert "60,000 of 60,000 words trained, loss 3.000" in text(browser, "#now")
    last, near = place_of(browser), neighbours(browser)
    model = WordVectors(VOCABULARY, vectors_at(1.0))
    assert near == [word for word, _ in model.most_similar("wordab", topn=6)]
    script = """
        const slider = document.getElementById("when");
        slider.value = arguments[0];
        slider.dispatchEvent(new Event("input"));
    """
    browser.execute_script(script, 0)
    assert text(browser, "#now") == "epoch 1 of 2, 0 of 60,000 words trained"
    assert place_of(browser) != last
    first = WordVectors(VOCABULARY, directions_of(vectors_at(0.0)).astype(np.float32))
    assert neighbours(browser) == [word for word, _ in first.most_similar("wordab", topn=6)] != near
    start = place_of(browser)
    browser.execute_script(script, 0.5)
    half = place_of(browser)
    browser.execute_script(script, 1)
    np.testing.assert_allclose(half, (np.array(start) + place_of(browser)) / 2, atol=1e-4)
    browser.execute_script(script, 4)
    assert place_of(browser) == pytest.approx(last, abs=1e-4)
    assert len(browser.find_elements("css selector", "#curve circle.held-out")) == 2


@needs_chromium
def test_play_and_keys(browser, lapse_page):
    browser.get(lapse_page.as_uri())
    wait_until(lambda: is_ready(browser))
    browser.find_element("id", "play").click()
    assert browser.find_element("id", "play").accessible_name == "Pause"
    wait_until(lambda: 0.1 < browser.execute_script("return timeLapse.at") < 4)
    browser.find_element("id", "play").click()
    stopped = browser.execute_script("return timeLapse.at")
    time.sleep(0.2)
    assert browser.execute_script("return timeLapse.at") == stopped
    body = browser.find_element("tag name", "body")
    browser.execute_script("document.activeElement.blur()")
    from selenium.webdriver.common.keys import Keys

    body.send_keys(Keys.ARROW_RIGHT)
    assert browser.execute_script("return timeLapse.at") == round(stopped) + 1
    body.send_keys(Keys.ARROW_LEFT * 5)
    assert browser.execute_script("return timeLapse.at") == 0
    body.send_keys(" ")
    assert browser.execute_script("return timeLapse.playing")
    body.send_keys(" ")
    assert not browser.execute_script("return timeLapse.playing")
    browser.find_element("id", "query").send_keys("wordab ")  # a space in a field plays nothing
    assert not browser.execute_script("return timeLapse.playing")
    # played to its end, it stops
    browser.execute_script("timeLapse.show(3.9); timeLapse.play()")
    wait_until(lambda: not browser.execute_script("return timeLapse.playing"))
    assert browser.execute_script("return timeLapse.at") == 4


@needs_chromium
def test_points_drawn_by_a_card_move_too(lapse_page):
    pytest.importorskip("selenium")
    driver = start_chromium(webgl=True)
    try:
        driver.get(lapse_page.as_uri())
        wait_until(lambda: is_ready(driver))
        assert driver.execute_script("return wordMap.points instanceof CardPoints")
        picture = """
            wordMap.points.draw();
            const { canvas } = wordMap.points, copy = document.createElement("canvas");
            Object.assign(copy, { width: canvas.width, height: canvas.height });
            copy.getContext("2d").drawImage(canvas, 0, 0);
            return copy.toDataURL();
        """
        last = driver.execute_script(picture)
        driver.execute_script("timeLapse.show(0)")
        assert driver.execute_script(picture) != last
        driver.execute_script("timeLapse.show(4)")
        assert driver.execute_script(picture) == last
        driver.execute_script("wordMap.points.regrouped()")
        assert driver.execute_script(picture) == last
        assert not complaints(driver)
    finally:
        driver.quit()


@needs_chromium
@pytest.mark.parametrize("size", [(1280, 800), (380, 760)])
def test_the_bar_fits_the_screen_and_covers_no_word(browser, lapse_page, size):
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(lapse_page.as_uri())
    wait_until(lambda: is_ready(browser))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    covered = """
        const { words, view } = wordMap;
        return [...words.words.keys()].flatMap((id) => {
          const [x, y] = view.toPixel(words.x[id], words.y[id]), top = document.elementFromPoint(x, y);
          return top?.closest("#map") ? [] : [[top?.id, Math.round(x), Math.round(y)]];
        });
    """
    assert not browser.execute_script(covered)


def test_every_message_of_the_page_is_logged_once(tmp_path, caplog):
    from pipelines.service.watch_page import WatchPage

    caplog.set_level(logging.INFO)
    with WatchPage(tmp_path / "mine", 0) as page:
        assert [record.getMessage() for record in caplog.records] == [f"watch the training at {page.address}"]
