"""A node's measurer in its job: the processes it measures for, and the other nodes at the end."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.guard import Guard
from cardcallback.observe import StepCounts
from cardcallback.processes.announcement import OwnDevices
from cardcallback.processes.hidden import new_salt
from cardcallback.processes.job_file import JobNames, job_file, read_job, remove_job, write_job
from cardcallback.processes.job_tokens import counts_of_node, with_counts
from cardcallback.processes.joining import highest_rank
from cardcallback.processes.merging import merge_nodes
from cardcallback.processes.place import Place
from cardcallback.processes.power import power_of_all_gpus
from cardcallback.processes.ranks import Ranks
from cardcallback.processes.rendezvous import Rendezvous
from cardcallback.processes.shared_gpus import gpu_name
from cardcallback.processes.summary import (
    NodeSummary,
    load_summary,
    summarize_node,
    summary_files,
    write_summary,
)
from cardcallback.record import PRIVATE_FOLDER, Node, RunRecord
from cardcallback.recorder import Clock, utc_today
from cardcallback.sensors.base import DeviceInfo
from cardcallback.writing import own_folder

# Of the time that training's end may cost; the processes of a job end together.
_NODES_TIMEOUT_SECONDS = 0.05
_LOOK_SECONDS = 0.01
# Only once everything is on disk.
_LATE_WORDS_TIMEOUT_SECONDS = 0.5
_UNTIL_CHECKPOINT = "its figures end at its last checkpoint"


class MeasuredNode:
    """Measures for all processes of one node, and joins the other nodes' figures where it is rank 0's.

    Args:
        place: this process's place.
        output_folder: ``args.output_dir``, which the nodes may share or not.
        own: this process's own devices.
        clock: of the run.
        on_change: called, in a thread, where devices were announced.
        counts: the tokens of this process's own batches as last read, where they are counted.
        devices: those that are measured by now.
        guard: catches what fails in the thread.

    ``finished``: whether its session is over, as far as it was heard of.
    """

    def __init__(
        self,
        place: Place,
        output_folder: Path,
        own: OwnDevices,
        *,
        clock: Clock,
        on_change: Callable[[], None],
        counts: Callable[[], StepCounts | None] = lambda: None,
        devices: Callable[[], Sequence[DeviceInfo]] = tuple,
        guard: Guard | None = None,
    ) -> None:
        self._rendezvous = Rendezvous(output_folder, place.node)
        self.ranks = Ranks(
            self._rendezvous,
            place,
            own,
            clock=clock,
            on_change=on_change,
            on_start=self._begin,
            on_look=self._look_at_job,
            guard=guard,
        )
        self.place = place
        self._folder = output_folder
        self._clock = clock
        # What rank 0 calls the job; on other computers as it was last seen in the folder.
        self._job = new_salt() if place.writes else ""
        self._named: JobNames | None = None
        self._counts = counts
        self._devices = devices
        self._begin_day = utc_today()
        self._told: dict[int, StepCounts] = {}
        self._others: dict[Path, NodeSummary] = {}
        self.finished = False

    def finish(self) -> None:
        """The session is over: hear the processes once more and, for rank 0, take up the nodes that are done."""
        self.ranks.finish()
        self.finished = True
        if self.place.writes:
            self._wait_for_nodes()
            self._end_job()

    def joined(self, record: RunRecord, *, reads: bool = True) -> RunRecord:
        """The record of this node's measuring as the job's, with those of its other nodes that are done by now.

        Args:
            record: what was measured here.
            reads: hear the others first, which takes as long as the output folder does; else as they were heard last.
        """
        if reads and self.finished:
            self._look_at_job()
        elif reads:
            self.ranks.look()
        own = self._as_one_node(record)
        if reads and self.finished and self.place.writes and self._is_one_of_several:
            self.look_again()
            with handlers.suppress(OSError, CardCallbackError):  # only whoever joins further nodes later needs it
                self.leave_summary(own)
        if not self.place.writes:
            return own
        return merge_nodes(own, list(self._others.values()), computer=self.place.computer, gpus=self._gpus())

    @property
    def _is_one_of_several(self) -> bool:
        return len(self.ranks.numbers) < self.place.processes

    def _look_at_job(self) -> None:
        """Also of a rank 0 that is killed it is known then which GPUs were measured."""
        if not self.place.writes:
            self._job = read_job(self._folder).job
            return
        names = JobNames(self._job, self.place.computer, self._gpus())
        if names == self._named or self.finished or not self._is_one_of_several:
            return
        with handlers.suppress(OSError, CardCallbackError):  # then a GPU of two measurers may count twice
            known = read_job(self._folder)
            if known.job == names.job:
                if known != names:
                    write_job(self._folder, names)
                self._named = names

    def leave_summary(self, record: RunRecord) -> None:
        """Write this node's figures, a record of it alone, for rank 0 or for whoever joins the nodes later.

        Raises:
            CardCallbackError: our folder is a link that leads out of the output folder, or cannot be made.
            OSError: it cannot be written.
        """
        self._look_at_job()
        summary = summarize_node(record, answers=self._job, computer=self.place.computer, gpus=self._gpus())
        write_summary(self._folder, summary)

    def look_again(self, until_seconds: float = math.inf) -> bool:
        """Take up nodes that are done since the last look, and last words of this one; whether there were any.

        Args:
            until_seconds: the clock's time at which what is not read yet is left.
        """
        told, self._told = self._told, self.ranks.counts()
        before = dict(self._others)
        if self.place.writes and self._is_one_of_several:
            self._take_up_nodes(until_seconds)
        if self.place.writes and self.finished:
            self._end_job()
        return self._others != before or self._told != told

    def hears_more(self) -> bool:
        """Whether other processes told more since the last record, once this one has ended; waits a moment at most."""
        if not self.finished:
            return False
        self.ranks.listen(_LATE_WORDS_TIMEOUT_SECONDS)
        return self.look_again()

    def _take_up_nodes(self, until_seconds: float) -> None:
        for path in summary_files(self._folder):
            known = self._others.get(path)
            if known is not None and known.status != "running":
                continue
            summary = load_summary(path)
            if summary is not None and summary.answers == self._job and summary.node.ranks != self.ranks.numbers:
                self._others[path] = _marked(summary)
            if self._clock.elapsed_seconds() >= until_seconds:
                break

    def _begin(self) -> None:
        with handlers.suppress(OSError, CardCallbackError):  # then no other node is found, and all are named
            own_folder(self._folder / PRIVATE_FOLDER)
            if self.place.writes:
                write_job(self._folder, JobNames(self._job, self.place.computer))
            else:
                self._rendezvous.remove_left_behind(job_file(self._folder))
            self._remove_summaries_of_others()

    def _remove_summaries_of_others(self) -> None:
        # Each computer's own disk may hold an earlier job's, whose ranks may have run elsewhere.
        self._look_at_job()
        job = self._job
        for path in summary_files(self._folder):
            summary = load_summary(path)
            if not job or summary is None or summary.answers != job:
                path.unlink(missing_ok=True)

    def _end_job(self) -> None:
        """The job's number goes once no computer is left that may look for it."""
        if self._is_complete() or self.place.local_processes == self.place.processes:
            remove_job(self._folder, self._job)

    def _gpus(self) -> tuple[str, ...]:
        """The measured GPUs as the job's other measurers name them in these days."""
        uuids = [device.uuid for device in self._devices()]
        if not self.place.job or None in uuids:
            return ()
        # Not with the computer's own number, which two containers of it may not both see.
        return tuple(gpu_name(self.place.job, str(uuid), self._begin_day, utc_today()) for uuid in uuids)

    def _as_one_node(self, record: RunRecord) -> RunRecord:
        node = Node(
            ranks=self.ranks.numbers,
            duration_seconds=record.sessions[-1].duration_seconds,
            accelerators=tuple(one.name for one in record.hardware.accelerators),
            memory_peak_bytes=record.memory.system_peak.value,
            partial_reason=record.energy.partial_reason,
            job=self._job or None,
            gpu_power=power_of_all_gpus(record) if self._is_one_of_several else (),
        ).with_gpu_energy(record.energy.gpu)
        return msgspec.structs.replace(
            record,
            processes=self.place.processes,
            nodes=(self._with_tokens(node),),
            memory=highest_rank(record.memory, self.place.rank, self.ranks.peaks()),
            notes=tuple(dict.fromkeys((*record.notes, *self.ranks.troubles()))),
        )

    def _with_tokens(self, node: Node) -> Node:
        own, self._told = self._counts(), self.ranks.counts()
        if own is None:
            return node
        silent = [rank for rank in self.ranks.numbers if rank != self.place.rank and rank not in self._told]
        return with_counts(node, counts_of_node(self.place.rank, own, self._told, silent))

    def _wait_for_nodes(self) -> None:
        deadline = self._clock.elapsed_seconds() + _NODES_TIMEOUT_SECONDS
        waiting = threading.Event()
        while not self._is_complete() and self._clock.elapsed_seconds() < deadline:
            if not self.look_again(deadline):
                waiting.wait(_LOOK_SECONDS)

    def _is_complete(self) -> bool:
        others = self._others.values()
        ranks = {*self.ranks.numbers, *(rank for one in others for rank in one.node.ranks)}
        return len(ranks) >= self.place.processes and not any(one.status == "running" for one in others)


def _marked(summary: NodeSummary) -> NodeSummary:
    """With a word where it is of the middle of the run."""
    if summary.status != "running":
        return summary
    reasons = [reason for reason in (summary.node.partial_reason, _UNTIL_CHECKPOINT) if reason]
    node = msgspec.structs.replace(summary.node, partial_reason="; ".join(reasons))
    return msgspec.structs.replace(summary, node=node)
