"""``cardcallback check``: what it prints, its exit codes, and that it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checked import GOOD_MATTER

from cardcallback.check import check_card
from cardcallback.cli import main
from cardcallback.record import encode
from cardcallback.testing import make_record

GOOD = f"{GOOD_MATTER}\n# Ours\n\nWords.\n"


def run(*arguments: str | Path) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder with a record and the card that was rendered from it."""
    (tmp_path / "training_run").mkdir()
    (tmp_path / "training_run" / "record.json").write_text(encode(make_record(carbon=None)))
    (tmp_path / "README.md").write_text(GOOD)
    assert run("render", tmp_path, "--card", tmp_path / "README.md", "--location", "DE") == 0
    return tmp_path


def test_a_good_card_gives_zero(tmp_path: Path, capsys: Any) -> None:
    """And says so."""
    (tmp_path / "README.md").write_text(GOOD)
    assert run("check", tmp_path / "README.md") == 0
    assert capsys.readouterr().out == "nothing found\n"


def test_errors_give_four_with_lines(tmp_path: Path, capsys: Any) -> None:
    """One line for each: where, what is wrong, what to do."""
    card = tmp_path / "card.md"
    card.write_text(GOOD + "\n- **Epochs:** [X]\n")
    assert run("check", card) == 4
    out = capsys.readouterr().out.splitlines()
    line = GOOD.count("\n") + 2
    assert out == [
        f"card.md:{line}: error: a placeholder is left: [X]: write what belongs there, or delete the line",
        "1 error, 0 hints",
    ]


def test_hints_alone_give_zero(tmp_path: Path, capsys: Any) -> None:
    """They may be meant."""
    (tmp_path / "README.md").write_text("# Ours\n\nWords.\n")
    assert run("check", tmp_path) == 0
    assert "0 errors, 1 hint" in capsys.readouterr().out


def test_json_is_data_only(tmp_path: Path, capsys: Any) -> None:
    """With the same exit code."""
    (tmp_path / "README.md").write_text(GOOD.replace("google/gemma-3-4b-it", "./outputs/x"))
    assert run("check", tmp_path, "--json") == 4
    document = json.loads(capsys.readouterr().out)
    assert document["errors"] == 1
    assert document["findings"][0]["rule"] == "local-path"
    assert document["findings"][0]["line"] == 6


def test_a_rendered_card_agrees_with_its_record(output: Path, capsys: Any) -> None:
    """Pictures lie beside it, figures follow from the record, and nothing is written."""
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert run("check", output, "--record", output) == 0
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    assert "nothing found" in capsys.readouterr().out


def test_a_missing_picture_is_found(output: Path, capsys: Any) -> None:
    """Of our own section too."""
    (output / "training_run" / "loss_curve.png").unlink()
    assert run("check", output) == 4
    assert "training_run/loss_curve.png is not beside the card" in capsys.readouterr().out


def test_a_picture_outside_the_folder_is_not_published(tmp_path: Path) -> None:
    """What lies beside the folder does not reach the Hub."""
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    (folder / "README.md").write_text(GOOD + "\n![a](../a.png)\n")
    assert run("check", folder) == 4


def test_a_changed_digit_gives_four(output: Path, capsys: Any) -> None:
    """In the front matter as in the section."""
    card = output / "README.md"
    card.write_text(card.read_text().replace("emissions: 37", "emissions: 39"))
    assert run("check", card, "--record", output) == 4
    assert "co2_eq_emissions, emissions says 39, where the record gives 37" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["card", "record"])
def test_nothing_to_work_on_gives_three(tmp_path: Path, capsys: Any, missing: str) -> None:
    """A card or a record that is not there, in one line."""
    card = tmp_path / "README.md"
    card.write_text(GOOD)
    arguments = [tmp_path / "none.md"] if missing == "card" else [card, "--record", tmp_path / "none"]
    assert run("check", *arguments) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_card_that_is_no_text_gives_one(tmp_path: Path, capsys: Any) -> None:
    """The person's mistake, in one line."""
    card = tmp_path / "README.md"
    card.write_bytes(b"\xff\xfe\x00")
    assert run("check", card) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_cards_text_steers_no_terminal(tmp_path: Path, capsys: Any) -> None:
    """What is quoted from it is made visible."""
    card = tmp_path / "README.md"
    card.write_text(GOOD + "\n- **A:** [e.g., \x1b[31mred]\n- **B:** [e.g., \u202egel]\n")
    assert run("check", card) == 4
    assert "\x1b" not in capsys.readouterr().out


def test_a_card_filled_by_labels_of_ones_own_is_read_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A changed digit is found, what is filled is no false alarm, and what is left is a placeholder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(
        "placeholders: [fehlt]\nrows:\n  - {label: [Rang], value: lora_rank}\n  - {label: Kehrwert, value: energy}\n"
    )
    monkeypatch.setenv("CARDCALLBACK_LABELS", "own.yaml")
    card, folder = tmp_path / "README.md", tmp_path / "training_run"
    folder.mkdir()
    (folder / "record.json").write_text(encode(make_record(carbon=None)))
    card.write_text(f"{GOOD_MATTER}\n# Ours\n\n- Rang: fehlt\n- Kehrwert: fehlt\n")
    assert run("render", tmp_path, "--card", card, "--no-charts", "--location", "DE") == 0
    assert "- Rang: 16\n" in card.read_text()
    capsys.readouterr()
    assert run("check", card, "--record", tmp_path) == 0
    card.write_text(card.read_text().replace("- Rang: 16\n", "- Rang: 18\n"))
    assert run("check", card, "--record", tmp_path) == 4
    assert "18" in capsys.readouterr().out
    card.write_text(f"{GOOD_MATTER}\n# Ours\n\n- Rang: 8\n- Kehrwert: fehlt\n")
    assert run("check", card, "--record", tmp_path) == 4
    out = capsys.readouterr().out
    assert "a placeholder is left: fehlt" in out
    assert "it says 8" in out


def test_a_value_beside_a_label_of_ones_own_is_held_against_the_record() -> None:
    """As beside ours: a person wrote it, and the run was another."""
    own = "rows:\n  - {label: [Rang], value: lora_rank}\n  - {label: Rang, heading: Adapter, value: epochs}\n"
    card = f"{GOOD_MATTER}\n# Ours\n\n- Rang: 8\n"
    found = [one.what for one in check_card(card, record=make_record(), own_labels=own)]
    assert any("Rang says 8" in what for what in found)
    assert not any("Rang" in one.what for one in check_card(card, record=make_record()))


def test_what_is_no_card_is_refused(output: Path, tmp_path: Path, capsys: Any) -> None:
    """A record in a card's place would pass with a hint, and a folder without a card is named."""
    assert run("check", output / "training_run" / "record.json") == 1
    assert "record.json is no card" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("check", empty) == 3
    assert f"there is no README.md in {empty}" in capsys.readouterr().err


def test_the_list_of_commands_says_each_whole(capsys: Any) -> None:
    """A sentence that is cut off in the middle tells nobody which command to take."""
    assert run("--help") == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert "doctor" in listed
    assert "..." not in listed
