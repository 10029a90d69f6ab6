"""Trainings that report to a tracker, beside a simulated GPU, and what the tracker is asked for afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny import make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback

STEPS = 6
LIVE = {f"cardcallback/{name}" for name in ("gpu_power_watts", "energy_joules", "unified_memory_bytes")}
PER_TOKEN = "cardcallback/joules_per_token"  # noqa: S105 - a token of text


class Unhurried(TrainerCallback):
    """Steps that last long enough for a counter of the GPU to be told from nothing; the last may fail."""

    def __init__(self, step_seconds: float = 1.0, error: BaseException | None = None) -> None:
        self.step_seconds = step_seconds
        self.error = error

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Work."""
        del args, control
        time.sleep(self.step_seconds)
        if self.error is not None and state.global_step == STEPS - 1:
            raise self.error


class Noted(TrainerCallback):
    """When the training began and each log was written, as seen from its place among the callbacks."""

    def __init__(self, now_seconds: Callable[[], float]) -> None:
        self._now_seconds = now_seconds
        self.begin_seconds = 0.0
        self.log_seconds: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Right before or after the reporters' and ours."""
        self.begin_seconds = self._now_seconds()

    def on_log(self, *_: Any, **__: Any) -> None:
        """As above."""
        self.log_seconds.append(self._now_seconds())


def between(trainer: Any, now_seconds: Callable[[], float]) -> tuple[Noted, Noted]:
    """Note the times before all other callbacks of the trainer and after them."""
    first, last = Noted(now_seconds), Noted(now_seconds)
    callbacks = trainer.callback_handler.callbacks
    callbacks[:] = [first, *callbacks, last]
    return first, last


def tracked_trainer(folder: Path, report_to: str, *more: TrainerCallback, **options: Any) -> Any:
    """A trainer of a tiny model that reports there, with the callback and ``more`` beside it."""
    settings = {"max_steps": STEPS, "report_to": report_to, "callbacks": [*more], **options}
    return make_trainer("plain", folder / "tiny", base_folder=folder / "base", **settings)


def measured(**settings: Any) -> CardCallback:
    """The callback with live figures."""
    return CardCallback(quiet=True, log_metrics=True, location="DE", **settings)


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by name, as TensorBoard wrote them."""
    found: dict[str, list[tuple[int, float]]] = {}
    for reader in _readers(folder):
        for name in reader.Tags()["scalars"]:
            found.setdefault(name, []).extend((event.step, event.value) for event in reader.Scalars(name))
    return found


def texts(folder: Path) -> dict[str, str]:
    """Texts by name, likewise."""
    found: dict[str, str] = {}
    for reader in _readers(folder):
        for name in reader.Tags()["tensors"]:
            value = reader.Tensors(name)[-1].tensor_proto.string_val[0].decode()
            found[name.removesuffix("/text_summary")] = value
    return found


def _readers(folder: Path) -> list[Any]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415 - slow to load

    readers = [EventAccumulator(os.fspath(path.parent)) for path in sorted(folder.rglob("events.out.tfevents.*"))]
    for reader in readers:
        reader.Reload()
    return readers
