"""Commands started by ``cardcallback run``, and a stand-in for transformers that takes no seconds to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cardcallback
from cardcallback.launcher.starting import environment_of_command

SOURCE = Path(cardcallback.__file__).parent.parent
# What cardcallback asks of transformers, and one trainer as theirs are made.
_CALLBACKS = '''
class TrainerCallback:
    def on_init_end(self, *args, **kwargs): pass


class TrainerState: pass


class CallbackHandler:
    def __init__(self, callbacks):
        self.callbacks = []
        for callback in callbacks:
            self.add_callback(callback)

    def add_callback(self, callback):
        self.callbacks.append(callback() if isinstance(callback, type) else callback)


class Trainer:
    """Names its callbacks, and how often each is there."""

    def __init__(self, callbacks=()):
        self.callback_handler = CallbackHandler(callbacks)
        for callback in self.callback_handler.callbacks:
            if hasattr(callback, "on_init_end"):
                callback.on_init_end()

    def add_callback(self, callback):
        self.callback_handler.add_callback(callback)

    def train(self): pass

    @property
    def names(self):
        return [type(callback).__name__ for callback in self.callback_handler.callbacks]
'''


def stand_in_transformers(folder: Path) -> Path:
    """A folder for the path in which ``transformers`` has callbacks and a trainer, loaded on first use as theirs."""
    package = folder / "transformers"
    package.mkdir(parents=True)
    lazy = (
        "import importlib\n"
        "def __getattr__(name):\n"
        "    try:\n"
        "        return vars(importlib.import_module('transformers.trainer_callback'))[name]\n"
        "    except KeyError:\n"
        "        raise AttributeError(name) from None\n"
    )
    (package / "__init__.py").write_text(lazy, encoding="utf-8")
    (package / "trainer_callback.py").write_text(_CALLBACKS, encoding="utf-8")
    return folder


def environment(*folders: Path, launched: bool = True, **variables: str) -> dict[str, str]:
    """The environment of a command, with these folders on its path after what the launcher puts there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARDCALLBACK_")}
    kept["PYTHONPATH"] = os.pathsep.join(map(str, folders))
    environ = {**kept, **variables}
    return environment_of_command(environ, {}) if launched else environ


def python(
    code: str, environ: dict[str, str], *options: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """What a Python that runs this code says; it starts as it was left by whoever prepared its environment."""
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
