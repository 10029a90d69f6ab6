"""A recording: everything measured from a session's begin until a moment, as the record's own types."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cardcallback.energy import AccountResult, Consistency, counter_of_renewal
from cardcallback.ratios import mean_power
from cardcallback.record import (
    Accelerator,
    Energy,
    Measurement,
    Memory,
    PhaseEnergy,
    PhaseSpan,
    Trace,
    Window,
    not_measured,
)
from cardcallback.record.sums import summed
from cardcallback.recorder.accounts import AccountKey, OpenAccount, once_per_module
from cardcallback.recorder.energy_figures import before_training, energy_measurement, joined_verdict, phase_energies
from cardcallback.recorder.faults import Faults
from cardcallback.recorder.health_figures import HealthFigures
from cardcallback.recorder.ledger import Ledger
from cardcallback.recorder.machine_figures import MachineFigures
from cardcallback.recorder.memory_figures import MemoryFigures
from cardcallback.recorder.readings import EnergiesNow
from cardcallback.recorder.session import Session, absence_reason
from cardcallback.sensors.base import DeviceInfo, Quantity, SensorSet

_BELOW_GPUS = "its sensor gave less than the GPUs alone used, so that it does not cover the whole machine"
_NOT_ASKED = not_measured("joules", "what was used before training is not among these figures")
_OTHER_PARTS = "the power readings cover other parts than the energy counter, so that it cannot be checked by them"
_TOLD_ONCE = "told once for the module or meter, with its first GPU"
_NO_REASON = "only a whole recording tells the reason"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """What was measured of one session, and by which sensors; times are seconds since it began.

    ``energy`` leaves ``per_step`` and ``per_token`` to whoever knows steps and tokens.
    """

    sensors: SensorSet
    started_on: str
    duration_seconds: float
    suspended_seconds: float
    stopped_seconds: float
    energy: Energy
    memory: Memory
    accelerators: tuple[Accelerator, ...] = ()
    traces: tuple[Trace, ...] = ()
    phase_spans: tuple[PhaseSpan, ...] = ()
    notes: tuple[str, ...] = ()


def make_energies(ledger: Ledger, session: Session, *, briefly: bool = False) -> EnergiesNow:
    """The energies as of ``session.duration_seconds``; changes nothing.

    ``briefly``: where nothing happened but counting, the latest results are moved on instead of being made anew.
    """
    builder, devices = _Builder(ledger, session, Faults(), explained=False), session.sensors.devices
    builder.briefly = briefly
    energy = builder.sums()
    return EnergiesNow(
        duration_seconds=session.duration_seconds,
        suspended_seconds=session.suspended_seconds,
        energy=energy,
        accelerators=(energy.gpu,) if len(devices) == 1 else tuple(map(builder.accelerator_energy, devices)),
    )


def make_recording(ledger: Ledger, session: Session) -> Recording:
    """The recording as of ``session.duration_seconds``; changes nothing."""
    faults = Faults()
    builder = _Builder(ledger, session, faults)
    memory = MemoryFigures(ledger.peaks, session, faults)
    energy, seen, accelerators = builder.energy(), memory.memory(), builder.accelerators()
    told = (
        *faults.made("note on devices", builder.notes, lambda _: ()),
        *faults.made("note on memory", memory.notes, lambda _: ()),
    )
    return Recording(
        sensors=session.sensors,
        started_on=session.started_on,
        duration_seconds=session.duration_seconds,
        suspended_seconds=session.suspended_seconds,
        stopped_seconds=session.stopped_seconds,
        energy=energy,
        memory=seen,
        accelerators=accelerators,
        traces=faults.made("traces", builder.traces, lambda _: ()),
        phase_spans=ledger.phase_spans(),
        notes=(*session.notes, *told, *dict.fromkeys(faults.notes)),
    )


class _Builder:
    def __init__(self, ledger: Ledger, session: Session, faults: Faults, *, explained: bool = True) -> None:
        self._ledger = ledger
        self._explained = explained
        self.briefly = False
        self._session = session
        self._window = Window(name="training", begin_seconds=0.0, end_seconds=session.duration_seconds)
        self._faults = faults
        self._results: dict[AccountKey, AccountResult] = {}
        self._reasons: dict[tuple[Quantity, int | None], str] = {}
        self._devices = once_per_module(session.sensors.devices)
        self._counted = {info.index for info in self._devices}
        self._gpu_keys = [AccountKey("gpu", info.index) for info in self._devices]

    def energy(self) -> Energy:
        sums = self.sums()
        return msgspec.structs.replace(
            sums,
            before_training=self._faults.figure("energy before training", "joules", self._before_training),
            phases=self._faults.made("energy by phase", lambda: self._phases(sums.gpu), lambda _: ()),
            consistency=self._faults.made("comparison", lambda: joined_verdict(self._verdicts()), lambda _: None),
        )

    def sums(self) -> Energy:
        """The energies of the session's whole window."""
        gpu = self._gpu("best")
        machine = MachineFigures(self._ledger.accounts, self._result, self._window, self._faults, self._reason)
        system, others = machine.system(), machine.others()
        if self._below_gpus(system, gpu):
            others, system = (system, *others), not_measured("joules", _BELOW_GPUS, window=self._window)
        return Energy(
            gpu=gpu,
            gpu_counter=self._gpu("counter"),
            gpu_integrated=self._gpu("integrated"),
            cpu=machine.cpu(),
            dram=machine.dram(),
            system=system,
            others=others,
            before_training=_NOT_ASKED,
        )

    def _below_gpus(self, system: Measurement, gpu: Measurement) -> bool:
        """Whether what calls itself the whole machine gave less than its GPUs alone used."""
        most, least = system.recording_high, gpu.recording_low
        return most is not None and least is not None and most < least

    def _phases(self, gpu: Measurement) -> tuple[PhaseEnergy, ...]:
        sums = [opened.account.phases() for opened in self._gpu_accounts()]
        return phase_energies(self._ledger.phase_times, sums, gpu)

    def _result(self, key: AccountKey) -> AccountResult:
        """Made when it is asked for first, so that an account that fails costs its own figures only."""
        if key not in self._results:
            account, seconds = self._ledger.accounts[key].account, self._session.duration_seconds
            moved = account.moved_on(seconds) if self.briefly else None
            self._results[key] = moved or account.result(seconds, explained=self._explained)
        return self._results[key]

    def traces(self) -> tuple[Trace, ...]:
        """Every trace; of power one for each module, not one for each of its GPUs."""
        found = self._ledger.traces()
        return tuple(one for one in found if one.quantity != "gpu_power" or one.device in self._counted)

    def accelerators(self) -> tuple[Accelerator, ...]:
        return tuple(
            self._faults.made(
                f"figures of GPU {info.index}",
                lambda info=info: self._accelerator(info),  # type: ignore[misc]
                lambda reason, info=info: Accelerator(  # type: ignore[misc]
                    name=info.name, number=info.index, energy=not_measured("joules", reason)
                ),
            )
            for info in self._session.sensors.devices
        )

    def notes(self) -> tuple[str, ...]:
        several, notes = len(self._session.sensors.devices) > 1, []
        for key, result in ((key, self._results[key]) for key in self._ledger.accounts if key in self._results):
            name = f"GPU {key.device}" if key.group == "gpu" else key.covers
            label = f"{name}: " if several or key.group != "gpu" else ""
            for note in result.notes:
                named = label or self._only_device(note)
                notes.append(f"{named}{note}" if named else note[0].upper() + note[1:])
        return (*(f"{note}." for note in notes), *self._health_notes(several=several))

    def _only_device(self, note: str) -> str:
        """The device's name for a note that must not be taken for one of another session's device."""
        names = [info.name for info in self._session.sensors.devices]
        return f"{names[0]}: " if names and counter_of_renewal(note) is not None else ""

    def _health_notes(self, *, several: bool) -> list[str]:
        return [
            f"GPU {info.index}: {sentence}" if several else sentence
            for info in self._session.sensors.devices
            for sentence in self._ledger.devices[info.index].health.sentences()
        ]

    def _gpu_accounts(self) -> list[OpenAccount]:
        return [self._ledger.accounts[key] for key in self._gpu_keys if key in self._ledger.accounts]

    def _verdicts(self) -> list[Consistency | None]:
        return [self._result(k).consistency if k in self._ledger.accounts else None for k in self._gpu_keys]

    def _gpu(self, which: str) -> Measurement:
        reason = self._reason("gpu_power" if which == "integrated" else "gpu_energy", None)
        return self._faults.figure(
            "energy of the GPUs",
            "joules",
            lambda: summed([self._device_energy(info, which) for info in self._devices], reason),
            window=self._window,
        )

    def _device_energy(self, info: DeviceInfo, which: str) -> Measurement:
        key = AccountKey("gpu", info.index)
        opened = self._ledger.accounts.get(key)
        quantity: Quantity = "gpu_power" if which == "integrated" else "gpu_energy"
        reason = self._reason(quantity, info.index)
        if opened is None:
            return not_measured("joules", reason, window=self._window)
        if which == "counter" and opened.counter is not None and opened.first_counter is not None:
            reason = "the energy counter did not advance"
        if which == "integrated" and opened.set_aside is not None:
            reason = _OTHER_PARTS
        result = getattr(self._result(key), which)
        specs = {"counter": [opened.counter], "integrated": [opened.power]}.get(which, [opened.counter, opened.power])
        figure = energy_measurement(result, specs, self._window, reason)
        if info.energy_scope_note is None:
            return figure
        return msgspec.structs.replace(figure, covers=(*figure.covers, info.energy_scope_note))

    def _before_training(self) -> Measurement:
        parts = []
        for opened in self._gpu_accounts():
            early = self._session.early.of(opened.counter) if opened.counter is not None else None
            shifted = (early[0] - self._session.begin_elapsed_seconds, early[1]) if early is not None else None
            parts.append(before_training(opened, shifted, self._reason("gpu_energy", None)))
        return summed(parts, self._reason("gpu_energy", None))

    def _accelerator(self, info: DeviceInfo) -> Accelerator:
        state = self._ledger.devices[info.index]
        health = HealthFigures(state.health, info.index, self._session, self._window)
        energy = self.accelerator_energy(info)
        return Accelerator(
            name=info.name,
            number=info.index,
            energy=energy,
            memory_total_bytes=info.memory_total_bytes,
            architecture=info.architecture,
            compute_capability=info.compute_capability,
            mean_power=mean_power(energy, self._session.duration_seconds),
            median_sm_clock=self._state_figure("gpu_sm_clock", info.index, "hertz", state.clock.value()),
            highest_temperature=self._state_figure("gpu_temperature", info.index, "celsius", state.temperature.highest),
            median_utilization=self._state_figure("gpu_utilization", info.index, "share", state.utilization.value()),
            low_clock_time=health.low_clock_time(),
            thermal_slowdown_time=health.thermal_slowdown_time(),
            hardware_slowdown_time=health.hardware_slowdown_time(),
            health=state.health.sentences(),
            throttle_reasons=state.reasons.words(),
            other_processes=state.other_processes,
        )

    def accelerator_energy(self, info: DeviceInfo) -> Measurement:
        if info.index not in self._counted:
            return not_measured("joules", _TOLD_ONCE, window=self._window)
        return self._device_energy(info, "best")

    def _state_figure(self, quantity: Quantity, device: int, unit: str, value: float | None) -> Measurement:
        specs = (one.spec for one in self._session.sensors.sensors)
        found = next((one for one in specs if (one.quantity, one.device) == (quantity, device)), None)
        spec = self._ledger.as_read(found) if found is not None else None
        if value is None or spec is None:
            return not_measured(unit, self._reason(quantity, device), window=self._window)
        return Measurement(
            value=value,
            unit=unit,
            source=spec.source,
            method="sampled_peak" if quantity == "gpu_temperature" else "calculated",
            instrument_accuracy=spec.accuracy,
            sampling_interval_seconds=spec.interval_seconds,
            covers=(spec.covers,),
            window=self._window,
        )

    def _reason(self, quantity: Quantity, device: int | None) -> str:
        if not self._explained:
            return _NO_REASON
        if (quantity, device) not in self._reasons:
            self._reasons[quantity, device] = absence_reason(self._session, quantity, device)
        return self._reasons[quantity, device]
