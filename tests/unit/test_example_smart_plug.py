"""The example sensor package, against a real server on the loopback interface."""

from __future__ import annotations

import math
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from plug_server import Server, said

from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.sensors import SensorSet
from cardcallback.sensors.discovery import ENTRY_POINT_GROUP
from cardcallback.sensors.discovery import open_sensors as open_all
from cardcallback.testing import FakeClock
from cardcallback_smart_plug import OLDEST_SECONDS, VARIABLE, Plug, open_sensors

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(__file__).parents[2] / "examples" / "smart_plug"


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
