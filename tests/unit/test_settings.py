"""Settings: where they come from, in which order, and what is refused."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from cardcallback.errors import CardCallbackError
from cardcallback.record import encode
from cardcallback.settings import Settings, is_switched_on, resolve_settings, system_root, user_config_directory
from cardcallback.testing import make_record


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """An empty working folder and an empty folder of the user."""
    working, user = tmp_path / "working", tmp_path / "user"
    working.mkdir()
    user.mkdir()
    return working, user


def resolve(
    folders: tuple[Path, Path], arguments: dict[str, Any] | None = None, environ: dict[str, str] | None = None
) -> Settings:
    """The settings from ``arguments``, ``environ`` and the files of ``folders``."""
    return resolve_settings(
        arguments or {}, environ=environ or {}, working_directory=folders[0], user_config_directory=folders[1]
    )


def refusal(
    folders: tuple[Path, Path], arguments: dict[str, Any] | None = None, environ: dict[str, str] | None = None
) -> str:
    """The one line with which these are refused."""
    with pytest.raises(CardCallbackError) as caught:
        resolve(folders, arguments, environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_given_gives_the_defaults(folders: tuple[Path, Path]) -> None:
    """Every setting has a default, and none of them names a place."""
    settings = resolve(folders)
    assert settings == Settings()
    assert settings.factor is None


def test_live_figures_are_asked_for_by_variable_or_file(folders: tuple[Path, Path]) -> None:
    """Off unless somebody asks; an argument is not needed."""
    assert resolve(folders).log_metrics is False
    assert resolve(folders, {}, {"CARDCALLBACK_LOG_METRICS": "1"}).log_metrics is True
    (folders[0] / "cardcallback.toml").write_text("log_metrics = true\n")
    assert resolve(folders).log_metrics is True


def test_order_of_sources(folders: tuple[Path, Path]) -> None:
    """Argument, then variable, then the working folder's file, then the user's."""
    (folders[1] / "cardcallback.toml").write_text('stage = "user"\npue = 1.4\nlocation = "FR"\nquiet = true\n')
    (folders[0] / "cardcallback.toml").write_text('stage = "file"\npue = 1.3\nlocation = "DE"\n')
    environ = {"CARDCALLBACK_STAGE": "variable", "CARDCALLBACK_PUE": "1.2"}
    settings = resolve(folders, {"stage": "argument"}, environ)
    assert (settings.stage, settings.pue, settings.location, settings.quiet) == ("argument", 1.2, "DE", True)


def test_none_and_empty_count_as_not_given(folders: tuple[Path, Path]) -> None:
    """An argument of None and an empty variable leave the setting to the next source."""
    (folders[0] / "cardcallback.toml").write_text('stage = "file"\n')
    assert resolve(folders, {"stage": None}, {"CARDCALLBACK_STAGE": " "}).stage == "file"


def test_false_is_an_answer(folders: tuple[Path, Path]) -> None:
    """An argument that switches off outranks a file that switches on."""
    (folders[0] / "cardcallback.toml").write_text("charts = true\n")
    assert resolve(folders, {"charts": False}).charts is False


@pytest.mark.parametrize(
    ("text", "expected"), [("1", True), ("yes", True), ("ON", True), ("0", False), ("false", False)]
)
def test_variables_are_read_as_switches(folders: tuple[Path, Path], text: str, expected: bool) -> None:  # noqa: FBT001
    """The usual words for on and off are understood in variables."""
    assert resolve(folders, environ={"CARDCALLBACK_CHARTS": text}).charts is expected


def test_place_gives_its_factor(folders: tuple[Path, Path]) -> None:
    """A place is kept by its code and gives the table's factor."""
    settings = resolve(folders, {"location": "germany"})
    assert settings.location == "DE"
    assert settings.factor is not None
    assert (settings.factor.grams_per_kwh, settings.factor.year) == (344.14, 2024)


