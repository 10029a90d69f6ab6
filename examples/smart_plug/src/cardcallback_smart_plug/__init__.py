"""A smart plug on the local network as the whole machine's sensor; does nothing unless SMART_PLUG_URL is set."""

from __future__ import annotations

import json
import math
import os
import threading
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors import Sensor, SensorSpec
from cardcallback.units import JOULES_PER_KILOWATT_HOUR

VARIABLE = "SMART_PLUG_URL"
POLL_SECONDS = 2.0
TIMEOUT_SECONDS = 1.0
# A value is as good as its age: beyond this it is missing.
OLDEST_SECONDS = 3 * POLL_SECONDS
# So many answers that nobody read: training is over, and the plug is left alone.
_LEFT_ALONE_AFTER = 30
_LARGEST_ANSWER_BYTES = 65536

# Tasmota shows power in whole watts and energy in thousandths of a kilowatt-hour; no plug carries 4 kW.
_STEP_JOULES = 0.001 * JOULES_PER_KILOWATT_HOUR
_STEP_WATTS = 1.0
_HIGHEST_WATTS = 4000.0
_ACCURACY = InstrumentAccuracy(statement="not published (it shows steps of 1 W and of 0.001 kWh)")
# A machine that draws less than this while the sensors open is switched off or plugged in elsewhere.
_LOWEST_WATTS = 5.0
_SCOPE = Scope(
    gpu_core="yes",
    gpu_memory="yes",
    cpu="yes",
    host_dram="yes",
    network="yes",
    regulators="yes",
    supply_loss="yes",
)


def _values(answer: Any) -> tuple[float, float]:
    """Watts and kilowatt-hours in Tasmota's answer to "Status 8"."""
    energy = answer["StatusSNS"]["ENERGY"]
    return energy["Power"], energy["Total"]


@dataclass(frozen=True)
class Answer:
    """What the plug said, and when by the plug's own clock in this process."""

    at_seconds: float
    watts: float
    joules: float


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A plug that sends us elsewhere is no plug."""


class Plug:
    """One plug: asked when told to, its newest answer kept."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        # No proxy: the plug is on the local network, and its address is nobody else's business.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        self._answer: Answer | None = None
        self._failure = "the plug did not answer in time"

    def ask(self) -> None:
        """Ask the plug once; waits ``TIMEOUT_SECONDS`` at most for each part of the answer."""
        try:
            watts, kilowatt_hours = self._ask()
        except SensorReadError as error:
            self._failure = str(error)
            return
        self._answer = Answer(self._clock(), watts, kilowatt_hours * JOULES_PER_KILOWATT_HOUR)

    def newest(self) -> Answer:
        """The newest answer.

        Raises:
            SensorReadError: there is none, or it is too old; the reason never holds the address.
        """
        answer = self._answer
        if answer is None or self._clock() - answer.at_seconds > OLDEST_SECONDS:
            raise SensorReadError(self._failure)
        return answer

    def _ask(self) -> tuple[float, float]:
        try:
            with self._opener.open(self._url, timeout=TIMEOUT_SECONDS) as response:
                status, body = response.status, response.read(_LARGEST_ANSWER_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                msg = f"the plug answered with status {error.code}"
            raise SensorReadError(msg) from None
        except (OSError, HTTPException, ValueError):
            # Without the cause: its text holds the address.
            msg = "the plug did not answer"
            raise SensorReadError(msg) from None
        if status != HTTPStatus.OK:
            msg = f"the plug answered with status {status}"
            raise SensorReadError(msg)
        return _checked(body)


class Poller:
    """Asks a plug again and again in a thread of its own, for as long as someone reads it."""

    def __init__(self, plug: Plug) -> None:
        self._plug = plug
        self._lock = threading.Lock()
        self._read = threading.Event()
        self._asked = threading.Event()
        self._thread: threading.Thread | None = None

    def newest(self, wait_seconds: float = 0.0) -> Answer:
        """The newest answer; ``wait_seconds`` is how long to wait for the first one.

        Raises:
            SensorReadError: as ``Plug.newest``.
        """
        self._read.set()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=_keep_asking, args=(weakref.ref(self),), daemon=True)
                self._thread.start()
        self._asked.wait(wait_seconds)
        return self._plug.newest()

    def ask(self) -> bool:
        """Ask once; whether anyone has read since this was last called."""
        wanted = self._read.is_set()
        self._read.clear()
        self._plug.ask()
        self._asked.set()
        return wanted


