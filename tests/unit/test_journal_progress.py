"""The moments of a session, and what of each is written."""

from __future__ import annotations

from msgspec.structs import replace

from cardcallback.journal import Progress, progress_of
from cardcallback.journal.progress import ProgressEntries
from cardcallback.record import not_measured
from cardcallback.testing import make_record

ENERGY = make_record().energy


def moment(seconds: float, **joules: float) -> Progress:
    """A moment with these figures, known exactly."""
    figures = {name: (value, value, value, 1.0) for name, value in joules.items()}
    return Progress(duration_seconds=seconds, suspended_seconds=0.0, last_step=1, figures=figures)


def test_every_known_energy_is_in_it() -> None:
    """Written with seven digits; what is not measured is left out, and a lone device's energy is the whole's."""
    gpu = replace(ENERGY.gpu, value=123456.789, recording_low=123450.123, recording_high=None)
    progress = progress_of(12.34567, 0.5, 7, replace(ENERGY, gpu=gpu, others=(ENERGY.gpu,)), [gpu])
    assert (progress.duration_seconds, progress.suspended_seconds, progress.last_step) == (12.346, 0.5, 7)
    assert set(progress.figures) == {"gpu", "gpu_counter", "gpu_integrated", "others.0"}
    assert ProgressEntries().next(progress).e["gpu"] == (123456.8, 123450.1, None, 1.0)


def test_of_several_devices_each_is_named() -> None:
    """By its place, also where one of them has none of its own."""
    told_once = not_measured("joules", "told once for the module, with its first GPU")
    progress = progress_of(10.0, 0.0, 1, ENERGY, [ENERGY.gpu, told_once, ENERGY.gpu])
    assert {name for name in progress.figures if name.startswith("accelerators")} == {
        "accelerators.0",
        "accelerators.2",
    }


def test_only_what_changed_is_written() -> None:
    """An energy that stood still is not repeated; one that is gone is said to be, once."""
    entries = ProgressEntries()
    assert set(entries.next(moment(1.0, gpu=10.0, cpu=5.0)).e) == {"gpu", "cpu"}
    assert set(entries.next(moment(2.0, gpu=20.0, cpu=5.0)).e) == {"gpu"}
    assert entries.next(moment(3.0, gpu=20.0)).e == {"cpu": None}
    assert entries.next(moment(4.0, gpu=20.0)).e == {}
    assert set(entries.whole(moment(5.0, gpu=20.0)).e) == {"gpu"}


def test_checks_are_written_less_often_in_a_long_run() -> None:
    """After an hour the counter alone is written every 10 s, the headline's energy every second."""
    entries = ProgressEntries()
    written = [entries.next(moment(3600.0 + second, gpu=second, gpu_counter=second)).e for second in range(1, 31)]
    assert all("gpu" in one for one in written)
    assert sum("gpu_counter" in one for one in written) == 3
