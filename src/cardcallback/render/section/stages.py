"""The stages that the weights went through: a row of their sums, a table of each, and what is not known of them."""

from __future__ import annotations

import msgspec

from cardcallback.record import UNRECORDED, RunRecord, Stage, stage_of
from cardcallback.render.energy_words import power_noun
from cardcallback.render.figures import absent, beside_accuracy, energy_figure, recording_error, relative_width
from cardcallback.render.run_words import model_name
from cardcallback.render.section.result_energy import interval_words
from cardcallback.render.text import escape_markdown, join_words, public_reason, sentence, table_row
from cardcallback.stages import NOT_MEASURED, StagesSum, stage_name, stages_named, sum_stages
from cardcallback.units import format_count, format_duration

_NOT_KNOWN = "not known"
_MOST_NAMED = 3
_MOST_LINES = 20
_ELSEWHERE = "CO2e is this stage's alone: where the others ran is not in their summaries."


def has_stages(record: RunRecord) -> bool:
    """Whether there was a stage before this run, recorded or not."""
    return len(record.stages) > 1


def all_stages(record: RunRecord) -> tuple[Stage, ...]:
    """The stages in order, the run itself last and as it is now."""
    return (*record.stages[:-1], stage_of(record))


def stages_rows(record: RunRecord) -> list[tuple[str, str, str]]:
    """The row of all stages together; none for a run without one before it."""
    if not has_stages(record):
        return []
    stages = all_stages(record)
    together = sum_stages(stages)
    words = f"{_time_together(together)}, {_energy_together(together)}"
    how = ["the other rows are of this stage alone", *_how(together), *_left_out(stages), *_unused(stages)]
    name = "Both stages" if len(stages) == 2 else f"All {len(stages)} stages"
    return [(name, words, "; ".join(how))]


def stages_table(record: RunRecord) -> list[str]:
    """A Markdown table of one row for each stage, and one for all; empty for a run without a stage before it."""
    if not has_stages(record):
        return []
    stages = all_stages(record)
    hidden = max(0, len(stages) - _MOST_LINES)
    together = sum_stages(stages)
    return [
        f"| Stage | Method | Base | Data | Time | {_heading(stages)} |",
        "|---|---|---|---|---|---|",
        *([table_row(f"{hidden:,} earlier ones", *["in the record"] * 5)] if hidden else []),
        *(_line(stages, place) for place in range(hidden, len(stages))),
        table_row("Together", "", "", "", _time_together(together), _figure_together(together)),
    ]


def stage_time(stage: Stage) -> str | None:
    """How long a stage took, as a card prints it anywhere; None where it is not known."""
    return None if stage.duration_seconds is None else _time(stage.duration_seconds, is_least=stage.duration_is_least)


def stage_energy(stage: Stage, *, names_part: bool = True, beside_joules: float | None = None) -> str | None:
    """A stage's energy with its doubts, as a card prints it anywhere; None where it was not measured.

    Args:
        stage: the stage.
        names_part: whether it says what the energy is of, where no heading does.
        beside_joules: the energy whose unit it has.
    """
    if not _is_measured(stage):
        return None
    figure = energy_figure(stage.energy, beside_joules=beside_joules)
    figure = _at_least(figure, is_least=stage.used_more)
    noun = power_noun(stage.energy)
    unused = f"drawn meanwhile by the {noun}, which the job did not use" if stage.used_by_job is False else ""
    whose = f"of the {noun}" if names_part and not unused else ""
    return ", ".join(part for part in (figure, whose, unused, "simulated" if stage.simulated else "") if part)


def stages_doubts(record: RunRecord) -> str:
    """What a reader must know of the stages and their sums, in sentences."""
    if not has_stages(record):
        return ""
    stages = all_stages(record)
    shown = range(max(0, len(stages) - _MOST_LINES), len(stages))
    told = [words for place in shown for words in _doubts(stages, place)]
    told += _simulated(stages) + _devices(stages)
    if record.carbon is not None:
        told.append(_ELSEWHERE)
    return " ".join(told)


def base_words(record: RunRecord) -> str:
    """The base of a run whose Hub id is not known, where a stage before it is; empty otherwise."""
    if not has_stages(record) or record.stages[-2].name == UNRECORDED:
        return ""
    place = len(record.stages) - 2
    first = _first_base(record)
    beginning = f", which goes back to {escape_markdown(first)}" if first else ""
    return f"the weights of {stage_name(place)} ({escape_markdown(record.stages[place].name)}){beginning}"


def model_words(record: RunRecord) -> str:
    """What was trained, for the headline; of a model without a Hub id the first base and the stages since."""
    before = record.stages[:-1]
    first = _first_base(record) if before else None
    if record.training.base_model or first is None or any(stage.name == UNRECORDED for stage in before):
        return model_name(record.training)
    base = model_name(msgspec.structs.replace(record.training, base_model=first))
    if len(before) > _MOST_NAMED:
        return f"{base} after {len(before):,} stages"
    return f"{base} after {join_words([escape_markdown(stage.name) for stage in before])}"


def _first_base(record: RunRecord) -> str | None:
    return record.stages[0].base_model if record.stages else None


def _energy_together(together: StagesSum) -> str:
    reason = together.energy.reason
    if reason == NOT_MEASURED:
        return f"energy {NOT_MEASURED}"
    if reason is not None:
        return f"energies not added: {escape_markdown(reason)}"
    return f"{power_noun(together.energy)} energy {_figure_together(together)}"


