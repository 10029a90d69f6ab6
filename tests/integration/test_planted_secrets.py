"""Nothing that tells whose run this was, on which machine, where or at what time is in any file of ours."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from planted import HOST, MAC, PLANTED, TOKEN, USER, machine_names, now, told_by
from tiny import make_trainer

from cardcallback import CardCallback, load_run
from simulator import profile_named

pytestmark = pytest.mark.training
# The simulated one's own serial is all zeros, which many a number holds too.
DEVICE = replace(profile_named("gb10").devices[0], serial="1650123987654")
MACHINE = replace(profile_named("gb10"), devices=(DEVICE,))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder and a machine whose every name could tell on somebody."""
    folder = tmp_path / "home" / USER
    folder.mkdir(parents=True)
    (folder / ".gitconfig").write_text("[user]\nemail = ada@analytical.example\nname = Countess Lovelace\n")
    for name, value in (PLANTED | {"HOME": str(folder), "HF_DATASETS_CACHE": str(folder / "cache")}).items():
        monkeypatch.setenv(name, value)
    for owner, name, value in machine_names():
        monkeypatch.setattr(owner, name, value)
    monkeypatch.chdir(folder)
    return folder


def secrets(home: Path) -> dict[str, str]:
    """Whatever may be in no file, by what it is."""
    named = dict(PLANTED) | {
        "home": str(home),
        "private folder": "thesis-draft",
        "e-mail": "analytical.example",
        "address": "198.51.100",
        "MAC": f"{MAC:012x}",
        "MAC with colons": ":".join(f"{byte:02x}" for byte in MAC.to_bytes(6, "big")),
        "GPU UUID": DEVICE.uuid.removeprefix("GPU-"),
        "GPU serial": DEVICE.serial,
        "data": "confidential-patients",
    }
    return {what: text for what, text in named.items() if len(text) > 4}


def train(home: Path, prepare: Any = None, trainer: Any = None, **settings: Any) -> Path:
    """An SFT run on a model and data from the person's own folders; where it wrote."""
    data = home / "thesis-draft" / "confidential-patients.json"
    data.parent.mkdir()
    rows = [json.dumps({"text": f"the quick brown fox {word}"}) for word in ("jumps", "over", "a")]
    data.write_text("\n".join(rows))
    output = home / "thesis-draft" / "out"
    output.mkdir()
    if prepare is not None:
        prepare(output)
    trained = make_trainer(
        "sft-peft",
        output,
        base_folder=home / "thesis-draft" / "base",
        train_dataset=load_dataset("json", data_files=str(data), split="train"),
        callbacks=[CardCallback(location="DE", **settings)],
        save_strategy="steps",
        save_steps=2,
        eval_strategy="steps",
        eval_steps=2,
        run_name=f"{USER}-{HOST}",
        **(trainer or {}),
    )
    trained.evaluate()
    trained.train()
    trained.save_model(str(output / "final"))
    return output


def files_of_ours(output: Path) -> list[Path]:
    """Everything that we write or edit: cards, records, pictures and all that is in our own folder."""
    ours = [path for name in ("training_run", "_cardcallback") for path in output.rglob(f"{name}/**/*")]
    return sorted({path for path in [*ours, *output.rglob("README.md")] if path.is_file()})


def told(path: Path, home: Path) -> list[str]:
    """Which secrets a file tells."""
    return told_by(path.read_bytes(), secrets(home), is_text=path.suffix in {".md", ".json"})


def check(output: Path, home: Path, expected: set[str]) -> None:
    """Every file that should be there is, and none tells anything."""
    files = files_of_ours(output)
    assert expected <= {path.relative_to(output).as_posix() for path in files}
    assert {path.relative_to(output).as_posix(): told(path, home) for path in files if told(path, home)} == {}


def test_a_run_full_of_secrets_tells_none(home: Path, simulate: Any) -> None:
    """Cards of the run, its checkpoints and a copy, the record, the pictures and our own folder."""
    simulate(MACHINE, driven=False)
    output = train(home, lambda folder: (folder / "README.md").write_text("# Mine\n"))
    record = load_run(output)
    assert record.status == "completed"
    assert record.energy.gpu.value is not None
    expected = {"README.md", "training_run/record.json", "training_run/loss_curve.png", "final/README.md"}
    check(output, home, expected | {"_cardcallback/card.json", "checkpoint-2/README.md"})


def test_what_is_not_published_tells_none_either(home: Path, simulate: Any) -> None:
    """Not every upload leaves out names with an underscore."""
    simulate(MACHINE, driven=False)
    output = train(home, publish="card")
    check(output, home, {"README.md", "_cardcallback/training_run/record.json"})


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore::cardcallback.errors.CardCallbackWarning")
def test_a_failure_tells_none(home: Path, simulate: Any) -> None:
    """The operating system's words name the folder; those in the record do not."""
    simulate(MACHINE, driven=False)

    def spoil(folder: Path) -> None:
        (folder / "training_run").mkdir()
        (folder / "training_run" / "loss_curve.png").mkdir()
        (folder / "_cardcallback").mkdir()
        (folder / "_cardcallback" / "card.json").mkdir()

    output = train(home, spoil)
    assert any("could not" in note for note in load_run(output).notes)
    check(output, home, {"README.md", "training_run/record.json"})


def test_what_is_planted_is_looked_for(home: Path, tmp_path: Path) -> None:
    """The search finds a secret in plain text, in a compressed stream, in base64, a time of day and one in seconds."""
    for number, content in enumerate(
        (
            f"by {USER} on it".encode(),
            b"IDAT" + zlib.compress(HOST.encode()),
            base64.b64encode(b"---" + TOKEN.encode()),
            b"begun at 18:04",
            f"begun: {now()}".encode(),
        )
    ):
        path = tmp_path / f"{number}.md"
        path.write_bytes(content)
        assert told(path, home) != []


def test_what_others_tell_is_on_the_privacy_page(home: Path, simulate: Any) -> None:
    """Of the libraries' own files those that tell something are named there; the token is among it."""
    simulate(MACHINE, driven=False)
    output = train(home, trainer={"hub_token": TOKEN, "load_best_model_at_end": True})
    theirs = {path for path in output.rglob("*") if path.is_file()} - set(files_of_ours(output))
    telling = {path.name: told(path, home) for path in theirs if told(path, home)}
    assert "HF_TOKEN" in telling["training_args.bin"]
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text()
    assert [name for name in telling if f"`{name}`" not in page] == []
