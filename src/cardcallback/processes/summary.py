"""What one node's measurer leaves for the job's record: its figures in at most four kibibytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.processes.rendezvous import read_small, write_private
from cardcallback.record import (
    PRIVATE_FOLDER,
    Accelerator,
    Energy,
    Memory,
    Node,
    RunRecord,
    Status,
    not_measured,
)
from cardcallback.writing import own_folder

MOST_BYTES = 4096
SUMMARY_VERSION = 1
_NAME = "node-{rank:05d}.json"
_PATTERN = "node-*.json"
_FIGURES = 7  # significant, farther than any sensor goes
# A measurement's own numbers, and what is told once for all that share it, each in the order of the file.
_NUMBERS = ("value", "recording_low", "recording_high", "coverage", "longest_gap_seconds")
_SHARED = (
    *("unit", "source", "method", "scope", "instrument_accuracy", "window", "covers", "sampling_interval_seconds"),
    *("reason", "observed", "assumption"),
)
_PARTS = frozenset({"scope", "instrument_accuracy", "window"})
# Of an accelerator what several are alike in.
_KIND = ("name", "memory_total_bytes", "other_processes", "used_by_job")
# What any part of a file that is not as it was written may raise.
_DAMAGE = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError)
_LEFT_OUT = "{count} more notes did not fit into this summary."
_SLOWER = "{count}{more} of its GPUs were slower than they can be for a part of the time."
_TOO_MANY = "told for the node's GPUs together"


class NodeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One node's figures of its part in a job; ``answers`` is the job's random number, where that could be seen.

    ``computer`` is alike for the nodes of one computer, where somebody started several launchers on it; a hash with
    the job's number, which tells nothing of the computer.
    """

    summary_version: int = SUMMARY_VERSION
    answers: str = ""
    computer: str = ""
    processes: int
    node: Node
    simulated: bool
    status: Status
    suspended_seconds: float = 0.0
    accelerators: tuple[Accelerator, ...] = ()
    energy: Energy
    memory: Memory
    notes: tuple[str, ...] = ()


def summarize_node(record: RunRecord, *, answers: str = "", computer: str = "") -> NodeSummary:
    """A node's summary from the record of its newest session, which holds its figures alone.

    Raises:
        CardCallbackError: the record is not of one node of a job of several processes.
    """
    if record.processes is None or len(record.nodes) != 1:
        msg = f"run {record.run_id[:8]} is not one node's part of a larger job: give the folders of the job's nodes"
        raise CardCallbackError(msg)
    session = record.sessions[-1]
    return NodeSummary(
        answers=answers,
        computer=computer,
        processes=record.processes,
        node=record.nodes[0],
        simulated=record.simulated,
        status=session.status,
        suspended_seconds=session.suspended_seconds,
        accelerators=tuple(_figures_of(one) for one in session.hardware.accelerators),
        energy=msgspec.structs.replace(session.energy, per_step=None, per_token=None, others=(), rest_estimate=None),
        memory=msgspec.structs.replace(
            record.memory, limit=None, swap_peak=None, swap_baseline=None, stalled_some=None, stalled_all=None
        ),
        notes=tuple(note for note in record.notes if not _is_health(note, session.hardware.accelerators)),
    )


def encode_summary(summary: NodeSummary) -> bytes:
    """At most ``MOST_BYTES``: notes that do not fit are counted, then the GPUs' state, then their own figures."""
    content = b""
    for one in _shorter(summary):
        content = _encoded(one)
        if len(content) <= MOST_BYTES:
            break
    return content


def _shorter(summary: NodeSummary) -> Iterator[NodeSummary]:
    """The summary with less and less to tell; what the job's sums need is in all of them."""
    notes = summary.notes
    for kept in range(len(notes), -1, -1):
        more = () if kept == len(notes) else (_LEFT_OUT.format(count=len(notes) - kept),)
        yield msgspec.structs.replace(summary, notes=(*notes[:kept], *more))
    slower = [place for place, one in enumerate(summary.accelerators) if one.health]
    words: tuple[str, ...] = ()
    for kept in range(len(slower) - 1, -1, -1):
        words = (_SLOWER.format(count=len(slower) - kept, more=" more" if kept else ""),)
        yield msgspec.structs.replace(
            summary, notes=(*words, *more), accelerators=_with_health_of(summary.accelerators, slower[:kept])
        )
    together = not_measured("joules", _TOO_MANY)
    named = tuple(Accelerator(name=one.name, energy=together) for one in summary.accelerators)
    yield msgspec.structs.replace(summary, notes=words, accelerators=named)


def _with_health_of(accelerators: Sequence[Accelerator], places: Sequence[int]) -> tuple[Accelerator, ...]:
    return tuple(
        one if place in places else msgspec.structs.replace(one, health=()) for place, one in enumerate(accelerators)
    )


def decode_summary(content: bytes, *, name: str = "a node's summary") -> NodeSummary:
    """The summary again.

    Raises:
        CardCallbackError: damaged, or a newer version's.
    """
    try:
        document = json.loads(content, parse_float=_finite, parse_constant=_finite)
        if document["summary_version"] > SUMMARY_VERSION:
            msg = f"{name} was written by a newer cardcallback: upgrade it here"
            raise CardCallbackError(msg)
        return _decoded(document)
    except (*_DAMAGE, msgspec.MsgspecError) as error:
        msg = f"{name} is damaged: leave that node out, and the record says so"
        raise CardCallbackError(msg) from error


