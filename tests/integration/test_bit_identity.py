"""A training that is measured is the training that is not: bit for bit, draw for draw, wait for wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from tiny import TrainerKind, make_trainer
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run

pytestmark = pytest.mark.training
_STEPS = 12
_STEP_SECONDS = 0.1
# What waits for a GPU's queued work, or forgets the peaks that somebody else may be watching.
_WAITS_AND_RESETS = (
    "synchronize",
    "empty_cache",
    "reset_peak_memory_stats",
    "reset_max_memory_allocated",
    "reset_accumulated_memory_stats",
)
_READS_A_DEVICE = ("aten::_local_scalar_dense", "aten::equal", "aten::nonzero", "aten::is_nonzero")


class Trained(NamedTuple):
    """All that a training leaves which may not depend on who watched."""

    logged: list[dict[str, Any]]
    weights: dict[str, torch.Tensor]
    drawn: tuple[Any, ...]
    reads_in_steps: int
    calls: dict[str, int]


class Reads(TorchDispatchMode):
    """Counts the operations that make Python wait for a value of the device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operation on a tensor of this thread comes by."""
        del types
        self.count += func.name().partition(".")[0] in _READS_A_DEVICE
        return func(*args, **(kwargs or {}))


class Steps(TrainerCallback):
    """Counts the reads between a step's begin and its end, and makes a step take a while."""

    def __init__(self, reads: Reads, pause_seconds: float) -> None:
        self._reads = reads
        self._pause_seconds = pause_seconds
        self._at_begin = 0
        self.count = 0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """The step's own work follows."""
        time.sleep(self._pause_seconds)
        self._at_begin = self._reads.count

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Logging, where the Trainer itself waits, comes after this."""
        self.count += self._reads.count - self._at_begin


def random_states() -> tuple[Any, ...]:
    """Where the three generators stand, comparable."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - the legacy generator is the one that trainers use
    return random.getstate(), name, keys.tobytes(), *rest, torch.get_rng_state().numpy().tobytes()


def seed() -> None:
    """The same beginning for every training."""
    random.seed(1)
    np.random.seed(2)  # noqa: NPY002 - as above
    torch.manual_seed(3)


def counted(name: str, calls: dict[str, int], original: Callable[..., Any]) -> Callable[..., Any]:
    """``original``, counting its calls."""

    def count(*args: Any, **kwargs: Any) -> Any:
        calls[name] = calls.get(name, 0) + 1
        return original(*args, **kwargs)

    return count


def train(kind: TrainerKind, folder: Path, base_folder: Path, monkeypatch: Any, *, measured: bool) -> Trained:
    """One training with everything in it that draws numbers or runs beside it."""
    calls: dict[str, int] = {}
    with monkeypatch.context() as patched:
        for name in _WAITS_AND_RESETS:
            patched.setattr(torch.cuda, name, counted(name, calls, getattr(torch.cuda, name)))
        seed()
        before = random_states()
        callbacks = [CardCallback(quiet=True)] if measured else []
        assert random_states() == before
        reads = Reads()
        steps = Steps(reads, _STEP_SECONDS if measured else 0.0)
        trainer = make_trainer(
            kind,
            folder,
            base_folder=base_folder,
            callbacks=[*callbacks, steps],
            max_steps=_STEPS,
            gradient_accumulation_steps=2,
            eval_strategy="steps",
            eval_steps=4,
            save_strategy="steps",
            save_steps=4,
            dataloader_num_workers=2,
            learning_rate=0.01,
        )
        for layer in trainer.model.modules():
            if hasattr(layer, "attention_dropout"):
                layer.attention_dropout = 0.2
        with reads:
            trainer.train()
    timed = ("runtime", "per_second")
    logged = [{k: v for k, v in entry.items() if not k.endswith(timed)} for entry in trainer.state.log_history]
    weights = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    return Trained(logged, weights, random_states(), steps.count, calls)


@pytest.mark.parametrize("kind", ["plain", "sft-peft", "dpo"])
def test_a_measured_training_is_bit_identical(
    kind: TrainerKind, tmp_path: Path, base_folder: Path, simulate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses, weights, random numbers, waits and allocator peaks are as without us, and the record is complete."""
    bare = train(kind, tmp_path / "without", base_folder, monkeypatch, measured=False)
    simulate("gb10", driven=False)
    measured = train(kind, tmp_path / "with", base_folder, monkeypatch, measured=True)
    assert measured.logged == bare.logged
    assert len([entry for entry in bare.logged if "loss" in entry]) == _STEPS
    assert measured.weights.keys() == bare.weights.keys()
    assert all(torch.equal(measured.weights[name], bare.weights[name]) for name in bare.weights)
    assert measured.drawn == bare.drawn
    assert measured.reads_in_steps == bare.reads_in_steps > 0
    assert measured.calls == bare.calls
    is_complete(tmp_path / "with")


def is_complete(folder: Path) -> None:
    """Nothing is identical merely because nothing was measured."""
    record = load_run(folder)
    assert record.status == "completed"
    assert record.simulated
    assert record.energy.gpu.value is not None
    assert record.energy.gpu.value > 0
    assert record.energy.gpu.coverage is not None
    assert record.energy.gpu.coverage >= 0.99
    assert record.evaluation.after is not None
    assert record.evaluation.after.loss is not None
    assert {"loss", "eval_loss", "grad_norm"} <= set(record.curves)
    assert record.memory.system_peak.value is not None
    assert record.memory.process_peak_rss.value is not None
    tokens = record.training.tokens
    # An older TRL gives DPO batches that hold prompts and answers apart, which nobody counts.
    assert tokens.non_padding or "batches hold no input_ids" in (tokens.reason or "")
    assert record.training.steps == _STEPS
    assert "## Training, hardware and environmental impact" in (folder / "README.md").read_text()
