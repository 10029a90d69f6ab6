"""Which runs the weights in a folder went through, by the records that lie there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.record import RunBrief, RunRecord, Stage, own_record_files, read_brief, record_path, unrecorded_stage
from cardcallback.sessions import OTHER_WEIGHTS, SUMMARY_NAME, lineage_of, read_record
from cardcallback.stages.chain import stages_up_to
from cardcallback.stages.weights import same_weights, weights_marks

_CHECKPOINT = re.compile(r"checkpoint-\d+")
_ADAPTER_CONFIG = "adapter_config.json"
# What transformers leaves beside weights that it trained.
_TRACES_OF_TRAINING = ("trainer_state.json", "training_args.bin", _ADAPTER_CONFIG)
_LARGEST_CONFIG_BYTES = 1024**2
_HUB_CACHE = "snapshots"
_MOST_FOLDERS = 8

NO_RECORD = "the folder of the weights shows that they were trained, and holds no record of it"
IN_RUN = (
    "the folder of the weights lies in the output folder of a run, as a merged model does, and holds no record: "
    "cardcallback publish brings it there"
)
UNREADABLE = "the record beside the weights is damaged or newer than this cardcallback"
NO_SUMMARY = "the checkpoint carries no record of its run"
OTHER_SUMMARY = "the record in the checkpoint is damaged, newer than this cardcallback or of another step"
CHANGED = "the files of weights beside the record are not those that its run saved: trained again or converted since"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Weights:
    """The run that weights are of, or why it is not known; neither where nothing shows that they were trained."""

    record: RunRecord | None = None
    step: int | None = None
    missing: str | None = None


def stages_of_folder(folder: Path, *, evidence: bool = True) -> tuple[Stage, ...]:
    """The stages of the weights in a folder, in order; what is missing among them is one with a reason.

    A checkpoint is of the run whose record it carries, other folders of the run whose record lies in them. Where
    an adapter lies there without a record, the weights it was trained on are followed to their own folder.

    Args:
        folder: of a model, an adapter, a checkpoint or a run.
        evidence: whether traces of a training without a record are told as a missing stage.
    """
    return _stages(folder.resolve(), evidence=evidence, depth=0)


def record_file_of(location: Path) -> Path:
    """The file of the record that tells of the weights in an output folder, or ``location`` where it is a file.

    The one in the main place, unless the files of weights are certainly not those that its run saved and certainly
    those of a run whose record lies there too.
    """
    main = record_path(location)
    record = read_brief(main) if location.is_dir() else None
    if record is None:
        return main
    others = [(path, one) for path, one in _briefs(location) if one.weights and path != main]
    there = _marks(location) if others else {}
    if same_weights(there, record.weights):
        return main
    return next((path for path, one in others if same_weights(there, one.weights)), main)


def other_weights_note(folder: Path, run_id: str) -> str | None:
    """That a completed run found another one's weights in its folder at its end; ``None`` where nothing tells.

    Args:
        folder: of the run.
        run_id: the run, of which no saving of weights into its folder is known.
    """
    others = [one.weights for _, one in _briefs(folder) if one.weights and one.run_id != run_id]
    there = _marks(folder) if others else {}
    if not any(same_weights(there, weights) for weights in others):
        return None
    return f"{OTHER_WEIGHTS}: they are this run's only if they were saved since."


def stages_of_record(record: RunRecord, folder: Path | None) -> tuple[Stage, ...]:
    """The stages of the weights that a run ended with; ``folder`` is where they should lie, if that is known."""
    return _told(_ended_with(record, folder))


def _stages(folder: Path, *, evidence: bool, depth: int) -> tuple[Stage, ...]:
    found = _of_checkpoint(folder) if _is_checkpoint(folder) else _of_output(folder)
    if found.record is not None:
        return _told(found)
    base = _adapter_base(folder)
    # A chain of folders that leads back into itself ends at the bound.
    below: tuple[Stage, ...] = ()
    if base is not None and depth < _MOST_FOLDERS:
        below = _stages(base, evidence=evidence and _HUB_CACHE not in base.parts, depth=depth + 1)
    missing = found.missing or (_trace(folder) if evidence else None)
    return (*below, *_told(_Weights(missing=missing)))


def _told(found: _Weights) -> tuple[Stage, ...]:
    stages = () if found.record is None else stages_up_to(found.record, found.step)
    return stages if found.missing is None else (*stages, unrecorded_stage(found.missing))


def _is_checkpoint(folder: Path) -> bool:
    return _CHECKPOINT.fullmatch(folder.name) is not None or (folder / SUMMARY_NAME).is_file()


def _of_checkpoint(checkpoint: Path) -> _Weights:
    """The run of a checkpoint by the longest account of it beside the checkpoint, and the checkpoint's step."""
    try:
        summary = lineage_of(checkpoint)
    except (CardCallbackError, OSError) as error:
        handlers.pass_on(error)
        return _Weights(missing=OTHER_SUMMARY)
    if summary is None:
        # One that was published with a record of its own, or a folder that is only called so.
        published = _of_output(checkpoint)
        return published if published.record is not None else _Weights(missing=NO_SUMMARY)
    beside = [one for one in _briefs(checkpoint.parent) if one[1].run_id == summary.run_id]
    path, longest = max(beside, key=lambda one: one[1].duration_seconds, default=(checkpoint, None))
    is_longer = longest is not None and longest.duration_seconds > summary.duration_seconds
    record = read_record(path) if is_longer else None
    return _Weights(record=record or summary, step=summary.sessions[-1].last_step)


