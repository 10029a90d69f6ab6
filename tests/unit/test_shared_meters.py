"""When the counters of two GPUs are one meter, and when that is in doubt."""

from __future__ import annotations

import random

import pytest

from cardcallback.recorder.shared_meters import SharedMeters
from cardcallback.sensors import DeviceInfo

DEVICES = tuple(DeviceInfo(index=index, name="NVIDIA A") for index in range(3))


def modules(meters: SharedMeters) -> list[str | None]:
    """What each device is told to share."""
    return [info.module for info in meters.told(DEVICES)]


def read(meters: SharedMeters, *rows: tuple[float, ...]) -> SharedMeters:
    """Readings of all devices, one pass after another."""
    for row in rows:
        for device, joules in enumerate(row):
            meters.add(device, joules)
    return meters


def test_equal_readings_are_one_meter_and_others_are_not() -> None:
    """Two of three GPUs show one meter; the third, of which nothing is equal, is left as it is."""
    meters = read(SharedMeters(), *((100.25 * at, 100.25 * at, 100.25 * at + 1.5) for at in range(1, 31)))
    assert modules(meters) == ["meter of GPU 0", "meter of GPU 0", None]
    notes = [info.energy_scope_note for info in meters.told(DEVICES)]
    assert "GPUs 0 and 1 show one meter" in (notes[0] or "")
    assert "30 of their readings" in (notes[1] or "")
    assert notes[2] is None


@pytest.mark.parametrize(
    ("steps", "moved"),
    [
        (19, 0),  # too few
        (100, 30),  # too many that the meter cannot have moved between
    ],
)
def test_in_doubt_they_are_two(steps: int, moved: int) -> None:
    """Nothing is taken out of a sum that may be right."""
    rows = [(float(at), float(at) + (0.5 if at <= moved else 0.0)) for at in range(1, steps + 1)]
    assert modules(read(SharedMeters(), *rows))[:2] == [None, None]


def test_a_meter_that_moves_between_two_calls_is_one_all_the_same() -> None:
    """One reading in ten is taken on the other side of a refresh."""
    rows = [(float(at), float(at) + (0.5 if at % 10 == 0 else 0.0)) for at in range(1, 101)]
    assert modules(read(SharedMeters(), *rows))[:2] == ["meter of GPU 0", "meter of GPU 0"]


def test_counters_that_stand_still_prove_nothing() -> None:
    """Two that are stuck at one value have shown one value, however often they were read."""
    assert modules(read(SharedMeters(), *[(7.0, 7.0)] * 200))[:2] == [None, None]


def test_what_is_known_of_a_module_stays() -> None:
    """GPUs of a module are counted once already."""
    meters = read(SharedMeters(), *((float(at), float(at)) for at in range(1, 31)))
    known = DeviceInfo(index=0, name="NVIDIA A", module="module 0")
    assert meters.told((known,)) == (known,)


def test_powers_to_the_milliwatt_prove_it_and_coarse_ones_do_not() -> None:
    """Without a counter; two GPUs at equal work show the same whole watts all the time."""
    fine, coarse = SharedMeters(), SharedMeters()
    for at in range(1, 41):
        for device in (0, 1):
            fine.add_power(device, 80.0 + at + 0.123)
            coarse.add_power(device, 80.0 + at)
    assert modules(fine)[:2] == ["meter of GPU 0", "meter of GPU 0"]
    assert modules(coarse)[:2] == [None, None]


@pytest.mark.parametrize("step_watts", [0.48828, 0.97656, 0.05])
def test_powers_in_steps_of_any_size_prove_nothing(step_watts: float) -> None:
    """Two GPUs at equal work, whose converters know a dozen powers about that: most are equal, and they are two."""
    meters, draw = SharedMeters(), random.Random(7)  # noqa: S311 - the same each time
    for _ in range(600):
        for device in (0, 1):
            steps = round(60.0 / step_watts + draw.gauss(0.0, 2.0))
            meters.add_power(device, round(steps * step_watts, 3))
    assert modules(meters)[:2] == [None, None]


def test_a_long_run_of_fine_powers_is_of_one_meter() -> None:
    """That a power to the milliwatt comes again after hours takes nothing from what was seen."""
    meters, draw = SharedMeters(), random.Random(7)  # noqa: S311 - the same each time
    for _ in range(5_000):
        watts = round(draw.gauss(200.0, 5.0), 3)
        for device in (0, 1):
            meters.add_power(device, watts)
    assert modules(meters)[:2] == ["meter of GPU 0", "meter of GPU 0"]


def test_the_first_and_the_last_of_several_share_what_those_between_do() -> None:
    """The longer after one another two are read, the more often the meter has moved: counted once all the same."""
    rows = []
    for at in range(1, 101):
        first, last = 0.5 * (at % 6 == 0), 0.25 * (at % 6 == 3)
        rows.append((at + first, float(at), at + last))
    assert modules(read(SharedMeters(), *rows)) == ["meter of GPU 0"] * 3
