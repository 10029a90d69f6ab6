"""What is said and read on machines that are not a Linux with an NVIDIA GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from recorded import record

from cardcallback import portable
from cardcallback.assemble import RunState, assemble_record
from cardcallback.errors import SensorReadError
from cardcallback.record import Evaluation, Machine, Scope, Training
from cardcallback.render.section import render_section
from cardcallback.sensors.base import Absence, DeviceInfo, SensorSet
from cardcallback.sensors.elsewhere import explained
from cardcallback.sensors.job_devices import find_job_devices
from cardcallback.sensors.meminfo import GUEST_SOURCE, open_meminfo
from cardcallback.sensors.nvml_library import load_from_its_place
from cardcallback.sensors.virtual_memory import VirtualMemorySensor, open_virtual_memory
from simulator import Simulation, build, build_problem, profile_named

NOTHING = SensorSet(absences=(Absence(quantity="gpu_power", source="nvml", reason="no NVIDIA driver found"),))


def torch_for(**version: str) -> SimpleNamespace:
    """A torch that was built for one maker's GPUs."""
    return SimpleNamespace(version=SimpleNamespace(**version))


@pytest.mark.parametrize(
    ("torch_module", "platform_name", "words"),
    [
        (torch_for(cuda="13.0", hip=None), "linux", "no NVIDIA driver found"),
        (None, "linux", "no NVIDIA driver found"),
        (torch_for(hip="6.4.0"), "linux", "AMD"),
        (torch_for(xpu="20250101"), "linux", "Intel"),
        (torch_for(), "darwin", "Apple"),
        (None, "win32", "no NVIDIA driver found"),
    ],
)
def test_the_reason_fits_the_makers_of_the_gpu(
    torch_module: SimpleNamespace | None, platform_name: str, words: str
) -> None:
    """Nobody with another maker's GPU is told to install NVIDIA's driver."""
    (absence,) = explained(NOTHING, torch_module, platform_name).absences
    assert words in absence.reason


def test_an_nvidia_gpu_that_is_there_is_measured_whatever_torch_is_for() -> None:
    """The reasons are for machines without one."""
    found = SensorSet(devices=(DeviceInfo(index=0, name="NVIDIA GB10", uuid=None),))
    assert explained(found, torch_for(hip="6.4.0"), "linux") is found


def test_devices_of_another_maker_are_named() -> None:
    """PyTorch knows an AMD GPU's name where no NVIDIA driver lists it; of NVIDIA's GPUs the driver's name counts."""
    properties = SimpleNamespace(name="AMD Instinct MI300X", uuid="0")
    cuda = SimpleNamespace(is_available=lambda: True, get_device_properties=lambda _: properties)
    args = SimpleNamespace(device="cuda:0", n_gpu=1, world_size=1)
    for hip, names in (("6.4.0", ("AMD Instinct MI300X",)), (None, ())):
        torch_module = SimpleNamespace(version=SimpleNamespace(hip=hip), cuda=cuda)
        assert find_job_devices(torch_module, args=args, model=None, environ={}).names == names


def test_memory_without_proc_is_the_systems_own() -> None:
    """In use is what is not available, of all there is; on unified memory the GPU's part is in it."""
    sensors, absences = open_virtual_memory(unified=True)
    assert absences == ()
    used, total = (sensor.read() for sensor in sensors)
    assert 0 < used < total == psutil.virtual_memory().total
    assert {sensor.spec.scope for sensor in sensors} == {Scope(host_dram="yes", gpu_memory="yes")}


def test_a_system_that_does_not_tell_its_memory_fails_as_a_sensor_does() -> None:
    """Any failure of the system is a failed reading."""

    def refuse() -> int:
        raise psutil.AccessDenied

    with pytest.raises(SensorReadError, match="does not tell"):
        VirtualMemorySensor("system_memory", 1.0, refuse, Scope()).read()


def test_a_guest_of_windows_says_whose_memory_it_is(tmp_path: Path) -> None:
    """The kernel of WSL2 names its maker, and its memory is what Windows gave it."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(
        "MemTotal: 1000 kB\nMemAvailable: 400 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
    )
    (tmp_path / "proc" / "version").write_text("Linux version 5.15.167.4-microsoft-standard-WSL2 (gcc) #1 SMP\n")
    sensors, _ = open_meminfo(tmp_path, unified=None)
    assert {sensor.spec.source for sensor in sensors} == {GUEST_SOURCE}
    assert "this WSL2 guest" in sensors[0].spec.covers
    (tmp_path / "proc" / "version").write_text("Linux version 6.8.0-generic (builder@somewhere)\n")
    assert not portable.is_wsl(tmp_path)


def test_a_library_in_its_own_place_is_loaded(tmp_path: Path) -> None:
    """The first one that is there; without any nothing is loaded."""
    assert not load_from_its_place([str(tmp_path / "libnvidia-ml.so.1")])
    assert load_from_its_place([str(tmp_path / "missing.so"), "libc.so.6"])


def test_the_binding_finds_a_library_that_was_loaded_from_its_place(tmp_path: Path) -> None:
    """As in a WSL2 guest whose loader does not know the folder: the vendor's binding asks by name, and gets it."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    simulation = Simulation(profile_named("gb10"), tmp_path)
    program = (
        "import sys; from cardcallback.sensors.nvml_library import load_from_its_place as load;"
        "from cardcallback.sensors.nvml import open_nvml;"
        "assert load(sys.argv[1:]); print([device.name for device in open_nvml({}).devices])"
    )
    variables = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    variables |= {name: value for name, value in simulation.environment.items() if name != "LD_LIBRARY_PATH"}
    command = [sys.executable, "-c", program, str(build())]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['NVIDIA GB10']"


def test_a_gpu_that_nothing_measures_is_on_the_card_by_name() -> None:
    """The hardware is named, the energy row has the reason, and nothing else is made up."""
    reason = explained(NOTHING, torch_for(hip="6.4.0"), "linux").absences[0].reason
    absences = tuple(Absence(quantity=one, source="nvml", reason=reason) for one in ("gpu_energy", "gpu_power"))
    state = RunState(
        run_id="20260302-5f0c1a",
        cardcallback_version="0.1.0",
        status="completed",
        first_step=0,
        last_step=10,
        training=Training(steps=10),
        evaluation=Evaluation(),
        curves={},
    )
    done = assemble_record(
        state,
        record(SensorSet(absences=absences), 60.0),
        software={},
        machine=Machine(),
        unmeasured=("AMD Instinct MI300X",),
    )
    text = render_section(done)
    assert "| Hardware | AMD Instinct MI300X" in text
    assert f"not measured: {reason.split(' (')[0]}" in text.replace("\\", "")
    (device,) = done.hardware.accelerators
    assert (device.energy.value, device.energy.reason) == (None, reason)


def test_a_journal_where_no_open_file_can_be_moved(tmp_path: Path) -> None:
    """It is closed for the moment in which it is replaced; where that fails, what was there goes on."""
    script = Path(__file__).with_name("journal_elsewhere.py")
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == "third\nfourth\nrun-1.journal\nFalse\n", done.stderr
