"""Whether what a card says of one value of its run contradicts the record."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations

from cardcallback.check.dates import dates_in
from cardcallback.check.facts import counted_devices
from cardcallback.check.families import FAMILIES, families
from cardcallback.check.named_things import as_named, devices_in
from cardcallback.check.numbers import Number, bare_numbers
from cardcallback.check.other_things import names_other_family
from cardcallback.check.places import is_within, places_in
from cardcallback.check.quantities import figures_of
from cardcallback.check.recorded import recorded_dates, recorded_numbers
from cardcallback.hub_id import is_hub_id
from cardcallback.record import RunRecord
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.own_run import OwnRun
from cardcallback.render.card.quantities import Unit, Value
from cardcallback.render.card.values import card_fields, open_value
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, SECONDS_PER_HOUR

_HOURS = Unit(word="hours", kinds=frozenset({"time", "device_time"}), factor=float(SECONDS_PER_HOUR))
# A person rounds: 1.9 h for 1 h 52 min is right. What makers and programs print as GB differs by 7 %.
_ROOM = 0.06
_ROOMS = {"memory": 0.08, "rate": 0.1, "parameters": 0.05, "tokens": 0.03, "sequences": 0.0,
          "steps": 0.002, "epochs": 0.02, "examples": 0.01, "share": 0.05}  # fmt: skip
# A model's own name rounds more, and counts what a quantised one may lack: embeddings, a picture encoder. Of steps
# people give a typical one, without what stands between them.
_ROOMS_BY_NAME = {"total_parameters": 0.15, "time_per_step": 0.25}
# Settings, which are exact, and are written with their digits.
_SETTINGS = frozenset(
    {"learning_rate", "lora_rank", "lora_alpha", "lora_dropout", "weight_decay", "seed", "warmup_steps",
     "gradient_accumulation", "building_overhead", "max_length", "effective_batch_size"}
)  # fmt: skip
# Results without a unit, and under which names a person may mean the same.
_RESULTS = {
    "validation_loss": ("validation_loss", "best_validation_loss"),
    "best_validation_loss": ("validation_loss", "best_validation_loss"),
    "base_loss": ("base_loss",),
    "perplexity_tuned": ("perplexity_tuned", "best_perplexity"),
    "best_perplexity": ("perplexity_tuned", "best_perplexity"),
    "perplexity_base": ("perplexity_base",),
}
_RESULT_ROOM, _SETTING_ROOM = 0.01, 1e-3
_VERSION = re.compile(r"(?<![\w.])v?(?P<version>\d+(?:\.\d+)+)")
_AT_LEAST = re.compile(r"[<>\u2264\u2265]=?\s*v?\d|\d\+(?!\w)|\b(?:newer|later|higher|above)\b", re.IGNORECASE)
_OF_STAGES = re.compile(
    r"\b(?:sft|dpo|orpo|kto|grpo|ppo|rlhf|stages?|phases?|stufe|\u00e9tape|etapa)\b|\u9636\u6bb5", re.IGNORECASE
)
_OF_A_STEP = re.compile(r"\b(?:steps?|epochs?|iter(?:ation)?s?|schritt|epoche)\W{0,3}$", re.IGNORECASE)
_HUB_ID = re.compile(r"(?<![\w/.:-])[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?![\w/])")
_DEVICES = frozenset({"gpu_names", "gpu_name", "hardware", "hardware_with_memory", "hardware_needed"})
# A country may stand where a cloud's region is asked for.
_ALIASES = {"cloud_region": "region"}
# Beside "GPUs used"; nought and one may be a device's number.
_COUNT_ALONE = re.compile(r"[\W_]*(?P<count>[2-9]|[1-9]\d{1,3})[\W_]*")
_MODULE = re.compile(r"(?<![\w.])[a-z]+[a-z0-9]*(?:_[a-z0-9]+)+(?!\w)")
_TOTAL = re.compile(r"\d\s*(?:of|/|von|sur|de)\s*\d")
_DAYS = frozenset({"date", "date_of_training", "start_date"})
_MOST_NUMBERS = 12


@dataclass(frozen=True)
class AgainstRecord:
    """A record to hold texts against, each as the value that it stands for.

    ``factors`` are those that the card states itself, in grams a kilowatt-hour.
    """

    record: RunRecord
    factors: tuple[float, ...] = ()
    _fields: dict[str, Value] = field(init=False)

    def __post_init__(self) -> None:
        """Ask for every value once."""
        object.__setattr__(self, "_fields", card_fields(self.record))

    def value(self, name: str) -> Value | None:
        """What the record gives for a value."""
        name = _ALIASES.get(name, name)
        return self._fields.get(name) or open_value(self.record, name)

    def contradicts(self, name: str, text: str, unit: Unit | None = None) -> bool:
        """Whether the text states something else of a value than the record; not where either says nothing.

        Args:
            name: the value.
            text: what the card says, without line breaks.
            unit: the unit that its label gives.
        """
        name = _ALIASES.get(name, name)
        value = self.value(name)
        if value is None:
            return False
        if name in _DAYS:
            return self._is_other_day(name, text)
        if name in FAMILIES:
            stated = families(name, text)
            # Many say Adam for it, and rightly so without a weight decay.
            return _differ(stated | ({"adamw"} if "adam" in stated else set()), families(name, value.text))
        if name.startswith("software."):
            return _is_other_version(text, value.text)
        if name in _DEVICES:
            return self._is_other_hardware(text)
        return self._is_other_name(name, text, value.text) or self._is_other_number(name, text, value, unit)

    def is_loose(self, name: str, text: str) -> bool:
        """Whether the text says Adam where it was AdamW with a weight decay, by which the two differ."""
        value, decay = self.value("optimizer"), self.record.training.hyperparameters.get("weight_decay")
        if name != "optimizer" or value is None or not isinstance(decay, int | float) or decay <= 0:
            return False
        stated = families(name, text)
        return "adam" in stated and "adamw" not in stated and "adamw" in families(name, value.text)

    def names_other_devices(self, text: str) -> bool:
        """Whether the text names GPUs, and none of the run's."""
        return _differ(devices_in(text), self._own_devices)

    def names_other_stage(self, text: str) -> bool:
        """Whether the text names a stage such as DPO, and not the run's."""
        return OwnRun(self.record).stage_of(normalize_label(text)) == "another"

    def names_other(self, text: str) -> bool:
        """Whether the text names GPUs, a stage or models, and none of them is the run's."""
        return self.names_other_devices(text) or self.names_other_stage(text) or self.names_other_model(text)

    def names_other_model(self, text: str) -> bool:
        """Whether the text names families of models, and not the one of the run's base model."""
        return names_other_family(text, (self.record.training.base_model or "").lower())

    def _is_other_day(self, name: str, text: str) -> bool:
        """Another day than those of the run; of a card or a release one before them."""
        stated, known = set(dates_in(text)), recorded_dates(self.record)
        if name == "date_of_training":
            return bool(stated and known) and max(stated) < min(known)
        return _differ(stated, known)

    def _is_other_number(self, name: str, text: str, value: Value, unit: Unit | None) -> bool:
        if (setting := _as_setting(name, text, value)) is not None:
            return _is_other_setting(text, setting)
        if name in _RESULTS:
            return self._is_other_result(name, text)
        if name == "gpu_count":
            return self._is_other_count(set(_centres(figures_of(text, "devices"))), text)
        if name == "training_loss":
            return self._is_no_loss(text)
        if name == "batch_size":
            wanted = _batches(value)
        else:
            wanted = recorded_numbers(self.record, name) or ([value.amount] if value.amount is not None else [])
        if name == "carbon_emitted":
            energies = recorded_numbers(self.record, "energy")
            wanted += [one / JOULES_PER_KILOWATT_HOUR * factor for one in energies for factor in self.factors]
        kind = "time" if name == "hours_used" else value.kind
        unit = unit or (_HOURS if name in {"gpu_hours", "hours_used"} else None)
        stated = figures_of(text, kind, unit) if kind else []
        if name == "peak_memory" or _TOTAL.search(text):
            stated = stated[:1]
        room = _ROOMS_BY_NAME.get(name) or _ROOMS.get(kind or "", _ROOM)
        is_met = any(one.fits(number, room) for one in stated for number in wanted)
        return bool(stated and wanted) and not is_met and not _may_be_beyond(value, stated)

    def _is_other_result(self, name: str, text: str) -> bool:
        known = [value.text for one in _RESULTS[name] if (value := self.value(one)) is not None]
        wanted = [number for other in known for number in _centres(bare_numbers(other)[:1])]
        stated = bare_numbers(text)
        return bool(stated and wanted) and not any(
            one.fits(number, _RESULT_ROOM) for one in stated for number in wanted
        )

    def _is_no_loss(self, text: str) -> bool:
        """A training loss outside all that was logged: a person may give a mean, or the last one."""
        known = recorded_numbers(self.record, "training_loss")
        stated = [one for one in bare_numbers(text) if _OF_A_STEP.search(text[: one.begin]) is None][:1]
        if not known or not stated:
            return False
        low, high = min(known) * (1 - _RESULT_ROOM), max(known) * (1 + _RESULT_ROOM)
        return all(upper < low or lower > high for one in stated for lower, upper in one.ranges)

    def _is_other_count(self, counts: set[float], text: str) -> bool:
        """Another number of GPUs, also where the text has several computers of so many each."""
        numbers = _centres(bare_numbers(text))[:_MOST_NUMBERS]
        products = {one * other for one, other in combinations(numbers, 2)}
        known = frozenset(recorded_numbers(self.record, "gpu_count"))
        return bool(counts) and _differ(counts | products, known)

    def _is_other_hardware(self, text: str) -> bool:
        """Another number of GPUs, or other ones."""
        alone = _COUNT_ALONE.fullmatch(text)
        counts = {float(count) for count in counted_devices(text.replace("*", "\u00d7"))}
        counts |= {float(alone["count"])} if alone is not None else set()
        if self._is_other_count(counts, text):
            return True
        return self.names_other_devices(text)

    @property
    def _own_devices(self) -> set[str]:
        return {name for device in self.record.hardware.accelerators for name in devices_in(device.name)}

    def _is_other_name(self, name: str, text: str, value_text: str) -> bool:
        training = self.record.training
        if name in {"base_model", "base_model_link"}:
            # A full stop behind it is the sentence's.
            named = (one.rstrip(".") for one in _HUB_ID.findall(text))
            found = {one for one in named if is_hub_id(one)}
            own = {training.base_model, *(stage.base_model for stage in self.record.stages)} - {None}
            return _differ({as_named(one) for one in found}, {as_named(str(one)) for one in own})
        if name == "target_modules":
            # Only names such as "q_proj": of all linear layers any name may be one.
            return _differ(set(_MODULE.findall(text.lower())), set(_MODULE.findall(value_text.lower())))
        carbon = self.record.carbon
        if name != "region" or carbon is None or carbon.places is None:
            return False
        codes = [factor.place_code for factor in carbon.factors if factor.place_code is not None]
        stated = set(places_in(text))
        return bool(stated) and not any(is_within(one, code) for one in stated for code in codes)


