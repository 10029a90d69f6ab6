"""``cardcallback render``: what it prints, what it writes, and what it never touches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cardcallback.carbon import chosen_factor
from cardcallback.cli import main
from cardcallback.record import Card, Fill, Measurement, encode, load_run
from cardcallback.testing import make_record


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder with the made-up run's record, which has a field of a later version."""
    folder = tmp_path / "output"
    (folder / "training_run").mkdir(parents=True)
    document = json.loads(encode(make_record(carbon=None)))
    document["later"] = {"kept": True}
    document["training"]["later"] = 1
    (folder / "training_run" / "record.json").write_text(json.dumps(document))
    return folder


def run(*arguments: str | Path) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_prints_and_changes_nothing(output: Path, capsys: Any) -> None:
    """Without --card the section goes to the terminal and no file changes."""
    before = snapshot(output)
    assert run("render", output, "--location", "DE") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("## Training, hardware and environmental impact")
    assert "344 g/kWh (Germany, 2024 average, lifecycle" in printed.out
    assert printed.err == ""
    assert snapshot(output) == before


def test_without_a_place_energy_is_explained(output: Path, capsys: Any) -> None:
    """No place: no CO2e figure, but what the energy means in two grids."""
    assert run("render", output / "training_run" / "record.json") == 0
    out = capsys.readouterr().out
    assert "3.3 g in Norway" in out
    assert "76 g in India" in out


def test_card_and_record_are_written_and_unknown_fields_kept(output: Path) -> None:
    """With --card both files hold the new figure, and what a later version wrote stays."""
    assert run("render", output, "--card", output / "README.md", "--location", "DE") == 0
    document = json.loads((output / "training_run" / "record.json").read_text())
    assert document["carbon"]["emissions_grams"] == pytest.approx(36.8, abs=0.05)
    assert document["carbon"]["factor"]["place"] == "Germany"
    assert document["later"] == {"kept": True}
    assert document["training"]["later"] == 1
    assert document["card"]["body"] == "hub template"
    card = (output / "README.md").read_text()
    assert "emissions: 37\n" in card
    assert "geographical_location: Germany" in card
    assert (output / "training_run" / "loss_curve.png").is_file()


def test_a_run_that_publishes_no_record_is_rendered(output: Path, capsys: Any) -> None:
    """With publish="pictures" the folder still stands for its run; the record stays aside and no picture is added."""
    assert run("render", output, "--card", output / "README.md") == 0
    pictures = sorted(path.name for path in (output / "training_run").glob("*.png"))
    (output / "_cardcallback" / "training_run").mkdir(parents=True)
    aside = output / "_cardcallback" / "training_run" / "record.json"
    (output / "training_run" / "record.json").replace(aside)
    capsys.readouterr()
    assert run("render", output) == 0
    assert "loss_curve.png" in capsys.readouterr().out
    (output / "training_run" / pictures[0]).unlink()
    assert run("render", output, "--card", output / "README.md", "--location", "DE") == 0
    assert load_run(aside).carbon is not None
    assert [path.name for path in (output / "training_run").iterdir()] == pictures[1:]


def put_pictures(output: Path, content: bytes) -> None:
    """Pictures beside the record; nothing looks at more than that they are PNG files."""
    for name in ("loss_curve.png", "power_and_memory.png"):
        (output / "training_run" / name).write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def another_run(output: Path, tmp_path: Path) -> Path:
    """The output folder of another run, which took a minute."""
    other = msgspec.structs.replace(load_run(output), run_id="f" * 32, duration_seconds=60.0)
    folder = tmp_path / "other"
    (folder / "training_run").mkdir(parents=True)
    (folder / "training_run" / "record.json").write_text(encode(other))
    put_pictures(folder, b"other")
    return folder


