"""The simulated NVML against formulas computed here, through the vendor's own binding."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pynvml  # noqa: TID251 - the simulator is tested through what it pretends to serve
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated_device import code_of, first_handle, profile_with

from profiles import Counter, GpuProcess, Meter
from simulator import PROFILE_NAMES, profile_named
from simulator_fixtures import Simulate
from waveforms import Segment, Waveform, constant, square

_SIMULATOR = Path(__file__).resolve().parents[1] / "simulator"
_SEGMENTS = st.builds(
    Segment,
    kind=st.sampled_from(["constant", "square", "ramp", "sine"]),
    low=st.floats(0, 300),
    high=st.floats(0, 300),
    begin=st.floats(-5, 20),
    end=st.floats(21, 60),
    period=st.floats(0.05, 9),
    duty=st.floats(0.05, 0.95),
    phase=st.floats(0, 0.99),
)


@given(segment=_SEGMENTS, begin=st.floats(-10, 60), length=st.floats(0, 30))
def test_closed_form_is_the_integral_of_the_power(segment: Segment, begin: float, length: float) -> None:
    """The energy by formula is what adding up the power in small steps gives."""
    steps = 4000
    width = length / steps
    summed = math.fsum(segment.power_watts(begin + (step + 0.5) * width) for step in range(steps)) * width
    # A midpoint sum is off by at most one step for each edge of the wave.
    edges = 4 + 2 * length / segment.period
    swing = segment.low + segment.high
    assert segment.energy_joules(begin, begin + length) == pytest.approx(summed, abs=1e-6 + edges * width * swing)


@given(segment=_SEGMENTS, points=st.lists(st.floats(-20, 80), min_size=3, max_size=3).map(sorted))
def test_energies_of_adjoining_windows_add_up(segment: Segment, points: list[float]) -> None:
    """Splitting a window loses nothing."""
    first, middle, last = points
    parts = segment.energy_joules(first, middle) + segment.energy_joules(middle, last)
    assert parts == pytest.approx(segment.energy_joules(first, last), abs=1e-6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(segments=st.lists(_SEGMENTS, min_size=1, max_size=4), seconds=st.floats(0.5, 90))
def test_counter_is_the_formula_at_its_last_refresh(
    simulate: Simulate, segments: list[Segment], seconds: float
) -> None:
    """The C library's counter and the Python truth agree to the millijoule for any waveform."""
    # A sine may ask for less than no power; a real rail never feeds back.
    waveform = Waveform((constant(1300.0), *segments))
    machine = simulate(profile_with(waveform=waveform, counter=Counter(refresh=0.125)))
    handle = first_handle()
    before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    machine.advance(seconds)
    counted = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) - before
    refreshed = math.floor(machine.now_seconds() / 0.125) * 0.125
    assert counted / 1e3 == pytest.approx(machine.true_joules(0.0, refreshed), abs=2.1e-3)


@pytest.mark.parametrize(
    ("meter", "begin", "end"),
    [
        (Meter(window=1.0, refresh=0.1), 9.2, 10.2),
        (Meter(window=0.025, refresh=0.1), 10.175, 10.2),
        (Meter(window=1.0, refresh=0.1, lag=0.15), 9.1, 10.1),
    ],
)
def test_reading_is_the_mean_of_its_window(simulate: Simulate, meter: Meter, begin: float, end: float) -> None:
    """A gauge reports the mean over its past window, as of its last refresh, with its lag."""
    machine = simulate(profile_with(meters={"usage": meter}))
    handle = first_handle()
    machine.advance(10.26)
    watts = machine.true_joules(begin, end) / (end - begin)
    assert pynvml.nvmlDeviceGetPowerUsage(handle) == pytest.approx(watts * 1e3, abs=1.0)


def test_noise_and_gain_are_bounded_and_repeatable(simulate: Simulate) -> None:
    """A noisy gauge moves with every refresh, stays within its bounds and repeats itself within a refresh."""
    meter = Meter(window=0.1, refresh=0.1, noise=5.0, gain=0.9)
    machine = simulate(profile_with(waveform=Waveform((constant(100.0),)), meters={"usage": meter}))
    handle = first_handle()
    readings = []
    for _ in range(200):
        machine.advance(0.1)
        readings.append(pynvml.nvmlDeviceGetPowerUsage(handle))
        assert pynvml.nvmlDeviceGetPowerUsage(handle) == readings[-1]
    assert all(85_000 <= reading <= 95_000 for reading in readings)
    assert len(set(readings)) > 100


def test_counter_wraps(simulate: Simulate) -> None:
    """A counter with a modulus starts again at zero."""
    machine = simulate(profile_with(waveform=Waveform((constant(100.0),)), counter=Counter(modulus=1_000_000)))
    handle = first_handle()
    machine.advance(13.05)
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) == pytest.approx(300_000, abs=2)


def test_counter_that_looks_part_of_the_time_misses_the_rest(simulate: Simulate) -> None:
    """With a window of a quarter of the refresh, power drawn outside it does not count."""
    # High for the first half of every refresh, looked at in its last quarter.
    wave = Waveform((square(10.0, 110.0, 0.1, begin=0.0),))
    machine = simulate(profile_with(waveform=wave, counter=Counter(refresh=0.1, window=0.025)))
    handle = first_handle()
    before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    machine.advance(30.05)
    counted = (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) - before) / 1e3
    assert counted == pytest.approx(300.0, abs=0.1)
    assert machine.true_joules(0.0, 30.0) == pytest.approx(1800.0)


