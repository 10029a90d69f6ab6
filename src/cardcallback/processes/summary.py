"""What one node's measurer leaves for the job's record: its figures in at most four kibibytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cardcallback import portable
from cardcallback.errors import CardCallbackError
from cardcallback.processes.packing import Unpacking, packed, packed_or_none, place_in, slim
from cardcallback.processes.power import pack_power, unpack_power
from cardcallback.processes.rendezvous import read_small, write_private
from cardcallback.record import (
    PRIVATE_FOLDER,
    Accelerator,
    Energy,
    Memory,
    Node,
    RunRecord,
    Session,
    Status,
    not_measured,
)
from cardcallback.units import format_number
from cardcallback.writing import own_folder

MOST_BYTES = 4096
SUMMARY_VERSION = 1
_NAME = "node-{rank:05d}.json"
_PATTERN = "node-*.json"
# Of an accelerator what several are alike in.
_KIND = ("name", "memory_total_bytes", "other_processes", "used_by_job")
# What it was like, in figures.
_STATE = ("median_sm_clock", "highest_temperature")
# What any part of a file that is not as it was written may raise.
_DAMAGE = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError)
_LEFT_OUT = "{count} more notes did not fit into this summary."
_SLOWER = "{count}{more} of its GPUs were slower than they can be for a part of the time."
_TOO_MANY = "told for the node's GPUs together"


class NodeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One node's figures of its part in a job; ``answers`` is the job's random number, where that could be seen.

    ``computer`` is alike for the nodes of one computer, where somebody started several launchers on it; a hash with
    the job's address, which tells nothing of the computer. ``gpus`` are such hashes of the GPUs that were measured,
    in the order of ``accelerators``: each counts once, whoever else measured it. ``grid`` is the place that this
    computer was told to be in, with its factor.
    """

    summary_version: int = SUMMARY_VERSION
    answers: str = ""
    computer: str = ""
    gpus: tuple[str, ...] = ()
    grid: str = ""
    processes: int
    node: Node
    simulated: bool
    status: Status
    suspended_seconds: float = 0.0
    accelerators: tuple[Accelerator, ...] = ()
    energy: Energy
    memory: Memory
    notes: tuple[str, ...] = ()


msgspec.json.Decoder(NodeSummary)  # now: msgspec cannot be used first by two threads at once


def summarize_node(
    record: RunRecord, *, answers: str = "", computer: str = "", gpus: tuple[str, ...] = ()
) -> NodeSummary:
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
        gpus=gpus,
        grid=grid_words(session),
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


def grid_words(session: Session) -> str:
    """The place that a session was told to be in, and its factor; empty where none was told."""
    factor = session.factor
    return "" if factor is None else f"{factor.place} ({format_number(factor.grams_per_kwh)} g/kWh)"


def encode_summary(summary: NodeSummary) -> bytes:
    """At most ``MOST_BYTES``: power over time goes first, then GPUs' clocks, notes (counted), health, own figures."""
    content = b""
    for one in _shorter(summary):
        content = _encoded(one)
        if len(content) <= MOST_BYTES:
            break
    return content


def _shorter(summary: NodeSummary) -> Iterator[NodeSummary]:
    """The summary with less and less to tell; what the job's sums need is in all of them."""
    yield summary
    summary = msgspec.structs.replace(summary, node=msgspec.structs.replace(summary.node, gpu_power=()))
    yield summary
    nothing = dict.fromkeys(_STATE)
    without = tuple(msgspec.structs.replace(one, **nothing) for one in summary.accelerators)
    summary = msgspec.structs.replace(summary, accelerators=without)
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
        document = msgspec.json.decode(content)  # which refuses numbers that are none or infinite
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
    return portable.files_like(output_folder / PRIVATE_FOLDER, _PATTERN)


def _figures_of(accelerator: Accelerator) -> Accelerator:
    return Accelerator(
        name=accelerator.name,
        energy=accelerator.energy,
        memory_total_bytes=accelerator.memory_total_bytes,
        other_processes=accelerator.other_processes,
        used_by_job=accelerator.used_by_job,
        health=accelerator.health,
        **{name: getattr(accelerator, name) for name in _STATE},
    )


def _is_health(note: str, accelerators: Sequence[Accelerator]) -> bool:
    """Whether it is what a GPU's own state says, with or without the GPU's number before it."""
    return any(note in told or note.partition(": ")[2] in told for told in (one.health for one in accelerators))


def _encoded(summary: NodeSummary) -> bytes:
    shared: list[Any] = []
    plain = msgspec.to_builtins(summary)
    states = [[packed_or_none(one[name], shared) for name in _STATE] for one in plain["accelerators"]]
    plain["accelerators"] = [
        [place_in(shared, [one[name] for name in _KIND]), *packed(one["energy"], shared)]
        for one in plain["accelerators"]
    ]
    health = {place: one.health for place, one in enumerate(summary.accelerators) if one.health}
    plain["node"].pop("accelerators")
    power = pack_power(plain["node"].pop("gpu_power"), summary.node.duration_seconds)
    document = slim(plain, shared) | {"shared": shared} | ({"health": health} if health else {})
    if any(any(state) for state in states):
        document["states"] = states
    if power:
        document["gpu_power"] = power
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _decoded(document: dict[str, Any]) -> NodeSummary:
    shared = document.pop("shared")
    unpacking = Unpacking(shared)
    found = unpacking.whole({name: part for name, part in document.items() if name != "accelerators"})
    accelerators = [
        dict(zip(_KIND, shared[kind], strict=True)) | {"energy": unpacking.measurement(energy)}
        for kind, *energy in document.get("accelerators", ())
    ]
    for one, state in zip(accelerators, document.get("states", ()), strict=False):
        one |= {name: unpacking.measurement(figure) for name, figure in zip(_STATE, state, strict=True) if figure}
    for place, sentences in document.get("health", {}).items():
        accelerators[int(place)]["health"] = sentences
    found["accelerators"] = accelerators
    found["node"]["accelerators"] = [one["name"] for one in accelerators]
    found["node"]["gpu_power"] = unpack_power(found.pop("gpu_power", ()), found["node"]["duration_seconds"])
    summary = msgspec.convert(found, NodeSummary)
    ranks = summary.node.ranks
    if not ranks or min(ranks) < 0 or max(ranks) >= summary.processes:
        msg = "ranks that the job does not have"
        raise ValueError(msg)
    return summary
