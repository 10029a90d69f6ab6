"""The whole card in the lab notebook's structure, with front matter in front."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from cardcallback.detailed_card.fields import BIAS_KEYS, USE_KEYS
from cardcallback.detailed_card.matter import front_matter
from cardcallback.detailed_card.prose import as_cell, as_list, as_live_cell, as_prose
from cardcallback.detailed_card.recorded import data_lines, hardware_lines, hyperparameter_rows, procedure_lines
from cardcallback.errors import CardCallbackError
from cardcallback.impact import EnvironmentalImpact, impact_report
from cardcallback.record import RunRecord, load_run
from cardcallback.render.card.values import published_base_model
from cardcallback.render.text import PLACEHOLDER, escape_markdown, table_row

if TYPE_CHECKING:
    from cardcallback.detailed_card.card import DetailedModelCard


def render_detailed_model_card(
    card: DetailedModelCard,
    record: RunRecord | str | Path | None = None,
    *,
    impact: EnvironmentalImpact | None = None,
    generated_on: date | None = None,
) -> str:
    """The whole card; the arguments and errors are those of ``DetailedModelCard.render``."""
    card.check()
    run = _run(record, impact)
    shown = EnvironmentalImpact.from_record(run) if impact is None and run is not None else impact
    today = generated_on or datetime.now(tz=timezone.utc).date()
    blocks = [
        f"# Model Card: {escape_markdown(card.model_name)}",
        *_identity(card, run),
        *_uses(card),
        *_limits(card),
        *_safety(card),
        *_training(card, run),
        _impact(shown),
        f"## Ethical Considerations\n\n{as_list(card.ethical_considerations)}",
        f"## Recommendations\n\n{as_list(card.recommendations)}",
        f"---\n\n*Model card generated on {today.isoformat()}*",
    ]
    return f"---\n{front_matter(card, run, shown)}---\n\n" + "\n\n".join(blocks) + "\n"


def _run(record: RunRecord | str | Path | None, impact: EnvironmentalImpact | None) -> RunRecord | None:
    run = record if record is None or isinstance(record, RunRecord) else load_run(record)
    of_impact = impact.record if impact is not None else None
    if run is not None and of_impact is not None and run.run_id != of_impact.run_id:
        msg = "the impact is of another run than the record: make it with EnvironmentalImpact.from_record(record)"
        raise CardCallbackError(msg)
    return of_impact if run is None else run


def _impact(impact: EnvironmentalImpact | None) -> str:
    if impact is None:
        return f"## Environmental Impact\n\n{PLACEHOLDER}"
    return impact_report(impact, equivalents=False).rstrip("\n")


def _identity(card: DetailedModelCard, run: RunRecord | None) -> list[str]:
    rows = {
        "Name": as_cell(card.model_name),
        "Version": as_cell(card.model_version),
        "Type": as_cell(card.model_type),
        "Base Model": _base_model(card, run),
        "License": as_cell(card.license),
        "Languages": as_cell(", ".join(card.language)),
        "Developed By": as_cell(card.developed_by),
        "Funded By": as_cell(card.funded_by),
        "Shared By": as_cell(card.shared_by),
    }
    table = _table(("Property", "Value"), [(f"**{label}**", text) for label, text in rows.items()])
    return [f"## Model Details\n\n{table}", f"## Model Description\n\n{as_prose(card.summary)}"]


def _base_model(card: DetailedModelCard, run: RunRecord | None) -> str:
    recorded = published_base_model(run) if run is not None else None
    if not card.base_model.strip():
        return f"{escape_markdown(recorded)} (recorded)" if recorded else PLACEHOLDER
    stated = as_cell(card.base_model)
    if recorded and recorded != card.base_model.strip():
        return f"{stated} (the run's record names {escape_markdown(recorded)})"
    return stated


def _uses(card: DetailedModelCard) -> list[str]:
    uses = [tuple(as_live_cell(entry.get(key)) for key in USE_KEYS) for entry in card.primary_uses]
    return [
        "## Intended Uses",
        f"### Primary Use Cases\n\n{_table(('Use Case', 'Example'), uses)}",
        f"### Secondary Uses\n\n{as_list(card.secondary_uses)}",
        f"### Out-of-Scope Uses\n\n{as_list(card.out_of_scope)}",
        f"### Misuse Risks\n\n{as_list(card.misuse_risks)}",
    ]


def _limits(card: DetailedModelCard) -> list[str]:
    biases = [tuple(as_live_cell(entry.get(key)) for key in BIAS_KEYS) for entry in card.biases]
    table = _table(("Bias Type", "Description", "Mitigation"), biases)
    return [
        "## Limitations",
        f"### Technical Limitations\n\n{as_list(card.technical_limitations)}",
        f"### Knowledge Limitations\n\n{as_list(card.knowledge_limitations)}",
        f"### Behavioral Limitations\n\n{as_list(card.behavioral_limitations)}",
        f"## Bias, Risks, and Mitigations\n\n{table}",
    ]


def _safety(card: DetailedModelCard) -> list[str]:
    scores = [(as_cell(name), f"{score:.2%}") for name, score in card.safety_evaluations.items()]
    return [
        "## Safety Evaluation",
        f"### Benchmark Results\n\n{_table(('Metric', 'Score'), scores)}",
        f"### Safety Evaluation Plan\n\n{as_list(card.safety_evaluation_plan)}",
        f"### Guardrails Implemented\n\n{as_list(card.guardrails_implemented)}",
    ]


def _training(card: DetailedModelCard, run: RunRecord | None) -> list[str]:
    settings = hyperparameter_rows(card.training_hyperparameters, run)
    return [
        "## Training Details",
        f"### Training Data\n\n{_with_record(card.training_data_summary, data_lines(run) if run else [])}",
        f"### Training Procedure\n\n{_with_record(card.training_procedure, procedure_lines(run) if run else [])}",
        f"### Hyperparameters\n\n{_table(('Parameter', 'Value'), settings)}",
        f"### Hardware\n\n{_with_record(card.training_hardware, hardware_lines(run) if run else [])}",
    ]


def _with_record(stated: str, recorded: list[str]) -> str:
    """The author's text, and below it what the run recorded, which alone is no gap to be filled."""
    lines = "\n".join(recorded)
    if not lines:
        return as_prose(stated)
    return f"{as_prose(stated)}\n\n{lines}" if stated.strip() else lines


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    dashes = "|" + "|".join("-" * (len(name) + 2) for name in head) + "|"
    cells = rows or [(PLACEHOLDER,) * len(head)]
    return "\n".join([table_row(*head), dashes, *(table_row(*row) for row in cells)])
