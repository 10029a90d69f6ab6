"""Reads workloads.yaml: what is trained, and with which settings in which tier."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cardcallback.errors import CardCallbackError

from .data import Kind, Row, digest, make_rows

WORKLOADS_FILE = Path(__file__).with_name("workloads.yaml")
SAME_WORK, BEST_EFFORT = "same-work", "best-effort"
TIERS = (SAME_WORK, BEST_EFFORT)
Setting = str | int | float | bool
Settings = dict[str, Setting]


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which weights; ``source`` is a package that ships them, the Hub, or a ``folder``, which tests use."""

    name: str
    source: Literal["package", "hub", "folder"]
    folder: str | None = None


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which examples; the last ``held_out`` of them are not trained on. ``sha256`` is of all of them."""

    kind: Kind
    examples: int
    held_out: int
    problems: int
    sha256: str

    def rows(self) -> list[Row]:
        """All of them.

        Raises:
            CardCallbackError: they are not those that the workload names.
        """
        rows = make_rows(self.kind, examples=self.examples, problems=self.problems)
        if digest(rows) != self.sha256:
            msg = "these are not the examples of workloads.yaml: use data.py and workloads.yaml of one version"
            raise CardCallbackError(msg)
        return rows


class Lora(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The adapter of QLoRA and DPO, on all linear layers."""

    rank: int
    alpha: int


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of training. ``settings`` are those in which it differs from all others, until it was loaded."""

    method: Literal["SFT", "QLoRA", "DPO"]
    model: Model
    data: Data
    steps: int
    warm_up_steps: int
    evaluation_steps: int
    most_steps: int
    tried: bool
    settings: Settings = {}
    lora: Lora | None = None
    name: str = ""


class Workloads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    version: int
    repeats: int
    tunable: tuple[str, ...]
    settings: Settings
    lora: Lora
    workloads: dict[str, Workload]

    def named(self, name: str) -> Workload:
        """The workload with its settings and its name.

        Raises:
            CardCallbackError: there is none of that name.
        """
        if name not in self.workloads:
            near = difflib.get_close_matches(name, self.workloads, n=3) or sorted(self.workloads)
            msg = f"no workload is called {name!r}: did you mean {', '.join(near)}?"
            raise CardCallbackError(msg)
        found = self.workloads[name]
        lora = None if found.method == "SFT" else self.lora
        settings = self.settings | found.settings
        return msgspec.structs.replace(found, name=name, settings=settings, lora=lora)

    def resolved(self, workload: Workload, tier: str, tuning: Mapping[str, Setting]) -> Settings:
        """The settings of a tier on a machine that is tuned so.

        Raises:
            CardCallbackError: same-work is tuned, or something that no machine may change.
        """
        if tier == SAME_WORK and tuning:
            msg = f"{SAME_WORK} has the same settings everywhere: leave --tuning out, or choose --tier {BEST_EFFORT}"
            raise CardCallbackError(msg)
        for name, value in tuning.items():
            if name not in self.tunable:
                msg = f"{name} may not be tuned: give one of {', '.join(self.tunable)}"
                raise CardCallbackError(msg)
            if not _alike(value, workload.settings[name]):
                msg = f"{name} is {value!r}: give a value like {workload.settings[name]!r}"
                raise CardCallbackError(msg)
        return workload.settings | dict(tuning)


def load_workloads(path: Path = WORKLOADS_FILE) -> Workloads:
    """The workloads of a file.

    Raises:
        CardCallbackError: it cannot be read, or holds what it should not.
    """
    try:
        return msgspec.convert(_read(path), Workloads)
    except msgspec.ValidationError as error:
        msg = f"{path.name} is not a file of workloads: {error}"
        raise CardCallbackError(msg) from error


def load_tuning(path: Path) -> Settings:
    """Settings of a machine's own, one ``name: value`` a line.

    Raises:
        CardCallbackError: it cannot be read, or is no such list.
    """
    try:
        return msgspec.convert(_read(path), Settings)
    except msgspec.ValidationError as error:
        msg = f"{path.name} is no list of settings: write one name: value a line"
        raise CardCallbackError(msg) from error


def _read(path: Path) -> Any:
    try:
        return YAML(typ="safe").load(path.read_bytes())
    except (OSError, YAMLError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not YAML"
        msg = f"{path.name} cannot be read ({reason}): give a YAML file"
        raise CardCallbackError(msg) from error


def _alike(value: Setting, example: Setting) -> bool:
    if isinstance(value, bool) or isinstance(example, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(value, str) or isinstance(example, str):
        return isinstance(value, str) and isinstance(example, str)
    return value >= 0
