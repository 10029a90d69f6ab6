"""Whose figures the column of a table holds: this run's, its base model's, or others'."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from cardcallback.render.card.labels import has_word
from cardcallback.render.card.own_run import OwnRun

# In a column's heading these say whose figures it holds even among other words.
_TELLING_GROUPS = ("tuned", "base", "other")
_SHORTEST_TELLING = 3
_LONGEST_NAME = 6


class ColumnGroups:
    """Finds the group of a heading.

    Args:
        groups: those of the label map by heading, as headings are compared.
        run: says which stage is this run's.
        base: the base model's name, as headings are compared.
    """

    def __init__(self, groups: Mapping[str, str], run: OwnRun, base: str) -> None:
        self._groups, self._run, self._base = groups, run, base
        # A table asks for each of its few columns at every cell.
        self._known: dict[str, str | None] = {}

    def of(self, column: str) -> str | None:
        """Whose figures a column holds, by its heading as it is compared; None where that says nothing."""
        if column not in self._known:
            self._known[column] = self._group(column)
        return self._known[column]

    def are_models(self, rows: Collection[str], is_label: Callable[[str], bool]) -> bool:
        """Whether rows are models, this one among them, so that the column beside them is of what each scored."""
        labels = [row for row in rows if is_label(row)]
        # A question about the final model is none.
        names = [row for row in rows if row not in labels and len(row.split()) <= _LONGEST_NAME]
        names_this = any(self.of(row) == "tuned" for row in names)
        return names_this and all(self.of(row) == "base" for row in labels)

    def _group(self, column: str) -> str | None:
        stage = self._run.stage_of(column)
        if stage == "another" or self._is_apart(column):
            return "other"
        if column in self._groups:
            return self._groups[column]
        parts = {self._groups.get(part.strip()) for part in column.split(" / ")}
        if " / " in column and len(parts) == 1:
            return parts.pop()
        telling = {"base"} if self._base and has_word(column, self._base) else set()
        for name, group in self._groups.items():
            if group in _TELLING_GROUPS and len(name) >= _SHORTEST_TELLING and has_word(column, name):
                telling.add(group)
        if stage == "own":
            # "SFT (ours)" and "Stage 2 (SFT)", but not "SFT baseline" or another model's SFT.
            return "tuned" if "tuned" in telling or not telling else "other"
        # A model's name beside "fine-tuned" is this model's; beside nothing, somebody else's.
        if telling - {"other"}:
            telling -= {"other"}
        return telling.pop() if len(telling) == 1 else "other" if telling else None

    def _is_apart(self, column: str) -> bool:
        """Whether it says that its figures are of no run."""
        return any(group == "apart" and has_word(column, name) for name, group in self._groups.items())
