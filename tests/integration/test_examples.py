"""The examples as somebody starts them, with a tiny model in place of Gemma."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import make_model, make_tokenizer

from cardcallback import load_run
from simulator_fixtures import Simulate

pytestmark = pytest.mark.training
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STEPS = 2
RunExample = Callable[..., None]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The folder of a tiny model, as --model takes it."""
    pytest.importorskip("bitsandbytes", reason="the examples quantise with it")
    folder = tmp_path / "tiny-llama"
    make_model(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def run_example(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunExample:
    """Runs an example for a few steps, from a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLES)

    def run(name: str, *arguments: str) -> None:
        options = ["--model", str(base), "--max-steps", str(STEPS), *arguments]
        monkeypatch.setattr(sys, "argv", [name, *options])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")

    return run


def test_two_stages_one_after_the_other(
    run_example: RunExample, simulate: Simulate, capsys: pytest.CaptureFixture[str]
) -> None:
    """SFT, then DPO on its adapter, found where the first example leaves it: the second card shows and sums both."""
    simulate("gb10", driven=False)
    run_example("qlora_gemma.py", "--location", "DE")
    run_example("dpo_gemma.py", "--location", "DE")
    assert "DPO begins from the base model" not in capsys.readouterr().out
    first, second = load_run("runs/qlora-gemma"), load_run("runs/dpo-gemma")
    assert (first.training.method, second.training.method) == ("QLoRA", "QLoRA")
    assert [stage.run_id for stage in second.stages] == [first.run_id, second.run_id]
    card = Path("runs/dpo-gemma/README.md").read_text()
    assert "| Both stages | " in card
    assert "| 2. DPO (this one) | " in card
    assert second.evaluation.before.loss is not None


def test_dpo_without_a_first_stage_says_so(run_example: RunExample, capsys: pytest.CaptureFixture[str]) -> None:
    """It begins from the base model; a folder that was named and holds no adapter is an error instead."""
    run_example("dpo_gemma.py")
    assert "DPO begins from the base model" in capsys.readouterr().out
    assert len(load_run("runs/dpo-gemma").stages) <= 1
    with pytest.raises(SystemExit, match="2"):
        run_example("dpo_gemma.py", "--adapter", "elsewhere")
    assert "no adapter in elsewhere" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["qlora_gemma.py", "dpo_gemma.py", "multi_gpu.py"])
def test_a_wrong_place_is_refused_before_anything_is_loaded(run_example: RunExample, name: str) -> None:
    """In one line, and not after the minute that a model takes: the model of this one cannot be loaded at all."""
    with pytest.raises(SystemExit, match=r"^location: .*Germoney.*$"):
        run_example(name, "--model", "nowhere", "--location", "Germoney")
    assert not Path("runs").exists()


def test_the_notebook_runs_and_holds_no_outputs(base: Path, tmp_path: Path) -> None:
    """Every cell, for a few steps: the table below the training cell, and the section at the end."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient and ipykernel are not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbclient and ipykernel are not installed")
    notebook = nbformat.read(EXAMPLES / "qlora_gemma.ipynb", as_version=4)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in codes] == [([], None)] * len(codes)
    assert codes[0].metadata.tags == ["parameters"]
    # Behind the parameters, as papermill puts those of a run.
    codes[0].source += f"\nMODEL, OUTPUT_DIR, MAX_STEPS = {str(base)!r}, {str(tmp_path / 'out')!r}, {STEPS}"
    client = nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    paths = [*(str(Path(entry).absolute()) for entry in sys.path), str(EXAMPLES)]
    with client.setup_kernel(env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)}):
        for place, cell in enumerate(notebook.cells):
            client.execute_cell(cell, place)
    shown = [output.data for cell in codes for output in cell.outputs if "data" in output]
    assert any("<td>Time</td>" in data.get("text/html", "") for data in shown)
    assert "## Training, hardware and environmental impact" in shown[-1]["text/markdown"]
    assert load_run(tmp_path / "out").training.steps == STEPS