def test_a_card_shows_no_picture_of_another_run(output: Path, tmp_path: Path, capsys: Any) -> None:
    """Cards of two runs in one folder: the second has no pictures, the first keeps its own, and may be made again."""
    cards = tmp_path / "cards"
    cards.mkdir()
    put_pictures(output, b"first")
    assert run("render", output, "--card", cards / "a.md") == 0
    assert "loss_curve.png" in (cards / "a.md").read_text()
    pictures = snapshot(cards / "training_run")
    capsys.readouterr()
    assert run("render", another_run(output, tmp_path), "--card", cards / "b.md") == 0
    assert "are of another run" in capsys.readouterr().err
    assert ".png" not in (cards / "b.md").read_text()
    assert snapshot(cards / "training_run") == pictures
    assert run("render", output, "--card", cards / "c.md", "--location", "DE") == 0
    assert "are of another run" not in capsys.readouterr().err
    assert "loss_curve.png" in (cards / "c.md").read_text()


def test_a_card_beside_another_runs_record_says_so(output: Path, tmp_path: Path, capsys: Any) -> None:
    """Whoever finds the two would take the one for the other's; the record itself stays."""
    folder = another_run(output, tmp_path)
    record = (folder / "training_run" / "record.json").read_bytes()
    assert run("render", output, "--card", folder / "README.md", "--no-charts") == 0
    assert "record.json stays another run's, and the card beside it is now this one's" in capsys.readouterr().err
    assert (folder / "training_run" / "record.json").read_bytes() == record
    assert run("render", output, "--card", output / "README.md", "--no-charts") == 0
    assert "another run's" not in capsys.readouterr().err


def test_a_record_that_was_set_aside_is_not_shown_by_the_newer_runs_pictures(output: Path, capsys: Any) -> None:
    """They lie beside it, and are of the run that came after it."""
    put_pictures(output, b"newer")
    aside = output / "training_run" / f"record-{'f' * 32}.json"
    aside.write_text(encode(msgspec.structs.replace(load_run(output), run_id="f" * 32)))
    capsys.readouterr()
    assert run("render", aside) == 0
    assert ".png" not in capsys.readouterr().out