def _figure_together(together: StagesSum) -> str:
    if together.energy.value is None:
        return NOT_MEASURED if together.energy.reason == NOT_MEASURED else "not added"
    return _at_least(energy_figure(together.energy), is_least=together.is_least_energy)


def _at_least(figure: str, *, is_least: bool) -> str:
    return f"at least {figure}" if is_least and not figure.startswith("at least ") else figure


def _heading(stages: tuple[Stage, ...]) -> str:
    nouns = {power_noun(stage.energy) for stage in stages if _is_measured(stage)}
    return "Energy" if len(nouns) > 1 else f"{''.join(nouns) or 'GPU'} energy".replace("module", "Module")


def _how(together: StagesSum) -> list[str]:
    energy = together.energy
    if energy.value is None:
        return []
    words = ["calculated: the sum of the stages' own records"]
    if relative_width(energy) is not None:
        narrow = f"recording error {recording_error(energy)}{beside_accuracy(energy)}"
        words.append(interval_words(energy) or narrow)
    return words


def _left_out(stages: tuple[Stage, ...]) -> list[str]:
    without = [place for place, stage in enumerate(stages) if not _is_measured(stage)]
    return [f"without the energy of {stages_named(without)}, which is not known"] if without else []


def _unused(stages: tuple[Stage, ...]) -> list[str]:
    if any(stage.used_by_job is not False for stage in stages if _is_measured(stage)):
        return []
    return ["no stage's job used the GPU: this is what it drew meanwhile"] if any(map(_is_measured, stages)) else []


def _line(stages: tuple[Stage, ...], place: int) -> str:
    stage = stages[place]
    this = " (this one)" if place == len(stages) - 1 else ""
    name = f"{place + 1}. {escape_markdown(stage.name)}{this}"
    if stage.reason is not None and stage.duration_seconds is None:
        return table_row(name, *[_NOT_KNOWN] * 5)
    return table_row(
        name,
        _method(stage),
        _base(stages, place),
        _data(stage),
        stage_time(stage) or _NOT_KNOWN,
        _energy(stages, place),
    )


def _method(stage: Stage) -> str:
    steps = "" if stage.steps is None else f"{format_count(stage.steps)} steps"
    return ", ".join(part for part in (escape_markdown(stage.method or ""), steps) if part) or _NOT_KNOWN


def _base(stages: tuple[Stage, ...], place: int) -> str:
    stage = stages[place]
    before = next(
        (number for number, one in enumerate(stages[:place], 1) if one.run_id and one.run_id == stage.previous_run_id),
        None,
    )
    parts = [f"stage {before}" if before else "", escape_markdown(stage.base_model or "")]
    return ", ".join(part for part in parts if part) or _NOT_KNOWN


def _data(stage: Stage) -> str:
    size = "" if stage.training_examples is None else f"{format_count(stage.training_examples)} examples"
    return ", ".join(part for part in (escape_markdown(stage.dataset or ""), size) if part) or _NOT_KNOWN


def _time_together(together: StagesSum) -> str:
    return _time(together.duration_seconds, is_least=together.is_least_time)


def _time(seconds: float, *, is_least: bool) -> str:
    return f"{'at least ' if is_least else ''}{format_duration(seconds)}"


def _energy(stages: tuple[Stage, ...], place: int) -> str:
    stage = stages[place]
    most = max((one.energy.value for one in stages if one.energy is not None and one.energy.value), default=None)
    words = stage_energy(stage, names_part=_heading(stages) == "Energy", beside_joules=most)
    return words or absent(stage.energy, stage.reason or "not in its record")


def _is_measured(stage: Stage) -> bool:
    return stage.energy is not None and stage.energy.value is not None


def _doubts(stages: tuple[Stage, ...], place: int) -> list[str]:
    stage, name = stages[place], stage_name(place)
    told = []
    if stage.reason is not None:
        told.append(f"{name}: {public_reason(stage.reason)}")
    if stage.energy_partial_reason is not None:
        told.append(f"{name}: {public_reason(stage.energy_partial_reason)}")
    if place < len(stages) - 1:
        told += _weights(stage, name)
    return [sentence(words) for words in told]


def _weights(stage: Stage, name: str) -> list[str]:
    """Which of its weights the next stage began from, where those are not the ones that all its steps led to."""
    step, steps = stage.weights_step, stage.steps
    if step is not None and steps is not None and step < steps:
        return [f"of {name} the weights are those of step {step:,}; its time and energy are for all {steps:,} steps"]
    if stage.status == "running":
        known = "its last checkpoint" if step is None else f"its checkpoint at step {step:,}"
        return [f"{name} is known up to {known}: what its run did after that is in no figure"]
    if stage.status == "interrupted" and step is None:
        return [f"{name} was interrupted: which of its steps these weights are of is not known"]
    return []


def _simulated(stages: tuple[Stage, ...]) -> list[str]:
    places = [place for place, stage in enumerate(stages) if stage.simulated]
    if not places or len(places) == len(stages):
        return []
    return [sentence(f"{stages_named(places)} ran on simulated devices, and the others did not")]


def _devices(stages: tuple[Stage, ...]) -> list[str]:
    by_devices: dict[tuple[str, ...], list[int]] = {}
    for place, stage in enumerate(stages):
        if stage.devices:
            by_devices.setdefault(stage.devices, []).append(place)
    if len(by_devices) < 2:
        return []
    told = [
        f"{stages_named(places)} on {join_words([escape_markdown(name) for name in dict.fromkeys(names)])}"
        for names, places in by_devices.items()
    ]
    return [f"The stages ran on different devices: {'; '.join(told)}."]
