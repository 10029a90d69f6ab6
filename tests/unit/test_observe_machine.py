"""The machine and the software, from recorded files and given modules."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cardcallback.observe import observe_machine, observe_software
from cardcallback.record import Machine

SPARK = Path(__file__).parents[1] / "fixtures" / "dgx-spark"


def write(root: Path, **files: str) -> Path:
    """A recorded system: names with "__" for "/"."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_spark_is_known_by_its_firmware() -> None:
    """The recorded DGX Spark: name, both kinds of core, unified memory."""
    machine = observe_machine(SPARK)
    assert machine.name == "NVIDIA DGX Spark"
    assert machine.processor == "10 x Cortex-X925, 10 x Cortex-A725"
    assert machine.processor_count == 20
    assert machine.architecture == "aarch64"
    assert machine.unified_memory is True
    assert machine.memory_total_bytes is not None
    assert 119 <= machine.memory_total_bytes / 1024**3 <= 122


def test_the_same_chip_in_another_machine_is_not_a_spark(tmp_path: Path) -> None:
    """A partner's machine keeps its own name."""
    root = write(
        tmp_path, sys__class__dmi__id__sys_vendor="ACME Inc.\n", sys__class__dmi__id__product_name="Box_GX10\n"
    )
    machine = observe_machine(root)
    assert machine.name == "ACME Box GX10"
    assert machine.unified_memory is None


def test_a_pc_is_named_by_its_processor(tmp_path: Path) -> None:
    """x86: the model name without marks; a product that was never filled in is no product."""
    root = write(
        tmp_path,
        proc__cpuinfo="processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i9 CPU @ 3.00GHz\n\n"
        "processor\t: 1\nvendor_id\t: GenuineIntel\n",
        proc__meminfo="MemTotal:       1000 kB\nMemFree: 1 kB\n",
        sys__class__dmi__id__sys_vendor="To Be Filled By O.E.M.",
        sys__class__dmi__id__product_name="System Product Name",
    )
    assert observe_machine(root) == Machine(
        processor="Intel Core i9 CPU",
        processor_count=2,
        architecture="x86_64",
        memory_total_bytes=1_024_000,
    )


def test_the_operating_system_is_name_and_version(tmp_path: Path) -> None:
    """The distribution, not the host and not the build."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text('NAME="Ubuntu"\nVERSION_ID="24.04"\nHOME_URL="https://u"\n')
    assert observe_machine(tmp_path).operating_system == "Ubuntu 24.04"


@pytest.mark.parametrize("content", ["", "\x00\xff garbage", "processor : x\nCPU implementer : 0x99\n" * 3])
def test_unreadable_files_leave_parts_unknown(tmp_path: Path, content: str) -> None:
    """Nothing is made up for a file that is missing, empty or strange."""
    machine = observe_machine(write(tmp_path, proc__cpuinfo=content, proc__meminfo=content))
    assert machine.name is None
    assert machine.processor is None
    assert machine.memory_total_bytes is None


def test_serial_numbers_and_host_names_are_never_read(tmp_path: Path) -> None:
    """Files that identify a machine leave no trace in its description."""
    root = write(
        tmp_path,
        sys__class__dmi__id__product_serial="SERIAL-77",
        sys__class__dmi__id__product_uuid="0c1d2e3f",
        proc__sys__kernel__hostname="somebodys-box",
        proc__cpuinfo="processor : 0\nmodel name : X\nSerial : SERIAL-77\n",
    )
    text = repr(observe_machine(root))
    assert not any(word in text for word in ("SERIAL-77", "0c1d2e3f", "somebodys-box"))


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("sys__class__dmi__id__product_name", "a1b2c3d4-1111-2222-3333-444455556666", None),
        ("sys__class__dmi__id__product_name", "VM A1B2C3D4111122223333444455556666", None),
        ("sys__firmware__devicetree__base__model", "Jetson Orin Developer Kit\0", "Jetson Orin Developer Kit"),
        ("sys__firmware__devicetree__base__model", "\0", None),
    ],
)
def test_what_the_firmware_calls_the_product(tmp_path: Path, file: str, text: str, name: str | None) -> None:
    """Arm boards name themselves in the device tree; a UUID in the product's place is one machine's."""
    assert observe_machine(write(tmp_path, **{file: text})).name == name


def test_a_processor_that_is_called_unknown_has_no_name(tmp_path: Path) -> None:
    """As in gVisor, which shows no model."""
    root = write(tmp_path, proc__cpuinfo="processor : 0\nvendor_id : AuthenticAMD\nmodel name : unknown\n")
    assert observe_machine(root).processor is None


def test_only_loaded_software_is_listed() -> None:
    """A library that is installed but was not used is not what ran."""
    found = observe_software(loaded={"msgspec": object(), "huggingface_hub": object()})
    assert set(found) == {"python", "huggingface_hub"}


def test_cuda_is_what_torch_was_built_for() -> None:
    """Torch names its CUDA; a build without one adds no line."""
    with_cuda = SimpleNamespace(version=SimpleNamespace(cuda="13.0"))
    without = SimpleNamespace(version=SimpleNamespace(cuda=None))
    assert observe_software(loaded={"torch": with_cuda})["cuda"] == "13.0"
    assert "cuda" not in observe_software(loaded={"torch": without})
