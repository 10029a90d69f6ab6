"""What becomes of every field of a template: the tables that are kept beside the fixtures.

``PYTHONPATH=src python tests/unit/template_tables.py`` writes them anew, to be read before they are committed.
"""

from __future__ import annotations

import re
from pathlib import Path

from card_inputs import with_place
from markdown_it import MarkdownIt

from cardcallback.render.card.fill_report import Field
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.slots import Slot, find_slots
from cardcallback.render.text import table_row

TEMPLATES = Path(__file__).parents[1] / "fixtures" / "templates"
SEEDS = ("capstone_card", "browser_card")
OWN_TEXT = "the template's own text"
IN_CODE = "code is never touched"
CODE_PLACEHOLDER = re.compile(r"\[[^\]\n\d][^\]\n]*\]|YOUR[_ ]\w+|Your \w+ \w+|your-model-\d+")


def fields_table(template: str) -> str:
    """A row for each field in order: where it stands, what stood there, and what became of it.

    The run is the made-up QLoRA run on a DGX Spark in Germany, with evaluations before and after training.
    """
    fields = list(fill_placeholders(template, with_place()).report.fields)
    rows = [table_row("Section", "Field", "Template", "Outcome"), "|---|---|---|---|"]
    for slot in find_slots(template):
        if fields and (fields[0].placeholder, fields[0].heading) == (slot.text, heading_of(slot)):
            rows.append(_row(fields.pop(0)))
        elif slot.kind == "line" or (slot.kind == "cell" and slot.column):
            label = slot.label if slot.only_column or slot.kind == "line" else f"{slot.label} / {slot.column}"
            own = Field(
                heading=heading_of(slot), label=label or "", placeholder=slot.text, outcome="left", why=OWN_TEXT
            )
            rows.append(_row(own))
    assert fields == []
    for fence in (token for token in MarkdownIt("commonmark").parse(template) if token.type == "fence"):
        found = (Field(heading="", label=fence.info, placeholder=text, outcome="left", why=IN_CODE)
                 for text in CODE_PLACEHOLDER.findall(fence.content))  # fmt: skip
        rows += [_row(field) for field in found]
    return "\n".join(rows) + "\n"


def heading_of(slot: Slot) -> str:
    """The heading right above."""
    return slot.headings[-1] if slot.headings else ""


def _row(field: Field) -> str:
    outcome = f"filled: {field.text}" if field.outcome == "filled" else field.outcome
    outcome += f" ({field.why})" if field.why else ""
    return table_row(*(_cell(text) for text in (field.heading, field.label, field.placeholder, outcome)))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") or " "


if __name__ == "__main__":
    for name in SEEDS:
        table = fields_table((TEMPLATES / f"{name}.md").read_text(encoding="utf-8"))
        (TEMPLATES / f"{name}_fields.md").write_text(table, encoding="utf-8")
