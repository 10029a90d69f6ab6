"""The checks that are the same for every way in: each gives what does not hold, in words, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cardcallback.check import check_card
from cardcallback.record import RunRecord
from cardcallback.render.card.section_block import SECTION_BEGIN, SECTION_END
from left_behind import LeftBehind

TOLERANCE = 0.01
LIVE_TAGS = ("cardcallback/gpu_power_watts", "cardcallback/energy_joules")
_HEADING = "## Training, hardware and environmental impact"
_PICTURES = ("training_run/loss_curve.png", "training_run/power_and_memory.png")
_RECORD = "training_run/record.json"
# What a run knows about itself, whatever a template calls it; what only a person knows may stay open.
_KNOWN = re.compile(
    r"hardware|hours|software|carbon|co2|energy|compute|gpu|memory|hyper-?parameter|base model|finetuned from|epochs|"
    r"learning rate|batch|optimi[sz]er|precision|training regime|speeds|framework",
    re.IGNORECASE,
)
_OPEN = re.compile(r"more information needed", re.IGNORECASE)
_ROW = re.compile(r"^\| ([^|]+) \| (.+) \|$", re.MULTILINE)


def card_problems(left: LeftBehind) -> Iterator[str]:
    """The card has every row that the record can fill, names this training, and agrees with its record."""
    text, record = left.card, left.record
    yield from section_problems(text)
    yield from row_problems(text, record)
    yield from training_problems(left)
    yield from (f"known, and left open: {line}" for line in known_but_open(text))
    for one in check_card(text, record=record, file_exists=lambda path: (left.place.output / path).exists()):
        # A placeholder whose answer the run knows was looked for above; the others are the author's.
        if one.severity == "error" and one.rule != "placeholder":
            yield f"check: line {one.line}: {one.what}"
    yield from (f"no {name}" for name in _PICTURES if not (left.place.output / name).is_file())
    yield from private_problems(left, text, (left.place.output / _RECORD).read_text(encoding="utf-8"))


def push_problems(left: LeftBehind) -> Iterator[str]:
    """Every card that was pushed has the block; the last one is complete, with its pictures and record."""
    cards = [(commit, path, text) for commit in left.commits for path, text in commit.cards.items()]
    if not any(path == "README.md" for _, path, _ in cards):
        yield f"no card was pushed in {len(left.commits)} commits"
        return
    for commit, path, text in cards:
        yield from (f"commit {commit.message!r}, {path}: {problem}" for problem in section_problems(text))
        yield from private_problems(left, text)
    last = [text for _, path, text in cards if path == "README.md"][-1]
    yield from row_problems(last, left.record)
    pushed = {path for commit in left.commits for path in commit.paths}
    yield from (f"{name} was not pushed" for name in (*_PICTURES, _RECORD) if name not in pushed)


def merged_problems(left: LeftBehind) -> Iterator[str]:
    """The exported model's card has the section of this run after ``cardcallback publish``."""
    if left.published is None:
        yield "there is no exported model"
        return
    card = left.place.merged / "README.md"
    if not card.is_file():
        yield f"publish wrote no card: {left.published}"
        return
    text = card.read_text(encoding="utf-8")
    yield from section_problems(text)
    yield from row_problems(text, left.record)
    if (left.place.output / "adapter_config.json").is_file() and "merged into its base model" not in text:
        yield "the card does not say that the adapter was merged"
    yield from private_problems(left, text)


def energy_problems(left: LeftBehind) -> Iterator[str]:
    """The record's energy is the true one within one percent, and its interval holds the truth."""
    energy = left.record.energy.gpu
    low, high = left.true_joules()
    if not left.trainings or energy.value is None:
        yield f"not measured: {energy.reason}" if energy.value is None else "nobody saw the training"
        return
    if high - low > TOLERANCE * high:
        yield "the truth itself is not known well enough: the machine was too busy"
    if not low * (1 - TOLERANCE) <= energy.value <= high * (1 + TOLERANCE):
        yield f"{energy.value:.1f} J where {low:.1f} to {high:.1f} J were used"
    if (energy.recording_low or 0.0) > high or (energy.recording_high or 0.0) < low:
        yield f"the interval {energy.recording_low} to {energy.recording_high} J does not hold the truth"


