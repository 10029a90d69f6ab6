"""A person's own labels: a file named in the settings, checked before training, and used for every card."""

from __future__ import annotations

import inspect
from importlib import resources
from pathlib import Path

import pytest
import yaml
from folder_cards import open_folder

from cardcallback import CardCallback
from cardcallback.errors import CardCallbackError
from cardcallback.render.card.filling import default_label_map, read_label_map
from cardcallback.settings import Settings, own_labels_text, resolve_settings
from cardcallback.testing import make_record

OWN = "rows:\n  - {label: Rang, value: lora_rank}\n"


def resolve(
    folder: Path, environ: dict[str, str] | None = None, arguments: dict[str, object] | None = None
) -> Settings:
    """The settings, with ``folder`` as the working folder."""
    return resolve_settings(
        arguments or {}, environ=environ or {}, working_directory=folder, user_config_directory=folder / "none"
    )


def test_they_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    """The variable goes before the file; either is read at construction, relative to where it was written."""
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "other.yaml").write_text("rows: []\n")
    assert resolve(tmp_path).labels_text is None
    (tmp_path / "cardcallback.toml").write_text('labels = "own.yaml"\n')
    assert resolve(tmp_path).labels_text == OWN
    variable = {"CARDCALLBACK_LABELS": "other.yaml"}
    assert resolve(tmp_path, variable).labels_text == "rows: []\n"
    places = {"working_directory": tmp_path, "user_config_directory": tmp_path / "none"}
    assert own_labels_text(environ={}, **places) == OWN
    assert own_labels_text(environ=variable, **places) == "rows: []\n"


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "labels cannot be read"), (b"\xff\xfe", "labels is not UTF-8")]
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """Before training, in one line."""
    if content is not None:
        (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(CardCallbackError, match=problem) as raised:
        resolve(tmp_path, {"CARDCALLBACK_LABELS": "own.yaml"})
    assert "\n" not in str(raised.value)


def test_a_wrong_row_is_refused_when_the_callback_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the card is written, hours later."""
    (tmp_path / "own.yaml").write_text("rows:\n  - {label: Rang, value: rang}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARDCALLBACK_LABELS", "own.yaml")
    with pytest.raises(CardCallbackError, match=r"your own labels asks for the unknown value 'rang' at 'Rang': give"):
        CardCallback(quiet=True)


def test_they_are_no_argument(tmp_path: Path) -> None:
    """The public interface is what it was."""
    with pytest.raises(CardCallbackError, match="unknown argument: 'labels'"):
        resolve(tmp_path, arguments={"labels": "own.yaml"})
    assert "labels" not in inspect.signature(CardCallback).parameters


def test_a_run_fills_its_card_with_them(tmp_path: Path) -> None:
    """The card in the output folder, by a label that only the person's own map has."""
    (tmp_path / "README.md").write_text("# Karte\n\n- **Rang:** [X]\n")
    folder = open_folder(tmp_path, labels=OWN)
    folder.write_card(make_record(), pictures=False)
    assert "- **Rang:** 16\n" in (tmp_path / "README.md").read_text()


def test_own_topics_stand_beside_ours() -> None:
    """A group of words of the person's own is none of those that ship."""
    own = read_label_map("topics:\n  training: [nachschulung]\n  mine: [steckbrief]\n")
    topics = own.before(default_label_map()).topics
    assert topics["mine"] == ("steckbrief",)
    assert topics["training"][:2] == ("nachschulung", "training")
    assert topics["card"] == default_label_map().topics["card"]


def test_the_map_that_ships_reads_the_same_in_old_and_new_yaml() -> None:
    """The parser in C takes words such as "on" for truth values where they stand without quotes."""
    shipped = resources.files("cardcallback.render.card").joinpath("labels.yaml").read_text(encoding="utf-8")
    assert read_label_map(shipped) == default_label_map()
    assert yaml.__with_libyaml__
