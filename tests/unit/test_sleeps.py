"""Sleeps of the machine: found from two clocks before each reading, and what a step of a counter in one may hide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import recorded
from driven import OPENED_AT, SIMULATED, MachineClock, run, truth
from fault_checks import assert_holds, assert_sound
from nvml_machines import with_faults
from recorded import device, sensor
from virtual_gpu import GB10, VirtualGpu

from cardcallback.energy import AccountResult, CounterTraits, EnergyAccount, EnergyResult, PowerTraits
from cardcallback.energy.asleep import AwakeWatts, Slept
from cardcallback.energy.steps import AloneIntervals
from cardcallback.recorder import Recorder
from cardcallback.recorder.sleeps import Sleeps
from cardcallback.sensors import SensorSet
from cardcallback.sensors.nvml import open_nvml
from cardcallback.testing import FakeClock
from profiles import Counter, CounterFault
from simulator_fixtures import Simulate
from waveforms import Waveform, constant, square

ASLEEP = (100.0, 160.0)
END = 260.0
MEAN_WATTS = 90.0
WHOLE = (0.0, END)


def looked(sleeps: Sleeps, clock: FakeClock) -> list[tuple[float, float]]:
    """What one more look finds."""
    sleeps.look(clock.elapsed_seconds(), clock.awake_seconds())
    return sleeps.take_out()


def test_a_sleep_ends_at_the_latest_when_it_is_found() -> None:
    """Each is told once, whoever looks, in seconds since the begin; what the process waits is none."""
    clock = FakeClock()
    sleeps = Sleeps(clock)
    clock.advance(30.0)
    assert looked(sleeps, clock) == []
    clock.suspend(60.0)
    clock.advance(0.4)
    assert looked(sleeps, clock) == [pytest.approx((30.4, 90.4))]
    assert looked(sleeps, clock) == []
    clock.suspend(5.0)
    assert looked(sleeps, clock) == [pytest.approx((90.4, 95.4))]
    assert sleeps.seconds == pytest.approx(65.0)


def test_a_thread_that_waits_between_both_clocks_finds_no_sleep() -> None:
    """One clock was read long after the other, and the next time both at once; what is shorter than noise is none."""
    clock = FakeClock()
    sleeps = Sleeps(clock)
    sleeps.look(clock.elapsed_seconds(), clock.awake_seconds() + 3.0)
    assert looked(sleeps, clock) == []
    clock.suspend(0.05)
    assert looked(sleeps, clock) == []
    assert sleeps.seconds == 0.0


class HeldUpClock(FakeClock):
    """One whose reader is held up for a second after each look at the elapsed clock that is told, from 1 on."""

    def __init__(self) -> None:
        super().__init__()
        self._looks: list[int] = []

    def hold_up(self, *looks: int) -> None:
        """Of those that come from now on."""
        self._looks = list(looks)

    def elapsed_seconds(self) -> float:
        """And then the reader waits for a processor."""
        now = super().elapsed_seconds()
        self._looks = [look - 1 for look in self._looks]
        if 0 in self._looks:
            self.advance(1.0)
        return now


@pytest.mark.parametrize("looks", [(1,), (1, 3, 4, 7), tuple(range(1, 11))], ids=["first", "some", "all"])
def test_a_begin_that_is_held_up_between_both_clocks_finds_no_sleep_later(looks: tuple[int, ...]) -> None:
    """On a busy machine: neither by a look nor in the sum; a real sleep afterwards is found as long as it was."""
    clock = HeldUpClock()
    clock.hold_up(*looks)
    sleeps = Sleeps(clock)
    assert looked(sleeps, clock) == []
    assert sleeps.seconds == 0.0
    clock.suspend(60.0)
    ((begin, end),) = looked(sleeps, clock)
    assert end - begin == pytest.approx(60.0, abs=1.0)
    assert sleeps.seconds == pytest.approx(60.0, abs=1.0)


@pytest.mark.parametrize("looks", [(1,), (1, 3, 5)], ids=["first", "some"])
def test_a_sum_that_is_held_up_between_both_clocks_is_no_shorter(looks: tuple[int, ...]) -> None:
    """The tightest of a few looks counts."""
    clock = HeldUpClock()
    sleeps = Sleeps(clock)
    clock.suspend(60.0)
    clock.hold_up(*looks)
    assert sleeps.seconds == pytest.approx(60.0)


def account_of(
    *, asleep_watts: float, step_joules: float = 0.0, told: bool = True, power_back_at: float = ASLEEP[1]
) -> tuple[AccountResult, float]:
    """What an account says of a run with a minute's sleep in it, and the truth."""
    begin, end = ASLEEP
    work = Waveform(
        (
            constant(30.0, end=begin),
            square(0.0, 120.0, 0.43, begin=10.0, end=begin),
            constant(asleep_watts, begin=begin, end=end),
            constant(30.0, begin=end),
            square(0.0, 120.0, 0.43, begin=end),
        )
    )
    gpu = VirtualGpu(waveform=work, **GB10)
    account = EnergyAccount(
        counter=CounterTraits(),
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
        limit_watts=250.0,
    )
    for count in range(int(2 * END) + 1):
        at = count / 2 + 0.003
        if begin < at < end:
            continue
        if told and at - 0.5 < end <= at:
            account.note_sleep(*ASLEEP)
        if at < begin or at > power_back_at:
            account.add_power(at, gpu.watts(at))
        if count % 2 == 0:
            account.add_counter(at, gpu.joules(at) + (step_joules if at > begin else 0.0))
    return account.result(END), gpu.truth(*WHOLE)


