"""The simulated NVML against formulas computed here, through the vendor's own binding."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pynvml  # noqa: TID251 - the simulator is tested through what it pretends to serve
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles import ALL_ONES, Counter, CounterFault, Device, Fault, GpuProcess, Loss, Meter, Profile
from simulator import PROFILE_NAMES, calls, hanging, profile_named, release
from simulator_fixtures import Simulate
from waveforms import Segment, Waveform, constant, ramp, sine, square

_MIXED = Waveform(
    (
        constant(12.0),
        square(3.0, 71.0, 1.7, begin=2.0, duty=0.3, phase=0.4),
        ramp(0.0, 40.0, 5.0, 25.0),
        sine(5.0, 4.0, 3.1, begin=1.0),
    )
)
_EXACT = Meter()
_SIMULATOR = Path(__file__).resolve().parents[1] / "simulator"


def _device(waveform: Waveform = _MIXED, **changes: object) -> Device:
    device = Device(name="NVIDIA Test", uuid="GPU-1", waveform=waveform, architecture=9, compute_capability=(9, 0))
    return replace(device, **({"counter": Counter(), "meters": {"usage": _EXACT}} | changes))


def _profile(*faults: Fault, **changes: object) -> Profile:
    return Profile(name="test", devices=(_device(**changes),), faults=faults)


def _first_handle() -> object:
    pynvml.nvmlInit()
    return pynvml.nvmlDeviceGetHandleByIndex(0)


def _code_of(call: str, *arguments: object) -> int:
    try:
        getattr(pynvml, call)(*arguments)
    except pynvml.NVMLError as error:
        return int(error.value)
    return 0


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
    machine = simulate(_profile(waveform=waveform, counter=Counter(refresh=0.125)))
    handle = _first_handle()
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
    machine = simulate(_profile(meters={"usage": meter}))
    handle = _first_handle()
    machine.advance(10.26)
    watts = machine.true_joules(begin, end) / (end - begin)
    assert pynvml.nvmlDeviceGetPowerUsage(handle) == pytest.approx(watts * 1e3, abs=1.0)


def test_noise_and_gain_are_bounded_and_repeatable(simulate: Simulate) -> None:
    """A noisy gauge moves with every refresh, stays within its bounds and repeats itself within a refresh."""
    meter = Meter(window=0.1, refresh=0.1, noise=5.0, gain=0.9)
    machine = simulate(_profile(waveform=Waveform((constant(100.0),)), meters={"usage": meter}))
    handle = _first_handle()
    readings = []
    for _ in range(200):
        machine.advance(0.1)
        readings.append(pynvml.nvmlDeviceGetPowerUsage(handle))
        assert pynvml.nvmlDeviceGetPowerUsage(handle) == readings[-1]
    assert all(85_000 <= reading <= 95_000 for reading in readings)
    assert len(set(readings)) > 100


@pytest.mark.parametrize(
    ("fault", "joules_at_20"),
    [
        (CounterFault(kind="reset", at=15.0), 500.0),
        (CounterFault(kind="stuck", at=12.0), 361_200.0),
        (CounterFault(kind="stuck", at=12.0, until=18.0), 362_000.0),
        (CounterFault(kind="step", at=12.0, amount=5_000.0), 367_000.0),
        (CounterFault(kind="gain", at=10.0, amount=1.2), 362_200.0),
        (CounterFault(kind="gain", at=10.0, until=15.0, amount=0.5), 361_750.0),
    ],
)
def test_counter_faults_do_what_they_say(simulate: Simulate, fault: CounterFault, joules_at_20: float) -> None:
    """At 100 W since an hour before the origin the counter stands at 362 kJ after 20 s, but for its fault."""
    machine = simulate(_profile(waveform=Waveform((constant(100.0),)), counter=Counter(faults=(fault,))))
    handle = _first_handle()
    machine.advance(20.05)
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) == pytest.approx(joules_at_20 * 1e3, abs=2)


def test_counter_wraps(simulate: Simulate) -> None:
    """A counter with a modulus starts again at zero."""
    machine = simulate(_profile(waveform=Waveform((constant(100.0),)), counter=Counter(modulus=1_000_000)))
    handle = _first_handle()
    machine.advance(13.05)
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) == pytest.approx(300_000, abs=2)


def test_counter_that_looks_part_of_the_time_misses_the_rest(simulate: Simulate) -> None:
    """With a window of a quarter of the refresh, power drawn outside it does not count."""
    # High for the first half of every refresh, looked at in its last quarter.
    wave = Waveform((square(10.0, 110.0, 0.1, begin=0.0),))
    machine = simulate(_profile(waveform=wave, counter=Counter(refresh=0.1, window=0.025)))
    handle = _first_handle()
    before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    machine.advance(30.05)
    counted = (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) - before) / 1e3
    assert counted == pytest.approx(300.0, abs=0.1)
    assert machine.true_joules(0.0, 30.0) == pytest.approx(1800.0)


def test_fault_from_a_time_to_a_time(simulate: Simulate) -> None:
    """A scheduled return code holds exactly between its two instants."""
    machine = simulate(_profile(Fault(call="nvmlDeviceGetPowerUsage", code=10, at=5.0, until=7.0)))
    handle = _first_handle()
    seen = []
    for _ in range(4):
        machine.advance(2.5)
        seen.append(_code_of("nvmlDeviceGetPowerUsage", handle))
    assert seen == [0, 10, 0, 0]


def test_fault_after_calls_for_calls(simulate: Simulate) -> None:
    """A fault may wait for a number of calls and last for a number of calls."""
    simulate(_profile(Fault(call="nvmlDeviceGetPowerUsage", code=999, after_calls=2, calls=1)))
    handle = _first_handle()
    assert [_code_of("nvmlDeviceGetPowerUsage", handle) for _ in range(4)] == [0, 0, 999, 0]
    assert calls("nvmlDeviceGetPowerUsage") == 4


def test_lost_device_fails_in_every_call(simulate: Simulate) -> None:
    """The wildcard takes every call on the device, and none of the driver's own."""
    simulate(_profile(Fault(call="*", code=15, after_calls=0, at=1.0))).advance(2.0)
    pynvml.nvmlInit()
    assert _code_of("nvmlDeviceGetHandleByIndex", 0) == 15
    assert pynvml.nvmlDeviceGetCount() == 1


