"""In every Python process of a way: paces each training step, and notes when training begins and ends.

Python loads this by its name from ``PYTHONPATH``, so that a command need not know of it. Only what transformers
itself calls is wrapped, and the clock is the simulator's: the truth of the energy is computed from these times.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WATCHED = "transformers.trainer_callback"
_STEP_SECONDS = float(os.environ.get("WAYS_STEP_SECONDS", "0"))
_NOTES = os.environ.get("WAYS_NOTES")


def _now() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the module load as ever, then wraps its handler of callbacks."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The module's own specification, with a loader that wraps afterwards."""
        del path, target
        if fullname != _WATCHED:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_wrap(module: Any) -> None:
            load(module)
            _wrap(module.CallbackHandler)

        spec.loader.exec_module = load_and_wrap  # type: ignore[method-assign]
        return spec


def _wrap(handler: Any) -> None:
    begun: dict[int, tuple[int, int]] = {}

    def on_train_begin(call: Callable[..., Any], own: Any, *arguments: Any, **options: Any) -> Any:
        before = _now()
        result = call(own, *arguments, **options)
        begun[id(own)] = (before, _now())
        return result

    def on_train_end(call: Callable[..., Any], own: Any, args: Any, state: Any, *rest: Any, **options: Any) -> Any:
        end = _now()
        if id(own) in begun:
            before, after = begun.pop(id(own))
            note = {"output": os.path.realpath(args.output_dir), "step": state.global_step, "end": end}
            _note(note | {"first": state.is_world_process_zero, "begin_before": before, "begin_after": after})
        return call(own, args, state, *rest, **options)

    def on_step_begin(call: Callable[..., Any], own: Any, *arguments: Any, **options: Any) -> Any:
        time.sleep(_STEP_SECONDS)
        return call(own, *arguments, **options)

    for around in (on_train_begin, on_train_end, on_step_begin):
        original = getattr(handler, around.__name__)
        setattr(handler, around.__name__, functools.wraps(original)(_around(around, original)))


def _around(around: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    def method(own: Any, *arguments: Any, **options: Any) -> Any:
        return around(original, own, *arguments, **options)

    return method


def _note(line: dict[str, Any]) -> None:
    with Path(str(_NOTES), f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if _NOTES:
    sys.meta_path.insert(0, _Finder())
