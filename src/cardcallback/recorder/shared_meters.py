"""GPUs that turn out to show one meter, as a board's: its energy is theirs together and is counted once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from cardcallback.sensors.base import DeviceInfo
from cardcallback.units import WATTS_PER_MILLIWATT

# Counters that run since their driver was loaded, and powers to the milliwatt, are equal to the last digit by chance in
# hardly any reading; so many equal ones leave no doubt. The two are read one after the other, and some of the time the
# meter moves in between.
_EQUAL_READINGS = 20
_EQUAL_SHARE = 0.8
_REMEMBERED = 8
# Powers in steps of this are equal by chance, and prove nothing.
_COARSE_MILLIWATTS = 100
_NOTE = (
    "GPUs {which} show one meter: {count} of their readings, one unlike the other, were equal to the last digit. It is "
    "counted once, for all of them."
)


class SharedMeters:
    """Compares the GPUs' readings, each with the newest of the others: of counters, or of power where there is none."""

    def __init__(self) -> None:
        self._newest: dict[int, deque[float]] = {}
        self._different: Counter[int] = Counter()
        self._equal: Counter[tuple[int, int]] = Counter()

    def add_power(self, device: int, watts: float) -> None:
        """A reading of one GPU's power."""
        if round(watts / WATTS_PER_MILLIWATT) % _COARSE_MILLIWATTS:
            self.add(device, watts)

    def add(self, device: int, value: float) -> None:
        """A reading of one GPU; one that has not moved proves nothing."""
        own = self._newest.setdefault(device, deque(maxlen=_REMEMBERED))
        if own and own[-1] == value:
            return
        own.append(value)
        self._different[device] += 1
        for other, values in self._newest.items():
            if other != device and value in values:
                self._equal[min(device, other), max(device, other)] += 1

    def told(self, devices: Sequence[DeviceInfo]) -> tuple[DeviceInfo, ...]:
        """The devices, those that share a meter as of one module, with the sentence that says so."""
        return tuple(self._told(info) for info in devices)

    def _told(self, info: DeviceInfo) -> DeviceInfo:
        sharing = [other for other in self._newest if other == info.index or self._are_one(info.index, other)]
        if len(sharing) < 2 or info.module is not None:
            return info
        which = sorted(sharing)
        count = min(self._equal[min(info.index, one), max(info.index, one)] for one in which if one != info.index)
        note = _NOTE.format(which=" and ".join(map(str, which)), count=count)
        notes = (note,) if info.energy_scope_note is None else (info.energy_scope_note, note)
        return replace(info, module=f"meter of GPU {which[0]}", energy_scope_note=" ".join(notes))

    def _are_one(self, device: int, other: int) -> bool:
        equal = self._equal[min(device, other), max(device, other)]
        fewest = min(self._different[device], self._different[other])
        return equal >= _EQUAL_READINGS and equal >= _EQUAL_SHARE * fewest
