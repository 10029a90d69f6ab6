"""Which CUDA devices the job computes on. torch is handed in, never imported here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardcallback import handlers


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDevices:
    """The devices of this process, and how many processes the job has.

    ``uses_cuda`` is ``None`` where nothing tells whether the job computes on CUDA. ``cuda_indices`` are
    CUDA's own numbers for its devices, ``None`` where not known. ``uuids`` are theirs, perhaps without
    "GPU-", ``None`` where PyTorch does not tell them. ``processes`` counts those of all nodes. ``names`` are those
    of devices that PyTorch alone knows, being of another maker than NVIDIA.
    """

    uses_cuda: bool | None
    cuda_indices: tuple[int, ...] | None = None
    uuids: tuple[str, ...] | None = None
    processes: int = 1
    names: tuple[str, ...] = ()


def find_job_devices(torch_module: Any | None, *, args: Any, model: Any, environ: Mapping[str, str]) -> JobDevices:
    """What the training arguments, the model's placement and PyTorch tell; nothing is guessed.

    Args:
        torch_module: torch, or ``None`` where nobody imported it.
        args: the training arguments.
        model: the model being trained.
        environ: asked for ``WORLD_SIZE`` where the arguments do not tell the number of processes.
    """
    processes = _processes(args, environ)
    indices = _cuda_indices(args, model)
    cuda = getattr(torch_module, "cuda", None)
    if indices == () or cuda is None or not cuda.is_available():
        return JobDevices(uses_cuda=False, processes=processes)
    if indices is None:
        return JobDevices(uses_cuda=None, processes=processes)
    names = _names(cuda, indices) if getattr(getattr(torch_module, "version", None), "hip", None) else ()
    uuids = _uuids(cuda, indices)
    return JobDevices(uses_cuda=True, cuda_indices=indices, uuids=uuids, processes=processes, names=names)


def _cuda_indices(args: Any, model: Any) -> tuple[int, ...] | None:
    """CUDA's numbers of the devices: none where the job is elsewhere, ``None`` where nothing tells.

    A model spread by ``hf_device_map`` uses what the map names; ``nn.DataParallel`` uses every visible
    device; otherwise it is where the model was put whole, or the one of ``args.device``.
    """
    places = [_cuda_index(place) for place in (getattr(model, "hf_device_map", None) or {}).values()]
    mapped = tuple(sorted({place for place in places if place is not None}))
    if len(mapped) > 1:
        return mapped
    count = getattr(args, "n_gpu", 0) or 0
    if count > 1:
        return tuple(range(count))
    device = getattr(args, "device", None) or getattr(model, "device", None)
    if mapped or device is None:
        return mapped or None
    index = _cuda_index(device)
    return () if index is None else (index,)


def _cuda_index(place: Any) -> int | None:
    """The number in 1, "cuda:1", "cuda" or ``torch.device("cuda", 1)``; ``None`` for any other device."""
    if isinstance(place, int):
        return place
    kind, _, number = str(place).partition(":")
    if kind != "cuda":
        return None
    return int(number) if number.isdecimal() else 0


def _uuids(cuda: Any, indices: Sequence[int]) -> tuple[str, ...] | None:
    try:
        return tuple(str(cuda.get_device_properties(index).uuid) for index in indices)
    except (RuntimeError, AttributeError, AssertionError) as error:
        handlers.pass_on(error)
        return None  # before PyTorch 2.5 it has no such property


def _names(cuda: Any, indices: Sequence[int]) -> tuple[str, ...]:
    try:
        return tuple(str(cuda.get_device_properties(index).name) for index in indices)
    except (RuntimeError, AttributeError, AssertionError) as error:
        handlers.pass_on(error)
        return ()


def _processes(args: Any, environ: Mapping[str, str]) -> int:
    told = getattr(args, "world_size", None)
    if told is None:
        text = environ.get("WORLD_SIZE", "")
        told = int(text) if text.isdecimal() else 1
    return max(int(told), 1)
