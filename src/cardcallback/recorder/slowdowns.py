"""How long something held a GPU back, told apart from passing moments. No clock, no memory that grows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# What holds for less is a moment: a change of phase, a burst, two readings that do not belong together.
HOLDS_SECONDS = 60.0
LOADED_SHARE = 0.9
# An evaluation's end or a checkpoint interrupts the load for so long; after a longer pause it is another spell.
_LONGEST_PAUSE_SECONDS = 30.0
# More than half of an interval slowed is a slowed interval.
_MOST = 0.5
# A counter may be renewed a moment after the clock was read, and the driver's clock may run a little faster.
_RENEWAL_SECONDS = 1.0
_CLOCK_DRIFT = 1e-3

# Bits of NVML's clock-event reasons (NVML header, API 13).
IDLE = 0x1
APPLICATION_CLOCKS = 0x2
POWER_CAP = 0x4
HARDWARE_SLOWDOWN = 0x8
SYNC_BOOST = 0x10
SOFTWARE_THERMAL = 0x20
HARDWARE_THERMAL = 0x40
POWER_BRAKE = 0x80
DISPLAY_CLOCKS = 0x100
THERMAL = SOFTWARE_THERMAL | HARDWARE_THERMAL
# With any of these a low clock is wanted, or is told as what it is; idle means that the load is over.
EXPLAINING = IDLE | APPLICATION_CLOCKS | HARDWARE_SLOWDOWN | SYNC_BOOST | THERMAL | POWER_BRAKE | DISPLAY_CLOCKS

_State = Literal["no load", "explained", "low", "well"]


@dataclass(slots=True)
class Spells:
    """Time of all spells that lasted a minute and more."""

    current_seconds: float = 0.0
    settled_seconds: float = 0.0

    def hold(self, seconds: float) -> None:
        """It went on for so long."""
        self.current_seconds += seconds

    def end(self) -> None:
        """It is over; shorter than a minute it never was."""
        self.settled_seconds = self.seconds
        self.current_seconds = 0.0

    @property
    def goes_on(self) -> bool:
        """Whether it has held for a minute and was not seen to end."""
        return self.current_seconds >= HOLDS_SECONDS

    @property
    def seconds(self) -> float:
        """The time of all of them."""
        return self.settled_seconds + (self.current_seconds if self.goes_on else 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockNorm:
    """Below which SM clock a part at work is not itself.

    ``usual_hertz`` is what a healthy one reaches, where that was seen; without it half of the highest clock
    that the driver knows is the limit, and a power cap may be the whole reason for less.
    """

    low_hertz: float
    usual_hertz: float | None = None

    def state(self, hertz: float, reasons: int | None) -> _State | None:
        """What a clock under load is; ``None`` where only unknown reasons could tell."""
        if hertz >= self.low_hertz:
            return "well"
        if reasons is None:
            return None if self.usual_hertz is None else "low"
        explaining = EXPLAINING if self.usual_hertz is not None else EXPLAINING | POWER_CAP
        return "explained" if reasons & explaining else "low"


@dataclass(slots=True)
class LowClock:
    """Time at a clock far below normal while the GPU was at work.

    A stretch counts where the readings at both of its ends show it, so that a clock read just after the load
    ended is none. A normal clock under load ends a spell, and so does a pause that is no moment; short ones
    interrupt it only. ``recovered``: a normal clock under load was seen since it last held for a minute.
    """

    norm: ClockNorm | None
    spells: Spells = field(default_factory=Spells)
    watched_seconds: float = 0.0
    loaded_seconds: float = 0.0
    capped_seconds: float = 0.0
    unexplained_seconds: float = 0.0
    recovered: bool = False
    _low_at_seconds: float | None = None
    _utilization: tuple[float, float] | None = None  # until when it stands, and the share
    _reasons: tuple[float, int] | None = None
    _before: tuple[float, _State | None] | None = None

    def add_utilization(self, at_seconds: float, share: float, reach_seconds: float) -> None:
        """A reading of the utilisation, which stands for ``reach_seconds`` at most."""
        self._utilization = (at_seconds + reach_seconds, share)

    def add_reasons(self, at_seconds: float, mask: int, reach_seconds: float) -> None:
        """A reading of the clock-event reasons."""
        self._reasons = (at_seconds + reach_seconds, mask)

    def add_clock(self, at_seconds: float, hertz: float, reach_seconds: float) -> None:
        """A reading of the SM clock; what lies further back than ``reach_seconds`` is a gap."""
        reasons = self._reasons[1] if self._reasons is not None and self._reasons[0] >= at_seconds else None
        state = self._state(at_seconds, hertz, reasons)
        before, self._before = self._before, (at_seconds, state)
        seconds = at_seconds - before[0] if before is not None else 0.0
        together = 0 < seconds <= reach_seconds
        if together and state == "low" and before is not None and before[1] == "low":
            self._hold(seconds, reasons)
        else:
            self._interrupt(at_seconds, state)
        if state == "low":
            self._low_at_seconds = at_seconds
        if together and before is not None and None not in {state, before[1]}:
            self.watched_seconds += seconds
            self.loaded_seconds += seconds if "no load" not in {state, before[1]} else 0.0

    @property
    def is_low(self) -> bool:
        """Whether the last reading showed it."""
        return self._before is not None and self._before[1] == "low"

    def _hold(self, seconds: float, reasons: int | None) -> None:
        self.spells.hold(seconds)
        self.recovered = self.recovered and not self.spells.goes_on
        self.capped_seconds += seconds if reasons is not None and reasons & POWER_CAP else 0.0
        self.unexplained_seconds += seconds if reasons is not None and not reasons & POWER_CAP else 0.0

    def _interrupt(self, at_seconds: float, state: _State | None) -> None:
        well = state == "well"
        if well or (self._low_at_seconds is not None and at_seconds - self._low_at_seconds > _LONGEST_PAUSE_SECONDS):
            self.spells.end()
        self.recovered = self.recovered or well

    def _state(self, at_seconds: float, hertz: float, reasons: int | None) -> _State | None:
        if self.norm is None or self._utilization is None or self._utilization[0] < at_seconds:
            return None
        if self._utilization[1] < LOADED_SHARE:
            return "no load"
        return self.norm.state(hertz, reasons)


@dataclass(slots=True)
class SlowdownTime:
    """Time in one kind of slowdown, by the driver's own counter of it or by readings of its bits."""

    seconds: float = 0.0
    watched_seconds: float = 0.0
    spells: Spells = field(default_factory=Spells)
    _ahead_seconds: float = 0.0
    _before: tuple[float, float] | None = None

    def add_total(self, at_seconds: float, total_seconds: float) -> None:
        """A reading of the counter; between two of them nothing is lost, however far apart they are."""
        before, self._before = self._before, (at_seconds, total_seconds)
        if before is None:
            return
        passed, slowed = at_seconds - before[0], total_seconds - before[1]
        # What it is ahead of time in sum: a little at every reading is too fast as well.
        ahead = max(self._ahead_seconds + slowed - passed * (1 + _CLOCK_DRIFT), 0.0)
        # Back: the driver was loaded anew. Faster than time: it counts something else.
        if passed > 0 and slowed >= 0 and ahead <= _RENEWAL_SECONDS:
            self._ahead_seconds = ahead
            self._note(passed, slowed)

    def add_reading(self, at_seconds: float, *, holds: bool, reach_seconds: float) -> None:
        """A reading of the bits, which stands for the time since the one before it."""
        before, self._before = self._before, (at_seconds, 0.0)
        passed = at_seconds - before[0] if before is not None else 0.0
        if 0 < passed <= reach_seconds:
            self._note(passed, passed if holds else 0.0)
        else:
            self.spells.end()  # nobody knows what was between

    def _note(self, passed_seconds: float, slowed_seconds: float) -> None:
        self.watched_seconds += passed_seconds
        self.seconds += slowed_seconds
        if slowed_seconds > _MOST * passed_seconds:
            self.spells.hold(min(slowed_seconds, passed_seconds))
        else:
            self.spells.end()


@dataclass(slots=True)
class Company:
    """Processes of others, and whether some came after the first reading and were still there at the next."""

    first: int | None = None
    _readings_above: int = 0

    def add(self, count: int) -> None:
        """A reading of their number, which is taken about once a minute."""
        self.first = count if self.first is None else self.first
        self._readings_above = self._readings_above + 1 if count > self.first else 0

    @property
    def came(self) -> bool:
        """Whether more than at first were seen in two readings one after the other."""
        return self._readings_above > 1
