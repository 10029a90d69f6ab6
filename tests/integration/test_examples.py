"""The examples as somebody starts them, with a tiny model in place of Gemma."""

from __future__ import annotations

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
def run_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunExample:
    """Runs an example for a few steps from a folder of its own, on a tiny model that lies there."""
    pytest.importorskip("bitsandbytes", reason="the examples quantise with it")
    base = tmp_path / "tiny-llama"
    make_model(base)
    make_tokenizer().save_pretrained(base)
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
    assert "| All 2 stages | " in card
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
