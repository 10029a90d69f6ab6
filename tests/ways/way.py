"""What a way in is: one small file in ``registry``, trained for real and looked at by the same checks as all.

Such a file has:

``TITLE``
    What a person does, as the table says it.
``PAGE``
    The page of ``docs`` about it.
``REQUIRES``
    The packages it cannot run without, by the names they are imported by.
``train(place)`` or ``commands(place)``
    Trains: the first in a Python process of its own, the second by the commands it returns, one after the other
    in ``place.work`` (they may start ``run_part.py WAY train`` in their turn). Either way it writes to
    ``place.output``, pushes to ``REPO_ID`` in the way's own manner, and leaves the trained weights in
    ``place.output``. Every process is under the simulated device; steps are paced, and base model, place and live
    figures are set by variables, so that the way says nothing of them.

and may have:

``prepare(place)``
    Makes files that the training needs (a data set, a configuration), in a process of its own.
``export(place)``
    Makes the folder ``place.merged`` of what was trained, in a process of its own; by default adapters are merged
    into their base model, and other models saved anew.
``PROFILE``
    The simulated machine, by its name in ``tests/simulator``; "gb10" by default.
``DEVICES``
    The numbers of those of its devices that the job uses; by default all.
``NOT_HERE``
    Cell (a name of ``CELLS``) to the reason why this way cannot have it. All other cells must hold.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

REPO_ID = "someone/tiny"
BASE_MODEL = "example/tiny-llama"
# Paced at WAYS_STEP_SECONDS each, so long that the refresh of a counter at both ends is far below one percent.
STEPS = 150
CELLS = {
    "card": "card complete",
    "push": "block after push",
    "merged": "merged folder after `publish`",
    "energy": "energy within 1 % of the simulated truth",
    "live": "live figures seen",
}
REGISTRY = Path(__file__).parent / "registry"


@dataclass(frozen=True)
class Place:
    """The folders of one way's run, all below ``work``."""

    work: Path

    @property
    def base(self) -> Path:
        """The base model and its tokenizer; a path that no card may show."""
        return self.work / "private-place" / "base"

    @property
    def output(self) -> Path:
        """The training's output folder."""
        return self.work / "tiny"

    @property
    def merged(self) -> Path:
        """Where an export of the trained model lies."""
        return self.work / "merged"

    @property
    def reporters(self) -> str:
        """What the trainer reports to: TensorBoard where this Python has it."""
        found = importlib.util.find_spec("tensorboard") or importlib.util.find_spec("tensorboardX")
        return "tensorboard" if found else "none"

    def arguments(self) -> dict[str, Any]:
        """Arguments of a trainer, for ``tiny.make_trainer`` and the like, with a push at the end."""
        return {
            "max_steps": STEPS,
            "logging_steps": 10,
            "report_to": self.reporters,
            "push_to_hub": True,
            "hub_model_id": REPO_ID,
        }


def identifiers() -> tuple[str, ...]:
    """The ways there are, by the names of their files."""
    return tuple(sorted(path.stem for path in REGISTRY.glob("*.py")))


def load(identifier: str) -> ModuleType:
    """The way's module."""
    spec = importlib.util.spec_from_file_location(f"ways_registry_{identifier}", REGISTRY / f"{identifier}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def missing(module: ModuleType) -> tuple[str, ...]:
    """The packages it needs that this Python does not have."""
    return tuple(name for name in module.REQUIRES if importlib.util.find_spec(name) is None)
