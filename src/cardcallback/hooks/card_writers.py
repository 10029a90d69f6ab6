"""Be told after whatever writes a card for this run, and before whatever uploads one."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cardcallback.hooks.wrapping import (
    Call,
    GuardFactory,
    Hook,
    guard_or_own,
    start_watch,
    watch_of,
    watch_of_model,
    wrap_method,
    wrap_own_attribute,
)

AfterWrite = Callable[[Path], None]
BeforePush = Callable[[], None]
BeforeWrite = Callable[[], None]
_Seen = TypeVar("_Seen")


class Look(Protocol):
    """Looks at a folder that may never answer, for whoever must not wait for it for ever."""

    def __call__(self, see: Callable[[], _Seen], otherwise: _Seen, /) -> _Seen:
        """What ``see`` returns, or ``otherwise`` where there is no answer in time."""


def _at_once(see: Callable[[], _Seen], otherwise: _Seen, /) -> _Seen:
    del otherwise
    return see()


CARD_NAME = "README.md"
_TOPIC = "card writers"
_PEFT_MODULES = (("peft.peft_model", "PeftModel"), ("peft.mixed_model", "PeftMixedModel"))
_SAVE_CHECKPOINT = "_save_checkpoint"
_PEFT_METHOD = "create_or_update_model_card"
_MODEL_METHOD = "_create_model_card"


def watch_card_writers(
    trainer: Any,
    after_write: AfterWrite,
    *,
    before_write: BeforeWrite | None = None,
    before_push: BeforePush | None = None,
    look: Look = _at_once,
    guard: GuardFactory | None = None,
) -> None:
    """Call ``after_write(card)`` each time this trainer, its model, or PEFT for that, has written a card.

    ``card`` is the path of the ``README.md``: the output folder's, a checkpoint's, or that of any folder
    the adapter was saved into. After the person's own ``save_model(folder)`` it is told too, and the file
    may then not exist yet. It comes before the upload that follows, and may come twice for one save, so
    it must be idempotent. It is called on the main process only and stays in place after training.

    One rewrite is left out: TRL's at a checkpoint while the push of the one before still reads the folder,
    because that upload could catch the card between TRL's writing and ours. The card that stands there is
    the same, and ``after_write`` is called all the same.

    ``before_write()`` comes before any of them begins to write, while the card is still as somebody left it.

    ``before_push()`` comes before a push reads the output folder, also where no card is written first
    (a checkpoint's push); without it ``after_write`` is called with the output folder's card.

    Calling this again for the same trainer replaces what is called. Exceptions of ours end in ``guard``,
    by default one that warns once; those of the trainer pass unchanged, and then nothing is called.

    Args:
        trainer: any Hugging Face trainer; held weakly.
        after_write: told of the card's file.
        before_write: told that a card is about to be written.
        before_push: told that an upload is about to begin.
        look: how to look at the cards that lie in a folder; at once unless given.
        guard: makes the context manager that our part runs in, from what it is about to do.
    """
    guard = guard_or_own(guard)
    told = _Told(after_write, before_write, before_push, look)
    watch = start_watch(trainer)
    task = "complete a card that was rewritten"
    complete = functools.partial(Hook, task=task, guard=guard, before=told.write_begins)
    push = functools.partial(Hook, task="complete the card before a push", guard=guard)
    for method, hook in (
        ("create_model_card", complete(instead=told.is_being_uploaded, after=told.card_written)),
        ("save_model", complete(after=told.model_saved)),
        ("push_to_hub", push(before=told.push_begins)),
        ("_push_from_checkpoint", push(before=told.checkpoint_push_begins, after=told.checkpoint_pushed)),
    ):
        watch.set_hook(method, _TOPIC, hook)
        wrap_method(type(trainer), method)
        wrap_own_attribute(trainer, method)
    wrap_method(type(trainer), _SAVE_CHECKPOINT)  # only to know that one is being saved
    watch.set_hook(_PEFT_METHOD, _TOPIC, complete(after=told.adapter_card_written))
    _wrap_adapter_writers()
    watch.set_hook(_MODEL_METHOD, _TOPIC, complete(after=told.model_card_written))
    # sentence-transformers' and SetFit's models write their card themselves, wherever they are saved.
    wrap_method(type(getattr(trainer, "model", None)), _MODEL_METHOD, find=watch_of_model)
    wrap_method(type(getattr(trainer, "setfit_model", None)), "create_model_card", find=watch_of_model)


class _Told:
    """What a call of each method says about a card's file."""

    def __init__(
        self, after_write: AfterWrite, before_write: BeforeWrite | None, before_push: BeforePush | None, look: Look
    ) -> None:
        self._after_write = after_write
        self._before_write = before_write
        self._before_push = before_push
        self._look = look
        self._pushed: bytes | None = None

    def write_begins(self, call: Call) -> None:
        if self._before_write is not None and _is_main_process(call.trainer):
            self._before_write()

    def card_written(self, call: Call, result: Any) -> None:
        del result
        if call.subject is not call.trainer:
            self.model_card_written(call, None)
        elif _is_main_process(call.trainer):
            self._after_write(_output_folder(call.trainer) / CARD_NAME)

    def is_being_uploaded(self, call: Call) -> bool:
        watch = watch_of(call.trainer)
        push = getattr(call.trainer, "push_in_progress", None)
        if watch is None or push is None or not watch.is_running(_SAVE_CHECKPOINT):
            return False
        card = _output_folder(call.trainer) / CARD_NAME
        return not push.is_done() and self._look(card.exists, False)  # noqa: FBT003 - what is taken for granted

    def adapter_card_written(self, call: Call, result: Any) -> None:
        del result
        folder = call.argument(0, "output_dir")
        if folder is not None and _is_main_process(call.trainer):
            self._after_write(Path(folder) / CARD_NAME)

    def model_card_written(self, call: Call, result: Any) -> None:
        del result
        folder = call.argument(0, "path")
        if folder is not None and _is_main_process(call.trainer):
            self._after_write(Path(folder) / CARD_NAME)

    def model_saved(self, call: Call, result: Any) -> None:
        del result
        folder = call.argument(0, "output_dir")
        card = (_output_folder(call.trainer) if folder is None else Path(folder)) / CARD_NAME
        internal = bool(call.argument(1, "_internal_call", default=False))
        # A save of the Trainer's own without a card begins none.
        if _is_main_process(call.trainer) and (not internal or self._look(card.exists, False)):  # noqa: FBT003 - as above
            self._after_write(card)

    def push_begins(self, call: Call) -> None:
        if not _is_main_process(call.trainer):
            return
        if self._before_push is None:
            self._after_write(_output_folder(call.trainer) / CARD_NAME)
        else:
            self._before_push()

    def checkpoint_push_begins(self, call: Call) -> None:
        # The strategy "end" pushes no checkpoint; the trainer calls the method all the same.
        if getattr(call.trainer.args, "hub_strategy", None) != "end":
            self.push_begins(call)
        if _is_main_process(call.trainer):
            self._pushed = self._content(_output_folder(call.trainer) / CARD_NAME)

    def checkpoint_pushed(self, call: Call, result: Any) -> None:
        """sentence-transformers copies the checkpoint's card over the folder's own before it uploads that."""
        del result
        card = _output_folder(call.trainer) / CARD_NAME
        if _is_main_process(call.trainer) and self._content(card) != self._pushed:
            self._after_write(card)

    def _content(self, card: Path) -> bytes | None:
        return self._look(lambda: card.read_bytes() if card.is_file() else None, None)


def _wrap_adapter_writers() -> None:
    # PEFT is found, never imported: without it in the process no adapter is trained.
    for module_name, class_name in _PEFT_MODULES:
        kind = getattr(sys.modules.get(module_name), class_name, None)
        if isinstance(kind, type):
            wrap_method(kind, _PEFT_METHOD, find=watch_of_model)


def _is_main_process(trainer: Any) -> bool:
    return bool(trainer.is_world_process_zero())


def _output_folder(trainer: Any) -> Path:
    return Path(trainer.args.output_dir)
