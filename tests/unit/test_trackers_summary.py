"""What a tracker keeps of a whole run, and when a signal leaves it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from session_records import emitting

from cardcallback.record import not_measured
from cardcallback.testing import make_record
from cardcallback.trackers import StopsWithSummary, run_summary
from cardcallback.trackers.sending import sender_of


def test_a_summary_holds_what_was_measured() -> None:
    """Numbers with their units, and how they are known."""
    record = emitting(make_record(), "DE")
    summary = run_summary(record)
    assert summary.numbers["energy_joules"] == record.energy.gpu.value
    assert summary.numbers["energy_kwh"] == pytest.approx(0.107)
    assert summary.numbers["duration_seconds"] == record.duration_seconds
    assert summary.numbers["energy_coverage"] == 1.0
    assert summary.numbers["simulated"] == 0.0
    assert summary.numbers["peak_unified_memory_bytes"] == record.memory.system_peak.value
    assert summary.texts["status"] == "completed"
    assert "simulated_device" not in summary.texts
    assert run_summary(msgspec.structs.replace(record, simulated=True)).texts["simulated_device"]
    assert record.carbon is not None
    assert summary.numbers["co2e_grams"] == record.carbon.emissions_grams
    assert summary.texts["co2e_factor"].startswith("Germany, 2024, lifecycle")
    assert summary.texts["co2e_covers"] == "GPU part only"
    assert summary.texts["energy"].startswith("of the GPU; nvml:")


def test_a_summary_says_whose_energy_it_is() -> None:
    """A GPU that the job did not use, or of which others are missing, is not passed off as the job's."""
    record = make_record()
    unused = tuple(msgspec.structs.replace(one, used_by_job=False) for one in record.hardware.accelerators)
    hardware = msgspec.structs.replace(record.hardware, accelerators=unused)
    texts = run_summary(msgspec.structs.replace(record, hardware=hardware)).texts
    assert texts["energy"].startswith("of the GPU, which this job did not use; nvml:")
    energy = msgspec.structs.replace(record.energy, partial_reason="rank 1 announced nothing")
    texts = run_summary(msgspec.structs.replace(record, energy=energy)).texts
    assert texts["energy"].startswith("of the GPU that could be measured; ")
    assert texts["energy"].endswith("; rank 1 announced nothing")


def test_what_was_not_measured_is_not_in_a_summary() -> None:
    """No zero and no NaN in its place; the reason is among the texts."""
    record = make_record()
    missing = not_measured("joules", "no NVIDIA driver found")
    energy = msgspec.structs.replace(record.energy, gpu=missing, per_token=None)
    summary = run_summary(msgspec.structs.replace(record, energy=energy))
    absent = {"energy_joules", "energy_kwh", "energy_coverage", "joules_per_token", "co2e_grams"}
    assert absent.isdisjoint(summary.numbers)
    assert summary.texts["energy"] == "not measured: no NVIDIA driver found"
    assert "co2e_factor" not in summary.texts


def test_a_signal_leaves_the_record_first_and_then_the_summary() -> None:
    """The time that an end has is the record's before it is a tracker's."""
    order: list[str] = []
    session = SimpleNamespace(
        keep_interrupted=lambda: order.append("keep"),
        end_interrupted=lambda: order.append("end"),
        tell_end=lambda: order.append("tell"),
    )
    stops = StopsWithSummary(session, lambda: order.append("summary"))
    stops.keep_interrupted()
    stops.end_interrupted()
    stops.tell_end()
    assert order == ["keep", "end", "summary", "tell"]


def test_mlflow_is_given_the_whole_summary_in_one_request() -> None:
    """A far tracking server answers once; the run is the one that was open when training began."""
    asked: list[tuple[str, dict[str, Any]]] = []

    class Client:
        """Keeps what it is asked; a request of any other kind fails."""

        def log_batch(self, run_id: str, **given: Any) -> None:
            asked.append((run_id, given))

    entities = SimpleNamespace(Metric=lambda *given: given, RunTag=lambda *given: given)
    opened = SimpleNamespace(info=SimpleNamespace(run_id="a1"))
    reporter = type("MLflowCallback", (), {"__module__": "transformers.integrations"})()
    reporter._ml_flow = SimpleNamespace(MlflowClient=Client, active_run=lambda: opened, entities=entities)
    summary = run_summary(make_record())
    send = sender_of(reporter, None)
    assert send is not None
    send(summary, 500)
    ((run_id, given),) = asked
    assert run_id == "a1"
    sent = {name: (value, step) for name, value, _, step in given["metrics"]}
    assert sent == {f"cardcallback/summary/{name}": (value, 500) for name, value in summary.numbers.items()}
    assert dict(given["tags"]) == {f"cardcallback/summary/{name}": text for name, text in summary.texts.items()}
