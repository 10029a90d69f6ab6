"""The section's first words: one bold sentence for who reads no further, and warnings that must be seen."""

from __future__ import annotations

from collections.abc import Callable

from cardcallback.record import EvaluationResult, Measurement, RunRecord
from cardcallback.render.energy_words import spending_sentence
from cardcallback.render.figures import spent_words
from cardcallback.render.method_words import REWARD, change_words, held_out_loss_words, is_reinforced
from cardcallback.render.run_words import (
    covers_every_step,
    duration_words,
    method_noun,
    not_finite_notes,
    place_of_work,
    recorded_steps,
    same_held_out_set,
)
from cardcallback.render.section.method_course import course_sentence
from cardcallback.render.section.stages import model_words
from cardcallback.render.text import sentence
from cardcallback.units import first_upper, format_result


def headline(record: RunRecord) -> list[str]:
    """Markdown paragraphs, without blank lines between them."""
    what = f"{first_upper(method_noun(record.training))} of {model_words(record)}"
    time = f"{duration_words(record)} on {place_of_work(record)}"
    if record.training.steps == 0:  # else it would read as if these were trained weights
        time += ", no optimiser step taken"
    sentences = [f"{what}: {time}.", _energy_sentence(record), _result_sentence(record)]
    return [f"**{' '.join(sentence for sentence in sentences if sentence)}**", *_warnings(record)]


def _energy_sentence(record: RunRecord) -> str:
    energy = record.energy
    system = _used("The whole machine", energy.system, record)
    if energy.gpu.value is None:
        return system or _used("The CPU", energy.cpu, record) or "Energy was not measured."
    gpu = spending_sentence(record, spent_words(record, energy.gpu))
    return f"{gpu} {system}".rstrip()


def _used(subject: str, figure: Measurement, record: RunRecord) -> str:
    return "" if figure.value is None else f"{subject} used {spent_words(record, figure)}."


def _result_sentence(record: RunRecord) -> str:
    """The held-out loss, or reward where the loss says nothing; without either what was logged while training."""
    after = record.evaluation.after
    if after is None or after.loss is None:
        return course_sentence(record)
    if not is_reinforced(record.training):
        return _held_out(record, held_out_loss_words(after.kind), lambda result: result.loss)
    rewarded = _held_out(record, "Held-out reward", lambda result: result.metrics.get(f"eval_{REWARD}"))
    return rewarded or course_sentence(record)


def _held_out(record: RunRecord, name: str, read: Callable[[EvaluationResult], float | None]) -> str:
    before, after = record.evaluation.before, record.evaluation.after
    now = None if after is None else read(after)
    if after is None or now is None:
        return ""
    step = "" if after.step == record.training.published_step or after.step is None else f" (step {after.step:,})"
    earlier = None if before is None or not _alike(before, after) else read(before)
    if earlier is None:
        return f"{name} {format_result(now)}{step}."
    return f"{name} {change_words(format_result(earlier), format_result(now), grew=now > earlier)}{step}."


def _alike(before: EvaluationResult, after: EvaluationResult) -> bool:
    return before.kind == after.kind and same_held_out_set(before, after)


def _warnings(record: RunRecord) -> list[str]:
    warnings = []
    if record.simulated:
        warnings.append(
            "**Simulated device.** The GPU, its power and its energy are simulated, and memory may be; "
            "no hardware figure here says anything about a real machine."
        )
    if record.status == "interrupted":
        warnings.append("**Interrupted.** Training did not finish; the figures are for the part that ran.")
    if record.status == "running":
        warnings.append("**Still running.** Written during training; the figures are for the part done so far.")
    if record.recovered:
        warnings.append(f"**Recovered.** {_recovered(record)}")
    warnings += [f"**Not a number.** {sentence(note)}" for note in not_finite_notes(record)]
    if not covers_every_step(record):
        missing = record.training.steps - recorded_steps(record)
        warnings.append(
            f"**Part of the run.** Time and energy leave out {missing:,} of {record.training.steps:,} steps, "
            "which were taken before this record began."
        )
    return warnings


def _recovered(record: RunRecord) -> str:
    if record.status == "interrupted":
        return "The process was killed; figures end with its last saved reading."
    if len(record.sessions) > 1:
        return "The process of an earlier session was killed; that session's figures end with its last saved reading."
    return "The record could not be written when the run ended; it was made from the journal afterwards."
