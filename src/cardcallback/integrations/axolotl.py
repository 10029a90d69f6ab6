"""Axolotl: one line of its YAML, and every training it runs completes its model card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from axolotl.integrations.base import BasePlugin
from pydantic import BaseModel, BeforeValidator

from cardcallback.callback import CardCallback
from cardcallback.errors import CardCallbackError
from cardcallback.hooks import first_of_kind
from cardcallback.settings import resolve_settings, user_config_directory

_OURS = "cardcallback"


def _checked(value: Any) -> Any:
    """The settings as they were given.

    Raises:
        ValueError: one is wrong; Axolotl prints the message, which has the cure, before it loads anything.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        msg = f"the key {_OURS} holds the settings of CardCallback, one a line, such as `location: DE`"
        raise ValueError(msg)  # noqa: TRY004 - the one kind of error that pydantic tells the person
    try:
        resolve_settings(
            value,
            environ=os.environ,
            working_directory=Path.cwd(),
            user_config_directory=user_config_directory(os.environ),
        )
    except CardCallbackError as error:
        raise ValueError(str(error)) from error
    return value


class CardCallbackArguments(BaseModel):  # type: ignore[misc]  # pydantic is typed Any here
    """What Axolotl's YAML may hold for us.

    Args:
        cardcallback: the arguments of ``CardCallback`` by name; none are needed.
    """

    cardcallback: Annotated[dict[str, Any] | None, BeforeValidator(_checked)] = None


class CardCallbackPlugin(BasePlugin):  # type: ignore[misc]  # axolotl is typed Any here
    """Adds a ``CardCallback`` to the trainer of each configuration that names this plugin.

    In its YAML::

        plugins:
          - cardcallback.integrations.axolotl.CardCallbackPlugin
        cardcallback: # optional
          location: DE
    """

    def __init__(self) -> None:
        super().__init__()
        self._callback: CardCallback | None = None

    def get_input_args(self) -> str:
        """Where Axolotl finds the class that our part of the YAML is checked with."""
        return f"{__name__}.{CardCallbackArguments.__name__}"

    def load_datasets(self, cfg: Any, preprocess: bool = False) -> None:  # noqa: FBT001, FBT002 - Axolotl's signature
        """Load nothing: a training begins here, so that tokenising and loading count as before training."""
        self._callback = None if preprocess else _callback_for(cfg)

    def add_callbacks_pre_trainer(self, cfg: Any, model: Any) -> list[CardCallback]:
        """The callback of the trainer that is about to be made."""
        del model
        callback, self._callback = self._callback or _callback_for(cfg), None
        return [] if callback is None else [callback]

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """Name the trainer to its callback, which would otherwise have to find it."""
        del cfg
        callback = first_of_kind(trainer, CardCallback)
        if callback is not None:
            callback.watch(trainer)


def _callback_for(cfg: Any) -> CardCallback | None:
    # Axolotl asks every plugin that it ever loaded in this process, also for a configuration without it.
    named = any(_OURS in name for name in cfg.get("plugins") or ())
    return CardCallback(**(cfg.get(_OURS) or {})) if named else None
