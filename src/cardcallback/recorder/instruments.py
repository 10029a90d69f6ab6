"""Which of the instruments that a session is given are read: of two that cover the same, the first."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.recorder.accounts import AccountKey, account_key, has_account
from cardcallback.sensors.base import Kind, Sensor


class Instruments:
    """The instruments of energy and power that a session has so far."""

    def __init__(self) -> None:
        self._taken: set[AccountKey] = set()

    def first_of_each(self, sensors: Sequence[Sensor]) -> tuple[tuple[Sensor, ...], tuple[str, ...]]:
        """The sensors to read, and a sentence about each further instrument of what one of them covers already.

        Both hold the same energy, so that their sum would hold it twice; a counter and a gauge that come together
        are one instrument.
        """
        kept: list[Sensor] = []
        found: set[tuple[AccountKey, Kind]] = set()
        aside: dict[str, list[str]] = {}
        for sensor in sensors:
            if has_account(sensor.spec):
                key = account_key(sensor.spec)
                if key in self._taken or (key, sensor.spec.kind) in found:
                    aside.setdefault(sensor.spec.covers, []).append(sensor.spec.source)
                    continue
                found.add((key, sensor.spec.kind))
            kept.append(sensor)
        self._taken |= {key for key, _ in found}
        return tuple(kept), tuple(_sentence(covers, sources) for covers, sources in aside.items())


def _sentence(covers: str, sources: Sequence[str]) -> str:
    named = " and ".join(dict.fromkeys(sources))
    return f"A second sensor of the same parts ({covers}) was set aside, as both count the same energy: {named}."
