"""The Nginx of the page measurement: the project's own settings as they are now make one that answers."""

from __future__ import annotations

import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from vitrine_ops.bench import pages
from vitrine_ops.bench.servers import Contender, Running

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = b"<p>24 products</p>"


class Shop(BaseHTTPRequestHandler):
    """Answers with the page, and counts."""

    asked = 0

    def do_GET(self) -> None:
        Shop.asked += 1
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=60")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def shop() -> Iterator[Running]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Running(Contender("shop", "A shop", ""), server.server_port, psutil.Process())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Nginx's workers can read too, where root starts it."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_each_address_answers_and_one_is_cached(folder: Path) -> None:
    with shop() as app, pages.nginx(app, CHECKOUT, folder, {}) as before:

        def get(path: str) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{before.port}{path}", timeout=10) as answer:
                return bytes(answer.read())

        Shop.asked = 0
        assert [get(path) for path in ("/static", "/uncached", "/uncached", "/cached", "/cached")] == [
            PAGE
        ] * 5
        assert Shop.asked == 3