def slept(
    *, asleep_watts: float, step_joules: float = 0.0, told: bool = True, power_back_at: float = ASLEEP[1]
) -> tuple[EnergyResult, float]:
    """The best energy of such a run, and the truth."""
    result, truth_joules = account_of(
        asleep_watts=asleep_watts, step_joules=step_joules, told=told, power_back_at=power_back_at
    )
    assert result.best is not None
    assert result.best.high is not None
    return result.best, truth_joules


def holds(result: EnergyResult, truth_joules: float) -> bool:
    """Whether the interval holds the truth."""
    return result.high is not None and result.low <= truth_joules <= result.high


@pytest.mark.parametrize("watts", [3.0, 12.0, 20.0])
def test_a_step_while_the_machine_slept(watts: float) -> None:
    """The counter says that the device drew little: less than it ever did awake, and in truth it was off."""
    result, truth_joules = slept(asleep_watts=0.0, step_joules=60.0 * watts)
    assert result.joules == pytest.approx(truth_joules + 60.0 * watts, rel=0.005)
    assert holds(result, truth_joules)
    untold, _ = slept(asleep_watts=0.0, step_joules=60.0 * watts, told=False)
    assert not holds(untold, truth_joules)


@pytest.mark.parametrize("watts", [0.0, 35.0, MEAN_WATTS], ids=["off", "idle", "works on"])
def test_a_counter_that_tells_what_may_be_is_not_doubted_for_a_sleep(watts: float) -> None:
    """Of a device that was off, or that went on as it does awake since only its host slept."""
    result, truth_joules = slept(asleep_watts=watts)
    assert holds(result, truth_joules)
    untold, _ = slept(asleep_watts=watts, told=False)
    assert (result.low, result.high) == (untold.low, untold.high)


def test_what_a_device_draws_asleep_may_be_a_step_as_well() -> None:
    """Two watts are told by the counter alone: the interval holds that it was off, and is as wide as that."""
    result, truth_joules = slept(asleep_watts=2.0, power_back_at=ASLEEP[1] + 2.0)
    assert result.joules == pytest.approx(truth_joules, rel=0.005)
    assert result.low < truth_joules - 2.0 * 60.0
    assert result.high is not None
    assert result.high - result.low < 2.0 * 60.0 + 0.015 * truth_joules


def test_a_gauge_that_still_shows_the_sleep_tells_what_was_drawn_in_it() -> None:
    """Its first mean is of the sleep's last second: two watts as the counter says, to a quarter of them."""
    seen, truth_joules = slept(asleep_watts=2.0)
    unseen, _ = slept(asleep_watts=2.0, power_back_at=ASLEEP[1] + 2.0)
    assert holds(seen, truth_joules)
    assert seen.low - unseen.low == pytest.approx(0.75 * 2.0 * 60.0, abs=15.0)


