"""Nginx before the bridge for the page measurement: the project's own cache settings, uncached, cached and static."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from vitrine_ops.bench.servers import Contender, Running, free_port
from vitrine_ops.binaries import find_nginx
from vitrine_ops.exits import Exit, Failure

_CONFIGURATION = """
daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    include {checkout}/nginx/mime.types; access_log off; client_body_temp_path tmp; proxy_temp_path tmp;
    fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp; proxy_cache_path cache
    keys_zone=vitrine:8m inactive=10m; map "" $vitrine_scheme {{ default http; }} map "" $vitrine_token {{
    default ""; }} include {checkout}/nginx/conf.d/requests.conf; include
    {checkout}/nginx/conf.d/cache.conf; include {checkout}/nginx/conf.d/identity.conf; upstream app
    {{ server 127.0.0.1:{app_port}; keepalive 64; }} server
    {{
        listen 127.0.0.1:{port};
        location = /uncached {{ include snippets/proxy.conf; proxy_pass http://app/products; }}
        location = /cached {{
            include snippets/proxy.conf;
            include snippets/cached.conf;
            proxy_pass http://app/products;
        }}
        location = /static {{ default_type text/html; alias {folder}/page.html; }}
    }}
}}
"""


@contextmanager
def nginx(app: Running, checkout: Path, folder: Path, account: Mapping[str, Any]) -> Iterator[Running]:
    """Nginx with one worker before the app; `/uncached`, `/cached` and `/static` answer the same bytes.

    Raises:
        Failure: Nginx does not start.
    """
    place = folder / "nginx"
    shutil.copytree(checkout / "nginx" / "snippets", place / "snippets")
    for name in ("tmp", "cache"):
        (place / name).mkdir()
    with urllib.request.urlopen(f"http://127.0.0.1:{app.port}/products", timeout=10) as answer:
        (place / "page.html").write_bytes(answer.read())
    port = free_port()
    text = _CONFIGURATION.format(checkout=checkout, app_port=app.port, port=port, folder=place)
    (place / "nginx.conf").write_text(text)
    if account:
        for path in (place, *place.rglob("*")):
            shutil.chown(path, account["user"], account["group"])
    log = folder / "nginx.log"
    with log.open("wb") as output:
        process = psutil.Popen(
            [str(find_nginx().program), "-p", str(place), "-c", str(place / "nginx.conf"), "-e", "stderr"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=place,
            **account,
        )
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(Exit.SOFTWARE, f"Nginx did not start: {log.read_text()}") from None
                time.sleep(0.05)
        yield Running(Contender("nginx", "Nginx", ""), port, process)
    finally:
        process.terminate()
        process.wait(10)
