"""How each tracker is given a run's summary: by the means it has for what is true of a whole run.

The means are found while the tracker's run is open, in the thread that trains: some hold it for that thread alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from cardcallback.trackers.names import SUMMARY_PREFIX, named
from cardcallback.trackers.reporters import is_of, prefixes_names
from cardcallback.trackers.summary import Summary

Send = Callable[[Summary, int], None]


def sender_of(reporter: Any, trainer: Any) -> Send | None:
    """What sends a summary (and the last optimiser step) to this reporter's tracker; None while no run is open."""
    if getattr(reporter, "_initialized", True) is False:  # asked to log, it would open a run of its own
        return None
    for class_name, find in _SENDERS.items():
        if is_of(reporter, class_name):
            return find(reporter)
    return _by_log(reporter, trainer)


def _wandb(reporter: Any) -> Send | None:
    wandb = reporter._wandb  # noqa: SLF001 - the module that the callback logs to

    def send(summary: Summary, step: int) -> None:
        del step
        if wandb.run is not None:  # else somebody finished it meanwhile
            wandb.run.summary.update(_all(summary))

    return None if wandb.run is None else send


def _mlflow(reporter: Any) -> Send | None:
    mlflow = reporter._ml_flow  # noqa: SLF001 - as above
    active = mlflow.active_run()
    if active is None:
        return None
    client, run_id = mlflow.MlflowClient(), active.info.run_id

    def send(summary: Summary, step: int) -> None:
        # One request: an interrupted process may have time for one, and a tracking server may be far away.
        entities, now = mlflow.entities, time.time_ns() // 1_000_000  # no duration: MLflow dates every metric
        numbers, texts = summary.numbers.items(), summary.texts.items()
        metrics = [entities.Metric(SUMMARY_PREFIX + name, value, now, step) for name, value in numbers]
        tags = [entities.RunTag(SUMMARY_PREFIX + name, text) for name, text in texts]
        client.log_batch(run_id, metrics=metrics, tags=tags)

    return send


def _tensorboard(reporter: Any) -> Send | None:
    writer = reporter.tb_writer
    if writer is None:
        return None

    def send(summary: Summary, step: int) -> None:
        for name, value in summary.numbers.items():
            writer.add_scalar(SUMMARY_PREFIX + name, value, step)
        for name, text in summary.texts.items():
            writer.add_text(SUMMARY_PREFIX + name, text, step)
        writer.flush()

    return send


def _trackio(reporter: Any) -> Send | None:
    run = reporter._trackio.context_vars.current_run.get()  # noqa: SLF001 - as above
    return None if run is None else lambda summary, step: run.log({**_all(summary), "train/global_step": step})


def _by_log(reporter: Any, trainer: Any) -> Send:
    """Any other one gets a last log, of numbers: what it makes of texts is not known."""

    def send(summary: Summary, step: int) -> None:
        del step  # the reporter reads it from the state
        logs = named(summary.numbers, against_prefix=prefixes_names(reporter), prefix=SUMMARY_PREFIX)
        reporter.on_log(trainer.args, trainer.state, trainer.control, logs=logs, model=trainer.model)

    return send


_SENDERS: Mapping[str, Callable[[Any], Send | None]] = {
    "WandbCallback": _wandb,
    "MLflowCallback": _mlflow,
    "TensorBoardCallback": _tensorboard,
    "TrackioCallback": _trackio,
}


def _all(summary: Summary) -> dict[str, float | str]:
    everything: dict[str, float | str] = {**summary.numbers, **summary.texts}
    return {SUMMARY_PREFIX + name: value for name, value in everything.items()}
