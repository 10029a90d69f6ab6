"""What earlier runs of a folder used without being completed, in one sentence."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cardcallback.record import RunBrief, SessionBrief, each_once, named_sessions, spent_together
from cardcallback.render.figures import accuracies_plain, has_wide_interval, together_words
from cardcallback.sessions import EARLIER_RUNS
from cardcallback.units import format_duration


def unfinished_runs_note(runs: Sequence[RunBrief], own_sessions: Collection[str] = ()) -> str | None:
    """The sentence; ``None`` where every run was completed.

    A session that several runs share counts once, and not where a run that was completed holds it too.

    Args:
        runs: the other runs of the folder.
        own_sessions: the ids of the sessions that are in the reader's own figures.
    """
    unfinished = [run for run in runs if run.status != "completed"]
    if not unfinished:
        return None
    told = {*own_sessions, *(name for run in runs if run.status == "completed" for name in _sessions(run))}
    sessions = {name: one for name, one in each_once(map(_sessions, unfinished)).items() if name not in told}
    if not sessions:
        return None
    spent = spent_together(sessions.values())
    energy = "GPU energy not measured" if spent.joules is None else f"together {together_words(spent)} of GPU energy"
    unknown = f" (not measured in {spent.unknown})" if spent.joules is not None and spent.unknown else ""
    doubt = (
        f" (beside the interval the sensor's own accuracy: {accuracies_plain(spent)})"
        if has_wide_interval(spent)
        else ""
    )
    least = "at least " if spent.is_least_time else ""
    time = f"{least}{format_duration(spent.seconds)}"
    return f"{EARLIER_RUNS}, in no figure here: {len(unfinished)}, {time}, {energy}{unknown}{doubt}."


def _sessions(run: RunBrief) -> dict[str, SessionBrief]:
    return named_sessions(run.run_id, run.sessions or (_whole(run),))


def _whole(run: RunBrief) -> SessionBrief:
    """The run as one session, where its record tells of none."""
    return SessionBrief(duration_seconds=run.duration_seconds, status=run.status, energy=run.energy)
