"""Wraps over a trainer's own methods: who writes a card, when training breaks, what runs outside it.

Everything here acts for one trainer that was named, is installed once per class, stays in place after
training (scripts push later), and lets nothing of ours escape into the trainer's call.
"""

from cardcallback.hooks.card_writers import AfterWrite, BeforePush, watch_card_writers
from cardcallback.hooks.lifecycle import TrainerCall, watch_evaluate, watch_save, watch_train
from cardcallback.hooks.trainer_lookup import find_trainer, first_of_kind, watch_add_callback

__all__ = [
    "AfterWrite",
    "BeforePush",
    "TrainerCall",
    "find_trainer",
    "first_of_kind",
    "watch_add_callback",
    "watch_card_writers",
    "watch_evaluate",
    "watch_save",
    "watch_train",
]
