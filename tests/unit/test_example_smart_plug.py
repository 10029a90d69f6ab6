"""The example sensor package, against a real server on the loopback interface."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import cardcallback_smart_plug as example
from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.record import Energy, encode
from cardcallback.recorder import Recorder, Recording
from cardcallback.render.section.whole import render_section
from cardcallback.sensors import Sensor, SensorSet
from cardcallback.sensors.discovery import ENTRY_POINT_GROUP
from cardcallback.sensors.discovery import open_sensors as open_all
from cardcallback.testing import FakeClock, make_record
from cardcallback_smart_plug import OLDEST_SECONDS, POLL_SECONDS, VARIABLE, Answer, Plug, open_sensors, sensors_of
from waveforms import Waveform, constant, square

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(__file__).parents[2] / "examples" / "smart_plug"
STEP_JOULES = 3600.0
Reply = Callable[[], tuple[int, bytes]]


def said(watts: Any = 61, kilowatt_hours: Any = 12.345) -> bytes:
    """Tasmota's answer to "Status 8"."""
    energy = {"TotalStartTime": "2026-01-01T00:00:00", "Total": kilowatt_hours, "Power": watts, "Voltage": 230}
    return json.dumps({"StatusSNS": {"Time": "2026-03-02T10:00:00", "ENERGY": energy}}).encode()


class Server:
    """A plug's web server whose answer tests set; ``asked`` counts the requests."""

    def __init__(self) -> None:
        self.reply: Reply = lambda: (200, said())
        self.headers: dict[str, str] = {}
        self.asked = 0
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer as told."""
                outer.asked += 1
                status, body = outer.reply()
                with contextlib.suppress(OSError):  # a client that gave up
                    self.send_response(status)
                    for name, value in outer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing: the test's output is its own."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/cm?cmnd=Status%208"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A plug that answers."""
    server = Server()
    yield server
    server.close()


def failure(server: Server) -> str:
    """Why the answer was refused, which never holds the address."""
    plug = Plug(server.url)
    plug.ask()
    with pytest.raises(SensorReadError) as refused:
        plug.newest()
    assert "127.0.0.1" not in str(refused.value)
    assert refused.value.__cause__ is None
    return str(refused.value)


def test_power_and_energy_in_base_units(server: Server) -> None:
    """61 W and 12.345 kWh of the plug are 61 W and 44.4 MJ, of all that is plugged in, the supply's losses included."""
    sensors = open_sensors({VARIABLE: server.url})
    assert {one.spec.quantity: one.read() for one in sensors} == {
        "system_energy": pytest.approx(12.345 * 3.6e6),
        "system_power": 61.0,
    }
    assert {one.spec.scope.supply_loss for one in sensors} == {"yes"}
    assert all("not published" in one.spec.accuracy.statement for one in sensors)


def test_without_an_address_nothing_is_asked(server: Server) -> None:
    """No variable: no sensor, no default address, no request."""
    assert open_sensors({}) == []
    assert open_sensors({VARIABLE: "  "}) == []
    assert server.asked == 0


@pytest.mark.parametrize("url", ["192.168.1.40", "file:///etc/passwd", "ftp://plug/", "http://", "http://[::1"])
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    """Only http and https with a host are asked, and the message does not hold what was given."""
    with pytest.raises(CardCallbackError) as refused:
        open_sensors({VARIABLE: url})
    assert VARIABLE in str(refused.value)
    assert url.removeprefix("http://") not in str(refused.value) or url == "http://"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>plug</html>",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"StatusSNS": {"ENERGY": {"Power": 61}}}',
        b"[" * 60_000,
        said("61 W", 12.3),
        said(True, 12.3),  # noqa: FBT003
        said(math.nan, 12.3),
        said(61, None),
        said(10**400, 12.3),
    ],
)
def test_garbage_is_one_failed_reading(server: Server, body: bytes) -> None:
    """An answer of another shape, or with text for a number, is refused whole."""
    server.reply = lambda: (200, body)
    assert failure(server) == "the answer is not what a plug says"


