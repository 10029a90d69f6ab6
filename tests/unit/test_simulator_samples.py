"""The power readings that the simulated driver keeps, through the vendor's own binding."""

from __future__ import annotations

import pynvml  # noqa: TID251 - the simulator is tested through what it pretends to serve
import pytest
from simulated_device import MIXED, code_of, first_handle, profile_with

from profiles import Meter, Samples, SamplesFault
from simulator_fixtures import Simulate

_EPOCH = 1.7e9
_METERS = {"usage": Meter(window=0.01, refresh=0.02)}
_NOT_SUPPORTED, _NOT_FOUND = 3, 6


def _kept(after: int = 0) -> list[tuple[int, int]]:
    _, samples = pynvml.nvmlDeviceGetSamples(first_handle(), pynvml.NVML_TOTAL_POWER_SAMPLES, after)
    return [(int(one.timeStamp), int(one.sampleValue.uiVal)) for one in samples]


def _stamp(at: float) -> int:
    return round((_EPOCH + at) * 1e6)


def test_without_a_buffer_it_is_not_supported(simulate: Simulate) -> None:
    """As by default, and for what is no power."""
    simulate(profile_with(meters=_METERS)).advance(10.0)
    assert code_of("nvmlDeviceGetSamples", first_handle(), 0, 0) == _NOT_SUPPORTED


def test_samples_are_the_plain_calls_readings(simulate: Simulate) -> None:
    """The newest 120, one every 20 ms, each the mean of the 10 ms before its stamp."""
    simulate(profile_with(meters=_METERS, samples=Samples(epoch=_EPOCH))).advance(10.01)
    kept = _kept()
    assert [stamp for stamp, _ in kept] == [_stamp(10.0 - 0.02 * age) for age in range(119, -1, -1)]
    for stamp, milliwatts in kept:
        at = stamp * 1e-6 - _EPOCH
        assert milliwatts == pytest.approx(MIXED.energy_joules(at - 0.01, at) / 0.01 * 1e3, abs=30.0)
    assert kept[-1][1] == pynvml.nvmlDeviceGetPowerUsage(first_handle())


def test_only_later_ones_are_given(simulate: Simulate) -> None:
    """After the stamp that was seen last; where there is none, the driver finds nothing."""
    machine = simulate(profile_with(meters=_METERS, samples=Samples(epoch=_EPOCH)))
    machine.advance(10.01)
    newest = _kept()[-1][0]
    assert code_of("nvmlDeviceGetSamples", first_handle(), 0, newest) == _NOT_FOUND
    machine.advance(0.2)
    assert len(_kept(newest)) == 10


@pytest.mark.parametrize(
    ("fault", "count", "last"),
    [
        (SamplesFault(kind="clock", at=9.0, amount=5.0), 120, _stamp(15.0)),
        (SamplesFault(kind="hole", at=9.0, until=9.99), 70, _stamp(10.0)),
        (SamplesFault(kind="slow", at=0.0, amount=10.0), 12, _stamp(10.0)),
    ],
)
def test_what_may_be_wrong_with_them(simulate: Simulate, fault: SamplesFault, count: int, last: int) -> None:
    """A clock that was set, a hole, and a driver that looks less often."""
    simulate(profile_with(meters=_METERS, samples=Samples(epoch=_EPOCH, faults=(fault,)))).advance(10.01)
    kept = _kept()
    assert (len(kept), kept[-1][0]) == (count, last)


def test_values_may_be_wrong_and_entries_in_disorder(simulate: Simulate) -> None:
    """A wrong gain from a time on; entries turned, repeated and empty."""
    fault = SamplesFault(kind="gain", at=9.0, amount=2.0)
    simulate(profile_with(meters=_METERS, samples=Samples(disordered=True, faults=(fault,)))).advance(10.01)
    kept = _kept()
    stamps = [stamp for stamp, _ in kept]
    assert stamps != sorted(stamps)
    assert (0, 0) in kept
    assert len(set(stamps)) < len(stamps)
    assert max(kept)[1] == pytest.approx(2 * pynvml.nvmlDeviceGetPowerUsage(first_handle()), abs=2)