def test_what_another_run_filled_in_is_warned_of(output: Path, tmp_path: Path, capsys: Any) -> None:
    """A copy of a card remembers no fills: another run's would stand there as a person's words."""
    assert run("render", output, "--card", output / "README.md", "--no-charts") == 0
    copy = tmp_path / "copy.md"
    copy.write_bytes((output / "README.md").read_bytes())
    capsys.readouterr()
    assert run("render", output, "--card", copy, "--location", "DE", "--no-charts") == 0
    assert "held the section of another run" not in capsys.readouterr().err
    assert run("render", another_run(output, tmp_path), "--card", copy, "--no-charts") == 0
    assert "held the section of another run" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{not JSON", "", "[" * 100_000])
def test_a_remembered_fill_that_is_no_json_claims_nothing(output: Path, text: str) -> None:
    """A record edited by hand: the card's own value stays, as a person's would, and nothing breaks."""
    card, file = output / "README.md", output / "training_run" / "record.json"
    card.write_text("---\npipeline_tag: text-generation\nbase_model: a/b\n---\n# Mine\n")
    record = load_run(file)
    fills = tuple(
        Fill(heading="front matter", label=key, placeholder="", text=text) for key in ("base_model", "pipeline_tag")
    )
    file.write_text(encode(msgspec.structs.replace(record, card=Card(body="person", filled=fills))))
    assert run("render", output, "--card", card, "--location", "DE") == 0
    assert "base_model: a/b" in card.read_text()


def test_rendering_twice_is_identical(output: Path) -> None:
    """The same command again changes no byte of any file."""
    command = ("render", output, "--card", output / "README.md", "--location", "FR", "--pue", "1.2")
    assert run(*command) == 0
    first = snapshot(output)
    assert run(*command) == 0
    assert snapshot(output) == first


def test_place_may_change_and_is_kept_when_not_given(output: Path) -> None:
    """A new place replaces the old figure everywhere; a later render without one keeps it."""
    card = output / "README.md"
    for location in ("DE", "NO"):
        assert run("render", output, "--card", card, "--location", location) == 0
    text = card.read_text()
    assert "geographical_location: Norway" in text
    assert "Germany" not in text
    assert run("render", output, "--card", card) == 0
    assert card.read_text() == text


def test_the_runs_own_place_comes_back(output: Path, capsys: Any) -> None:
    """After another one was given: on the card and in the record; beside a place the command refuses it."""
    file = output / "training_run" / "record.json"
    document = json.loads(file.read_text())
    document["sessions"][0]["factor"] = json.loads(msgspec.json.encode(chosen_factor("SE", None)))
    file.write_text(json.dumps(document))
    for options, place in ((("--location", "DE"), "Germany"), (("--own-places",), "Sweden")):
        assert run("render", output, "--card", output / "README.md", *options) == 0
        carbon = load_run(output).carbon
        assert carbon is not None
        assert carbon.factor.place == place
        assert place in (output / "README.md").read_text()
    assert run("render", output, "--own-places", "--location", "DE") == 1
    assert "leave --location" in capsys.readouterr().err


def test_persons_text_stays(output: Path) -> None:
    """A card that a person wrote keeps every line of theirs."""
    card = output / "README.md"
    card.write_text("---\nlicense: mit # mine\n---\n# My model\n\nMy words.\n")
    assert run("render", output, "--card", card) == 0
    text = card.read_text()
    assert "license: mit # mine" in text
    assert "# My model\n\nMy words.\n" in text
    assert "## Training, hardware and environmental impact" in text


def test_template_is_filled_and_printed(output: Path, tmp_path: Path, capsys: Any) -> None:
    """--template without --card prints the whole filled card."""
    template = tmp_path / "t.md"
    template.write_text("# House card\n\nOurs.\n")
    assert run("render", output, "--template", template) == 0
    out = capsys.readouterr().out
    assert "# House card" in out
    assert "## Training, hardware and environmental impact" in out
    assert not (output / "README.md").exists()


def test_own_factor_with_a_place_name(output: Path) -> None:
    """--carbon-intensity goes before the table and keeps the place's name."""
    card = output / "README.md"
    assert run("render", output, "--card", card, "--location", "DE", "--carbon-intensity", "20") == 0
    carbon = load_run(output).carbon
    assert carbon is not None
    assert (carbon.factor.grams_per_kwh, carbon.factor.place) == (20.0, "Germany")


def test_overhead_of_the_gpu_alone_is_not_applied_and_said(output: Path, capsys: Any) -> None:
    """--pue with GPU scope changes no figure; the person and the record are told."""
    assert run("render", output, "--card", output / "README.md", "--location", "DE", "--pue", "1.5") == 0
    assert "not applied" in capsys.readouterr().err
    carbon = load_run(output).carbon
    assert carbon is not None
    assert carbon.pue is None
    assert carbon.emissions_grams == pytest.approx(36.8, abs=0.05)


def test_overhead_without_a_place_says_what_is_missing(output: Path, capsys: Any) -> None:
    """--pue alone on a record without a place gives no figure and says why."""
    assert run("render", output, "--pue", "1.5") == 0
    assert "no CO2e figure: no place given" in capsys.readouterr().err


def test_overhead_of_a_measured_machine_is_kept_with_a_new_place(output: Path) -> None:
    """Changing the place of a whole-machine figure keeps the overhead given before."""
    record = load_run(output)
    system = Measurement(value=3.6e6, unit="joules", source="meter", method="counter", coverage=1.0)
    record = msgspec.structs.replace(record, energy=msgspec.structs.replace(record.energy, system=system))
    (output / "training_run" / "record.json").write_text(encode(record))
    card = output / "README.md"
    assert run("render", output, "--card", card, "--location", "DE", "--pue", "1.5") == 0
    assert run("render", output, "--card", card, "--location", "NO") == 0
    carbon = load_run(output).carbon
    assert carbon is not None
    assert carbon.emissions_grams == pytest.approx(30.75 * 1.5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "record.json is damaged"),
        (b'{"schema_version": 99}', "newer than 1: upgrade cardcallback"),
        (b"[]", "not a cardcallback record"),
        (b"\xff\xfe\x00", "record.json is damaged"),
    ],
)
def test_bad_record_changes_nothing(output: Path, capsys: Any, content: bytes, said: str) -> None:
    """A damaged or newer record is one line, exit code 1, and an untouched folder."""
    (output / "training_run" / "record.json").write_bytes(content)
    (output / "README.md").write_text("mine\n")
    before = snapshot(output)
    assert run("render", output, "--card", output / "README.md", "--location", "DE") == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert snapshot(output) == before