def _keep_asking(reference: weakref.ref[Poller]) -> None:
    """Ends when the poller is gone, or nobody has read it for long: training is over."""
    pause, unread = threading.Event(), 0
    while unread < _LEFT_ALONE_AFTER and (poller := reference()) is not None:
        unread = 0 if poller.ask() else unread + 1
        del poller
        pause.wait(POLL_SECONDS)


class _Answers(Protocol):
    def newest(self) -> Answer:
        """The newest answer."""


class PlugSensor:
    """One of the plug's two values: power now, or energy since the plug began to count."""

    def __init__(self, plug: _Answers, value: Literal["watts", "joules"], spec: SensorSpec) -> None:
        self._plug = plug
        self._value = value
        self.spec = spec

    def read(self) -> float:
        """The newest value in ``spec.unit``, without waiting for the plug.

        Raises:
            SensorReadError: the plug has not answered lately, or not as a plug does.
        """
        return float(getattr(self._plug.newest(), self._value))


def open_sensors(environ: Mapping[str, str] = os.environ) -> list[Sensor]:
    """The plug's power and energy; no sensor and no network call without ``SMART_PLUG_URL``.

    Raises:
        CardCallbackError: the address is none, or the plug does not answer; the message does not hold it.
    """
    url = environ.get(VARIABLE, "").strip()
    if not url:
        return []
    if not _is_address(url):
        msg = f"{VARIABLE} is no address: give http:// and what the plug's answer is fetched from"
        raise CardCallbackError(msg)
    poller = Poller(Plug(url))
    try:
        first = poller.newest(wait_seconds=2 * TIMEOUT_SECONDS)
    except SensorReadError as error:
        msg = f"{error}: check {VARIABLE}"
        raise CardCallbackError(msg) from None
    return sensors_of(poller, first)


def sensors_of(plug: _Answers, first: Answer) -> list[Sensor]:
    """Energy and power of a plug that answered; ``first`` tells whether anything runs on it.

    Raises:
        CardCallbackError: nothing that runs is plugged in.
    """
    if first.watts < _LOWEST_WATTS:
        msg = f"the plug shows less than {_LOWEST_WATTS:g} W: plug the machine into it"
        raise CardCallbackError(msg)
    energy = SensorSpec(
        quantity="system_energy",
        source="smart plug",
        kind="counter",
        unit="joules",
        scope=_SCOPE,
        covers="everything on the plug",
        interval_seconds=POLL_SECONDS,
        # The newest answer may be that old.
        refresh_seconds=OLDEST_SECONDS,
        resolution=_STEP_JOULES,
        accuracy=_ACCURACY,
    )
    # What the plug sees between two answers is not published: its power has no averaging_seconds.
    power = replace(energy, quantity="system_power", kind="gauge", unit="watts", resolution=_STEP_WATTS)
    return [PlugSensor(plug, "joules", energy), PlugSensor(plug, "watts", power)]


def _checked(body: bytes) -> tuple[float, float]:
    """Watts and kilowatt-hours of an answer that is what a plug says."""
    try:
        watts, kilowatt_hours = map(_number, _values(json.loads(body)))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        msg = "the answer is not what a plug says"
        raise SensorReadError(msg) from None
    if not 0 <= watts <= _HIGHEST_WATTS or not kilowatt_hours >= 0:
        msg = f"the plug shows what cannot be: {watts:g} W, {kilowatt_hours:g} kWh"
        raise SensorReadError(msg)
    return watts, kilowatt_hours


def _number(value: Any) -> float:
    # A text such as "61 W" or a switch's true is another answer than the one this was made for.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
