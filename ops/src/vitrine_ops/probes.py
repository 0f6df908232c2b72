"""Asks one instance over its own socket, or the public address, whether it is ready; standard library, no retries."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 where nothing did."""

    status: int
    document: dict[str, Any]

    @property
    def reason(self) -> str:
        """Why it is not ready, in its own words."""
        return str(
            self.document.get("reason") or (f"answers {self.status}" if self.status else "does not answer")
        )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask_socket(path: Path, target: str = "/readyz", *, timeout_s: float = 3.0) -> Answer:
    """GET over a UNIX socket."""
    return _ask(_UnixConnection(path, timeout_s), target)


def ask_port(host: str, port: int, target: str = "/nginx-health", *, timeout_s: float = 3.0) -> Answer:
    """GET over TCP."""
    return _ask(http.client.HTTPConnection(host, port, timeout=timeout_s), target)


def _ask(connection: http.client.HTTPConnection, target: str) -> Answer:
    try:
        connection.request("GET", target, headers={"Host": "localhost", "Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(65536)
    except (OSError, http.client.HTTPException):
        return Answer(0, {})
    finally:
        connection.close()
    try:
        found = json.loads(body)
    except ValueError:
        found = {}
    return Answer(response.status, found if isinstance(found, dict) else {})