def test_a_card_in_place_of_a_record_is_no_damaged_record(output: Path, capsys: Any) -> None:
    """Who names the file beside the record is told which one it is, not to train again."""
    (output / "README.md").write_text("mine\n")
    assert run("render", output / "README.md") == 1
    said = "README.md is no record: give an output folder or its training_run/record.json"
    assert capsys.readouterr().err == f"cardcallback: {said}\n"


def test_missing_record_is_nothing_to_work_on(tmp_path: Path, capsys: Any) -> None:
    """No record: exit code 3 and one line."""
    assert run("render", tmp_path / "absent", "--card", tmp_path / "README.md") == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--location", "Grmany"), "nearest are Germany (DE)"),
        (("--pue", "0.5"), "PUE must be between 1 and 10"),
        (("--carbon-intensity", "-1"), "carbon intensity must be 0, or 1"),
        (("--template", "absent.md"), "template cannot be read"),
    ],
)
def test_bad_option_changes_nothing(output: Path, capsys: Any, options: tuple[str, ...], said: str) -> None:
    """A wrong value is one line with the cure, exit code 1, and an untouched folder."""
    before = snapshot(output)
    assert run("render", output, "--card", output / "README.md", "--location", "DE", *options) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert snapshot(output) == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("README.md", b"---\nlicense: [\n---\nMine.\n", ""),
        ("README.md", b"caf\xe9\n", "UTF-8"),
        ("card.txt", b"mine\n", "no Markdown file"),
        ("training_run/record.json", None, "no Markdown file"),
    ],
)
def test_card_that_cannot_be_edited_stays_whole(
    output: Path, capsys: Any, name: str, content: bytes | None, said: str
) -> None:
    """Broken front matter, another encoding or another kind of file: one line, nothing changed."""
    if content is not None:
        (output / name).write_bytes(content)
    before = snapshot(output)
    assert run("render", output, "--card", output / name, "--location", "DE") == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert snapshot(output) == before


def test_card_in_a_folder_that_is_not_there(output: Path, capsys: Any) -> None:
    """The folder is named, and the record keeps what it had."""
    before = snapshot(output)
    assert run("render", output, "--card", output / "no" / "README.md", "--location", "DE") == 1
    assert "is not there: nothing was changed" in capsys.readouterr().err
    assert snapshot(output) == before


def test_what_was_not_written_is_not_called_filled(output: Path, tmp_path: Path, capsys: Any) -> None:
    """A folder that is not there is the one thing that is said."""
    (tmp_path / "template.md").write_text("# Card\n\n- Training time: [X]\n")
    options = ("--template", tmp_path / "template.md")
    assert run("render", output, "--card", output / "no" / "README.md", *options) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert run("render", output, "--card", output / "README.md", *options) == 0
    assert "filled" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder in which nobody can make a file")
@pytest.mark.parametrize("options", [(), ("--no-charts",)])
def test_a_folder_that_takes_no_files_is_said_in_words(output: Path, capsys: Any, options: tuple[str, ...]) -> None:
    """Also where it seems to be writable, as for root."""
    before = snapshot(output)
    assert run("render", output, "--card", "/proc/card.md", *options) == 1
    error = capsys.readouterr().err
    assert error.startswith("cardcallback: ")
    assert "Errno" not in error
    assert error.count("\n") == 1
    assert snapshot(output) == before


