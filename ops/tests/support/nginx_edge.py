"""The real Nginx on the project's configuration, with stand-ins for the three services behind it."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from stub_upstreams import Upstream
from vitrine_ops.binaries import find_nginx
from vitrine_ops.nginx import NginxConfiguration
from vitrine_ops.options import Options
from vitrine_ops.places import Places

CHECKOUT = Path(__file__).resolve().parents[3]
NAMES = ("users", "catalog", "gateway")


@dataclass(frozen=True)
class Raw:
    """What came back for a path sent exactly as it stands."""

    status: int
    body: bytes


@dataclass
class Edge:
    """A running Nginx and the stand-ins behind it."""

    port: int
    places: Places
    upstreams: dict[str, Upstream]
    configuration: NginxConfiguration

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def raw(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Raw:
        """A request whose path reaches Nginx exactly as it stands here."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        with closing(connection):
            response = connection.getresponse()
            return Raw(response.status, response.read())


@contextmanager
def running(
    folder: Path, *, instances: int = 1, limit_loopback: bool = False, public_url: str = ""
) -> Iterator[Edge]:
    """Nginx on a free port, with so many stand-ins for each service; all of it ends with the context."""
    options = Options(port=free_port(), limit_loopback=limit_loopback, public_url=public_url)
    places = Places(folder / "s")
    places.make()
    configuration = NginxConfiguration(places, find_nginx())
    configuration.install(CHECKOUT / "nginx")
    static = folder / "static"
    (static / "css").mkdir(parents=True)
    (static / "css" / "site.css").write_text("body{}" * 1000, encoding="utf-8")
    (static / "face.woff2").write_bytes(b"face")
    (places.media / "p.webp").write_bytes(b"picture")
    sockets = {name: [places.run / f"{name}-{number}.sock" for number in range(instances)] for name in NAMES}
    upstreams = {
        path.stem if instances > 1 else name: Upstream(name, path)
        for name, paths in sockets.items()
        for path in paths
    }
    configuration.write_env(options, upstreams=sockets, static=static)
    if os.geteuid() == 0:
        # The stack never runs Nginx as root; a test that does must let it stay root, to enter its folders.
        main = configuration.env / "main.conf"
        main.write_text(f"user root;\n{main.read_text(encoding='utf-8')}", encoding="utf-8")
    configuration.test()
    log = (places.log / "nginx.log").open("wb")
    process = subprocess.Popen([*configuration.command, "-g", "daemon off;"], cwd=places.run, stderr=log)
    edge = Edge(options.port, places, upstreams, configuration)
    try:
        wait_for(lambda: answers(edge))
        yield edge
    finally:
        process.terminate()
        process.wait(timeout=10)
        for one in upstreams.values():
            one.stop()
        log.close()


def answers(edge: Edge) -> bool:
    try:
        return httpx.get(f"{edge.url}/nginx-health").status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(condition: Callable[[], object], timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
