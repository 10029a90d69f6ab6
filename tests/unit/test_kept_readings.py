"""The judge of what a driver keeps, by itself."""

from __future__ import annotations

from recorded import sensor

from cardcallback.recorder.kept import KeptReadings


def test_a_full_buffer_may_be_an_entry_shorter() -> None:
    """Asked for rarely, it is full each time and holds 120 or 119: that is no hole in it."""
    judge = KeptReadings(sensor("gpu_power", 100.0, 0, averaging_seconds=0.01, refresh_seconds=0.02).spec)
    for call in range(8):
        now = 100.0 + 26.0 * call
        samples = [(round((now - 0.02 * age) * 1e6), 100.0 + age % 7) for age in range(120 - call % 2)]
        judge.note_own(now, 100.0)
        assert judge.take(samples, now, last=True).trouble == ""
    assert judge.trusted