def test_fault_in_a_value(simulate: Simulate) -> None:
    """A fault may answer with another value instead of failing."""
    simulate(_profile(Fault(call="nvmlDeviceGetTotalEnergyConsumption", value=ALL_ONES)))
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(_first_handle()) == ALL_ONES


def test_call_may_take_its_time_and_hold_the_driver(simulate: Simulate) -> None:
    """A slow call is answered all the same, also where calls wait for one another; a driven clock moves by it."""
    slow = Fault(call="nvmlDeviceGetPowerUsage", seconds=2.5)
    machine = simulate(replace(_profile(slow, waveform=Waveform((constant(50.0),))), serialise=True))
    assert pynvml.nvmlDeviceGetPowerUsage(_first_handle()) == 50_000
    assert machine.now_seconds() == pytest.approx(2.5)


def test_call_may_hang_until_it_is_released(simulate: Simulate) -> None:
    """A call that hangs keeps its thread and answers once it is let go; other calls are answered meanwhile."""
    simulate(_profile(Fault(call="nvmlDeviceGetPowerUsage", hang=True), waveform=Waveform((constant(50.0),))))
    handle, answers = _first_handle(), []
    thread = threading.Thread(target=lambda: answers.append(pynvml.nvmlDeviceGetPowerUsage(handle)))
    thread.start()
    while not hanging():
        assert pynvml.nvmlDeviceGetName(handle) == "NVIDIA Test"
    assert not answers
    release()
    thread.join(30)
    assert answers == [50_000]


def test_value_may_freeze(simulate: Simulate) -> None:
    """While frozen, counter and gauge show what they showed when that began, and the truth afterwards."""
    calls_of = ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetTotalEnergyConsumption")
    machine = simulate(_profile(*(Fault(call=call, frozen=True, at=10.0, until=20.0) for call in calls_of)))
    handle = _first_handle()

    def seen() -> tuple[int, int]:
        return pynvml.nvmlDeviceGetPowerUsage(handle), pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)

    machine.advance(10.0)
    first = seen()
    machine.advance(7.3)
    assert seen() == first
    machine.advance(3.0)
    assert seen() != first
    assert seen()[1] - first[1] == pytest.approx(1e3 * machine.true_joules(10.0, 20.3), abs=2)


@pytest.mark.parametrize("stale", [2, 15])
def test_lost_device_comes_back_with_another_handle(simulate: Simulate, stale: int) -> None:
    """While it is gone every call says so; afterwards old handles are wrong and the same UUID has a new one."""
    machine = simulate(_profile(losses=(Loss(at=5.0, until=8.0, code=15, stale=stale),)))
    handle = _first_handle()
    assert _code_of("nvmlDeviceGetPowerUsage", handle) == 0
    machine.advance(6.0)
    assert _code_of("nvmlDeviceGetPowerUsage", handle) == 15
    assert _code_of("nvmlDeviceGetHandleByUUID", "GPU-1") == 15
    assert _code_of("nvmlDeviceGetHandleByIndex", 0) == 15
    machine.advance(3.0)
    assert _code_of("nvmlDeviceGetPowerUsage", handle) == stale
    assert _code_of("nvmlDeviceGetPowerUsage", pynvml.nvmlDeviceGetHandleByUUID("GPU-1")) == 0


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
    simulate(_profile(processes=(GpuProcess(pid=7, bytes=1), GpuProcess(pid=8, bytes=2))))
    assert _code_of("nvmlDeviceGetCount") == 1
    handle = _first_handle()
    count = pynvml.c_uint(1)
    room = (pynvml.c_nvmlProcessInfo_v3_t * 1)()
    function = pynvml._nvmlGetFunctionPointer("nvmlDeviceGetComputeRunningProcesses_v3")
    assert function(handle, pynvml.byref(count), room) == 7
    assert count.value == 2
    assert [process.pid for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)] == [7, 8]


def test_misspelt_configuration_is_refused(simulate: Simulate, capfd: pytest.CaptureFixture[str]) -> None:
    """An unknown key ends initialisation and names its line, so that a wrong profile cannot pass unnoticed."""
    machine = simulate(_profile())
    machine.configuration_path.write_text("simulation\tdriver=1\ndevice\tname=x\tcolour=red\n", encoding="utf-8")
    assert _code_of("nvmlInit") == 999
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
    assert _code_of(call, _first_handle(), *arguments) == code


def test_gb10_fields_and_identity(simulate: Simulate) -> None:
    """Power has GPU scope only, memory utilisation is always zero, and the names are the real ones."""
    simulate("gb10").advance(10.0)
    handle = _first_handle()
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
    assert _code_of("nvmlInit") == profile_named(name).codes.get("nvmlInit", 0)


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
