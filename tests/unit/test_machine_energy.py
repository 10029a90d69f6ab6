"""The rest of the machine through the real recorder, on a driven clock whose files follow formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine_files import HWMON, ORIGIN_SECONDS, POWERCAP, CounterFile, FileClock, PowerFile, copied
from recorded import record

from cardcallback.record import Measurement, Scope
from cardcallback.recorder import Recorder
from cardcallback.sensors import DeviceInfo, Sensor, SensorSet, SensorSpec
from cardcallback.sensors.discovery import joined
from cardcallback.sensors.machine import open_machine_energy
from cardcallback.testing import FakeClock, FakeSensor
from waveforms import Waveform, constant, sine, square

RANGE_JOULES = 262_143.328850
DRAM_RANGE_JOULES = 65_712.999613
SPARK_RANGE_JOULES = 2**32 / 1000


def holds(figure: Measurement, truth: float) -> bool:
    """Whether the recording interval is closed and has the truth in it."""
    assert figure.recording_low is not None
    assert figure.recording_high is not None
    return figure.recording_low <= truth <= figure.recording_high


def powercap(root: Path, name: str) -> Path:
    """The counter of one zone."""
    return root / POWERCAP / name / "energy_uj"


def server(root: Path, socket_watts: Waveform, memory_watts: Waveform, psys: Waveform) -> FileClock:
    """Two sockets of which one begins just below its wrap, with memory, platform and an MMIO double."""
    files = [
        CounterFile(path=powercap(root, name), waveform=waveform, range_joules=limit, start_joules=start)
        for name, waveform, limit, start in (
            ("intel-rapl:0", socket_watts, RANGE_JOULES, RANGE_JOULES - 500.0),
            ("intel-rapl-mmio:0", socket_watts, RANGE_JOULES, RANGE_JOULES - 500.0),
            ("intel-rapl:1", socket_watts, RANGE_JOULES, 1000.0),
            ("intel-rapl:0:1", memory_watts, DRAM_RANGE_JOULES, 65_000.0),
            ("intel-rapl:1:1", memory_watts, DRAM_RANGE_JOULES, 0.0),
            ("intel-rapl:2", psys, RANGE_JOULES, 0.0),
        )
    ]
    return FileClock(*files)


def test_two_sockets_and_their_memory(tmp_path: Path) -> None:
    """Sockets and memory are summed once each across wraps; the platform that holds them stands beside."""
    root = copied("two-socket-rapl", tmp_path)
    socket, memory, platform = (
        Waveform((square(90.0, 240.0, 1.3),)),
        Waveform((constant(18.0),)),
        Waveform((constant(600.0),)),
    )
    clock = server(root, socket, memory, platform)
    recording = record(open_machine_energy(root), 120.0, clock)
    energy = recording.energy
    truth = 2 * socket.energy_joules(0.0, 120.0)
    assert energy.cpu.value == pytest.approx(truth, rel=0.005)
    assert holds(energy.cpu, truth)
    assert (energy.cpu.method, energy.cpu.coverage) == ("counter", 1.0)
    assert energy.cpu.covers == ("processor socket 0", "processor socket 1")
    assert energy.cpu.source == "rapl:package-0 + rapl:package-1"
    assert energy.cpu.scope == Scope(cpu="yes", regulators="unknown")
    assert energy.dram.value == pytest.approx(2 * 18.0 * 120.0, rel=0.005)
    assert [other.source for other in energy.others] == ["rapl:psys"]
    assert energy.others[0].value == pytest.approx(600.0 * 120.0, rel=0.005)
    assert energy.system.value is None
    assert "processor socket 0: the energy counter wrapped once, which was corrected." in recording.notes
    assert not any("reset" in note or "went back" in note for note in recording.notes)


@pytest.mark.parametrize("interval", [None, 600.0])
def test_no_wrap_is_missed_whatever_interval_is_asked_for(tmp_path: Path, interval: float | None) -> None:
    """A socket at 900 W whose counter turns over every 291 s is right over four turns, though 600 s are asked for."""
    root = copied("two-socket-rapl", tmp_path)
    busy = Waveform((constant(900.0),))
    clock = server(root, busy, Waveform((constant(18.0),)), busy)
    energy = record(open_machine_energy(root), 1200.0, clock, sampling_interval_seconds=interval).energy
    assert energy.cpu.value == pytest.approx(2 * 900.0 * 1200.0, rel=0.01)
    assert energy.dram.value == pytest.approx(2 * 18.0 * 1200.0, rel=0.01)


def test_the_drivers_budget_stretches_no_counter_beyond_its_wrap(tmp_path: Path) -> None:
    """Sensors that cost too much are read less often, but one that turns over in 4 s at 1,000 W never that rarely."""
    root = copied("two-socket-rapl", tmp_path)
    (root / POWERCAP / "intel-rapl:0" / "max_energy_range_uj").write_text("4000000000")
    files = [CounterFile(path=powercap(root, "intel-rapl:0"), waveform=Waveform((constant(800.0),)), range_joules=4e3)]
    clock = FileClock(*files)
    zone = open_machine_energy(root).sensors[0]

    def slowly() -> float:
        clock.advance(0.05)
        return zone.read()

    slow = FakeSensor(zone.spec, slowly)
    energy = record(SensorSet(sensors=(slow,)), 600.0, clock).energy
    assert energy.cpu.value == pytest.approx(800.0 * 600.0, rel=0.005)


def test_a_socket_that_goes_silent_leaves_no_whole_figure(tmp_path: Path) -> None:
    """Half-way one counter disappears: what was measured stays, coverage falls, and nothing bounds it from above."""
    root = copied("two-socket-rapl", tmp_path)
    steady = Waveform((constant(100.0),))
    clock = server(root, steady, steady, steady)
    recorder = Recorder(open_machine_energy(root), clock=clock)
    gone = powercap(root, "intel-rapl:1")
    for second in range(120):
        if second == 60:
            clock.files[:] = [file for file in clock.files if file.path != gone]
            gone.unlink()
        recorder.sample_due()
        clock.advance(1.0)
    cpu = recorder.stop().energy.cpu
    assert cpu.recording_high is None
    assert cpu.coverage is not None
    assert cpu.coverage < 0.8


def spark_clock(root: Path, machine: Waveform, cores: Waveform, gpu: Waveform) -> FileClock:
    """A Spark whose P cores' counter wraps after 100 J."""
    chip = root / HWMON / "hwmon6"

    def counter(number: int, waveform: Waveform, start: float) -> CounterFile:
        return CounterFile(
            path=chip / f"energy{number}_input",
            waveform=waveform,
            range_joules=SPARK_RANGE_JOULES,
            start_joules=start,
            step_seconds=0.0103,
        )

    return FileClock(
        PowerFile(path=chip / "power1_input", waveform=machine, window_seconds=0.01),
        counter(1, machine, 2_135_422.449),
        counter(2, cores, 95_361.764),
        counter(3, cores, SPARK_RANGE_JOULES - 100.0),
        counter(4, gpu, 870_868.565),
    )


