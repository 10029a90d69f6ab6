"""Commands that know nothing of us, really trained beside a simulated GPU by ``cardcallback run``."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from tiny import make_model, make_tokenizer

import cardcallback
import llama_factory
from cardcallback import load_run
from cardcallback.render.card.section_block import SECTION_BEGIN
from simulator import Simulation, build_problem, profile_named
from way import Place

pytestmark = pytest.mark.training
HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "run.md"
OURS = [sys.executable, "-m", "cardcallback"]
LIMIT_SECONDS = 600.0
_ADDED_LOSSES = {"pref_ftx": 0.3, "pref_bco_weight": 0.2}


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with a simulated GB10, in which programs are this Python's own."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    system = tmp_path / "system"
    system.mkdir()
    search = [str(Path(cardcallback.__file__).parents[1]), str(HERE)]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PYTHONPATH": os.pathsep.join(search), "PATH": programs, "XDG_CONFIG_HOME": str(tmp_path / "none")}
    return os.environ | Simulation(profile_named("gb10"), system, driven=False).environment | own


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model and its tokenizer on disk."""
    folder = tmp_path / "work" / "model"
    make_model(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def run(command: list[str], machine: dict[str, str], folder: Path) -> str:
    """What a command says, after it ended well."""
    done = subprocess.run(
        command, cwd=folder, env=machine, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_s_example(machine: dict[str, str], model: Path) -> None:
    """A plain script is measured, with the settings of the command line."""
    folder = model.parent
    fences = [token for token in MarkdownIt().parse(PAGE.read_text(encoding="utf-8")) if token.type == "fence"]
    script = next(fence.content for fence in fences if fence.info == "python")
    (folder / "train.py").write_text(script, encoding="utf-8")
    words = shlex.split(fences[-1].content)
    said = run([*OURS, *(sys.executable if word == "python" else word for word in words[1:])], machine, folder)
    assert "cardcallback: SIMULATED DEVICE: measuring GPU" in said
    record = load_run(folder / "tiny")
    assert (record.status, record.training.steps, record.training.stage) == ("completed", 4, "SFT")
    assert record.energy.gpu.value
    assert record.carbon is not None
    assert record.carbon.factor.place_code == "DE"
    assert "cardcallback: tiny/README.md: " in said


def test_trl_s_command_line(machine: dict[str, str], model: Path) -> None:
    """`trl sft` trains in a child of the command; the block is there after the tool's own save at the end."""
    folder = model.parent
    (folder / "rows").mkdir()
    row = json.dumps({"text": "the quick brown fox jumps over a lazy dog"})
    (folder / "rows" / "train.jsonl").write_text(f"{row}\n" * 8, encoding="utf-8")
    settings = {
        "model_name_or_path": str(model),
        "dataset_name": "rows",
        "output_dir": str(folder / "tiny"),
        "max_steps": 2,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "dtype": "float32",
    }
    (folder / "sft.yaml").write_text(json.dumps(settings), encoding="utf-8")
    said = run([*OURS, "run", "--no-charts", "--", "trl", "sft", "--config", "sft.yaml"], machine, folder)
    assert said.index("cardcallback: SIMULATED DEVICE: measuring GPU") < said.index("Model saved to")
    record = load_run(folder / "tiny")
    assert (record.status, record.training.objective, record.training.steps) == ("completed", "SFT", 2)
    assert record.energy.gpu.value
    card = (folder / "tiny" / "README.md").read_text(encoding="utf-8")
    assert card.count(SECTION_BEGIN) == 1
    assert str(folder) not in card
    assert not (folder / "tiny" / "training_run" / "loss_curve.png").exists()


@pytest.mark.matrix
def test_two_trainers_of_one_command_have_a_card_each(machine: dict[str, str], model: Path) -> None:
    """SFT and then a reward model in one process: two output folders, two records, two runs."""
    folder = model.parent
    script = (
        "from pathlib import Path\n"
        "from datasets import Dataset\n"
        "from tiny import make_tokenizer, make_trainer\n"
        "from transformers import LlamaForSequenceClassification\n"
        "from trl import RewardConfig, RewardTrainer\n"
        "first = make_trainer('sft', Path('sft'), base_folder=Path('base'))\n"
        "first.train()\n"
        "first.save_model()\n"
        "pair = {'chosen': 'the quick', 'rejected': 'brown fox'}\n"
        "model = LlamaForSequenceClassification.from_pretrained('sft', num_labels=1)\n"
        "RewardTrainer(\n"
        "    model=model,\n"
        "    args=RewardConfig('reward', max_steps=3, report_to='none', use_cpu=True, bf16=False),\n"
        "    train_dataset=Dataset.from_list([pair] * 8),\n"
        "    processing_class=make_tokenizer(),\n"
        ").train()\n"
    )
    (folder / "train.py").write_text(script, encoding="utf-8")
    run([*OURS, "run", "--", sys.executable, "train.py"], machine, folder)
    first, second = load_run(folder / "sft"), load_run(folder / "reward")
    assert (first.training.trainer, second.training.trainer) == ("SFTTrainer", "RewardTrainer")
    assert first.run_id != second.run_id
    for name in ("sft", "reward"):
        assert (folder / name / "README.md").read_text(encoding="utf-8").count(SECTION_BEGIN) == 1


@pytest.mark.matrix
def test_a_search_and_its_workers(machine: dict[str, str], model: Path) -> None:
    """Trainers made one after the other in one folder, as a search makes them, with workers that load the data."""
    folder = model.parent
    script = (
        "from pathlib import Path\n"
        "from tiny import make_trainer\n"
        "if __name__ == '__main__':\n"
        "    for rate in (1e-3, 1e-4, 1e-5):\n"
        "        make_trainer(\n"
        "            'plain', Path('tiny'), base_folder=Path('base'), learning_rate=rate,\n"
        "            dataloader_num_workers=2,\n"
        "        ).train()\n"
    )
    (folder / "train.py").write_text(script, encoding="utf-8")
    said = run([*OURS, "run", "--", sys.executable, "train.py"], machine, folder)
    assert said.count("cardcallback: SIMULATED DEVICE: measuring") == 3
    records = list((folder / "tiny" / "training_run").glob("record*.json"))
    assert len({load_run(path).run_id for path in records}) == 3


@pytest.mark.matrix
@pytest.mark.skipif(importlib.util.find_spec("llamafactory") is None, reason="LLaMA-Factory is not installed here")
@pytest.mark.parametrize(
    ("stage", "own", "objective", "settings"),
    [
        ("sft", {}, "SFT", {}),
        ("dpo", _ADDED_LOSSES, "DPO", {"loss_type": "sigmoid", "beta": 0.1, **_ADDED_LOSSES}),
    ],
)
def test_llama_factory_s_own_card_writing(
    machine: dict[str, str],
    model: Path,
    stage: str,
    own: dict[str, object],
    objective: str,
    settings: dict[str, object],
) -> None:
    """Without a push it calls the class's method past the trainer's own: the block is there all the same, whole."""
    place = Place(model.parent)
    shutil.copytree(model, place.base)
    (command,) = llama_factory.commands(place, stage, push_to_hub=False, max_steps=4, **own)
    run(command, machine, place.work)
    card, record = (place.output / "README.md").read_text(encoding="utf-8"), load_run(place.output)
    assert "llama-factory" in card.partition("\n---")[0]
    assert card.count(SECTION_BEGIN) == 1
    assert str(place.work) not in card
    assert (record.status, record.training.objective, record.training.steps) == ("completed", objective, 4)
    assert record.training.trainer_library == "llamafactory"
    assert settings.items() <= record.training.hyperparameters.items()
    assert ("added SFT loss (pref_ftx) 0.3" in card) == ("pref_ftx" in own)
    assert record.energy.gpu.value
