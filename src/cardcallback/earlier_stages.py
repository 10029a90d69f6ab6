"""The stages before a run: from where its model and adapters were loaded, or from what the person gave."""

from __future__ import annotations

from typing import Any

from cardcallback.guard import Guard
from cardcallback.hooks import adapter_folders
from cardcallback.observe import model_folders
from cardcallback.sessions import Lineage, step_of
from cardcallback.settings import Settings
from cardcallback.stages import Found, ModelFolder, find_stages


def earlier_stages(model: Any, settings: Settings, lineage: Lineage, state: Any, guard: Guard) -> Found:
    """The stages before the run that begins now, or goes on; none where finding them fails.

    Args:
        model: the one that is trained, as the Trainer passes it.
        settings: ``previous`` is the person's word for the stage before.
        lineage: which run it is.
        state: the Trainer's state at the begin.
        guard: catches what fails here and turns it into sentences of the record.
    """
    with guard("find the stages before this run"):
        step = int(state.global_step)
        adapters = [
            ModelFolder(path=folder)
            for folder in adapter_folders(model)
            # The Trainer loads the adapter of the checkpoint that it resumes from: no stage of its own.
            if step == 0 or step_of(folder) != step
        ]
        return find_stages((*model_folders(model), *adapters), settings.previous, run_id=lineage.run_id)
    return Found()