def _of_output(folder: Path) -> _Weights:
    path = record_path(folder)
    if not path.is_file():
        return _Weights()
    record = read_record(path)
    if record is None:
        return _Weights(missing=UNREADABLE)
    return _ended_with(record, folder)


def _ended_with(record: RunRecord, folder: Path | None) -> _Weights:
    saver, same = (record, None) if folder is None else _saver(record, folder)
    # Of a run that did not end, only what is known to be saved after it is of its last step.
    step = saver.training.published_step if same or saver.status == "completed" else None
    return _Weights(record=saver, step=step, missing=CHANGED if same is False else None)


def _saver(record: RunRecord, folder: Path) -> tuple[RunRecord, bool | None]:
    """Whose the weights in a folder are, and whether that is certain: a later run may have saved nothing there."""
    there = _marks(folder) if record.weights else {}
    same = same_weights(there, record.weights)
    if not same:
        others = [(path, one.weights) for path, one in _briefs(folder) if one.weights]
        there = there or (_marks(folder) if others else {})
        savers = (read_record(path) for path, weights in others if same_weights(there, weights))
        saver = next((one for one in savers if one is not None), None)
        if saver is not None:
            return saver, True
    return record, same


def _briefs(folder: Path) -> list[tuple[Path, RunBrief]]:
    """Of each record in an output folder what tells runs apart: to read many of them whole takes too long."""
    found = ((path, read_brief(path)) for path in own_record_files(folder))
    return [(path, brief) for path, brief in found if brief is not None]


def _marks(folder: Path) -> dict[str, str]:
    try:
        return weights_marks(folder)
    except OSError as error:
        handlers.pass_on(error)
        return {}  # what cannot be read tells nothing


def _adapter_base(folder: Path) -> Path | None:
    """The folder that an adapter says its base weights were loaded from, where it is one of this machine."""
    base = _config(folder / _ADAPTER_CONFIG).get("base_model_name_or_path")
    if not isinstance(base, str) or not base or "\0" in base:
        return None
    path = Path(base)
    return path.resolve() if path.is_dir() else None


def _config(path: Path) -> dict[str, Any]:
    try:
        found = (
            json.loads(path.read_bytes()) if path.is_file() and path.stat().st_size <= _LARGEST_CONFIG_BYTES else None
        )
    except (OSError, ValueError, RecursionError) as error:
        handlers.pass_on(error)
        return {}
    return found if isinstance(found, dict) else {}


def _trace(folder: Path) -> str | None:
    """What shows that the weights of a folder without a record were trained, or None."""
    if any((folder / name).is_file() for name in _TRACES_OF_TRAINING):
        return NO_RECORD
    return IN_RUN if _is_merged(folder) else None


def _is_merged(folder: Path) -> bool:
    """Whether a whole model was put beside an adapter since that was trained, as the tools do that merge the two."""
    record = read_record(record_path(folder.parent)) if record_path(folder.parent).is_file() else None
    if record is None or not record.training.trains_adapter or not record.sessions:
        return False
    try:
        names = [name for name in weights_marks(folder) if not name.startswith("adapter")]
        written = min(((folder / name).stat().st_mtime for name in names), default=None)
    except OSError as error:
        handlers.pass_on(error)
        return False  # as above
    if written is None:
        return False
    # Local, as the day in the record is.
    return f"{datetime.fromtimestamp(written, tz=timezone.utc).astimezone():%Y-%m-%d}" >= record.sessions[-1].started_on