def write_summary(output_folder: Path, summary: NodeSummary) -> Path:
    """Write it where the job's record is joined from.

    Raises:
        CardCallbackError: our folder is a link that leads out of the output folder, or cannot be made.
        OSError: it cannot be written.
    """
    path = own_folder(output_folder / PRIVATE_FOLDER) / _NAME.format(rank=summary.node.ranks[0])
    write_private(path, encode_summary(summary))
    return path


def summary_of_ranks(output_folder: Path, ranks: tuple[int, ...]) -> NodeSummary | None:
    """The summary that stands where a node of these ranks writes its own; ``None`` where there is none."""
    return load_summary(output_folder / PRIVATE_FOLDER / _NAME.format(rank=ranks[0]))


def load_summaries(output_folder: Path) -> tuple[NodeSummary, ...]:
    """Every node's summary in an output folder, in the order of their ranks; damaged ones are left out."""
    found = map(load_summary, summary_files(output_folder))
    return tuple(one for one in found if one is not None)


def load_summary(path: Path) -> NodeSummary | None:
    """One node's summary, ``None`` where it cannot be read: its ranks are told as missing then."""
    content = read_small(path)
    try:
        return None if content is None else decode_summary(content, name=path.name)
    except CardCallbackError:
        return None


def summary_files(output_folder: Path) -> list[Path]:
    """Where they lie."""
    return sorted((output_folder / PRIVATE_FOLDER).glob(_PATTERN))


def _figures_of(accelerator: Accelerator) -> Accelerator:
    return Accelerator(
        name=accelerator.name,
        energy=accelerator.energy,
        memory_total_bytes=accelerator.memory_total_bytes,
        other_processes=accelerator.other_processes,
        used_by_job=accelerator.used_by_job,
        health=accelerator.health,
    )


def _is_health(note: str, accelerators: Sequence[Accelerator]) -> bool:
    """Whether it is what a GPU's own state says, with or without the GPU's number before it."""
    return any(note in told or note.partition(": ")[2] in told for told in (one.health for one in accelerators))


def _encoded(summary: NodeSummary) -> bytes:
    shared: list[Any] = []
    plain = msgspec.to_builtins(summary)
    plain["accelerators"] = [
        [_place_in(shared, [one[name] for name in _KIND]), *_packed(one["energy"], shared)]
        for one in plain["accelerators"]
    ]
    health = {place: one.health for place, one in enumerate(summary.accelerators) if one.health}
    plain["node"].pop("accelerators")
    document = _slim(plain, shared) | {"shared": shared} | ({"health": health} if health else {})
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _slim(value: Any, shared: list[Any]) -> Any:
    """Without what is absent, with rounded numbers; a measurement packed."""
    if isinstance(value, float):
        return float(f"{value:.{_FIGURES}g}")
    if isinstance(value, (list, tuple)):
        return [_slim(one, shared) for one in value]
    if not isinstance(value, dict):
        return value
    if "unit" in value:
        return {"of": _packed(value, shared)}
    return {key: _slim(one, shared) for key, one in value.items() if one is not None and one != ()}


def _packed(measurement: dict[str, Any], shared: list[Any]) -> list[Any]:
    """Where its provenance stands in ``shared``, and its numbers."""
    common = []
    for name in _SHARED:
        part = _slim(measurement[name], shared)
        if name == "covers":
            part = list(dict.fromkeys(part)) or None
        elif name in _PARTS and part is not None:
            # A scope says "no" of what it does not name.
            part = _place_in(shared, {key: one for key, one in part.items() if one != "no"})
        common.append(part)
    numbers = [_slim(measurement[name], shared) for name in _NUMBERS]
    return [_place_in(shared, _trimmed(common)), *_trimmed(numbers)]


def _trimmed(values: list[Any]) -> list[Any]:
    while values and values[-1] is None:
        values.pop()
    return values


def _place_in(shared: list[Any], part: Any) -> int:
    if part not in shared:
        shared.append(part)
    return shared.index(part)


def _decoded(document: dict[str, Any]) -> NodeSummary:
    shared = document.pop("shared")
    whole = _whole(document, shared)
    whole["accelerators"] = [
        dict(zip(_KIND, shared[kind], strict=True)) | {"energy": _unpacked(packed, shared)}
        for kind, *packed in document.get("accelerators", ())
    ]
    for place, sentences in document.get("health", {}).items():
        whole["accelerators"][int(place)]["health"] = sentences
    whole["node"]["accelerators"] = [one["name"] for one in whole["accelerators"]]
    summary = msgspec.convert(whole, NodeSummary)
    ranks = summary.node.ranks
    if not ranks or min(ranks) < 0 or max(ranks) >= summary.processes:
        msg = "ranks that the job does not have"
        raise ValueError(msg)
    return summary


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        msg = "a number that is none"
        raise ValueError(msg)
    return number


def _whole(value: Any, shared: list[Any]) -> Any:
    if isinstance(value, list):
        return [_whole(one, shared) for one in value]
    if not isinstance(value, dict):
        return value
    if "of" in value:
        return _unpacked(value["of"], shared)
    return {key: _whole(one, shared) for key, one in value.items()}


def _unpacked(packed: list[Any], shared: list[Any]) -> dict[str, Any]:
    place, *numbers = packed
    common = {name: part for name, part in zip(_SHARED, shared[place], strict=False) if part is not None}
    parts = {name: shared[common[name]] for name in _PARTS & common.keys()}
    return {"value": None} | common | parts | dict(zip(_NUMBERS, numbers, strict=False))
