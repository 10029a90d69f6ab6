"""GPUs that turn out to show one meter, as a board's: its energy is theirs together and is counted once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

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
# So are powers in other steps, as of half a watt: such a GPU soon shows again what it has shown. Looked at are so many
# unlike ones, of which one to the milliwatt has shown few twice yet.
_MOST_POWERS = 512
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
        self._powers: dict[int, set[float]] = {}

    def add_power(self, device: int, watts: float) -> None:
        """A reading of one GPU's power; one that it has shown before proves nothing."""
        shown = self._powers.setdefault(device, set())
        if round(watts / WATTS_PER_MILLIWATT) % _COARSE_MILLIWATTS and len(shown) < _MOST_POWERS:
            self.add(device, watts, is_new=watts not in shown)
            shown.add(watts)

    def add(self, device: int, value: float, *, is_new: bool = True) -> None:
        """A reading of one GPU; one that has not moved proves nothing."""
        own = self._newest.setdefault(device, deque(maxlen=_REMEMBERED))
        if own and own[-1] == value:
            return
        own.append(value)
        self._different[device] += 1
        for other, values in self._newest.items():
            if is_new and other != device and value in values:
                self._equal[min(device, other), max(device, other)] += 1

    def told(self, devices: Sequence[DeviceInfo]) -> tuple[DeviceInfo, ...]:
        """The devices, those that share a meter as of one module, with the sentence that says so."""
        return tuple(self._told(info) for info in devices)

    def _told(self, info: DeviceInfo) -> DeviceInfo:
        which = sorted(self._sharing(info.index))
        if len(which) < 2 or info.module is not None:
            return info
        count = min(self._equal[pair] for pair in combinations(which, 2) if self._are_one(*pair))
        note = _NOTE.format(which=" and ".join(map(str, which)), count=count)
        notes = (note,) if info.energy_scope_note is None else (info.energy_scope_note, note)
        return replace(info, module=f"meter of GPU {which[0]}", energy_scope_note=" ".join(notes))

    def _sharing(self, device: int) -> set[int]:
        """The GPU and all that show its meter, or that of one which does: the last read may differ from the first."""
        found, left = {device}, set(self._newest) - {device}
        while more := {other for other in left if any(self._are_one(other, one) for one in found)}:
            found, left = found | more, left - more
        return found

    def _are_one(self, device: int, other: int) -> bool:
        equal = self._equal[min(device, other), max(device, other)]
        fewest = min(self._different[device], self._different[other])
        return equal >= _EQUAL_READINGS and equal >= _EQUAL_SHARE * fewest
