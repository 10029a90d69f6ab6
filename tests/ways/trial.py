"""Runs one way from beginning to end on a simulated machine, and says which cells of the table hold."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from cardcallback.errors import CardCallbackError
from cells import CHECKS
from hub_server import HubServer
from left_behind import LeftBehind, read_notes
from simulator import Simulation, profile_named
from way import BASE_MODEL, CELLS, Place, load

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_ALWAYS = ("torch", "transformers", "huggingface_hub")
_STEP_SECONDS = 0.2
_LIMIT_SECONDS = 3600.0
# What other ways' environments may have set, and a way starts without.
_UNSET = (
    "CARDCALLBACK_DISABLE",
    "CUDA_VISIBLE_DEVICES",
    "HF_HUB_ENABLE_HF_TRANSFER",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
)


class WayFailedError(RuntimeError):
    """A process of the way ended with an error; its last lines are the message."""


def try_way(identifier: str, *, step_seconds: float = _STEP_SECONDS) -> dict[str, Any]:
    """The way's result as it is kept: title, versions, and each cell with ``holds`` and, where it does not, why.

    Raises:
        WayFailedError: it did not run through.
    """
    module = load(identifier)
    with tempfile.TemporaryDirectory(prefix="cardcallback-way-") as folder:
        left = _run(module, identifier, Place(Path(folder).resolve()), step_seconds)
        cells = {name: _cell(name, left, module) for name in CELLS}
        return {
            "way": identifier,
            "title": module.TITLE,
            "page": module.PAGE,
            "machine": left.simulation.profile.name,
            "versions": left.versions,
            "energy": _energy(left),
            "cells": cells,
        }


def _run(module: ModuleType, identifier: str, place: Place, step_seconds: float) -> LeftBehind:
    notes, system = place.work / "notes", place.work / "simulated"
    for folder in (notes, system):
        folder.mkdir()
    hub = HubServer()
    refusal = "the environment has no TensorBoard to write them" if place.reporters == "none" else _live_refusal()
    with hub.serving():
        simulation = Simulation(profile_named(getattr(module, "PROFILE", "gb10")), system)
        variables = os.environ | hub.environment | _settings(place, step_seconds)
        if refusal is None:
            variables["CARDCALLBACK_LOG_METRICS"] = "1"
        variables = {name: value for name, value in variables.items() if name not in _UNSET}
        _call([*_part(identifier, "prepare", place)], place, variables)
        training = variables | simulation.environment | {"WAYS_NOTES": str(notes)}
        own = getattr(module, "commands", None)
        for command in own(place) if own is not None else [_part(identifier, "train", place)]:
            _call(command, place, training)
        _call(_part(identifier, "export", place), place, variables)
        published = _publish(place, variables)
    commits, noted = tuple(hub.commits), read_notes(notes)
    devices = getattr(module, "DEVICES", None)
    return LeftBehind(place, simulation, commits, _versions(module), published, refusal, noted, devices)


def _settings(place: Place, step_seconds: float) -> dict[str, str]:
    paths = [str(_HERE / "watcher"), str(_HERE), str(_ROOT / "src"), str(_ROOT / "tests" / "integration")]
    return {
        "PYTHONPATH": os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "WAYS_STEP_SECONDS": str(step_seconds),
        "CARDCALLBACK_BASE_MODEL": BASE_MODEL,
        "CARDCALLBACK_LOCATION": "DE",
        "HF_HOME": str(place.work / "hub-cache"),
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",
    }


def _part(identifier: str, part: str, place: Place) -> list[str]:
    return [sys.executable, str(_HERE / "run_part.py"), identifier, part, str(place.work)]


def _call(command: list[str], place: Place, variables: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=place.work, env=variables, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise WayFailedError("\n".join([*done.stdout.splitlines()[-10:], *done.stderr.splitlines()[-25:]]))
    return done.stdout + done.stderr


def _publish(place: Place, variables: dict[str, str]) -> str | None:
    if not place.merged.is_dir():
        return None
    command = [sys.executable, "-m", "cardcallback", "publish", str(place.output), str(place.merged)]
    return _call(command, place, variables)


def _live_refusal() -> str | None:
    """Why live figures cannot be asked for in this version, or ``None``."""
    from cardcallback import CardCallback  # noqa: PLC0415 - imports transformers

    try:
        CardCallback(log_metrics=True)
    except CardCallbackError as error:
        return str(error)
    return None


def _versions(module: ModuleType) -> dict[str, str]:
    names = dict.fromkeys((*_ALWAYS, *module.REQUIRES, "trl", "peft"))
    found = {"python": platform.python_version()}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _cell(name: str, left: LeftBehind, module: ModuleType) -> dict[str, Any]:
    reason = getattr(module, "NOT_HERE", {}).get(name)
    if reason is not None:
        return {"holds": None, "why": reason}
    try:
        problems = list(CHECKS[name](left))
    except (CardCallbackError, OSError) as error:
        problems = [f"{type(error).__name__}: {error}"]
    if not problems:
        return {"holds": True}
    why = "; ".join(dict.fromkeys(problems)).replace(str(left.place.work), "...")
    return {"holds": None if name == "live" and left.live_refusal is not None else False, "why": why}


def _energy(left: LeftBehind) -> dict[str, Any]:
    low, high = left.true_joules()
    try:
        measured = left.record.energy.gpu.value
    except CardCallbackError:
        measured = None
    return {"measured_joules": measured, "true_joules": [round(low, 2), round(high, 2)]}
