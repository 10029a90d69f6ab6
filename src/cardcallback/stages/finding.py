"""The stages before a run that begins now: from what the person gave, or from where its model was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cardcallback.record import RECORD_FOLDER, Stage, unrecorded_stage
from cardcallback.sessions import SUMMARY_NAME, read_record
from cardcallback.stages.chain import before_run, joined_chains
from cardcallback.stages.folders import UNREADABLE, stages_of_folder, stages_of_record

NOTHING_GIVEN = "the folder given as previous holds no record"
_CONTRADICTION = (
    "The weights that this run began from are of another run than the one given as previous: the stages are those of "
    "the one given."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFolder:
    """A folder of this machine that weights were loaded from.

    ``is_cached`` is one of the Hub's cache: its files are those of a published model, and how they came to be is not
    this machine's history.
    """

    path: Path
    is_cached: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The stages before a run, in order, and what a reader must be told of how they were found."""

    stages: tuple[Stage, ...] = ()
    notes: tuple[str, ...] = ()


def find_stages(
    model_folders: Sequence[ModelFolder], previous: Path | None, *, run_id: str, trained: Sequence[Stage] = ()
) -> Found:
    """The stages before the run of ``run_id``; nothing is claimed of weights that nothing here tells of.

    Args:
        model_folders: where the model was loaded from, base weights before adapters.
        previous: folder or record of the stage before, which is the person's word and wins.
        run_id: of the run that begins, which is not a stage before itself where its own folder is given.
        trained: the stages that the model went through since it was loaded.
    """
    chains = [stages_of_folder(folder.path, evidence=not folder.is_cached) for folder in model_folders]
    loaded = before_run(joined_chains([*chains, trained]), run_id)
    if previous is None:
        return Found(stages=loaded)
    given = _given(previous)
    known = {stage.run_id for stage in given} - {None}
    if not known:
        # What was given left no record; what the weights tell of themselves came before it.
        return Found(stages=joined_chains([loaded, given]))
    other = next((stage for stage in reversed(loaded) if stage.run_id is not None), None)
    contradicts = other is not None and other.run_id not in known
    return Found(stages=before_run(given, run_id), notes=(_CONTRADICTION,) if contradicts else ())


def _given(previous: Path) -> tuple[Stage, ...]:
    if previous.is_dir():
        return stages_of_folder(previous) or (unrecorded_stage(NOTHING_GIVEN),)
    if previous.name == SUMMARY_NAME:
        return stages_of_folder(previous.parent)
    record = read_record(previous)
    if record is None:
        return (unrecorded_stage(UNREADABLE),)
    return stages_of_record(record, previous.parent.parent if previous.parent.name == RECORD_FOLDER else None)
