"""The held-out table, and which step's weights these are."""

from __future__ import annotations

import re

from cardcallback.record import LAST_CHECKPOINT, TOKEN_CROSS_ENTROPY, EvaluationResult, RunRecord, Training
from cardcallback.render.method_words import (
    REWARD,
    is_reinforced,
    metric_label,
    metric_rank,
    metric_words,
    without_repetitions,
)
from cardcallback.render.run_words import (
    held_out_loss_was_no_number,
    plural,
    same_held_out_set,
    steps_of_spending,
)
from cardcallback.render.text import escape_markdown, table_row
from cardcallback.units import first_upper, format_count, format_result

_MOST_METRICS = 5
_ABSENT = "not measured"
_NOT_A_NUMBER = "not a number"
_MOST_LOSSES = 12
_REWARD_MARGIN, _REWARD_ACCURACY = "eval_rewards/margins", "eval_rewards/accuracies"
_EQUAL_REWARDS = (
    "Before training the model is its own reference: every reward is 0, and the trainer counts equal rewards as no "
    "preference for the chosen answer, so 0 % says nothing of the model."
)
_LOSS_NAME = re.compile(r".+_loss")
# Times are the result table's, and the loss has its own row.
_ELSEWHERE = re.compile(r"(runtime|per_second)$|^eval_loss$")


def evaluation_table(record: RunRecord) -> list[str]:
    """The table's Markdown lines, or one line that says there is nothing to show."""
    before, after = record.evaluation.before, record.evaluation.after
    results = [result for result in (before, after) if result is not None]
    if not results:
        return ["Held-out evaluation: not measured, none was run during or beside training."]
    if before is not None and after is not None and not same_held_out_set(before, after):
        return _apart(record, before, after)
    columns = [
        *([_before_column(record, before)] if before else []),
        *([_after_column(record, after)] if after else []),
    ]
    rows, more = _rows(record, results)
    lines = [table_row(_title(results), *columns), "|---" * (len(columns) + 1) + "|"]
    lines += [table_row(name, *cells) for name, cells in rows]
    return [*lines, *_more(more), *_differences(before, after), *_equal_rewards(before)]


def published_sentence(record: RunRecord) -> str:
    """Which step's weights the card describes, and what time and energy are for."""
    training = record.training
    step, reason = training.published_step, training.published_reason
    spent = steps_of_spending(record)
    if training.steps == 0:
        return "No optimiser step was taken, so no weights are of this run."
    if step is None:
        return f"Which step these weights are from was not recorded. {spent}"
    if reason == LAST_CHECKPOINT:
        return f"{_last_checkpoint(training)} {spent}"
    if step == training.steps and record.status == "interrupted":
        return _of_interruption(record, step)
    if step == training.steps:
        return f"These weights are from the last step, {format_count(step)}."
    why = f", {_article(reason)}" if reason else ""
    return f"These weights are from step {format_count(step)}{why}. {spent}"


def _of_interruption(record: RunRecord, step: int) -> str:
    if record.weights:
        return f"These weights are from step {format_count(step)}, and were saved after the interruption."
    saved = "Whether weights were saved at the interruption was not recorded"
    return f"{saved}; they would be of step {format_count(step)}."


def _last_checkpoint(training: Training) -> str:
    step = training.published_step or 0
    if step == training.steps:
        return f"The last checkpoint of this run is of its last step, {format_count(step)}."
    later = "whether weights were saved after it was not recorded"
    return f"The last checkpoint of this run is of step {format_count(step)}; {later}."


def _apart(record: RunRecord, before: EvaluationResult, after: EvaluationResult) -> list[str]:
    """One line for each evaluation, for two that no table may set side by side."""
    lines = ["Two held-out evaluations, of different sets, so their figures cannot be compared:", ""]
    for name, result in ((_before_column(record, before), before), (_after_column(record, after), after)):
        about = _about([result])
        rows, more = _rows(record, [result])
        figures = [f"{label[:1].lower()}{label[1:]} {cells[0]}" for label, cells in rows] + _more(more)[1:]
        lines.append(f"- {name}{f' ({about})' if about else ''}: {', '.join(figures) or 'no figure'}")
    return lines


def _article(reason: str) -> str:
    return (
        f"the {escape_markdown(reason)}"
        if reason.startswith(("lowest", "highest", "last", "best"))
        else escape_markdown(reason)
    )


def _title(results: list[EvaluationResult]) -> str:
    about = _about(results)
    several = "Held-out sets" if _are_several_sets(results[-1]) else "Held-out set"
    return f"{several}: {about}" if about else several


def _about(results: list[EvaluationResult]) -> str:
    last = results[-1]
    # Of several sets the count is one set's.
    counted = last.examples and not _are_several_sets(last)
    about = [plural(last.examples or 0, "example")] if counted else []
    about += [escape_markdown(last.covers)] if last.covers else []
    return ", ".join(about)


