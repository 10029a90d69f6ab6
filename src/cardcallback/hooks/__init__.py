"""Wraps over a trainer's own methods: who writes a card, when training breaks, what runs outside it.

Everything here acts for one trainer that was named, is installed once per class, stays in place after
training (scripts push later), and lets nothing of ours escape into the trainer's call. Two are the process's:
``StopSignals`` chains signal handlers from a training's begin to its end, and ``watch_adapter_loads`` sees where
adapters are loaded from, which is before there is a trainer.
"""

from cardcallback.hooks.adapter_loads import adapter_folders, watch_adapter_loads
from cardcallback.hooks.adapter_merges import adapters_of, merged_adapters
from cardcallback.hooks.card_writers import AfterWrite, BeforePush, watch_card_writers
from cardcallback.hooks.lifecycle import (
    PhaseVisit,
    is_training,
    watch_checkpoints,
    watch_phases,
    watch_saves,
    watch_train,
)
from cardcallback.hooks.resuming import (
    ResumesFrom,
    checkpoint_folder,
    output_folder,
    saves_checkpoint,
    uploads_checkpoints,
    watch_resume,
)
from cardcallback.hooks.signals import StopSignals
from cardcallback.hooks.trainer_lookup import find_trainer, first_of_kind, watch_add_callback
from cardcallback.hooks.training_step import watch_training_step

__all__ = [
    "AfterWrite",
    "BeforePush",
    "PhaseVisit",
    "ResumesFrom",
    "StopSignals",
    "adapter_folders",
    "adapters_of",
    "checkpoint_folder",
    "find_trainer",
    "first_of_kind",
    "is_training",
    "merged_adapters",
    "output_folder",
    "saves_checkpoint",
    "uploads_checkpoints",
    "watch_adapter_loads",
    "watch_add_callback",
    "watch_card_writers",
    "watch_checkpoints",
    "watch_phases",
    "watch_resume",
    "watch_saves",
    "watch_train",
    "watch_training_step",
]