def gpu_sensors(clock: FakeClock, watts: Waveform, scope: Scope) -> tuple[Sensor, ...]:
    """An exact NVML-like counter with a gauge of the past second."""

    def spec(name: str, **details: object) -> SensorSpec:
        fields = {"source": f"nvml:{name}", "covers": "GPU", "device": 0, "scope": scope, "refresh_seconds": 0.1}
        return SensorSpec(**(fields | details))

    def now() -> float:
        return clock.elapsed_seconds() - ORIGIN_SECONDS

    counter = spec("energy", quantity="gpu_energy", kind="counter", unit="joules", interval_seconds=1.0)
    gauge = spec("power", quantity="gpu_power", kind="gauge", unit="watts", interval_seconds=0.5, averaging_seconds=1.0)
    return (
        FakeSensor(counter, lambda: watts.energy_joules(-3000.0, now())),
        FakeSensor(gauge, lambda: watts.energy_joules(now() - 1.0, now())),
    )


def test_a_spark_with_the_driver(tmp_path: Path) -> None:
    """The machine is integrated, both kinds of cores are summed over a wrap, and what overlaps is added to nothing."""
    root = copied("dgx-spark-spbm", tmp_path)
    machine = Waveform((constant(110.0), sine(0.0, 12.0, 0.83)))
    cores, gpu = Waveform((constant(7.0),)), Waveform((constant(60.0),))
    clock = spark_clock(root, machine, cores, gpu)
    opened = open_machine_energy(root)
    nvml = gpu_sensors(clock, gpu, Scope(gpu_core="yes", gpu_memory="unknown"))
    sensors = SensorSet(sensors=(*nvml, *opened.sensors), devices=(DeviceInfo(index=0, name="NVIDIA GB10"),))
    recording = record(sensors, 90.0, clock)
    energy = recording.energy
    truth = machine.energy_joules(0.0, 90.0)
    assert energy.system.value == pytest.approx(truth, rel=0.005)
    assert holds(energy.system, truth)
    assert (energy.system.method, energy.system.source) == ("integrated_power", "hwmon:spbm:sys_total")
    assert energy.cpu.value == pytest.approx(2 * 7.0 * 90.0, rel=0.005)
    assert holds(energy.cpu, 2 * 7.0 * 90.0)
    assert energy.gpu.value == pytest.approx(60.0 * 90.0, rel=0.005)
    assert {one.source: one.value for one in energy.others} == {
        "hwmon:spbm:pkg": pytest.approx(truth, rel=0.005),
        "hwmon:spbm:gpu": pytest.approx(60.0 * 90.0, rel=0.005),
    }
    assert "performance cores: the energy counter wrapped once, which was corrected." in recording.notes
    traced = [trace for trace in recording.traces if trace.quantity == "system_power"]
    assert traced[0].source == "hwmon:spbm:sys_total"


