"""One machine's series: a check, a warm-up that is discarded, then repeats, each after a cool-down.

Whatever was begun stays in its folder with how it ended. A series that was killed goes on where it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from cardcallback.compare.work import SAME_LOSS_SHARE
from cardcallback.errors import CardCallbackError
from cardcallback.record import RECORD_NAME, RunRecord, encode, load_document

from .environment import LONGEST_COOL_DOWN_SECONDS, Check, Gpu, check_environment, cool_down, load_problems
from .jobs import Job, read_outcome
from .layout import (
    SERIES_NAME,
    Attempt,
    CoolDown,
    Series,
    attempt_folders,
    completed_records,
    load_attempt,
    load_series,
    next_attempt_folder,
    save,
    series_folder,
)
from .workloads import BEST_EFFORT, SAME_WORK, Settings, Workload, Workloads

# A machine on which more attempts than this fail has something else to be mended first.
MOST_FAILURES = 3
_LOCK_NAME = "lock"

# Trains the job and returns how its process ended, 0 for well.
Launch = Callable[[Job], int]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run where. ``work`` is for weights and logs, which are not published."""

    workloads: Workloads
    workload: Workload
    tier: str
    machine: str
    records: Path
    work: Path
    tuning: Settings
    longest_cool_down_seconds: float = LONGEST_COOL_DOWN_SECONDS

    @property
    def folder(self) -> Path:
        """Where the records go."""
        return series_folder(self.records, self.machine, self.tier, self.workload.name)


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a series needs of the world."""

    gpu: Gpu
    launch: Launch
    say: Callable[[str], None]


def run_series(plan: Plan, tools: Tools) -> Path:
    """Run what is missing of a series and return its folder.

    Raises:
        CardCallbackError: the machine is not fit to be measured, the folder holds another series or is in use, or
            too many attempts failed.
    """
    settings = plan.workloads.resolved(plan.workload, plan.tier, plan.tuning)
    plan.workload.data.rows()  # not those named: said before an hour is spent
    target = _target(plan)
    with _only_one(plan.work / plan.machine / plan.tier / plan.workload.name) as work:
        _mark_killed(plan.folder)
        missing = plan.workloads.repeats - _count(plan.folder)
        if missing <= 0:
            tools.say(f"nothing to do: {plan.workloads.repeats} repeats are complete")
            return plan.folder
        check = _checked(tools)
        series = _series(plan, settings, target, check)
        _begin(series, plan.folder)
        job = Job(workload=plan.workload, tier=plan.tier, settings=settings, target=target, output_dir="")
        _warm_up(job, work, tools)
        _repeat(plan, job, work, tools, check)
    return plan.folder


def _target(plan: Plan) -> float | None:
    """The held-out loss that same-work reached on this machine: where best-effort ends."""
    if plan.tier == SAME_WORK:
        return None
    folder = series_folder(plan.records, plan.machine, SAME_WORK, plan.workload.name)
    places = [path.parent for path in completed_records(folder)] if folder.exists() else []
    losses = [loss for loss in (load_attempt(place).held_out_loss for place in places) if loss is not None]
    if not losses:
        msg = f"{BEST_EFFORT} trains to the loss that {SAME_WORK} reaches: run --tier {SAME_WORK} first"
        raise CardCallbackError(msg)
    return statistics.median(losses)


@contextlib.contextmanager
def _only_one(work: Path) -> Iterator[Path]:
    work.mkdir(parents=True, exist_ok=True)
    with (work / _LOCK_NAME).open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = "this series is running already: wait for it, or give another --machine"
            raise CardCallbackError(msg) from error
        yield work


def _mark_killed(folder: Path) -> None:
    """Whoever ran this series before us was killed where an attempt still says that it runs."""
    for place in _attempts(folder):
        attempt = load_attempt(place)
        if attempt.status == "running":
            killed = msgspec.structs.replace(attempt, status="interrupted", reason="the harness was killed meanwhile")
            save(killed, place)


def _attempts(folder: Path) -> list[Path]:
    return attempt_folders(folder) if folder.exists() else []


def _count(folder: Path, status: str = "completed") -> int:
    return sum(load_attempt(place).status == status for place in _attempts(folder))


def _checked(tools: Tools) -> Check:
    tools.say("looking at the GPU at rest ...")
    check = check_environment(tools.gpu)
    if check.problems:
        msg = f"not fit to be measured: {'; '.join(check.problems)}"
        raise CardCallbackError(msg)
    return check


def _series(plan: Plan, settings: Settings, target: float | None, check: Check) -> Series:
    return Series(
        machine=plan.machine,
        tier=plan.tier,
        workload=plan.workload.name,
        settings=settings,
        tuning=plan.tuning,
        target=target,
        data_sha256=plan.workload.data.sha256,
        workloads_version=plan.workloads.version,
        cardcallback_version=version("cardcallback"),
        simulated=check.simulated,
        idle=check.idle,
        notes=check.notes,
    )


def _begin(series: Series, folder: Path) -> None:
    """Write the series, or find the same one there."""
    if not (folder / SERIES_NAME).exists():
        save(series, folder)
        return
    kept = load_series(folder)
    unlike = [
        name
        for name in series.__struct_fields__
        if name not in {"idle", "notes"} and getattr(kept, name) != getattr(series, name)
    ]
    if unlike:
        what = ", ".join(unlike).replace("_", " ")
        msg = f"the records there are of another series ({what}): move that folder away, or give another --machine"
        raise CardCallbackError(msg)


def _warm_up(job: Job, work: Path, tools: Tools) -> None:
    tools.say(f"warm-up of {job.workload.warm_up_steps} steps, discarded ...")
    place = work / "warm-up"
    shutil.rmtree(place, ignore_errors=True)
    code = tools.launch(msgspec.structs.replace(job, output_dir=str(place), is_warm_up=True, target=None))
    if code != 0:
        msg = f"the warm-up failed ({_exit_words(code)}): see {place / 'log.txt'}"
        raise CardCallbackError(msg)
    problems = load_problems(load_document(place).record, tools.gpu.open_sensors())
    if problems:
        msg = f"not fit to be measured: {' '.join(problems)}"
        raise CardCallbackError(msg)


def _repeat(plan: Plan, job: Job, work: Path, tools: Tools, check: Check) -> None:
    failures = 0
    while (done := _count(plan.folder)) < plan.workloads.repeats:
        tools.say(f"repeat {done + 1} of {plan.workloads.repeats}: cooling down ...")
        waited = cool_down(tools.gpu, check.idle, plan.longest_cool_down_seconds)
        place = next_attempt_folder(plan.folder)
        attempt = _attempt(msgspec.structs.replace(job, output_dir=str(work / place.name)), place, waited, tools)
        if attempt.status == "completed":
            continue
        failures += 1
        tools.say(f"{place.name} failed and is kept: {attempt.reason}")
        if failures >= MOST_FAILURES:
            msg = f"{failures} attempts failed, the last one because {attempt.reason}: mend that and run again"
            raise CardCallbackError(msg)


def _attempt(job: Job, place: Path, waited: CoolDown, tools: Tools) -> Attempt:
    """Train once; ``place`` says at every moment how that went."""
    begun = Attempt(status="running", cool_down=waited)
    save(begun, place)
    tools.say(f"{place.name}: training ...")
    shutil.rmtree(job.output_dir, ignore_errors=True)
    try:
        code = tools.launch(job)
    except BaseException:  # an interrupt, too, leaves an attempt that says what became of it
        save(msgspec.structs.replace(begun, status="interrupted", reason="the harness was stopped meanwhile"), place)
        raise
    ended = _ended(job, begun, place, code, tools)
    save(ended, place)
    return ended


def _ended(job: Job, begun: Attempt, place: Path, code: int, tools: Tools) -> Attempt:
    outcome = read_outcome(Path(job.output_dir))
    record, reason = _taken(Path(job.output_dir), place)
    if code != 0:
        reason = f"the training ended by {_exit_words(code)}"
    elif record is not None and record.status != "completed":
        reason = f"its record says {record.status}"
    elif (
        job.target is not None
        and outcome is not None
        and (outcome.held_out_loss or 0.0) > job.target * (1 + SAME_LOSS_SHARE)
    ):
        reason = f"the held-out loss was {outcome.held_out_loss:.4g} after {job.steps} steps, above {job.target:.4g}"
    return msgspec.structs.replace(
        begun,
        status="completed" if reason is None else "failed",
        reason=reason,
        held_out_loss=None if outcome is None else outcome.held_out_loss,
        weights=None if outcome is None else outcome.weights,
        health=() if record is None else load_problems(record, tools.gpu.open_sensors()),
    )


def _taken(output_dir: Path, place: Path) -> tuple[RunRecord | None, str | None]:
    """The training's record, copied into the attempt's folder; or why there is none."""
    try:
        loaded = load_document(output_dir)
    except CardCallbackError:
        return None, "it left no record that can be read"
    text = encode(loaded.record, document=loaded.document, indent=None)
    (place / RECORD_NAME).write_text(text, encoding="utf-8")
    return loaded.record, None


def _exit_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
