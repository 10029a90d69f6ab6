"""CUDA_VISIBLE_DEVICES in every form, against PyTorch's own re-enactment of CUDA."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cardcallback.sensors.base import DeviceInfo, SensorSet
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.nvml_devices import select_devices
from cardcallback.sensors.visible_devices import visible_order, without_visible

_UUIDS = (
    "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
    "GPU-8a32f937-d72c-4106-c12f-20bd9faed9f7",
    "GPU-11111111-d72c-4106-c12f-20bd9faed9f8",
)
_PARTS = tuple(f"MIG-{number}9c6b2f1-5157-5c41-8000-00000000000{number}" for number in range(3))
_DEVICES = (
    DeviceInfo(index=0, name="NVIDIA A", uuid=_UUIDS[0], mig_uuids=_PARTS[:2]),
    DeviceInfo(index=1, name="NVIDIA A", uuid=_UUIDS[1], mig_uuids=_PARTS[2:]),
    DeviceInfo(index=2, name="NVIDIA B", uuid=_UUIDS[2]),
)


@pytest.mark.parametrize(
    ("visible", "order"),
    [
        (None, (0, 1, 2)),
        ("", ()),
        (" ", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
        ("2", (2,)),
        ("2,1", (2, 1)),
        ("0,2,-1,1", (0, 2)),  # NVIDIA's own example
        (" 2 , 0 ", (2, 0)),
        ("1,7,2", (1,)),
        ("3", ()),
        ("+1", (1,)),
        ("01,2", (1, 2)),
        ("1gpu2,2ampere", (1, 2)),  # PyTorch's own example
        ("0,0", ()),
        ("0,1,0", ()),
        ("0,1,00", ()),
        ("0,9,0", ()),
        ("0,-1,0", (0,)),
        ("0,,1", (0,)),
        (",1", ()),
        ("0,", (0,)),
        ("-0,1", (0, 1)),
        ("+", ()),
        ("0x1", (0,)),
        ("²", ()),
        ("0;1", (0,)),
        ("99999999999999999999", ()),
        (_UUIDS[1], (1,)),
        (f"{_UUIDS[2]},{_UUIDS[0]}", (2, 0)),
        ("GPU-8932", (0,)),
        ("GPU-8", ()),
        ("GPU-", ()),
        ("GPU-1111,GPU-8a32", (2, 1)),
        ("GPU-1111,GPU-1111", ()),
        ("GPU-1111,GPU-11111111", ()),
        ("GPU-1111, GPU-8a32", (2,)),
        ("GPU-1111,0", (2,)),
        ("GPU-ffff,GPU-1111", ()),
        ("GPU-1111,GPU-ffff,GPU-8a32", (2,)),
        ("gpu-1111", ()),
        ("0,GPU-1111", (0,)),
        (_PARTS[0], (0,)),
        (_PARTS[2], (1,)),
        (f"{_PARTS[0]},{_PARTS[1]}", (0, 0)),
        (f"{_PARTS[0]},{_PARTS[0]}", ()),
        ("MIG-ffff", ()),
        ("MIG-GPU-8a32f937-d72c-4106-c12f-20bd9faed9f7/1/0", (1,)),
        ("MIG-GPU-8a32f937-d72c-4106-c12f-20bd9faed9f7/1/0,MIG-GPU-8a32f937-d72c-4106-c12f-20bd9faed9f7/2/0", (1, 1)),
    ],
)
def test_every_form(visible: str | None, order: tuple[int, ...]) -> None:
    """Numbers with signs, zeros and spaces, UUIDs and their beginnings, both MIG forms, and what ends a list."""
    assert visible_order(_DEVICES, visible) == order


_ENTRIES = st.one_of(
    st.integers(-2, 4).map(str),
    st.sampled_from(["", "+1", "01", " 2", "1 ", "2x", "x", "NoDevFiles", "0x1"]),
    st.sampled_from(_UUIDS).flatmap(lambda uuid: st.integers(3, len(uuid)).map(lambda end: uuid[:end])),
)
_TEXTS = st.lists(_ENTRIES, max_size=5).map(",".join)


def _as_pytorch_reads(text: str) -> tuple[int, ...]:
    torch_cuda = pytest.importorskip("torch").cuda
    os.environ["CUDA_VISIBLE_DEVICES"] = text
    found = torch_cuda._parse_visible_devices()
    if found and isinstance(found[0], str):
        return tuple(torch_cuda._transform_uuid_to_ordinals(found, list(_UUIDS)))
    beyond = next((place for place, number in enumerate(found) if number >= len(_UUIDS)), len(found))
    return tuple(found[:beyond])


@pytest.fixture(scope="module", autouse=True)
def _environment_kept() -> object:
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    yield
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    if before is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = before


@settings(deadline=None, max_examples=300)
@given(text=_TEXTS)
@example(text="")
@example(text="0,9,0")
def test_as_pytorch_reads_it(text: str) -> None:
    """Whatever stands in the variable, the devices and their order are those that PyTorch finds."""
    assert visible_order(_DEVICES, text) == _as_pytorch_reads(text)


@given(text=st.text(max_size=30), job=st.sampled_from([None, False]))
def test_any_text_is_read(text: str, job: bool | None) -> None:  # noqa: FBT001 - a case
    """No text raises, only devices of the machine come out, and a choice is explained."""
    chosen = select_devices(_DEVICES, job=JobDevices(uses_cuda=job), visible_devices=text)
    assert chosen.indices <= {0, 1, 2}
    assert chosen.notes or not chosen.indices


@pytest.mark.parametrize(
    ("order", "visible", "doubtful"),
    [
        ("PCI_BUS_ID", "1", False),
        ("FASTEST_FIRST", "1", True),
        (None, "1", True),
        (None, _UUIDS[1], False),
        (None, "0,1,2", False),
        (None, None, False),
    ],
)
def test_numbers_are_doubtful_only_where_cuda_may_count_otherwise(
    order: str | None,
    visible: str | None,
    doubtful: bool,  # noqa: FBT001 - a case
) -> None:
    """CUDA numbers different GPUs by speed unless it is told to take the bus's order."""
    chosen = select_devices(_DEVICES, job=JobDevices(uses_cuda=False), visible_devices=visible, device_order=order)
    assert any("by number" in note for note in chosen.notes) == doubtful


