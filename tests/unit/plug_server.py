"""A plug's web server on the loopback interface, for the tests of the example sensor package."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

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
