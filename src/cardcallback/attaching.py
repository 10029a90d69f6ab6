"""Adding the callback to a trainer that exists already."""

from __future__ import annotations

from typing import Any

from cardcallback.callback import CardCallback
from cardcallback.errors import CardCallbackError


def attach(trainer: Any, **settings: Any) -> CardCallback:
    """Add a ``CardCallback`` to a trainer that exists already; the surest way to be found by it.

    Args:
        trainer: any Hugging Face trainer.
        settings: as for ``CardCallback``.

    Raises:
        CardCallbackError: a setting is wrong, or this is no trainer.
    """
    if isinstance(trainer, type) or not callable(getattr(trainer, "add_callback", None)):
        given = f"the class {trainer.__name__}" if isinstance(trainer, type) else type(trainer).__name__
        msg = f"attach needs a Hugging Face trainer, not {given}: make the trainer first"
        raise CardCallbackError(msg)
    callback = CardCallback(**settings)
    trainer.add_callback(callback)
    callback.watch(trainer)
    return callback
