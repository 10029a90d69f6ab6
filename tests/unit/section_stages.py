"""Records of the last run of a chain, as the section must tell of it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from section_energy import consistent, with_place, with_training

from cardcallback.record import Evaluation, Measurement, RunRecord, Scope, Stage, unrecorded_stage, with_stages
from cardcallback.testing import make_record
from cardcallback.testing.records import GB10_SCOPE
from cardcallback.units import JOULES_PER_WATT_HOUR


def stage_energy(watt_hours: float, *, doubt: float = 12.0, scope: Scope = GB10_SCOPE) -> Measurement:
    """A GPU energy as the made-up record's own sensor gives it."""
    joules = watt_hours * JOULES_PER_WATT_HOUR
    own = make_record().energy.gpu
    return replace(own, value=joules, recording_low=joules - doubt, recording_high=joules + doubt, scope=scope)


def stage(name: str = "SFT", *, watt_hours: float | None = 42.0, **fields: object) -> Stage:
    """A completed stage of an hour on one GB10."""
    known = {
        "method": "QLoRA",
        "dataset": "trl-lib/Capybara",
        "training_examples": 15_806,
        "steps": 800,
        "duration_seconds": 3600.0,
        "energy": None if watt_hours is None else stage_energy(watt_hours),
        "run_id": f"run-{name}",
        "status": "completed",
        "simulated": False,
        "weights_step": 800,
        "devices": ("NVIDIA GB10",),
        "used_by_job": True,
    }
    return Stage(name=name, **(known | fields))


def after(*stages: Stage) -> RunRecord:
    """A DPO run on the weights of the last of ``stages``."""
    record = with_training(
        make_record(evaluation=Evaluation()),
        objective="DPO",
        trainer="DPOTrainer",
        base_model=None,
        base_model_reason="the model was loaded from a local folder",
        published_step=500,
        published_reason="last step",
    )
    return with_stages(record, stages)


def _three_stages() -> RunRecord:
    pre = stage(
        "continued pre-training", watt_hours=640.0, base_model="google/gemma-3-4b-pt", duration_seconds=41_000.0
    )
    sft = stage(weights_step=600, previous_run_id=pre.run_id)
    return with_place(after(pre, sft), "DE")


def _missing_stage() -> RunRecord:
    missing = unrecorded_stage("the folder of the weights shows that they were trained, and holds no record of it")
    return after(missing, stage(status="interrupted", weights_step=None))


def _unlike_stages() -> RunRecord:
    scope = Scope(gpu_core="yes", gpu_memory="yes")
    rented = replace(stage(devices=("NVIDIA H100 80GB HBM3",)), energy=stage_energy(310.0, scope=scope))
    return after(rented)


_SITUATIONS: dict[str, Callable[[], RunRecord]] = {
    "three_stages": _three_stages,
    "missing_stage": _missing_stage,
    "unlike_stages": _unlike_stages,
}
STAGES = {name: consistent(make) for name, make in _SITUATIONS.items()}
