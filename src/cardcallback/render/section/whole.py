"""Our whole section of a card, from the record alone."""

from __future__ import annotations

import re

from cardcallback.record import Measurement, RunRecord
from cardcallback.render.exported import Weights, export_sentence
from cardcallback.render.figures import absent, beside_accuracy
from cardcallback.render.lettered import lettered
from cardcallback.render.pictures.choice import LOSS_PICTURE, picture_address, picture_alt_text, pictures_of
from cardcallback.render.section.doubts import doubts
from cardcallback.render.section.evaluation import evaluation_table, published_sentence
from cardcallback.render.section.headline import headline
from cardcallback.render.section.method_course import course_table
from cardcallback.render.section.recipe import recipe
from cardcallback.render.section.references import References
from cardcallback.render.section.results import result_table

TITLE = "## Training, hardware and environmental impact"
_CLOSING = (
    "<sub>Written by cardcallback. To change place or building overhead no retraining is needed: "
    "`cardcallback render`.</sub>"
)


def render_section(record: RunRecord, *, pictures: bool = True, weights: Weights | None = None) -> str:
    """The section's Markdown, from its heading to its last line, with a final newline.

    Args:
        record: what was measured; ``record.carbon`` is printed where it is set.
        pictures: whether the files of ``draw_pictures`` stand beside the card.
        weights: what lies beside the card, where that is not what training left there.
    """
    record = lettered(record)
    exported = export_sentence(record, weights)
    references = References()
    shown = pictures_of(record) if pictures else ()
    blocks = [
        [TITLE],
        *([paragraph] for paragraph in headline(record)),
        result_table(record, references),
        [_image(record, LOSS_PICTURE)] if LOSS_PICTURE in shown else [],
        evaluation_table(record),
        course_table(record),
        [published_sentence(record)],
        [exported] if exported else [],
        _folded("Recipe", recipe(record)),
        _folded("How sure these figures are, and what they leave out", doubts(record, references, shown)),
        [_CLOSING],
    ]
    return _said_once(record, "\n\n".join("\n".join(block) for block in blocks if block) + "\n")


def _said_once(record: RunRecord, text: str) -> str:
    """``text`` with each reason at full length where it comes first, and short after that."""
    for absence in sorted({absent(found) for found in _measurements(record)}, key=len, reverse=True):
        before, found, after = text.partition(absence)
        text = before + found + after.replace(absence, "not measured, as above")
    for accuracy in sorted({beside_accuracy(found) for found in _all_measurements(record)}, key=len, reverse=True):
        text = _accuracy_once(text, accuracy)
    return text


def _accuracy_once(text: str, accuracy: str) -> str:
    # One statement may begin another: only a whole one is the same.
    pattern = re.compile(re.escape(accuracy) + r"(?=;|\.(?:\s|$)| \||$)", re.MULTILINE)
    first = pattern.search(text)
    if first is None:
        return text
    return text[: first.end()] + pattern.sub(", the sensor's own accuracy as above", text[first.end() :])


def _measurements(record: RunRecord) -> list[Measurement]:
    return [found for found in _all_measurements(record) if found.value is None]


def _all_measurements(record: RunRecord) -> list[Measurement]:
    holders = (record.energy, record.memory, *record.hardware.accelerators)
    values = (getattr(holder, name) for holder in holders for name in holder.__struct_fields__)
    return [value for value in values if isinstance(value, Measurement)]


def _image(record: RunRecord, name: str) -> str:
    return f"![{picture_alt_text(record, name)}]({picture_address(name)})"


def _folded(summary: str, lines: list[str]) -> list[str]:
    # The empty lines make the inside Markdown again; without them it would be shown as raw text.
    return [f"<details><summary><b>{summary}</b></summary>", "", *lines, "", "</details>"]