def test_own_factor_goes_before_the_table_and_keeps_the_name(folders: tuple[Path, Path]) -> None:
    """Both place and factor given: the person's figure, under the place's name."""
    factor = resolve(folders, {"location": "DE", "carbon_intensity_grams_per_kwh": 20}).factor
    assert factor is not None
    assert (factor.grams_per_kwh, factor.place, factor.source) == (20.0, "Germany", "given by the user")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"location": "Grmany"}, "location: no grid factor for the place 'Grmany': nearest are Germany (DE)"),
        ({"location": 49}, "location needs text, not int"),
        ({"carbon_intensity_grams_per_kwh": -1}, "carbon_intensity_grams_per_kwh: carbon intensity must be 0, or 1"),
        ({"carbon_intensity_grams_per_kwh": 344_000}, "give grams, not kilograms"),
        ({"pue": 0.9}, "pue: PUE must be between 1 and 10"),
        ({"pue": "1.2"}, "pue needs a number, not '1.2'"),
        ({"pue": True}, "pue needs a number, not True"),
        ({"pue": float("nan")}, "pue needs a number, not nan"),
        ({"sampling_interval_seconds": -1}, "sampling_interval_seconds needs between 0.01 and 600 seconds, not -1"),
        ({"sampling_interval_seconds": 0}, "not 0; leave it out"),
        ({"charts": "yes"}, "charts needs true or false, not 'yes'"),
        ({"charts": 1}, "charts needs true or false, not 1"),
        ({"publish": "none"}, "publish needs one of card, pictures, all, not 'none'"),
        ({"base_model": "/data/models/gemma"}, "base_model needs a Hub id"),
        ({"base_model": "../gemma"}, "base_model needs a Hub id"),
        ({"base_model": "a/b/c"}, "base_model needs a Hub id"),
        ({"base_model": "google/"}, "base_model needs a Hub id"),
        ({"base_model": "my-finetune"}, "as organisation/name"),
        ({"base_model": "gemma.gguf"}, "as organisation/name"),
        ({"base_model": "org/gemma.gguf"}, "as organisation/name"),
        ({"base_model": "a--b/c"}, "as organisation/name"),
        ({"stage": "two\nlines"}, "stage needs a short name on one line"),
        ({"stage": ""}, "stage needs a short name on one line"),
        ({"previous": "nowhere"}, "previous: no record at"),
        ({"template": "missing.md"}, "template cannot be read"),
        ({"template": 7}, "template needs a path"),
        ({"log_metrics": "yes"}, "log_metrics needs true or false, not 'yes'"),
        ({"estimate_rest": "yes"}, "estimate_rest needs true or false, not 'yes'"),
        ({"locaton": "DE"}, "unknown argument: 'locaton'; did you mean location?"),
        ({"zzz": 1}, "there are location, "),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_cure(
    folders: tuple[Path, Path], arguments: dict[str, Any], said: str
) -> None:
    """Each bad value is refused on one line that names the setting and what to give."""
    assert said in refusal(folders, arguments)


@pytest.mark.parametrize(
    "name",
    [
        "README",
        "card.txt",
        "../README.md",
        "sub/README.md",
        "/etc/x.md",
        "a\\b.md",
        "C:x.md",
        ".md",
        "..md",
        "a\nb.md",
        "a\0.md",
    ],
)
def test_card_stays_a_file_of_the_output_folder(folders: tuple[Path, Path], name: str) -> None:
    """Only the bare name of a Markdown file is a card: nothing that leads elsewhere."""
    assert "bare file name ending in .md" in refusal(folders, {"card": name})


@pytest.mark.parametrize("name", ["README.md", "Model card.MD", "übersicht.md"])
def test_card_may_have_any_plain_name(folders: tuple[Path, Path], name: str) -> None:
    """Case, blanks and letters of any language are fine."""
    assert resolve(folders, {"card": name}).card == name


def test_template_is_read_at_construction(folders: tuple[Path, Path]) -> None:
    """Its text is kept with its line ends, so a later change of the file does not reach this run."""
    (folders[0] / "t.md").write_bytes(b"\xef\xbb\xbf# A\r\n")
    settings = resolve(folders, {"template": Path("t.md")})
    (folders[0] / "t.md").unlink()
    assert settings.template_text == "\ufeff# A\r\n"


@pytest.mark.parametrize("content", [b"caf\xe9", "text".encode("utf-16")])
def test_template_must_be_utf8(folders: tuple[Path, Path], content: bytes) -> None:
    """A template in another encoding is refused, not guessed at."""
    (folders[0] / "t.md").write_bytes(content)
    assert "template is not UTF-8" in refusal(folders, {"template": "t.md"})


def test_template_may_not_be_a_folder(folders: tuple[Path, Path]) -> None:
    """A folder is refused with the system's reason."""
    assert "Is a directory" in refusal(folders, {"template": "."})


def test_paths_of_a_file_start_from_its_folder(folders: tuple[Path, Path]) -> None:
    """A relative path in the user's file is relative to that file, not to where training starts."""
    (folders[1] / "house.md").write_text("# House style\n")
    (folders[1] / "cardcallback.toml").write_text('template = "house.md"\n')
    assert resolve(folders).template_text == "# House style\n"


def test_previous_is_a_record_that_can_be_read(folders: tuple[Path, Path]) -> None:
    """A stage before may be given as its output folder; a damaged record is refused now, not after training."""
    record = folders[0] / "sft" / "training_run" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text(encode(make_record()))
    assert resolve(folders, {"previous": "sft"}).previous == folders[0] / "sft"
    record.write_text("{")
    assert "previous: record.json is damaged" in refusal(folders, {"previous": "sft"})