def test_a_step_in_a_sleep_that_looks_like_work_beside_a_sleeping_host() -> None:
    """The counter shows what the device draws awake, and the gauge's first mean that it drew nothing."""
    result, truth_joules = slept(asleep_watts=0.0, step_joules=60.0 * MEAN_WATTS)
    assert result.joules > 1.2 * truth_joules
    assert holds(result, truth_joules)
    unseen, _ = slept(asleep_watts=0.0, step_joules=60.0 * MEAN_WATTS, power_back_at=ASLEEP[1] + 2.0)
    assert not holds(unseen, truth_joules)


@pytest.mark.parametrize(("asleep_watts", "power_back_at", "most_watts"), [(2.0, 160.0, 80.0), (2.0, 162.0, 250.0)])
@pytest.mark.parametrize("counter", [True, False])
def test_a_gap_in_which_the_device_was_seen_to_sleep(
    *, counter: bool, asleep_watts: float, power_back_at: float, most_watts: float
) -> None:
    """No counter tells of it, or one that began anew in it: less than the device drew awake, if its gauge shows so."""
    begin, end = ASLEEP
    awake = [square(30.0, 150.0, 0.43, end=begin), square(30.0, 150.0, 0.43, begin=end)]
    gpu = VirtualGpu(waveform=Waveform((*awake, constant(asleep_watts, begin=begin, end=end))), **GB10)
    account = EnergyAccount(
        counter=CounterTraits() if counter else None,
        power=PowerTraits(averaging_seconds=1.0, refresh_seconds=0.1, interval_seconds=0.5),
        limit_watts=250.0,
    )
    for count in range(int(2 * END) + 1):
        at = count / 2 + 0.003
        if begin < at < power_back_at:
            continue
        if at - 0.5 < power_back_at <= at:
            account.note_sleep(*ASLEEP)
        account.add_power(at, gpu.watts(at))
        if counter and count % 2 == 0:
            account.add_counter(at, gpu.joules(at) - (gpu.joules(end) if at > begin else 0.0))
    result, truth_joules = account.result(END).best, gpu.truth(*WHOLE)
    assert result is not None
    assert holds(result, truth_joules)
    assert (result.high or 0.0) - truth_joules == pytest.approx(60.0 * most_watts, rel=0.1)


@pytest.mark.parametrize(("watts", "told"), [(2.0, True), (0.1, False), (0.0, False), (MEAN_WATTS, False)])
def test_an_interval_that_is_wide_for_a_sleep_says_so(watts: float, told: bool) -> None:  # noqa: FBT001 - what is expected
    """In one sentence, and only where the sleep is a notable part of it."""
    result, _ = account_of(asleep_watts=watts, power_back_at=ASLEEP[1] + 2.0)
    note = (
        "what the energy counter shows for 1 min in which the machine slept may be the device's draw or a step of the "
        "counter; the recording interval holds both"
    )
    assert (note in result.notes) == told
    assert any("the machine slept" in one for one in result.notes) == told


@pytest.mark.parametrize(
    ("joules", "awake_seconds", "doubted"),
    [(6.0, 0.0, 0.0), (300.0, 0.0, 300.0), (6000.0, 0.0, 0.0), (2400.0, 20.0, 0.0), (4000.0, 20.0, 2408.0)],
    ids=["off", "neither off nor awake", "awake", "used before and after", "more than that"],
)
def test_only_what_the_time_awake_does_not_tell_is_doubted(joules: float, awake_seconds: float, doubted: float) -> None:
    """Between readings far apart the device worked for some of the time and slept for the rest."""
    alone = AloneIntervals().joined(60.0 + awake_seconds, joules, Slept(60.0))
    assert alone.hidden_step(lambda _: (80.0, 120.0), 0.1) == (0.0, 0.0)
    assert alone.doubted_sleep(AwakeWatts(80.0, 120.0), 75.0, 0.1) == (
        pytest.approx(doubted),
        60.0,
    )


