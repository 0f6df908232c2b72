"""The bench of answer times: its measure, and what it says of a server that tells and of one that does not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from vitrine_ops.bench import main as bench
from vitrine_ops.bench import users


@contextmanager
def server(*, telling: bool = False, refusing: bool = False) -> Iterator[str]:
    """Answers as users does; one that tells takes longer for addresses that have an account."""
    accounts: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if telling and body["email"] in accounts:
                time.sleep(0.02)
            if "name" in body:
                accounts.add(body["email"])
            self.send_response(503 if refusing else 401 if self.path.endswith("/tokens") else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{found.server_address[1]}"
        finally:
            found.shutdown()
            thread.join()


def test_the_area_is_a_half_where_nothing_is_told_and_one_where_all_is() -> None:
    assert users.area([1, 2, 3], [1, 2, 3]) == 0.5
    assert users.area([4, 5], [1, 2]) == 1
    assert users.area([1, 2], [4, 5]) == 0


def test_a_server_that_tells_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(telling=True) as url:
        monkeypatch.setenv("VITRINE_BENCH_URL", url)
        assert bench(["users", "--parts", "times", "--pairs", "20", "--json"]) == 1

    found = json.loads(capsys.readouterr().out)
    assert all(found[name]["auc"] > 0.8 for name in ("login", "register", "reset"))
    assert all(found[name]["pairs"] == 20 for name in found)


def test_the_table_marks_what_misses_the_target() -> None:
    flow = users.Flow("login", "/tokens", lambda email: {"email": email}, 401, [5.0, 6.0], [1.0, 2.0])

    assert "1.000 (wanted 0.45 to 0.55)" in users.table([flow])


def test_an_unexpected_answer_ends_the_bench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(refusing=True) as url:
        monkeypatch.setenv("VITRINE_BENCH_URL", url)
        assert bench(["users", "--parts", "times", "--pairs", "1"]) == 70
    assert "register answered 503" in capsys.readouterr().err
