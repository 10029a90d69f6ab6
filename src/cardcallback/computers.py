"""What the computers of a job left, joined into the record of rank 0 after the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from cardcallback import handlers
from cardcallback.assemble import with_carbon
from cardcallback.errors import CardCallbackError
from cardcallback.processes import (
    NodeSummary,
    load_summaries,
    merge_nodes,
    names_of_first,
    remove_job,
    summarize_node,
    summary_of_ranks,
    write_summary,
)
from cardcallback.record import RECORD_NAME, RunRecord, load_run, own_record_files, read_brief
from cardcallback.recovered_files import Warn, energy_words, weights_were_saved, write_with_card
from cardcallback.rest import with_rest_estimate
from cardcallback.run_folder import RunFolder
from cardcallback.settings import Settings
from cardcallback.units import format_ranks


def join_computers(folders: Sequence[Path], settings: Settings, *, warn: Warn) -> str | None:
    """Join what the computers of one job left into the record and card of its rank 0, in the order of ``folders``.

    Args:
        folders: output folders of one job's computers.
        settings: of the person.
        warn: told what could not be written, in one line.

    Returns:
        One line for a person; ``None`` where there is nothing to join.

    Raises:
        CardCallbackError: the folders are of different jobs, or the record cannot be written.
    """
    summaries = [summary for folder in folders for summary in load_summaries(folder)]
    for folder in folders:
        for joined in _joined_records(folder, summaries, settings):
            return _write_joined(folder, joined, settings, warn)
    return None


def join_into_records(folder: Path, settings: Settings) -> None:
    """Join what lies in one folder into the records of its jobs; cards and pictures stay as they are."""
    for joined in _joined_records(folder, load_summaries(folder), settings):
        own = RunFolder.by_settings(folder, joined.run_id, settings)
        with handlers.suppress(CardCallbackError):  # the run that begins says what is wrong with the card
            own.begin()
        own.write_record(joined)


def is_of_another_computer(record: RunRecord) -> bool:
    """Whether it is of a computer of the job on which rank 0 was not."""
    return bool(record.nodes) and not any(0 in node.ranks for node in record.nodes)


def end_job(folder: Path, record: RunRecord) -> None:
    """Remove what a job left in a folder for its other computers, where the record is of all of them."""
    ranks = {rank for node in record.nodes for rank in node.ranks}
    if record.processes is not None and record.nodes and len(ranks) >= record.processes:
        remove_job(folder, record.nodes[0].job or "")


def with_other_computers(folder: Path, record: RunRecord, more: Iterable[RunRecord]) -> RunRecord:
    """A record of rank 0's computer with those of its job that left figures in ``folder``, or are in ``more``.

    Nothing is written; ``record`` as it is where it is not of several processes.
    """
    if not record.nodes:
        return record
    told = [summarize_node(one, answers=one.nodes[0].job or "") for one in more]
    own = _of_job(record, [*load_summaries(folder), *told], is_newest=False)
    names = names_of_first(folder, record)
    return merge_nodes(record, own, computer=names.computer, gpus=names.gpus)


def leave_summary(folder: Path, record: RunRecord) -> str | None:
    """Leave the figures of a computer without rank 0 where they are joined from.

    Returns:
        What was done, in words; ``None`` where the last figures of another job, or of one that is not known to be the
        same, stand there: they stay.
    """
    own = summarize_node(record, answers=record.nodes[0].job or "")
    there = summary_of_ranks(folder, own.node.ranks)
    if there is not None and there.answers == own.answers:
        own = msgspec.structs.replace(own, computer=there.computer, gpus=there.gpus)
    if there is None or (there.answers == own.answers and there.status == "running"):
        _write(folder, own)
    elif not own.answers or there.answers != own.answers:
        return None
    ranks = format_ranks(rank for node in record.nodes for rank in node.ranks)
    return f"the figures of {ranks} are ready to be joined: give the output folder of rank 0 too"


def _write(folder: Path, summary: NodeSummary) -> None:
    try:
        write_summary(folder, summary)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        msg = f"a computer's figures cannot be written: {reason}; see that the output folder can be written"
        raise CardCallbackError(msg) from error


def _joined_records(folder: Path, summaries: Sequence[NodeSummary], settings: Settings) -> Iterator[RunRecord]:
    """The records of jobs in a folder that the summaries add to, with them."""
    for place, record in enumerate(_records_of_jobs(folder)):
        own = _of_job(record, summaries, is_newest=place == 0)
        names = names_of_first(folder, record)
        joined = merge_nodes(record, own, computer=names.computer, gpus=names.gpus)
        if joined.nodes != record.nodes:  # else joined already; another job of the folder may not be
            # Its places stay: where this is joined, or by whom, tells nothing of where training ran.
            joined = msgspec.structs.replace(joined, carbon=record.carbon)
            yield with_carbon(with_rest_estimate(joined) if settings.estimate_rest else joined)


def _of_job(record: RunRecord, summaries: Sequence[NodeSummary], *, is_newest: bool) -> list[NodeSummary]:
    """Those of the same job; one of which that is not known is taken for the newest job's."""
    job = record.nodes[0].job
    return [one for one in summaries if (one.answers == job if one.answers and job else is_newest)]


def _records_of_jobs(folder: Path) -> Iterator[RunRecord]:
    """The records in a folder of the computer of rank 0, of whichever job, the one in the main place first."""
    for path in sorted(own_record_files(folder), key=lambda path: path.name != RECORD_NAME):
        brief = read_brief(path)
        if brief is None or brief.processes is None:
            continue  # not worth reading whole
        with handlers.suppress(CardCallbackError):  # damaged: it stays where it is, and nothing is claimed of it
            record = load_run(path)
            if record.nodes and not is_of_another_computer(record):
                yield record


def _write_joined(folder: Path, record: RunRecord, settings: Settings, warn: Warn) -> str:
    own = RunFolder.by_settings(folder, record.run_id, settings)
    own.begin()
    completed = record.status == "completed"
    if completed and own.has_main_record:
        own.weights_are_ours()
    if own.keeps_earlier_card or not (completed or weights_were_saved(folder, record.run_id)):
        what = f"record in {own.write_record(record)}"
    else:
        record, what = write_with_card(own, record, settings, warn)
    end_job(folder, record)
    return f"{folder}: {len(record.nodes)} computers, {energy_words(record)}: {what}"
