"""The card's fields as the lab notebook names them, and the ways to fill them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path

from cardcallback.detailed_card.fields import FIELD_NAMES, check_field
from cardcallback.detailed_card.reading import read_fields, read_json, read_yaml
from cardcallback.detailed_card.whole import render_detailed_model_card
from cardcallback.impact import EnvironmentalImpact
from cardcallback.record import RunRecord, Scalar
from cardcallback.writing import write_atomically


@dataclass(slots=True)
class DetailedModelCard:
    """A model card's statements by a person; what is not given is printed as "[More Information Needed]".

    Nothing has a default that claims something: no licence, no language. In prose (lists, the sentences
    of uses and biases, and ``summary``, ``training_data_summary``, ``training_procedure`` and ``training_hardware``)
    bold, slanted, code and links to pages are kept; these four may have paragraphs, lists and blocks of code too.
    Names and settings are printed as they are read. No text becomes a heading, a table, HTML or metadata.

    Attributes:
        primary_uses: mappings of ``use`` and ``example``.
        biases: mappings of ``type``, ``description`` and ``mitigation``.
        safety_evaluations: name to share, 0.58 for 58 %.
        training_hyperparameters: name to value, printed beside what a run's record knows.
        language: codes such as "en"; others are printed and stay out of the metadata.
        license: a licence id of the Hub such as "apache-2.0", or any other name.
        base_model: the Hub id, never a folder.

    Raises:
        CardCallbackError: a value that its field cannot hold.
    """

    # Identity
    model_name: str
    model_version: str = ""
    model_type: str = ""
    base_model: str = ""

    # Authorship
    developed_by: str = ""
    funded_by: str = ""
    shared_by: str = ""

    # Technical
    license: str = ""
    language: list[str] = field(default_factory=list)

    # Description
    summary: str = ""

    # Uses
    primary_uses: list[dict[str, str]] = field(default_factory=list)
    secondary_uses: list[str] = field(default_factory=list)
    out_of_scope: list[str] = field(default_factory=list)
    misuse_risks: list[str] = field(default_factory=list)

    # Limitations
    technical_limitations: list[str] = field(default_factory=list)
    knowledge_limitations: list[str] = field(default_factory=list)
    behavioral_limitations: list[str] = field(default_factory=list)

    # Known biases
    biases: list[dict[str, str]] = field(default_factory=list)

    # Safety
    safety_evaluations: dict[str, float] = field(default_factory=dict)
    safety_evaluation_plan: list[str] = field(default_factory=list)
    guardrails_implemented: list[str] = field(default_factory=list)

    # Training
    training_data_summary: str = ""
    training_procedure: str = ""
    training_hyperparameters: dict[str, Scalar] = field(default_factory=dict)
    training_hardware: str = ""

    # Ethical considerations
    ethical_considerations: list[str] = field(default_factory=list)

    # Recommendations
    recommendations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take ``None`` and one language as they are meant, and refuse what cannot be."""
        for entry in fields(self):
            if getattr(self, entry.name) is None:
                setattr(self, entry.name, entry.default_factory() if callable(entry.default_factory) else "")
        if isinstance(self.language, str):
            self.language = [self.language]
        self.check()

    @classmethod
    def from_dict(cls, data: object) -> DetailedModelCard:
        """A card from a mapping of field names to values.

        Raises:
            CardCallbackError: a key that is no field (the message names the nearest), or a value it cannot hold.
        """
        return cls(**read_fields(data))

    @classmethod
    def from_yaml(cls, source: str | Path) -> DetailedModelCard:
        """A card from YAML: its text, or the path of a file.

        Raises:
            CardCallbackError: as ``from_dict``, or not YAML, or no file (exit code 3).
        """
        return cls.from_dict(read_yaml(source))

    @classmethod
    def from_json(cls, source: str | Path) -> DetailedModelCard:
        """A card from JSON: its text, or the path of a file.

        Raises:
            CardCallbackError: as ``from_dict``, or not JSON, or no file (exit code 3).
        """
        return cls.from_dict(read_json(source))

    def check(self) -> None:
        """Refuse a value that its field cannot hold; also asked before rendering, since fields may be set.

        Raises:
            CardCallbackError: as the class.
        """
        for name in FIELD_NAMES:
            check_field(name, getattr(self, name))

    def unset_fields(self) -> tuple[str, ...]:
        """The names of the fields that nobody has given yet."""
        return tuple(name for name in FIELD_NAMES if not getattr(self, name))

    def render(
        self,
        record: RunRecord | str | Path | None = None,
        *,
        impact: EnvironmentalImpact | None = None,
        generated_on: date | None = None,
    ) -> str:
        """The whole card as Markdown with front matter.

        Args:
            record: the run (or its output folder) whose training, hyper-parameters, hardware and energy are printed.
            impact: the environmental part, where it is not simply the record's; an estimate says so.
            generated_on: the date at the card's end; today if not given.

        Raises:
            CardCallbackError: a value that its field cannot hold, no record there, or an impact of another run.
        """
        return render_detailed_model_card(self, record, impact=impact, generated_on=generated_on)

    def save(
        self,
        path: str | Path,
        record: RunRecord | str | Path | None = None,
        *,
        impact: EnvironmentalImpact | None = None,
        generated_on: date | None = None,
    ) -> None:
        """Write the card to a file, in one step; the arguments are those of ``render``.

        Raises:
            CardCallbackError: as ``render``, or it cannot be written, and what was there is whole.
        """
        write_atomically(Path(path), self.render(record, impact=impact, generated_on=generated_on))
