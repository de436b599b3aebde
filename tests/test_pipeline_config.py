"""Settings: precedence, and errors that name the place and the nearest key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.settings.config import ConfigError, PipelineConfig, Setting, differences, load_config, with_present_keys
from pipelines.settings.lm_config import load_lm_config
from pipelines.settings.run_config import load_run_config


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "pipeline.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def message_of(path):
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_settings_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "marked.toml").write_bytes(b"\xef\xbb\xbf[train]\r\ndimension = 9\r\n")
    assert load_run_config(tmp_path / "marked.toml").embedding.train.dimension == 9


def test_without_anything_the_defaults_hold():
    assert load_config() == PipelineConfig()


def test_options_win_over_the_file_and_the_file_over_defaults(toml):
    path = toml("[train]\ndimension = 300\nwindow = 8\n[vocabulary]\nmin_count = 2\n")
    config = load_config(path, {"train.dimension": Setting(50, "--dimension")})
    assert (config.train.dimension, config.train.window, config.vocabulary.min_count) == (50, 8, 2)
    assert config.train.negative == PipelineConfig().train.negative


def test_a_whole_number_will_do_where_a_number_is_expected(toml):
    assert load_config(toml("[train]\nsample = 0\n")).train.sample == 0.0


def test_an_unknown_key_names_file_line_and_nearest_key(toml):
    path = toml("# comment\n[train]\nwindow = 5\ndimesion = 300\n")
    assert message_of(path).startswith(f"{path}:4: unknown key 'dimesion' in [train]; did you mean 'dimension'?")


@pytest.mark.parametrize(
    ("section", "former", "present"),
    [("vocabulary", "max_size", "max_vocabulary"), ("lm_network", "tied", "tie_weights")],
)
def test_a_key_of_an_earlier_version_names_the_present_one(toml, section, former, present):
    path = toml(f"[{section}]\n{former} = 300\n")
    assert message_of(path) == f"{path}:2: {former} in [{section}] is now called {present}"
    read = with_present_keys({section: {former: 300, "other": 1}})[section]
    assert former not in read
    assert (read[present], read["other"]) == (300, 1)


def test_settings_that_an_earlier_version_lacked_have_their_defaults():
    recorded = PipelineConfig().to_dict()
    for name in ("subwords", "buckets", "hierarchical_softmax", "position_weights"):
        del recorded["train"][name]
    del recorded["tokenizer"]["normalize"]
    assert differences(with_present_keys(recorded), PipelineConfig().to_dict()) == [
        "tokenizer.normalize: none before, nfc now"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[train]\nvector_size = 300",
            "2: unknown key 'vector_size' in [train]; vector_size is called dimension here, in [train]",
        ),
        (
            "[train]\nminCount = 3",
            "2: unknown key 'minCount' in [train]; minCount is called min_count here, in [vocabulary]",
        ),
        ("[corpus]\ninput = 'a'", "2: unknown key 'input' in [corpus]; input is called source here, in [corpus]"),
        (
            "[lm_training]\nlr = 3",
            "2: unknown key 'lr' in [lm_training]; lr is called learning_rate here, in [lm_training]",
        ),
        ("[train]\nhashfxn = 1", "2: unknown key 'hashfxn' in [train]; there is no hashfxn here"),
        ("[train]\nverbose = 1", "2: unknown key 'verbose' in [train]; there is no verbose here"),
        ("vector_size = 300", "1: unknown section [vector_size]; vector_size is called dimension here, in [train]"),
    ],
)
def test_a_name_of_another_program_is_answered_with_the_one_here(toml, text, message):
    path = toml(text)
    assert message_of(path).startswith(f"{path}:{message}")


def test_a_key_of_another_section_is_sent_there(toml):
    path = toml("[corpus]\nsource = 'a.txt'\ndimension = 300\n")
    assert message_of(path) == f"{path}:3: dimension belongs under [train], not [corpus]"


def test_a_key_outside_of_any_section_is_sent_there(toml):
    path = toml("min_count = 3\n")
    assert message_of(path) == f"{path}:1: min_count belongs under [vocabulary]"


def test_an_unknown_section_names_the_nearest(toml):
    path = toml("[corpus]\nsource = 'x'\n\n[tokeniser]\nname = 'fast'\n")
    assert message_of(path).startswith(f"{path}:4: unknown section [tokeniser]; did you mean 'tokenizer'?")


def test_a_section_given_as_a_value_is_explained(toml):
    path = toml("train = 3\n")
    assert message_of(path).startswith(f"{path}:1: train is a section")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dimension = 'many'", "dimension must be a whole number, got 'many'"),
        ("dimension = 100.5", "dimension must be a whole number, got 100.5"),
        ("dimension = true", "dimension must be a whole number, got True"),
        ("sample = 'few'", "sample must be a number, got 'few'"),
    ],
)
def test_a_value_of_the_wrong_type_names_its_line(toml, line, expected):
    path = toml(f"[train]\n\n{line}\n")
    assert message_of(path) == f"{path}:3: {expected}"


def test_a_text_where_true_or_false_belongs_names_its_line(toml):
    path = toml("[tokenizer]\nlowercase = 'yes'\n")
    assert message_of(path) == f"{path}:2: lowercase must be true or false, got 'yes'"


def test_a_value_out_of_range_names_its_line(toml):
    path = toml("[train]\nwindow = 5\ndimension = 0\n")
    assert message_of(path).startswith(f"{path}:3: ")
    assert "dimension" in message_of(path)


def test_a_value_out_of_range_names_its_option():
    with pytest.raises(ConfigError, match=r"^--min-count: min_count must be at least 1, got -3"):
        load_config(None, {"vocabulary.min_count": Setting(-3, "--min-count")})


def test_an_unknown_choice_names_the_nearest():
    with pytest.raises(ConfigError, match=r"^--architecture: .*'skipgram'.*did you mean 'skip-gram'"):
        load_config(None, {"train.architecture": Setting("skipgram", "--architecture")})


def test_the_line_of_a_value_over_several_lines_is_inside_of_it(toml):
    path = toml('[corpus]\nsource = """\na\nb"""\nfeild = "x"\n')
    assert message_of(path).startswith(f"{path}:5: unknown key 'feild'")


@pytest.mark.parametrize("text", ["", "\n\n", "# train.dimension = 9\n", "[train]\n", "[corpus]\n[train]\n"])
def test_a_file_without_settings_is_refused(toml, text):
    path = toml(text)
    for load in (load_config, load_run_config, load_lm_config):
        with pytest.raises(
            ConfigError, match=r"pipeline\.toml holds no settings; 'vecmill init --out FILE\.toml' writes"
        ):
            load(path)


def test_broken_toml_is_explained(toml):
    path = toml("[train\n")
    assert message_of(path).startswith(f"{path}: not valid TOML: ")


def test_a_missing_file_is_explained(tmp_path):
    assert "cannot be read" in message_of(tmp_path / "missing.toml")


def test_a_file_that_is_not_utf8_is_explained(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[corpus]\nsource = 'caf\xe9'\n")
    assert "not UTF-8" in message_of(path)


@given(
    st.text(max_size=80)
    | st.from_regex(r"(\[?(train|corpus|x)\]?\n?(dimension|source|y) ?= ?[\[\{\"0-9a-z.]{0,5}\n?)+")
)
def test_any_text_loads_or_is_a_config_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        assert isinstance(load_config(path), PipelineConfig)
    except ConfigError as error:
        assert str(path) in str(error)


def test_settings_survive_json():
    settings = PipelineConfig().to_dict()
    assert json.loads(json.dumps(settings)) == settings


def test_threads_do_not_decide_the_result():
    assert "threads" in PipelineConfig().to_dict()["train"]
    assert "threads" not in PipelineConfig().result_settings()["train"]


def test_differences_name_what_differs():
    old = {"train": {"dimension": 100, "window": 5}, "corpus": {"source": "a"}}
    new = {"train": {"dimension": 300, "window": 5}, "corpus": {"source": "a"}}
    assert differences(old, new) == ["train.dimension: 100 before, 300 now"]
    assert differences(old, old) == []