@pytest.mark.parametrize(("watts", "kilowatt_hours"), [(61_000, 12.3), (-5, 12.3), (61, -1.0)])
def test_wrong_units_are_refused(server: Server, watts: float, kilowatt_hours: float) -> None:
    """A plug that counts in milliwatts would show 61 kW: no plug carries that."""
    server.reply = lambda: (200, said(watts, kilowatt_hours))
    assert "shows what cannot be" in failure(server)


@pytest.mark.parametrize("status", [500, 401, 204, 302])
def test_any_status_but_ok_is_a_failed_reading(server: Server, status: int) -> None:
    """An error, a locked page or a redirect to elsewhere is no reading, and no redirect is followed."""
    server.reply = lambda: (status, b"" if status == 204 else said())
    server.headers = {"Location": server.url} if status == 302 else {}
    assert failure(server) == f"the plug answered with status {status}"
    assert server.asked == 1


def test_a_plug_that_hangs_is_given_up_in_time(server: Server) -> None:
    """The request ends after its timeout; the reading itself waits for nothing."""

    def hang() -> tuple[int, bytes]:
        server.closing.wait(30.0)
        return 200, said()

    server.reply = hang
    assert failure(server) == "the plug did not answer"


def test_a_plug_that_is_not_there(server: Server) -> None:
    """A closed port is a message that says what to check."""
    server.close()
    with pytest.raises(CardCallbackError, match=f"^the plug did not answer: check {VARIABLE}$"):
        open_sensors({VARIABLE: server.url})


def test_an_old_answer_is_no_reading(server: Server) -> None:
    """After the plug fell silent its last value counts for a few seconds and no longer."""
    clock = FakeClock()
    plug = Plug(server.url, clock=clock.elapsed_seconds)
    plug.ask()
    server.reply = lambda: (500, b"")
    clock.advance(OLDEST_SECONDS)
    plug.ask()
    assert plug.newest().watts == 61.0
    clock.advance(0.1)
    with pytest.raises(SensorReadError, match="status 500"):
        plug.newest()


def test_nothing_plugged_in_is_said(server: Server) -> None:
    """A plug that shows 0 W does not feed the machine that reads it."""
    server.reply = lambda: (200, said(0))
    with pytest.raises(CardCallbackError, match="plug the machine into it"):
        open_sensors({VARIABLE: server.url})


def test_the_entry_point_of_the_package_opens_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the package's metadata name is found by the discovery, and its failure becomes a note without an address."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    (name, target), *rest = project["entry-points"][ENTRY_POINT_GROUP].items()
    assert not rest
    plugin = EntryPoint(name, target)

    def opened() -> SensorSet:
        return open_all(system_root=tmp_path, environ={}, open_gpus=lambda _: SensorSet(), plugins=[plugin])

    monkeypatch.setenv(VARIABLE, server.url)
    assert {"system_power", "system_energy"} <= {one.spec.quantity for one in opened().sensors}
    server.close()
    notes = opened().notes
    assert notes == (
        f"The sensors of the plugin smart_plug could not be opened: the plug did not answer: check {VARIABLE}.",
    )


class EntryPoint:
    """As importlib.metadata has it, for a package that is not installed."""

    def __init__(self, name: str, target: str) -> None:
        self.name = name
        self._target = target

    def load(self) -> Any:
        """What the entry point names."""
        module, _, attribute = self._target.partition(":")
        return getattr(import_module(module), attribute)


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
    """The interval has the truth in it, and is no narrower than a step of the plug's counter."""
    system = energy.system
    assert system.value is not None
    assert system.recording_low is not None
    assert system.recording_high is not None
    assert system.recording_low <= truth <= system.recording_high
    assert system.recording_high - system.value >= STEP_JOULES
    assert system.value - system.recording_low >= STEP_JOULES


@pytest.mark.parametrize("seconds", [120.0, 600.0, 3600.0])
@pytest.mark.parametrize("start", [0.0, 3599.0, 1800.0])
def test_a_coarse_counter_claims_no_more_than_its_steps(server: Server, seconds: float, start: float) -> None:
    """Steps of 3.6 kJ, wherever in one the run begins: the interval holds the truth and is as wide as a step."""
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
