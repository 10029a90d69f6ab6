"""What one node's measurer leaves for the job's record: its figures in at most four kibibytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.processes.rendezvous import read_small, write_private
from cardcallback.record import (
    PRIVATE_FOLDER,
    Accelerator,
    Energy,
    Measurement,
    Memory,
    Node,
    RunRecord,
    Status,
    not_measured,
)

MOST_BYTES = 4096
SUMMARY_VERSION = 1
_NAME = "node-{rank:05d}.json"
_PATTERN = "node-*.json"
_FIGURES = 9  # significant, as far as any sensor goes
# Of a measurement what several share; told once in the file.
_SHARED = (
    *("unit", "source", "scope", "method", "instrument_accuracy", "covers", "window", "observed"),
    *("sampling_interval_seconds", "reason", "assumption"),
)
_TOO_MANY = "told for the node's GPUs together"


class NodeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One node's figures of its part in a job; ``answers`` is the job's random number, where that could be seen."""

    summary_version: int = SUMMARY_VERSION
    answers: str = ""
    processes: int
    node: Node
    simulated: bool
    status: Status
    suspended_seconds: float = 0.0
    accelerators: tuple[Accelerator, ...] = ()
    energy: Energy
    memory: Memory
    notes: tuple[str, ...] = ()


def summarize_node(record: RunRecord, *, answers: str = "") -> NodeSummary:
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
        processes=record.processes,
        node=record.nodes[0],
        simulated=record.simulated,
        status=session.status,
        suspended_seconds=session.suspended_seconds,
        accelerators=tuple(_figures_of(one) for one in session.hardware.accelerators),
        energy=msgspec.structs.replace(session.energy, per_step=None, per_token=None, others=(), rest_estimate=None),
        memory=record.memory,
        notes=record.notes,
    )


def encode_summary(summary: NodeSummary) -> bytes:
    """At most ``MOST_BYTES``: notes that do not fit are counted, then the GPUs' own figures are left out."""
    notes = summary.notes
    for kept in range(len(notes), -1, -1):
        more = () if kept == len(notes) else (f"{len(notes) - kept} more notes did not fit into this summary.",)
        content = _encoded(msgspec.structs.replace(summary, notes=(*notes[:kept], *more)))
        if len(content) <= MOST_BYTES:
            return content
    together = not_measured("joules", _TOO_MANY)
    named = tuple(Accelerator(name=one.name, energy=together) for one in summary.accelerators)
    return _encoded(msgspec.structs.replace(summary, notes=(), accelerators=named))


def decode_summary(content: bytes, *, name: str = "a node's summary") -> NodeSummary:
    """The summary again.

    Raises:
        CardCallbackError: damaged, or a newer version's.
    """
    try:
        document = json.loads(content)
        if document["summary_version"] > SUMMARY_VERSION:
            msg = f"{name} was written by a newer cardcallback: upgrade it here"
            raise CardCallbackError(msg)
        shared = document.pop("shared")
        return msgspec.convert(_whole(document, shared), NodeSummary)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, msgspec.MsgspecError) as error:
        msg = f"{name} is damaged: leave that node out, and the record says so"
        raise CardCallbackError(msg) from error


def write_summary(output_folder: Path, summary: NodeSummary) -> Path:
    """Write it where the job's record is joined from.

    Raises:
        OSError: it cannot be written.
    """
    path = output_folder / PRIVATE_FOLDER / _NAME.format(rank=summary.node.ranks[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, encode_summary(summary))
    return path


def load_summaries(output_folder: Path) -> tuple[NodeSummary, ...]:
    """Every node's summary in an output folder, in the order of their ranks; damaged ones are left out."""
    found = []
    for path in summary_files(output_folder):
        content = read_small(path)
        if content is not None:
            try:
                found.append(decode_summary(content, name=path.name))
            except CardCallbackError:
                continue  # its ranks are told as missing
    return tuple(found)


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
    )


def _encoded(summary: NodeSummary) -> bytes:
    shared: list[Any] = []
    document = _slim(msgspec.to_builtins(summary), shared)
    text = json.dumps(document | {"shared": shared}, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _slim(value: Any, shared: list[Any]) -> Any:
    """Without what is absent, with rounded numbers, and with what measurements share in ``shared``."""
    if isinstance(value, float):
        return float(f"{value:.{_FIGURES}g}")
    if isinstance(value, (list, tuple)):
        return [_slim(one, shared) for one in value]
    if not isinstance(value, dict):
        return value
    slim = {key: _slim(one, shared) for key, one in value.items() if one is not None and one != ()}
    if not _is_measurement(value):
        return slim
    own = {key: one for key, one in slim.items() if key not in _SHARED}
    common = {key: _without_no(one) for key, one in slim.items() if key in _SHARED}
    if common not in shared:
        shared.append(common)
    return own | {"of": shared.index(common)}


def _without_no(part: Any) -> Any:
    # A scope says "no" of what it does not name.
    return {key: one for key, one in part.items() if one != "no"} if isinstance(part, dict) else part


def _is_measurement(value: dict[str, Any]) -> bool:
    return "unit" in value and value.keys() <= set(Measurement.__struct_fields__)


def _whole(value: Any, shared: list[Any]) -> Any:
    if isinstance(value, list):
        return [_whole(one, shared) for one in value]
    if not isinstance(value, dict):
        return value
    if "of" in value:
        own = {key: one for key, one in value.items() if key != "of"}
        return {"value": None} | own | shared[value["of"]]
    return {key: _whole(one, shared) for key, one in value.items()}
