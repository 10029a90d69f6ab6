"""One computer's part in a job of several processes."""

from __future__ import annotations

import msgspec

from cardcallback.record.measurement import Measurement

Point = tuple[float, float]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One computer's part in a job of several processes, ``ranks`` being the numbers of its processes.

    ``partial_reason`` is set where GPUs of the job on it are in no figure. Bounds and coverage mean what a
    ``Measurement``'s mean. ``job`` is a random number that a session's computers share, where this one saw it,
    ``computer`` the place of the first node of the same computer, ``gpus_of`` of that with the same GPUs, which has the
    energy. ``tokens`` are of its processes after ``batches`` each, ``token_reasons`` say why a kind is unknown, and
    ``tokens_at_least`` how many of it there are at least; ``tokens_complete``: each process told its own last ones,
    however many batches it had. ``gpu_power`` are means of all its GPUs together in watts, by seconds since its session
    began, where the job ran on several.
    """

    ranks: tuple[int, ...]
    duration_seconds: float
    accelerators: tuple[str, ...] = ()
    gpu_energy_joules: float | None = None
    memory_peak_bytes: float | None = None
    partial_reason: str | None = None
    job: str | None = None
    gpu_energy_low_joules: float | None = None
    gpu_energy_high_joules: float | None = None
    gpu_energy_coverage: float | None = None
    computer: int | None = None
    gpus_of: int | None = None
    tokens: dict[str, int] = {}
    token_reasons: dict[str, str] = {}
    tokens_at_least: dict[str, int] = {}
    tokens_complete: bool = False
    batches: int | None = None
    gpu_power: tuple[Point, ...] = ()

    def with_gpu_energy(self, energy: Measurement) -> Node:
        """The same with that energy in joules, its bounds and its coverage."""
        return msgspec.structs.replace(
            self,
            gpu_energy_joules=energy.value,
            gpu_energy_low_joules=energy.recording_low,
            gpu_energy_high_joules=energy.recording_high,
            gpu_energy_coverage=energy.coverage,
        )