@pytest.mark.parametrize(
    ("joules", "gauge_watts", "doubted"),
    [
        *((300.0, 5.0, 75.0), (300.0, 6.0, 75.0), (300.0, 4.0, 120.0), (300.0, 1.0, 300.0), (300.0, 20.0, 300.0)),
        *((6000.0, 80.0, 0.0), (6000.0, 60.0, 0.0), (6000.0, 50.0, 6000.0)),
    ],
)
def test_what_the_gauge_showed_right_after_a_sleep(joules: float, gauge_watts: float, doubted: float) -> None:
    """Alike, it leaves a quarter; apart, all of it; and far below any reading awake it tells work from a step."""
    alone = AloneIntervals().joined(60.0, joules, Slept(60.0, 60.0 * gauge_watts))
    assert alone.doubted_sleep(AwakeWatts(80.0, 120.0), 75.0, 0.0)[0] == pytest.approx(doubted)


def test_of_many_sleeps_one_may_hide_a_step() -> None:
    """A laptop that sleeps a hundred times keeps as many of them in mind as it has to, and doubts the worst."""
    alone = AloneIntervals()
    for number in range(100):
        alone = alone.joined(60.0, 100.0 + number, Slept(60.0))
    awake = AwakeWatts(80.0, 120.0)
    assert alone.doubted_sleep(awake, 75.0, 0.1)[0] == pytest.approx(199.0)
    assert AloneIntervals().joined(60.0, 300.0).doubted_sleep(awake, 75.0, 0.1) == (0.0, 0.0)


@pytest.mark.parametrize("begin", [lambda: 40.0, lambda: 40.7])
def test_a_counter_that_steps_in_a_sleep_of_a_simulated_machine(simulate: Simulate, begin: Callable[[], float]) -> None:
    """From both clocks to the interval: the real binding, the sensors and the recorder."""
    begins = OPENED_AT + begin()
    work = Waveform(
        (
            constant(40.0, begin=-3600.0, end=begins),
            square(0.0, 60.0, 0.43, end=begins),
            constant(0.0, begin=begins, end=begins + 120.0),
            constant(40.0, begin=begins + 120.0),
            square(0.0, 60.0, 0.43, begin=begins + 120.0),
        )
    )
    step = CounterFault(kind="step", at=begins + 50.0, amount=1500.0)
    machine = simulate(with_faults("gb10", waveform=work, counter=Counter(faults=(step,))))
    machine.advance(OPENED_AT)
    clock = MachineClock(machine)
    recorder = Recorder(open_nvml(SIMULATED), clock=clock)
    run(recorder, machine, begin())
    clock.suspend(120.0)
    run(recorder, machine, 60.0)
    recording = recorder.stop()
    assert_sound(recording)
    energy, true = recording.energy.gpu, truth(machine, recording.duration_seconds)
    assert energy.value == pytest.approx(true + 1500.0, rel=0.01)
    assert_holds(energy, true)


def test_a_step_in_a_sleep_that_only_a_late_reading_tells() -> None:
    """After the sleep each call takes too long: the counter's latest value is of some moment within one."""
    clock = FakeClock()
    work = Waveform(
        (constant(40.0, end=40.0), square(0.0, 60.0, 0.43, begin=8.0, end=40.0), constant(40.0, begin=100.0))
    )
    gpu = VirtualGpu(waveform=work, **GB10)

    def now() -> float:
        at = clock.elapsed_seconds() - 1000.0
        if at > 99.0:
            clock.advance(0.8)
        return at

    sensors = (
        sensor("gpu_energy", lambda: gpu.joules(at := now()) + (900.0 if at > 70.0 else 0.0), 0),
        sensor("gpu_power", lambda: gpu.watts(now()), 0),
    )
    recorder = Recorder(SensorSet(sensors=sensors, devices=(device(),)), clock=clock)
    recorded.run(recorder, clock, 40.0)
    clock.suspend(60.0)
    recorded.run(recorder, clock, 3.0)
    recording = recorder.stop()
    assert any("came with a slow call" in note for note in recording.notes)
    energy = recording.energy.gpu
    assert energy.value is not None
    assert energy.recording_low is not None
    true = gpu.truth(0.0, recording.duration_seconds)
    assert energy.value > true + 600.0
    assert energy.recording_low <= true
