"""Which GPUs are the job's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.sensors.base import DeviceInfo
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.nvml_devices import select_devices

_UUIDS = (
    "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
    "GPU-8a32f937-d72c-4106-c12f-20bd9faed9f7",
    "GPU-11111111-d72c-4106-c12f-20bd9faed9f8",
)
_NOT_CUDA = JobDevices(uses_cuda=False)
_DEVICES = tuple(DeviceInfo(index=index, name="NVIDIA A", uuid=uuid) for index, uuid in enumerate(_UUIDS))


def on_cuda(*uuids: str) -> JobDevices:
    """A job on these devices."""
    return JobDevices(uses_cuda=True, uuids=uuids)


@given(order=st.permutations(range(3)), prefixed=st.booleans(), used=st.integers(1, 3))
def test_job_devices_are_matched_by_uuid(*, order: list[int], prefixed: bool, used: int) -> None:
    """In whatever order, with or without prefix, exactly the job's devices come out and nothing is said."""
    wanted = order[:used]
    uuids = [_UUIDS[index] if prefixed else _UUIDS[index].removeprefix("GPU-") for index in wanted]
    chosen = select_devices(_DEVICES, job=on_cuda(*uuids), visible_devices="2")
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
    chosen = select_devices(_DEVICES, job=_NOT_CUDA, visible_devices=visible)
    assert chosen.indices == indices
    assert bool(chosen.notes) == bool(indices)


def test_without_cuda_the_note_says_what_the_energy_is() -> None:
    """Energy of GPUs the job did not use is called that."""
    chosen = select_devices(_DEVICES[:1], job=_NOT_CUDA, visible_devices=None)
    assert "did not use CUDA" in chosen.notes[0]


def test_numbers_among_different_gpus_are_named_as_doubtful() -> None:
    """CUDA may number different GPUs by speed: the reader is told how the numbers were taken."""
    mixed = (*_DEVICES[:2], DeviceInfo(index=2, name="NVIDIA B", uuid=_UUIDS[2]))
    assert any("PCI order" in note for note in select_devices(mixed, job=_NOT_CUDA, visible_devices="1").notes)
    assert len(select_devices(mixed, job=_NOT_CUDA, visible_devices="GPU-1111").notes) == 1


def test_unknown_job_device_is_said_not_replaced() -> None:
    """A UUID that NVML does not list leaves its energy unmeasured; no other GPU is taken for it."""
    chosen = select_devices(_DEVICES, job=on_cuda(_UUIDS[0], "ffffffff-0000"), visible_devices=None)
    assert chosen.indices == {0}
    assert "1 of 2" in chosen.notes[0]
    assert chosen.partial_reason == "1 of the job's 2 GPUs measured"
    assert chosen.covers == (chosen.partial_reason,)
    assert select_devices(_DEVICES, job=on_cuda("ffffffff-0000"), visible_devices=None).indices == set()


def test_every_device_used_needs_no_match() -> None:
    """Where the job uses as many devices as there are, other UUIDs inside a virtual machine do no harm."""
    chosen = select_devices(_DEVICES, job=on_cuda("a0", "b0", "c0"), visible_devices=None)
    assert chosen.indices == {0, 1, 2}
    assert chosen.notes == ()


def test_no_devices_no_notes() -> None:
    """Without NVML there is nothing to choose and nothing to say."""
    assert select_devices((), job=on_cuda("x"), visible_devices="0").indices == frozenset()


@pytest.mark.parametrize(
    ("visible", "places", "indices"), [(None, (1,), {1}), ("2,0", (0,), {2}), ("2,0", (0, 1), {0, 2}), ("2", (1,), {2})]
)
def test_a_torch_without_uuids_leaves_the_visible_devices(
    visible: str | None, places: tuple[int, ...], indices: set[int]
) -> None:
    """CUDA's number is a place in CUDA_VISIBLE_DEVICES; the row and a note say that it was taken so."""
    job = JobDevices(uses_cuda=True, cuda_indices=places)
    chosen = select_devices(_DEVICES, job=job, visible_devices=visible)
    assert chosen.indices == indices
    assert not any("did not use CUDA" in note for note in chosen.notes)
    assert chosen.notes
    assert len(chosen.covers) == 1


def test_the_only_gpu_needs_no_uuid() -> None:
    """A job that computes on CUDA on a machine of one GPU used that one, and nothing is said."""
    job = JobDevices(uses_cuda=True, cuda_indices=(0,))
    chosen = select_devices(_DEVICES[:1], job=job, visible_devices=None)
    assert (chosen.indices, chosen.notes, chosen.covers) == ({0}, (), ())


def test_unknown_use_claims_neither() -> None:
    """Where nothing tells, all visible devices are measured and called that."""
    chosen = select_devices(_DEVICES, job=JobDevices(uses_cuda=None), visible_devices="0,1")
    assert chosen.indices == {0, 1}
    assert "not known" in chosen.notes[0]
    assert "not known" in chosen.covers[0]
    assert not any("did not use CUDA" in note for note in chosen.notes)


@pytest.mark.parametrize("visible", ["", "-1", "NoDevFiles", "7"])
def test_of_no_visible_gpu_there_is_no_energy_to_explain(visible: str) -> None:
    """A job that may or may not use CUDA, and sees no GPU: no sentence says what an energy is that is not there."""
    chosen = select_devices(_DEVICES, job=JobDevices(uses_cuda=None), visible_devices=visible)
    assert chosen.indices == frozenset()
    assert (chosen.notes, chosen.covers) == ((), ())


def test_one_of_several_processes_is_called_that() -> None:
    """Under torchrun only this process's GPU is measured: row, note, and the reason to divide nothing."""
    job = JobDevices(uses_cuda=True, uuids=(_UUIDS[0],), processes=4)
    chosen = select_devices(_DEVICES, job=job, visible_devices=None)
    assert chosen.indices == {0}
    assert chosen.covers == ("1 of 4 processes' GPUs measured",)
    assert chosen.partial_reason == "1 of 4 processes' GPUs measured"
    assert "4 processes" in chosen.notes[0]


def test_processes_that_use_no_gpu_leave_the_watched_energy_whole() -> None:
    """What the GPUs drew meanwhile is no part of anything; the processes are named all the same."""
    chosen = select_devices(_DEVICES, job=JobDevices(uses_cuda=False, processes=2), visible_devices=None)
    assert (chosen.covers, chosen.partial_reason) == ((), None)
    assert "2 processes" in chosen.notes[-1]
