"""Which GPUs are the job's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.sensors.base import DeviceInfo
from cardcallback.sensors.nvml_devices import select_devices

_UUIDS = (
    "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
    "GPU-8a32f937-d72c-4106-c12f-20bd9faed9f7",
    "GPU-11111111-d72c-4106-c12f-20bd9faed9f8",
)
_DEVICES = tuple(DeviceInfo(index=index, name="NVIDIA A", uuid=uuid) for index, uuid in enumerate(_UUIDS))


@given(order=st.permutations(range(3)), prefixed=st.booleans(), used=st.integers(1, 3))
def test_job_devices_are_matched_by_uuid(*, order: list[int], prefixed: bool, used: int) -> None:
    """In whatever order, with or without prefix, exactly the job's devices come out and nothing is said."""
    wanted = order[:used]
    uuids = [_UUIDS[index] if prefixed else _UUIDS[index].removeprefix("GPU-") for index in wanted]
    chosen = select_devices(_DEVICES, cuda_uuids=uuids, visible_devices="2")
    assert chosen.indices == set(wanted)
    assert chosen.notes == ()


@pytest.mark.parametrize(
    ("visible", "indices"),
    [
        (None, {0, 1, 2}),
        ("", set()),
        ("-1", set()),
        ("0,-1,1", {0}),
        ("2, 0", {0, 2}),
        ("1,7,2", {1}),
        ("NoDevFiles", set()),
        ("GPU-8932", {0}),
        ("GPU-8", set()),
        ("GPU-", set()),
        ("GPU-1111,GPU-8a32", {1, 2}),
        ("MIG-GPU-8a32f937-d72c-4106-c12f-20bd9faed9f7/1/0", {1}),
        ("²", set()),
    ],
)
def test_visible_devices_as_cuda_reads_them(visible: str | None, indices: set[int]) -> None:
    """Numbers, UUID prefixes and MIG names; the first bad entry ends the list; ambiguous is bad."""
    chosen = select_devices(_DEVICES, cuda_uuids=None, visible_devices=visible)
    assert chosen.indices == indices
    assert bool(chosen.notes) == bool(indices)


def test_without_cuda_the_note_says_what_the_energy_is() -> None:
    """Energy of GPUs the job did not use is called that."""
    chosen = select_devices(_DEVICES[:1], cuda_uuids=[], visible_devices=None)
    assert "did not use CUDA" in chosen.notes[0]


def test_numbers_among_different_gpus_are_named_as_doubtful() -> None:
    """CUDA may number different GPUs by speed: the reader is told how the numbers were taken."""
    mixed = (*_DEVICES[:2], DeviceInfo(index=2, name="NVIDIA B", uuid=_UUIDS[2]))
    assert any("PCI order" in note for note in select_devices(mixed, cuda_uuids=None, visible_devices="1").notes)
    assert len(select_devices(mixed, cuda_uuids=None, visible_devices="GPU-1111").notes) == 1


def test_unknown_job_device_is_said_not_replaced() -> None:
    """A UUID that NVML does not list leaves its energy unmeasured; no other GPU is taken for it."""
    chosen = select_devices(_DEVICES, cuda_uuids=[_UUIDS[0], "ffffffff-0000"], visible_devices=None)
    assert chosen.indices == {0}
    assert "1 of 2" in chosen.notes[0]
    assert select_devices(_DEVICES, cuda_uuids=["ffffffff-0000"], visible_devices=None).indices == set()


def test_every_device_used_needs_no_match() -> None:
    """Where the job uses as many devices as there are, other UUIDs inside a virtual machine do no harm."""
    chosen = select_devices(_DEVICES, cuda_uuids=["a0", "b0", "c0"], visible_devices=None)
    assert chosen.indices == {0, 1, 2}
    assert chosen.notes == ()


def test_no_devices_no_notes() -> None:
    """Without NVML there is nothing to choose and nothing to say."""
    assert select_devices((), cuda_uuids=["x"], visible_devices="0").indices == frozenset()
