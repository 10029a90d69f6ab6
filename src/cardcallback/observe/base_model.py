"""The base model's Hub id, and never a folder of the machine it was loaded from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardcallback import handlers
from cardcallback.hub_id import OUTPUT_FOLDERS, is_hub_id
from cardcallback.observe.plain import read, unwrapped
from cardcallback.stages import ModelFolder

_SNAPSHOT = re.compile(r"models--([^/\\]+?)(?:--([^/\\]+))?[/\\]snapshots[/\\]")
_CHECKPOINT = re.compile(r"(checkpoint|ckpt|step|epoch|run|merged|final)[-_]?\d*", re.IGNORECASE)
_CURE = 'name it with CardCallback(base_model="organisation/name")'
REASON_LOCAL = f"the model was loaded from a local folder: {_CURE}"
REASON_UNNAMED = f"the model carries no Hub id: {_CURE}"
REASON_ARGUMENT = f"the base_model given is not a Hub id: {_CURE}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseModel:
    """``hub_id`` is ``None`` exactly where ``reason`` says why."""

    hub_id: str | None
    reason: str | None


def hub_id_of(name: object) -> str | None:
    """The Hub id in a ``name_or_path``: an id, or a snapshot folder of the Hub's cache; else ``None``."""
    if not isinstance(name, str) or not name.strip():
        return None
    snapshot = _SNAPSHOT.search(name + "/")
    if snapshot:
        found = "/".join(part for part in snapshot.groups() if part)
        return found if is_hub_id(found) else None
    if not is_hub_id(name) or _looks_like_folder(name):
        return None
    return name


def _looks_like_folder(name: str) -> bool:
    first, _, last = name.partition("/")
    if first.lower() in OUTPUT_FOLDERS or (last and _CHECKPOINT.fullmatch(last)):
        return True
    try:
        return Path(name).exists()
    except OSError as error:
        handlers.pass_on(error)
        return True  # cannot be looked at, so it is a path of some kind


def find_base_model(model: object, given: str | None = None) -> BaseModel:
    """The Hub id of what ``model`` was loaded from; ``given`` is the person's own word and wins."""
    if given:
        if is_hub_id(given):
            return BaseModel(hub_id=given, reason=None)
        return BaseModel(hub_id=None, reason=REASON_ARGUMENT)
    names = weights_names(model)
    for name in names:
        found = hub_id_of(name)
        if found is not None:
            return BaseModel(hub_id=found, reason=None)
    return BaseModel(hub_id=None, reason=REASON_LOCAL if names else REASON_UNNAMED)


def weights_names(model: object) -> tuple[str, ...]:
    """What a model says that its weights were loaded from, adapters' bases first: Hub ids, folders, or anything."""
    return tuple(name for name in _names(unwrapped(model)) if isinstance(name, str) and name)


def model_folders(names: Iterable[str]) -> tuple[ModelFolder, ...]:
    """Those of a model's ``weights_names`` that are folders of this machine; their disk is asked."""
    found = {}
    for name in names:
        if "\0" not in name and _is_folder(name):
            found[Path(name).resolve()] = ModelFolder(path=Path(name), is_cached=hub_id_of(name) is not None)
    return tuple(found.values())


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError as error:
        handlers.pass_on(error)
        return False  # too long for a path, or not to be looked at


def _names(model: Any) -> Iterator[Any]:
    configs = read(model, "peft_config")
    if isinstance(configs, dict):
        for config in configs.values():
            yield read(config, "base_model_name_or_path")
    yield read(read(model, "config"), "_name_or_path")
    yield read(model, "name_or_path")
