"""A Hub on this machine: what any process pushes, by whatever library, ends in commits that a check can read."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any

USER = "someone"
_CARD = "README.md"


@dataclass(frozen=True)
class Commit:
    """One commit: its message, its paths, and the text of each Markdown or JSON file by path."""

    message: str
    paths: tuple[str, ...]
    texts: dict[str, str]

    @property
    def cards(self) -> dict[str, str]:
        """Every model card in it, a checkpoint's included."""
        return {path: text for path, text in self.texts.items() if PurePosixPath(path).name == _CARD}


@dataclass
class HubServer:
    """The calls of an upload as the Hub answers them; whatever else is asked for does not exist there.

    Processes meet it by the variables of ``environment``, so that no library is changed for it.
    """

    commits: list[Commit] = field(default_factory=list)
    _server: _Server | None = None

    @property
    def endpoint(self) -> str:
        """The address of this Hub; only while it is serving."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to push here."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_TOKEN": "hf_ways",
            "HF_HUB_OFFLINE": "0",
            "TRANSFORMERS_OFFLINE": "0",
            # Chunked storage has a protocol of its own; without it every upload ends in a commit's own body.
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
        }

    @contextmanager
    def serving(self) -> Iterator[HubServer]:
        """Answer until the end of the block."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, path: str, body: bytes) -> dict[str, Any] | None:
        """The document that a call gives, or ``None`` for what is not there."""
        parts = path.split("?", maxsplit=1)[0].strip("/").split("/")
        if parts[-1] == "whoami-v2":
            return {"type": "user", "name": USER, "fullname": USER, "orgs": [], "auth": {"type": "access_token"}}
        if parts[1:] == ["repos", "create"]:
            return self._created(json.loads(body))
        if parts[-1] == "validate-yaml":
            return {"errors": [], "warnings": []}
        if "preupload" in parts:
            files = [one["path"] for one in json.loads(body)["files"]]
            return {"files": [{"path": one, "uploadMode": "regular", "shouldIgnore": False} for one in files]}
        if "commit" in parts:
            return self._committed(parts, body)
        return None

    def _created(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = f"{asked.get('organization') or USER}/{asked['name']}"
        return {"url": f"{self.endpoint}/{name}", "name": name, "id": name}

    def _committed(self, parts: list[str], body: bytes) -> dict[str, Any]:
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        message = next(line["value"]["summary"] for line in lines if line["key"] == "header")
        files = {line["value"]["path"]: line["value"]["content"] for line in lines if line["key"] == "file"}
        texts = {
            path: base64.b64decode(content).decode("utf-8")
            for path, content in files.items()
            if PurePosixPath(path).suffix in {".md", ".json"}
        }
        self.commits.append(Commit(message, tuple(sorted(files)), texts))
        number = f"{len(self.commits):040x}"
        url = f"{self.endpoint}/{'/'.join(parts[2:4])}/commit/{number}"
        return {"success": True, "commitUrl": url, "commitOid": number, "hookOutput": ""}


class _Server(ThreadingHTTPServer):
    """A server that knows its Hub."""

    hub: HubServer


class _Handler(BaseHTTPRequestHandler):
    """One connection of a process that pushes."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a question."""
        self._reply(self.server.hub.answer(self.path, b""))

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def do_POST(self) -> None:
        """Answer a request that brings something."""
        self._reply(self.server.hub.answer(self.path, self._body()))

    def log_message(self, *_: Any) -> None:
        """Say nothing: the output is the command's."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _reply(self, document: dict[str, Any] | None) -> None:
        content = json.dumps(document if document is not None else {"error": "not here"}).encode()
        self.send_response(200 if document is not None else 404)
        if document is None:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
