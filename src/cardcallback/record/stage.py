"""One run as an entry in the chain of runs that some weights went through."""

from __future__ import annotations

from typing import Literal

import msgspec

from cardcallback.record.measurement import Measurement

Status = Literal["running", "completed", "interrupted"]


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One run in a chain such as SFT, then DPO; ``reason`` says what is missing of it.

    A stage that left no record has a ``reason`` and no figures. ``weights_step`` is the step whose weights the
    next stage began from, where that is known; time and energy are for all ``steps``. ``devices`` are the names of
    those it was measured on, one for each. ``previous_run_id`` is that of the stage its own weights came from.
    ``duration_is_least`` says that it took longer than ``duration_seconds``. Entries of older records have none of
    these.
    """

    name: str
    method: str | None = None
    base_model: str | None = None
    dataset: str | None = None
    steps: int | None = None
    duration_seconds: float | None = None
    energy: Measurement | None = None
    reason: str | None = None
    run_id: str | None = None
    previous_run_id: str | None = None
    status: Status | None = None
    simulated: bool | None = None
    training_examples: int | None = None
    weights_step: int | None = None
    devices: tuple[str, ...] = ()
    used_by_job: bool | None = None
    energy_partial_reason: str | None = None
    duration_is_least: bool = False

    @property
    def used_more(self) -> bool:
        """Whether it used more than its energy holds, however whole that is: of other devices, or at its end."""
        return self.energy_partial_reason is not None or self.duration_is_least