def test_previous_may_be_a_folder_that_has_no_record(folders: tuple[Path, Path]) -> None:
    """A stage that was trained without the callback: the card says that it is missing."""
    (folders[0] / "sft").mkdir()
    assert resolve(folders, {"previous": "sft"}).previous == folders[0] / "sft"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"pue = ", "cardcallback.toml is not TOML"),
        (b"\xff\xfe", "cardcallback.toml is not TOML"),
        (b"puu = 1.2", "unknown setting in cardcallback.toml: 'puu'; did you mean pue?"),
        (b'pue = "1.2"', "pue in cardcallback.toml needs a number"),
        (b"location = 1", "location in cardcallback.toml needs text"),
        (b"[tool]\npue = 1", "unknown setting in cardcallback.toml: 'tool'"),
        (b"charts = 1", "charts in cardcallback.toml needs true or false"),
        (b"#" * (1024**2 + 1), "larger than any settings file"),
    ],
)
def test_bad_settings_file(folders: tuple[Path, Path], content: bytes, said: str) -> None:
    """A settings file is refused with its name, the setting and the cure."""
    (folders[0] / "cardcallback.toml").write_bytes(content)
    assert said in refusal(folders)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable_settings_file(folders: tuple[Path, Path]) -> None:
    """A file that may not be read is an error: what it says must not be left out in silence."""
    path = folders[0] / "cardcallback.toml"
    path.write_text("pue = 1.2\n")
    path.chmod(stat.S_IWUSR)
    assert "cannot be read" in refusal(folders)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CARDCALLBACK_PUE": "much"}, "CARDCALLBACK_PUE needs a number, not 'much'"),
        ({"CARDCALLBACK_CHARTS": "maybe"}, "CARDCALLBACK_CHARTS needs 1 or 0, not 'maybe'"),
        ({"CARDCALLBACK_LOCATON": "DE"}, "unknown variable CARDCALLBACK_LOCATON: did you mean CARDCALLBACK_LOCATION?"),
        ({"CARDCALLBACK_DISABLE": "perhaps"}, "CARDCALLBACK_DISABLE needs 1 or 0"),
        ({"CARDCALLBACK_LOG_METRICS": "often"}, "CARDCALLBACK_LOG_METRICS needs 1 or 0, not 'often'"),
    ],
)
def test_bad_variables(folders: tuple[Path, Path], environ: dict[str, str], said: str) -> None:
    """A variable is refused under its own name; a near miss of a known one too."""
    assert said in refusal(folders, environ=environ)


def test_variables_of_others_are_left_alone(folders: tuple[Path, Path]) -> None:
    """A variable that only shares the prefix is somebody else's."""
    assert resolve(folders, environ={"CARDCALLBACK_SIMULATOR_PROFILE": "gb10"}) == Settings()


def test_disabled_asks_nothing_else(folders: tuple[Path, Path]) -> None:
    """Turned off, even a bad argument or file cannot stop training."""
    (folders[0] / "cardcallback.toml").write_text("broken")
    settings = resolve(folders, {"pue": 0.5}, {"CARDCALLBACK_DISABLE": "1"})
    assert settings.disabled


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        ({}, "/"),
        ({"CARDCALLBACK_SYSTEM_ROOT": "/recorded"}, "/"),
        ({"CARDCALLBACK_SYSTEM_ROOT": "/recorded", "CARDCALLBACK_SIMULATED": "0"}, "/"),
        ({"CARDCALLBACK_SYSTEM_ROOT": "/recorded", "CARDCALLBACK_SIMULATED": "1"}, "/recorded"),
        ({"CARDCALLBACK_SIMULATED": "1"}, "/"),
    ],
)
def test_recorded_system_only_in_a_simulation(environ: dict[str, str], root: str) -> None:
    """A recorded system root is honoured only where the run says that it is simulated."""
    assert system_root(environ) == Path(root)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/home/a"}, "/home/a/.config/cardcallback"),
        ({"HOME": "/home/a", "XDG_CONFIG_HOME": "/x"}, "/x/cardcallback"),
        ({"HOME": "/home/a", "XDG_CONFIG_HOME": "relative"}, "/home/a/.config/cardcallback"),
        ({"HOME": "relative"}, "/etc/xdg/cardcallback"),
    ],
)
def test_users_folder(environ: dict[str, str], folder: str) -> None:
    """The user's folder follows the XDG rule, which ignores relative paths."""
    assert user_config_directory(environ) == Path(folder)


def test_switch_is_off_unless_on() -> None:
    """An unset or empty switch is off."""
    assert not is_switched_on({}, "SIMULATED")
    assert not is_switched_on({"CARDCALLBACK_SIMULATED": ""}, "SIMULATED")
    assert is_switched_on({"CARDCALLBACK_SIMULATED": "true"}, "SIMULATED")


def test_settings_travel_between_processes(folders: tuple[Path, Path]) -> None:
    """A hyper-parameter search copies the callback: its settings survive that."""
    settings = resolve(folders, {"location": "DE", "pue": 1.1})
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes


@pytest.mark.parametrize("name", ["location", "carbon_intensity_grams_per_kwh"])
def test_a_setting_of_the_wrong_kind_is_named_once(folders: tuple[Path, Path], name: str) -> None:
    """Not "location: location needs text, not list"."""
    assert refusal(folders, {name: []}).count(name) == 1