def live_problems(left: LeftBehind) -> Iterator[str]:
    """TensorBoard's files hold our figures beside the trainer's own."""
    files = list(left.place.work.rglob("*tfevents*"))
    if left.live_refusal is not None:
        yield left.live_refusal
        return
    if not files:
        yield "no tracker wrote a file"
        return
    written = b"".join(path.read_bytes() for path in files)
    yield from (f"no {tag} in TensorBoard's files" for tag in LIVE_TAGS if tag.encode() not in written)


CHECKS: dict[str, Callable[[LeftBehind], Iterator[str]]] = {
    "card": card_problems,
    "push": push_problems,
    "merged": merged_problems,
    "energy": energy_problems,
    "live": live_problems,
}


def section_problems(text: str) -> Iterator[str]:
    """Our section stands in the card once and whole."""
    counts = [text.count(mark) for mark in (SECTION_BEGIN, SECTION_END, _HEADING)]
    if counts != [1, 1, 1]:
        yield f"our section is there {min(counts)} to {max(counts)} times"


def row_problems(text: str, record: RunRecord) -> Iterator[str]:
    """Each row that the record can fill is there and has a figure."""
    rows = dict(_ROW.findall(_section(text)))
    for name in known_rows(record):
        found = next((value for label, value in rows.items() if _is_row(label, name)), None)
        if found is None or found.startswith(("not measured", "unknown")):
            yield f"row {name!r}: {found or 'missing'}"


def _is_row(label: str, name: str) -> bool:
    # A trainer's loss has its own name: "Loss per token", "DPO loss".
    return "loss" in label.lower() if name == "Loss" else label.startswith(name)


def known_rows(record: RunRecord) -> tuple[str, ...]:
    """The rows of a section that this record has the figures for."""
    training = record.training
    asked = {
        "Time": record.duration_seconds,
        "GPU energy": record.energy.gpu.value,
        "CO2e": record.carbon,
        "Memory in use": record.memory.system_peak.value,
        "Speed": training.tokens.non_padding or training.tokens.processed,
        "Base model": training.base_model,
        "Method": training.method,
        "LoRA": training.lora,
        "Data": training.dataset.training_examples,
        "Batch": training.hyperparameters,
        "Optimiser": training.hyperparameters,
        "Hardware": record.hardware.accelerators,
        "Software": record.software,
        "Loss": record.evaluation.after is not None and record.evaluation.after.loss is not None,
    }
    return tuple(name for name, value in asked.items() if value)


def training_problems(left: LeftBehind) -> Iterator[str]:
    """The record is of this training: completed, simulated, its steps, devices and libraries."""
    record, training = left.record, left.record.training
    if record.status != "completed" or not record.simulated:
        yield f"the record says {record.status}, simulated: {record.simulated}"
    steps = max((note["step"] for note in left.trainings), default=None)
    if training.steps != steps:
        yield f"{training.steps} steps of {steps}"
    names = {device.name for device in left.simulation.profile.devices}
    if {device.name for device in record.hardware.accelerators} != names:
        yield "the devices are not the machine's"
    if not (training.method and training.trainer and training.hyperparameters):
        yield "method, trainer or hyper-parameters are unknown"
    for name in ("torch", "transformers", "trl", "peft"):
        if name in record.software and record.software[name] != left.versions.get(name):
            yield f"{name} {record.software[name]} where {left.versions.get(name)} is installed"
    if "transformers" not in record.software or "loss" not in record.curves:
        yield "no software, or no loss curve"


def known_but_open(text: str) -> Iterator[str]:
    """Lines outside our section that leave open what the run knows."""
    heading = ""
    outside = text.replace(_section(text), "")
    for line in outside.splitlines():
        if line.startswith("#"):
            heading = line
        elif _OPEN.search(line) and _KNOWN.search(line.split("[")[0].strip() or heading):
            yield f"{heading} {line}".strip()


def private_problems(left: LeftBehind, *texts: str) -> Iterator[str]:
    """No path of this machine, no device's number."""
    for text in texts:
        if str(left.place.work) in text or "private-place" in text or str(Path.home()) in text:
            yield "a path of this machine is in it"
        if re.search(r"GPU-[0-9a-f]{8}", text):
            yield "a device's number is in it"


def _section(text: str) -> str:
    begin, end = text.find(SECTION_BEGIN), text.find(SECTION_END)
    return text[begin : end + len(SECTION_END)] if begin >= 0 <= end else ""