def _are_several_sets(result: EvaluationResult) -> bool:
    return result.loss is None and sum(bool(_LOSS_NAME.fullmatch(name)) for name in result.metrics) > 1


def _before_column(record: RunRecord, before: EvaluationResult) -> str:
    return _before_name(record) + _weights(before)


def _after_column(record: RunRecord, after: EvaluationResult) -> str:
    return _after_name(record.training, after) + _weights(after)


def _before_name(record: RunRecord) -> str:
    return "Before this stage" if len(record.stages) > 1 else "Base"


def _after_name(training: Training, after: EvaluationResult) -> str:
    if after.step is None:
        return "After training"
    if after.step == training.published_step:
        return f"This model (step {format_count(after.step)})"
    return f"Step {format_count(after.step)}, not the published weights"


def _weights(result: EvaluationResult | None) -> str:
    return f", {escape_markdown(result.weights)}" if result is not None and result.weights else ""


def _rows(record: RunRecord, results: list[EvaluationResult]) -> tuple[list[tuple[str, list[str]]], int]:
    """The rows, and how many metrics are left to the record."""
    no_loss = _no_loss(record)
    rewarded = is_reinforced(record.training) and all(f"eval_{REWARD}" in result.metrics for result in results)
    loss_row = _loss_row(results, no_loss)
    rows = [] if rewarded else loss_row
    if any(result.perplexity is not None for result in results):
        absent = [_ABSENT if result.loss is not None else no_loss for result in results]
        cells = [_number(result.perplexity, why) for result, why in zip(results, absent, strict=True)]
        rows.append(("Perplexity", cells))
    names = list(dict.fromkeys(name for result in reversed(results) for name in result.metrics))
    told = set(without_repetitions(_plain(name) for name in names))
    names = [name for name in names if not _ELSEWHERE.search(name) and _plain(name) in told]
    losses = [name for name in names if _LOSS_NAME.fullmatch(name)]
    others = sorted((name for name in names if name not in losses), key=lambda name: metric_rank(_plain(name)))
    shown = [*losses[:_MOST_LOSSES], *others[:_MOST_METRICS]]
    rows += [(_metric_name(name), [_metric(name, result) for result in results]) for name in shown]
    if rewarded:  # about 0 whatever the answers are worth
        rows += [(f"{name}, which says little of the answers", cells) for name, cells in loss_row]
    return rows, len(names) - len(shown)


def _loss_row(results: list[EvaluationResult], no_loss: str) -> list[tuple[str, list[str]]]:
    if all(result.loss is None for result in results) and no_loss != _NOT_A_NUMBER:
        return []
    return [(_loss_name(results), [_number(result.loss, no_loss) for result in results])]


def _metric_name(name: str) -> str:
    # Every metric of the trainer's own evaluation has its prefix; another is a set evaluated beside it.
    plain = metric_label(_plain(name))
    return plain if name.startswith("eval_") or "/" in name else f"{plain} (another set)"


def _plain(name: str) -> str:
    return name.removeprefix("eval_")


def _more(count: int) -> list[str]:
    return ["", f"{plural(count, 'more metric')} in the record."] if count else []


def _loss_name(results: list[EvaluationResult]) -> str:
    kind = results[-1].kind
    if kind == TOKEN_CROSS_ENTROPY:
        return "Loss per token"
    if not kind:
        return "Loss"
    return first_upper(escape_markdown(kind)) if kind.lower().endswith("loss") else f"Loss ({escape_markdown(kind)})"


def _number(value: float | None, otherwise: str = _ABSENT) -> str:
    return otherwise if value is None else format_result(value)


def _no_loss(record: RunRecord) -> str:
    """What stands in a loss's place where there is none: a NaN was measured, and is no number to print."""
    return _NOT_A_NUMBER if held_out_loss_was_no_number(record) else _ABSENT


def _metric(name: str, result: EvaluationResult) -> str:
    value = result.metrics.get(name)
    return _ABSENT if value is None else metric_words(_plain(name), value)


def _differences(before: EvaluationResult | None, after: EvaluationResult | None) -> list[str]:
    if before is None or after is None:
        return []
    pairs = (
        ("the weights' format", before.weights, after.weights),
        ("the kind of loss", before.kind, after.kind),
    )
    differing = [name for name, left, right in pairs if left != right]
    return ["", f"The two columns differ also in {', '.join(differing)}."] if differing else []


def _equal_rewards(before: EvaluationResult | None) -> list[str]:
    """What a reward accuracy of nothing means where the model is measured against itself."""
    rewards = (_REWARD_MARGIN, _REWARD_ACCURACY)
    equal = before is not None and all(before.metrics.get(name) == 0 for name in rewards)
    return ["", _EQUAL_REWARDS] if equal else []
