"""The sources a section cites, numbered in the order of first use."""

from __future__ import annotations

from dataclasses import dataclass

from cardcallback.render.text import escape_markdown


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """One source: ``text`` is Markdown; ``address`` is a fixed address of ours, never one from a record."""

    text: str
    address: str | None = None


SPARK_POWER = Reference(
    text=(
        "One DGX Spark under load: 126 W for the whole machine by its firmware's sensor, 61.6 W for the GPU by NVML "
        "and 73.7 W by the firmware's GPU sensor (documentation of sparks-dgx 0.1.1). "
        "Another report found the two GPU sensors within 0.5 W of each other."
    ),
    address="https://pypi.org/project/sparks-dgx/",
)
POWER_SENSOR_STUDY = Reference(
    text=(
        "Yang, Adamek, Armour: Accurate and Convenient Energy Measurements for GPUs, SC24. "
        "More than 70 NVIDIA GPUs against an external meter; no Blackwell GPU among them."
    ),
    address="https://arxiv.org/abs/2312.02741",
)


class References:
    """Collects citations while a section is written."""

    def __init__(self) -> None:
        self._cited: list[Reference] = []

    def cite(self, reference: Reference) -> str:
        """The number to print at the claim, in brackets; the same source keeps its number.

        Escaped, so that a link definition of the person's own called ``[1]`` cannot turn it into a link.
        """
        if reference not in self._cited:
            self._cited.append(reference)
        return f"\\[{self._cited.index(reference) + 1}\\]"

    def cite_text(self, text: str) -> str:
        """Cite a source named by the record (an outside string)."""
        return self.cite(Reference(text=escape_markdown(text)))

    def listing(self) -> list[str]:
        """One Markdown line per source, in the order of the numbers."""
        return [
            f"\\[{number}\\] {reference.text}" + (f" <{reference.address}>" if reference.address else "")
            for number, reference in enumerate(self._cited, start=1)
        ]
