"""Energies of what is beside the GPU: processors, memory, the whole machine, and what overlaps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cardcallback.energy import AccountResult
from cardcallback.record import Measurement, Scope, Window
from cardcallback.record.sums import summed
from cardcallback.recorder.accounts import AccountKey, OpenAccount
from cardcallback.recorder.energy_figures import energy_measurement
from cardcallback.recorder.faults import Faults
from cardcallback.recorder.session import NO_SENSOR
from cardcallback.sensors.base import Quantity


class MachineFigures:
    """Builds the figures from one session's accounts and their results, each on its own."""

    def __init__(
        self,
        accounts: Mapping[AccountKey, OpenAccount],
        result: Callable[[AccountKey], AccountResult],
        window: Window,
        faults: Faults,
        reason: Callable[[Quantity, int | None], str],
    ) -> None:
        self._accounts = accounts
        self._result = result
        self._window = window
        self._faults = faults
        self._absence_reason = reason
        self._systems = self._figures("system", "system_energy", "system_power")

    def cpu(self) -> Measurement:
        """The processors, every socket's own instrument summed."""
        quantities: tuple[Quantity, ...] = ("cpu_energy", "cpu_power")
        return self._summed(self._figures("cpu", *quantities), *quantities)

    def dram(self) -> Measurement:
        """Main memory, every socket's own instrument summed."""
        return self._summed(self._figures("dram", "dram_energy"), "dram_energy")

    def system(self) -> Measurement:
        """The machine, by the instrument that gave a figure and covers most of it."""
        return self._summed(self._systems[:1], "system_energy", "system_power")

    def others(self) -> tuple[Measurement, ...]:
        """What overlaps the other figures, and the machine by its further instruments; only what was measured."""
        found = (*self._systems[1:], *self._figures("other", "other_energy", "other_power"))
        return tuple(figure for figure in found if figure.value is not None)

    def _figures(self, group: str, *quantities: Quantity) -> list[Measurement]:
        opened = [(key, one) for key, one in self._accounts.items() if key.group == group]
        if not opened:
            return []
        reason = self._reason(*quantities)
        figures = [
            self._faults.figure(
                f"energy of {key.covers}",
                "joules",
                lambda key=key, one=one: energy_measurement(  # type: ignore[misc]
                    self._result(key).best, [one.counter, one.power], self._window, reason
                ),
                window=self._window,
            )
            for key, one in opened
        ]
        return sorted(figures, key=_least_covered) if group == "system" else figures

    def _summed(self, figures: Sequence[Measurement], *quantities: Quantity) -> Measurement:
        # Where there are figures, each that has no value has its reason.
        return summed(figures, "" if figures else self._reason(*quantities))

    def _reason(self, *quantities: Quantity) -> str:
        reasons = (self._absence_reason(quantity, None) for quantity in quantities)
        return next((reason for reason in reasons if reason != NO_SENSOR), NO_SENSOR)


def _least_covered(figure: Measurement) -> tuple[bool, int]:
    scope = figure.scope or Scope()
    return figure.value is None, sum(getattr(scope, name) != "yes" for name in Scope.__struct_fields__)