def _differ(stated: set[str] | set[float] | set[date], known: object) -> bool:
    """Whether something is stated and something known, and nothing of the first is in the second."""
    return bool(stated) and isinstance(known, set | frozenset) and bool(known) and stated.isdisjoint(known)


def _is_other_version(text: str, own: str) -> bool:
    stated = [found["version"].split(".") for found in _VERSION.finditer(text)]
    known = _VERSION.search(own)
    if not stated or known is None or _AT_LEAST.search(text):
        return False
    parts = known["version"].split(".")
    return not any(one[: len(parts)] == parts[: len(one)] for one in stated)


def _as_setting(name: str, text: str, value: Value) -> Value | None:
    """The setting, with its digits, that a text is held against; None for what is no setting."""
    if name in _SETTINGS or name.startswith("setting."):
        return value
    # A share of the steps, as it is written in a script.
    is_ratio = name == "warmup" and value.kind == "share" and not re.search(r"step|schritt|%", text, re.IGNORECASE)
    return Value(text=str(value.amount)) if is_ratio else None


def _is_other_setting(text: str, value: Value) -> bool:
    """Of a count any number is right, since the others are its parts; else what stands behind the first explains it."""
    if value.amount is not None and value.kind is not None:
        counts = figures_of(text, value.kind)
        return bool(counts) and not any(one.fits(value.amount, _SETTING_ROOM) for one in counts)
    stated, known = bare_numbers(text), bare_numbers(value.text)[:1]
    if not stated or not known:
        return False
    wanted = _centres(known)
    # A fraction is hardly another setting's, as the schedule's bounds beside a learning rate are its own.
    is_plain = all(number.is_integer() for number in wanted) and _OF_STAGES.search(text) is None
    numbers = [number for one in stated[: 1 if is_plain else None] for number in _with_share(one, text)]
    return not any(math.isclose(one, other, rel_tol=_SETTING_ROOM) for one in numbers for other in wanted)


def _with_share(one: Number, text: str) -> list[float]:
    """The number, and of "10 %" the share of one too, as a record may have it."""
    is_percent = text[one.end :].lstrip()[:1] == "%"
    return [*one.values, *(number / 100 for number in one.values if is_percent)]


def _may_be_beyond(value: Value, stated: Sequence[Number]) -> bool:
    """Whether one stands on the open side of what the record knows as "at least" or "at most"."""
    amount, ranges = value.amount or 0.0, [one for number in stated for one in number.ranges]
    if value.least.startswith("at most"):
        return any(low <= amount for low, _ in ranges)
    return bool(value.least) and any(high >= amount for _, high in ranges)


def _centres(numbers: Sequence[Number]) -> list[float]:
    return [value for one in numbers for value in one.values]


def _batches(value: Value) -> list[float]:
    """Per device, over each of what multiplies it, and over all."""
    known = _centres(bare_numbers(value.text))
    factors = known[1 : max(2, len(known) - 1)]
    return [*known[:1], *known[-1:], *(known[0] * factor for factor in factors)]