@pytest.mark.parametrize(("order", "visible", "doubtful"), [("PCI_BUS_ID", None, False), (None, None, True)])
def test_a_torch_without_uuids_counts_as_cuda_does(
    order: str | None,
    visible: str | None,
    doubtful: bool,  # noqa: FBT001 - a case
) -> None:
    """CUDA's device 1 is taken by its number, which among different GPUs is in doubt without the bus's order."""
    job = JobDevices(uses_cuda=True, cuda_indices=(1,))
    chosen = select_devices(_DEVICES, job=job, visible_devices=visible, device_order=order)
    assert chosen.indices == {1}
    assert any("different kinds" in note for note in chosen.notes) == doubtful


@given(
    hidden=st.lists(st.sampled_from(_UUIDS), unique=True),
    cuda=st.lists(st.sampled_from([*_UUIDS, *_PARTS, "GPU-00000000-0000"]), unique=True, min_size=1),
    text=_TEXTS,
)
def test_what_pytorch_tells_outranks_the_variable(hidden: list[str], cuda: list[str], text: str) -> None:
    """With UUIDs from PyTorch exactly those devices are the job's; one that is not listed is said and not replaced."""
    devices = tuple(device for device in _DEVICES if device.uuid not in hidden)
    job = JobDevices(uses_cuda=True, uuids=tuple(uuid.partition("-")[2] for uuid in cuda))
    chosen = select_devices(devices, job=job, visible_devices=text)
    own = {d.index for d in devices if {d.uuid, *d.mig_uuids} & set(cuda)}
    listed = {uuid for d in devices for uuid in (d.uuid, *d.mig_uuids)}
    if own or len(cuda) != len(devices):
        assert chosen.indices == own
        assert bool(chosen.partial_reason) == (bool(devices) and not set(cuda) <= listed)
    else:
        assert chosen.indices == {device.index for device in devices}


def test_a_job_that_may_see_no_gpu_is_told_why() -> None:
    """What CUDA_VISIBLE_DEVICES hides is absent for that reason, not for want of a sensor."""
    hidden = without_visible(SensorSet())
    absence = hidden.absence("gpu_energy")
    assert absence is not None
    assert absence.reason == "CUDA_VISIBLE_DEVICES leaves no GPU to this job"
    assert hidden.absence("system_memory") is None
