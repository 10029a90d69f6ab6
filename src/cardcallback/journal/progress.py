"""How far a session is: time, steps and energies, small enough to be written every second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cardcallback.journal.lines import Entry, Figure
from cardcallback.record import Energy, Measurement

ENERGIES = ("gpu", "gpu_counter", "gpu_integrated", "cpu", "dram", "system")
# Known to a second; the others are checks and parts of them, and a line of all of them would be long.
_EVERY_SECOND = frozenset({"gpu", "cpu", "dram", "system"})
_FORMAT = "%.7g"
# The others are written as often as this share of the session's age, and at least this often.
_OTHERS_SHARE = 1 / 200
_OTHERS_LONGEST_SECONDS = 10.0


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a session; ``figures`` are its known energies by name: the record's, with places of devices."""

    duration_seconds: float
    suspended_seconds: float
    last_step: int
    figures: dict[str, Figure]


def progress_of(
    duration_seconds: float,
    suspended_seconds: float,
    last_step: int,
    energy: Energy,
    accelerator_energies: Sequence[Measurement],
) -> Progress:
    """The moment a session is at; an energy without a value is left out, and so is an only device's, which is ``gpu``.

    Args:
        duration_seconds: since the session began, suspend included.
        suspended_seconds: of them.
        last_step: the optimiser step that was reached.
        energy: the session's energies.
        accelerator_energies: the devices' own, in the order of the record's accelerators.
    """
    named = {name: getattr(energy, name) for name in ENERGIES}
    named |= {other_name(place): one for place, one in enumerate(energy.others)}
    if len(accelerator_energies) > 1:
        named |= {accelerator_name(place): one for place, one in enumerate(accelerator_energies)}
    return Progress(
        duration_seconds=round(duration_seconds, 3),
        suspended_seconds=round(suspended_seconds, 3),
        last_step=last_step,
        figures={
            name: (one.value, one.recording_low, one.recording_high, one.coverage)
            for name, one in named.items()
            if one.value is not None
        },
    )


def accelerator_name(place: int) -> str:
    """What the energy of the record's accelerator at that place is called in the journal."""
    return f"accelerators.{place}"


def other_name(place: int) -> str:
    """What the record's further energy at that place is called in the journal."""
    return f"others.{place}"


class ProgressEntries:
    """Turns moments into entries that hold what changed since the one before."""

    def __init__(self) -> None:
        self._written: dict[str, Figure] = {}
        self._others_at_seconds = float("-inf")

    def whole(self, now: Progress) -> Entry:
        """The entry that needs none before it."""
        self._written = {}
        self._others_at_seconds = float("-inf")
        return self.next(now)

    def next(self, now: Progress) -> Entry:
        """The entry to write after those before."""
        age = now.duration_seconds
        others = age - self._others_at_seconds >= min(age * _OTHERS_SHARE, _OTHERS_LONGEST_SECONDS)
        if others:
            self._others_at_seconds = age
        changed = dict(self._changed(now.figures, others=others))
        for name, figure in changed.items():
            if figure is None:
                del self._written[name]
            else:
                self._written[name] = figure
        return Entry(p=(age, now.suspended_seconds, now.last_step), e=changed)

    def _changed(self, figures: Mapping[str, Figure], *, others: bool) -> Iterator[tuple[str, Figure | None]]:
        for name, figure in figures.items():
            if not (others or name in _EVERY_SECOND):
                continue
            written = _rounded(figure)
            if self._written.get(name) != written:
                yield name, written
        yield from ((name, None) for name in self._written if name not in figures)


def _rounded(figure: Figure) -> Figure:
    value, *bounds = figure
    low, high, coverage = (None if bound is None else float(_FORMAT % bound) for bound in bounds)
    return float(_FORMAT % value), low, high, coverage
