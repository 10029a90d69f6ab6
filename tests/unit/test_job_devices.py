"""Which CUDA devices a job computes on, from stand-ins with the trainer's and torch's own names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.sensors.job_devices import JobDevices, find_job_devices


class Device:
    """As ``torch.device``: a type, perhaps an index, and the usual text."""

    def __init__(self, kind: str, index: int | None = None) -> None:
        self.type, self.index = kind, index

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


class Torch:
    """A torch that sees three CUDA devices; ``asked`` are those whose properties somebody wanted."""

    def __init__(self, *, available: bool = True, has_uuids: bool = True, broken: bool = False) -> None:
        self.asked: list[int] = []
        self.cuda = self
        self._available, self._has_uuids, self._broken = available, has_uuids, broken

    def is_available(self) -> bool:
        """Whether CUDA can be used."""
        return self._available

    def get_device_properties(self, index: int) -> SimpleNamespace:
        """Properties, with a UUID from version 2.5 on."""
        self.asked.append(index)
        if self._broken:
            raise RuntimeError("CUDA error")
        return SimpleNamespace(uuid=f"uuid-{index}") if self._has_uuids else SimpleNamespace()


def arguments(device: object, *, n_gpu: int = 1, **more: object) -> SimpleNamespace:
    """Training arguments."""
    return SimpleNamespace(device=device, n_gpu=n_gpu, **more)


def found(torch: object, args: object, model: object = None, **environ: str) -> JobDevices:
    """What is found out of them."""
    return find_job_devices(torch, args=args, model=model, environ=environ)


@pytest.mark.parametrize(
    ("args", "device_map", "indices"),
    [
        (arguments(Device("cuda", 1)), None, (1,)),
        (arguments(Device("cuda")), None, (0,)),
        (arguments(Device("cuda", 0), n_gpu=3), None, (0, 1, 2)),
        (arguments(Device("cuda", 0), n_gpu=3), {"": 0}, (0, 1, 2)),
        (arguments(Device("cuda", 0)), {"a": 2, "b": "cuda:0", "c": Device("cuda", 1), "d": "cpu"}, (0, 1, 2)),
        (arguments(Device("cuda", 0)), {"": 2}, (2,)),
    ],
)
def test_devices_of_the_job(args: object, device_map: dict[str, Any] | None, indices: tuple[int, ...]) -> None:
    """One device, all under DataParallel, or those the model was spread over, each with its UUID."""
    job = found(Torch(), args, SimpleNamespace(hf_device_map=device_map))
    assert (job.uses_cuda, job.cuda_indices) == (True, indices)
    assert job.uuids == tuple(f"uuid-{index}" for index in indices)


_NAMED = st.integers(0, 7).flatmap(
    lambda index: st.sampled_from([index, f"cuda:{index}", Device("cuda", index)]).map(lambda place: (index, place))
)
_ELSEWHERE = st.sampled_from(["cpu", "disk", Device("cpu"), Device("meta")]).map(lambda place: (None, place))


@given(places=st.lists(_NAMED | _ELSEWHERE, min_size=1), n_gpu=st.integers(1, 8), own=st.integers(0, 7))
def test_a_spread_model_is_where_its_map_says(places: list[tuple[int | None, object]], n_gpu: int, own: int) -> None:
    """However a map names them: its CUDA devices where it has several, else DataParallel's, else the one there is."""
    named = {index for index, _ in places if index is not None}
    model = SimpleNamespace(hf_device_map={f"layer.{number}": place for number, (_, place) in enumerate(places)})
    job = found(Torch(), arguments(Device("cuda", own), n_gpu=n_gpu), model)
    if len(named) > 1:
        expected = tuple(sorted(named))
    elif n_gpu > 1:
        expected = tuple(range(n_gpu))
    else:
        expected = tuple(named) or (own,)
    assert job.cuda_indices == expected
    assert job.uuids == tuple(f"uuid-{index}" for index in expected)


@pytest.mark.parametrize(
    ("torch", "args", "model"),
    [
        (Torch(), arguments(Device("cpu"), n_gpu=0), None),
        (Torch(), arguments(Device("cpu"), n_gpu=0), SimpleNamespace(hf_device_map={"": "cpu"})),
        (Torch(), arguments(Device("mps")), None),
        (Torch(), SimpleNamespace(), SimpleNamespace(device=Device("cpu"))),
        (Torch(available=False), arguments(Device("cuda", 0)), None),
        (None, arguments(Device("cpu")), None),
        (SimpleNamespace(), SimpleNamespace(), None),
    ],
)
def test_a_job_elsewhere_uses_no_cuda(torch: object, args: object, model: object) -> None:
    """``use_cpu=True`` on a machine with GPUs takes no GPU for the job's, and does not wake CUDA up."""
    assert found(torch, args, model) == JobDevices(uses_cuda=False)
    assert not getattr(torch, "asked", [])


def test_an_old_torch_uses_cuda_without_telling_where() -> None:
    """Without a UUID, or where asking fails, the job still computes on CUDA."""
    for torch in (Torch(has_uuids=False), Torch(broken=True)):
        assert found(torch, arguments(Device("cuda", 1))) == JobDevices(uses_cuda=True, cuda_indices=(1,))


def test_a_trainer_that_does_not_tell_its_device() -> None:
    """Then neither "used CUDA" nor "did not use CUDA" is claimed."""
    assert found(Torch(), SimpleNamespace(), SimpleNamespace()) == JobDevices(uses_cuda=None)
    assert found(Torch(), SimpleNamespace(), SimpleNamespace(device=Device("cuda", 2))).uuids == ("uuid-2",)


@pytest.mark.parametrize(
    ("told", "environ", "processes"),
    [(4, "8", 4), (None, "8", 8), (1, "8", 1), (None, "", 1), (None, "many", 1), (None, "0", 1)],
)
def test_processes_of_the_job(told: int | None, environ: str, processes: int) -> None:
    """The trainer's own number before the launcher's."""
    args = arguments(Device("cuda", 0), world_size=told)
    assert found(Torch(), args, WORLD_SIZE=environ).processes == processes
