"""Whatever card lies in the place, publishing adds what is ours, changes no other byte, and twice is once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from card_checks import only_fills_changed
from card_inputs import with_place
from hypothesis import example, given, settings
from hypothesis import strategies as st
from publish_inputs import PICTURES
from test_card_properties import cards

from cardcallback.errors import CardCallbackError
from cardcallback.publishing import Change, Source, Wishes, plan_publication
from cardcallback.record import decode
from cardcallback.render.card import CardReport, ComposedCard
from cardcallback.render.card.front_matter import split_card


@dataclass
class MemoryPlace:
    """A place without a disk."""

    files: dict[str, bytes]
    name: str = "memory"

    def file_names(self) -> frozenset[str]:
        """What is in it."""
        return frozenset(self.files)

    def read(self, path: str, largest_bytes: int) -> bytes | None:
        """One file."""
        found = self.files.get(path)
        assert found is None or len(found) <= largest_bytes
        return found

    def write(self, changes: Sequence[Change]) -> str:
        """Take the changes, each made to what stood there."""
        assert all(self.files.get(change.path) == change.before for change in changes)
        self.files |= {change.path: change.after for change in changes}
        return self.name


WEIGHTS = st.sampled_from(
    [
        {},
        {"adapter_config.json": json.dumps({"peft_type": "LORA", "r": 16}).encode()},
        {"config.json": b'{"model_type": "gemma3"}', "model.safetensors": b""},
        {"scribe.gguf": b""},
    ]
)

# A tool's sentence that a line of dashes makes a heading, by which the fill below it is remembered.
SENTENCE_AS_HEADING = (
    "This model is a fine-tuned version of [None](https://huggingface.co/None).\n"
    "---\n- **Hours used:** [More Information Needed]\n"
)


@settings(deadline=None)
@example(card=SENTENCE_AS_HEADING, weights={}, publish="all", results=False)
@given(card=cards(), weights=WEIGHTS, publish=st.sampled_from(["card", "pictures", "all"]), results=st.booleans())
def test_any_card_in_any_place(card: str, weights: dict[str, bytes], publish: str, results: bool) -> None:  # noqa: FBT001  hypothesis calls it by name
    """Refused whole, or completed: front matter, section and fills are ours, the rest is as it was."""
    place = MemoryPlace(weights | {"README.md": card.encode()})
    source = Source(record=with_place(), document={}, pictures=PICTURES)
    wishes = Wishes(publish=publish, model_index=results)
    try:
        plan = plan_publication(source, place, wishes)
    except CardCallbackError as error:
        assert "\n" not in str(error)  # noqa: PT017  the fuzz has two good outcomes
        return
    place.write(plan.changes)
    assert plan.changes[-1].path == "README.md"
    assert weights.items() <= place.files.items()
    if publish == "all":
        remembered = decode(place.files["training_run/record.json"]).record.card
        text = place.files["README.md"].decode()
        composed = ComposedCard(text=text, card=remembered, report=CardReport(), told=source.record)
        only_fills_changed(split_card(card).body, composed)
    assert not plan_publication(source, place, wishes).changes
