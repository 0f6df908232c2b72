"""Stand-ins for the three services behind Nginx: they tell what reached them, and can be slow, failing or gone."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Upstream:
    """One HTTP server on a UNIX socket.

    Attributes:
        seen: every request in order: method, path, headers, the length of its body.
        answer: decides what comes back: status, headers and body for a request.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.seen: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]] = self.tell
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                upstream.serve(self)

            do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any  # noqa: N815 - the server looks for these names

            def log_message(self, *_arguments: object) -> None:
                """The test asks `seen`."""

            def address_string(self) -> str:
                return "unix"

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_UNIX
            daemon_threads = True

            def server_bind(self) -> None:
                self.socket.bind(str(path))
                self.server_name, self.server_port = "localhost", 0

            def get_request(self) -> tuple[socket.socket, Any]:
                connection, _ = self.socket.accept()
                return connection, ("unix", 0)

        self._server = Server(("", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Reads a request, remembers it, answers."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        length = self._read(handler, headers)
        request = {"method": handler.command, "path": handler.path, "headers": headers, "length": length}
        self.seen.append(request)
        status, extra, body = self.answer(request)
        handler.send_response_only(status)
        for name, value in extra.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def _read(self, handler: BaseHTTPRequestHandler, headers: dict[str, str]) -> int:
        if headers.get("transfer-encoding") == "chunked":
            total = 0
            while size := int(handler.rfile.readline(), 16):
                total += len(handler.rfile.read(size))
                handler.rfile.readline()
            handler.rfile.readline()
            return total
        total, rest = 0, int(headers.get("content-length", "0"))
        while rest and (chunk := handler.rfile.read(min(rest, 65536))):
            total, rest = total + len(chunk), rest - len(chunk)
        return total

    def tell(self, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """The plain answer: who was asked, and for what."""
        body = json.dumps({"service": self.name, "path": request["path"]}).encode()
        return (
            200,
            {"Content-Type": "application/json", "X-Request-Id": request["headers"].get("x-request-id", "")},
            body,
        )

    def stop(self) -> None:
        """Goes away like a killed process: the socket's file stays."""
        self._server.shutdown()
        self._server.server_close()


def slow(seconds: float) -> Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]:
    """An answer that takes its time."""

    def answer(_request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        time.sleep(seconds)
        return 200, {}, b"late"

    return answer
