"""The stages before a run: from where its model and adapters came, or from what the person gave."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cardcallback.guard import Guard
from cardcallback.hooks import adapter_folders, adapters_of, merged_adapters
from cardcallback.observe import model_folders, weights_names
from cardcallback.observe.plain import unwrapped
from cardcallback.record import RunRecord, Stage
from cardcallback.sessions import Lineage, step_of
from cardcallback.settings import Settings
from cardcallback.stages import ModelFolder, StagesSearch, find_stages, joined_chains, stages_up_to

# What each model of this process went through in it; weak, so that one which is dropped is collected.
_trained: weakref.WeakKeyDictionary[Any, tuple[Stage, ...]] = weakref.WeakKeyDictionary()


def remember_training(model: Any, record: RunRecord | None) -> None:
    """Keep that a run trained a model, for the run of this process that trains the same object next."""
    if model is None or record is None or record.training.steps == 0:
        return
    # Without its end nothing was put back: the model holds what the last step left.
    step = record.training.published_step if record.status == "completed" else record.training.steps
    with contextlib.suppress(TypeError):  # no weak reference to it, so it is no model of torch
        own = unwrapped(model)
        _trained[own] = stages_up_to(record, step)
        adapters = adapters_of(own)
        if adapters is not None:
            _trained[adapters] = _trained[own]  # for the model that they are merged into


def search_earlier_stages(
    model: Any, settings: Settings, lineage: Lineage, state: Any, guard: Guard
) -> StagesSearch | None:
    """Begin to look for the stages before the run that begins now, or goes on; None where that cannot begin.

    Args:
        model: the one that is trained, as the Trainer passes it.
        settings: ``previous`` is the person's word for the stage before.
        lineage: which run it is.
        state: the Trainer's state at the begin.
        guard: catches what fails here and turns it into sentences of the record.
    """
    with guard("find the stages before this run"):
        step = int(state.global_step)
        # What the model tells is read here, and not in the search: that one may last, and would keep the model.
        names, adapters = weights_names(model), adapter_folders(model)
        # A resume puts the checkpoint's weights in place of what the model had.
        trained = _went_through(model) if step == 0 else ()
        known = partial(find_stages, previous=settings.previous, run_id=lineage.run_id, trained=trained)
        return StagesSearch(lambda: known(_folders(names, adapters, step)), guard)
    return None


def _folders(names: Sequence[str], adapters: Sequence[Path], step: int) -> tuple[ModelFolder, ...]:
    # The Trainer loads the adapter of the checkpoint that it resumes from: no stage of its own.
    own = [ModelFolder(path=folder) for folder in adapters if step == 0 or step_of(folder) != step]
    return (*model_folders(names), *own)


def _went_through(model: Any) -> tuple[Stage, ...]:
    with contextlib.suppress(TypeError):  # as above
        own = unwrapped(model)
        return joined_chains([_trained.get(one, ()) for one in (*merged_adapters(own), own)])
    return ()