def test_gpus_of_a_module_share_a_serial(simulate: Simulate) -> None:
    """As in captures of real trays: two boards for four GPUs, each GPU with a module id of its own."""
    simulate("gb200")
    pynvml.nvmlInit()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(4)]
    serials = [pynvml.nvmlDeviceGetSerial(handle) for handle in handles]
    assert (serials[0], serials[2]) == (serials[1], serials[3])
    assert serials[0] != serials[2]
    assert sorted(pynvml.nvmlDeviceGetModuleId(handle) for handle in handles) == [1, 2, 3, 4]


def test_abi_rules_hold(simulate: Simulate) -> None:
    """No call before initialisation, no foreign handle, and a short process list says how long it is."""
    simulate(profile_with(processes=(GpuProcess(pid=7, bytes=1), GpuProcess(pid=8, bytes=2))))
    assert code_of("nvmlDeviceGetCount") == 1
    handle = first_handle()
    count = pynvml.c_uint(1)
    room = (pynvml.c_nvmlProcessInfo_v3_t * 1)()
    function = pynvml._nvmlGetFunctionPointer("nvmlDeviceGetComputeRunningProcesses_v3")
    assert function(handle, pynvml.byref(count), room) == 7
    assert count.value == 2
    assert [process.pid for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)] == [7, 8]


def test_misspelt_configuration_is_refused(simulate: Simulate, capfd: pytest.CaptureFixture[str]) -> None:
    """An unknown key ends initialisation and names its line, so that a wrong profile cannot pass unnoticed."""
    machine = simulate(profile_with())
    machine.configuration_path.write_text("simulation\tdriver=1\ndevice\tname=x\tcolour=red\n", encoding="utf-8")
    assert code_of("nvmlInit") == 999
    assert "line 2" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("call", "arguments", "code"),
    [
        ("nvmlDeviceGetMemoryInfo", (), 3),
        ("nvmlDeviceGetMemoryInfo", (pynvml.nvmlMemory_v2,), 3),
        ("nvmlDeviceGetTotalEnergyConsumption", (), 0),
        ("nvmlDeviceGetPowerUsage", (), 0),
        ("nvmlDeviceGetEnforcedPowerLimit", (), 3),
        ("nvmlDeviceGetPowerManagementLimit", (), 3),
        ("nvmlDeviceGetClockInfo", (pynvml.NVML_CLOCK_SM,), 0),
        ("nvmlDeviceGetClockInfo", (pynvml.NVML_CLOCK_MEM,), 3),
        ("nvmlDeviceGetTemperature", (0,), 0),
        ("nvmlDeviceGetFanSpeed", (), 3),
        ("nvmlDeviceGetEccMode", (), 3),
        ("nvmlDeviceGetMigMode", (), 3),
        ("nvmlDeviceGetPcieThroughput", (0,), 3),
        ("nvmlDeviceGetCurrentClocksEventReasons", (), 0),
    ],
)
def test_gb10_answers_as_published(simulate: Simulate, call: str, arguments: tuple[int, ...], code: int) -> None:
    """The GB10 profile supports and refuses what real units do."""
    simulate("gb10")
    assert code_of(call, first_handle(), *arguments) == code


def test_gb10_fields_and_identity(simulate: Simulate) -> None:
    """Power has GPU scope only, memory utilisation is always zero, and the names are the real ones."""
    simulate("gb10").advance(10.0)
    handle = first_handle()
    fields = pynvml.nvmlDeviceGetFieldValues(handle, [(186, 0), (186, 1), (185, 0), (83, 0)])
    assert [field.nvmlReturn for field in fields] == [0, 3, 0, 0]
    assert pynvml.nvmlDeviceGetUtilizationRates(handle).gpu == 96
    assert pynvml.nvmlDeviceGetUtilizationRates(handle).memory == 0
    assert pynvml.nvmlDeviceGetName(handle) == "NVIDIA GB10"
    assert pynvml.nvmlDeviceGetPciInfo_v3(handle).busId == "0000000F:01:00.0"
    assert pynvml.nvmlSystemGetDriverVersion().endswith("-simulated")


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_every_profile_is_read(simulate: Simulate, name: str) -> None:
    """Each named machine starts, or fails to start with the code that it is about."""
    simulate(name)
    assert code_of("nvmlInit") == profile_named(name).codes.get("nvmlInit", 0)


def test_command_meets_the_machine_through_its_environment() -> None:
    """A command that is run simulated finds the library by its soname, and its exit code comes back."""
    program = (
        "import os, sys, pynvml as p; p.nvmlInit(); print(p.nvmlDeviceGetName(p.nvmlDeviceGetHandleByIndex(0)));"
        "print(open(os.environ['CARDCALLBACK_SYSTEM_ROOT'] + '/proc/meminfo').readline()); sys.exit(7)"
    )
    command = [sys.executable, str(_SIMULATOR / "run_simulated.py"), "--profile", "gb10", "--", sys.executable]
    done = subprocess.run([*command, "-c", program], capture_output=True, text=True, check=False, env=dict(os.environ))
    if "no C compiler" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines()[0] == "NVIDIA GB10"
    assert "127600748 kB" in done.stdout


def test_recorded_system_holds_nothing_identifying() -> None:
    """The recorded proc and sys tell the product and no single unit of it."""
    root = _SIMULATOR.parent / "fixtures" / "dgx-spark"
    text = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*") if path.is_file())
    assert "NVIDIA_DGX_Spark" in text
    assert "serial" not in text.lower()
    assert "uuid" not in text.lower()
