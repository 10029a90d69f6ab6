"""Processes of one node that find each other in a folder, without processes: a clock and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cardcallback.processes.announcement import OwnDevices
from cardcallback.processes.follower import Follower
from cardcallback.processes.place import Place
from cardcallback.processes.ranks import Ranks
from cardcallback.processes.rendezvous import Rendezvous
from cardcallback.sensors import DeviceInfo
from cardcallback.sensors.base import Sensor
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.testing import FakeClock

DEVICES = tuple(DeviceInfo(index=index, name="NVIDIA A", uuid=f"GPU-{index}aaa-bbbb") for index in range(8))


def uses(*uuids: str) -> OwnDevices:
    """A process on CUDA devices with these UUIDs, as PyTorch writes them."""
    return OwnDevices(job=JobDevices(uses_cuda=True, cuda_indices=(0,), uuids=uuids))


def watches(visible: str) -> OwnDevices:
    """A process that does not use CUDA, and what it could see."""
    return OwnDevices(job=JobDevices(uses_cuda=False), visible=visible)


class NodeOfRanks:
    """A measurer of rank 0 with ``processes`` in all, and its followers by hand."""

    def __init__(self, folder: Path, processes: int = 4, own: OwnDevices | None = None) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.changes = 0
        place = Place(processes=processes, local_processes=processes, node="n")
        self.ranks = Ranks(
            Rendezvous(folder, "n"),
            place,
            own or uses("0aaa-bbbb"),
            clock=self.clock,
            on_change=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def follower(self, rank: int, own: OwnDevices | None = None, *, sensors: Sequence[Sensor] = ()) -> Follower:
        """The process of that rank, on the device of the same number unless told otherwise."""
        return Follower(Rendezvous(self.folder, "n"), own or uses(f"{rank}aaa-bbbb"), rank=rank, sensors=sensors)

    def announced_files(self) -> list[Path]:
        """What lies on disk."""
        return [path for path in self.folder.rglob("*") if path.is_file()]