def test_absurd_readings_of_the_machine_are_left_out(tmp_path: Path) -> None:
    """Every twentieth reading shows 65 kW: each is refused, none reaches the energy, and a note counts them."""
    root = copied("dgx-spark-spbm", tmp_path)
    file = root / HWMON / "hwmon6" / "power1_input"
    zone = next(one for one in open_machine_energy(root).sensors if one.spec.quantity == "system_power")
    clock, count = FakeClock(), 0

    def disturbed() -> float:
        nonlocal count
        count += 1
        file.write_text("65535000000" if count % 20 == 0 else "80000000")
        return zone.read()

    recording = record(SensorSet(sensors=(FakeSensor(zone.spec, disturbed),)), 60.0, clock)
    assert recording.energy.system.value == pytest.approx(80.0 * 60.0, rel=0.001)
    assert any("readings failed (last: hwmon:spbm:sys_total shows what cannot be" in note for note in recording.notes)


def test_grace_beside_a_module(tmp_path: Path) -> None:
    """On a GH200 the processor is shown, the module counter holds it already, and nothing is added to that."""
    root = copied("gh200", tmp_path)
    grace, module = Waveform((square(60.0, 120.0, 2.3),)), Waveform((square(300.0, 420.0, 2.3),))
    clock = FileClock(
        PowerFile(path=root / HWMON / "hwmon1" / "power1_average", waveform=module, window_seconds=0.05),
        PowerFile(path=root / HWMON / "hwmon2" / "device" / "power1_average", waveform=grace, window_seconds=0.05),
    )
    scope = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="unknown", regulators="unknown")
    opened = open_machine_energy(root)
    gpus = SensorSet(
        sensors=gpu_sensors(clock, module, scope), devices=(DeviceInfo(index=0, name="NVIDIA GH200 480GB"),)
    )
    energy = record(joined([gpus, opened]), 90.0, clock).energy
    assert energy.gpu.value == pytest.approx(module.energy_joules(0.0, 90.0), rel=0.005)
    assert holds(energy.cpu, grace.energy_joules(0.0, 90.0))
    assert energy.cpu.value == pytest.approx(grace.energy_joules(0.0, 90.0), rel=0.02)
    assert energy.cpu.method == "integrated_power"
    assert [other.covers for other in energy.others] == [("module socket 0, GPU and processor included",)]
    assert holds(energy.others[0], module.energy_joules(0.0, 90.0))


def test_without_any_sensor_the_reason_is_the_most_telling_one(tmp_path: Path) -> None:
    """A Spark's missing driver is said for the machine, not that there is no sensor."""
    root = copied("dgx-spark", tmp_path)
    energy = record(open_machine_energy(root), 5.0).energy
    assert energy.system.reason == "the driver for the Spark's own power sensors is not installed"
    assert energy.cpu.reason == "no RAPL energy counter on this machine"