@pytest.mark.parametrize("arguments", [("render",), ("render", "x", "--nonsense"), ("nonsense",)])
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    """A missing argument, an unknown option and an unknown command end with exit code 2."""
    assert run(*arguments) == 2


def test_a_reader_that_left_is_told_nothing(output: Path) -> None:
    """``cardcallback render ... | head``: no traceback and no complaint of the interpreter at its end."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "cardcallback", "render", str(output)]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_message_cannot_steer_the_terminal(tmp_path: Path, capsys: Any) -> None:
    """Control characters of a name are shown, not sent."""
    assert run("render", tmp_path / "a\x1b[31m\nb") == 3
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert error.count("\n") == 1


def test_a_contracts_factor_needs_the_grids(output: Path, capsys: Any) -> None:
    """Market-based never stands alone; beside the place it is told as what it is."""
    assert run("render", output, "--market-intensity", "0") == 1
    assert "--location" in capsys.readouterr().err
    assert run("render", output, "--market-intensity", "20", "--location", "DE") == 0
    out = capsys.readouterr().out
    assert "37 g" in out
    assert "Market-based, by a contract's factor (20.0 g/kWh, given by the user): 2.1 g" in out


def test_what_became_of_each_placeholder_is_told_beside_the_card(output: Path, tmp_path: Path, capsys: Any) -> None:
    """Filled, left and why, not recognised: on stderr, so that a pipe receives the card alone."""
    template = tmp_path / "t.md"
    template.write_text("## Training\n\n- LoRA Rank: [X]\n- Carbon Emitted: [X]\n- Colour: [X]\n")
    assert run("render", output, "--template", template) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "cardcallback: filled 1: LoRA Rank",
        "cardcallback: left 1: Carbon Emitted (not known from this run)",
        "cardcallback: not recognised 1: Colour",
    ]
    assert "- LoRA Rank: 16\n" in printed.out


def test_own_labels_are_used(output: Path, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """A file of one's own labels, named in the settings of the folder one works in; a wrong one changes nothing."""
    template = tmp_path / "t.md"
    template.write_text("- Rang: [X]\n")
    (tmp_path / "own.yaml").write_text("rows: [{label: Rang, value: lora_rank}]")
    (tmp_path / "cardcallback.toml").write_text('labels = "own.yaml"\n')
    monkeypatch.chdir(tmp_path)
    assert run("render", output, "--template", template) == 0
    assert "- Rang: 16\n" in capsys.readouterr().out
    (tmp_path / "own.yaml").write_text("rows: [{label: Rang}]")
    assert run("render", output, "--template", template, "--card", tmp_path / "README.md") == 1
    assert "both or neither of value and leave" in capsys.readouterr().err
    assert not (tmp_path / "README.md").exists()


@pytest.mark.parametrize(
    "matter",
    [
        "language: {{ language|default('en') }}\ntags:\n{% for tag in tags %}\n- {{ tag }}\n{% endfor %}\n",
        "{{#if license}}\nlicense: {{license}}\n{{/if}}\n",
    ],
)
def test_front_matter_that_is_a_template_stays(output: Path, tmp_path: Path, matter: str, capsys: Any) -> None:
    """It is no YAML before somebody fills it in: it stays byte for byte, the card is completed, and it is said."""
    template, card = tmp_path / "template.md", output / "README.md"
    begin = f"\ufeff---\n{matter}---\n"
    template.write_text(f"{begin}\n# Model\n\n## Training\n\n- Epochs: [X]\n", encoding="utf-8")
    options = ("render", output, "--card", card, "--template", template, "--location", "DE", "--no-charts")
    assert run(*options) == 0
    first = card.read_text(encoding="utf-8")
    assert "the front matter is a template" in capsys.readouterr().err
    assert first.startswith(f"{begin}\n# Model\n")
    assert "- Epochs: 1\n" in first
    assert run("render", output, "--card", card, "--no-charts") == 0
    assert card.read_text(encoding="utf-8") == first
