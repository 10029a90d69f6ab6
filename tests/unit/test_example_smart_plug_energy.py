"""The example sensor package through the recorder: coarse steps, restarts, silence, and nothing of its address."""

from __future__ import annotations

import math

import pytest
from plug_server import Server, said

import cardcallback_smart_plug as example
from cardcallback.record import Energy, encode
from cardcallback.recorder import Recorder, Recording
from cardcallback.render.section.whole import render_section
from cardcallback.sensors import Sensor, SensorSet
from cardcallback.testing import FakeClock, make_record
from cardcallback_smart_plug import POLL_SECONDS, Answer, Plug, sensors_of
from waveforms import Waveform, constant, square

STEP_JOULES = 3600.0


class PluggedIn:
    """A plug on a driven clock behind a real server: whole watts, steps of a watt-hour, and what goes wrong."""

    def __init__(self, server: Server, waveform: Waveform, start_joules: float = 44_441_111.0) -> None:
        self.clock = FakeClock()
        self.waveform = waveform
        self.start_joules = start_joules
        self.restarts_at = math.inf
        self.silent = (math.inf, math.inf)
        server.reply = self.reply
        self.plug = Plug(server.url, clock=self.clock.elapsed_seconds)
        self.plug.ask()

    def now(self) -> float:
        """Seconds since the session began."""
        return self.clock.elapsed_seconds() - 1000.0

    def reply(self) -> tuple[int, bytes]:
        """The answer at this time."""
        now = self.now()
        if self.silent[0] <= now < self.silent[1]:
            return 500, b""
        if now >= self.restarts_at:
            joules = self.waveform.energy_joules(self.restarts_at, now)
        else:
            joules = self.start_joules + self.waveform.energy_joules(0.0, now)
        watt_hours = math.floor(joules / STEP_JOULES)
        return 200, said(round(self.waveform.power_watts(now)), watt_hours / 1000)

    def sensors(self) -> list[Sensor]:
        """The sensors as they open beside a machine that stands idle at 40 W."""
        return sensors_of(self.plug, Answer(0.0, 40.0, 0.0))

    def record(self, seconds: float) -> Recording:
        """One session, in which the plug is asked every two seconds."""
        recorder = Recorder(SensorSet(sensors=tuple(self.sensors())), clock=self.clock)
        end, asked = self.clock.elapsed_seconds() + seconds, 0.0
        while self.clock.elapsed_seconds() < end:
            if self.now() >= asked:
                self.plug.ask()
                asked += POLL_SECONDS
            wait = min(recorder.sample_due(), asked - self.now())
            self.clock.advance(min(max(wait, 1e-2), end - self.clock.elapsed_seconds()))
        return recorder.stop()


def assert_holds(energy: Energy, truth: float) -> None:
    """The interval has the truth in it, and is as wide as half a step of what the plug shows at least."""
    system = energy.system
    assert system.value is not None
    assert system.recording_low is not None
    assert system.recording_high is not None
    assert system.recording_low <= truth <= system.recording_high
    assert system.window is not None
    half_a_watt = 0.5 * (system.window.end_seconds or 0.0)
    assert system.recording_high - system.value >= min(half_a_watt, STEP_JOULES)
    assert system.value - system.recording_low >= min(half_a_watt, STEP_JOULES)


@pytest.mark.parametrize("seconds", [120.0, 600.0, 3600.0])
@pytest.mark.parametrize("start", [0.0, 3599.0, 1800.0])
def test_a_coarse_counter_claims_no_more_than_its_steps(server: Server, seconds: float, start: float) -> None:
    """Steps of 3.6 kJ, wherever in one the run begins: the interval holds the truth."""
    waveform = Waveform((square(80.0, 140.0, 7.3),))
    plugged = PluggedIn(server, waveform, 1000 * STEP_JOULES + start)
    recording = plugged.record(seconds)
    assert_holds(recording.energy, waveform.energy_joules(0.0, seconds))
    assert recording.energy.system.covers == ("everything on the plug",)


def test_a_plug_that_restarts_its_counter(server: Server) -> None:
    """The counter begins again at zero half-way: that step is bridged with the plug's power, and a note says so."""
    waveform = Waveform((constant(120.0),))
    plugged = PluggedIn(server, waveform)
    plugged.restarts_at = 900.0
    recording = plugged.record(1800.0)
    assert_holds(recording.energy, 120.0 * 1800.0)
    assert recording.energy.system.value == pytest.approx(120.0 * 1800.0, rel=0.03)
    assert any("went back once" in note for note in recording.notes)


def test_a_plug_that_is_silent_for_a_while(server: Server) -> None:
    """Two minutes without an answer: the counter bridges them, and the failed readings are counted in a note."""
    waveform = Waveform((constant(120.0),))
    plugged = PluggedIn(server, waveform)
    plugged.silent = (600.0, 720.0)
    recording = plugged.record(1800.0)
    assert_holds(recording.energy, 120.0 * 1800.0)
    assert any("readings failed" in note for note in recording.notes)
    assert "127.0.0.1" not in " ".join(recording.notes)


def test_the_address_is_in_nothing_that_is_written(server: Server) -> None:
    """Neither record nor card nor what a sensor says of itself holds where the plug is."""
    plugged = PluggedIn(server, Waveform((constant(120.0),)))
    recording = plugged.record(60.0)
    record = make_record(energy=recording.energy, notes=recording.notes, traces=recording.traces)
    for text in (encode(record), render_section(record), repr([one.spec for one in plugged.sensors()])):
        assert "127.0.0.1" not in text
        assert "http://127" not in text
    assert example.VARIABLE not in render_section(record)
